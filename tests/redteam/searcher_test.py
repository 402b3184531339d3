"""The search itself: it finds a value in every form, cut in two, and in PostgreSQL's pages; else nothing."""

import base64
import os
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import wal  # noqa: E402
from canaries import Family, Searcher, families_of  # noqa: E402
from report import HELD, NOT_RUN, RED, TASK, WORKS, Outcome, summary, table  # noqa: E402


class Search(unittest.TestCase):
    def setUp(self):
        self.secret, self.control = Family("secret"), Family("control")
        self.searcher = Searcher([self.secret], controls=[self.control])
        self.value = self.secret.value()

    def spellings_in(self, content):
        return {spelling for family, spelling in self.searcher.find(content) if family == "secret"}

    def test_every_spelling_is_found(self):
        raw = self.value.encode()
        for spelling, content in {"as it is": raw, "in capitals": raw.upper(), "in hex": raw.hex().encode(),
                                  "in UTF-16": self.value.encode("utf-16-le"), "reversed": raw[::-1],
                                  "as numbers": " ".join(map(str, raw)).encode()}.items():
            with self.subTest(spelling=spelling):
                self.assertIn(spelling, self.spellings_in(b"before" + content + b"behind"))
        self.assertIn("in hex", self.spellings_in(raw.hex().upper().encode()))
        self.assertIn("in UTF-16", self.spellings_in(self.value.encode("utf-16-be")))

    def test_base64_is_found_wherever_it_begins(self):
        for before in range(3):
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                self.assertIn("in base64", self.spellings_in(encode(b"?" * before + self.value.encode() + b">>")))

    def test_either_end_is_enough(self):
        half = len(self.value) // 2
        self.assertEqual(self.spellings_in(self.value[:half].encode()), {"as it is"})
        self.assertEqual(self.spellings_in(self.value[half:].encode()), {"as it is"})

    def test_runs_of_eight_literals_are_found(self):
        """As pglz writes them: a control byte before each eight."""
        for shift in range(8):
            text = b"." * shift + self.value.encode()
            packed = b"".join(b"\0" + text[at:at + 8] for at in range(0, len(text), 8))
            self.assertEqual(self.spellings_in(packed), {"as it is"})

    def test_nothing_is_found_where_nothing_is(self):
        other = Family("other")
        self.assertEqual(self.searcher.find(os.urandom(1 << 20) + other.value().encode()), {})

    def test_families_are_told_apart(self):
        self.assertEqual(families_of(self.searcher.find(self.control.value().encode())), {"control"})
        both = [self.control.value().encode(), b"", self.value.encode()]
        self.assertEqual(families_of(self.searcher.find_in(both)), {"control", "secret"})

    def test_what_is_found_holds_no_value(self):
        self.assertNotIn(self.secret.head, repr(self.searcher.find(self.value.encode())))


class Log(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, content):
        """Two pages of WAL with this content across them, and an empty one."""
        first = b"\0\0" + wal.LONG_FLAG.to_bytes(2, "little") + bytes(36)
        room = wal.PAGE - wal.LONG_HEADER
        pages = first + content[:room] + (bytes(24) + content[room:]).ljust(wal.PAGE, b".") + bytes(wal.PAGE)
        path = self.folder / ("0" * 23 + "1")
        path.write_bytes(pages)
        (self.folder / "archive_status").mkdir()
        return wal.stream(wal.segments(self.folder))

    def test_a_value_across_two_pages_is_whole(self):
        value = b"a value across pages"
        room = wal.PAGE - wal.LONG_HEADER
        self.assertIn(value, self.write(b"x" * (room - 7) + value))

    def test_what_zstd_packed_is_unpacked(self):
        value = b"a value in a page " * 40
        packed = wal.packed_by_zstd(value)
        self.assertNotIn(value, packed)
        self.assertIn(value, self.write(b"xx" + wal.ZSTD_MAGIC + b"no frame" + packed + b"behind"))


class Report(unittest.TestCase):
    @staticmethod
    def outcome(**facts):
        outcome = Outcome("T0", "a test", **facts)
        outcome.control("the control", True)
        return outcome

    def test_verdicts(self):
        noticed, unnoticed, got, blind = (self.outcome() for _ in range(4))
        noticed.notice("somebody", True)
        unnoticed.notice("somebody", False)
        got.notice("somebody", True)
        got.secret("a secret")
        blind.notice("somebody", True)
        blind.control("another control", False)
        bare = Outcome("T0", "a test", silent="nobody can")
        verdicts = [one.verdict for one in (noticed, unnoticed, got, blind, bare, self.outcome(),
                                            self.outcome(silent="nobody can"), self.outcome(skipped="no"))]
        self.assertEqual(verdicts, [HELD, RED, RED, RED, RED, RED, HELD, NOT_RUN])
        task = Outcome(TASK, "a test", silent="it is his work")
        task.control("it works", True)
        self.assertEqual(task.verdict, WORKS)

    def test_what_is_wrong_is_named(self):
        outcome = self.outcome(silent="nobody can")
        outcome.secret("a secret in a place")
        self.assertIn("a secret in a place", table([outcome]))
        self.assertIn("T0: a secret was got: a secret in a place", summary([outcome], 1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
