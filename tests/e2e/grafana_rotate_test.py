"""coffer grafana rotate-secret-key and rotate-data-keys on a real PostgreSQL, with the vault of a real cofferd. What is
in the database afterwards is read by tests/cli/grafana_opened.py, which has its own encryption.

Skipped where there is no PostgreSQL.
"""

import json
import pathlib
import signal
import stat
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.append(str(HERE.parent / "cli"))

from grafana_crypto import DEFAULT_KEY  # noqa: E402
from grafana_opened import ids_of, opened, postgres_rows  # noqa: E402
from grafana_planted import (NEWEST, NOT_VISITED, OWN_KEY, clean_world, expected, exposed_world,  # noqa: E402
                             place_of, rotated_world)
from postgres import OWNER, Postgres, exit_unless_installed  # noqa: E402
from service import DEADLINE_S, Service, run, seeded_random  # noqa: E402

KEY = "grafana/secret_key"
KILLS = 10


class GrafanaRotate(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres().start()
        cls.addClassCleanup(cls.postgres.close)
        cls.service = Service().start_initialised()
        cls.addClassCleanup(cls.service.close)
        cls.databases = 0

    def setUp(self):
        """A database of its own, and a tenant with a vault of its own."""
        GrafanaRotate.databases += 1
        self.name = f"grafana{GrafanaRotate.databases}"
        self.postgres.create_database(self.name)
        self.service.ok("tenant", "add", self.name)
        self.url = f"postgresql://{OWNER}@/{self.name}?host={self.postgres.sockets}"

    def fill(self, world):
        self.postgres.query(world.statements.sql("postgres"), self.name)

    def rotate(self, *arguments, code=0, url=None):
        done = self.service.run("grafana", "rotate-secret-key", url or self.url, "--tenant", self.name, *arguments)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def report(self, *arguments, **options):
        return json.loads(self.rotate(*arguments, "--output", "json", **options).stdout)

    def key(self, version=0):
        options = ("--version", str(version)) if version else ()
        return self.service.ok("secret", "get", KEY, "--tenant", self.name, *options).decode()

    def put(self, value):
        self.service.ok("secret", "put", KEY, "--tenant", self.name, stdin=value)

    def rows(self):
        return postgres_rows(self.postgres, self.name)

    def opens(self, key):
        return opened(self.rows(), key)

    def assert_moved(self, before, old, new):
        rows = self.rows()
        self.assertEqual(opened(rows, new), before)
        under_old = opened(rows, old)
        self.assertEqual([place for place, text in before.items() if under_old.get(place) == text], [])

    def test_every_secret_opens_under_the_vaults_key_and_none_under_the_old(self):
        world = exposed_world()
        self.fill(world)
        before = self.opens(DEFAULT_KEY)
        texts = b"\n".join(before.values())
        self.assertEqual([s.needle for s in world.secrets if s.key == "security" and s.needle.encode() not in texts],
                         [])
        script = self.service.folder / "old-cells.sql"
        done = self.rotate("--backup", str(script), "--output", "json")
        report = json.loads(done.stdout)
        self.assertEqual((report["outcome"], report["data_keys"], report["backup"]), ("rotated", 3, str(script)))
        new = self.key()
        self.assert_moved(before, DEFAULT_KEY, new)
        scanned = self.service.run("grafana", "scan", self.url, "--output", "json")
        self.assertEqual(sorted(map(place_of, json.loads(scanned.stdout)["findings"]), key=repr),
                         expected(world, manager="anyone"))
        for secret in (DEFAULT_KEY, new, *(s.needle for s in world.secrets)):
            self.assertNotIn(secret.encode(), done.stdout + done.stderr)
            self.assertNotIn(secret, self.service.log())

        self.assertEqual(stat.S_IMODE(script.stat().st_mode), 0o600)
        subprocess.run([self.postgres.bin / "psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--file",
                        script], check=True, timeout=DEADLINE_S, stdout=subprocess.DEVNULL,
                       env=self.postgres.environment(self.name))
        self.assertEqual(self.opens(DEFAULT_KEY), before)

    def test_killed_at_random_points_it_is_all_old_or_all_new_and_the_next_run_finishes(self):
        random = seeded_random()
        self.fill(clean_world())
        self.put(OWN_KEY)
        before = self.opens(OWN_KEY)
        start = time.monotonic()
        self.rotate("--no-backup")
        whole = time.monotonic() - start
        for kill in range(KILLS):
            with self.subTest(kill=kill):
                old = self.key()
                running = self.service.popen("grafana", "rotate-secret-key", self.url, "--tenant", self.name,
                                             "--no-backup")
                try:
                    running.communicate(timeout=random.uniform(0, whole))
                except subprocess.TimeoutExpired:
                    running.send_signal(signal.SIGKILL)
                    running.communicate(timeout=DEADLINE_S)
                self.assertIn(running.returncode, (0, -signal.SIGKILL))
                staged = self.service.run("secret", "get", KEY + ".next", "--tenant", self.name).stdout.decode()
                rows = self.rows()
                self.assertIn(before, [opened(rows, key) for key in {old, self.key(), staged} if key])
                if running.returncode != 0:
                    self.rotate("--no-backup")
                self.assertNotEqual(self.key(), old)
                self.assert_moved(before, old, self.key())

    def test_undo_goes_back(self):
        self.fill(clean_world())
        self.put(OWN_KEY)
        before = self.opens(OWN_KEY)
        self.report("--no-backup")
        self.assertEqual(self.report("--undo", "--no-backup")["kind"], "undo")
        self.assertEqual(self.key(), OWN_KEY)
        self.assert_moved(before, self.key(version=2), OWN_KEY)

    def test_what_grafana_leaves_under_old_data_keys_is_moved_and_the_script_puts_it_back(self):
        world = rotated_world()
        self.fill(world)
        self.put(OWN_KEY)
        before, expected_values = self.rows(), self.opens(OWN_KEY)
        script = self.service.folder / "old-data-keys.sql"
        done = self.service.run("grafana", "rotate-data-keys", self.url, "--tenant", self.name, "--backup", str(script),
                                "--output", "json")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual([(v["table"], v["column"]) for v in report["values"]], NOT_VISITED)
        self.assertEqual(self.opens(OWN_KEY), expected_values)
        ids, was = ids_of(self.rows()), ids_of(before)
        self.assertEqual(ids, {column: {NEWEST} if column in NOT_VISITED else was[column] for column in was})
        for secret in (OWN_KEY, *(s.needle for s in world.secrets)):
            self.assertNotIn(secret.encode(), done.stdout + done.stderr)
            self.assertNotIn(secret, self.service.log())
        subprocess.run([self.postgres.bin / "psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--file",
                        script], check=True, timeout=DEADLINE_S, stdout=subprocess.DEVNULL,
                       env=self.postgres.environment(self.name))
        self.assertEqual(self.rows(), before)

    def test_a_dry_run_and_a_wrong_key_change_nothing(self):
        self.fill(clean_world())
        self.put(OWN_KEY)
        before = self.rows()
        self.assertEqual(self.report("--dry-run")["outcome"], "planned")
        self.put("a-wrong-key")
        refused = self.report("--no-backup", "--accept-unreadable", "--accept-unproven", code=1)
        self.assertEqual(refused["refusal"], "opens-nothing")
        self.assertEqual(self.rows(), before)

    def test_who_may_not_write_is_refused(self):
        self.fill(clean_world())
        self.put(OWN_KEY)
        role = f"looker_{self.name}"
        self.postgres.query(f"CREATE ROLE {role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
                            self.name)
        before = self.rows()
        done = self.rotate("--no-backup", code=1, url=self.url.replace(f"//{OWNER}@", f"//{role}@"))
        self.assertTrue(done.stderr.startswith(b"coffer: "), done.stderr)
        self.assertEqual(done.stdout, b"")
        self.assertEqual(self.rows(), before)

    def test_a_live_grafana_that_holds_a_row_is_not_waited_for_for_long(self):
        self.fill(clean_world())
        self.put(OWN_KEY)
        before = self.rows()
        psql = subprocess.Popen([self.postgres.bin / "psql", "--no-psqlrc", "--quiet", "--tuples-only"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                env=self.postgres.environment(self.name))
        with psql:
            psql.stdin.write(b"BEGIN; UPDATE data_source SET name = name WHERE id = 1 RETURNING 'held';\n")
            psql.stdin.flush()
            self.assertIn(b"held", psql.stdout.readline())
            done = self.rotate("--no-backup", code=1)
            psql.kill()
        self.assertIn(b"data_source", done.stderr)
        self.assertEqual(self.rows(), before)
        self.rotate("--no-backup")


if __name__ == "__main__":
    exit_unless_installed()
    run(globals())
