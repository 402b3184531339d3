"""The programs of examples/ against a real PostgreSQL and a real cofferd: what they print is right, what is no match is
dropped, the database and its log hold nothing of the values; at level 1 of the extension and, where it is built, with
columns of type coffer.ciphertext. And every command of examples/README.md. Skipped where there is no PostgreSQL.
"""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "pgext"))

from canary_test import files_below, findings  # noqa: E402
from extension_server import BUILT, PRELOADED, Build, Cluster  # noqa: E402
from postgres import Postgres, PostgresError, exit_unless_installed  # noqa: E402
from service import DEADLINE_S, Programs, Service, clean_environment, run, wait_until  # noqa: E402

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "examples"
PYTHON_EXAMPLE = EXAMPLES / "python/customers.py"  # its first line names Debian's Python, which has gRPC
LOGS_ALL = {"log_statement": "all", "log_min_duration_statement": "0", "log_error_verbosity": "verbose"}
FIELDS = ("email", "name", "city", "income")
VERSIONS = ("email_exact_iv", "name_start_iv", "name_part_iv", "name_and_city_iv", "income_range_iv")
TOKENS = ("email_exact", "email_unique", "name_start", "name_part", "name_and_city", "income_range")

ADA = "1  Ada Lovelace, London, ada@lovelace.example, 54000"
GRACE = "2  Grace Hopper, Arlington, Grace.Hopper@navy.example, 61500"
JOERG = "3  Jörg Straßer, Graz, joerg@strasse.example, 38250"
CLOVER = "4  Clover Adams, Graz, clove@garden.example, 27900"
GRETE = "5  Grete Hermann, Bremen, grete@hermann.example, 48000"
HANA = "6  Ｈａｎａ Ōta, Tokyo, hana@tokyo.example, 72000"
EMMY = "7  Emmy Noether, Erlangen, emmy@noether.example, 33000"
EMMY_OF_BREMEN = "8  Emmy Noether, Bremen, emmy@bremen.example, 39999"
VALUES = [value for line in (ADA, GRACE, JOERG, CLOVER, GRETE, HANA, EMMY, EMMY_OF_BREMEN)
          for value in line.split("  ", 1)[1].split(", ") if len(value) > 4 and not value.isdigit()]
TAKEN = "that address is taken"

SEARCHES = (  # program, what is looked for, who is found
    ("equality", ["  ADA@lovelace.EXAMPLE"], [ADA]),
    ("equality", ["nobody@lovelace.example"], []),
    ("prefix", ["gra"], [GRACE]),
    ("prefix", ["Jörg S"], [JOERG]),
    ("prefix", ["hana"], [HANA]),
    ("prefix", ["emmy"], [EMMY, EMMY_OF_BREMEN]),
    ("substring", ["LOVE"], [ADA, CLOVER]),
    ("substring", ["strasse"], [JOERG]),
    ("substring", ["her"], [GRETE, EMMY, EMMY_OF_BREMEN]),
    ("range", ["38250", "48000"], [JOERG, GRETE, EMMY_OF_BREMEN]),
    ("range", ["0", "27899"], []),
    ("compound", ["EMMY Noether", "bremen"], [EMMY_OF_BREMEN]),
    ("compound", ["Emmy Noether", "Graz"], []),
)


def built():
    return Programs.bin.parent / "examples"


def environment_for(database, server, **more):
    return clean_environment(**{**database, "COFFER_SERVER": server, "PYTHONDONTWRITEBYTECODE": "1",
                                "LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8", **more})


class World:
    """A cofferd with the examples' catalog, and a database with their table."""

    def __init__(self, typed):
        self.stack = contextlib.ExitStack()
        self.service = self.stack.enter_context(contextlib.closing(Service().start_initialised()))
        self.service.ok("keyring", "create", "shop-index", "--purpose", "index")
        self.service.apply_catalog((EXAMPLES / "catalog.toml").read_text())
        make = Cluster if typed else Postgres
        self.postgres = self.stack.enter_context(
            contextlib.closing(make({**LOGS_ALL, **(PRELOADED if typed else {})}).start()))
        self.postgres.create_database("shop")
        self.query("CREATE EXTENSION coffer" if typed else (REPOSITORY / "pgext/sql/coffer-l1.sql").read_text())
        self.query((EXAMPLES / "schema.sql").read_text())
        if typed:
            for field in FIELDS:
                self.query(f"ALTER TABLE customer ALTER {field} TYPE coffer.ciphertext; SECURITY LABEL FOR coffer ON "
                           f"COLUMN customer.{field} IS 'field=shop.customer.{field}'")

    def close(self):
        self.stack.close()

    def query(self, sql):
        return self.postgres.query(sql, "shop")

    def start(self, command, lines):
        environment = environment_for(self.postgres.environment("shop"), self.service.server,
                                      PYTHONPATH=str(built() / "python"))
        return subprocess.run(command, input="".join(f"{line}\n" for line in lines).encode(), capture_output=True,
                              check=False, timeout=DEADLINE_S, env=environment, cwd=self.service.folder)

    def run(self, program, lines=(), arguments=()):
        """The lines that an example's program prints."""
        return self._printed(self.start([built() / program, *arguments], lines), program)

    def python(self, *arguments, lines):
        return self._printed(self.start([PYTHON_EXAMPLE, *arguments], lines), "python")

    @staticmethod
    def _printed(done, name):
        if done.returncode != 0:
            raise AssertionError(f"{name}: exit {done.returncode}: {done.stderr.decode()}")
        return done.stdout.decode().splitlines()

    def apply(self, lines):
        """The catalog with more lines in each index."""
        text = (EXAMPLES / "catalog.toml").read_text()
        self.service.ok("apply", self.service.write("catalog.toml", re.sub(r"(?m)^kind .*", rf"\g<0>\n{lines}", text)))


