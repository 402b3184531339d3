"""Whoever reads everything that a superuser can read: T1 files and dumps, T2 logs, T4 what is running, T5 the
write-ahead log and what replicas get, T7 statistics and tokens. Reading leaves no trace with Coffer."""

import hashlib
import re

import wal
from application import unkeyed_token
from canaries import families_of
from report import Outcome

ZEROS = bytes(4096)
READING = "reading leaves no trace with Coffer"
PLAIN, BOTH = ("plaintext",), ("plaintext", "pgcrypto")
COMPRESSIONS = ("off", "pglz", "lz4", "zstd")
PACKED = ("pglz", "lz4")


def files_below(*folders, but=()):
    """The contents of all files, without long runs of zeros; of one that goes meanwhile, none."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not set(but) & {part.name for part in (path, *path.parents)}:
                try:
                    yield path.read_bytes().replace(ZEROS, b"")
                except FileNotFoundError:
                    continue


def scan(world, outcome, place, contents, controls=PLAIN):
    """Looks through a place; what it has of the controls shows that the search sees there."""
    found = world.searcher.find_in(contents)
    for family, spelling in sorted(found):
        outcome.secret_if(family == world.secret.name, f"secrets {spelling} in {place}")
    for control in controls:
        outcome.control(f"{control} in {place}", control in families_of(found))
    return found


def shown(world, sql):
    """All cells of a superuser's query, as one text."""
    return ["\n".join(cell for row in world.sql(sql) for cell in row if cell is not None).encode()]


# ---- T1

def files_and_dumps(world):
    outcome = Outcome("T1", "a superuser reads tables, the data directory, temporary files, TOAST, dumps and a base "
                      "backup", silent=READING)
    _read_tables(world, outcome)
    _read_temporary_files(world, outcome)
    _read_packed_columns(world, outcome)
    world.sql("CHECKPOINT")
    scan(world, outcome, "the data directory", files_below(world.cluster.data, but=("pg_wal", "log")))
    _read_dumps(world, outcome)
    backup = world.dba_folder("backups") / "base"
    world.program("pg_basebackup", "--pgdata", str(backup), "--wal-method=stream", "--checkpoint=fast", "--no-sync")
    scan(world, outcome, "a base backup", files_below(backup, but=("log",)))
    return [outcome]


def _read_tables(world, outcome):
    tables = [row[0] for row in world.sql("SELECT quote_ident(relname) FROM pg_class WHERE relkind IN ('r', 'm') AND "
                                          "relnamespace = 'public'::regnamespace")]
    for table in tables:
        controls = {"plain_source": PLAIN, "plain_member": PLAIN}.get(table, ())
        scan(world, outcome, f"the table {table}", shown(world, f"SELECT t::text FROM {table} t"), controls)


def _read_temporary_files(world, outcome):
    """A cursor that outlives its transaction keeps its rows in a file."""
    connection = world.connect()
    for table in ("member", "data_source", "plain_member"):
        connection.query(f"BEGIN; DECLARE c_{table} CURSOR WITH HOLD FOR SELECT a.* FROM {table} a, "
                         "generate_series(1, 40) LIMIT 4000; COMMIT")
    scan(world, outcome, "temporary files", files_below(world.cluster.data / "base/pgsql_tmp"))
    connection.close()


def _relation_files(world, table):
    """Of the table and of what is stored out of line."""
    (paths,) = world.sql(f"SELECT pg_relation_filepath(oid), CASE WHEN reltoastrelid <> 0 THEN pg_relation_filepath("
                         f"reltoastrelid) END FROM pg_class WHERE oid = '{table}'::regclass")
    return [(world.cluster.data / path).read_bytes() for path in paths if path]


def _read_packed_columns(world, outcome):
    """The same compressed by each method: what the search sees of literals in it."""
    for method in PACKED if world.defences.controls else ():
        world.sql(f"CREATE TABLE IF NOT EXISTS packed_{method} (note text COMPRESSION {method});"
                  f"INSERT INTO packed_{method} SELECT note FROM plain_member WHERE length(note) > 2000; CHECKPOINT")
    for method in PACKED:
        contents = _relation_files(world, f"packed_{method}") if world.defences.controls else []
        scan(world, outcome, f"a column packed by {method}", contents)
    scan(world, outcome, "the files of the encrypted tables",
         _relation_files(world, "member") + _relation_files(world, "data_source"), ())


