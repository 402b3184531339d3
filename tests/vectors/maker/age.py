"""docs/FORMAT.md, section 7: age v1 files with X25519 recipients."""

import base64
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from maker import bech32
from maker.primitives import hkdf_expand, hkdf_extract, hmac_sha256
from maker.values import require

VERSION = b"age-encryption.org/v1\n"
X25519_INFO = b"age-encryption.org/v1/X25519"
RECIPIENT, IDENTITY = "age", "AGE-SECRET-KEY-"
CHUNK, TAG, NONCE, FILE_KEY = 65536, 16, 16, 16
HEADER_MAX = 65536
BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
PRIME = 2**255 - 19
RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def hkdf(ikm, salt, info):
    return hkdf_expand(hkdf_extract(salt, ikm), info, 32)


def public_key(secret):
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes(*RAW)


def x25519(secret, point):
    """RFC 7748, section 5; refuses a shared secret of zeros."""
    try:
        key = X25519PrivateKey.from_private_bytes(secret)
        return key.exchange(X25519PublicKey.from_public_bytes(point))
    except ValueError:
        require(False, "low order")


def recipient_text(point):
    return bech32.encode(RECIPIENT, point)


def identity_text(secret):
    return bech32.encode(IDENTITY, secret)


def parse_recipient(text):
    point = bech32.decode(RECIPIENT, text, 32)
    require(int.from_bytes(point, "little") < PRIME, "not canonical")
    x25519(b"\x01" * 32, point)
    return point


def parse_identity(text):
    return bech32.decode(IDENTITY, text, 32)


def b64(data):
    return base64.b64encode(data).rstrip(b"=")


def parse_b64(text):
    require(not text.strip(BASE64), "base64 character")
    require(len(text) % 4 != 1, "base64 length")
    data = base64.b64decode(text + b"=" * (-len(text) % 4))
    require(b64(data) == text, "base64 unused bits")
    return data


def body_lines(data):
    text = b64(data)
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    if not lines or len(lines[-1]) == 64:
        lines.append(b"")
    return b"".join(line + b"\n" for line in lines)


def stanza(arguments, body):
    return b"-> " + b" ".join(arguments) + b"\n" + body_lines(body)


@dataclass(frozen=True)
class Seeds:
    """What an encryptor draws at random."""
    file_key: bytes
    ephemerals: tuple
    nonce: bytes


def x25519_stanza(seeds, number, point):
    ephemeral = seeds.ephemerals[number]
    share = public_key(ephemeral)
    key = hkdf(x25519(ephemeral, point), share + point, X25519_INFO)
    wrapped = ChaCha20Poly1305(key).encrypt(bytes(12), seeds.file_key, None)
    return stanza([b"X25519", b64(share)], wrapped)


def header_mac(file_key, stanzas):
    return hmac_sha256(hkdf(file_key, b"", b"header"), VERSION + stanzas + b"---")


def make_header(file_key, stanzas):
    return VERSION + stanzas + b"--- " + b64(header_mac(file_key, stanzas)) + b"\n"


def chunk_nonce(number, last):
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def seal_chunk(payload_key, number, last, piece):
    return ChaCha20Poly1305(payload_key).encrypt(chunk_nonce(number, last), piece, None)


def make_payload(file_key, nonce, plaintext):
    key = hkdf(file_key, nonce, b"payload")
    pieces = [plaintext[i:i + CHUNK] for i in range(0, len(plaintext), CHUNK)] or [b""]
    last = len(pieces) - 1
    return nonce + b"".join(seal_chunk(key, i, i == last, piece) for i, piece in enumerate(pieces))


def encrypt(points, seeds, plaintext):
    stanzas = b"".join(x25519_stanza(seeds, i, point) for i, point in enumerate(points))
    return make_header(seeds.file_key, stanzas) + make_payload(seeds.file_key, seeds.nonce,
                                                               plaintext)


