"""Whatever was acknowledged comes back: after the store or its journal was lost, put back, altered, or the root key
replaced, and after a kill in the middle of that."""

import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from recovery_world import REASON, EMAIL, Vault  # noqa: E402
from service import DEADLINE_S, run, seeded_random  # noqa: E402

REKEY_KILLS = int(os.environ.get("COFFER_REKEY_KILLS", "12"))
JOURNAL_LABEL = b"coffer/v1/journal\0"


class VaultTest(unittest.TestCase):
    def vault(self, *seal, key_file=True):
        vault = Vault(key_file)
        self.addCleanup(vault.close)
        return vault.begin(*seal)

    def check_refused(self, vault, why):
        """Rolled back: it says why, and serves nothing."""
        status = vault.json("operator", "status")
        self.assertEqual(status["state"], "rolled-back", vault.log()[-600:])
        self.assertIn(why, status["rollback"])
        self.assertIn(f"because:    {status['rollback']}\n", vault.ok("operator", "status").decode())
        self.assertEqual(vault.run("operator", "status", "--check").returncode, 1)
        encrypt = ("field", "encrypt", "--field", EMAIL[0], "--row", EMAIL[1])
        for call in (encrypt, ("secret", "get", "work/1"), ("keyring", "rotate", "shop"), ("operator", "check")):
            done = vault.run(*call, stdin=b'{"id":1,"email":"a"}\n')
            self.assertEqual((done.returncode, done.stdout), (1, b""), call)
            self.assertIn(why, done.stderr.decode(), call)

    def check_whole(self, vault, remembered=None):
        self.assertEqual(vault.state(), "unsealed")
        self.assertEqual(vault.lost(remembered), [])
        self.assertTrue(vault.json("operator", "check")["journal_complete"])
        vault.work()
        self.assertEqual(vault.restart().lost(remembered), [])

    def check_recovers(self, vault, *options, remembered=None):
        done = vault.recover(*options, "--apply", *REASON)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertIn(b"recovered and unsealed", done.stdout)
        self.check_whole(vault, remembered)


