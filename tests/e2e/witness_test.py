"""Witnesses of the audit log, as processes of their own: cofferd with `coffer audit witness`, each of the two with an
implementation of the protocol that shares no code with them, and what they say when the log's host cheats.
"""

import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "audit")]

import second_verifier  # noqa: E402
import second_witness as second  # noqa: E402
from service import DEADLINE_S, Programs, Service, clean_environment, run, wait_until  # noqa: E402

ORIGIN = "coffer/5acf2349-5267-7809-9a38-25188778f680"
SAYS_HOST = "tamper-evident against others, not against this host"


def coffer(*arguments, **options):
    return subprocess.run([Programs.coffer(), *map(str, arguments)], capture_output=True, timeout=DEADLINE_S,
                          env=clean_environment(), check=False, **options)


class WitnessProcess:
    """`coffer audit witness` over a folder that stays."""

    def __init__(self, folder, log_vkeys, name="witness.example/w1"):
        self.folder, self.log_vkeys, self.process, self.port = folder, log_vkeys, None, 0
        self.folder.mkdir(exist_ok=True)
        self.key_file = folder / "witness.key"
        made = coffer("audit", "witness-keygen", "--name", name, "--key", self.key_file)
        assert made.returncode == 0, made.stderr
        self.vkey = made.stdout.decode().strip()
        self.log_file = folder / "witness.log"

    def start(self):
        keys = [word for vkey in self.log_vkeys for word in ("--log-key", vkey)]
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", Programs.coffer(), "audit", "witness", *keys, "--listen",
                 f"127.0.0.1:{self.port}", "--key", str(self.key_file), "--state", str(self.folder / "state")],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=clean_environment())
        assert self.process.stdout.readline().decode().strip() == f"witness {self.vkey}"
        self.port = int(self.process.stdout.readline().decode().rsplit(" ", 1)[1])
        return self

    def stop(self, with_signal=signal.SIGTERM):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        code = self.process.wait(DEADLINE_S)
        self.process.stdout.close()
        self.process = None
        return code

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"


