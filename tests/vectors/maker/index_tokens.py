"""docs/FORMAT.md, section 5: index tokens."""

import ctypes
import re
import struct

from maker.derivation import derive, index_fields
from maker.primitives import hmac_sha256
from maker.transforms import TEXT_MAX, decode
from maker.values import lp, require, u8, u32, u64

KINDS = {"equality": 1, "prefix": 2, "ngram": 3, "range": 4, "compound": 5}
ARRAYS = ("prefix", "ngram", "range")
SEARCH_MAX = 16384


def check_form(form):
    kind, count = form["kind"], form.get("count", 0)
    require(form["profile"] >= 1, "profile")
    ranges = {"int4": range(1, 32), "int8": range(1, 64), "bytea": (128, 256)}
    require(form["bits"] in ranges[form["column"]], "bits")
    require(1 <= form["partitions"] <= 256, "partitions")
    for setting, owner in (("lengths", "prefix"), ("n", "ngram"), ("sparsity", "range")):
        require((setting in form) == (kind == owner), "setting of another kind")
    if kind in ARRAYS:
        require(form["column"] == "int8" and 1 <= count <= 255, "array")
        require(form["bits"] >= (32 if count > 192 else 10), "array's bits")
        require("slow" not in form, "slow array")
    else:
        require(count == 0, "count")
    if kind == "prefix":
        lengths = form["lengths"]
        require(lengths and all(1 <= k <= 255 for k in lengths), "lengths")
        require(lengths == sorted(set(lengths)) and len(lengths) <= count, "lengths")
    if kind == "ngram":
        require(2 <= form["n"] <= 16, "n")
    if kind == "range":
        require(1 <= form["sparsity"] <= 8 and form["min"] < form["max"], "domain")
        require(len(levels(form)) <= count, "count")
    if "slow" in form:
        passes, memory = form["slow"]
        require(1 <= passes <= 16 and 8192 <= memory <= 262144, "slow")


# ---- Orders of types.

DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def order_of_int64(number):
    require(-2**63 <= number < 2**63, "int64")
    return number + 2**63


def order_of_timestamp(number):
    require(-2**63 < number < 2**63 - 1, "infinity")
    return number + 2**63


def order_of_decimal(text, scale):
    require(0 <= scale <= 18, "scale")
    require(len(text) <= 64 and DECIMAL.fullmatch(text) is not None, "decimal")
    whole, _, fraction = text.lstrip("-").partition(".")
    number = int(whole + fraction) * 10**scale
    require(number % 10**len(fraction) == 0, "inexact")
    number = number // 10**len(fraction) * (-1 if text.startswith("-") else 1)
    return order_of_int64(number)


def order_of_double(raw):
    """From the 8 bytes of the IEEE 754 form."""
    number = struct.unpack(">d", raw)[0]
    require(number == number, "NaN")
    bits = int.from_bytes(struct.pack(">d", 0.0 if number == 0 else number), "big")
    return bits ^ (2**64 - 1) if bits >> 63 else bits | 2**63


# ---- Ranges: here every interval is (level, prefix).

def width(form):
    return (form["max"] - form["min"]).bit_length()


def levels(form):
    return list(range(0, width(form), form["sparsity"]))


def position(form, order):
    require(form["min"] <= order <= form["max"], "outside the domain")
    return order - form["min"]


def edges(form, u):
    return [(level, u >> level) for level in levels(form)]


def cover(form, low, high):
    chosen, at = [], low
    while at <= high:
        level = max(k for k in levels(form) if at % 2**k == 0 and at + 2**k - 1 <= high)
        chosen.append((level, at >> level))
        at += 2**level
    return chosen


# ---- Tokens.

def argon2id(password, salt, passes, memory_kib):
    """libsodium's; Debian's python3-cryptography has none."""
    sodium = ctypes.CDLL("libsodium.so.23")
    assert sodium.sodium_init() >= 0
    out = ctypes.create_string_buffer(32)
    version_13_id = 2
    assert sodium.crypto_pwhash(
        out, ctypes.c_ulonglong(32), password, ctypes.c_ulonglong(len(password)), salt,
        ctypes.c_ulonglong(passes), ctypes.c_size_t(memory_kib * 1024), version_13_id) == 0
    return out.raw