class LostDisk(VaultTest):
    def lose(self, vault):
        vault.kill()
        shutil.rmtree(vault.data)
        vault.key_file.unlink()

    def test_the_journal_and_the_identity_bring_everything_back(self):
        vault = self.vault().work()
        vault.backup()
        vault.work()
        self.lose(vault)
        vault.start()
        self.assertEqual(vault.state(), "uninitialised")
        again = vault.run("operator", "init", "--key-file", str(vault.key_file), "--allow-same-device",
                          "--accept-total-loss")
        self.assertEqual(again.returncode, 1)
        self.assertIn(b"there is a key journal of a store that is gone", again.stderr)
        found = vault.explain()
        self.assertEqual((found["finding"], found["store_epoch"], found["source"], found["recovered"]),
                         ("there is no store here", 0, "journal", False))
        self.assertEqual(vault.state(), "uninitialised")
        done = vault.recover("--apply", *REASON)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertEqual(vault.lost(), [])
        self.assertEqual(sorted(slot["kind"] for slot in vault.json("operator", "slots", "list")["slots"]),
                         ["key-file", "recovery"])

    def test_a_backup_and_the_identity_bring_back_what_was_there_then(self):
        vault = self.vault().work()
        backup = vault.backup()
        then = vault.remembered()
        vault.work()
        self.lose(vault)
        vault.journal.unlink()
        vault.start()
        nothing = vault.recover()
        self.assertEqual(nothing.returncode, 1)
        self.assertIn(b"--backup FILE names one", nothing.stderr)
        self.assertEqual(vault.explain("--backup", str(backup))["source"], "backup")
        done = vault.run("operator", "restore", "--backup", str(backup), "--recovery-identity", str(vault.identity),
                         "--apply", *REASON)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertEqual(vault.lost(then), [])
        self.assertNotEqual(vault.lost(), [])

    def test_the_journal_wins_over_an_older_backup(self):
        vault = self.vault().work()
        backup = vault.backup()
        vault.work()
        self.lose(vault)
        vault.start()
        self.assertEqual(vault.explain("--backup", str(backup))["source"], "journal")
        done = vault.recover("--backup", str(backup), "--apply", *REASON)
        self.assertEqual((done.returncode, vault.lost()), (0, []), done.stderr.decode())

    def test_a_kill_while_recovering_does_no_harm(self):
        random = seeded_random()
        vault = self.vault().work()
        self.lose(vault)
        for _ in range(REKEY_KILLS):
            vault.start()
            recover = vault.popen("operator", "recover", "--recovery-identity", str(vault.identity), "--apply", *REASON)
            moment = time.monotonic() + random.uniform(0.01, 0.2)
            while time.monotonic() < moment and recover.poll() is None:
                pass
            vault.kill()
            recover.communicate(timeout=DEADLINE_S)
            if vault.data.exists() and random.random() < 0.5:
                shutil.rmtree(vault.data)
        shutil.rmtree(vault.data, ignore_errors=True)
        vault.start()
        self.assertEqual(vault.recover("--apply", *REASON).returncode, 0)
        self.assertEqual(vault.lost(), [])

    def test_recovering_needs_an_identity_of_a_slot_and_a_reason(self):
        vault = self.vault().work()
        backup = vault.backup()
        self.lose(vault)
        vault.start()
        other = vault.folder / "other.txt"
        vault.ok("operator", "new-recovery-identity", "--out", str(other))
        for options in ((), ("--backup", str(backup)), ("--apply", *REASON)):
            done = vault.recover(*options, seal=("--recovery-identity", str(other)))
            self.assertEqual((done.returncode, done.stdout), (1, b""), options)
        for options, code, sentence in (((), 2, b"--apply requires --reason"),
                                        (("--reason", ""), 1, b"reason: must say in 1 to 200 characters")):
            silent = vault.recover("--apply", *options)
            self.assertEqual((silent.returncode, silent.stdout), (code, b""))
            self.assertIn(sentence, silent.stderr)
        self.assertEqual(vault.state(), "uninitialised")

    def test_destroyed_versions_stay_destroyed(self):
        vault = self.vault()
        for value in (b"first", b"second"):
            vault.ok("secret", "put", "gone/one", stdin=value)
        vault.people.approved("secret", "destroy", "gone/one", "--version", "1")
        self.lose(vault)
        vault.start()
        self.assertEqual(vault.recover("--apply", *REASON).returncode, 0)
        self.assertEqual(vault.ok("secret", "get", "gone/one"), b"second")
        first = vault.run("secret", "get", "gone/one", "--version", "1")
        self.assertEqual((first.returncode, first.stdout), (1, b""))
        self.assertIn(b"destroyed", first.stderr)