def _read_dumps(world, outcome):
    folder = world.dba_folder("backups")
    custom = str(folder / "dump")
    for name, words in (("pg_dump", ("--file", str(folder / "dump.sql"))),
                        ("pg_dump", ("--format=custom", "--file", custom)),
                        ("pg_dump", ("--inserts", "--file", str(folder / "inserts.sql"))),
                        ("pg_dumpall", ("--file", str(folder / "all.sql"))),
                        ("pg_restore", ("--file", str(folder / "dump.unpacked"), custom))):
        world.program(name, *words)
    for name in ("dump.sql", "inserts.sql", "all.sql", "dump.unpacked"):
        scan(world, outcome, f"the dump {name}", [(folder / name).read_bytes()])


# ---- T2

def _search(world):
    world.application.find(world.application.members[3]["email"])
    if world.defences.controls:
        world.controls.find(world.controls.members[0]["email"])


def logs(world):
    outcome = Outcome("T2", "every log of the server is on: statements, parameters, parse trees, plans, auto_explain; "
                      "as text, CSV and JSON")
    _search(world)
    contents = [path.read_bytes() for path in world.logs()]
    scan(world, outcome, "the server's logs", contents, BOTH)
    outcome.control("rows of pgcrypto opened with the key from the log", _opened_by_key_of(world, contents))
    settings = {where for check, where in world.checked() if check == "setting"}
    outcome.notice("`coffer db check` names the settings",
                   {"log_statement", "log_min_duration_statement", "log_parameter_max_length_on_error"} <= settings)
    return [outcome]


def _opened_by_key_of(world, contents):
    """How many rows whoever reads the log can decrypt."""
    pattern = re.compile(rb"pgp_sym_encrypt\([^,]{1,90}, '(" + world.pgcrypto.head.encode() + rb"\w+)'")
    keys = {match.group(1).decode() for content in contents for match in pattern.finditer(content)}
    return sum(int(world.sql(f"SELECT count(pgp_sym_decrypt(password, '{key}')) FROM pgcrypto_source")[0][0])
               for key in keys)


# ---- T4

def what_runs(world):
    """While the application's and the controls' sessions are open behind a search each."""
    outcome = Outcome("T4", "a superuser watches pg_stat_activity and pg_stat_statements while values are written and "
                      "searched")
    _search(world)
    scan(world, outcome, "pg_stat_activity", shown(world, "SELECT query FROM pg_stat_activity"), BOTH)
    scan(world, outcome, "pg_stat_statements", shown(world, "SELECT query FROM pg_stat_statements"), BOTH)
    settings = {where for check, where in world.checked() if check == "setting"}
    outcome.notice("`coffer db check` names both", {"track_activity_query_size", "pg_stat_statements"} <= settings)
    return [outcome]


# ---- T5

def write_ahead_log(world):
    outcome = Outcome("T5", "WAL, uncompressed and compressed by each method, its archive, a physical slot's receiver, "
                      "and a logical slot", silent=READING)
    for method in COMPRESSIONS:
        scan(world, outcome, f"WAL, wal_compression = {method}", [_pages_in_wal(world, method)])
    scan(world, outcome, "the archive", [wal.stream(wal.segments(world.archived()))])
    scan(world, outcome, "pg_wal", [wal.stream(wal.segments(world.cluster.data / "pg_wal"))])
    scan(world, outcome, "what a physical slot sends", [_received(world)])
    decoded = shown(world, "SELECT data FROM pg_logical_slot_get_changes('decoded', NULL, NULL)")
    scan(world, outcome, "what a logical slot decodes", decoded)
    return [outcome]


