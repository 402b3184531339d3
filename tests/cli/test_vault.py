"""coffer secret, keyring, tenant, operator, apply and grafana against a cofferd of its own."""

import base64
import os
import pathlib
import stat
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from service import CATALOG, Programs, Service  # noqa: E402

SECRET = b"correct horse\x00battery \xff staple\n"


class Vault(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.close)

    def put(self, path, value=b"v", *options):
        return self.service.json("secret", "put", path, *options, stdin=value)

    def refused(self, sentence, *arguments, **options):
        done = self.service.run(*arguments, **options)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(sentence, done.stderr.decode())
        self.assertEqual(done.stdout, b"")

    def test_a_value_comes_back_byte_for_byte(self):
        self.put("bytes/one", SECRET)
        self.assertEqual(self.service.ok("secret", "get", "bytes/one"), SECRET)
        self.put("bytes/empty", b"")
        self.assertEqual(self.service.ok("secret", "get", "bytes/empty"), b"")

    def test_json_holds_the_value_as_base64(self):
        self.put("bytes/json", SECRET, "--meta", "owner=web", "--meta", "note=a=b")
        got = self.service.json("secret", "get", "bytes/json")
        self.assertEqual(base64.b64decode(got["value_base64"], validate=True), SECRET)
        self.assertEqual(list(got), ["path", "value_base64", "version", "state", "created_at", "expires_at",
                                     "created_by", "key_version", "metadata"])
        self.assertEqual(got["metadata"], {"owner": "web", "note": "a=b"})
        self.assertEqual((got["version"], got["state"], got["expires_at"]), (1, "live", None))
        self.assertRegex(got["created_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")

    def test_strip_newline_takes_one_off(self):
        self.put("bytes/line", b"pw\n\n", "--strip-newline")
        self.assertEqual(self.service.ok("secret", "get", "bytes/line"), b"pw\n")

    def test_a_value_may_come_from_a_file(self):
        path = self.service.write("value.txt", SECRET)
        self.service.ok("secret", "put", "bytes/file", "--file", path)
        self.assertEqual(self.service.ok("secret", "get", "bytes/file"), SECRET)

    def test_a_value_of_more_than_a_mebibyte_is_refused(self):
        self.put("bytes/big", b"x" * (1 << 20))
        done = self.service.run("secret", "put", "bytes/big", stdin=b"x" * ((1 << 20) + 1))
        self.assertEqual(done.returncode, 2)

    def test_compare_and_set_refuses_the_loser(self):
        self.put("cas/one", b"a", "--expect", "0")
        self.refused("read it again", "secret", "put", "cas/one", "--expect", "0", stdin=b"b")
        self.assertEqual(self.put("cas/one", b"b", "--expect", "1")["version"], 2)

    def test_an_expiry_is_kept(self):
        self.assertEqual(self.put("exp/one", b"a", "--expires", "2099-01-31T12:00:00+01:00")["expires_at"],
                         "2099-01-31T11:00:00.000000Z")
        self.assertIsNotNone(self.put("exp/two", b"a", "--expires", "30d")["expires_at"])
        self.refused("", "secret", "put", "exp/three", "--expires", "2001-01-01T00:00:00Z", stdin=b"a")

    def test_versions_are_deleted_brought_back_and_destroyed(self):
        for value in (b"one", b"two", b"three"):
            self.put("life/one", value)
        self.assertEqual(self.service.ok("secret", "get", "life/one", "--version", "2"), b"two")
        self.assertEqual(self.service.json("secret", "delete", "life/one")["changed"], 1)
        self.refused("deleted", "secret", "get", "life/one")
        self.assertEqual(self.service.json("secret", "undelete", "life/one", "--version", "3,2")["changed"], 1)
        self.assertEqual(self.service.ok("secret", "get", "life/one"), b"three")
        self.refused("", "secret", "destroy", "life/one", "--version", "1")
        done = self.service.json("secret", "destroy", "life/one", "--version", "1", "--alone", "a test")
        self.assertEqual(done, {"path": "life/one", "changed": 1})
        history = self.service.json("secret", "history", "life/one")
        self.assertEqual([(v["version"], v["state"]) for v in history["versions"]],
                         [(3, "live"), (2, "live"), (1, "destroyed")])
        self.refused("destroyed", "secret", "get", "life/one", "--version", "1")

    def test_lists_show_paths_without_values(self):
        for name in ("b", "a", "c"):
            self.put(f"list/{name}", b"list-canary")
        listed = self.service.json("secret", "list", "list/")["secrets"]
        self.assertEqual([entry["path"] for entry in listed], ["list/a", "list/b", "list/c"])
        text = self.service.ok("secret", "list", "list/") + self.service.ok("secret", "history", "list/a")
        self.assertNotIn(b"list-canary", text)

    def test_what_is_not_there_is_not_found(self):
        self.refused("coffer: ", "secret", "get", "none/here")
        self.refused("coffer: ", "keyring", "show", "none-here")

    def test_a_tenants_secrets_are_its_own(self):
        tenant = self.service.json("tenant", "add", "acme")
        self.assertEqual(list(tenant), ["name", "uuid", "created_at"])
        self.service.ok("secret", "put", "own/one", "--tenant", "acme", stdin=b"theirs")
        self.refused("", "secret", "get", "own/one")
        self.assertEqual(self.service.ok("secret", "get", "own/one", "--tenant", "acme"), b"theirs")
        self.assertIn("acme", [t["name"] for t in self.service.json("tenant", "list")["tenants"]])
        self.refused("", "tenant", "add", "acme")

    def test_a_database_administrator_sees_no_value(self):
        self.put("dba/one", b"dba-canary")
        self.refused("see --role", "secret", "get", "dba/one", "--role", "dba")
        self.refused("see --role", "secret", "get", "dba/one", "--role", "admin")
        self.refused("see --role", "secret", "list", "--role", "auditor")
        self.assertEqual(self.service.ok("secret", "get", "dba/one", "--role", "app"), b"dba-canary")

    def test_an_application_manages_no_keys(self):
        self.refused("see --role", "keyring", "create", "mine", "--role", "app")
        self.refused("see --role", "operator", "seal", "--role", "app")

    def test_keyrings_rotate_and_versions_are_disabled(self):
        created = self.service.json("keyring", "create", "ring")
        self.assertEqual(list(created), ["name", "uuid", "purpose", "primary_version", "created_at", "versions"])
        rotated = self.service.json("keyring", "rotate", "ring", "--expect", "1", "--role", "dba")
        self.assertEqual(rotated["primary_version"], 2)
        self.refused("", "keyring", "rotate", "ring", "--expect", "1")
        states = {v["version"]: v["state"] for v in self.service.json("keyring", "disable", "ring", "1")["versions"]}
        self.assertEqual(states, {1: "disabled", 2: "enabled"})
        self.refused("", "keyring", "disable", "ring", "2")
        self.assertEqual(self.service.json("keyring", "enable", "ring", "1")["versions"][0]["state"], "enabled")
        self.assertIn(b"2 (primary)", self.service.ok("keyring", "show", "ring"))
        self.assertIn(b"ring", self.service.ok("keyring", "list"))

    def test_a_socket_may_be_named_itself(self):
        socket = self.service.server + "/auditor.sock"
        status = self.service.json("operator", "status", server=socket)
        self.assertTrue(status["principal"].startswith("unix:auditor:"))

    def test_a_closed_output_is_a_failure(self):
        self.put("full/one", b"x" * 100_000)
        with open("/dev/full", "wb") as full:
            import subprocess

            done = subprocess.run([Programs.coffer(), "secret", "get", "full/one", "--server", self.service.server],
                                  stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"cannot be written", done.stderr)


class Catalogs(unittest.TestCase):
    def setUp(self):
        self.service = Service()
        self.addCleanup(self.service.close)
        self.service.ok("keyring", "create", "shop")

    def test_apply_keeps_the_lock_beside_the_catalog(self):
        path = self.service.write("catalog.toml", CATALOG)
        applied = self.service.json("apply", path)
        lock = pathlib.Path(applied["lock_file"])
        self.assertEqual(lock, pathlib.Path(path).with_name("catalog.lock"))
        self.assertEqual(len(applied["changes"]), 5)
        self.assertEqual(self.service.ok("catalog", "show", "shop"), lock.read_bytes())
        self.assertEqual(self.service.ok("catalog", "show"), b"shop\n")
        self.assertEqual(self.service.json("catalog", "show", "shop")["lock"], lock.read_text())
        self.assertEqual(self.service.ok("apply", path), b"no changes\n")

    def test_diff_changes_nothing(self):
        path = self.service.write("shop.toml", CATALOG)
        diff = self.service.json("diff", path)
        self.assertEqual((len(diff["changes"]), diff["weakens"]), (5, False))
        self.assertFalse(pathlib.Path(path).with_name("shop.lock").exists())
        self.assertEqual(self.service.run("diff", path, "--exit-code").returncode, 1)
        self.service.ok("apply", path)
        self.assertEqual(self.service.run("diff", path, "--exit-code").returncode, 0)

    def test_weakening_asks_a_second_person_or_a_reason(self):
        path = self.service.write("catalog.toml", CATALOG)
        self.service.ok("apply", path)
        self.service.write("catalog.toml", CATALOG.replace('class   = "pii"', 'class   = "public"', 1))
        self.assertIn(b"(weaker)", self.service.ok("diff", path))
        before = pathlib.Path(path).with_name("catalog.lock").read_bytes()
        self.assertEqual(self.service.run("apply", path).returncode, 1)
        self.assertEqual(pathlib.Path(path).with_name("catalog.lock").read_bytes(), before)
        self.service.ok("apply", path, "--alone", "a test")
        self.assertNotEqual(pathlib.Path(path).with_name("catalog.lock").read_bytes(), before)

    def test_a_lost_or_old_lock_is_refused(self):
        path = self.service.write("catalog.toml", CATALOG)
        self.service.ok("apply", path)
        lock = pathlib.Path(path).with_name("catalog.lock")
        old = lock.read_bytes()
        self.service.write("catalog.toml", CATALOG + '[field."user.name"]\nclass="pii"\nkeyring="shop"\nrow="int64"\n')
        lock.unlink()
        self.assertEqual(self.service.run("apply", path).returncode, 1)
        lock.write_bytes(old)
        self.service.ok("apply", path)
        lock.write_bytes(old)
        self.assertEqual(self.service.run("apply", path).returncode, 1)

    def test_a_bad_catalog_is_refused_with_its_line(self):
        done = self.service.run("apply", self.service.write("catalog.toml", CATALOG + "colour = 1\n"))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"user.phone", done.stderr)


