"""The other half of the claim: what a database administrator has to do works, as a member of coffer_dba and as role dba
of the service, and nothing that his commands print holds a secret."""

import json

from application import BACKUP, EMAIL, NOTE, SOURCE
from attacks_reading import scan
from extension_server import Cluster
from report import TASK, Outcome
from service import wait_until

HIS_WORK = "it is his work"
FIELDS = (EMAIL, BACKUP, NOTE, SOURCE)
TABLES = ("data_source", "member")


class Standby(Cluster):
    """A replica that streams from another cluster."""

    def __init__(self, primary, settings):
        super().__init__(settings)
        self.primary = primary

    def _make(self):
        self.primary.program("pg_basebackup", "--pgdata", str(self.data), "--write-recovery-conf", "--no-sync",
                             "--checkpoint=fast", "--username=dba")


def work(world):
    """A row for each task, in the order of a day."""
    tasks = (("schema change", _schema_change), ("vacuum", _vacuum), ("index build", _index_build), ("dump", _dump),
             ("restore", _restore), ("replica", _replica), ("rotate", _rotate), ("rewrap", _rewrap),
             ("census", _census))
    outcomes = []
    for name, task in tasks:
        outcome = Outcome(TASK, f"as coffer_dba: {name}", silent=HIS_WORK)
        _guarded(outcome, name, task, world)
        outcome.control("the application reads on", _application_reads(world))
        outcomes.append(outcome)
    printed = Outcome(TASK, "as coffer_dba: all that his commands print", silent=HIS_WORK)
    for table in ("data_source", "member", "plain_source", "plain_member"):
        _as_dba(world, f"SELECT * FROM {table} LIMIT 20")
    scan(world, printed, "what was printed", world.printed)
    return [*outcomes, printed]


def _guarded(outcome, name, task, world):
    try:
        outcome.control(f"{name} works", task(world))
    except Exception as failure:  # pylint: disable=broad-except
        outcome.failure = f"{type(failure).__name__}: {str(failure)[:300]}"


def _application_reads(world):
    """Some of each field, as they were planted."""
    for field in FIELDS:
        planted = world.application.sources if field is SOURCE else world.application.members
        ids = list(planted)[:20]
        column = field[0].rsplit(".", 1)[1]
        if world.application.read(field, ids)[0] != {one: planted[one][column] for one in ids}:
            return False
    return True


def _as_dba(world, sql):
    """By psql, as the role of the DBA, who is no superuser; what it prints is kept."""
    return world.program("psql", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--username=dba", "--command", sql)


def _schema_change(world):
    for table in TABLES:
        _as_dba(world, f"ALTER TABLE {table} ADD COLUMN created timestamptz DEFAULT now()")
        _as_dba(world, f"ALTER TABLE {table} DROP COLUMN created")
    return True


def _vacuum(world):
    for table in TABLES:
        _as_dba(world, f"VACUUM (FULL, ANALYZE) {table}")
    return True


def _index_build(world):
    _as_dba(world, "CREATE INDEX CONCURRENTLY by_token ON member (email_exact, id)")
    _as_dba(world, "DROP INDEX by_token")
    return True


def _tables(option):
    return [f"--{option}={table}" for table in TABLES]


def _dump(world):
    path = world.dba_folder("backups") / "his_dump"
    world.program("pg_dump", "--username=dba", "--format=custom", *_tables("table"), "--file", str(path))
    scan_outcome = Outcome("", "")
    scan(world, scan_outcome, "his dump", [path.read_bytes()], ())
    return not scan_outcome.got


def _restore(world):
    """Into a new database, where the service's values still decrypt: the application cannot tell."""
    world.program("createdb", "--username=dba", "restored")
    world.program("psql", "--username=dba", "--set=ON_ERROR_STOP=1", "--command", "CREATE EXTENSION coffer",
                  "--command", "GRANT CREATE ON SCHEMA public TO coffer_owner", database="restored")
    world.program("pg_restore", "--username=dba", "--dbname=restored", str(world.dba_folder("backups") / "his_dump"))
    counts = [world.cluster.query(f"SELECT count(*) FROM {table}", database)
              for database in ("restored", "dash") for table in TABLES]
    connection, world.application.connection = world.application.connection, world.connect("dba", "restored")
    reads = _application_reads(world)
    world.application.connection.close()
    world.application.connection = connection
    return counts[:2] == counts[2:] and reads


DIGEST = "SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {} t"


def _replica(world):
    standby = Standby(world.cluster, {"shared_preload_libraries": "coffer", "max_wal_senders": "10",
                                      "max_prepared_transactions": "4"})
    try:
        standby.start()
        (end,), = world.sql("SELECT pg_current_wal_flush_lsn()")
        wait_until(lambda: standby.query(f"SELECT pg_last_wal_replay_lsn() >= '{end}'") == [["t"]],
                   "the replica has caught up")
        same = all(standby.query(DIGEST.format(table), "dash") == world.sql(DIGEST.format(table)) for table in TABLES)
        return same and not [one for one in world.searcher.find_in([standby.log().encode()])
                             if one[0] == world.secret.name]
    finally:
        standby.close()


def _json(world, *command):
    done = world.dba(*command, "--output", "json")
    if done.returncode != 0:
        raise AssertionError(done.stderr.decode())
    return json.loads(done.stdout)


def _rotate(world):
    before = _json(world, "keyring", "show", "dash")["primary_version"]
    _json(world, "keyring", "rotate", "dash")
    return _json(world, "keyring", "show", "dash")["primary_version"] == before + 1


def _counted(world, *options):
    """{key id: values} of all fields."""
    columns = [word for name, _ in FIELDS for word in ("--column", name.removeprefix("dash."))]
    return {one["key_id"]: one["values"]
            for one in _json(world, "db", "census", world.url("dba"), *columns, *options)["keys"]}


def _rewrap(world):
    fields = [word for name, _ in FIELDS for word in ("--field", name)]
    before = _counted(world)
    report = _json(world, "db", "rewrap", world.url("dba"), *fields)
    after = _counted(world)
    return (not set(before) & set(after) and sum(before.values()) == sum(after.values()) and
            all(one["left"] == 0 for one in report["fields"]))


def _census(world):
    """Reported, and all of the values in it."""
    world.service.ok("census", "add", "dash-db", "--max-age", "1d")
    (values,), = world.sql("SELECT (SELECT count(password) FROM data_source) + sum(num_nonnulls(email, backup, note)) "
                           "FROM member")
    return sum(_counted(world, "--report", "dash-db").values()) == int(values)
