"""Planted secrets go through the whole job and are then looked for everywhere that they must not be.

Each search is shown to work: it finds what is in clear by design (a secret's path) in the same place.
"""

import base64
import os
import pathlib
import resource
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from service import DEADLINE_S, NOBODY, Service, as_user, clean_environment, fork_as, json_lines, run  # noqa: E402
from service import wait_until  # noqa: E402

AS_ROOT = os.geteuid() == 0
UID = NOBODY if AS_ROOT else None
MARK = "canary/control-in-clear"
EMAIL = ("--field", "shop.user.email", "--row", "id")
PASSWORD = ("--field", "shop.connection.password", "--row", "uuid")
READABLE, DENIED = 20, 21
MAY_DUMP = AS_ROOT or resource.getrlimit(resource.RLIMIT_CORE)[1] == resource.RLIM_INFINITY
WITH_CORES = ("prlimit", "--core=unlimited:unlimited") if MAY_DUMP else ()


def planted():
    return "canary-" + secrets.token_hex(16)


def spellings(text):
    """The ways in which bytes could have been written down."""
    raw = text.encode()
    standard = base64.b64encode(raw).rstrip(b"=")[:-1]  # the last character depends on what follows
    return {"as it is": raw, "in hex": raw.hex().encode(), "in HEX": raw.hex().upper().encode(), "in base64": standard,
            "in base64url": base64.urlsafe_b64encode(raw).rstrip(b"=")[:-1], "in UTF-16": text.encode("utf-16-le")}


def findings(needles, places):
    """[(place, spelling)] of the texts `needles` in `places`, {name: bytes}. Never holds a needle."""
    return [(place, spelling) for place, content in places.items() for needle in needles
            for spelling, form in spellings(needle).items() if form in content]


