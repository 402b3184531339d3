"""The end of a key on a PostgreSQL table (1,000,000 rows unless told) that is read all the while: rotate, rewrap, count
to zero, and only then destroy. Measures `coffer db rewrap` and `coffer db census`, beside plain UPDATEs of as many
rows: one statement, and batches of 1,000 by the primary key. Ends with 1 when a step does not do what it should.

    python3 bench/database_rewrap.py <folder of cofferd and coffer> [rows]

fsync is on. The readers are two clients of pgbench that fetch one row by its key; what they say of themselves is with
nothing else running, and during the rewrap. Who rewraps is a role that may do no more than this.
"""

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/e2e"))

from postgres import Postgres, exit_unless_installed  # noqa: E402
from service import Programs, Service, clean_environment  # noqa: E402

SETTINGS = {"fsync": "on", "shared_buffers": "512MB", "max_wal_size": "4GB", "statement_timeout": "0"}
TABLE = "CREATE TABLE {name} (id bigint PRIMARY KEY, email bytea); ALTER TABLE {name} ALTER email SET STORAGE EXTERNAL;"
BATCHES = """
DO $$ BEGIN
  FOR low IN 0 .. {rows} - 1 BY 1000 LOOP
    UPDATE batched SET email = email WHERE id >= low AND id < low + 1000;
    COMMIT;
  END LOOP;
END $$;
"""


FIELD = ("--field", "shop.user.email")


class Bench:
    def __init__(self, service, postgres, rows):
        self.service, self.postgres, self.rows = service, postgres, rows
        self.name = f"postgresql:///shop?host={postgres.sockets}&user=dba"

    def sql(self, text):
        began = time.monotonic()
        environment = self.postgres.environment("shop")
        subprocess.run([self.postgres.bin / "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"],
                       input=text.encode(), check=True, env=environment, cwd=self.service.folder,
                       stdout=subprocess.DEVNULL)
        return time.monotonic() - began

    def coffer(self, *arguments):
        began = time.monotonic()
        done = subprocess.run([Programs.coffer(), *arguments, "--output", "json"], check=True, capture_output=True,
                              env=clean_environment(COFFER_SERVER=self.service.server), cwd=self.service.folder)
        return time.monotonic() - began, json.loads(done.stdout or "null")

    def fill(self):
        plain = self.service.folder / "plain.csv"
        with open(plain, "w", encoding="ascii") as file:
            file.write("id,email\n")
            file.writelines(f"{i},user{i:07}.of.this.shop@example.org\n" for i in range(self.rows))
        self.coffer("field", "encrypt", "--field", "shop.user.email", "--row", "id", "--ciphertext", "hex",
                    "--in", "plain.csv", "--out", "encrypted.csv")
        copy = "\\copy {name} FROM 'encrypted.csv' CSV HEADER\n"
        for name in ('"user"', "whole", "batched"):
            self.sql(TABLE.format(name=name) + "\n" + copy.format(name=name))
        self.sql("VACUUM ANALYZE; CREATE ROLE dba LOGIN; GRANT SELECT, UPDATE (email) ON \"user\" TO dba")

    def readers(self):
        script = self.service.folder / "read.sql"
        script.write_text(f'\\set id random(0, {self.rows - 1})\nSELECT email FROM "user" WHERE id = :id;\n')
        return subprocess.Popen([self.postgres.bin / "pgbench", "--no-vacuum", "--client=2", "--time=100000",
                                 "--progress=1", f"--file={script}"], env=self.postgres.environment("shop"),
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    @staticmethod
    def end(readers):
        """Transactions a second and their mean latency in ms, over the whole seconds."""
        readers.terminate()
        lines = re.findall(r"progress: [\d.]+ s, ([\d.]+) tps, lat ([\d.]+) ms", readers.communicate()[1])
        return [sum(float(line[i]) for line in lines) / max(len(lines), 1) for i in (0, 1)]

    def row(self, what, seconds, more=""):
        print(f"{what:<44}{seconds:8.1f} s{self.rows / seconds:12,.0f} rows/s  {more}", flush=True)

    def count(self):
        """The census, reported; values by key."""
        seconds, census = self.coffer("db", "census", self.name, *FIELD, "--report", "shop-db")
        self.row("coffer db census, reported", seconds, f"{len(census['keys'])} key")
        return {key["key_id"]: key["values"] for key in census["keys"]}

    def destroy_is_refused(self, when):
        done = self.service.run("keyring", "destroy", "shop", "1", "--ask", "retired")
        if done.returncode != 1 or b"shop-db" not in done.stderr:
            sys.exit(f"destroyed {when}: {done.stderr.decode()}")
        print(f"keyring destroy shop 1, {when}: refused, shop-db stands in the way", flush=True)

    def destroy(self):
        self.service.people.approved("keyring", "destroy", "shop", "1")
        print("keyring destroy shop 1, counted to zero: approved by another person, scheduled", flush=True)

    def measure_plain_updates(self):
        readers = self.readers()
        with contextlib.suppress(subprocess.TimeoutExpired):
            readers.wait(8)
        read = {"alone": self.end(readers)}
        self.row("UPDATE, one statement", self.sql("UPDATE whole SET email = email"))
        self.row("UPDATE, batches of 1,000", self.sql(BATCHES.format(rows=self.rows)))
        readers = self.readers()
        self.row("UPDATE, batches of 1,000, readers running", self.sql(BATCHES.format(rows=self.rows)))
        read["beside the UPDATEs"] = self.end(readers)
        return read

    def run(self):
        self.fill()
        self.service.ok("census", "add", "shop-db", "--max-age", "1h")
        read = self.measure_plain_updates()
        self.service.ok("keyring", "rotate", "shop")
        (old,) = self.count()
        self.destroy_is_refused("before the rewrap")
        readers = self.readers()
        seconds, report = self.coffer("db", "rewrap", self.name, *FIELD, "--role", "dba")
        read["beside the rewrap"] = self.end(readers)
        (field,) = report["fields"]
        self.row("coffer db rewrap, readers running", seconds, f"{field['rewrapped']} in {field['passes']} passes")
        self.row("coffer db rewrap again: nothing to do", self.coffer("db", "rewrap", self.name, *FIELD)[0])
        self.destroy_is_refused("rewrapped and not counted")
        counted = self.count()
        if old in counted or sum(counted.values()) != self.rows:
            sys.exit("the census is not zero for the old key, or values are missing")
        self.destroy()
        for what, (rate, latency) in read.items():
            print(f"readers {what}: {rate:,.0f} a second, {latency:.2f} ms")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    exit_unless_installed()
    Programs.bin = pathlib.Path(sys.argv[1]).resolve()
    rows = int(sys.argv[2]) if len(sys.argv) == 3 else 1_000_000
    with contextlib.closing(Postgres(SETTINGS).start()) as postgres, \
            contextlib.closing(Service(people=True)) as service:
        postgres.create_database("shop")
        service.start_initialised()
        service.apply_catalog()
        service.people.apply(service.people.policy(1))
        Bench(service, postgres, rows).run()


if __name__ == "__main__":
    main()
