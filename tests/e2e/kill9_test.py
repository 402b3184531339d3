"""100 times kill -9 under load: whatever was acknowledged before is there afterwards, and decrypts; each acknowledged
call is a record of the audit log, which verifies.
"""

import concurrent.futures
import json
import os
import pathlib
import sys
import threading
import time
import unittest
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from service import DEADLINE_S, Service, json_lines, run, seeded_random, wait_until  # noqa: E402

ROUNDS = int(os.environ.get("COFFER_KILLS", "100"))
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
EMAIL = ("shop.user.email", "id")
PASSWORD = ("shop.connection.password", "uuid")


class Ledger:
    """What the service has acknowledged. Each entry is written after the answer was there, never before."""

    def __init__(self):
        self.mutex = threading.Lock()
        self.secrets = {}  # (path, version) -> value
        self.values = []  # (tenant, field, plaintext record, encrypted record)
        self.calls = []  # (request id, operation)
        self.tenants = set()
        self.primary_version = 1
        self.acknowledged = 0

    def note(self, change, call):
        with self.mutex:
            change()
            self.calls.append(call)
            self.acknowledged += 1


class Load:
    """Threads that call until the service is gone."""

    def __init__(self, service, ledger, number):
        self.service, self.ledger, self.number = service, ledger, number
        self.over = threading.Event()
        self.count = 0
        self.mutex = threading.Lock()
        acts = (self.put_new, self.put_again, self.encrypt_users, self.encrypt_connections, self.rotate,
                self.add_tenant)
        self.threads = [threading.Thread(target=self.repeat, args=(act,), daemon=True) for act in acts]
        for thread in self.threads:
            thread.start()

    def repeat(self, act):
        while not self.over.is_set() and act():
            pass

    def next(self):
        with self.mutex:
            self.count += 1
            return self.number * 100_000 + self.count

    def call(self, operation, *arguments, **options):
        """A call under an id of its own, and that id with the operation."""
        request = uuid.uuid4().hex
        return self.service.run(*arguments, "--claim-request-id", request, **options), (request, operation)

    def put_new(self):
        return self.put(f"kill/{self.next()}")

    def put_again(self):
        return self.put("kill/many-versions")

    def put(self, path):
        value = uuid.uuid4().hex
        done, call = self.call("PutSecret", "secret", "put", path, "--output", "json", stdin=value)
        if done.returncode == 0:
            version = json.loads(done.stdout)["version"]
            self.ledger.note(lambda: self.ledger.secrets.__setitem__((path, version), value), call)
        return done.returncode == 0

    def encrypt(self, field, records, *options):
        """An encryption that was cut off has acknowledged the records that it wrote."""
        done, call = self.call("EncryptFields", "field", "encrypt", "--field", field[0], "--row", field[1], *options,
                               stdin=json_lines(records))
        whole = done.stdout[:done.stdout.rfind(b"\n") + 1].splitlines()
        tenant = options[-1] if options else "default"
        pairs = [(tenant, field, before, json.loads(after)) for before, after in zip(records, whole)]
        if pairs:
            self.ledger.note(lambda: self.ledger.values.extend(pairs), call)
        return done.returncode == 0

    def encrypt_users(self):
        return self.encrypt(EMAIL, [{"id": self.next(), "email": f"{uuid.uuid4().hex}@example"} for _ in range(20)])

    def encrypt_connections(self):
        return self.encrypt(PASSWORD, [{"uuid": str(uuid.uuid4()), "url": "https://example/", "login": "app",
                                        "password": uuid.uuid4().hex} for _ in range(5)])

    def rotate(self):
        done, call = self.call("RotateKeyring", "keyring", "rotate", "shop", "--role", "dba", "--output", "json")
        if done.returncode == 0:
            version = json.loads(done.stdout)["primary_version"]
            self.ledger.note(lambda: setattr(self.ledger, "primary_version", max(version, self.ledger.primary_version)),
                             call)
        return done.returncode == 0

    def add_tenant(self):
        """A tenant, and the first value under its first key."""
        name = f"tenant-{self.next()}"
        done, call = self.call("CreateTenant", "tenant", "add", name)
        if done.returncode != 0:
            return False
        self.ledger.note(lambda: self.ledger.tenants.add(name), call)
        return self.encrypt(EMAIL, [{"id": 1, "email": name + "@example"}], "--tenant", name)

    def join(self):
        """Encryptions that were under way try again by themselves, at the service's next life."""
        for thread in self.threads:
            thread.join(DEADLINE_S)
            if thread.is_alive():
                raise AssertionError("a call of the load did not come back")


