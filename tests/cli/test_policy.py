"""coffer policy, coffer identity and coffer break-glass sign: files in, decisions out. No service is needed."""

import base64
import calendar
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from service import Programs, clean_environment  # noqa: E402

CANARY = "hunter2-canary"
PASSPHRASE = "correct horse battery"

POLICY = """serial = 1
admin_signatures = 2
[person.alice]
key = "ALICE"
principals = ["unix:admin:1000"]
[person.bob]
key = "BOB"
principals = ["unix:admin:1001"]
[grant.rotates]
roles = ["dba"]
operations = ["RotateKeyring"]
keyrings = ["shop"]
[grant.destroys]
roles = ["admin"]
operations = ["ScheduleDestroy"]
keyrings = "all"
approvals = { count = 1, roles = ["admin"] }
"""

EXPECTATIONS = """[expect.dba-rotates]
role = "dba"
operation = "RotateKeyring"
keyring = "shop"
outcome = "allowed"
rule = "rotates"
[expect.dba-reads-nothing]
role = "dba"
operation = "DecryptFields"
outcome = "denied"
rule = "dba-sees-no-plaintext"
[expect.alice-asks]
role = "admin"
principal = "unix:admin:1000"
operation = "ScheduleDestroy"
keyring = "shop"
outcome = "needs-approval"
[expect.bob-approved]
role = "admin"
principal = "unix:admin:1000"
operation = "ScheduleDestroy"
keyring = "shop"
approved_by = ["bob"]
outcome = "allowed"
"""


def run(*arguments, stdin=""):
    return subprocess.run([Programs.coffer(), *arguments], input=stdin, capture_output=True, text=True, timeout=60,
                          env=clean_environment(COFFER_SERVER="unix:/nonexistent"), check=False)


