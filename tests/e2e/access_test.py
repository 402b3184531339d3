"""Access that comes and goes, from outside: grants for a time, what a policy keeps for an emergency, bearer tokens of
the service's own, and certificates that are refused.

Every change is made by the persons who have to make it, is seen in what a caller may do, and in the audit log.
"""

import pathlib
import re
import socket
import ssl
import subprocess
import sys
import time
import unittest
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from canary_test import files_below, findings  # noqa: E402
from http2 import Connection  # noqa: E402
from people import DOMAIN  # noqa: E402
from service import DEADLINE_S, Service, run  # noqa: E402

GET = ("secret", "get", "app/one")
VALUE = b"canary-of-access"
ORDERS = f"spiffe://{DOMAIN}/role/app/orders"
NOT_ALLOWED = "the policy does not allow"
NO_TOKEN = "the token is not one that is taken here"
DENIED = "the certificate is denied"


def utc(seconds_from_now):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds_from_now))


class AccessTest(unittest.TestCase):
    """alice and bob are administrators, carol an auditor. No policy of theirs lets an application read secrets."""

    def setUp(self):
        self.service = Service(people=True)
        self.addCleanup(self.service.close)
        self.people = self.service.people
        self.people.listen_for_tokens()
        self.service.start_initialised()
        self.people.add("carol", "auditor")
        self.app = self.people.principals["alice"].replace("admin", "app")
        self.service.ok("secret", "put", "app/one", stdin=VALUE)

    def policy(self, serial, more=""):
        without = self.people.grants().replace('"GetSecret", ', "")
        self.assertNotIn("GetSecret", without)
        return self.people.policy(serial, without + more)

    def got(self, *options, **place):
        """The secret is read; the record of it."""
        call = uuid.uuid4().hex
        self.assertEqual(self.service.ok(*GET, "--claim-request-id", call, *options, **place), VALUE)
        return self.service.record_of("GetSecret", call)

    def not_got(self, sentence=NOT_ALLOWED, *options, **place):
        self.refused(sentence, *GET, *options, **place)

    def refused(self, sentence, *command, name="alice", **options):
        done = self.people.run_as(name, *command, **options)
        self.assertEqual((done.returncode, done.stdout), (1, b""), done.stderr)
        self.assertIn(sentence, done.stderr.decode())

    def only_asked(self, *command):
        """Refused alone; the words behind it once bob has approved it."""
        self.refused("others have to approve this act: ask for it", *command)
        return self.people.approval(*command)

    def recorded(self, operation, *command, name="alice", **expected):
        """Done as this person, and its record says this."""
        call = uuid.uuid4().hex
        said = self.people.ok_as(name, *command, "--claim-request-id", call)
        record = self.service.record_of(operation, call)
        self.assertEqual({key: record[key] for key in expected}, expected)
        return said


