"""field_ciphertext.json and field_ciphertext_siv.json: ciphertexts of a codec that is wrong.

Each is valid but for one step: padding, derivation, associated data, suite, commitment.
"""

from dataclasses import replace

from maker.cases import flip, seeded, seeded_id
from maker.derivation import commitment, derive, suite_fields
from maker.field import associated_data, encrypt, field_key, pad
from maker.field_negatives import PLAINTEXT, header_with
from maker.primitives import siv_encrypt, xaes_encrypt
from maker.values import int64, u8
from maker.wrapped_key import WrapContext, wrap

CONTENTS = [
    (16, "no content at all", b"", "padding is at least one byte"),
    (16, "only zeros", bytes(16), "there is no marker 80"),
    (16, "text and zeros without a marker", b"password" + bytes(8), "there is no marker 80"),
    (16, "no marker and no zeros", b"sixteen letters.", "there is no marker 80"),
    (16, "01 after the marker", b"password\x80" + bytes(6) + b"\x01",
     "80 is followed by zeros only"),
    (16, "text after the marker", b"\x80" + b"password" + b"1234567",
     "80 is followed by zeros only"),
    (16, "81 as the marker", b"password\x81" + bytes(7), "the marker is 80"),
    (16, "00 before 01 at the end", b"password" + bytes(7) + b"\x01", "the marker is 80"),
    (16, "15 bytes of content", b"password\x80" + bytes(6), "the length is a multiple of m"),
    (16, "17 bytes of content", b"password\x80" + bytes(8), "the length is a multiple of m"),
    (16, "one byte of content", b"\x80", "the length is a multiple of m"),
    (16, "a whole block of padding too much", b"password\x80" + bytes(23),
     "padding ends at the next multiple"),
    (16, "a block of zeros after a full padding block", b"\x80" + bytes(31),
     "padding ends at the next multiple"),
    (16, "a marker 17 bytes before the end", b"fifteen letters\x80" + bytes(16),
     "padding ends at the next multiple"),
    (1, "no marker under a multiple of 1", b"password", "there is no marker 80"),
    (1, "a zero after the marker under a multiple of 1", b"password\x80\x00",
     "padding ends at the next multiple"),
    (1, "no content under a multiple of 1", b"", "padding is at least one byte"),
    (2, "an odd length under a multiple of 2", b"ab\x80", "the length is a multiple of m"),
    (2, "padded to 4 under a multiple of 2", b"a\x80\x00\x00", "padding ends at the next multiple"),
    (32, "padded to 16 under a multiple of 32", pad(b"password", 16),
     "the length is a multiple of m"),
    (16, "padded to 32 under a multiple of 16", pad(b"password", 32),
     "padding ends at the next multiple"),
    (3, "padded to 16 under a multiple of 3", pad(b"password", 16),
     "the length is a multiple of m"),
    (31, "padded to 32 under a multiple of 31", pad(b"password", 32),
     "the length is a multiple of m"),
]


def add_paddings(out):
    for m, title, content, why in CONTENTS:
        request = replace(out.bases["plain"], pad_multiple=m)
        out.add("valid AEAD over %s" % title, why, request, out.forge(request, content), "padding")


def add_constructions(out):
    """Ciphertexts of a codec that got one step wrong."""
    request = out.bases["full"]
    header, content = request.header(), pad(PLAINTEXT, 16)
    ad = associated_data(request, header)
    wrong = [("without its label", ad[14:]),
             ("without the zero after its label", ad[:13] + ad[14:]),
             ("without the header", ad[:14] + ad[24:]),
             ("without the format byte", ad[:14] + ad[15:]),
             ("with the context left out", ad[:-len(encode_tail(request))]),
             ("with a zero at the end", ad + b"\0"), ("that is empty", b"")]
    for title, other in wrong:
        out.add("associated data %s" % title, "the associated data is exactly the page's", request,
                out.forge(request, content, ad=other))


def encode_tail(request):
    """LP(context), the end of the associated data."""
    whole = associated_data(request, request.header())
    return whole[len(associated_data(request, request.header(), context=b"")) - 4:]


def add_foreign_kinds(out):
    request = out.bases["plain"]
    context = WrapContext(request.data_key, request.key_id, seeded("store", 16), 2,
                          seeded("keyring", 16), 1, seeded_id("inner"), request.tenant, 1)
    wrapped = wrap(context, seeded("inner key", 32), out.nonce("of a wrapped key"))
    out.add("a wrapped key under the same key", "a blob of one kind never decrypts elsewhere",
            request, wrapped, "format byte")
    relabelled = header_with(request) + wrapped[10:]
    out.add("a wrapped key under a field ciphertext's header",
            "a blob of one kind never decrypts elsewhere", request, relabelled)


def add_siv_constructions(out):
    request = out.bases["plain"]
    header, key = request.header(), field_key(request, "det", 4)
    ad = associated_data(request, header)
    exchanged = key[32:] + key[:32]
    bodies = [("with the halves of the key exchanged", siv_encrypt(exchanged, [ad], PLAINTEXT)),
              ("with no S2V component", siv_encrypt(key, [], PLAINTEXT)),
              ("with the associated data as two components",
               siv_encrypt(key, [ad[:24], ad[24:]], PLAINTEXT)),
              ("with an empty second component", siv_encrypt(key, [ad, b""], PLAINTEXT)),
              ("with V after the ciphertext", rotate(siv_encrypt(key, [ad], PLAINTEXT))),
              ("with the random suites' label", siv_encrypt(other_label(request), [ad], PLAINTEXT))]
    for title, body in bodies:
        out.add("SIV %s" % title, "associated data is one S2V component, K1 the left half, V first",
                request, header + body)
    bound_request = replace(request, row=int64(42))
    out.add("a row-bound request", "suite 4 is never row-bound; valid under its header",
            bound_request, out.forge(bound_request, PLAINTEXT), "request: row under suite 4")
    row_header = header_with(request, second=0x44)
    out.add("row-bound in the header alone", "suite 4 is never row-bound", request,
            out.forge(request, PLAINTEXT, header=row_header), "second byte")
    for suite in (1, 2):
        random_request = replace(request, suite=suite)
        blob = encrypt(random_request, PLAINTEXT, out.nonce("random"))
        out.add("a ciphertext of suite %d" % suite, "the request declares suite 4", request, blob,
                "second byte")
        out.add("a ciphertext of suite %d relabelled suite 4" % suite, "the suite is in keys and "
                "associated data", request, flip_suite(blob, 4))


