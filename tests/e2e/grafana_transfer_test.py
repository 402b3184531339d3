"""coffer grafana import-db and export-db against SQLite files and a real PostgreSQL, with what was written read by
another implementation of Grafana's encryption.

The PostgreSQL part is skipped where there is none.
"""

import base64
import contextlib
import json
import pathlib
import sqlite3
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.append(str(HERE.parent / "cli"))

from grafana_crypto import Encryptor, as_bytes, b64, b64raw, parse_blob, unb64  # noqa: E402
from grafana_schema import Statements  # noqa: E402
from postgres import OWNER, Postgres, programs  # noqa: E402
from service import DEADLINE_S, Service, run, seeded_random  # noqa: E402

SECRET_KEY = "a secret_key of our own, 4711"
ORDERS = "canary-orders-swordfish"
HEADER = "canary-metrics-header"
CONTACT = "canary-https://hooks.example/T0"
APP = "canary-of-the-app"
OLD = "canary-in-clear-since-2017"
TOKEN = "canary-access-token"
CANARIES = (ORDERS, HEADER, CONTACT, APP, OLD, TOKEN, SECRET_KEY)
NEW = "canary-new \"orders\" p\u00e4ssword \\ $1 <&>"


def plant(cipher="aes-cfb"):
    """A Grafana: two datasources with copies, an old one in clear, a contact point, a plugin, a login."""
    encryptor = Encryptor(SECRET_KEY)
    statements = Statements()
    for name, active in (("k1", True), ("k0", False)):
        encryptor.make_data_key(name)
        statements.add("data_keys", name=name, active=active, scope="root", provider="secretKey.v1",
                       label=f"2026-01-0{name[1]}/root@secretKey.v1", encrypted_data=encryptor.wrapped(name, cipher))

    def sealed(value, key="k1"):
        return encryptor.envelope(value, key, cipher)

    def datasource(row, uid, name, key="k1", **secrets):
        secure = ", ".join(f'"{each}" :"{b64(sealed(value, key))}"' for each, value in secrets.items())
        statements.add("data_source", id=row, type="postgres", uid=uid, name=name, url="db:5432", json_data="{}",
                       password="", secure_json_data="{ " + secure + "\n}", updated="2024-01-02 03:04:05")
        statements.add("secrets", id=row, type="datasource", namespace=name, updated="2024-01-02 03:04:05",
                       value=b64raw(sealed(json.dumps(secrets), key)))

    datasource(1, "orders", "Orders DB", password=ORDERS, tlsClientKey="canary-tls-key")
    datasource(2, "metrics", "Metrics", key="k0", httpHeaderValue1=HEADER)
    statements.add("data_source", id=3, type="mysql", uid="old", name="Old", password=OLD, secure_json_data="{}",
                   updated="2024-01-02 03:04:05")
    statements.add("plugin_setting", plugin_id="app", json_data="{}",
                   secure_json_data=json.dumps({"apiToken": b64(encryptor.legacy(APP))}))
    receiver = {"uid": "slack1", "type": "slack", "settings": {}, "secureSettings": {"url": b64(sealed(CONTACT))}}
    configuration = {"alertmanager_config": {"receivers": [{"grafana_managed_receiver_configs": [receiver]}]}}
    for table in ("alert_configuration", "alert_configuration_history"):
        statements.add(table, alertmanager_configuration=json.dumps(configuration))
    statements.add("user_auth", user_id=1, auth_module="oauth_x", o_auth_access_token=b64(sealed(TOKEN)))
    return statements


EXPECTED = {
    "grafana/1/orders/password": ORDERS, "grafana/1/orders/tlsClientKey": "canary-tls-key",
    "grafana/1/metrics/httpHeaderValue1": HEADER, "grafana/1/old/password": OLD,
    "grafana/1/plugins/app/apiToken": APP, "grafana/1/contact-points/slack1/url": CONTACT,
}


class Decryptor:
    """`wrapped`: {name: data_keys.encrypted_data}."""

    def __init__(self, secret_key, wrapped):
        self.secret_key = as_bytes(secret_key)
        self.data_keys = {name: parse_blob(blob).open(self.secret_key) for name, blob in wrapped.items()}

    @staticmethod
    def data_key_of(text):
        return parse_blob(unb64(text)).data_key

    def base64(self, text):
        blob = parse_blob(unb64(text))
        return blob.open(self.data_keys[blob.data_key] if blob.data_key else self.secret_key).decode()


