"""What the extension costs, over a million rows: COPY into bytea, into bytea under the CHECK of either level, into
coffer.ciphertext, in text and in binary; then a census, and ALTER TYPE there and back. Passes take turns, and the
medians are printed, as ratios to bytea of the same run too. Not a test: it asserts nothing.

    python3 tests/pgext/copy_bench.py <folder of the built extension> [rows] [passes]
"""

import pathlib
import statistics
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from extension_server import Build, Cluster, exit_unless_installed  # noqa: E402
import postgres  # noqa: E402

postgres.DEADLINE_S = 600  # of one statement
SETTINGS = {"synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "1GB", "max_wal_size": "8GB",
            "autovacuum": "off", "checkpoint_timeout": "1h", "statement_timeout": "600s"}
SOURCE = """CREATE TABLE source AS SELECT g::bigint AS id,
  decode('c1c2' || lpad(to_hex(1 + g % 3), 16, '0') || repeat(md5(g::text), 5) || '000102', 'hex') AS c
  FROM generate_series(1, {rows}) AS g;
COPY source TO '{folder}/rows.text'; COPY source TO '{folder}/rows.binary' WITH (FORMAT binary);
CREATE TABLE plain (id bigint, c bytea); ALTER TABLE plain ALTER c SET STORAGE EXTERNAL;
CREATE TABLE checked (id bigint, c bytea); SELECT coffer.protect('checked', 'c');"""


class Bench:
    def __init__(self, cluster, rows, passes):
        self.cluster, self.rows, self.passes = cluster, rows, passes

    def seconds(self, sql, database):
        """(on the clock, of the processor) inside one session, so starting psql is in neither. Beside other programs
        the second one says more; the kernel counts it in ns."""
        spent = "pg_read_file('/proc/self/schedstat', 0, 20)"
        lines = self.cluster.query(
            f"SELECT clock_timestamp() AS t, {spent} AS spent \\gset\n{sql};\n"
            "SELECT extract(epoch FROM clock_timestamp() - :'t'), "
            f"split_part({spent}, ' ', 1)::bigint - split_part(:'spent', ' ', 1)::bigint", database)
        return float(lines[-1][0]), int(lines[-1][1]) / 1e9

    def copy(self, table, form, database):
        self.cluster.query(f"TRUNCATE {table}", database)
        file = f"{self.cluster.folder}/{database}/rows.{form}"
        return self.seconds(f"COPY {table} FROM '{file}' WITH (FORMAT {form})", database)

    def compare_copies(self):
        variants = {"bytea": ("plain", "l2"), "bytea, CHECK of level 1": ("checked", "l1"),
                    "bytea, CHECK of level 2": ("checked", "l2"), "coffer.ciphertext": ("typed", "l2")}
        for form in ("binary", "text"):
            taken = {name: [] for name in variants}
            for turn in range(self.passes + 1):
                for name, where in variants.items():
                    seconds = self.copy(*where[:1], form, where[1])
                    if turn > 0:  # the first one makes the files
                        taken[name].append(seconds)
            base = [statistics.median(both) for both in zip(*taken["bytea"])]
            for name, all_of_it in taken.items():
                clock, cpu = (statistics.median(both) for both in zip(*all_of_it))
                print(f"COPY {form:6}  {name:24}  clock {clock:6.3f} s  x {clock / base[0]:5.3f}   "
                      f"cpu {cpu:6.3f} s  x {cpu / base[1]:5.3f}")

    def others(self):
        off = "SET max_parallel_workers_per_gather = 0;"
        for name, sql, database in (
                ("count(c), nothing read", f"{off} SELECT count(c) FROM plain", "l2"),
                ("census, level 1", f"{off} SELECT * FROM coffer.census('checked', 'c')", "l1"),
                ("census, level 2, bytea", f"{off} SELECT * FROM coffer.census('checked', 'c')", "l2"),
                ("census, level 2, typed", f"{off} SELECT * FROM coffer.census('typed', 'c')", "l2"),
                ("VALIDATE CONSTRAINT, level 1", "ALTER TABLE checked VALIDATE CONSTRAINT c_is_ciphertext", "l1"),
                ("VALIDATE CONSTRAINT, level 2", "ALTER TABLE checked VALIDATE CONSTRAINT c_is_ciphertext", "l2"),
                ("ALTER TYPE coffer.ciphertext", "ALTER TABLE plain ALTER c TYPE coffer.ciphertext", "l2"),
                ("ALTER TYPE bytea", "ALTER TABLE plain ALTER c TYPE bytea USING c::bytea", "l2")):
            clock, cpu = self.seconds(sql, database)
            print(f"{name:38}  clock {clock:6.3f} s             cpu {cpu:6.3f} s")


def main():
    Build.folder = pathlib.Path(sys.argv[1]).resolve()
    rows, passes = int((sys.argv + [0, 0])[2] or 1000000), int((sys.argv + [0, 0, 0])[3] or 7)
    exit_unless_installed()
    cluster = Cluster(SETTINGS)
    try:
        cluster.start()
        for level in ("l1", "l2"):
            cluster.create_with(level, level)
            folder = cluster.folder / level
            folder.mkdir()
            if cluster.uid is not None:
                postgres.os.chown(folder, cluster.uid, -1)
            cluster.query(SOURCE.format(rows=rows, folder=folder), level)
        cluster.query("CREATE TABLE typed (id bigint, c coffer.ciphertext)", "l2")
        print(f"{rows} rows of 93 bytes, {passes} passes, {time.strftime('%Y-%m-%d')}, "
              f"{cluster.query('SHOW server_version')[0][0]}")
        bench = Bench(cluster, rows, passes)
        bench.compare_copies()
        bench.others()
    finally:
        cluster.close()


if __name__ == "__main__":
    main()
