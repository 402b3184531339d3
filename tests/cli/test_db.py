"""coffer db on SQLite files that the test makes (PostgreSQL, and a service, are in tests/e2e): what is asked wrongly is
refused in one sentence that repeats nothing, before a service is asked; a plan, a check and a dump of a small shop.

No service is needed."""

import contextlib
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from service import Programs, clean_environment  # noqa: E402

CANARY = "hunter2-canary"
WITH_PASSWORD = f"postgresql://dba:{CANARY}@db.example/shop"
EACH = {"plan": (), "check": ("--catalog", "catalog.toml"), "dump": ("--redact", "--out", "new.sql"),
        "rewrap": ("--field", "shop.user.email"), "census": ("--column", "user.email")}

# Databases that are none, for every command: a part of the sentence.
BAD_DATABASES = [
    ("none.db", 1, "does not exist"),
    ("text.db", 2, "neither a SQLite database nor"),
    ("empty.db", 2, "neither a SQLite database nor"),
    (".", 2, "neither a SQLite database nor"),
    ("", 2, "neither a SQLite database nor"),
    (f"mysql://h/{CANARY}", 2, "neither a SQLite database nor"),
    (f"mysql://u:{CANARY}@h/d", 2, "password"),
    (WITH_PASSWORD, 2, "password"),
    (f"postgresql:///shop?password={CANARY}", 2, "password"),
    ("postgresql:///shop?host=/nonexistent", 1, "cannot be reached"),
]

# The command's arguments behind the database, its exit code and a part of its sentence.
BAD_ARGUMENTS = [
    ("plan", ("--scope", f"{CANARY}!"), 2, "scope"),
    ("plan", ("--scope", "coffer"), 2, "scope"),
    ("plan", ("--sample", "0"), 2, "must be a whole number from 1 to 10000"),
    ("plan", ("--sample", "10001"), 2, "must be a whole number from 1 to 10000"),
    ("plan", ("--toml", "--output", "json"), 2, "--toml is a form of its own"),
    ("plan", (CANARY,), 2, "more arguments than it takes"),
    ("check", (), 2, "--catalog is required"),
    ("check", ("--catalog", "none.toml"), 2, "none.toml: does not exist"),
    ("check", ("--catalog", "bad.toml"), 1, "class"),
    ("check", ("--catalog", "catalog.toml", "--field", "shop.user.email"), 2, "--field takes"),
    ("check", ("--catalog", "catalog.toml", "--field", f"{CANARY}=a.b"), 2, "--field takes"),
    ("check", ("--catalog", "catalog.toml", "--field", "other.user.email=a.b"), 2, "of another scope"),
    ("check", ("--catalog", "catalog.toml", "--field", "shop.user.nothing=a.b"), 2, "is not in the catalog"),
    ("check", ("--catalog", "catalog.toml", "--field", f"shop.user.email={CANARY}"), 2, "a column is named as"),
    ("check", ("--catalog", "catalog.toml", *(("--field", "shop.user.email=a.b") * 2)), 2, "a field twice"),
    ("check", ("--catalog", "catalog.toml", "--sample", "1001"), 2, "must be a whole number from 1 to 1000"),
    ("dump", ("--out", "new.sql"), 2, "--redact is missing"),
    ("dump", ("--redact",), 2, "--out is required"),
    ("dump", ("--redact", "--out", "-"), 2, "--out takes a new file"),
    ("dump", ("--redact", "--out", "text.db"), 1, "exists"),
    ("dump", ("--redact", "--out", "new.sql", "--mask", CANARY), 2, "a column is named as"),
    ("dump", ("--redact", "--out", "new.sql", "--mask", "user.nothing"), 1, "no such column"),
    ("dump", ("--redact", "--out", "new.sql", "--keep", "nothing.email"), 1, "no such table"),
    ("dump", ("--redact", "--out", "new.sql", "--omit-rows", "a.b.c"), 2, "--omit-rows takes"),
    ("dump", ("--redact", "--out", "new.sql", "--no-guess"), 2, "nothing would be masked"),
    ("dump", ("--redact", "--out", "new.sql", "--field", "shop.user.email=a.b"), 2, "--field needs --catalog"),
    ("dump", ("--redact", "--out", "new.sql", "--catalog", "catalog.toml", "--keep", "user.email"), 2, "protected"),
    ("dump", ("--redact", "--out", "new.sql", "--sample", "10001"), 2, "must be a whole number from 0 to 10000"),
    ("rewrap", ("--batch", "1001"), 2, "must be a whole number from 1 to 1000"),
    ("rewrap", ("--writers", "0"), 2, "must be a whole number from 1 to 32"),
    ("rewrap", ("--writers", "33"), 2, "must be a whole number from 1 to 32"),
    ("rewrap", ("--max-rate", CANARY), 2, "must be a whole number"),
    ("rewrap", ("--max-passes", "1"), 2, "must be a whole number from 2"),
    ("census", (), 2, "name columns with --column"),
    ("census", ("--column", CANARY), 2, "a column is named as"),
    ("census", ("--column", "user." + "x" * 64), 2, "a column is named as"),
    ("census", ("--column", "user.nothing"), 1, "the table has no such column"),
    ("census", ("--column", "user.email", "--report", "No Name"), 2, "--report"),
]
CATALOG = """scope = "shop"
[field."user.email"]
class   = "pii"
keyring = "shop"
row     = "int64"
"""
SHOP = f"""
CREATE TABLE user (id INTEGER PRIMARY KEY, email TEXT, last_name TEXT, note TEXT);
CREATE TABLE connection (id INTEGER PRIMARY KEY, url TEXT, login TEXT, password TEXT);
CREATE VIEW mails AS SELECT email FROM user;
INSERT INTO user VALUES (1, '{CANARY}@example.org', 'Mustermann', '2024-05-06 {CANARY}');
INSERT INTO connection VALUES (1, 'https://db.example/', 'app', '{CANARY}');
"""