class PutBack(VaultTest):
    def put_store_back(self, vault, copy):
        """The audit log stays as it is."""
        kept = vault.elsewhere / "kept"
        shutil.copytree(vault.data, kept)
        vault.put_back(copy)
        shutil.rmtree(vault.data / "audit")
        shutil.copytree(kept / "audit", vault.data / "audit")
        shutil.copy(kept / "audit.key.signed", vault.data)

    def worked_since_a_copy(self):
        vault = self.vault().work()
        vault.stop()
        yesterday = vault.copy_store()
        vault.start()
        vault.work()
        vault.stop()
        return vault, yesterday

    def test_yesterdays_store_is_refused_explained_and_repaired(self):
        vault, yesterday = self.worked_since_a_copy()
        self.put_store_back(vault, yesterday)
        vault.start()
        self.check_refused(vault, "the store is older than its key journal")
        found = vault.explain()
        self.assertEqual(found["finding"], "the store is older than its key journal")
        self.assertLess(found["store_epoch"], found["source_epoch"])
        self.assertGreater(found["rows_missing"] + found["rows_changed"], 0)
        text = vault.recover().stdout.decode()
        command = f"coffer operator recover --recovery-identity {vault.identity} --apply --reason 'the reason'"
        self.assertIn(command, text)
        self.assertEqual(found["repair"], command)
        self.check_refused(vault, "the store is older than its key journal")
        self.check_recovers(vault)

    def test_an_audit_log_that_was_put_back_with_the_store_is_told_by_the_journal(self):
        vault, yesterday = self.worked_since_a_copy()
        vault.put_back(yesterday)
        vault.start()
        self.check_refused(vault, "the store is older than its key journal")
        found = vault.explain()
        self.assertEqual(found["finding"], "the store was used with another audit log than the one that is here")
        self.assertTrue(found["loses"], "records of the log")
        self.assertEqual(vault.recover("--apply", *REASON).returncode, 1)
        self.check_refused(vault, "the store is older than its key journal")
        self.check_recovers(vault, "--go-back")

    def test_a_sealed_service_says_the_same(self):
        """Nobody has unsealed it yet, so only the epochs tell."""
        vault = self.vault("--passphrase-file", str(self.passphrase_file()), key_file=False).work()
        vault.stop()
        yesterday = vault.copy_store()
        vault.start()
        vault.ok("operator", "unseal", "--passphrase-file", str(self.passphrase_file()))
        vault.work()
        vault.stop()
        self.put_store_back(vault, yesterday)
        vault.start()
        self.assertEqual(vault.state(), "sealed")
        self.assertEqual(vault.explain()["finding"], "the store is older than its key journal")
        done = vault.run("operator", "unseal", "--passphrase-file", str(self.passphrase_file()))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"the store is older than its key journal", done.stderr)
        self.assertEqual(vault.recover("--apply", *REASON).returncode, 0)
        self.assertEqual(vault.lost(), [])

    def passphrase_file(self):
        if not hasattr(self, "passphrase"):
            folder = tempfile.mkdtemp(prefix="coffer-e2e-")
            self.addCleanup(shutil.rmtree, folder)
            self.passphrase = pathlib.Path(folder, "passphrase")
            self.passphrase.write_text("a passphrase of some length\n")
            self.passphrase.chmod(0o600)
        return self.passphrase

    def test_nothing_is_recovered_while_all_is_well(self):
        vault = self.vault().work()
        for options in ((), ("--apply", *REASON), ("--new-journal", "--apply", *REASON)):
            done = vault.recover(*options)
            self.assertEqual(done.returncode, 1, options)
            self.assertIn(b"nothing is to be recovered", done.stderr)
        self.assertEqual(vault.lost(), [])


class Altered(VaultTest):
    def alter(self, vault, statement):
        vault.stop()
        connection = sqlite3.connect(vault.store)
        connection.execute(statement)
        connection.commit()
        connection.close()
        vault.start()

    def test_an_altered_store_is_made_again_from_its_journal(self):
        for statement in ("UPDATE tenant SET name = 'evil' WHERE name = 'tenant-1'", "DELETE FROM data_key",
                          "UPDATE head SET epoch = 1000000", "DELETE FROM seal_slot"):
            with self.subTest(statement):
                vault = self.vault().work()
                self.alter(vault, statement)
                self.assertNotEqual(vault.state(), "unsealed")
                self.assertEqual(vault.run("secret", "get", "work/1").returncode, 1)
                older = vault.explain()["store_epoch"] > vault.explain()["source_epoch"]
                self.assertEqual(older, "1000000" in statement)
                self.check_recovers(vault, *(("--go-back",) if older else ()))

    def test_a_new_journal_does_not_make_an_altered_store_true(self):
        vault = self.vault().work()
        self.alter(vault, "UPDATE tenant SET name = 'evil' WHERE name = 'tenant-1'")
        done = vault.recover("--new-journal", "--apply", *REASON)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertNotEqual(vault.state(), "unsealed")
        self.check_recovers(vault)