def _pages_in_wal(world, method):
    """What is written of tables whose rows are only locked: the images of their pages."""
    world.sql("CHECKPOINT; SELECT pg_switch_wal()")
    locks = "; ".join(f"SELECT count(*) FROM (SELECT FROM {table} FOR UPDATE) AS locked"
                      for table in ("data_source", "member", "plain_source", "plain_member"))
    start = "SELECT pg_walfile_name(pg_current_wal_insert_lsn())"
    names = world.sql(f"SET wal_compression = {method}; {start}; {locks}; {start}; SELECT pg_switch_wal()")
    first, last = names[0][0], names[-2][0]
    return wal.stream([path for path in wal.segments(world.cluster.data / "pg_wal") if first <= path.name <= last])


def _received(world):
    folder = world.dba_folder("received")
    (end,), = world.sql("SELECT pg_current_wal_insert_lsn()")
    world.sql("SELECT pg_logical_emit_message(true, 'end', 'of it'), pg_switch_wal()")
    world.program("pg_receivewal", "--directory", str(folder), "--slot=copied", "--no-loop", "--no-sync",
                  f"--endpos={end}")
    return wal.stream(wal.segments(folder))


# ---- T7

def statistics_and_tokens(world):
    outcome = Outcome("T7", "statistics of token columns, tokens compared across columns, and a dictionary of all "
                      "addresses tried without the key")
    world.sql("ANALYZE")
    scan(world, outcome, "pg_stats", shown(world, "SELECT s::text FROM pg_stats s WHERE schemaname = 'public'"))
    same = world.sql("SELECT count(*) FILTER (WHERE email_unique = backup_unique) FROM member")
    outcome.secret_if(same != [["0"]], "equal values of two columns have equal tokens")
    _try_dictionary(world, outcome)
    (most,), = world.sql("SELECT max(n) FROM (SELECT count(*) AS n FROM member GROUP BY email_exact) AS c")
    outcome.residual = f"which rows have equal tokens, at most {most} of them"
    outcome.notice("`coffer db check` names the statistics", ("statistics", "member.email_exact") in world.checked())
    refused = world.service.run("catalog", "plan", world.service.write("roles.toml", ROLES))
    outcome.notice("an index of two values is refused", refused.returncode == 1)
    return [outcome]


ROLES = """scope = "dash"
[field."member.role"]
class   = "pii"
keyring = "dash"
row     = "int64"
expect  = { rows = 1000000, distinct = 2, top_share = 0.5 }
[field."member.role".index.exact]
kind    = "equality"
keyring = "dash-index"
bits    = 16
"""
UNKEYED = (unkeyed_token, lambda text: int(hashlib.md5(text.encode()).hexdigest()[-4:], 16),
           lambda text: int(hashlib.sha256(text.encode()).hexdigest()[-4:], 16))
UNKEYED_LONG = (lambda text: hashlib.sha256(text.encode()).digest()[:16],
                lambda text: hashlib.md5(text.encode()).digest())


def _try_dictionary(world, outcome):
    """One match of a short token in 65,536 is chance; the control is a column of hashes."""
    guesses = {number: one["email"] for number, one in world.application.members.items()}
    tokens = world.sql("SELECT id, email_exact, encode(email_unique, 'hex') FROM member")
    stored = [(guesses[int(row[0])], int(row[1]), bytes.fromhex(row[2])) for row in tokens if int(row[0]) in guesses]
    for hashed in UNKEYED:
        hits = sum(hashed(guess) == token for guess, token, _ in stored)
        outcome.secret_if(hits > 2 + len(stored) // 20, "values behind tokens, by hashing guesses")
    for hashed in UNKEYED_LONG:
        outcome.secret_if(any(hashed(guess) == token for guess, _, token in stored), "values behind unique tokens")
    world.sql("CREATE TABLE hashed_member AS SELECT substr(sha256(email::bytea), 1, 16) AS email FROM plain_member")
    hashes = {bytes.fromhex(row[0]) for row in world.sql("SELECT encode(email, 'hex') FROM hashed_member")}
    outcome.control("guesses confirmed in a column of hashes",
                    any(UNKEYED_LONG[0](member["email"]) in hashes for member in world.controls.members))
