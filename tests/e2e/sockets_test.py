"""Who may connect, what a configuration may say, and how cofferd starts and stops."""

import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys
import threading
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from http2 import Connection  # noqa: E402
from service import (  # noqa: E402
    DEADLINE_S, NOBODY, ROLES, Programs, Service, clean_environment, fork_as, run, wait_until)

AS_ROOT = os.geteuid() == 0
ANSWERED, DISCONNECTED, REFUSED = 10, 11, 12


def greeting(path):
    """What a client of HTTP/2 gets there: an answer, a closed connection, or no connection."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(DEADLINE_S)
        try:
            connection.connect(str(path))
        except PermissionError:
            return REFUSED
        try:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
            return ANSWERED if connection.recv(9) else DISCONNECTED
        except (BrokenPipeError, ConnectionResetError):
            return DISCONNECTED


def run_cofferd(*arguments):
    return subprocess.run([Programs.cofferd(), *arguments], capture_output=True, stdin=subprocess.DEVNULL,
                          timeout=DEADLINE_S, env=clean_environment(), check=False)


class Peers(unittest.TestCase):
    def setUp(self):
        self.service = Service()
        self.addCleanup(self.service.close)
        self.service.folder.chmod(0o755)

    def test_every_role_has_a_socket_of_mode_0660(self):
        self.service.start()
        for role in ROLES:
            facts = (self.service.sockets / f"{role}.sock").stat()
            self.assertTrue(stat.S_ISSOCK(facts.st_mode))
            self.assertEqual((stat.S_IMODE(facts.st_mode), facts.st_uid), (0o660, os.geteuid()))
        self.assertEqual(stat.S_IMODE(self.service.data.stat().st_mode), 0o700)
        self.assertEqual(stat.S_IMODE((self.service.data / "store.db").stat().st_mode), 0o600)

    def test_only_the_roles_that_are_named_have_a_socket(self):
        self.service.config_file.write_text(
            f'data_dir = "{self.service.data}"\nsocket_dir = "{self.service.sockets}"\nallow_swap = true\n'
            f"[sockets.admin]\nuids = [{os.geteuid()}]\n")
        self.service.start()
        self.assertEqual([path.name for path in self.service.sockets.glob("*.sock")], ["admin.sock"])
        done = self.service.run("secret", "list")
        self.assertEqual(done.returncode, 1)

    @unittest.skipUnless(AS_ROOT, "needs another user")
    def test_a_user_who_is_not_listed_is_disconnected_and_logged(self):
        self.service.start()
        path = self.service.sockets / "app.sock"
        self.assertEqual(fork_as(NOBODY, lambda: greeting(path)), REFUSED)
        path.chmod(0o666)
        self.assertEqual(fork_as(NOBODY, lambda: greeting(path)), DISCONNECTED)
        wait_until(lambda: f"refused a connection to the socket of role app from uid {NOBODY}" in self.service.log(),
                   "the refusal is logged")
        self.assertEqual(greeting(path), ANSWERED)

    @unittest.skipUnless(AS_ROOT, "needs another user")
    def test_a_user_who_is_listed_for_one_role_is_that_role_only(self):
        self.service.config_file.write_text(
            f'data_dir = "{self.service.data}"\nsocket_dir = "{self.service.sockets}"\nallow_swap = true\n'
            f"[sockets.app]\nuids = [0, {NOBODY}]\ngid = {NOBODY}\n[sockets.admin]\nuids = [0]\n")
        self.service.start()
        app, admin = self.service.sockets / "app.sock", self.service.sockets / "admin.sock"
        self.assertEqual(app.stat().st_gid, NOBODY)
        self.assertEqual(fork_as(NOBODY, lambda: greeting(app)), ANSWERED)
        admin.chmod(0o666)
        self.assertEqual(fork_as(NOBODY, lambda: greeting(admin)), DISCONNECTED)
        self.assertEqual(self.service.json("operator", "status", "--role", "app")["principal"], "unix:app:0")


class Memory(unittest.TestCase):
    """Calls that are sent but for their last byte, which the service has to keep."""

    CONNECTIONS, CALLS, VALUE = 4, 12, b"v" * (15 << 20)  # 720 MiB
    LIMIT_MIB = 400  # 256 MiB a caller, what gRPC holds before it notices, and cofferd itself

    def setUp(self):
        self.service = Service()
        self.addCleanup(self.service.close)
        self.service.start_initialised()

    def resident_mib(self):
        status = pathlib.Path(f"/proc/{self.service.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) >> 10

    def send_halves(self, connection):
        """Until all are sent, or the service has had enough of this connection."""
        try:
            for _ in range(self.CALLS):
                connection.start("/coffer.v1.SecretService/PutSecret", self.VALUE, withheld=1)
        except (OSError, EOFError):
            pass

    def test_half_sent_calls_hold_no_more_than_their_callers_part(self):
        app = self.service.sockets / "app.sock"
        connections = [Connection.to_unix(app, timeout_s=5) for _ in range(self.CONNECTIONS)]
        for connection in connections:
            self.addCleanup(connection.close)
        senders = [threading.Thread(target=self.send_halves, args=(each,)) for each in connections]
        for sender in senders:
            sender.start()
        while any(sender.is_alive() for sender in senders):
            self.service.ok("secret", "list", "--role", "admin")
        for sender in senders:
            sender.join()
        self.assertLess(self.resident_mib(), self.LIMIT_MIB, "at its highest")
        for connection in connections:
            connection.close()
        self.service.ok("secret", "put", "a/b", stdin=b"v")
        self.assertEqual(self.service.ok("secret", "get", "a/b"), b"v")

    def test_more_calls_than_a_connection_may_have_end_the_connection(self):
        connection = Connection.to_unix(self.service.sockets / "app.sock", timeout_s=5)
        self.addCleanup(connection.close)
        self.assertIn(b"unix:app:", connection.call("/coffer.v1.AdminService/GetStatus")[0])
        for _ in range(255):
            connection.start("/coffer.v1.SecretService/PutSecret", b"v", withheld=1)
        self.assertIn(b"unix:app:", connection.call("/coffer.v1.AdminService/GetStatus")[0], "as the 256th")
        with self.assertRaises((ConnectionError, EOFError)):
            for _ in range(2):
                connection.start("/coffer.v1.SecretService/PutSecret", b"v", withheld=1)
            while True:
                connection.receive_frame()
        self.assertEqual(self.service.state(), "unsealed")


class StartAndStop(unittest.TestCase):
    def setUp(self):
        self.service = Service()
        self.addCleanup(self.service.close)

    def test_a_second_cofferd_on_the_data_folder_is_refused(self):
        self.service.start()
        second = run_cofferd("--config", str(self.service.config_file))
        self.assertEqual(second.returncode, 1)
        self.assertIn("another process uses this data folder", second.stderr.decode())
        self.assertEqual(self.service.state(), "uninitialised")

    def test_it_answers_its_status_while_sealed_and_nothing_else(self):
        self.service.start_initialised()
        self.service.ok("secret", "put", "a/b", stdin=b"v")
        self.service.stop()
        self.service.key_file.rename(self.service.folder / "elsewhere.key")
        self.service.start()
        self.assertIn("not unsealed with the configured key file", self.service.log())
        self.assertEqual(self.service.state(), "sealed")
        self.assertEqual(self.service.run("operator", "status", "--check").returncode, 1)
        for refused in (("secret", "get", "a/b"), ("keyring", "list"), ("tenant", "add", "x"), ("catalog", "show")):
            done = self.service.run(*refused)
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertIn("sealed", done.stderr.decode())
        self.service.ok("operator", "unseal", "--key-file", str(self.service.folder / "elsewhere.key"))
        self.assertEqual(self.service.ok("secret", "get", "a/b"), b"v")

    def test_a_signal_stops_it_and_what_is_not_its_own_stays(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self.service.start()
            for folder in (self.service.data, self.service.sockets):
                (folder / "foreign").write_text("stays")
            self.service.process.send_signal(number)
            self.assertEqual(self.service.stop(), 0)
            self.assertTrue((self.service.data / "store.db").exists())
            self.assertTrue(self.service.config_file.exists())
            for folder in (self.service.data, self.service.sockets):
                self.assertEqual((folder / "foreign").read_text(), "stays")

    def test_it_stops_while_clients_are_connected(self):
        self.service.start_initialised()
        streaming = self.service.popen("secret", "put", "late/one")
        with socket.socket(socket.AF_UNIX) as idle:
            idle.connect(str(self.service.sockets / "app.sock"))
            self.assertEqual(self.service.stop(), 0)
        streaming.communicate(b"v", timeout=DEADLINE_S)
        self.assertNotEqual(streaming.returncode, 0)

    def test_a_stale_socket_is_replaced_and_a_file_is_not(self):
        self.service.start()
        self.service.kill()
        self.assertTrue((self.service.sockets / "app.sock").is_socket())
        self.service.start()
        self.assertEqual(self.service.state(), "uninitialised")
        self.service.stop()
        (self.service.sockets / "app.sock").unlink(missing_ok=True)
        (self.service.sockets / "app.sock").write_text("somebody's file")
        done = run_cofferd("--config", str(self.service.config_file))
        self.assertEqual(done.returncode, 1)
        self.assertEqual((self.service.sockets / "app.sock").read_text(), "somebody's file")

    def test_a_data_folder_that_cannot_be_used_is_refused(self):
        (self.service.folder / "file").write_text("no folder")
        for folder in (self.service.folder / "file", self.service.folder / "absent" / "data", "/proc/coffer"):
            with self.subTest(folder=str(folder)):
                done = run_cofferd("--data-dir", str(folder), "--allow-swap")
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertRegex(done.stderr.decode(), r"cofferd: .{15,}")

    @unittest.skipUnless(AS_ROOT, "needs another user")
    def test_a_data_folder_of_another_user_is_refused(self):
        Programs.open_to_all()
        self.service.folder.chmod(0o755)
        self.service.data.mkdir(mode=0o755)
        done = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                               Programs.cofferd(),
                               "--data-dir", str(self.service.data), "--allow-swap"], capture_output=True,
                              timeout=DEADLINE_S, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(list(self.service.data.iterdir()), [])

    def test_a_file_that_is_no_store_is_refused_and_stays(self):
        self.service.data.mkdir(mode=0o700)
        content = b"not a database, and long enough to be looked at " * 30
        (self.service.data / "store.db").write_bytes(content)
        done = run_cofferd("--config", str(self.service.config_file))
        self.assertEqual(done.returncode, 1)
        self.assertIn("not a database", done.stderr.decode())
        self.assertEqual((self.service.data / "store.db").read_bytes(), content)


if __name__ == "__main__":
    run(globals())