def of(found, candidates):
    return [*found, f"{len(found)} of {candidates} candidates"]


class Level1(unittest.TestCase):
    typed = False

    def setUp(self):
        self.world = World(self.typed)
        self.addCleanup(self.world.close)
        self.assertEqual(self.world.run("load"), [f"customer {number}" for number in range(1, 9)])

    def searches_find_what_is_meant(self):
        for program, lines, meant in SEARCHES:
            with self.subTest(program=program, lines=lines):
                printed = self.world.run(program, lines)
                self.assertEqual(printed[:-1], meant)
                self.assertRegex(printed[-1], rf"^{len(meant)} of \d+ candidates$")

    def test_each_search_finds_what_is_meant_and_the_log_holds_nothing_of_it(self):
        self.searches_find_what_is_meant()
        self.assertEqual(self.world.run("unique", ["ＡＤＡ@Lovelace.example"]), [TAKEN, *of([ADA], 1)])
        with self.assertRaises(PostgresError):
            self.world.query("UPDATE customer SET city = 'plaintext'")
        self.assertEqual(self.world.query("SELECT count(*) FROM customer"), [["8"]])
        self.world.query(f"CREATE TABLE control AS SELECT '{ADA}' AS line; CHECKPOINT")
        self.world.postgres.stop()
        places = {"log": self.world.postgres.log().encode(),
                  **{name: content for name, content in files_below(self.world.postgres.folder).items()
                     if name != "server.log"}}
        of_ada = set(VALUES) & set(ADA.split("  ", 1)[1].split(", "))
        self.assertEqual(findings([value for value in VALUES if value not in of_ada], places), [])
        for value in of_ada:  # planted into both by the statement above, and only there
            self.assertGreater(len(findings([value], places)), 1)
            self.assertEqual(places["log"].count(value.encode()), places["log"].count(ADA.encode()))

    def test_candidates_that_are_something_else_are_dropped(self):
        searches = {"equality": ["ada@lovelace.example"], "prefix": ["ada"], "substring": ["lovelace"],
                    "range": ["54000", "54000"], "compound": ["ada lovelace", "london"]}
        self.world.query("UPDATE customer SET " + ", ".join(
            f"{column} = (SELECT {column} FROM customer WHERE id = 1)" for column in TOKENS if "unique" not in column))
        for program, lines in searches.items():
            with self.subTest(program=program):
                self.assertEqual(self.world.run(program, lines), of([ADA], 8))
        self.assertEqual(self.world.python("find", "part", lines=["lovelace"]), of([ADA], 8))

    def test_a_value_that_was_moved_to_another_row_ends_the_search(self):
        self.world.query("UPDATE customer SET email = (SELECT email FROM customer WHERE id = 1) WHERE id = 2")
        for command in ([built() / "equality"], [PYTHON_EXAMPLE, "find", "exact"]):
            done = self.world.start(command, ["grace.hopper@navy.example"])
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertIn(b"a customer's row does not decrypt", done.stderr)

    def test_the_protos_stand_alone(self):
        mary = ["Mary Jackson", "mary@nasa.example", "Hampton", "58000"]
        line = "9  Mary Jackson, Hampton, mary@nasa.example, 58000"
        self.assertEqual(self.world.python("add", lines=mary), ["customer 9"])
        self.assertEqual(self.world.python("add", lines=["Another", " MARY@nasa.example", "Paris", "1"]), [TAKEN])
        for find in (lambda *words, lines: self.world.python("find", *words, lines=lines),
                     lambda index, lines: self.world.run({"exact": "equality", "part": "substring"}[index], lines)):
            self.assertEqual(find("exact", lines=["mary@NASA.example"]), of([line], 1))
            self.assertEqual(find("part", lines=["JACK"]), of([line], 1))
            self.assertEqual(find("exact", lines=["ada@lovelace.example"]), of([ADA], 1))
        self.assertEqual(self.world.query(f"SELECT count(*) FROM customer WHERE num_nulls({', '.join(TOKENS)}) > 0"),
                         [["0"]])

    def tokens(self, unique):
        columns = ", ".join(TOKENS).replace("email_unique", unique)
        return self.world.query(f"SELECT {columns} FROM customer ORDER BY id")

    def versions(self):
        return self.world.query(f"SELECT DISTINCT ARRAY[{', '.join(VERSIONS)}] FROM customer ORDER BY 1")

    def test_an_index_rotates_while_both_keys_find_and_then_the_old_tokens_are_gone(self):
        before = self.tokens("email_unique")
        self.world.query("ALTER TABLE customer ADD email_unique_2 bytea; "
                         "CREATE UNIQUE INDEX ON customer (email_unique_2)")
        self.world.service.ok("keyring", "rotate", "shop-index")
        self.world.apply("")
        done = self.world.start([built() / "write_again", "2"], [])
        self.assertEqual((done.returncode, done.stderr), (1, b"the catalog still writes an older version\n"))
        self.world.apply("write_version = 2")
        self.assertEqual(self.world.run("unique", ["new@one.example"])[0], "customer 9")
        self.assertEqual(self.versions(), [["{1,1,1,1,1}"], ["{2,2,2,2,2}"]])
        self.assertEqual(self.world.query("SELECT id FROM customer WHERE email_unique_2 IS NOT NULL"), [["9"]])
        self.searches_find_what_is_meant()
        self.assertEqual(self.world.run("equality", ["new@ONE.example"])[-1], "1 of 1 candidates")
        self.assertEqual(self.world.run("unique", ["ADA@lovelace.example"])[0], TAKEN)

        self.assertEqual(self.world.run("write_again", arguments=["2"]), ["8 customers written again"])
        self.assertEqual(self.world.run("write_again", arguments=["2"]), ["0 customers written again"])
        self.assertEqual(self.versions(), [["{2,2,2,2,2}"]])
        self.world.query("ALTER TABLE customer ADD CHECK (email_unique_2 IS NOT NULL)")
        self.world.apply("write_version = 2\noldest_version = 2")
        self.world.query("ALTER TABLE customer DROP COLUMN email_unique")
        for old, new in zip(before, self.tokens("email_unique_2")):
            for column, was, now in zip(TOKENS, old, new):
                self.assertNotEqual(was, now, column)
        self.searches_find_what_is_meant()
        self.assertEqual(self.world.run("unique", ["ADA@lovelace.example"])[0], TAKEN)