class Kill9(unittest.TestCase):
    def setUp(self):
        self.random = seeded_random()
        self.ledger = Ledger()
        self.service = Service(under=MEMORY)
        self.addCleanup(self.service.close)
        self.service.start_initialised().apply_catalog()
        self.pool = concurrent.futures.ThreadPoolExecutor(4)
        self.addCleanup(self.pool.shutdown)

    def kill_under_load(self, number):
        """Runs the load until a random number of acknowledgements and a random moment more, then kills."""
        before = self.ledger.acknowledged
        enough = before + self.random.randint(1, 8)
        load = Load(self.service, self.ledger, number)
        wait_until(lambda: self.ledger.acknowledged >= enough, "the load is acknowledged", self.service.process)
        moment = time.monotonic() + self.random.uniform(0, 0.03)
        while time.monotonic() < moment:
            pass
        load.over.set()
        self.service.kill()
        return load

    def kill_at_start(self):
        """In the middle of opening, checking and unsealing."""
        self.service.spawn()
        moment = time.monotonic() + self.random.uniform(0, 0.08)
        while time.monotonic() < moment:
            pass
        self.service.kill()

    def check_secret(self, key):
        path, version = key
        got = self.service.run("secret", "get", path, "--version", str(version))
        self.assertEqual((got.returncode, got.stdout.decode()), (0, self.ledger.secrets[key]),
                         f"{path} version {version}: {got.stderr.decode()}")

    def check_values(self, values):
        for tenant, field in sorted({(tenant, field) for tenant, field, _, _ in values}):
            group = [(before, after) for t, f, before, after in values if (t, f) == (tenant, field)]
            back = self.service.decrypt(*field, [after for _, after in group], "--tenant", tenant)
            self.assertEqual(back, [before for before, _ in group])

    def check_names(self):
        tenants = {tenant["name"] for tenant in self.service.json("tenant", "list")["tenants"]}
        self.assertLessEqual(self.ledger.tenants, tenants)
        self.assertGreaterEqual(self.service.json("keyring", "show", "shop")["primary_version"],
                                self.ledger.primary_version)

    def check(self, secrets, values):
        self.assertEqual(self.service.state(), "unsealed", self.service.log()[-600:])
        list(self.pool.map(self.check_secret, secrets))
        list(self.pool.map(self.check_values, [values[0::2], values[1::2]]))
        self.check_names()

    def check_log(self):
        """Nobody was answered without a record, and the log is whole."""
        self.assertEqual(self.service.stop(), 0)
        vkey = self.service.write("log.vkey", self.service.ok("audit", "vkey", "--key-file",
                                                              str(self.service.data / "audit.key")).decode())
        verified = self.service.json("audit", "verify", "--dir", str(self.service.data / "audit"), "--vkey", vkey)
        self.service.start()
        wait_until(lambda: self.service.json("audit", "checkpoint")["indexed_size"] >= verified["records"],
                   "the index follows", self.service.process)
        records = self.service.json("audit", "query", "--oldest-first", "--limit", "1000000")["records"]
        allowed = {(record["request_id"], record["operation"]) for record in records
                   if record["allowed"] and record["type"] in ("call", "result") and record["outcome"] == "ok"}
        self.assertEqual([call for call in self.ledger.calls if call not in allowed], [])
        return verified

    def test_what_was_acknowledged_survives_a_hundred_kills(self):
        for number in range(ROUNDS):
            secrets_before, values_before = set(self.ledger.secrets), len(self.ledger.values)
            load = self.kill_under_load(number)
            if number % 5 == 4:
                self.kill_at_start()
            self.service.start()
            load.join()
            with self.subTest(kill=number):
                self.check(set(self.ledger.secrets) - secrets_before, self.ledger.values[values_before:])
        self.check(self.ledger.secrets, self.ledger.values)
        verified = self.check_log()
        print(f"{ROUNDS} kills: {len(self.ledger.secrets)} secrets, {len(self.ledger.values)} values, "
              f"{len(self.ledger.tenants)} tenants, {self.ledger.primary_version} key versions acknowledged; "
              f"none lost; {len(self.ledger.calls)} calls, each in a log of {verified['records']} records")


if __name__ == "__main__":
    run(globals())