class LostJournal(VaultTest):
    def check_new_journal(self, vault, why):
        self.check_refused(vault, why)
        found = vault.explain("--new-journal")
        self.assertEqual((found["finding"], found["source"]), (why, "store"))
        self.assertIn("--new-journal --apply", found["repair"])
        self.assertEqual(vault.recover("--new-journal", "--apply").returncode, 2)
        self.check_refused(vault, why)
        self.check_recovers(vault, "--new-journal")

    def test_a_deleted_journal_is_refused_until_a_new_one_is_begun(self):
        vault = self.vault().work()
        vault.stop()
        vault.journal.unlink()
        vault.start()
        self.assertIn(b"--new-journal", vault.recover().stderr)
        self.check_new_journal(vault, "the store's key journal is gone")

    def test_a_journal_of_another_store_is_refused(self):
        vault, other = self.vault().work(), self.vault().work()
        vault.stop()
        other.stop()
        shutil.copy(other.journal, vault.journal)
        vault.start()
        done = vault.recover()
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"of another store", done.stderr)
        self.check_new_journal(vault, "the key journal is of another store: put the right one in its place")

    def test_a_damaged_journal_is_refused(self):
        vault = self.vault().work()
        vault.stop()
        content = bytearray(vault.journal.read_bytes())
        content[len(content) // 2] ^= 1
        vault.journal.write_bytes(content)
        vault.start()
        state = vault.json("operator", "status")
        self.assertEqual(state["state"], "rolled-back")
        self.check_new_journal(vault, state["rollback"].split(":")[0])

    def test_a_journal_that_lost_its_end_never_takes_the_store_along(self):
        vault = self.vault().work()
        vault.stop()
        kept = vault.journal.read_bytes()
        vault.start()
        vault.work()
        vault.stop()
        vault.journal.write_bytes(kept)
        vault.start()
        self.check_refused(vault, "the store is newer than its key journal")
        found = vault.explain()
        self.assertGreater(found["store_epoch"], found["source_epoch"])
        self.assertIn("--new-journal", found["repair"])
        self.assertIn(b"--go-back", vault.recover().stdout)
        refused = vault.recover("--apply", *REASON)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"nothing was changed", refused.stderr)
        self.check_new_journal(vault, "the store is newer than its key journal")

    def test_looking_at_a_damaged_journal_leaves_it_as_it_is(self):
        vault = self.vault().work()
        vault.stop()
        shutil.rmtree(vault.data)
        content = bytearray(vault.journal.read_bytes())
        content[len(content) // 2] ^= 1
        vault.journal.write_bytes(content)
        vault.start()
        done = vault.recover()
        self.assertEqual(vault.journal.read_bytes(), bytes(content))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout.decode(), r"The key journal is damaged: its last \d+ bytes cannot be read")
        self.assertNotEqual(vault.state(), "unsealed")

    def test_a_torn_end_is_one_commit_that_the_store_has(self):
        """The store took it, so its journal is behind: said, not hidden."""
        vault = self.vault().work()
        vault.stop()
        vault.journal.write_bytes(vault.journal.read_bytes()[:-3])
        vault.start()
        self.check_new_journal(vault, "the store is newer than its key journal")


class Rekey(VaultTest):
    def test_only_the_new_key_opens_what_comes(self):
        vault = self.vault().work()
        before = vault.backup("before.age")
        new = vault.elsewhere / "new.key"
        said = vault.people.approved("operator", "rekey", "--key-file", str(new), "--allow-same-device")
        self.assertIn(b"made before still open with the old ones", said)
        vault.work()
        self.assertEqual(vault.lost(), [])
        vault.restart()
        self.assertEqual(vault.state(), "sealed")
        old = vault.run("operator", "unseal", "--key-file", str(vault.key_file))
        self.assertEqual(old.returncode, 1)
        self.assertIn(b"no seal slot opens with this", old.stderr)
        vault.ok("operator", "unseal", "--key-file", str(new))
        self.assertEqual(vault.lost(), [])
        vault.ok("operator", "seal")
        vault.ok("operator", "unseal", "--recovery-identity", str(vault.identity))
        self.assertEqual(vault.lost(), [])
        # As it is said: what was made before opens with what there was before.
        vault.stop()
        shutil.rmtree(vault.data)
        vault.journal.unlink()
        vault.start()
        done = vault.recover("--backup", str(before), seal=("--recovery-identity", str(vault.identity), "--key-file",
                                                            str(vault.key_file)))
        self.assertEqual(done.returncode, 0, done.stderr.decode())

    def test_a_kill_leaves_the_old_root_key_or_the_new_one(self):
        random = seeded_random()
        vault = self.vault().work()
        key, outcomes = vault.key_file, {"old": 0, "new": 0}
        longest = 0.02
        for number in range(REKEY_KILLS):
            new = vault.elsewhere / f"{number}.key"
            words = ("operator", "rekey", "--key-file", str(new), "--allow-same-device")
            words += vault.people.approval(*words)
            began = time.monotonic()
            rekey = vault.popen(*words)
            moment = began + (random.uniform(0.01, longest) if number else DEADLINE_S)
            while time.monotonic() < moment and rekey.poll() is None:
                pass
            acknowledged = rekey.poll() == 0
            longest = longest if number else (time.monotonic() - began) * 1.2
            vault.kill()
            rekey.communicate(timeout=DEADLINE_S)
            vault.configure(key)
            vault.start()
            with self.subTest(kill=number, acknowledged=acknowledged):
                was_replaced = vault.state() == "sealed"
                self.assertTrue(was_replaced or not acknowledged)
                if was_replaced:
                    vault.ok("operator", "unseal", "--key-file", str(new))
                    key = new
                outcomes["new" if was_replaced else "old"] += 1
                self.assertEqual(vault.lost(), [])
                self.assertTrue(vault.json("operator", "check")["journal_complete"])
            vault.people.deny_waiting()
            vault.work()
        print(f"{REKEY_KILLS} kills: {outcomes['old']} left the old root key, {outcomes['new']} the new one")
        self.assertEqual(vault.lost(), [])


