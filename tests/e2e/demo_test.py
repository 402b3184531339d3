"""`make demo`: does what it says, leaves nothing behind, and fails when a step does not behave as claimed."""

import os
import pathlib
import pty
import select
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from service import DEADLINE_S, Programs, clean_environment, run, wait_until  # noqa: E402

DEMO = pathlib.Path(__file__).resolve().parent.parent / "demo" / "demo.sh"
STEPS = 16

# A coffer that differs in one point, so that the demo has to notice.
LIAR = """#!/bin/bash
arguments=("$@")
{change}
exec {coffer} "${{arguments[@]}}"
"""
LIES = {
    "the DBA decrypts": '[[ "$*" == *"--role dba field decrypt"* ]] && arguments=("${arguments[@]:2}")',
    "an edited URL decrypts": '[[ "$*" == *redirected.csv* ]] && exit 0',
    "the import changes nothing": '[[ "$*" == *"grafana import"* ]] && exit 0',
    "a seal is none": '[[ "$*" == "operator seal" ]] && { echo sealed; exit 0; }',
    "a table is not encrypted": '[[ "$*" == *"encrypt"*users.csv* ]] && exec cp users.csv database/users.csv',
    "a policy gives a DBA plaintext": '[[ "$*" == "policy show plaintext.toml" ]] && exit 0',
    "one person destroys alone": '[[ "$*" == "secret destroy "*" --version 1" ]] && exit 0',
    "who asks approves": '[[ "$*" == "approval approve "*"alice.key"* ]] && exit 0',
    "a grant outlives its end": '[[ "$*" == "grant revoke "* ]] && exit 0',
    "a token outlives its end": '[[ "$*" == "token revoke "* ]] && exit 0',
    "one person makes a token": '[[ "$*" == "token create "*" --ask "* ]] && exit 0',
    "what was approved is not done": '[[ "$*" == "secret destroy "*" --approval "* ]] && exit 0',
    "rewrap changes nothing": '[[ "$*" == *"rewrap"*"/users.csv"* ]] && { cp database/users.csv users.new.csv; '
                              'echo "4 records, 3 values, 3 rewrapped"; exit 0; }',
}


class Demo(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="coffer-e2e-")
        self.addCleanup(folder.cleanup)
        self.temporary = pathlib.Path(folder.name) / "tmp"
        self.temporary.mkdir()
        self.bin = pathlib.Path(folder.name) / "bin"
        self.environment = clean_environment(TMPDIR=str(self.temporary), TERM="xterm")

    def demo(self, programs=None, **options):
        return subprocess.Popen(["bash", str(DEMO), str(programs or Programs.bin)], stdin=subprocess.DEVNULL,
                                env=self.environment, start_new_session=True, **options)

    def finish(self, process):
        out = process.communicate(timeout=DEADLINE_S)[0]
        self.assertEqual(list(self.temporary.iterdir()), [])
        self.assertEqual(self.left_in_session(process.pid), [])
        return process.returncode, (out or b"").decode()

    def left_in_session(self, session):
        """Processes that the demo started and that still run."""
        left = []
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                after_name = path.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if after_name[3] == str(session) and after_name[0] != "Z":
                left.append(path.parent.name)
        return left

    def test_it_does_all_steps_without_colours_and_leaves_nothing(self):
        began = time.monotonic()
        code, out = self.finish(self.demo(stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        self.assertEqual(code, 0, out)
        print(f"the demo took {time.monotonic() - began:.1f} s")
        for number in range(1, STEPS + 1):
            self.assertIn(f"\n{number}. ", out)
        self.assertNotIn("\x1b", out)
        self.assertLess(max(map(len, out.splitlines())), 140)

    def test_on_a_terminal_it_has_colours(self):
        ours, theirs = pty.openpty()
        process = self.demo(stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown = b""
        while select.select([ours], [], [], DEADLINE_S)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
        os.close(ours)
        self.assertEqual(self.finish(process)[0], 0)
        self.assertIn(b"\x1b[1m10. ", shown)

    def test_stopped_half_way_it_leaves_nothing(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            process = self.demo(stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            wait_until(lambda: list(self.temporary.glob("*/data/store.db")), "the demo's service runs", process)
            os.killpg(process.pid, number)
            self.assertEqual(self.finish(process)[0], code)

    def test_it_fails_when_a_step_is_not_as_claimed(self):
        self.bin.mkdir()
        (self.bin / "cofferd").symlink_to(Programs.cofferd())
        for lie, change in LIES.items():
            with self.subTest(lie=lie):
                coffer = self.bin / "coffer"
                coffer.write_text(LIAR.format(change=change, coffer=Programs.coffer()))
                coffer.chmod(stat.S_IRWXU)
                code, out = self.finish(self.demo(self.bin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
                self.assertEqual(code, 1, out[-2000:])
                self.assertIn("The demo failed in step", out)

    def test_wrong_usage_is_refused(self):
        for arguments in ([], ["/nonexistent"], [str(Programs.bin), "more"]):
            done = subprocess.run(["bash", str(DEMO), *arguments], capture_output=True, check=False)
            self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    run(globals())
