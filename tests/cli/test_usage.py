"""What coffer says when it is asked wrongly: one sentence, exit 2, nothing done, nothing repeated.

No service is needed."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from service import Programs, clean_environment  # noqa: E402

CANARY = "hunter2-canary"

# Arguments, and a part of the sentence.
BAD_USAGE = [
    ([], "name a command"),
    ([CANARY], "no such command"),
    (["secret"], "name a command"),
    (["secret", CANARY], "no such command"),
    (["secret", "put"], "path is required"),
    (["secret", "put", "app/token", CANARY], "more arguments than it takes"),
    (["secret", "put", "/app/token"], "must be 1 to 8 segments"),
    (["secret", "put", f"app/{CANARY}!"], "must be 1 to 8 segments"),
    (["secret", "put", "app/token", "--value", CANARY], "no option --value"),
    (["secret", "put", "app/token", f"--value={CANARY}"], "no option --value"),
    (["secret", "put", "app/token", "--expect", CANARY], "--expect: must be a whole number from 0"),
    (["secret", "put", "app/token", "--expect=-1"], "must be a whole number from 0"),
    (["secret", "put", "app/token", "--expect", "007"], "must be a whole number"),
    (["secret", "put", "app/token", "--meta", CANARY], "--meta takes KEY=VALUE"),
    (["secret", "put", "app/token", "--meta", f"={CANARY}"], "--meta takes KEY=VALUE"),
    (["secret", "put", "app/token", "--meta", "a=b", "--clear-meta"], "excludes"),
    (["secret", "put", "app/token", "--expires", CANARY], "--expires: is no time"),
    (["secret", "put", "app/token", "--expires", "2027-02-29T00:00:00Z"], "is no time"),
    (["secret", "put", "app/token", "--expires", "0d"], "is no time"),
    (["secret", "put", "app/token", "--expires", "999999999d"], "longer than 10 years"),
    (["secret", "put", "app/token", "--tenant", "No Tenant"], "--tenant: must be a tenant's name"),
    (["secret", "get", "app/token", "--version", "0"], "must be a whole number from 1"),
    (["secret", "get", "app/token", "--version", "9223372036854775808"], "must be a whole number from 1"),
    (["secret", "destroy", "app/token"], "--version is required"),
    (["secret", "delete", "app/token", "--version", "1,x"], "must be a whole number"),
    (["keyring", "create"], "name is required"),
    (["keyring", "create", "Shop"], "must be a name of a-z"),
    (["keyring", "disable", "shop"], "version is required"),
    (["keyring", "disable", "shop", "0"], "must be a whole number from 1"),
    (["keyring", "rotate", "shop", "--expect", "4294967296"], "must be a whole number from 1"),
    (["tenant", "add", ""], "must be a name"),
    (["operator", "init"], "choose what locks the root key"),
    (["operator", "init", "--key-file", "/k"], "there is no recovery slot"),
    (["operator", "init", "--key-file", "/k", "--passphrase"], "excludes"),
    (["operator", "unseal", "--passphrase", "--passphrase-file", "-"], "excludes"),
    (["operator", "init", "--shares", "3/5", "--passphrase", "--accept-total-loss"], "excludes"),
    (["operator", "init", "--shares", "3/5", "--accept-total-loss"], "with --shares-dir DIR"),
    (["operator", "init", "--shares", "1/5"], "must be two numbers as in 3/5"),
    (["operator", "init", "--shares", "5/3"], "must be two numbers as in 3/5"),
    (["operator", "init", "--shares", "3/17"], "must be two numbers as in 3/5"),
    (["operator", "init", "--shares", CANARY], "must be two numbers as in 3/5"),
    (["operator", "init", "--key-file", "/k", "--shares-dir", "/d"], "requires"),
    (["operator", "init", "--passphrase", "--pin-file", "/p"], "requires"),
    (["operator", "init", "--passphrase", "--allow-same-device"], "requires"),
    (["operator", "init", "--passphrase", "--recovery-recipient", "age1x"], "must be an age recipient"),
    (["operator", "init", "--passphrase-file", "-", "--recovery-identity", "-"], "can be one thing only"),
    (["operator", "unseal", "--share", "--key-file", "/k"], "excludes"),
    (["operator", "unseal", "--share", CANARY], "more arguments than it takes"),
    (["operator", "unseal", "--recovery-identity", "/i", "--passphrase"], "excludes"),
    (["operator", "slots"], "name a command"),
    (["operator", "slots", "add", "--ask", "x"], "choose one way in"),
    (["operator", "slots", "add", "--key-file", "/k", "--recovery-identity", "/i"], "choose one way in"),
    (["operator", "slots", "remove"], "id is required"),
    (["operator", "slots", "remove", CANARY], "must be a whole number from 1"),
    (["operator", "slots", "remove", "0"], "must be a whole number from 1"),
    (["operator", "rekey"], "choose what locks the new root key"),
    (["operator", "rekey", "--recovery-identity", "/i"], "no option --recovery-identity"),
    (["operator", "recover"], "name what opens a seal slot"),
    (["operator", "recover", "--share"], "no option --share"),
    (["operator", "recover", "--key-file", "/k", "--apply"], "--apply requires --reason"),
    (["operator", "slots", "remove", "1", "--ask", "x", "--approval", "y"], "excludes"),
    (["operator", "restore", "--backup", "/b"], "name what opens a seal slot"),
    (["operator", "recover", "--passphrase-file", "-", "--recovery-identity", "-"], "can be one thing only"),
    (["operator", "backup"], "file is required"),
    (["operator", "new-recovery-identity"], "--out is required"),
    (["operator", "init", "--passphrase", CANARY], "more arguments than it takes"),
    (["operator", "init", f"--passphrase={CANARY}"], "wrong form"),
    (["--no-color", CANARY], "no such command"),
    (["--hunter", CANARY], "no option --hunter"),
    (["--output", CANARY, "tenant", "list"], "--output: must be text or json"),
    ([f"-o{CANARY}", "tenant", "list"], "--output: must be text or json"),
    (["apply"], "file is required"),
    (["field", "encrypt"], "name the field"),
    (["field", "encrypt", "--field", CANARY], "a field is named as"),
    (["field", "encrypt", "--field", "coffer.secret"], "a field is named as"),
    (["field", "encrypt", "--field", "shop.user.email=x"], "--map takes"),
    (["field", "encrypt", "--map", "shop.user.email="], "has no name"),
    (["field", "encrypt", "--field", "shop.user.email", "--format", "xml"], "--format: must be jsonl or csv"),
    (["field", "encrypt", "--field", "shop.user.email", "--ciphertext", "raw"], "must be text or hex"),
    (["field", "encrypt", "--field", "shop.user.email", "--keep-going"], "no option --keep-going"),
    (["field", "decrypt", "--field", "shop.user.email", "--plaintext", "hex"], "must be text or base64"),
    (["field", "encrypt", "--field", "shop.user.email", "--match-index", "exact"], "no option --match-index"),
    (["field", "decrypt", "--field", "shop.user.email", "--tokens"], "no option --tokens"),
    (["field", "decrypt", "--field", "shop.user.email", "--match-file", "/t"], "name it with --match-index"),
    (["field", "decrypt", "--field", "shop.user.email", "--at-start"], "name it with --match-index"),
    (["field", "decrypt", "--field", "shop.user.email", "--match-index", "exact"], "standard input has the records"),
    (["field", "decrypt", "--field", "shop.user.email", "--match-index", "exact", "--match-file", "-"],
     "standard input has the records"),
    (["field", "search"], "--field is required"),
    (["field", "search", "--field", "shop.user.email"], "--index is required"),
    (["field", "search", "--field", CANARY, "--index", "exact"], "a field is named as"),
    (["field", "search", "--field", "shop.user.email=x", "--index", "exact"], "--field takes"),
    (["field", "search", "--field", "shop.user.email", "--index", "exact", CANARY], "more arguments than it takes"),
    (["field", "search", "--field", "shop.user.email", "--index", "exact", f"--equals={CANARY}"], "no option --equals"),
    (["field", "search", "--field", "shop.user.email", "--index", f"{CANARY}'"], "--column takes"),
    (["field", "search", "--field", "shop.user.email", "--index", "exact", "--column", f"x; {CANARY}"],
     "--column takes"),
    (["field", "search", "--field", "shop.user.email", "--index", "exact", "--plaintext", "hex"],
     "must be text or base64"),
    (["operator", "merge", "--recovery-identity", "i.txt"], "--backup is required"),
    (["operator", "merge", "--backup", "b.age"], "--recovery-identity is required"),
    (["operator", "merge", "--backup", "b.age", "--recovery-identity", "i.txt", "--rename-tenant", CANARY],
     "must be two tenants' names: OLD=NEW"),
    (["audit"], "name a command"),
    (["audit", "query", CANARY], "more arguments than it takes"),
    (["audit", "query", "--since", CANARY], "--since: is no time"),
    (["audit", "query", "--until", "2027-02-29T00:00:00Z"], "--until: is no time"),
    (["audit", "query", "--from", CANARY], "--from: must be a whole number from 0"),
    (["audit", "query", "--to", "9223372036854775808"], "--to: must be a whole number from 0"),
    (["audit", "query", "--row", CANARY], "--row takes int64:, uuid:, text: or bytes:"),
    (["audit", "query", "--row", f"int64:{CANARY}"], "--row: is no 64-bit integer"),
    (["audit", "query", "--key-id", "0"], "--key-id: must be a whole number from 1"),
    (["audit", "query", "--type", CANARY], "--type: must be call"),
    (["audit", "query", "--caller-role", CANARY], "--caller-role: must be app"),
    (["audit", "query", "--limit", "0"], "--limit: must be a whole number from 1"),
    (["audit", "tail", "--until", "1h"], "no option --until"),
    (["audit", "stats", "--by", CANARY], "--by: must be principal"),
    (["audit", "stats", "--by", "role,hour,day"], "by"),
    (["audit", "checkpoint", CANARY], "more arguments than it takes"),
    (["audit", "prove"], "index is required"),
    (["audit", "prove", "1"], "--out is required"),
    (["audit", "prove", "-1", "--out", "p"], ""),
    (["audit", "prove", "1", "--out", "-"], "--out takes the name of a file"),
    (["audit", "prove", "1", "--out", "p", "--vkey"], "--vkey"),
    (["catalog", "plan"], "file is required"),
    (["catalog", "plan", "c.toml", CANARY], "more arguments than it takes"),
    (["grafana", "import"], "file is required"),
    (["grafana", "import", "f.yaml", "--in-place", "--out", "g.yaml"], "excludes"),
    (["grafana", "import", "f.yaml", "--output", "json"], "say where the file goes"),
    (["grafana", "run", "--", "grafana"], "--provisioning is required"),
    (["grafana", "run", "--provisioning", "/p"], "command is required"),
    (["grafana", "secret-key", "create", "--which", "x"], "must be security or secrets-manager"),
    (["--output", "yaml", "tenant", "list"], "--output: must be text or json"),
    (["--role", "root", "tenant", "list"], "--role: must be app, dba"),
    (["--timeout", "0", "tenant", "list"], "--timeout: must be a whole number from 1 to 3600"),
    (["--server", CANARY, "tenant", "list"], "server: is no server address"),
    (["--server", "unix:relative", "tenant", "list"], "is no server address"),
    (["--server", "unix:/" + "d" * 120, "tenant", "list"], "longer than a unix socket allows"),
    (["--server", "localhost:7443", "tenant", "list"], "tls-ca: a TLS address needs"),
    (["--server", "localhost:7443", "--token-file", "t", "tenant", "list"], "tls-ca: a TLS address needs a CA file"),
    (["--server", "unix:/run/app.sock", "--token-file", "t", "tenant", "list"],
     "token-file: is for a TLS address, host:port: a token is not sent over a unix socket"),
    (["--ask", "why", "--approval", "01926e3a-0000-7000-8000-000000000000", "tenant", "list"], "excludes"),
    (["grant"], "name a command"),
    (["grant", "issue"], "grant is required"),
    (["grant", "issue", "g.toml", CANARY], "more arguments than it takes"),
    (["grant", "revoke", "issued-one"], "reason is required"),
    (["grant", "revoke", "break-glass", "x"], "`coffer break-glass end` ends an emergency"),
    (["break-glass", "sign", "--principal", "unix:app:1", "--reason", "x"], "--key is required"),
    (["break-glass", "sign", "--principal", "unix:app:1", "--key", "k"], "--reason is required"),
    (["break-glass", "sign", "--reason", "x", "--key", "k"], "--principal is required"),
    (["break-glass", "sign", "--principal", CANARY, "--reason", "x", "--key", "k"], "--principal: is no principal"),
    (["break-glass", "sign", "--principal", "unix:app:1", "--reason", "", "--key", "k"], "--reason: must be 1 to 200"),
    (["break-glass", "sign", "--principal", "unix:app:1", "--reason", f"{CANARY}\x07", "--key", "k"],
     "--reason: must be 1 to 200"),
    (["break-glass", "sign", "--principal", "unix:app:1", "--reason", "x", "--key", "k", "--minutes", "61"],
     "--minutes: must be a whole number from 1 to 60"),
    (["break-glass", "sign", "--principal", "unix:app:1", "--reason", "x", "--key", "k", "--policy-serial", "0"],
     "--policy-serial: must be a whole number from 1"),
    (["break-glass", "sign", "--principal", "unix:app:1", "--reason", "x", "--key", "k", "--store", CANARY],
     "--store: is no store's UUID"),
    (["break-glass", "use"], "note is required"),
    (["break-glass", "end"], "reason is required"),
    (["break-glass", "review", "01926e3a-0000-7000-8000-000000000000"], "text is required"),
    (["token", "create", "spiffe://example.org/role/app/orders"], "--lifetime is required"),
    (["token", "create", CANARY, "--lifetime", "90d"], "principal: must be spiffe://TRUST-DOMAIN/role/ROLE/NAME"),
    (["token", "create", "spiffe://example.org/role/admin/alice", "--lifetime", "90d"],
     "the role app, dba or backup-agent"),
    (["token", "create", "unix:app:1000", "--lifetime", "90d"], "principal: must be spiffe://"),
    (["token", "create", "spiffe://example.org/role/app/orders", "--lifetime", CANARY], "--lifetime: must be a whole"),
    (["token", "create", "spiffe://example.org/role/app/orders", "--lifetime", "59s"], "from 60s to 366d"),
    (["token", "create", "spiffe://example.org/role/app/orders", "--lifetime", "367d"], "from 60s to 366d"),
    (["token", "create", "spiffe://example.org/role/app/orders", "--lifetime", "1h", "--token", CANARY],
     "no option --token"),
    (["token", "revoke", "01926e3a-0000-7000-8000-000000000000"], "reason is required"),
    (["certificate", "deny", "a.pem"], "reason is required"),
    (["certificate", "allow"], "certificate is required"),
    (["certificate", "allow", "a.pem", CANARY], "more arguments than it takes"),
    (["--server", "unix:/run/app.sock", "--role", "dba", "tenant", "list"], "--role chooses a socket in a folder"),
    (["completion", "tcsh"], "no such command"),
]


def run(*arguments, **environment):
    return subprocess.run([Programs.coffer(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, env=clean_environment(**environment), check=False)


class Usage(unittest.TestCase):
    def test_bad_usage_is_one_sentence_and_exit_2(self):
        for arguments, sentence in BAD_USAGE:
            with self.subTest(arguments=arguments):
                done = run(*arguments)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(sentence, done.stderr)
                self.assertTrue(done.stderr.startswith("coffer: "), done.stderr)
                self.assertLessEqual(done.stderr.count("\n"), 2, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_what_was_typed_is_never_repeated(self):
        for arguments, _ in BAD_USAGE:
            done = run(*arguments)
            self.assertNotIn(CANARY, done.stdout + done.stderr, arguments)

    def test_bad_usage_names_the_help_to_read(self):
        self.assertIn("see `coffer secret put --help`", run("secret", "put").stderr)

    def test_no_service_says_what_to_do(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run("operator", "status", COFFER_SERVER=f"unix:{folder}")
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"coffer: no service at unix:{folder}/admin.sock", done.stderr)
            self.assertIn("start cofferd, or name the service with --server or COFFER_SERVER", done.stderr)

    def test_the_server_option_wins_over_the_environment(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run("secret", "list", "--server", f"unix:{folder}", COFFER_SERVER="unix:/nowhere")
            self.assertIn(f"no service at unix:{folder}/app.sock", done.stderr)

    def test_a_missing_catalog_file_is_named(self):
        done = run("apply", "/nonexistent/catalog.toml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nonexistent/catalog.toml", done.stderr)

    def test_a_certificate_is_a_file_or_a_fingerprint(self):
        with tempfile.TemporaryDirectory() as folder:
            bad = pathlib.Path(folder, "bad.pem")
            bad.write_text(CANARY)
            for name, sentence in ((str(bad), "bad.pem: is no certificate in PEM"), ("a" * 63, "name a PEM file, or"),
                                   ("ab:" * 31, "name a PEM file, or"), ("g" * 64, "name a PEM file, or")):
                with self.subTest(name=name):
                    done = run("certificate", "deny", name, "why")
                    self.assertEqual((done.returncode, done.stdout), (1, ""))
                    self.assertIn(sentence, done.stderr)
                    self.assertNotIn(CANARY, done.stderr)
            for digest in ("Ab" * 32, ":".join(["aB"] * 32)):
                done = run("certificate", "deny", digest, "why", COFFER_SERVER=f"unix:{folder}")
                self.assertIn("no service at", done.stderr, "it was taken for a fingerprint")

    def test_a_token_file_is_looked_at_before_anybody_is_asked(self):
        with tempfile.TemporaryDirectory() as folder:
            token, authority = pathlib.Path(folder, "token"), pathlib.Path(folder, "ca.pem")
            authority.write_text("whoever")
            asked = ("tenant", "list", "--server", "localhost:1", "--tls-ca", str(authority))
            for text, mode, code, sentence in ((None, 0, 1, "token: does not exist"),
                                               (CANARY, 0o644, 1, "is open to others"),
                                               (f"{CANARY} {CANARY}", 0o600, 2, "one line without spaces"),
                                               (CANARY, 0o600, 1, "no service at localhost:1")):
                with self.subTest(sentence=sentence):
                    if text is not None:
                        token.write_text(text)
                        token.chmod(mode)
                    for done in (run(*asked, "--token-file", str(token)), run(*asked, COFFER_TOKEN_FILE=str(token))):
                        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
                        self.assertIn(sentence, done.stderr)
                        self.assertNotIn(CANARY, done.stderr)
            done = run(*asked, "--token-file", str(token), "--tls-key", str(token))
            self.assertEqual(done.returncode, 2)
            self.assertIn("token-file: stands instead of a certificate and its key", done.stderr)

    def test_planning_needs_a_file_that_is_a_catalog(self):
        with tempfile.TemporaryDirectory() as folder:
            bad = pathlib.Path(folder, "bad.toml")
            for text, sentence in ((None, "bad.toml"), (f"scope = {CANARY}", "scope:1: must be text"), ("", "scope"),
                                   (f'scope = "shop"\n[field."user.email"]\nclass = "{CANARY}"\n', "class")):
                if text is not None:
                    bad.write_text(text)
                done = run("catalog", "plan", str(bad))
                with self.subTest(text=text):
                    self.assertEqual((done.returncode, done.stdout), (1, ""))
                    self.assertIn(sentence, done.stderr)
                    self.assertNotIn(CANARY, done.stderr)

    def test_no_colour_codes_where_there_is_no_terminal(self):
        self.assertNotIn("\x1b", run("secret", "put", TERM="xterm").stderr)


class Help(unittest.TestCase):
    def commands(self):
        """Every command below the root, found through its own help."""
        found, waiting = [], [[]]
        while waiting:
            path = waiting.pop()
            text = run(*path, "--help").stdout
            names = re.findall(r"^  ([a-z-]+) {2,}\S", text.partition("Subcommands:")[2], re.MULTILINE)
            found += [(path, text)]
            waiting += [path + [name] for name in names]
        return found

    def test_every_command_has_help_and_an_example(self):
        commands = self.commands()
        self.assertGreater(len(commands), 35)
        for path, text in commands:
            with self.subTest(path=path):
                self.assertTrue(text)
                if "Subcommands:" not in text:
                    self.assertIn("Examples:\n  coffer " if path[0] != "completion" else "Examples:\n", text)

    def test_version_is_one_line(self):
        done = run("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^coffer \d+\.\d+\.\d+\n$")


class Documents(unittest.TestCase):
    def test_man_pages_are_clean_roff(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(run("man", "--dir", folder).returncode, 0)
            pages = sorted(os.listdir(folder))
            self.assertIn("coffer.1", pages)
            self.assertIn("coffer-secret.1", pages)
            for page in pages:
                text = pathlib.Path(folder, page).read_text()
                for heading in (".TH ", ".SH NAME", ".SH SYNOPSIS", ".SH COMMANDS"):
                    self.assertIn(heading, text, page)
                self.check_roff(os.path.join(folder, page))

    def check_roff(self, path):
        if shutil.which("mandoc"):
            command = ["mandoc", "-T", "lint", "-W", "error", path]
        elif shutil.which("groff"):
            command = ["groff", "-man", "-Tutf8", "-ww", path]
        else:
            self.skipTest("neither mandoc nor groff is here")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(done.stderr, "", path)

    def complete(self, *words):
        """What bash offers for the last word."""
        script = run("completion", "bash").stdout
        quoted = " ".join(f"'{word}'" for word in words)
        script += f"\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _coffer\n"
        script += "printf '%s\\n' \"${COMPREPLY[@]}\"\n"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash_completes_commands_and_options(self):
        self.assertIn("secret", self.complete("coffer", ""))
        self.assertEqual(self.complete("coffer", "secret", "hi"), ["history"])
        self.assertIn("--expires", self.complete("coffer", "secret", "put", "--ex"))
        self.assertIn("--server", self.complete("coffer", "secret", "put", "--se"))
        self.assertNotIn("man", self.complete("coffer", "m"))

    def test_bash_skips_an_options_value(self):
        self.assertEqual(self.complete("coffer", "--role", "secret", "op"), ["operator"])
        self.assertEqual(self.complete("coffer", "--server", ""), [])

    def test_other_shells_get_every_command(self):
        for shell in ("zsh", "fish"):
            script = run("completion", shell).stdout
            for word in ("secret", "keyring", "expires", "tls-ca", "secret-key"):
                self.assertIn(word, script, shell)
            if shutil.which(shell):
                done = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    Programs.bin = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
