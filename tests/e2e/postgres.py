"""A throwaway PostgreSQL on a unix socket in a temporary folder. Standard library and PostgreSQL's own programs only.

    with contextlib.closing(Postgres({"log_statement": "all"}).start()) as postgres:
        postgres.create_database("shop")
        postgres.query("SELECT 1", "shop")     # [["1"]]
"""

import csv
import io
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile

from service import DEADLINE_S, as_user, wait_until

INSTALLED = pathlib.Path("/usr/lib/postgresql")  # Debian's: a folder a major version
OWNER = "postgres"
NULL = "\\N"
SETTINGS = {"listen_addresses": "", "fsync": "off", "statement_timeout": f"{DEADLINE_S}s", "lc_messages": "C"}


class PostgresError(Exception):
    """A statement that the server refused: `code` is its SQLSTATE, the text all that psql said."""

    def __init__(self, text):
        super().__init__(text)
        code = re.search(r"(?:ERROR|FATAL):  ([0-9A-Z]{5}):", text)
        self.code = code[1] if code else ""


def programs():
    """The folder of initdb, postgres and psql, of the newest version there is; None where there is none."""
    folders = [folder / "bin" for folder in INSTALLED.glob("[0-9]*") if folder.name.isdigit()]
    folders = [folder for folder in folders if all((folder / name).exists() for name in ("initdb", "postgres", "psql"))]
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)


def owner_uid():
    """As whom the server runs, as it refuses root: None is this process's user."""
    return pwd.getpwnam(OWNER).pw_uid if os.geteuid() == 0 else None


def exit_unless_installed():
    """Ends the test, which is then skipped, where there is no PostgreSQL."""
    if programs() is None:
        print(f"skipped: no PostgreSQL server in {INSTALLED}")
        sys.exit(0)
    try:
        owner_uid()
    except KeyError:
        print(f"skipped: root may not run PostgreSQL, and there is no user {OWNER}")
        sys.exit(0)


class Postgres:
    """One cluster that trusts who can enter its folder: root and the server's own user. close() stops it and removes
    all; it also ends with this process. Any thread may query."""

    def __init__(self, settings=None):
        self.bin = programs()
        self.uid = owner_uid()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="coffer-pg-"))
        self.data = self.folder / "data"
        self.sockets = self.folder
        self.log_file = self.folder / "server.log"
        self.settings = {**SETTINGS, "unix_socket_directories": str(self.sockets), **(settings or {})}
        self.process = None
        self.log_file.touch()
        if self.uid is not None:
            os.chown(self.folder, self.uid, -1)

    def start(self):
        """Makes the cluster and waits until it answers."""
        try:
            self._make()
            self._spawn()
            wait_until(self._is_ready, "PostgreSQL starts", self.process)
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            text = self.log()[-600:]
            self.close()
            raise AssertionError(f"{error}; its log: {text}") from None
        return self

    def _make(self):
        with open(self.log_file, "ab") as log:
            subprocess.run([*as_user(self.uid), self.bin / "initdb", "--no-sync", "--no-instructions", "--auth=trust",
                            f"--username={OWNER}", "--locale=C.UTF-8", "--encoding=UTF8", "--pgdata", self.data],
                           stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=DEADLINE_S, check=True,
                           cwd=self.folder, env=self.environment())

    def _spawn(self):
        words = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen([*as_user(self.uid), self.bin / "postgres", "-D", self.data, *words],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                                            env=self.environment())

    def _is_ready(self):
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def stop(self):
        """A fast shutdown: open transactions roll back, everything is written out."""
        self._signal(signal.SIGINT)

    def close(self):
        if self.process is not None and self.process.poll() is None:
            try:
                self._signal(signal.SIGQUIT)
            finally:
                if self.process.poll() is None:
                    self.process.kill()
                    self.process.wait(DEADLINE_S)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, number):
        self.process.send_signal(number)
        self.process.wait(DEADLINE_S)

    def log(self):
        return self.log_file.read_text(errors="replace")

    def environment(self, database=OWNER):
        """For programs that are to find this cluster, psql first of all."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return {**kept, "PATH": f"{self.bin}:{os.environ['PATH']}", "PGHOST": str(self.sockets), "PGUSER": OWNER,
                "PGDATABASE": database, "PGCONNECT_TIMEOUT": str(DEADLINE_S), "PGCLIENTENCODING": "UTF8"}

    def create_database(self, name):
        self.query(f"CREATE DATABASE {name}")

    def query(self, sql, database=OWNER, cwd=None):
        """The rows of all its statements as lists of str or None. What psql understands works too: \\copy, and data
        behind COPY ... FROM STDIN. The first error ends it and is raised; only what was committed stays."""
        done = subprocess.run([self.bin / "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--csv",
                               "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=verbose", "--pset", f"null={NULL}",
                               "--file=-"],
                              input=sql.encode(), capture_output=True, timeout=DEADLINE_S, check=False,
                              cwd=cwd or self.folder, env=self.environment(database))
        if done.returncode != 0:
            raise PostgresError(done.stderr.decode(errors="replace"))
        rows = csv.reader(io.StringIO(done.stdout.decode(), newline=""))
        return [[None if cell == NULL else cell for cell in row] for row in rows]

    def plan(self, sql, database=OWNER):
        """The nodes of a statement's plan, outermost first, when reading a whole table is the last resort."""
        rows = self.query(f"SET enable_seqscan = off; EXPLAIN (FORMAT JSON) {sql}", database)
        text = "\n".join(row[0] for row in rows)
        return _nodes(json.loads(text)[0]["Plan"])


def _nodes(plan):
    return [plan, *(node for child in plan.get("Plans", []) for node in _nodes(child))]