class SqliteDatabase:
    def __init__(self, folder, statements):
        self.path = pathlib.Path(folder, "grafana.db")
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(statements.sql())
        self.source = str(self.path)

    def rows(self, table):
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(f'SELECT * FROM "{table}" ORDER BY 1')]

    def close(self):
        for path in self.path.parent.glob("grafana.db*"):
            path.unlink()


class PostgresDatabase:
    def __init__(self, postgres, statements):
        self.postgres = postgres
        postgres.query("DROP DATABASE IF EXISTS grafana")
        postgres.create_database("grafana")
        postgres.query(statements.sql("postgres"), "grafana")
        self.source = f"postgresql://{OWNER}@/grafana?host={postgres.sockets}"

    def rows(self, table):
        found = self.postgres.query(f'SELECT row_to_json(t) FROM (SELECT * FROM "{table}" ORDER BY 1) t', "grafana")
        rows = [json.loads(row[0]) for row in found]
        for row in rows:
            if table == "data_keys":
                row["encrypted_data"] = bytes.fromhex(row["encrypted_data"].removeprefix("\\x"))
        return rows

    def close(self):
        pass


TABLES = ("data_source", "secrets", "data_keys", "plugin_setting", "alert_configuration",
          "alert_configuration_history", "user_auth")


class Transfer:
    """The tests; each class has a database of its own kind."""

    maxDiff = None
    BACKUP = ()

    @classmethod
    def setUpClass(cls):
        cls.service = Service().start_initialised()
        cls.addClassCleanup(cls.service.close)
        cls.key_file = cls.service.write("key.txt", SECRET_KEY + "\n")
        cls.tenants = 0

    def setUp(self):
        type(self).tenants += 1
        self.tenant = f"t{self.tenants}"
        self.service.ok("tenant", "add", self.tenant)
        self.database = self.make(plant())
        self.addCleanup(lambda: self.database.close())

    def secret(self, act, path, *options, **named):
        return self.service.ok("secret", act, path, "--tenant", self.tenant, *options, **named)

    def run_command(self, act, *options, key=True, code=0):
        given = ("--secret-key-file", self.key_file) if key else ()
        done = self.service.run("grafana", act, self.database.source, "--tenant", self.tenant, *given, *options)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        self.assert_silent(done.stdout + done.stderr)
        return done

    def assert_silent(self, output):
        for canary in (*CANARIES, NEW):
            needle = canary.encode()
            for part in (needle, needle.hex().encode(), base64.b64encode(needle).rstrip(b"=")[:-1]):
                self.assertNotIn(part, output)

    def json_of(self, act, *options, **named):
        return json.loads(self.run_command(act, *options, "--output", "json", **named).stdout)

    def outcomes(self, report):
        return {each["path"]: each["outcome"] + (":" + each["reason"] if each["reason"] else "")
                for each in report["credentials"]}

    def everything(self):
        return {table: self.database.rows(table) for table in TABLES}

    def decryptor(self):
        return Decryptor(SECRET_KEY, {row["name"]: row["encrypted_data"] for row in self.database.rows("data_keys")})

    def views(self, row):
        """Both copies of a datasource, as Grafana reads them."""
        decryptor = self.decryptor()
        datasource = next(each for each in self.database.rows("data_source") if each["id"] == row)
        copy = next(each for each in self.database.rows("secrets") if each["id"] == row)
        own = {key: decryptor.base64(value) for key, value in json.loads(datasource["secure_json_data"]).items()}
        return own, json.loads(decryptor.base64(copy["value"]))

    def test_import_puts_each_value_under_its_path_with_its_origin(self):
        before = self.everything()
        planned = self.json_of("import-db", "--dry-run")
        self.assertEqual(planned["outcome"], "planned")
        self.assertEqual(json.loads(self.secret("list", "", "--output", "json"))["secrets"], [])
        report = self.json_of("import-db")
        self.assertEqual(self.outcomes(report), {path: "created" for path in EXPECTED})
        self.assertEqual({(each["table"], each["count"]) for each in report["left_out"]},
                         {("user_auth", 1), ("alert_configuration_history", 1)})
        for path, value in EXPECTED.items():
            self.assertEqual(self.secret("get", path).decode(), value)
        got = json.loads(self.secret("get", "grafana/1/orders/password", "--output", "json"))
        self.assertEqual(got["metadata"], {
            "grafana-database": self.KIND, "grafana-table": "data_source", "grafana-column": "secure_json_data",
            "grafana-row": "id=1 org_id=1 type=postgres uid=orders name=Orders DB", "grafana-json-path": "password",
            "grafana-copy": "secrets.value: password of id=1 org_id=1 type=datasource namespace=Orders DB"})
        self.assertEqual(self.everything(), before)
        again = self.json_of("import-db")
        self.assertEqual(self.outcomes(again), {path: "unchanged" for path in EXPECTED})
        self.assertIn(b"6 unchanged\n", self.run_command("import-db").stdout)

    def test_a_value_that_was_changed_in_the_vault_comes_back_into_both_copies(self):
        self.run_command("import-db")
        before = self.everything()
        self.secret("put", "grafana/1/orders/password", stdin=NEW.encode())
        self.secret("put", "grafana/1/metrics/httpHeaderValue1", stdin=b"canary-header-2")
        planned = self.json_of("export-db", "--dry-run")
        self.assertEqual((planned["outcome"], planned["rows"], planned["backup"]), ("planned", 4, None))
        self.assertEqual(self.everything(), before)
        report = self.json_of("export-db", *self.BACKUP)
        self.assertEqual(self.outcomes(report), {
            **{path: "unchanged" for path in EXPECTED}, "grafana/1/orders/password": "updated",
            "grafana/1/metrics/httpHeaderValue1": "updated"})
        self.assertTrue(pathlib.Path(report["backup"]).exists())
        orders = {"password": NEW, "tlsClientKey": "canary-tls-key"}
        self.assertEqual(self.views(1), (orders, orders))
        self.assertEqual(self.views(2), ({"httpHeaderValue1": "canary-header-2"},) * 2)
        after = self.everything()
        for table, cell in (("data_source", "secure_json_data"), ("secrets", "value")):
            for old, new in zip(before[table], after[table]):
                if old["id"] == 3:
                    continue
                self.assertGreater(new["updated"], old["updated"])
                new["updated"] = old["updated"]
                self.assertNotEqual(new[cell], old[cell])
                new[cell] = old[cell]
        self.assertEqual(after, before)
        done = self.everything()
        self.assertEqual(self.json_of("export-db", *self.BACKUP)["rows"], 0)
        self.assertEqual(self.everything(), done)

    def test_the_rest_of_a_cell_stays_byte_for_byte(self):
        self.run_command("import-db")
        (before,) = [row["secure_json_data"] for row in self.database.rows("data_source") if row["id"] == 1]
        self.secret("put", "grafana/1/orders/password", stdin=b"new")
        self.run_command("export-db", "--no-backup")
        (after,) = [row["secure_json_data"] for row in self.database.rows("data_source") if row["id"] == 1]
        old, new = json.loads(before)["password"], json.loads(after)["password"]
        self.assertEqual(after, before.replace(old, new))
        # What was under an old data key is under the active one.
        self.secret("put", "grafana/1/metrics/httpHeaderValue1", stdin=b"new")
        self.run_command("export-db", "--no-backup")
        self.assertEqual([self.decryptor().data_key_of(row["value"]) for row in self.database.rows("secrets")],
                         ["k1", "k1"])

    def test_old_columns_are_emptied_only_when_asked(self):
        statements = plant()
        for table, row in statements.rows:
            if table == "data_source" and row["id"] == 1:
                row["password"] = ORDERS
        self.database.close()
        self.database = self.make(statements)
        self.run_command("import-db")
        self.assertEqual(self.json_of("export-db", *self.BACKUP)["cleared"], 0)
        report = self.json_of("export-db", "--clear-plaintext", "--no-backup")
        self.assertEqual((report["cleared"], report["rows"]), (1, 1))
        passwords = {row["id"]: row["password"] for row in self.database.rows("data_source")}
        self.assertEqual(passwords, {1: "", 2: "", 3: OLD})

    def test_what_the_database_lacks_is_added_only_when_asked(self):
        self.run_command("import-db")
        self.secret("put", "grafana/1/orders/httpHeaderValue1", stdin=NEW.encode())
        self.secret("put", "grafana/1/orders/gone", stdin=b"canary-gone")
        self.secret("delete", "grafana/1/orders/gone")
        self.secret("put", "grafana/1/nobody/password", stdin=b"canary-nobody")
        self.assertEqual(self.json_of("export-db", *self.BACKUP)["rows"], 0)
        held = self.json_of("export-db", "--add", "--dry-run", code=1)
        self.assertEqual(self.outcomes(held)["grafana/1/orders/httpHeaderValue1"], "skipped:other-origin")
        add = ("--add", "--accept-other-origin")
        planned = self.outcomes(self.json_of("export-db", *add, "--dry-run"))
        report = self.json_of("export-db", *add, "--no-backup")
        self.assertEqual(self.outcomes(report), planned)
        self.assertEqual({path for path, outcome in planned.items() if outcome == "added"},
                         {"grafana/1/orders/httpHeaderValue1", "grafana/1/old/password"})
        orders = {"password": ORDERS, "tlsClientKey": "canary-tls-key", "httpHeaderValue1": NEW}
        self.assertEqual(self.views(1), (orders, orders))
        (old,) = [row for row in self.database.rows("data_source") if row["id"] == 3]
        self.assertEqual((old["password"], self.decryptor().base64(json.loads(old["secure_json_data"])["password"])),
                         (OLD, OLD))
        self.assertEqual(self.json_of("export-db", "--clear-plaintext", "--no-backup")["cleared"], 1)
        self.assertEqual([row["password"] for row in self.database.rows("data_source")], ["", "", ""])

    def test_what_was_deleted_in_the_vault_stops_nothing_else(self):
        self.run_command("import-db")
        self.secret("delete", "grafana/1/orders/tlsClientKey")
        self.secret("put", "grafana/1/orders/password", stdin=NEW.encode())
        report = self.outcomes(self.json_of("import-db", "--overwrite", code=1))
        self.assertEqual(report["grafana/1/orders/tlsClientKey"], "skipped:gone-from-vault")
        report = self.outcomes(self.json_of("export-db", "--no-backup"))
        self.assertEqual((report["grafana/1/orders/tlsClientKey"], report["grafana/1/orders/password"]),
                         ("skipped:not-in-vault", "updated"))

    def test_a_datasource_gets_no_value_of_another_one(self):
        statements = plant()
        self.run_command("import-db")
        self.secret("put", "grafana/1/orders/password", stdin=b"of-the-orders")
        self.secret("put", "grafana/1/payments/password", stdin=b"of-the-payments")
        for table, row in statements.rows:
            if table == "data_source":
                row["uid"] = {1: "payments", 2: "metrics", 3: "orders"}[row["id"]]
        self.database.close()
        self.database = self.make(statements)
        before = self.everything()
        report = self.json_of("export-db", "--no-backup", code=1)
        self.assertEqual(self.outcomes(report)["grafana/1/payments/password"], "skipped:other-origin")
        self.assertEqual(self.everything(), before)
        report = self.json_of("export-db", "--no-backup", "--accept-other-origin", "--accept-unreadable")
        self.assertEqual(self.outcomes(report)["grafana/1/payments/password"], "updated")

    def test_refusals_leave_vault_and_database_as_they_were(self):
        before = self.everything()
        wrong = self.service.write("wrong.txt", "another secret_key, of nobody")
        self.secret("put", "grafana/1/orders/password", stdin=b"in-the-vault-before")
        cases = (("import-db", ("--secret-key-file", wrong), "opens-nothing"), ("import-db", (), "other-value"),
                 ("export-db", ("--secret-key-file", wrong, "--no-backup"), "opens-nothing"))
        for act, options, refusal in cases:
            report = self.json_of(act, *options, key=not options, code=1) if options else self.json_of(act, code=1)
            self.assertEqual((report["outcome"], report["refusal"]), ("refused", refusal), act)
        done = self.run_command("import-db", key=False, code=1)
        self.assertIn(b"--secret-key-file", done.stderr)
        self.assertIn(b"Refused: ", self.run_command("import-db", code=1).stdout)
        (listed,) = json.loads(self.secret("list", "", "--output", "json"))["secrets"]
        self.assertEqual((listed["path"], listed["current_version"]), ("grafana/1/orders/password", 1))
        self.assertEqual(self.everything(), before)

    def test_wrong_usage_says_so(self):
        url = "postgresql://app:canary-in-url@db/x"
        for arguments in ((url,), (url, "--dry-run"), (self.database.source, "--only", "passwords"), ()):
            for act in ("import-db", "export-db"):
                done = self.service.run("grafana", act, *arguments)
                self.assertEqual(done.returncode, 2, (act, arguments, done.stderr))
                self.assertNotIn(b"canary", done.stdout + done.stderr)

    def test_bad_inputs_are_named_and_nothing_is_printed(self):
        folder = self.service.folder
        key = ("--secret-key-file", self.key_file)
        file = self.service.write("notes.sql", "CREATE TABLE shop (id int);\n")
        empty = self.service.write("empty", "\n")
        packed = self.service.write("dump.gz", b"\x1f\x8b\x08\0")
        missing = str(folder / "missing")
        source = self.database.source
        cases = [(file, *key), (packed, *key), (str(folder), *key), (missing, *key), ("mysql://db/grafana", *key),
                 (source, "--secret-key-file", missing), (source, "--secret-key-file", empty),
                 (source, *key, "--tenant", "nobody"), (source, *key, "--tenant", "No Tenant!"),
                 (source, *key, "--server", "unix:/nonexistent"), (source, "--output", "json", "--tenant", self.tenant)]
        before = self.everything()
        for act in ("import-db", "export-db"):
            for arguments in cases:
                with self.subTest(act=act, arguments=arguments):
                    backup = ("--no-backup",) if act == "export-db" else ()
                    done = self.service.run("grafana", act, *arguments, *backup)
                    self.assertIn(done.returncode, (1, 2))
                    self.assertEqual(done.stdout, b"")
                    self.assertTrue(done.stderr.startswith(b"coffer: "), done.stderr)
                    self.assert_silent(done.stderr)
        self.assertEqual(self.everything(), before)

    def test_nothing_of_a_value_is_logged(self):
        self.run_command("import-db")
        self.secret("put", "grafana/1/orders/password", stdin=NEW.encode())
        self.run_command("export-db", "--no-backup")
        self.assert_silent(self.service.log().encode())
        self.assert_silent(self.service.ok("audit", "query", "--output", "json"))


