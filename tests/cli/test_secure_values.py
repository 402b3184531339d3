"""coffer grafana serve-secure-values against a cofferd of its own: as a process, from its options to its end."""

import base64
import hashlib
import json
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from service import DEADLINE_S, Programs, Service, clean_environment  # noqa: E402

import http2  # noqa: E402

BEARER = "b" * 43
CANARY = "secure-value-canary"
PATH = "grafana/secure-values/default/github"
DECRYPT = "/decryptv1beta1.SecureValueDecrypter/DecryptSecureValues"


class Serving:
    """The running command. Stopped by close()."""

    def __init__(self, service, *options):
        self.log = service.folder / "serving.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [Programs.coffer(), "grafana", "serve-secure-values", "--grpc", "127.0.0.1:0", "--exchange",
                 "127.0.0.1:0", *options], stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL,
                env=clean_environment(COFFER_SERVER=service.server))
        ready, _, _ = select.select([self.process.stdout], [], [], DEADLINE_S)
        line = self.process.stdout.readline().decode() if ready else ""
        ports = re.fullmatch(r"grpc on port (\d+), token exchange on port (\d+)\n", line)
        if not ports:
            self.close()
            raise RuntimeError("it does not serve: " + self.log.read_text())
        self.grpc_port, self.exchange_port = map(int, ports.groups())

    def exchange(self, namespace="default", audience="secret.grafana.app", bearer=BEARER):
        """(status, body)."""
        body = json.dumps({"namespace": namespace, "audiences": [audience]}).encode()
        headers = {"Authorization": "Bearer " + bearer, "X-Org-ID": "0", "Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.exchange_port}/v1/sign-access-token", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    def token(self):
        status, body = self.exchange()
        assert status == 200, body
        return body["data"]["token"]

    def decrypt(self, token, *names):
        """The reply's bytes."""
        connection = http2.Connection(socket.create_connection(("127.0.0.1", self.grpc_port), DEADLINE_S))
        try:
            request = http2.message("default") + b"".join(b"\x12" + bytes((len(name),)) + name.encode()
                                                          for name in names)
            metadata = (("x-access-token", token), ("x-grafana-service-identity-name", "provisioning.grafana.app"))
            return connection.call(DECRYPT, request, metadata)[0]
        finally:
            connection.close()

    def stop(self):
        """Its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_S)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class SecureValues(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service(dev=False)
        cls.addClassCleanup(cls.service.close)
        cls.service.initialise()
        cls.service.ok("secret", "put", PATH, "--meta", "grafana-decrypters=grafana", stdin=CANARY)
        cls.clients = cls.service.write(
            "clients", f"grafana {hashlib.sha256(BEARER.encode()).hexdigest()} default\n")

    def serve(self, *options):
        serving = Serving(self.service, "--clients", self.clients, *options)
        self.addCleanup(serving.close)
        return serving

    def records(self, path, count):
        deadline = time.monotonic() + DEADLINE_S
        while True:
            found = self.service.json("audit", "query", "--object", path, "--operation", "GetSecret",
                                      "--oldest-first")["records"]
            if len(found) >= count or time.monotonic() > deadline:
                return found
            select.select([], [], [], 0.05)

    def test_a_value_goes_all_the_way_and_is_recorded(self):
        serving = self.serve()
        reply = serving.decrypt(serving.token(), "github", "unknown")
        self.assertIn(CANARY.encode(), reply)
        self.assertIn(b"not found, or not for this service", reply)
        record = self.records(PATH, 1)[-1]
        self.assertEqual((record["on_behalf_of"], record["purpose"], record["outcome"]),
                         ("grafana/provisioning.grafana.app", "grafana-secure-value", "ok"))
        self.assertEqual(len(self.records("grafana/secure-values/default/unknown", 1)), 1)
        self.assertEqual(serving.stop(), 0)
        log = serving.log.read_text()
        self.assertIn("decrypt grafana/provisioning.grafana.app default: 1 value(s), 1 refused\n", log)
        for secret in (CANARY, BEARER):
            self.assertNotIn(secret, log)

    def test_the_exchange_refuses_other_audiences_namespaces_and_tokens(self):
        serving = self.serve()
        self.assertEqual(serving.exchange(audience="resourceStore")[0], 403)
        self.assertEqual(serving.exchange(namespace="org-2")[0], 403)
        status, body = serving.exchange(bearer="c" * 43)
        self.assertEqual((status, body), (401, {"status": "error", "error": "this bearer token is nobody's"}))

    def test_a_token_outlives_the_process_that_made_it(self):
        serving = self.serve()
        token = serving.token()
        self.assertEqual(serving.stop(), 0)
        self.assertIn(CANARY.encode(), self.serve().decrypt(token, "github"))

    def test_a_tokens_life_is_an_option(self):
        claims = self.serve("--token-life", "120").token().split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        self.assertEqual(claims["exp"] - claims["iat"], 120)

    def test_values_may_be_elsewhere_and_a_tenants(self):
        self.service.ok("tenant", "add", "acme")
        self.service.ok("secret", "put", "elsewhere/default/github", "--tenant", "acme", "--meta",
                        "grafana-decrypters=grafana", stdin="theirs")
        serving = self.serve("--prefix", "elsewhere", "--tenant", "acme")
        self.assertIn(b"theirs", serving.decrypt(serving.token(), "github"))

    def refused(self, code, sentence, *options):
        done = self.service.run("grafana", "serve-secure-values", *options)
        self.assertEqual((done.returncode, done.stdout), (code, b""), done.stderr)
        self.assertIn(sentence, done.stderr.decode())

    def test_bad_options_are_refused(self):
        clients = ("--clients", self.clients)
        self.refused(2, "--clients is required")
        self.refused(1, "--clients: absent: does not exist", "--clients", "absent")
        bad = self.service.write("bad", "# one\ngrafana 00 default\n")
        self.refused(1, "64 hex digits", "--clients", bad)
        self.refused(2, "--exchange: without TLS", *clients, "--grpc", "127.0.0.1:0", "--exchange", "0.0.0.0:0")
        self.refused(2, "--exchange: must be ADDRESS:PORT", *clients, "--grpc", "127.0.0.1:0", "--exchange", "x")
        self.refused(2, "--grpc: without TLS", *clients, "--grpc", "0.0.0.0:0")
        self.refused(2, "--grpc", *clients, "--grpc", "localhost")
        self.refused(2, "--grafana-cert requires --grafana-key", *clients, "--grafana-cert", "x")
        self.refused(2, "--grafana-ca requires --grafana-cert", *clients, "--grafana-ca", "x")
        self.refused(1, "--grpc", *clients, "--grafana-cert", "absent", "--grafana-key", "absent")
        self.refused(2, "--prefix", *clients, "--prefix", "a//b")
        self.refused(2, "--prefix", *clients, "--prefix", "1/2/3/4/5/6/7")
        for life in ("59", "3601", "x"):
            self.refused(2, "--token-life", *clients, "--token-life", life)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            self.refused(1, "--grpc: cannot be listened on", *clients, "--grpc", address)
            self.refused(1, "--exchange: ", *clients, "--grpc", "127.0.0.1:0", "--exchange", address)

    def test_it_does_not_start_with_another_thing_in_its_keys_place(self):
        self.service.ok("secret", "put", "odd/access-token-key", stdin="no key")
        self.refused(1, "is no key for access tokens", "--clients", self.clients, "--prefix", "odd")


class Sealed(unittest.TestCase):
    def test_a_sealed_service_ends_it_with_the_next_step(self):
        service = Service(dev=False)
        self.addCleanup(service.close)
        service.initialise()
        service.ok("operator", "seal")
        clients = service.write("clients", "")
        done = service.run("grafana", "serve-secure-values", "--clients", clients)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"the key service is sealed", done.stderr)
        self.assertIn(b"coffer operator unseal", done.stderr)


if __name__ == "__main__":
    Programs.bin = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
