"""coffer grafana run --grafana-url against a real cofferd and a Grafana that stands in for one: new versions of secrets
reach it while it runs, and whatever fails keeps what it has."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from certificates import Certificates  # noqa: E402
from service import DEADLINE_S, Programs, Service, as_user, clean_environment, run, wait_until  # noqa: E402

FAKE = HERE.parent / "plugins" / "grafana" / "serving_grafana.py"
CANARY = "canary-grafana-reload"
PASSWORD = f"{CANARY}-admin"
DATASOURCES = """datasources:
- name: a
  secureJsonData: {p: coffer://grafana/1/a/p}
- name: pinned
  secureJsonData: {p: "coffer://grafana/1/pinned/p#1"}
"""


class Running:
    """One `coffer grafana run` with its Grafana. close() ends it."""

    def __init__(self, world, *options, scheme="http", prepare=lambda folder: None, stderr=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=world.service.folder))
        (self.folder / "password").write_text(PASSWORD)
        prepare(self.folder)
        self.log_file = self.folder / "log"
        with socket.socket() as listening, open(self.log_file, "wb") as log:
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            url = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}"
            self.process = subprocess.Popen(
                [*as_user(None), Programs.coffer(), "grafana", "run", "--provisioning", str(world.provisioning),
                 "--grafana-url", url, "--reload-every", "1s", *options, "--", sys.executable, "-B", str(FAKE),
                 str(self.folder)],
                stdin=listening, stdout=log, stderr=stderr or log, cwd=world.service.folder,
                env=clean_environment(COFFER_SERVER=world.service.server, XDG_RUNTIME_DIR=world.memory))
        wait_until((self.folder / "held.json").exists, "Grafana starts", self.process)

    def log(self):
        return self.log_file.read_text(errors="replace")

    def held(self):
        return json.loads((self.folder / "held.json").read_text())

    def wait_for_value(self, value):
        def holds():
            return f'"{value}"' in self.held()["files"]["d.yaml"][1]
        wait_until(holds, f"Grafana has {value}", self.process)

    def wait_for_line(self, part):
        try:
            wait_until(lambda: part in self.log(), f"a line says: {part}", self.process)
        except AssertionError as error:
            raise AssertionError(f"{error}; the log: {self.log()[-800:]}") from None

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class GrafanaReload(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.close)
        cls.service.start_initialised()
        for key in ("security", "secrets-manager"):
            cls.service.ok("grafana", "secret-key", "create", "--which", key)
        cls.service.ok("secret", "put", "grafana/admin_password", stdin=PASSWORD + "\n")
        cls.password_file = cls.service.write("admin-password", PASSWORD + "\n")
        os.chmod(cls.password_file, 0o600)

    def setUp(self):
        self.memory = tempfile.mkdtemp(prefix="coffer-e2e-", dir="/dev/shm")
        self.addCleanup(shutil.rmtree, self.memory, True)
        # Versions go on from test to test; values name the test.
        self.provisioning = pathlib.Path(tempfile.mkdtemp(dir=self.service.folder))
        (self.provisioning / "datasources").mkdir()
        (self.provisioning / "datasources" / "d.yaml").write_text(DATASOURCES)
        self.put("grafana/1/pinned/p", "pinned")
        self.put("grafana/1/a/p", "first")

    def tearDown(self):
        if self.service.process.poll() is not None:
            self.service.start()
        if self.service.state() != "unsealed":
            self.service.ok("operator", "unseal", "--key-file", str(self.service.key_file))

    def value(self, name):
        return f"{CANARY}-{self.id().rsplit('.', 1)[1]}-{name}"

    def put(self, path, name):
        self.service.ok("secret", "put", path, stdin=self.value(name))

    def start(self, *options, **more):
        running = Running(self, *(options or ("--grafana-password-secret", "grafana/admin_password")), **more)
        self.addCleanup(running.close)
        running.wait_for_value(self.value("first"))
        return running

    def assert_clean_end(self, running):
        self.assertEqual(os.listdir(self.memory), [], "the private folder is gone")
        self.assertNotIn(CANARY, running.log())
        self.assertNotIn("Sanitizer", running.log())

    def newest_record(self, *which):
        """Its index, or -1."""
        records = self.service.json("audit", "query", *which, "--limit", "1")["records"]
        return records[0]["index"] if records else -1

    def wait_for_listings(self, running):
        """Three more: whatever was recorded before the call is indexed then."""
        for _ in range(3):
            seen = self.newest_record("--operation", "ListSecrets")
            wait_until(lambda seen=seen: self.newest_record("--operation", "ListSecrets") > seen, "the vault is asked",
                       running.process)

    def test_a_new_version_reaches_a_running_grafana(self):
        running = self.start()
        pinned = running.held()["files"]["d.yaml"][1].splitlines()[-1]
        self.assertIn(CANARY, pinned)
        self.put("grafana/1/pinned/p", "second")
        self.put("grafana/1/a/p", "second")
        running.wait_for_value(self.value("second"))
        running.wait_for_line("coffer: Grafana has reloaded its datasources for new versions of grafana/1/a/p\n")
        held = running.held()
        self.assertEqual(held["files"]["d.yaml"][0], "0o400")
        self.assertEqual(held["files"]["d.yaml"][1].splitlines()[-1], pinned)
        given = json.loads((running.folder / "given.json").read_text())
        self.assertNotIn(CANARY, json.dumps(given))
        self.assertEqual([name for name in given["variables"] if name.startswith("COFFER_")], [])
        # Asking again and again reads no value.
        self.wait_for_listings(running)
        read = self.newest_record("--operation", "GetSecret")
        self.assertGreater(read, 0)
        self.wait_for_listings(running)
        self.assertEqual(self.newest_record("--operation", "GetSecret"), read)
        self.assertEqual(running.stop(), 7)
        self.assert_clean_end(running)

    def test_the_password_can_be_in_a_file_which_is_read_each_time(self):
        running = self.start("--grafana-password-file", self.password_file)
        (running.folder / "password").write_text(PASSWORD + "-2")
        pathlib.Path(self.password_file).write_text(PASSWORD + "-2")
        self.put("grafana/1/a/p", "second")
        running.wait_for_value(self.value("second"))
        self.assertEqual(running.stop(), 7)
        self.assert_clean_end(running)

    def test_a_wrong_password_is_said_and_grafana_goes_on(self):
        wrong = self.service.write("wrong-password", f"{CANARY}-wrong")
        os.chmod(wrong, 0o600)
        running = self.start("--grafana-password-file", wrong)
        self.put("grafana/1/a/p", "second")
        running.wait_for_line("Grafana refuses the login for its admin API; Grafana does not have yet the new versions "
                              "of grafana/1/a/p, asked again in 5 minutes\n")
        self.assertIn(f'"{self.value("first")}"', running.held()["files"]["d.yaml"][1])
        self.assertEqual((running.folder / "asked").read_text().count("\n"), 1)
        self.assertEqual(running.stop(), 7)
        self.assert_clean_end(running)

    def test_a_redirect_is_not_followed(self):
        running = self.start(prepare=lambda folder: (folder / "answer").write_text("301"))
        self.put("grafana/1/a/p", "second")
        running.wait_for_line("--grafana-url leads elsewhere, which is not followed")
        self.assertNotIn("elsewhere", (running.folder / "asked").read_text())
        (running.folder / "answer").unlink()
        running.wait_for_value(self.value("second"))
        self.assertEqual(running.stop(), 7)
        self.assert_clean_end(running)

    def test_a_sealed_service_keeps_the_old_values_until_it_is_unsealed(self):
        running = self.start()
        self.put("grafana/1/a/p", "second")
        running.wait_for_value(self.value("second"))
        self.service.ok("operator", "seal")
        running.wait_for_line("the key service is sealed; Grafana keeps the secrets that it has\n")
        self.assertEqual(running.log().count("is sealed"), 1)
        self.service.ok("operator", "unseal", "--key-file", str(self.service.key_file))
        self.put("grafana/1/a/p", "third")
        running.wait_for_value(self.value("third"))
        self.assertEqual(running.stop(), 7)
        self.assert_clean_end(running)

    def test_a_service_that_is_down_keeps_the_old_values_until_it_is_back(self):
        running = self.start()
        self.service.stop()
        running.wait_for_line("the key service does not answer; Grafana keeps the secrets that it has\n")
        self.service.start()
        running.wait_for_line("the vault can be asked again")
        self.put("grafana/1/a/p", "second")
        running.wait_for_value(self.value("second"))
        self.service.stop()
        # Ends in time although nobody answers.
        self.assertEqual(running.stop(), 7)
        self.assert_clean_end(running)

    def test_a_deleted_secret_keeps_its_last_value_and_holds_back_no_other(self):
        with open(self.provisioning / "datasources" / "d.yaml", "a") as file:
            file.write("- {name: b, secureJsonData: {p: coffer://grafana/1/b/p}}\n")
        self.put("grafana/1/b/p", "kept")
        running = self.start()
        self.service.ok("secret", "delete", "grafana/1/b/p")
        self.put("grafana/1/a/p", "second")
        running.wait_for_value(self.value("second"))
        running.wait_for_line("coffer: WARNING: grafana/1/b/p: the secret is deleted")
        running.wait_for_line("Grafana has reloaded its datasources for new versions of grafana/1/a/p\n")
        self.assertIn(f'"{self.value("kept")}"', running.held()["files"]["d.yaml"][1])
        self.put("grafana/1/b/p", "new")
        running.wait_for_value(self.value("new"))
        self.assertEqual(running.log().count("WARNING"), 1)
        self.assertEqual(running.stop(), 7)
        self.assert_clean_end(running)

    def test_a_vault_that_hangs_is_not_waited_for_at_the_end(self):
        running = self.start()
        # It takes calls and answers none until the process has ended.
        self.service.process.send_signal(signal.SIGSTOP)
        try:
            self.assertEqual(running.stop(), 7)
        finally:
            self.service.process.send_signal(signal.SIGCONT)
        self.assert_clean_end(running)

    def test_grafana_that_ends_during_a_reload_ends_all(self):
        for number, code in ((signal.SIGTERM, 7), (signal.SIGKILL, 137)):
            running = self.start(prepare=lambda folder: (folder / "hang").touch())
            self.put("grafana/1/a/p", "second")
            wait_until((running.folder / "hanging").exists, "a reload hangs", running.process)
            if number == signal.SIGTERM:
                running.process.send_signal(number)
            else:
                (child,) = subprocess.run(["ps", "-o", "pid=", "--ppid", str(running.process.pid)], check=True,
                                          capture_output=True).stdout.split()
                os.kill(int(child), number)
            self.assertEqual(running.process.wait(DEADLINE_S), code)
            self.assert_clean_end(running)
            self.put("grafana/1/a/p", "first")

    def test_a_log_that_nobody_reads_holds_nothing_up(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        with open(writer, "wb", buffering=0) as log:
            os.set_blocking(writer, False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(writer, b"x" * 4096)
            os.set_blocking(writer, True)
            running = self.start(stderr=log)
        for name in ("second", "third"):
            self.put("grafana/1/a/p", name)
            running.wait_for_value(self.value(name))
        self.assertEqual(running.stop(), 7)
        self.assert_clean_end(running)

    def test_a_hangup_reaches_grafana_and_changes_nothing(self):
        running = self.start()
        running.process.send_signal(signal.SIGHUP)
        wait_until((running.folder / "hangups").exists, "Grafana hears of it", running.process)
        self.put("grafana/1/a/p", "second")
        running.wait_for_value(self.value("second"))
        self.assertEqual(running.stop(), 7)
        self.assert_clean_end(running)

    def test_another_secret_key_is_said_and_not_handed_over(self):
        running = self.start()
        self.service.ok("secret", "put", "grafana/secrets_manager_secret_key", stdin="k" * 40)
        running.wait_for_line("coffer: grafana/secrets_manager_secret_key has a new version, which a running Grafana "
                              "cannot take: restart it\n")
        key = pathlib.Path(running.held()["folder"]) / "secrets_manager_secret_key"
        self.assertNotEqual(key.read_text(), "k" * 40)
        self.assertEqual(running.stop(), 7)
        self.assert_clean_end(running)

    def test_over_tls_grafanas_certificate_has_to_be_believed(self):
        certificates = Certificates(self.service.folder)
        certificates.issue_server()

        def prepare(folder):
            shutil.copy(certificates.path("server", "pem"), folder / "cert.pem")
            shutil.copy(certificates.path("server", "key"), folder / "key.pem")
        login = ("--grafana-password-file", self.service.write("tls-password", PASSWORD))
        os.chmod(login[1], 0o600)
        running = self.start(*login, scheme="https", prepare=prepare)
        self.put("grafana/1/a/p", "second")
        running.wait_for_line("--grafana-url: has no certificate that is believed; Grafana does not have yet")
        self.assertFalse((running.folder / "asked").exists())
        self.assertEqual(running.stop(), 7)
        self.put("grafana/1/a/p", "first")
        running = self.start(*login, "--grafana-ca", certificates.path("ca", "pem"), scheme="https", prepare=prepare)
        self.put("grafana/1/a/p", "third")
        running.wait_for_value(self.value("third"))
        self.assertEqual(running.stop(), 7)
        self.assert_clean_end(running)

    def refused(self, code, sentence, *options):
        started = self.service.folder / "started"
        done = self.service.run("grafana", "run", "--provisioning", str(self.provisioning), *options, "--", "touch",
                                str(started), environment={"XDG_RUNTIME_DIR": self.memory})
        self.assertEqual((done.returncode, done.stdout), (code, b""), done.stderr)
        self.assertIn(sentence, done.stderr.decode())
        self.assertNotIn(CANARY, done.stderr.decode())
        self.assertFalse(started.exists())
        self.assertEqual(os.listdir(self.memory), [])

    def test_options_that_do_not_fit_start_nothing(self):
        url = ("--grafana-url", "http://127.0.0.1:3000")
        file = ("--grafana-password-file", self.password_file)
        open_file = self.service.write("open-password", PASSWORD)
        os.chmod(open_file, 0o644)
        empty = self.service.write("empty-password", "\n")
        os.chmod(empty, 0o600)
        secret = ("--grafana-password-secret", "grafana/admin_password")
        for code, sentence, *options in (
                (2, "--grafana-url takes one login", *url),
                (2, "--grafana-url takes one login", *url, *file, *secret),
                (2, "--grafana-url takes one login", *url, *file, "--grafana-token-file", "t"),
                (2, "--reload-every requires --grafana-url", "--reload-every", "5s"),
                (2, "--grafana-password-file requires --grafana-url", *file),
                (2, "--grafana-token-secret requires --grafana-url", "--grafana-token-secret", "x"),
                (2, "--reload-every: must be a duration from 1s to 1d", *url, *file, "--reload-every", "0s"),
                (2, "--reload-every: must be a duration from 1s to 1d", *url, *file, "--reload-every", "2d"),
                (2, "--reload-every: must be a duration from 1s to 1d", *url, *file, "--reload-every", CANARY),
                (2, "must be https, or http to this host alone", "--grafana-url", "http://10.0.0.1:3000", *file),
                (2, "must be https, or http to this host alone", "--grafana-url", "http://127.0.0.1.example", *file),
                (2, "must be a URL", "--grafana-url", f"http://admin:{CANARY}@localhost", *file),
                (2, "must be a URL", "--grafana-url", "ftp://localhost", *file),
                (2, "--grafana-user: must be a login name", *url, *file, "--grafana-user", f"a:{CANARY}"),
                (2, "excludes", *url, "--grafana-user", "a", "--grafana-token-file", "t"),
                (2, "must be a secret's path", *url, "--grafana-password-secret", f"{CANARY}//"),
                (2, "must be a secret's path", *url, "--grafana-token-secret", f"{CANARY}//"),
                (1, "does not exist", *url, "--grafana-password-file", "absent"),
                (1, "open-password", *url, "--grafana-password-file", open_file),
                (1, "is empty", *url, "--grafana-password-file", empty),
                (1, "grafana/absent: the vault has no such", *url, "--grafana-password-secret", "grafana/absent"),
                (1, "--grafana-ca: absent: ", *url, *file, "--grafana-ca", "absent")):
            with self.subTest(options=options):
                self.refused(code, sentence, *options)


if __name__ == "__main__":
    run(globals())
