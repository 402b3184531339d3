"""A cofferd of a test's own, and the coffer program run against it. Standard library only."""

import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from people import People  # noqa: E402

DEADLINE_S = 60

CATALOG = """scope = "shop"
[field."connection.password"]
class   = "secret"
keyring = "shop"
row     = "uuid"
bind    = { url = "text", port = "int64" }
[field."note.body"]
class   = "internal"
keyring = "shop"
row     = ["int64", "text"]
[field."order.note"]
class   = "internal"
keyring = "shop"
bind_row = false
unbound = "free text of no row"
[field."user.email"]
class   = "pii"
keyring = "shop"
row     = "int64"
[field."user.phone"]
class   = "pii"
keyring = "shop"
row     = "int64"
"""


class Programs:
    """Where the binaries are; set once by the test's main."""

    bin = pathlib.Path("build/release/bin")

    @classmethod
    def coffer(cls):
        return str(cls.bin / "coffer")

    @classmethod
    def cofferd(cls):
        return str(cls.bin / "cofferd")


def clean_environment(**changes):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COFFER_")}
    environment.update({"TERM": "dumb", "COFFER_STATE_DIR": "", **changes})
    return environment


class Service:
    """A running cofferd: `dev` (unsealed, in memory) or over a folder of its own, which has `people`, who approve what
    needs approval. Stopped by close()."""

    def __init__(self, dev=True, config=""):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="coffer-test-"))
        self.data = self.folder / "data"
        self.process = None
        self.server = ""
        self.people = None if dev else People(self)
        if dev:
            self._start_dev()
        else:
            self._start_with_folder(f"{config}\n{self.people.config()}")

    def _spawn(self, arguments):
        log = open(self.folder / "cofferd.log", "wb")
        with log:
            self.process = subprocess.Popen([Programs.cofferd(), *arguments], stdout=subprocess.PIPE, stderr=log,
                                            stdin=subprocess.DEVNULL, env=clean_environment())

    def _start_dev(self):
        self._spawn(["dev"])
        for line in self._lines():
            if "COFFER_SERVER=" in line:
                self.server = line.split("COFFER_SERVER=", 1)[1].strip()
                return
        raise RuntimeError("cofferd dev did not start: " + self.log())

    def _start_with_folder(self, config):
        self.data.mkdir(mode=0o700)
        path = self.write("cofferd.toml", f'data_dir = "{self.data}"\nallow_swap = true\n{config}')
        self._spawn(["--config", path])
        self.server = f"unix:{self.data}"
        self.wait_until(lambda: self.run("operator", "status").returncode == 0)

    def _lines(self):
        """Lines of its standard output, until the deadline."""
        deadline = time.monotonic() + DEADLINE_S
        buffered = b""
        while time.monotonic() < deadline and self.process.poll() is None:
            ready, _, _ = select.select([self.process.stdout], [], [], 0.2)
            if not ready:
                continue
            buffered += os.read(self.process.stdout.fileno(), 4096)
            *lines, buffered = buffered.split(b"\n")
            yield from (line.decode() for line in lines)

    def wait_until(self, condition):
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("cofferd did not get there: " + self.log())
            select.select([], [], [], 0.05)

    def log(self):
        return (self.folder / "cofferd.log").read_text(errors="replace")

    def run(self, *arguments, stdin=b"", server=None, **environment):
        """coffer with these arguments; bytes in, bytes out."""
        stdin = stdin.encode() if isinstance(stdin, str) else stdin
        environment.setdefault("COFFER_SERVER", self.server if server is None else server)
        return subprocess.run([Programs.coffer(), *arguments], input=stdin, capture_output=True,
                              timeout=DEADLINE_S, env=clean_environment(**environment), cwd=self.folder, check=False)

    def ok(self, *arguments, **options):
        done = self.run(*arguments, **options)
        if done.returncode != 0:
            raise AssertionError(f"coffer {arguments[:2]}: exit {done.returncode}: {done.stderr.decode()}")
        return done.stdout

    def json(self, *arguments, **options):
        return json.loads(self.ok(*arguments, "--output", "json", **options))

    def write(self, name, text):
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return str(path)

    def initialise(self):
        self.ok("operator", "init", "--key-file", str(self.folder / "seal.key"), "--accept-total-loss",
                "--allow-same-device")
        return self

    def apply_catalog(self, text=CATALOG, name="catalog.toml"):
        if not any(keyring["name"] == "shop" for keyring in self.json("keyring", "list")["keyrings"]):
            self.ok("keyring", "create", "shop")
        self.ok("apply", self.write(name, text))

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process:
            self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
