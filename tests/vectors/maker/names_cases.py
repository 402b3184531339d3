"""names.json: paths, field names, text forms and references (docs/FORMAT.md, section 6)."""

from maker.cases import CaseFile, flip, refusal, seeded
from maker.field import encrypt
from maker.field_cases import make_request
from maker.names import (TEXT_PREFIX, UNRESERVED, escape_segment, make_text_form, parse_field_name,
                         parse_path, parse_reference, parse_text_form)
from maker.values import int64, u64

PARSE = {"path": parse_path, "field": parse_field_name, "text_form": parse_text_form,
         "reference": parse_reference}

ESCAPED_BYTES = [byte for byte in range(256) if byte not in UNRESERVED]


def path_of_bytes(raw):
    """As many segments as it takes, 21 escaped bytes in each."""
    return "/".join(escape_segment(bytes(raw[i:i + 21])) for i in range(0, len(raw), 21))


PATHS = [
    ("one character", "a"), ("a Grafana path", "grafana/1/prometheus-main/password"),
    ("every unreserved character",
     "ABCDEFGHIJKLMNOPQRSTUVWXYZ/abcdefghijklmnopqrstuvwxyz/0123456789._~-"),
    ("eight segments", "a/b/c/d/e/f/g/h"), ("a segment of 64 characters", "x" * 64),
    ("eight segments of 64 characters", "/".join(["y" * 64] * 8)),
    ("three dots", "..."), ("a dot file", ".ssh/..key"), ("a dot at the end", "a./b.."),
    ("a hyphen first", "-a/-"), ("a tilde first", "~root"), ("digits only", "0/00/1"),
    ("an escaped slash", "a%2Fb"),
    ("an escaped percent", "100%25"),
    ("an escaped space", "my%20key"),
    ("two bytes of UTF-8", "caf%C3%A9"), ("four bytes of UTF-8", "%F0%9F%94%91"),
    ("a byte that is no UTF-8", "%FF"), ("an escaped number sign", "a%23b/c%3Fd"),
    ("64 characters with escapes", "%C3%A9" * 10 + "abcd"),
    ("a text that looks escaped", "%252F"), ("upper and lower case differ", "A/a"),
    ("the bytes to escape, first part", path_of_bytes(ESCAPED_BYTES[:168])),
    ("the bytes to escape, second part", path_of_bytes(ESCAPED_BYTES[168:])),
]

BAD_PATHS = [
    ("no character", "", "a path has 1 to 8 segments of 1 to 64 characters"),
    ("a slash", "/", "a segment is empty"), ("a slash first", "/a", "a segment is empty"),
    ("a slash last", "a/", "a segment is empty"), ("two slashes", "a//b", "a segment is empty"),
    ("nine segments", "a/b/c/d/e/f/g/h/i", "at most 8 segments"),
    ("nine segments, the last one empty", "a/b/c/d/e/f/g/h/", "at most 8 segments"),
    ("a segment of 65 characters", "x" * 65, "at most 64 characters"),
    ("65 characters counted escaped", "%C3%A9" * 10 + "abcde", "characters are counted escaped"),
    ("22 escaped bytes", "%FF" * 22, "characters are counted escaped"),
    ("a long segment after a good one", "a/" + "x" * 65, "at most 64 characters"),
    ("a dot", ".", "'.' is refused"), ("two dots", "..", "'..' is refused"),
    ("a dot in the middle", "a/./b", "'.' is refused"),
    ("two dots in the middle", "a/../b", "'..' is refused"),
    ("two dots last", "a/..", "'..' is refused"),
    ("an escaped dot", "%2E", "a dot needs no escape"),
    ("two escaped dots", "%2E%2E", "a dot needs no escape"),
    ("half escaped dots", ".%2E/a", "a dot needs no escape"),
    ("a lower-case escape 2f", "a%2fb", "escapes are in upper case"),
    ("a lower-case escape c3", "caf%c3%a9", "escapes are in upper case"),
    ("an escape in mixed case", "%fF", "escapes are in upper case"),
    ("an escaped letter", "%41", "a letter needs no escape"),
    ("an escaped small letter", "%61bc", "a letter needs no escape"),
    ("an escaped digit", "%30", "a digit needs no escape"),
    ("an escaped hyphen", "a%2Db", "a hyphen needs no escape"),
    ("an escaped underscore", "%5F", "an underscore needs no escape"),
    ("an escaped tilde", "%7E", "a tilde needs no escape"),
    ("a bare percent", "%", "an escape has two digits"),
    ("a percent last", "100%", "an escape has two digits"),
    ("an escape of one digit", "a%2", "an escape has two digits"),
    ("an escape cut by a slash", "a%2/b", "an escape has two digits"),
    ("an escape that is not hex", "%GG", "an escape has two digits"),
    ("an escape with a space", "% 2", "an escape has two digits"),
    ("two percents", "%%25", "an escape has two digits"),
    *[("a bare character %02x" % ord(char), "a%sb" % char, "this character is escaped")
      for char in "\0\t\n\r !\"#$&'()*+,:;<=>?@[\\]^`{|}\x7f"],
    ("a letter beyond ASCII", "caf\u00e9", "other bytes are escaped"),
    ("a key sign", "\U0001f511", "other bytes are escaped"),
    ("a full-width letter", "\uff41", "other bytes are escaped"),
    ("a space first", " a", "no white space"), ("a space last", "a ", "no white space"),
    ("a line feed last", "a\n", "no white space"),
]

