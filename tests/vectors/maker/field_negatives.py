"""field_ciphertext.json and field_ciphertext_siv.json: the cases that must be refused.

Each is refused by the check that it names here; a reader sees one error for all of them.
"""

from dataclasses import replace

from maker.cases import flip, refusal, seeded, seeded_id
from maker.field import OVERHEAD, assemble, associated_data, decrypt, encrypt, pad
from maker.values import (NULL, bound, composite, encode_row, int64, lp, raw_bytes, text, u8, u64,
                          uuid)

PLAINTEXT = b"correct horse battery"
AUTHENTICATION = {1: "tag", 2: "tag and commitment", 4: "tag"}


class Negatives:
    """Adds negatives of one suite and checks that each is refused, and why."""

    def __init__(self, cases, bases, fields_of):
        self.cases, self.bases, self.fields_of = cases, bases, fields_of
        self.suite = bases["plain"].suite
        self.authentication = AUTHENTICATION[self.suite]

    def add(self, name, why, request, blob, check=None):
        check = self.authentication if check is None else check
        found = refusal(decrypt, request, blob)
        assert found == check, (name, found, check)
        self.cases.negative("%s, suite %d" % (name, self.suite), why,
                            **self.fields_of(request), ciphertext=blob.hex())

    def nonce(self, label):
        return seeded("negative nonce %s %d" % (label, self.suite), 24)

    def blob(self, base, plaintext=PLAINTEXT):
        request = self.bases[base] if isinstance(base, str) else base
        return encrypt(request, plaintext, self.nonce("of a good blob"))

    def forge(self, request, content, **kwargs):
        return assemble(request, content, self.nonce("of a forged blob"), **kwargs)


def header_with(request, first=None, second=None, key_id=None):
    header = request.header()
    first = header[:1] if first is None else u8(first)
    second = header[1:2] if second is None else u8(second)
    return first + second + (header[2:] if key_id is None else u64(key_id))


def add_header_flips(out):
    request, blob = out.bases["full"], out.blob("full")
    checks = ["format byte", "second byte"] + ["key id"] * 8
    for index, check in enumerate(checks):
        for bit in (0, 7) if index in (0, 1, 2, 9) else (index % 8,):
            out.add("bit %d of header byte %d flipped" % (bit, index),
                    "the header is under the associated data and names format, suite and key",
                    request, flip(blob, index, bit), check)


def add_forged_headers(out):
    request = out.bases["plain"]
    second = request.second_byte()
    reason = "the rest is valid under this header, so only the header's check can refuse it"
    for first in (0x00, 0xC0, 0xC2, 0xC3):
        header = header_with(request, first=first)
        out.add("format byte %02x" % first, reason, request,
                out.forge(request, PLAINTEXT, header=header), "format byte")
    out.add("reserved bit 10 set", reason, request,
            out.forge(request, PLAINTEXT, header=header_with(request, second=second | 0x10)),
            "second byte")
    for suite in (0, 3, *range(5, 16)):
        header = header_with(request, second=suite)
        out.add("unknown suite %d in the header" % suite, reason, request,
                out.forge(request, PLAINTEXT, header=header, suite=out.suite), "second byte")


def add_key_ids(out):
    request = out.bases["plain"]
    for title, key_id in (("zero", 0), ("2^63", 2**63), ("2^64 - 1", 2**64 - 1)):
        blob = out.forge(request, PLAINTEXT, header=header_with(request, key_id=key_id))
        out.add("key id %s in the header" % title, "a key id is 1 to 2^63 - 1", request, blob,
                "key id")
        out.add("key id %s in header and request" % title, "a key id is 1 to 2^63 - 1",
                replace(request, key_id=key_id), blob, "request: key id")
    other = header_with(request, key_id=seeded_id("another key id"))
    out.add("another key id in the header, valid under it", "keys are found by id, never by trial",
            request, out.forge(request, PLAINTEXT, header=other), "key id")


def add_unknown_requests(out):
    for suite in (0, 3, 5, 15):
        request = replace(out.bases["plain"], suite=suite)
        changed = out.forge(request, PLAINTEXT, suite=out.suite)
        out.add("a request that declares suite %d" % suite, "no field can declare this suite",
                request, changed, "request: suite")
    for m in (33, 64, 255):
        request = replace(out.bases["plain"], pad_multiple=m)
        changed = out.forge(request, pad(PLAINTEXT, m))
        out.add("a request with padding multiple %d" % m, "the multiple is 1 to 32",
                request, changed, "request: padding multiple")


