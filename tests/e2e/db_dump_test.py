"""coffer db dump --redact: what it makes restores into an empty database, and none of the planted values is in it.

The PostgreSQL part is skipped where there is no server.
"""

import pathlib
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from postgres import OWNER, Postgres, PostgresError, programs  # noqa: E402
from service import DEADLINE_S, Programs, clean_environment, run  # noqa: E402

PLANTED = 1000
CIPHERTEXT = "decode('c102' || lpad(to_hex(7), 16, '0') || repeat('ab', 72), 'hex')"
CATALOG = """scope = "shop"
[field."connection.password"]
class   = "secret"
keyring = "shop"
row     = "uuid"
bind    = { url = "text" }
[field."customer.note"]
class   = "pii"
keyring = "shop"
row     = "int64"
expect  = { rows = 1000000, distinct = 900000, top_share = 0.0001 }
[field."customer.note".index.exact]
kind = "equality"
keyring = "shop-index"
bits = 16
type = "text"
"""
SCHEMA = r"""
CREATE SCHEMA coffer;
CREATE FUNCTION coffer.is_ciphertext(v bytea) RETURNS boolean LANGUAGE sql IMMUTABLE
  AS 'SELECT length(v) >= 82 AND get_byte(v, 0) = 193';
CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE DOMAIN mail AS text CHECK (VALUE ~ '@example[.]org$');
CREATE TABLE customer (
  id serial PRIMARY KEY,
  email citext NOT NULL UNIQUE CHECK (email::text ~ '^[^@]+@[^@]+$'),
  other_mail mail NOT NULL,
  "lastName" varchar(12) NOT NULL,
  phone varchar(20) UNIQUE CHECK (phone LIKE '+49%'),
  birth_date date NOT NULL CHECK (birth_date < '2030-01-01'),
  pin int UNIQUE,
  note bytea CHECK (note IS NULL OR coffer.is_ciphertext(note)),
  note_exact int4, note_exact_iv smallint CHECK (note_exact_iv >= 1),
  shout text GENERATED ALWAYS AS (upper(email::text)) STORED,
  mood mood DEFAULT 'calm',
  tags text[], nickname text, kept text);
CREATE UNIQUE INDEX ON customer (lower("lastName"), id);
CREATE TABLE connection (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), customer_email citext REFERENCES customer (email),
  url text NOT NULL, password bytea NOT NULL UNIQUE CHECK (coffer.is_ciphertext(password)), api_key text);
CREATE TABLE audit_log (id bigserial PRIMARY KEY, old_row jsonb, new_row jsonb NOT NULL);
CREATE TABLE visit (day date NOT NULL, email text, what text) PARTITION BY RANGE (day);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM ('2020-01-01') TO ('2030-01-01');
CREATE TABLE "odd ""name" ("a
b" text, "c\d" text);
CREATE TABLE mystery (a text);
CREATE VIEW mails AS SELECT email FROM customer;
CREATE MATERIALIZED VIEW phones AS SELECT phone FROM customer;
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN INSERT INTO audit_log (new_row) VALUES (to_jsonb(NEW)); RETURN NEW; END';
CREATE TRIGGER keeps AFTER INSERT ON customer FOR EACH ROW EXECUTE FUNCTION keep();
"""


class Planted:
    """Values that must not come out, each of them long enough to be no accident."""

    def __init__(self):
        self.all = []

    def text(self):
        self.all.append(secrets.token_hex(6))
        return self.all[-1]

    def number(self):
        self.all.append(str(10 ** 11 + secrets.randbelow(9 * 10 ** 11)))
        return self.all[-1]

    def found_in(self, data):
        """Those that are in it, in clear or in hex."""
        data = data.lower()
        return [text for text in self.all if text.encode() in data or text.encode().hex().encode() in data]


def coffer(*arguments, **environment):
    return subprocess.run([Programs.coffer(), "db", "dump", *arguments], capture_output=True, timeout=DEADLINE_S,
                          check=False, env=clean_environment(**environment))


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="coffer-dump-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.out = self.folder / "out.sql"
        (self.folder / "catalog.toml").write_text(CATALOG)

    def assert_refused(self, done, code, words):
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(words, done.stderr.decode())
        self.assertFalse(self.out.exists())


