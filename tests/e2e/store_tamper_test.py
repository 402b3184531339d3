"""Every column of every table of a stopped store is edited, one at a time; rows are removed, replayed and swapped: what
was
touched is never served.

What is looked for is only that nothing of it is served and that it is said clearly; that the service says `compromised`
where it can know is a claim of its own, counted at the end.
"""

import contextlib
import pathlib
import shutil
import sqlite3
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from service import CATALOG, Service, run, wait_until  # noqa: E402

# Read when they are asked for; all others are checked when the service starts.
LATE_TABLES = ("secret", "secret_version", "secret_metadata")
LEAF_OF_INDEX = 10  # the type of a b-tree page
SECRET = "tamper/one"
OTHER = "tamper/other"
VALUE, OLD_VALUE = b"the current value", b"the first value"
USER = {"id": 1, "email": "a@example"}
EMAIL = ("shop.user.email", "id")


def changed(value, step=1):
    """Another value of the same type."""
    if value is None:
        return 1_700_000_000_000_000
    if isinstance(value, int):
        return value + step
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1]) if value else b"\0"
    return value[:-1] + ("b" if value[-1:] != "b" else "c")


class Store:
    """The store's file, its journal's and the audit log's, while no cofferd has them."""

    def __init__(self, path):
        self.path = path
        self.good = path.with_name("store.good")
        self.journal = path.parent / "journal/key-journal"

    def keep(self):
        shutil.copy(self.path, self.good)
        shutil.copy(self.journal, self.good.with_suffix(".journal"))
        self.copy_log(self.path.parent, self.path.parent / "log.good")

    @staticmethod
    def copy_log(source, target):
        """A store that is put back is older than its audit log, so that is put back with it."""
        shutil.rmtree(target / "audit", ignore_errors=True)
        target.mkdir(exist_ok=True)
        shutil.copytree(source / "audit", target / "audit")
        shutil.copy(source / "audit.key.signed", target)

    def restore(self):
        for name in ("-wal", "-shm", "-journal"):
            self.path.with_name(self.path.name + name).unlink(missing_ok=True)
        shutil.copy(self.good, self.path)
        shutil.copy(self.good.with_suffix(".journal"), self.journal)
        self.copy_log(self.path.parent / "log.good", self.path.parent)

    def execute(self, *statements, path=None):
        """Runs statements, (sql, parameters); the rows of the last one."""
        connection = sqlite3.connect(path or self.path)
        try:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            for sql, *parameters in statements:
                rows = connection.execute(sql, *parameters).fetchall()
            connection.commit()
            return rows
        finally:
            connection.close()

    def tables(self):
        names = self.execute(("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",))
        return [name for (name,) in names]

    def reorder(self, table, order):
        """Lists the cells of the table's only page in another order; every row stays as it is. False: not one page of
        that many rows."""
        ((page, size),) = self.execute(
            ("SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = ?", [table]))
        file = bytearray(self.path.read_bytes())
        start = (page - 1) * size
        kind, cells = file[start], int.from_bytes(file[start + 3:start + 5], "big")
        if kind != LEAF_OF_INDEX or cells != len(order):
            return False
        places = [slice(start + 8 + 2 * place, start + 10 + 2 * place) for place in range(cells)]
        pointers = [bytes(file[place]) for place in places]
        for place, cell in zip(places, order):
            file[place] = pointers[cell]
        self.path.write_bytes(file)
        return True

    def columns(self, table):
        """[(name, is in the primary key)]"""
        return [(row[1], row[5] != 0) for row in self.execute((f"PRAGMA table_info({table})",))]

    def key(self, table):
        return [name for name, in_key in self.columns(table) if in_key]

    def rows(self, table, path=None):
        names = [name for name, _ in self.columns(table)]
        order = ", ".join(self.key(table))
        rows = self.execute((f"SELECT {', '.join(names)} FROM {table} ORDER BY {order}",), path=path)
        return [dict(zip(names, row)) for row in rows]

    def update(self, table, row, column, value):
        where = " AND ".join(f"{name} = ?" for name in self.key(table))
        self.execute((f"UPDATE {table} SET {column} = ? WHERE {where}", [value] + [row[k] for k in self.key(table)]))

    def delete(self, table, row):
        where = " AND ".join(f"{name} = ?" for name in self.key(table))
        self.execute((f"DELETE FROM {table} WHERE {where}", [row[k] for k in self.key(table)]))

    def put(self, table, row):
        """Inserts a row, in place of the one with its key."""
        names = ", ".join(row)
        marks = ", ".join("?" * len(row))
        self.execute((f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", list(row.values())))


class Tampering(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service(config="audit_file_kib = 128", people=True)
        cls.addClassCleanup(cls.service.close)
        service = cls.service.start_initialised()
        service.apply_catalog()
        service.ok("tenant", "add", "acme")
        service.ok("secret", "put", SECRET, "--expires", "300d", "--meta", "owner=web", stdin=OLD_VALUE)
        service.ok("secret", "put", OTHER, stdin=b"another")
        cls.encrypted = service.encrypt(*EMAIL, [USER])
        service.stop()
        cls.store = Store(service.data / "store.db")
        cls.store.keep()
        cls.older = service.folder / "older.db"
        shutil.copy(cls.store.path, cls.older)
        cls.change_everything(service.start())
        cls.encrypted += service.encrypt(*EMAIL, [USER])
        service.stop()
        cls.store.keep()
        cls.compromised = 0
        cls.edits = 0

    @classmethod
    def change_everything(cls, service):
        """So that most tables have rows that were others in the older copy."""
        service.ok("secret", "put", SECRET, "--meta", "owner=db", stdin=VALUE)
        service.ok("secret", "delete", OTHER)
        service.ok("keyring", "rotate", "shop")
        service.ok("keyring", "disable", "shop", "1")
        service.ok("keyring", "enable", "shop", "1")
        service.ok("keyring", "set-rotation", "shop", "90d")
        service.ok("census", "add", "shop-db", "--max-age", "2d")
        cls.let_people_in(service)
        service.people.approved("tenant", "destroy", "acme", "--delay", "30d")
        service.people.approval("secret", "destroy", OTHER, "--version", "1")  # which nobody uses
        catalog = (service.folder / "catalog.toml").read_text() + (
            '[field."user.phone"]\nclass = "pii"\nkeyring = "shop"\nrow = "int64"\n')
        service.ok("apply", service.write("catalog.toml", catalog))
        cls.merge_an_edge(service)

    @classmethod
    def let_people_in(cls, service):
        """Beside their policy: a grant for a time, an emergency, a token and a certificate that is denied."""
        people = service.people
        app = people.principals["alice"].replace("admin", "app")
        key, note = str(service.folder / "offline.key"), str(service.folder / "glass.note")
        public = service.json("identity", "new", "--name", "offline", "--key", key, "--no-passphrase")["key"]
        reads = f'roles = ["app"]\nprincipals = ["{app}"]\noperations = ["GetSecret"]\ntenants = "all"\n'
        people.apply(people.policy(1) + f'[break_glass]\nkey = "{public}"\n{reads}')
        end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 24 * 3600))
        people.approved("grant", "issue", service.write("grant.toml", f"[grant.issued-a]\n{reads}not_after = {end}\n"))
        service.ok("break-glass", "sign", "--principal", app, "--reason", "incident 1", "--key", key, "--out", note)
        service.ok("break-glass", "use", note)
        people.approved("token", "create", "spiffe://example.org/role/app/orders", "--lifetime", "1d", "--out",
                        str(service.folder / "orders.token"))
        service.ok("certificate", "deny", "ab" * 32, "lost")

    @classmethod
    def merge_an_edge(cls, service):
        edge = Service()
        cls.addClassCleanup(edge.close)
        edge.start()
        identity = str(edge.folder / "recovery.txt")
        backup = str(edge.folder / "edge.backup")
        edge.ok("operator", "new-recovery-identity", "--out", identity)
        edge.ok("operator", "init", "--key-file", str(edge.key_file), "--allow-same-device",
                "--recovery-identity", identity)
        edge.ok("secret", "put", "edge/1", stdin=b"from the edge")
        edge.ok("operator", "backup", backup)
        edge.stop()
        service.people.approved("operator", "merge", "--backup", backup, "--recovery-identity", identity,
                                "--rename-tenant", "default=edge")

    @classmethod
    def tearDownClass(cls):
        print(f"{cls.edits} edits; after {cls.compromised} of them the whole store was refused at once")

    def setUp(self):
        self.store.restore()
        self.addCleanup(self.service.stop)

    @contextlib.contextmanager
    def fresh(self, **names):
        """A subtest that begins with the good store and ends without a cofferd."""
        with self.subTest(**names):
            self.store.restore()
            try:
                yield
            finally:
                self.service.stop()

    def start(self):
        """Starts cofferd over the edited file: the state it answers, or "refused" when it ends and says why."""
        size = self.service.log_file.stat().st_size
        self.service.spawn()
        process = self.service.process
        wait_until(lambda: process.poll() is not None or b" serving on " in self.service.log_since(size),
                   "cofferd starts")
        if process.poll() is None:
            return self.service.state()
        self.assertEqual(process.returncode, 1)
        self.assertRegex(self.service.log_since(size).decode(), r"cofferd: .{15,}\n")
        return "refused"

    def edited(self):
        type(self).edits += 1
        state = self.start()
        type(self).compromised += state in ("compromised", "refused")
        return state

    def serves(self, *arguments, stdin=b""):
        done = self.service.run(*arguments, "--timeout", "2", stdin=stdin)
        if done.returncode == 0:
            return True
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        return False

    def serves_fields(self):
        record = '{"id":1,"email":"%s"}\n'
        return self.serves("field", "encrypt", "--field", EMAIL[0], "--row", "id",
                           stdin=(record % "x").encode()) or any(
            self.serves("field", "decrypt", "--field", EMAIL[0], "--row", "id", stdin=(record % one["email"]).encode())
            for one in self.encrypted)

    def check_nothing_is_served(self, state):
        self.assertIn(state, ("compromised", "rolled-back", "sealed", "refused", "uninitialised"))
        if state == "refused":
            return
        self.assertFalse(self.serves("secret", "get", SECRET))
        self.assertFalse(self.serves("keyring", "list"))
        self.assertFalse(self.serves_fields())

    def test_the_good_store_serves_everything(self):
        self.assertEqual(self.start(), "unsealed")
        self.assertEqual(self.service.ok("secret", "get", SECRET), VALUE)
        self.assertEqual(self.service.ok("secret", "get", SECRET, "--version", "1"), OLD_VALUE)
        self.assertEqual(self.service.decrypt(*EMAIL, self.encrypted), [USER, USER])

    def test_every_table_has_rows(self):
        for table in self.store.tables():
            self.assertTrue(self.store.rows(table), table)

    def test_no_edited_column_is_believed(self):
        for table in self.store.tables():
            for column, in_key in self.store.columns(table):
                with self.fresh(table=table, column=column):
                    row = self.store.rows(table)[0]
                    self.store.update(table, row, column, changed(row[column], 1000 if in_key else 1))
                    self.check_edit(table, column, in_key)

    def check_edit(self, table, column, in_key):
        state = self.edited()
        if table not in LATE_TABLES or column == "mac":
            self.check_nothing_is_served(state)
            return
        self.assertEqual(state, "unsealed")
        asked = [("secret", "get", SECRET), ("secret", "get", SECRET, "--version", "1"), ("secret", "history", SECRET),
                 ("secret", "get", OTHER), ("secret", "list"), ("secret", "put", SECRET), ("secret", "put", OTHER)]
        answers = [self.service.run(*words, stdin=b"new") for words in asked]
        said = b"".join(answer.stderr for answer in answers).decode()
        # A row of the vault under another key is missed where it was, and refused where it is when it is read there.
        if not in_key:
            self.assertIn("altered", said)
        for answer in answers[:2]:
            self.assertIn((answer.returncode, answer.stdout), [(0, VALUE), (0, OLD_VALUE), (1, b"")])

    def test_a_removed_row_is_noticed_at_start(self):
        for table in self.store.tables():
            with self.fresh(table=table):
                self.store.delete(table, self.store.rows(table)[-1])
                self.check_nothing_is_served(self.edited())

    def test_an_older_copy_of_a_row_is_noticed_at_start(self):
        replayed = 0
        for table in self.store.tables():
            now = self.store.rows(table)
            for old in self.store.rows(table, path=self.older):
                if old in now:
                    continue
                with self.fresh(table=table):
                    self.store.put(table, old)
                    self.check_nothing_is_served(self.edited())
                    replayed += 1
        self.assertGreaterEqual(replayed, 6)  # head, keyring, key_version, catalog_scope, secret, secret_version

    def test_a_whole_older_table_is_noticed_at_start(self):
        for table in self.store.tables():
            old = self.store.rows(table, path=self.older)
            if old == self.store.rows(table):
                continue
            with self.fresh(table=table):
                self.store.execute((f"DELETE FROM {table}",))
                for row in old:
                    self.store.put(table, row)
                self.check_nothing_is_served(self.edited())

    def test_an_emptied_table_is_noticed_and_init_does_not_start_anew(self):
        for table in self.store.tables():
            with self.fresh(table=table):
                self.store.execute((f"DELETE FROM {table}",))
                state = self.edited()
                self.check_nothing_is_served(state)
                if state != "refused":
                    again = self.service.run("operator", "init", "--key-file",
                                             str(self.service.folder / f"{table}.key"),
                                             "--accept-total-loss", "--allow-same-device")
                    self.assertEqual(again.returncode, 1)

    def test_rows_out_of_order_are_noticed_at_start(self):
        reordered = 0
        for table in self.store.tables():
            count = len(self.store.rows(table, path=self.store.good))
            order = [*range(1, count), 0]
            if count < 2 or not self.store.reorder(table, order):
                continue
            with self.fresh(table=table):
                self.store.reorder(table, order)
                self.check_nothing_is_served(self.edited())
                reordered += 1
        self.assertGreaterEqual(reordered, 6)  # tenant, keyring, kek, key_version, data_key, secret, secret_version

    def test_the_ciphertext_of_a_destroyed_secret_is_in_none_of_the_files(self):
        ciphertexts = [row["ciphertext"] for row in self.store.rows("secret_version")]
        self.assertEqual(self.start(), "unsealed")
        self.assertEqual(self.in_the_files(ciphertexts), len(ciphertexts))
        for path, version in ((SECRET, "1"), (SECRET, "2"), (OTHER, "1")):
            self.service.people.approved("secret", "destroy", path, "--version", version)
        self.assertEqual(self.in_the_files(ciphertexts), len(ciphertexts) - 3)

    def in_the_files(self, ciphertexts):
        """How many of them are in the store's files, while cofferd runs."""
        content = b"".join(path.read_bytes() for path in self.service.data.glob(self.store.path.name + "*"))
        return sum(ciphertext in content for ciphertext in ciphertexts)

    def test_swapped_ciphertexts_are_not_served(self):
        one, two = [row for row in self.store.rows("secret_version") if row["ciphertext"]][:2]
        for column in ("ciphertext", "mac"):
            one[column], two[column] = two[column], one[column]
        self.store.put("secret_version", one)
        self.store.put("secret_version", two)
        state = self.edited()  # the sum of the MACs is the same
        self.assertEqual(state, "unsealed")
        for path in (SECRET, OTHER):
            for version in ("1", "2"):
                self.assertFalse(self.serves("secret", "get", path, "--version", version)
                                 and (path, version) in self.places(one, two))

    def places(self, *versions):
        paths = {row["uuid"]: row["path"] for row in self.store.rows("secret", path=self.store.good)}
        return {(paths[row["secret"]], str(row["version"])) for row in versions}

    def test_a_foreign_row_is_noticed_at_start(self):
        row = self.store.rows("tenant")[0]
        self.store.put("tenant", {**row, "uuid": changed(row["uuid"]), "name": "intruder"})
        self.check_nothing_is_served(self.edited())

    def test_foreign_tables_triggers_views_and_indexes_are_refused(self):
        for sql in ("CREATE TABLE extra (a INTEGER) STRICT", "CREATE INDEX extra ON tenant (created_us)",
                    "CREATE VIEW extra AS SELECT * FROM tenant", "DROP TABLE secret_metadata",
                    "CREATE TRIGGER extra AFTER INSERT ON tenant BEGIN DELETE FROM keyring; END",
                    "PRAGMA user_version = 99", "PRAGMA user_version = 0", "PRAGMA application_id = 1",
                    "ALTER TABLE tenant ADD COLUMN extra TEXT"):
            with self.fresh(sql=sql):
                self.store.execute((sql,))
                self.assertEqual(self.edited(), "refused")

    def test_a_truncated_or_scribbled_file_is_refused(self):
        good = self.store.good.read_bytes()
        page = 4096
        for name, content in (("half", good[:len(good) // 2 // page * page]), ("odd", good[:len(good) // 2 + 100]),
                              ("header", b"\0" * 100 + good[100:]),
                              ("middle", good[:3 * page] + b"\xff" * page + good[4 * page:])):
            with self.fresh(damage=name):
                self.store.path.write_bytes(content)
                self.check_nothing_is_served(self.edited())


class Folders(unittest.TestCase):
    """Who may write to a folder can put another store, or another service's socket, into it."""

    def setUp(self):
        self.service = Service()
        self.addCleanup(self.service.close)
        self.service.start_initialised()
        self.service.stop()

    def check_refused(self, folder, mode, parameter):
        folder.chmod(mode)
        size = self.service.log_file.stat().st_size
        self.service.spawn()
        self.assertEqual(self.service.process.wait(60), 2)
        said = self.service.log_since(size).decode()
        self.assertIn(f"cofferd: {parameter}: {folder}: ", said)
        self.assertIn("chmod go-w", said)

    def test_a_data_folder_that_others_may_write_to_is_refused(self):
        for mode in (0o770, 0o702, 0o1777):
            with self.subTest(mode=oct(mode)):
                self.check_refused(self.service.data, mode, "data_dir")
        self.service.data.chmod(0o700)
        self.assertEqual(self.service.start().state(), "unsealed")

    def test_a_socket_folder_that_others_may_write_to_is_refused_unless_it_is_sticky(self):
        for mode in (0o775, 0o777):
            with self.subTest(mode=oct(mode)):
                self.check_refused(self.service.sockets, mode, "socket_dir")
        self.service.sockets.chmod(0o1777)
        self.assertEqual(self.service.start().state(), "unsealed")


if __name__ == "__main__":
    run(globals())
