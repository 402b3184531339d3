"""field_ciphertext.json and field_ciphertext_siv.json: the cases that must decrypt."""

from dataclasses import replace

from maker.cases import CaseFile, seeded, seeded_id
from maker.field import FieldRequest, associated_data, decrypt, encrypt
from maker.field_forgeries import add_forgeries
from maker.field_negatives import PLAINTEXT, Negatives, add_refused_requests
from maker.names import make_text_form
from maker.values import NULL, bound, composite, int64, raw_bytes, text, uuid

LENGTHS = (0, 1, 15, 16, 17, 31, 32, 33, 64, 1000)
MULTIPLES = (1, 2, 16, 31, 32)
COFFER_SCOPE, SECRET_FIELD = bytes(15) + b"\x01", bytes(15) + b"\x02"


def make_request(name, suite, pad_multiple=0, row=None, context=None):
    """Key and ids seeded by the name of the case."""
    key, scope, tenant, field = (seeded(name + part, size) for part, size in (
        (" key", 32), (" scope", 16), (" tenant", 16), (" field", 16)))
    return FieldRequest(key, seeded_id(name), scope, tenant, field, suite, pad_multiple, row,
                        context)


def request_fields(request):
    return {"data_key": request.data_key.hex(), "key_id": str(request.key_id),
            "scope": request.scope.hex(), "tenant": request.tenant.hex(),
            "field": request.field.hex(), "suite": request.suite,
            "pad_multiple": request.pad_multiple, "row": request.row, "context": request.context}


def add_positive(cases, name, request, plaintext):
    blob = encrypt(request, plaintext, seeded(name + " nonce", 24))
    assert decrypt(request, blob) == plaintext, name
    cases.positive(name, **request_fields(request), plaintext=plaintext.hex(),
                   ciphertext=blob.hex(), aad=associated_data(request, blob[:10]).hex(),
                   text=make_text_form(blob) if len(plaintext) < 20 else None)


def sample(name, suite, length=None, plaintext=None, **kwargs):
    plaintext = seeded(name + " plaintext", length) if plaintext is None else plaintext
    return name, make_request(name, suite, **kwargs), plaintext


def length_samples(suite):
    for length in LENGTHS:
        yield sample("a plaintext of %d bytes, suite %d" % (length, suite), suite, length)


def padding_samples(suite):
    """Suites 1 and 2 share most lengths out between them."""
    for m in MULTIPLES:
        lengths = {0, 1, m - 1, m, m + 1, 2 * m - 1, 64}
        if suite != 4:
            lengths = {length for length in lengths if (m + length) % 2 == suite % 2} | {m - 1}
        for length in sorted(lengths):
            name = "%d bytes padded to a multiple of %d, suite %d" % (length, m, suite)
            yield sample(name, suite, length, pad_multiple=m)
    yield sample("a plaintext that ends in the padding marker, suite %d" % suite, suite,
                 plaintext=b"\x80\x00\x80\x00\x00", pad_multiple=16)
    yield sample("a plaintext of zeros, padded, suite %d" % suite, suite, plaintext=bytes(32),
                 pad_multiple=32)


ROWS = [
    ("int64 zero", int64(0)), ("int64 one", int64(1)), ("int64 minus one", int64(-1)),
    ("int64 least", int64(-2**63)), ("int64 greatest", int64(2**63 - 1)),
    ("a UUID", uuid(seeded("row uuid", 16))), ("a UUID of zeros", uuid(bytes(16))),
    ("text", text("admin")), ("an empty text", text("")),
    ("text that looks like a number", text("42")),
    ("text in NFC", text("caf\u00e9")), ("text in NFD, which stays NFD", text("cafe\u0301")),
    ("text outside the basic plane", text("\U0001f511 key")),
    ("bytes", raw_bytes(b"\x00\xff\x80\x10")), ("empty bytes", raw_bytes(b"")),
    ("bytes that are a UUID's", raw_bytes(seeded("row uuid", 16))),
    ("a composite of UUID and int64", composite(uuid(seeded("row uuid", 16)), int64(7))),
    ("a composite of all types", composite(int64(-5), uuid(bytes(16)), text("x"), raw_bytes(b"x"))),
    ("a composite of two texts", composite(text("a"), text("bc"))),
    ("a composite of two texts split elsewhere", composite(text("ab"), text("c"))),
    ("a composite of two empty texts", composite(text(""), text(""))),
    ("a composite of 255 integers", composite(*[int64(i) for i in range(255)])),
]


def row_samples(suite):
    for index, (title, row) in enumerate(ROWS):
        if suite == 1 + index % 2:
            yield sample("row bound to %s, suite %d" % (title, suite), suite, 20, row=row)


