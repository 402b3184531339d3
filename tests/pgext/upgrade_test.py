"""Level 1 becomes level 2 under living tables: nothing is rewritten, nothing is lost, and the result is what a clean
install gives. Back again as well.
"""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from extension_server import L1, Cluster, PostgresError, ciphertext, hex_of, run  # noqa: E402

MEMBERS = """SELECT d.classid::regclass, CASE d.classid WHEN 'pg_proc'::regclass THEN
    (SELECT format('%s %s %s %s %s %s %s %s', p.oid::regprocedure, prolang, provolatile, proisstrict, proparallel,
            proconfig, prosecdef, coalesce(prosrc, '')) FROM pg_proc p WHERE p.oid = d.objid)
    ELSE pg_describe_object(d.classid, d.objid, 0) END
  FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid AND d.refclassid = 'pg_extension'::regclass
 WHERE e.extname = 'coffer' AND d.deptype = 'e' ORDER BY 1, 2"""
CENSUS, COUNTS = "SELECT * FROM coffer.census('connection', 'password')", [["7", "50"], ["8", "50"]]
TABLE = f"""CREATE TABLE connection (id int PRIMARY KEY, password bytea);
SELECT coffer.protect('connection', 'password');
INSERT INTO connection SELECT i, CASE WHEN i % 2 = 0 THEN {hex_of(ciphertext(7))}::bytea
  ELSE {hex_of(ciphertext(8))}::bytea END FROM generate_series(1, 100) AS i;
SELECT coffer.masked_view('connection');"""


class Upgrade(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster().start()

    @classmethod
    def tearDownClass(cls):
        cls.cluster.close()

    def query(self, sql):
        return self.cluster.query(sql, self.database)

    def setUp(self):
        self.database = self.id().rsplit(".", 1)[-1][:60]

    def test_the_result_is_that_of_a_clean_install(self):
        self.cluster.create_with("l2", "clean")
        self.cluster.create_with("l2_from_l1", self.database)
        clean = self.cluster.query(MEMBERS, "clean")
        self.assertEqual(len(clean), 22)
        self.assertEqual(self.query(MEMBERS), clean)

    def test_tables_and_views_go_on(self):
        self.cluster.create_with("l1", self.database)
        self.query(TABLE)
        before = self.query("SELECT relfilenode FROM pg_class WHERE relname = 'connection'")
        self.query("CREATE EXTENSION coffer VERSION 'l1'; ALTER EXTENSION coffer UPDATE")
        self.assertEqual(self.query("SELECT relfilenode FROM pg_class WHERE relname = 'connection'"), before)
        self.assertEqual(self.query(CENSUS), COUNTS)
        with self.assertRaises(PostgresError) as raised:
            self.query("UPDATE connection SET password = 'in clear'")
        self.assertEqual(raised.exception.code, "23514")
        self.query("ALTER TABLE connection ALTER password TYPE coffer.ciphertext")
        self.assertEqual(self.query(CENSUS), COUNTS)
        self.assertEqual(self.query("SELECT DISTINCT password FROM connection_masked"), [["***"]])
        with self.assertRaises(PostgresError) as raised:
            self.query("UPDATE connection SET password = 'in clear'")
        self.assertEqual(raised.exception.code, "22P02")

    def test_the_extension_does_not_come_over_a_level_1_unasked(self):
        self.cluster.create_with("l1", self.database)
        with self.assertRaises(PostgresError) as raised:
            self.query("CREATE EXTENSION coffer")
        self.assertIn("not a member of extension", str(raised.exception))
        self.query(L1)  # nothing was changed

    def test_a_level_1_that_is_not_there_cannot_be_taken_over(self):
        self.cluster.create_database(self.database)
        with self.assertRaises(PostgresError):
            self.query("CREATE EXTENSION coffer VERSION 'l1'")

    def test_level_1_does_not_come_over_the_extension(self):
        self.cluster.create_with("l2", self.database)
        with self.assertRaises(PostgresError) as raised:
            self.query(L1)
        self.assertIn("extension coffer", str(raised.exception))
        self.assertEqual(self.query("SELECT count(*) FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang "
                                    "WHERE proname = 'is_ciphertext' AND lanname = 'c'"), [["2"]])

    def test_back_to_level_1(self):
        self.cluster.create_with("l2", self.database)
        self.query(TABLE + "ALTER TABLE connection ALTER password TYPE coffer.ciphertext")
        with self.assertRaises(PostgresError) as raised:
            self.query("DROP EXTENSION coffer")
        self.assertEqual(raised.exception.code, "2BP01")
        self.query("""ALTER TABLE connection DROP CONSTRAINT password_is_ciphertext,
                        ALTER password TYPE bytea USING password::bytea; DROP EXTENSION coffer;""" + L1 +
                   "SELECT coffer.protect('connection', 'password');")
        self.assertEqual(self.query(CENSUS), COUNTS)

    def test_nothing_of_level_1_stays_when_one_of_its_statements_fails(self):
        self.cluster.create_database(self.database)
        with self.assertRaises(PostgresError):
            self.query(L1.replace("LANGUAGE plpgsql STABLE", "LANGUAGE nothing STABLE"))
        self.assertEqual(self.query("SELECT count(*) FROM pg_namespace WHERE nspname = 'coffer'"), [["0"]])


if __name__ == "__main__":
    run(globals())
