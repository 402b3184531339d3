"""A root key in shares: enough of them unseal, and a bad one is named, counts for nothing and leaves no trace."""

import base64
import hashlib
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from recovery_world import Vault  # noqa: E402
from service import run  # noqa: E402


def with_own_check(text, change):
    """The share with bytes changed, and the check of it made anew."""
    raw = bytearray(base64.b32decode("".join(text.strip().split("-")[3:]).upper()))
    change(raw)
    raw[51:] = hashlib.sha256(b"coffer/v1/share-check\0" + raw[:51]).digest()[:4]
    digits = base64.b32encode(raw).decode().lower()
    return "-".join(["coffer", "share", "1"] + [digits[i:i + 8] for i in range(0, len(digits), 8)])


class Shares(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.vaults = [Vault(key_file=False), Vault(key_file=False)]
        for vault in cls.vaults:
            cls.addClassCleanup(vault.close)
            vault.begin("--shares", "3/5", "--shares-dir", str(vault.elsewhere / "shares"))
        cls.own = cls.vaults[0].work()
        cls.shares, cls.foreign = ([(vault.elsewhere / "shares" / f"share-{i}-of-5.txt").read_text()
                                    for i in range(1, 6)] for vault in cls.vaults)

    def setUp(self):
        self.own.ok("operator", "seal")

    def give(self, share):
        return self.own.run("operator", "unseal", "--share", stdin=share)

    def files(self):
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in (self.own.store, self.own.journal)]

    def test_three_unseal_and_two_do_not(self):
        said = self.give(self.shares[4]).stdout.decode()
        self.assertIn("1 of 3 shares are there, 2 missing", said)
        answer = self.own.json("operator", "unseal", "--share-file", "-", stdin=self.shares[1])
        self.assertEqual(answer, {"state": "sealed", "shares_have": 2, "shares_missing": 1})
        self.assertEqual(self.own.state(), "sealed")
        self.assertEqual(self.own.run("secret", "get", "work/1").returncode, 1)
        self.assertEqual(self.give(self.shares[2]).stdout, b"unsealed\n")
        self.assertEqual(self.own.lost(), [])

    def test_a_bad_share_is_named_counts_for_nothing_and_writes_nothing(self):
        self.give(self.shares[0])
        self.give(self.shares[1])
        before = self.files()
        mistyped = self.shares[2].replace(self.shares[2].split("-")[8], "a" * 8)

        def flip(raw):
            raw[30] ^= 1

        def index_9(raw):
            raw[18] = 9

        bad = [(self.shares[1], "share 2: was there already"),
               (mistyped, "mistyped or damaged"),
               (self.shares[2].replace(self.shares[2].split("-")[8], "a" * 7 + "1"), "group 6"),
               (with_own_check(self.shares[2], flip), "share 3: the share is wrong"),
               (with_own_check(self.shares[2], index_9), "has no share of this index"),
               (self.foreign[2], "share 3: is of another set of shares"),
               ("", "a share begins with coffer-share-1"),
               ("x" * 5000, "coffer: ")]
        for share, sentence in bad:
            with self.subTest(sentence=sentence):
                done = self.give(share)
                self.assertIn(sentence, done.stderr.decode())
                self.assertEqual((done.returncode, done.stdout), (2 if len(share) > 1024 else 1, b""))
                if len(share) > 100:
                    self.assertNotIn(share.split("-")[-1].strip().encode(), done.stderr + self.own.log().encode())
                self.assertEqual(self.own.state(), "sealed")
        self.assertEqual(self.files(), before)
        self.assertEqual(self.give(self.shares[2]).stdout, b"unsealed\n")

    def test_shares_are_handed_out_on_a_terminal_or_to_new_files_only(self):
        self.own.ok("operator", "unseal", "--recovery-identity", str(self.own.identity))
        before = self.own.json("operator", "slots", "list")
        full = self.own.elsewhere / "shares"
        for options, code in (((), 2), (("--output", "json"), 2), (("--shares-dir", str(full)), 1)):
            done = self.own.run("operator", "slots", "add", "--shares", "2/2", *options, "--ask", "a test")
            self.assertEqual((done.returncode, done.stdout), (code, b""), options)
        self.assertEqual(self.own.json("operator", "slots", "list"), before)
        for path in full.iterdir():
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(len(list(full.iterdir())), 5)


if __name__ == "__main__":
    run(globals())
