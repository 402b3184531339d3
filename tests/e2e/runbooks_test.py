"""The runbooks of docs/OPERATIONS.md, "When something is lost" and "Edge stores", typed line by line."""

import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from recovery_world import Vault  # noqa: E402
from service import DEADLINE_S, Programs, clean_environment, run  # noqa: E402

OPERATIONS = (pathlib.Path(__file__).resolve().parents[2] / "docs/OPERATIONS.md").read_text()
SECTIONS = ("When something is lost", "Edge stores")
START = "sudo systemctl start cofferd"


def runbooks():
    """{heading: lines of its shell blocks}"""
    books = {}
    for section in SECTIONS:
        text = OPERATIONS.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
        for part in text.split("\n### ")[1:]:
            blocks = re.findall(r"```sh\n(.*?)```", part, re.DOTALL)
            books[part.partition("\n")[0]] = "".join(blocks).splitlines()
    return books


def first_policy(people):
    """That of "A first policy", of these persons."""
    text = re.search(r"\n### A first policy\n.*?```toml\n(.*?)```", OPERATIONS, re.DOTALL)[1]
    for name in ("alice", "bob"):
        people.key(name)
        text, count = re.subn(rf'key = "{name}\+.*"\nprincipals = .*',
                              f'key = "{people.keys[name]}"\nprincipals = ["{people.principals[name]}"]', text)
        assert count == 1, name
    return text


