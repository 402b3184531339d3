"""The list of cases that becomes a file, and bytes that are the same at every run."""

import hashlib
import json

from maker.values import Refused

SOURCE = ("made from docs/FORMAT.md alone by tests/vectors/make_vectors.py, "
          "an independent second implementation")


def seeded(label, size):
    """Bytes that depend on the label only, so that a new case changes no other."""
    return hashlib.shake_128(b"coffer test vectors 1\0" + label.encode("utf-8")).digest(size)


def seeded_id(label):
    return int.from_bytes(seeded(label, 8), "big") >> 1 | 1


def flip(data, index, bit=0):
    changed = bytearray(data)
    changed[index] ^= 1 << bit
    return bytes(changed)


def refusal(function, *arguments):
    """The check that refuses, or None when nothing does."""
    try:
        function(*arguments)
    except Refused as refused:
        return str(refused)
    return None


class CaseFile:
    def __init__(self, title):
        self.title, self.names = title, set()
        self.positives, self.negatives = [], []

    def _add(self, cases, case):
        assert case["name"] not in self.names, case["name"]
        self.names.add(case["name"])
        cases.append(case)

    def positive(self, name, **fields):
        self._add(self.positives, {"name": name, **fields})

    def negative(self, name, why, **fields):
        self._add(self.negatives, {"name": name, "why": why, **fields})

    def counts(self):
        return "%d positive, %d negative" % (len(self.positives), len(self.negatives))

    def render(self):
        def block(cases):
            lines = ["\n" + json.dumps(case, separators=(",", ":")) for case in cases]
            return "[" + ",".join(lines) + "\n]"

        head = '{"format": %s,\n"source": %s' % (json.dumps(self.title), json.dumps(SOURCE))
        groups = '"positive": %s,\n"negative": %s' % (block(self.positives), block(self.negatives))
        return head + ",\n" + groups + "}\n"
