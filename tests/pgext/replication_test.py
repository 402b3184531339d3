"""Logical replication into typed and checked columns: ciphertext flows in text and in binary, plaintext is refused."""

import itertools
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from extension_server import Cluster, ciphertext, hex_of, run, wait_until  # noqa: E402

CANARY = "a-canary-in-a-stream"
numbers = itertools.count(1)


class Replication(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        many = {"max_worker_processes": "40", "max_logical_replication_workers": "30",
                "wal_retrieve_retry_interval": "100ms"}
        cls.publisher = Cluster({"wal_level": "logical", "max_replication_slots": "60",
                                 "max_wal_senders": "60"}).start()
        cls.subscriber = Cluster(many).start()

    @classmethod
    def tearDownClass(cls):
        cls.subscriber.close()
        cls.publisher.close()

    def setUp(self):
        self.database = f"shop{next(numbers)}"
        self.name = f"sub_{self.database}"

    def publish(self, column_type, rows):
        self.publisher.create_with("l2", self.database)
        self.publisher.query(f"CREATE TABLE connection (id int PRIMARY KEY, password {column_type}); "
                             "CREATE PUBLICATION all_of_it FOR TABLE connection", self.database)
        self.write(rows)

    def write(self, rows):
        values = ", ".join(f"({row}, {value})" for row, value in rows)
        self.publisher.query(f"INSERT INTO connection VALUES {values}", self.database)

    def subscribe(self, level, column_type, binary):
        self.subscriber.create_with(level, self.database)
        self.subscriber.query(f"CREATE TABLE connection (id int PRIMARY KEY, password {column_type})", self.database)
        if column_type == "bytea":
            self.subscriber.query("SELECT coffer.protect('connection', 'password')", self.database)
        self.subscriber.query(f"CREATE SUBSCRIPTION {self.name} CONNECTION 'host={self.publisher.sockets} "
                              f"user=postgres dbname={self.database}' PUBLICATION all_of_it "
                              f"WITH (binary = {binary}, disable_on_error = true)", self.database)

    def unsubscribe(self):
        """Gives up the slot, which is the publisher's to keep: this test leaves it to go with the cluster."""
        self.subscriber.query(f"ALTER SUBSCRIPTION {self.name} DISABLE", self.database)
        wait_until(lambda: self.subscriber.query(
            f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{self.database}' AND backend_type ~ 'logical'")
            == [["0"]], "the workers have ended")
        self.subscriber.query(f"ALTER SUBSCRIPTION {self.name} SET (slot_name = NONE)", self.database)
        self.subscriber.query(f"DROP SUBSCRIPTION {self.name}", self.database)

    def keys(self):
        return self.subscriber.query("SELECT id, coffer.key_id(password) FROM connection ORDER BY id", self.database)

    def stopped(self):
        return self.subscriber.query(f"SELECT subenabled FROM pg_subscription WHERE subname = '{self.name}'") == [["f"]]

    def test_ciphertext_flows(self):
        for level, column_type, binary in (("l2", "coffer.ciphertext", "false"), ("l2", "coffer.ciphertext", "true"),
                                           ("l1", "bytea", "false")):
            with self.subTest(level=level, binary=binary):
                self.setUp()
                self.publish("coffer.ciphertext", [(1, hex_of(ciphertext(7))), (2, "NULL")])
                self.subscribe(level, column_type, binary)
                wait_until(lambda: self.keys() == [["1", "7"], ["2", None]], "the first copy is there")
                self.write([(3, hex_of(ciphertext(8)))])
                self.publisher.query(f"UPDATE connection SET password = {hex_of(ciphertext(9))} WHERE id = 1",
                                     self.database)
                wait_until(lambda: self.keys() == [["1", "9"], ["2", None], ["3", "8"]], "what follows is there")
                self.unsubscribe()

    def test_plaintext_is_refused(self):
        for level, column_type, binary in (("l2", "coffer.ciphertext", "false"), ("l2", "coffer.ciphertext", "true"),
                                           ("l1", "bytea", "false"), ("l2", "bytea", "true")):
            for when in ("first copy", "stream"):
                with self.subTest(level=level, column_type=column_type, binary=binary, when=when):
                    self.setUp()
                    self.check_refused(level, column_type, binary, when)
                    self.unsubscribe()

    def check_refused(self, level, column_type, binary, when):
        before = len(self.subscriber.log())
        good, bad = (1, hex_of(ciphertext(7))), (2, f"'{CANARY}'")
        self.publish("bytea", [good, bad] if when == "first copy" else [good])
        self.subscribe(level, column_type, binary)
        if when == "stream":
            wait_until(lambda: self.keys() == [["1", "7"]], "the first copy is there")
            self.write([bad])
        wait_until(self.stopped, "the subscription stops")
        self.assertEqual(self.keys(), [] if when == "first copy" else [["1", "7"]])
        log = self.subscriber.log()[before:]
        self.assertIn("takes only field ciphertexts of Coffer", log)
        shown = CANARY in log or CANARY.encode().hex() in log
        # Level 1 has no say in COPY's context, which shows the row.
        self.assertEqual(shown, level == "l1" and when == "first copy", log[-3000:])


if __name__ == "__main__":
    run(globals())
