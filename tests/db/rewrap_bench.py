"""Measures `coffer db rewrap` and `coffer db census` on a PostgreSQL table (1,000,000 rows unless told) that is read
all the while, beside plain UPDATEs of as many rows: one statement, and batches of 1,000 by the primary key.

    python3 tests/db/rewrap_bench.py <folder of cofferd and coffer> [rows]

fsync is on. The readers are two clients of pgbench that fetch one row by its key; what they say of themselves is with
nothing else running, and during the rewrap.
"""

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

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


class Bench:
    def __init__(self, service, postgres, rows):
        self.service, self.postgres, self.rows = service, postgres, rows
        self.name = f"postgresql:///shop?host={postgres.sockets}&user=postgres"

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
        self.sql("VACUUM ANALYZE")

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

    def run(self):
        self.fill()
        readers = self.readers()
        with contextlib.suppress(subprocess.TimeoutExpired):
            readers.wait(8)
        alone = self.end(readers)
        self.service.ok("keyring", "rotate", "shop")
        self.row("UPDATE, one statement", self.sql("UPDATE whole SET email = email"))
        self.row("UPDATE, batches of 1,000", self.sql(BATCHES.format(rows=self.rows)))
        readers = self.readers()
        self.row("UPDATE, batches of 1,000, readers running", self.sql(BATCHES.format(rows=self.rows)))
        beside_update = self.end(readers)
        readers = self.readers()
        seconds, report = self.coffer("db", "rewrap", self.name, "--field", "shop.user.email", "--role", "dba")
        beside = self.end(readers)
        (field,) = report["fields"]
        self.row("coffer db rewrap, readers running", seconds, f"{field['rewrapped']} in {field['passes']} passes")
        self.row("coffer db rewrap again: nothing to do",
                 self.coffer("db", "rewrap", self.name, "--field", "shop.user.email")[0])
        seconds, census = self.coffer("db", "census", self.name, "--column", "user.email")
        self.row("coffer db census", seconds, f"{len(census['keys'])} key")
        read = {"alone": alone, "beside the UPDATEs": beside_update, "beside the rewrap": beside}
        for what, (rate, latency) in read.items():
            print(f"readers {what}: {rate:,.0f} a second, {latency:.2f} ms")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    exit_unless_installed()
    Programs.bin = pathlib.Path(sys.argv[1]).resolve()
    rows = int(sys.argv[2]) if len(sys.argv) == 3 else 1_000_000
    with contextlib.closing(Postgres(SETTINGS).start()) as postgres, contextlib.closing(Service()) as service:
        postgres.create_database("shop")
        service.start_initialised()
        service.apply_catalog()
        Bench(service, postgres, rows).run()


if __name__ == "__main__":
    main()
