#!/usr/bin/python3
"""A second implementation of the audit log's public formats, written from the C2SP pages signed-note, tlog-checkpoint,
tlog-cosignature, tlog-tiles and tlog-proof and from RFC 6962 alone: it shares no code with audit/. The note of records
that were dropped, which C2SP does not know, is read as docs/FORMAT.md section 10 says.

  second_verifier.py log FOLDER VKEY [--witness VKEY]... [--quorum N]
  second_verifier.py proof FILE RECORD_FILE VKEY [--witness VKEY]... [--quorum N]

`log` verifies the checkpoint in FOLDER, every tile and every bundle that its size needs, and the root; of records that
the log's note says were dropped, the hashes alone. `proof` verifies
that the record, byte for byte, is in the log. Exit status: 0 verified, 1 refused (a sentence on standard error).
"""

import argparse
import base64
import hashlib
import pathlib
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519, COSIGNATURE = 0x01, 0x04
WIDTH = 256


class Refused(Exception):
    pass


def require(condition, sentence):
    if not condition:
        raise Refused(sentence)


def unbase64(text):
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Refused("bad base64") from error
    require(base64.b64encode(raw).decode() == text, "base64 that is not canonical")
    return raw


def decimal(text):
    require(text.isascii() and text.isdigit() and str(int(text)) == text, "bad decimal number")
    return int(text)


# RFC 6962 section 2.1


def leaf_hash(record):
    return hashlib.sha256(b"\x00" + record).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_hash(hashes):
    """MTH over hashes of leaves, or of equal complete subtrees, the last of which may be smaller."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(tree_hash(hashes[:split]), tree_hash(hashes[split:]))


def root_from_path(index, size, leaf, path):
    """The root that the audit path of RFC 6962 2.1.1 leads to; recursive, as PATH is defined."""
    if size == 1:
        require(not path, "the audit path is too long")
        return leaf
    require(path, "the audit path is too short")
    split = 1
    while split * 2 < size:
        split *= 2
    if index < split:
        return node_hash(root_from_path(index, split, leaf, path[:-1]), path[-1])
    return node_hash(path[-1], root_from_path(index - split, size - split, leaf, path[:-1]))


# signed-note, tlog-cosignature


class Key:
    def __init__(self, vkey):
        parts = vkey.split("+", 2)
        require(len(parts) == 3, "bad vkey")
        self.name, key_id, encoded = parts
        raw = unbase64(encoded)
        require(len(raw) == 33 and raw[0] in (ED25519, COSIGNATURE), "a vkey of another type")
        self.type = raw[0]
        self.id = hashlib.sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        require(self.id.hex() == key_id, "a vkey whose key id is not its key's")
        self.public = Ed25519PublicKey.from_public_bytes(raw[1:])

    def verify(self, text, signature):
        message = text
        if self.type == COSIGNATURE:
            require(len(signature) == 72, "a cosignature of the wrong size")
            time = int.from_bytes(signature[:8], "big")
            require(time < 2**63, "a cosignature's time is too late")
            message, signature = b"cosignature/v1\ntime %d\n" % time + text, signature[8:]
        try:
            self.public.verify(signature, message)
        except InvalidSignature as error:
            raise Refused(f"the signature of {self.name} is false") from error


def open_note(note, keys):
    """(text, the keys that signed it)"""
    try:
        characters = note.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("a note that is not UTF-8") from error
    require(all(c >= " " or c == "\n" for c in characters), "a control character in a note")
    split = note.rfind(b"\n\n")
    require(split >= 0 and note.endswith(b"\n"), "a note without signatures")
    text, lines = note[: split + 1], note[split + 2 :].decode().split("\n")[:-1]
    require(lines, "a note without signatures")
    signers = []
    for line in lines:
        parts = line.split(" ")
        require(len(parts) == 3 and parts[0] == "\u2014" and parts[1] and "+" not in parts[1], "a bad signature line")
        raw = unbase64(parts[2])
        require(len(raw) > 4, "a signature that is too short")
        for key in keys:
            if key.name == parts[1] and key.id == raw[:4]:
                key.verify(text, raw[4:])
                signers.append(key)
    return text, signers


# tlog-checkpoint


def open_checkpoint(note, log, witnesses, quorum):
    """(size, root)"""
    text, signers = open_note(note, [log] + witnesses)
    require(log in signers, "the log did not sign its checkpoint")
    require(len([key for key in witnesses if key in signers]) >= quorum, "too few witnesses cosigned")
    lines = text.decode().split("\n")[:-1]
    require(len(lines) >= 3 and all(lines), "a checkpoint without its three lines")
    require(lines[0] == log.name, "the checkpoint of another log")
    root = unbase64(lines[2])
    require(len(root) == 32, "a root of the wrong size")
    return decimal(lines[1]), root


# tlog-tiles


def tile_path(level, index, width):
    digits = f"{index:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    path = "/".join(["x" + group for group in groups[:-1]] + groups[-1:])
    return f"tile/{level}/{path}" + ("" if width == WIDTH else f".p/{width}")


def read_tile(folder, level, index, width):
    """The file's bytes and how wide it is: a full tile may stand for a partial one."""
    for each in (width, WIDTH):
        file = folder / tile_path(level, index, each)
        if file.exists():
            return file.read_bytes(), each
    raise Refused(f"{tile_path(level, index, width)} is missing")