class Operator(unittest.TestCase):
    def test_a_stores_life(self):
        service = Service(dev=False)
        self.addCleanup(service.close)
        state = lambda: service.json("operator", "status")["state"]  # noqa: E731
        self.assertEqual(state(), "uninitialised")
        self.assertEqual(service.run("operator", "status", "--check").returncode, 1)
        done = service.run("secret", "get", "app/one")
        self.assertIn(b"run `coffer operator init --key-file FILE`", done.stderr)

        passphrase = b"a passphrase of some length"
        service.ok("operator", "init", "--passphrase-file", "-", "--accept-total-loss", stdin=passphrase + b"\n")
        self.assertEqual(state(), "unsealed")
        service.ok("secret", "put", "app/one", stdin=b"kept")
        again = service.run("operator", "init", "--passphrase-file", "-", "--accept-total-loss", stdin=passphrase)
        self.assertEqual(again.returncode, 1)

        self.assertEqual(service.ok("operator", "seal"), b"sealed\n")
        sealed = service.run("secret", "get", "app/one")
        self.assertEqual(sealed.returncode, 1)
        self.assertIn(b"sealed", sealed.stderr)
        self.assertIn(b"run `coffer operator unseal`,", sealed.stderr)
        wrong = service.run("operator", "unseal", "--passphrase-file", "-", stdin=b"another passphrase")
        self.assertEqual(wrong.returncode, 1)
        self.assertNotIn(b"another passphrase", wrong.stderr)
        service.ok("operator", "unseal", "--passphrase-file", "-", stdin=passphrase)
        self.assertEqual(service.ok("secret", "get", "app/one"), b"kept")
        self.assertEqual(service.run("operator", "status", "--check").returncode, 0)

    def test_a_key_file_seals_and_a_relative_path_is_ours(self):
        service = Service(dev=False)
        self.addCleanup(service.close)
        service.ok("operator", "init", "--key-file", "root.key", "--allow-same-device", "--accept-total-loss")
        key = service.folder / "root.key"
        self.assertEqual((stat.S_IMODE(key.stat().st_mode) & 0o077, key.stat().st_size), (0, 32))
        service.ok("operator", "seal")
        service.ok("operator", "unseal", "--key-file", "root.key")
        self.assertEqual(service.json("operator", "status")["seal_slots"], ["key-file"])

    def test_a_passphrase_is_never_asked_without_a_terminal(self):
        service = Service(dev=False)
        self.addCleanup(service.close)
        done = service.run("operator", "unseal", "--passphrase", stdin=b"typed")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(service.json("operator", "status")["state"], "uninitialised")


