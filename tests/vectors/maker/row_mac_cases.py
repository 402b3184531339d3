"""row_mac.json: row MACs, MACs of deleted rows and heads (docs/FORMAT.md, section 4)."""

from maker.cases import CaseFile, flip, seeded
from maker.derivation import derive
from maker.integrity import encode_columns, head_mac, multiset_sum, row_mac, row_message, term
from maker.primitives import hmac_sha256, xor
from maker.values import NULL, composite, encode_single, int64, lp, raw_bytes, text, u64, uuid

ROOT, STORE = seeded("row root key", 32), seeded("row store", 16)
KEY = uuid(seeded("row primary key", 16))
BASE = {"root_key": ROOT, "store": STORE, "table": "data_key", "primary_key": KEY, "row_epoch": 7,
        "row": [KEY, int64(3), text("enabled"), raw_bytes(seeded("row wrapped", 114)), NULL]}


def mac_of(row):
    return row_mac(row["root_key"], row["store"], row["table"], row["primary_key"],
                   row["row_epoch"], row["row"])


def row_fields(row, mac):
    return {"kind": "deletion" if row["row"] is None else "row", "root_key": row["root_key"].hex(),
            "store": row["store"].hex(), "table": row["table"], "primary_key": row["primary_key"],
            "row_epoch": str(row["row_epoch"]), "row": row["row"],
            "encoded_row": encode_columns(row["row"]).hex(), "mac": mac.hex()}


ROWS = [
    ("the base row", {}),
    ("a row of one column", {"row": [KEY]}),
    ("an integer key", {"primary_key": int64(42), "row": [int64(42), text("x")]}),
    ("a text key", {"table": "keyring", "primary_key": text("shop"), "row": [text("shop"), KEY]}),
    ("a bytes key", {"primary_key": raw_bytes(b"\0\xff"), "row": [raw_bytes(b"\0\xff")]}),
    ("a composite key", {"table": "secret", "primary_key": composite(KEY, int64(1)),
                         "row": [KEY, int64(1), raw_bytes(b"value")]}),
    ("a row with NULLs only after its key", {"row": [KEY, NULL, NULL, NULL]}),
    ("empty text and empty bytes", {"row": [KEY, text(""), raw_bytes(b"")]}),
    ("least and greatest integers", {"row": [KEY, int64(-2**63), int64(2**63 - 1)]}),
    ("text beyond ASCII", {"row": [KEY, text("Gr\u00fc\u00dfe \U0001f511")]}),
    ("row epoch 0", {"row_epoch": 0}), ("row epoch 2^63 - 1", {"row_epoch": 2**63 - 1}),
    ("row epoch 2^64 - 1", {"row_epoch": 2**64 - 1}),
    ("255 columns", {"row": [KEY] + [int64(i % 10) for i in range(254)]}),
    ("a column of 1000 bytes", {"row": [KEY, raw_bytes(bytes(1000))]}),
    ("another store", {"store": seeded("row store 2", 16)}),
    ("another root key", {"root_key": seeded("row root key 2", 32)}),
    ("a long table name", {"table": "t" * 63}),
]
DELETIONS = [
    ("the base row deleted", {}), ("an integer key deleted", {"primary_key": int64(42)}),
    ("a composite key deleted", {"table": "secret", "primary_key": composite(KEY, int64(1))}),
    ("a text key deleted", {"table": "keyring", "primary_key": text("shop")}),
    ("deleted at row epoch 2^63 - 1", {"row_epoch": 2**63 - 1}),
]


def add_row_positives(cases):
    for title, change in ROWS:
        row = {**BASE, **change}
        cases.positive("row: " + title, **row_fields(row, mac_of(row)))
    for title, change in DELETIONS:
        row = {**BASE, "row": None, **change}
        cases.positive("deletion: " + title, **row_fields(row, mac_of(row)))


def replaced(index, value):
    return {"row": BASE["row"][:index] + [value] + BASE["row"][index + 1:]}


