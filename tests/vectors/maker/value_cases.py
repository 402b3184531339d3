"""value_encoding.json: rows and contexts as bytes."""

from maker.cases import CaseFile, refusal, seeded
from maker.field_cases import CONTEXTS, ROWS
from maker.values import (bound, composite, encode_context, encode_row, int64, lp, parse_context,
                          parse_row, raw_bytes, text, u8, u32, uuid)

ONE = b"\x01" + bytes(7) + b"\x01"
ID = b"\x02" + seeded("an id", 16)
CODEC = {"row": (encode_row, parse_row), "context": (encode_context, parse_context)}

MORE_ROWS = [
    ("text of 300 bytes", text("x" * 300)), ("bytes of 256 zeros", raw_bytes(bytes(256))),
    ("text with U+0000", text("a\0b")), ("text with a noncharacter", text("\uffff")),
    ("the last code point", text("\U0010ffff")), ("a line break in text", text("a\r\nb\n")),
    ("a UUID of ones", uuid(b"\xff" * 16)), ("int64 256", int64(256)),
    ("a composite of two bytes values", composite(raw_bytes(b""), raw_bytes(b"\x10\x02"))),
]
MORE_CONTEXTS = [
    ("a text beyond ASCII", [bound("title", text("Gr\u00fc\u00dfe \U0001f511"))]),
    ("a column with a space and a dot", [bound("my col.x", int64(1))]),
    ("a long value", [bound("url", text("u" * 300))]),
]


def tag_text(raw):
    return b"\x03" + lp(raw)


def column(name, value=ONE):
    return lp(name) + value


BAD_UTF8 = [
    ("a lone continuation byte", b"\x80"), ("a cut sequence of two", b"\xc3"),
    ("a cut sequence of three", b"\xe2\x82"), ("a cut sequence of four", b"\xf0\x9f\x94"),
    ("an overlong NUL", b"\xc0\x80"), ("an overlong slash of three bytes", b"\xe0\x80\xaf"),
    ("an overlong sequence of four bytes", b"\xf0\x80\x80\xaf"),
    ("a high surrogate", b"\xed\xa0\x80"), ("a surrogate pair", b"\xed\xa0\xbd\xed\xb4\x91"),
    ("a code point above U+10FFFF", b"\xf4\x90\x80\x80"),
    ("byte fe", b"\xfe"),
    ("byte ff", b"\xff"),
    ("a sequence of five bytes", b"\xf8\x88\x80\x80\x80"), ("Latin-1", b"caf\xe9"),
    ("good text, then a bad byte", b"good \xc3("),
]

BAD_SINGLES = [
    ("no bytes", b"", "empty means not bound, it is no value"),
    *[("unknown tag %02x" % tag, u8(tag) + bytes(8), "the tag is unknown")
      for tag in (0x05, 0x06, 0x0F, 0x11, 0x20, 0x7F, 0x80, 0xFF)],
    ("an int64 of no bytes", ONE[:1], "short input"),
    ("an int64 of 7 bytes", ONE[:-1], "short input"),
    ("an int64 of 9 bytes", ONE + b"\0", "trailing bytes"),
    ("a UUID of 15 bytes", ID[:-1], "short input"),
    ("a UUID of 17 bytes", ID + b"\0", "trailing bytes"),
    ("a UUID without bytes", ID[:1], "short input"),
    ("text without a length", b"\x03", "short input"),
    ("text with a length of 3 bytes", b"\x03\0\0\0", "short input"),
    ("text longer than the input", b"\x03" + u32(4) + b"abc", "the length is beyond the end"),
    ("text with the greatest length", b"\x03" + u32(2**32 - 1) + b"abc",
     "the length is beyond the end"),
    ("text with length 2^31", b"\x03" + u32(2**31) + b"abc", "the length is beyond the end"),
    ("text shorter than the input", b"\x03" + u32(2) + b"abc", "trailing bytes"),
    ("text with a little endian length", b"\x03\x03\0\0\0abc", "the length is beyond the end"),
    ("text without its tag", lp(b"abc"), "the tag comes first"),
    ("bytes without a length", b"\x04", "short input"),
    ("bytes longer than the input", b"\x04" + u32(2) + b"\xff", "the length is beyond the end"),
    ("bytes with the greatest length", b"\x04" + u32(2**32 - 1), "the length is beyond the end"),
    ("bytes shorter than the input", b"\x04" + u32(0) + b"\xff", "trailing bytes"),
    *[("text that is %s" % title, tag_text(raw), "text is UTF-8") for title, raw in BAD_UTF8],
]