class Folder(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def key(self, name):
        made = run("identity", "new", "--name", name, "--key", str(self.folder / name), "--no-passphrase")
        self.assertEqual(made.returncode, 0, made.stderr)
        return made.stdout.strip()

    def policy(self, name="policy.toml", change=lambda text: text):
        if not hasattr(self, "keys"):
            self.keys = {person: self.key(person) for person in ("alice", "bob")}
        return self.file(name, change(POLICY.replace("ALICE", self.keys["alice"]).replace("BOB", self.keys["bob"])))


class Identity(Folder):
    def test_a_key_is_made_once_private_and_shown_without_its_passphrase(self):
        path = self.folder / "alice.key"
        arguments = ("identity", "new", "--name", "alice", "--key", str(path), "--passphrase-file", "-")
        made = run(*arguments, stdin=PASSPHRASE + "\n")
        self.assertEqual((made.returncode, made.stderr), (0, ""))
        self.assertRegex(made.stdout, r"^alice\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+\n$")
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.assertIn("BEGIN ENCRYPTED PRIVATE KEY", path.read_text())
        self.assertEqual(run("identity", "show", "--key", str(path)).stdout, made.stdout)
        before = path.read_bytes()
        again = run(*arguments, stdin=PASSPHRASE + "\n")
        self.assertEqual(again.returncode, 1)
        self.assertIn("--key", again.stderr)
        self.assertEqual(path.read_bytes(), before)

    def test_openssl_reads_it(self):
        path = self.folder / "alice.key"
        made = run("identity", "new", "--name", "alice", "--key", str(path), "--passphrase-file", "-",
                   stdin=PASSPHRASE + "\n")
        self.assertEqual(made.returncode, 0, made.stderr)
        public = subprocess.run(["openssl", "pkey", "-in", path, "-passin", "stdin", "-pubout", "-outform", "DER"],
                                input=PASSPHRASE.encode(), capture_output=True, timeout=60, check=True).stdout
        self.assertEqual(base64.b64decode(made.stdout.strip().split("+", 2)[2])[1:], public[-32:])

    def test_bad_ones_make_nothing(self):
        path = self.folder / "x.key"
        for arguments, stdin, code, sentence in [
                (("--name", "Alice A", "--no-passphrase"), "", 2, "is no person's name"),
                (("--name", f"{CANARY}!", "--no-passphrase"), "", 2, "is no person's name"),
                (("--name", "alice", "--passphrase-file", "-"), "short\n", 2, "must be 12 to 1,024 bytes"),
                (("--name", "alice", "--passphrase-file", "-"), "\n", 2, "--no-passphrase"),
                (("--name", "alice", "--passphrase-file", "/nonexistent"), "", 1, "/nonexistent"),
                (("--name", "alice", "--passphrase-file", "-", "--no-passphrase"), "", 2, "excludes"),
                (("--name", "alice"), "", 1, "there is no terminal"),
                (("--no-passphrase",), "", 2, "--name is required")]:
            with self.subTest(arguments=arguments):
                done = run("identity", "new", "--key", str(path), *arguments, stdin=stdin)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(sentence, done.stderr)
                self.assertNotIn(CANARY, done.stderr)
                self.assertFalse(path.exists())
        for text in ("", "alice\n", "-----BEGIN PRIVATE KEY-----\n"):
            bad = self.file("bad.key", text)
            pathlib.Path(bad).chmod(0o600)
            done = run("identity", "show", "--key", bad)
            self.assertEqual(done.returncode, 1)
            self.assertIn("does not begin with a line of a public key", done.stderr)


class Policy(Folder):
    def test_the_table_is_shown_and_as_json(self):
        shown = run("policy", "show", self.policy())
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        self.assertTrue(shown.stdout.startswith("serial 1; the next one takes 2 signatures of administrators\n"))
        self.assertRegex(shown.stdout, r"dba +RotateKeyring +allow +rotates +keyrings shop\n")
        self.assertRegex(shown.stdout, r"admin +ScheduleDestroy +allow +destroys +1 approval of admin within 60 min")
        table = json.loads(run("policy", "show", self.policy(), "-o", "json").stdout)
        self.assertEqual((table["serial"], [person["name"] for person in table["persons"]]), (1, ["alice", "bob"]))

    def test_the_built_in_policy_is_that_of_the_service(self):
        shown = run("policy", "show", "builtin").stdout
        self.assertTrue(shown.startswith("the built-in policy: it holds until the first one is applied\n"))
        self.assertRegex(shown, r"app +DecryptFields +allow +app-fields\n")
        self.assertNotRegex(shown, r"dba +DecryptFields")

    def test_explaining_says_how_each_rule_meets_the_act(self):
        explain = ("policy", "explain", self.policy(), "--as", "dba", "--operation", "RotateKeyring", "--keyring")
        done = run(*explain, "shop")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("allowed by rotates: ", done.stdout)
        self.assertRegex(done.stdout, r"grant rotates \(line \d+\) matches\n")
        done = run(*explain, "other")
        self.assertEqual(done.returncode, 1)
        self.assertIn("denied by default-deny: ", done.stdout)
        self.assertIn("names other keyrings", done.stdout)
        done = run("policy", "explain", self.policy(), "--as", "dba", "--operation", "DecryptFields", "-o", "json")
        self.assertEqual((done.returncode, json.loads(done.stdout)["rule"]), (1, "dba-sees-no-plaintext"))

    def test_expectations_are_met_or_named(self):
        expectations = self.file("expectations.toml", EXPECTATIONS)
        done = run("policy", "test", self.policy(), expectations)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.count("ok     "), 4)
        other = self.policy("other.toml", lambda text: text.replace('keyrings = ["shop"]', 'keyrings = ["other"]'))
        done = run("policy", "test", other, expectations)
        self.assertEqual(done.returncode, 1)
        self.assertIn("FAILED dba-rotates: is denied by default-deny, not allowed by rotates (line 1)", done.stdout)
        self.assertIn("1 of 4 expectations are not met", done.stderr)

    def test_a_difference_is_a_line_and_none_is_silence(self):
        old = self.policy()
        self.assertEqual(run("policy", "diff", old, old).stdout, "")
        new = self.policy("new.toml", lambda text: text.replace('keyrings = ["shop"]', 'keyrings = ["shop", "blog"]'))
        self.assertEqual(run("policy", "diff", old, new).stdout,
                         "+ dba RotateKeyring, keyring blog: denied -> allowed\n")
        self.assertEqual(run("policy", "diff", new, old).stdout,
                         "- dba RotateKeyring, keyring blog: allowed -> denied\n")
        change = json.loads(run("policy", "diff", old, new, "-o", "json").stdout)["decisions"][0]
        self.assertEqual((change["operation"], change["widens"]), ("RotateKeyring", True))

    def test_what_stands_and_what_is_kept_for_an_emergency_is_shown_and_compared(self):
        old = self.policy()
        safe = self.key("safe")
        principal = "spiffe://example.org/role/app/oncall"
        kept = (f'[break_glass]\nkey = "{safe}"\nminutes = 30\nroles = ["app"]\nprincipals = ["{principal}"]\n'
                'operations = ["GetSecret"]\ntenants = ["default"]\n'
                '[grant.drill]\nroles = ["dba"]\nprincipals = ["unix:dba:7"]\noperations = ["RotateKeyring"]\n'
                'keyrings = ["shop"]\nnot_after = 2027-07-01T00:00:00Z\nstanding = true\n')
        new = self.policy("new.toml", lambda text: text + kept)
        shown = run("policy", "show", new)
        self.assertEqual(shown.stderr, "")
        self.assertRegex(shown.stdout, rf"app +GetSecret +allow +break-glass +principals {principal}; tenants default; "
                         "in an emergency, for 30 minutes by the key safe\n")
        self.assertRegex(shown.stdout, r"dba +RotateKeyring +allow +drill +principals unix:dba:7; .*; standing\n")
        table = json.loads(run("policy", "show", new, "-o", "json").stdout)
        self.assertEqual(table["break_glass"], {"key": safe, "minutes": 30})
        self.assertIsNone(json.loads(run("policy", "show", old, "-o", "json").stdout)["break_glass"])
        self.assertEqual(run("policy", "diff", old, new).stdout,
                         f"+ app GetSecret, in an emergency, principal {principal}, tenant default: denied -> allowed\n"
                         "  break-glass: is new, 30 minutes by the key safe\n")
        gone = json.loads(run("policy", "diff", new, old, "-o", "json").stdout)
        self.assertEqual((len(gone["decisions"]), gone["break_glass"]), (1, ["break-glass: is gone"]))

    def test_operations_are_listed_with_what_they_are_narrowed_by(self):
        self.assertRegex(run("policy", "operations").stdout, r"DecryptFields +fields, classes, keyrings, tenants +app")
        listed = json.loads(run("policy", "operations", "-o", "json").stdout)
        self.assertEqual(sum(one["needs_approvals"] for one in listed), 12)
        (decrypt,) = [one for one in listed if one["operation"] == "DecryptFields"]
        self.assertEqual((decrypt["narrowed_by"], decrypt["roles"]),
                         (["fields", "classes", "keyrings", "tenants"], ["app"]))

    def test_bad_files_are_refused_with_their_place_and_no_value(self):
        for change, sentence in [
                (lambda text: "", "serial: is required"),
                (lambda text: text.replace("serial = 1", f'serial = "{CANARY}"'), "serial:1: must be a whole number"),
                (lambda text: text.replace('["RotateKeyring"]', f'["{CANARY}"]'), "is no operation"),
                (lambda text: text.replace('["RotateKeyring"]', '["CreateKeyring"]'), "may never have"),
                (lambda text: text.replace("approvals = { count = 1, ", "approvals = { "), "count"),
                (lambda text: text.replace("count = 1", "count = 2"), "more persons than there are"),
                (lambda text: text.split("approvals")[0], "the grant must say approvals")]:
            with self.subTest(sentence=sentence):
                done = run("policy", "show", self.policy("bad.toml", change))
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn("bad.toml: ", done.stderr)
                self.assertIn(sentence, done.stderr)
                self.assertNotIn(CANARY, done.stderr)

    def test_bad_usage_is_one_sentence(self):
        for arguments, code, sentence in [
                (("show",), 1, "no service at "),
                (("show", "/nonexistent/policy.toml"), 1, "/nonexistent/policy.toml"),
                (("diff",), 2, "before is required"),
                (("diff", "builtin"), 1, "no service at "),
                (("test", "builtin"), 2, "expectations is required"),
                (("test", "builtin", "/nonexistent/x.toml"), 1, "/nonexistent/x.toml"),
                (("explain", "builtin"), 2, "is required"),
                (("explain", "builtin", "--as", CANARY, "--operation", "Seal"), 2, "must be app"),
                (("explain", "builtin", "--as", "dba", "--operation", CANARY), 2, "is no operation"),
                (("explain", "builtin", "--as", "dba", "--operation", "Seal", "--principal", CANARY), 2,
                 "is no principal of this role"),
                (("explain", "builtin", "--as", "dba", "--operation", "Seal", "--principal", "unix:app:1"), 2,
                 "is no principal of this role"),
                (("explain", "builtin", "--as", "app", "--operation", "DecryptFields", "--field", CANARY), 2,
                 "--field"),
                (("explain", "builtin", "--as", "app", "--operation", "DecryptFields", "--tenant", "A B"), 2,
                 "--tenant"),
                (("explain", "builtin", "--as", "app", "--operation", "DecryptFields", "--at", CANARY), 2, "--at"),
                (("explain", "builtin", "--as", "app", "--operation", "DecryptFields", "--class", CANARY), 2,
                 "must be public")]:
            with self.subTest(arguments=arguments):
                done = run("policy", *arguments)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(sentence, done.stderr)
                self.assertNotIn(CANARY, done.stderr)
                self.assertEqual(done.stdout, "")


