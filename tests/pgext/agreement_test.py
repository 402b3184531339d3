"""Level 1, level 2 and docs/FORMAT.md, written down a third time here, agree on what a field ciphertext is: over the
vectors and over values that are nearly ones.
"""

import json
import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from extension_server import REPOSITORY, Cluster, ciphertext, run, seeded_random  # noqa: E402

LEAST = {1: 50, 2: 82, 4: 26}
MADE = 20000


def form(value):
    """(key id, suite), or None."""
    if len(value) < 10 or value[0] != 0xC1 or value[1] & 0x10:
        return None
    suite, padded, row_bound = value[1] & 0x0F, value[1] >> 7, value[1] & 0x40
    key_id = int.from_bytes(value[2:10], "big")
    if suite not in LEAST or (suite == 4 and row_bound) or len(value) < LEAST[suite] + padded:
        return None
    return (key_id, suite) if 0 < key_id < 2**63 else None


def vectors():
    for name in ("field_ciphertext.json", "field_ciphertext_siv.json"):
        file = json.loads((REPOSITORY / "tests/vectors" / name).read_text())
        for kind in ("positive", "negative"):
            for case in file[kind]:
                if "ciphertext" in case:
                    yield kind, bytes.fromhex(case["ciphertext"])


def nearly(source):
    """A value around a border: any second byte, a length near the least one, now and then a broken header."""
    second_byte = source.randrange(256)
    key_id = source.choice((0, 1, 2**63 - 1, 2**63, 2**64 - 1, source.getrandbits(63), source.getrandbits(8) << 8))
    least = LEAST.get(second_byte & 0x0F, 50) + source.choice((-1, 0, 0, 1, 2, 40, -40))
    value = bytearray([0xC1, second_byte, *key_id.to_bytes(8, "big"), *source.randbytes(200)])[:max(least, 0)]
    if value and source.random() < 0.2:
        value[source.randrange(min(len(value), 10))] = source.randrange(256)
    return bytes(value)


QUESTION = """CREATE TABLE t (id int, value bytea);
\\copy t FROM 'values.txt'
SELECT id, coffer.is_ciphertext(value), coffer.key_id(value), coffer.suite(value) FROM t ORDER BY id"""
TAKEN = """CREATE FUNCTION takes(value text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN PERFORM value::coffer.ciphertext; RETURN true;
EXCEPTION WHEN invalid_text_representation THEN RETURN false; END $$;
CREATE FUNCTION takes(value bytea) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN PERFORM value::coffer.ciphertext; RETURN true;
EXCEPTION WHEN invalid_binary_representation THEN RETURN false; END $$;
SELECT count(*) FILTER (WHERE NOT is_it), count(*) FILTER (WHERE takes(value) <> is_it OR takes(value::text) <> is_it)
  FROM (SELECT value, coffer.is_ciphertext(value) AS is_it FROM t) AS v"""


class Agreement(unittest.TestCase):
    def test_all_agree(self):
        cluster = Cluster().start()
        self.addCleanup(cluster.close)
        source = seeded_random()
        cases = list(vectors())
        self.assertTrue(all(form(value) for kind, value in cases if kind == "positive"))
        values = [value for _, value in cases] + [nearly(source) for _ in range(MADE)] + [b"", ciphertext()]
        forms = [form(value) for value in values]
        expected = [[str(i), "t", str(of[0]), str(of[1])] if of else [str(i), "f", None, None]
                    for i, of in enumerate(forms)]
        good = sum(row[1] == "t" for row in expected)
        self.assertGreater(good, MADE // 20)
        self.assertGreater(len(values) - good, MADE // 20)
        (cluster.folder / "values.txt").write_text("".join(f"{i}\t\\\\x{v.hex()}\n" for i, v in enumerate(values)))
        for level in ("l1", "l2"):
            with self.subTest(level=level):
                cluster.create_with(level, level)
                self.assertTrue(cluster.query(QUESTION, level, cwd=cluster.folder) == expected)
        self.assertEqual(cluster.query(TAKEN, "l2"), [[str(len(values) - good), "0"]])


if __name__ == "__main__":
    run(globals())
