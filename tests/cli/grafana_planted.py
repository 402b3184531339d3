"""A Grafana database with 200 secrets, each one of its own, in every place and form; and one in which nothing is
exposed. Each secret knows where it is and who may read it."""

import json
from typing import NamedTuple

from grafana_crypto import DEFAULT_KEY, Encryptor, b64, b64raw
from grafana_schema import Statements

OWN_KEY = "a secret_key of our own, 4711"
MANAGER_KEY = "another one, of the secrets manager"
NEWEST = "a-data-key-that-is-newer"  # of rotated_world
# What is under data keys in a world, and Grafana's own re-encryption does not visit.
NOT_VISITED = [("alert_configuration_history", "alertmanager_configuration"), ("setting", "encrypted_value"),
               ("cloud_migration_session", "auth_token"), ("cloud_migration_snapshot", "encryption_key"),
               ("resource_history", "value")]
KMS_BLOB = bytes.fromhex("0102020078") + bytes(range(64))  # as a key management service wraps a data key


class Planted(NamedTuple):
    needle: str  # what must never be printed
    table: str
    column: str
    row: str  # the first column that names it
    path: str
    protection: str
    key: str = ""  # security, manager, kms, gone; none for what is in clear
    misplaced: str = None
    cipher: str = None

    def readable_by(self, opens):
        """`opens`: {"security": "anyone" or "given-key" or "key-holder", ...}."""
        if not self.key:
            return "anyone"
        return {"kms": "key-holder", "gone": "nobody"}.get(self.key) or opens[self.key]


ROW_NAMES = ("id", "uid", "guid", "section", "namespace", "cache_key")


def place_of(finding):
    """Of a finding of the scan's, what a planted secret says of itself."""
    row = next(finding["row"][name] for name in ROW_NAMES if name in finding["row"])
    return (finding["table"], finding["column"], row, finding["path"], finding["protection"], finding["misplaced"],
            finding["cipher"], finding["readable_by"])


def expected(world, **opens):
    """The places of all of a world's secrets, sorted; `opens` says who has which key, where anybody has it."""
    opens = {"security": "key-holder", "manager": "key-holder", **opens}
    return sorted(((s.table, s.column, s.row, s.path, s.protection, s.misplaced, s.cipher, s.readable_by(opens))
                   for s in world.secrets), key=repr)


