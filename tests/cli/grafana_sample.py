#!/usr/bin/env python3
"""Writes tests/demo/grafana.sql: a small Grafana whose secret_key is the default, the same one every time."""

import json
import sys

from grafana_crypto import DEFAULT_KEY, Encryptor, b64, b64raw
from grafana_schema import Statements

HEADER = """-- A small Grafana, under the secret_key that Grafana ships. Made by tests/cli/grafana_sample.py.
-- sqlite3 grafana.db < grafana.sql
"""


def sample_sql():
    encryptor = Encryptor(DEFAULT_KEY, seed=4711)
    statements = Statements()
    key = "cf0e4xq9"
    encryptor.make_data_key(key)
    statements.add("data_keys", name=key, active=True, scope="root", provider="secretKey.v1",
                   label="2026-01-14/root@secretKey.v1", encrypted_data=encryptor.wrapped(key),
                   created="2026-01-14 09:00:00", updated="2026-01-14 09:00:00")

    def secure(**secrets):
        return json.dumps({name: b64(encryptor.envelope(value, key)) for name, value in secrets.items()})

    statements.add("data_source", type="postgres", uid="orders", name="Orders", url="db.demo.example:5432",
                   user="grafana", json_data='{"sslmode": "verify-full"}',
                   secure_json_data=secure(password="canary-scan-orders-swordfish"))
    statements.add("data_source", type="prometheus", uid="metrics", name="Metrics", basic_auth_user="grafana",
                   url="https://metrics.demo.example", json_data='{"httpHeaderName1": "X-Api-Key"}',
                   secure_json_data=secure(basicAuthPassword="canary-scan-metrics",
                                           httpHeaderValue1="canary-scan-header"))
    statements.add("data_source", type="loki", uid="logs", name="Logs", json_data="{}",
                   url="https://reader:canary-scan-in-the-url@logs.demo.example", secure_json_data="{}")
    unified = encryptor.envelope(json.dumps({"password": "canary-scan-orders-swordfish"}), key)
    statements.add("secrets", type="datasource", namespace="Orders", value=b64raw(unified))
    receiver = {"name": "ops", "grafana_managed_receiver_configs": [{
        "uid": "ops1", "name": "ops", "type": "slack", "settings": {"recipient": "#ops"},
        "secureSettings": {"token": b64(encryptor.envelope("canary-scan-slack-token", key))}}]}
    configuration = json.dumps({"alertmanager_config": {"route": {"receiver": "ops"}, "receivers": [receiver]}})
    for table in ("alert_configuration", "alert_configuration_history"):
        statements.add(table, alertmanager_configuration=configuration)
    statements.add("user_auth", user_id=2, auth_module="oauth_generic_oauth", auth_id="ada",
                   o_auth_access_token=b64(encryptor.envelope("canary-scan-access-token", key)),
                   o_auth_refresh_token="", o_auth_id_token="",
                   o_auth_token_type=b64(encryptor.envelope("Bearer", key)))
    statements.add("dashboard", uid="welcome", title="Welcome", data=json.dumps({"panels": [{
        "type": "text", "options": {"content": "Bot: xoxb-4711471147-canaryscaninadashboard"}}]}))
    statements.add("user_auth_token", user_id=2, auth_token="9a3c", prev_auth_token="9a3c", client_ip="10.0.0.7")
    return HEADER + statements.sql(all_tables=False)


if __name__ == "__main__":
    sys.stdout.write(sample_sql())