class TemporaryFolder(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="coffer-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def witness(self, *log_vkeys, name="witness.example/w1"):
        witness = WitnessProcess(self.folder / name.replace("/", "-"), log_vkeys, name)
        self.addCleanup(witness.stop)
        return witness


class ClientOfTheSpecification(TemporaryFolder):
    """second_witness.Log drives our witness."""

    def setUp(self):
        super().setUp()
        self.log = second.Log(ORIGIN, bytes(range(32)))
        self.log.grow(9)
        self.ours = self.witness(self.log.key.vkey()).start()
        self.key = second.Key.of_vkey(self.ours.vkey)

    def post(self, body, **options):
        return second.post(self.ours.port, body, **options)

    def cosigned(self, old, size):
        status, _, lines = self.post(self.log.body(old, size))
        self.assertEqual(status, 200, lines)
        text, signatures = second.parse_note(self.log.note(size) + lines)
        times = [self.key.verifies(text, raw) for name, key_id, raw in signatures
                 if (name, key_id) == (self.key.name, self.key.id)]
        self.assertEqual(len(times), 1)
        self.assertGreater(times[0], 1_700_000_000)

    def test_a_log_that_grows_is_cosigned(self):
        old = 0
        for size in (0, 1, 2, 3, 7, 8, 9):
            self.cosigned(old, size)
            old = size
        self.cosigned(9, 9)

    def test_the_statuses_are_those_of_the_page(self):
        self.cosigned(0, 5)
        good = self.log.body(5, 9)
        fork = second.Log(ORIGIN, bytes(range(32)))
        fork.grow(9, "another")
        stranger = second.Log(ORIGIN, bytes(32))
        stranger.grow(9)
        unknown = second.Log("coffer/unknown", bytes(range(32)))
        many = "old 5\n" + (second.b64(bytes(32)) + "\n") * 64 + "\n" + self.log.note()
        for name, body, expected in (
                ("nothing", "", 400), ("no empty line", good.replace("\n\n", "\n"), 400),
                ("no old size", good.replace("old ", "size "), 400),
                ("a leading zero", good.replace("old 5", "old 05"), 400),
                ("64 hashes", many, 400), ("a hash that is none", good.replace("old 5\n", "old 5\nAAAA\n"), 400),
                ("an old size above the checkpoint's", self.log.body(6, 5), 400),
                ("an unknown origin", unknown.body(0), 404), ("another key", stranger.body(5), 403),
                ("a false signature", good[:-20] + ("A" if good[-20] != "A" else "B") + good[-19:], 403),
                ("another old size", self.log.body(4, 9), 409), ("a rollback", self.log.body(0, 4), 409),
                ("a fork", fork.body(5, 9), 422), ("a fork of the same size", fork.body(5, 5), 409),
                ("no proof", "old 5\n\n" + self.log.note(9), 422)):
            with self.subTest(name):
                status, kind, text = self.post(body)
                self.assertEqual(status, expected, text)
                if status == 409:
                    self.assertEqual((kind, text), ("text/x.tlog.size", "5\n"))
        self.assertEqual(self.post(good)[0], 200)

    def test_only_add_checkpoint_is_served(self):
        self.assertEqual(self.post(self.log.body(0, 5), path="/")[0], 404)
        self.assertEqual(self.post("", method="GET")[0], 405)
        self.assertEqual(self.post(b"x" * 400_000)[0], 413)

    def test_a_restart_forgets_nothing_however_it_ended(self):
        self.cosigned(0, 5)
        for with_signal, code in ((signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)):
            self.assertEqual(self.ours.stop(with_signal), code)
            self.ours.start()
            self.assertEqual(self.post(self.log.body(0, 4))[0:3:2], (409, "5\n"))
        self.cosigned(5, 9)

    def test_killed_at_any_moment_it_has_kept_what_it_has_cosigned(self):
        size = 0
        for _ in range(15):
            # The request is sent and the process killed at once: the reply may or may not have got out.
            connection = second.http.client.HTTPConnection("127.0.0.1", self.ours.port, timeout=30)
            self.log.grow(1)
            connection.request("POST", "/add-checkpoint", self.log.body(size).encode())
            self.ours.process.send_signal(signal.SIGKILL)
            try:
                answer = connection.getresponse()
                answered = answer.status == 200 and answer.read().endswith(b"\n")
            except (ConnectionError, second.http.client.HTTPException):
                answered = False
            connection.close()
            self.ours.stop()
            self.ours.start()
            status, _, text = self.post(self.log.body(size))
            kept = size if status == 200 else int(text)
            self.assertIn(kept, (size, len(self.log.leaves)) if not answered else (len(self.log.leaves),))
            size = len(self.log.leaves)
            self.cosigned(size, size)

    def test_another_process_over_the_same_state_is_refused(self):
        again = coffer("audit", "witness", "--log-key", self.log.key.vkey(), "--listen", "127.0.0.1:0", "--key",
                       self.ours.key_file, "--state", self.ours.folder / "state")
        self.assertEqual(again.returncode, 1, again.stderr)

    def test_wrong_arguments_are_usage(self):
        good = {"--log-key": self.log.key.vkey(), "--listen": "127.0.0.1:0", "--key": str(self.ours.key_file),
                "--state": str(self.folder / "s")}
        for option, value, code in (
                ("--log-key", "nonsense", 2), ("--log-key", self.ours.vkey, 2), ("--listen", "x", 2),
                ("--listen", "127.0.0.1:70000", 2), ("--key", str(self.folder / "none"), 1)):
            with self.subTest(option=option, value=value):
                words = [word for pair in {**good, option: value}.items() for word in pair]
                self.assertEqual(coffer("audit", "witness", *words).returncode, code)


class ServiceWithWitnesses(TemporaryFolder):
    """cofferd shows its log to witnesses, ours and second_witness.Witness."""

    def setUp(self):
        super().setUp()
        self.service = Service()
        self.addCleanup(self.service.close)
        self.service.start_initialised()
        self.service.stop()
        self.key_file = self.service.data / "audit.key"
        self.vkey = coffer("audit", "vkey", "--key-file", self.key_file).stdout.decode().strip()

    def configure(self, *addresses):
        text = self.service.config_file.read_text().split("[audit_witness]")[0]
        text += "[audit_witness]\ninterval_seconds = 1\nmax_age_seconds = 10\n"
        for url, vkey in addresses:
            text += f'[[audit_witness.witness]]\nurl = "{url}"\nvkey = "{vkey}"\n'
        self.service.config_file.write_text(text)

    def status(self):
        return self.service.json("operator", "status")

    def until_witnessed(self, expected=True):
        return wait_until(lambda: [s for s in [self.status()] if s["audit_witnessed"] is expected],
                          f"witnessed is {expected}", self.service.process)[0]

    def verify(self, *options):
        done = coffer("audit", "verify", "--dir", self.service.data / "audit", "--vkey", self.vkey, "-o", "json",
                      *options)
        return done.returncode, json.loads(done.stdout)

    def grow(self, count=5):
        for _ in range(count):
            self.service.run("keyring", "list")

    def remembered(self):
        """Records that the client has seen: the third line of its file."""
        file = next((self.folder / "memory").glob("*.log"))
        return int(file.read_text().split("\n")[2])

    def snapshot(self, name):
        shutil.copytree(self.service.data, self.folder / name, symlinks=True)

    def put_back(self, name):
        shutil.rmtree(self.service.data)
        shutil.copytree(self.folder / name, self.service.data, symlinks=True)

    def test_a_witness_of_ours_and_one_of_the_page_cosign(self):
        ours = self.witness(self.vkey).start()
        other = second.Witness("second.example/w2", bytes(range(64, 96)), [self.vkey])
        self.addCleanup(other.close)
        self.configure((ours.url, ours.vkey), (other.url, other.key.vkey()))
        self.service.start()
        status = self.until_witnessed()
        wait_until(lambda: all(w["trouble"] == "" for w in self.status()["audit_witnesses"]), "both cosign")
        self.assertEqual([w["name"] for w in status["audit_witnesses"]], ["witness.example/w1", "second.example/w2"])
        self.assertNotIn(SAYS_HOST, self.service.ok("operator", "status").decode())
        self.grow()
        wait_until(lambda: other.answers.count(200) >= 3, "later checkpoints are cosigned too")
        self.assertNotIn(422, other.answers)
        code, report = self.verify("--witness-key", ours.vkey, "--witness-key", other.key.vkey())
        self.assertEqual(code, 0, report["findings"])
        self.assertEqual(len(report["cosigned"]), 2)
        # What was published verifies with the second verifier, cosignatures included.
        self.service.stop()
        shutil.copy(self.service.data / "audit/checkpoint.cosigned", self.service.data / "audit/checkpoint")
        keys = [second_verifier.Key(vkey) for vkey in (self.vkey, ours.vkey, other.key.vkey())]
        self.assertGreater(second_verifier.verify_log(self.service.data / "audit", keys[0], keys[1:], 2)[0], 5)

    def test_without_a_witness_the_status_says_what_the_log_does_not_show(self):
        self.service.start()
        self.assertIn(SAYS_HOST, self.service.ok("operator", "status").decode())
        self.assertFalse(self.status()["audit_witnessed"])

    def grown_since_its_witness_stopped(self):
        ours = self.witness(self.vkey).start()
        self.configure((ours.url, ours.vkey))
        self.service.start()
        self.until_witnessed()
        ours.stop()
        self.grow()
        return ours

    def test_a_witness_that_goes_away_is_named_after_its_cosignature_is_too_old(self):
        ours = self.grown_since_its_witness_stopped()
        text = wait_until(lambda: [t for t in [self.service.ok("operator", "status").decode()] if SAYS_HOST in t],
                          "its word becomes too old")[0]
        self.assertIn("does not answer", text)
        ours.start()
        self.until_witnessed()

    def test_a_host_that_is_put_back_as_a_whole_is_found_by_its_witness_alone(self):
        ours = self.witness(self.vkey).start()
        self.snapshot("yesterday")
        self.configure((ours.url, ours.vkey))
        self.service.start()
        seen = self.until_witnessed()["audit_witnesses"][0]["size"]
        self.grow(30)
        wait_until(lambda: self.status()["audit_witnesses"][0]["size"] >= seen + 30, "it grows")
        self.service.stop()
        self.put_back("yesterday")  # store, log, key, and what was signed last
        self.service.start()
        status = wait_until(lambda: [s for s in [self.status()] if "rolled back" in s["audit_witnesses"][0]["trouble"]],
                            "the witness has seen more")[0]
        self.assertFalse(status["audit_witnessed"])
        self.assertIn(SAYS_HOST, self.service.ok("operator", "status").decode())
        self.assertIn("the log was rolled back", self.service.log())
        # It goes on, past what the witness has seen, and is another history.
        self.grow(80)
        wait_until(lambda: "rewritten" in self.status()["audit_witnesses"][0]["trouble"], "a second history")
        # A longer history is refused for its proof; one of exactly the size that was seen, for its other root.
        self.assertIn(" 409 ", ours.log_file.read_text())
        self.assertRegex(ours.log_file.read_text(), r" 422 | (\d+) conflicts with the \1 kept")
        # Nobody on the host sees anything wrong.
        self.service.stop()
        self.assertEqual(self.verify()[0], 0)

    def test_what_an_auditor_or_a_client_kept_finds_it_too(self):
        self.snapshot("yesterday")
        self.service.start()
        memory = {"COFFER_STATE_DIR": str(self.folder / "memory")}
        self.grow(20)

        def seen_anew():
            shutil.rmtree(self.folder / "memory", ignore_errors=True)
            self.service.ok("keyring", "list", environment=memory)
            return self.remembered() > 15

        wait_until(seen_anew, "the client has seen some records")
        self.service.stop()
        kept = self.folder / "kept"
        self.assertEqual(self.verify("--keep", kept)[0], 0)
        self.put_back("yesterday")
        code, report = self.verify("--since", kept)
        self.assertEqual(code, 1)
        self.assertEqual({finding["check"] for finding in report["findings"]}, {"kept-checkpoint"})
        self.service.start()
        refused = self.service.run("keyring", "list", environment=memory)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"it was rolled back", refused.stderr)
        self.grow(40)  # past what the client has seen
        wait_until(lambda: b"do not continue them: it was rewritten" in self.service.run(
            "keyring", "list", environment=memory).stderr, "a second history")
        self.assertEqual(self.service.run("keyring", "list").returncode, 0)

    def test_what_was_asked_for_and_cannot_be_done_is_wrong_usage_and_no_verdict(self):
        self.service.start()
        self.service.stop()
        kept, later = self.folder / "kept", self.folder / "later"
        self.assertEqual(self.verify("--keep", kept)[0], 0)
        self.service.start()
        self.grow(20)
        self.service.stop()
        self.assertEqual(self.verify("--keep", later)[0], 0)
        other = later.read_text().replace("coffer/", "coffer/another-", 1)
        (self.folder / "other").write_text(other)
        (self.folder / "junk").write_text("junk")
        before = later.read_bytes()
        shutil.copy(kept, self.service.data / "audit" / "checkpoint")
        for options, said in (
                (("--since", self.folder / "junk"), "is no checkpoint"),
                (("--since", self.folder / "other"), "is a checkpoint of the log coffer/another-"),
                (("--keep", self.folder / "other"), "is a checkpoint of the log coffer/another-"),
                (("--keep", later), "compare the log with it (--since), and keep this one elsewhere"),
                (("--key-file", self.folder / "none"), "there is no last signed checkpoint beside it"),
                (("--max-age", "5m"), "name a witness with --witness-key"),
                (("--max-age", "5", "--witness-key", self.vkey), "write 30s, 10m, 2h or 1d")):
            done = coffer("audit", "verify", "--dir", self.service.data / "audit", "--vkey", self.vkey, *options)
            self.assertEqual((done.returncode, done.stdout), (2, b""), (options, done.stderr))
            self.assertIn(said, done.stderr.decode(), options)
        self.assertEqual(later.read_bytes(), before)
        # An index that is not there cannot be compared.
        shutil.copy(later, self.service.data / "audit" / "checkpoint")
        for file in (self.service.data / "audit").glob("index.sqlite*"):
            file.unlink()
        done = coffer("audit", "verify", "--dir", self.service.data / "audit", "--vkey", self.vkey, "--index")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"--index: was not compared", done.stderr)

    def test_a_log_that_was_thrown_away_is_noticed_by_the_store_and_by_clients(self):
        self.service.start()
        memory = {"COFFER_STATE_DIR": str(self.folder / "memory")}
        self.service.ok("keyring", "list", environment=memory)
        self.service.stop()
        shutil.rmtree(self.service.data / "audit")
        for name in ("audit.key", "audit.key.signed"):
            (self.service.data / name).unlink()
        self.service.start()
        self.assertEqual(self.status()["state"], "rolled-back")
        self.assertIn(b"another audit log", self.service.ok("operator", "status"))
        refused = self.service.run("operator", "status", environment=memory)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"shows another audit log than this client has seen there", refused.stderr)
        (place,) = (self.folder / "memory").glob("*.server")
        self.assertIn(f"remove {place}".encode(), refused.stderr)
        recover = ["operator", "recover", "--key-file", str(self.service.key_file)]
        self.assertIn(b"--go-back", self.service.run(*recover).stdout)
        self.assertEqual(self.service.run(*recover, "--apply", "--reason", "a test").returncode, 1)
        self.service.ok(*recover, "--go-back", "--apply", "--reason", "a test")
        self.assertEqual(self.status()["state"], "unsealed")
        place.unlink()
        self.service.ok("keyring", "list", environment=memory)
        self.service.stop()
        self.service.start()
        self.assertEqual(self.status()["state"], "unsealed")

    def test_a_log_that_was_emptied_under_its_own_key_is_noticed_by_the_store(self):
        """Yesterday's store and journal fit each other; what the store remembers of its log fits no empty one."""
        self.snapshot("yesterday")
        self.service.start()
        self.service.ok("keyring", "create", "today")
        self.service.stop()
        self.put_back("yesterday")
        signed = self.service.data / "audit.key.signed"
        shutil.rmtree(self.service.data / "audit")
        signed.unlink()
        with self.assertRaisesRegex(AssertionError, "the last signed checkpoint was taken away"):
            self.service.start()
        self.service.stop()
        # Who has the key signs the empty tree again, as a first start does.
        origin, seed = self.vkey.split("+")[0], self.key_file.read_bytes()[-32:]
        signed.write_text(second.Log(origin, seed).note())
        self.service.start()
        self.assertEqual(self.service.json("audit", "checkpoint")["origin"], origin)
        status = self.status()
        self.assertEqual(status["state"], "rolled-back", self.service.log()[-600:])
        self.assertIn("another audit log", status["rollback"])
        self.assertEqual(self.service.run("keyring", "list").returncode, 1)
        recover = ["operator", "recover", "--key-file", str(self.service.key_file)]
        explained = self.service.json(*recover)
        self.assertEqual(explained["finding"], "the store was used with another audit log than the one that is here")
        self.assertTrue(explained["loses"])
        self.assertIn(b"--go-back --apply", self.service.run(*recover).stdout)
        refused = self.service.run(*recover, "--apply", "--reason", "a test")
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"nothing was changed", refused.stderr)
        self.assertEqual(self.status()["state"], "rolled-back")
        self.service.ok(*recover, "--go-back", "--apply", "--reason", "a test")
        self.assertEqual(self.status()["state"], "unsealed")
        # Explaining is recorded as well, and changed nothing.
        recorded = wait_until(lambda: [record for record in self.service.json(
            "audit", "query", "--operation", "RecoverStore", "--type", "result", "--outcome", "ok")["records"]
                                       if record["failure"]], "it is recorded and indexed")
        self.assertEqual(len(recorded), 1)
        self.assertEqual(recorded[0]["reason"], "a test")
        self.assertIn("it goes on with this one", recorded[0]["failure"])
        self.assertGreater(recorded[0]["store_epoch"], 0)
        for _ in range(2):
            self.service.stop()
            self.service.start()
            self.assertEqual(self.status()["state"], "unsealed")
            # The note of the log's head is a commit, which the unseal's own record tells.
            epoch = self.service.json("operator", "check")["store_epoch"]
            last = ("audit", "query", "--operation", "Unseal", "--type", "result", "--limit", "1")
            wait_until(lambda: self.service.json(*last)["records"][0]["store_epoch"] == epoch, "it is indexed")
        self.service.stop()
        self.assertEqual(self.verify()[0], 0)

    def test_a_witness_that_stopped_long_ago_is_no_witness(self):
        ours = self.grown_since_its_witness_stopped()
        self.service.stop()
        code, report = self.verify("--witness-key", ours.vkey)
        self.assertEqual(code, 0, report["findings"])
        self.assertGreater(report["unwitnessed_records"], 0)
        text = coffer("audit", "verify", "--dir", self.service.data / "audit", "--vkey", self.vkey, "--witness-key",
                      ours.vkey).stdout
        self.assertRegex(text, rb"[0-9]+ records behind it, [0-9a-z]+ old")
        self.assertRegex(text, rb"no witness has seen the last [0-9]+ record")
        wait_until(lambda: self.verify("--witness-key", ours.vkey)[1]["cosigned_age_s"] >= 2, "it becomes older")
        self.service.start()
        self.grow()
        self.service.stop()
        code, report = self.verify("--witness-key", ours.vkey, "--max-age", "1s")
        self.assertEqual(code, 1)
        self.assertEqual({finding["check"] for finding in report["findings"]}, {"checkpoint-cosignatures"})

    def test_a_log_is_verified_beside_the_running_service_and_a_proof_without_it(self):
        self.service.start()
        self.grow(20)
        code, report = self.verify("--key-file", self.key_file)
        self.assertEqual(code, 0, report["findings"])
        self.service.ok("audit", "prove", "3", "--out", self.folder / "p")
        proof = ["--proof", self.folder / "p", "--record", self.folder / "p.record", "--vkey", self.vkey]
        self.assertEqual(coffer("audit", "verify-proof", *proof).returncode, 0)
        record = self.folder / "p.record"
        record.write_bytes(record.read_bytes() + b"\0")
        refused = coffer("audit", "verify-proof", *proof)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"not proved", refused.stderr)
        self.assertEqual(coffer("audit", "verify-proof", *proof[:-1], "nonsense").returncode, 2)

    def test_an_edited_log_is_not_untouched_and_the_check_is_named(self):
        self.service.start()
        self.grow(20)
        self.service.stop()
        journal = next((self.service.data / "audit/journal").glob("0*.journal"))
        with open(journal, "r+b") as file:
            file.seek(4096 + 100)
            byte = file.read(1)
            file.seek(4096 + 100)
            file.write(bytes([byte[0] ^ 1]))
        code, report = self.verify()
        self.assertEqual(code, 1)
        failed = {check["name"] for check in report["checks"] if check["result"] == "failed"}
        self.assertIn("journal-frames", failed)
        text = coffer("audit", "verify", "--dir", self.service.data / "audit", "--vkey", self.vkey)
        self.assertEqual(text.returncode, 1)
        self.assertIn(b"NOT untouched", text.stdout)


if __name__ == "__main__":
    run(globals())
