"""docs/FORMAT.md, section 8: shares of a secret, and the record of their set."""

import base64
from dataclasses import dataclass

from maker.primitives import sha256
from maker.values import require, u8

SIZE, TEXT_MAX, SECRET = 55, 1024, 32
GROUPS = ("coffer", "share", "1")
GROUP, GROUP_COUNT = 8, 11
THRESHOLD_MIN, COUNT_MAX = 2, 16
SEPARATORS = "- \t\r\n"
DIGITS = "abcdefghijklmnopqrstuvwxyz234567"


def make_tables():
    """Logarithms to the generator 3 of GF(2^8) with 11B, and back."""
    exp, value = [], 1
    for _ in range(255):
        exp.append(value)
        double = value << 1 ^ (0x11B if value & 0x80 else 0)
        value ^= double
    return exp, {value: power for power, value in enumerate(exp)}


EXP, LOG = make_tables()


def multiply(a, b):
    return EXP[(LOG[a] + LOG[b]) % 255] if a and b else 0


def divide(a, b):
    return EXP[(LOG[a] - LOG[b]) % 255] if a else 0


def evaluate(constant, coefficients, x):
    """Horner, from the highest power."""
    total = 0
    for coefficient in reversed(coefficients):
        total = multiply(total ^ coefficient, x)
    return total ^ constant


def value_at(secret, coefficients, index):
    """`coefficients` is 32 bytes for each power from 1."""
    return bytes(evaluate(secret[i], [c[i] for c in coefficients], index) for i in range(SECRET))


def interpolate(points):
    """The value at 0 of index -> value."""
    secret = bytearray(SECRET)
    for i, value in points.items():
        weight = 1
        for j in points:
            if j != i:
                weight = multiply(weight, divide(j, i ^ j))
        for at, byte in enumerate(value):
            secret[at] ^= multiply(weight, byte)
    return bytes(secret)


@dataclass(frozen=True)
class Share:
    set_uuid: bytes
    threshold: int
    index: int
    value: bytes

    def digest(self):
        return sha256(b"coffer/v1/share\0" + self.set_uuid + u8(self.index) + self.value)


def with_check(body):
    return body + sha256(b"coffer/v1/share-check\0" + body)[:4]


def encode(share, version=1):
    return with_check(u8(version) + share.set_uuid + u8(share.threshold) + u8(share.index) + share.value)


def decode(data):
    require(len(data) == SIZE, "length")
    require(with_check(data[:-4]) == data, "check")
    require(data[0] == 1, "version")
    share = Share(data[1:17], data[17], data[18], data[19:51])
    require(share.set_uuid != bytes(16), "set UUID")
    require(THRESHOLD_MIN <= share.threshold <= COUNT_MAX, "threshold")
    require(share.index >= 1, "index")
    return share


def to_text(data):
    text = base64.b32encode(data).decode().lower()
    return "-".join(list(GROUPS) + [text[i:i + GROUP] for i in range(0, len(text), GROUP)])


def parse_groups(text):
    """The 88 digits; `text` is bytes."""
    require(len(text) <= TEXT_MAX, "text length")
    text, at, found = text.decode("latin-1"), 0, []
    for size in [len(group) for group in GROUPS] + [GROUP] * GROUP_COUNT:
        while at < len(text) and text[at] in SEPARATORS:
            at += 1
        group = text[at:at + size]
        at += size
        require(group.isascii() and len(group) == size, "group")
        found.append(group.lower())
    require(tuple(found[:3]) == GROUPS, "name")
    require(all(c in DIGITS for c in "".join(found[3:])), "group")
    require(not text[at:].strip(SEPARATORS), "behind")
    return "".join(found[3:])


def parse_text(text):
    return decode(base64.b32decode(parse_groups(text).upper()))


@dataclass(frozen=True)
class ShareSet:
    set_uuid: bytes
    threshold: int
    digests: tuple


def encode_set(record, version=1, count=None):
    count = len(record.digests) if count is None else count
    return u8(version) + record.set_uuid + u8(record.threshold) + u8(count) + b"".join(record.digests)


def decode_set(data):
    require(len(data) >= 19, "length")
    require(data[0] == 1, "version")
    require(data[1:17] != bytes(16), "set UUID")
    threshold, count = data[17], data[18]
    require(THRESHOLD_MIN <= threshold <= COUNT_MAX, "threshold")
    require(threshold <= count <= COUNT_MAX, "count")
    require(len(data) == 19 + 32 * count, "length")
    return ShareSet(data[1:17], threshold, tuple(data[i:i + 32] for i in range(19, len(data), 32)))


def split(secret, coefficients, count, set_uuid):
    threshold = len(coefficients) + 1
    shares = [Share(set_uuid, threshold, index, value_at(secret, coefficients, index))
              for index in range(1, count + 1)]
    return shares, ShareSet(set_uuid, threshold, tuple(share.digest() for share in shares))


def admit(record, share):
    """What a combiner checks of a share before it counts it."""
    require(share.set_uuid == record.set_uuid, "another set")
    require(share.threshold == record.threshold, "another threshold")
    require(share.index <= len(record.digests), "index above count")
    require(share.digest() == record.digests[share.index - 1], "digest")


def check():
    """FIPS 197, 4.2 and 4.2.1."""
    assert multiply(0x57, 0x83) == 0xC1 and multiply(0x57, 0x13) == 0xFE
    assert divide(1, 0x53) == 0xCA
