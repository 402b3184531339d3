"""The algorithms that docs/FORMAT.md builds on, each from its own specification.

Every one is checked against published values by maker/external.py before a vector is written.
"""

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.cmac import CMAC

BLOCK = 16


def sha256(data):
    return hashlib.sha256(data).digest()


def hmac_sha256(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def hkdf_extract(salt, ikm):
    """RFC 5869, 2.2."""
    return hmac_sha256(salt if salt else bytes(32), ikm)


def hkdf_expand(prk, info, length):
    """RFC 5869, 2.3."""
    output, block, counter = b"", b"", 1
    while len(output) < length:
        block = hmac_sha256(prk, block + info + bytes([counter]))
        output += block
        counter += 1
    return output[:length]


def xor(a, b):
    assert len(a) == len(b)
    return bytes(x ^ y for x, y in zip(a, b))


def double(block):
    """Doubling in GF(2^128), as in CMAC."""
    value = int.from_bytes(block, "big") << 1
    if value >> 128:
        value = (value ^ 0x87) & ((1 << 128) - 1)
    return value.to_bytes(BLOCK, "big")


def aes_block(key, block):
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(block) + encryptor.finalize()


def xaes_derive(key, nonce):
    """C2SP XAES-256-GCM: the AES-256-GCM key and nonce of a message."""
    assert len(key) == 32 and len(nonce) == 24
    k1 = double(aes_block(key, bytes(BLOCK)))
    halves = [aes_block(key, xor(bytes([0, i, 0x58, 0]) + nonce[:12], k1)) for i in (1, 2)]
    return b"".join(halves), nonce[12:]


def xaes_encrypt(key, nonce, plaintext, associated_data):
    """Ciphertext, then the tag of 16 bytes."""
    message_key, message_nonce = xaes_derive(key, nonce)
    return AESGCM(message_key).encrypt(message_nonce, plaintext, associated_data)


def xaes_decrypt(key, nonce, ciphertext_and_tag, associated_data):
    """The plaintext, or None when the tag is wrong."""
    message_key, message_nonce = xaes_derive(key, nonce)
    try:
        return AESGCM(message_key).decrypt(message_nonce, ciphertext_and_tag, associated_data)
    except InvalidTag:
        return None


def aes_cmac(key, message):
    mac = CMAC(algorithms.AES(key))
    mac.update(message)
    return mac.finalize()


def s2v(key, components, plaintext):
    """RFC 5297, 2.4; the plaintext is the last string."""
    d = aes_cmac(key, bytes(BLOCK))
    for component in components:
        d = xor(double(d), aes_cmac(key, component))
    if len(plaintext) >= BLOCK:
        return aes_cmac(key, plaintext[:-BLOCK] + xor(plaintext[-BLOCK:], d))
    padded = plaintext + b"\x80" + bytes(BLOCK - 1 - len(plaintext))
    return aes_cmac(key, xor(double(d), padded))


def siv_ctr(key, v, data):
    """RFC 5297, 2.5: CTR from V with bits 31 and 63 cleared."""
    counter = bytearray(v)
    counter[8] &= 0x7F
    counter[12] &= 0x7F
    encryptor = Cipher(algorithms.AES(key), modes.CTR(bytes(counter))).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def siv_encrypt(key, components, plaintext):
    """V of 16 bytes, then the ciphertext; the left half of the key is K1."""
    half = len(key) // 2
    v = s2v(key[:half], components, plaintext)
    return v + siv_ctr(key[half:], v, plaintext)


def siv_decrypt(key, components, v_and_ciphertext):
    """The plaintext, or None when V is wrong."""
    half = len(key) // 2
    v, ciphertext = v_and_ciphertext[:BLOCK], v_and_ciphertext[BLOCK:]
    plaintext = siv_ctr(key[half:], v, ciphertext)
    return plaintext if s2v(key[:half], components, plaintext) == v else None
