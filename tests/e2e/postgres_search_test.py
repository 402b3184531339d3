"""Index tokens in a real PostgreSQL: searches find what they must, by an index, and the database and its log hold
nothing of the values. Skipped where there is no PostgreSQL.
"""

import collections
import csv
import pathlib
import secrets
import subprocess
import sys
import unicodedata
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from canary_test import files_below, findings  # noqa: E402
from postgres import Postgres, exit_unless_installed  # noqa: E402
from service import DEADLINE_S, Programs, Service, clean_environment, run, seeded_random  # noqa: E402

LOGS_ALL = {"log_statement": "all", "log_min_duration_statement": "0", "log_error_verbosity": "verbose"}

CATALOG = """scope = "shop"
[field."user.email"]
class   = "pii"
keyring = "shop"
row     = "int64"
expect  = { rows = 1000000, distinct = 900000, top_share = 0.0001 }
[field."user.email".index.exact]
kind      = "equality"
keyring   = "shop-index"
transform = ["trim", "nfkc_casefold"]
bits      = 5
[field."user.email".index.unique]
kind      = "equality"
keyring   = "shop-index"
transform = ["trim", "nfkc_casefold"]
bits      = 128
unique    = true
[field."user.name"]
class   = "pii"
keyring = "shop"
row     = "int64"
expect  = { rows = 1000000, distinct = 5000, top_share = 0.01 }
[field."user.name".index.same]
kind       = "equality"
keyring    = "shop-index"
transform  = ["trim", "nfkc_casefold"]
bits       = 256
partitions = 3
[field."user.name".index.start]
kind      = "prefix"
keyring   = "shop-index"
transform = ["trim", "nfkc_casefold"]
bits      = 40
lengths   = [3, 5]
count     = 2
[field."user.name".index.part]
kind       = "ngram"
keyring    = "shop-index"
transform  = ["trim", "nfkc_casefold"]
bits       = 63
n          = 3
count      = 60
partitions = 2
[field."user.income"]
class   = "pii"
keyring = "shop"
row     = "int64"
expect  = { rows = 1000000, distinct = 100000, top_share = 0.001 }
[field."user.income".index.range]
kind     = "range"
keyring  = "shop-index"
type     = "int64"
min      = 0
max      = 999999999999
bits     = 40
[field."user.income".index.both]
kind     = "compound"
keyring  = "shop-index"
parts    = [{ field = "user.name", transform = ["nfkc_casefold"] }, { field = "user.income", type = "int64" }]
bits     = 40
"""

USER_TABLE = """
CREATE TABLE "user" (id bigint PRIMARY KEY, email text, name text, income text);
ALTER TABLE "user" ADD email_exact int4, ADD email_exact_iv smallint, ADD email_unique bytea;
ALTER TABLE "user" ADD name_same bytea, ADD name_same_iv smallint, ADD name_start int8[], ADD name_start_iv smallint,
  ADD name_part int8[], ADD name_part_iv smallint;
ALTER TABLE "user" ADD income_range int8[], ADD income_range_iv smallint, ADD income_both int8,
  ADD income_both_iv smallint;
CREATE INDEX by_exact ON "user" (email_exact);
CREATE UNIQUE INDEX by_unique ON "user" (email_unique);
CREATE INDEX by_same ON "user" (name_same);
CREATE INDEX by_start ON "user" USING gin (name_start);
CREATE INDEX by_part ON "user" USING gin (name_part);
CREATE INDEX by_range ON "user" USING gin (income_range);
CREATE INDEX by_both ON "user" (income_both);
"""

FIRST = ("Ada", "Åse", "Bo", "Çelik", "Dvora", "Eﬀie", "Grace", "Ｈａｎａ", "İpek", "Jörg")
LAST = ("Straße", "Stravinsky", "Lovelace", "Love", "van der Ada", "Ōta", "Ng")
USERS = 300
FIELDS = ("--map", "shop.user.name", "--map", "shop.user.email", "--map", "shop.user.income", "--row", "id")


