"""What index_tokens.json is made of: forms, values and searches that are good."""

import struct

from maker.index_tokens import order_of_decimal, order_of_double, order_of_int64
from maker.values import lp, u64

ZERO = order_of_int64(0)


def double(number):
    return struct.pack(">d", number).hex()


def form(profile, kind, column="int8", bits=63, partitions=1, **others):
    return {"profile": profile, "kind": kind, "column": column, "bits": bits,
            "partitions": partitions, **others}


def domain(low, high, sparsity):
    return {"min": low, "max": high, "sparsity": sparsity}


FORMS = {
    "equality": form(1, "equality"),
    "equality int4 of 16 bits": form(2, "equality", "int4", 16),
    "equality of 1 bit": form(3, "equality", "int4", 1),
    "equality int4 of 31 bits": form(4, "equality", "int4", 31),
    "equality int8 of 32 bits": form(5, "equality", "int8", 32),
    "bytea": form(6, "equality", "bytea", 256),
    "bytea of 128 bits": form(7, "equality", "bytea", 128),
    "partitioned": form(8, "equality", partitions=4),
    "256 partitions": form(9, "equality", "int4", 20, 256),
    "the greatest profile": form(2**32 - 1, "equality"),
    "slow": form(10, "equality", slow=[1, 8192]),
    "slow compound": form(11, "compound", slow=[2, 8192]),
    "prefix": form(12, "prefix", count=6, lengths=[3, 4, 5, 8]),
    "prefix of 1 and 255": form(13, "prefix", count=2, lengths=[1, 255]),
    "partitioned prefix": form(14, "prefix", partitions=3, count=8, lengths=[2, 4]),
    "ngram": form(15, "ngram", count=40, n=3),
    "bigrams of 16 bits": form(16, "ngram", bits=16, partitions=2, count=20, n=2),
    "ngram of 255": form(17, "ngram", bits=32, count=255, n=4),
    "range days": form(18, "range", count=20, **domain(ZERO, ZERO + 2**16 - 1, 1)),
    "range 0 to 13": form(19, "range", count=6, **domain(ZERO, ZERO + 13, 1)),
    "range 0 to 13, sparsity 2": form(20, "range", count=4, **domain(ZERO, ZERO + 13, 2)),
    "range of all int64": form(21, "range", count=64, **domain(0, 2**64 - 1, 1)),
    "range of all int64, sparsity 8": form(22, "range", count=9, **domain(0, 2**64 - 1, 8)),
    "range of prices": form(23, "range", partitions=2, count=16,
                            **domain(order_of_decimal("-10.00", 2), order_of_decimal("9999.99", 2), 2)),
    "range of doubles": form(24, "range", count=20, **domain(
        order_of_double(struct.pack(">d", -1000.0)), order_of_double(struct.pack(">d", 1000.0)), 4)),
    "range of two": form(25, "range", count=1, **domain(5, 6, 1)),
    "compound": form(26, "compound"),
    "compound bytea": form(27, "compound", "bytea", 256),
}

EMAIL = "anna@example.org"
LONG_TEXT = "".join(chr(0x4E00 + i) for i in range(250))

