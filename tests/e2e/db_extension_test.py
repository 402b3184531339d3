"""A member of coffer_dba rewraps and counts a column of type coffer.ciphertext, and one of bytea under the extension's
CHECK, without a right to anything else. Skipped where there is no PostgreSQL, or no built extension beside the
programs.
"""

import contextlib
import csv
import io
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "pgext"))

from extension_server import PRELOADED, Build, Cluster  # noqa: E402
from postgres import exit_unless_installed  # noqa: E402
from service import Service, run  # noqa: E402

ROWS = 300
TABLES = """
CREATE EXTENSION coffer;
SELECT coffer.create_roles();
CREATE ROLE dba LOGIN IN ROLE coffer_dba;
CREATE ROLE owner LOGIN;
CREATE SCHEMA typed AUTHORIZATION owner;
CREATE SCHEMA checked AUTHORIZATION owner;
GRANT USAGE ON SCHEMA typed, checked TO coffer_dba;
GRANT USAGE ON SCHEMA coffer TO owner;
SET ROLE owner;
CREATE TABLE typed."user" (id bigint PRIMARY KEY, email coffer.ciphertext);
CREATE TABLE checked."user" (id bigint PRIMARY KEY, email bytea);
SELECT coffer.protect('checked."user"', 'email');
SELECT coffer.grant_roles('typed."user"');
SELECT coffer.grant_roles('checked."user"');
"""


class Extension(unittest.TestCase):
    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.service = stack.enter_context(contextlib.closing(Service().start_initialised()))
        self.service.apply_catalog()
        self.cluster = stack.enter_context(contextlib.closing(Cluster(PRELOADED).start()))
        self.cluster.create_database("shop")
        self.query(TABLES)
        self.name = f"postgresql:///shop?host={self.cluster.sockets}&user=dba"

    def query(self, sql):
        return self.cluster.query(sql, "shop", cwd=self.service.folder)

    def fill(self):
        text = io.StringIO()
        csv.writer(text).writerows([["id", "email"], *([i, f"user{i}@example.org"] for i in range(ROWS))])
        encrypted = self.service.ok("field", "encrypt", "--field", "shop.user.email", "--row", "id", "--format", "csv",
                                    "--ciphertext", "hex", stdin=text.getvalue())
        self.service.write("rows.csv", encrypted)
        for schema in ("typed", "checked"):
            self.query(f"\\copy {schema}.\"user\" FROM 'rows.csv' CSV HEADER")

    def counts(self, schema):
        census = self.service.json("db", "census", self.name, "--column", f"{schema}.user.email")
        return [key["values"] for key in census["keys"]], census["keys"][-1]["key_id"]

    def test_a_dba_rewraps_what_the_extension_protects(self):
        self.fill()
        self.service.ok("keyring", "rotate", "shop", "--role", "dba")
        for schema in ("typed", "checked"):
            with self.subTest(schema=schema):
                self.assertEqual(self.counts(schema)[0], [ROWS])
                done = self.service.json("db", "rewrap", self.name, "--field", f"shop.user.email={schema}.user.email")
                (report,) = done["fields"]
                self.assertEqual((report["rewrapped"], report["left"]), (ROWS, 0))
                (key,) = self.query(f'SELECT DISTINCT coffer.key_id(email) FROM {schema}."user"')
                self.assertEqual(self.counts(schema), ([ROWS], key[0]))
                rows = [{"id": int(one), "email": email}
                        for one, email in self.query(f'SELECT * FROM {schema}."user"')]
                read = self.service.decrypt("shop.user.email", "id", rows)
                self.assertEqual({row["id"]: row["email"] for row in read},
                                 {i: f"user{i}@example.org" for i in range(ROWS)})

    def test_a_type_that_only_looks_like_the_extensions_is_refused(self):
        self.query("DROP EXTENSION coffer CASCADE; DROP SCHEMA IF EXISTS coffer CASCADE;"
                   "GRANT CREATE ON DATABASE shop TO owner; SET ROLE owner; CREATE SCHEMA coffer;"
                   "CREATE DOMAIN coffer.ciphertext AS text; CREATE TABLE typed.fake (id bigint PRIMARY KEY,"
                   " email coffer.ciphertext); GRANT SELECT, UPDATE ON typed.fake TO PUBLIC")
        for command in (("rewrap", self.name, "--field", "shop.user.email=typed.fake.email"),
                        ("census", self.name, "--column", "typed.fake.email")):
            done = self.service.run("db", *command)
            self.assertEqual(done.returncode, 2)
            self.assertIn(b"is no bytea or coffer.ciphertext", done.stderr)


if __name__ == "__main__":
    exit_unless_installed()
    if len(sys.argv) > 1:
        Build.folder = pathlib.Path(sys.argv[1]).resolve().parent / "pgext"
        if not (Build.folder / "coffer.so").exists():
            print("skipped: the extension is not built")
            sys.exit(0)
    run(globals())
