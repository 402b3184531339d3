"""Tests of tools/setup against stand-ins for dpkg-query, apt-get, sudo and id: nothing is ever installed."""

import pathlib
import subprocess
import tempfile
import unittest

SETUP = pathlib.Path(__file__).resolve().parent.parent.parent / "tools" / "setup"
DPKG_QUERY = """#!/bin/bash
for name in "${@:3}"; do
  if [[ " $ABSENT " == *" $name "* ]]; then echo "no packages found" >&2; status=1
  elif [[ " $REMOVED " == *" $name "* ]]; then echo "$name config-files"
  else echo "$name installed"; fi
done
exit ${status:-0}
"""
RECORD = '#!/bin/bash\necho "$(basename "$0") $*" >> "$CALLS"\n'


class SetupTest(unittest.TestCase):
    def run_setup(self, *arguments, release="ID=debian\nVERSION_ID=12\n", uid=0, sudo=False, **environment):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            programs = {"dpkg-query": DPKG_QUERY, "apt-get": RECORD, "id": f"#!/bin/bash\necho {uid}\n"}
            if sudo:
                programs["sudo"] = RECORD + 'exec "$@"\n'
            for name in ("bash", "cat", "cut", "env", "basename"):
                (root / name).symlink_to(f"/usr/bin/{name}")
            for name, text in programs.items():
                (root / name).write_text(text, encoding="utf-8")
                (root / name).chmod(0o755)
            (root / "release").write_text(release, encoding="utf-8")
            calls = root / "calls"
            settings = {"PATH": folder, "CALLS": str(calls), "COFFER_OS_RELEASE": str(root / "release"), **environment}
            done = subprocess.run([SETUP, *arguments], env=settings, capture_output=True, text=True, check=False)
            return done.returncode, done.stdout + done.stderr, calls.read_text() if calls.exists() else ""

    def test_nothing_missing_installs_nothing_and_says_nothing(self):
        self.assertEqual(self.run_setup(), (0, "", ""))

    def test_only_what_is_missing_is_installed(self):
        status, _, calls = self.run_setup(ABSENT="jq gdb", REMOVED="cmake")
        self.assertEqual(status, 0)
        install = "apt-get install -y --no-install-recommends cmake jq gdb -qq"
        self.assertEqual(calls, f"apt-get update -qq\n{install}\n")

    def test_sudo_is_used_when_not_root(self):
        status, _, calls = self.run_setup(uid=1000, sudo=True, ABSENT="jq")
        self.assertEqual(status, 0)
        self.assertIn("sudo apt-get update -qq\n", calls)

    def test_without_root_and_sudo_the_command_is_printed(self):
        status, output, calls = self.run_setup(uid=1000, ABSENT="jq")
        self.assertEqual((status, calls), (1, ""))
        self.assertIn("apt-get update && apt-get install -y --no-install-recommends jq\n", output)

    def test_check_only_reports(self):
        status, output, calls = self.run_setup("--check", ABSENT="jq")
        self.assertEqual((status, output, calls), (1, "tools/setup: missing: jq\n", ""))
        self.assertEqual(self.run_setup("--check")[0], 0)

    def test_list_names_each_package_once(self):
        names = self.run_setup("--list")[1].split()
        self.assertIn("libgrpc++-dev", names)
        self.assertEqual(len(names), len(set(names)))

    def test_another_system_is_refused_unless_forced(self):
        ubuntu = "ID=ubuntu\nVERSION_ID=24.04\n"
        status, output, calls = self.run_setup(release=ubuntu, ABSENT="jq")
        self.assertEqual((status, calls), (1, ""))
        self.assertIn("Coffer is built on Debian 12 and this is ubuntu 24.04", output)
        self.assertEqual(self.run_setup("--force", release=ubuntu)[0], 0)

    def test_unknown_argument_is_a_usage_error(self):
        self.assertEqual(self.run_setup("--nonsense")[0], 2)


if __name__ == "__main__":
    unittest.main()