class BreakGlass(Folder):
    STORE = "01926e3a-0000-7000-8000-000000000000"

    def sign(self, *options, stdin="", key="offline", principal="unix:restorer:1000"):
        return run("break-glass", "sign", "--principal", principal, "--reason", "incident 4711", "--store", self.STORE,
                   "--policy-serial", "3", "--key", str(self.folder / key), "--out", str(self.folder / "glass.note"),
                   *options, stdin=stdin)

    def test_a_whole_note_is_signed_without_a_service(self):
        (name, _, public) = self.key("offline").split("+", 2)
        before = time.time()
        done = self.sign("--minutes", "15")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        (text, _, lines) = (self.folder / "glass.note").read_text().partition("\n\n")
        text += "\n"
        self.assertTrue(done.stdout.startswith(text), done.stdout)
        self.assertIn("coffer break-glass use ", done.stdout)
        title, *fields = text.splitlines()
        fields = dict(field.split(" ", 1) for field in fields)
        self.assertEqual(title, "coffer break-glass v1")
        self.assertEqual(list(fields), ["store", "id", "policy", "principal", "until", "reason"])
        self.assertEqual((fields["store"], fields["policy"], fields["principal"], fields["reason"]),
                         (self.STORE, "3", "unix:restorer:1000", "incident 4711"))
        until = calendar.timegm(time.strptime(fields["until"], "%Y-%m-%dT%H:%M:%SZ"))
        self.assertTrue(before + 15 * 60 - 1 <= until <= time.time() + 15 * 60, fields["until"])
        self.check_signature(text, lines, name, base64.b64decode(public)[1:])

    def check_signature(self, text, lines, name, public):
        """One line, which openssl verifies."""
        (line,) = lines.splitlines()
        dash, signer, signature = line.split(" ")
        self.assertEqual((dash, signer), ("\u2014", name))
        (self.folder / "public.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + public)
        (self.folder / "signature").write_bytes(base64.b64decode(signature)[4:])
        path = self.file("text", text)
        verified = subprocess.run(["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey",
                                   str(self.folder / "public.der"), "-in", path, "-sigfile",
                                   str(self.folder / "signature")], capture_output=True, check=False)
        self.assertEqual(verified.returncode, 0, verified.stderr)

    def test_the_statement_is_shown_before_the_passphrase_is_asked_for(self):
        made = run("identity", "new", "--name", "offline", "--key", str(self.folder / "offline"), "--passphrase-file",
                   "-", stdin=PASSPHRASE)
        self.assertEqual(made.returncode, 0, made.stderr)
        done = self.sign("--passphrase-file", "-", stdin="another passphrase")
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stdout.startswith("coffer break-glass v1\nstore "), done.stdout)
        self.assertFalse((self.folder / "glass.note").exists())
        done = self.sign("--passphrase-file", "-", "--output", "json", stdin=PASSPHRASE)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stderr.startswith("coffer break-glass v1\nstore "), done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual((said["principal"], said["signed_by"]), ("unix:restorer:1000", "offline"))

    def test_a_note_that_is_there_stays(self):
        self.key("offline")
        path = self.file("glass.note", "an older one")
        done = self.sign()
        self.assertEqual(done.returncode, 1)
        self.assertIn("--out: ", done.stderr)
        self.assertEqual(pathlib.Path(path).read_text(), "an older one")

    def test_a_service_is_asked_for_what_was_not_told(self):
        self.key("offline")
        for told in (("--store", self.STORE), ("--policy-serial", "3")):
            done = run("break-glass", "sign", "--principal", "unix:app:1", "--reason", "x", "--key",
                       str(self.folder / "offline"), *told)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("no service at unix:/nonexistent/admin.sock", done.stderr)

    def test_only_a_note_about_an_emergency_with_one_signature_is_shown_to_a_service(self):
        self.key("offline")
        self.assertEqual(self.sign().returncode, 0)
        note = (self.folder / "glass.note").read_text()
        line = note.splitlines(True)[-1]
        for text, sentence in ((CANARY, "glass.note: "), (note + line, "must have one signature"),
                               (note.replace("policy 3", "policy x"), "is no statement about an emergency"),
                               (note.replace("break-glass v1", "approval v1"), "is no statement about an emergency"),
                               (note, "no service at unix:/nonexistent/restorer.sock")):
            with self.subTest(sentence=sentence):
                done = run("break-glass", "use", self.file("glass.note", text))
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn(sentence, done.stderr)
                self.assertNotIn(CANARY, done.stderr)


if __name__ == "__main__":
    Programs.bin = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
