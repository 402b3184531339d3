"""What is attacked: a cofferd with a user of its own, a PostgreSQL with the extension and every log on, and an
application between them. Beside its tables stand the same ones in plaintext and with pgcrypto: the positive controls.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import uuid

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "tests/e2e"), str(REPOSITORY / "tests/pgext")]

from canaries import Family, Searcher  # noqa: E402
from extension_server import Cluster  # noqa: E402
from libpq import Connection  # noqa: E402
from postgres import OWNER, owner_uid  # noqa: E402
from service import DEADLINE_S, NOBODY, Programs, Service, clean_environment, wait_until  # noqa: E402

DATABASE = "dash"
AS_ROOT = os.geteuid() == 0
SEARCHES_A_MINUTE = 12
LOG_FORMS = ("log", "csv", "json")

# Every log of the server that tells of statements, plans and values; WAL as talkative as it can be.
EVERY_KNOB = {
    "shared_preload_libraries": "coffer,pg_stat_statements,auto_explain",
    "logging_collector": "on", "log_destination": "stderr,csvlog,jsonlog", "log_rotation_size": "0",
    "log_statement": "all", "log_min_duration_statement": "0", "log_duration": "on", "log_min_messages": "debug1",
    "log_min_error_statement": "debug1", "log_error_verbosity": "verbose", "log_parameter_max_length": "-1",
    "log_parameter_max_length_on_error": "-1", "log_replication_commands": "on", "log_temp_files": "0",
    "log_lock_waits": "on", "log_connections": "on",
    "auto_explain.log_min_duration": "0", "auto_explain.log_analyze": "on", "auto_explain.log_verbose": "on",
    "auto_explain.log_nested_statements": "on", "auto_explain.log_parameter_max_length": "-1",
    "pg_stat_statements.track": "all", "track_activity_query_size": "65536", "track_functions": "all",
    "wal_level": "logical", "archive_mode": "on", "wal_keep_size": "1GB", "max_wal_size": "4GB", "autovacuum": "off",
    "work_mem": "64kB", "max_prepared_transactions": "4", "max_wal_senders": "10", "max_replication_slots": "10",
}
# Recommended in pgext/README.md for sessions that might send plaintext by mistake.
QUIET = {"log_statement": "none", "log_min_duration_statement": "-1", "log_min_error_statement": "panic",
         "log_error_verbosity": "terse", "log_parameter_max_length": "0", "log_parameter_max_length_on_error": "0",
         "auto_explain.log_min_duration": "-1", "pg_stat_statements.track": "none", "log_duration": "off"}

CATALOG = """scope = "dash"
[field."data_source.password"]
class   = "secret"
keyring = "dash"
{source}
[field."member.email"]
class   = "pii"
keyring = "dash"
{member}
expect  = {{ rows = 1000000, distinct = 900000, top_share = 0.0001 }}
[field."member.email".index.exact]
kind      = "equality"
keyring   = "dash-index"
transform = ["trim", "nfkc_casefold"]
bits      = 16
[field."member.email".index.unique]
kind      = "equality"
keyring   = "dash-index"
transform = ["trim", "nfkc_casefold"]
bits      = 128
unique    = true
[field."member.backup"]
class   = "pii"
keyring = "dash"
row     = "int64"
expect  = {{ rows = 1000000, distinct = 900000, top_share = 0.0001 }}
[field."member.backup".index.unique]
kind      = "equality"
keyring   = "dash-index"
transform = ["trim", "nfkc_casefold"]
bits      = 128
unique    = true
[field."member.note"]
class   = "pii"
keyring = "dash"
row     = "int64"
"""
TABLES = """
CREATE EXTENSION coffer; CREATE EXTENSION pgcrypto; CREATE EXTENSION pg_stat_statements;
SELECT coffer.create_roles();
CREATE ROLE app LOGIN IN ROLE coffer_app;
CREATE ROLE careful LOGIN IN ROLE coffer_app;
CREATE ROLE dba LOGIN CREATEDB REPLICATION IN ROLE coffer_dba;
GRANT CREATE, USAGE ON SCHEMA public TO coffer_owner, coffer_dba;
GRANT CREATE ON DATABASE dash TO coffer_owner;
SET ROLE coffer_owner;
CREATE TABLE data_source (uid uuid PRIMARY KEY, name text, url text, login text, password coffer.ciphertext);
CREATE TABLE member (id bigint PRIMARY KEY, role text, email coffer.ciphertext, email_exact int4,
  email_exact_iv smallint, email_unique bytea UNIQUE, backup coffer.ciphertext, backup_unique bytea UNIQUE, note bytea);