ALTERED = [
    ("another root key", {"root_key": seeded("row root key 2", 32)}),
    ("another store", {"store": seeded("row store 2", 16)}),
    ("another table", {"table": "keyring"}), ("a table name cut", {"table": "data_ke"}),
    ("a table name in upper case", {"table": "DATA_KEY"}), ("no table name", {"table": ""}),
    ("another primary key", {"primary_key": uuid(seeded("row primary key 2", 16))}),
    ("the primary key as bytes", {"primary_key": raw_bytes(bytes.fromhex(KEY["value"]))}),
    ("the primary key as text", {"primary_key": text(KEY["value"])}),
    ("a composite primary key", {"primary_key": composite(KEY, int64(3))}),
    ("row epoch one less", {"row_epoch": 6}), ("row epoch one more", {"row_epoch": 8}),
    ("row epoch 0", {"row_epoch": 0}), ("row epoch 7 * 2^32", {"row_epoch": 7 << 32}),
    ("another primary key column", replaced(0, uuid(seeded("row primary key 2", 16)))),
    ("another integer", replaced(1, int64(4))), ("the integer as NULL", replaced(1, NULL)),
    ("the integer as text", replaced(1, text("3"))),
    ("the integer as bytes", replaced(1, raw_bytes(bytes(7) + b"\x03"))),
    ("the integer negative", replaced(1, int64(-3))),
    ("another text", replaced(2, text("disabled"))),
    ("the text as bytes", replaced(2, raw_bytes(b"enabled"))),
    ("the text in upper case", replaced(2, text("Enabled"))),
    ("the text with a space", replaced(2, text("enabled "))),
    ("the text as NULL", replaced(2, NULL)),
    ("the text empty", replaced(2, text(""))),
    ("a bit flipped in the bytes", replaced(3, raw_bytes(flip(seeded("row wrapped", 114), 50)))),
    ("the bytes one shorter", replaced(3, raw_bytes(seeded("row wrapped", 113)))),
    ("the bytes empty", replaced(3, raw_bytes(b""))),
    ("the NULL as empty text", replaced(4, text(""))),
    ("the NULL as empty bytes", replaced(4, raw_bytes(b""))),
    ("the NULL as zero", replaced(4, int64(0))),
    ("two columns exchanged", {"row": [BASE["row"][i] for i in (0, 2, 1, 3, 4)]}),
    ("the last column missing", {"row": BASE["row"][:4]}),
    ("the first column missing", {"row": BASE["row"][1:]}),
    ("a NULL column more", {"row": BASE["row"] + [NULL]}), ("only the key column", {"row": [KEY]}),
    ("the row read as deleted", {"row": None}),
]


def add_negative(cases, title, why, row, mac):
    assert mac_of(row) != mac, title
    cases.negative(title, why, **row_fields(row, mac))


def add_row_negatives(cases):
    mac = mac_of(BASE)
    for title, change in ALTERED:
        add_negative(cases, "row: base MAC with " + title, "every part of the row is under the MAC",
                     {**BASE, **change}, mac)
    shifted = {**BASE, "table": "ab", "primary_key": text("c"), "row": [text("c")]}
    moved = {**shifted, "table": "a", "primary_key": text("bc")}
    add_negative(cases, "row: a byte moved from the table to the key", "each part has its length",
                 moved, mac_of(shifted))
    for title, bad in wrong_macs(mac):
        add_negative(cases, "row: the MAC " + title, "the MAC is 32 bytes, compared whole", BASE,
                     bad)
    for title, bad in wrong_constructions():
        add_negative(cases, "row: a MAC " + title, "the construction is exactly the page's", BASE,
                     bad)


def wrong_macs(mac):
    return [("with its first bit flipped", flip(mac, 0, 7)),
            ("with a middle bit flipped", flip(mac, 16)),
            ("with its last bit flipped", flip(mac, 31)), ("cut to 31 bytes", mac[:31]),
            ("cut to 16 bytes", mac[:16]), ("of no bytes", b""), ("with a byte more", mac + b"\0"),
            ("of zeros", bytes(32)), ("reversed", mac[::-1])]


def wrong_constructions():
    meta, message = derive(ROOT, "meta", STORE), row_message(
        STORE, BASE["table"], KEY, BASE["row_epoch"], BASE["row"])
    columns = b"".join(encode_single(value) for value in BASE["row"])
    head = message[:-len(lp(encode_columns(BASE["row"])))]
    return [
        ("under the root key", hmac_sha256(ROOT, message)),
        ("under the key of label set", hmac_sha256(derive(ROOT, "set", STORE), message)),
        ("under a key of no store", hmac_sha256(derive(ROOT, "meta"), message)),
        ("without its label", hmac_sha256(meta, message[14:])),
        ("without the zero after its label", hmac_sha256(meta, message[:13] + message[14:])),
        ("with a bare store id", hmac_sha256(meta, message[:14] + message[18:])),
        ("without the column count", hmac_sha256(meta, head + lp(columns))),
        ("without the row's length", hmac_sha256(meta, head + encode_columns(BASE["row"]))),
        ("without the row", hmac_sha256(meta, head))]


