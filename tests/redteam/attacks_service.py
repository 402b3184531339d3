"""Whoever turns from the database to the key service: T14 forged roles, T17 memory, T18 files and programs that are
reached through the server."""

import uuid

from application import EMAIL, quoted
from canary_test import writable_memory
from postgres import PostgresError
from report import Outcome
from service import Programs, fork_as, json_lines
from world import AS_ROOT

VAULT = "dash/smtp"
ONE_USER = "needs root, to be several users"


# ---- T14

def forged_roles(world):
    outcome = Outcome("T14", "a superuser takes on the application's roles and name, and calls the service as himself, "
                      "as DBA and as application")
    if not AS_ROOT:
        outcome.skipped = ONE_USER
        return [outcome]
    world.service.ok("secret", "put", VAULT, stdin=world.secret.value())
    rows = world.sql("SET application_name = 'dash'; SET SESSION AUTHORIZATION app; SET ROLE coffer_app;"
                     "SELECT id, email::bytea FROM member WHERE id < 9")
    stdin = json_lines([{"id": int(row[0]), "email": row[1]} for row in rows])
    decrypt = ("field", "decrypt", "--field", EMAIL[0], "--row", "id")
    calls = {"DecryptFields": (decrypt, stdin), "GetSecret": (("secret", "get", VAULT), ""),
             "IndexTokens": (("field", "search", "--field", EMAIL[0], "--index", "exact"), "guess@example.org")}
    for operation, (command, given) in calls.items():
        _call_as_dba(world, outcome, operation, command, given)
    done = world.service.run(*decrypt, stdin=stdin)
    outcome.control("the application's own call shows values", world.searcher.find(done.stdout))
    return [outcome]


def _call_as_dba(world, outcome, operation, command, given):
    call, size = uuid.uuid4().hex, world.service.log_file.stat().st_size
    done = world.dba(*command, "--claim-request-id", call, stdin=given.encode())
    outcome.secret_if(done.returncode == 0, f"{operation} as DBA")
    outcome.notice(f"the audit log has the refused {operation}",
                   any(not one["allowed"] for one in world.records(operation, call)))
    done = world.dba(*command, role="app", stdin=given.encode())
    outcome.secret_if(done.returncode == 0, f"{operation} through the application's socket")
    said = f"refused a connection to the socket of role app from uid {world.cluster.uid}".encode()
    outcome.notice("the service's log has who knocked", said in world.service.log_since(size))


# ---- T17

SHARED_MEMORY = 64 << 20  # the server's buffers are more
MEMORY_READ, MEMORY_FOUND, MEMORY_DENIED = 20, 21, 22


def memory(world):
    outcome = Outcome("T17", "the database's operating-system user reads the memory of cofferd",
                      silent="the kernel refuses")
    connection = world.connect("app")
    connection.query(f"SELECT {quoted(world.plain.value())} AS wanted")
    control = _memory_as_dba(world, connection.pid) if AS_ROOT else MEMORY_DENIED
    if control == MEMORY_DENIED:
        outcome.skipped = ONE_USER if not AS_ROOT else "this machine lets no user read the memory of his own processes"
    else:
        outcome.control("plaintext in the memory of a backend", control == MEMORY_FOUND)
        outcome.secret_if(_memory_as_dba(world, world.service.process.pid) != MEMORY_DENIED, "the memory of cofferd")
    connection.close()
    return [outcome]


def _memory_as_dba(world, pid):
    def look():
        try:
            own = [one for one in writable_memory(pid) if len(one) < SHARED_MEMORY]
            return MEMORY_FOUND if world.searcher.find_in(own) else MEMORY_READ
        except PermissionError:
            return MEMORY_DENIED
    return fork_as(world.cluster.uid, look)


# ---- T18

def reach_of_the_server(world):
    outcome = Outcome("T18", "pg_read_file, lo_import and COPY PROGRAM read the service's files, and a program in the "
                      "server calls the service")
    if not AS_ROOT:
        outcome.skipped = ONE_USER
        return [outcome]
    data = world.service.data
    control = world.folder / "application.conf"
    control.write_text(f"pgcrypto_key = {world.plain.value()}\n")
    control.chmod(0o644)
    for path in (world.service.key_file, data / "store.db", data / "journal/key-journal", data / "audit.key"):
        outcome.secret_if(_read_by_server(world, path), f"the file {path.name}")
    outcome.control("a file that is readable by all", _read_by_server(world, control) == len(WAYS_TO_READ))
    _call_from_the_server(world, outcome)
    return [outcome]


WAYS_TO_READ = ("SELECT length(pg_read_binary_file('{0}'))", "SELECT lo_import('{0}')",
                "CREATE TEMP TABLE t (x text); COPY t FROM PROGRAM 'base64 {0}'; SELECT 1",
                "CREATE TEMP TABLE t (x text); COPY t FROM PROGRAM 'cp {0} /dev/null'; SELECT 1")


def _read_by_server(world, path):
    """How many of the ways work."""
    worked = 0
    for way in WAYS_TO_READ:
        try:
            world.sql(way.format(path))
            worked += 1
        except PostgresError:
            continue
    return worked


def _call_from_the_server(world, outcome):
    """Programs in the server are of its user."""
    call = uuid.uuid4().hex
    for role in ("dba", "app"):
        program = (f"{Programs.coffer()} --server {world.service.server} --role {role} --claim-request-id {call} "
                   f"secret get {VAULT}")
        try:
            world.sql(f"CREATE TEMP TABLE t (x text); COPY t FROM PROGRAM '{program}'")
            outcome.secret(f"a secret of the vault by COPY PROGRAM, as {role}")
        except PostgresError:
            continue
    outcome.notice("the audit log has the refused GetSecret",
                   any(not one["allowed"] for one in world.records("GetSecret", call)))
