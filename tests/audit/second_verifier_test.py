#!/usr/bin/python3
"""Logs that audit/ makes are verified by the second implementation, and refused after any change.

usage: second_verifier_test.py AUDIT_LOG_MAKER
"""

import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import second_verifier  # noqa: E402

MAKER = None
SIZES = (0, 1, 255, 256, 257, 1000, 65536, 70000)


class SecondVerifierTest(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="coffer-test-")
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name) / "log"

    def make(self, *sizes):
        shutil.rmtree(self.folder, ignore_errors=True)
        subprocess.run([MAKER, self.folder, *map(str, sizes)], check=True, timeout=100)

    def keys(self):
        log, witness = (second_verifier.Key((self.folder / name).read_text()) for name in ("vkey", "witness"))
        return log, [witness], 1

    def verify_log(self):
        return second_verifier.verify_log(self.folder, *self.keys())

    def verify_proof(self, index):
        text, record = ((self.folder / f"{kind}-{index}").read_bytes() for kind in ("proof", "record"))
        return second_verifier.verify_proof(text, record, *self.keys())

    def files(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    def assert_log_refused(self, what):
        with self.assertRaises(second_verifier.Refused, msg=what):
            self.verify_log()

    def test_logs_of_several_sizes_verify(self):
        for size in SIZES:
            with self.subTest(size=size):
                self.make(size)
                self.assertEqual(self.verify_log()[0], size)
                for index in {0, size // 2, size - 1} if size else ():
                    self.assertEqual(self.verify_proof(index)[0], size)

    def test_a_log_that_grew_verifies(self):
        self.make(0, 1, 2, 255, 300, 511, 600, 601, 66000)
        self.assertEqual(self.verify_log()[0], 66000)

    def test_the_files_are_those_of_the_example_of_c2sp(self):
        self.make(70000)
        files = self.files()
        self.assertEqual(len([name for name in files if name.startswith("tile/0/") and ".p/" not in name]), 273)
        partial = {"tile/0/273.p/112", "tile/entries/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"}
        self.assertEqual({name for name in files if ".p/" in name}, partial)

    def test_a_flipped_bit_anywhere_is_refused(self):
        self.make(300)
        chosen = random.Random(1)
        for name in self.files():
            if not name.startswith(("tile/", "checkpoint")):
                continue
            file = self.folder / name
            content = file.read_bytes()
            for place in {0, len(content) - 1, *(chosen.randrange(len(content)) for _ in range(6))}:
                changed = bytearray(content)
                changed[place] ^= 1 << chosen.randrange(8)
                file.write_bytes(changed)
                self.assert_log_refused(f"{name} at {place}")
            file.write_bytes(content[:-1])
            self.assert_log_refused(f"{name}, cut")
            file.write_bytes(content + b"\0")
            self.assert_log_refused(f"{name}, longer")
            file.unlink()
            if name != "checkpoint":
                self.assert_log_refused(f"{name}, gone")
            file.write_bytes(content)
        self.verify_log()

    def test_a_record_that_was_exchanged_with_its_hash_is_refused(self):
        self.make(5)
        bundle, tile = self.folder / "tile/entries/000.p/5", self.folder / "tile/0/000.p/5"
        records = second_verifier.bundle_records(bundle.read_bytes(), 5)
        records[2] = b"never happened"
        bundle.write_bytes(b"".join(len(record).to_bytes(2, "big") + record for record in records))
        tile.write_bytes(b"".join(map(second_verifier.leaf_hash, records)))
        self.assert_log_refused("the root is another")

    def test_an_older_checkpoint_of_a_longer_log_verifies(self):
        self.make(300)
        older = (self.folder / "checkpoint").read_bytes()
        self.make(300, 70000)
        (self.folder / "checkpoint").write_bytes(older)
        self.assertEqual(self.verify_log()[0], 300)

    def test_a_changed_proof_is_refused(self):
        self.make(257)
        text, record = ((self.folder / f"{kind}-128").read_bytes() for kind in ("proof", "record"))
        for place in range(len(text)):
            changed = bytearray(text)
            changed[place] ^= 1
            with self.assertRaises(second_verifier.Refused, msg=str(place)):
                second_verifier.verify_proof(bytes(changed), record, *self.keys())
        with self.assertRaises(second_verifier.Refused):
            second_verifier.verify_proof(text, record + b"\0", *self.keys())

    def test_a_log_whose_first_records_were_dropped_verifies(self):
        for size, kept in ((300, 1), (1000, 256), (1000, 700), (70000, 65536), (70000, 69999)):
            with self.subTest(size=size, kept=kept):
                self.make(size, "pruned", kept)
                self.assertEqual((self.folder / "tile/entries/000").exists(), kept < 256)
                self.assertEqual(self.verify_log()[0], size)

    def test_a_bundle_that_is_left_of_dropped_records_is_verified(self):
        self.make(1000)
        bundle = self.folder / "tile/entries/001"
        content = bundle.read_bytes()
        self.make(1000, "pruned", 700)
        self.assertFalse(bundle.exists())
        bundle.write_bytes(content)
        self.assertEqual(self.verify_log()[0], 1000)
        changed = bytearray(content)
        changed[40] ^= 1
        bundle.write_bytes(changed)
        self.assert_log_refused("a record of it")
        bundle.write_bytes(content[:-1])
        self.assert_log_refused("cut")

    def test_dropped_records_without_the_logs_own_note_are_refused(self):
        self.make(1000, "pruned", 700)
        note = self.folder / "pruned"
        content = note.read_bytes()
        for what, changed in (("another index", content.replace(b"\n700\n", b"\n701\n")), ("cut", content[:-9]),
                              ("a checkpoint", (self.folder / "checkpoint").read_bytes())):
            self.assertNotEqual(changed, content)
            note.write_bytes(changed)
            self.assert_log_refused(what)
        note.unlink()
        self.assert_log_refused("no note")
        note.write_bytes(content)
        tile = self.folder / "tile/0/001"
        hashes = bytearray(tile.read_bytes())
        hashes[40] ^= 1
        tile.write_bytes(hashes)
        self.assert_log_refused("a hash of a dropped record")

    def test_the_command_says_what_it_found(self):
        self.make(300)
        vkey, witness = ((self.folder / name).read_text() for name in ("vkey", "witness"))
        options = ["--witness", witness, "--quorum", "1"]
        script = [sys.executable, str(HERE / "second_verifier.py")]
        proof = [f"{self.folder}/proof-150", f"{self.folder}/record-150", vkey]
        self.assertEqual(subprocess.run([*script, "log", self.folder, vkey, *options], timeout=60).returncode, 0)
        self.assertEqual(subprocess.run([*script, "proof", *proof, *options], timeout=60).returncode, 0)
        other = vkey.replace("68dc9925", "68dc9926")
        refused = subprocess.run([*script, "log", self.folder, other], capture_output=True, timeout=60)
        self.assertEqual((refused.returncode, refused.stderr[:8]), (1, b"refused:"))


if __name__ == "__main__":
    MAKER = sys.argv.pop(1)
    unittest.main()
