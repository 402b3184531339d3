"""What a secret_key opens of a Grafana database: every cell of every table is looked into, whatever it is called, by
grafana_crypto.py."""

import contextlib
import json
import sqlite3

from grafana_crypto import as_bytes, parse_blob, unb64
from grafana_schema import TABLES, columns_of

PREFIX = "crypto_"  # of extra alerting configurations


def sqlite_rows(path):
    """{table: [{column: value}]}"""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        names = [name for name, in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {name: [dict(row) for row in connection.execute(f'SELECT * FROM "{name}" ORDER BY rowid')]
                for name in names if name in TABLES}


def postgres_rows(postgres, database):
    """The same, of a throwaway server's database. Rows in the order of their first columns."""
    rows = {}
    for table in TABLES:
        first = next(iter(columns_of(table)))
        found = postgres.query(f'SELECT row_to_json(t) FROM "{table}" t ORDER BY "{first}"::text, t::text', database)
        rows[table] = [json.loads(row) for row, in found]
        for row in rows[table]:
            for column, kind in columns_of(table).items():
                if kind == "bytes" and row[column] is not None:
                    row[column] = bytes.fromhex(row[column].removeprefix("\\x"))
    return rows


def strings_of(value, path=""):
    """(path, string) of a text's JSON, or the text itself."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from strings_of(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from strings_of(inner, f"{path}[{index}]")
    elif isinstance(value, str):
        yield path, value


def blobs_of(cell):
    """(path, blob) of what may be one."""
    if isinstance(cell, bytes):
        found = [("", cell)]
    elif isinstance(cell, str):
        try:
            parsed = json.loads(cell) if cell[:1] in "{[" else cell
        except ValueError:
            parsed = cell
        found = [(path, unb64(text.removeprefix(PREFIX))) for path, text in strings_of(parsed)]
    else:
        found = []
    for path, data in found:
        blob = parse_blob(data) if data else None
        if blob:
            yield path, blob


def data_keys_of(rows, secret_key):
    """Those of [security] secret_key."""
    keys = {}
    for row in rows.get("data_keys", []):
        if row["provider"] in ("secretKey.v1", "secretKey", "secret"):
            keys[row["name"]] = parse_blob(row["encrypted_data"]).open(as_bytes(secret_key))
    return keys


def opened(rows, secret_key):
    """{(table, row, column, path): bytes} of all that is under it: directly, or under one of its data keys."""
    keys = data_keys_of(rows, secret_key)
    found = {("data_keys", name, "encrypted_data", ""): key for name, key in keys.items()}
    for table, all_rows in rows.items():
        if table in ("data_keys", "secret_data_key", "secret_encrypted_value"):
            continue
        for number, row in enumerate(all_rows):
            for column, cell in row.items():
                for path, blob in blobs_of(cell):
                    passphrase = as_bytes(secret_key) if blob.data_key is None else keys.get(blob.data_key)
                    if passphrase:
                        found[table, number, column, path] = blob.open(passphrase)
    return found


def ids_of(rows):
    """{(table, column): {data key}} of all blobs that name one."""
    ids = {}
    for table, all_rows in rows.items():
        if table == "secret_encrypted_value":
            continue
        for row in all_rows:
            for column, cell in row.items():
                for _, blob in blobs_of(cell):
                    if blob.data_key is not None:
                        ids.setdefault((table, column), set()).add(blob.data_key)
    return ids


def manager_opened(rows, secret_key):
    """{(namespace, name): bytes} of the secrets manager's values."""
    keys = {row["uid"]: parse_blob(row["encrypted_data"]).open(as_bytes(secret_key))
            for row in rows.get("secret_data_key", [])}
    values = {}
    for row in rows.get("secret_encrypted_value", []):
        blob = parse_blob(row["encrypted_data"])
        key = keys.get(row["data_key_id"] or blob.data_key)
        values[row["namespace"], row["name"]] = blob.open(key) if key else None
    return values