FIELDS = [
    ("three parts", "shop.connection.password"), ("one letter each", "a.b.c"),
    ("underscores", "_._.__"), ("digits after a letter", "s1.t2.c3"),
    ("63 characters each", ".".join(["x" * 63] * 3)), ("an underscore first", "_shop._t._c"),
    ("the built-in field", "coffer.secret"), ("the word secret as a table", "coffer2.secret.value"),
]

PART = "a part is [a-z_][a-z0-9_]{0,62}"
BAD_FIELDS = [
    ("no character", "", "three parts"), ("one part", "shop", "three parts"),
    ("two parts", "shop.connection", "three parts"),
    ("another field of coffer in two parts", "coffer.key", "three parts"),
    ("the built-in field in upper case", "Coffer.Secret", "three parts"),
    ("the built-in field with a dot", "coffer.secret.", PART),
    ("four parts", "a.b.c.d", "three parts"),
    ("two dots only", "..", PART),
    ("an empty scope", ".b.c", PART),
    ("an empty table", "a..c", PART),
    ("an empty column", "a.b.", PART), ("an upper-case scope", "Shop.t.c", PART),
    ("an upper-case letter in the column", "shop.t.basicAuth", PART),
    ("a digit first", "1a.b.c", PART),
    ("a digit first in the column", "a.b.1", PART), ("a hyphen", "a-b.c.d", PART),
    ("a space", "a.b.c d", PART),
    ("a space last", "a.b.c ", PART),
    ("a space first", " a.b.c", PART),
    ("a line feed last", "a.b.c\n", PART), ("a tab", "a.b\t.c", PART), ("a NUL", "a.b.c\0", PART),
    ("64 characters in the scope", "x" * 64 + ".t.c", PART),
    ("64 characters in the table", "s." + "x" * 64 + ".c", PART),
    ("64 characters in the column", "s.t." + "x" * 64, PART),
    ("a letter beyond ASCII", "a.b.\u00e9", PART),
    ("quotes", '"a".b.c', PART),
    ("a dollar sign", "a.b.c$", PART),
    ("a slash", "a/b/c", "three parts"),
    ("a percent", "a.b.%63", PART),
]


def blob_of(name, suite, length, **kwargs):
    return encrypt(make_request("text form " + name, suite, **kwargs),
                   seeded("text form %s plaintext" % name, length),
                   seeded("text form %s nonce" % name, 24))


TEXT_BLOBS = [
    ("suite 1 of 50 bytes", blob_of("a", 1, 0)), ("suite 1 of 51 bytes", blob_of("b", 1, 1)),
    ("suite 1 of 52 bytes", blob_of("c", 1, 2)), ("suite 2 of 82 bytes", blob_of("d", 2, 0)),
    ("suite 2 of 83 bytes", blob_of("e", 2, 1)), ("suite 2 of 84 bytes", blob_of("f", 2, 2)),
    ("suite 4 of 26 bytes", blob_of("g", 4, 0)), ("suite 4 of 27 bytes", blob_of("h", 4, 1)),
    ("suite 4 of 28 bytes", blob_of("i", 4, 2)),
    ("padded and row-bound", blob_of("j", 2, 20, pad_multiple=32, row=int64(1))),
    ("300 bytes", blob_of("k", 1, 250)),
]


ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def other_last(text_form, bit):
    """With an unused bit of the last character set."""
    return text_form[:-1] + ALPHABET[ALPHABET.index(text_form[-1]) | bit]


def bad_text_forms():
    return alphabet_forms() + damaged_forms(make_text_form(TEXT_BLOBS[0][1])) + blob_forms()


