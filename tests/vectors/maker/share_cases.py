"""shares.json: the cases of docs/FORMAT.md, section 8."""

from dataclasses import replace
from itertools import combinations

from maker import shares
from maker.cases import CaseFile, flip, refusal, seeded


def uuid7(label):
    raw = bytearray(seeded(label + " set", 16))
    raw[6] = raw[6] & 0x0F | 0x70
    raw[8] = raw[8] & 0x3F | 0x80
    return bytes(raw)


def make_split(name, threshold, count, secret=None, coefficients=None):
    secret = seeded(name + " secret", 32) if secret is None else secret
    if coefficients is None:
        coefficients = [seeded("%s coefficient %d" % (name, i), 32) for i in range(1, threshold)]
    made, record = shares.split(secret, coefficients, count, uuid7(name))
    return secret, coefficients, made, record


def add_split(cases, name, *arguments, **kwargs):
    secret, coefficients, made, record = make_split(name, *arguments, **kwargs)
    texts = [shares.to_text(shares.encode(share)) for share in made]
    for text, share in zip(texts, made):
        assert shares.parse_text(text.encode()) == share and len(text) == 113
        shares.admit(record, share)
    for chosen in list(combinations(made, record.threshold))[:50]:
        assert shares.interpolate({share.index: share.value for share in chosen}) == secret
    encoded = shares.encode_set(record)
    assert shares.decode_set(encoded) == record
    cases.positive(name, kind="split", set=record.set_uuid.hex(), threshold=record.threshold,
                   count=len(made), secret=secret.hex(),
                   coefficients="".join(c.hex() for c in coefficients),
                   values=[share.value.hex() for share in made], texts=texts, record=encoded.hex())


def add_splits(cases):
    for threshold, count in ((2, 2), (2, 3), (3, 5), (2, 16), (5, 7), (8, 15), (15, 16), (16, 16)):
        add_split(cases, "%d of %d" % (threshold, count), threshold, count)
    add_split(cases, "a secret of zeros", 3, 4, secret=bytes(32))
    add_split(cases, "a secret of ones", 3, 4, secret=b"\xff" * 32)
    add_split(cases, "coefficients of zeros, so each share is the secret", 3, 4,
              coefficients=[bytes(32)] * 2)
    add_split(cases, "coefficients of ones", 3, 4, coefficients=[b"\xff" * 32] * 2)
    add_split(cases, "the worked example", 2, 3, secret=bytes(range(32)))


def add_spellings(cases):
    share = make_split("3 of 5", 3, 5)[2][0]
    text = shares.to_text(shares.encode(share))
    words = text.split("-")
    far = replace(share, index=255)
    for name, typed, meant in (
            ("upper case", text.upper(), share), ("mixed case", text.title(), share),
            ("no separator", "".join(words), share), ("spaces", " ".join(words), share),
            ("line feeds", "\n".join(words), share), ("carriage returns", "\r\n".join(words), share),
            ("tabs", "\t".join(words), share), ("two hyphens", "--".join(words), share),
            ("all separators", " - \t\r\n".join(words), share),
            ("white space around", " \n" + text + "\r\n", share),
            ("hyphens around", "-" + text + "--", share),
            ("1024 characters", text + " " * (shares.TEXT_MAX - len(text)), share),
            ("index 255", shares.to_text(shares.encode(far)), far)):
        assert shares.parse_text(typed.encode()) == meant, name
        cases.positive("spelling: " + name, kind="spelling", typed=typed.encode().hex(),
                       text=shares.to_text(shares.encode(meant)))


class Refusals:
    def __init__(self, cases):
        self.cases = cases
        self.share, self.record = make_split("3 of 5", 3, 5)[2][0], make_split("3 of 5", 3, 5)[3]
        self.data = shares.encode(self.share)
        self.body = shares.to_text(self.data)

    def text(self, name, why, check, typed):
        typed = typed if isinstance(typed, bytes) else typed.encode()
        found = refusal(shares.parse_text, typed)
        assert found == check, (name, found, check)
        self.cases.negative("text: " + name, why, kind="text", typed=typed.hex())

    def admit(self, name, why, check, share):
        found = refusal(shares.admit, self.record, share)
        assert found == check, (name, found, check)
        self.cases.negative("share: " + name, why, kind="share", check=check,
                            record=shares.encode_set(self.record).hex(),
                            text=shares.to_text(shares.encode(share)))

    def set(self, name, why, check, data):
        found = refusal(shares.decode_set, data)
        assert found == check, (name, found, check)
        self.cases.negative("set: " + name, why, kind="set", record=data.hex())


