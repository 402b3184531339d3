"""docs/FORMAT.md, section 5: transforms of text, over the Unicode tables of Python."""

import unicodedata

from maker.values import require

TEXT_MAX = 65536
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + \
    "\u2028\u2029\u202f\u205f\u3000"
ZERO_KEEPERS = ("39", "225", "242", "378")


def default_ignorable(char):
    """Default_Ignorable_Code_Point of the assigned code points (DerivedCoreProperties.txt)."""
    code = ord(char)
    return (code in (0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0)
            or 0x180B <= code <= 0x180F or 0x200B <= code <= 0x200F or 0x202A <= code <= 0x202E
            or 0x2060 <= code <= 0x206F or 0xFE00 <= code <= 0xFE0F or 0x1BCA0 <= code <= 0x1BCA3
            or 0x1D173 <= code <= 0x1D17A or code == 0xE0001 or 0xE0020 <= code <= 0xE007F
            or 0xE0100 <= code <= 0xE01EF)


def fold(char):
    """The NFKC_Casefold mapping of one code point: fold, decompose and drop until nothing changes."""
    text = "".join(c for c in char if not default_ignorable(c))
    while True:
        folded = unicodedata.normalize("NFKD", text.casefold())
        folded = "".join(c for c in folded if not default_ignorable(c))
        if folded == text:
            return text
        text = folded


def nfkc_casefold(text):
    require(all(unicodedata.category(c) != "Cn" for c in text), "unassigned code point")
    return unicodedata.normalize("NFC", "".join(map(fold, unicodedata.normalize("NFD", text))))


def ascii_casefold(text):
    return "".join(c.lower() if "A" <= c <= "Z" else c for c in text)


def split_email(text):
    local, at, domain = text.rpartition("@")
    require(local and at and domain, "no email address")
    return local, domain


def strip_plus(text):
    local, domain = split_email(text)
    return local[0] + local[1:].partition("+")[0] + "@" + domain


def is_digits(text):
    return all("0" <= c <= "9" for c in text) and text != ""


def lone_zero(text):
    """A 0 alone in parentheses, whatever else is dropped in between."""
    spaced = "".join(c for c in text if c not in " \xa0-./")
    return "(0)" in spaced


def e164(text, country):
    number = "".join(c for c in text if c not in " \xa0-./()")
    if number.startswith(("+", "00")):
        number = number[1 if number[0] == "+" else 2:]
        require(is_digits(number) and number[0] != "0" and not lone_zero(text), "no number")
    else:
        require(country and is_digits(number), "no number")
        number = country + (number[1:] if number[0] == "0" else number)
        require(len(number) > len(country), "no number")
    require(7 <= len(number) <= 15, "no number")
    return "+" + number


def parameter(text, highest):
    require(is_digits(text) and text[0] != "0" and int(text) <= highest, "transform")
    return int(text)


SIMPLE = {
    "trim": lambda text: text.strip(WHITE_SPACE), "nfkc_casefold": nfkc_casefold,
    "ascii_casefold": ascii_casefold,
    "digits": lambda text: "".join(c for c in text if "0" <= c <= "9"),
    "email_local": lambda text: split_email(text)[0],
    "email_domain": lambda text: split_email(text)[1],
    "email_strip_plus": strip_plus, "e164": lambda text: e164(text, ""),
}


def step(transform, text):
    if transform in SIMPLE:
        return SIMPLE[transform](text)
    name, colon, number = transform.partition(":")
    require(colon and name in ("first", "last", "e164"), "transform")
    if name == "e164":
        parameter(number, 999)
        require(number not in ZERO_KEEPERS, "transform")
        return e164(text, number)
    count = parameter(number, 255)
    return text[:count] if name == "first" else text[-count:]


def decode(raw):
    require(len(raw) <= TEXT_MAX, "length")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    require(text is not None and "\0" not in text, "text")
    return text


def apply(transforms, raw):
    """UTF-8 in and out."""
    text = decode(raw)
    require(len(transforms) <= 8, "transforms")
    for transform in transforms:
        text = step(transform, text)
        require(len(text.encode("utf-8")) <= TEXT_MAX, "length")
    return text.encode("utf-8")
