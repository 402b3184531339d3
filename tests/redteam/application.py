"""The application: it encrypts what it writes and decrypts what it reads, through cofferd, and the database gets
ciphertext and tokens. The same statements, in all the forms in which drivers send them, write the controls' tables.
"""

import contextlib
import csv
import hashlib
import io
import itertools
import json
import socket
import urllib.parse
import uuid

from service import DEADLINE_S, json_lines

SOURCE = ("dash.data_source.password", "uid")
EMAIL = ("dash.member.email", "id")
BACKUP = ("dash.member.backup", "id")
NOTE = ("dash.member.note", "id")
MEMBER_COLUMNS = ("id", "role", "email", "email_exact", "email_exact_iv", "email_unique", "backup", "backup_unique",
                  "note")
VALUES = ("password", "email", "backup", "note")
FORMS = ("literal", "parameter", "binary", "prepared", "copy")
LOUD = "SET debug_print_parse = {0}; SET debug_print_rewritten = {0}; SET debug_print_plan = {0}"
FILLER = "this is a long note which packs well, since it says the same again and again; " * 80


def quoted(value):
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"


def _binary(name, value):
    """A value as bytes, where binary is what libpq is to send."""
    if value is None or name not in VALUES:
        return None if value is None else str(value)
    return bytes.fromhex(value[2:]) if value.startswith("\\x") else value.encode()


def _as_csv(rows):
    text = io.StringIO()
    csv.writer(text).writerows([["" if cell is None else cell for cell in row.values()] for row in rows])
    return text.getvalue()


def insert(connection, form, table, rows, around=None):
    """Rows of the same columns, in one of FORMS; `around`: {column: an expression around its value}."""
    names = list(rows[0])
    around = around or {}
    into = f"INSERT INTO {table} ({', '.join(names)}) VALUES "
    if form == "copy":
        connection.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN (FORMAT csv)", _as_csv(rows))
    elif form == "literal":
        cells = [", ".join(around.get(name, "{}").format(quoted(row[name])) for name in names) for row in rows]
        connection.query(into + ", ".join(f"({row})" for row in cells))
    else:
        marks = ", ".join(around.get(name, "{}").format(f"${place}") for place, name in enumerate(names, 1))
        send = connection.query_prepared if form == "prepared" else connection.query
        for row in rows:
            values = [_binary(name, value) if form == "binary" else None if value is None else str(value)
                      for name, value in row.items()]
            send(f"{into}({marks})", *values)


def insert_all_ways(connection, table, rows, around=None, forms=FORMS):
    """A share of the rows in each form; the first ones with the server's parse trees and plans in its log."""
    shares = [rows[start::len(forms)] for start in range(len(forms))]
    for form, share in zip(forms, shares):
        connection.query(LOUD.format("on"))
        insert(connection, form, table, share[:2], around)
        connection.query(LOUD.format("off"))
        if share[2:]:
            insert(connection, form, table, share[2:], around)


