"""A store whose disk is full: the error says so, nothing acknowledged is lost, and it goes on once there is room.

Needs a small file system of its own, in a mount namespace of its own; skipped where that is not allowed.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from service import Service, run, wait_until  # noqa: E402

INSIDE = "COFFER_TEST_INSIDE_NAMESPACE"
FULL = r"the database.s disk is full|the key journal could not be written: its disk is full"
BALLAST_BYTES = 512 * 1024
SECRET_BYTES = 48 * 1024


def enter_namespace():
    """Runs this file again where mounts are private to it and vanish with it."""
    words = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    if INSIDE in os.environ:
        return
    allowed = subprocess.run([*words, "mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", "/mnt"],
                             capture_output=True, check=False)
    if allowed.returncode != 0:
        print("skipped: this user may not mount a small file system: " + allowed.stderr.decode().strip())
        sys.exit(0)
    environment = {**os.environ, INSIDE: "1"}
    os.execvpe("unshare", [*words, sys.executable, *sys.argv], environment)


def small_disk(test):
    """A file system of 2 MiB that the test leaves behind empty."""
    disk = pathlib.Path(tempfile.mkdtemp(prefix="coffer-e2e-disk-"))
    test.addCleanup(disk.rmdir)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", str(disk)], check=True)
    test.addCleanup(subprocess.run, ["umount", "--lazy", str(disk)], check=True)
    return disk


class FullAuditDisk(unittest.TestCase):
    """The disk of the audit log alone: nothing is answered without its record, and nothing is lost."""

    def setUp(self):
        self.disk = small_disk(self)
        self.service = Service(config=f'audit_log = "{self.disk}/audit"\naudit_file_kib = 128')
        self.addCleanup(self.service.close)
        self.ballast = self.disk / "ballast"
        self.ballast.write_bytes(bytes(BALLAST_BYTES))
        self.service.start_initialised().apply_catalog()
        try:
            with (self.disk / "filler").open("wb") as filler:
                while True:
                    filler.write(bytes(4096))
                    filler.flush()
        except OSError:
            pass

    def listing(self):
        return self.service.run("--timeout", "3", "secret", "list")

    def until_refused(self):
        for _ in range(3000):
            done = self.listing()
            if done.returncode != 0:
                return done
        return self.fail("the audit log's disk never became full")

    def test_calls_are_refused_operators_are_heard_and_it_goes_on_by_itself(self):
        done = self.until_refused()
        self.assertEqual(done.stdout, b"")
        self.assertRegex(done.stderr.decode(), "audit log.s disk is full")
        self.assertEqual(self.service.state(), "unsealed", "the reserve is for operators")
        self.assertNotEqual(self.listing().returncode, 0)
        self.ballast.unlink()
        wait_until(lambda: self.listing().returncode == 0, "the audit log has space again")
        self.service.stop()
        self.service.ok("audit", "verify", "--dir", str(self.disk / "audit"), "--vkey", self.vkey())

    def vkey(self):
        return self.service.ok("audit", "vkey", "--key-file", str(self.service.data / "audit.key")).decode().strip()


class FullDisk(unittest.TestCase):
    def setUp(self):
        self.disk = small_disk(self)
        audit = f'audit_log = "{tempfile.mkdtemp(prefix="coffer-e2e-audit-")}"'
        self.addCleanup(shutil.rmtree, audit.split('"')[1])
        self.service = Service(config=audit, data=self.disk / "data")
        self.addCleanup(self.service.close)
        self.service.start_initialised().apply_catalog()
        self.ballast = self.disk / "ballast"
        self.ballast.write_bytes(bytes(BALLAST_BYTES))
        self.kept = {}

    def put(self, number):
        value = os.urandom(SECRET_BYTES)
        done = self.service.run("secret", "put", f"fill/{number}", stdin=value)
        if done.returncode == 0:
            self.kept[f"fill/{number}"] = value
        return done

    def fill(self):
        """Puts until one fails; the failure."""
        for number in range(100):
            done = self.put(number)
            if done.returncode != 0:
                return done
        self.fail("the disk never became full")

    def check_all_kept(self):
        self.assertGreater(len(self.kept), 3)
        for path, value in self.kept.items():
            self.assertEqual(self.service.ok("secret", "get", path), value)

    def refuses_for_the_disk(self, done):
        self.assertEqual((done.returncode, done.stdout), (1, b""), done.stderr)
        self.assertRegex(done.stderr.decode(), FULL)

    def test_a_put_says_that_the_disk_is_full_and_loses_nothing(self):
        self.refuses_for_the_disk(self.fill())
        self.assertEqual(self.service.state(), "unsealed")
        self.check_all_kept()
        self.ballast.unlink()
        self.assertEqual(self.put(900).returncode, 0)
        self.check_all_kept()

    def test_a_failed_put_leaves_no_version_behind(self):
        self.fill()
        listed = {secret["path"] for secret in self.service.json("secret", "list", "fill/")["secrets"]}
        self.assertEqual(listed, set(self.kept))

    def test_keys_that_exist_go_on_and_new_ones_are_refused(self):
        record = {"id": 1, "email": "a@example"}
        before = self.service.encrypt("shop.user.email", "id", [record])
        tenants = [f"acme-{number}" for number in range(40)]
        for tenant in tenants:
            self.service.ok("tenant", "add", tenant)
        self.fill()
        after = self.service.encrypt("shop.user.email", "id", [record])
        self.assertEqual(self.service.decrypt("shop.user.email", "id", before + after), [record, record])
        first_use = ("field", "encrypt", "--field", "shop.user.email", "--row", "id", "--timeout", "2", "--tenant")
        for tenant in tenants:  # what a put did not fit into may still hold some of these
            done = self.service.run(*first_use, tenant, stdin=b'{"id":1,"email":"b@example"}\n')
            if done.returncode != 0:
                break
        self.refuses_for_the_disk(done)
        self.refuses_for_the_disk(self.service.run("keyring", "rotate", "shop"))
        self.assertEqual(self.service.json("keyring", "show", "shop")["primary_version"], 1)

    def test_a_restart_on_a_full_disk_loses_nothing(self):
        self.fill()
        self.service.kill()
        self.service.spawn()
        started = self.service.process
        if self.ends_or_answers(started) == "answers":
            self.check_all_kept()
        else:
            self.assertIn("disk is full", self.service.log())
        self.ballast.unlink()
        if started.poll() is not None:
            self.service.start()
        self.assertEqual(self.service.state(), "unsealed")
        self.check_all_kept()
        self.assertEqual(self.put(901).returncode, 0)

    def ends_or_answers(self, process):
        return wait_until(lambda: "ends" if process.poll() is not None else
                          "answers" if self.service.run("operator", "status").returncode == 0 else "",
                          "cofferd starts on a full disk")


if __name__ == "__main__":
    enter_namespace()
    run(globals())
