"""The operator's commands against a service: identities, slots, shares on a terminal, and what is refused before
anything is done."""

import json
import os
import pathlib
import pty
import re
import select
import shutil
import stat
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from service import DEADLINE_S, Programs, Service, clean_environment  # noqa: E402

ASK = ("--ask", "a test")
SHARE = r"coffer-share-1(?:-[a-z2-7]{8}){11}"
INIT = ("operator", "init", "--key-file", "root.key", "--allow-same-device")


def on_terminal(service, *arguments, typed=""):
    """coffer with a terminal of its own, which types when it is prompted; what it showed, and its exit code."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(service.folder)
        os.execve(Programs.coffer(), ["coffer", *arguments], clean_environment(COFFER_SERVER=service.server))
    shown, deadline = b"", time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if typed and shown.endswith(b": "):
            os.write(terminal, typed.encode() + b"\n")
            typed = ""
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if not ready:
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        shown += piece
    os.close(terminal)
    return shown.decode(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class OperatorTest(unittest.TestCase):
    def setUp(self):
        self.service = Service(dev=False)
        self.addCleanup(self.service.close)

    def identity(self, name="recovery.txt"):
        self.service.ok("operator", "new-recovery-identity", "--out", name)
        return name

    def initialised(self):
        self.service.ok(*INIT, "--recovery-identity", self.identity())
        return self.service

    def slots(self):
        return self.service.json("operator", "slots", "list")["slots"]

    def refused(self, part, *arguments, code=1, **options):
        done = self.service.run(*arguments, **options)
        self.assertEqual((done.returncode, done.stdout), (code, b""), arguments)
        self.assertIn(part, done.stderr.decode())
        return done.stderr.decode()


class Identities(OperatorTest):
    def test_an_identity_file_is_private_and_of_age(self):
        answer = self.service.json("operator", "new-recovery-identity", "--out", "new.txt")
        path = self.service.folder / "new.txt"
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        created, public, secret = path.read_text().splitlines()
        self.assertRegex(created, r"^# created: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(public, "# public key: " + answer["recipient"])
        self.assertRegex(secret, r"^AGE-SECRET-KEY-1[A-Z0-9]{58}$")
        if shutil.which("age-keygen"):
            derived = subprocess.run(["age-keygen", "-y", path], capture_output=True, text=True, check=True)
            self.assertEqual(derived.stdout.strip(), answer["recipient"])

    def test_no_file_is_overwritten(self):
        self.service.write("taken.txt", "mine")
        self.refused("taken.txt: already exists", "operator", "new-recovery-identity", "--out", "taken.txt")
        self.assertEqual((self.service.folder / "taken.txt").read_text(), "mine")

    def test_the_secret_is_never_printed(self):
        said = self.service.ok("operator", "new-recovery-identity", "--out", "new.txt")
        self.assertNotIn(b"AGE-SECRET-KEY", said)
        self.assertRegex(said.decode(), r"^recipient: age1[a-z0-9]{58}\n")

    def test_a_bad_identity_file_is_named_and_nothing_is_done(self):
        self.identity("open.txt")
        (self.service.folder / "open.txt").chmod(0o644)
        canary = "AGE-SECRET-KEY-1CANARY"
        for name, text, part in (("bad.txt", canary + "\n", "bad.txt"), ("none.txt", "# nothing\n", "none.txt"),
                                 ("absent.txt", None, "absent.txt: does not exist"), ("open.txt", None, "open.txt")):
            if text is not None:
                self.service.write(name, text)
                (self.service.folder / name).chmod(0o600)
            for command in (INIT, ("operator", "unseal"), ("operator", "recover")):
                with self.subTest(file=name, command=command):
                    said = self.refused(part, *command, "--recovery-identity", name)
                    self.assertNotIn("CANARY", said)
        self.assertFalse((self.service.folder / "root.key").exists())

    def test_init_makes_both_slots_and_tells_what_to_keep(self):
        said = self.service.ok(*INIT, "--recovery-identity", self.identity()).decode()
        self.assertIn("Keep the recovery identity off this machine", said)
        self.assertNotIn("loses every secret", said)
        kinds = {slot["kind"]: slot for slot in self.slots()}
        self.assertEqual(set(kinds), {"key-file", "recovery"})
        self.assertIn(kinds["recovery"]["recipients"][0], (self.service.folder / "recovery.txt").read_text())

    def test_an_identity_from_standard_input_opens_too(self):
        service = self.initialised()
        service.ok("operator", "seal")
        text = (service.folder / "recovery.txt").read_bytes()
        self.assertEqual(service.ok("operator", "unseal", "--recovery-identity", "-", stdin=text), b"unsealed\n")

    def test_other_recipients_are_proven_by_one_of_theirs(self):
        mine, other = self.identity("mine.txt"), self.identity("other.txt")
        recipients = [re.search(r"age1\w+", (self.service.folder / name).read_text())[0] for name in (mine, other)]
        both = [word for recipient in recipients for word in ("--recovery-recipient", recipient)]
        self.refused("does not open what is encrypted to these recipients", *INIT, "--recovery-identity", mine,
                     "--recovery-recipient", recipients[1])
        self.service.ok(*INIT, "--recovery-identity", mine, *both)
        (slot,) = [slot for slot in self.slots() if slot["kind"] == "recovery"]
        self.assertEqual(slot["recipients"], recipients)
        self.service.ok("operator", "seal")
        self.service.ok("operator", "unseal", "--recovery-identity", other)

    def test_an_identity_of_nobody_does_not_unseal(self):
        self.initialised().ok("operator", "seal")
        self.refused("no seal slot opens with this", "operator", "unseal", "--recovery-identity",
                     self.identity("other.txt"))


class Slots(OperatorTest):
    def test_slots_come_and_go(self):
        service = self.initialised()
        passphrase = b"a passphrase of some length"
        added = service.people.approved_json("operator", "slots", "add", "--passphrase-file", "-", "--label",
                                             "the safe", stdin=passphrase)
        (slot,) = [slot for slot in self.slots() if slot["id"] == added["id"]]
        self.assertEqual((slot["kind"], slot["label"]), ("passphrase", "the safe"))
        self.assertIn(added["id"], service.ok("operator", "slots", "list").decode())
        service.ok("operator", "seal")
        service.ok("operator", "unseal", "--passphrase-file", "-", stdin=passphrase)
        service.people.approved("operator", "slots", "remove", added["id"])
        self.assertNotIn(added["id"], [slot["id"] for slot in self.slots()])
        service.ok("operator", "seal")
        self.refused("no seal slot opens", "operator", "unseal", "--passphrase-file", "-", stdin=passphrase)

    def test_what_weakens_asks_for_approval_and_changes_nothing_without(self):
        service = self.initialised()
        before = self.slots()
        calls = [("slots", "add", "--recovery-identity", "recovery.txt"),
                 ("slots", "remove", before[0]["id"], "--accept-total-loss"),
                 ("rekey", "--key-file", "new.key", "--allow-same-device")]
        for call in calls:
            self.refused("no policy says yet who", "operator", *call)
        service.people.apply(service.people.policy(1))
        for call in calls:
            self.refused("others have to approve this act", "operator", *call)
            service.people.ask("operator", *call)
        self.assertEqual(self.slots(), before)
        self.assertFalse((service.folder / "new.key").exists())

    def test_slots_that_are_not_there_or_the_last_are_refused(self):
        self.service.ok(*INIT, "--accept-total-loss")
        people = self.service.people
        people.apply(people.policy(1))
        self.refused("the last seal slot cannot be removed", "operator", "slots", "remove", self.slots()[0]["id"], *ASK)
        people.approved("operator", "slots", "add", "--recovery-identity", self.identity())
        self.refused("there is no seal slot of this id", "operator", "slots", "remove", "1", *ASK)

    def test_unconfigured_ways_in_are_refused(self):
        people = self.initialised().people
        people.apply(people.policy(1))
        for option, sentence in (("--pkcs11", "no PKCS#11 token is configured"),
                                 ("--command", "no seal command is configured")):
            self.refused(sentence, "operator", "slots", "add", option, *ASK)

    def test_rekey_takes_several_ways_in_and_keeps_recovery(self):
        service = self.initialised()
        service.ok("secret", "put", "app/one", stdin=b"kept")
        answer = service.people.approved_json("operator", "rekey", "--key-file", "new.key", "--allow-same-device",
                                              "--shares", "2/3", "--shares-dir", "shares")
        self.assertEqual([pathlib.Path(file).name for file in answer["share_files"]],
                         [f"share-{i}-of-3.txt" for i in (1, 2, 3)])
        self.assertEqual(sorted(slot["kind"] for slot in self.slots()), ["key-file", "recovery", "shares"])
        service.ok("operator", "seal")
        self.refused("no seal slot opens with this", "operator", "unseal", "--key-file", "root.key")
        service.ok("operator", "unseal", "--key-file", "new.key")
        self.assertEqual(service.ok("secret", "get", "app/one"), b"kept")

    def test_check_and_backup_tell_the_same_rows(self):
        service = self.initialised()
        checked = service.json("operator", "check")
        made = service.json("operator", "backup", "b.age")
        self.assertEqual((made["rows"], made["store_epoch"]), (checked["rows"], checked["store_epoch"]))
        self.assertEqual(made["path"], str(service.folder / "b.age"))
        self.assertEqual(made["bytes"], (service.folder / "b.age").stat().st_size)
        self.assertGreater(checked["journal_bytes"], 0)
        self.assertIn(made["recipients"][0], service.ok("operator", "backup", "c.age").decode())


class SharesOnATerminal(OperatorTest):
    def test_they_are_shown_once_and_typed_hidden(self):
        identity = self.identity()
        shown, code = on_terminal(self.service, "operator", "init", "--shares", "2/3", "--recovery-identity", identity)
        self.assertEqual(code, 0, shown)
        self.assertIn("Shares are shown this once", shown)
        shares = re.findall(SHARE, shown)
        self.assertEqual(len(set(shares)), 3)
        for number in (1, 2, 3):
            self.assertIn(f"share {number} of 3\r\n\r\n  {shares[number - 1]}\r\n", shown)
        self.service.ok("operator", "seal")
        for share, said in ((shares[2], "1 of 2 shares are there, 1 missing"), (shares[0].upper(), "unsealed")):
            shown, code = on_terminal(self.service, "operator", "unseal", "--share", typed=share)
            self.assertEqual(code, 0, shown)
            self.assertIn(said, shown)
            self.assertNotIn(share, shown)

    def test_without_a_terminal_no_share_is_made(self):
        identity = self.identity()
        call = ("operator", "init", "--shares", "2/3", "--recovery-identity", identity)
        self.refused("--shares-dir DIR", *call, code=2)
        shown, code = on_terminal(self.service, *call, "--output", "json")
        self.assertEqual(code, 2)
        self.assertNotRegex(shown, SHARE)
        self.assertEqual(self.service.json("operator", "status")["state"], "uninitialised")
        files = self.service.json(*call, "--shares-dir", "shares")["share_files"]
        self.assertEqual(stat.S_IMODE((self.service.folder / "shares").stat().st_mode), 0o700)
        for file in files:
            self.assertRegex(pathlib.Path(file).read_text(), f"^{SHARE}\n$")
            self.assertEqual(stat.S_IMODE(os.stat(file).st_mode), 0o600)


class Recovering(OperatorTest):
    def test_an_uninitialised_service_without_anything_says_what_to_name(self):
        said = self.refused("neither a key journal nor a backup", "operator", "restore", "--recovery-identity",
                            self.identity())
        self.assertIn("--backup FILE names one", said)

    def test_a_lost_store_comes_back_from_a_backup_on_another_host(self):
        service = self.initialised()
        service.ok("secret", "put", "app/one", stdin=b"kept")
        service.ok("operator", "backup", "b.age")
        other = Service(dev=False)
        self.addCleanup(other.close)
        options = ("--backup", str(service.folder / "b.age"), "--recovery-identity",
                   str(service.folder / "recovery.txt"))
        found = other.json("operator", "restore", *options)
        self.assertEqual((found["source"], found["store_epoch"], found["recovered"]), ("backup", 0, False))
        self.assertIn("--apply --reason 'the reason'", found["repair"])
        self.assertIn(found["repair"], other.ok("operator", "restore", *options).decode())
        repair = found["repair"].replace("coffer ", f"{Programs.coffer()} ", 1)
        subprocess.run(["bash", "-c", repair], check=True, capture_output=True, timeout=DEADLINE_S,
                       env=clean_environment(COFFER_SERVER=other.server))
        self.assertEqual(other.ok("secret", "get", "app/one"), b"kept")

    def test_a_backup_needs_the_identity_also_beside_a_key_file(self):
        service = self.initialised()
        service.ok("operator", "backup", "b.age")
        key, backup = str(service.folder / "root.key"), str(service.folder / "b.age")
        identity = str(service.folder / "recovery.txt")
        other = Service(dev=False)
        self.addCleanup(other.close)
        done = other.run("operator", "recover", "--backup", backup, "--key-file", key)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"recovery identity", done.stderr)
        self.assertEqual(json.loads(other.ok("operator", "recover", "--backup", backup, "--key-file", key,
                                             "--recovery-identity", identity, "--output", "json"))["source"], "backup")


if __name__ == "__main__":
    Programs.bin = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