class Application:
    def __init__(self, world, sources, members):
        self.world = world
        self.connection = world.connect("app")
        self.ids = itertools.count(1)
        self.sources = {one["uid"]: one for one in (self.new_source(world.secret) for _ in range(sources))}
        self.members = {one["id"]: one for one in (self.new_member(world.secret) for _ in range(members))}

    def close(self):
        self.connection.close()

    def connect_again(self):
        self.connection.close()
        self.connection = self.world.connect("app")

    # ---- What there is to write.

    @staticmethod
    def new_source(family):
        return {"uid": str(uuid.uuid4()), "name": f"source {family.count}", "login": "reader",
                "url": f"http://127.0.0.1:1/{family.count}", "password": family.value()}

    def new_member(self, family):
        """Every tenth has a long note, and the same address twice."""
        number = next(self.ids)
        email = family.value() + "@example.org"
        often = number % 10 == 0
        return {"id": number, "role": ("viewer", "editor")[number % 2], "email": email,
                "backup": email if often else family.value() + "@example.net",
                "note": f"{family.value()} {FILLER}" if often else family.value()}

    # ---- Through cofferd.

    def encrypted_sources(self, sources):
        return self.world.service.encrypt(*SOURCE, sources, "--ciphertext", "hex")

    def encrypted_members(self, members):
        """Each with all columns of its table."""
        fields = ("--map", EMAIL[0], "--map", BACKUP[0], "--map", NOTE[0])
        done = self.world.service.ok("field", "encrypt", *fields, "--row", "id", "--tokens", "--ciphertext", "hex",
                                     stdin=json_lines(members))
        rows = [json.loads(line) for line in done.splitlines()]
        for row, member in zip(rows, members):
            if not self.world.defences.keyed_tokens:
                row["email_exact"] = unkeyed_token(member["email"])
            if not self.world.defences.ciphertext_only:
                row["note"] = member["note"]
        return [{name: row[name] for name in MEMBER_COLUMNS} for row in rows]

    def decrypt(self, field, rows, *options):
        """What came out, None for each that did not decrypt, and the id of the call."""
        call = uuid.uuid4().hex
        name, row = field
        done = self.world.service.run("field", "decrypt", "--field", name, "--row", row, "--keep-going",
                                      "--claim-request-id", call, *options, stdin=json_lines(rows))
        column = name.rsplit(".", 1)[1]
        return [json.loads(line)[column] for line in done.stdout.splitlines()], call

    # ---- With the database.

    def fill(self):
        insert_all_ways(self.connection, "data_source", self.encrypted_sources(list(self.sources.values())))
        insert_all_ways(self.connection, "member", self.encrypted_members(list(self.members.values())))

    def add_member(self):
        """One more, encrypted as its own catalog says; where that defence is gone, as the database's labels do."""
        member = self.new_member(self.world.secret)
        (row,) = self.encrypted_members([member])
        if not self.world.defences.own_catalog:
            labelled = self.connection.query("SELECT objname FROM pg_seclabels WHERE provider = 'coffer'")
            row.update({name: member[name] for name in ("email", "backup", "note")
                        if [f"member.{name}"] not in labelled})
        insert(self.connection, "parameter", "member", [row])
        self.members[member["id"]] = member
        return member["id"]

    def add_source(self):
        source = self.new_source(self.world.secret)
        insert(self.connection, "literal", "data_source", self.encrypted_sources([source]))
        self.sources[source["uid"]] = source

    def read(self, field, ids):
        """The rows of these ids as they are now, decrypted."""
        table, column = field[0].split(".")[1:]
        beside = ", url, login" if table == "data_source" else ""
        wanted = ", ".join(quoted(one) for one in ids)
        rows = self.connection.query(
            f"SELECT {field[1]}, {column}::bytea{beside} FROM {table} WHERE {field[1]} IN ({wanted}) ORDER BY 1")
        names = (field[1], column, *(("url", "login") if beside else ()))
        records = [dict(zip(names, row)) for row in rows]
        for record in records:
            record[field[1]] = int(record[field[1]]) if field[1] == "id" else record[field[1]]
        values, call = self.decrypt(field, records)
        return dict(zip((record[field[1]] for record in records), values)), call

    def find(self, email, match=None):
        """{id: email} of the members with this address, by its token, and the id of the call that decrypted them."""
        match = self.world.defences.match if match is None else match
        where = self.world.service.ok("field", "search", "--field", EMAIL[0], "--index", "exact",
                                      stdin=email).decode().strip()
        shown = "" if self.world.defences.values_stay_home else f", {quoted(email)} AS wanted"
        sql = f"SELECT id, email::bytea{shown} FROM member WHERE {where}"
        self.connection.query(f"EXPLAIN {sql}")  # whose constants pg_stat_statements keeps before PostgreSQL 16
        rows = [{"id": int(row[0]), "email": row[1]} for row in self.connection.query(sql)]
        compared = ("--match-index", "exact", "--match-file", self.world.service.write("term.txt", email))
        values, call = self.decrypt(EMAIL, rows, *(compared if match else ()))
        return {row["id"]: value for row, value in zip(rows, values) if value is not None}, call

    def use_source(self, uid):
        """Connects to a source with its password; the id of the call that decrypted it."""
        values, call = self.read(SOURCE, [uid])
        if values[uid] is not None:
            (url,), = self.connection.query(f"SELECT url FROM data_source WHERE uid = {quoted(uid)}")
            send_to(url, values[uid])
        return call


def send_to(url, password):
    """To whoever listens there."""
    place = urllib.parse.urlsplit(url)
    with contextlib.suppress(ConnectionRefusedError):
        with socket.create_connection((place.hostname, place.port), DEADLINE_S) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nX-Password: {password}\r\n\r\n".encode())


def unkeyed_token(text):
    """What an index without a key would be: anybody computes it."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


class Controls:
    """The same rows, of values that mean nothing, in plaintext and with pgcrypto, whose key is in each statement."""

    def __init__(self, world, application, sources, members):
        self.world = world
        self.connection, self.other = world.connect("app"), world.connect("app")
        self.sources = [application.new_source(world.plain) for _ in range(sources)]
        self.members = [application.new_member(world.plain) for _ in range(members)]
        self.hidden = [application.new_source(world.pgcrypto) for _ in range(sources)]
        key = quoted(world.pgcrypto_key)
        self.encrypts = {"password": f"pgp_sym_encrypt({{}}, {key}, 's2k-mode=0')"}
        self.decrypts = f"pgp_sym_decrypt(password, {key})"

    def connect_again(self):
        self.connection.close()
        self.connection = self.world.connect("app")

    def fill(self):
        insert_all_ways(self.connection, "plain_source", self.sources)
        insert_all_ways(self.connection, "plain_member", self.members)
        insert_all_ways(self.connection, "pgcrypto_source", self.hidden, self.encrypts, FORMS[:-1])

    def add_sources(self, application):
        """One more in each table."""
        insert(self.connection, "literal", "plain_source", [application.new_source(self.world.plain)])
        insert(self.connection, "parameter", "pgcrypto_source", [application.new_source(self.world.pgcrypto)],
               self.encrypts)

    def find(self, email):
        """In plaintext; and with pgcrypto, where each row is decrypted for it, from another session."""
        hidden = f"SELECT uid FROM pgcrypto_source WHERE {self.decrypts} = {quoted(email)}"
        plain = f"SELECT id, email FROM plain_member WHERE email = {quoted(email)}"
        for connection, sql in ((self.other, hidden), (self.connection, plain)):
            connection.query(f"EXPLAIN {sql}")
            connection.query(sql)

    def use_source(self, uid):
        (url, password), = self.connection.query(
            f"SELECT url, {self.decrypts} FROM pgcrypto_source WHERE uid = {quoted(uid)}")
        send_to(url, password)

    def close(self):
        self.connection.close()
        self.other.close()