class Grants(AccessTest):
    def setUp(self):
        super().setUp()
        self.people.apply(self.policy(1))

    def grant(self, name="issued-repair", operation="GetSecret", end=None, more=""):
        return self.service.write("repair.toml", (
            f'[grant.{name}]\nroles = ["app"]\nprincipals = ["{self.app}"]\noperations = ["{operation}"]\n'
            f'tenants = ["default"]\nnot_after = {end or utc(3600)}\n{more}'))

    def issue(self):
        command = ("grant", "issue", self.grant())
        return self.recorded("IssueGrant", *command, *self.people.approval(*command), outcome="ok",
                             rule="admin-approved", objects=["issued-repair"])

    def test_it_allows_until_it_is_revoked(self):
        self.not_got()
        command = ("grant", "issue", self.grant())
        approval = self.only_asked(*command)
        self.not_got()
        self.assertEqual(self.service.ok("grant", "list"), b"# no grant is in force beside the policy\n")
        said = self.service.ok(*command, *approval).decode()
        self.assertTrue(said.startswith("issued: issued-repair\n"), said)
        self.assertEqual(self.got()["rule"], "issued-repair")
        self.listed()
        self.refused("a grant of this name is in force", *command, "--ask", "again")

        self.assertIn(b"issued-repair", self.recorded("RevokeGrant", "grant", "revoke", "issued-repair", "repaired",
                                                      name="bob", objects=["issued-repair"], reason="repaired"))
        self.not_got()
        self.refused("no grant of this name is in force", "grant", "revoke", "issued-repair", "again")
        self.assertEqual(self.service.json("grant", "list"), {"grants": []})

    def listed(self):
        """With its text, who issued it and why, to auditors too."""
        text = (self.service.folder / "repair.toml").read_text()
        (grant,) = self.people.json_as("carol", "grant", "list")["grants"]
        self.assertEqual((grant["name"], grant["grant"], grant["issued_by"], grant["reason"]),
                         ("issued-repair", text, self.people.principals["alice"], "a test"))
        shown = self.service.ok("grant", "list").decode()
        self.assertRegex(shown, r"^# issued 2\S+Z by unix:admin:\d+: a test\n")
        self.assertTrue(shown.endswith("\n" + text), shown)

    def test_it_outlives_a_restart_and_not_its_policy(self):
        self.issue()
        self.service.kill()
        self.service.start()
        self.assertEqual(self.got()["rule"], "issued-repair")
        self.assertIn(b"\nends with the policy before: issued-repair\n", b"\n" + self.people.apply(self.policy(2)))
        self.not_got()
        self.assertEqual(self.service.json("grant", "list"), {"grants": []})
        self.issue()
        self.got()

    def test_what_no_grant_may_be_cannot_even_be_asked_for(self):
        for name, changes, sentence in (
                ("without its prefix", {"name": "repair"}, "grant"),
                ("too long", {"end": utc(31 * 24 * 3600)}, "not_after"),
                ("over", {"end": utc(-60)}, "not_after"),
                ("of two persons", {"operation": "DestroySecret", "more": "approvals = { count = 1, roles = "
                                    '["admin"] }\n'}, "asks a second person each time"),
                ("what its role may never have", {"operation": "CreateTenant"}, "may never have"),
                ("two", {"more": '[grant.issued-two]\nroles = ["app"]\noperations = ["ListSecrets"]\n'}, "grant")):
            with self.subTest(grant=name):
                self.refused(sentence, "grant", "issue", self.grant(**changes), "--ask", "a test")
        self.assertEqual(self.service.json("approval", "list"), {"approvals": []})