CREATE INDEX ON member (email_exact);
SELECT coffer.protect('member', 'note');
SELECT coffer.grant_roles('data_source'); SELECT coffer.grant_roles('member');
SECURITY LABEL FOR coffer ON COLUMN data_source.password IS 'field=dash.data_source.password';
SECURITY LABEL FOR coffer ON COLUMN member.email IS 'field=dash.member.email';
SECURITY LABEL FOR coffer ON COLUMN member.backup IS 'field=dash.member.backup';
SECURITY LABEL FOR coffer ON COLUMN member.note IS 'field=dash.member.note';
CREATE TABLE plain_source (uid uuid PRIMARY KEY, name text, url text, login text, password text);
CREATE TABLE plain_member (id bigint PRIMARY KEY, role text, email text UNIQUE, backup text, note text);
CREATE TABLE pgcrypto_source (uid uuid PRIMARY KEY, name text, url text, login text, password bytea);
GRANT ALL ON plain_source, plain_member, pgcrypto_source TO coffer_app;
RESET ROLE;
"""


def catalog(defences):
    source = {"row": 'row = "uuid"', "bind": 'bind = { url = "text", login = "text" }'}
    member = 'row = "int64"'
    if not defences.bind:
        source["bind"] = 'unbound = "removed on purpose"'
    if not defences.row:
        source = {"row": 'bind_row = false\nunbound = "removed on purpose"'}
        member = 'bind_row = false\nunbound = "removed on purpose"'
    if not defences.pad:
        source["pad"] = 'pad = "none"'
    return CATALOG.format(source="\n".join(source.values()), member=member)


class World:
    """close() ends and removes all of it."""

    def __init__(self, defences):
        self.defences = defences
        self.secret = Family("secret")
        self.plain = Family("plaintext")
        self.pgcrypto = Family("pgcrypto")
        self.searcher = Searcher([self.secret], controls=[self.plain, self.pgcrypto])
        self.pgcrypto_key = self.pgcrypto.value()
        self.printed = []  # what the DBA's own commands said
        self.service = self.cluster = self.application = self.controls = None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="coffer-redteam-"))
        self.folder.chmod(0o755)

    def start(self):
        self.cluster = Cluster({**EVERY_KNOB, "archive_command": f"cp %p {self.dba_folder('archive')}/%f"}).start()
        self.service = self._service()
        self.cluster.create_database(DATABASE)
        self.sql(TABLES)
        self.sql("SELECT pg_create_physical_replication_slot('copied', true);"
                 "SELECT pg_create_logical_replication_slot('decoded', 'test_decoding')")
        for name, value in QUIET.items() if self.defences.quiet_errors else ():
            self.sql(f"ALTER ROLE careful SET {name} = '{value}'")
        if not self.defences.ciphertext_only:
            self.sql("ALTER TABLE member DROP CONSTRAINT note_is_ciphertext")
        return self

    def _service(self):
        dba = f", {self.cluster.uid}" if self.cluster.uid is not None else ""
        own = NOBODY if AS_ROOT else os.geteuid()
        roles = [f"[sockets.{role}]\nuids = [{own}{dba if role in self._roles_of_dba() else ''}]\n"
                 for role in ("app", "dba", "admin", "auditor") if role != "auditor" or self.defences.auditor]
        searches = SEARCHES_A_MINUTE if self.defences.quota else 10**6
        service = Service(config="[quotas]\nsearches = %d\n" % searches, sockets="".join(roles),
                          uid=NOBODY if AS_ROOT else None)
        service.folder.chmod(0o755)
        service.start_initialised()
        service.ok("keyring", "create", "dash")
        service.ok("keyring", "create", "dash-index", "--purpose", "index")
        service.ok("apply", service.write("catalog.toml", catalog(self.defences)))
        if not self.defences.key_file:
            service.key_file.chmod(0o644)
        for role in self._roles_of_dba() if AS_ROOT else ():
            os.chown(service.sockets / f"{role}.sock", -1, self.cluster.uid)
        return service

    def _roles_of_dba(self):
        return ("dba",) if self.defences.roles else ("dba", "app")

    def close(self):
        for part in (self.application, self.controls, self.service, self.cluster):
            if part is not None:
                part.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def dba_folder(self, name):
        """A folder that the DBA's user may write."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        if owner_uid() is not None:
            os.chown(folder, owner_uid(), -1)
        return folder

    # ---- Who does something.

    def sql(self, text):
        """As the superuser; rows."""
        return self.cluster.query(text, DATABASE)

    def connect(self, user=OWNER, database=DATABASE):
        return Connection(host=self.cluster.sockets, dbname=database, user=user)

    def url(self, user):
        return f"postgresql:///{DATABASE}?host={self.cluster.sockets}&user={user}"

    def dba(self, *arguments, role="dba", stdin=b""):
        """coffer, as the operating system's user of the database; what it prints is kept."""
        done = subprocess.run([*self.as_dba(), Programs.coffer(), *arguments, "--role", role], input=stdin,
                              capture_output=True, timeout=2 * DEADLINE_S, check=False, cwd=self.dba_folder("home"),
                              env=clean_environment(COFFER_SERVER=self.service.server))
        self.printed += [done.stdout, done.stderr]
        return done

    def as_dba(self):
        if not AS_ROOT:
            return []
        uid = self.cluster.uid
        return ["setpriv", "--pdeathsig", "KILL", f"--reuid={uid}", f"--regid={uid}", f"--groups={NOBODY}"]

    def program(self, name, *words, database=DATABASE, check=True, **options):
        """One of PostgreSQL's, as the DBA's user; what it prints is kept."""
        done = self.cluster.program(name, *words, database=database, check=check, **options)
        self.printed += [done.stdout, done.stderr]
        return done

    # ---- Where something is written.

    def logs(self):
        """The server's log files, once all is in them that was done before."""
        mark = uuid.uuid4().hex
        self.sql(f"SELECT '{mark}'")
        files = [path for path in (self.cluster.data / "log").iterdir() if path.suffix[1:] in LOG_FORMS]
        for path in files:
            wait_until(lambda log=path: mark.encode() in log.read_bytes(), "the server's log is written")
        return files

    def archived(self):
        """The archive's folder, once all of the write-ahead log until now is in it."""
        (name,), = self.sql("SELECT pg_walfile_name(pg_current_wal_insert_lsn())")
        self.sql("SELECT pg_logical_emit_message(true, 'end', 'of it'), pg_switch_wal()")
        folder = self.dba_folder("archive")
        wait_until(lambda: (folder / name).exists(), "the log is archived")
        return folder

    # ---- Who notices something.

    def records(self, operation, request_id, enough=1):
        """The audit log's records of the calls under this id, once there are enough; none when nobody may read it."""
        def ended():
            done = self.service.run("audit", "query", "--operation", operation, "--request-id", request_id, "--limit",
                                    "1000", "--output", "json")
            if done.returncode != 0:
                return ["unreadable"]
            records = [one for one in json.loads(done.stdout)["records"] if one["type"] != "begin"]
            return records if len(records) >= enough else []
        try:
            found = wait_until(ended, "the audit log has it")
        except AssertionError:
            return []
        return [one for one in found if one != "unreadable"]

    def checked(self):
        """{(check, where)} of what `coffer db check` says of this database and the catalog."""
        done = subprocess.run([Programs.coffer(), "db", "check", self.url("dba"), "--catalog",
                               str(self.service.folder / "catalog.toml"), "--output", "json"], capture_output=True,
                              timeout=2 * DEADLINE_S, check=False, cwd=self.folder, env=clean_environment())
        return {(one["check"], one["where"]) for one in json.loads(done.stdout or b'{"findings": []}')["findings"]}
