"""age.json: files that no reader of docs/FORMAT.md, section 7, accepts.

`stock` says whether Debian's age 1.1.1 refuses the file too; tests/crypto/age_stock_test.cc asks it.
"""

import base64
from functools import partial

from maker import age
from maker.cases import flip, refusal, seeded

SECRET = seeded("age reader 0", 32)
POINT = age.public_key(SECRET)
SEEDS = age.Seeds(seeded("refused file key", 16), (seeded("refused ephemeral", 32),),
                  seeded("refused nonce", 16))
OURS = age.x25519_stanza(SEEDS, 0, POINT)
SHARE = age.public_key(SEEDS.ephemerals[0])
WRAPPED = age.parse_stanza(OURS)[1]
PLAINTEXT = b"nothing of this is ever given out"
PAYLOAD = age.make_payload(SEEDS.file_key, SEEDS.nonce, PLAINTEXT)
HEADER = age.make_header(SEEDS.file_key, OURS)
UNKNOWN = age.stanza([b"x", b"y"], b"body")


def add(cases, name, why, check, file, stock=True):
    found = refusal(age.decrypt, [SECRET], file)
    assert found == check, (name, found, check)
    cases.negative("file: " + name, why, kind="file", identities=[age.identity_text(SECRET)],
                   file=file.hex(), stock="refuses" if stock else "decrypts")


def under_mac(stanzas, **kwargs):
    """A file whose MAC is right for these bytes, so that only their form can be refused."""
    return age.make_header(SEEDS.file_key, stanzas, **kwargs) + PAYLOAD


def other_unused(text, bit):
    """Unpadded base64 with an unused bit of its last character set."""
    return text[:-1] + age.BASE64[age.BASE64.index(text[-1:]) | bit:][:1]


def add_versions(cases):
    body = HEADER[len(age.VERSION):] + PAYLOAD
    for name, file, check in (
            ("no byte", b"", "version"), ("the version alone", age.VERSION, "cut inside the header"),
            ("the version without its line feed", age.VERSION[:-1], "version"),
            ("version 2", b"age-encryption.org/v2\n" + body, "version"),
            ("version v1 with more", b"age-encryption.org/v1x\n" + body, "version"),
            ("another name", b"age-encryption.com/v1\n" + body, "version"),
            ("the version in upper case", age.VERSION.upper() + body, "version"),
            ("a carriage return behind the version", age.VERSION[:-1] + b"\r\n" + body, "version"),
            ("a line feed first", b"\n" + HEADER + PAYLOAD, "version"),
            ("a byte order mark first", b"\xef\xbb\xbf" + HEADER + PAYLOAD, "version"),
            ("the version twice", age.VERSION + HEADER + PAYLOAD, "stanza start")):
        add(cases, name, "the first line is the version", check, file)
    armored = base64.encodebytes(HEADER + PAYLOAD).replace(b"\n", b"")
    lines = b"".join(armored[i:i + 64] + b"\n" for i in range(0, len(armored), 64))
    add(cases, "ASCII armor", "only binary files are read", "version",
        b"-----BEGIN AGE ENCRYPTED FILE-----\n" + lines + b"-----END AGE ENCRYPTED FILE-----\n",
        stock=False)


def add_arguments(cases):
    add(cases, "no stanza", "at least one", "no stanza", under_mac(b""))
    for name, line, check in (
            ("a stanza without arguments", b"-> \n\n", "empty argument"),
            ("a stanza without its space", b"->\n\n", "stanza start"),
            ("an argument without the space", b"->x\n\n", "stanza start"),
            ("three hyphens and an arrow", b"--> x\n\n", "stanza start"),
            ("two spaces between arguments", b"-> x  y\n\n", "empty argument"),
            ("a space behind the arguments", b"-> x \n\n", "empty argument"),
            ("two spaces before the arguments", b"->  x\n\n", "empty argument"),
            ("a tab in an argument", b"-> x\ty\n\n", "argument character"),
            ("a NUL in an argument", b"-> x\0\n\n", "argument character"),
            ("a DEL in an argument", b"-> x\x7f\n\n", "argument character"),
            ("a byte beyond ASCII in an argument", "-> \u00e9\n\n".encode(), "argument character"),
            ("a carriage return behind the arguments", b"-> x\r\n\n", "argument character"),
            ("an empty line", b"\n", "stanza start"),
            ("a line that is none of the header's", b"x\n\n", "stanza start"),
            ("a space before the arrow", b" -> x\n\n", "stanza start")):
        add(cases, name + ", before ours", "a stanza's first line", check, under_mac(line + OURS))
    add(cases, "an empty line before the MAC", "a stanza or the MAC", "stanza start",
        under_mac(OURS + b"\n"))