CONTEXTS = [
    ("one text column", [bound("url", text("https://db.example:5432/"))]),
    ("one NULL", [bound("login", NULL)]),
    ("an empty text", [bound("login", text(""))]),
    ("all types and a NULL", [bound("a", int64(-1)), bound("b", uuid(bytes(16))),
                              bound("c", text("t")), bound("d", raw_bytes(b"\x00")),
                              bound("e", NULL)]),
    ("columns given out of order", [bound("url", text("u")), bound("login", text("l")),
                                    bound("access", text("proxy"))]),
    ("a proper prefix that sorts first", [bound("b", int64(3)), bound("aa", int64(2)),
                                          bound("a", int64(1))]),
    ("a shorter name that sorts last", [bound("aaaa", int64(1)), bound("b", int64(2))]),
    ("an upper-case column that sorts first", [bound("a", int64(2)), bound("Z", int64(1))]),
    ("an underscore between the cases", [bound("a", int64(3)), bound("_", int64(2)),
                                         bound("Z", int64(1))]),
    ("a column beyond ASCII that sorts last", [bound("\u00fc", int64(2)), bound("z", int64(1))]),
    ("one bool column", [bound("is_default", int64(1))]),
    ("a column of 63 characters", [bound("c" * 63, text("v"))]),
    ("255 columns", [bound("c%d" % i, NULL) for i in range(255)]),
]


def context_samples(suite):
    for title, context in CONTEXTS:
        if suite == 4 or title != "255 columns":
            yield sample("context bound to %s, suite %d" % (title, suite), suite, 20,
                         context=context)


def flag_samples(suite, rows=(None, int64(42))):
    context = [bound("url", text("https://db.example/")), bound("login", NULL)]
    for m in (0, 16):
        for row in rows:
            for bindings in (None, context):
                flags = ["padded"] if m else []
                flags += ["row"] if row else []
                flags += ["context"] if bindings else []
                name = "flags: %s, suite %d" % (", ".join(flags) or "none", suite)
                yield sample(name, suite, plaintext=b"correct horse battery staple",
                             pad_multiple=m, row=row, context=bindings)


def id_samples(suite):
    for title, changes in (
            ("key id 1", {"key_id": 1}), ("the greatest key id", {"key_id": 2**63 - 1}),
            ("the global tenant", {"tenant": bytes(16)})):
        name, request, plaintext = sample("%s, suite %d" % (title, suite), suite, 24)
        yield name, replace(request, **changes), plaintext


def secret_samples():
    for version in (1, 2**63 - 1):
        name = "the built-in field coffer.secret, version %d" % version
        row = composite(uuid(seeded("secret uuid", 16)), int64(version))
        _, request, plaintext = sample(name, 2, 40, pad_multiple=32, row=row)
        assert request.second_byte() == 0xC2
        yield name, replace(request, scope=COFFER_SCOPE, field=SECRET_FIELD), plaintext


def bases(suite, row):
    """The requests that the negatives of a suite start from."""
    context = [bound("url", text("https://db.example/")), bound("login", text("")),
               bound("org", NULL), bound("port", int64(42))]
    name = "negative base, suite %d" % suite
    plain = make_request(name, suite)
    return {"plain": plain, "padded": replace(plain, pad_multiple=16),
            "context": replace(plain, context=context),
            "row": replace(plain, row=row),
            "full": replace(plain, pad_multiple=16, row=row, context=context[1:3])}


def add_samples(cases, *groups):
    for group in groups:
        for name, request, plaintext in group:
            add_positive(cases, name, request, plaintext)


def add_negatives(cases, requests):
    """The requests as they are first: each negative differs from one of them in one thing."""
    for title, request in requests.items():
        if title != "row" or request.row is not None:
            name = "the %s request of the negatives, suite %d" % (title, request.suite)
            add_positive(cases, name, request, PLAINTEXT)
    out = Negatives(cases, requests, request_fields)
    add_refused_requests(out)
    add_forgeries(out)


def make_file():
    cases = CaseFile("field ciphertext, suites 1 and 2 (docs/FORMAT.md, section 1)")
    for suite in (1, 2):
        add_samples(cases, length_samples(suite), padding_samples(suite), row_samples(suite),
                    context_samples(suite), flag_samples(suite), id_samples(suite))
    add_samples(cases, secret_samples())
    for suite in (1, 2):
        add_negatives(cases, bases(suite, int64(42)))
    return cases


def make_siv_file():
    cases = CaseFile("field ciphertext, suite 4 (docs/FORMAT.md, section 1)")
    add_samples(cases, length_samples(4), padding_samples(4), context_samples(4),
                flag_samples(4, rows=(None,)), id_samples(4))
    add_negatives(cases, bases(4, None))
    return cases