def body_places(suite, size):
    if suite == 4:
        return [("first byte of V", 10, 0), ("bit 63 of V, which CTR clears", 18, 7),
                ("bit 31 of V, which CTR clears", 22, 7), ("last byte of V", 25, 0),
                ("first byte of the ciphertext", 26, 0),
                ("last byte of the ciphertext", size - 1, 7)]
    end = size - (32 if suite == 2 else 0)
    places = [("first byte of the nonce", 10, 0), ("nonce byte 11", 21, 7),
              ("nonce byte 12", 22, 0), ("last byte of the nonce", 33, 7),
              ("first byte of the ciphertext", 34, 0), ("middle of the ciphertext", 45, 3),
              ("last byte of the ciphertext", end - 17, 7),
              ("first byte of the tag", end - 16, 0), ("last byte of the tag", end - 1, 7)]
    if suite == 2:
        places += [("first byte of the commitment", end, 0),
                   ("middle of the commitment", end + 15, 4),
                   ("last byte of the commitment", size - 1, 7)]
    return places


def add_body_flips(out):
    blob = out.blob("plain")
    for title, index, bit in body_places(out.suite, len(blob)):
        check = out.authentication
        check = "commitment" if "commitment" in title else check
        check = "tag" if "ciphertext" in title else check
        out.add("a bit flipped in the " + title, "every byte of the body is authenticated",
                out.bases["plain"], flip(blob, index, bit), check)


def add_lengths(out):
    request, blob = out.bases["plain"], out.blob("plain")
    least = OVERHEAD[out.suite]
    cuts = {0, 1, 9, 10, 25, 26, 33, 34, 49, 50, least - 1, least, least + 1,
            len(blob) - 33, len(blob) - 32, len(blob) - 17, len(blob) - 16, len(blob) - 1}
    for length in sorted(cut for cut in cuts if 0 <= cut < len(blob)):
        check = "length" if length < least else out.authentication
        out.add("cut to %d bytes of %d" % (length, len(blob)), "a truncated value",
                request, blob[:length], check)
    empty = out.blob("plain", b"")
    out.add("an empty plaintext's ciphertext without its last byte", "a truncated value", request,
            empty[:-1], "length")
    for title, changed in (("a byte 00 after the end", blob + b"\0"),
                           ("a byte 80 after the end", blob + b"\x80"),
                           ("16 zero bytes after the end", blob + bytes(16))):
        out.add(title, "trailing bytes", request, changed)
    out.add("the whole value twice", "trailing bytes; nonce, tag and commitment are still its own",
            request, blob + blob, "tag")
    out.add("the first byte missing", "the header starts the value", request, blob[1:],
            "format byte")
    out.add("a byte 00 before the start", "the header starts the value", request, b"\0" + blob,
            "format byte")
    middle = blob[:30] + blob[31:]
    out.add("a byte missing in the body", "a truncated value", request, middle)


def add_identities(out):
    for base in ("plain", "full"):
        request = out.bases[base]
        blob = out.blob(base)
        for part in ("scope", "tenant", "field"):
            other = replace(request, **{part: seeded("another " + part, 16)})
            out.add("another %s, %s request" % (part, base),
                    "scope, tenant and field are under the associated data", other, blob)
        out.add("another data key, %s request" % base, "the key is not the one that encrypted",
                replace(request, data_key=seeded("another data key", 32)), blob)
    request, blob = out.bases["plain"], out.blob("plain")
    for first, second in (("scope", "tenant"), ("tenant", "field"), ("scope", "field")):
        swapped = replace(request, **{first: getattr(request, second),
                                      second: getattr(request, first)})
        out.add("%s and %s exchanged" % (first, second), "each id has its place", swapped, blob)
    out.add("read for the global tenant", "a tenant of zeros is global, and another tenant",
            replace(request, tenant=bytes(16)), blob)


