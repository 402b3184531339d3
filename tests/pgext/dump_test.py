"""pg_dump and pg_restore: everything comes back, and where the extension is missing nothing weaker takes its place."""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from extension_server import PRELOADED, Cluster, PostgresError, ciphertext, hex_of, run  # noqa: E402

ROWS = 1000
TABLE = f"""CREATE TABLE connection (id int PRIMARY KEY, login text, password {{type}}, token bytea);
SELECT coffer.protect('connection', 'token');
INSERT INTO connection SELECT i, 'login ' || i, ({hex_of(ciphertext(7))}::bytea || int4send(i)){{cast}},
  {hex_of(ciphertext(8))} FROM generate_series(1, {ROWS}) AS i;
SELECT coffer.masked_view('connection');"""
LABELS = """SECURITY LABEL FOR coffer ON COLUMN connection.password IS 'field=shop.connection.password';
SECURITY LABEL FOR coffer ON COLUMN connection.token IS 'field=shop.connection.token';"""
CONTENT = "SELECT md5(string_agg(format('%s %s %s %s', id, login, password, token), ',' ORDER BY id)) FROM connection"
PROTECTED = "SELECT * FROM coffer.protected_columns('connection')"
LABELLED = "SELECT objname, label FROM pg_seclabels WHERE provider = 'coffer' ORDER BY 1"


class Dump(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(PRELOADED).start()
        cls.cluster.create_with("l2", "typed")
        cls.cluster.query(TABLE.format(type="coffer.ciphertext", cast="::coffer.ciphertext") + LABELS, "typed")
        cls.cluster.create_with("l1", "checked")
        cls.cluster.query(TABLE.format(type="bytea", cast=""), "checked")

    @classmethod
    def tearDownClass(cls):
        cls.cluster.close()

    def another(self, settings=None, plain=False):
        cluster = Cluster(settings, plain).start()
        self.addCleanup(cluster.close)
        cluster.create_database("restored")
        return cluster

    def dump(self, database, form="custom"):
        return self.cluster.program("pg_dump", f"--format={form}", database=database).stdout

    def restore(self, cluster, dumped, *words):
        """By default it goes on after an error, as pg_restore does."""
        return cluster.program("pg_restore", "--dbname=restored", *words, stdin=dumped, check=False)

    def test_level_2_comes_back_with_its_labels(self):
        for form in ("custom", "plain"):
            with self.subTest(form=form):
                target = self.another(PRELOADED)
                dumped = self.dump("typed", form)
                if form == "plain":
                    done = target.program("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1",
                                          database="restored", stdin=dumped, check=False)
                else:
                    done = self.restore(target, dumped)
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                for question in (CONTENT, PROTECTED, LABELLED, "SELECT count(*) FROM connection_masked"):
                    self.assertEqual(target.query(question, "restored"), self.cluster.query(question, "typed"))
                self.assertEqual(len(target.query(LABELLED, "restored")), 2)
                with self.assertRaises(PostgresError):
                    target.query("UPDATE connection SET password = 'in clear'", "restored")
                with self.assertRaises(PostgresError):
                    target.query("UPDATE connection SET token = 'in clear'", "restored")

    def test_a_session_that_creates_the_extension_restores_labels(self):
        target = self.another()
        done = self.restore(target, self.dump("typed"))
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(target.query(LABELLED, "restored"), self.cluster.query(LABELLED, "typed"))

    def test_where_the_library_is_not_loaded_labels_are_lost_loudly(self):
        target = self.another()
        target.query("CREATE EXTENSION coffer", "restored")
        done = self.restore(target, self.dump("typed"))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'security label provider "coffer" is not loaded', done.stderr)
        self.assertEqual(target.query(CONTENT, "restored"), self.cluster.query(CONTENT, "typed"))
        self.assertEqual(target.query(LABELLED, "restored"), [])
        self.assertEqual(target.query(PROTECTED, "restored"), [["password", "type"], ["token", "check"]])

    def test_without_the_extension_the_table_is_not_there(self):
        target = self.another(plain=True)
        done = self.restore(target, self.dump("typed"))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'extension "coffer" is not available', done.stderr)
        self.assertEqual(target.query("SELECT FROM pg_class WHERE relname = 'connection'", "restored"), [])
        self.assertNotEqual(self.restore(target, self.dump("typed"), "--exit-on-error").returncode, 0)

    def test_level_1_comes_back_on_any_server(self):
        target = self.another(plain=True)
        done = self.restore(target, self.dump("checked"))
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(target.query(CONTENT, "restored"), self.cluster.query(CONTENT, "checked"))
        self.assertEqual(target.query(PROTECTED, "restored"), [["token", "check"]])
        with self.assertRaises(PostgresError) as raised:
            target.query("UPDATE connection SET token = 'in clear'", "restored")
        self.assertEqual(raised.exception.code, "23514")

    def test_rows_of_plaintext_do_not_come_in_by_a_dump(self):
        """Data alone, into a table of the type: what is no ciphertext stops it, and nothing shows it."""
        canary = "a-canary-in-a-dump"
        self.cluster.create_database("clear")
        self.cluster.query(f"CREATE TABLE connection (id int, login text, password bytea, token bytea); "
                           f"INSERT INTO connection VALUES (1, 'a', '{canary}', NULL)", "clear")
        target = self.another(PRELOADED)
        self.restore(target, self.dump("typed"))
        target.query("TRUNCATE connection", "restored")
        dumped = self.cluster.program("pg_dump", "--data-only", "--format=custom", database="clear").stdout
        done = self.restore(target, dumped)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"only field ciphertexts", done.stderr)
        self.assertEqual(target.query("SELECT count(*) FROM connection", "restored"), [["0"]])
        self.assertFalse(canary in target.log() or canary.encode().hex() in target.log())


if __name__ == "__main__":
    run(globals())
