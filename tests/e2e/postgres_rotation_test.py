"""The rotation of an index under a PostgreSQL table that is written and searched all the while, as docs/OPERATIONS.md
describes it: nothing is missed, no duplicate gets in. Skipped where there is no PostgreSQL.
"""

import csv
import itertools
import json
import pathlib
import sys
import threading
import unicodedata
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from postgres import Postgres, PostgresError, exit_unless_installed  # noqa: E402
from service import DEADLINE_S, Service, json_lines, run, seeded_random, wait_until  # noqa: E402

UNIQUE_VIOLATION, CHECK_VIOLATION, UNDEFINED_COLUMN = "23505", "23514", "42703"

ACCOUNTS = """scope = "club"
[field."account.email"]
class   = "pii"
keyring = "shop"
row     = "int64"
expect  = {{ rows = 1000000, distinct = 900000, top_share = 0.0001 }}
[field."account.email".index.exact]
kind      = "equality"
keyring   = "shop-index"
transform = ["trim", "nfkc_casefold"]
bits      = 40
{exact}
[field."account.email".index.unique]
kind      = "equality"
keyring   = "shop-index"
transform = ["trim", "nfkc_casefold"]
bits      = 128
unique    = true
{unique}
"""
ACCOUNT_TABLE = """
CREATE TABLE account (id bigint PRIMARY KEY, email text, email_exact int8, email_exact_iv smallint, email_unique bytea);
CREATE INDEX ON account (email_exact);
CREATE UNIQUE INDEX account_unique ON account (email_unique);
"""
EMAIL = ("--field", "club.account.email", "--row", "id")
SEEDS = 120


def wide(text):
    """In full-width letters, which NFKC takes for the same."""
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)


SPELLINGS = (str.upper, wide, lambda text: f" {text}\t", str.title)


class Worker(threading.Thread):
    """Does `act` again and again until it fails or is stopped."""

    def __init__(self, act):
        super().__init__(daemon=True)
        self.act, self.rounds, self.failure, self.stopping = act, 0, None, threading.Event()

    def run(self):
        while not self.stopping.is_set():
            try:
                self.act()
            except BaseException as failure:  # pylint: disable=broad-except
                self.failure = failure
                return
            self.rounds += 1

    def end_round(self, rounds=1):
        """Waits until what it does now is over, so that nothing it does then was asked for before."""
        wanted = self.rounds + rounds
        wait_until(lambda: self.failure or self.rounds >= wanted, "a round ends")
        if self.failure:
            raise self.failure