class Index:
    def __init__(self, key, tenant, domain, form):
        check_form(form)
        fields = index_fields(tenant, domain, form["profile"])
        self.form = form
        self.idx, self.pad, self.slw = (derive(key, label, fields) for label in ("idx", "pad", "slw"))

    def message(self, partition, part, value):
        kind = KINDS[self.form["kind"]] | (0x80 if "slow" in self.form else 0)
        return u32(self.form["profile"]) + u8(kind) + u8(partition) + u8(part) + lp(value)

    def cut(self, mac):
        if self.form["column"] == "bytea":
            return mac[:self.form["bits"] // 8]
        return int.from_bytes(mac[:8], "big") >> (64 - self.form["bits"])

    def token(self, partition, part, value):
        return self.cut(hmac_sha256(self.idx, self.message(partition, part, value)))

    def fill(self, tokens, partition, whole):
        array = set(tokens)
        require(len(array) <= self.form["count"], "more tokens than the count")
        for i in range(256):
            if len(array) < self.form["count"]:
                array.add(self.cut(hmac_sha256(self.pad, self.message(partition, i, whole))))
        require(len(array) == self.form["count"], "not enough pads")
        return sorted(array)

    def ngrams(self, text, first, last):
        n = self.form["n"]
        grams = [(0, text[i:i + n]) for i in range(len(text) - n + 1)]
        marks = [(1, text[:n])] * first + [(2, text[-n:])] * last
        return grams + marks if grams else []

    def value(self, raw):
        require(len(raw) <= TEXT_MAX or self.form["kind"] == "compound", "length")
        if "slow" in self.form:
            return argon2id(raw, self.slw, *self.form["slow"])
        return raw

    def stored(self, raw, partition):
        assert partition < self.form["partitions"]
        if self.form["kind"] in ("equality", "compound"):
            return [self.token(partition, 0, self.value(raw))]
        text = decode(raw)
        if self.form["kind"] == "prefix":
            parts = [(k, text[:k]) for k in self.form["lengths"] if len(text) >= k]
        else:
            parts = self.ngrams(text, True, True)
        tokens = [self.token(partition, part, value.encode("utf-8")) for part, value in parts]
        return self.fill(tokens, partition, raw)

    def stored_range(self, order, partition):
        u = position(self.form, order)
        tokens = [self.token(partition, level, u64(prefix)) for level, prefix in edges(self.form, u)]
        return self.fill(tokens, partition, u64(u))

    def everywhere(self, parts):
        """The tokens of all partitions; (alternatives, needs a filter)."""
        tokens = {self.token(p, part, value)
                  for p in range(self.form["partitions"]) for part, value in parts}
        require(len(parts) * self.form["partitions"] <= SEARCH_MAX, "too many tokens")
        return [sorted(tokens)]

    def search(self, raw, at_start=False, at_end=False):
        kind = self.form["kind"]
        require(kind == "ngram" or not (at_start or at_end), "anchors of another kind")
        require(raw.strip(b"\0") if kind == "compound" else raw, "empty")
        if kind in ("equality", "compound"):
            return self.everywhere([(0, self.value(raw))]), False
        text = decode(raw)
        if kind == "prefix":
            fitting = [k for k in self.form["lengths"] if k <= len(text)]
            require(fitting, "short needle")
            length = fitting[-1]
            return self.everywhere([(length, text[:length].encode("utf-8"))]), len(text) != length
        require(len(text) >= self.form["n"], "short needle")
        parts = self.ngrams(text, at_start, at_end)
        groups = [sorted({self.token(p, part, value.encode("utf-8")) for part, value in parts})
                  for p in range(self.form["partitions"])]
        require(all(len(group) <= self.form["count"] for group in groups), "long needle")
        require(sum(map(len, groups)) <= SEARCH_MAX, "too many tokens")
        return groups, len(text) != self.form["n"]

    def search_range(self, low, high):
        low, high = position(self.form, low), position(self.form, high)
        require(low <= high, "low > high")
        parts = [(level, u64(prefix)) for level, prefix in cover(self.form, low, high)]
        return self.everywhere(parts), False


def pack_compound(values):
    require(2 <= len(values) <= 16, "parts")
    if None in values:
        return None
    return b"".join(map(lp, values))