def rotate(body):
    return body[16:] + body[:16]


def other_label(request):
    fields = suite_fields(4, request.tenant, request.field)
    return derive(request.data_key, "enc", fields) + derive(request.data_key, "cmt", fields)


def flip_suite(blob, suite):
    return blob[:1] + u8(blob[1] & 0xF0 | suite) + blob[2:]


def add_relabelled(out):
    """Suite 1 as suite 2 and the reverse, also as suite 4."""
    request, other = out.bases["plain"], replace(out.bases["plain"], suite=3 - out.suite)
    foreign = out.blob(other, PLAINTEXT * 2)
    title = "a ciphertext of suite %d" % other.suite
    out.add(title, "the request declares another suite", request, foreign, "second byte")
    shorter, longer = foreign[:-32], foreign + seeded("extra", 32)
    out.add(title + " relabelled", "the suite is in keys and associated data", request,
            flip_suite(foreign, out.suite))
    changed, how = (shorter, "without its commitment") if out.suite == 1 else (
        longer, "with 32 bytes more")
    out.add(title + " relabelled, " + how, "the suite is in keys and associated data", request,
            flip_suite(changed, out.suite))
    relabelled = flip_suite(out.blob("plain"), other.suite)
    out.add("its own ciphertext relabelled suite %d" % other.suite, "the second byte is declared",
            request, relabelled, "second byte")
    siv = out.forge(replace(request, suite=4), PLAINTEXT + bytes(64))
    out.add("a ciphertext of suite 4", "the request declares another suite", request, siv,
            "second byte")
    out.add("a ciphertext of suite 4 relabelled", "the suite is in keys and associated data",
            request, flip_suite(siv, out.suite))


def add_derivations(out):
    request = out.bases["padded"]
    header, content, nonce = request.header(), pad(PLAINTEXT, 16), out.nonce("derivation")
    ad = associated_data(request, header)
    whole = suite_fields(request.second_byte(), request.tenant, request.field)
    no_tenant = u8(request.suite) + request.field
    keys = [("the data key itself", request.data_key),
            ("the commitment's key", field_key(request, "cmt", request.suite)),
            ("a key derived with the whole second byte", derive(request.data_key, "enc", whole)),
            ("a key derived without the tenant", derive(request.data_key, "enc", no_tenant)),
            ("a key derived for suite 4", field_key(request, "enc", 4))]
    commit_key = field_key(request, "cmt", request.suite)
    for title, key in keys:
        body = xaes_encrypt(key, nonce, content, ad)
        tail = commitment(commit_key, nonce, ad, body[-16:]) if request.suite == 2 else b""
        out.add("encrypted under %s" % title, "the AEAD key comes from label enc, suite, tenant, "
                "field", request, header + nonce + body + tail, "tag")


def add_commitments(out):
    request, blob = out.bases["full"], out.blob("full")
    header, nonce, tag = blob[:10], blob[10:34], blob[-48:-32]
    ad = associated_data(request, header)
    commit_key = field_key(request, "cmt", 2)
    other_key = field_key(replace(request, data_key=seeded("another data key", 32)), "cmt", 2)
    for title, value in (
            ("of another key", commitment(other_key, nonce, ad, tag)),
            ("of another nonce", commitment(commit_key, flip(nonce, 0), ad, tag)),
            ("of another associated data", commitment(commit_key, nonce, ad + b"\0", tag)),
            ("of another tag", commitment(commit_key, nonce, ad, flip(tag, 0))),
            ("under the AEAD key", commitment(field_key(request, "enc", 2), nonce, ad, tag)),
            ("of zeros", bytes(32)), ("of another value", out.blob("plain")[-32:])):
        out.add("a valid tag with a commitment %s" % title, "the commitment is always checked",
                request, blob[:-32] + value, "commitment")
    wrong_tag = flip(tag, 15, 7)
    good = commitment(commit_key, nonce, ad, wrong_tag)
    out.add("a valid commitment with a wrong tag", "the tag is always checked", request,
            blob[:-48] + wrong_tag + good, "tag")
    out.add("a valid commitment with a changed ciphertext", "the tag is always checked", request,
            flip(blob, 34), "tag")
    out.add("tag and commitment exchanged", "the tag comes first", request,
            blob[:-48] + blob[-32:] + tag)
    out.add("without the tag", "a part is missing", request, blob[:-48] + blob[-32:])
    out.add("with the commitment twice", "trailing bytes", request, blob + blob[-32:])


def add_forgeries(out):
    groups = {1: [add_relabelled, add_derivations],
              2: [add_relabelled, add_derivations, add_commitments], 4: [add_siv_constructions]}
    for add_group in [add_paddings, add_constructions, add_foreign_kinds, *groups[out.suite]]:
        add_group(out)
