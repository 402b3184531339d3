"""coffer secret, keyring, tenant, operator, apply and grafana against a cofferd of its own."""

import base64
import os
import pathlib
import stat
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from service import CATALOG, Programs, Service, clean_environment  # noqa: E402

MORE = '[field."user.name"]\nclass   = "pii"\nkeyring = "shop"\nrow     = "int64"\n'
SECRET = b"correct horse\x00battery \xff staple\n"


class Vault(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service(dev=False)
        cls.addClassCleanup(cls.service.close)
        cls.service.initialise()

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

    def test_a_newline_that_is_kept_is_noted_once(self):
        note = b"coffer: note: the value ends with a newline, which was kept"
        path = self.service.write("echoed.txt", b"pw\n")
        for value, options, noted in ((b"pw\n", (), 1), (b"", ("--file", path), 1), (b"\n", (), 1), (b"pw", (), 0),
                                      (b"", (), 0), (b"pw\n", ("--strip-newline",), 0), (b"-----\nAA==\n", (), 0)):
            with self.subTest(value=value, options=options):
                done = self.service.run("secret", "put", "note/one", *options, "-o", "json", stdin=value)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(done.stderr.count(note), noted, done.stderr)
                self.assertEqual(done.stderr.count(b"\n"), noted)
        self.assertIn(b"keeps its newline gets a note", self.service.ok("secret", "put", "--help").replace(b"\n", b" "))

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
        destroy = ("secret", "destroy", "life/one", "--version", "1")
        self.refused("no policy says yet who", *destroy)
        done = self.service.people.approved_json(*destroy)
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
        self.put("there/one")
        for step, *arguments in (
                ("see `coffer secret list`", "secret", "get", "none/here"),
                ("see `coffer secret history PATH`", "secret", "get", "there/one", "--version", "7"),
                ("see `coffer keyring list`, or make it with `coffer keyring create", "keyring", "show", "none-here"),
                ("see `coffer keyring show NAME`", "keyring", "disable", "coffer-secrets", "7"),
                ("see `coffer tenant list`, or register it with `coffer tenant add", "secret", "get", "there/one",
                 "--tenant", "nobody"),
                ("see `coffer catalog show`", "catalog", "show", "nowhere"),
                ("absent.txt: does not exist", "secret", "put", "there/one", "--file", "absent.txt")):
            with self.subTest(arguments=arguments):
                self.refused(step, *arguments)

    def test_a_tenants_secrets_are_its_own(self):
        tenant = self.service.json("tenant", "add", "acme")
        self.assertEqual(list(tenant), ["name", "uuid", "created_at", "state"])
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
        self.assertEqual(list(created), ["name", "uuid", "purpose", "primary_version", "created_at",
                                         "rotation_period", "next_rotation_at", "versions"])
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

    def test_weakening_asks_others(self):
        self.service = Service(dev=False)
        self.addCleanup(self.service.close)
        self.service.initialise().ok("keyring", "create", "shop")
        path = self.service.write("catalog.toml", CATALOG)
        self.service.ok("apply", path)
        self.service.write("catalog.toml", CATALOG.replace('class   = "pii"', 'class   = "public"', 1) + MORE)
        self.assertIn(b"(weaker)", self.service.ok("diff", path))
        before = pathlib.Path(path).with_name("catalog.lock").read_bytes()
        early = self.service.run("apply", path)
        self.assertEqual(early.returncode, 1)
        self.assertIn(b"no policy says yet who", early.stderr)
        self.service.people.apply(self.service.people.policy(1))
        refused = self.service.run("apply", path)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"  changed shop.user.email: class: pii -> public (weaker)\n", refused.stderr)
        self.assertNotIn(b"user.name", refused.stderr)  # added, which weakens nothing
        self.assertIn(b"see `coffer diff ", refused.stderr)
        self.assertIn(b"others have to approve", refused.stderr)
        self.assertIn(b"--ask REASON", refused.stderr)
        self.assertEqual(pathlib.Path(path).with_name("catalog.lock").read_bytes(), before)
        approval = self.service.people.approval("apply", path)
        self.assertEqual(pathlib.Path(path).with_name("catalog.lock").read_bytes(), before)
        self.service.ok("apply", path, *approval)
        self.assertNotEqual(pathlib.Path(path).with_name("catalog.lock").read_bytes(), before)

    def check_lock_refused(self, sentence, step="", command="apply", **options):
        done = self.service.run(command, "shop.toml", **options)
        self.assertEqual(done.returncode, 1)
        said = done.stderr.decode()
        self.assertTrue(said.startswith("coffer: shop.lock"), said)
        self.assertIn(sentence, said)
        self.assertIn(step or "`coffer catalog show shop > shop.lock`", said)

    def test_a_lost_edited_or_old_lock_is_refused_with_the_next_step(self):
        path = pathlib.Path(self.service.write("shop.toml", CATALOG))
        self.service.ok("apply", "shop.toml")
        lock = path.with_name("shop.lock")
        old = lock.read_bytes()
        self.service.write("shop.toml", CATALOG + MORE)
        lock.unlink()
        self.check_lock_refused("shop.lock: is missing")
        for edited, sentence in ((old.replace(b'"pii"', b'"public"', 1), "shop.lock: is not the text that Coffer"),
                                 (old[:-9], "shop.lock"), (b"canary\n", "shop.lock:1: ")):
            lock.write_bytes(edited)
            for command in ("apply", "diff"):
                self.check_lock_refused(sentence, command=command)
        lock.write_bytes(old)
        self.service.ok("apply", "shop.toml")
        lock.write_bytes(old)
        self.check_lock_refused("shop.lock: is stale")
        lock.write_bytes(self.service.ok("catalog", "show", "shop"))
        self.assertEqual(self.service.ok("apply", "shop.toml"), b"no changes\n")

    def test_a_lock_of_another_scope_or_of_a_later_store_has_its_own_next_step(self):
        self.service.write("shop.toml", CATALOG)
        self.service.ok("apply", "shop.toml")
        self.service.write("shop.toml", CATALOG.replace('scope = "shop"', 'scope = "other"'))
        self.check_lock_refused("is the lock of another scope", "name the lock of this scope with --lock")
        later = Service()
        self.addCleanup(later.close)
        later.ok("keyring", "create", "shop")
        later.write("shop.lock", (self.service.folder / "shop.lock").read_bytes())
        for text in (CATALOG, CATALOG + MORE):
            later.write("shop.toml", text)
            later.ok("apply", "shop.toml")
        self.service.write("shop.toml", CATALOG)
        self.service.write("shop.lock", (later.folder / "shop.lock").read_bytes())
        self.check_lock_refused("is newer than the store", "do not apply: find out first")

    def test_a_keyring_that_is_not_there_is_named_with_the_next_step(self):
        self.service.write("shop.toml", CATALOG.replace('"shop"\nrow     = "uuid"', '"absent"\nrow     = "uuid"'))
        done = self.service.run("apply", "shop.toml")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"field.connection.password.keyring: there is no keyring of this name", done.stderr)
        self.assertIn(b"`coffer keyring create NAME`", done.stderr)

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
        said = service.ok("operator", "init", "--passphrase-file", "-", "--accept-total-loss", stdin=passphrase + b"\n")
        self.assertIn(b"Keep the passphrase in a safe place", said)
        self.assertIn(b"coffer operator unseal --passphrase", said)
        self.assertNotIn(passphrase, said)
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
        said = service.ok("operator", "init", "--key-file", "root.key", "--allow-same-device", "--accept-total-loss")
        key = service.folder / "root.key"
        self.assertIn(b"Copy the key file to a safe place off this machine", said)
        self.assertIn(f'key_file = "{key}"'.encode(), said)
        self.assertIn(f"coffer operator unseal --key-file {key}".encode(), said)
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


