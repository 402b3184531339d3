"""What the tests of commands on a Grafana's database share: a cofferd, and for each test a folder and a tenant."""

import base64
import contextlib
import json
import pathlib
import sqlite3
import sys
import tempfile
import unittest

from grafana_opened import sqlite_rows
from service import Programs, Service


class GrafanaDatabaseCase(unittest.TestCase):
    maxDiff = None
    COMMAND = ""  # of `coffer grafana`

    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.close)
        cls.tenants = 0

    def setUp(self):
        """A folder and a tenant, with a vault of its own."""
        type(self).tenants += 1
        self.tenant = f"t{self.tenants}"
        self.service.ok("tenant", "add", self.tenant)
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.path = self.folder / "grafana.db"
        self.said = b""

    def database(self, world, more=""):
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            connection.executescript((world if isinstance(world, str) else world.statements.sql()) + more)

    def file(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    def put(self, path, value):
        self.service.ok("secret", "put", path, "--tenant", self.tenant, stdin=value)

    def rotate(self, *arguments, path=None, code=0, **options):
        done = self.service.run("grafana", self.COMMAND, str(path or self.path), "--tenant", self.tenant, *arguments,
                                **options)
        self.said += done.stdout + done.stderr
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def report(self, *arguments, **options):
        return json.loads(self.rotate(*arguments, "--output", "json", **options).stdout)

    def rows(self, path=None):
        return sqlite_rows(path or self.path)

    def assert_refused(self, cases):
        """Each of (arguments, exit code, part of the sentence) is one sentence that says no value."""
        for arguments, code, sentence in cases:
            with self.subTest(arguments=arguments):
                tenant = () if "--tenant" in arguments else ("--tenant", self.tenant)
                done = self.service.run("grafana", self.COMMAND, *arguments, *tenant)
                self.assertIn(sentence, done.stderr.decode())
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                self.assertTrue(done.stderr.startswith(b"coffer: "), done.stderr)
                self.assertNotIn(b"hunter2", done.stdout + done.stderr)
                self.assertEqual(done.stdout, b"")

    def assert_silent(self, *secrets):
        """Nothing was said of them: neither as they are nor in base64 or hex."""
        for secret in secrets:
            data = secret if isinstance(secret, bytes) else secret.encode()
            for form in (data, base64.b64encode(data).rstrip(b"="), data.hex().encode()):
                self.assertNotIn(form, self.said)
                self.assertNotIn(form.decode("latin-1"), self.service.log())


def run():
    """Of a test's file, whose first argument is the folder of the programs."""
    Programs.bin = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
