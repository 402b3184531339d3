"""pg_upgrade, from a cluster with the extension to another of the same version: types, labels and CHECKs come along."""

import pathlib
import re
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from extension_server import PRELOADED, Cluster, PostgresError, ciphertext, hex_of, installation, run  # noqa: E402

TABLE = f"""CREATE TABLE connection (id int PRIMARY KEY, password coffer.ciphertext, token bytea);
SELECT coffer.protect('connection', 'token');
SECURITY LABEL FOR coffer ON COLUMN connection.password IS 'field=shop.connection.password';
INSERT INTO connection SELECT i, ({hex_of(ciphertext(7))}::bytea || int4send(i))::coffer.ciphertext,
  {hex_of(ciphertext(8))} FROM generate_series(1, 1000) AS i;
CREATE DOMAIN sealed AS coffer.ciphertext; CREATE TABLE sealed_ones (value sealed[]);
INSERT INTO sealed_ones SELECT array_agg(password) FROM connection WHERE id < 4;"""
QUESTIONS = ("SELECT md5(string_agg(format('%s %s %s', id, password, token), ',' ORDER BY id)) FROM connection",
             "SELECT * FROM coffer.protected_columns('connection')",
             "SELECT objname, label FROM pg_seclabels WHERE provider = 'coffer'",
             "SELECT 'coffer.ciphertext'::regtype::oid, 'sealed'::regtype::oid",
             "SELECT extversion FROM pg_extension WHERE extname = 'coffer'",
             "SELECT value[2]::text FROM sealed_ones",
             "SELECT * FROM coffer.census('connection', 'password')")
PRELOAD_WORDS = "-c shared_preload_libraries=coffer -c fsync=off"


class PgUpgrade(unittest.TestCase):
    def upgrade(self, old, new, *words):
        return new.program("pg_upgrade", f"--old-bindir={old.bin}", f"--new-bindir={new.bin}",
                           f"--old-datadir={old.data}", f"--new-datadir={new.data}", f"--socketdir={new.sockets}",
                           f"--old-options={PRELOAD_WORDS}", *words, check=False)

    def prepare(self, plain=False):
        old, new = Cluster(PRELOADED).start(), Cluster(PRELOADED, plain)
        self.addCleanup(old.close)
        self.addCleanup(new.close)
        old.create_with("l2", "shop")
        old.query(TABLE, "shop")
        new._make()  # pylint: disable=protected-access
        return old, new

    def test_all_comes_along(self):
        old, new = self.prepare()
        answers = [old.query(question, "shop") for question in QUESTIONS]
        self.assertEqual(len(answers[2]), 1)
        old.stop()
        done = self.upgrade(old, new, f"--new-options={PRELOAD_WORDS}")
        self.assertEqual(done.returncode, 0, (done.stdout + done.stderr).decode()[-3000:])
        new.start_again()
        self.assertEqual([new.query(question, "shop") for question in QUESTIONS], answers)
        for column in ("password", "token"):
            with self.assertRaises(PostgresError):
                new.query(f"UPDATE connection SET {column} = 'in clear'", "shop")

    def test_into_programs_without_the_library_it_refuses(self):
        old, new = self.prepare(plain=True)
        self.assertNotEqual(new.bin, installation().bin)
        old.stop()
        done = self.upgrade(old, new)
        self.assertEqual(done.returncode, 1)
        self.assertRegex((done.stdout + done.stderr).decode(), re.compile("load.*librar", re.DOTALL))


if __name__ == "__main__":
    run(globals())
