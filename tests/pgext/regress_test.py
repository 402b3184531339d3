"""PostgreSQL's own regression driver over pgext/test: the same answers from level 1, from a clean level 2, and from a
level 2 that took over a level 1. COFFER_REGRESS_OUT names a folder that gets what they answered.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from extension_server import SOURCES, Cluster, PostgresError, pg_config, run  # noqa: E402

BOTH_LEVELS = ("header", "protect", "census", "views_and_roles")
LEVEL_2 = ("ciphertext_type", "label", "guard")
DEADLINE_S = 240


class Regress(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.driver = pg_config("pgxs").parent.parent / "test/regress/pg_regress"
        cls.cluster = Cluster().start()

    @classmethod
    def tearDownClass(cls):
        cls.cluster.close()

    def compare(self, level, tests):
        if not self.driver.exists():
            self.skipTest(f"no {self.driver}: postgresql-server-dev is not installed")
        self.cluster.create_with(level, level)
        out = self.cluster.folder / f"out-{level}"
        out.mkdir()
        done = subprocess.run([self.driver, "--use-existing", f"--bindir={self.cluster.bin}", f"--dbname={level}",
                               f"--host={self.cluster.sockets}", "--user=postgres",
                               f"--inputdir={SOURCES / 'test'}", f"--outputdir={out}", *tests],
                              env=self.cluster.environment(level), cwd=out, capture_output=True, timeout=DEADLINE_S,
                              check=False)
        kept = os.environ.get("COFFER_REGRESS_OUT")
        if kept:
            shutil.copytree(out / "results", pathlib.Path(kept) / level, dirs_exist_ok=True)
        differences = out / "regression.diffs"
        text = differences.read_text() if differences.exists() else done.stdout.decode() + done.stderr.decode()
        self.assertEqual(done.returncode, 0, text[:6000])

    def test_level_1(self):
        self.compare("l1", BOTH_LEVELS)

    def test_level_2_from_a_clean_install(self):
        self.compare("l2", BOTH_LEVELS + LEVEL_2)

    def test_level_2_that_took_over_level_1(self):
        self.compare("l2_from_l1", BOTH_LEVELS + LEVEL_2)

    def test_what_the_extension_refuses_is_not_in_the_log(self):
        """Neither the statement nor, for COPY, the context with the row; and the same search finds it elsewhere."""
        canary = "a-canary-for-the-log"
        self.cluster.create_with("l2", "logged")
        self.cluster.query("CREATE TABLE t (typed coffer.ciphertext, checked bytea); "
                           "SELECT coffer.protect('t', 'checked')", "logged")
        refused = (f"INSERT INTO t (typed) VALUES ('{canary}')", f"INSERT INTO t (typed) VALUES ('{canary}'::bytea)",
                   f"INSERT INTO t (checked) VALUES ('{canary}')", f"COPY t (typed) FROM STDIN;\n{canary}\n\\.\n",
                   f"COPY t (checked) FROM STDIN;\n{canary}\n\\.\n", f"PREPARE p AS INSERT INTO t (typed) VALUES ($1); "
                   f"EXECUTE p('{canary}')", f"DO $$ BEGIN INSERT INTO t (typed) VALUES ('{canary}'); END $$")
        for statement in refused:
            with self.subTest(statement=statement), self.assertRaises(PostgresError) as raised:
                self.cluster.query(statement, "logged")
            self.assertIn("only field ciphertexts", str(raised.exception))
            self.assertFalse(canary in str(raised.exception), str(raised.exception))
            self.assertFalse(canary in self.cluster.log(), "the canary is in the log")
        with self.assertRaises(PostgresError):
            self.cluster.query(f"SELECT '{canary}'::int", "logged")
        self.assertTrue(canary in self.cluster.log())

    def test_a_label_of_another_session_holds_from_the_next_statement_on(self):
        self.cluster.create_with("l2", "two_sessions")
        self.cluster.query("CREATE TABLE t (note text); INSERT INTO t VALUES ('before')", "two_sessions")
        other = "psql --no-psqlrc --quiet --command=\"LOAD 'coffer'; SECURITY LABEL FOR coffer ON COLUMN t.note IS "
        with self.assertRaises(PostgresError) as raised:
            self.cluster.query(f"LOAD 'coffer';\nUPDATE t SET note = 'one';\n\\! {other}'field=a.b.c'\"\n"
                               "UPDATE t SET note = 'two'", "two_sessions")
        self.assertEqual(raised.exception.code, "42809")
        self.assertEqual(self.cluster.query("SELECT note FROM t", "two_sessions"), [["one"]])
        self.cluster.query(f"LOAD 'coffer';\nSELECT 1;\n\\! {other}NULL\"\nUPDATE t SET note = 'three'", "two_sessions")
        self.assertEqual(self.cluster.query("SELECT note FROM t", "two_sessions"), [["three"]])


if __name__ == "__main__":
    run(globals())
