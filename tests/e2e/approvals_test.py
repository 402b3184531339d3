"""Policies and approvals from outside: who may apply a policy, and what an administrator can do only with another one.

Every refusal is looked up in the audit log, with the rule that was in force.
"""

import base64
import pathlib
import socket
import ssl
import subprocess
import sys
import unittest
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from http2 import Connection, message  # noqa: E402
from people import DOMAIN  # noqa: E402
from service import CATALOG, DEADLINE_S, Service, run  # noqa: E402

RULE = "admin-approved"      # of the policy that people.grants() makes
ROLE_RULE = "admin-approves"  # of the fixed table, for approvals and policies
NOBODY_WAITS = "there is none of this id that waits"
ANOTHER_ACT = "is for another act"


class ApprovalTest(unittest.TestCase):
    def setUp(self):
        self.service = Service(people=True)
        self.addCleanup(self.service.close)
        self.service.start()
        self.identity = str(self.service.folder / "recovery.txt")
        self.service.ok("operator", "new-recovery-identity", "--out", self.identity)
        self.service.ok("operator", "init", "--key-file", str(self.service.key_file), "--allow-same-device",
                        "--recovery-identity", self.identity)
        self.people = self.service.people

    def refused(self, sentence, name, *command, operation, rule, serial=1):
        """By the service, and in its log under this rule and policy."""
        call = uuid.uuid4().hex
        done = self.people.run_as(name, *command, "--output", "json", "--claim-request-id", call)
        self.assertEqual((done.returncode, done.stdout), (1, b""), done.stderr)
        self.assertIn(sentence, done.stderr.decode())
        self.check_refusal(call, name, operation, rule, serial)

    def check_refusal(self, call, name, operation, rule, serial=1):
        record = self.service.record_of(operation, call)
        self.assertEqual((record["principal"], record["rule"], record["policy_serial"]),
                         (self.principal(name), rule, serial))
        self.assertNotIn(record["outcome"], ("", "ok"))

    def principal(self, name):
        return self.people.principals.get(name, f"spiffe://{DOMAIN}/role/admin/{name}")


