"""Values that are planted, and the search for them in whatever form something wrote them down.

A family is a set of values that mean the same when one is found: a secret, or one of the positive controls. Each value
begins with the family's head and ends with its tail, random letters that occur nowhere else, so that the search for two
texts finds thousands of values, cut off ones too.
"""

import base64
import collections
import secrets

MARK = 18
PIECE = 8
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


def _mark():
    return "".join(secrets.choice(LETTERS) for _ in range(MARK))


class Family:
    def __init__(self, name):
        self.name = name
        self.head, self.tail = _mark(), _mark()
        self.count = 0

    def value(self):
        """A new value, about 50 characters, lower-case letters and digits."""
        self.count += 1
        return f"{self.head}{self.count:06x}{secrets.token_hex(4)}{self.tail}"


def _base64_forms(raw):
    """What of the text is the same wherever in an encoded stream it stands, a form for each of the three places."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).rstrip(b"=")
        first = -(-before * 8 // 6)
        last = (before + len(raw)) * 8 // 6
        yield encoded[first:last]


def spellings(mark):
    """[(spelling, bytes)] of a text of letters and digits."""
    raw = mark.encode()
    forms = [("as it is", raw), ("in capitals", raw.upper()), ("in hex", raw.hex().encode()),
             ("in hex", raw.hex().upper().encode()), ("in UTF-16", mark.encode("utf-16-le")),
             ("in UTF-16", mark.encode("utf-16-be")), ("reversed", raw[::-1]),
             ("as numbers", " ".join(map(str, raw)).encode())]
    for form in _base64_forms(raw):
        forms += [("in base64", form), ("in base64", form.translate(bytes.maketrans(b"+/", b"-_")))]
    return list(dict.fromkeys(forms))


def pieces(mark):
    """Literals of pglz stand in runs of eight, those of lz4 in runs of any length: one of these pieces is whole."""
    raw = mark.encode()
    return [("as it is", raw[start:start + PIECE]) for start in range(PIECE)]


class Searcher:
    """Looks for all values of some families at once; of `controls` until there is one. It returns no value."""

    def __init__(self, families, controls=()):
        self.controls = {family.name for family in controls}
        self.forms = [(family.name, *form) for family in (*families, *controls)
                      for form in (*pieces(family.head), *spellings(family.head), *spellings(family.tail))]

    def find(self, content):
        """Counter of (family, spelling): how often a piece of a value is in these bytes; a value has several."""
        return self.find_in([content])

    def find_in(self, contents):
        """The same over many."""
        found, seen = collections.Counter(), set()
        for content in contents:
            for family, spelling, form in self.forms:
                count = 0 if family in seen else content.count(form)
                if count:
                    found[family, spelling] += count
                    seen |= self.controls & {family}
        return found


def families_of(found):
    return {family for family, _ in found}
