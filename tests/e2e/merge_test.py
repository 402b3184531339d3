"""Edge stores come home: what they acknowledged works in the centre, after every merge, restart, recovery and kill."""

import os
import pathlib
import shutil
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from recovery_world import REASON, Vault  # noqa: E402
from service import CATALOG, DEADLINE_S, run, seeded_random  # noqa: E402

MERGE_KILLS = int(os.environ.get("COFFER_MERGE_KILLS", "12"))
ASK = ("--ask", "a test")
RENAME = ("--rename-tenant", "default=edge-7")
INDEXED = """expect  = { rows = 1000000, distinct = 900000, top_share = 0.0001 }
[field."user.email".index.exact]
kind = "equality"
keyring = "shop-index"
bits = 16
"""


class MergeTest(unittest.TestCase):
    def setUp(self):
        self.centre, self.edge = self.vault("tenant"), self.vault("edge-tenant")
        self.centre.begin().work()
        self.edge.begin(lock_of=self.centre).work()

    def vault(self, tenants):
        vault = Vault()
        self.addCleanup(vault.close)
        vault.tenants = tenants
        return vault

    def words(self, *options, backup=None, identity=None, more=RENAME):
        """The command, of the edge's backup of now unless told."""
        backup = backup or self.edge.backup(f"{time.monotonic_ns()}.age")
        return ("operator", "merge", "--backup", str(backup), "--recovery-identity",
                str(identity or self.edge.identity), *more, *options)

    def merge(self, *options, **named):
        return self.centre.run(*self.words(*options, **named))

    def merged(self, *options, **named):
        """What it prints, once bob has approved it."""
        return self.centre.people.approved_json(*self.words(*options, **named))

    def check_home(self):
        self.assertEqual(self.centre.lost(self.edge.remembered(), default="edge-7"), [])
        self.assertEqual(self.centre.lost(), [])

    def refused(self, words, *options, **named):
        """Changes nothing, and nobody is asked to approve it."""
        before = self.epoch()
        done = self.merge(*options, **named)
        self.assertEqual((done.returncode, done.stdout), (1, b""), done.stderr.decode())
        self.assertIn(words, done.stderr.decode())
        self.assertEqual(self.epoch(), before)

    def epoch(self):
        return self.centre.json("operator", "status")["store_epoch"]


class ComingHome(MergeTest):
    def test_looked_at_done_and_done_again(self):
        epoch = self.epoch()
        looked = self.centre.json(*self.words("--dry-run"))
        self.assertEqual((looked["dry_run"], looked["merged"], looked["store_epoch_here"]), (True, False, epoch))
        self.assertEqual(self.epoch(), epoch)
        self.assertGreater(looked["data_keys"], 2)
        self.assertIn(b"Nothing was changed. Without --dry-run", self.merge("--dry-run").stdout)
        done = self.merged()
        self.assertEqual((done["merged"], done["store_epoch_here"]), (True, self.epoch()))
        self.assertEqual({**done, "dry_run": True, "merged": False, "store_epoch_here": epoch}, looked)
        self.check_home()
        self.assertTrue(self.centre.json("operator", "check")["journal_complete"])
        self.assertIn(b"Nothing was new", self.centre.people.approved(*self.words()))
        self.edge.work()
        again = self.merged()
        self.assertEqual((again["tenants"], again["key_versions"], again["secrets"]), (1, 1, 1))
        self.centre.work()
        self.centre.restart()
        self.check_home()
        self.assertIn("merged in from store " + done["store_uuid"], self.centre.ok("keyring", "show", "shop").decode())

    def test_the_journal_and_a_backup_bring_the_result_back(self):
        self.merged()
        backup = self.centre.backup()
        for lost in ((self.centre.data,), (self.centre.data, self.centre.journal.parent)):
            self.centre.kill()
            for folder in lost:
                shutil.rmtree(folder)
            self.centre.start()
            done = self.centre.recover("--backup", str(backup), "--apply", *REASON)
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            self.check_home()

    def test_a_kill_in_the_middle_leaves_all_of_it_or_nothing(self):
        random = seeded_random()
        outcomes = {"nothing": 0, "all": 0}
        longest = 0.05
        for number in range(MERGE_KILLS):
            self.edge.work()
            backup = self.edge.backup(f"{number}.age")
            tenant = f"edge-tenant-{self.edge.count}"
            command = self.words(backup=backup)
            command += self.centre.people.approval(*command)
            began = time.monotonic()
            merge = self.centre.popen(*command)
            moment = began + (random.uniform(0.005, longest) if number else DEADLINE_S)
            while time.monotonic() < moment and merge.poll() is None:
                pass
            acknowledged = merge.poll() == 0
            longest = longest if number else (time.monotonic() - began) * 1.2
            self.centre.kill()
            merge.communicate(timeout=DEADLINE_S)
            self.centre.start()
            with self.subTest(kill=number, acknowledged=acknowledged):
                self.assertEqual(self.centre.state(), "unsealed", self.centre.log()[-600:])
                there = self.centre.run("tenant", "show", tenant).returncode == 0
                outcomes["all" if there else "nothing"] += 1
                self.assertTrue(there or not acknowledged)
                if there:
                    self.check_home()
                self.assertEqual(self.centre.lost(), [])
                self.assertTrue(self.centre.json("operator", "check")["journal_complete"])
            self.centre.people.deny_waiting()
        print(f"{MERGE_KILLS} kills: {outcomes['nothing']} left nothing, {outcomes['all']} left all of it")
        self.merged()
        self.check_home()

    def test_keys_for_ones_own_use_come_along(self):
        made = self.edge.ok("data-key", "generate", "shop", "--wrapped", "report.key")
        shutil.copy(self.edge.folder / "report.key", self.centre.folder)
        self.merged()
        unwrapped = self.centre.ok("data-key", "unwrap", "shop", "--wrapped", "report.key", "--tenant", "edge-7")
        self.assertEqual(unwrapped, made)

    def test_rows_of_the_edge_are_found(self):
        catalog = CATALOG + INDEXED
        self.centre.ok("keyring", "create", "shop-index", "--purpose", "index")
        self.centre.people.approved("apply", self.centre.write("catalog.toml", catalog))
        late = self.vault("late-tenant")
        late.start()
        late.ok("operator", "new-recovery-identity", "--out", str(late.identity))
        late.ok("operator", "init", "--key-file", str(late.key_file), "--allow-same-device", "--recovery-identity",
                str(late.identity))
        late.ok("keyring", "create", "shop-index", "--purpose", "index")
        shutil.copy(self.centre.folder / "catalog.lock", late.folder)
        late.apply_catalog(catalog)
        (row,) = late.encrypt("shop.user.email", "id", [{"id": 1, "email": "ann@example.org"}], "--tokens")
        moves = self.merged(backup=late.backup(), identity=late.identity)["index_moves"]
        self.assertEqual(moves, [{"index": "shop.user.email.exact", "version": 1, "version_here": 2}])
        found = self.centre.ok("field", "search", "--field", "shop.user.email", "--index", "exact", "--tenant",
                               "edge-7", stdin=b"ann@example.org\n").decode()
        self.assertEqual(found, f"(email_exact_iv = 2 AND email_exact IN ({row['email_exact']}))\n")
        lock = self.centre.ok("catalog", "show", "shop")
        (self.centre.folder / "catalog.lock").write_bytes(lock)
        self.assertIn(b"merged = true", lock)
        self.centre.ok("apply", "catalog.toml")