def add_bodies(cases):
    long = age.b64(b"b" * 49)
    for name, body, check in (
            ("a missing body", b"", "base64 character"),
            ("a body of 48 bytes without its empty line", age.b64(b"b" * 48) + b"\n",
             "base64 character"),
            ("a line of 66 characters", long + b"\n", "long line"),
            ("a line of 65 characters, then one", long[:65] + b"\n" + long[65:] + b"\n", "long line"),
            ("a short line first", long[:60] + b"\n" + long[60:] + b"\n", "stanza start"),
            ("a carriage return behind a line", b"Ym9keQ\r\n", "base64 character"),
            ("padding", b"Ym9keQ==\n", "base64 character"),
            ("unused bit 1 set", b"Ym9keR\n", "base64 unused bits"),
            ("unused bit 8 set", b"Ym9keY\n", "base64 unused bits"),
            ("one character over", b"Ym9keQAAA\n", "base64 length"),
            ("base64url", b"--__\n", "base64 character"), ("a space", b"Ym9 keQ\n", "base64 character"),
            ("a letter beyond ASCII", "Ym\u00e9Q\n".encode(), "base64 character")):
        add(cases, "the body of an unknown stanza: " + name, "base64 in lines of 64", check,
            under_mac(b"-> x\n" + body + OURS))


def add_macs(cases):
    mac = age.header_mac(SEEDS.file_key, OURS)
    text = age.b64(mac)

    def file(line):
        return age.VERSION + OURS + line + PAYLOAD

    assert file(b"--- " + text + b"\n") == HEADER + PAYLOAD
    for name, line, check in (
            ("is missing", b"", "cut inside the header"), ("has no space", b"---" + text + b"\n", "MAC line"),
            ("has two spaces", b"---  " + text + b"\n", "base64 character"),
            ("has a space behind", b"--- " + text + b" \n", "base64 character"),
            ("is empty", b"--- \n", "MAC length"), ("is nothing but its mark", b"---\n", "MAC line"),
            ("is cut to 31 bytes", b"--- " + age.b64(mac[:31]) + b"\n", "MAC length"),
            ("has 33 bytes", b"--- " + age.b64(mac + b"\0") + b"\n", "MAC length"),
            ("has padding", b"--- " + text + b"=\n", "base64 character"),
            ("has unused bit 1 set", b"--- " + other_unused(text, 1) + b"\n", "base64 unused bits"),
            ("has a carriage return behind", b"--- " + text + b"\r\n", "base64 character"),
            ("has four hyphens", b"---- " + text + b"\n", "MAC line"),
            ("has a second argument", b"--- " + text + b" x\n", "base64 character"),
            ("is of zeros", b"--- " + age.b64(bytes(32)) + b"\n", "MAC"),
            ("has its first bit flipped", b"--- " + age.b64(flip(mac, 0, 7)) + b"\n", "MAC"),
            ("has its last bit flipped", b"--- " + age.b64(flip(mac, 31)) + b"\n", "MAC")):
        add(cases, "the MAC " + name, "43 characters, over the whole header", check, file(line))
    other = age.header_mac(seeded("another file key", 16), OURS)
    add(cases, "the MAC of another file key", "the key is the file's", "MAC",
        file(b"--- " + age.b64(other) + b"\n"))
    for name, stanzas in (("a stanza added before", UNKNOWN + OURS),
                          ("a stanza added behind", OURS + UNKNOWN),
                          ("our stanza doubled", OURS + OURS)):
        add(cases, name + ", the MAC as it was", "the MAC is over all stanzas", "MAC",
            age.VERSION + stanzas + b"--- " + text + b"\n" + PAYLOAD)
    add(cases, "two stanzas swapped, the MAC as it was", "the MAC is over all stanzas", "MAC",
        under_mac(UNKNOWN + OURS).replace(UNKNOWN + OURS, OURS + UNKNOWN))


def add_x25519(cases, low_order):
    good, why = age.b64(SHARE), "share and body have 32 bytes"
    make = partial(age.stanza, body=WRAPPED)
    for name, bad, check in (
            ("without a share", make([b"X25519"]), "argument count"),
            ("with a third argument", make([b"X25519", good, b"x"]), "argument count"),
            ("with a share of 31 bytes", make([b"X25519", age.b64(SHARE[:31])]), "share length"),
            ("with a share of 33 bytes", make([b"X25519", age.b64(SHARE + b"\0")]), "share length"),
            ("with a padded share", make([b"X25519", good + b"="]), "base64 character"),
            ("with an unused bit set in its share", make([b"X25519", other_unused(good, 2)]),
             "base64 unused bits"),
            ("with a share in base64url", make([b"X25519", b"-" + good[1:]]), "base64 character"),
            ("with a share in hex", make([b"X25519", SHARE.hex().encode()]), "share length"),
            ("with no body", age.stanza([b"X25519", good], b""), "body length"),
            ("with a body of 31 bytes", age.stanza([b"X25519", good], WRAPPED[:31]), "body length"),
            ("with a body of 33 bytes", age.stanza([b"X25519", good], WRAPPED + b"\0"), "body length"),
            ("with a body of 48 bytes", age.stanza([b"X25519", good], WRAPPED + bytes(16)),
             "body length")):
        add(cases, "an X25519 stanza " + name, why, check, under_mac(bad))
        add(cases, "an X25519 stanza %s, before ours" % name, why, check, under_mac(bad + OURS))
        add(cases, "an X25519 stanza %s, behind ours" % name, why, check, under_mac(OURS + bad),
            stock=False)
    for name, point in low_order:
        key = age.hkdf(bytes(32), point + POINT, age.X25519_INFO)
        wrapped = age.ChaCha20Poly1305(key).encrypt(bytes(12), SEEDS.file_key, None)
        add(cases, "an X25519 share of low order, " + name, "the shared secret is zeros",
            "low order", under_mac(age.stanza([b"X25519", age.b64(point)], wrapped)))