def add_rows(out):
    number = uuid(bytes(15) + b"\x2a")
    others = [("int64 43", int64(43)), ("int64 -42", int64(-42)), ("text 42", text("42")),
              ("bytes of the digits 42", raw_bytes(b"42")),
              ("the eight bytes of 42", raw_bytes(bytes(7) + b"\x2a")),
              ("a UUID that ends in 2a", number),
              ("the composite (42, 42)", composite(int64(42), int64(42)))]
    request, blob = out.bases["row"], out.blob("row")
    for title, row in others:
        out.add("row int64 42 read as %s" % title, "type and value of the row are bound",
                replace(request, row=row), blob)
    full_blob = out.blob("full")
    out.add("row int64 42 read as int64 43, full request", "the row is bound",
            replace(out.bases["full"], row=int64(43)), full_blob)
    add_row_pairs(out)
    add_composites(out)


def add_row_pairs(out):
    same = seeded("one id", 16)
    pairs = [("a UUID", uuid(same), "the same 16 bytes", raw_bytes(same)),
             ("text admin", text("admin"), "bytes admin", raw_bytes(b"admin")),
             ("text admin", text("admin"), "text Admin", text("Admin")),
             ("text admin", text("admin"), "text admin and a space", text("admin ")),
             ("text in NFC", text("caf\u00e9"), "the same in NFD", text("cafe\u0301")),
             ("an empty text", text(""), "empty bytes", raw_bytes(b"")),
             ("int64 0", int64(0), "int64 -1", int64(-1)),
             ("int64 least", int64(-2**63), "int64 greatest", int64(2**63 - 1))]
    for title, row, other_title, other in pairs:
        request = replace(out.bases["plain"], row=row)
        out.add("row %s read as %s" % (title, other_title), "type and value of the row are bound",
                replace(request, row=other), out.blob(request))


def add_composites(out):
    pair = composite(text("a"), text("bc"))
    request = replace(out.bases["plain"], row=pair)
    blob = out.blob(request)
    others = [("split elsewhere", composite(text("ab"), text("c"))),
              ("in another order", composite(text("bc"), text("a"))),
              ("flat as one text", text("abc")), ("as its first part", text("a")),
              ("as bytes of its own encoding", raw_bytes(encode_row(pair))),
              ("with a third part", composite(text("a"), text("bc"), text(""))),
              ("with a part of another type", composite(text("a"), raw_bytes(b"bc")))]
    for title, row in others:
        out.add("a composite row read %s" % title, "a composite row is bound part by part",
                replace(request, row=row), blob)
    invalid = [("NULL", NULL, b"\0", "NULL in a row id"),
               ("a composite with a NULL", composite(text("a"), NULL), b"\x10\x02\x03" + lp(b"a")
                + b"\0", "NULL in a row id"),
               ("a composite of one", composite(text("a")), b"\x10\x01\x03" + lp(b"a"),
                "composite count")]
    for title, row, encoded, check in invalid:
        bad = replace(request, row=row)
        ad = associated_data(bad, bad.header(), row=encoded)
        out.add("a row id that is %s" % title, "no such row id; valid under its naive encoding",
                bad, out.forge(bad, PLAINTEXT, ad=ad), check)


def edited(context, column, value):
    return [bound(item["column"], value if item["column"] == column else item["value"])
            for item in context]


def add_contexts(out):
    request, blob = out.bases["context"], out.blob("context")
    context = request.context
    others = [
        ("with the URL edited", edited(context, "url", text("https://evil.example/"))),
        ("with an empty text as NULL", edited(context, "login", NULL)),
        ("with a NULL as empty text", edited(context, "org", text(""))),
        ("with an empty text as empty bytes", edited(context, "login", raw_bytes(b""))),
        ("with int64 42 as text 42", edited(context, "port", text("42"))),
        ("with int64 42 as 43", edited(context, "port", int64(43))),
        ("with a trailing space in a value", edited(context, "url", text("https://db.example/ "))),
        ("with a column renamed", [bound("uri" if item["column"] == "url" else item["column"],
                                         item["value"]) for item in context]),
        ("with a column in upper case", [bound(item["column"].upper(), item["value"])
                                         for item in context]),
        ("without its first column", context[1:]), ("without its NULL column",
                                                    [c for c in context if c["column"] != "org"]),
        ("with one column more", context + [bound("zone", NULL)]),
        ("with two values exchanged", edited(edited(context, "url", text("")), "login",
                                             text("https://db.example/")))]
    for title, other in others:
        out.add("context %s" % title, "names, types and values of the bound columns are bound",
                replace(request, context=other), blob)
    add_invalid_contexts(out)


