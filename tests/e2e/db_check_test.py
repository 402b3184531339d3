"""coffer db check and coffer db plan against a real PostgreSQL and a service: what they find; no value is printed.

Skipped where there is no PostgreSQL.
"""

import json
import pathlib
import subprocess
import sys
import unittest
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from postgres import OWNER, Postgres, exit_unless_installed  # noqa: E402
from service import DEADLINE_S, Programs, Service, clean_environment, json_lines, run, wait_until  # noqa: E402

LEVEL_1 = pathlib.Path(__file__).resolve().parents[2] / "pgext/sql/coffer-l1.sql"
CATALOG = """scope = "shop"
[field."connection.password"]
class   = "secret"
keyring = "shop"
row     = "uuid"
bind    = { url = "text", login = "text" }
[field."user.email"]
class   = "pii"
keyring = "shop"
row     = "int64"
expect  = { rows = 1000000, distinct = 900000, top_share = 0.0001 }
[field."user.email".index.exact]
kind    = "equality"
keyring = "shop-index"
type    = "text"
bits    = 16
"""
TABLES = """
CREATE TABLE connection (uuid uuid PRIMARY KEY, url text, login text, password bytea);
CREATE TABLE "user" (id bigint PRIMARY KEY, email bytea, email_exact int4, email_exact_iv smallint);
SELECT coffer.protect('connection', 'password'); SELECT coffer.protect('"user"', 'email');
"""
# Names that a plan knows, names that it does not, and what it has to say of each.
PLANNED = r"""
CREATE TYPE mood AS ENUM ('a', 'b');
CREATE TABLE customer (id serial PRIMARY KEY, email text UNIQUE, "firstName" text, phone text, mood mood,
  password_hash text, email_verified_at timestamptz, token_count int,
  lower_mail text GENERATED ALWAYS AS (lower(email)) STORED, plain text);
CREATE INDEX ON customer (lower(phone));
CREATE TABLE link (id uuid, part int, api_token text CHECK (api_token <> ''), url text, login text, port int,
  PRIMARY KEY (id, part));
CREATE TABLE customer_history (id int, email text);
CREATE TABLE audit_log (id int, new_row jsonb);
CREATE TABLE letter (email text REFERENCES customer (email));
CREATE VIEW customers AS SELECT id, email FROM customer;
CREATE MATERIALIZED VIEW mails AS SELECT email FROM customer;
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN INSERT INTO audit_log (new_row) VALUES (to_jsonb(NEW)); RETURN NEW; END';
CREATE TRIGGER keeps AFTER UPDATE ON customer FOR EACH ROW EXECUTE FUNCTION keep();
CREATE PUBLICATION outwards FOR TABLE customer;
INSERT INTO customer (email, "firstName", phone, mood, password_hash, plain) SELECT 'canary' || i || '@example.org',
  'Canary' || i, '+49 30 canary' || i, 'a', '$2b$12$canary' || i, 'canary' || i || '@example.net'
  FROM generate_series(1, 2000) i;
INSERT INTO link SELECT gen_random_uuid(), i, 'canary' || i, 'https://canary', 'canary', 1
  FROM generate_series(1, 500) i;
ANALYZE;
"""


class World(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.close)
        cls.service.start_initialised()
        cls.service.ok("keyring", "create", "shop-index", "--purpose", "index")
        cls.service.apply_catalog(CATALOG)
        cls.postgres = Postgres({"wal_level": "logical"}).start()
        cls.addClassCleanup(cls.postgres.close)

    def url(self, database):
        return f"postgresql://{OWNER}@/{database}?host={self.postgres.sockets}"

    def coffer(self, *arguments):
        done = self.service.run("db", *arguments)
        self.assertNotIn(b"canary", (done.stdout + done.stderr).lower())
        return done

    def new_database(self, name, sql):
        self.postgres.create_database(name)
        self.addCleanup(self.postgres.query, f"DROP DATABASE {name}")
        self.postgres.query(sql, name)
        return lambda text: self.postgres.query(text, name)


