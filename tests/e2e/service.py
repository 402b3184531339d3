"""A cofferd over a folder of its own and the coffer program run against it. Standard library only.

A test file ends with `run(globals())`: its first argument is the folder of the binaries.
"""

import atexit
import contextlib
import json
import os
import pathlib
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from people import People

DEADLINE_S = 60
ROLES = ("app", "dba", "auditor", "backup-agent", "restorer", "admin")
NOBODY = 65534

CATALOG = """scope = "shop"
[field."connection.password"]
class   = "secret"
keyring = "shop"
row     = "uuid"
bind    = { url = "text", login = "text" }
[field."user.email"]
class   = "pii"
keyring = "shop"
row     = "int64"
"""


class Programs:
    """Where the binaries are; set once by run()."""

    bin = pathlib.Path("build/release/bin").resolve()

    @classmethod
    def coffer(cls):
        return str(cls.bin / "coffer")

    @classmethod
    def cofferd(cls):
        return str(cls.bin / "cofferd")

    @classmethod
    def open_to_all(cls):
        """Where another user can run them: a copy, when their folder is private."""
        if all(folder.stat().st_mode & 0o001 for folder in (cls.bin, *cls.bin.parents)):
            return
        copy = pathlib.Path(tempfile.mkdtemp(prefix="coffer-e2e-bin-"))
        atexit.register(shutil.rmtree, copy, True)
        copy.chmod(0o755)
        for name in ("coffer", "cofferd"):
            shutil.copy(cls.bin / name, copy / name)
        cls.bin = copy


def clean_environment(**changes):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COFFER_", "GF_"))}
    # What clients have seen of logs is kept in no home: those that test it name a folder.
    environment.update({"TERM": "dumb", "COFFER_STATE_DIR": "", **changes})
    return environment


def wait_until(condition, what, process=None, deadline_s=DEADLINE_S):
    """Returns the condition's first true value. Fails at the deadline, or when `process` has ended."""
    deadline = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if process is not None and process.poll() is not None:
            raise AssertionError(f"{what}: the process ended with {process.returncode}")
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {deadline_s} s")
        select.select([], [], [], 0.01)


