"""docs/FORMAT.md, section 7: Bech32 as BIP 173 has it, without its limit of 90 characters."""

from maker.values import require

LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
CHECKSUM = 6


def polymod(values):
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate(GENERATOR):
            if top >> bit & 1:
                check ^= term
    return check


def expand(prefix):
    return [ord(c) >> 5 for c in prefix.lower()] + [0] + [ord(c) & 31 for c in prefix.lower()]


def with_checksum(prefix, groups, constant=1):
    """The text, in the case of the prefix; `groups` are numbers of 5 bits."""
    check = polymod(expand(prefix) + groups + [0] * CHECKSUM) ^ constant
    groups = groups + [check >> 5 * (CHECKSUM - 1 - i) & 31 for i in range(CHECKSUM)]
    text = prefix.lower() + "1" + "".join(LETTERS[group] for group in groups)
    return text.upper() if prefix.isupper() else text


def to_groups(data):
    bits = "".join("{:08b}".format(byte) for byte in data)
    bits += "0" * (-len(bits) % 5)
    return [int(bits[i:i + 5], 2) for i in range(0, len(bits), 5)]


def encode(prefix, data):
    return with_checksum(prefix, to_groups(data))


def decode(prefix, text, size):
    """`size` bytes of a text in the case of `prefix`."""
    require(text.isascii() and text.startswith(prefix + "1"), "prefix")
    digits = text[len(prefix) + 1:]
    require(len(digits) == -(-size * 8 // 5) + CHECKSUM, "length")
    letters = LETTERS.upper() if prefix.isupper() else LETTERS
    require(all(digit in letters for digit in digits), "character")
    groups = [letters.index(digit) for digit in digits]
    require(polymod(expand(prefix) + groups) == 1, "checksum")
    bits = "".join("{:05b}".format(group) for group in groups[:-CHECKSUM])
    require("1" not in bits[size * 8:], "unused bits")
    return bytes(int(bits[i:i + 8], 2) for i in range(0, size * 8, 8))


def check():
    """BIP 173's own valid texts: their checksums."""
    for text in ("A12UEL5L", "a12uel5l", "?1ezyfcl",
                 "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
                 "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w"):
        prefix, _, digits = text.lower().rpartition("1")
        assert polymod(expand(prefix) + [LETTERS.index(digit) for digit in digits]) == 1, text
