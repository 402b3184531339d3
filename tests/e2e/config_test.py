"""Command lines and configurations that cofferd refuses: exit 2, and a sentence that names the key."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from service import DEADLINE_S, Programs, clean_environment, run  # noqa: E402

BASE = 'data_dir = "/nonexistent/coffer"\n'
TCP = ('[tcp]\nlisten = "127.0.0.1:0"\ncertificate = "/c"\nkey = "/k"\nclient_ca = "/a"\n'
       'trust_domain = "example.org"\n')
TOKENS = '[tokens]\nlisten = "127.0.0.1:0"\ncertificate = "/c"\nkey = "/k"\n'
JWT = ('[[jwt]]\nissuer = "https://i"\naudience = "coffer"\nkeys = "/i.jwks"\nsubject = "s"\n'
       'principal = "spiffe://example.org/role/app/s"\n')
CANARY = "canary-value-4711"

BAD = [  # (configuration, what the sentence has to hold)
    ("", "data_dir"),
    ("data_dir = 7\n", "data_dir"),
    ('data_dir = ""\n', "data_dir"),
    ('data_dir = "relative/folder"\n', "data_dir"),
    (BASE + BASE, "TOML"),
    (BASE + "data_dri = 1\n", "data_dri"),
    (BASE + 'socket_dir = "run"\n', "socket_dir"),
    (BASE + 'key_file = "seal.key"\n', "key_file"),
    (BASE + 'allow_swap = "yes"\n', "allow_swap"),
    (BASE + "allow_swap = 1\n", "allow_swap"),
    (BASE + 'log_level = "verbose"\n', "log_level"),
    (BASE + "log_level = 3\n", "log_level"),
    (BASE + "sockets = 1\n", "sockets"),
    (BASE + "[sockets.root]\nuids = [0]\n", "sockets.root"),
    (BASE + "[sockets.app]\n", "sockets.app.uids"),
    (BASE + "[sockets.app]\nuids = []\n", "sockets.app.uids"),
    (BASE + '[sockets.app]\nuids = ["root"]\n', "sockets.app.uids"),
    (BASE + "[sockets.app]\nuids = [-1]\n", "sockets.app.uids"),
    (BASE + "[sockets.app]\nuids = [4294967295]\n", "sockets.app.uids"),
    (BASE + "[sockets.app]\nuids = [1, 1]\n", "sockets.app.uids"),
    (BASE + f"[sockets.app]\nuids = {list(range(65))}\n", "sockets.app.uids"),
    (BASE + "[sockets.app]\nuids = [1]\ngid = -1\n", "sockets.app.gid"),
    (BASE + "[sockets.app]\nuids = [1]\nmode = 438\n", "sockets.app.mode"),
    (BASE + "sockets.app = 3\n", "sockets.app"),
    (BASE + '[tcp]\nlisten = "127.0.0.1:0"\n', "tcp.certificate"),
    (BASE + TCP.replace('key = "/k"\n', ""), "tcp.key"),
    (BASE + TCP.replace('"/a"', '"a"'), "tcp.client_ca"),
    (BASE + TCP.replace("example.org", "Example.org"), "tcp.trust_domain"),
    (BASE + TCP + "plaintext = true\n", "tcp.plaintext"),
    (BASE + TOKENS + 'name = "Not a slug"\n', "tokens.name"),
    (BASE + "jwt = []\n" + TOKENS, "jwt"),
    (BASE + JWT, "tokens"),
    (BASE + TOKENS + JWT.replace("/app/", "/admin/"), "jwt.principal"),
    (BASE + TOKENS + JWT.replace('"/i.jwks"', f'"{CANARY}"'), "jwt.keys"),
    (BASE + TOKENS + JWT + f'secret = "{CANARY}"\n', "jwt.secret"),
    (BASE + "[cache]\nciphers = 15\n", "cache.ciphers"),
    (BASE + "[cache]\nciphers = 1000001\n", "cache.ciphers"),
    (BASE + "[cache]\nciphers = 1.5\n", "cache.ciphers"),
    (BASE + "[cache]\nsize = 1\n", "cache.size"),
    (BASE + f'[audit]\nfolder = "{CANARY}"\n', "audit"),
    (BASE + "x" * 70_000, "longer"),
    (BASE + "\x00", "TOML"),
    (BASE + 'log_level = "\n', "TOML"),
    (BASE + f'log_level = "{CANARY}"\n', "log_level"),
]


class Refused(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="coffer-e2e-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def cofferd(self, *arguments):
        return subprocess.run([Programs.cofferd(), *arguments], capture_output=True, stdin=subprocess.DEVNULL,
                              timeout=DEADLINE_S, env=clean_environment(), check=False)

    def start(self, configuration):
        path = self.folder / "coffer.toml"
        path.write_text(configuration)
        return self.cofferd("--config", str(path))

    def test_bad_configurations_exit_with_2_and_name_the_key(self):
        for configuration, part in BAD:
            with self.subTest(configuration=configuration[len(BASE):][:80]):
                done = self.start(configuration)
                said = done.stderr.decode()
                self.assertEqual(done.returncode, 2, said)
                self.assertIn(part, said)
                self.assertNotIn(CANARY, said)
                self.assertEqual(said.count("\n"), 1, said)

    def test_a_good_configuration_gets_past_its_reading(self):
        done = self.start(BASE + "allow_swap = true\n" + "[sockets.app]\nuids = [1, 2]\n[cache]\nciphers = 16\n")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(b"data_dir: /nonexistent/coffer: cannot be made: the folder above it does not exist", done.stderr)

    def test_bad_command_lines_exit_with_2(self):
        for arguments in ([], ["--data-dir", "relative"], ["--data-dir"], ["--unknown"], ["serve"], ["dev", "extra"],
                          ["--data-dir", "/nonexistent/coffer", "--log-level", "loud"],
                          ["--config", "/nonexistent/a.toml", "dev"]):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.cofferd(*arguments).returncode, 2)

    def test_a_configuration_that_is_not_there_is_refused(self):
        done = self.cofferd("--config", str(self.folder / "absent.toml"))
        self.assertIn(done.returncode, (1, 2))
        self.assertRegex(done.stderr.decode(), r"cofferd: .{10,}")


if __name__ == "__main__":
    run(globals())
