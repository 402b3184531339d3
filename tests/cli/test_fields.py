"""coffer field encrypt, decrypt and rewrap over JSON Lines and CSV, against a cofferd of its own."""

import base64
import json
import pathlib
import signal
import stat
import subprocess
import sys
import unittest
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from service import Programs, Service, clean_environment  # noqa: E402

EMAIL = ("--field", "shop.user.email", "--row", "id")


def lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records).encode()


class Fields(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.close)
        cls.service.apply_catalog()

    def encrypt(self, records, *options):
        return self.service.ok("field", "encrypt", *options, stdin=records)

    def decrypt(self, records, *options):
        return self.service.ok("field", "decrypt", *options, stdin=records)

    def refused(self, sentence, *arguments, stdin=b"", code=1):
        done = self.service.run("field", *arguments, stdin=stdin)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(sentence, done.stderr.decode())
        return done

    def test_json_lines_come_back_byte_for_byte(self):
        # Numbers that no double holds, odd spacing, key order, escapes: only the value may change.
        records = ('{"z":1.10, "id": 7 ,"email":"a@example.org","big":123456789012345678901234567890}\n'
                   '{ "email" : "\\u00e9 \\"q\\"" , "id":"8", "nested": {"email": ["x", {"id": 1}]}, "e": 1e300 }\r\n'
                   '{"id":9,"email":null}\n{"id":-9223372036854775808,"email":""}').encode()
        encrypted = self.encrypt(records, *EMAIL)
        self.assertNotIn(b"example.org", encrypted)
        self.assertIn(b'"big":123456789012345678901234567890}', encrypted)
        self.assertEqual(encrypted.count(b"coffer:v1:"), 3)
        self.assertIn(b'{"id":9,"email":null}\n', encrypted)
        self.assertEqual(self.decrypt(encrypted, *EMAIL), records.replace(b"\\u00e9", "é".encode()))

    def test_csv_comes_back_byte_for_byte(self):
        records = ('id,"e-mail",text\r\n'
                   '1,a@example.org,"x, ""y"""\r\n'
                   '2,"two\r\nlines, and ""quotes""",\r\n'
                   '3,,null stays\r\n'
                   '4,"",empty stays\r\n').encode()
        mapped = ("--format", "csv", "--map", "shop.user.email=e-mail", "--row", "id")
        encrypted = self.encrypt(records, *mapped)
        self.assertEqual(encrypted.count(b"coffer:v1:"), 3)
        self.assertIn(b"3,,null stays\r\n", encrypted)
        self.assertEqual(self.decrypt(encrypted, *mapped), records)

    def test_a_null_text_of_ones_own(self):
        records = b"id,email\n1,\\N\n2,\n"
        options = ("--format", "csv", *EMAIL, "--null", "\\N")
        encrypted = self.encrypt(records, *options)
        self.assertTrue(encrypted.startswith(b"id,email\n1,\\N\n2,coffer:v1:"))
        self.assertEqual(self.decrypt(encrypted, *options), records)

    def test_several_fields_of_a_record_at_once(self):
        both = ("--map", "shop.user.email", "--map", "shop.user.phone=tel", "--row", "id")
        records = lines({"id": 1, "email": "a", "tel": "1"}, {"id": 2, "email": None, "tel": "2"},
                        {"id": 3, "email": None, "tel": None})
        encrypted = self.encrypt(records, *both)
        self.assertEqual(encrypted.count(b"coffer:v1:"), 3)
        self.assertEqual(self.decrypt(encrypted, *both), records)
        only_null = lines({"id": 3, "email": "x", "tel": None})
        self.assertEqual(self.decrypt(self.encrypt(only_null, *both), *both), only_null)

    def test_bound_columns_are_taken_from_the_record(self):
        options = ("--field", "shop.connection.password", "--row", "uuid")
        record = {"uuid": str(uuid.uuid4()), "url": "db:5432", "port": 5432, "password": "pw"}
        encrypted = self.encrypt(lines(record), *options)
        self.assertEqual(self.decrypt(encrypted, *options), lines(record))
        for change in ({"url": "evil:5432"}, {"port": 5433}, {"port": None}, {"uuid": str(uuid.uuid4())}):
            moved = lines({**json.loads(encrypted), **change})
            done = self.refused("line 1: shop.connection.password does not decrypt", "decrypt", *options, stdin=moved)
            self.assertEqual(done.stdout, b"")

    def test_a_composite_row_id_and_no_row_id(self):
        composite = ("--field", "shop.note.body", "--row", "id,lang")
        record = lines({"id": 1, "lang": "en", "body": "text"})
        self.assertEqual(self.decrypt(self.encrypt(record, *composite), *composite), record)
        unbound = ("--field", "shop.order.note")
        self.assertEqual(self.decrypt(self.encrypt(lines({"note": "n"}), *unbound), *unbound), lines({"note": "n"}))

    def test_more_than_one_batch_and_an_output_file(self):
        records = lines(*({"id": i, "email": f"user{i}@example.org"} for i in range(2_500)))
        source = self.service.write("users.jsonl", records)
        target = self.service.folder / "encrypted.jsonl"
        counts = self.service.json("field", "encrypt", *EMAIL, "--in", source, "--out", str(target))
        self.assertEqual(counts, {"records": 2500, "values": 2500, "failed": 0})
        self.assertEqual(stat.S_IMODE(target.stat().st_mode), 0o600)
        self.assertEqual(self.decrypt(target.read_bytes(), *EMAIL), records)
        self.refused("encrypted.jsonl: already exists", "encrypt", *EMAIL, "--in", source, "--out", str(target))

    def left(self):
        return sorted(path.name for path in self.service.folder.iterdir())

    def test_a_failed_run_leaves_no_output_file_and_the_next_one_works(self):
        good = self.encrypt(lines({"id": 1, "email": "x"}), *EMAIL)
        moved = self.service.write("moved.jsonl", good * 1_500 + good.replace(b'"id": 1', b'"id": 2'))
        broken = self.service.write("broken.jsonl", lines({"id": 1, "email": "x"}) * 1_500 + b"no object\n")
        before = self.left()
        done = self.refused("1 value(s) did not decrypt", "decrypt", *EMAIL, "--in", moved, "--out", "failed.jsonl")
        self.assertIn(b"no file was written", done.stderr)
        self.assertEqual(done.stdout, b"")
        self.refused("line 1501: is not a JSON object", "encrypt", *EMAIL, "--in", broken, "--out", "failed.jsonl")
        self.assertEqual(self.left(), before)
        counts = self.refused("they are null in the output", "decrypt", *EMAIL, "--keep-going", "-o", "json",
                              "--in", moved, "--out", "failed.jsonl").stdout
        self.assertEqual(json.loads(counts), {"records": 1501, "values": 1501, "failed": 1})
        written = (self.service.folder / "failed.jsonl").read_bytes()
        self.assertEqual(written.count(b"\n"), 1_501)
        self.assertTrue(written.endswith(b'"email": null}\n'))

    def test_a_run_that_a_signal_ends_leaves_no_output_file(self):
        before = self.left()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number=number):
                process = subprocess.Popen(
                    [Programs.coffer(), "field", "encrypt", *EMAIL, "--out", "cut.jsonl"], stdin=subprocess.PIPE,
                    cwd=self.service.folder, env=clean_environment(COFFER_SERVER=self.service.server))
                with process:
                    # More than a batch and a pipe hold: when all is taken, the first batch is written.
                    process.stdin.write(lines({"id": 1, "email": "x" * 1000}) * 3_000)
                    process.stdin.flush()
                    process.send_signal(number)
                    self.assertEqual(process.wait(60), -number)
                    process.stdin.close()
                self.assertEqual(self.left(), before)

    def test_files_that_cannot_be_used_are_named(self):
        self.refused("--in: absent.csv: does not exist", "encrypt", *EMAIL, "--in", "absent.csv")
        self.refused("--out: absent/new.csv: cannot be made: its folder does not exist", "encrypt", *EMAIL, "--out",
                     "absent/new.csv")

    def test_csv_from_a_redirection_gets_a_hint(self):
        done = self.refused("line 1: is not a JSON object", "encrypt", *EMAIL, stdin=b"id,email\n1,canary\n")
        self.assertIn(b"for CSV say --format csv", done.stderr)
        self.assertNotIn(b"canary", done.stderr)

    def test_what_does_not_decrypt_gets_the_hint_that_fits(self):
        place = b"the row id, a bound column or the tenant may not be the one it was encrypted with"
        encrypted = self.encrypt(lines({"id": 1, "email": "x"}), *EMAIL)
        done = self.refused("did not decrypt", "decrypt", *EMAIL, stdin=encrypted.replace(b'"id": 1', b'"id": 2'))
        self.assertEqual(done.stderr.count(place), 1)
        done = self.refused("did not decrypt", "decrypt", *EMAIL, stdin=lines({"id": 1, "email": "no ciphertext"}))
        self.assertNotIn(place, done.stderr)

    def test_a_disabled_key_gets_the_hint_that_fits(self):
        encrypted = self.encrypt(lines({"id": 1, "email": "x"}), *EMAIL)
        primary = self.service.json("keyring", "rotate", "shop")["primary_version"]
        self.service.ok("keyring", "disable", "shop", str(primary - 1))
        self.addCleanup(self.service.ok, "keyring", "enable", "shop", str(primary - 1))
        done = self.refused("has a disabled key", "decrypt", *EMAIL, stdin=encrypted)
        self.assertIn(b"a key version is disabled: see `coffer keyring show NAME`", done.stderr)
        self.assertNotIn(b"encrypted with", done.stderr)

    def test_hex_is_what_postgresql_writes(self):
        encrypted = self.encrypt(lines({"id": 1, "email": "a"}), *EMAIL, "--ciphertext", "hex")
        self.assertTrue(json.loads(encrypted)["email"].startswith("\\xc1"))
        self.assertEqual(self.decrypt(encrypted, *EMAIL), lines({"id": 1, "email": "a"}))

    def test_bytes_that_are_no_text_need_base64(self):
        record = lines({"id": 1, "email": base64.b64encode(b"\xff\x00").decode()})
        encrypted = self.encrypt(record, *EMAIL, "--plaintext", "base64")
        self.refused("is not UTF-8: use --plaintext base64", "decrypt", *EMAIL, stdin=encrypted)
        self.assertEqual(self.decrypt(encrypted, *EMAIL, "--plaintext", "base64"), record)

    def test_a_failing_value_stops_the_stream_with_its_line(self):
        records = lines(*({"id": i, "email": "x"} for i in range(1_200)))
        encrypted = self.encrypt(records, *EMAIL).splitlines(keepends=True)
        encrypted[1_100] = encrypted[1_100].replace(b'"id": 1100', b'"id": 5')
        done = self.refused("line 1101: shop.user.email does not decrypt", "decrypt", *EMAIL, stdin=b"".join(encrypted))
        self.assertEqual(done.stdout.count(b"\n"), 1_000)
        self.assertTrue(done.stdout.endswith(b"\n"))

    def test_keep_going_writes_null_and_names_each_line(self):
        good = self.encrypt(lines({"id": 1, "email": "x"}), *EMAIL)
        bad = [good, good.replace(b'"id": 1', b'"id": 2'), lines({"id": 3, "email": "no ciphertext"}), good]
        done = self.refused("2 value(s) did not decrypt", "decrypt", *EMAIL, "--keep-going", stdin=b"".join(bad))
        self.assertIn(b"line 2: shop.user.email does not decrypt", done.stderr)
        self.assertIn(b"line 3: shop.user.email is no ciphertext", done.stderr)
        self.assertEqual([json.loads(line)["email"] for line in done.stdout.splitlines()], ["x", None, None, "x"])

    def test_rewrap_moves_to_the_new_version_for_the_dba_too(self):
        encrypted = self.encrypt(lines({"id": 1, "email": "x"}), *EMAIL)
        source = self.service.write("old.jsonl", encrypted)
        self.service.ok("keyring", "rotate", "shop", "--role", "dba")
        target = self.service.folder / "new.jsonl"
        counts = self.service.json("field", "rewrap", *EMAIL, "--role", "dba", "--in", source, "--out", str(target))
        self.assertEqual(counts, {"records": 1, "values": 1, "failed": 0, "rewrapped": 1})
        self.assertNotEqual(target.read_bytes(), encrypted)
        self.assertEqual(self.decrypt(target.read_bytes(), *EMAIL), lines({"id": 1, "email": "x"}))
        again = self.service.ok("field", "rewrap", *EMAIL, "--role", "dba", stdin=target.read_bytes())
        self.assertEqual(again, target.read_bytes())

    def test_what_is_encrypted_already_is_refused(self):
        encrypted = self.encrypt(lines({"id": 1, "email": "x"}), *EMAIL)
        done = self.refused("line 1: the value of email is a ciphertext already", "encrypt", *EMAIL, stdin=encrypted)
        self.assertEqual(done.stdout, b"")

    def test_a_database_administrator_may_not_decrypt_or_encrypt(self):
        encrypted = self.encrypt(lines({"id": 1, "email": "dba-canary"}), *EMAIL)
        for act, stdin in (("decrypt", encrypted), ("encrypt", lines({"id": 1, "email": "dba-canary"}))):
            done = self.refused("see --role", act, *EMAIL, "--role", "dba", stdin=stdin)
            self.assertEqual(done.stdout, b"")
            self.assertNotIn(b"dba-canary", done.stderr)

    def test_another_tenants_values_do_not_decrypt(self):
        self.service.ok("tenant", "add", "other")
        encrypted = self.encrypt(lines({"id": 1, "email": "x"}), *EMAIL)
        self.refused("does not decrypt", "decrypt", *EMAIL, "--tenant", "other", stdin=encrypted)

    BAD_RECORDS = [
        (b"[1]\n", "line 1: is not a JSON object"),
        (b"\n", "line 1: is not a JSON object"),
        (b'{"id":1,"email":"canary"}\n{"id":1,"email":"canary"\n', "line 2: is not a JSON object"),
        (b'{"id":1,"email":"canary"} {}\n', "line 1: is not a JSON object"),
        (b'{"id":1,"email":"\xff"}\n', "line 1: is not a JSON object"),
        (b'{"id":1,"email":"\\ud800"}\n', "line 1: is not a JSON object"),
        (b'{"email":"canary"}\n', "line 1: has no key id"),
        (b'{"id":1}\n', "line 1: has no key email"),
        (b'{"id":1,"id":2,"email":"canary"}\n', "line 1: has the key id twice"),
        (b'{"id":1,"email":{"canary":1}}\n', "line 1: the value of email is no string"),
        (b'{"id":1,"email":"canary","e":1e400}\n', "line 1: is not a JSON object"),
        (b'{"id":1,"email":12}\n', "line 1: the value of email is no string"),
        (b'{"id":null,"email":"canary"}\n', "line 1: the row id id is NULL"),
        (b'{"id":1.5,"email":"canary"}\n', "line 1: the value of id is no string, integer"),
        (b'{"id":"canary","email":"canary"}\n', "line 1: the value of id is no 64-bit integer"),
        (b'{"id":9223372036854775808,"email":"canary"}\n', "line 1: the value of id is no 64-bit integer"),
        (b"id,email\n1,canary\n", "line 1: is not a JSON object"),
        (lines({"id": 1, "email": "x" * 65537}), "line 1: the value of email is longer than 64 KiB"),
    ]

    def test_a_bad_record_is_named_by_line_and_never_shown(self):
        for records, sentence in self.BAD_RECORDS:
            with self.subTest(records=records[:60]):
                done = self.refused(sentence, "encrypt", *EMAIL, stdin=records)
                self.assertEqual(done.stdout, b"")
                self.assertNotIn(b"canary", done.stderr)

    def test_a_row_id_of_another_type_is_named_as_a_sentence(self):
        record = {"uuid": "canary", "url": "u", "port": 1, "password": "canary"}
        done = self.refused("line 1: the value of uuid is no UUID: 32 hex digits in groups of 8-4-4-4-12\n", "encrypt",
                            "--field", "shop.connection.password", "--row", "uuid", stdin=lines(record))
        self.assertNotIn(b"canary", done.stderr)

    def test_a_line_without_end_is_refused(self):
        done = self.refused("longer than a record may be", "encrypt", *EMAIL, stdin=b'{"id":"' + b"x" * (9 << 20))
        self.assertEqual(done.stdout, b"")

    BAD_CSV = [
        (b"", "the input is empty"),
        (b"id,mail\n1,x\n", "the header has no column email"),
        (b"id,email,id\n1,x,2\n", "the header has the column id twice"),
        (b"id,email\n1\n", "line 2: has not as many cells"),
        (b"id,email\n1,x,y\n", "line 2: has not as many cells"),
        (b'id,email\n1,"canary\n2,x\n', "line 2: a quote is never closed"),
        (b'id,email\n1,can"ary"\n', "line 2: has a quote inside"),
        (b'id,email\n1,"canary"x\n', "line 2: has text behind a closing quote"),
        (b'id,email\n1,"a\nb"\nx,y\n', "line 4: the value of id is no 64-bit integer"),
        (b"id,email\n,x\n", "line 2: the row id id is NULL"),
    ]

    def test_bad_csv_is_named_by_line(self):
        for records, sentence in self.BAD_CSV:
            with self.subTest(records=records):
                done = self.refused(sentence, "encrypt", *EMAIL, "--format", "csv", stdin=records)
                self.assertNotIn(b"canary", done.stderr)

    def test_wrong_mappings_are_refused_before_anything_is_read(self):
        for arguments, sentence, code in (
            (("--field", "shop.user.email"), "name as many with --row", 2),
            (("--field", "shop.user.email", "--row", "id,x"), "name as many with --row", 2),
            (("--field", "shop.user.nothing", "--row", "id"), "the catalog has no field shop.user.nothing", 1),
            (("--field", "nowhere.user.email", "--row", "id"), "see `coffer catalog show`", 1),
            (("--field", "shop.user.email", "--row", "id", "--tenant", "nobody"), "see `coffer tenant list`", 1),
            (("--map", "shop.user.email=x", "--map", "shop.user.phone=x", "--row", "id"), "two fields are mapped", 2),
            (("--field", "shop.user.email", "--column", "id", "--row", "id"), "is a row id or bound column too", 2),
        ):
            with self.subTest(arguments=arguments):
                self.refused(sentence, "encrypt", *arguments, stdin=lines({"id": 1, "email": "a"}), code=code)

    def test_no_records_are_no_failure(self):
        self.assertEqual(self.encrypt(b"", *EMAIL), b"")
        self.assertEqual(self.encrypt(b"id,email\n", *EMAIL, "--format", "csv"), b"id,email\n")


if __name__ == "__main__":
    Programs.bin = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=1)