def take_line(data):
    line, newline, rest = data.partition(b"\n")
    require(newline, "cut inside the header")
    return line, rest


def parse_stanza(data):
    """(arguments, body, rest)."""
    line, rest = take_line(data)
    require(line.startswith(b"-> "), "stanza start")
    arguments = line[3:].split(b" ")
    require(all(arguments), "empty argument")
    require(all(0x21 <= byte <= 0x7E for byte in b"".join(arguments)), "argument character")
    text = b""
    while True:
        line, rest = take_line(rest)
        require(len(line) <= 64, "long line")
        text += line
        if len(line) < 64:
            return arguments, parse_b64(text), rest


def parse_header(file):
    """(stanzas, bytes under the MAC, MAC, payload)."""
    require(file.startswith(VERSION), "version")
    rest, stanzas = file[len(VERSION):], []
    while not rest.startswith(b"---"):
        arguments, body, rest = parse_stanza(rest)
        stanzas.append((arguments, body))
    require(stanzas, "no stanza")
    signed = file[:len(file) - len(rest)] + b"---"
    line, payload = take_line(rest)
    require(line.startswith(b"--- "), "MAC line")
    mac = parse_b64(line[4:])
    require(len(mac) == 32, "MAC length")
    require(len(file) - len(payload) <= HEADER_MAX, "header size")
    return stanzas, signed, mac, payload


def unwrap(secret, share, wrapped):
    """The file key, or None when the stanza is another's."""
    key = hkdf(x25519(secret, share), share + public_key(secret), X25519_INFO)
    try:
        return ChaCha20Poly1305(key).decrypt(bytes(12), wrapped, None)
    except InvalidTag:
        return None


def x25519_stanzas(stanzas):
    found = []
    for arguments, body in stanzas:
        if arguments[0] != b"X25519":
            continue
        require(len(arguments) == 2, "argument count")
        share = parse_b64(arguments[1])
        require(len(share) == 32, "share length")
        require(len(body) == 32, "body length")
        found.append((share, body))
    return found


def find_file_key(secrets, stanzas):
    for secret in secrets:
        for share, body in x25519_stanzas(stanzas):
            file_key = unwrap(secret, share, body)
            if file_key is not None:
                return file_key
    require(False, "other recipients")


def open_payload(file_key, payload):
    require(len(payload) >= NONCE + TAG, "payload length")
    key = hkdf(file_key, payload[:NONCE], b"payload")
    sealed, plaintext = payload[NONCE:], b""
    chunks = [sealed[i:i + CHUNK + TAG] for i in range(0, len(sealed), CHUNK + TAG)]
    for number, chunk in enumerate(chunks):
        last = number == len(chunks) - 1
        require(len(chunk) >= TAG, "chunk length")
        require(len(chunk) > TAG or number == 0, "empty last chunk")
        try:
            nonce = chunk_nonce(number, last)
            plaintext += ChaCha20Poly1305(key).decrypt(nonce, chunk, None)
        except InvalidTag:
            require(False, "chunk tag")
    return plaintext


def decrypt(secrets, file):
    stanzas, signed, mac, payload = parse_header(file)
    x25519_stanzas(stanzas)
    file_key = find_file_key(secrets, stanzas)
    expected = hmac_sha256(hkdf(file_key, b"", b"header"), signed)
    require(mac == expected, "MAC")
    return open_payload(file_key, payload)


def check():
    """RFC 7748 5.2 and RFC 8439 2.8.2, and the keys that C2SP's page shows."""
    bech32.check()
    scalar = bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4")
    point = bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
    assert x25519(scalar, point).hex() == (
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
    sealed = ChaCha20Poly1305(bytes(range(0x80, 0xA0))).encrypt(
        bytes.fromhex("070000004041424344454647"),
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
        b"future, sunscreen would be it.", bytes.fromhex("50515253c0c1c2c3c4c5c6c7"))
    assert sealed[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691"
