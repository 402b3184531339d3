"""The audit log as its readers meet it: calls are made, found by an auditor, proved, and found again when the index was
deleted; what was planted in calls and in searches is nowhere in log or index.
"""

import base64
import json
import os
import pathlib
import re
import secrets
import shutil
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from canary_test import files_below, findings, planted  # noqa: E402
from service import DEADLINE_S, NOBODY, Service, json_lines, run, wait_until  # noqa: E402

UID = NOBODY if os.geteuid() == 0 else None
CATALOG = """scope = "shop"
[field."user.email"]
class   = "pii"
keyring = "shop"
row     = "int64"
expect  = { rows = 1000000, distinct = 900000, top_share = 0.0001 }
[field."user.email".index.one]
kind      = "equality"
keyring   = "shop-index"
bits      = 128
unique    = true
"""
EMAIL = ("--field", "shop.user.email", "--row", "id")
HEX = re.compile(rb"\\?\\x([0-9a-f]{32,})")


class AuditLog(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service(uid=UID, log_level="debug")
        cls.addClassCleanup(cls.service.close)
        cls.service.start_initialised()
        cls.service.ok("keyring", "create", "shop-index", "--purpose", "index")
        cls.service.apply_catalog(CATALOG)
        cls.canaries = []
        cls.work()

    @classmethod
    def plant(cls):
        cls.canaries.append(planted())
        return cls.canaries[-1]

    @classmethod
    def work(cls):
        """Values, ciphertexts, tokens, search terms and an auditor's filters, each with a canary."""
        email = cls.plant()
        row = json.loads(cls.service.ok("field", "encrypt", *EMAIL, "--tokens", "--ciphertext", "hex",
                                        stdin=json_lines([{"id": 424242, "email": email}])))
        cls.written = [value for value in row.values() if isinstance(value, str)]
        cls.service.ok("field", "decrypt", *EMAIL, stdin=json_lines([row]))
        cls.service.run("field", "decrypt", *EMAIL, stdin=json_lines([{**row, "id": 424243}]))
        for term in (email, cls.plant()):
            found = cls.service.ok("field", "search", "--field", "shop.user.email", "--index", "one", stdin=term)
            cls.written += [f"\\x{digits.decode()}" for digits in HEX.findall(found)]
        cls.service.ok("secret", "put", "app/db", stdin=cls.plant())
        cls.service.ok("secret", "get", "app/db")
        cls.service.run("secret", "get", "app/db", "--role", "dba")
        cls.service.ok("audit", "query", "--principal", cls.plant(), "--object", cls.plant(), "--row",
                       f"text:{cls.plant()}")

    def records(self, *filters, count=1):
        found = []

        def enough():
            done = self.service.run("audit", "query", *filters, "--output", "json")
            found[:] = json.loads(done.stdout)["records"] if done.returncode == 0 else []
            return len(found) >= count

        wait_until(enough, f"{count} records for {filters}", self.service.process)
        return found

    def everything(self):
        return self.service.json("audit", "query", "--oldest-first", "--limit", "1000000")["records"]

    def indexed_to(self, size):
        wait_until(lambda: self.service.json("audit", "checkpoint")["indexed_size"] >= size, "the index follows",
                   self.service.process)

    def index_files(self):
        return [path for path in (self.service.data / "audit").iterdir() if path.name.startswith("index.sqlite")]

    def restart(self, change):
        """Stops, changes the files, starts; gives the records of before and after."""
        size = self.service.json("audit", "checkpoint")["durable_size"]
        self.indexed_to(size)
        before = [record for record in self.everything() if record["index"] < size]
        self.assertEqual(len(before), size)
        self.assertEqual(self.service.stop(), 0)
        change()
        self.service.start()
        self.indexed_to(size)
        after = [record for record in self.everything() if record["index"] < size]
        return before, after

    def test_who_did_what_is_found(self):
        uid = UID if UID is not None else os.geteuid()
        decrypts = self.records("--row", "int64:424242", "--operation", "DecryptFields")
        self.assertEqual([(r["principal"], r["objects"], r["failed_values"]) for r in decrypts],
                         [(f"unix:app:{uid}", ["shop.user.email"], 0)])
        failed = self.records("--failed", "--operation", "DecryptFields")[0]
        self.assertEqual((failed["outcome"], failed["failed_values"], failed["reasons"]),
                         ("ok", 1, {"not_authentic": 1}))
        refused = self.records("--refused")[0]
        self.assertEqual((refused["operation"], refused["principal"]), ("GetSecret", f"unix:dba:{uid}"))

    def test_the_deleted_index_comes_back_equal(self):
        def delete():
            for path in self.index_files():
                path.unlink()

        before, after = self.restart(delete)
        self.assertEqual(before, after)

    def test_a_damaged_index_is_made_anew_and_said(self):
        def damage():
            path = self.service.data / "audit" / "index.sqlite"
            path.write_bytes(b"x" * 4096 + path.read_bytes()[4096:])

        before, after = self.restart(damage)
        self.assertEqual(before, after)
        self.assertIn("it is made anew", self.service.log())

    def test_after_kill_9_nothing_that_was_answered_is_missing(self):
        for _ in range(5):
            self.service.ok("secret", "get", "app/db")
        size = self.service.json("audit", "checkpoint")["durable_size"]
        self.service.kill()
        self.service.start()
        self.indexed_to(size)
        self.assertEqual([record["index"] for record in self.everything()][:size], list(range(size)))

    def test_a_tail_goes_on_over_a_restart_and_misses_nothing(self):
        tail = self.service.popen("audit", "tail", "--operation", "CreateTenant", "--type", "result", "--limit", "3",
                                  "--output", "json")
        try:
            self.records("--operation", "TailRecords", "--principal",
                         f"unix:auditor:{UID if UID is not None else os.geteuid()}")
            self.service.ok("tenant", "add", "before")
            self.assertEqual(self.service.stop(), 0)
            self.service.start()
            for name in ("after", "later"):
                self.service.ok("tenant", "add", name)
            out, error = tail.communicate(timeout=DEADLINE_S)
        finally:
            tail.kill()
            tail.wait()
        self.assertEqual(tail.returncode, 0, error)
        self.assertEqual([json.loads(line)["objects"] for line in out.splitlines()], [["before"], ["after"], ["later"]])

    def test_an_auditor_reads_while_the_service_is_sealed(self):
        self.service.ok("operator", "seal")
        try:
            sealed = self.records("--operation", "Seal", "--type", "result")
            self.assertEqual(sealed[0]["outcome"], "ok")
            self.assertEqual(self.service.json("audit", "checkpoint", "--role", "app")["origin"][:7], "coffer/")
        finally:
            self.service.ok("operator", "unseal", "--key-file", str(self.service.key_file))

    def test_a_record_is_proved_without_the_service(self):
        index = self.records("--operation", "GetSecret")[0]["index"]
        vkey = self.service.write("log.vkey", self.service.json("audit", "checkpoint")["vkey"] + "\n")
        proof = str(self.service.folder / f"proof-{secrets.token_hex(4)}")
        self.service.ok("audit", "prove", str(index), "--out", proof, "--vkey", vkey)
        self.service.ok("audit", "verify-proof", "--proof", proof, "--record", proof + ".record", "--vkey", vkey,
                        server="unix:/nowhere")

    def test_nothing_planted_is_in_log_or_index(self):
        self.records("--operation", "QueryRecords")
        self.indexed_to(self.service.json("audit", "checkpoint")["durable_size"])
        places = {f"audit/{name}": content for name, content in files_below(self.service.data / "audit").items()}
        self.assertIn("audit/index.sqlite", places)
        places["service log"] = self.service.log_file.read_bytes()
        self.assertEqual(findings(self.canaries, places), [])
        self.assertGreaterEqual(len(self.written), 4, "a ciphertext, its token and those of two searches")
        for text in self.written:
            raw = bytes.fromhex(text.removeprefix("\\x"))
            for form in (raw, raw.hex().encode(), base64.b64encode(raw)[:-4], base64.urlsafe_b64encode(raw)[:-4]):
                self.assertEqual([place for place, content in places.items() if form in content], [])
        for beginning, mark in (("audit/index.sqlite", "shop.user.email"), ("audit/journal", "shop.user.email"),
                                ("audit/tile", "shop.user.email"), ("service log", "DecryptFields")):
            some = {place: content for place, content in places.items() if place.startswith(beginning)}
            self.assertNotEqual(findings([mark], some), [], f"the search finds what is there: {beginning}")

    def test_another_logs_index_is_not_believed(self):
        other = Service(uid=UID)
        self.addCleanup(other.close)
        other.start_initialised()
        other.ok("tenant", "add", "foreign-canary")
        wait_until(lambda: other.json("audit", "query", "--operation", "CreateTenant")["records"], "it is there",
                   other.process)
        self.assertEqual(other.stop(), 0)
        foreign = other.data / "audit" / "index.sqlite"

        def replace():
            for path in self.index_files():
                path.unlink()
            target = self.service.data / "audit" / "index.sqlite"
            shutil.copy(foreign, target)
            if UID is not None:
                os.chown(target, UID, UID)

        before, after = self.restart(replace)
        self.assertEqual(before, after)
        self.assertNotIn("foreign-canary", json.dumps(after))


if __name__ == "__main__":
    run(globals())
