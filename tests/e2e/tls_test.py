"""Mutual TLS: who gets in, as whom, with which version, and what is refused over the network whoever asks."""

import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from certificates import Certificates  # noqa: E402
from http2 import Connection  # noqa: E402
from service import DEADLINE_S, Service, run, wait_until  # noqa: E402

DOMAIN = "example.org"
SPIFFE = f"URI:spiffe://{DOMAIN}/role"
USER = b'{"id":1,"email":"a@example"}\n'
FIELD = ("--field", "shop.user.email", "--row", "id")

STRANGERS = {  # name: (subject alternative name or "", who signs)
    "another trust domain": ("URI:spiffe://example.com/role/app/shop", "ca"),
    "an unknown role": (f"{SPIFFE}/root/shop", "ca"),
    "no name after the role": (f"{SPIFFE}/app", "ca"),
    "a path with more": (f"{SPIFFE}/app/shop/more", "ca"),
    "a name in upper case": (f"{SPIFFE}/app/Shop", "ca"),
    "an https name": (f"URI:https://{DOMAIN}/role/app/shop", "ca"),
    "two URI names": (f"{SPIFFE}/app/shop,{SPIFFE}/app/other", "ca"),
    "the same URI name twice": (f"{SPIFFE}/app/shop,{SPIFFE}/app/shop", "ca"),
    "a URI name of another role too": (f"{SPIFFE}/app/shop,{SPIFFE}/admin/shop", "ca"),
    "no URI name": (f"DNS:app.{DOMAIN}", "ca"),
    "a DNS name that looks like one": (f"DNS:spiffe.{DOMAIN}", "ca"),
    "no name at all": ("", "ca"),
    "another CA": (f"{SPIFFE}/app/shop", "other_ca"),
}


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="coffer-e2e-tls-")
        cls.addClassCleanup(folder.cleanup)
        cls.certificates = Certificates(pathlib.Path(folder.name), ("ca", "other_ca"))
        cls.certificates.issue_server()
        for role in ("app", "dba", "admin"):
            cls.certificates.issue(role, f"{SPIFFE}/{role}/one")
        cls.service = Service(config=cls.certificates.tcp_config(DOMAIN))
        cls.addClassCleanup(cls.service.close)
        cls.service.start_initialised().apply_catalog()
        cls.port = int(cls.service.log().split("mutual TLS 1.3 on port ")[1].split()[0])
        cls.address = f"localhost:{cls.port}"

    def coffer(self, name, *arguments, stdin=b"", timeout_s=5):
        return self.service.run(*arguments, *self.certificates.options(name), "--timeout", str(timeout_s), stdin=stdin,
                                server=self.address)

    def refused(self, sentence, name, *arguments, stdin=b""):
        done = self.coffer(name, *arguments, stdin=stdin)
        self.assertEqual((done.returncode, done.stdout), (1, b""), done.stderr)
        self.assertIn(sentence, done.stderr.decode())

    def context(self, name=None, version=ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=self.certificates.path("ca", "pem"))
        context.minimum_version = min(version, ssl.TLSVersion.TLSv1_2)
        context.maximum_version = version
        context.set_alpn_protocols(["h2"])
        if name:
            context.load_cert_chain(self.certificates.path(name, "pem"), self.certificates.path(name, "key"))
        return context

    def greet(self, context):
        """(the version, the server's first bytes), after a handshake and HTTP/2's preface."""
        with socket.create_connection(("localhost", self.port), DEADLINE_S) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as connection:
                connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
                return connection.version(), connection.recv(9)

    def test_an_application_encrypts_and_decrypts(self):
        encrypted = self.coffer("app", "field", "encrypt", *FIELD, stdin=USER, timeout_s=30)
        self.assertEqual(encrypted.returncode, 0, encrypted.stderr)
        decrypted = self.coffer("app", "field", "decrypt", *FIELD, stdin=encrypted.stdout, timeout_s=30)
        self.assertEqual(decrypted.stdout, USER)

    def test_the_principal_is_the_certificates_name(self):
        for role in ("app", "dba", "admin"):
            done = self.coffer(role, "operator", "status", timeout_s=30)
            self.assertIn(f"spiffe://{DOMAIN}/role/{role}/one", done.stdout.decode())

    def test_a_database_administrator_rotates_and_reads_nothing(self):
        self.assertEqual(self.coffer("dba", "keyring", "rotate", "shop", timeout_s=30).returncode, 0)
        self.service.ok("secret", "put", "tls/one", stdin=b"v")
        encrypted = self.service.ok("field", "encrypt", *FIELD, stdin=USER)
        self.refused("policy", "dba", "field", "decrypt", *FIELD, stdin=encrypted)
        self.refused("policy", "dba", "secret", "get", "tls/one")
        self.refused("policy", "app", "keyring", "rotate", "shop")

    def test_some_acts_are_refused_over_the_network_for_an_administrator_too(self):
        self.refused("unix socket", "admin", "operator", "seal")
        self.refused("unix socket", "admin", "operator", "unseal", "--key-file", str(self.service.key_file))
        self.refused("unix socket", "admin", "operator", "init", "--key-file", "/nonexistent/k", "--accept-total-loss")
        self.service.ok("secret", "put", "tls/kept", stdin=b"v")
        destroy = ("secret", "destroy", "tls/kept", "--version", "1")
        self.refused("no policy says yet who", "admin", *destroy)
        self.refused("no policy says yet who", "admin", *destroy, "--ask", "a test")
        self.assertEqual(self.service.state(), "unsealed")
        self.assertEqual(self.service.ok("secret", "get", "tls/kept"), b"v")

    def connect(self, context, session=None):
        plain = socket.create_connection(("localhost", self.port), DEADLINE_S)
        try:
            return context.wrap_socket(plain, server_hostname="localhost", session=session)
        except BaseException:
            plain.close()
            raise

    def status_over(self, connection):
        """Whether a call is answered, and its trailers."""
        body, trailers = connection.call("/coffer.v1.AdminService/GetStatus")
        return f"spiffe://{DOMAIN}/role/app/brief".encode() in body, trailers

    def test_neither_an_open_connection_nor_a_resumed_session_outlives_the_certificate(self):
        end_s = int(time.time()) + 5
        self.certificates.issue_until("brief", f"{SPIFFE}/app/brief", end_s)
        context = self.context("brief")
        tls = self.connect(context)
        opened = Connection(tls)
        self.addCleanup(opened.close)
        self.assertTrue(self.status_over(opened)[0])
        session = tls.session
        self.assertTrue(session.has_ticket)
        wait_until(lambda: time.time() >= end_s + 1, "the certificate expires")

        served, trailers = self.status_over(opened)
        self.assertFalse(served, "over the connection that is open")
        self.assertIn(b"unauthenticated", trailers)
        for _ in range(3):
            try:
                resumed = self.connect(context, session)
                with resumed:
                    served, _ = self.status_over(Connection(resumed))
                    session = resumed.session
            except (ssl.SSLError, ConnectionError, EOFError):
                continue
            self.assertFalse(served, f"in a new connection, its session resumed: {resumed.session_reused}")
        with self.assertRaises((ssl.SSLError, ConnectionError, EOFError)), self.connect(context) as anew:
            self.status_over(Connection(anew))

    def test_strangers_are_refused(self):
        self.service.ok("secret", "put", "tls/strangers", stdin=b"v")
        for name, (alternative, ca) in STRANGERS.items():
            with self.subTest(certificate=name):
                self.certificates.issue("stranger", alternative, ca)
                for arguments in (("secret", "get", "tls/strangers"), ("operator", "status")):
                    done = self.coffer("stranger", *arguments)
                    self.assertEqual((done.returncode, done.stdout), (1, b""), done.stderr)
                    self.assertIn("trust", done.stderr.decode())
        self.assertIn("refused a TLS connection: the certificate must have exactly one URI name", self.service.log())
        self.assertEqual(self.coffer("app", "secret", "get", "tls/strangers").stdout, b"v")

    def test_a_server_certificate_is_no_clients(self):
        done = self.coffer("server", "operator", "status")
        self.assertEqual((done.returncode, done.stdout), (1, b""))

    def test_tls_1_3_is_spoken_and_1_2_is_not(self):
        version, answer = self.greet(self.context("app"))
        self.assertEqual((version, len(answer)), ("TLSv1.3", 9))
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.greet(self.context("app", ssl.TLSVersion.TLSv1_2))
        for option, spoken in (("-tls1_3", True), ("-tls1_2", False)):
            done = subprocess.run(["openssl", "s_client", "-connect", self.address, option, "-alpn", "h2", "-CAfile",
                                   self.certificates.path("ca", "pem"), "-cert", self.certificates.path("app", "pem"),
                                   "-key", self.certificates.path("app", "key")], stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=DEADLINE_S, check=False)
            self.assertEqual(b"New, TLSv1.3" in done.stdout, spoken, done.stdout[-1500:])
            self.assertEqual(b"Cipher is (NONE)" in done.stdout, not spoken)

    def test_no_certificate_is_refused(self):
        with self.assertRaises((ssl.SSLError, ConnectionError, AssertionError)):
            self.assertNotEqual(self.greet(self.context())[1], b"")

    def test_plain_text_is_refused(self):
        with socket.create_connection(("localhost", self.port), DEADLINE_S) as plain:
            plain.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
            try:
                answer = plain.recv(9)
            except ConnectionError:
                answer = b""
        self.assertNotEqual(answer[3:4], b"\4", "it answered HTTP/2's settings")

    def test_a_client_refuses_a_server_of_another_ca_or_name(self):
        other = ("--tls-ca", self.certificates.path("other_ca", "pem"))
        done = self.service.run("operator", "status", *self.certificates.options("app")[2:], *other, "--timeout", "5",
                                server=self.address)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        done = self.coffer("app", "operator", "status", "--tls-server-name", "coffer.example.org")
        self.assertEqual((done.returncode, done.stdout), (1, b""))

    def server_serial(self):
        with socket.create_connection(("localhost", self.port), DEADLINE_S) as plain:
            with self.context("app").wrap_socket(plain, server_hostname="localhost") as connection:
                return connection.getpeercert()["serialNumber"]

    def test_replaced_certificates_are_used_by_new_connections(self):
        before = self.server_serial()
        self.certificates.issue_server("next")
        for kind in ("key", "pem"):
            shutil.copy(self.certificates.path("next", kind), self.certificates.path("server", kind) + ".new")
            os.replace(self.certificates.path("server", kind) + ".new", self.certificates.path("server", kind))
        wait_until(lambda: self.serial_or_none() not in (None, before), "the new certificate is shown")
        self.assertEqual(self.coffer("app", "operator", "status", timeout_s=30).returncode, 0)

    def serial_or_none(self):
        try:
            return self.server_serial()
        except (ssl.SSLError, ConnectionError):
            return None


if __name__ == "__main__":
    run(globals())