def bundle_records(raw, width):
    records = []
    for _ in range(width):
        require(len(raw) >= 2, "a bundle that is too short")
        size = int.from_bytes(raw[:2], "big")
        require(len(raw) >= 2 + size, "a bundle that is too short")
        records.append(raw[2 : 2 + size])
        raw = raw[2 + size :]
    require(not raw, "a bundle that is too long")
    return records


def tile_hashes(folder, level, index, width):
    raw, stored = read_tile(folder, level, index, width)
    require(len(raw) == 32 * stored, f"{tile_path(level, index, stored)} has the wrong size")
    return [raw[i : i + 32] for i in range(0, 32 * width, 32)]


def verify_level(folder, level, expected):
    """The tiles of a level hold the hashes that are expected there. Gives the roots of its full tiles, and the hashes
    of its partial one."""
    for first in range(0, len(expected), WIDTH):
        wanted = expected[first : first + WIDTH]
        index = first // WIDTH
        path = tile_path(level, index, len(wanted))
        require(tile_hashes(folder, level, index, len(wanted)) == wanted, f"{path} is false")
    full = len(expected) // WIDTH
    return [tree_hash(expected[i * WIDTH : (i + 1) * WIDTH]) for i in range(full)], expected[full * WIDTH :]


def open_pruned(folder, log):
    """(how many records were dropped, the root of their tree)"""
    file = folder / "pruned"
    if not file.exists():
        return 0, None
    text, signers = open_note(file.read_bytes(), [log])
    require(log in signers, "the log did not sign its note of dropped records")
    lines = text.decode().split("\n")
    require(len(lines) == 5 and lines[0] == "coffer/v1/audit-pruned" and not lines[4], "not a note of dropped records")
    require(lines[1] == log.name, "the note of dropped records is another log's")
    root = unbase64(lines[3])
    require(len(root) == 32 and decimal(lines[2]) > 0, "a bad note of dropped records")
    return decimal(lines[2]), root


def verify_log(folder, log, witnesses, quorum):
    size, root = open_checkpoint((folder / "checkpoint").read_bytes(), log, witnesses, quorum)
    dropped, dropped_root = open_pruned(folder, log)
    require(dropped <= size, "more records were dropped than the checkpoint counts")
    leaves = []
    for first in range(0, size, WIDTH):
        width = min(WIDTH, size - first)
        if first + WIDTH <= dropped:
            hashes = tile_hashes(folder, 0, first // WIDTH, WIDTH)
            bundle = folder / tile_path("entries", first // WIDTH, WIDTH)
            if bundle.exists():  # a crash left it
                records = bundle_records(bundle.read_bytes(), WIDTH)
                require([leaf_hash(record) for record in records] == hashes, f"{bundle} is false")
            leaves += hashes
            continue
        raw, stored = read_tile(folder, "entries", first // WIDTH, width)
        leaves += [leaf_hash(record) for record in bundle_records(raw, stored)[:width]]
    if dropped:
        require(tree_hash(leaves[:dropped]) == dropped_root, "the hashes do not give the dropped records' root")
    level, expected, edges = 0, leaves, []
    while expected:
        expected, partial = verify_level(folder, level, expected)
        edges.append(partial)
        level += 1
    incomplete = []
    for partial in edges:
        nodes = partial + incomplete
        incomplete = [tree_hash(nodes)] if nodes else []
    require((incomplete or [tree_hash([])])[0] == root, "the records do not give the checkpoint's root")
    return size, root


# tlog-proof


def verify_proof(text, record, log, witnesses, quorum):
    head, separator, checkpoint = text.partition(b"\n\n")
    require(separator, "a proof without a checkpoint")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise Refused("a proof that is not ASCII") from error
    require(lines.pop(0) == "c2sp.org/tlog-proof@v1", "not a tlog-proof")
    if lines and lines[0].startswith("extra "):
        unbase64(lines.pop(0)[len("extra ") :])
    require(lines and lines[0].startswith("index "), "a proof without an index")
    index = decimal(lines.pop(0)[len("index ") :])
    path = [unbase64(line) for line in lines]
    require(all(len(hash) == 32 for hash in path), "a hash of the wrong size")
    size, root = open_checkpoint(checkpoint, log, witnesses, quorum)
    require(index < size, "an index outside the tree")
    require(root_from_path(index, size, leaf_hash(record), path) == root, "the record is not in the tree")
    return size, root


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("log", "proof"))
    parser.add_argument("paths", nargs="+", metavar="PATH... VKEY")
    parser.add_argument("--witness", action="append", default=[])
    parser.add_argument("--quorum", type=int, default=0)
    arguments = parser.parse_args(argv)
    if len(arguments.paths) != {"log": 2, "proof": 3}[arguments.what]:
        parser.error("log takes FOLDER VKEY, proof takes FILE RECORD_FILE VKEY")
    try:
        *paths, vkey = arguments.paths
        keys = (Key(vkey), [Key(witness) for witness in arguments.witness], arguments.quorum)
        if arguments.what == "log":
            size, root = verify_log(pathlib.Path(paths[0]), *keys)
        else:
            texts = [pathlib.Path(path).read_bytes() for path in paths]
            size, root = verify_proof(*texts, *keys)
    except (Refused, OSError) as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1
    print(f"verified: {size} records, root {root.hex()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