def add_deletion_negatives(cases):
    gone = {**BASE, "row": None}
    mac = mac_of(gone)
    for title, change in (
            ("another root key", {"root_key": seeded("row root key 2", 32)}),
            ("another store", {"store": seeded("row store 2", 16)}),
            ("another table", {"table": "keyring"}),
            ("another primary key", {"primary_key": uuid(seeded("row primary key 2", 16))}),
            ("another row epoch", {"row_epoch": 8}), ("the row still there", {"row": BASE["row"]})):
        add_negative(cases, "deletion: base MAC with " + title,
                     "a deletion is bound to its row and epoch", {**gone, **change}, mac)
    for title, bad in (("with its first bit flipped", flip(mac, 0, 7)),
                       ("with its last bit flipped", flip(mac, 31)), ("cut to 31 bytes", mac[:31]),
                       ("of the row before", mac_of(BASE))):
        add_negative(cases, "deletion: the MAC " + title, "the MAC of a deletion is its own", gone,
                     bad)
    meta = derive(ROOT, "meta", STORE)
    head = row_message(STORE, BASE["table"], KEY, BASE["row_epoch"], None)[:-4]
    for title, end in (("over no LP(row)", b""), ("over a row of no columns", lp(b"\0")),
                       ("over a row of one NULL", lp(b"\x01\0"))):
        add_negative(cases, "deletion: a MAC " + title, "LP(row) of a deleted row is 00000000",
                     gone, hmac_sha256(meta, head + end))


def head_fields(head):
    return {"kind": "head", "root_key": head["root_key"].hex(), "store": head["store"].hex(),
            "store_epoch": str(head["store_epoch"]),
            "row_macs": [mac.hex() for mac in head["row_macs"]], "sum": head["sum"].hex(),
            "head_mac": head["head_mac"].hex(), "head": head_bytes(head).hex()}


def head_bytes(head):
    return u64(head["store_epoch"]) + head["sum"] + head["head_mac"]


def make_head(row_macs, store_epoch=9, root_key=ROOT, store=STORE, total=None):
    """`total` is for heads that no store makes."""
    total = multiset_sum(root_key, store, row_macs) if total is None else total
    return {"root_key": root_key, "store": store, "store_epoch": store_epoch, "row_macs": row_macs,
            "sum": total, "head_mac": head_mac(root_key, store, store_epoch, total)}


def verifies(head):
    total = multiset_sum(head["root_key"], head["store"], head["row_macs"])
    mac = head_mac(head["root_key"], head["store"], head["store_epoch"], head["sum"])
    return total == head["sum"] and mac == head["head_mac"]


def sample_macs(count):
    return [seeded("row mac %d" % i, 32) for i in range(count)]


def wrapping_macs():
    """Two MACs whose terms add up to 2^256 or more."""
    big = [mac for mac in sample_macs(64) if term(ROOT, STORE, mac) >> 255]
    assert sum(term(ROOT, STORE, mac) for mac in big[:2]) >= 2**256
    return big[:2]


def add_head_positives(cases):
    three = sample_macs(3)
    small = [mac for mac in sample_macs(64) if not term(ROOT, STORE, mac) >> 255][:2]
    heads = [
        ("no rows", make_head([])), ("no rows at store epoch 0", make_head([], 0)),
        ("one row", make_head(three[:1])), ("three rows", make_head(three)),
        ("three rows in another order, the same sum", make_head(three[::-1])),
        ("two rows whose sum stays below 2^256", make_head(small)),
        ("two rows whose sum wraps", make_head(wrapping_macs())),
        ("64 rows, which wrap many times", make_head(sample_macs(64))),
        ("the same MAC twice counts twice", make_head(three[:1] * 2)),
        ("store epoch 2^63 - 1", make_head(three, 2**63 - 1)),
        ("store epoch 2^64 - 1", make_head(three, 2**64 - 1)),
        ("another store", make_head(three, store=seeded("row store 2", 16))),
        ("another root key", make_head(three, root_key=seeded("row root key 2", 32))),
        ("the MACs of two rows of this file",
         make_head([mac_of(BASE), mac_of({**BASE, "row": [KEY]})]))]
    for title, head in heads:
        assert verifies(head)
        cases.positive("head: " + title, **head_fields(head))