def files_below(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def process_facts(pid):
    """What /proc shows of a process to whoever may look."""
    facts = {}
    for name in ("cmdline", "environ", "comm"):
        try:
            facts[f"/proc/{pid}/{name}"] = pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
        except PermissionError:
            facts[f"/proc/{pid}/{name}"] = b""
    return facts


class Canaries(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.passphrase = planted()
        cls.service = Service(uid=UID, log_level="debug", people=True)
        cls.addClassCleanup(cls.service.close)
        cls.runtime = pathlib.Path(tempfile.mkdtemp(prefix="coffer-e2e-run-", dir="/dev/shm"))
        cls.addClassCleanup(shutil.rmtree, cls.runtime, True)
        cls.temporary = cls.service.folder / "tmp"
        cls.temporary.mkdir(mode=0o700)
        for folder in (cls.runtime, cls.temporary):
            if UID is not None:
                os.chown(folder, UID, UID)
        cls.canaries = [cls.passphrase]
        cls.outputs, cls.processes = {}, {}
        cls.work()

    @classmethod
    def plant(cls):
        cls.canaries.append(planted())
        return cls.canaries[-1]

    @classmethod
    def call(cls, *arguments, stdin="", expect=0, shows_values=False):
        """Runs coffer with its folders in ours; keeps what it wrote, unless it is there to show values."""
        done = cls.service.run(*arguments, stdin=stdin, environment={
            "TMPDIR": str(cls.temporary), "XDG_RUNTIME_DIR": str(cls.runtime)})
        assert done.returncode == expect, (arguments, done.returncode, done.stderr)
        name = f"{len(cls.outputs)}: {' '.join(arguments[:2])}"
        cls.outputs[name + ", stderr"] = done.stderr
        if not shows_values:
            cls.outputs[name + ", stdout"] = done.stdout
        return done.stdout

    @classmethod
    def work(cls):
        """The demo's job, and all kinds of failures, with canaries for values."""
        cls.service.start()
        cls.call("operator", "init", "--passphrase-file", "-", "--accept-total-loss", stdin=cls.passphrase)
        cls.service.apply_catalog()
        cls.vault_work()
        cls.field_work()
        cls.grafana_work()
        cls.call("keyring", "rotate", "shop", "--role", "dba")
        cls.call("operator", "seal")
        cls.call("secret", "get", MARK, "--timeout", "1", expect=1)
        cls.call("operator", "unseal", "--passphrase-file", "-", stdin=cls.plant(), expect=1)
        cls.call("operator", "unseal", "--passphrase-file", "-", stdin=cls.passphrase)
        cls.processes.update(process_facts(cls.service.process.pid))

    @classmethod
    def vault_work(cls):
        cls.value = cls.plant()
        cls.call("secret", "put", MARK, "--meta", "owner=canary-owner-in-clear", stdin=cls.value)
        cls.call("secret", "put", MARK, "--expect", "9", stdin=cls.plant(), expect=1)
        cls.call("secret", "put", "canary/bad path", stdin=cls.plant(), expect=2)
        cls.call("secret", "put", MARK, cls.plant(), expect=2)
        cls.call("secret", "put", MARK, f"--valu={cls.plant()}", expect=2)
        cls.call("secret", "get", MARK, "--role", "dba", expect=1)
        cls.call("secret", "get", MARK, shows_values=True)
        cls.call("secret", "history", MARK)
        cls.call("secret", "put", "canary/destroyed", stdin=cls.plant())
        destroy = ("secret", "destroy", "canary/destroyed", "--version", "1")
        cls.call(*destroy, *cls.service.people.approval(*destroy))
        cls.watched("secret", "put", "canary/watched", stdin=cls.plant())

    @classmethod
    def field_work(cls):
        user = {"id": 1, "email": cls.plant()}
        connection = {"uuid": "0f59c6c7-58c1-48aa-aecc-bee13850f419", "url": "https://in-clear.example/", "login": "a",
                      "password": cls.plant()}
        users = cls.call("field", "encrypt", *EMAIL, stdin=json_lines([user]))
        connections = cls.call("field", "encrypt", *PASSWORD, stdin=json_lines([connection]))
        cls.call("field", "decrypt", *EMAIL, stdin=users, shows_values=True)
        cls.call("field", "decrypt", *EMAIL, stdin=users.replace(b'"id": 1', b'"id": 2'), expect=1)
        cls.call("field", "decrypt", *PASSWORD, stdin=connections.replace(b"in-clear", b"evil"), expect=1)
        cls.call("field", "decrypt", *EMAIL, stdin=json_lines([{"id": 1, "email": cls.plant()}]), expect=1)
        cls.call("field", "encrypt", *EMAIL, stdin=json_lines([{"id": cls.plant(), "email": cls.plant()}]), expect=1)
        cls.call("field", "encrypt", *EMAIL, stdin='{"id":1,"email":"' + cls.plant(), expect=1)
        cls.call("field", "encrypt", *EMAIL, "--role", "dba", stdin=json_lines([user]), expect=1)
        cls.call("field", "rewrap", *EMAIL, "--role", "dba", stdin=users)
        cls.watched("field", "encrypt", *EMAIL, stdin=json_lines([{"id": 3, "email": cls.plant()}]))

    @classmethod
    def grafana_work(cls):
        folder = cls.service.folder / "provisioning" / "datasources"
        folder.mkdir(parents=True)
        source = folder / "a.yaml"
        source.write_text("datasources:\n  - name: A\n    uid: a\n    type: prometheus\n"
                          "    url: http://in-clear.example\n"
                          f"    secureJsonData:\n      password: {cls.plant()}\n")
        for path in (folder.parent, folder, source):
            if UID is not None:
                os.chown(path, UID, UID)
        cls.call("grafana", "import", str(source), "--in-place")
        cls.call("grafana", "run", "--make-keys", "--provisioning", str(folder.parent), "--", "sh", "-c",
                 'tr "\\0" "\\n" < /proc/self/environ; cat "$GF_PATHS_PROVISIONING"/datasources/a.yaml | wc -c; '
                 'tr "\\0" " " < /proc/$PPID/cmdline')

    @classmethod
    def watched(cls, *arguments, stdin):
        """coffer with its value half given, so that it can be looked at meanwhile."""
        coffer = cls.service.popen(*arguments)
        coffer.stdin.write(stdin[:-2].encode())
        coffer.stdin.flush()
        wait_until(lambda: b"coffer" in pathlib.Path(f"/proc/{coffer.pid}/comm").read_bytes(), "coffer runs", coffer)
        cls.processes.update(process_facts(coffer.pid))
        out, error = coffer.communicate(stdin[-2:].encode(), timeout=DEADLINE_S)
        assert coffer.returncode == 0, error
        cls.outputs[f"watched {arguments[:2]}"] = out + error

    def found_nowhere(self, places, control):
        """Nothing planted in `places`, and the same search finds what is in clear there."""
        self.assertEqual(findings(self.canaries, places), [])
        self.assertNotEqual(findings([control], places), [])

    def test_the_search_finds_each_spelling(self):
        for spelling, form in spellings(self.value).items():
            self.assertIn(("place", spelling), findings([self.value], {"place": b"xx" + form + b"xx"}))
        embedded = base64.b64encode(self.value.encode() + b"and more")
        self.assertTrue(findings([self.value], {"place": embedded}))

    def test_the_data_folder_holds_none(self):
        places = files_below(self.service.data)
        self.assertGreater(len(places), 1)
        self.found_nowhere(places, MARK)
        self.found_nowhere(places, "canary-owner-in-clear")

    def test_the_log_holds_none_even_at_debug(self):
        log = self.service.log()
        self.assertIn(" debug ", log)
        self.assertIn("GetSecret by", log)
        self.found_nowhere({"log": log.encode()}, MARK)

    def test_command_lines_and_environments_hold_none(self):
        self.assertGreaterEqual(len(self.processes), 9)
        self.found_nowhere(self.processes, "cofferd")
        if AS_ROOT:
            self.found_nowhere(self.processes, "COFFER_SERVER")

    def test_outputs_and_errors_hold_none(self):
        self.assertGreater(len(self.outputs), 40)
        self.found_nowhere(self.outputs, MARK)
        self.found_nowhere(self.outputs, "GF_PATHS_PROVISIONING")

    def test_temporary_folders_hold_none(self):
        self.assertEqual(list(self.runtime.iterdir()), [])
        self.assertEqual(list(self.temporary.iterdir()), [])
        self.found_nowhere(files_below(self.service.folder), "in-clear.example")


class Memory(unittest.TestCase):
    """What others, and root, get out of a running cofferd."""

    def setUp(self):
        self.service = Service(uid=UID)
        self.addCleanup(self.service.close)
        self.folder = self.service.folder

    def start_dumpable(self):
        """With the limit on core dumps taken away, in a folder where one could be written."""
        self.service.start(before=WITH_CORES, cwd=self.folder)

    def opens_memory(self, pid):
        def look():
            try:
                with open(f"/proc/{pid}/mem", "rb"), open(f"/proc/{pid}/maps", "rb") as maps:
                    return READABLE if maps.read(1) else DENIED
            except PermissionError:
                return DENIED

        return fork_as(UID, look) if AS_ROOT else look()

    def sleeper(self, *before):
        sleeper = subprocess.Popen([*as_user(UID), *before, "tail", "-f", "/dev/null"], cwd=self.folder)
        self.addCleanup(sleeper.wait)
        self.addCleanup(sleeper.kill)
        wait_until(lambda: pathlib.Path(f"/proc/{sleeper.pid}/comm").read_text() == "tail\n", "it runs", sleeper)
        return sleeper

    def test_its_own_user_cannot_read_its_memory(self):
        self.start_dumpable()
        self.assertEqual(self.opens_memory(self.sleeper().pid), READABLE)
        self.assertEqual(self.opens_memory(self.service.process.pid), DENIED)

    @unittest.skipUnless(shutil.which("gcore"), "needs gdb")
    def test_its_own_user_cannot_dump_it_with_a_debugger(self):
        self.start_dumpable()
        dumps = {}
        for name, pid in (("control", self.sleeper().pid), ("cofferd", self.service.process.pid)):
            subprocess.run([*as_user(UID), "gcore", "-o", str(self.folder / name), str(pid)], capture_output=True,
                           timeout=DEADLINE_S, check=False, cwd=self.folder,
                           env={**os.environ, "HOME": str(self.folder)})
            dumps[name] = len(list(self.folder.glob(f"{name}.{pid}*")))
        if dumps["control"] == 0:
            self.skipTest("this machine lets nobody attach a debugger")
        self.assertEqual(dumps["cofferd"], 0)

    def dumped_core(self, process):
        """Kills it with SIGSEGV; whether the kernel says that it wrote a core."""
        process.send_signal(signal.SIGSEGV)
        result = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        process.wait(DEADLINE_S)
        return result.si_code == os.CLD_DUMPED

    def test_a_crash_leaves_no_core(self):
        control = self.sleeper(*WITH_CORES)
        if not self.dumped_core(control):
            print("this machine writes no cores at all: nothing was shown")
        before = set(self.folder.iterdir())
        self.start_dumpable()
        self.assertFalse(self.dumped_core(self.service.process))
        self.assertEqual({path.name for path in set(self.folder.iterdir()) - before} - {"data"}, set())

    @unittest.skipUnless(AS_ROOT, "only root reads the memory of cofferd")
    def test_no_copy_of_a_value_remains_in_memory(self):
        value, control = secrets.token_hex(32), "canary/residue-control-" + secrets.token_hex(8)
        self.service.start_initialised().apply_catalog()
        self.service.ok("secret", "put", control, stdin=value)
        row = {"id": 1, "email": value}
        encrypted = self.service.encrypt("shop.user.email", "id", [row])
        for _ in range(5):
            self.assertEqual(self.service.decrypt("shop.user.email", "id", encrypted * 190), [row] * 190)
        for _ in range(50):
            self.assertEqual(self.service.ok("secret", "get", control).decode(), value)
        self.expect_no_residue("after 1,000 reads of a 64-byte value", value)
        self.assertGreater(count(writable_memory(self.service.process.pid), control.encode()), 0)
        large = secrets.token_hex(32)
        self.service.ok("secret", "put", "canary/large", stdin=large * (1 << 14))
        self.service.ok("secret", "get", "canary/large")
        self.expect_no_residue("after one put and get of a 1 MiB value that is 16,384 copies of 64 bytes", large)
        self.service.ok("operator", "seal")
        self.expect_no_residue("the same, sealed", large)

    def expect_no_residue(self, when, value):
        """What is freed is wiped, gRPC's buffers too. A buffer of a call that just ended may still be held: waits."""
        deadline = time.monotonic() + 10
        while True:
            memory = writable_memory(self.service.process.pid)
            found, pieces = count(memory, value.encode()), count(memory, value[24:40].encode())
            if pieces == 0 or time.monotonic() > deadline:
                break
        print(f"residue: {found} copies {when}, idle ({pieces} of its middle 16 bytes, in "
              f"{sum(map(len, memory)) >> 20} MiB)")
        self.assertEqual(pieces, 0)


def writable_memory(pid):
    """The bytes of each writable mapping."""
    memory = []
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as source:
        for line in maps:
            place, mode = line.split()[:2]
            first, last = (int(number, 16) for number in place.split("-"))
            if not mode.startswith("rw"):
                continue
            source.seek(first)
            try:
                memory.append(read_all(source, last - first))
            except OSError:  # a guard page, or gone meanwhile
                continue
    return memory


def read_all(source, size):
    parts = []
    while size > 0:
        part = source.read(min(size, 1 << 24))
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def count(memory, needle):
    return sum(mapping.count(needle) for mapping in memory)


if __name__ == "__main__":
    run(globals())