def alphabet_forms():
    form = next(form for form in (make_text_form(blob_of("alphabet %d" % i, 1, 30))
                                  for i in range(100)) if "-" in form and "_" in form)
    return [("a plus for a hyphen", form.replace("-", "+"), "base64url has '-'"),
            ("a slash for an underscore", form.replace("_", "/"), "base64url has '_'"),
            ("the alphabet of base64", form.replace("-", "+").replace("_", "/"),
             "base64url has '-' and '_'")]


def damaged_forms(form):
    body = form[len(TEXT_PREFIX):]
    white = [("a %s %s" % (title, place), text, "no white space")
             for title, char in (("space", " "), ("line feed", "\n"), ("tab", "\t"),
                                 ("carriage return", "\r"))
             for place, text in (("first", char + form), ("last", form + char),
                                 ("in the middle", form[:40] + char + form[40:]),
                                 ("after the prefix", TEXT_PREFIX + char + body))]
    prefix = [(title, text, "the prefix is coffer:v1:") for title, text in (
        ("no prefix", body), ("the prefix without its last colon", "coffer:v1" + body),
        ("the prefix twice", TEXT_PREFIX + form),
        ("an upper-case letter in the prefix", "C" + form[1:]),
        ("an upper-case V", "coffer:V1:" + body), ("version 2", "coffer:v2:" + body),
        ("version 01", "coffer:v01:" + body), ("two colons", "coffer:v1::" + body),
        ("another name", "vault:v1:" + body), ("slashes", "coffer://" + body), ("no text", ""))]
    other = [("a NUL last", form + "\0", "base64url character"),
             ("a letter beyond ASCII", form[:-1] + "\u00e9", "base64url character"),
             ("a dot", form + ".", "base64url character"),
             ("an escaped padding", form + "%3D", "base64url character")]
    return white + prefix + other + padding_forms()


def padding_forms():
    forms = []
    for title, blob in TEXT_BLOBS[:3]:
        form = make_text_form(blob)
        missing = -len(blob) % 3
        if missing:
            forms.append(("%s with its padding" % title, form + "=" * missing, "no padding"))
            for bit in (1, 2) if missing == 1 else (1, 8):
                forms.append(("%s with unused bit %d set" % (title, bit), other_last(form, bit),
                              "unused bits are zero"))
        else:
            forms.append(("%s with padding it does not need" % title, form + "==", "no padding"))
            forms.append(("%s and one character" % title, form + "A",
                          "one character over holds no byte"))
    forms.append(("padding in the middle", make_text_form(TEXT_BLOBS[0][1])[:20] + "=="
                  + make_text_form(TEXT_BLOBS[0][1])[20:], "no padding"))
    return forms


def blob_forms():
    good = TEXT_BLOBS[0][1]
    blobs = [("no bytes", b""), ("one byte", good[:1]), ("a header alone", good[:10]),
             ("49 bytes of suite 1", good[:49]), ("81 bytes of suite 2", blob_of("d", 2, 0)[:81]),
             ("25 bytes of suite 4", blob_of("g", 4, 0)[:25]),
             ("a wrapped key", b"\xc2\x02" + seeded("wrapped", 112)),
             ("format byte 00", b"\0" + good[1:]), ("reserved bit 10", flip(good, 1, 4)),
             ("suite 0", flip(good, 1, 0)),
             ("suite 3", flip(good, 1, 1)),
             ("suite 5", flip(good, 1, 2)),
             ("suite 4 row-bound", b"\xc1\x44" + good[2:]),
             ("key id 0", good[:2] + bytes(8) + good[10:]),
             ("key id 2^63", good[:2] + u64(2**63) + good[10:])]
    return [("good text over " + title, make_text_form(blob), "the bytes are a field ciphertext")
            for title, blob in blobs]


REFERENCES = [
    ("without a version", "coffer://grafana/1/prometheus-main/password"),
    ("version 1", "coffer://grafana/1/prometheus-main/password#1"),
    ("version 10", "coffer://a/b#10"), ("the greatest version", "coffer://a#9223372036854775807"),
    ("one character", "coffer://a"), ("eight segments", "coffer://a/b/c/d/e/f/g/h#2"),
    ("an escaped number sign", "coffer://a%23b#3"),
    ("an escaped number sign, no version", "coffer://a%231"),
    ("three dots", "coffer://..."), ("a segment of 64 characters", "coffer://" + "x" * 64 + "#99"),
]

