"""coffer grafana scan against SQLite databases that the test makes, and a dump of one (PostgreSQL is in tests/e2e).

No service is needed."""

import base64
import contextlib
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from grafana_crypto import DEFAULT_KEY, Encryptor, b64  # noqa: E402
from grafana_planted import MANAGER_KEY, OWN_KEY, clean_world, expected, exposed_world, place_of  # noqa: E402
from grafana_sample import sample_sql  # noqa: E402
from grafana_schema import Statements  # noqa: E402
from service import Programs, clean_environment  # noqa: E402

def scan(*arguments, stdin=b"", **environment):
    return subprocess.run([Programs.coffer(), "grafana", "scan", *arguments], input=stdin, capture_output=True,
                          timeout=120, env=clean_environment(**environment), check=False)


class Scan(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.exposed, cls.clean = exposed_world(), clean_world()
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = temporary.name

    def database(self, world, name="grafana.db"):
        statements = world if isinstance(world, Statements) else world.statements
        path = pathlib.Path(self.folder, name)
        path.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.executescript(statements.sql())
        return str(path)

    def file(self, name, text):
        path = pathlib.Path(self.folder, name)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    def report(self, *arguments, code, **options):
        done = scan(*arguments, "--output", "json", **options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stderr, b"")
        return json.loads(done.stdout)

    def assert_found(self, report, world, **opens):
        self.assertEqual(sorted(map(place_of, report["findings"]), key=repr), expected(world, **opens))

    def assert_silent(self, output, world):
        """Nothing of a secret is in the output: neither as it is, nor in base64 or hex."""
        for secret in world.secrets:
            needle = secret.needle.encode()
            parts = [needle, needle.hex().encode()]
            for shift in range(3):  # base64 of it inside something longer
                parts.append(base64.b64encode(b"\0" * shift + needle)[4 if shift else 0:].rstrip(b"=")[:-1])
            for part in parts:
                self.assertNotIn(part, output, secret.table)

    def test_there_are_200_secrets_of_every_protection(self):
        self.assertEqual(len({secret.needle for secret in self.exposed.secrets}), 200)
        self.assertEqual({secret.protection for secret in self.exposed.secrets},
                         {"envelope", "legacy", "secrets-manager", "unknown-data-key", "plaintext", "misplaced"})

    def test_each_of_200_secrets_is_found_at_its_place(self):
        report = self.report(self.database(self.exposed), code=1)
        self.assert_found(report, self.exposed, security="anyone", manager="anyone")
        self.assertEqual(report["exposed"], 194)
        self.assertEqual(report["secrets"], 200)
        self.assertEqual(report["readable_by"],
                         {"anyone": 194, "given-key": 0, "key-holder": 3, "nobody": 3, "unknown": 0})

    def test_no_value_is_printed(self):
        database = self.database(self.exposed)
        for arguments in ([], ["--all"], ["--output", "json"], ["--all", "--output", "json"]):
            done = scan(database, *arguments)
            self.assertEqual(done.returncode, 1)
            self.assert_silent(done.stdout + done.stderr, self.exposed)
            self.assertNotIn(DEFAULT_KEY.encode(), done.stdout)

    def test_a_clean_database_has_no_false_finding(self):
        database = self.database(self.clean)
        self.assert_found(self.report(database, code=0), self.clean)
        done = scan(database)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"0 of 143 secrets can be read by whoever holds this database.\n", done.stdout)

    def test_given_keys_tell_what_is_under_them(self):
        database = self.database(self.clean)
        own, manager = self.file("own.txt", OWN_KEY + "\n"), self.file("manager.txt", MANAGER_KEY)
        report = self.report(database, "--secret-key-file", own, "--secrets-manager-key-file", manager, code=0)
        self.assert_found(report, self.clean, security="given-key", manager="given-key")
        self.assertEqual((report["secret_key"], report["secrets_manager_key"]), ("opens", "opens"))
        wrong = self.report(database, "--secret-key-file", manager, code=0)
        self.assert_found(wrong, self.clean)
        self.assertEqual((wrong["secret_key"], wrong["secrets_manager_key"]), ("opens-none", "none"))
        piped = self.report(database, "--secret-key-file", "-", stdin=OWN_KEY.encode(), code=0)
        self.assertEqual(piped["secret_key"], "opens")
        text = scan(database, "--secret-key-file", own, "--secrets-manager-key-file", manager)
        self.assert_silent(text.stdout + text.stderr, self.clean)
        self.assertNotIn(OWN_KEY.encode(), text.stdout)

    def test_the_two_keys_are_apart(self):
        report = self.report(self.database(exposed_world(OWN_KEY)), code=1)
        self.assert_found(report, self.exposed, manager="anyone")

    def test_data_keys_are_told(self):
        report = self.report(self.database(self.exposed), code=1)
        keys = {key["id"]: key for key in report["data_keys"]}
        self.assertEqual(set(keys), {"k1", "k2", "kms", "unused", "gone", "m1"})
        self.assertEqual(keys["gone"]["has_row"], False)
        self.assertEqual(keys["gone"]["cells"], 3)
        self.assertEqual((keys["unused"]["cells"], keys["unused"]["active"]), (0, False))
        self.assertEqual((keys["kms"]["provider"], keys["kms"]["readable_by"]), ("awskms.prod", "key-holder"))
        self.assertEqual((keys["m1"]["table"], keys["m1"]["cells"]), ("secret_data_key", 6))
        self.assertEqual(keys["k2"]["cells"], 6)

    def test_text_has_headline_groups_facts_and_next_steps(self):
        text = scan(self.database(self.exposed)).stdout.decode()
        self.assertTrue(text.startswith("194 of 200 secrets can be read by whoever holds this database.\n"), text[:200])
        for part in ("\nReadable by whoever holds this database:\n", "data_source.secure_json_data",
                     "data key, aes-cfb, under the default key", "none: a password in a URL",
                     "password of id=1 org_id=1 type=postgres uid=ds1 name=Source 1",
                     "\nNot readable from this database alone:\n", "a data key without a row",
                     "5 data keys: 3 active, 2 old, 1 with nothing under it here.",
                     "1 data key is gone, and with it 3 values.",
                     "1 session is kept as hashes keyed with secret_key",
                     "Tables of old versions hold 18 copies", "\nNext:\n", "coffer grafana rotate-secret-key DATABASE"):
            self.assertIn(part, text)
        self.assertLess(max(map(len, text.splitlines())), 400)

    def test_all_lists_every_place_and_counts_personal_data(self):
        text = scan(self.database(self.exposed), "--all").stdout.decode()
        places = text.split("\nEvery place:\n")[1].split("\nAlso:")[0].splitlines()
        self.assertEqual(len(places), 200)
        self.assertIn("  anyone  misplaced:url-password  dashboard.data: panels[0].options.content of id=1 org_id=1 "
                      "uid=d title=D", places)
        self.assertIn("user.email: 1 value about persons, in clear.", text)
        self.assertNotIn("ada@example.org", text)

    def test_nothing_in_it_is_nothing_found(self):
        done = scan(self.database(Statements()))
        self.assertEqual((done.returncode, done.stdout), (0, b"No secret was found in this database.\n"))

    def test_what_stands_in_a_tables_place_is_named(self):
        """A view, a virtual table: as the database is, and in a dump of it."""
        for sql, kind, why in (("CREATE VIEW data_source AS SELECT 'hunter2' AS password", "view", "it is a view"),
                               ("CREATE VIRTUAL TABLE data_source USING fts5(password)", "virtual-table",
                                "it is a virtual table")):
            database = self.database(Statements())
            with contextlib.closing(sqlite3.connect(database)) as connection:
                connection.executescript(f"DROP TABLE data_source; {sql}")
                dump = "\n".join(["BEGIN TRANSACTION;", *(
                    f"{statement};" for statement, in connection.execute(
                        "SELECT sql FROM sqlite_schema WHERE sql NOT NULL AND name NOT LIKE 'data_source_%'")),
                    "COMMIT;"])
            for arguments, stdin in (([database], b""), (["-"], dump.encode())):
                done = scan(*arguments, stdin=stdin)
                self.assertEqual((done.returncode, done.stderr), (1, b""), kind)
                headline = b"No secret was found in this database; 1 table was not examined.\n"
                self.assertTrue(done.stdout.startswith(headline), done.stdout)
                self.assertIn(f"\n  data_source: not examined: {why}".encode(), done.stdout)
                report = self.report(*arguments, stdin=stdin, code=1)
                self.assertEqual(report["not_examined"], [{"table": "data_source", "is": kind}])
                self.assertNotIn("data_source", report["tables"])

    def test_what_was_accepted_counts_no_more_and_is_shown(self):
        statements = Statements()
        statements.add("data_source", url="https://u:s3cr3tcanary@h.example/")
        statements.add("data_source", secure_json_data='{"password": "cut')
        database = self.database(statements)
        lines = [line.strip() for line in
                 scan(database, "--all").stdout.decode().split("\nEvery place:\n")[1].split("\n\n")[0].splitlines()]
        self.assertEqual(sorted(line.split("  ")[:2] for line in lines),
                         [["anyone", "misplaced:url-password"], ["unknown", "unreadable"]])
        self.assertEqual(lines, [finding["line"] for finding in self.report(database, code=1)["findings"]])
        accepted = self.file("accepted.txt", "# judged by ada\n\n" + "\n".join(lines) + "\n")
        done = scan(database, "--accept", accepted, "--all")
        self.assertEqual((done.returncode, done.stderr), (0, b""), done.stdout)
        text = done.stdout.decode()
        self.assertIn("1 secret can be read by whoever holds this database; 1 value could not be judged; 2 findings "
                      "are accepted.\n", text)
        self.assertNotIn("\nReadable by whoever holds this database:", text)
        self.assertIn("\nAccepted:\n", text)
        self.assertIn("\nEvery accepted place:\n  " + "\n  ".join(lines) + "\n", text)
        report = self.report(database, "--accept", accepted, code=0)
        self.assertEqual([finding["accepted"] for finding in report["findings"]], [True, True])
        self.assertEqual((report["exposed"], report["unjudged"], report["accepted"]), (1, 1, 2))

        one = self.file("one.txt", lines[0] + "\n")
        report = self.report(database, "--accept", one, code=1)
        self.assertEqual([finding["accepted"] for finding in report["findings"]], [True, False])
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.executescript(
                "UPDATE data_source SET url = 'xoxb-4711471147-canaryscaninadashboard' WHERE url <> ''")
        done = scan(database, "--accept", accepted)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"coffer: --accept: {accepted}: line 3: no finding is like this now: {lines[0]}\n".encode(),
                      done.stderr)
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.executescript("DELETE FROM data_source")
        done = scan(database, "--accept", accepted, "--output", "json")
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (0, 2), done.stderr)
        self.assertEqual(json.loads(done.stdout)["accepted"], 0)

    def test_names_cannot_write_on_the_terminal(self):
        statements = Statements()
        statements.add("data_source", name="\x1b[2J\u009b31m\nfake line", password="hunter2")
        done = scan(self.database(statements), "--all")
        self.assertNotIn(b"\x1b", done.stdout)
        self.assertNotIn("\u009b".encode(), done.stdout)
        self.assertIn(b"name=?[2J?31m?fake line", done.stdout)

    def test_broken_values_are_reported(self):
        statements = Statements()
        statements.add("data_source", secure_json_data='{"password": "cut')
        statements.add("alert_configuration", alertmanager_configuration="no json")
        report = self.report(self.database(statements), code=1)
        self.assertEqual((report["unreadable"], report["unjudged"], report["exposed"]), (2, 2, 0))
        self.assertEqual({finding["protection"] for finding in report["findings"]}, {"unreadable"})
        text = scan(self.database(statements)).stdout
        self.assertTrue(text.startswith(b"No secret was found in this database; 2 values could not be judged.\n"), text)
        self.assertIn(b"\nCould not be judged:\n", text)
        self.assertNotIn(b"Not readable from this database alone", text)
        self.assertIn(b"2 values could not be read; look at them.", text)

    def test_what_the_default_key_may_open_is_no_success(self):
        holder = b" can be read by whoever holds this database"
        for others, headline in (([], b"1 secret" + holder + b".\n"),
                                 ([OWN_KEY], b"0 of 2 secrets" + holder + b"; 1 value could not be judged.\n")):
            encryptor, statements = Encryptor(DEFAULT_KEY), Statements()
            encryptor.make_data_key("k1")
            statements.add("data_keys", name="k1", active=True, provider="secretKey.v1",
                           encrypted_data=encryptor.wrapped("k1"))
            statements.add("data_source", secure_json_data=json.dumps(
                {"password": b64(encryptor.envelope("hunter2!", "k1"))}))
            for other in others:
                statements.add("data_source", secure_json_data=json.dumps(
                    {"password": b64(Encryptor(other).legacy("another password, long enough to tell"))}))
            done = scan(self.database(statements))
            self.assertEqual(done.returncode, 1)
            self.assertTrue(done.stdout.startswith(headline), done.stdout)

    def test_data_keys_that_are_not_in_a_dump_are_not_gone(self):
        statements = Statements()
        statements.rows = [(table, values) for table, values in self.clean.statements.rows if table != "data_keys"]
        sql = statements.sql(all_tables=False).encode()
        report = json.loads(scan("-", "--output", "json", stdin=sql).stdout)
        self.assertEqual(report["readable_by"]["nobody"], 0)
        self.assertGreater(report["readable_by"]["unknown"], 100)
        self.assertEqual(report["data_key_rows"], {"data_keys": "no-table", "secret_data_key": "all"})
        done = scan("-", stdin=sql)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"There is no table data_keys in what was scanned: ", done.stdout)

    def test_secrets_in_keys_and_names_are_found_and_not_printed(self):
        statements, url = Statements(), "https://u:s3cr3tcanary@h.example/"
        statements.add("data_source", name=url, json_data=json.dumps({url: {"password": "x1"}}))
        statements.add("annotation", data=json.dumps({url: 1}))
        database = self.database(statements)
        self.assertEqual({(finding["table"], finding["column"], finding["path"])
                          for finding in self.report(database, code=1)["findings"]},
                         {("data_source", "name", ""), ("data_source", "json_data", "<key>"),
                          ("data_source", "json_data", "<key>.password"), ("annotation", "data", "<key>")})
        for arguments in (["--all"], ["--output", "json"]):
            self.assertNotIn(b"s3cr3tcanary", scan(database, *arguments).stdout)

    def test_json_has_nothing_that_a_terminal_obeys(self):
        statements = Statements()
        statements.add("data_source", name="\u009b31m\u202e\u2028\x7f\u00e4", password="hunter2")
        database = self.database(statements)
        output = scan(database, "--output", "json").stdout
        self.assertTrue(output.isascii() and b"\x7f" not in output)
        self.assertEqual(json.loads(output)["findings"][0]["row"]["name"], "\u009b31m\u202e\u2028?\u00e4")
        self.assertIn("name=?31m???\u00e4".encode(), scan(database, "--all").stdout)

    def test_bad_input_is_one_sentence_and_says_no_value(self):
        empty, binary = self.file("empty.txt", "\n"), self.file("binary", bytes(range(256)) * 8)
        other = str(pathlib.Path(self.folder, "other.db"))
        with contextlib.closing(sqlite3.connect(other)) as connection:
            connection.executescript("CREATE TABLE IF NOT EXISTS shop (id INTEGER)")
        good = self.database(self.clean)
        malformed = self.file("malformed.txt", "# fine\nanyone  plaintext  hunter2-canary\n")
        too_large = self.file("large.txt", "#" * (1 << 20) + "\n")
        password = "leave it out, and put it into PGPASSWORD"
        for arguments, code, sentence in (
                ([], 2, "database is required"),
                ([good, good], 2, "more arguments than it takes"),
                (["postgresql://app:hunter2-canary@db/grafana"], 2, password),
                (["postgres://app:hunter2/canary@db/grafana"], 2, password),
                (["postgresql://db/grafana?user=app&password=hunter2-canary"], 2, password),
                (["host=db password=hunter2-canary"], 2, password),
                (["mysql://app:hunter2-canary@db/grafana"], 2, password),
                (["mysql://db/hunter2-canary"], 2, "neither a file nor a postgresql:// URL"),
                ([str(pathlib.Path(self.folder, "absent.db"))], 1, "absent.db"),
                ([other], 2, "is no Grafana database"),
                ([self.folder], 2, "is a folder"),
                ([binary], 2, ""),
                ([good, "--secret-key-file", empty], 2, "--secret-key-file: there is no key in the file"),
                ([good, "--secret-key-file", "/nonexistent/key"], 1, "--secret-key-file: "),
                ([good, "--secret-key-file", binary], 2, "--secret-key-file: "),
                ([good, "--secrets-manager-key-file", empty], 2, "--secrets-manager-key-file: there is no key"),
                (["-", "--secret-key-file", "-"], 2, "standard input can be one thing only"),
                ([good, "--accept", malformed], 2, "malformed.txt: line 2: is no finding that anyone can read, or may"),
                ([good, "--accept", binary], 2, "line 1: "),
                ([good, "--accept", too_large], 1, "--accept: "),
                ([good, "--accept", "/nonexistent/accepted"], 1, "--accept: /nonexistent/accepted: "),
                ([good, "--accept", self.folder], 1, "--accept: "),
                ([good, "--secret-key", "hunter2-canary"], 2, "no option --secret-key")):
            with self.subTest(arguments=arguments):
                done = scan(*arguments)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(sentence, done.stderr.decode())
                self.assertTrue(done.stderr.startswith(b"coffer: "), done.stderr)
                self.assertNotIn(b"hunter2", done.stdout + done.stderr)
                self.assertEqual(done.stdout, b"")

    def test_a_dump_on_standard_input_shows_the_same(self):
        done = scan("-", "--output", "json", stdin=self.exposed.statements.sql().encode())
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assert_found(json.loads(done.stdout), self.exposed, security="anyone", manager="anyone")

    def test_what_pg_restore_says_cannot_write_on_the_terminal(self):
        """And however much it says, before it writes and after: none waits for the other."""
        program = self.file("pg_restore", """#!/bin/sh
            head -c 1000000 /dev/zero >&2
            echo '-- PostgreSQL database dump'
            head -c 1000000 /dev/zero >&2
            printf '\\nforgotten\\npg_restore: error: it is \\033[2J\\302\\233m bad\\n' >&2
            exit 1
            """)
        pathlib.Path(program).chmod(0o700)
        done = scan(self.file("archive.dump", b"PGDMP\x01\x0e"), PATH=f"{self.folder}:{os.environ['PATH']}")
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertEqual(done.stderr.decode(), "coffer: it is ?[2J??m bad: pg_restore cannot read the archive: it is "
                                               "damaged, cut short or of a newer PostgreSQL\n")

    def test_the_demos_sample_is_what_its_program_makes(self):
        sample = pathlib.Path(__file__).resolve().parent.parent / "demo" / "grafana.sql"
        self.assertEqual(sample.read_text(), sample_sql(), f"run tests/cli/grafana_sample.py > {sample}")
        text = scan("-", stdin=sample.read_bytes())
        self.assertEqual(text.returncode, 1)
        self.assertTrue(text.stdout.startswith(b"9 secrets can be read by whoever holds this database.\n"), text.stdout)
        self.assertNotIn(b"canary", text.stdout)

    def test_the_output_may_be_cut_off(self):
        command = [Programs.coffer(), "grafana", "scan", self.database(self.exposed), "--output", "json"]
        with open("/dev/full", "wb") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=120, env=clean_environment(),
                                  check=False)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.startswith(b"coffer: "), done.stderr)


if __name__ == "__main__":
    Programs.bin = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