class Approving(ApprovalTest):
    """alice asks; bob may approve, carol is an auditor whom the rule does not name, dave an administrator whom the
    policy does not know."""

    def setUp(self):
        super().setUp()
        self.people.add("carol", "auditor")
        self.people.certify("dave", "admin")
        self.people.apply(self.people.policy(1))
        for value in (b"first", b"second"):
            self.service.ok("secret", "put", "app/one", stdin=value)
        self.destroy = self.destroys(1)

    @staticmethod
    def destroys(version):
        return ("secret", "destroy", "app/one", "--version", str(version))

    def not_done(self):
        self.assertEqual(self.service.ok("secret", "get", "app/one", "--version", "1"), b"first")

    def listed(self, name="bob"):
        return self.people.json_as(name, "approval", "list")["approvals"]

    def refused_use(self, sentence, approval, name="alice", command=None, serial=1):
        self.refused(sentence, name, *(command or self.destroy), "--approval", approval, operation="DestroySecret",
                     rule=RULE, serial=serial)
        self.not_done()

    def refused_vote(self, sentence, name, approval, key=None, rule=ROLE_RULE):
        self.refused(sentence, name, "approval", "approve", approval, "--key", self.people.key(key or name),
                     operation="Approve", rule=rule)
        self.assertEqual([one["approved_by"] for one in self.listed() if one["id"] == approval], [[]])

    def test_asked_listed_shown_approved_and_done_once(self):
        approval = self.people.ask(*self.destroy)
        self.not_done()
        (waits,) = self.listed()
        self.assertEqual((waits["id"], waits["operation"], waits["requester"], waits["reason"], waits["rule"],
                          waits["policy_serial"], waits["approved_by"]),
                         (approval, "DestroySecret", self.principal("alice"), "a test", RULE, 1, []))
        facts = {fact["name"]: fact["value"] for fact in waits["facts"]}
        self.assertEqual((facts["tenant"], facts["secret"], facts["version"]), ("default", "app/one", "1"))
        shown = self.people.ok_as("bob", "approval", "show", approval).decode()
        self.assertIn(waits["statement"], shown)
        self.assertIn("\nsecret app/one\n", shown)
        self.assertIn("\napproved by: nobody\n", shown)
        self.refused_use("waits for others to approve it", approval)

        said = self.people.approve(approval).decode()
        self.assertIn(waits["statement"], said, "bob has seen what he signed")
        self.assertTrue(said.endswith("approved by bob\n"), said)
        self.people.approve(approval)  # again changes nothing
        self.assertEqual(self.listed()[0]["approved_by"], ["bob"])
        self.assertIn(b"\napproved by: bob\n", self.people.ok_as("bob", "approval", "show", approval))
        self.not_done()

        done = self.service.json(*self.destroy, "--approval", approval, "--claim-request-id", "done")
        self.assertEqual(done, {"path": "app/one", "changed": 1})
        self.assertIn(b"destroyed", self.service.run("secret", "get", "app/one", "--version", "1").stderr)
        self.assertEqual(self.listed(), [])
        record = self.service.record_of("DestroySecret", "done")
        self.assertEqual((record["outcome"], record["rule"], record["reason"], record["policy_serial"]),
                         ("ok", RULE, f"approval {approval} by bob: a test", 1))
        self.refused(NOBODY_WAITS, "alice", *self.destroy, "--approval", approval, operation="DestroySecret",
                     rule=RULE)
        done = self.people.run_as("bob", "approval", "approve", approval, "--key", self.people.key("bob"))
        self.assertIn(b"there is no approval of this id that waits", done.stderr)

    def test_what_is_asked_for_says_what_to_do_next(self):
        self.refused("others have to approve this act: ask for it", "alice", *self.destroy, operation="DestroySecret",
                     rule=RULE)
        said = self.service.ok("approval", "request", "a test", "--claim-request-id", "asked", "--",
                               *self.destroy).decode()
        (waits,) = self.listed()
        self.assertEqual(waits["reason"], "a test")
        self.assertIn(f"coffer approval approve {waits['id']} --key FILE", said)
        self.assertIn(f"--approval {waits['id']} in place of --ask", said)
        record = self.service.record_of("DestroySecret", "asked")
        self.assertEqual((record["rule"], record["reason"], record["outcome"]),
                         (RULE, f"asks for approval {waits['id']}: a test", "failed_precondition"))

    def test_who_asked_does_not_approve(self):
        approval = self.people.ask(*self.destroy)
        self.refused_vote("nobody approves what he asked for himself", "alice", approval)
        self.refused_use("waits for others", approval)

    def test_persons_whom_the_rule_does_not_name_do_not_approve(self):
        approval = self.people.ask(*self.destroy)
        self.refused_vote("the rule that asks names other roles than yours", "carol", approval,
                          rule="auditor-approves")
        self.refused_vote("only persons whom the policy names", "dave", approval, key="bob")
        dba = self.service.run("approval", "approve", approval, "--key", self.people.key("alice"), "--role", "dba")
        self.assertIn(b"the policy does not allow", dba.stderr)
        self.refused_use("waits for others", approval)

    def test_a_signature_is_the_callers_own_over_just_this_statement(self):
        approval, other = self.people.ask(*self.destroy), self.people.ask(*self.destroys(2))
        statements = {one["id"]: one["statement"] for one in self.listed()}
        statement = statements[approval]
        self.refused_vote("is no signature of the caller's own key", "bob", approval, key="alice")
        policy = f"coffer policy v1\nstore {uuid.uuid4()}\nserial 1\nsha256 {'0' * 64}\n"
        for name, text in (("of another approval", statements[other]), ("of a policy", policy),
                           ("changed", statement.replace("reason a test", "reason a tost")),
                           ("with more", statement + "\n")):
            with self.subTest(text=name):
                call = uuid.uuid4().hex
                answer = self.send_vote(approval, self.line(text), call)
                self.assertIn(b"is no signature of the caller's own key", answer)
                self.check_refusal(call, "bob", "Approve", ROLE_RULE)
        for line in ("", "nonsense\n", self.line(statement)[:-5] + "\n", self.line(statement) * 2):
            with self.subTest(line=line):
                self.assertIn(b"is no signature of the caller's own key", self.send_vote(approval, line))
        self.refused_use("waits for others", approval)
        self.send_vote(approval, self.line(statement))
        self.assertEqual([one["approved_by"] for one in self.listed()], [["bob"], []])
        self.service.ok(*self.destroy, "--approval", approval)

    def line(self, text):
        """bob's signature line over a text, by openssl."""
        key = pathlib.Path(self.people.key("bob"))
        (_, _, pem) = key.read_text().partition("\n")
        private, signed = self.service.write("bob.pem", pem), self.service.write("signed", text)
        signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", private, "-in", signed],
                                   capture_output=True, check=True, timeout=DEADLINE_S).stdout
        hint = bytes.fromhex(self.people.keys["bob"].split("+")[1])
        return f"\u2014 bob {base64.b64encode(hint + signature).decode()}\n"

    def send_vote(self, approval, line, call="vote"):
        """Approve as bob's program would, with any line; the answer's trailers."""
        path = self.people.certificates.path
        context = ssl.create_default_context(cafile=path("ca", "pem"))
        context.set_alpn_protocols(["h2"])
        context.load_cert_chain(path("bob", "pem"), path("bob", "key"))
        plain = socket.create_connection(("localhost", self.people.port()), DEADLINE_S)
        connection = Connection(context.wrap_socket(plain, server_hostname="localhost"))
        try:
            return connection.call("/coffer.v1.AccessService/Approve", message(approval, line),
                                   (("coffer-request-id", call),))[1]
        finally:
            connection.close()

    def test_it_is_for_just_the_act_that_was_asked_for(self):
        approval = self.people.approval(*self.destroy)[1]
        self.service.ok("secret", "put", "app/two", stdin=b"v")
        for command in (self.destroys(2), self.destroys("1,2"), ("secret", "destroy", "app/two", "--version", "1")):
            with self.subTest(command=command):
                self.refused_use(ANOTHER_ACT, approval, command=command)
        self.service.ok("keyring", "create", "ring")
        self.refused(ANOTHER_ACT, "alice", "operator", "rekey", "--key-file", "k", "--allow-same-device",
                     "--approval", approval, operation="Rekey", rule=RULE)
        self.service.ok(*self.destroy, "--approval", approval)

    def test_an_act_whose_object_has_changed_is_another_one(self):
        approval = self.people.approval(*self.destroy)[1]
        self.service.ok("secret", "put", "app/one", stdin=b"third")
        self.refused_use(ANOTHER_ACT, approval)

    def test_a_parameter_that_was_not_asked_for_is_another_act(self):
        self.service.ok("tenant", "add", "acme")
        shred = ("tenant", "destroy", "acme")
        approval = self.people.approval(*shred, "--delay", "30d")[1]
        for more in ((), ("--delay", "31d"), ("--delay", "30d", "--reason", "because")):
            self.refused(ANOTHER_ACT, "alice", *shred, *more, "--approval", approval, operation="ShredTenant",
                         rule=RULE)
        self.assertEqual(self.service.json("tenant", "show", "acme")["state"], "active")
        self.service.ok(*shred, "--delay", "30d", "--approval", approval)
        self.assertEqual(self.service.json("tenant", "show", "acme")["state"], "destroy scheduled")

    def test_a_catalog_that_was_changed_after_the_approval_is_another_one(self):
        self.service.apply_catalog()
        weaker = CATALOG.replace('"pii"', '"public"')
        path = self.service.write("catalog.toml", weaker)
        approval = self.people.approval("apply", path)[1]
        self.service.write("catalog.toml", weaker + "# more\n")
        self.refused(ANOTHER_ACT, "alice", "apply", path, "--approval", approval, operation="ApplyCatalog", rule=RULE)
        self.service.write("catalog.toml", weaker)
        self.service.ok("apply", path, "--approval", approval)
        self.assertIn(b'class = "public"', self.service.ok("catalog", "show", "shop"))

    def test_somebody_elses_approval_is_nobodys(self):
        approval = self.people.approval(*self.destroy)[1]
        self.refused_use(ANOTHER_ACT, approval, name="bob")
        self.refused_use(ANOTHER_ACT, approval, name="dave")
        self.service.ok(*self.destroy, "--approval", approval)

    def test_only_persons_ask_and_a_person_may_ask_from_anywhere(self):
        self.refused("only persons whom the policy names may ask", "dave", *self.destroy, "--ask", "a test",
                     operation="DestroySecret", rule=RULE)
        self.assertEqual(self.listed(), [])
        approval = self.people.json_as("bob", *self.destroy, "--ask", "a test")["approval"]
        self.refused_vote("nobody approves what he asked for himself", "bob", approval)
        self.people.approve(approval, "alice")
        self.people.ok_as("bob", *self.destroy, "--approval", approval)

    def test_what_was_denied_is_not_done(self):
        for name in ("bob", "alice"):
            approval = self.people.approval(*self.destroy)[1]
            for stranger, rule in (("carol", "auditor-approves"), ("dave", ROLE_RULE)):
                self.refused("", stranger, "approval", "deny", approval, operation="Deny", rule=rule)
            self.people.ok_as(name, "approval", "deny", approval)
            self.assertEqual(self.listed(), [])
            self.refused_use(NOBODY_WAITS, approval)
            self.refused(NOBODY_WAITS, name, "approval", "deny", approval, operation="Deny", rule=ROLE_RULE)

    def test_another_policy_ends_what_waits(self):
        approval = self.people.approval(*self.destroy)[1]
        other = self.people.ask(*self.destroys(2))
        self.people.apply(self.people.policy(2))
        self.refused_use("was asked for under another policy", approval, serial=2)
        self.refused("was asked for under another policy", "bob", "approval", "approve", other, "--key",
                     self.people.key("bob"), operation="Approve", rule=ROLE_RULE, serial=2)
        self.people.approved(*self.destroy)

    def test_an_id_that_never_was_is_refused(self):
        self.refused_use(NOBODY_WAITS, str(uuid.uuid4()))
        done = self.service.run(*self.destroy, "--approval", "nonsense")
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.not_done()

    def test_an_act_that_fails_has_used_its_approval_up(self):
        add = ("operator", "slots", "add", "--key-file", "/nonexistent/slot.key", "--allow-same-device")
        approval = self.people.approval(*add)
        self.refused("does not exist", "alice", *add, *approval, operation="AddSealSlot", rule=RULE)
        self.refused(NOBODY_WAITS, "alice", *add, *approval, operation="AddSealSlot", rule=RULE)

    def test_what_cannot_be_done_is_not_asked(self):
        (slot,) = [one["id"] for one in self.service.json("operator", "slots", "list")["slots"]
                   if one["kind"] == "recovery"]
        for sentence, operation, command in [
                ("--accept-total-loss", "RemoveSealSlot", ("operator", "slots", "remove", slot)),
                ("no seal slot of this id", "RemoveSealSlot", ("operator", "slots", "remove", "5")),
                ("no seal command is configured", "AddSealSlot", ("operator", "slots", "add", "--command")),
                ("no census source of this name", "RemoveCensusSource", ("census", "remove", "none"))]:
            with self.subTest(sentence=sentence):
                self.refused(sentence, "alice", *command, "--ask", "a test", operation=operation, rule=RULE)
                self.assertEqual(self.listed(), [])

    def test_a_kill_and_a_restart_lose_neither_approvals_nor_that_one_was_used(self):
        used, waits = self.people.approval(*self.destroy)[1], self.people.ask(*self.destroys(2))
        self.service.ok(*self.destroy, "--approval", used)
        self.service.kill()
        self.service.start()
        self.assertEqual([(one["id"], one["approved_by"]) for one in self.listed()], [(waits, [])])
        self.people.approve(waits)
        self.service.kill()
        self.service.start()
        self.refused(NOBODY_WAITS, "alice", *self.destroy, "--approval", used, operation="DestroySecret", rule=RULE)
        self.service.ok(*self.destroys(2), "--approval", waits)


