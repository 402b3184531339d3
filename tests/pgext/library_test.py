"""The library itself: what it links, what it shows, and who may install it."""

import pathlib
import re
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from extension_server import (DEADLINE_S, L1, Build, Cluster, PostgresError, ciphertext, hex_of, run)  # noqa: E402


def output(*words):
    return subprocess.run(words, capture_output=True, check=True, timeout=DEADLINE_S).stdout.decode()


class Library(unittest.TestCase):
    def setUp(self):
        self.library = Build.folder / "coffer.so"

    def test_nothing_but_libc_is_linked(self):
        names = {line.split()[0] for line in output("ldd", self.library).splitlines()}
        self.assertEqual({re.sub(r".*/|\.so.*", "", name) for name in names}, {"linux-vdso", "libc", "ld-linux-x86-64"})

    def test_nothing_of_the_c_plus_plus_runtime_is_wanted(self):
        wanted = output("nm", "-D", "--undefined-only", self.library).split()
        self.assertIn("palloc", wanted)
        self.assertEqual([name for name in wanted if re.match(r"_Z|__cxa_(?!finalize)|__gxx|_Unwind", name)], [])

    def test_what_the_server_calls_is_shown_and_no_more(self):
        shown = {line.split()[-1] for line in output("nm", "-D", "--defined-only", self.library).splitlines()}
        self.assertLess({"Pg_magic_func", "_PG_init", "coffer_ciphertext_in"}, shown)
        called = re.compile(r"(pg_finfo_)?coffer_|Pg_magic_func$|_PG_init$")
        self.assertEqual([name for name in shown if not called.match(name)], [])


class Trusted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster().start()

    @classmethod
    def tearDownClass(cls):
        cls.cluster.close()

    def make_owned(self, name):
        """A database of a role that may create nothing in the cluster."""
        self.cluster.query(f"CREATE ROLE {name}_owner LOGIN; CREATE DATABASE {name} OWNER {name}_owner")

    def as_owner(self, name, sql):
        return self.cluster.query(f"SET SESSION AUTHORIZATION {name}_owner;\n{sql}", name)

    def test_a_database_owner_installs_level_2(self):
        self.make_owned("own")
        self.as_owner("own", f"""CREATE EXTENSION coffer;
            CREATE TABLE t (c coffer.ciphertext); INSERT INTO t VALUES ({hex_of(ciphertext())})""")
        self.assertEqual(self.as_owner("own", "SELECT coffer.key_id(c) FROM t"), [["7"]])
        self.assertEqual(self.as_owner("own", "SELECT extowner::regrole FROM pg_extension WHERE extname = 'coffer'"),
                         [["own_owner"]])
        self.as_owner("own", "DROP TABLE t; DROP EXTENSION coffer")

    def test_a_guest_does_not(self):
        self.make_owned("other")
        self.cluster.query("CREATE ROLE guest LOGIN")
        with self.assertRaises(PostgresError) as raised:
            self.cluster.query("SET SESSION AUTHORIZATION guest; CREATE EXTENSION coffer", "other")
        self.assertEqual(raised.exception.code, "42501")

    def test_a_database_owner_installs_level_1_and_takes_it_over(self):
        self.make_owned("grown")
        self.as_owner("grown", L1)
        self.as_owner("grown", "CREATE EXTENSION coffer VERSION 'l1'; ALTER EXTENSION coffer UPDATE")
        self.assertEqual(self.as_owner("grown", "SELECT extversion FROM pg_extension WHERE extname = 'coffer'"),
                         [["0.1.0"]])
        # What runs as C is no longer his to change.
        owners = self.cluster.query("SELECT DISTINCT r.rolname FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner "
                                    "WHERE p.pronamespace = 'coffer'::regnamespace", "grown")
        self.assertEqual(owners, [["postgres"]])

    def test_taking_over_gives_nobody_the_rights_of_a_superuser(self):
        """Functions that a database owner made look like level 1, and are his until they are replaced."""
        self.make_owned("evil")
        self.as_owner("evil", L1)
        self.as_owner("evil", "CREATE OR REPLACE FUNCTION coffer.create_roles() RETURNS void SECURITY DEFINER "
                              "LANGUAGE plpgsql AS $$ BEGIN ALTER ROLE evil_owner SUPERUSER; END $$")
        self.as_owner("evil", "CREATE EXTENSION coffer VERSION 'l1'")
        with self.assertRaises(PostgresError) as raised:
            self.as_owner("evil", "SELECT coffer.create_roles()")
        self.assertEqual(raised.exception.code, "42501")
        self.as_owner("evil", "ALTER EXTENSION coffer UPDATE; SELECT coffer.create_roles()")
        self.assertEqual(self.cluster.query("SELECT rolsuper FROM pg_roles WHERE rolname = 'evil_owner'"), [["f"]])

    def test_what_somebody_left_in_the_schema_is_not_taken_over(self):
        self.make_owned("trap")
        self.as_owner("trap", "CREATE SCHEMA coffer; CREATE FUNCTION coffer.is_ciphertext(value bytea) RETURNS boolean "
                              "LANGUAGE sql RETURN true")
        with self.assertRaises(PostgresError) as raised:
            self.as_owner("trap", "CREATE EXTENSION coffer")
        self.assertIn("not a member of extension", str(raised.exception))
        with self.assertRaises(PostgresError):
            self.as_owner("trap", "CREATE EXTENSION coffer VERSION 'l1'")
        self.assertEqual(self.as_owner("trap", "SELECT count(*) FROM pg_extension WHERE extname = 'coffer'"), [["0"]])


if __name__ == "__main__":
    run(globals())
