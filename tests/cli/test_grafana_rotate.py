"""coffer grafana rotate-secret-key against a cofferd of its own and SQLite files that the test makes (PostgreSQL is in
tests/e2e). What is in a file afterwards is read by grafana_opened.py, which has its own encryption."""

import base64
import contextlib
import json
import pathlib
import re
import sqlite3
import stat
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from grafana_crypto import DEFAULT_KEY  # noqa: E402
from grafana_database_case import GrafanaDatabaseCase, run  # noqa: E402
from grafana_opened import manager_opened, opened  # noqa: E402
from grafana_planted import MANAGER_KEY, OWN_KEY, clean_world, expected, exposed_world, place_of  # noqa: E402
from grafana_sample import sample_sql  # noqa: E402
from grafana_schema import Statements  # noqa: E402
from service import DEADLINE_S, Programs, clean_environment  # noqa: E402

KEY = "grafana/secret_key"
NEXT = "grafana/secret_key.next"
MANAGER = "grafana/secrets_manager_secret_key"


class Rotate(GrafanaDatabaseCase):
    COMMAND = "rotate-secret-key"

    def key(self, path=KEY, version=0):
        options = ("--version", str(version)) if version else ()
        return self.service.ok("secret", "get", path, "--tenant", self.tenant, *options).decode()

    def has_key(self, path=KEY):
        return self.service.run("secret", "get", path, "--tenant", self.tenant).returncode == 0

    def scan(self, *arguments):
        done = subprocess.run([Programs.coffer(), "grafana", "scan", str(self.path), "--output", "json", *arguments],
                              capture_output=True, timeout=DEADLINE_S, env=clean_environment(), check=False)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return json.loads(done.stdout)

    def assert_found(self, world, **opens):
        self.assertEqual(sorted(map(place_of, self.scan()["findings"]), key=repr), expected(world, **opens))

    def assert_moved(self, before, old, new, path=None):
        """All that the old key opened the new one does, and the old one none of it."""
        rows = self.rows(path)
        self.assertEqual(opened(rows, new), before)
        under_old = opened(rows, old)
        self.assertEqual([place for place, text in before.items() if under_old.get(place) == text], [])

    def test_every_secret_opens_under_the_vaults_key_and_none_under_the_old(self):
        world = exposed_world()
        self.database(world)
        before = opened(self.rows(), DEFAULT_KEY)
        texts = b"\n".join(before.values())
        needles = [s.needle for s in world.secrets if s.key == "security"]
        self.assertEqual([needle for needle in needles if needle.encode() not in texts], [])
        self.assert_found(world, security="anyone", manager="anyone")

        report = self.report()
        self.assertEqual((report["outcome"], report["kind"], report["refusal"]), ("rotated", "new-key", None))
        self.assertEqual(report["key"], {"path": KEY, "version": 1})
        self.assertEqual((report["data_keys"], report["data_keys_of_others"], report["sessions"]), (3, 1, 1))
        self.assertEqual([(v["table"], v["column"], v["count"]) for v in report["values"]],
                         [("data_source", "secure_json_data", 8), ("alert_notification", "secure_settings", 4)])
        new = self.key()
        self.assertRegex(new, r"^[A-Za-z0-9]{40}$")
        self.assert_moved(before, DEFAULT_KEY, new)
        self.assert_found(world, manager="anyone")
        self.assertEqual(self.scan()["exposed"], sum(not s.key or s.key == "manager" for s in world.secrets))
        with_key = self.scan("--secret-key-file", self.file("key", new))
        self.assertEqual(with_key["secret_key"], "opens")

        managed = manager_opened(self.rows(), DEFAULT_KEY)
        self.assertEqual(len(managed), 6)
        report = self.report("--which", "secrets-manager", "--no-backup")
        self.assertEqual((report["data_keys"], report["rows"], report["sessions"]), (1, 1, 0))
        self.assertEqual(report["key"], {"path": MANAGER, "version": 1})
        self.assertEqual(manager_opened(self.rows(), self.key(MANAGER)), managed)
        self.assert_moved(before, DEFAULT_KEY, new)
        self.assert_found(world)
        self.assert_silent(DEFAULT_KEY, new, self.key(MANAGER), *(s.needle for s in world.secrets))

    def test_of_the_demos_sample_only_what_is_in_clear_stays_exposed(self):
        self.database(sample_sql())
        before = opened(self.rows(), DEFAULT_KEY)
        self.assertEqual(self.scan()["exposed"], 9)
        text = self.rotate().stdout.decode()
        self.assertTrue(text.startswith("rotated 1 data key and 0 values in 1 row: each opens under the key"), text)
        for part in ("\nChanged:\n  1 data key, wrapped anew\n", "\nStays as it is:\n", "\nNext:\n",
                     "coffer grafana run", "1 session ends: everybody logs in again", "destroy it when"):
            self.assertIn(part, text)
        self.assertEqual({f["protection"] for f in self.scan()["findings"] if f["readable_by"] == "anyone"},
                         {"misplaced"})
        self.assert_moved(before, DEFAULT_KEY, self.key())
        self.assertNotIn(b"canary", self.said)
        self.assert_silent(DEFAULT_KEY, self.key())

    def test_a_key_of_a_file_is_kept_as_the_version_before(self):
        self.database(clean_world())
        before = opened(self.rows(), OWN_KEY)
        report = self.report("--old-key-file", "-", stdin=OWN_KEY + "\n")
        self.assertEqual(report["key"]["version"], 2)
        self.assertEqual(self.key(version=1), OWN_KEY)
        self.assert_moved(before, OWN_KEY, self.key())
        self.assert_found(clean_world())
        self.assert_silent(OWN_KEY, self.key())

    def test_again_undone_and_done_again(self):
        self.put(KEY, OWN_KEY)
        self.database(clean_world())
        before = opened(self.rows(), OWN_KEY)
        first = self.report("--no-backup")
        whose = f"--tenant {self.tenant}"
        destroy = "then, with others' approval, destroy the old key: coffer secret destroy"
        self.assertEqual(first["steps"][-2], f"{destroy} {KEY} --version 1 {whose}")
        second = self.report("--no-backup")
        self.assertEqual((second["kind"], second["key"]["version"]), ("new-key", 3))
        self.assertEqual(second["steps"][-2],
                         f"{destroy} {KEY} --version 2 {whose}, "
                         f"and coffer secret destroy {NEXT} --version 1 {whose}")
        self.assert_moved(before, self.key(version=2), self.key())
        undone = self.report("--undo", "--no-backup")
        self.assertEqual((undone["kind"], undone["key"]["version"]), ("undo", 4))
        self.assertEqual(self.key(), self.key(version=2))
        self.assert_moved(before, self.key(version=3), self.key())
        self.report("--undo", "--no-backup")
        self.assertEqual(self.key(), self.key(version=3))
        self.assert_moved(before, self.key(version=4), self.key())
        self.assert_silent(OWN_KEY, *(self.key(version=version) for version in (2, 3)))

    def test_a_dry_run_says_what_it_would_do_and_changes_nothing(self):
        self.database(sample_sql())
        before = self.path.read_bytes()
        text = self.rotate("--dry-run").stdout.decode()
        self.assertTrue(text.startswith("would change 1 data key and 0 values in 1 row; nothing was changed\n"), text)
        self.assertIn("\nWould change:\n  1 data key, wrapped anew\n", text)
        default = self.file("default", DEFAULT_KEY)
        report = self.report("--dry-run", "--old-key-file", default, server="unix:/nonexistent")
        self.assertEqual((report["outcome"], report["data_keys"], report["key"]["version"]), ("planned", 1, None))
        dump = self.file("grafana.sql", sample_sql())
        self.assertEqual(self.report("--dry-run", "--old-key-file", default, path=dump), report)
        self.assertEqual(self.report("--dry-run", "--old-key-file", self.file("wrong", "wrong"), code=1)["refusal"],
                         "opens-nothing")
        self.assertEqual(self.path.read_bytes(), before)
        self.assertFalse(self.has_key() or self.has_key(NEXT))

    def test_a_wrong_key_is_refused_and_no_byte_changes(self):
        self.put(KEY, "a-key-of-another-grafana")
        for mode in ("DELETE", "WAL"):
            with self.subTest(mode=mode):
                self.path.unlink(missing_ok=True)
                self.database(clean_world(), f"PRAGMA journal_mode={mode};")
                before = self.path.read_bytes()
                for options in ((), ("--accept-unreadable", "--accept-unproven"), ("--backup", f"{self.folder}/b")):
                    done = self.rotate(*options, code=1)
                    self.assertTrue(done.stdout.startswith(b"nothing was changed: the key is not this database's\n"))
                    self.assertIn(b"--old-key-file FILE", done.stdout)
                self.assertEqual(self.path.read_bytes(), before)
                self.assertEqual([path.name for path in self.folder.iterdir()], ["grafana.db"])
        self.assertFalse(self.has_key(NEXT))

    def test_a_service_that_does_not_answer_changes_nothing(self):
        self.database(sample_sql())
        before = self.path.read_bytes()
        done = self.rotate(server="unix:/nonexistent", code=1)
        self.assertTrue(done.stderr.startswith(b"coffer: "))
        self.assertEqual((self.path.read_bytes(), done.stdout), (before, b""))

    def test_what_was_interrupted_keeps_grafana_from_starting_until_it_is_finished(self):
        self.put(KEY, OWN_KEY)
        self.put(MANAGER, MANAGER_KEY)
        self.put(NEXT, "the-key-of-an-interrupted-rotation")
        self.database(clean_world())
        before = opened(self.rows(), OWN_KEY)
        provisioning = self.folder / "provisioning"
        provisioning.mkdir()
        run = ("grafana", "run", "--tenant", self.tenant, "--provisioning", str(provisioning), "--", "true")
        refused = self.service.run(*run)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"grafana/secret_key: a rotation of this key was not finished", refused.stderr)
        report = self.report()
        self.assertEqual((report["kind"], report["key"]["version"]), ("resume", 2))
        self.assertEqual(self.key(), "the-key-of-an-interrupted-rotation")
        self.assert_moved(before, OWN_KEY, self.key())
        self.service.ok(*run)
        # As if the last step, after the commit, had not been done.
        self.put(KEY, OWN_KEY)
        report = self.report()
        self.assertEqual((report["kind"], report["rows"]), ("resume", 0))
        self.assertEqual(self.key(), "the-key-of-an-interrupted-rotation")
        self.put(NEXT, "a-key-that-is-given-up")
        self.assertEqual(self.report("--undo")["kind"], "give-up")
        self.assert_moved(before, OWN_KEY, self.key())
        self.service.ok(*run)

    def test_the_backup_is_the_database_as_it_was(self):
        self.put(KEY, OWN_KEY)
        self.database(clean_world())
        before = opened(self.rows(), OWN_KEY)
        backup = pathlib.Path(self.report()["backup"])
        self.assertTrue(re.fullmatch(r"grafana\.db\.before-\d{8}T\d{6}(\.\d+)?Z", backup.name), backup)
        self.assertEqual(backup.parent, self.folder)
        self.assertEqual(stat.S_IMODE(backup.stat().st_mode), 0o600)
        self.assertEqual(opened(self.rows(backup), OWN_KEY), before)
        taken = self.rotate("--backup", str(backup), code=1)
        self.assertIn(b": already exists", taken.stderr)
        self.assertEqual(opened(self.rows(backup), OWN_KEY), before)
        self.assertEqual(self.report("--no-backup")["backup"], None)
        self.assertEqual({path.name for path in self.folder.iterdir()}, {"grafana.db", backup.name})

    def test_what_does_not_open_is_named_and_stays_only_when_accepted(self):
        world = clean_world()
        other = clean_world("another secret_key").encryptor.legacy("a password under another key")
        world.add_datasource(90, {"password": base64.b64encode(other).decode()})
        world.add("data_source", id=91, type="x", uid="ds91", name="\x1b[2Jbroken", secure_json_data='{"a": "cut')
        self.put(KEY, OWN_KEY)
        self.database(world)
        before = self.path.read_bytes()
        refused = self.report(code=1)
        self.assertEqual((refused["outcome"], refused["refusal"]), ("refused", "unreadable"))
        self.assertEqual({cell["reason"] for cell in refused["unreadable"]},
                         {"damaged", "not under the key", "too little to tell its key"})
        text = self.rotate(code=1).stdout
        self.assertIn(b"  data_source.secure_json_data: password of id=90 ", text)
        self.assertIn(b"name=?[2Jbroken: damaged\n", text)
        self.assertNotIn(b"\x1b", text)
        self.assertEqual(self.path.read_bytes(), before)
        accepted = self.report("--accept-unreadable")
        self.assertEqual(accepted["unreadable"], refused["unreadable"])
        left = opened(self.rows(), "another secret_key")
        self.assertIn(b"a password under another key", left.values())

    def test_bad_input_is_one_sentence_and_says_no_value(self):
        self.database(clean_world())
        good = str(self.path)
        self.put(KEY, OWN_KEY)
        empty, binary = self.file("empty.txt", "\n"), self.file("binary", bytes(range(256)) * 8)
        dump = self.file("dump.sql", sample_sql())
        with contextlib.closing(sqlite3.connect(self.folder / "other.db")) as connection:
            connection.executescript("CREATE TABLE shop (id INTEGER)")
        before = self.path.read_bytes()
        password = "leave it out, and put it into PGPASSWORD"
        self.assert_refused((
            ([], 2, "database is required"),
            ([good, good], 2, "more arguments than it takes"),
            (["postgresql://app:hunter2-canary@db/grafana", "--no-backup"], 2, password),
            (["postgresql://db/grafana"], 2, "say where the old cells go with --backup FILE, or --no-backup"),
            (["mysql://db/hunter2-canary"], 2, "say where the old cells go"),
            (["mysql://db/hunter2-canary", "--no-backup"], 2, "neither a SQLite database nor a postgresql:// URL"),
            ([f"{self.folder}/absent.db"], 1, "absent.db"),
            ([f"{self.folder}/other.db"], 2, "is no Grafana database"),
            ([str(self.folder)], 2, "neither a SQLite database nor"),
            ([dump], 2, "a dump cannot be changed"),
            ([binary], 2, "neither a SQLite database nor"),
            ([good, "--old-key-file", empty], 2, "--old-key-file: there is no key in the file"),
            ([good, "--old-key-file", "/nonexistent/key"], 1, "--old-key-file: "),
            ([good, "--old-key-file", binary], 2, "--old-key-file: "),
            ([good, "--old-key", "hunter2-canary"], 2, "no option --old-key"),
            ([good, "--which", "hunter2-canary"], 2, "--which"),
            ([good, "--undo", "--old-key-file", "-"], 2, "--old-key-file"),
            ([good, "--backup", "b", "--no-backup"], 2, "--backup"),
            ([good, "--backup", "b", "--dry-run"], 2, "--dry-run"),
            ([good, "--backup", f"{self.folder}/absent/b"], 1, "absent"),
            ([good, "--backup", good], 1, ": already exists"),
            ([good, "--undo"], 1, "the vault has no version before the newest"),
            ([good, "--tenant", "no-such-tenant"], 1, "tenant")))
        self.assertEqual(self.path.read_bytes(), before)

    def test_a_database_that_is_held_is_left_alone(self):
        self.put(KEY, OWN_KEY)
        self.database(clean_world())
        before = self.path.read_bytes()
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as grafana:
            grafana.execute("BEGIN IMMEDIATE")
            done = self.rotate(code=1)
        self.assertIn(b"held by another program for too long", done.stderr)
        self.assertEqual(self.path.read_bytes(), before)

    def test_nothing_under_a_key_is_nothing_to_change(self):
        self.database(Statements().sql())
        self.assertEqual(self.report(code=1)["refusal"], "unproven")
        self.assertEqual(self.report("--accept-unproven")["rows"], 0)


if __name__ == "__main__":
    run()