class Check(World):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connections = [{"uuid": str(uuid.uuid4()), "url": f"https://{i}.example/", "login": "app",
                            "password": f"canary{i}"} for i in range(20)]
        users = [{"id": i, "email": f"canary{i}@example.org"} for i in range(20)]
        encrypted = [[json.loads(line) for line in cls.service.ok(
            "field", "encrypt", "--field", field, "--row", row, "--ciphertext", "hex", *more,
            stdin=json_lines(records)).splitlines()]
            for field, row, more, records in (("shop.connection.password", "uuid", (), cls.connections),
                                              ("shop.user.email", "id", ("--tokens",), users))]
        cls.rows = "".join(f"INSERT INTO connection VALUES ('{row['uuid']}', '{row['url']}', 'app',"
                           f" '{row['password']}');\n" for row in encrypted[0])
        cls.rows += "".join(f"INSERT INTO \"user\" VALUES ({row['id']}, '{row['email']}', {row['email_exact']}, 1);\n"
                            for row in encrypted[1])

    def setUp(self):
        self.query = self.new_database("shop", f"\\i {LEVEL_1}\n{TABLES}{self.rows}")

    def check(self, *options, code=0):
        done = self.coffer("check", self.url("shop"), "--catalog", "catalog.toml", "--output", "json", *options)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        return json.loads(done.stdout)

    def found(self, *options, code=0, but=("setting",)):
        return {(one["severity"], one["check"], one["where"]) for one in self.check(*options, code=code)["findings"]
                if one["check"] not in but}

    def test_a_sound_database_has_nothing_but_settings(self):
        report = self.check("--sample", "20")
        self.assertEqual({one["check"] for one in report["findings"]}, {"setting"})
        self.assertEqual([(one["field"], one["values"], one["no_ciphertext"], one["keys"])
                          for one in report["columns"]],
                         [("shop.connection.password", 20, 0, 1), ("shop.user.email", 20, 0, 1)])

    def test_plaintext_in_a_protected_column_is_counted(self):
        self.query("ALTER TABLE connection DROP CONSTRAINT password_is_ciphertext;"
                   "UPDATE connection SET password = 'canary' WHERE url LIKE '%1.example/'")
        self.assertEqual(self.found(code=1), {("high", "plaintext", "connection.password"),
                                              ("medium", "check-missing", "connection.password")})
        mend = [one["mend"] for one in self.check(code=1)["findings"] if one["check"] == "check-missing"]
        self.query(mend[0])
        self.assertEqual(self.found(code=1), {("high", "plaintext", "connection.password")})

    def test_a_column_of_text_is_looked_into(self):
        self.query("ALTER TABLE connection DROP CONSTRAINT password_is_ciphertext;"
                   "ALTER TABLE connection ALTER password TYPE text USING 'coffer:v1:' || password::text")
        self.assertEqual(self.found(), {("medium", "type", "connection.password")})
        self.query("UPDATE connection SET password = 'canary' WHERE url LIKE 'https://1.%'")
        self.assertEqual(self.found(code=1), {("high", "plaintext", "connection.password"),
                                              ("medium", "type", "connection.password")})

    def test_drift_from_the_catalog_is_found(self):
        self.query("ALTER TABLE connection RENAME url TO base; ALTER TABLE \"user\" RENAME email_exact TO other;"
                   "CREATE TABLE user_history (id bigint, email text);")
        self.assertEqual(self.found(), {("medium", "bind-missing", "connection.password"),
                                        ("medium", "column-missing", "user.email_exact"),
                                        ("medium", "copy", "user_history.email")})
        self.query("ALTER TABLE connection RENAME password TO secret")
        self.assertIn(("high", "column-missing", "connection.password"), self.found(code=1))
        renamed = ("--field", "shop.connection.password=connection.secret")
        self.assertNotIn(("high", "column-missing", "connection.password"), self.found(*renamed))

    def test_what_does_not_decrypt_is_found_by_the_sample(self):
        self.query("UPDATE connection SET url = 'https://evil.example/' WHERE url = 'https://3.example/'")
        self.assertEqual(self.found(), set())
        self.assertEqual(self.found("--sample", "20", code=1), {("high", "undecryptable", "connection.password")})

    def test_settings_that_leak_are_found_and_their_sql_mends_them(self):
        self.addCleanup(self.postgres.query, "ALTER SYSTEM RESET ALL")
        self.addCleanup(self.postgres.query, "SELECT pg_reload_conf()")
        leaks = {"log_statement": "all", "log_min_duration_statement": "0", "log_parameter_max_length_on_error": "-1"}
        for name, value in leaks.items():
            self.postgres.query(f"ALTER SYSTEM SET {name} = '{value}'")
        self.postgres.query("SELECT pg_reload_conf()")
        wait_until(lambda: set(leaks) <= set(self.settings()), "the settings are found")
        settings = self.settings()
        self.assertLessEqual({"log_min_error_statement", "log_parameter_max_length"}, set(settings))
        for mend in settings.values():
            if mend.startswith("ALTER SYSTEM"):
                for statement in mend.rstrip(";").split(";"):
                    self.postgres.query(statement)
        wait_until(lambda: set(self.settings()) == {"track_activity_query_size"}, "nothing else is left")

    def settings(self):
        return {one["where"]: one["mend"] for one in self.check()["findings"] if one["check"] == "setting"}

    def test_statistics_and_publications_of_tokens_are_found(self):
        self.query('ANALYZE "user"; CREATE PUBLICATION outwards FOR TABLE "user"')
        self.assertEqual(self.found(), {("low", "statistics", "user.email_exact"), ("low", "publication", "outwards")})
        mend = [one["mend"] for one in self.check()["findings"] if one["check"] == "statistics"]
        self.query(mend[0])
        self.query('ANALYZE "user"')
        self.assertEqual(self.found(), {("low", "publication", "outwards")})

    def test_wrong_use(self):
        for arguments, code in {("--catalog", "none.toml"): 2, (): 2,
                                ("--catalog", "catalog.toml", "--field", "shop.a.b=c.d"): 2,
                                ("--catalog", "catalog.toml", "--field", "other.a.b=c.d"): 2,
                                ("--catalog", "catalog.toml", "--field", "shop.user.email"): 2,
                                ("--catalog", "catalog.toml", "--sample", "0"): 2}.items():
            with self.subTest(arguments=arguments):
                self.assertEqual(self.coffer("check", self.url("shop"), *arguments).returncode, code)