def add_bad_texts(out):
    text, words = out.body, out.body.split("-")
    digits = "".join(words[3:])
    for name, typed, check in (
            ("empty", "", "group"), ("white space", " \n", "group"), ("the name alone", "coffer-share-1", "group"),
            ("no name", "-".join(words[3:]), "group"), ("version 2", text.replace("-1-", "-2-", 1), "name"),
            ("version 11", text.replace("-1-", "-11-", 1), "group"),
            ("another name", text.replace("share", "spare"), "name"),
            ("a name with a separator inside", "cof-fer" + text[6:], "name"),
            ("underscores", text.replace("-", "_"), "name"),
            ("a group lost", "-".join(words[:5] + words[6:]), "group"),
            ("a group twice", "-".join(words + words[-1:]), "behind"),
            ("the last digit lost", text[:-1], "group"), ("a digit more", text + "a", "behind"),
            ("padding", text + "=", "behind"), ("a dot behind", text + ".", "behind"),
            ("a digit lost in group 1", text.replace(words[3], words[3][1:]), "group"),
            ("a digit more in group 1", text.replace(words[3], words[3] + "a"), "group"),
            ("a space inside a group", "-".join(words[:4] + [words[4][:3] + " " + words[4][3:]] + words[5:]),
             "group"),
            ("a hyphen inside the last group", text[:-2] + "-" + text[-2:], "group"),
            *[("the digit " + digit, text[:40] + digit + text[41:], "group") for digit in "0189"],
            ("a NUL inside", text[:40] + "\0" + text[41:], "group"), ("a NUL behind", text + "\0", "behind"),
            ("a vertical tab", text.replace("-", "\v"), "name"),
            ("an en dash", text.replace("-", "\u2013"), "group"),
            ("a no-break space", text.replace("-", "\u00a0"), "group"),
            ("a full-width letter", text[:40] + "\uff41" + text[41:], "group"),
            ("a long s for s", text.replace("share", "\u017fhare"), "group"),
            ("a Kelvin sign", text[:40] + "\u212a" + text[41:], "group"),
            ("a byte order mark", "\ufeff" + text, "group"), ("two shares", text + "\n" + text, "behind"),
            ("1025 characters", text + " " * (shares.TEXT_MAX + 1 - len(text)), "text length"),
            ("hex", "coffer-share-1-" + out.data.hex(), "group")):
        out.text(name, "14 groups of fixed sizes", check, typed)
    for at in (0, 7, 8, 40, 81, 87):
        other = shares.DIGITS[(shares.DIGITS.index(digits[at]) + 1) % 32]
        changed = digits[:at] + other + digits[at + 1:]
        out.text("another digit at %d" % at, "the check", "check", "coffer-share-1-" + changed)
    swapped = "-".join(words[:5] + [words[6], words[5]] + words[7:])
    out.text("two groups swapped", "the check", "check", swapped)


def add_bad_bytes(out):
    for at in (0, 1, 16, 17, 18, 19, 50, 51, 54):
        out.text("a bit flipped in byte %d" % at, "the check", "check", shares.to_text(flip(out.data, at, at % 8)))
    for name, change, check in (
            ("threshold 0", {"threshold": 0}, "threshold"), ("threshold 1", {"threshold": 1}, "threshold"),
            ("threshold 17", {"threshold": 17}, "threshold"), ("threshold 255", {"threshold": 255}, "threshold"),
            ("index 0", {"index": 0}, "index"), ("a set UUID of zeros", {"set_uuid": bytes(16)}, "set UUID")):
        out.text(name, "the check is right, so only this can be refused", check,
                 shares.to_text(shares.encode(replace(out.share, **change))))
    for version in (0, 2, 255):
        out.text("version byte %d" % version, "the check is right, so only this can be refused", "version",
                 shares.to_text(shares.encode(out.share, version)))
    out.text("a check without its label", "the label is part of it", "check",
             shares.to_text(out.data[:-4] + shares.sha256(out.data[:-4])[:4]))
    out.text("a check of zeros", "the check", "check", shares.to_text(out.data[:-4] + bytes(4)))


def add_bad_shares(out):
    share, why = out.share, "the check of the text is right"
    other = make_split("another 3 of 5", 3, 5, secret=seeded("3 of 5 secret", 32))[2][0]
    out.admit("of another split of the same secret", why, "another set", other)
    out.admit("of another set with these bytes", why, "another set", replace(share, set_uuid=other.set_uuid))
    for threshold in (2, 4, 16):
        out.admit("with threshold %d" % threshold, why, "another threshold", replace(share, threshold=threshold))
    for index in (6, 16, 255):
        out.admit("with index %d of 5" % index, why, "index above count", replace(share, index=index))
    out.admit("under another index", why, "digest", replace(share, index=2))
    for at in (0, 15, 31):
        out.admit("with a bit flipped in byte %d" % at, why, "digest",
                  replace(share, value=flip(share.value, at, at % 8)))
    out.admit("of zeros", why, "digest", replace(share, value=bytes(32)))
    out.admit("of another split's bytes", why, "digest", replace(share, value=other.value))


def add_bad_sets(out):
    good, record = shares.encode_set(out.record), out.record
    for name, data, check in (
            ("empty", b"", "length"), ("18 bytes", good[:18], "length"), ("a byte short", good[:-1], "length"),
            ("a byte long", good + b"\0", "length"), ("a digest short", good[:-32], "length"),
            ("a digest more", good + bytes(32), "length"), ("no digests", good[:19], "length"),
            ("version 0", shares.encode_set(record, version=0), "version"),
            ("version 2", shares.encode_set(record, version=2), "version"),
            ("threshold 0", shares.encode_set(replace(record, threshold=0)), "threshold"),
            ("threshold 1", shares.encode_set(replace(record, threshold=1)), "threshold"),
            ("threshold 17", shares.encode_set(replace(record, threshold=17)), "threshold"),
            ("a threshold above count", shares.encode_set(replace(record, threshold=6)), "count"),
            ("count 0", shares.encode_set(replace(record, digests=())), "count"),
            ("count 17", shares.encode_set(replace(record, digests=(bytes(32),) * 17)), "count"),
            ("a count above the digests", shares.encode_set(record, count=6), "length"),
            ("a count below the digests", shares.encode_set(record, count=4), "length"),
            ("a set UUID of zeros", shares.encode_set(replace(record, set_uuid=bytes(16))), "set UUID")):
        out.set(name, "a set has one form", check, data)


def make_file():
    shares.check()
    assert shares.SIZE * 8 == 88 * 5
    cases = CaseFile("shares of a secret and their sets")
    add_splits(cases)
    add_spellings(cases)
    out = Refusals(cases)
    add_bad_texts(out)
    add_bad_bytes(out)
    add_bad_shares(out)
    add_bad_sets(out)
    return cases