def add_others(cases):
    why, check = "no stanza is ours", "other recipients"
    stranger = age.public_key(seeded("age stranger", 32))
    for name, stanzas in (
            ("another recipient", age.x25519_stanza(SEEDS, 0, stranger)),
            ("unknown stanzas only", UNKNOWN + UNKNOWN),
            ("a passphrase", age.stanza([b"scrypt", age.b64(bytes(16)), b"10"], bytes(32))),
            ("a bit flipped in the share",
             age.stanza([b"X25519", age.b64(flip(SHARE, 3))], WRAPPED)),
            ("a bit flipped in the wrapped file key",
             age.stanza([b"X25519", age.b64(SHARE)], flip(WRAPPED, 0))),
            ("a bit flipped in the tag of the file key",
             age.stanza([b"X25519", age.b64(SHARE)], flip(WRAPPED, 31))),
            ("our type in lower case", age.stanza([b"x25519", age.b64(SHARE)], WRAPPED))):
        add(cases, "to others: " + name, why, check, under_mac(stanzas))


def add_payloads(cases):
    key, nonce = age.hkdf(SEEDS.file_key, SEEDS.nonce, b"payload"), SEEDS.nonce
    sealed = PAYLOAD[16:]
    other = age.make_payload(seeded("another file key", 16), SEEDS.nonce, PLAINTEXT)
    first = age.seal_chunk(key, 0, True, b"")
    for name, payload, check in (
            ("is missing", b"", "payload length"), ("is a nonce cut to 15 bytes", nonce[:15], "payload length"),
            ("is a nonce alone", nonce, "payload length"),
            ("has a chunk of one byte", nonce + sealed[:1], "payload length"),
            ("has a chunk shorter than a tag", nonce + sealed[:15], "payload length"),
            ("is cut by a byte", PAYLOAD[:-1], "chunk tag"),
            ("is cut by its tag", PAYLOAD[:-16], "chunk tag"),
            ("has a byte behind", PAYLOAD + b"\0", "chunk tag"),
            ("has a line feed behind", PAYLOAD + b"\n", "chunk tag"),
            ("stands there twice", PAYLOAD + PAYLOAD, "chunk tag"),
            ("has its chunk twice", PAYLOAD + sealed, "chunk tag"),
            ("has an empty last chunk behind its last", PAYLOAD + age.seal_chunk(key, 1, True, b""), "chunk tag"),
            ("has a bit flipped in its nonce", flip(PAYLOAD, 0), "chunk tag"),
            ("has a bit flipped in its content", flip(PAYLOAD, 16), "chunk tag"),
            ("has a bit flipped in its tag", flip(PAYLOAD, len(PAYLOAD) - 1, 7), "chunk tag"),
            ("has no last chunk", nonce + age.seal_chunk(key, 0, False, PLAINTEXT), "chunk tag"),
            ("begins with chunk 1", nonce + age.seal_chunk(key, 1, True, PLAINTEXT), "chunk tag"),
            ("is another file key's", other, "chunk tag"),
            ("is encrypted under the file key's header key",
             nonce + age.seal_chunk(age.hkdf(SEEDS.file_key, b"", b"header"), 0, True, PLAINTEXT), "chunk tag"),
            ("has a short chunk that is not the last",
             nonce + age.seal_chunk(key, 0, False, b"a") + age.seal_chunk(key, 1, True, b"b"), "chunk tag"),
            ("has two last chunks, the first empty", nonce + first + first, "chunk tag"),
            ("has its last flag as 02",
             nonce + age.ChaCha20Poly1305(key).encrypt(bytes(11) + b"\2", PLAINTEXT, None), "chunk tag"),
            ("counts in little endian",
             nonce + age.ChaCha20Poly1305(key).encrypt(b"\1" + bytes(11), PLAINTEXT, None), "chunk tag")):
        add(cases, "the payload " + name, "nonce, then chunks to the last", check, HEADER + payload)


def add_file_refusals(cases, low_order):
    assert age.decrypt([SECRET], HEADER + PAYLOAD) == PLAINTEXT
    add_versions(cases)
    add_arguments(cases)
    add_bodies(cases)
    add_macs(cases)
    add_x25519(cases, low_order)
    add_others(cases)
    add_payloads(cases)
