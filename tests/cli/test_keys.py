"""The life of keys from the command line: rotate-kek, rotation by age, destruction, census, data keys."""

import os
import pathlib
import stat
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from service import Programs, Service  # noqa: E402

ASK = ("--ask", "a test")


class Keys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service(dev=False)
        cls.addClassCleanup(cls.service.close)
        cls.people = cls.service.initialise().people
        cls.people.apply(cls.people.policy(1))

    def refused(self, sentence, *arguments, code=1, **options):
        done = self.service.run(*arguments, **options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(sentence, done.stderr.decode())
        self.assertEqual(done.stdout, b"")

    def keyring(self, name):
        self.service.ok("keyring", "create", name)
        return name

    def show(self, name, role="admin"):
        return self.service.json("keyring", "show", name, "--role", role)

    def path(self, name):
        return str(self.service.folder / name)

    def test_a_new_kek_is_made_by_a_database_administrator(self):
        self.keyring("kek")
        before = self.show("kek")
        self.service.ok("keyring", "rotate-kek", "kek", "--role", "dba")
        self.assertEqual(self.show("kek"), before)
        self.refused("the policy does not allow", "keyring", "rotate-kek", "kek", "--role", "app")
        self.refused("there is no keyring of this name", "keyring", "rotate-kek", "none")

    def test_rotation_by_age_is_set_shown_and_ended(self):
        self.keyring("aged")
        shown = self.service.json("keyring", "set-rotation", "aged", "90d")
        self.assertEqual(shown["rotation_period"], "90d")
        self.assertIsNotNone(shown["next_rotation_at"])
        self.assertIn(b"after 90d, next at", self.service.ok("keyring", "show", "aged"))
        self.assertIsNone(self.service.json("keyring", "set-rotation", "aged", "off")["rotation_period"])
        self.refused("period", "keyring", "set-rotation", "aged", "soon", code=2)
        self.refused("an hour to ten years", "keyring", "set-rotation", "aged", "59m")
        self.service.ok("keyring", "create", "aged-index", "--purpose", "index")
        self.refused("purpose encrypt", "keyring", "set-rotation", "aged-index", "90d")

    def test_a_version_is_counted_scheduled_and_brought_back(self):
        self.keyring("ends")
        self.service.ok("keyring", "rotate", "ends")
        destroy = ("keyring", "destroy", "ends", "1")
        self.refused("others have to approve this act", *destroy)
        self.refused("no census source is registered", *destroy, *ASK)
        self.service.ok("census", "add", "ends-db", "--max-age", "1h")
        try:
            self.refused("ends-db: has never reported", *destroy, *ASK)
            self.refused("ends-db: has never reported", *destroy, "--no-sources", *ASK)
            self.assertEqual(self.service.json("census", "report", "ends-db")["standing"], "fresh")
            self.refused("the service's own delay", *destroy, "--delay", "1h", *ASK)
            self.refused("the primary version", "keyring", "destroy", "ends", "2", *ASK)
            shown = self.people.approved_json(*destroy, "--delay", "30d", "--reason", "retired")
            destruction = shown["versions"][0]["destruction"]
            self.assertEqual((shown["versions"][0]["state"], destruction["reason"], destruction["done_at"]),
                             ("destroy scheduled", "retired", None))
            self.assertIn(b"version 1: to be destroyed at", self.service.ok("keyring", "show", "ends"))
            remove = ("census", "remove", "ends-db")
            self.refused("relies on the census", *remove, *ASK)
            self.assertEqual(self.service.json("keyring", "cancel-destroy", "ends", "1")["versions"][0]["state"],
                             "enabled")
            self.refused("not scheduled", "keyring", "cancel-destroy", "ends", "1")
        finally:
            self.service.run("keyring", "cancel-destroy", "ends", "1")
            self.people.approved("census", "remove", "ends-db")

    def test_a_census_counts_what_is_reported_and_what_the_vault_has(self):
        self.service.ok("secret", "put", "census/one", stdin=b"v")
        version = self.show("coffer-secrets")["versions"][0]
        self.assertGreaterEqual(version["census"]["vault_values"], 1)
        self.assertFalse(version["census"]["may_be_destroyed"])
        self.service.ok("census", "add", "counted", "--max-age", "2d")
        try:
            listed = self.service.json("census", "list", "--role", "auditor")["sources"]
            self.assertEqual([source["standing"] for source in listed], ["never reported"])
            counts = self.service.write("counts.csv", "key_id,values\r\n5,17\n9223372036854775807,1\n")
            source = self.service.json("census", "report", "counted", "--file", counts)
            self.assertEqual((source["values"], source["unknown_values"], source["max_age"]), (18, 18, "2d"))
            self.assertIn(b"counted", self.service.ok("census", "show", "coffer-secrets", "--role", "dba"))
            self.refused("another principal", "census", "report", "counted", "--role", "admin")
            self.refused("was counted before", "census", "report", "counted", "--as-of", "2026-01-01T00:00:00Z")
            for lines, line in (("x,1\n", 1), ("1,1\n\n2;3\n", 3), ("1,-1\n", 1), ("1,2,3\n", 1), ("1\n", 1),
                                (" 1,1\n", 1), ("1,18446744073709551616\n", 1), ("1,1\nkey_id,values\n", 2)):
                self.refused(f"line {line} is not KEY_ID,VALUES", "census", "report", "counted", stdin=lines, code=2)
            self.refused("names a key twice", "census", "report", "counted", stdin="1,1\n1,1\n")
            self.refused("a key id is 1 to", "census", "report", "counted", stdin="0,1\n")
            self.refused("--as-of", "census", "report", "counted", "--as-of", "yesterday", code=2)
        finally:
            self.people.approved("census", "remove", "counted")
        self.refused("there is no census source", "census", "remove", "counted", *ASK)
        self.refused("a minute to 365 days", "census", "add", "counted", "--max-age", "59s")
        self.refused("the policy does not allow", "census", "add", "counted", "--max-age", "1d", "--role", "dba")

    def test_a_tenant_is_refused_and_brought_back(self):
        self.service.ok("tenant", "add", "acme")
        self.service.ok("secret", "put", "db", "--tenant", "acme", stdin=b"v")
        self.refused("others have to approve this act", "tenant", "destroy", "acme")
        shown = self.people.approved_json("tenant", "destroy", "acme")
        self.assertEqual((shown["state"], shown["data_keys"]), ("destroy scheduled", 1))
        self.assertLess(shown["destruction"]["due_at"], shown["destruction"]["final_at"])
        self.refused("the tenant is to be destroyed", "secret", "get", "db", "--tenant", "acme")
        text = self.service.ok("tenant", "show", "acme", "--role", "auditor")
        self.assertIn(b"final when the last backup of the store that holds the keys expires: ", text)
        self.assertIn(b"a test", text)
        self.assertEqual(self.service.json("tenant", "cancel-destroy", "acme")["state"], "active")
        self.assertEqual(self.service.ok("secret", "get", "db", "--tenant", "acme"), b"v")
        self.refused("cannot be destroyed", "tenant", "destroy", "default", *ASK)
        self.refused("the policy does not allow", "tenant", "destroy", "acme", *ASK, "--role", "dba")
        states = {t["name"]: t["state"] for t in self.service.json("tenant", "list")["tenants"]}
        self.assertEqual(states["acme"], "active")

    def test_a_data_key_comes_back(self):
        self.keyring("files")
        key = self.service.ok("data-key", "generate", "files", "--wrapped", self.path("one.key"))
        self.assertEqual(len(key), 32)
        self.assertEqual(os.stat(self.path("one.key")).st_size, 114)
        self.assertEqual(self.service.ok("data-key", "unwrap", "files", "--wrapped", self.path("one.key")), key)
        self.service.ok("data-key", "unwrap", "files", "--wrapped", self.path("one.key"), "--out", self.path("plain"))
        plain = pathlib.Path(self.path("plain"))
        self.assertEqual(plain.read_bytes(), key)
        self.assertEqual(stat.S_IMODE(plain.stat().st_mode), 0o600)
        self.refused("", "data-key", "unwrap", "files", "--wrapped", self.path("one.key"), "--out", self.path("plain"))
        self.refused("", "data-key", "generate", "files", "--wrapped", self.path("one.key"))
        listed = self.service.json("data-key", "unwrap", "files", "--wrapped", self.path("one.key"))
        self.assertEqual(sorted(listed), ["keyring", "plaintext_base64"])
        self.service.ok("keyring", "rotate", "files")
        self.service.ok("keyring", "disable", "files", "1")
        self.refused("not enabled", "data-key", "unwrap", "files", "--wrapped", self.path("one.key"))
        self.service.ok("keyring", "enable", "files", "1")
        wrapped = pathlib.Path(self.path("one.key")).read_bytes()
        changed = self.service.write("changed.key", wrapped[:-1] + bytes([wrapped[-1] ^ 1]))
        self.refused("does not unwrap", "data-key", "unwrap", "files", "--wrapped", changed)
        self.refused("does not exist", "data-key", "unwrap", "files", "--wrapped", self.path("none.key"))
        self.refused("the policy does not allow", "data-key", "generate", "files", "--wrapped", self.path("two.key"),
                     "--role", "admin")
        self.assertFalse(os.path.exists(self.path("two.key")))

    def test_what_is_no_name_is_a_usage_failure(self):
        for command in (("keyring", "rotate-kek"), ("keyring", "show"), ("tenant", "show"), ("census", "show"),
                        ("census", "report"), ("data-key", "unwrap")):
            rest = ("--wrapped", "x") if command[0] == "data-key" else ()
            self.refused("must be a name of a-z", *command, "No Name", *rest, code=2)


if __name__ == "__main__":
    Programs.bin = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