class Backups(VaultTest):
    def test_stock_age_decrypts_a_backup_to_a_whole_journal(self):
        if shutil.which("age") is None:
            self.skipTest("age is not installed")
        vault = self.vault().work()
        backup = vault.backup()
        self.assertEqual(backup.stat().st_mode & 0o777, 0o600)
        vault.kill()
        with tempfile.TemporaryDirectory() as far:
            shutil.copy(backup, far)
            shutil.copy(vault.identity, far)
            plain = subprocess.run(["age", "-d", "-i", "recovery.txt", "backup.age"], cwd=far, capture_output=True,
                                   check=True, timeout=DEADLINE_S).stdout
        self.assertEqual(plain[8:8 + len(JOURNAL_LABEL)], JOURNAL_LABEL)
        self.assertNotIn(vault.secrets["work/1"].encode(), plain)
        # It is a journal: as one it brings the store back.
        shutil.rmtree(vault.data)
        vault.journal.write_bytes(plain)
        vault.start()
        self.check_recovers(vault)

    def test_a_backup_overwrites_nothing_and_needs_a_recipient(self):
        vault = self.vault().work()
        backup = vault.backup()
        content = backup.read_bytes()
        again = vault.run("operator", "backup", str(backup))
        self.assertEqual((again.returncode, backup.read_bytes()), (1, content))
        (slot,) = [s["id"] for s in vault.json("operator", "slots", "list")["slots"] if s["kind"] == "recovery"]
        remove = ("operator", "slots", "remove", slot)
        vault.people.apply(vault.people.policy(1))
        refused = vault.run(*remove, "--ask", "a test")
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"--accept-total-loss", refused.stderr)
        vault.people.approved(*remove, "--accept-total-loss")
        nobody = vault.run("operator", "backup", str(vault.elsewhere / "b2.age"))
        self.assertEqual(nobody.returncode, 1)
        self.assertIn(b"there is no recovery slot", nobody.stderr)
        self.assertFalse((vault.elsewhere / "b2.age").exists())

    def test_an_altered_backup_is_refused(self):
        vault = self.vault().work()
        content = vault.backup().read_bytes()
        vault.kill()
        shutil.rmtree(vault.data)
        vault.journal.unlink()
        vault.start()
        bad = vault.elsewhere / "bad.age"
        for name, changed in (("cut", content[:-20]), ("flipped", content[:-200] + bytes([content[-200] ^ 1])
                              + content[-199:]), ("longer", content + b"\0"), ("empty", b"")):
            with self.subTest(name):
                bad.write_bytes(changed)
                done = vault.recover("--backup", str(bad), "--apply", *REASON)
                self.assertEqual((done.returncode, done.stdout), (1, b""))
                self.assertEqual(vault.state(), "uninitialised")


if __name__ == "__main__":
    run(globals())
