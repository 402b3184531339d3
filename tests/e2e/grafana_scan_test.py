"""coffer grafana scan against a real PostgreSQL and what pg_dump makes of it: the same findings from each.

Skipped where there is no PostgreSQL.
"""

import contextlib
import json
import pathlib
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.append(str(HERE.parent / "cli"))

from grafana_planted import clean_world, exposed_world, expected, place_of  # noqa: E402
from postgres import OWNER, Postgres, exit_unless_installed  # noqa: E402
from service import DEADLINE_S, Programs, clean_environment, run  # noqa: E402


class GrafanaScan(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres().start()
        cls.addClassCleanup(cls.postgres.close)
        cls.exposed, cls.clean = exposed_world(), clean_world()
        for name, world in (("grafana", cls.exposed), ("clean", cls.clean)):
            cls.postgres.create_database(name)
            cls.postgres.query(world.statements.sql("postgres"), name)

    def scan(self, *arguments, stdin=b"", **environment):
        done = subprocess.run([Programs.coffer(), "grafana", "scan", *arguments, "--output", "json"], input=stdin,
                              capture_output=True, timeout=DEADLINE_S, check=False,
                              env=clean_environment(**environment))
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return done.returncode, json.loads(done.stdout)

    def url(self, database):
        return f"postgresql://{OWNER}@/{database}?host={self.postgres.sockets}"

    def dump(self, database, *arguments):
        return subprocess.run([self.postgres.bin / "pg_dump", *arguments, database], capture_output=True, check=True,
                              timeout=DEADLINE_S, env=self.postgres.environment()).stdout

    def assert_found(self, report, world, **opens):
        self.assertEqual(sorted(map(place_of, report["findings"]), key=repr), expected(world, **opens))

    def test_a_server_shows_all_200(self):
        code, report = self.scan(self.url("grafana"))
        self.assertEqual(code, 1)
        self.assert_found(report, self.exposed, security="anyone", manager="anyone")

    def test_a_servers_clean_database_has_no_false_finding(self):
        code, report = self.scan(self.url("clean"))
        self.assertEqual(code, 0)
        self.assert_found(report, self.clean)

    def test_dumps_of_each_form_show_all_200(self):
        for form in (["--format=plain"], ["--format=plain", "--inserts"], ["--format=plain", "--column-inserts"]):
            with self.subTest(form=form):
                code, report = self.scan("-", stdin=self.dump("grafana", *form))
                self.assertEqual(code, 1)
                self.assert_found(report, self.exposed, security="anyone", manager="anyone")
        archive = self.postgres.folder / "grafana.dump"
        archive.write_bytes(self.dump("grafana", "--format=custom"))
        _, report = self.scan(str(archive), PATH=self.postgres.environment()["PATH"])
        self.assert_found(report, self.exposed, security="anyone", manager="anyone")

    def test_what_stands_in_a_tables_place_is_named(self):
        sql = ("CREATE TABLE user_auth_token (id int); CREATE MATERIALIZED VIEW data_keys AS SELECT 1 AS name;"
               "CREATE VIEW data_source AS SELECT 'hunter2' AS password; CREATE FOREIGN DATA WRAPPER w;"
               "CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE user_auth (id int) SERVER s;"
               "CREATE TABLE secrets (id int, value text) PARTITION BY RANGE (id);"
               "CREATE TABLE first PARTITION OF secrets FOR VALUES FROM (0) TO (9);"
               "INSERT INTO secrets VALUES (1, 'in a partition')")
        self.postgres.create_database("viewed")
        self.postgres.query(sql, "viewed")
        expected_kinds = {"data_source": "view", "data_keys": "materialized-view", "user_auth": "foreign-table"}
        archive = self.postgres.folder / "viewed.dump"
        archive.write_bytes(self.dump("viewed", "--format=custom"))
        for source, is_dump, stdin in ((self.url("viewed"), False, b""), ("-", True, self.dump("viewed")),
                                       (str(archive), True, b"")):
            with self.subTest(source=source):
                code, report = self.scan(source, stdin=stdin, PATH=self.postgres.environment()["PATH"])
                self.assertEqual(code, 1)
                # A dump has the rows of a partitioned table in its parts' names.
                self.assertEqual({each["table"]: each["is"] for each in report["not_examined"]},
                                 {**expected_kinds, **({"secrets": "partitioned"} if is_dump else {})})
                self.assertEqual(report["exposed"], 0 if is_dump else 1)

    def test_a_reader_without_a_right_is_refused(self):
        self.postgres.query('CREATE ROLE looker LOGIN; GRANT SELECT ON data_source TO looker', "grafana")
        with contextlib.ExitStack() as stack:
            stack.callback(self.postgres.query, 'REVOKE ALL ON data_source FROM looker; DROP ROLE looker', "grafana")
            done = subprocess.run([Programs.coffer(), "grafana", "scan",
                                   f"postgresql://looker@/grafana?host={self.postgres.sockets}"], capture_output=True,
                                  timeout=DEADLINE_S, check=False, env=clean_environment())
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.startswith(b"coffer: "), done.stderr)
        self.assertEqual(done.stdout, b"")


if __name__ == "__main__":
    exit_unless_installed()
    run(globals())
