"""A database administrator's day under a policy: all of the work, and nothing that would show or end a secret.

Everything that the DBA's commands print is kept and searched for the values that were planted; the same search finds
them in what the application's commands print.
"""

import json
import os
import pathlib
import sys
import unittest
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from canary_test import findings, planted  # noqa: E402
from http2 import Connection, message  # noqa: E402
from service import CATALOG, DEADLINE_S, Service, json_lines, run  # noqa: E402

INDEX = """expect  = { rows = 1000000, distinct = 900000, top_share = 0.0001 }
[field."user.email".index.exact]
kind = "equality"
keyring = "shop-index"
bits = 16
"""
EMAIL = ("--field", "shop.user.email", "--row", "id")
PASSWORD = ("--field", "shop.connection.password", "--row", "uuid")
FREEZE = '[forbid.freeze]\nroles = ["dba"]\noperations = ["RotateKeyring"]\nkeyrings = ["frozen"]\n'
BLIND, HARMLESS, NOT_HIS = "dba-sees-no-plaintext", "dba-weakens-nothing", "default-deny"
DESTROY = ("secret", "destroy", "app/one", "--version", "1")
REFUSED = {  # command: (operation, rule)
    ("field", "decrypt", *EMAIL): ("DecryptFields", BLIND),
    ("field", "encrypt", *EMAIL): ("EncryptFields", BLIND),
    ("field", "search", "--field", "shop.user.email", "--index", "exact"): ("IndexTokens", BLIND),
    ("secret", "get", "app/one"): ("GetSecret", BLIND),
    ("data-key", "generate", "shop", "--wrapped", "dba.key"): ("GenerateDataKey", BLIND),
    DESTROY: ("DestroySecret", HARMLESS),
    (*DESTROY, "--ask", "please"): ("DestroySecret", HARMLESS),
    ("keyring", "destroy", "shop", "1"): ("ScheduleDestroy", HARMLESS),
    ("keyring", "disable", "shop", "1"): ("DisableVersion", HARMLESS),
    ("tenant", "destroy", "acme"): ("ShredTenant", HARMLESS),
    ("census", "remove", "shop-db"): ("RemoveCensusSource", HARMLESS),
    ("apply", "weaker.toml"): ("ApplyCatalog", HARMLESS),
    ("secret", "put", "app/one"): ("PutSecret", NOT_HIS),
    ("secret", "list"): ("ListSecrets", NOT_HIS),
    ("secret", "history", "app/one"): ("SecretHistory", NOT_HIS),
    ("operator", "backup", "dba.age"): ("BackupStore", NOT_HIS),
    ("audit", "query"): ("QueryRecords", NOT_HIS),
    ("policy", "show"): ("ShowPolicy", NOT_HIS),
    ("approval", "list"): ("ListApprovals", NOT_HIS),
    ("keyring", "rotate", "frozen"): ("RotateKeyring", "freeze"),
    ("grant", "issue", "grant.toml"): ("IssueGrant", HARMLESS),
    ("grant", "issue", "grant.toml", "--ask", "please"): ("IssueGrant", HARMLESS),
    ("grant", "list"): ("ListGrants", NOT_HIS),
    ("grant", "revoke", "issued-repair", "his reason"): ("RevokeGrant", NOT_HIS),
    ("break-glass", "use", "glass.note"): ("BreakGlass", NOT_HIS),
    ("break-glass", "end", "his reason"): ("RevokeGrant", NOT_HIS),
    ("break-glass", "review", str(uuid.UUID(int=0)), "all is well"): ("ReviewBreakGlass", NOT_HIS),
    ("token", "create", "spiffe://example.org/role/app/dba", "--lifetime", "1d"): ("CreateToken", HARMLESS),
    ("token", "list"): ("ListTokens", NOT_HIS),
    ("token", "revoke", str(uuid.UUID(int=0)), "his reason"): ("RevokeToken", NOT_HIS),
    ("certificate", "deny", "ab" * 32, "his reason"): ("DenyCertificate", NOT_HIS),
    ("certificate", "allow", "ab" * 32): ("AllowCertificate", HARMLESS),
    ("certificate", "list"): ("ListDeniedCertificates", NOT_HIS),
}


