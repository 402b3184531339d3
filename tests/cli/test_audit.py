"""Reading the audit log from the command line: query, tail, stats, checkpoint, prove."""

import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from service import DEADLINE_S, Programs, Service, clean_environment  # noqa: E402


class Audit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.close)
        cls.uid = os.geteuid()
        cls.service.apply_catalog()
        cls.service.ok("secret", "put", "app/db", stdin=b"hunter2-canary")
        cls.service.ok("secret", "get", "app/db")
        cls.service.run("secret", "get", "app/db", "--role", "dba")
        cls.service.ok("field", "encrypt", "--field", "shop.user.email", "--row", "id",
                       stdin=json.dumps({"id": 7, "email": "canary@example.com"}) + "\n")

    def refused(self, sentence, *arguments, code=1, **options):
        done = self.service.run(*arguments, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(sentence, done.stderr.decode())
        self.assertEqual(done.stdout, b"")

    def records(self, *filters, count=1):
        """What fits, as soon as there are so many."""
        found = []

        def enough():
            found[:] = self.service.json("audit", "query", *filters)["records"]
            return len(found) >= count

        self.service.wait_until(enough)
        return found

    def path(self, name):
        return str(self.service.folder / name)

    def test_records_are_found_by_what_they_say(self):
        app = f"unix:app:{self.uid}"
        one = self.records("--operation", "EncryptFields")[0]
        self.assertEqual((one["principal"], one["role"], one["objects"], one["tenants"], one["values"], one["outcome"]),
                         (app, "app", ["shop.user.email"], ["default"], 1, "ok"))
        self.assertRegex(one["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        for filters in (("--principal", app, "--operation", "EncryptFields"), ("--row", "int64:7"),
                        ("--object", "shop.user.email", "--tenant", "default", "--outcome", "ok"),
                        ("--key-id", one["key_ids"][0]), ("--since", "1h", "--operation", "EncryptFields"),
                        ("--from", str(one["index"]), "--to", str(one["index"] + 1))):
            self.assertEqual([record["index"] for record in self.records(*filters)], [one["index"]], filters)
        self.assertEqual(self.service.json("audit", "query", "--row", "int64:8")["records"], [])
        self.assertEqual(self.service.json("audit", "query", "--until", "2020-01-01T00:00:00Z")["records"], [])
        self.assertEqual(self.service.json("audit", "query", "--principal", "unix:app:nobody")["records"], [])

    def test_refusals_stand_out(self):
        denied = self.records("--refused", "--operation", "GetSecret")
        self.assertEqual([(r["principal"], r["allowed"], r["rule"]) for r in denied],
                         [(f"unix:dba:{self.uid}", False, "dba-sees-no-plaintext")])
        table = self.service.ok("audit", "query", "--refused", "--operation", "GetSecret").decode().splitlines()
        self.assertEqual(table[0].split(), ["INDEX", "TIME", "WHO", "WHAT", "OBJECT", "VALUES", "OUTCOME"])
        self.assertTrue(table[1].endswith("refused"), table)

    def test_tables_have_local_time_and_say_when_there_is_more(self):
        self.records(count=5)
        first = self.service.ok("audit", "query", "--oldest-first", "--limit", "1", TZ="UTC").decode()
        later = self.service.ok("audit", "query", "--oldest-first", "--limit", "1", TZ="UTC-5").decode()
        self.assertIn("there are more: --limit shows them", first)
        hours = [int(re.search(r" (\d\d):\d\d:\d\d ", text).group(1)) for text in (first, later)]
        self.assertEqual((hours[0] + 5) % 24, hours[1])
        listed = self.service.json("audit", "query", "--oldest-first", "--limit", "3")
        self.assertEqual([record["index"] for record in listed["records"]], [0, 1, 2])
        self.assertTrue(listed["more"])

    def test_a_long_list_is_read_in_pages(self):
        for _ in range(3):
            self.service.ok("secret", "list")
        everything = self.service.json("audit", "query", "--limit", "1000000", "--oldest-first")
        self.assertFalse(everything["more"])
        indexes = [record["index"] for record in everything["records"]]
        self.assertEqual(indexes, list(range(len(indexes))))

    def test_reading_is_recorded_without_what_was_looked_for(self):
        self.service.ok("audit", "query", "--principal", "canary-principal", "--object", "canary-object")
        read = self.records("--operation", "QueryRecords")
        self.assertEqual({record["principal"] for record in read}, {f"unix:auditor:{self.uid}"})
        self.assertNotIn("canary-", json.dumps(self.service.json("audit", "query", "--limit", "100000")))

    def test_claims_are_in_the_record_and_found(self):
        self.service.ok("tenant", "list", "--claim-purpose", "ticket-42", "--claim-on-behalf-of", "Ann O.",
                        COFFER_REQUEST_ID="req-1")
        found = self.records("--request-id", "req-1")
        self.assertEqual([(r["operation"], r["purpose"], r["on_behalf_of"], r["request_id"]) for r in found],
                         [("ListTenants", "ticket-42", "Ann O.", "req-1")])

    def test_a_claim_that_is_no_claim_is_refused(self):
        for option, bad, said in (("--claim-purpose", "two words", "the claimed purpose is at most 64 letters"),
                                  ("--claim-purpose", "a\nb", "the claimed purpose is at most 64 letters"),
                                  ("--claim-request-id", "x" * 65, "the claimed request id is at most 64 letters"),
                                  ("--claim-on-behalf-of", "x" * 129, "at most 128 printable ASCII characters"),
                                  ("--claim-on-behalf-of", "Anna M\u00fcller", "at most 128 printable ASCII")):
            self.refused(said, "tenant", "list", option, bad, code=2)

    def test_what_finds_nothing_says_so_and_times_may_be_local(self):
        done = self.service.run("audit", "query", "--until", "2001-01-01 10:00")
        self.assertEqual((done.returncode, done.stderr), (0, b"no record fits\n"))
        self.refused("--since: is no time", "audit", "query", "--since", "soon", code=2)

    def test_counts_in_groups(self):
        self.records("--refused", "--operation", "GetSecret")
        groups = self.service.json("audit", "stats", "--by", "role,operation", "--operation", "GetSecret")["groups"]
        counted = {group["role"]: group for group in groups}
        self.assertEqual((counted["app"]["records"], counted["app"]["refused"]), (1, 0))
        self.assertEqual((counted["dba"]["records"], counted["dba"]["refused"]), (1, 1))
        text = self.service.ok("audit", "stats", "--by", "hour").decode().splitlines()
        self.assertEqual(text[0].split(), ["HOUR", "RECORDS", "VALUES", "FAILED", "VALUES", "REFUSED", "FAILED"])
        self.assertEqual(len(self.service.json("audit", "stats", "--by", "day")["groups"]), 1)

    def test_a_tail_is_one_object_a_line_and_ends_at_its_count(self):
        lines = self.service.ok("audit", "tail", "--from", "0", "--limit", "3", "--output", "json").splitlines()
        self.assertEqual([json.loads(line)["index"] for line in lines], [0, 1, 2])
        text = self.service.ok("audit", "tail", "--from", "0", "--limit", "1").decode()
        self.assertIn("boot", text)

    def test_a_tail_shows_what_comes(self):
        tail = subprocess.Popen([Programs.coffer(), "audit", "tail", "--operation", "CreateTenant", "--limit", "2",
                                 "--output", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=clean_environment(COFFER_SERVER=self.service.server))
        try:
            self.records("--operation", "TailRecords", "--since", "1h")
            self.service.ok("tenant", "add", "tailed")
            out, error = tail.communicate(timeout=DEADLINE_S)
        finally:
            tail.kill()
            tail.wait()
        self.assertEqual(tail.returncode, 0, error)
        self.assertEqual([json.loads(line)["type"] for line in out.splitlines()], ["begin", "result"])

    def test_a_checkpoint_is_shown_to_everybody(self):
        for role in ("app", "dba", "auditor", "backup-agent", "restorer", "admin"):
            head = self.service.json("audit", "checkpoint", "--role", role)
            self.assertTrue(head["note"].startswith(head["origin"] + "\n"), head)
            self.assertGreaterEqual(head["durable_size"], head["signed_size"])
        note = self.service.ok("audit", "checkpoint", "--note").decode()
        self.assertEqual(note.splitlines()[0], head["origin"])
        self.assertIn("searchable: ", self.service.ok("audit", "checkpoint").decode())

    def test_a_record_is_proved_and_the_proof_verifies_offline(self):
        vkey = self.service.write("log.vkey", self.service.json("audit", "checkpoint")["vkey"] + "\n")
        proof = self.path("three")
        said = self.service.json("audit", "prove", "3", "--out", proof, "--vkey", vkey)
        self.assertEqual((said["index"], said["record"]), (3, proof + ".record"))
        self.service.ok("audit", "verify-proof", "--proof", proof, "--record", proof + ".record", "--vkey", vkey,
                        server="unix:/nowhere")
        record = pathlib.Path(proof + ".record").read_bytes()
        changed = self.service.write("changed.record", record[:-1] + bytes([record[-1] ^ 1]))
        self.refused("", "audit", "verify-proof", "--proof", proof, "--record", changed, "--vkey", vkey)
        self.refused("", "audit", "prove", "3", "--out", proof)
        self.assertIn(b"is in coffer/", self.service.ok("audit", "prove", "4", "--out", self.path("four")))

    def test_a_proof_under_another_key_is_not_written(self):
        other = "other.example/log+00000000+AAAA"
        self.refused("--vkey", "audit", "prove", "3", "--out", self.path("none"), "--vkey", other, code=2)
        ours = self.service.json("audit", "checkpoint")["vkey"]
        another = Service()
        self.addCleanup(another.close)
        self.refused("does not hold", "audit", "prove", "0", "--out", self.path("none"), "--vkey", ours,
                     server=another.server)
        self.assertFalse(os.path.exists(self.path("none")))
        self.assertFalse(os.path.exists(self.path("none.record")))

    def test_what_is_refused(self):
        for command in ("query", "tail", "stats"):
            self.refused("the policy does not allow", "audit", command, "--role", "admin")
            self.refused("the policy does not allow", "audit", command, "--role", "app")
            self.refused("is not an operation's name", "audit", command, "--operation", "Decrypt")
            self.refused("neither ok nor an error's name", "audit", command, "--outcome", "bad")
        self.refused("the policy does not allow", "audit", "prove", "0", "--out", self.path("x"), "--role", "dba")
        self.refused("behind the end of the log", "audit", "prove", "99999999", "--out", self.path("x"))
        self.refused("behind the end of the log", "audit", "tail", "--from", "99999999")


if __name__ == "__main__":
    Programs.bin = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
