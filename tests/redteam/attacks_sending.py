"""Plaintext that was sent: T3 refused statements, T6 what a migration leaves, T8 guesses through the application."""

import uuid

from application import BACKUP, EMAIL, FORMS, insert
from attacks_reading import READING, files_below, scan
from canaries import Family, Searcher
from extension_server import PRELOADED, Cluster
from libpq import Connection
from postgres import OWNER, PostgresError
from report import Outcome
from world import SEARCHES_A_MINUTE

OLD_ROWS = 200


# ---- T3

def refused_statements(world):
    outcome = Outcome("T3", "plaintext that is sent by mistake into protected columns is refused; a superuser reads "
                      "what the server logs of it", silent=READING)
    sizes = {path: path.stat().st_size for path in world.logs()}
    errors, accepted = _mistakes(world, "careful", world.secret)
    outcome.secret_if(world.searcher.find(errors), "a secret in the error that the application gets")
    outcome.secret_if(accepted and world.defences.ciphertext_only, "plaintext in a protected column")
    if world.defences.controls:
        _mistakes(world, "app", world.plain)
    scan(world, outcome, "the logs of refused statements",
         [path.read_bytes()[sizes[path]:] for path in world.logs()])
    return [outcome]


def _mistakes(world, user, family):
    """Plaintext of the family, into the type and into the CHECK, in all forms: what the errors said, and how many there
    were not. libpq's errors repeat the statement to who sent it; that is his own."""
    connection, said, accepted = world.connect(user), [], 0
    for number, form in enumerate(FORMS):
        rows = {"data_source": {"uid": f"00000000-0000-4000-8000-{number:012}", "password": family.value()},
                "member": {"id": -1 - number, "note": family.value()}}
        for table, row in rows.items():
            try:
                insert(connection, form, table, [row])
                accepted += 1
            except PostgresError as error:
                said += [line for line in str(error).splitlines() if not line.startswith(("LINE ", "CONTEXT:"))]
    connection.close()
    world.sql("DELETE FROM member WHERE id < 0")
    return "\n".join(said).encode(), accepted


# ---- T6

def migration(world):
    """Plain SQL: expand, encrypt, drop. In a cluster of its own, without replication slots: one that is not read keeps
    dropped statistics in the catalogs."""
    outcome = Outcome("T6", "a table is migrated by SQL; its old plaintext column is dropped, and the database's files "
                      "are searched", silent="what was plaintext once is the migration's to clear away")
    cluster = Cluster(PRELOADED).start()
    try:
        cluster.create_database("legacy")
        _migrate(world, cluster, outcome)
    finally:
        cluster.close()
    return [outcome]


def _migrate(world, cluster, outcome):
    old = Family("old plaintext")
    members = [{"id": number, "email": old.value()} for number in range(OLD_ROWS)]
    connection = Connection(host=cluster.sockets, dbname="legacy", user=OWNER)
    connection.query("CREATE EXTENSION coffer; CREATE TABLE member (id bigint PRIMARY KEY, email text);"
                     "CREATE INDEX ON member (email)")
    insert(connection, "copy", "member", members)
    encrypted = world.service.encrypt(*EMAIL, members, "--ciphertext", "hex")
    rows = ", ".join(f"({row['id']}, '{row['email']}'::bytea)" for row in encrypted)
    for step in ("ANALYZE", "ALTER TABLE member ADD email_enc coffer.ciphertext",
                 f"UPDATE member SET email_enc = e.value FROM (VALUES {rows}) AS e (id, value) WHERE member.id = e.id",
                 "ALTER TABLE member DROP email", "VACUUM", "CHECKPOINT"):
        connection.query(step)
    _clear(connection, cluster.data, world.defences.rewrite, outcome, Searcher([old]))
    connection.close()


def _clear(connection, data, rewrite, outcome, searcher):
    (oid,), = connection.query("SELECT oid FROM pg_database WHERE datname = 'legacy'")
    outcome.control("it is still in the files after DROP COLUMN and VACUUM",
                    searcher.find_in(files_below(data / "base" / oid)))
    for step in ("VACUUM FULL member", "VACUUM FULL pg_statistic", "CHECKPOINT") if rewrite else ():
        connection.query(step)
    outcome.secret_if(searcher.find_in(files_below(data / "base" / oid)), "old plaintext in the database's files")
    if searcher.find_in(files_below(data / "pg_wal")):
        outcome.residual = "WAL and older backups keep it: change what was secret"


# ---- T8

def guesses(world):
    """Who may ask the application, and reads the database, confirms what he guesses; how fast is what limits him."""
    outcome = Outcome("T8", "a DBA has the application search and store addresses that he guesses, and compares tokens")
    victim = world.application.members[1]
    call, answered = uuid.uuid4().hex, 0
    for _ in range(3 * SEARCHES_A_MINUTE):
        done = world.service.run("field", "search", "--field", BACKUP[0], "--index", "unique", "--output", "json",
                                 "--claim-request-id", call, stdin=victim["backup"])
        if done.returncode != 0:
            break
        answered += 1
    outcome.secret_if(done.returncode == 0, f"{answered} guesses tried and no end")
    outcome.residual = "each guess that the quota lets through is confirmed or not"
    confirmed = world.application.encrypted_members([{**victim, "id": 10**9}])[0]["backup_unique"]
    stored = world.sql("SELECT backup_unique FROM member WHERE id = 1")[0][0]
    outcome.control("the guess has the token that is stored", confirmed == stored)
    records = world.records("IndexTokens", call, enough=answered + (done.returncode != 0))
    outcome.notice("each search is in the audit log", len(records) > answered)
    outcome.notice("the quota refuses the next", any(one["outcome"] == "resource_exhausted" for one in records))
    return [outcome]
