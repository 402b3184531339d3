"""Grafana's own encryption, written anew from its description: what a test plants is neither made nor read by what it
tests."""

import base64
import binascii
import hashlib
import random
from typing import NamedTuple

from cryptography.exceptions import InvalidTag

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

try:
    from cryptography.hazmat.decrepit.ciphers.modes import CFB  # newer releases
except ImportError:
    from cryptography.hazmat.primitives.ciphers.modes import CFB

DEFAULT_KEY = "SW2YcwTIb9zpOOhoPsMm"
ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def b64(data):
    return base64.b64encode(data).decode()


def b64raw(data):
    return b64(data).rstrip("=")


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def unb64(text):
    """With padding or without; None for what is no base64."""
    try:
        return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None


class Encryptor:
    """Encrypts under one secret_key. A seed makes what it writes the same every time."""

    def __init__(self, secret_key=DEFAULT_KEY, seed=7):
        self.secret_key = as_bytes(secret_key)
        self.random = random.Random(seed)
        self.data_keys = {}

    def inner(self, plaintext, passphrase, cipher="aes-cfb", prefix=None):
        """*cipher* salt iv body. `prefix` "" is the oldest form, "**" one that some rows have."""
        salt = "".join(self.random.choice(ALPHANUMERIC) for _ in range(8)).encode()
        key = PBKDF2HMAC(hashes.SHA256(), 32, salt, 10_000).derive(passphrase)
        named = f"*{b64raw(cipher.encode())}*" if prefix is None else prefix
        if cipher == "aes-gcm":
            nonce = self.random.randbytes(12)
            return named.encode() + salt + nonce + AESGCM(key).encrypt(nonce, as_bytes(plaintext), None)
        iv = self.random.randbytes(16)
        encryptor = Cipher(algorithms.AES(key), CFB(iv)).encryptor()
        return named.encode() + salt + iv + encryptor.update(as_bytes(plaintext)) + encryptor.finalize()

    def make_data_key(self, name):
        self.data_keys[name] = self.random.randbytes(16)

    def wrapped(self, name, cipher="aes-cfb"):
        return self.inner(self.data_keys[name], self.secret_key, cipher)

    def legacy(self, plaintext, prefix=None):
        return self.inner(plaintext, self.secret_key, prefix=prefix)

    def envelope(self, plaintext, name, cipher="aes-cfb"):
        return f"#{b64raw(name.encode())}#".encode() + self.inner(plaintext, self.data_keys[name], cipher)

    def managed(self, plaintext, name):
        """As Grafana's secrets manager has it from 12.3: the data key's id is in a column beside it."""
        return self.inner(plaintext, self.data_keys[name], "aes-gcm")


class Blob(NamedTuple):
    data_key: str  # None: under secret_key itself
    cipher: str
    salt: bytes
    rest: bytes  # iv and body

    def open(self, passphrase):
        """What comes out, which of aes-cfb under another key is garbage; None where a tag says so."""
        key = hashlib.pbkdf2_hmac("sha256", passphrase, self.salt, 10_000, 32)
        if self.cipher == "aes-gcm":
            try:
                return AESGCM(key).decrypt(self.rest[:12], self.rest[12:], None)
            except InvalidTag:
                return None
        decryptor = Cipher(algorithms.AES(key), CFB(self.rest[:16])).decryptor()
        return decryptor.update(self.rest[16:]) + decryptor.finalize()


def parse_blob(data):
    """None for what is no blob."""
    data_key, cipher = None, "aes-cfb"
    if data[:1] == b"#":
        name, mark, data = data[1:].partition(b"#")
        data_key = unb64(name.decode("ascii", "replace")) if mark else None
        if data_key is None:
            return None
        data_key = data_key.decode()
    if data[:1] == b"*":
        name, mark, data = data[1:].partition(b"*")
        cipher = {b"": "aes-cfb", b"YWVzLWNmYg": "aes-cfb", b"YWVzLWdjbQ": "aes-gcm"}.get(name) if mark else None
    elif not data[:8].isalnum():
        return None
    return Blob(data_key, cipher, data[:8], data[8:]) if cipher and len(data) >= 24 else None
