"""The part of Grafana's schema that holds secrets, and rows as SQL that SQLite and PostgreSQL take."""

# Table: its columns, "name" or "name:type"; text where none is said.
TABLES = {
    "data_source": "id:int org_id:int type uid name url user basic_auth_user json_data password basic_auth_password"
                   " secure_json_data updated:time",
    "secrets": "id:int org_id:int namespace type value updated:time",
    "data_keys": "name active:bool scope provider encrypted_data:bytes created:time label updated:time",
    "plugin_setting": "id:int org_id:int plugin_id json_data secure_json_data updated:time",
    "alert_configuration": "id:int org_id:int alertmanager_configuration",
    "alert_configuration_history": "id:int org_id:int alertmanager_configuration",
    "ngalert_configuration": "id:int org_id:int alertmanagers",
    "alert_notification": "id:int org_id:int uid type name settings secure_settings",
    "alert": "id:int org_id:int name message settings",
    "alert_rule": "id:int org_id:int uid title data annotations",
    "alert_rule_version": "id:int rule_org_id:int rule_uid version:int data annotations",
    "user_auth": "id:int user_id:int auth_module auth_id o_auth_access_token o_auth_refresh_token o_auth_token_type"
                 " o_auth_id_token",
    "user_external_session": "id:int user_id:int auth_module access_token id_token refresh_token session_id"
                             " session_id_hash name_id name_id_hash",
    "user_auth_token": "id:int user_id:int auth_token prev_auth_token client_ip user_agent",
    "api_key": "id:int org_id:int name key",
    "user": "id:int login email name company password salt rands",
    "temp_user": "id:int org_id:int email name code status remote_addr",
    "login_attempt": "id:int username ip_address",
    "team": "id:int org_id:int name email",
    "org": "id:int name address1 billing_email",
    "anon_device": "id:int client_ip",
    "signing_key": "id:int key_id private_key",
    "sso_setting": "id provider settings",
    "setting": "section key value encrypted_value",
    "dashboard_snapshot": "id:int name key delete_key org_id:int dashboard dashboard_encrypted:bytes",
    "dashboard_public": "uid org_id:int dashboard_uid access_token",
    "cloud_migration_session": "id:int uid auth_token slug",
    "cloud_migration_snapshot": "id:int uid session_uid upload_url encryption_key",
    "resource": "guid group resource namespace name value",
    "resource_history": "guid group resource namespace name value",
    "secret_secure_value": "guid name namespace description keeper ref external_id decrypters",
    "secret_encrypted_value": "namespace name version:int encrypted_data:bytes data_key_id",
    "secret_data_key": "uid namespace label active:bool provider encrypted_data:bytes",
    "secret_keeper": "guid namespace name type payload",
    "dashboard": "id:int org_id:int uid title data",
    "dashboard_version": "id:int dashboard_id:int version:int data",
    "library_element": "id:int org_id:int uid name model",
    "annotation": "id:int org_id:int dashboard_id:int text data",
    "query_history": "id:int uid org_id:int datasource_uid queries comment",
    "short_url": "id:int org_id:int uid path",
    "correlation": "uid org_id:int source_uid config",
    "kv_store": "id:int org_id:int namespace key value",
    "cache_data": "cache_key data:bytes",
}
TYPES = {
    "sqlite": {"int": "INTEGER", "text": "TEXT", "bytes": "BLOB", "bool": "INTEGER", "time": "DATETIME"},
    "postgres": {"int": "BIGINT", "text": "TEXT", "bytes": "BYTEA", "bool": "BOOLEAN",
                 "time": "TIMESTAMP"},
}


def columns_of(table):
    """{column: type}"""
    words = [word.partition(":") for word in TABLES[table].split()]
    return {name: kind or "text" for name, _, kind in words}


class Statements:
    """Rows, and the SQL that makes a database of them."""

    def __init__(self):
        self.rows = []
        self.last_id = {}

    def add(self, table, **values):
        """A row, with an id of its own where the table has one of numbers. Gives the row's values."""
        columns = columns_of(table)
        if columns.get("id") == "int" and "id" not in values:
            values["id"] = self.last_id[table] = self.last_id.get(table, 0) + 1
        if "org_id" in columns:
            values.setdefault("org_id", 1)
        unknown = set(values) - set(columns)
        assert not unknown, (table, unknown)
        self.rows.append((table, values))
        return values

    def sql(self, dialect="sqlite", all_tables=True):
        """The rows of a table stand together, as a dump has them. Not all tables: those that have rows."""
        used = {table for table, _ in self.rows}
        tables = [table for table in TABLES if all_tables or table in used]
        made = [self._create(table, dialect) for table in tables]
        for name in tables:
            made += [self._insert(table, values, dialect) for table, values in self.rows if table == name]
        return "BEGIN;\n" + "\n".join(made) + "\nCOMMIT;\n"

    @staticmethod
    def _create(table, dialect):
        columns = ", ".join(f'"{name}" {TYPES[dialect][kind]}' for name, kind in columns_of(table).items())
        return f'CREATE TABLE "{table}" ({columns});'

    @classmethod
    def _insert(cls, table, values, dialect):
        names = ", ".join(f'"{name}"' for name in values)
        literals = ", ".join(cls._literal(value, columns_of(table)[name], dialect) for name, value in values.items())
        return f'INSERT INTO "{table}" ({names}) VALUES ({literals});'

    @staticmethod
    def _literal(value, kind, dialect):
        if value is None:
            return "NULL"
        if kind == "bool":
            return str(bool(value)).upper() if dialect == "postgres" else str(int(value))
        if kind == "bytes":
            data = value if isinstance(value, bytes) else value.encode()
            return f"'\\x{data.hex()}'" if dialect == "postgres" else f"X'{data.hex()}'"
        if kind == "int":
            return str(int(value))
        text = value if isinstance(value, str) else value.decode()
        return "'" + text.replace("'", "''") + "'"
