"""Grafana's own encryption, written anew from its description: what a test plants is not made by what it tests."""

import base64
import random

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