class Day(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service(people=True)
        cls.addClassCleanup(cls.service.close)
        service = cls.service.start_initialised()
        service.ok("keyring", "create", "shop-index", "--purpose", "index")
        service.apply_catalog(CATALOG + INDEX)
        service.write("weaker.toml", (CATALOG + INDEX).replace('"pii"', '"public"'))
        service.write("weaker.lock", (service.folder / "catalog.lock").read_bytes())
        service.write("grant.toml", '[grant.issued-his]\nroles = ["dba"]\noperations = ["GetSecret"]\n')
        key = str(service.folder / "offline.key")
        service.ok("identity", "new", "--name", "offline", "--key", key, "--no-passphrase")
        service.ok("break-glass", "sign", "--principal", f"unix:dba:{os.getuid()}", "--reason", "his", "--key", key,
                   "--store", str(uuid.UUID(int=1)), "--policy-serial", "1", "--out", "glass.note")
        service.ok("keyring", "create", "frozen")
        service.ok("tenant", "add", "acme")
        service.ok("census", "add", "shop-db", "--max-age", "1d")
        cls.people = service.people
        cls.people.apply(cls.people.policy(1, cls.people.grants() + FREEZE))
        cls.canaries = [planted() for _ in range(7)]
        cls.users = [{"id": i, "email": email} for i, email in enumerate(cls.canaries[:4])]
        cls.connections = [{"uuid": str(uuid.uuid4()), "url": "https://in-clear.example/", "login": "app",
                            "password": password} for password in cls.canaries[4:6]]
        service.ok("secret", "put", "app/one", stdin=cls.canaries[6])
        cls.tables = {EMAIL: cls.encrypted(EMAIL, cls.users, "--tokens"),
                      PASSWORD: cls.encrypted(PASSWORD, cls.connections)}

    @classmethod
    def encrypted(cls, field, records, *options):
        return cls.service.ok("field", "encrypt", *field, *options, stdin=json_lines(records))

    def setUp(self):
        self.printed = {}

    def dba(self, *command, **options):
        """As the DBA; keeps what is printed."""
        done = self.service.run(*command, "--role", "dba", **options)
        name = f"{len(self.printed)}: {' '.join(command[:2])}"
        self.printed[f"{name}, stdout"], self.printed[f"{name}, stderr"] = done.stdout, done.stderr
        return done

    def allowed(self, operation, *command, **options):
        """Allowed, and said so in the log; what it printed."""
        call = uuid.uuid4().hex
        done = self.dba(*command, "--claim-request-id", call, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        record = self.service.record_of(operation, call)
        self.assertEqual((record["role"], record["allowed"], record["rule"], record["policy_serial"],
                          record["outcome"]), ("dba", True, "dba-all", 1, "ok"))
        return done.stdout

    def refused(self, operation, rule, *command, **options):
        """With the rule named, and in the log under it."""
        call = uuid.uuid4().hex
        done = self.dba(*command, "--claim-request-id", call, **options)
        self.assertEqual((done.returncode, done.stdout), (1, b""), done.stderr)
        self.assertIn(f"rule {rule}: the policy does not allow", done.stderr.decode())
        self.check_record(operation, rule, call)

    def check_record(self, operation, rule, call):
        record = self.service.record_of(operation, call)
        self.assertEqual((record["role"], record["allowed"], record["rule"], record["policy_serial"]),
                         ("dba", False, rule, 1))
        self.assertEqual(record["principal"], self.people.principals["alice"].replace("admin", "dba"))

    def read_as_application(self, tables):
        """What the application's commands print: (decrypted records, the secret)."""
        return (*(self.service.ok("field", "decrypt", *field, stdin=table) for field, table in tables.items()),
                self.service.ok("secret", "get", "app/one"))

    def nothing_was_shown(self):
        self.assertEqual(findings(self.canaries, self.printed), [])
        self.assertGreater(sum(map(len, self.printed.values())), 0)

    def test_keys_are_rotated_and_values_rewrapped(self):
        primary = self.service.json("keyring", "show", "shop")["primary_version"]
        self.allowed("RotateKeyring", "keyring", "rotate", "shop")
        self.allowed("RotateKek", "keyring", "rotate-kek", "shop")
        rewrapped = {field: self.allowed("RewrapFields", "field", "rewrap", *field, stdin=table)
                     for field, table in self.tables.items()}
        for field, table in self.tables.items():
            self.assertEqual(len(rewrapped[field].splitlines()), len(table.splitlines()))
            self.assertFalse(set(rewrapped[field].splitlines()) & set(table.splitlines()))
        self.assertEqual(self.service.json("keyring", "show", "shop")["primary_version"], primary + 1)
        self.assertIn(b"shop-db", self.allowed("ListCensusSources", "census", "list"))
        self.assertIn(b"version", self.allowed("GetCensus", "census", "show", "shop"))
        self.assertIn(b"shop-index", self.allowed("ListKeyrings", "keyring", "list"))
        self.assertIn(b"pii", self.allowed("ShowCatalog", "catalog", "show", "shop"))
        self.allowed("ReportCensus", "census", "report", "shop-db", stdin="")
        self.nothing_was_shown()

        users, connections, secret = self.read_as_application(rewrapped)
        for printed, records in ((users, self.users), (connections, self.connections)):
            self.assertEqual([{key: one[key] for key in record} for one, record in
                              zip(map(json.loads, printed.splitlines()), records)], records)
        shown = {"the application's": users + connections + secret}
        for canary in self.canaries:
            self.assertEqual(findings([canary], shown), [("the application's", "as it is")])

    def test_plaintext_destruction_and_weakening_are_refused_by_their_rules(self):
        before = self.service.json("keyring", "show", "shop")
        stdin = {"decrypt": self.tables[EMAIL], "encrypt": b'{"id":1,"email":"his"}\n', "search": b"his\n",
                 "put": b"his"}
        for command, (operation, rule) in REFUSED.items():
            with self.subTest(command=command):
                self.refused(operation, rule, *command, stdin=stdin.get(command[1], b""))
        self.assertFalse((self.service.folder / "dba.age").exists())
        self.assertEqual(self.service.json("keyring", "show", "shop"), before)
        self.assertEqual(self.service.ok("secret", "get", "app/one").decode(), self.canaries[6])
        self.assertIn(b'class = "pii"', self.service.ok("catalog", "show", "shop"))
        self.nothing_was_shown()

    def test_tokens_come_with_no_rewrap_of_his(self):
        done = self.dba("field", "rewrap", *EMAIL, "--tokens", stdin=self.encrypted(EMAIL, self.users))
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"the service gave no index tokens", done.stderr)
        self.nothing_was_shown()

    def test_nothing_of_others_is_approved_or_denied(self):
        approval = self.people.ask(*DESTROY)
        self.refused("ListApprovals", NOT_HIS, "approval", "approve", approval, "--key", self.people.key("bob"))
        self.refused("Deny", NOT_HIS, "approval", "deny", approval)
        # What his program does not get to, because it may not look at what it would sign.
        connection = Connection.to_unix(self.service.sockets / "dba.sock", DEADLINE_S)
        self.addCleanup(connection.close)
        for method in ("Approve", "ApplyPolicy"):
            call = uuid.uuid4().hex
            connection.call(f"/coffer.v1.AccessService/{method}", message(approval, "\u2014 bob AAAA\n"),
                            (("coffer-request-id", call),))
            self.check_record(method, NOT_HIS if method == "Approve" else HARMLESS, call)
        (waits,) = self.service.json("approval", "list")["approvals"]
        self.assertEqual((waits["id"], waits["approved_by"]), (approval, []))
        self.service.ok("approval", "deny", approval)
        self.nothing_was_shown()


if __name__ == "__main__":
    run(globals())