class Refusals(MergeTest):
    def name_approvers(self):
        self.centre.people.apply(self.centre.people.policy(1))

    def test_names_that_are_taken_and_secrets_that_are_there(self):
        self.name_approvers()
        self.refused("tenant default: is the name of another tenant here", *ASK, more=())
        self.refused("tenant nobody: is no tenant of the store", "--rename-tenant", "nobody=x", *ASK)
        self.merged()
        self.edge.ok("secret", "put", "app/one", stdin=b"there")
        self.centre.ok("secret", "put", "app/one", "--tenant", "edge-7", stdin=b"here")
        self.refused("secret app/one: is taken here by another secret", *ASK)
        self.merged("--secrets-under", "from/edge")
        self.assertEqual(self.centre.ok("secret", "get", "from/edge/app/one", "--tenant", "edge-7"), b"there")
        self.assertEqual(self.centre.ok("secret", "get", "app/one", "--tenant", "edge-7"), b"here")

    def test_another_identity_another_file_and_nobody_else(self):
        backup = self.edge.backup()
        self.refused("no policy says yet who", *ASK, identity=self.centre.identity)
        self.name_approvers()
        own = self.centre.backup()
        self.refused("is a backup of this very store", *ASK, backup=own, identity=self.centre.identity)
        self.refused("backup", *ASK, identity=self.centre.identity)
        self.refused("does not exist", *ASK, backup="/nowhere/edge.age")
        self.refused("others have to approve this act", backup=backup)
        damaged = bytearray(backup.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        spoilt = self.edge.elsewhere / "spoilt.age"
        spoilt.write_bytes(damaged)
        self.refused("backup", *ASK, backup=spoilt)
        self.refused("the policy does not allow", "--role", "dba", *ASK, backup=backup)
        self.assertEqual(self.centre.lost(), [])

    def test_a_sealed_service_merges_nothing(self):
        self.centre.ok("operator", "seal")
        done = self.merge(*ASK)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"sealed", done.stderr)

    def test_wrong_words_are_usage(self):
        names = ("default", "a=B", "=x", "a=")
        for options in (("edge",), *(("--rename-tenant", name) for name in names)):
            with self.subTest(options):
                done = self.merge(*options, *ASK, backup="edge.age")
                self.assertEqual((done.returncode, done.stdout), (2, b""), done.stderr.decode())
        done = self.centre.run("operator", "merge", *ASK)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"--backup", done.stderr)


if __name__ == "__main__":
    run(globals())
