"""A second implementation of c2sp.org/tlog-witness, both sides, written from the C2SP pages tlog-witness,
tlog-cosignature, tlog-checkpoint and signed-note and from RFC 6962 alone: it shares no code with audit/ or io/.

Hashes, HTTP and text are the standard library's; Ed25519 is RFC 8032's own reference code, in Python.
"""

import base64
import hashlib
import http.client
import http.server
import threading
import time

DASH = "\u2014"
ED25519, COSIGNATURE = 0x01, 0x04

# RFC 8032, section 6, on plain integers.

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_MINUS_1 = pow(2, (P - 1) // 4, P)


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def equal(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def x_of(y, sign):
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P)
    if square % P == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P != 0:
        x = x * SQRT_MINUS_1 % P
    if (x * x - square) % P != 0:
        return None
    return P - x if x & 1 != sign else x


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = x_of(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def compress(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decompress(raw):
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    x = x_of(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def sha512_number(data):
    return int.from_bytes(hashlib.sha512(data).digest(), "little")


def expand(secret):
    digest = hashlib.sha512(secret).digest()
    a = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
    return a, digest[32:]


def public_key(secret):
    return compress(multiply(expand(secret)[0], BASE))


def sign(secret, message):
    a, prefix = expand(secret)
    public = compress(multiply(a, BASE))
    r = sha512_number(prefix + message) % Q
    point = compress(multiply(r, BASE))
    h = sha512_number(point + public + message) % Q
    return point + ((r + h * a) % Q).to_bytes(32, "little")


def verify(public, message, signature):
    a, r = decompress(public), decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or a is None or r is None or s >= Q:
        return False
    h = sha512_number(signature[:32] + public + message) % Q
    return equal(multiply(s, BASE), add(r, multiply(h, a)))


# RFC 6962 section 2.1


def leaf_hash(record):
    return hashlib.sha256(b"\x00" + record).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def split_of(size):
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def tree_hash(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split_of(len(leaves))
    return node_hash(tree_hash(leaves[:k]), tree_hash(leaves[k:]))


def consistency_proof(old, leaves, complete=True):
    """PROOF(old, leaves) of 2.1.2."""
    if old in (0, len(leaves)):
        return [] if complete else [tree_hash(leaves)]
    k = split_of(len(leaves))
    if old <= k:
        return consistency_proof(old, leaves[:k], complete) + [tree_hash(leaves[k:])]
    return consistency_proof(old - k, leaves[k:], False) + [tree_hash(leaves[:k])]


def roots_from(old, size, proof, old_root, complete=True):
    """(old root, new root) that a consistency proof leads to, by the recursion of 2.1.2 the other way round."""
    if old == size:
        if complete:
            return old_root, old_root
        last = proof.pop()
        return last, last
    k = split_of(size)
    sibling = proof.pop()
    if old <= k:
        before, after = roots_from(old, k, proof, old_root, complete)
        return before, node_hash(after, sibling)
    before, after = roots_from(old - k, size - k, proof, old_root, False)
    return node_hash(sibling, before), node_hash(sibling, after)


def is_consistent(old, old_root, size, root, proof):
    if old == 0:
        return not proof
    if old == size:
        return not proof and old_root == root
    left = list(proof)
    try:
        before, after = roots_from(old, size, left, old_root)
    except IndexError:
        return False
    return not left and before == old_root and after == root


# signed-note, tlog-cosignature, tlog-checkpoint


def b64(raw):
    return base64.b64encode(raw).decode()


class Key:
    """Of a note: a name, a type, a public key, and the secret where it is known."""

    def __init__(self, name, kind, public, secret=None):
        self.name, self.kind, self.public, self.secret = name, kind, public, secret
        self.id = hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]

    @classmethod
    def of_secret(cls, name, kind, secret):
        return cls(name, kind, public_key(secret), secret)

    @classmethod
    def of_vkey(cls, text):
        name, key_id, encoded = text.strip().split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        key = cls(name, raw[0], raw[1:])
        assert key.id.hex() == key_id, "a vkey whose key id is not its key's"
        return key

    def vkey(self):
        return f"{self.name}+{self.id.hex()}+{b64(bytes([self.kind]) + self.public)}"

    def line(self, raw):
        return f"{DASH} {self.name} {b64(self.id + raw)}\n"

    def sign(self, text):
        return self.line(sign(self.secret, text.encode()))

    def cosign(self, text, seconds):
        message = f"cosignature/v1\ntime {seconds}\n{text}".encode()
        return self.line(seconds.to_bytes(8, "big") + sign(self.secret, message))

    def verifies(self, text, raw):
        """The time of a cosignature, True for a signature; None when it is false."""
        if self.kind == ED25519:
            return True if verify(self.public, text.encode(), raw) else None
        seconds = int.from_bytes(raw[:8], "big")
        message = f"cosignature/v1\ntime {seconds}\n{text}".encode()
        return seconds if len(raw) == 72 and verify(self.public, message, raw[8:]) else None


def parse_note(note):
    text, signatures = note.rsplit("\n\n", 1)
    lines = []
    for line in signatures.splitlines():
        dash, name, encoded = line.split(" ")
        assert dash == DASH
        raw = base64.b64decode(encoded, validate=True)
        lines.append((name, raw[:4], raw[4:]))
    return text + "\n", lines


def checkpoint_text(origin, leaves):
    return f"{origin}\n{len(leaves)}\n{b64(tree_hash(leaves))}\n"


def parse_checkpoint(text):
    origin, size, root = text.split("\n")[:3]
    return origin, int(size), base64.b64decode(root, validate=True)


class Log:
    """The log's side: a tree in memory, signed."""

    def __init__(self, origin, secret):
        self.key = Key.of_secret(origin, ED25519, secret)
        self.leaves = []

    def grow(self, count, word="record"):
        for _ in range(count):
            self.leaves.append(leaf_hash(f"{word} {len(self.leaves)}".encode()))

    def note(self, size=None):
        leaves = self.leaves[: len(self.leaves) if size is None else size]
        text = checkpoint_text(self.key.name, leaves)
        return text + "\n" + self.key.sign(text)

    def body(self, old, size=None):
        size = len(self.leaves) if size is None else size
        proof = consistency_proof(old, self.leaves[:size]) if old <= size else []
        return f"old {old}\n" + "".join(b64(item) + "\n" for item in proof) + "\n" + self.note(size)


def post(port, body, path="/add-checkpoint", method="POST"):
    """(status, Content-Type, body)"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body.encode() if isinstance(body, str) else body)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read().decode()
    finally:
        connection.close()


class Witness:
    """The witness's side: a server on a free port. What it knows: `kept` of each origin, (size, root)."""

    def __init__(self, name, secret, log_vkeys):
        self.key = Key.of_secret(name, COSIGNATURE, secret)
        self.logs = {key.name: key for key in map(Key.of_vkey, log_vkeys)}
        self.kept = {}
        self.answers = []
        self.lock = threading.Lock()
        witness = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # the base class's name
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status, kind, text = witness.answer(self.path, body)
                witness.answers.append(status)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def answer(self, path, body):
        if path != "/add-checkpoint":
            return 404, "text/plain", "no\n"
        try:
            head, note = body.split("\n\n", 1)
            first, *lines = head.split("\n")
            assert first.startswith("old ") and str(int(first[4:])) == first[4:] and len(lines) <= 63
            old, proof = int(first[4:]), [base64.b64decode(line, validate=True) for line in lines]
            text, signatures = parse_note(note)
            origin, size, root = parse_checkpoint(text)
        except (ValueError, AssertionError):
            return 400, "text/plain", "malformed\n"
        log = self.logs.get(origin)
        if log is None:
            return 404, "text/plain", "unknown\n"
        ours = [raw for name, key_id, raw in signatures if (name, key_id) == (log.name, log.id)]
        if not any(log.verifies(text, raw) for raw in ours):
            return 403, "text/plain", "not signed\n"
        if old > size:
            return 400, "text/plain", "old above size\n"
        with self.lock:
            kept_size, kept_root = self.kept.get(origin, (0, tree_hash([])))
            if old != kept_size or (old == size and root != kept_root):
                return 409, "text/x.tlog.size", f"{kept_size}\n"
            if not is_consistent(kept_size, kept_root, size, root, proof):
                return 422, "text/plain", "not consistent\n"
            self.kept[origin] = (size, root)
        return 200, "text/plain", self.key.cosign(text, int(time.time()))