class Emergencies(AccessTest):
    def setUp(self):
        super().setUp()
        self.key = str(self.service.folder / "offline.key")
        public = self.service.json("identity", "new", "--name", "offline", "--key", self.key, "--no-passphrase")["key"]
        self.kept = (f'[break_glass]\nkey = "{public}"\nminutes = 30\nroles = ["app"]\nprincipals = ["{self.app}"]\n'
                     'operations = ["GetSecret"]\ntenants = ["default"]\n')
        self.people.apply(self.policy(1, self.kept))

    def sign(self, *options, key=None, principal=None):
        note = self.service.folder / f"glass-{uuid.uuid4()}.note"
        self.service.ok("break-glass", "sign", "--principal", principal or self.app, "--reason", "incident 4711",
                        "--key", key or self.key, "--out", str(note), *options)
        return str(note)

    def emergencies(self, name="alice"):
        return self.people.json_as(name, "break-glass", "list")["emergencies"]

    def test_from_the_statement_to_the_review(self):
        self.not_got()
        note = self.sign()
        self.not_got()
        self.assertEqual(self.emergencies(), [])
        call = uuid.uuid4().hex
        on = self.service.json("break-glass", "use", note, "--claim-request-id", call)
        record = self.service.record_of("BreakGlass", call)
        self.assertEqual((record["principal"], record["rule"], record["outcome"], record["objects"], record["reason"]),
                         (self.app, "app-breaks-glass", "ok", [on["id"]], "incident 4711"))

        record = self.got()
        self.assertEqual((record["rule"], record["principal"], record["policy_serial"]), ("break-glass", self.app, 1))
        self.assertEqual(self.states(), [(on["id"], "in use", self.app, "incident 4711", "")])
        self.refused("was not reviewed yet", "break-glass", "use", self.sign())
        self.refused("is in use: it is reviewed when it is over", "break-glass", "review", on["id"], "x", name="carol")

        self.recorded("RevokeGrant", "break-glass", "end", "repaired", objects=["break-glass"], reason="repaired")
        self.not_got()
        self.assertEqual(self.states()[0][1], "to review")
        self.refused("none is in use", "break-glass", "end", "again")
        self.refused("an emergency before was not reviewed yet", "break-glass", "use", self.sign())
        self.reviewed(on["id"])
        self.refused("was used already", "break-glass", "use", note)
        self.service.ok("break-glass", "use", self.sign())
        self.got()

    def reviewed(self, emergency):
        """By an auditor, whom the policy names."""
        for name, options, sentence in (("bob", (), NOT_ALLOWED), ("alice", ("--role", "auditor"), "as auditors")):
            self.refused(sentence, "break-glass", "review", emergency, "all is well", *options, name=name)
        self.assertEqual(self.states()[0][1], "to review")
        self.recorded("ReviewBreakGlass", "break-glass", "review", emergency, "one row repaired", name="carol",
                      objects=[emergency], reason="one row repaired", rule="auditor-reviews")
        self.assertEqual(self.states("carol")[0][1:], ("reviewed", self.app, "incident 4711", "one row repaired"))
        self.assertIn(b"carol: one row repaired", self.service.ok("break-glass", "list"))
        self.refused("was reviewed already", "break-glass", "review", emergency, "again", name="carol")

    def states(self, name="alice"):
        return [(one["id"], one["state"], one["principal"], one["reason"], one["review"])
                for one in self.emergencies(name)]

    def test_a_note_is_for_one_key_one_principal_one_policy_and_one_store(self):
        mine = self.people.key("alice")
        bobs = str(self.service.folder / "bobs.note")
        self.service.ok("break-glass", "sign", "--principal", self.app, "--reason", "x", "--key", self.key, "--out",
                        bobs)
        store = self.service.json("operator", "status")["store_uuid"]
        told = ("--store", store, "--policy-serial", "1")
        for name, note, options, sentence in (
                ("another key", self.sign(key=mine), (), "is no signature over this statement by the offline key"),
                ("another store", self.sign("--store", str(uuid.uuid4())), (), "is for another store"),
                ("another policy", self.sign("--policy-serial", "2"), (), "is for another policy"),
                ("another principal", self.sign(*told, principal=f"spiffe://{DOMAIN}/role/app/other"), (),
                 "is for another principal than the caller"),
                ("too long", self.sign(*told, "--minutes", "60"), (), "ends later than the policy allows"),
                ("another role", bobs, ("--role", "dba"), NOT_ALLOWED)):
            with self.subTest(note=name):
                self.refused(sentence, "break-glass", "use", note, *options)
        self.assertEqual(self.emergencies(), [])
        self.not_got()
        self.service.ok("break-glass", "use", self.sign(*told))
        self.got()

    def test_what_the_policy_does_not_keep_is_not_signed_where_a_service_says_so(self):
        for options, sentence in (
                (("--principal", self.app, "--minutes", "31"), "--minutes: are more than the policy allows"),
                (("--principal", "unix:app:1"), "--principal: is none of those")):
            done = self.service.run("break-glass", "sign", *options, "--reason", "x", "--key", self.key)
            self.assertEqual((done.returncode, done.stdout), (2, b""))
            self.assertIn(sentence, done.stderr.decode())
        self.people.apply(self.policy(2))
        self.refused("keeps nothing for an emergency", "break-glass", "sign", "--principal", self.app, "--reason", "x",
                     "--key", self.key)
        self.assertFalse((self.service.folder / "glass.note").exists())

    def test_another_policy_ends_it_and_a_restart_does_not(self):
        self.service.ok("break-glass", "use", self.sign())
        self.service.kill()
        self.service.start()
        self.assertEqual(self.got()["rule"], "break-glass")
        self.assertIn(b"\nends with the policy before: break-glass\n",
                      b"\n" + self.people.apply(self.policy(2, self.kept)))
        self.not_got()
        self.assertEqual(self.states()[0][1], "to review")


