"""coffer grafana rotate-data-keys against a cofferd of its own and SQLite files that the test makes (PostgreSQL is in
tests/e2e). What is in a file afterwards is read by grafana_opened.py, which has its own encryption."""

import contextlib
import pathlib
import sqlite3
import stat
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from grafana_database_case import GrafanaDatabaseCase, run  # noqa: E402
from grafana_opened import data_keys_of, ids_of, opened  # noqa: E402
from grafana_planted import NEWEST, NOT_VISITED, OWN_KEY, clean_world, rotated_world  # noqa: E402
from grafana_schema import Statements  # noqa: E402

KEY = "grafana/secret_key"


class DataKeys(GrafanaDatabaseCase):
    COMMAND = "rotate-data-keys"

    def assert_world_silent(self, world, rows):
        """Of its values, its key and its data keys."""
        self.assert_silent(*(s.needle for s in world.secrets), OWN_KEY, *data_keys_of(rows, OWN_KEY).values())

    def test_what_grafana_leaves_is_moved_and_all_else_stays_byte_for_byte(self):
        world = rotated_world()
        self.put(KEY, OWN_KEY)
        self.database(world)
        before = self.rows()
        expected = opened(before, OWN_KEY)
        report = self.report()
        after = self.rows()
        self.assertEqual((report["outcome"], report["refusal"], report["unreadable"]), ("rotated", None, []))
        self.assertEqual([(v["table"], v["column"]) for v in report["values"]], NOT_VISITED)
        self.assertEqual(opened(after, OWN_KEY), expected)
        ids, was = ids_of(after), ids_of(before)
        for column in {*ids, *was}:
            self.assertEqual(ids[column], {NEWEST} if column in NOT_VISITED else was[column], column)
        for table, all_rows in before.items():
            for old, new in zip(all_rows, after[table], strict=True):
                changed = {column for column in old if old[column] != new[column]}
                self.assertLessEqual({(table, column) for column in changed}, set(NOT_VISITED))
        keys = {key["id"]: key for key in report["data_keys"]}
        self.assertEqual({name for name, key in keys.items() if key["newest"]}, {NEWEST})
        self.assertEqual({name for name, key in keys.items() if key["unneeded"]}, {"unused"})
        self.assertEqual(keys["k1"]["moved"], sum(v["count"] for v in report["values"]))
        self.assertGreater(keys["k1"]["values"], 0)
        self.assertIn("keep the rows of data_keys all the same", report["steps"][-1])
        self.assert_world_silent(world, after)

    def test_with_all_nothing_is_left_under_an_old_data_key_of_secret_key(self):
        world = rotated_world()
        self.put(KEY, OWN_KEY)
        self.database(world)
        expected = opened(self.rows(), OWN_KEY)
        refused = self.report("--all", code=1)
        self.assertEqual((refused["refusal"], refused["rows"], refused["values"]), ("unreadable", 0, []))
        self.assertEqual({cell["reason"] for cell in refused["unreadable"]}, {"its data key is not there, or twice"})
        report = self.report("--all", "--accept-unreadable")
        self.assertEqual(report["unreadable"], refused["unreadable"])
        self.assertEqual(opened(self.rows(), OWN_KEY), expected)
        self.assertEqual(set().union(*ids_of(self.rows()).values()), {NEWEST, "gone", "kms"})
        keys = {key["id"]: key for key in report["data_keys"]}
        self.assertEqual({name for name, key in keys.items() if key["unneeded"]}, {"k1", "k2", "unused"})
        self.assertEqual((keys["gone"]["values"], keys["kms"]["values"], report["of_others"]), (3, 3, 3))
        self.assertEqual(self.report("--all", "--accept-unreadable")["rows"], 0)
        self.assertEqual(len(self.rows()["data_keys"]), 5)
        self.assert_world_silent(world, self.rows())

    def test_the_text_says_what_was_moved_and_never_to_delete_a_row(self):
        self.put(KEY, OWN_KEY)
        self.database(rotated_world())
        text = self.rotate("--dry-run").stdout.decode()
        self.assertRegex(text, rf"^would move \d+ values in \d+ rows to the data key {NEWEST}; nothing was changed\n")
        text = self.rotate().stdout.decode()
        self.assertRegex(text, rf"^moved \d+ values in \d+ rows to the data key {NEWEST}: each opens under it, and ")
        for part in ("\nMoved:\n  alert_configuration_history.alertmanager_configuration: 12 values\n",
                     "\nOther data keys:\n",
                     "  unused (2026-01-01/unused): nothing in this database is under it any more\n",
                     "POST /api/admin/encryption/reencrypt-secrets moves in Grafana, or --all here",
                     "keep the rows of data_keys all the same: backups", "destroy it when"):
            self.assertIn(part, text)

    def test_a_dry_run_a_wrong_key_and_no_new_data_key_change_nothing(self):
        self.database(rotated_world())
        before = self.path.read_bytes()
        key = self.file("key", OWN_KEY + "\n")
        planned = self.report("--dry-run", "--secret-key-file", key, server="unix:/nonexistent")
        self.assertEqual((planned["outcome"], planned["backup"]), ("planned", None))
        dump = self.file("grafana.sql", rotated_world().statements.sql())
        self.assertEqual(self.report("--dry-run", "--secret-key-file", key, path=dump), planned)
        wrong = self.report("--all", "--accept-unreadable", "--secret-key-file", "-", stdin="wrong", code=1)
        self.assertEqual((wrong["outcome"], wrong["refusal"], wrong["backup"]), ("refused", "opens-nothing", None))
        self.assertEqual(self.path.read_bytes(), before)
        self.path.unlink()
        world = clean_world()
        for row in (values for table, values in world.statements.rows if table == "data_keys"):
            row["active"] = row["name"] == "kms"
        self.database(world)
        before = self.path.read_bytes()
        done = self.rotate("--secret-key-file", key, code=1)
        self.assertIn(b"rotate in Grafana first: POST /api/admin/encryption/rotate-data-keys", done.stdout)
        self.assertEqual(self.path.read_bytes(), before)
        self.assertEqual({path.name for path in self.folder.iterdir()}, {"grafana.db", "grafana.sql", "key"})

    def test_while_a_rotation_of_the_key_is_pending_it_is_refused(self):
        self.put(KEY, OWN_KEY)
        self.put(KEY + ".next", "the-key-of-an-interrupted-rotation")
        self.database(rotated_world())
        before = self.path.read_bytes()
        done = self.rotate(code=1)
        self.assertIn(b"grafana/secret_key: a rotation of this key was not finished", done.stderr)
        self.assertEqual(self.path.read_bytes(), before)

    def test_the_backup_is_the_database_as_it_was(self):
        self.put(KEY, OWN_KEY)
        self.database(rotated_world())
        before = self.rows()
        backup = pathlib.Path(self.report()["backup"])
        self.assertRegex(backup.name, r"^grafana\.db\.before-\d{8}T\d{6}(\.\d+)?Z$")
        self.assertEqual(stat.S_IMODE(backup.stat().st_mode), 0o600)
        self.assertEqual(self.rows(backup), before)
        self.assertNotEqual(self.rows(), before)

    def test_bad_input_is_one_sentence_and_says_no_value(self):
        self.database(rotated_world())
        good = str(self.path)
        empty, binary = self.file("empty.txt", "\n"), self.file("binary", bytes(range(256)) * 8)
        dump = self.file("dump.sql", rotated_world().statements.sql())
        key = ("--secret-key-file", self.file("key", OWN_KEY))
        with contextlib.closing(sqlite3.connect(self.folder / "other.db")) as connection:
            connection.executescript("CREATE TABLE shop (id INTEGER)")
        before = self.path.read_bytes()
        self.assert_refused((
            ([], 2, "database is required"),
            ([good, good], 2, "more arguments than it takes"),
            (["postgresql://grafana:hunter2@db/grafana"], 2, "leave it out, and put it into PGPASSWORD"),
            (["postgresql://grafana@db.invalid/grafana", *key], 2, "--backup FILE, or --no-backup"),
            (["mysql://db/grafana", *key, "--no-backup"], 2, "is neither a SQLite database nor"),
            ([dump, *key], 2, "a dump cannot be changed"),
            ([binary, *key], 2, "is neither a SQLite database nor"),
            ([f"{self.folder}/absent.db", *key], 1, "absent.db"),
            ([f"{self.folder}/other.db", *key], 2, "is no Grafana database"),
            ([good, "--secret-key-file", empty], 2, "there is no key in the file"),
            ([good, "--secret-key-file", f"{self.folder}/absent"], 1, "--secret-key-file"),
            ([good], 1, "coffer grafana secret-key import"),
            ([good, "--backup", "b", "--no-backup"], 2, "--backup"),
            ([good, "--backup", "b", "--dry-run"], 2, "--dry-run"),
            ([good, *key, "--backup", f"{self.folder}/absent/b"], 1, "absent"),
            ([good, *key, "--backup", good], 1, ": already exists"),
            ([good, "--undo"], 2, "--undo")))
        self.assertEqual(self.path.read_bytes(), before)

    def test_a_grafana_without_data_keys_is_told_to_make_one(self):
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(Statements().sql())
        refused = self.report("--secret-key-file", self.file("key", OWN_KEY), code=1)
        self.assertEqual(refused["refusal"], "no-active-data-key")


if __name__ == "__main__":
    run()