VERSION = "a version is decimal, 1 to 2^63 - 1, without a leading zero"
BAD_REFERENCES = [
    ("no text", "", "the prefix is coffer://"),
    ("the prefix alone", "coffer://", "a segment is empty"),
    ("a path alone", "grafana/1/x/password", "the prefix is coffer://"),
    ("one slash", "coffer:/a", "the prefix is coffer://"),
    ("three slashes", "coffer:///a", "a segment is empty"),
    ("no slashes", "coffer:a", "the prefix is coffer://"),
    ("an upper-case scheme", "COFFER://a", "the prefix is coffer://"),
    ("a capital", "Coffer://a", "the prefix is coffer://"),
    ("another scheme", "vault://a", "the prefix is coffer://"),
    ("a space first", " coffer://a", "the prefix is coffer://"),
    ("a space last", "coffer://a ", "no white space"),
    ("a line feed last", "coffer://a\n", "no white space"),
    ("a line feed after the version", "coffer://a#1\n", VERSION),
    ("a trailing slash", "coffer://a/", "a segment is empty"),
    ("a slash before the version", "coffer://a/#1", "a segment is empty"),
    ("no path before the version", "coffer://#1", "a segment is empty"),
    ("no version after the sign", "coffer://a#", VERSION),
    ("version 0", "coffer://a#0", VERSION), ("version 00", "coffer://a#00", VERSION),
    ("a leading zero", "coffer://a#01", VERSION), ("a plus sign", "coffer://a#+1", VERSION),
    ("a minus sign", "coffer://a#-1", VERSION),
    ("a hexadecimal version", "coffer://a#0x1", VERSION),
    ("a letter", "coffer://a#1a", VERSION), ("the word latest", "coffer://a#latest", VERSION),
    ("v1", "coffer://a#v1", VERSION),
    ("a fraction", "coffer://a#1.0", VERSION),
    ("an exponent", "coffer://a#1e3", VERSION),
    ("a space before the version", "coffer://a# 1", VERSION),
    ("a space after the version", "coffer://a#1 ", VERSION),
    ("two versions", "coffer://a#1#2", VERSION), ("two signs", "coffer://a##1", VERSION),
    ("an Arabic digit", "coffer://a#\u0661", VERSION),
    ("a full-width digit", "coffer://a#\uff11", VERSION),
    ("version 2^63", "coffer://a#9223372036854775808", VERSION),
    ("version 2^64", "coffer://a#18446744073709551616", VERSION),
    ("a version of 20 digits", "coffer://a#10000000000000000000", VERSION),
    ("a version of 40 digits", "coffer://a#" + "1" * 40, VERSION),
    ("an escaped version", "coffer://a#%31", VERSION),
    ("a version of NUL", "coffer://a#1\0", VERSION),
    ("a query", "coffer://a?version=1", "this character is escaped"),
    ("a port", "coffer://a:80/b", "this character is escaped"),
    ("a user", "coffer://u@a/b", "this character is escaped"),
    ("a dot segment", "coffer://a/../b", "'..' is refused"),
    ("nine segments", "coffer://a/b/c/d/e/f/g/h/i", "at most 8 segments"),
    ("a lower-case escape", "coffer://a%2fb", "escapes are in upper case"),
    ("an escape that is not needed", "coffer://%61", "a letter needs no escape"),
    ("65 characters", "coffer://" + "x" * 65, "at most 64 characters"),
    ("the prefix twice", "coffer://coffer://a", "this character is escaped"),
    ("a text form", make_text_form(TEXT_BLOBS[0][1]), "the prefix is coffer://"),
]


def parts_of(kind, parsed):
    if kind == "path":
        return {"segments": [segment.hex() for segment in parsed]}
    if kind == "field":
        scope, table, column = parsed or (None, None, None)
        return {"scope": scope, "table": table, "column": column, "built_in": parsed is None}
    if kind == "text_form":
        return {"ciphertext": parsed.hex()}
    path, version = parsed
    return {"path": path, "version": None if version is None else str(version)}


def add_positive(cases, kind, title, given):
    cases.positive("%s: %s" % (kind, title), kind=kind, input=given,
                   **parts_of(kind, PARSE[kind](given)))


def make_file():
    cases = CaseFile("names and text forms (docs/FORMAT.md, section 6)")
    forms = [(title, make_text_form(blob)) for title, blob in TEXT_BLOBS]
    good = {"path": PATHS, "field": FIELDS, "text_form": forms, "reference": REFERENCES}
    bad = {"path": BAD_PATHS, "field": BAD_FIELDS, "text_form": bad_text_forms(),
           "reference": BAD_REFERENCES}
    for kind, samples in good.items():
        for title, given in samples:
            add_positive(cases, kind, title, given)
    for kind, samples in bad.items():
        for title, given, why in samples:
            assert refusal(PARSE[kind], given) is not None, (kind, title)
            cases.negative("%s: %s" % (kind, title), why, kind=kind, input=given)
    return cases
