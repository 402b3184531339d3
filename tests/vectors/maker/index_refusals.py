"""The negatives of index_tokens.json that are refusals."""

from maker import index_tokens, transforms
from maker.index_samples import EMAIL, FORMS, LONG_TEXT, ZERO, double, form
from maker.values import lp

TRANSFORMS = [
    (["trim"], b"\xff", "not UTF-8"), (["trim"], b"\xed\xa0\x80", "a surrogate"),
    (["trim"], b"\xc0\x80", "an overlong form"), ([], b"a\x00b", "U+0000"),
    (["trim"] * 9, b"a", "nine transforms"), (["nfkc_casefold"], "a\u0378", "an unassigned code point"),
    (["nfkc_casefold"], "\uffff", "a noncharacter"),
    (["email_local"], "anna", "no @"), (["email_local"], "@example.org", "nothing before the @"),
    (["email_domain"], "anna@", "nothing after the @"), (["email_domain"], "", "empty"),
    (["email_strip_plus"], "a+b", "no @"), (["email_local", "email_domain"], EMAIL, "the @ is gone"),
    (["e164"], "0171 1234567", "national, and no country declared"), (["e164"], "", "empty"),
    (["e164:49"], "", "empty"), (["e164:49"], "0", "nothing but the 0"),
    (["e164"], "+0491711234567", "no country starts with 0"), (["e164"], "000491711234567", "the same"),
    (["e164"], "+49 (0) 171 1234567", "a 0 that is not dialled"),
    (["e164"], "+49 ( 0-) 171 1234567", "the same, spaced"),
    (["e164"], "+49171x", "a letter"), (["e164:49"], "0171;1234567", "a semicolon"),
    (["e164"], "+49+1711234567", "two plus signs"), (["e164"], "4+91711234567", "a plus sign inside"),
    (["e164"], "+123456", "six digits"), (["e164"], "+1234567890123456", "sixteen digits"),
    (["e164"], "+\u0664\u0669171123456", "digits of another script"), (["e164"], "++491711234567", "two"),
    (["first"], "a", "no number"), (["first:0"], "a", "zero"), (["first:256"], "a", "above 255"),
    (["first:03"], "a", "a leading zero"), (["first:-1"], "a", "negative"), (["first:"], "a", "nothing"),
    (["first:3 "], "a", "a space"), (["last:x"], "a", "a letter"), (["last:1:2"], "a", "two numbers"),
    (["last:99999999999999999999"], "a", "above 64 bits"),
    (["trim:1"], "a", "a number too many"), (["Trim"], "a", "upper case"), ([""], "a", "no name"),
    (["upper"], "a", "an unknown name"), (["e164:0"], "+4917112345", "country 0"),
    (["e164:1000"], "+4917112345", "four digits"), (["e164:39"], "+3906123456", "Italy keeps the 0"),
    (["e164:378"], "+3780549123456", "San Marino keeps it too"),
]

ORDERS = [("timestamp", str(-2**63), 0), ("timestamp", str(2**63 - 1), 0)]
ORDERS += [("decimal", text, 2) for text in (
    "", "-", ".", "1.", ".5", "+1", "--1", "1e3", "NaN", "Infinity", "1,5", " 1", "1 ", "0x1", "1.2.3",
    "0.001", "-0.009", "92233720368547758.08", "-92233720368547758.09", "1" + "0" * 64, "\uff11")]
ORDERS += [("decimal", "10", 18), ("decimal", "1", 19)]
ORDERS += [("double", raw, 0) for raw in ("7ff8000000000000", "fff8000000000000", "7ff0000000000001")]

DAYS = FORMS["range days"]
BAD_FORMS = [
    ("profile 0", form(0, "equality")), ("int4 of 0 bits", form(1, "equality", "int4", 0)),
    ("int4 of 32 bits", form(1, "equality", "int4", 32)), ("int8 of 64 bits", form(1, "equality", bits=64)),
    ("bytea of 127 bits", form(1, "equality", "bytea", 127)), ("bytea of 63", form(1, "equality", "bytea", 63)),
    ("no partitions", form(1, "equality", partitions=0)), ("257 partitions", form(1, "equality", partitions=257)),
    ("a count of a scalar", form(1, "equality", count=3)), ("an n of a scalar", form(1, "equality", n=3)),
    ("lengths of n-grams", form(1, "ngram", count=3, n=3, lengths=[1])),
    ("n of 1", form(1, "ngram", count=3, n=1)), ("n of 17", form(1, "ngram", count=3, n=17)),
    ("no n", form(1, "ngram", count=3)), ("n-grams without a count", form(1, "ngram", n=3)),
    ("n-grams in int4", form(1, "ngram", "int4", 31, count=3, n=3)),
    ("n-grams in bytea", form(1, "ngram", "bytea", 128, count=3, n=3)),
    ("an array of 9 bits", form(1, "ngram", bits=9, count=3, n=3)),
    ("193 tokens of 31 bits", form(1, "ngram", bits=31, count=193, n=3)),
    ("no lengths", form(1, "prefix", count=3, lengths=[])),
    ("a length of 0", form(1, "prefix", count=3, lengths=[0, 1])),
    ("lengths that descend", form(1, "prefix", count=3, lengths=[3, 2])),
    ("a length twice", form(1, "prefix", count=3, lengths=[3, 3])),
    ("more lengths than tokens", form(1, "prefix", count=2, lengths=[1, 2, 3])),
    ("sparsity 0", {**DAYS, "sparsity": 0}), ("sparsity 9", {**DAYS, "sparsity": 9}),
    ("a domain of one value", {**DAYS, "max": DAYS["min"]}),
    ("a domain that ends before it starts", {**DAYS, "min": 9, "max": 8}),
    ("more levels than tokens", {**DAYS, "count": 15}),
    ("a slow array", form(1, "ngram", count=3, n=3, slow=[1, 8192])),
    ("slow with no pass", form(1, "equality", slow=[0, 8192])),
    ("slow with 17 passes", form(1, "equality", slow=[17, 8192])),
    ("slow with too little memory", form(1, "equality", slow=[1, 8191])),
    ("slow with too much memory", form(1, "equality", slow=[1, 262145])),
]