PROVISIONING = """apiVersion: 1
datasources:
  - name: Prod
    uid: prod-db
    type: postgres
    url: db:5432
    secureJsonData:
      password: grafana-canary
"""


class Grafana(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.close)

    def test_secrets_move_to_the_vault_and_reach_the_command(self):
        folder = self.service.folder / "provisioning" / "datasources"
        folder.mkdir(parents=True)
        file = folder / "prod.yaml"
        file.write_text(PROVISIONING)
        os.chmod(file, 0o640)
        dry = self.service.json("grafana", "import", str(file), "--dry-run")
        self.assertEqual([s["outcome"] for s in dry["secrets"]], ["created"])
        self.assertEqual(file.read_text(), PROVISIONING)

        done = self.service.ok("grafana", "import", str(file), "--in-place")
        self.assertNotIn(b"grafana-canary", done)
        self.assertIn("coffer://grafana/1/prod-db/password", file.read_text())
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o640)
        self.assertEqual(self.service.ok("secret", "get", "grafana/1/prod-db/password"), b"grafana-canary")

        self.service.ok("grafana", "secret-key", "create")
        self.service.ok("grafana", "secret-key", "create", "--which", "secrets-manager")
        script = 'cat "$GF_PATHS_PROVISIONING"/datasources/prod.yaml; echo; env | grep -c ^COFFER_ ; exit 7'
        run = self.service.run("grafana", "run", "--provisioning", str(folder.parent), "--", "sh", "-c", script)
        self.assertEqual(run.returncode, 7, run.stderr)
        self.assertIn(b"grafana-canary", run.stdout)
        self.assertTrue(run.stdout.endswith(b"\n0\n"), run.stdout)
        self.assertNotIn(b"plain text", run.stderr)

        (folder / "plain.yml").write_text("datasources:\n- name: p\n  secureJsonData:\n    password: plain-canary\n")
        run = self.service.run("grafana", "run", "--provisioning", str(folder.parent), "--", "true")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn(b"1 value(s) of secureJsonData are plain text", run.stderr)
        self.assertNotIn(b"plain-canary", run.stderr)

        self.service.ok("secret", "delete", "grafana/1/prod-db/password")
        gone = self.service.run("grafana", "run", "--provisioning", str(folder.parent), "--", "true")
        self.assertEqual(gone.returncode, 1)
        self.assertIn(b"deleted", gone.stderr)
        self.assertNotIn(b"no such secret", gone.stderr)

    def test_a_key_in_use_is_never_overwritten(self):
        key = "abcdefghijklmnopqrstuvwxyz0123456789ABCD"
        self.service.run("grafana", "secret-key", "import", stdin=key)
        done = self.service.run("grafana", "secret-key", "import", stdin=key[::-1])
        self.assertEqual(done.returncode, 1)
        self.assertNotIn(key[::-1].encode(), done.stderr)


if __name__ == "__main__":
    Programs.bin = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
