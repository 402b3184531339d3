"""A private copy of PostgreSQL's programs with Coffer's extension in it, and clusters of them. Nothing of the machine's
own installation is touched: a server looks for its extensions beside its own program.

A test file ends with `run(globals())`: its first argument is the folder that the extension was built in.
"""

import atexit
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests/e2e"))

from postgres import Postgres, PostgresError, exit_unless_installed, programs  # noqa: E402, F401
from service import DEADLINE_S, as_user, seeded_random, wait_until  # noqa: E402, F401

SOURCES = REPOSITORY / "pgext"
L1 = (SOURCES / "sql/coffer-l1.sql").read_text()
BUILT = ("coffer.so", "coffer--0.1.0.sql", "coffer--l1--0.1.0.sql")
PRELOADED = {"shared_preload_libraries": "coffer"}


class Build:
    """The folder that the extension was built in; set by run()."""

    folder = None


def pg_config(name):
    done = subprocess.run([programs() / "pg_config", f"--{name}"], capture_output=True, check=True, timeout=DEADLINE_S)
    return pathlib.Path(done.stdout.decode().strip())


def _link_all(source, target, but=()):
    target.mkdir(parents=True, exist_ok=True)
    for entry in source.iterdir():
        if entry.name not in but:
            (target / entry.name).symlink_to(entry)


class Installation:
    """PostgreSQL's programs as copies, as they look beside themselves; its other files as links."""

    def __init__(self):
        real_bin, real_lib, real_share = programs(), pg_config("pkglibdir"), pg_config("sharedir")
        prefix = pathlib.Path(os.path.commonpath([real_bin, real_lib, real_share]))
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="coffer-pg-install-"))
        self.folder.chmod(0o755)
        atexit.register(shutil.rmtree, self.folder, True)
        self.bin, self.lib, share = (self.folder / path.relative_to(prefix)
                                     for path in (real_bin, real_lib, real_share))
        self.extensions = share / "extension"
        shutil.copytree(real_bin, self.bin)
        _link_all(real_lib, self.lib)
        _link_all(real_share, share, but=("extension",))
        _link_all(real_share / "extension", self.extensions)
        for source in (*(Build.folder / name for name in BUILT), SOURCES / "coffer.control",
                       SOURCES / "sql/coffer--l1.sql"):
            target = (self.lib if source.suffix == ".so" else self.extensions) / source.name
            target.unlink(missing_ok=True)
            shutil.copyfile(source, target)


_installation = []


def installation():
    """One for all clusters of this process."""
    if not _installation:
        _installation.append(Installation())
    return _installation[0]


class Cluster(Postgres):
    """A cluster that has the extension to offer, made from a template that the first one leaves; `plain`: of the
    machine's own programs, which have none."""

    template = None

    def __init__(self, settings=None, plain=False):
        super().__init__(settings)
        if not plain:
            self.bin = installation().bin

    def _make(self):
        if Cluster.template is None:
            super()._make()
            folder = pathlib.Path(tempfile.mkdtemp(prefix="coffer-pg-template-"))
            atexit.register(shutil.rmtree, folder, True)
            subprocess.run(["cp", "-a", self.data, folder / "data"], check=True, timeout=DEADLINE_S)
            Cluster.template = folder / "data"
        else:
            subprocess.run(["cp", "-a", Cluster.template, self.data], check=True, timeout=DEADLINE_S)

    def start_again(self):
        """Of a cluster that is made and does not run."""
        self._spawn()
        wait_until(self._is_ready, "PostgreSQL starts", self.process)

    def program(self, name, *words, database="postgres", check=True, stdin=None):
        """Runs one of PostgreSQL's programs as the server's user; its output."""
        done = subprocess.run([*as_user(self.uid), self.bin / name, *words], env=self.environment(database),
                              cwd=self.folder, timeout=2 * DEADLINE_S, input=stdin, capture_output=True, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{name}: exit {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}")
        return done

    def create_with(self, level, name):
        """A database with level "l1", "l2", or "l2_from_l1"."""
        self.create_database(name)
        if level in ("l1", "l2_from_l1"):
            self.query(L1, name)
        if level == "l2_from_l1":
            self.query("CREATE EXTENSION coffer VERSION 'l1'; ALTER EXTENSION coffer UPDATE;", name)
        elif level == "l2":
            self.query("CREATE EXTENSION coffer", name)


def ciphertext(key_id=7, second_byte=0xC2, content=b"\xab" * 32):
    """Bytes of the right form; no key has ever seen them."""
    rest = {1: 40, 2: 72, 4: 16}[second_byte & 0x0F]
    return bytes([0xC1, second_byte]) + key_id.to_bytes(8, "big") + b"\xcd" * rest + content


def hex_of(value):
    return f"'\\x{value.hex()}'"


def run(names):
    """The test file's main: <folder of the built extension> [unittest arguments]."""
    if len(sys.argv) < 2:
        sys.exit("usage: <test file> <folder of the built extension> [unittest arguments]")
    Build.folder = pathlib.Path(sys.argv.pop(1)).resolve()
    exit_unless_installed()
    missing = [name for name in BUILT if not (Build.folder / name).exists()]
    if missing:
        sys.exit(f"{Build.folder} has no {missing[0]}; build pgext first")
    sys.stdout.reconfigure(line_buffering=True)
    unittest.main(module=names["__name__"], verbosity=2)