STORED = [
    ("equality", EMAIL, 0), ("equality", "", 0), ("equality", "Stra\u00dfe", 0),
    ("equality", u64(2**64 - 5), 0), ("equality", bytes(range(16)), 0), ("equality", b"\xff\x00\xfe", 0),
    ("equality int4 of 16 bits", EMAIL, 0), ("equality of 1 bit", EMAIL, 0),
    ("equality of 1 bit", "b", 0), ("equality int4 of 31 bits", EMAIL, 0),
    ("equality int8 of 32 bits", EMAIL, 0), ("bytea", EMAIL, 0), ("bytea of 128 bits", EMAIL, 0),
    ("partitioned", EMAIL, 0), ("partitioned", EMAIL, 3), ("256 partitions", EMAIL, 255),
    ("the greatest profile", EMAIL, 0), ("slow", EMAIL, 0), ("slow", "", 0),
    ("slow compound", lp(b"a") + lp(b"b"), 0),
    ("prefix", EMAIL, 0), ("prefix", "anna", 0), ("prefix", "an", 0), ("prefix", "", 0),
    ("prefix", "\u00e4\u00f6\u00fc\u4e2d\U0001f511x", 0), ("prefix of 1 and 255", LONG_TEXT + "abcdef", 0),
    ("partitioned prefix", EMAIL, 2),
    ("ngram", EMAIL, 0), ("ngram", "ann", 0), ("ngram", "an", 0), ("ngram", "", 0),
    ("ngram", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0),
    ("ngram", "^an$na^", 0), ("ngram", "\u4e2d\U0001f511\u00e4x\u00df", 0),
    ("bigrams of 16 bits", EMAIL, 1), ("ngram of 255", LONG_TEXT, 0),
    ("range days", ZERO, 0), ("range days", ZERO + 19000, 0), ("range days", ZERO + 2**16 - 1, 0),
    ("range 0 to 13", ZERO + 7, 0), ("range 0 to 13", ZERO + 13, 0),
    ("range 0 to 13, sparsity 2", ZERO + 7, 0),
    ("range of all int64", 0, 0), ("range of all int64", 2**64 - 1, 0),
    ("range of all int64", ZERO - 1, 0), ("range of all int64, sparsity 8", ZERO + 12345, 0),
    ("range of prices", order_of_decimal("19.99", 2), 1), ("range of prices", order_of_decimal("-10", 2), 0),
    ("range of doubles", order_of_double(struct.pack(">d", -0.0)), 0),
    ("range of doubles", order_of_double(struct.pack(">d", 3.25)), 0), ("range of two", 6, 0),
    ("compound", lp(b"ab") + lp(b"c"), 0), ("compound", lp(b"a") + lp(b"bc"), 0),
    ("compound", lp(b"") + lp(b""), 0), ("compound bytea", lp(b"x") * 16, 0),
]

SEARCHES = [
    ("equality", EMAIL, ""), ("bytea", EMAIL, ""), ("partitioned", EMAIL, ""), ("256 partitions", EMAIL, ""),
    ("equality of 1 bit", EMAIL, ""), ("slow", EMAIL, ""), ("compound", lp(b"") + lp(b"c"), ""),
    ("prefix", "ann", ""), ("prefix", "anna@", ""), ("prefix", "anna@e", ""), ("prefix", EMAIL, ""),
    ("partitioned prefix", "anna", ""), ("prefix of 1 and 255", "\U0001f511\u4e2d", ""),
    ("ngram", "exa", ""), ("ngram", "example", ""), ("ngram", "anna", "start"), ("ngram", "org", "end"),
    ("ngram", EMAIL, "start end"), ("bigrams of 16 bits", "ann", ""), ("bigrams of 16 bits", "an", "start"),
    ("range days", (ZERO, ZERO + 2**16 - 1), ""), ("range days", (ZERO + 1, ZERO + 2**16 - 2), ""),
    ("range days", (ZERO + 18000, ZERO + 18310), ""), ("range days", (ZERO + 5, ZERO + 5), ""),
    ("range 0 to 13", (ZERO, ZERO + 13), ""), ("range 0 to 13", (ZERO + 7, ZERO + 8), ""),
    ("range 0 to 13, sparsity 2", (ZERO + 1, ZERO + 12), ""),
    ("range of all int64", (0, 2**64 - 1), ""), ("range of all int64", (1, 2**64 - 2), ""),
    ("range of all int64, sparsity 8", (ZERO - 1000, ZERO + 1000), ""),
    ("range of prices", (order_of_decimal("0.01", 2), order_of_decimal("100.00", 2)), ""),
    ("range of two", (5, 6), ""),
]

ORDERS = [("int64", str(n), 0) for n in (-2**63, -2**63 + 1, -1, 0, 1, 2**63 - 1)]
ORDERS += [("timestamp", str(n), 0) for n in (-2**63 + 1, -1, 0, 1700000000000000, 2**63 - 2)]
ORDERS += [("decimal", text, 2) for text in (
    "-92233720368547758.08", "-1.01", "-1", "-0.01", "-0", "0", "0.000", "0.01", "1", "1.00000",
    "00123.45", "92233720368547758.07")]