def as_user(uid):
    """The words before a command that is to run under another user, and die with this process."""
    words = ["setpriv", "--pdeathsig", "KILL"]
    if uid is not None:
        words += [f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    return words


def fork_as(uid, act):
    """Runs `act` in a child that is user `uid`; its exit code is the int that `act` returns, 99 when it raised."""
    child = os.fork()
    if child == 0:
        code = 99
        with contextlib.suppress(BaseException):
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            code = act()
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Service:
    """cofferd with a configuration, a key file and a log in one temporary folder. close() stops it and removes all.

    `people`: as `people`, it has the persons who approve what needs approval, and a listener for them.
    """

    def __init__(self, config="", sockets="", under=None, data=None, uid=None, log_level="info", people=False):
        if uid is not None:
            Programs.open_to_all()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="coffer-e2e-", dir=under))
        self.uid = uid
        self.data = pathlib.Path(data) if data else self.folder / "data"
        self.sockets = self.folder / "run"
        self.key_file = self.folder / "seal.key"
        self.log_file = self.folder / "cofferd.log"
        self.config_file = self.folder / "coffer.toml"
        self.process = None
        self.server = f"unix:{self.sockets}"
        self.sockets.mkdir(mode=0o755)
        self.people = People(self, uid) if people else None
        tcp = self.people.config() if people else ""
        self.config_file.write_text(
            f'data_dir = "{self.data}"\nsocket_dir = "{self.sockets}"\nkey_file = "{self.key_file}"\n'
            f'allow_swap = true\nlog_level = "{log_level}"\n{config}\n{tcp}\n{sockets}')
        self.log_file.touch()
        if uid is not None:
            for path in (self.folder, self.sockets, self.config_file):
                os.chown(path, uid, uid)

    def start(self, before=(), cwd=None):
        """Starts cofferd and waits until it serves; `before` are words before its command."""
        size = self.log_file.stat().st_size
        self.spawn(before, cwd)
        try:
            wait_until(lambda: b" serving on " in self.log_since(size), "cofferd starts", self.process)
        except AssertionError as error:
            raise AssertionError(f"{error}; its log: {self.log()[-600:]}") from None
        return self

    def spawn(self, before=(), cwd=None):
        """Starts cofferd and does not wait."""
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [*as_user(self.uid), *before, Programs.cofferd(), "--config", str(self.config_file)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clean_environment(), cwd=cwd or self.folder)

    def start_initialised(self):
        self.start()
        self.ok("operator", "init", "--key-file", str(self.key_file), "--accept-total-loss", "--allow-same-device")
        return self

    def apply_catalog(self, text=CATALOG):
        self.ok("keyring", "create", "shop")
        self.ok("apply", self.write("catalog.toml", text))

    def stop(self):
        """SIGTERM; its exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("cofferd did not stop") from None

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(DEADLINE_S)

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        return self.log_file.read_text(errors="replace")

    def log_since(self, offset):
        with open(self.log_file, "rb") as log:
            log.seek(offset)
            return log.read()

    def popen(self, *arguments, server=None, **options):
        environment = clean_environment(COFFER_SERVER=server or self.server, **options.pop("environment", {}))
        return subprocess.Popen([*as_user(self.uid), Programs.coffer(), *arguments], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
                                cwd=self.folder, **options)

    def run(self, *arguments, stdin=b"", server=None, environment=None):
        """coffer with these arguments; bytes in, bytes out."""
        stdin = stdin.encode() if isinstance(stdin, str) else stdin
        return subprocess.run([*as_user(self.uid), Programs.coffer(), *arguments], input=stdin, capture_output=True,
                              timeout=DEADLINE_S, cwd=self.folder, check=False,
                              env=clean_environment(COFFER_SERVER=server or self.server, **(environment or {})))

    def ok(self, *arguments, **options):
        done = self.run(*arguments, **options)
        if done.returncode != 0:
            raise AssertionError(f"coffer {arguments[:2]}: exit {done.returncode}: {done.stderr.decode()}")
        return done.stdout

    def json(self, *arguments, **options):
        return json.loads(self.ok(*arguments, "--output", "json", **options))

    def state(self):
        return self.json("operator", "status")["state"]

    def record_of(self, operation, request_id):
        """The audit record of how the call ended that claimed this id (--claim-request-id), once it is indexed."""
        def ended():
            records = self.json("audit", "query", "--operation", operation, "--request-id", request_id)["records"]
            return [one for one in records if one["type"] != "begin"]
        (record,) = wait_until(ended, f"the log has a record of {operation}")
        return record

    def encrypt(self, field, row, records, *options):
        """Records with the field's column encrypted."""
        return self._fields("encrypt", field, row, records, options)

    def decrypt(self, field, row, records, *options):
        return self._fields("decrypt", field, row, records, options)

    def _fields(self, act, field, row, records, options):
        out = self.ok("field", act, "--field", field, "--row", row, *options, stdin=json_lines(records))
        return [json.loads(line) for line in out.splitlines()]

    def write(self, name, text):
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        if self.uid is not None:
            os.chown(path, self.uid, self.uid)
        return str(path)


def json_lines(records):
    return "".join(json.dumps(record) + "\n" for record in records)


def seeded_random():
    """From COFFER_SEED, or a new one; printed, so that a failure can be repeated."""
    seed = int(os.environ.get("COFFER_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    print(f"COFFER_SEED={seed}", flush=True)
    return random.Random(seed)


def run(names):
    """The test file's main: <bin dir> [unittest arguments]."""
    if len(sys.argv) < 2:
        sys.exit("usage: <test file> <folder of cofferd and coffer> [unittest arguments]")
    Programs.bin = pathlib.Path(sys.argv.pop(1)).resolve()
    sys.stdout.reconfigure(line_buffering=True)
    unittest.main(module=names["__name__"], verbosity=2)