class Server(Folder):
    @classmethod
    def setUpClass(cls):
        if programs() is None:
            raise unittest.SkipTest("no PostgreSQL server")
        cls.postgres = Postgres().start()
        cls.addClassCleanup(cls.postgres.close)
        cls.postgres.create_database("shop")
        cls.planted = Planted()
        cls.postgres.query(SCHEMA, "shop")
        rows = []
        for i in range(PLANTED // 5):
            text = cls.planted.text
            rows.append(f"INSERT INTO customer (email, other_mail, \"lastName\", phone, birth_date, pin, note,"
                        f" note_exact, note_exact_iv, tags, nickname, kept) VALUES ('{text()}@Example.org',"
                        f" '{text()}@example.org', '{text()}', '+49 {cls.planted.number()}', date '1970-01-01' + {i},"
                        f" {i}, {CIPHERTEXT}, {i}, 1,"
                        f" '{{a,b}}', '{text()}', E'stays\\t\\\\ {i}\\n');")
        rows.append(f"INSERT INTO connection (customer_email, url, password, api_key) SELECT email, 'https://' || id,"
                    f" {CIPHERTEXT} || int4send(id), '{cls.planted.text()}' || id FROM customer;"
                    f" INSERT INTO visit SELECT birth_date + 18300, email, 'x' FROM customer WHERE id < 100;"
                    f" INSERT INTO mystery SELECT email FROM customer;"
                    f" INSERT INTO \"odd \"\"name\" VALUES (E'\\\\.', NULL), ('', E'a\\rb');"
                    f" REFRESH MATERIALIZED VIEW phones; ANALYZE;")
        cls.postgres.query("\n".join(rows), "shop")

    def url(self, database="shop"):
        return f"postgresql://{OWNER}@/{database}?host={self.postgres.sockets}"

    def dump(self, *options, database="shop"):
        return coffer(self.url(database), "--redact", "--out", str(self.out), *options,
                      PATH=self.postgres.environment()["PATH"])

    def restored(self, name):
        self.postgres.create_database(name)
        self.postgres.query(f"\\i {self.out}\n", name, cwd=self.folder)
        return lambda sql: self.postgres.query(sql, name)

    def test_no_planted_value_is_in_it_and_it_restores(self):
        self.assertGreaterEqual(len(self.planted.all), PLANTED)
        whole = subprocess.run([self.postgres.bin / "pg_dump", "shop"], capture_output=True, check=True,
                               timeout=DEADLINE_S, env=self.postgres.environment()).stdout
        self.assertEqual(len(self.planted.found_in(whole)), len(self.planted.all))  # the search finds them all there

        done = self.dump("--catalog", str(self.folder / "catalog.toml"), "--mask", "customer.nickname")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.out.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.planted.found_in(self.out.read_bytes()), [])
        self.assertEqual(self.planted.found_in(done.stdout + done.stderr), [])

        query = self.restored("restored")
        count = str(PLANTED // 5)
        for table in ("customer", "connection", "mystery", "phones", "mails"):
            self.assertEqual(query(f"SELECT count(*) FROM {table}"), [[count]], table)
        # What referred to each other does.
        self.assertEqual(query("SELECT count(*) FROM connection c JOIN customer u ON u.email = c.customer_email"),
                         [[count]])
        self.assertEqual(query("SELECT count(*) FROM mystery m JOIN customer u ON u.email = m.a"), [["0"]])
        self.assertEqual(query("SELECT count(*) FROM customer WHERE shout <> upper(email)"), [["0"]])
        self.assertEqual(query("SELECT count(*) FROM visit WHERE email LIKE '%@masked.invalid'"), [["99"]])
        self.assertEqual(query("SELECT count(note_exact), min(note_exact_iv), count(note) FROM customer"),
                         [["0", "1", count]])
        # What was not masked is as it was, and new rows go on behind the old ones.
        same = "SELECT md5(string_agg(kept || id || mood || array_to_string(tags, ','), '' ORDER BY id)) FROM customer"
        self.assertEqual(query(same), self.postgres.query(same, "shop"))
        odd = 'SELECT md5(string_agg(x::text, \'\' ORDER BY x::text)) FROM "odd ""name" x'
        self.assertEqual(query(odd), self.postgres.query(odd, "shop"))
        self.assertEqual(query("SELECT nextval('customer_id_seq')"), [[str(PLANTED // 5 + 1)]])
        # CHECKs hold for new rows.
        with self.assertRaises(PostgresError) as refused:
            query("INSERT INTO customer (email, other_mail, \"lastName\", birth_date) VALUES ('a@b', 'x', 'y', now())")
        self.assertEqual(refused.exception.code, "23514")

    def test_two_dumps_have_other_masks(self):
        self.assertEqual(self.dump().returncode, 0)
        first = self.out.read_text()
        self.out.unlink()
        self.assertEqual(self.dump().returncode, 0)
        mails = [{word for word in text.split() if word.endswith("@masked.invalid")} for text in (first,
                                                                                                  self.out.read_text())]
        self.assertTrue(mails[0] and mails[1])
        self.assertEqual(mails[0] & mails[1], set())

    def test_what_is_kept_or_left_out_is_said(self):
        done = self.dump("--keep", "mystery.a", "--omit-rows", "customer", "--omit-rows", "connection",
                         "--omit-rows", "audit_log", "--output", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        text = self.out.read_text()
        self.assertNotIn("COPY \"public\".\"customer\"", text)
        self.assertIn(self.planted.all[0], text.lower())  # mystery was kept on purpose

    def test_what_cannot_be_masked_is_refused(self):
        self.assert_refused(self.dump("--mask", "visit.day"), 1, "partition key")
        self.assert_refused(self.dump("--mask", "customer.none"), 1, "no such column")
        self.postgres.query("CREATE TABLE feeling (mood mood NOT NULL)", "shop")
        self.addCleanup(self.postgres.query, "DROP TABLE feeling", "shop")
        self.assert_refused(self.dump("--mask", "feeling.mood"), 1, "feeling.mood: has no mask")
        protected = self.dump("--catalog", str(self.folder / "catalog.toml"), "--keep", "connection.password")
        self.assert_refused(protected, 2, "protected by the catalog")
        self.assert_refused(self.dump("--pg-dump", "/nonexistent/pg_dump"), 1, "pg_dump")
        self.assert_refused(self.dump("--pg-dump", "/bin/false"), 1, "pg_dump")

    def test_a_user_mapping_with_a_password_is_refused(self):
        self.postgres.create_database("mapped")
        self.postgres.query("CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;"
                            "CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (password 'hunter2')", "mapped")
        self.assert_refused(self.dump(database="mapped"), 1, "user mapping")


class File(Folder):
    def setUp(self):
        super().setUp()
        self.file = self.folder / "app.db"
        self.planted = Planted()
        self.database = sqlite3.connect(self.file)
        self.database.executescript("""
            CREATE TABLE user (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL UNIQUE
                               CHECK (email LIKE '%@example.org'), phone TEXT UNIQUE, shout TEXT AS (upper(email)),
                               weight REAL, kept ANY, note BLOB) ;
            CREATE TABLE connection (id TEXT PRIMARY KEY, email TEXT REFERENCES user (email), password BLOB NOT NULL)
              WITHOUT ROWID;
            CREATE VIEW mails AS SELECT email FROM user;
            CREATE TRIGGER keeps AFTER INSERT ON user BEGIN UPDATE user SET kept = kept; END;
            CREATE INDEX shouted ON user (upper(email));
            CREATE VIRTUAL TABLE found USING fts5(email);
        """)
        for i in range(PLANTED // 4):
            email = f"{self.planted.text()}@example.org"
            kept = [None, "it's\n.quit", b"\0\1", i, "a\0b"][i % 5]
            self.database.execute("INSERT INTO user (email, phone, weight, kept, note) VALUES (?, ?, ?, ?, ?)",
                                  (email, "+49 " + self.planted.number(), i / 3, kept,
                                   b"\xc1\x02" + i.to_bytes(8, "big") + bytes(72)))
            self.database.execute("INSERT INTO connection VALUES (?, ?, ?)",
                                  (str(i), email, self.planted.text().encode()))
            self.database.execute("INSERT INTO found VALUES (?)", (self.planted.text() + "@example.org",))
        self.database.commit()

    def dump(self, *options):
        return coffer(str(self.file), "--redact", "--out", str(self.out), *options)

    def test_no_planted_value_is_in_it_and_it_restores(self):
        self.assertGreaterEqual(len(self.planted.all), PLANTED)
        self.assertEqual(len(self.planted.found_in(self.file.read_bytes())), len(self.planted.all))
        done = self.dump("--mask", "user.note", "--output", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.planted.found_in(self.out.read_bytes()), [])
        if shutil.which("sqlite3") is None:
            self.skipTest("no sqlite3 program to restore with")
        restored = self.folder / "restored.db"
        with open(self.out, "rb") as sql:
            subprocess.run(["sqlite3", "-bail", restored], stdin=sql, check=True, timeout=DEADLINE_S,
                           capture_output=True)
        new = sqlite3.connect(restored)
        # The masks' domain is not the one that the CHECK asks for, and nothing else is wrong.
        self.assertEqual(set(new.execute("PRAGMA integrity_check").fetchall()), {("CHECK constraint failed in user",)})
        self.assertEqual(new.execute("PRAGMA foreign_key_check").fetchall(), [])
        same = "SELECT id, weight, kept, typeof(kept), typeof(note), length(note) FROM user ORDER BY id"
        self.assertEqual(new.execute(same).fetchall(), self.database.execute(same).fetchall())
        sequence = "SELECT name, seq FROM sqlite_sequence"
        self.assertEqual(new.execute(sequence).fetchall(), self.database.execute(sequence).fetchall())
        joined = new.execute("SELECT count(*) FROM connection NATURAL JOIN (SELECT email FROM user)")
        self.assertEqual(joined.fetchall(), [(PLANTED // 4,)])
        with self.assertRaises(sqlite3.IntegrityError):
            new.execute("INSERT INTO user (email) VALUES ('somebody')")

    def test_a_statement_that_would_become_a_shells_command_is_refused(self):
        self.database.executescript("CREATE VIEW v AS SELECT '\n.shell id' AS a")
        self.assert_refused(self.dump(), 2, "a shell would take for a command")

    def test_wrong_use_is_refused_before_anything_is_done(self):
        cases = {
            ("--out", str(self.out)): (2, "--redact is missing"),
            ("--redact", "--out", "-"): (2, "--out takes a new file"),
            ("--redact", "--out", str(self.out), "--no-guess"): (2, "nothing would be masked"),
            ("--redact", "--out", str(self.out), "--mask", "user"): (2, "--mask"),
            ("--redact", "--out", str(self.out), "--field", "a.b.c=d.e"): (2, "--field needs --catalog"),
            ("--redact", "--out", str(self.out), "--omit-rows", "a.b.c"): (2, "--omit-rows"),
            ("--redact", "--out", str(self.out), "--omit-rows", "nothing"): (1, "no such table"),
            ("--redact", "--out", str(self.out), "--catalog", str(self.folder / "none")): (2, "--catalog"),
        }
        for arguments, (code, words) in cases.items():
            with self.subTest(arguments=arguments):
                done = coffer(str(self.file), *arguments)
                self.assert_refused(done, code, words)
        self.assert_refused(coffer("postgresql://u:secret@h/d", "--redact", "--out", str(self.out)), 2, "password")
        self.out.write_text("mine")
        self.assertEqual(self.dump().returncode, 1)
        self.assertEqual(self.out.read_text(), "mine")


if __name__ == "__main__":
    run(globals())
