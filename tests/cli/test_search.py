"""coffer catalog plan, field search, --tokens and --match-index: from a catalog to a row that is found, in SQLite."""

import csv
import io
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from service import Programs, Service, clean_environment  # noqa: E402

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
bits      = 16
[field."user.email".index.one]
kind      = "equality"
keyring   = "shop-index"
transform = ["trim", "nfkc_casefold"]
bits      = 128
unique    = true
[field."user.email".index.part]
kind      = "ngram"
keyring   = "shop-index"
transform = ["trim", "nfkc_casefold"]
bits      = 40
n         = 3
count     = 48
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
max      = 1000000
bits     = 40
[field."user.income".index.both]
kind     = "compound"
keyring  = "shop-index"
parts    = ["user.email", { field = "user.income", type = "int64" }]
bits     = 16
[field."user.note"]
class   = "internal"
keyring = "shop"
row     = "int64"
"""

EMAIL = ("--field", "shop.user.email", "--row", "id")
BOTH = ("--map", "shop.user.income", "--map", "shop.user.email", "--row", "id")
EXACT = ("--field", "shop.user.email", "--index", "exact")


def lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def parsed(text):
    return [json.loads(line) for line in text.splitlines()]


class Search(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.close)
        cls.service.ok("keyring", "create", "shop-index", "--purpose", "index")
        cls.service.apply_catalog(CATALOG)
        # An index has a key from the first write on.
        record = lines({"id": 0, "email": "first@example.org", "income": "0"})
        cls.service.ok("field", "encrypt", *BOTH, "--tokens", stdin=record)

    def with_tokens(self, *records, options=EMAIL):
        return parsed(self.service.ok("field", "encrypt", *options, "--tokens", stdin=lines(*records)))

    def search(self, term, *options):
        return self.service.ok("field", "search", *options, stdin=term).decode()

    def refused(self, sentence, *arguments, stdin=b"", code=1):
        done = self.service.run(*arguments, stdin=stdin)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(sentence, done.stderr.decode())
        self.assertNotIn(b"canary", done.stderr + done.stdout)
        return done

    def table(self):
        """Users in SQLite: ciphertexts and tokens; row 3 is planted with the token of row 1, as a liar would."""
        rows = self.with_tokens({"id": 1, "email": "Ada@Example.org"}, {"id": 2, "email": "bo@example.org"},
                                {"id": 3, "email": "cleo@example.org"}, {"id": 4, "email": None})
        rows[2]["email_exact"] = rows[0]["email_exact"]
        database = sqlite3.connect(":memory:")
        self.addCleanup(database.close)
        database.execute("CREATE TABLE user (id INTEGER, email TEXT, email_exact INTEGER, email_exact_iv INTEGER)")
        database.executemany("INSERT INTO user VALUES (:id, :email, :email_exact, :email_exact_iv)", rows)
        return database

    def test_a_row_is_found_in_three_spellings_and_what_was_not_meant_is_left_out(self):
        database = self.table()
        for spelling in ("Ada@Example.org", "  ADA@EXAMPLE.ORG\n", "ａｄａ@example.org\n"):
            with self.subTest(spelling=spelling):
                where = self.search(spelling, *EXACT)
                found = database.execute(f"SELECT id, email FROM user WHERE {where} ORDER BY id").fetchall()
                self.assertEqual([row[0] for row in found], [1, 3])
                records = self.service.write("found.jsonl", lines(*({"id": i, "email": e} for i, e in found)))
                term = self.service.write("term.txt", spelling)
                match = (*EMAIL, "--match-index", "exact", "--match-file", term)
                self.assertEqual(self.service.ok("field", "decrypt", *match, "--in", records),
                                 lines({"id": 1, "email": "Ada@Example.org"}))
        target = self.service.folder / "read.jsonl"
        counts = self.service.json("field", "decrypt", *match, "--in", records, "--out", str(target))
        self.assertEqual(counts, {"records": 2, "values": 2, "failed": 0, "unmatched": 1})

    def test_the_term_may_come_from_standard_input_when_the_records_do_not(self):
        rows = self.with_tokens({"id": 1, "email": "ada@example.org"}, {"id": 2, "email": "bo@example.org"})
        source = self.service.write("two.jsonl", lines(*rows))
        match = (*EMAIL, "--match-index", "exact", "--in", source)
        out = self.service.ok("field", "decrypt", *match, stdin="BO@example.org")
        self.assertEqual([row["id"] for row in parsed(out)], [2])

    def test_no_match_leaves_csv_with_its_header_only(self):
        records = b"id,email\n1,ada@example.org\n2,\n"
        encrypted = self.service.ok("field", "encrypt", *EMAIL, "--format", "csv", stdin=records)
        source = self.service.write("none.csv", encrypted)
        match = (*EMAIL, "--match-index", "exact", "--in", source)
        out = self.service.ok("field", "decrypt", *match, stdin="bo@example.org")
        self.assertEqual(out, b"id,email\n")

    def test_a_value_that_does_not_decrypt_is_no_mismatch(self):
        good, bad = self.with_tokens({"id": 1, "email": "ada@example.org"}, {"id": 2, "email": "ada@example.org"})
        bad["id"] = 3
        source = self.service.write("moved.jsonl", lines(good, bad))
        match = (*EMAIL, "--match-index", "exact", "--in", source)
        term = "ada@example.org"
        done = self.refused("line 2: shop.user.email does not decrypt", "field", "decrypt", *match, stdin=term)
        self.assertEqual(done.stdout, b"")
        done = self.refused("1 value(s)", "field", "decrypt", *match, "--keep-going", stdin=term)
        self.assertEqual([row["email"] for row in parsed(done.stdout)], ["ada@example.org", None])

    def test_tokens_of_records_and_of_searches_are_the_same(self):
        row = self.with_tokens({"id": 1, "email": "ada@example.org", "income": "52000"}, options=BOTH)[0]
        for index, term in (("exact", "ada@example.org"), ("one", "ADA@example.org ")):
            answer = self.service.json("field", "search", "--field", "shop.user.email", "--index", index, stdin=term)
            self.assertEqual(answer["versions"][0]["sets"], [[row[f"email_{index}"]]])
        compound = self.service.json("field", "search", "--field", "shop.user.income", "--index", "both",
                                     stdin="ada@example.org\n52000\n")
        self.assertEqual(compound["versions"][0]["sets"], [[row["income_both"]]])
        part = self.service.json("field", "search", "--field", "shop.user.email", "--index", "part", stdin="EXAMP")
        self.assertEqual(part["versions"][0]["match"], "all")
        self.assertLessEqual(set(part["versions"][0]["sets"][0]), set(row["email_part"]))
        for low, high, found in (("0", "60000", True), ("52000", "52000", True), ("52001", "60000", False)):
            between = self.service.json("field", "search", "--field", "shop.user.income", "--index", "range",
                                        stdin=f"{low}\n{high}\n")["versions"][0]
            self.assertEqual(between["match"], "any")
            self.assertEqual(bool(set(between["sets"][0]) & set(row["income_range"])), found, (low, high))

    def test_anchors_are_asked_for(self):
        options = ("--field", "shop.user.email", "--index", "part")
        anywhere, start = (self.search("example", *options, *more) for more in ((), ("--at-start",)))
        self.assertNotEqual(anywhere, start)

    def test_matching_a_compound_needs_its_parts_in_the_same_call(self):
        rows = self.with_tokens({"id": 1, "email": "a@example.org", "income": "1"},
                                {"id": 2, "email": "b@example.org", "income": "1"},
                                {"id": 3, "email": None, "income": "1"}, options=BOTH)
        self.assertIsNone(rows[2]["income_both"])
        source = self.service.write("both.jsonl", lines(*rows))
        match = ("--match-index", "both", "--in", source)
        out = self.service.ok("field", "decrypt", *BOTH, *match, stdin="b@example.org\n1\n")
        self.assertEqual([row["id"] for row in parsed(out)], [2])
        self.refused("needs the fields of all its parts in the same call", "field", "decrypt", "--field",
                     "shop.user.income", "--row", "id", *match, stdin="b@example.org\n1\n")

    def test_csv_has_the_same_tokens_in_postgresqls_forms(self):
        row = self.with_tokens({"id": 1, "email": "ada@example.org"})[0]
        out = self.service.ok("field", "encrypt", *EMAIL, "--tokens", "--format", "csv",
                              stdin="id,email\r\n1,ada@example.org\r\n2,\r\n").decode()
        first, second = csv.DictReader(io.StringIO(out, newline=""))
        for column in ("email_exact", "email_exact_iv", "email_one", "email_part_iv"):
            self.assertEqual(first[column], str(row[column]))
            self.assertEqual(second[column], "")
        self.assertEqual(first["email_part"], "{" + ",".join(map(str, row["email_part"])) + "}")
        self.assertEqual(out.count("\r\n"), 3)

    def test_rewrap_adds_tokens_for_the_application_only(self):
        record = {"id": 1, "email": "ada@example.org"}
        plain = self.service.ok("field", "encrypt", *EMAIL, stdin=lines(record))
        rewrapped = parsed(self.service.ok("field", "rewrap", *EMAIL, "--tokens", "--role", "app", stdin=plain))[0]
        self.assertEqual(rewrapped["email_exact"], self.with_tokens(record)[0]["email_exact"])
        done = self.refused("gave no index tokens of shop.user.email", "field", "rewrap", *EMAIL, "--tokens", "--role",
                            "dba", stdin=plain)
        self.assertIn(b"it gives them to role app only: run this as app, or leave out --tokens", done.stderr)
        self.assertEqual(done.stdout, b"")

    def test_columns_are_named_by_the_record_and_by_the_caller(self):
        mapped = ("--map", "shop.user.email=mail", "--row", "id")
        row = self.with_tokens({"id": 1, "mail": "ada@example.org"}, options=mapped)[0]
        self.assertIn("mail_exact", row)
        where = self.search("ada@example.org", *EXACT, "--column", "u_1.mail_exact")
        self.assertEqual(where, f"(u_1.mail_exact_iv = 1 AND u_1.mail_exact IN ({row['mail_exact']}))\n")

    BAD_SEARCHES = [
        (("--field", "shop.user.email", "--index", "none"), b"canary", "shop.user.email has no index of that name", 1),
        (("--field", "shop.user.note", "--index", "exact"), b"canary", "shop.user.note has no index", 1),
        (("--field", "shop.user.none", "--index", "exact"), b"canary", "the catalog has no field shop.user.none", 1),
        (("--field", "shop.user.email", "--index", "part"), b"ca", "the needle is shorter than the n-grams", 1),
        (EXACT, b"canary\xff", "the text is not UTF-8", 1),
        ((*EXACT, "--at-start"), b"canary", "are for n-gram indexes", 2),
        ((*EXACT, "--plaintext", "base64"), b"canary!", "the search term is no base64", 2),
        ((*EXACT, "--tenant", "nobody"), b"canary", "there is no tenant of this name", 1),
        ((*EXACT, "--value-file", "/nonexistent/term"), b"", "/nonexistent/term", 1),
        (("--field", "shop.user.income", "--index", "range"), b"1\n", "must have 2 lines", 2),
        (("--field", "shop.user.income", "--index", "range"), b"canary\n5\n", "is not a number", 1),
        (("--field", "shop.user.income", "--index", "range"), b"1\n1000001\n", "outside the index's domain", 1),
        (("--field", "shop.user.income", "--index", "both"), b"canary\n5\n6\n", "must have 2 lines", 2),
        ((*EXACT, "--role", "dba"), b"canary", "the policy does not allow this", 1),
    ]

    def test_bad_searches_are_one_sentence_without_the_term(self):
        for options, term, sentence, code in self.BAD_SEARCHES:
            with self.subTest(options=options, term=term):
                done = self.refused(sentence, "field", "search", *options, stdin=term, code=code)
                self.assertEqual(done.stdout, b"")
                self.assertTrue(done.stderr.startswith(b"coffer: "))

    def test_bad_records_and_columns_are_refused(self):
        source = self.service.write("twice.jsonl", lines({"id": 1, "email": "canary", "email_exact": 5}))
        header = self.service.write("twice.csv", "id,email,email_one\n1,canary,\n")
        for arguments, sentence in (
            (("encrypt", *EMAIL, "--tokens", "--in", source), "line 1: has the key email_exact already"),
            (("encrypt", *EMAIL, "--tokens", "--in", header), "line 1: the header has the column email_one already"),
            (("encrypt", "--field", "shop.user.note", "--row", "id", "--tokens"), "none of these fields has an index"),
            (("encrypt", "--field", "shop.user.email", "--row", "email_exact", "--tokens"),
             "would be called email_exact"),
            (("decrypt", *EMAIL, "--match-index", "none", "--match-file", source), "has no index of that name"),
            (("decrypt", *EMAIL, "--match-index", "exact", "--match-file", "/nonexistent/term"), "/nonexistent/term"),
        ):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.refused(sentence, "field", *arguments).stdout, b"")


class Rotation(unittest.TestCase):
    def test_both_live_versions_are_searched_and_a_unique_index_writes_both(self):
        service = Service()
        self.addCleanup(service.close)
        service.ok("keyring", "create", "shop-index", "--purpose", "index")
        service.apply_catalog(CATALOG)
        record = lines({"id": 1, "email": "ada@example.org"})
        self.assertEqual(service.ok("field", "search", *EXACT, stdin="ada@example.org"), b"FALSE\n")  # none was written
        before = json.loads(service.ok("field", "encrypt", *EMAIL, "--tokens", stdin=record))
        service.ok("keyring", "rotate", "shop-index", "--role", "dba")
        service.ok("apply", "catalog.toml")
        after = json.loads(service.ok("field", "encrypt", *EMAIL, "--tokens", stdin=record))
        self.assertEqual((after["email_exact"], after["email_exact_iv"]), (before["email_exact"], 1))
        self.assertEqual(after["email_one"], before["email_one"])
        exact = service.json("field", "search", *EXACT, stdin="ada@example.org")
        self.assertEqual([version["version"] for version in exact["versions"]], [1, 2])
        self.assertIn("\n OR email_exact_iv = 2 AND email_exact IN (", exact["predicate"])
        one = service.json("field", "search", "--field", "shop.user.email", "--index", "one", stdin="ada@example.org")
        self.assertEqual([version["column"] for version in one["versions"]], ["email_one", "email_one_2"])
        self.assertEqual(one["versions"][1]["sets"], [[after["email_one_2"]]])


class Plan(unittest.TestCase):
    FLAG = """[field."user.flag"]