class Configuration(unittest.TestCase):
    """Folders that cofferd cannot use: which key, which folder, what is wrong; exit 2 as for any configuration."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="coffer-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def refused(self, sentence, data_dir, socket_dir=None):
        config = self.folder / "coffer.toml"
        config.write_text(f'data_dir = "{data_dir}"\nallow_swap = true\n' +
                          (f'socket_dir = "{socket_dir}"\n' if socket_dir else ""))
        starts = [["--config", str(config)]]
        if socket_dir is None:
            starts.append(["--data-dir", str(data_dir), "--allow-swap"])
        for arguments in starts:
            done = subprocess.run([Programs.cofferd(), *arguments], capture_output=True, stdin=subprocess.DEVNULL,
                                  timeout=60, env=clean_environment(), check=False)
            said = done.stderr.decode()
            self.assertEqual(done.returncode, 2, said)
            self.assertIn(f"cofferd: {sentence}", said)

    def test_a_folder_that_cannot_be_used_is_named_with_its_key(self):
        absent = self.folder / "absent"
        self.refused(f"data_dir: {absent}/data: cannot be made: the folder above it does not exist", absent / "data")
        self.refused(f"data_dir: {self.folder}/coffer.toml: should be a folder", self.folder / "coffer.toml")
        data = self.folder / "data"
        self.refused(f"socket_dir: {absent}: does not exist", data, absent)
        data.chmod(0o770)
        self.refused(f"data_dir: {data}: may be written by its group or by others", data)


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

    def check_sealed_says_what_to_do(self, file):
        sealed = Service(dev=False)
        self.addCleanup(sealed.close)
        for arguments in (("import", str(file), "--dry-run"), ("import", str(file)), ("secret-key", "create"),
                          ("run", "--provisioning", str(file.parent.parent), "--make-keys", "--", "true")):
            done = sealed.run("grafana", *arguments)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"run `coffer operator init --key-file FILE`", done.stderr)
        sealed.ok("operator", "init", "--key-file", "k", "--allow-same-device", "--accept-total-loss")
        sealed.ok("operator", "seal")
        for arguments in (("import", str(file), "--dry-run"), ("import", str(file)), ("secret-key", "create"),
                          ("run", "--provisioning", str(file.parent.parent), "--make-keys", "--", "true")):
            done = sealed.run("grafana", *arguments)
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertIn(b"the key service is sealed", done.stderr)
            self.assertEqual(done.stderr.count(b"run `coffer operator unseal`"), 1)

    def test_secrets_move_to_the_vault_and_reach_the_command(self):
        folder = self.service.folder / "provisioning" / "datasources"
        folder.mkdir(parents=True)
        file = folder / "prod.yaml"
        file.write_text(PROVISIONING)
        os.chmod(file, 0o640)
        self.check_sealed_says_what_to_do(file)
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