class Plan(World):
    def setUp(self):
        self.query = self.new_database("planned", PLANNED)

    def plan(self, *options, database="planned"):
        done = self.coffer("plan", self.url(database), *options, "--output", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_it_proposes_what_names_tell(self):
        fields = {one["column"]: one for one in self.plan()["fields"]}
        self.assertEqual(set(fields), {"customer.email", "customer.firstName", "customer.phone", "link.api_token",
                                       "letter.email"})
        token = fields["link.api_token"]
        self.assertEqual((token["class"], token["row"], token["bind"]),
                         ("secret", ["uuid", "int64"], {"login": "text", "port": "int64", "url": "text"}))
        email = fields["customer.email"]
        self.assertEqual((email["class"], email["row"], email["expect"]["rows"], email["expect"]["distinct"]),
                         ("pii", ["int64"], 2000, 2000))
        self.assertEqual([(index["name"], index["unique"]) for index in email["indexes"]], [("unique", True)])
        self.assertEqual(fields["customer.firstName"]["field"], "customer.firstname")
        self.assertEqual(fields["letter.email"]["row"], [])

    def test_it_names_the_copies_and_what_breaks(self):
        notes = {(one["about"], one["text"].split(":")[0]) for one in
                 next(one for one in self.plan()["fields"] if one["column"] == "customer.email")["notes"]}
        self.assertLessEqual({("copy", "the view customers shows it"),
                              ("copy", "the materialised view mails keeps a copy"),
                              ("copy", "customer_history.email has its earlier values"),
                              ("copy", "the trigger keeps inserts rows"),
                              ("copy", "the publication outwards sends its values to subscribers"),
                              ("copy", "the column lower_mail is generated from it"),
                              ("constraint", "the UNIQUE constraint customer_email_key"),
                              ("constraint", "a foreign key of letter points to it"),
                              ("row", "the row id is known only after INSERT")}, notes)

    def test_values_are_looked_at_when_asked_and_counted_when_asked(self):
        self.assertNotIn("customer.plain", [one["column"] for one in self.plan("--count")["fields"]])
        fields = {one["column"]: one for one in self.plan("--sample", "50", "--count")["fields"]}
        self.assertTrue(fields["customer.plain"]["by_values"])
        self.assertEqual(fields["customer.plain"]["content"], "e-mail address")
        self.assertEqual(fields["customer.plain"]["expect"], {"rows": 2000, "distinct": 2000, "top_share": 0.0005,
                                                              "counted": True})

    def test_the_catalog_can_be_applied(self):
        done = self.coffer("plan", self.url("planned"), "--scope", "proposed", "--toml")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.service.ok("keyring", "create", "proposed")
        self.service.ok("keyring", "create", "proposed-index", "--purpose", "index")
        self.service.ok("apply", self.service.write("proposed.toml", done.stdout.decode()), "--lock", "proposed.lock")

    def test_a_grafana_is_left_alone(self):
        self.new_database("grafana", "CREATE TABLE data_source (id serial, url text, password text);"
                          "CREATE TABLE dashboard (id int); CREATE TABLE migration_log (id int);"
                          "CREATE TABLE org_user (id int); CREATE TABLE \"user\" (id serial, email text);"
                          "CREATE TABLE mine (id int primary key, email text)")
        plan = self.plan(database="grafana")
        self.assertEqual((plan["application"], [one["column"] for one in plan["fields"]]), ("Grafana", ["mine.email"]))
        self.assertIn("coffer grafana scan", plan["notes"][0]["text"])

    def test_a_hostile_owners_code_does_not_run(self):
        self.query("CREATE TABLE trap (email text); INSERT INTO trap SELECT 'x' FROM generate_series(1, 9);"
                   "CREATE TABLE ran (who text);"
                   "CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE sql AS"
                   " 'INSERT INTO ran VALUES (current_user) RETURNING who';"
                   "ALTER DATABASE planned SET search_path = public, pg_catalog")
        self.plan("--count", "--sample", "10")
        self.assertEqual(self.query("SELECT count(*) FROM public.ran"), [["0"]])

    def test_wrong_use(self):
        for arguments in (("--scope", "Coffer"), ("--scope", "coffer"), ("--sample", "10001")):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.coffer("plan", self.url("planned"), *arguments).returncode, 2)
        self.assertEqual(self.coffer("plan", "postgresql://u:secret@h/d").returncode, 2)
        self.assertEqual(self.coffer("plan", "/nonexistent").returncode, 1)
        done = subprocess.run([Programs.coffer(), "db", "plan", "/dev/null"], capture_output=True, timeout=DEADLINE_S,
                              check=False, env=clean_environment())
        self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    exit_unless_installed()
    run(globals())
