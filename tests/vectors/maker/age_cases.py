"""age.json: the cases of docs/FORMAT.md, section 7."""

import hashlib

from maker import age, bech32
from maker.age_refusals import add_file_refusals
from maker.cases import CaseFile, refusal, seeded

# Published by C2SP beside the format.
C2SP_IDENTITY = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
C2SP_RECIPIENT = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
# Above this size a file is told by its SHA-256, and its plaintext by the rule in README.md.
SHOWN_MAX = 2000
SIZES = (0, 1, 2, 15, 16, 17, 255, 1000, 65535, 65536, 65537, 131071, 131072, 131073, 200000)
LOW_ORDER = [
    ("0", bytes(32)), ("1", b"\x01" + bytes(31)),
    ("of order 8", bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")),
    ("of order 8, the other", bytes.fromhex(
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")),
    ("p - 1", (age.PRIME - 1).to_bytes(32, "little"))]
TOP = 1 << 255


def plaintext_of(size):
    return hashlib.shake_128(b"coffer age plaintext").digest(size)


def add_keys(cases):
    for name, secret in (("zeros", bytes(32)), ("ones", b"\xff" * 32), ("counting", bytes(range(32))),
                         ("random", seeded("age identity", 32)), ("another", seeded("age other", 32))):
        add_key(cases, "a pair of " + name, secret)
    add_key(cases, "the pair that C2SP shows", age.parse_identity(C2SP_IDENTITY))
    assert cases.positives[-1]["recipient"] == C2SP_RECIPIENT


def add_key(cases, name, secret):
    identity, recipient = age.identity_text(secret), age.recipient_text(age.public_key(secret))
    assert age.parse_identity(identity) == secret
    assert age.parse_recipient(recipient) == age.public_key(secret)
    cases.positive(name, kind="keys", identity=identity, secret=secret.hex(), recipient=recipient,
                   public_key=age.public_key(secret).hex())


def make_seeds(name, count):
    return age.Seeds(seeded(name + " file key", 16),
                     tuple(seeded("%s ephemeral %d" % (name, i), 32) for i in range(count)),
                     seeded(name + " nonce", 16))


def add_file(cases, name, count, size):
    secrets = [seeded("age reader %d" % i, 32) for i in range(count)]
    seeds, plaintext = make_seeds(name, count), plaintext_of(size)
    file = age.encrypt([age.public_key(secret) for secret in secrets], seeds, plaintext)
    for secret in secrets:
        assert age.decrypt([secret], file) == plaintext
    assert len(file) == 70 + 98 * count + 16 + size + 16 * max(1, -(-size // age.CHUNK))
    cases.positive(name, kind="file", identities=[age.identity_text(secret) for secret in secrets],
                   file_key=seeds.file_key.hex(), nonce=seeds.nonce.hex(),
                   ephemerals="".join(one.hex() for one in seeds.ephemerals), size=size,
                   file=file.hex() if size <= SHOWN_MAX else None,
                   sha256=hashlib.sha256(file).hexdigest())


def add_foreign(cases):
    """Files that other programs may write: unknown stanzas around ours."""
    secret, seeds = seeded("age reader 0", 32), make_seeds("foreign", 1)
    ours = age.x25519_stanza(seeds, 0, age.public_key(secret))
    for name, stanzas in (
            ("an unknown stanza before", age.stanza([b"example.com/x", b"1"], b"body") + ours),
            ("an unknown stanza behind", ours + age.stanza([b"grease"], b"")),
            ("a stanza of one argument", age.stanza([b"x"], b"") + ours),
            ("a body of 48 bytes, so its last line is empty", age.stanza([b"x"], b"b" * 48) + ours),
            ("a body of 49 bytes", age.stanza([b"x"], b"b" * 49) + ours),
            ("a body of 500 bytes", age.stanza([b"x"], b"b" * 500) + ours),
            ("every character of an argument",
             age.stanza([bytes(range(0x21, 0x7F)), b"---", b"->"], b"b") + ours),
            ("a type that begins with X25519", age.stanza([b"X25519x", b"y", b"z"], b"b") + ours),
            ("a type in lower case", age.stanza([b"x25519"], b"b") + ours),
            ("the same recipient twice", ours + ours)):
        file = age.make_header(seeds.file_key, stanzas) + age.make_payload(
            seeds.file_key, seeds.nonce, plaintext_of(20))
        assert age.decrypt([secret], file) == plaintext_of(20)
        cases.positive("foreign: " + name, kind="foreign", identities=[age.identity_text(secret)],
                       size=20, file=file.hex())


def refuse(cases, kind, name, why, text, check):
    parse = {"recipient": age.parse_recipient, "identity": age.parse_identity}[kind]
    found = refusal(parse, text)
    assert found == check, (name, found, check)
    cases.negative("%s: %s" % (kind, name), why, kind=kind, text=text)


def swap_case_of_last_letter(text):
    at = max(i for i, c in enumerate(text) if c.isalpha())
    return text[:at] + text[at].swapcase() + text[at + 1:]


def add_bad_texts(cases):
    secret = seeded("age identity", 32)
    for kind, prefix, data in (("recipient", age.RECIPIENT, age.public_key(secret)),
                               ("identity", age.IDENTITY, secret)):
        good = bech32.encode(prefix, data)
        groups = bech32.to_groups(data)
        swapped = good.upper() if kind == "recipient" else good.lower()
        other = "AGE" if kind == "recipient" else "AGE-SECRET-KEY-PQ-"
        letters = good[:-1] + ("q" if kind == "recipient" else "Q")
        swap = good[:20] + good[21] + good[20] + good[22:]
        for name, why, text, check in (
                ("empty", "no prefix", "", "prefix"),
                ("the prefix alone", "no data", prefix + "1", "length"),
                ("the other case", "one case only", swapped, "prefix"),
                ("one letter in the other case", "one case only",
                 swap_case_of_last_letter(good), "character"),
                ("another prefix", "not this kind of key", bech32.encode(other, data), "prefix"),
                ("the checksum constant of Bech32m", "BIP 350 is another code",
                 bech32.with_checksum(prefix, groups, 0x2BC830A3), "checksum"),
                ("one byte short", "32 bytes", bech32.encode(prefix, data[:31]), "length"),
                ("one byte long", "32 bytes", bech32.encode(prefix, data + b"\0"), "length"),
                ("no byte", "32 bytes", bech32.encode(prefix, b""), "length"),
                ("the last character lost", "cut", good[:-1], "length"),
                ("a space first", "no white space", " " + good, "prefix"),
                ("a line feed last", "no white space", good + "\n", "length"),
                ("two characters swapped", "the checksum", swap, "checksum"),
                ("another last character", "the checksum", letters, "checksum"),
                ("a letter that is none of Bech32's", "b, i, o and 1 are not used",
                 good[:30] + ("b" if kind == "recipient" else "B") + good[31:], "character"),
                ("unused bit 1 set", "unused bits are zero",
                 bech32.with_checksum(prefix, groups[:-1] + [groups[-1] | 1]), "unused bits"),
                ("unused bit 8 set", "unused bits are zero",
                 bech32.with_checksum(prefix, groups[:-1] + [groups[-1] | 8]), "unused bits")):
            refuse(cases, kind, name, why, text, check)
    refuse(cases, "recipient", "a secret identity", "the secret is no recipient",
           age.identity_text(secret), "prefix")
    refuse(cases, "identity", "a recipient", "the public key is no identity",
           age.recipient_text(age.public_key(secret)), "prefix")


def add_bad_points(cases):
    for name, point in LOW_ORDER:
        refuse(cases, "recipient", "a point of low order, " + name,
               "its shared secret is zeros", age.recipient_text(point), "low order")
    for name, number in (("9 with the top bit", 9 + TOP), ("9 + p", 9 + age.PRIME),
                         ("p", age.PRIME), ("all bits", 2 * TOP - 1)):
        point = number.to_bytes(32, "little")
        refuse(cases, "recipient", "a public key of " + name,
               "not the one encoding of its point", age.recipient_text(point), "not canonical")


def make_file():
    age.check()
    cases = CaseFile("age v1 files, recipients and identities")
    add_keys(cases)
    for size in SIZES:
        add_file(cases, "a file of %d bytes" % size, 1, size)
    for count in (2, 3, 20):
        add_file(cases, "a file to %d recipients" % count, count, 100)
    add_foreign(cases)
    add_bad_texts(cases)
    add_bad_points(cases)
    add_file_refusals(cases, LOW_ORDER)
    return cases
