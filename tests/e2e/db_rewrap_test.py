"""`coffer db rewrap` and `coffer db census` on tables of PostgreSQL and SQLite that are read and written all the while:
killed at random points they go on where they were, nothing that others wrote is lost, a ciphertext in another row is
left as it is, and the old version may be destroyed when its census is zero and not before. What is asked wrongly is
refused in one sentence. The PostgreSQL part is skipped where there is no PostgreSQL.
"""

import contextlib
import csv
import io
import json
import pathlib
import sqlite3
import sys
import threading
import unittest
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from postgres import Postgres, programs  # noqa: E402
from service import DEADLINE_S, Service, run, seeded_random, wait_until  # noqa: E402

COLUMNS = ("uuid", "url", "login", "password")
FIELD = "shop.connection.password"
AS_CSV = ("--field", FIELD, "--row", "uuid", "--format", "csv")
KILLS = 4
ASK = ("--ask", "a test")


class PostgresTable:
    """The connections in a table whose names are not the catalog's, owned by one role and rewrapped by another, which
    may write the ciphertexts alone."""

    rows = 20_000
    options = ("--field", f"{FIELD}=conn.password_enc", "--context", "url=base_url")

    def __init__(self, folder):
        self.folder = folder
        self.postgres = Postgres().start()
        self.postgres.create_database("shop")
        self.query("CREATE ROLE app LOGIN; CREATE ROLE dba LOGIN; GRANT CREATE ON SCHEMA public TO app; SET ROLE app;"
                   "CREATE TABLE conn (uuid uuid PRIMARY KEY, base_url text, login text, password_enc bytea);"
                   "GRANT SELECT, UPDATE (password_enc) ON conn TO dba")
        self.name = f"postgresql:///shop?host={self.postgres.sockets}&user=dba"

    def query(self, sql):
        return self.postgres.query(sql, "shop", cwd=self.folder)

    def load(self, rows):
        with open(self.folder / "rows.csv", "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
        self.query("\\copy conn FROM 'rows.csv' CSV")

    def read(self, ids=None):
        where = "" if ids is None else "WHERE uuid IN (%s)" % ", ".join(f"'{one}'" for one in ids)
        return self.query(f"SELECT * FROM conn {where}")

    def write(self, rows):
        """All columns of these rows."""
        self.query("".join(f"UPDATE conn SET base_url = '{url}', login = '{login}', password_enc = '{password}' "
                           f"WHERE uuid = '{one}';\n" for one, url, login, password in rows))

    def close(self):
        self.postgres.close()


class SqliteTable:
    """The same in a file with a write-ahead log, under the catalog's names."""

    rows = 20_000
    options = ("--field", FIELD)
    journal = "wal"

    def __init__(self, folder):
        self.name = str(folder / f"shop-{self.journal}.db")
        with self.connect() as file:
            file.execute(f"PRAGMA journal_mode = {self.journal}")
            file.execute("CREATE TABLE connection (uuid TEXT PRIMARY KEY, url TEXT, login TEXT, password BLOB)")

    @contextlib.contextmanager
    def connect(self):
        file = sqlite3.connect(self.name, timeout=DEADLINE_S)
        with contextlib.closing(file), file:
            yield file

    def load(self, rows):
        with self.connect() as file:
            file.executemany("INSERT INTO connection VALUES (?, ?, ?, ?)",
                             [(*row[:3], bytes.fromhex(row[3][2:])) for row in rows])

    def read(self, ids=None):
        where = "" if ids is None else "WHERE uuid IN (%s)" % ", ".join(f"'{one}'" for one in ids)
        with self.connect() as file:
            rows = file.execute(f"SELECT * FROM connection {where}").fetchall()
        return [[*row[:3], "\\x" + row[3].hex()] for row in rows]

    def write(self, rows):
        with self.connect() as file:
            file.executemany("UPDATE connection SET url = ?, login = ?, password = ? WHERE uuid = ?",
                             [(url, login, bytes.fromhex(password[2:]), one) for one, url, login, password in rows])

    def close(self):
        pass


class RollbackSqliteTable(SqliteTable):
    """The same with a rollback journal: who writes keeps everybody else out."""

    rows = 4_000
    journal = "delete"


class Application:
    """Reads and writes the table, each from a thread of its own, and remembers what is in it."""

    def __init__(self, service, table, random):
        self.service, self.table, self.random = service, table, random
        self.plain = {str(uuid.UUID(int=random.getrandbits(128), version=4)):
                      [f"https://db{i}.example/", "app", f"password-{i}"] for i in range(table.rows)}
        self.ids = list(self.plain)
        self.lock = threading.Lock()
        self.writing = set()
        self.writes = {}  # how often each row was written
        self.failure = None
        self.rounds = {"read": 0, "write": 0}
        self.stopping = threading.Event()
        self.threads = []

    def through_coffer(self, act, rows):
        text = io.StringIO()
        csv.writer(text).writerows([COLUMNS, *rows])
        form = ("--ciphertext", "hex") if act == "encrypt" else ()
        done = self.service.ok("field", act, *AS_CSV, *form, stdin=text.getvalue())
        return list(csv.reader(io.StringIO(done.decode(), newline="")))[1:]

    def fill(self):
        self.table.load(self.through_coffer("encrypt", [[one, *rest] for one, rest in self.plain.items()]))

    def write(self):
        with self.lock:
            ids = self.random.sample(self.ids[2:], 20)
            self.writing.update(ids)
            rows = [[one, f"https://moved{self.random.randrange(1000)}.example/", "app", uuid.uuid4().hex]
                    for one in ids]
        self.table.write(self.through_coffer("encrypt", rows))
        with self.lock:
            self.plain.update((row[0], row[1:]) for row in rows)
            self.writing.difference_update(ids)
            for one in ids:
                self.writes[one] = self.writes.get(one, 0) + 1

    def read(self):
        with self.lock:
            ids = [one for one in self.random.sample(self.ids[2:], 40) if one not in self.writing]
            wanted = {one: (self.writes.get(one, 0), self.plain[one]) for one in ids}
        got = {row[0]: row[1:] for row in self.through_coffer("decrypt", self.table.read(ids))}
        with self.lock:
            for one, (writes, plain) in wanted.items():
                if self.writes.get(one, 0) == writes and one not in self.writing and got[one] != plain:
                    raise AssertionError("a row does not decrypt to what was written")

    def _again(self, name, act):
        while not self.stopping.is_set():
            try:
                act()
            except BaseException as failure:  # pylint: disable=broad-except
                self.failure = failure
                return
            self.rounds[name] += 1

    def start(self):
        self.threads = [threading.Thread(target=self._again, args=words, daemon=True)
                        for words in (("read", self.read), ("write", self.write))]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(DEADLINE_S)
        if self.failure:
            raise self.failure

    def all_is_right(self):
        got = {row[0]: row[1:] for row in self.through_coffer("decrypt", self.table.read())}
        if got != self.plain:
            raise AssertionError("some rows do not decrypt to what was written last")


class LiveTable:
    """The test; each subclass has the kind of table."""

    kind = None

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.random = seeded_random()
        self.service = stack.enter_context(contextlib.closing(Service(people=True)))
        self.service.start_initialised()
        self.service.apply_catalog()
        self.service.people.apply(self.service.people.policy(1))
        self.service.ok("census", "add", "shop-db", "--max-age", "1h")
        self.table = stack.enter_context(contextlib.closing(self.kind(self.service.folder)))
        self.application = Application(self.service, self.table, self.random)
        self.application.fill()

    def rewrap(self, *options, code=0):
        done = self.service.run("db", "rewrap", self.table.name, *self.table.options, "--output", "json", *options)
        self.assertEqual(done.returncode, code, done.stderr)
        (report,) = json.loads(done.stdout)["fields"]
        return report

    def census(self, *options):
        return self.service.json("db", "census", self.table.name, *self.table.options[:2], *options)

    def counts(self):
        return {key["key_id"]: key["values"] for key in self.census()["keys"]}

    def destroy_is_refused(self, reason):
        done = self.service.run("keyring", "destroy", "shop", "1", *ASK)
        self.assertEqual(done.returncode, 1)
        self.assertIn(reason, done.stderr.decode())

    def swap(self):
        """The ciphertexts of the first two rows, which nobody else writes."""
        first, second = sorted(self.table.read(self.application.ids[:2]))
        self.table.write([[*first[:3], second[3]], [*second[:3], first[3]]])

    def rewrap_and_kill(self, old):
        """Kills it once it has replaced some values, or lets it end."""
        process = self.service.popen("db", "rewrap", self.table.name, *self.table.options, "--batch", "100",
                                     "--max-rate", "3000")
        with process:
            goal = self.counts().get(old, 0) - self.random.randrange(1, self.kind.rows // KILLS)
            wait_until(lambda: self.counts().get(old, 0) <= goal or process.poll() is not None, "values are rewrapped")
            ended = process.poll() is not None
            process.kill()
            process.communicate(timeout=DEADLINE_S)
        self.table.read(self.application.ids[:1])  # rolls back what a kill has left in the middle
        return not ended

    def test_a_live_table_is_rewrapped_and_its_old_version_destroyed(self):
        (old,) = self.counts()
        self.assertEqual(self.census("--report", "shop-db")["keys"], [{"key_id": old, "values": self.kind.rows}])
        self.service.ok("keyring", "rotate", "shop", "--role", "dba")
        self.swap()
        self.destroy_is_refused("shop-db")
        self.application.start()
        killed = sum(self.rewrap_and_kill(old) for _ in range(KILLS))
        report = self.rewrap(code=1)
        self.assertEqual((report["failed"]["undecryptable"], report["left"]), (2, 2), report)
        before = dict(self.application.rounds)
        wait_until(lambda: self.application.failure or all(
            self.application.rounds[name] > before[name] for name in before), "the application reads and writes")
        self.application.stop()

        report = self.rewrap("--show-rows", code=1)
        self.assertEqual({tuple(row["key"])[0] for row in report["failed_rows"]} if self.kind is PostgresTable else
                         {row["why"] for row in report["failed_rows"]},
                         set(self.application.ids[:2]) if self.kind is PostgresTable else {"undecryptable"})
        self.assertEqual(self.counts()[old], 2)
        self.census("--report", "shop-db")
        self.destroy_is_refused("shop-db")

        self.swap()  # back again
        self.assertEqual((self.rewrap()["rewrapped"], self.rewrap()["rewrapped"]), (2, 0))
        self.assertNotIn(old, self.counts())
        self.assertEqual(sum(self.counts().values()), self.kind.rows)
        self.destroy_is_refused("shop-db")  # it still says what it said
        self.census("--report", "shop-db")
        self.service.people.approved("keyring", "destroy", "shop", "1")
        self.application.all_is_right()
        print(f"{self.table.name.partition(':')[0]}: killed {killed} times, {self.application.rounds}")


@unittest.skipIf(programs() is None, "no PostgreSQL")
class Server(LiveTable, unittest.TestCase):
    kind = PostgresTable


class File(LiveTable, unittest.TestCase):
    kind = SqliteTable


class FileWithRollbackJournal(LiveTable, unittest.TestCase):
    kind = RollbackSqliteTable


class Tenants(unittest.TestCase):
    def test_each_row_is_rewrapped_for_the_tenant_that_it_names(self):
        service = Service()
        self.addCleanup(service.close)
        service.start_initialised()
        service.apply_catalog()
        plain = [{"id": i, "email": f"user{i}@example.org", "whose": ("acme", "other")[i % 2]} for i in range(50)]
        rows = {}
        for tenant in ("acme", "other"):
            service.ok("tenant", "add", tenant)
            mine = [row for row in plain if row["whose"] == tenant]
            for row in service.encrypt("shop.user.email", "id", mine, "--tenant", tenant, "--ciphertext", "hex"):
                rows[row["id"]] = row
        name = str(service.folder / "shop.db")
        with contextlib.closing(sqlite3.connect(name)) as file, file:
            file.execute("CREATE TABLE user (id INTEGER PRIMARY KEY, email BLOB, whose TEXT)")
            file.executemany("INSERT INTO user VALUES (?, ?, ?)",
                             [(i, bytes.fromhex(row["email"][2:]), row["whose"]) for i, row in rows.items()])
        service.ok("keyring", "rotate", "shop")
        field = ("--field", "shop.user.email")
        self.assertEqual(service.run("db", "rewrap", name, *field).returncode, 1)  # they are not the default tenant's
        (report,) = service.json("db", "rewrap", name, *field, "--tenant-column", "whose")["fields"]
        self.assertEqual((report["rewrapped"], report["left"], len(report["keys"])), (50, 0, 2), report)
        with contextlib.closing(sqlite3.connect(name)) as file:
            stored = file.execute("SELECT id, email, whose FROM user").fetchall()
        for tenant in ("acme", "other"):
            mine = [{"id": i, "email": "\\x" + email.hex(), "whose": whose} for i, email, whose in stored
                    if whose == tenant]
            self.assertEqual(service.decrypt("shop.user.email", "id", mine, "--tenant", tenant),
                             [row for row in plain if row["whose"] == tenant])


WRONG_REWRAPS = (  # options behind the database, exit code, what is said
    ((), 2, "name the fields with --field"),
    (("--field", "nonsense"), 2, "--field takes SCOPE.TABLE.COLUMN"),
    (("--field", "coffer.secret"), 2, "--field takes SCOPE.TABLE.COLUMN"),
    (("--field", f"{FIELD}=password"), 2, "a column is named as TABLE.COLUMN"),
    (("--field", f"{FIELD}=a.b.c.d"), 2, "a column is named as TABLE.COLUMN"),
    (("--field", FIELD, "--field", FIELD), 2, "names a field twice"),
    (("--field", "shop.connection.nothing"), 1, "the catalog has no such field"),
    (("--field", "other.connection.password"), 1, "there is no scope of this name"),
    (("--scope", "other"), 1, "there is no scope of this name"),
    (("--field", FIELD, "--row", "uuid,login"), 2, "another number of columns"),
    (("--field", FIELD, "--row", "nothing"), 1, "the table has no such column"),
    (("--field", FIELD, "--row", "password"), 2, "the column of the ciphertexts is a row id"),
    (("--field", FIELD, "--context", "nothing=url"), 2, "the field binds no column of this name"),
    (("--field", FIELD, "--context", "url"), 2, "--context takes NAME=COLUMN"),
    (("--field", FIELD, "--context", "url=nothing"), 1, "the table has no such column"),
    (("--field", FIELD, "--tenant", "a", "--tenant-column", "login"), 2, "name one of them"),
    (("--field", FIELD, "--tenant-column", "nothing"), 1, "the table has no such column"),
    (("--field", FIELD, "--tenant", "nobody"), 1, "tenant"),
    (("--scope", "shop"), 1, "the database has no such table"),  # of its second field
    (("--scope", "shop", "--row", "uuid"), 2, "--row and --context are one field's"),
    (("--field", f"{FIELD}=nothing.password"), 1, "the database has no such table"),
    (("--field", f"{FIELD}=connection.nothing"), 1, "the table has no such column"),
    (("--field", FIELD, "--batch", "0"), 2, "must be a whole number from 1 to 1000"),
    (("--field", FIELD, "--batch", "1001"), 2, "must be a whole number from 1 to 1000"),
    (("--field", FIELD, "--max-rate", "-1"), 2, "must be a whole number"),
    (("--field", FIELD, "--role", "auditor"), 1, "the policy does not allow"),
)
WRONG_IN_FILE = (
    (("--field", f"{FIELD}=main.connection.password"), 2, "a SQLite file has no schemas"),
    (("--field", f"{FIELD}=bare.password"), 2, "WITHOUT ROWID"),
    (("--field", f"{FIELD}=seen.password"), 1, "the database has no such table"),
)
WRONG_ON_SERVER = (
    (("--field", f"{FIELD}=keyless.password"), 2, "the table has no primary key"),
    (("--field", f"{FIELD}=wide.password"), 2, "the table's key is not the field's row id"),
    (("--field", f"{FIELD}=as_text.password"), 2, "is no bytea or coffer.ciphertext"),
    (("--field", f"{FIELD}=seen.password"), 2, "is not a table"),
    (("--field", f"{FIELD}=hidden.password"), 1, "may not do this"),
    (("--field", f"{FIELD}=guarded.password"), 1, "may not do this"),
    (("--field", f"{FIELD}=own_type.password"), 2, "a type that is not PostgreSQL's own"),
)
WRONG_CENSUSES = (
    ((), 2, "name columns with --column"),
    (("--column", "password"), 2, "a column is named as TABLE.COLUMN"),
    (("--column", "connection.nothing"), 1, "the table has no such column"),
    (("--column", "nothing.password"), 1, "the database has no such table"),
    (("--column", "connection.password", "--report", "Bad Name"), 2, "--report"),
    (("--column", "connection.password", "--report", "nobody"), 1, "there is no census source"),
    (("--scope", "other"), 1, "there is no scope of this name"),
    (("--scope", "shop"), 1, "the database has no such table"),
)
SERVER_TABLES = """
CREATE ROLE app LOGIN; CREATE ROLE dba LOGIN; GRANT CREATE ON SCHEMA public TO app; SET ROLE app;
CREATE TABLE connection (uuid uuid PRIMARY KEY, url text, login text, password bytea);
CREATE TABLE keyless (LIKE connection);
CREATE TABLE wide (LIKE connection, PRIMARY KEY (uuid, login));
CREATE TABLE hidden (LIKE connection INCLUDING ALL);
CREATE TABLE guarded (LIKE connection INCLUDING ALL);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY part ON guarded TO dba USING (login = 'app');
CREATE TYPE mood AS ENUM ('glad');
CREATE TABLE own_type (uuid uuid PRIMARY KEY, url mood, login text, password bytea);
CREATE TABLE as_text (uuid uuid PRIMARY KEY, url text, login text, password text);
CREATE VIEW seen AS SELECT * FROM connection;
GRANT SELECT, UPDATE ON connection, keyless, wide, guarded, own_type, as_text, seen TO dba;
"""
FILE_TABLES = """
CREATE TABLE connection (uuid TEXT PRIMARY KEY, url TEXT, login TEXT, password BLOB);
CREATE TABLE bare (uuid TEXT PRIMARY KEY, url TEXT, login TEXT, password BLOB) WITHOUT ROWID;
CREATE VIEW seen AS SELECT * FROM connection;
"""


class AskedWrongly(unittest.TestCase):
    """Nothing is changed, and what was given is not repeated."""

    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.close)
        cls.service.start_initialised()
        cls.service.apply_catalog()
        cls.plain = [[str(uuid.UUID(int=i)), f"https://db{i}/", f"login{i}", f"password-{i}"] for i in range(200)]
        text = io.StringIO()
        csv.writer(text).writerows([COLUMNS, *cls.plain])
        done = cls.service.ok("field", "encrypt", *AS_CSV, "--ciphertext", "hex", stdin=text.getvalue())
        cls.rows = list(csv.reader(io.StringIO(done.decode(), newline="")))[1:]
        cls.service.ok("keyring", "rotate", "shop")
        cls.file = str(cls.service.folder / "shop.db")
        with contextlib.closing(sqlite3.connect(cls.file)) as file, file:
            file.executescript(FILE_TABLES)
            file.executemany("INSERT INTO connection VALUES (?, ?, ?, ?)",
                             [(*row[:3], bytes.fromhex(row[3][2:])) for row in cls.rows])

    def refused(self, command, database, options, code, sentence):
        with self.subTest(command=command, options=options):
            done = self.service.run("db", command, database, *options)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertEqual(done.stdout, b"")
            self.assertIn(sentence, done.stderr.decode())

    def test_a_file(self):
        before = pathlib.Path(self.file).read_bytes()
        for options, code, sentence in WRONG_REWRAPS + WRONG_IN_FILE:
            self.refused("rewrap", self.file, options, code, sentence)
        for options, code, sentence in WRONG_CENSUSES:
            if "nobody" not in options:
                self.refused("census", self.file, options, code, sentence)
        self.assertEqual(pathlib.Path(self.file).read_bytes(), before)

    def test_a_report_of_an_unknown_source_or_of_plaintext_is_refused(self):
        done = self.service.run("db", "census", self.file, "--column", "connection.password", "--report", "nobody")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"there is no census source", done.stderr)
        done = self.service.run("db", "census", self.file, "--column", "connection.login", "--report", "nobody")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"not reported: some values are no ciphertext", done.stderr)
        self.assertNotIn(b"login7", done.stdout + done.stderr)

    def test_a_database_that_is_none(self):
        field = ("--field", FIELD)
        self.refused("rewrap", str(self.service.folder / "nothing.db"), field, 1, "database")
        self.refused("rewrap", self.service.write("text.db", "no database"), field, 2, "is neither a SQLite database")
        self.refused("census", "mysql://host/db", ("--column", "a.b"), 2, "is neither a SQLite database")
        self.refused("rewrap", str(self.service.folder), field, 2, "is neither a SQLite database")
        for url in ("postgresql://app:hunter2@localhost/shop", "postgresql:///shop?password=hunter2"):
            self.refused("rewrap", url, field, 2, "a password does not belong on the command line")
            done = self.service.run("db", "census", url, "--column", "a.b")
            self.assertEqual(done.returncode, 2)
            self.assertNotIn(b"hunter2", done.stdout + done.stderr)

    def test_a_wrong_mapping_stops_early_and_changes_nothing(self):
        before = pathlib.Path(self.file).read_bytes()
        done = self.service.run("db", "rewrap", self.file, "--field", FIELD, "--context", "url=login", "--context",
                                "login=url", "--batch", "50", "--max-failed", "60", "--output", "json")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"stopped: too many values do not decrypt", done.stderr)
        (report,) = json.loads(done.stdout)["fields"]
        self.assertEqual((report["rewrapped"], report["failed"]["undecryptable"], report["stopped_early"]),
                         (0, 100, True))
        self.assertEqual(pathlib.Path(self.file).read_bytes(), before)

    @unittest.skipIf(programs() is None, "no PostgreSQL")
    def test_a_server(self):
        postgres = Postgres().start()
        self.addCleanup(postgres.close)
        postgres.create_database("shop")
        postgres.query(SERVER_TABLES, "shop")
        with open(postgres.folder / "rows.csv", "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(self.rows)
        postgres.query("\\copy connection FROM 'rows.csv' CSV", "shop")
        url = f"postgresql:///shop?host={postgres.sockets}&user="
        for options, code, sentence in WRONG_REWRAPS + WRONG_ON_SERVER:
            self.refused("rewrap", url + "dba", options, code, sentence)
        for options, code, sentence in WRONG_CENSUSES:
            if "nobody" not in options:
                self.refused("census", url + "dba", options, code, sentence)
        field = ("--field", FIELD)
        self.refused("rewrap", url + "postgres", field, 1, "a superuser would run code of the table's owner")
        self.refused("census", url + "postgres", ("--column", "connection.password"), 1,
                     "a superuser would run code of the table's owner")
        self.refused("rewrap", f"postgresql:///nothing?host={postgres.sockets}&user=dba", field, 1, "no such database")
        self.refused("rewrap", "postgresql:///shop?host=/nonexistent", field, 1, "cannot be reached")
        self.assertEqual(sorted(postgres.query("SELECT * FROM connection", "shop")), sorted(self.rows))


if __name__ == "__main__":
    run(globals())