class Runbooks(unittest.TestCase):
    def host(self, key_file=True):
        host = Vault(key_file)
        self.addCleanup(host.close)
        for folder in ("media/coffer-key", "media/operator", "backup/coffer"):
            (host.folder / folder).mkdir(parents=True)
        host.identity = host.folder / "media/operator/recovery.txt"
        host.shares = 0
        host.configure(host.folder / "media/coffer-key/seal.key" if key_file else None)
        return host

    def host_with_shares(self):
        host = self.host(key_file=False)
        host.begin("--shares", "3/5", "--shares-dir", str(host.folder / "shares-1"))
        host.people.apply(first_policy(host.people))
        return host.work()

    def typed(self, host, line):
        """The line with this host's paths, and what a person sees on the terminal in files."""
        for place in ("/media/", "/backup/"):
            line = line.replace(place, f"{host.folder}{place}")
        line = host.people.typed(line)
        line = re.sub(r"(operator (?:init|rekey) .*--key-file \S+)", r"\1 --allow-same-device", line)
        if "--shares 3/5" in line:
            folder = f"{host.folder}/shares-{host.shares + 1}"
            host.shares += "--ask" not in line
            line = line.replace("--shares 3/5", f"--shares 3/5 --shares-dir {folder}")
        return line

    def follow(self, host, heading, stdin=()):
        """Types the runbook; what it printed, line by line. Every line has to work."""
        lines = runbooks().pop(heading)
        self.assertGreater(len(lines), 2)
        if START in lines:
            self.assertEqual(lines.index(START), 0)
            host.start()
            lines.remove(START)
        variables, printed, stdin = "", [], list(stdin)
        for line in lines:
            given = stdin.pop(0) if line.startswith("coffer operator unseal --share") else ""
            name = re.match(r"([a-z]+)=\$", line)
            show = f'; echo "${name[1]}"' if name else ""
            done = self.shell(host, variables + self.typed(host, line) + show, given)
            self.assertEqual(done.returncode, 0, line + "\n" + done.stderr)
            printed.append(done.stdout)
            variables += f"{name[1]}={done.stdout.strip()}\n" if name else ""
        return printed

    def shell(self, host, script, stdin):
        environment = clean_environment(COFFER_SERVER=host.server)
        environment["PATH"] = f"{Programs.bin}:{environment['PATH']}"
        return subprocess.run(["bash", "-c", script], input=stdin, text=True, capture_output=True, timeout=DEADLINE_S,
                              check=False, cwd=host.folder, env=environment)

    def share(self, host, made, number):
        return (host.folder / f"shares-{made}" / f"share-{number}-of-5.txt").read_text()

    def kinds(self, host):
        return sorted(slot["kind"] for slot in host.json("operator", "slots", "list")["slots"])

    def test_every_runbook_is_followed(self):
        followed = re.findall(r'self\.follow\(host, "([^"]+)"', pathlib.Path(__file__).read_text())
        with_commands = [heading for heading, lines in runbooks().items() if lines]
        self.assertEqual(sorted(set(followed)), sorted(with_commands))

    def test_a_first_policy_changes_only_who_approves(self):
        host = self.host().begin()
        policy = host.write("policy.toml", first_policy(host.people))
        alone = {one["operation"] for one in host.json("policy", "operations") if not one["needs_approvals"]}
        changes = host.json("policy", "diff", "builtin", policy)["decisions"]
        self.assertEqual([one for one in changes if one["operation"] in alone], [])
        self.assertEqual({one["role"] for one in changes}, {"admin"})

    @unittest.skipIf(shutil.which("age") is None, "age is not installed")
    def test_first_set_up(self):
        host = self.host()
        self.follow(host, "First set-up")
        host.apply_catalog()
        host.work()
        self.assertEqual(host.restart().state(), "unsealed")
        self.assertEqual(host.lost(), [])

    def test_power_was_lost(self):
        host = self.host_with_shares()
        host.kill()
        printed = self.follow(host, "Power was lost", [self.share(host, 1, n) for n in (5, 1, 3)])
        self.assertEqual(printed[3], "unsealed\n")
        self.assertEqual(host.lost(), [])

    @unittest.skipIf(shutil.which("jq") is None, "jq is not installed")
    def test_a_share_is_lost(self):
        host = self.host_with_shares()
        host.shares = 1
        self.follow(host, "A share is lost")
        self.assertEqual(self.kinds(host), ["recovery", "shares"])
        host.ok("operator", "seal")
        old = host.run("operator", "unseal", "--share", stdin=self.share(host, 1, 1))
        self.assertEqual(old.returncode, 1)
        for number in (1, 2, 3):
            host.ok("operator", "unseal", "--share", stdin=self.share(host, 2, number))
        self.assertEqual(host.lost(), [])

    def test_the_disk_is_lost(self):
        host = self.host()
        host.key_file = host.folder / "media/coffer-key/seal.key"
        host.begin().work()
        host.kill()
        shutil.rmtree(host.data)
        printed = self.follow(host, "The disk is lost")
        self.assertIn("there is no store here", printed[1])
        self.assertEqual(host.lost(), [])
        self.assertEqual(host.restart().state(), "unsealed")

    def test_the_site_is_lost(self):
        old, host = self.host_with_shares(), self.host(key_file=False)
        host.people.take_keys(old.people)
        shutil.copy(old.backup(), host.folder / "backup/coffer/nightly.age")
        shutil.copy(old.identity, host.identity)
        old.close()
        self.follow(host, "The site is lost")
        self.assertEqual(host.lost(old.remembered()), [])
        host.restart()
        host.ok("operator", "unseal", "--key-file", str(host.folder / "media/coffer-key/new.key"))
        self.assertEqual(host.lost(old.remembered()), [])

    def test_custodians_change(self):
        host = self.host_with_shares()
        host.shares = 1
        self.follow(host, "Custodians change")
        self.assertEqual(self.kinds(host), ["recovery", "shares"])
        host.restart()
        for number in (1, 2, 3):
            self.assertEqual(host.run("operator", "unseal", "--share", stdin=self.share(host, 1, number)).returncode, 1)
        for number in (2, 4, 5):
            host.ok("operator", "unseal", "--share", stdin=self.share(host, 2, number))
        self.assertEqual(host.lost(), [])

    def test_bring_an_edge_store_home(self):
        host, edge = self.host(), self.host()
        host.key_file = host.folder / "media/coffer-key/seal.key"
        edge.key_file = edge.folder / "media/coffer-key/seal.key"
        edge.tenants = "edge-tenant"
        host.begin().work()
        host.people.apply(first_policy(host.people))
        edge.begin(lock_of=host).work()
        shutil.copy(edge.backup(), host.folder / "backup/coffer/edge-7.age")
        shutil.copy(edge.identity, host.folder / "media/operator/edge-7.txt")
        edge.close()
        printed = self.follow(host, "Bring an edge store home")
        self.assertIn("would bring in", printed[0])
        self.assertIn("merged; epoch", printed[4])
        self.assertEqual(host.lost(edge.remembered(), default="edge-7"), [])
        self.assertEqual(host.lost(), [])
        host.work()
        self.assertEqual(host.restart().lost(edge.remembered(), default="edge-7"), [])


if __name__ == "__main__":
    run(globals())