STORED = [
    ("ngram", LONG_TEXT, "more tokens than the count"),
    ("ngram", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEF", "one token more than the count"),
    ("prefix", b"ann\xff", "not UTF-8"), ("ngram", b"\xe4\xb8", "a code point cut short"),
    ("range days", ZERO - 1, "below the domain"), ("range days", ZERO + 2**16, "above the domain"),
    ("range 0 to 13", ZERO + 14, "above the domain, inside its bits"), ("range of two", 4, "below"),
]

SEARCHES = [
    ("equality", "", "", "empty"), ("bytea", "", "", "empty"), ("slow", "", "", "empty"),
    ("compound", lp(b"") + lp(b""), "", "all values are empty"), ("equality", EMAIL, "start", "no n-grams"),
    ("prefix", EMAIL, "end", "no n-grams"), ("prefix", "an", "", "shorter than every length"),
    ("prefix", "\U0001f511", "", "four bytes, one code point"), ("prefix", "", "", "empty"),
    ("ngram", "an", "", "shorter than n"), ("ngram", "", "", "empty"), ("ngram", "\u00e4\u00f6", "", "short"),
    ("ngram", LONG_TEXT, "", "no array holds as many"), ("range days", (ZERO + 5, ZERO + 4), "", "low > high"),
    ("range days", (ZERO - 1, ZERO + 4), "", "low outside"), ("range days", (ZERO, ZERO + 2**16), "", "high outside"),
]


def add_refusals(cases, tools):
    """`tools` are index_cases' own, which import this module."""
    refused, index_of, place_fields, raw_of = (
        tools[name] for name in ("refusal", "index_of", "place_fields", "raw_of"))
    for names, text, why in TRANSFORMS:
        assert refused(transforms.apply, names, raw_of(text)), (names, text[:20])
        cases.negative("transform %s: %s" % (" ".join(names), why), why, op="transform",
                       transforms=names, input=raw_of(text).hex())
    for kind, value, scale in ORDERS:
        assert refused(tools["order_of"], kind, value, scale), value
        cases.negative("order of %s %r, scale %d" % (kind, value, scale), "no order", op="order",
                       type=kind, value=value, scale=scale)
    for count in (0, 1, 17):
        assert refused(index_tokens.pack_compound, [b"a"] * count)
        cases.negative("compound of %d" % count, "2 to 16 values", op="compound", values=["61"] * count)
    for title, bad in BAD_FORMS:
        assert refused(index_of, bad), title
        cases.negative("form: " + title, title, op="form", **place_fields(bad))
    add_refused_tokens(cases, refused, index_of, place_fields, raw_of)


def add_refused_tokens(cases, refused, index_of, place_fields, raw_of):
    for name, value, why in STORED:
        index, fields = index_of(FORMS[name]), place_fields(FORMS[name])
        if "range" in name:
            assert refused(index.stored_range, value, 0), why
            cases.negative("%s: %s" % (name, why), why, op="stored_range", **fields, order=str(value))
        else:
            assert refused(index.stored, raw_of(value), 0), why
            cases.negative("%s: %s" % (name, why), why, op="stored", **fields, value=raw_of(value).hex())
    for name, value, anchors, why in SEARCHES:
        index, fields = index_of(FORMS[name]), place_fields(FORMS[name])
        title = "search %s: %s" % (name, why)
        if "range" in name:
            assert refused(index.search_range, *value), why
            cases.negative(title, why, op="search_range", **fields, low=str(value[0]), high=str(value[1]))
        else:
            ends = ("start" in anchors, "end" in anchors)
            assert refused(index.search, raw_of(value), *ends), (name, why)
            cases.negative(title, why, op="search", **fields, value=raw_of(value).hex(),
                           at_start=ends[0], at_end=ends[1])