class Tokens(AccessTest):
    def setUp(self):
        super().setUp()
        self.people.apply(self.people.policy(1))
        self.file = self.service.folder / "orders.token"

    def create(self, *options, principal=ORDERS, out=None):
        """By alice and bob; its id."""
        out = str(out or self.file)
        command = ("token", "create", principal, "--lifetime", "1h", "--out", out, *options)
        return self.service.json(*command, *self.people.approval(*command))["id"]

    def place(self, port=None, file=None):
        """Arguments to call with a token: (words, server)."""
        words = ("--tls-ca", self.people.certificates.path("ca", "pem"), "--token-file", str(file or self.file),
                 "--timeout", "20")
        return words, {"server": f"localhost:{port or self.people.token_port()}"}

    def with_token(self, **changes):
        words, place = self.place(**changes)
        return self.got(*words, **place)

    def not_with_token(self, sentence, **changes):
        words, place = self.place(**changes)
        self.not_got(sentence, *words, **place)

    def test_made_by_two_used_over_tls_and_revoked(self):
        command = ("token", "create", ORDERS, "--lifetime", "1h", "--out", str(self.file))
        approval = self.only_asked(*command)
        self.assertFalse(self.file.exists())
        said = self.recorded("CreateToken", *command, *approval, outcome="ok", rule="admin-approved").decode()
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        token = self.file.read_text()
        self.assertRegex(token, r"^cft1_[A-Za-z0-9_-]{43}\n$")
        (listed,) = self.people.json_as("carol", "token", "list")["tokens"]
        self.assertIn(f"made: token {listed['id']} for {ORDERS}, until ", said)
        self.assertEqual((listed["principal"], listed["listener"], listed["created_by"], listed["reason"]),
                         (ORDERS, "tokens", self.people.principals["alice"], "a test"))

        record = self.with_token()
        self.assertEqual((record["principal"], record["role"], record["rule"]), (ORDERS, "app", "app-all"))
        words, place = self.place()
        self.assertIn(ORDERS.encode(), self.service.ok("operator", "status", *words, **place))
        self.refused(NOT_ALLOWED, "tenant", "list", *words, **place)
        from_environment = self.service.run("operator", "status", server=place["server"], environment={
            "COFFER_TLS_CA": words[1], "COFFER_TOKEN_FILE": str(self.file)})
        self.assertIn(ORDERS.encode(), from_environment.stdout)

        self.recorded("RevokeToken", "token", "revoke", listed["id"], "leaked", name="bob", objects=[listed["id"]],
                      reason="leaked")
        self.not_with_token("use a role's own socket, a certificate or a token that the service knows")
        self.not_with_token(NO_TOKEN)
        self.assertEqual(self.service.json("token", "list"), {"tokens": []})
        self.refused("there is no token of this id", "token", "revoke", listed["id"], "again")
        self.is_nowhere(token.strip())

    def is_nowhere(self, token):
        """In no file of the service and in nothing that the log gives out; the same search finds what is in clear."""
        outputs = {" ".join(command): self.service.ok(*command) for command in (
            ("audit", "query", "--limit", "1000"), ("audit", "query", "--limit", "1000", "--output", "json"),
            ("token", "list"), ("approval", "list"), ("audit", "stats", "--by", "principal"))}
        for places in (files_below(self.service.data), {"log": self.service.log_file.read_bytes()}, outputs):
            self.assertEqual(findings([token, token[len("cft1_"):]], places), [])
        self.assertNotEqual(findings([ORDERS], files_below(self.service.data)), [])
        self.assertNotEqual(findings([ORDERS], outputs), [])
        self.assertEqual(findings([token], {"control": self.file.read_bytes()}), [("control", "as it is")])

    def test_it_is_taken_on_its_own_listener_only(self):
        self.create()
        elsewhere = self.service.folder / "elsewhere.token"
        self.create("--listener", "elsewhere", out=elsewhere)
        self.with_token()
        self.not_with_token(NO_TOKEN, file=elsewhere)
        self.not_with_token("trust", port=self.people.port())
        self.file.write_text("cft1_" + "A" * 43)
        self.not_with_token(NO_TOKEN)

    def test_it_outlives_a_restart_and_a_new_one_in_the_file_counts(self):
        self.create()
        self.service.kill()
        self.service.start()
        self.with_token()
        backup = f"spiffe://{DOMAIN}/role/backup-agent/nightly"
        other = self.service.folder / "other.token"
        self.create(principal=backup, out=other)
        self.file.write_bytes(other.read_bytes())
        words, place = self.place()
        self.assertIn(backup.encode(), self.service.ok("operator", "status", *words, **place))

    def test_it_goes_to_a_pipe_and_into_json_when_no_file_is_named(self):
        command = ("token", "create", ORDERS, "--lifetime", "60s")
        self.assertRegex(self.people.approved(*command), rb"^cft1_[A-Za-z0-9_-]{43}\n$")
        made = self.people.approved_json(*command)
        self.assertEqual(list(made), ["id", "principal", "until", "token"])
        self.file.touch(0o600)
        self.file.write_text(made["token"])
        self.with_token()

    def test_a_file_that_is_there_is_known_before_the_approval_is_used_up(self):
        command = ("token", "create", ORDERS, "--lifetime", "1h", "--out", str(self.file))
        self.file.write_text("older")
        approval = self.people.approval(*command)
        self.refused("--out: ", *command, *approval)
        self.assertEqual(self.file.read_text(), "older")
        self.file.unlink()
        self.service.ok(*command, *approval)
        self.with_token()