def folded(text):
    """What nfkc_casefold makes of it, by Python's tables, for the letters of this file."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text.strip()).casefold())


def canary():
    return "canary" + secrets.token_hex(16)


def people(random, canaries):
    """Users by id, with NULLs, all but one name and some often, and the canaries as the last one."""
    users = {}
    names = [f"{first} {last}" for first in FIRST for last in LAST]
    names += [random.choice(names) for _ in range(len(names), USERS)]
    for number in range(1, USERS):
        name = random.choice((names[number], names[number].upper(), f" {names[number]}"))
        users[number] = {"id": number, "email": f"{FIRST[number % 10]}.{number}@example.org", "name": name,
                         "income": str(random.randrange(0, 1000) * 10**random.randrange(0, 10))}
    for number, column in ((7, "email"), (8, "email"), (8, "name"), (9, "income")):
        users[number][column] = None
    users[USERS] = {"id": USERS, **canaries}
    return users


class Searches(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres(LOGS_ALL).start()
        cls.addClassCleanup(cls.postgres.close)
        cls.service = Service().start_initialised()
        cls.addClassCleanup(cls.service.close)
        cls.service.ok("keyring", "create", "shop-index", "--purpose", "index")
        cls.service.apply_catalog(CATALOG)
        cls.canaries = {"email": canary(), "name": canary(), "income": str(10**11 + secrets.randbelow(8 * 10**11))}
        cls.users = people(seeded_random(), cls.canaries)
        cls.query(USER_TABLE)
        cls.load()

    @classmethod
    def load(cls):
        """From a file of plaintexts to a table of ciphertexts and tokens."""
        with open(cls.service.folder / "users.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ("id", "email", "name", "income"))
            writer.writeheader()
            writer.writerows(cls.users.values())
        cls.service.ok("field", "encrypt", *FIELDS, "--tokens", "--in", "users.csv", "--out", "new.csv")
        with open(cls.service.folder / "new.csv", encoding="utf-8", newline="") as file:
            columns = next(csv.reader(file))
        cls.query(f"\\copy \"user\" ({', '.join(columns)}) FROM 'new.csv' CSV HEADER\nANALYZE \"user\"")

    @classmethod
    def query(cls, sql):
        return cls.postgres.query(sql, cwd=cls.service.folder)

    def condition(self, field, index, term, *options):
        return self.service.ok("field", "search", "--field", f"shop.user.{field}", "--index", index, *options,
                               stdin=term).decode()

    def found(self, where, table='"user"'):
        """The ids of the rows, which are then in found.csv."""
        self.query(f"\\copy (SELECT id, email, name, income FROM {table} WHERE {where.replace(chr(10), ' ')} "
                   "ORDER BY id) TO 'found.csv' CSV HEADER")
        return self.ids("found.csv")

    def ids(self, name):
        with open(self.service.folder / name, encoding="utf-8", newline="") as file:
            return [int(row["id"]) for row in csv.DictReader(file)]

    def matched(self, field, index, term, *options):
        """The ids of the rows of found.csv that the service released, and their values are the right ones."""
        self.service.write("term.txt", term)
        (self.service.folder / "read.csv").unlink(missing_ok=True)
        maps = [word for name in (field, *(name for name in ("name", "email", "income") if name != field))
                for word in ("--map", f"shop.user.{name}")]
        self.service.ok("field", "decrypt", *maps, "--row", "id", "--match-index", index, "--match-file", "term.txt",
                        *options, "--in", "found.csv", "--out", "read.csv")
        with open(self.service.folder / "read.csv", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                self.assertEqual({name: cell or None for name, cell in row.items()},
                                 {name: cell and str(cell) for name, cell in self.users[int(row["id"])].items()})
        return self.ids("read.csv")

    def meant(self, column, test):
        return [user["id"] for user in self.users.values() if user[column] is not None and test(user[column])]

    def expect(self, field, index, term, meant, *options, superset=False):
        """A search in PostgreSQL and a match find the rows `meant`; without a match too unless `superset`."""
        where = self.condition(field, index, term, *options)
        found = self.found(where)
        with self.subTest(index=index, term=term, options=options):
            self.assertLessEqual(set(meant), set(found))
            if not superset:
                self.assertEqual(found, meant)
            self.assertEqual(self.matched(field, index, term, *options), meant)
            nodes = self.postgres.plan(f'SELECT id FROM "user" WHERE {where}')
            self.assertIn(f"by_{index}", {node.get("Index Name") for node in nodes})
            self.assertNotIn("Seq Scan", {node["Node Type"] for node in nodes})
        return found

    def test_the_plan_of_a_column_without_an_index_reads_the_whole_table(self):
        nodes = self.postgres.plan('SELECT id FROM "user" WHERE email_exact_iv = 1')
        self.assertIn("Seq Scan", {node["Node Type"] for node in nodes})

    def test_equality_finds_each_spelling_and_the_match_drops_what_few_bits_let_in(self):
        more = 0
        for number in (1, 22, 158):
            email = self.users[number]["email"]
            for term in (email, f"  {email.upper()}\n"):
                more += len(self.expect("email", "exact", term, [number], superset=True)) - 1
                self.expect("email", "unique", term, [number])
        self.assertGreater(more, 6)
        self.expect("email", "exact", "nobody@example.org", [], superset=True)
        self.expect("email", "unique", "nobody@example.org", [])

    def test_equal_values_of_all_partitions_are_found(self):
        names = collections.Counter(folded(user["name"]) for user in self.users.values() if user["name"])
        for name, count in names.most_common(2):
            meant = self.meant("name", lambda text, name=name: folded(text) == name)
            self.assertGreater(count, 2)
            self.expect("name", "same", name.title(), meant)
        self.assertGreater(int(self.query('SELECT count(DISTINCT name_same) FROM "user"')[0][0]), len(names))

    def test_a_compound_finds_rows_with_all_of_its_values(self):
        user = self.users[30]
        meant = [other["id"] for other in self.users.values() if other["income"] == user["income"] and other["name"] and
                 folded("." + other["name"]) == folded("." + user["name"])]
        self.expect("income", "both", f"{user['name']}\n{user['income']}\n", meant)
        self.expect("income", "both", f"{user['name']}\n999999999998\n", [])

    def test_a_prefix_finds_what_begins_so(self):
        for needle, superset in (("GRA", False), ("jör", False), ("hana", False), ("Çelik St", True),
                                 ("ada lovel", True)):
            meant = self.meant("name", lambda text, needle=needle: folded(text).startswith(folded(needle)))
            self.assertTrue(meant)
            found = self.expect("name", "start", needle, meant, superset=superset)
            self.assertEqual(len(found) > len(meant), superset)

    def test_ngrams_find_what_contains_begins_or_ends_so(self):
        for needle, options, test in (("LOVE", (), str.__contains__), ("strasse", (), str.__contains__),
                                      ("ada", (), str.__contains__), ("ada", ("--at-start",), str.startswith),
                                      ("ada", ("--at-end",), str.endswith), ("love", ("--at-end",), str.endswith)):
            meant = self.meant("name", lambda text, needle=needle, test=test: test(folded(text), folded(needle)))
            self.assertTrue(meant)
            self.expect("name", "part", needle, meant, *options, superset=len(needle) > 3)

    def test_a_range_finds_what_is_between_both_ends_included(self):
        incomes = sorted(int(user["income"]) for user in self.users.values() if user["income"] is not None)
        gap = next(low for low, high in zip(incomes, incomes[1:]) if high > low + 1)
        for low, high in ((0, 999999999999), (incomes[50], incomes[200]), (incomes[100], incomes[100]),
                          (gap + 1, gap + 1), (1, 10**6)):
            meant = self.meant("income", lambda text, low=low, high=high: low <= int(text) <= high)
            self.expect("income", "range", f"{low}\n{high}\n", meant)

    def two_unlike(self):
        """Two users of which no search for the whole values of the first means the second."""
        whole = [user for user in self.users.values() if None not in user.values()]
        return next((one, other) for one in whole for other in whole if one["income"] != other["income"] and
                    folded(one["name"]) not in folded(other["name"]))

    def test_planted_tokens_are_found_and_the_match_drops_them(self):
        user, other = self.two_unlike()
        columns = "email_exact, email_unique, name_same, name_start, name_part, income_range, income_both"
        self.query(f'CREATE TABLE planted AS SELECT * FROM "user"; UPDATE planted SET ({columns}) = '
                   f"(SELECT {columns} FROM planted WHERE id = {user['id']}) WHERE id = {other['id']}")
        for field, index, term in self.searches_for_all_of(user):
            with self.subTest(index=index):
                found = self.found(self.condition(field, index, term), "planted")
                self.assertLessEqual({user["id"], other["id"]}, set(found))
                matched = self.matched(field, index, term)
                self.assertIn(user["id"], matched)
                self.assertNotIn(other["id"], matched)

    def searches_for_all_of(self, user):
        email, name, income = user["email"], user["name"], user["income"]
        return (("email", "exact", email), ("email", "unique", email), ("name", "same", name), ("name", "start", name),
                ("name", "part", name), ("income", "range", f"{income}\n{income}"),
                ("income", "both", f"{name}\n{income}"))

    def test_the_documented_pipeline_does_what_it_says(self):
        self.service.write("term.txt", self.users[50]["email"] + "\n")
        for index in ("exact", "unique"):
            script = ('psql -X -c "\\copy (SELECT id, email FROM \\"user\\" WHERE $(coffer field search --field '
                      f"shop.user.email --index {index} < term.txt | tr '\\n' ' ')) TO 'piped.csv' CSV HEADER\" && "
                      "coffer field decrypt --field shop.user.email --row id --match-index "
                      f"{index} --match-file term.txt --in piped.csv")
            environment = clean_environment(**self.postgres.environment(), COFFER_SERVER=self.service.server)
            environment["PATH"] = f"{Programs.bin}:{environment['PATH']}"
            done = subprocess.run(["bash", "-c", script], cwd=self.service.folder, env=environment, check=False,
                                  capture_output=True, timeout=DEADLINE_S)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"id,email\n50,{self.users[50]['email']}\n", done.stdout.decode())

    def test_neither_the_databases_files_nor_its_log_hold_a_value(self):
        for field, index, term in self.searches_for_all_of(self.canaries):
            self.assertIn(USERS, self.found(self.condition(field, index, term)))
            self.assertEqual(self.matched(field, index, term), [USERS])
        control = canary()
        self.query(f"CREATE TABLE control (name text); INSERT INTO control VALUES ('{control}'); CHECKPOINT")
        heap = self.query("SELECT pg_relation_filepath('control')")[0][0]
        places = {"server.log": self.postgres.log_file.read_bytes(), **files_below(self.postgres.data)}
        self.assertLessEqual({("server.log", "as it is"), (heap.removeprefix("data/"), "as it is")},
                             set(findings([control], places)))
        upper = [text.upper() for text in self.canaries.values()]
        self.assertEqual(findings([*self.canaries.values(), *upper], places), [])


if __name__ == "__main__":
    exit_unless_installed()
    run(globals())