class Policies(ApprovalTest):
    def apply_refused(self, sentence, *options, name="alice", serial=0, path="policy.toml"):
        present = self.people.serial()
        self.refused(sentence, name, "policy", "apply", str(self.service.folder / path), *options,
                     operation="ApplyPolicy", rule="admin-policy", serial=serial)
        self.assertEqual(self.people.serial(), present)

    def write(self, text, *signers):
        """policy.toml, signed by these and nobody else."""
        path = self.service.write("policy.toml", text)
        (self.service.folder / "policy.sig").unlink(missing_ok=True)
        self.people.sign(path, *signers)
        return path

    def test_a_first_policy_needs_two_signatures_of_its_own_administrators(self):
        text = self.people.policy(1)
        path = self.write(text)
        missing = self.service.run("policy", "apply", path)
        self.assertEqual(missing.returncode, 1)
        self.assertIn(f"--signatures: {self.service.folder}/policy.sig", missing.stderr.decode())
        self.check_unsigned_refused(text)
        self.people.sign(path, "alice")
        self.apply_refused("the first policy needs signatures of administrators that it names itself")
        self.people.sign(path, "alice")
        self.apply_refused("the first policy needs signatures", name="alice")
        note = (self.service.folder / "policy.sig").read_text()
        self.service.write("policy.sig", note + note.splitlines(True)[-1])
        self.apply_refused("signatures")
        self.people.key("mallory")
        self.write(text, "alice", "mallory")
        self.apply_refused("the first policy needs signatures")
        self.write(text, "alice", "bob")
        self.apply_refused("on the admin's unix socket only", name="bob")
        self.service.ok("policy", "apply", path)
        self.assertEqual(self.people.serial(), 1)

    def check_unsigned_refused(self, text):
        """As no program of ours would send it."""
        connection = Connection.to_unix(self.service.sockets / "admin.sock", DEADLINE_S)
        self.addCleanup(connection.close)
        for signatures in ("", "\n", "alice\n"):
            call = uuid.uuid4().hex
            _, trailers = connection.call("/coffer.v1.AccessService/ApplyPolicy", message(text, signatures),
                                          (("coffer-request-id", call),))
            self.assertIn(b"are no signature lines", trailers)
            self.check_refusal(call, "alice", "ApplyPolicy", "admin-policy", 0)

    def test_a_signature_is_for_one_store_and_one_text(self):
        text = self.people.policy(1)
        path, other = self.write(text), str(uuid.uuid4())
        for name in ("alice", "bob"):
            self.service.ok("policy", "sign", path, "--key", self.people.key(name), "--store", other)
        self.apply_refused("signatures")
        path = self.write(text, "alice", "bob")
        self.service.write("policy.toml", text + "# more\n")
        self.apply_refused("signatures")
        self.service.write("policy.toml", text)
        self.service.ok("policy", "apply", path)

    def test_a_file_that_was_signed_for_another_store_is_not_signed_for_this_one_unsaid(self):
        """As when a service lies about its store, to have a policy signed for another one."""
        path, other = self.write(self.people.policy(1)), str(uuid.uuid4())
        ours = self.service.json("operator", "status")["store_uuid"]
        signatures = self.service.folder / "policy.sig"
        sign = ("policy", "sign", path, "--key", self.people.key("alice"))
        self.service.ok(*sign, "--store", other)
        before = signatures.read_bytes()
        self.service.write("policy.toml", self.people.policy(2))  # a later one too
        refused = self.service.run(*sign)
        self.assertEqual((refused.returncode, refused.stdout), (1, b""))
        self.assertIn(f"the service says that it is store {ours}, and {signatures} is of store {other}",
                      refused.stderr.decode())
        self.assertIn(f"say --store {ours}", refused.stderr.decode())
        self.assertEqual(signatures.read_bytes(), before)
        self.service.ok(*sign, "--store", ours)
        self.service.ok(*sign)
        signatures.write_bytes(b"something else\n\n" + before.partition(b"\n\n")[2])
        refused = self.service.run(*sign)
        self.assertEqual((refused.returncode, refused.stdout), (1, b""))
        self.assertIn(b"holds signatures of something else", refused.stderr)

    def test_the_serial_rises(self):
        self.people.apply(self.people.policy(3))
        for serial in (1, 3):
            self.write(self.people.policy(serial), "alice", "bob")
            self.apply_refused("serial: must be higher than that of the policy that holds", serial=3)
        self.people.apply(self.people.policy(4))
        self.assertEqual(self.people.serial(), 4)

    def test_the_old_policys_persons_sign_the_new_one(self):
        self.people.apply(self.people.policy(1))
        self.people.add("erin", "admin")
        self.people.add("frank", "admin")
        theirs = self.people.policy(2, names=("erin", "frank"))
        for signers in (("erin", "frank"), ("alice", "erin", "frank")):
            path = self.write(theirs, *signers)
            self.apply_refused("needs more signatures of administrators of the policy that holds", serial=1)
        self.people.sign(path, "bob")
        self.people.ok_as("bob", "policy", "apply", path)  # over the network, too, but for the first one
        ours = self.people.policy(3, names=("alice", "bob"))
        self.write(ours, "alice", "bob")
        self.apply_refused("needs more signatures of administrators of the policy that holds", serial=2)
        self.service.ok("policy", "apply", self.write(ours, "erin", "frank"))
        self.assertEqual(self.people.serial(), 3)

    def test_what_was_signed_before_the_text_was_changed_is_dropped_by_the_next_signer(self):
        self.people.add("erin", "admin")
        path = self.write(self.people.policy(1), "alice", "bob", "erin")
        self.service.write("policy.toml", self.people.policy(1) + "# more\n")
        self.people.sign(path, "alice", "bob")
        lines = (self.service.folder / "policy.sig").read_text().partition("\n\n")[2].splitlines()
        self.assertEqual([line.split()[1] for line in lines], ["alice", "bob"])
        self.service.ok("policy", "apply", path)

    def test_an_auditors_signature_is_no_administrators(self):
        self.people.add("carol", "auditor")
        self.write(self.people.policy(1), "alice", "carol")
        self.apply_refused("the first policy needs signatures")

    def test_who_holds_the_recovery_identity_needs_no_signature(self):
        self.people.apply(self.people.policy(1))
        self.people.add("erin", "admin")
        self.people.add("frank", "admin")
        path = self.write(self.people.policy(2, names=("erin", "frank")))
        other = str(self.service.folder / "other.txt")
        self.service.ok("operator", "new-recovery-identity", "--out", other)
        self.apply_refused("is no identity of this store's recovery slots", "--recovery-identity", other, serial=1)
        over_tls = self.people.run_as("bob", "policy", "apply", path, "--recovery-identity", self.identity)
        self.assertEqual(over_tls.returncode, 1)
        self.assertIn(b"unix socket only", over_tls.stderr)
        self.assertEqual(self.people.serial(), 1)
        self.service.ok("policy", "apply", path, "--recovery-identity", self.identity, "--claim-request-id", "lost")
        record = self.service.record_of("ApplyPolicy", "lost")
        self.assertEqual((record["outcome"], record["objects"], record["reason"]),
                         ("ok", ["2"], "by the recovery identity, without signatures"))
        self.service.kill()
        self.service.start()
        self.assertEqual(self.people.serial(), 2)
        mark = b"\napplied by the recovery identity, without signatures\n"
        self.assertTrue(self.service.ok("policy", "show").endswith(mark))
        self.assertTrue(self.service.json("policy", "show")["recovered"])
        self.service.ok("policy", "apply", self.write(self.people.policy(3), "erin", "frank"))
        self.assertNotIn(mark, self.service.ok("policy", "show"))
        self.assertFalse(self.service.json("policy", "show")["recovered"])

    def test_a_policy_survives_a_kill_and_is_shown_and_compared(self):
        self.assertEqual(self.service.ok("policy", "show"), self.service.ok("policy", "show", "builtin"))
        self.service.ok("keyring", "create", "ring")
        frozen = self.people.grants() + (
            '[forbid.freeze]\nroles = ["dba", "admin"]\noperations = ["RotateKeyring"]\nkeyrings = ["ring"]\n')
        path = self.write(self.people.policy(1, frozen), "alice", "bob")
        self.assertIn("nothing was applied", self.service.ok("policy", "apply", path, "--dry-run").decode())
        self.service.ok("keyring", "rotate", "ring")
        self.assertEqual(self.people.serial(), 0)
        self.assertIn("applied: serial 1", self.service.ok("policy", "apply", path).decode())
        for _ in range(2):
            self.assertEqual(self.service.ok("policy", "show"), self.service.ok("policy", "show", path))
            shown = self.service.json("policy", "show", "--role", "auditor")
            self.assertEqual((shown["serial"], shown["admin_signatures"], [one["name"] for one in shown["persons"]]),
                             (1, 2, ["alice", "bob"]))
            self.refused("rule freeze", "alice", "keyring", "rotate", "ring", operation="RotateKeyring",
                         rule="freeze")
            self.service.kill()
            self.service.start()
        new = self.service.write("new.toml", self.people.policy(2))
        changes = self.service.json("policy", "diff", new)["decisions"]
        self.assertEqual({(one["role"], one["operation"], one["widens"]) for one in changes},
                         {("dba", "RotateKeyring", True), ("admin", "RotateKeyring", True)})
        self.assertEqual(self.service.ok("policy", "diff", new), self.service.ok("policy", "diff", path, new))
        self.assertEqual(self.service.ok("policy", "diff", path), b"")

    def test_a_policy_that_came_back_with_a_lost_store_holds(self):
        self.people.apply(self.people.policy(1))
        self.service.stop()
        for file in self.service.data.glob("store.db*"):
            file.unlink()
        self.service.start()
        self.service.ok("operator", "recover", "--key-file", str(self.service.key_file), "--apply", "--reason", "lost")
        self.assertEqual(self.people.serial(), 1)
        self.service.ok("secret", "put", "app/one", stdin=b"v")
        self.people.approved("secret", "destroy", "app/one", "--version", "1")


if __name__ == "__main__":
    run(globals())