class Certificates(AccessTest):
    def setUp(self):
        super().setUp()
        self.people.apply(self.people.policy(1))
        self.principal = self.people.certify("erin", "app")
        self.pem = self.people.certificates.path("erin", "pem")

    def fingerprint(self):
        said = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", self.pem], check=True,
                              capture_output=True, timeout=DEADLINE_S).stdout.decode()
        return re.search("=([0-9A-F:]+)", said)[1]

    def open_connection(self):
        path = self.people.certificates.path
        context = ssl.create_default_context(cafile=path("ca", "pem"))
        context.set_alpn_protocols(["h2"])
        context.load_cert_chain(self.pem, path("erin", "key"))
        plain = socket.create_connection(("localhost", self.people.port()), DEADLINE_S)
        connection = Connection(context.wrap_socket(plain, server_hostname="localhost"))
        self.addCleanup(connection.close)
        return connection

    def served(self, connection):
        body, trailers = connection.call("/coffer.v1.AdminService/GetStatus")
        served = self.principal.encode() in body
        self.assertNotEqual(served, b"unauthenticated" in trailers)
        return served

    def test_denied_on_a_live_connection_and_allowed_again_by_two(self):
        digest = self.fingerprint().replace(":", "").lower()
        opened = self.open_connection()
        self.assertTrue(self.served(opened))
        self.got(*self.people.caller("erin")[0], **self.people.caller("erin")[1])

        self.recorded("DenyCertificate", "certificate", "deny", self.pem, "its key was copied", objects=[digest],
                      reason="its key was copied", outcome="ok")
        self.assertFalse(self.served(opened), "on the connection that was open")
        self.refused(DENIED, *GET, name="erin")
        (denied,) = self.people.json_as("carol", "certificate", "list")["certificates"]
        self.assertEqual((denied["sha256"], denied["denied_by"], denied["reason"]),
                         (digest, self.people.principals["alice"], "its key was copied"))
        self.people.ok_as("bob", "operator", "status")

        allow = ("certificate", "allow", self.pem)
        approval = self.only_asked(*allow)
        self.assertFalse(self.served(opened))
        self.recorded("AllowCertificate", *allow, *approval, objects=[digest], outcome="ok")
        self.assertTrue(self.served(opened))
        self.assertEqual(self.people.ok_as("erin", *GET), VALUE)
        self.assertEqual(self.service.json("certificate", "list"), {"certificates": []})
        self.refused("this certificate is not denied", *allow, "--ask", "again")

    def test_a_fingerprint_is_as_good_as_the_file_and_a_restart_forgets_nothing(self):
        self.service.ok("certificate", "deny", self.fingerprint(), "its key was copied")
        self.service.kill()
        self.service.start()
        self.refused(DENIED, *GET, name="erin")
        self.assertFalse(self.served(self.open_connection()))
        self.people.certify("erin", "app")
        self.assertEqual(self.people.ok_as("erin", *GET), VALUE, "with another certificate of the same name")

    def test_the_last_administrators_certificate_can_be_denied_and_the_socket_stays(self):
        self.service.ok("certificate", "deny", self.people.certificates.path("bob", "pem"), "lost")
        self.refused(DENIED, "operator", "status", name="bob")
        self.service.ok("operator", "status")


if __name__ == "__main__":
    run(globals())
