"""Approvals of whatever a policy asks them for, from outside."""

import pathlib
import sys
import unittest
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from people import APPROVALS  # noqa: E402
from service import Service, run  # noqa: E402


class AskedByThePolicy(unittest.TestCase):
    """A policy that asks approvals for what one person may do elsewhere: reading secrets, and following the log."""

    def setUp(self):
        self.service = Service(people=True)
        self.addCleanup(self.service.close)
        self.service.start()
        self.service.ok("operator", "init", "--key-file", str(self.service.key_file), "--allow-same-device",
                        "--accept-total-loss")
        self.people = self.service.people
        self.people.add("carol", "app")  # no policy asks what no person of it could ask for
        self.people.add("erin", "auditor")
        rules = self.people.grants()
        for role, operation, facets in (("app", "GetSecret", 'tenants = "all"\n'), ("auditor", "TailRecords", "")):
            self.assertIn(f'"{operation}", ', rules)
            rules = rules.replace(f'"{operation}", ', "")
            rules += (f'[grant.{role}-asks]\nroles = ["{role}"]\noperations = ["{operation}"]\n{facets}{APPROVALS}')
        self.people.apply(self.people.policy(1, rules))
        for path in ("app/one", "app/two"):
            self.service.ok("secret", "put", path, stdin=path.encode())

    def get(self, *words):
        """What became of it, and its record."""
        call = uuid.uuid4().hex
        done = self.service.run("secret", "get", *words, "--claim-request-id", call)
        return done, self.service.record_of("GetSecret", call)

    def refused_get(self, sentence, *words):
        done, record = self.get(*words)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(sentence, done.stderr.decode())
        self.assertEqual((record["rule"], record["allowed"], record["objects"]), ("app-asks", False, [words[0]]))

    def test_a_secret_is_read_once_for_each_approval(self):
        self.refused_get("others have to approve this act: ask for it", "app/one")
        done, record = self.get("app/one", "--ask", "ticket 4711")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(b"app/one", done.stdout, "the value")
        (waits,) = self.people.json_as("bob", "approval", "list")["approvals"]
        approval = waits["id"]
        self.assertEqual((record["outcome"], record["reason"]),
                         ("failed_precondition", f"asks for approval {approval}: ticket 4711"))
        facts = {fact["name"]: fact["value"] for fact in waits["facts"]}
        self.assertEqual((facts["object"], facts["tenant"]), ("app/one", "default"))
        self.assertRegex(facts["request"], "^hmac-sha256:[0-9a-f]{64}$")
        self.refused_get("waits for others to approve it", "app/one", "--approval", approval)

        self.people.approve(approval)
        for words in (("app/two",), ("app/one", "--version", "1")):
            self.refused_get("is for another act", *words, "--approval", approval)
        done, record = self.get("app/one", "--approval", approval)
        self.assertEqual((done.returncode, done.stdout), (0, b"app/one"))
        self.assertEqual((record["outcome"], record["rule"], record["reason"]),
                         ("ok", "app-asks", f"approval {approval} by bob: ticket 4711"))
        self.refused_get("there is none of this id that waits", "app/one", "--approval", approval)

    def test_what_is_asked_for_is_not_done_though_nobody_has_to_approve_it(self):
        create = ("keyring", "create", "ring")
        done = self.service.run(*create, "--ask", "a test", "--claim-request-id", "asked")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"nobody has to approve this act", done.stderr)
        self.assertEqual(self.service.record_of("CreateKeyring", "asked")["outcome"], "failed_precondition")
        self.service.ok(*create)

    def test_a_stream_cannot_be_asked_for(self):
        done = self.service.run("audit", "tail", "--ask", "a test")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"the policy asks approvals for an act that cannot be asked of others", done.stderr)


if __name__ == "__main__":
    run(globals())