class   = "pii"
keyring = "shop"
row     = "int64"
expect  = { rows = 1000000, distinct = 2, top_share = 0.6 }
[field."user.flag".index.set]
kind    = "equality"
keyring = "shop-index"
bits    = 8
"""

    def plan(self, text, *options):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "catalog.toml")
            path.write_text(text)
            return subprocess.run([Programs.coffer(), "catalog", "plan", str(path), *options], capture_output=True,
                                  timeout=60, env=clean_environment(COFFER_SERVER="unix:/nonexistent"), check=False)

    def test_it_says_what_each_index_leaks_without_a_service(self):
        done = self.plan(CATALOG)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(b"user.email index exact\n  equality, 16 bits", done.stdout)
        self.assertIn(b"leaks: equal values have equal tokens", done.stdout)
        self.assertIn(b"table user\n", done.stdout)

    def test_json_has_the_figures(self):
        plan = json.loads(self.plan(CATALOG, "--output", "json").stdout)
        exact = next(index for index in plan["indexes"] if index["index"] == "exact")
        self.assertEqual((exact["field"], exact["bits"], exact["refused"]), ("user.email", 16, False))
        self.assertEqual(exact["advised_bits"], {"min": 10, "max": 18})
        self.assertEqual(plan["tables"][0]["table"], "user")

    def test_a_refused_index_is_exit_1_until_it_is_accepted(self):
        done = self.plan(CATALOG + self.FLAG)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"refused: there are fewer than 256", done.stdout)
        self.assertIn(b"coffer: apply would refuse 1 of these", done.stderr)
        done = self.plan(CATALOG + self.FLAG, "-o", "json")
        self.assertEqual(done.returncode, 1)
        self.assertEqual([i["index"] for i in json.loads(done.stdout)["indexes"] if i["refused"]], ["set"])
        done = self.plan(CATALOG + self.FLAG + 'accept_leak = "a test"\n')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"accepted: there are fewer than 256", done.stdout)

    def test_a_catalog_without_indexes_says_so(self):
        done = self.plan('scope = "shop"\n[field."user.note"]\nclass = "internal"\nkeyring = "shop"\nrow = "int64"\n')
        self.assertEqual((done.returncode, done.stdout), (0, b"no indexes\n"))


if __name__ == "__main__":
    Programs.bin = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