def add_head_negatives(cases):
    three = sample_macs(3)
    good = make_head(three)
    total, mac = good["sum"], good["head_mac"]
    other_store, other_root = seeded("row store 2", 16), seeded("row root key 2", 32)
    altered = [
        ("with store epoch one less", {"store_epoch": 8}),
        ("with store epoch one more", {"store_epoch": 10}),
        ("with store epoch 0", {"store_epoch": 0}), ("with another store", {"store": other_store}),
        ("with another root key", {"root_key": other_root}),
        ("with a row missing", {"row_macs": three[:2]}),
        ("with a row more", {"row_macs": sample_macs(4)}),
        ("with a row twice", {"row_macs": three + three[:1]}), ("with no row", {"row_macs": []}),
        ("with a row in place of another", {"row_macs": three[:2] + sample_macs(4)[3:]}),
        ("with a bit flipped in a row MAC", {"row_macs": [flip(three[0], 5)] + three[1:]}),
        ("with the first bit of the sum flipped", {"sum": flip(total, 0, 7)}),
        ("with the last bit of the sum flipped", {"sum": flip(total, 31)}),
        ("with a sum of zeros", {"sum": bytes(32)}),
        ("with the first bit of its MAC flipped", {"head_mac": flip(mac, 0, 7)}),
        ("with the last bit of its MAC flipped", {"head_mac": flip(mac, 31)}),
        ("with a MAC cut to 31 bytes", {"head_mac": mac[:31]}), ("with no MAC", {"head_mac": b""}),
        ("with a MAC of zeros", {"head_mac": bytes(32)}),
        ("with the MAC of the epoch before", {"head_mac": make_head(three, 8)["head_mac"]})]
    for title, change in altered:
        add_head_negative(cases, title, {**good, **change})
    for title, bad_total in wrong_sums(three):
        add_head_negative(cases, title, make_head(three, total=bad_total))
    for title, bad_mac in wrong_head_macs(total):
        add_head_negative(cases, title, {**good, "head_mac": bad_mac})


def wrong_sums(macs):
    terms = [hmac_sha256(derive(ROOT, "set", STORE), mac) for mac in macs]
    values = [int.from_bytes(value, "big") for value in terms]
    little = sum(int.from_bytes(value, "little") for value in terms) % 2**256
    saturated = min(sum(values), 2**256 - 1)
    meta = [int.from_bytes(hmac_sha256(derive(ROOT, "meta", STORE), mac), "big") for mac in macs]
    sums = [("that is the exclusive or", int.from_bytes(xor(xor(*terms[:2]), terms[2]), "big")),
            ("of the row MACs themselves", sum(int.from_bytes(mac, "big") for mac in macs)),
            ("that is one more", sum(values) + 1), ("modulo 2^256 - 1", sum(values) % (2**256 - 1)),
            ("of little endian integers", little), ("that saturates", saturated),
            ("of terms under the key of label meta", sum(meta)), ("of two rows", sum(values[:2])),
            ("that starts at one", sum(values) + 2**255)]
    return [("under a valid MAC, with a sum " + title, (value % 2**256).to_bytes(32, "big"))
            for title, value in sums]


def wrong_head_macs(total):
    key, meta = derive(ROOT, "set", STORE), derive(ROOT, "meta", STORE)
    label, rest = b"coffer/v1/head\0", lp(STORE) + u64(9) + total
    return [("with a MAC under the key of label meta", hmac_sha256(meta, label + rest)),
            ("with a MAC under the root key", hmac_sha256(ROOT, label + rest)),
            ("with a MAC without its label", hmac_sha256(key, rest)),
            ("with a MAC under a row's label", hmac_sha256(key, b"coffer/v1/row\0" + rest)),
            ("with a MAC over a bare store id", hmac_sha256(key, label + STORE + u64(9) + total)),
            ("with a MAC over the sum alone", hmac_sha256(key, label + total))]


def add_head_negative(cases, title, head):
    assert not verifies(head), title
    cases.negative("head: " + title, "a head is valid only over all rows, its epoch and its store",
                   **head_fields(head))


def make_file():
    cases = CaseFile("row MAC, MAC of a deleted row, head (docs/FORMAT.md, section 4)")
    add_row_positives(cases)
    add_head_positives(cases)
    add_row_negatives(cases)
    add_deletion_negatives(cases)
    add_head_negatives(cases)
    return cases