class Db(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        for name, text in {"text.db": "no database", "empty.db": "", "catalog.toml": CATALOG,
                           "bad.toml": f'scope = "shop"\n[field."user.email"]\nclass = "{CANARY}"\n'}.items():
            (self.folder / name).write_text(text)
        with contextlib.closing(sqlite3.connect(self.folder / "shop.db")) as file:
            file.executescript(SHOP)
        self.before = (self.folder / "shop.db").read_bytes()

    def coffer(self, command, database, *arguments):
        done = subprocess.run([Programs.coffer(), "db", command, database, *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False, cwd=self.folder,
                              env=clean_environment(COFFER_SERVER=f"unix:{self.folder}"))
        self.assertEqual((self.folder / "shop.db").read_bytes(), self.before)
        return done

    def assert_refused(self, done, code, sentence):
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertIn(sentence, done.stderr)
        self.assertTrue(done.stderr.startswith("coffer: "), done.stderr)
        self.assertNotIn(CANARY, done.stderr)
        self.assertFalse((self.folder / "new.sql").exists())

    def test_what_is_no_database_is_refused_by_every_command(self):
        for command, arguments in EACH.items():
            for database, code, sentence in BAD_DATABASES:
                if command == "rewrap" and code == 1:
                    continue  # the service is asked first
                with self.subTest(command=command, database=database):
                    self.assert_refused(self.coffer(command, database, *arguments), code, sentence)

    def test_what_is_asked_wrongly_is_refused(self):
        for command, arguments, code, sentence in BAD_ARGUMENTS:
            with self.subTest(command=command, arguments=arguments):
                self.assert_refused(self.coffer(command, "shop.db", *arguments), code, sentence)

    def test_a_database_is_named(self):
        for command in EACH:
            done = subprocess.run([Programs.coffer(), "db", command], capture_output=True, text=True, timeout=60,
                                  env=clean_environment(), check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn("is required", done.stderr)

    def test_a_plan_names_columns_and_no_value(self):
        done = self.coffer("plan", "shop.db", "--count", "--sample", "100", "--output", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(CANARY, done.stdout)
        plan = json.loads(done.stdout)
        fields = {field["column"]: field for field in plan["fields"]}
        self.assertLessEqual({"user.email", "connection.password"}, set(fields))
        self.assertEqual(fields["connection.password"]["bind"], {"login": "text", "url": "text"})
        self.assertIn("mails", json.dumps(fields["user.email"]["notes"]))

    def test_plaintext_in_a_protected_column_is_grave(self):
        done = self.coffer("check", "shop.db", "--catalog", "catalog.toml", "--output", "json")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertNotIn(CANARY, done.stdout)
        self.assertEqual([(one["severity"], one["check"], one["where"]) for one in json.loads(done.stdout)["findings"]],
                         [("high", "plaintext", "user.email")])

    def test_a_dump_restores_and_shows_no_value(self):
        done = self.coffer("dump", "shop.db", "--redact", "--mask", "user.note", "--out", "dump.sql")
        self.assertEqual(done.returncode, 0, done.stderr)
        dump = (self.folder / "dump.sql").read_text()
        self.assertNotIn(CANARY, dump)
        self.assertNotIn("Mustermann", dump)
        with contextlib.closing(sqlite3.connect(":memory:")) as restored:
            restored.executescript(dump)
            self.assertEqual(restored.execute("SELECT count(*) FROM user").fetchone(), (1,))
            self.assertEqual(restored.execute("SELECT url FROM connection").fetchone(), ("https://db.example/",))


if __name__ == "__main__":
    Programs.bin = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
