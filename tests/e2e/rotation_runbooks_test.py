"""The runbooks of docs/OPERATIONS.md, "Rotation and rewrap" and "Destroy an old version", typed block by block against
a real PostgreSQL: afterwards version 1 decrypts by no path, an old backup of the store included. Skipped where there is
no PostgreSQL.
"""

import contextlib
import csv
import io
import pathlib
import re
import subprocess
import sys
import textwrap
import unittest
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from postgres import Postgres, exit_unless_installed  # noqa: E402
from recovery_world import REASON, Vault  # noqa: E402
from service import DEADLINE_S, Programs, clean_environment, run, wait_until  # noqa: E402

OPERATIONS = (pathlib.Path(__file__).resolve().parents[2] / "docs/OPERATIONS.md").read_text()
TABLES = ("CREATE TABLE connection (uuid uuid PRIMARY KEY, url text, login text, password bytea)",
          'CREATE TABLE "user" (id bigint PRIMARY KEY, email bytea, phone bytea)')  # of the same scope
FIELD = ("--field", "shop.connection.password", "--row", "uuid", "--format", "csv")


def steps(heading):
    """[(step, language, text)] of the numbered steps under a heading."""
    text = re.split(r"\n#+ ", OPERATIONS.partition(f" {heading}\n")[2])[0]
    found = []
    for part in re.split(r"\n(?=\d+\. )", text)[1:]:
        for language, block in re.findall(r"```(\w+)\n(.*?)```", part, re.DOTALL):
            found.append((int(part.partition(".")[0]), language, textwrap.dedent(block).strip()))
    return found


class RotationRunbooks(unittest.TestCase):
    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.postgres = stack.enter_context(contextlib.closing(Postgres().start()))
        self.vault = stack.enter_context(contextlib.closing(Vault()))
        self.vault.begin()
        self.vault.people.apply(self.vault.people.policy(1))
        self.postgres.create_database("shop")
        for table in TABLES:
            self.query(table)
        self.plain = [[str(uuid.uuid4()), f"https://db{i}/", "app", f"password-{uuid.uuid4().hex}"] for i in range(20)]
        for row in self.through_coffer("encrypt", self.plain):
            self.query(f"INSERT INTO connection VALUES ('{row[0]}', '{row[1]}', '{row[2]}', '{row[3]}')")

    def query(self, sql):
        return self.postgres.query(sql, "shop", cwd=self.vault.folder)

    def through_coffer(self, act, rows):
        text = io.StringIO()
        csv.writer(text).writerows([["uuid", "url", "login", "password"], *rows])
        form = ("--ciphertext", "hex") if act == "encrypt" else ()
        out = self.vault.ok("field", act, *FIELD, *form, stdin=text.getvalue())
        return list(csv.reader(io.StringIO(out.decode())))[1:]

    def rows(self):
        return self.query("SELECT * FROM connection ORDER BY uuid")

    def shell(self, script):
        script = "\n".join(map(self.vault.people.typed, script.splitlines()))
        environment = {**clean_environment(COFFER_SERVER=self.vault.server)}
        environment.update((name, value) for name, value in self.postgres.environment("shop").items()
                           if name.startswith("PG"))
        environment["PATH"] = f"{Programs.bin}:{self.postgres.bin}:{environment['PATH']}"
        done = subprocess.run(["bash", "-o", "pipefail", "-c", script], capture_output=True, text=True, check=False,
                              timeout=DEADLINE_S, cwd=self.vault.folder, env=environment)
        self.assertEqual(done.returncode, 0, script + "\n" + done.stderr)
        return done.stdout

    def follow(self, heading, wanted):
        """Types the blocks of these steps in order; what each of them printed."""
        printed = {}
        for step, language, text in steps(heading):
            if step not in wanted:
                continue
            printed[step] = self.query(text) if language == "sql" else self.shell(text)
        self.assertEqual(sorted(printed), sorted(wanted))
        return printed

    def version(self, number):
        versions = self.vault.json("keyring", "show", "shop")["versions"]
        return next(version["state"] for version in versions if version["version"] == number)

    def assert_lost(self, old):
        """No value of before the rotation decrypts, and every value of the table does."""
        self.assertEqual(sorted(self.through_coffer("decrypt", self.rows())), sorted(self.plain))
        for row in old[:3]:
            text = io.StringIO()
            csv.writer(text).writerows([["uuid", "url", "login", "password"], row])
            done = self.vault.run("field", "decrypt", *FIELD, stdin=text.getvalue())
            self.assertEqual(done.returncode, 1)
            self.assertNotIn(b"password-", done.stdout)
            self.assertEqual(self.version(1), "destroyed")

    def test_every_step_with_a_block_is_typed(self):
        self.assertEqual(sorted({step for step, _, _ in steps("Rotation and rewrap")}), [1, 2, 3, 4, 5, 6])
        self.assertEqual(sorted({step for step, _, _ in steps("Destroy an old version")}), [2, 3, 4, 5])

    def test_rotate_rewrap_and_destroy(self):
        vault, old = self.vault, self.rows()
        backup = vault.backup("before.age")
        printed = self.follow("Rotation and rewrap", (1, 2, 3, 4, 5, 6))
        self.assertEqual(len(printed[5]), 1, "one key is left")
        self.assertEqual(printed[5][0][1], "20")
        self.assertEqual(self.version(1), "disabled")
        self.assertEqual(sorted(self.through_coffer("decrypt", self.rows())), sorted(self.plain))

        printed = self.follow("Destroy an old version", (2, 3, 4))
        self.assertRegex(printed[4], r"1 +disabled +0 +yes")
        self.assertEqual(self.version(1), "destroy scheduled")
        self.follow("Destroy an old version", (5,))
        self.assertEqual(self.version(1), "disabled")
        vault.stop()
        with open(vault.config_file, "a", encoding="utf-8") as config:
            config.write("[destroy]\ndelay_hours = 0\n")
        vault.start()
        self.follow("Destroy an old version", (4,))
        self.follow("Destroy an old version", (3,))  # it is judged once more
        wait_until(lambda: self.version(1) == "destroyed", "what is due is done")
        self.assert_lost(old)

        # Neither the key journal nor a backup of before brings it back.
        vault.kill()
        vault.store.unlink()
        vault.start()
        self.assertEqual(vault.recover("--backup", str(backup), "--apply", *REASON).returncode, 0)
        self.assert_lost(old)


if __name__ == "__main__":
    exit_unless_installed()
    run(globals())