class SqliteTransfer(Transfer, unittest.TestCase):
    KIND = "sqlite"

    def make(self, statements):
        return SqliteDatabase(self.service.folder, statements)

    def test_a_dump_is_read_from_standard_input(self):
        done = self.service.run("grafana", "import-db", "-", "--secret-key-file", self.key_file, "--tenant",
                                self.tenant, "--output", "json", stdin=plant().sql())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.outcomes(json.loads(done.stdout)), {path: "created" for path in EXPECTED})

    def test_the_key_of_the_vault_is_used(self):
        self.service.ok("grafana", "secret-key", "import", "--file", self.key_file, "--tenant", self.tenant)
        self.assertEqual(len(self.json_of("import-db", key=False)["credentials"]), len(EXPECTED))

    def test_a_provisioning_file_with_references_works_at_once(self):
        self.run_command("import-db")
        file = self.service.write("ds.yaml", "apiVersion: 1\ndatasources:\n  - name: Orders DB\n    uid: orders\n"
                                  f"    secureJsonData:\n      password: {ORDERS}\n")
        report = self.service.json("grafana", "import", file, "--dry-run", "--tenant", self.tenant)
        self.assertEqual([(each["path"], each["outcome"]) for each in report["secrets"]],
                         [("grafana/1/orders/password", "unchanged")])

    def test_a_kill_leaves_the_old_or_the_new_one(self):
        self.run_command("import-db")
        rng = seeded_random()
        seen = set()
        for kill in range(24):
            value = f"canary-kill-{kill}"
            before = self.views(1)
            self.secret("put", "grafana/1/orders/password", stdin=value.encode())
            command = self.service.popen("grafana", "export-db", self.database.source, "--tenant", self.tenant,
                                         "--secret-key-file", self.key_file, "--no-backup")
            command.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                command.wait(rng.uniform(0, 0.3) if kill % 8 else DEADLINE_S)
            command.kill()
            command.wait(DEADLINE_S)
            command.stdout.close()
            command.stderr.close()
            after = self.views(1)
            new = {"password": value, "tlsClientKey": "canary-tls-key"}
            self.assertIn(after, (before, (new, new)))
            seen.add(after == (new, new))
        self.assertIn(True, seen)


@unittest.skipIf(programs() is None, "no PostgreSQL server")
class PostgresTransfer(Transfer, unittest.TestCase):
    KIND = "postgresql"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.postgres = Postgres().start()
        cls.addClassCleanup(cls.postgres.close)
        cls.backups = 0

    def make(self, statements):
        return PostgresDatabase(self.postgres, statements)

    @property
    def BACKUP(self):
        type(self).backups += 1
        return ("--backup", str(self.service.folder / f"old-cells-{self.backups}.sql"))

    def test_a_server_needs_a_word_about_the_backup(self):
        done = self.run_command("export-db", code=2)
        self.assertIn(b"--backup", done.stderr)


if __name__ == "__main__":
    run(globals())