class Level2(Level1):
    typed = True

    @classmethod
    def setUpClass(cls):
        Build.folder = Programs.bin.parent / "pgext"
        if not all((Build.folder / name).exists() for name in BUILT):
            raise unittest.SkipTest("the extension is not built")


class Readme(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="coffer-e2e-readme-")))
        self.postgres = Postgres().start()
        self.addCleanup(self.postgres.close)

    def start_dev(self):
        """COFFER_SERVER as `cofferd dev` prints it."""
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", Programs.cofferd(), "dev"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   env=clean_environment(XDG_RUNTIME_DIR=str(self.folder)), cwd=self.folder)
        self.addCleanup(process.wait, DEADLINE_S)
        self.addCleanup(process.send_signal, signal.SIGTERM)
        self.addCleanup(process.stdout.close)
        os.set_blocking(process.stdout.fileno(), False)
        text = []

        def printed():
            text.append(process.stdout.read() or b"")
            return re.search(rb"export COFFER_SERVER=(\S+)\n", b"".join(text))
        return wait_until(printed, "cofferd dev prints its address", process)[1].decode()

    def test_every_command_prints_what_stands_behind_it(self):
        clone = self.folder / "clone"
        (clone / "build").mkdir(parents=True)
        (clone / "build/release").symlink_to(Programs.bin.parent)
        for name in ("examples", "pgext"):
            (clone / name).symlink_to(REPOSITORY / name)
        text = (EXAMPLES / "README.md").read_text().replace("/tmp/shop", str(self.folder / "shop"))
        blocks = re.findall(r"(?ms)^```sh\n(.*?)^```$", text)
        environment = environment_for(self.postgres.environment(), self.start_dev())
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", "\n".join(blocks)], cwd=clone, env=environment,
                              check=False, capture_output=True, timeout=2 * DEADLINE_S)
        printed = done.stdout.decode()
        self.assertEqual(done.returncode, 0, f"{printed}{done.stderr.decode()}")
        at = 0
        expected = re.findall(r"(?m)^# (.*)$", "\n".join(blocks))
        self.assertGreater(len(expected), 15)
        for line in expected:
            found = printed.find(line, at)
            self.assertGreaterEqual(found, 0, f"{line}\n{printed}")
            at = found + len(line)


if __name__ == "__main__":
    exit_unless_installed()
    run(globals())