class World:
    def __init__(self, secret_key=DEFAULT_KEY, manager_key=DEFAULT_KEY):
        self.encryptor = Encryptor(secret_key)
        self.manager = Encryptor(manager_key, seed=8)
        self.statements = Statements()
        self.secrets = []
        self.count = 0

    def add(self, table, **values):
        return self.statements.add(table, **values)

    def canary(self, count=16):
        """A value like no other, of letters and digits."""
        self.count += 1
        letters = "".join(self.encryptor.random.choice("abcdefghjkmnpqrstuvwxyzABCDEFGH") for _ in range(count))
        return f"cnry{self.count:03d}{letters}"

    def put(self, needle, table, column, row, path="", **facts):
        self.secrets.append(Planted(needle, table, column, str(row), path, **facts))

    def sealed(self, table, column, row, path="", key="k1", cipher="aes-cfb"):
        """A secret under a data key, noted; gives the blob."""
        needle = self.canary()
        kinds = {"kms": "kms", "gone": "gone"}
        protection = "unknown-data-key" if key == "gone" else "envelope"
        self.put(needle, table, column, row, path, protection=protection, key=kinds.get(key, "security"), cipher=cipher)
        return self.encryptor.envelope(needle, key, cipher)

    def legacy(self, table, column, row, path="", prefix=None):
        needle = self.canary()
        self.put(needle, table, column, row, path, protection="legacy", key="security", cipher="aes-cfb")
        return self.encryptor.legacy(needle, prefix)

    def plain(self, table, column, row, path=""):
        needle = self.canary()
        self.put(needle, table, column, row, path, protection="plaintext")
        return needle

    def misplaced(self, kind, text, table, column, row, path=""):
        """`text` with the canary where it says {}."""
        needle = self.canary()
        self.put(needle, table, column, row, path, protection="misplaced", misplaced=kind)
        return text.format(needle)

    # Keys.

    def add_data_keys(self):
        for name, provider, active in (("k1", "secretKey.v1", True), ("k2", "secretKey", False),
                                       ("kms", "awskms.prod", True), ("unused", "secretKey.v1", False)):
            self.encryptor.make_data_key(name)
            self.add("data_keys", name=name, active=active, scope="root", provider=provider, label=f"2026-01-01/{name}",
                     encrypted_data=KMS_BLOB if name == "kms" else self.encryptor.wrapped(name))
        self.encryptor.make_data_key("gone")
        self.manager.make_data_key("m1")
        self.add("secret_data_key", uid="m1", namespace="default", label="x", active=True, provider="secret_key.v1",
                 encrypted_data=self.manager.wrapped("m1", "aes-gcm"))

    # What Grafana encrypts.

    def add_datasource(self, row, secure, **values):
        self.add("data_source", id=row, type="postgres", uid=f"ds{row}", name=f"Source {row}",
                 **{"url": "https://db.example:5432/x?user=app", "json_data": '{"tokenUrl": "https://idp/t"}',
                    "password": "", "secure_json_data": json.dumps(secure), **values})

    def add_datasources(self):
        place = ("data_source", "secure_json_data")
        for row in range(1, 16):
            self.add_datasource(row, {key: b64(self.sealed(*place, row, key, "k2" if row % 5 == 0 else "k1",
                                                           "aes-gcm" if row % 4 == 0 else "aes-cfb"))
                                      for key in ("password", "httpHeaderValue1")})
        for row, prefix in enumerate((None, None, None, None, "", "", "**", "**"), 16):
            self.add_datasource(row, {"basicAuthPassword": b64(self.legacy(*place, row, "basicAuthPassword", prefix))})
        for row, key in enumerate(("gone", "gone", "gone", "kms", "kms", "kms"), 24):
            self.add_datasource(row, {"password": b64(self.sealed(*place, row, "password", key))})

    def add_unified_secrets(self):
        for row in range(1, 15):
            needle = self.canary()
            self.put(needle, "secrets", "value", row, protection="envelope", key="security", cipher="aes-cfb")
            value = self.encryptor.envelope(json.dumps({"password": needle}), "k1")
            self.add("secrets", id=row, type="datasource", namespace=f"Source {row}", value=b64raw(value))
        for row in range(1, 7):
            secure = {"apiToken": b64(self.sealed("plugin_setting", "secure_json_data", row, "apiToken"))}
            self.add("plugin_setting", id=row, plugin_id="app", json_data="{}", secure_json_data=json.dumps(secure))

    def alerting(self, table, row, key="k1"):
        """A configuration with two secrets."""
        where = "alertmanager_config.receivers[0].grafana_managed_receiver_configs[0].secureSettings.url"
        url = self.sealed(table, "alertmanager_configuration", row, where, key)
        extra = self.sealed(table, "alertmanager_configuration", row, "extra_config[0].alertmanager_config", key)
        receiver = {"uid": "r", "type": "slack", "settings": {"recipient": "#ops", "url": "https://x/"},
                    "secureSettings": {"url": b64(url)}}
        return json.dumps({
            "template_files": {}, "extra_config": [{"identifier": "m", "alertmanager_config": "crypto_" + b64(extra)}],
            "alertmanager_config": {"route": {"receiver": "a"}, "receivers": [
                {"name": "a", "grafana_managed_receiver_configs": [receiver]}]}})

    def add_alerting(self):
        for table in ("alert_configuration", "alert_configuration_history"):
            for row in range(1, 7):
                self.add(table, id=row, alertmanager_configuration=self.alerting(table, row))
        for row in range(1, 5):
            settings = {"apiKey": b64(self.legacy("alert_notification", "secure_settings", row, "apiKey"))}
            self.add("alert_notification", id=row, uid="n", type="ops", name="n", settings='{"severity": "x"}',
                     secure_settings=json.dumps(settings))

    def add_logins(self):
        for row in range(1, 4):
            tokens = {column: b64(self.sealed("user_auth", column, row))
                      for column in ("o_auth_access_token", "o_auth_refresh_token", "o_auth_id_token")}
            label = b64(self.encryptor.envelope("Bearer", "k1"))
            self.add("user_auth", id=row, user_id=row, auth_module="oauth_x", auth_id="7", o_auth_token_type=label,
                     **tokens)
        for row in range(1, 3):
            columns = ("access_token", "id_token", "refresh_token", "session_id", "name_id")
            self.add("user_external_session", id=row, user_id=row, auth_module="oauth_x", session_id_hash="hash",
                     **{column: b64(self.sealed("user_external_session", column, row)) for column in columns})
        for row, provider in (("a", "github"), ("b", "saml")):
            keys = ("client_secret", "private_key", "certificate")
            settings = {key: b64raw(self.sealed("sso_setting", "settings", row, key)) for key in keys}
            where = "config.servers[0].bind_password"
            servers = [{"host": "ldap", "bind_password": b64raw(self.sealed("sso_setting", "settings", row, where))}]
            self.add("sso_setting", id=row, provider=provider, settings=json.dumps(
                {"client_id": "grafana", "token_url": "https://idp/t", "config": {"servers": servers}, **settings}))

    def add_other_encrypted(self):
        for row in range(1, 3):
            key = b64(self.sealed("signing_key", "private_key", row))
            self.add("signing_key", id=row, key_id="k", private_key=key)
            self.add("cloud_migration_session", id=row, uid="u", slug="s",
                     auth_token=b64(self.sealed("cloud_migration_session", "auth_token", row)))
        self.add("cloud_migration_snapshot", id=1, uid="u", session_uid="s",
                 encryption_key=b64(self.sealed("cloud_migration_snapshot", "encryption_key", 1)))
        self.add("setting", section="auth.saml", key="private_key", value="",
                 encrypted_value=b64(self.sealed("setting", "encrypted_value", "auth.saml")))
        for table in ("resource", "resource_history"):
            for row in ("g1", "g2"):
                token = b64(self.sealed(table, "value", row, "spec.github.encryptedToken"))
                secret = b64(self.sealed(table, "value", row, "status.webhook.encryptedSecret"))
                value = json.dumps({"spec": {"github": {"encryptedToken": token}},
                                    "status": {"webhook": {"encryptedSecret": secret}}})
                self.add(table, guid=row, group="provisioning.grafana.app", resource="repositories",
                         namespace="default", name="repo", value=value)
        for row in range(1, 5):
            blob = self.sealed("dashboard_snapshot", "dashboard_encrypted", row)
            self.add("dashboard_snapshot", id=row, name="snap", dashboard="{}", dashboard_encrypted=blob)
        for row in range(1, 7):
            needle = self.canary()
            self.put(needle, "secret_encrypted_value", "encrypted_data", f"ns{row}", protection="secrets-manager",
                     key="manager", cipher="aes-gcm")
            old = row > 3
            data = self.manager.envelope(needle, "m1", "aes-gcm") if old else self.manager.managed(needle, "m1")
            self.add("secret_encrypted_value", namespace=f"ns{row}", name="sv", version=1, encrypted_data=data,
                     data_key_id=None if old else "m1")

    # What is in clear.

    def add_plaintexts(self):
        for row in range(30, 33):
            self.add_datasource(row, {}, password=self.plain("data_source", "password", row),
                                basic_auth_password=self.plain("data_source", "basic_auth_password", row))
        for row in range(33, 35):
            self.add_datasource(row, {"token": self.plain("data_source", "secure_json_data", row, "token")})
        for row in ("p1", "p2"):
            self.add("dashboard_public", uid=row, dashboard_uid="d",
                     access_token=self.plain("dashboard_public", "access_token", row))
        for row, status in ((1, "InvitePending"), (2, "SignUpStarted")):
            code = self.plain("temp_user", "code", row)
            self.add("temp_user", id=row, status=status, email="x@example.org", code=code)
        for row in range(5, 9):
            self.add("dashboard_snapshot", id=row, name="snap", dashboard="{}",
                     key=self.plain("dashboard_snapshot", "key", row),
                     delete_key=self.plain("dashboard_snapshot", "delete_key", row))
        self.add("cloud_migration_snapshot", id=2, uid="u", session_uid="s",
                 upload_url=self.plain("cloud_migration_snapshot", "upload_url", 2))
        for row in range(5, 7):
            settings = {"token": self.plain("alert_notification", "secure_settings", row, "token")}
            self.add("alert_notification", id=row, uid="n", type="x", name="n", secure_settings=json.dumps(settings))

    def add_misplaced(self):
        for row, url in enumerate(("http://admin:{}@db/", "postgres://app:{}@db/x", "https://h/?password={}"), 35):
            self.add_datasource(row, {}, url=self.misplaced("url-password", url, "data_source", "url", row))
        for row, key in enumerate(("password", "api_token", "clientSecret", "privateKey", "connectionString"), 38):
            value = self.misplaced("named-key", "{}", "data_source", "json_data", row, f"x.{key}")
            self.add_datasource(row, {}, json_data=json.dumps({"x": {key: value}}))
        kinds = {"url-password": "see https://me:{}@wiki/", "connection-password": "host=db user=app password={}",
                 "github-token": "ghp_0000000000000{}", "grafana-token": "glsa_000000000{}_0123abcd",
                 "slack-token": "xoxb-0000000000-{}", "json-web-token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{}",
                 "private-key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIB{}\n-----END RSA PRIVATE KEY-----\n"}
        for row, (kind, text) in enumerate(kinds.items(), 1):
            value = self.misplaced(kind, text, "dashboard", "data", row, "panels[0].options.content")
            self.add("dashboard", id=row, uid="d", title="D",
                     data=json.dumps({"panels": [{"options": {"content": value}}]}))
            self.add("kv_store", id=row, namespace="n", key="k",
                     value=self.misplaced(kind, text, "kv_store", "value", row))
        self.add_misplaced_elsewhere()

    def add_misplaced_elsewhere(self):
        url = "https://me:{}@wiki/"
        for table, column in (("annotation", "text"), ("query_history", "queries"), ("query_history", "comment"),
                              ("dashboard_version", "data"), ("library_element", "model"), ("short_url", "path"),
                              ("alert_rule", "data"), ("alert_rule_version", "annotations")):
            row = self.add(table)
            row[column] = self.misplaced("url-password", url, table, column, row["id"])
        receiver = "alertmanager_config.receivers[0].grafana_managed_receiver_configs[0].settings.password"
        value = self.misplaced("named-key", "{}", "alert_configuration", "alertmanager_configuration", 7, receiver)
        configs = [{"settings": {"password": value}, "secureSettings": {}}]
        self.add("alert_configuration", id=7, alertmanager_configuration=json.dumps(
            {"alertmanager_config": {"receivers": [{"grafana_managed_receiver_configs": configs}]}}))
        value = self.misplaced("named-key", "{}", "plugin_setting", "json_data", 7, "accessKey")
        self.add("plugin_setting", id=7, plugin_id="app", json_data=json.dumps({"accessKey": value}))
        value = self.misplaced("url-password", url, "sso_setting", "settings", "c", "auth_url")
        self.add("sso_setting", id="c", provider="gitlab", settings=json.dumps({"auth_url": value}))
        value = self.misplaced("url-password", url, "cache_data", "data", "c1")
        self.add("cache_data", cache_key="c1", data=b"\x00\xff" + value.encode())

    def add_harmless(self):
        """What looks like a secret, and is none."""
        self.add_datasource(50, {}, url="https://user@db.example:8443/x:y?z=@", json_data=json.dumps(
            {"tokenUrl": "https://idp", "passwordFile": "/run/x", "httpHeaderName1": "Authorization", "password": "",
             "apiKey": "$__file{/run/key}", "accessKeyId": "x", "authType": "token", "secret": 5}))
        self.add("dashboard", id=50, uid="d", title="D", data=json.dumps({"panels": [
            {"text": "Begins with -----BEGIN RSA PRIVATE KEY-----", "url": "https://$user:$pass@host/"},
            {"text": "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"},
            {"expr": 'sum(rate(x{host="a", password="$p"}[5m]))', "token": "x", "at": "@timestamp"}]}))
        self.add("user", id=1, login="ada", email="ada@example.org", password="hash", salt="s", rands="r")
        self.add("user_auth_token", id=1, user_id=1, auth_token="hash", prev_auth_token="hash", client_ip="10.0.0.1")
        self.add("api_key", id=1, name="k", key="hash")
        self.add("temp_user", id=50, status="Completed", email="x@example.org", code="over")
        self.add("alert_notification", id=50, uid="n", type="email", name="n", settings='{"addresses": "a@b.example"}',
                 secure_settings="{}")
        self.add("kv_store", id=50, namespace="plugin.publickeys", key="key",
                 value="-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIB\n-----END PUBLIC KEY-----")
        self.add("secret_secure_value", guid="g", name="sv", namespace="default", description="password=x host=y")


def exposed_world(secret_key=DEFAULT_KEY, manager_key=DEFAULT_KEY):
    """All 200."""
    world = clean_world(secret_key, manager_key)
    world.add_plaintexts()
    world.add_misplaced()
    return world


def clean_world(secret_key=OWN_KEY, manager_key=MANAGER_KEY):
    """What Grafana encrypts, and nothing else."""
    world = World(secret_key, manager_key)
    world.add_data_keys()
    world.add_datasources()
    world.add_unified_secrets()
    world.add_alerting()
    world.add_logins()
    world.add_other_encrypted()
    world.add_harmless()
    return world


def rotated_world():
    """clean_world(), after its Grafana made a data key that one datasource is under."""
    world = clean_world()
    world.encryptor.make_data_key(NEWEST)
    world.add("data_keys", name=NEWEST, active=True, scope="root", provider="secretKey.v1", label="2026-02-01/root",
              encrypted_data=world.encryptor.wrapped(NEWEST))
    world.add_datasource(60, {"password": b64(world.sealed("data_source", "secure_json_data", 60, "password", NEWEST))})
    return world