ORDERS += [("decimal", "9.223372036854775807", 18), ("decimal", "9223372036854775807", 0)]
ORDERS += [("double", double(n), 0) for n in (
    float("-inf"), -1.7976931348623157e308, -1.0, -5e-324, -0.0, 0.0, 5e-324, 1.0, 1.5,
    1.7976931348623157e308, float("inf"))]

NFKC = ["nfkc_casefold"]
MANY_TRANSFORMS = [
    ([], "As it is \u00c4", "As it is \u00c4"), ([], "", ""),
    (["trim"], " \t\u3000 a b\u2003\u00a0\r\n", "a b"), (["trim"], "\u200b a", "\u200b a"),
    (["trim"], " \u2028\u2029\x85 ", ""),
    (NFKC, "Anna@Example.ORG", "anna@example.org"), (NFKC, "STRASSE Stra\u00dfe \u1e9e", "strasse strasse ss"),
    (NFKC, "A\u030aNGSTR\u00d6M \u212b", "\u00e5ngstr\u00f6m \u00e5"),
    (NFKC, "\ufb01\ufb03\u2460\uff21\uff11", "fiffi1a1"), (NFKC, "a\u00adb\u200dc\ufe0f", "abc"),
    (NFKC, "\u03a3\u03c3\u03c2", "\u03c3\u03c3\u03c3"), (NFKC, "\u0130I\u0131", "i\u0307i\u0131"),
    (NFKC, "\ufdfa", "\u0635\u0644\u0649 \u0627\u0644\u0644\u0647 \u0639\u0644\u064a\u0647 "
                     "\u0648\u0633\u0644\u0645"),
    (NFKC, "q\u0323\u0307 q\u0307\u0323", "q\u0323\u0307 q\u0323\u0307"),
    (NFKC, "\u1100\u1161\u11a8 \uac01", "\uac01 \uac01"), (NFKC, "\u0345\u1f80", "\u03b9\u1f00\u03b9"),
    (NFKC, "\u1fb4 \u1fb3\u0301 \u03b1\u0301\u0345 \u03b1\u0345\u0301", " ".join(["\u03ac\u03b9"] * 4)),
    (NFKC, "e" + "\u0301\u0316" * 40, "\u00e9" + "\u0316" * 40 + "\u0301" * 39),
    (["ascii_casefold"], "ABC \u00c4\u212a", "abc \u00c4\u212a"),
    (["digits"], "+49 (0)171-123 x\uff11", "490171123"), (["digits"], "none", ""),
    (["email_local"], "a@b@c", "a@b"), (["email_domain"], "a@b@c", "c"),
    (["email_strip_plus"], "anna+shop+x@example.org", "anna@example.org"),
    (["email_strip_plus"], "+49171@sms.example", "+49171@sms.example"),
    (["email_strip_plus"], "+a+b@c", "+a@c"), (["email_strip_plus"], "a@b+c", "a@b+c"),
    (["email_strip_plus"], "a+b@c@d", "a@d"),
    (["first:3"], "\u00e4\u4e2d\U0001f511x", "\u00e4\u4e2d\U0001f511"), (["first:255"], "ab", "ab"),
    (["last:4"], "4111 1111 1111 1234", "1234"), (["last:2"], "x\U0001f511\u4e2d", "\U0001f511\u4e2d"),
    (["last:1"], "", ""),
    (["e164"], "+49 171 123-45.67", "+491711234567"), (["e164"], "0049/(171)1234567", "+491711234567"),
    (["e164:49"], "0171 1234567", "+491711234567"), (["e164:49"], "(0) 171\u00a01234567", "+491711234567"),
    (["e164:49"], "+1 (212) 555-0100", "+12125550100"), (["e164:1"], "(212) 555-0100", "+12125550100"),
    (["e164"], "+123456789012345", "+123456789012345"), (["e164"], "+1234567", "+1234567"),
    (["trim", "nfkc_casefold", "email_strip_plus", "email_domain"], "  Anna+X@EXAMPLE.org ", "example.org"),
    (["nfkc_casefold", "digits", "last:4"], "\uff11\uff12\uff13\uff14\uff15", "2345"),
    (["trim"] * 8, " a ", "a"),
]