def naive_context(columns):
    encoded = b"".join(lp(name) + value for name, value in columns)
    return u8(len(columns)) + encoded


def add_invalid_contexts(out):
    one, two = b"\x01" + bytes(7) + b"\x01", b"\x01" + bytes(7) + b"\x02"
    flat = b"\x10\x02" + one + two
    invalid = [
        ("an empty context list", [], naive_context([]), "context count"),
        ("a duplicate column", [bound("a", int64(1)), bound("a", int64(2))],
         naive_context([(b"a", one), (b"a", two)]), "duplicate column"),
        ("a duplicate column with the same value", [bound("a", int64(1)), bound("a", int64(1))],
         naive_context([(b"a", one), (b"a", one)]), "duplicate column"),
        ("a composite in the context", [bound("a", composite(int64(1), int64(2)))],
         naive_context([(b"a", flat)]), "value type"),
        ("a column without a name", [bound("", int64(1))], naive_context([(b"", one)]),
         "empty column name")]
    for title, context, encoded, check in invalid:
        request = replace(out.bases["plain"], context=context)
        ad = associated_data(request, request.header(), context=encoded)
        out.add(title, "no such context; valid under its naive encoding", request,
                out.forge(request, PLAINTEXT, ad=ad), check)
    request = replace(out.bases["plain"], context=[bound("b", int64(2)), bound("a", int64(1))])
    unsorted = associated_data(request, request.header(),
                               context=naive_context([(b"b", two), (b"a", one)]))
    out.add("a context encrypted unsorted", "columns are sorted as unsigned bytes", request,
            out.forge(request, PLAINTEXT, ad=unsorted))


def add_flags(out):
    """Header and request disagree; the blob is valid under its own header."""
    full, plain = out.bases["full"], out.bases["plain"]
    row = {} if out.suite == 4 else {"row-bound": {"row": full.row}}
    flags = {"padded": {"pad_multiple": 16}, **row, "context-bound": {"context": full.context}}
    off = {"pad_multiple": 0, "row": None, "context": None}
    for title, change in flags.items():
        out.add("%s in the header, not in the request" % title,
                "the second byte must equal what the request declares", plain,
                out.blob(replace(plain, **change)), "second byte")
        without = replace(full, **{name: off[name] for name in change})
        out.add("%s in the request, not in the header" % title,
                "the second byte must equal what the request declares", full, out.blob(without),
                "second byte")
    for title, flag in (("row-bound", 0x40), ("context-bound", 0x20), ("padded", 0x80)):
        header = header_with(plain, second=plain.second_byte() | flag)
        content = pad(PLAINTEXT, 16) if flag == 0x80 else PLAINTEXT
        out.add("%s in the header over nothing bound" % title,
                "the second byte must equal what the request declares", plain,
                out.forge(plain, content, header=header), "second byte")
    bare = header_with(full, second=full.suite)
    out.add("no flag in the header, all under the associated data",
            "the second byte must equal what the request declares", full,
            out.forge(full, pad(PLAINTEXT, 16), header=bare), "second byte")
    if out.suite != 4:
        add_flag_contents(out)


def add_flag_contents(out):
    row, context = out.bases["row"], out.bases["context"]
    no_row = associated_data(row, row.header(), row=b"")
    no_context = associated_data(context, context.header(), context=b"")
    out.add("row-bound in the header, an empty row under the associated data",
            "the row of the request must be the one under the associated data", row,
            out.forge(row, PLAINTEXT, ad=no_row))
    out.add("context-bound in the header, an empty context under the associated data",
            "the context of the request must be the one under the associated data", context,
            out.forge(context, PLAINTEXT, ad=no_context))


def add_refused_requests(out):
    """Identity, row, context, flags and damage: everything but the work of a wrong codec."""
    groups = [add_header_flips, add_forged_headers, add_key_ids, add_unknown_requests,
              add_body_flips, add_lengths, add_identities, add_contexts, add_flags]
    for add_group in groups + ([] if out.suite == 4 else [add_rows]):
        add_group(out)