class Application:
    """Accounts with unique addresses: programs that write and search them, each from a thread of its own."""

    def __init__(self, service, postgres, random):
        self.service, self.postgres, self.random = service, postgres, random
        self.columns = ["id", "email", "email_exact", "email_exact_iv", "email_unique"]  # what its SQL knows
        self.lock = threading.Lock()
        self.last_id = 0
        self.addresses = {}  # of each row that was acknowledged
        self.changing = set()  # ids whose address is being changed
        self.refused = self.searched = self.changed = 0

    def encrypted(self, records):
        """With tokens. It is asked again, as it says itself, when a catalog was applied just then."""
        for _ in range(3):
            done = self.service.run("field", "encrypt", *EMAIL, "--tokens", stdin=json_lines(records))
            if b"have changed meanwhile" not in done.stderr:
                break
        if done.returncode != 0:
            raise AssertionError(f"coffer field encrypt: exit {done.returncode}: {done.stderr.decode()}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def records(self, addresses):
        with self.lock:
            first = self.last_id + 1
            self.last_id += len(addresses)
        return [{"id": first + i, "email": address} for i, address in enumerate(addresses)]

    def insert(self, rows, conflict="ON CONFLICT DO NOTHING"):
        """All columns of its SQL, NULL where no token came; the ids that went in."""
        names = ", ".join(self.columns)
        done = self.postgres.query(f"INSERT INTO account ({names}) SELECT {names} FROM json_populate_recordset("
                                   f"NULL::account, $j${json.dumps(rows)}$j$) {conflict} RETURNING id")
        return [int(row[0]) for row in done]

    def update(self, row):
        names = ", ".join(self.columns)
        self.postgres.query(f"UPDATE account SET ({names}) = (SELECT {names} FROM json_populate_record("
                            f"NULL::account, $j${json.dumps(row)}$j$)) WHERE id = {row['id']}")

    def add(self, addresses):
        records = self.records(addresses)
        done = self.insert(self.encrypted(records))
        with self.lock:
            self.addresses.update((record["id"], record["email"]) for record in records if record["id"] in done)
            self.refused += len(records) - len(done)

    def writer(self, spelling):
        """Takes the same new addresses as the other writer, in another spelling, and one that is taken since long."""
        for number in itertools.count():
            fresh = [f"both{number}.{i}@example.org" for i in range(2)]
            self.add([spelling(text) for text in (*fresh, f"seed{number % SEEDS}@example.org")])
            yield

    def change(self, row, address):
        """Gives a row another address, unless somebody else does."""
        with self.lock:
            if row in self.changing:
                return
            self.changing.add(row)
        self.update(self.encrypted([{"id": row, "email": address}])[0])
        with self.lock:
            self.addresses[row] = address
            self.changing.discard(row)
            self.changed += 1

    def changer(self):
        """Gives rows that are there another address."""
        for number in itertools.count():
            with self.lock:
                row = self.random.choice(list(self.addresses))
            self.change(row, f"changed{number}@example.org")
            yield

    def condition(self, index, address):
        return self.service.ok("field", "search", "--field", "club.account.email", "--index", index,
                               stdin=address).decode()

    def found(self, where):
        return [int(row[0]) for row in self.postgres.query(f"SELECT id FROM account WHERE {where}")]

    def reader(self):
        """Searches a row that is there, by one index and the other; a miss is a failure."""
        for index in itertools.cycle(("exact", "unique")):
            with self.lock:
                row = self.random.choice([i for i in self.addresses if i not in self.changing])
                address = self.addresses[row]
            found = self.found(self.condition(index, self.random.choice(SPELLINGS)(address)))
            with self.lock:
                same = self.addresses[row] == address and row not in self.changing
                self.searched += 1
            if same and found != [row]:
                raise AssertionError(f"{index}: row {row} was to be found and {found} were")
            yield


LEFT = "email_exact_iv < 2 OR (email IS NOT NULL AND email_unique_2 IS NULL)"
NONE_LEFT = """ALTER TABLE account ADD CONSTRAINT exact_at_2 CHECK (email_exact_iv >= 2),
  ADD CONSTRAINT unique_at_2 CHECK (email IS NULL OR email_unique_2 IS NOT NULL);"""
# Only where the address is still the one that was read.
WRITE_AGAIN = """CREATE TEMP TABLE old (id bigint, email text); CREATE TEMP TABLE new (LIKE account);
\\copy old FROM 'old.csv' CSV HEADER
\\copy new ({columns}) FROM 'new.csv' CSV HEADER
UPDATE account a SET ({columns}) = ({values}) FROM new JOIN old USING (id) WHERE a.id = new.id AND a.email = old.email
"""


class Rotation(unittest.TestCase):
    def setUp(self):
        self.postgres = Postgres().start()
        self.addCleanup(self.postgres.close)
        self.service = Service(config="[quotas]\nsearches = 1000000").start_initialised()
        self.addCleanup(self.service.close)
        self.service.ok("keyring", "create", "shop")
        self.service.ok("keyring", "create", "shop-index", "--purpose", "index")
        self.apply()
        self.query(ACCOUNT_TABLE)
        self.application = Application(self.service, self.postgres, seeded_random())
        self.application.add([f"seed{number}@example.org" for number in range(SEEDS)])
        self.application.insert(self.application.encrypted([{"id": 0, "email": None}]))
        self.workers = []

    def apply(self, exact="", unique=""):
        self.service.ok("apply", self.service.write("club.toml", ACCOUNTS.format(exact=exact, unique=unique)))

    def query(self, sql):
        return self.postgres.query(sql, cwd=self.service.folder)

    def refused(self, code, act, *arguments):
        """The text of the refusal."""
        with self.assertRaises(PostgresError) as refusal:
            act(*arguments)
        self.assertEqual(refusal.exception.code, code, refusal.exception)
        return str(refusal.exception)

    def no_other_spelling_gets_in(self, constraint):
        """Of an address that is taken."""
        application = self.application
        taken = application.addresses[1]
        for spelling in SPELLINGS:
            with self.subTest(constraint=constraint, spelling=spelling(taken)):
                row = application.encrypted(application.records([spelling(taken)]))
                self.assertIn(f'"{constraint}"', self.refused(UNIQUE_VIOLATION, application.insert, row, ""))
        application.add([f"free.{constraint}@example.org"])
        self.assertIn(f"free.{constraint}@example.org", application.addresses.values())

    def all_ask_again(self):
        for worker in self.workers:
            worker.end_round()

    def start_work(self):
        application = self.application
        acts = (application.writer(str.upper), application.writer(wide), application.changer(), application.reader())
        self.workers = [Worker(act.__next__) for act in acts]
        for worker in self.workers:
            self.addCleanup(worker.join, DEADLINE_S)
            self.addCleanup(worker.stopping.set)
            worker.start()
        self.all_ask_again()

    def end_work(self):
        for worker in self.workers:
            worker.stopping.set()
        for worker in self.workers:
            worker.join(DEADLINE_S)
        self.assertEqual([worker.failure for worker in self.workers], [None] * len(self.workers))
        self.assertFalse(any(worker.is_alive() for worker in self.workers))

    def versions(self, index):
        answer = self.service.json("field", "search", "--field", "club.account.email", "--index", index,
                                   stdin="seed0@example.org")
        return {version["version"]: version for version in answer["versions"]}

    def add_version_2(self):
        self.query("ALTER TABLE account ADD email_unique_2 bytea;\n"
                   "CREATE UNIQUE INDEX CONCURRENTLY account_unique_2 ON account (email_unique_2);")
        self.application.columns = [*self.application.columns, "email_unique_2"]
        self.all_ask_again()
        self.service.ok("keyring", "rotate", "shop-index", "--role", "dba")
        self.apply()
        self.all_ask_again()
        for index in ("exact", "unique"):
            self.assertEqual(list(self.versions(index)), [1, 2])
        self.assertEqual(self.query("SELECT DISTINCT email_exact_iv FROM account WHERE email IS NOT NULL"), [["1"]])
        self.assertNotEqual(self.query("SELECT count(email_unique_2) FROM account"), [["0"]])
        self.apply(exact="write_version = 2")
        self.all_ask_again()
        self.refused(CHECK_VIOLATION, self.query, NONE_LEFT)

    def write_again(self, limit):
        """Some of the rows that are left; how many were read. The first of them is changed in between."""
        application, folder = self.application, self.service.folder
        (folder / "new.csv").unlink(missing_ok=True)
        self.query(f"\\copy (SELECT id, email FROM account WHERE {LEFT} ORDER BY id LIMIT {limit}) "
                   "TO 'old.csv' CSV HEADER")
        with open(folder / "old.csv", encoding="utf-8", newline="") as file:
            ids = [int(row["id"]) for row in csv.DictReader(file)]
        if not ids:
            return 0
        self.service.ok("field", "rewrap", "--role", "app", *EMAIL, "--tokens", "--in", "old.csv", "--out", "new.csv")
        with open(folder / "new.csv", encoding="utf-8", newline="") as file:
            columns = next(csv.reader(file))
        application.change(ids[0], f"between{ids[0]}@example.org")
        self.query(WRITE_AGAIN.format(columns=", ".join(columns), values=", ".join(f"new.{name}" for name in columns)))
        return len(ids)

    def drop_version_1(self):
        self.apply(exact="write_version = 2", unique="write_version = 2")
        self.apply(exact="oldest_version = 2", unique="oldest_version = 2")
        self.all_ask_again()
        self.application.columns = [name for name in self.application.columns if name != "email_unique"]
        self.all_ask_again()
        self.query("ALTER TABLE account DROP COLUMN email_unique")
        self.all_ask_again()
        for index in ("exact", "unique"):
            self.assertEqual(list(self.versions(index)), [2])

    def test_nothing_is_missed_and_no_duplicate_gets_in(self):
        application = self.application
        self.no_other_spelling_gets_in("account_unique")
        late, = application.encrypted(application.records(["SEED9@example.org"]))  # stored only after the rotation
        late_change, = application.encrypted([{"id": 5, "email": "late@example.org"}])
        old = {index: self.versions(index)[1] for index in ("exact", "unique")}
        self.assertEqual(application.found(old["exact"]["predicate"]), [1])
        self.start_work()
        self.add_version_2()
        written = sum(iter(lambda: self.write_again(60), 0))
        self.assertGreaterEqual(written, SEEDS - 12)
        self.query(NONE_LEFT)
        self.refused(CHECK_VIOLATION, application.insert, [late], "")
        self.refused(CHECK_VIOLATION, application.update, late_change)
        self.drop_version_1()
        self.end_work()
        self.every_row_is_right()
        self.no_other_spelling_gets_in("account_unique_2")
        self.old_tokens_find_nothing(old)
        self.what_comes_late_stays_out(late)
        print(f"{application.searched} searches, {application.refused} duplicates refused, "
              f"{application.changed} changes, {written} rows written again")

    def every_row_is_right(self):
        application = self.application
        rows = [{"id": int(number), "email": email} for number, email in self.query("SELECT id, email FROM account")]
        read = {row["id"]: row["email"] for row in self.service.decrypt("club.account.email", "id", rows)}
        self.assertEqual(read, {0: None, **application.addresses})
        plain = [unicodedata.normalize("NFKC", text).strip().casefold() for text in read.values() if text]
        self.assertEqual(len(set(plain)), len(plain))
        self.assertEqual(self.query("SELECT DISTINCT email_exact_iv, email_unique_2 IS NULL FROM account "
                                    "WHERE email IS NOT NULL"), [["2", "f"]])
        self.assertGreater(min(application.searched, application.refused, application.changed), 6)
        for number in application.random.sample(sorted(application.addresses), 6):
            for index in ("exact", "unique"):
                where = application.condition(index, application.addresses[number].upper())
                self.assertEqual(application.found(where), [number])

    def old_tokens_find_nothing(self, old):
        """`old` are searches of version 1 that found a row; that row is still there."""
        found = self.application.found
        self.assertEqual(found(old["exact"]["predicate"]), [])
        self.assertEqual(found(f"email_exact IN ({old['exact']['sets'][0][0]})"), [])
        self.assertEqual(found(f"email_unique_2 IN ('{old['unique']['sets'][0][0]}')"), [])
        self.refused(UNDEFINED_COLUMN, found, old["unique"]["predicate"])

    def what_comes_late_stays_out(self, late):
        """By the constraints alone: without them the duplicate would be in, and no search would find it."""
        application = self.application
        self.refused(CHECK_VIOLATION, application.insert, [late], "")
        self.query("ALTER TABLE account DROP CONSTRAINT exact_at_2, DROP CONSTRAINT unique_at_2")
        self.assertEqual(application.insert([late], ""), [late["id"]])
        for index in ("exact", "unique"):
            self.assertNotIn(late["id"], application.found(application.condition(index, "seed9@example.org")))
        self.refused(CHECK_VIOLATION, self.query, NONE_LEFT)


if __name__ == "__main__":
    exit_unless_installed()
    run(globals())
