"""A vault that has a recovery identity and work in it, whose loss can be told: what it acknowledged is remembered."""

import json
import pathlib
import shutil
import tempfile
import uuid

from service import Service

EMAIL = ("shop.user.email", "id")
PASSWORD = ("shop.connection.password", "uuid")
REASON = ("--reason", "a test")


class Vault(Service):
    """A service whose key journal is in a folder of its own, as on another disk, initialised with a recovery slot."""

    def __init__(self, key_file=True):
        self.elsewhere = pathlib.Path(tempfile.mkdtemp(prefix="coffer-e2e-elsewhere-"))
        self.journal = self.elsewhere / "journal" / "key-journal"
        self.identity = self.elsewhere / "recovery.txt"
        super().__init__(config=f'key_journal = "{self.journal.parent}"', people=True)
        if not key_file:
            self.configure(key_file=None)
        self.store = self.data / "store.db"
        self.values = []  # (tenant, field, plain record, encrypted record)
        self.secrets = {}
        self.count = 0
        self.tenants = "tenant"  # what the names of its tenants begin with

    def configure(self, key_file):
        lines = [line for line in self.config_file.read_text().splitlines() if not line.startswith("key_file")]
        if key_file:
            lines.insert(0, f'key_file = "{key_file}"')
        self.config_file.write_text("\n".join(lines) + "\n")

    def begin(self, *seal, lock_of=None):
        """Starts it, makes the identity, initialises and applies the catalog. `seal`: options; else its key file.
        `lock_of`: a vault that has applied it before."""
        self.start()
        if lock_of is not None:
            shutil.copy(lock_of.folder / "catalog.lock", self.folder)
        self.ok("operator", "new-recovery-identity", "--out", str(self.identity))
        seal = seal or ("--key-file", str(self.key_file), "--allow-same-device")
        self.ok("operator", "init", *seal, "--recovery-identity", str(self.identity))
        self.apply_catalog()
        return self

    def work(self):
        """A new tenant and its first key, a new version, values and secrets. All of it is acknowledged."""
        self.count += 1
        tenant = f"{self.tenants}-{self.count}"
        self.ok("tenant", "add", tenant)
        self.remember(tenant, EMAIL, [{"id": 1, "email": uuid.uuid4().hex}])
        self.ok("keyring", "rotate", "shop")
        self.remember("default", EMAIL, [{"id": i, "email": uuid.uuid4().hex} for i in range(3)])
        self.remember("default", PASSWORD, [{"uuid": str(uuid.uuid4()), "url": "https://example/", "login": "app",
                                             "password": uuid.uuid4().hex}])
        path, value = f"work/{self.count}", uuid.uuid4().hex
        self.ok("secret", "put", path, stdin=value)
        self.secrets[path] = value
        return self

    def remember(self, tenant, field, records):
        encrypted = self.encrypt(*field, records, "--tenant", tenant)
        self.values += [(tenant, field, plain, after) for plain, after in zip(records, encrypted)]

    def remembered(self):
        return list(self.values), dict(self.secrets)

    def lost(self, remembered=None, default="default"):
        """What does not come back, of what was acknowledged; `default`: what that tenant is called here."""
        values, secrets = remembered or self.remembered()
        values = [(default if tenant == "default" else tenant, *rest) for tenant, *rest in values]
        lost = []
        for tenant, field in sorted({(tenant, field) for tenant, field, _, _ in values}):
            group = [(plain, after) for t, f, plain, after in values if (t, f) == (tenant, field)]
            done = self.run("field", "decrypt", "--field", field[0], "--row", field[1], "--tenant", tenant,
                            stdin=_lines(after for _, after in group))
            if done.returncode != 0 or done.stdout.decode() != _lines(plain for plain, _ in group):
                lost.append((tenant, field, done.stderr.decode()))
        for path, value in secrets.items():
            if self.run("secret", "get", path, "--tenant", default).stdout.decode() != value:
                lost.append(path)
        return lost

    def backup(self, name="backup.age"):
        path = self.elsewhere / name
        self.ok("operator", "backup", str(path))
        return path

    def recover(self, *options, seal=None):
        seal = seal or ("--recovery-identity", str(self.identity))
        return self.run("operator", "recover", *seal, *options)

    def explain(self, *options, seal=None):
        seal = seal or ("--recovery-identity", str(self.identity))
        return self.json("operator", "recover", *seal, *options)

    def copy_store(self):
        """Of a stopped service. What gives it back."""
        copy = pathlib.Path(tempfile.mkdtemp(dir=self.elsewhere))
        shutil.copytree(self.data, copy / "data", ignore=shutil.ignore_patterns("*.sock", "lock"))
        return copy / "data"

    def put_back(self, copy):
        shutil.rmtree(self.data)
        shutil.copytree(copy, self.data)

    def restart(self):
        self.stop()
        return self.start()

    def close(self):
        super().close()
        shutil.rmtree(self.elsewhere, ignore_errors=True)


def _lines(records):
    return "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records)