BAD_ROWS = [
    ("NULL", b"\0", "a row id is never NULL"), ("NULL with bytes", b"\0" + bytes(8),
                                                "a row id is never NULL"),
    ("two values without a composite", ONE + ONE, "trailing bytes"),
    ("a composite without a count", b"\x10", "short input"),
    ("a composite of none", b"\x10\0", "a composite has 2 to 255 values"),
    ("a composite of one", b"\x10\x01" + ONE, "a composite has 2 to 255 values"),
    ("a composite of count 2 with one value", b"\x10\x02" + ONE, "the count is not met"),
    ("a composite of count 3 with two values", b"\x10\x03" + ONE + ID, "the count is not met"),
    ("a composite of count 2 with three values", b"\x10\x02" + ONE * 3, "trailing bytes"),
    ("a composite of count 255 with 254 values", b"\x10\xff" + ONE * 254, "the count is not met"),
    ("a composite in a composite", b"\x10\x02" + ONE + b"\x10\x02" + ONE + ONE,
     "no part is a composite"),
    ("a composite that starts with a composite", b"\x10\x02\x10\x02" + ONE + ONE + ONE,
     "no part is a composite"),
    ("a composite with a NULL first", b"\x10\x02\0" + ONE, "a row id is never NULL"),
    ("a composite with a NULL last", b"\x10\x02" + ONE + b"\0", "a row id is never NULL"),
    ("a composite with an unknown tag", b"\x10\x02" + ONE + b"\x05", "the tag is unknown"),
    ("a composite with a cut value", b"\x10\x02" + ONE + ONE[:-1], "short input"),
    ("a composite with bad text", b"\x10\x02" + ONE + tag_text(b"\xff"), "text is UTF-8"),
    ("a composite with a byte after it", b"\x10\x02" + ONE + ONE + b"\0", "trailing bytes"),
    ("a composite with a count of two bytes", b"\x10\0\x02" + ONE + ONE,
     "a composite has 2 to 255 values"),
]

BAD_CONTEXTS = [
    ("no bytes", b"", "empty means not bound, it is no context"),
    ("count 0", b"\0", "a context has 1 to 255 columns"),
    ("count 0 with a column", b"\0" + column(b"a"), "a context has 1 to 255 columns"),
    ("count 1 without a column", b"\x01", "the count is not met"),
    ("count 2 with one column", b"\x02" + column(b"a"), "the count is not met"),
    ("count 1 with two columns", b"\x01" + column(b"a") + column(b"b"), "trailing bytes"),
    ("a byte after the end", b"\x01" + column(b"a") + b"\0", "trailing bytes"),
    ("two columns out of order", b"\x02" + column(b"b") + column(b"a"), "columns are sorted"),
    ("a prefix after the longer name", b"\x02" + column(b"aa") + column(b"a"),
     "a proper prefix comes first"),
    ("sorted by length", b"\x02" + column(b"b") + column(b"aa"), "columns are sorted as bytes"),
    ("sorted without case", b"\x02" + column(b"a") + column(b"Z"), "columns are sorted as bytes"),
    ("sorted as signed bytes", b"\x02" + column("\u00fc".encode()) + column(b"z"),
     "columns are sorted as unsigned bytes"),
    ("three columns, the last two out of order",
     b"\x03" + column(b"a") + column(b"c") + column(b"b"), "columns are sorted"),
    ("a duplicate column", b"\x02" + column(b"a") + column(b"a", ID), "no duplicates"),
    ("a duplicate column with the same value", b"\x02" + column(b"a") * 2, "no duplicates"),
    ("a duplicate among three", b"\x03" + column(b"a") + column(b"b") * 2, "no duplicates"),
    ("a composite", b"\x01" + column(b"a", b"\x10\x02" + ONE + ONE), "no composites"),
    ("a composite after a good column",
     b"\x02" + column(b"a") + column(b"b", b"\x10\x02" + ONE * 2),
     "no composites"),
    ("a column without a value", b"\x01" + lp(b"a"), "short input"),
    ("a column with a cut length", b"\x01\0\0\0", "short input"),
    ("a column name beyond the end", b"\x01" + u32(20) + b"a" + ONE,
     "the length is beyond the end"),
    ("a column name with the greatest length", b"\x01" + u32(2**32 - 1) + b"a" + ONE,
     "the length is beyond the end"),
    ("a column name that is empty", b"\x01" + column(b""), "a column has a name"),
    ("a column name that is no UTF-8", b"\x01" + column(b"\xff"), "a column name is UTF-8"),
    ("a bare column name", b"\x01a" + ONE, "a name has its length before it"),
    ("a NULL with a byte after it", b"\x01" + column(b"a", b"\0\0"), "trailing bytes"),
    ("a count of two bytes", b"\0\x01" + column(b"a"), "a context has 1 to 255 columns"),
    ("a value before its column", b"\x01" + ONE + lp(b"a"), "the name comes first"),
]


def add_positive(cases, kind, title, value):
    encode, parse = CODEC[kind]
    encoded = encode(value)
    parsed = parse(encoded)
    assert encode(parsed) == encoded and (kind == "context" or parsed == value), title
    key = "value" if kind == "row" else "context"
    cases.positive("%s: %s" % (kind, title), kind=kind, **{key: value}, encoded=encoded.hex())


def add_negative(cases, kind, title, encoded, why):
    assert refusal(CODEC[kind][1], encoded) is not None, title
    cases.negative("%s: %s" % (kind, title), why, kind=kind, encoded=encoded.hex())


def make_file():
    cases = CaseFile("values, rows and contexts (docs/FORMAT.md, section 1)")
    for title, value in ROWS + MORE_ROWS:
        add_positive(cases, "row", title, value)
    for title, context in CONTEXTS + MORE_CONTEXTS:
        add_positive(cases, "context", title, context)
    for title, encoded, why in BAD_SINGLES + BAD_ROWS:
        add_negative(cases, "row", title, encoded, why)
    for title, encoded, why in BAD_CONTEXTS:
        add_negative(cases, "context", title, encoded, why)
    for title, encoded, why in BAD_SINGLES[1:]:
        add_negative(cases, "context", "value is " + title, b"\x01" + column(b"a", encoded), why)
    return cases
