#!/usr/bin/python3
"""A seal command that keeps nothing safe: fake_kms.py MODE encrypt|decrypt. See command_keeper_test.cc."""

import hashlib
import os
import signal
import sys

PAD = hashlib.sha256(b"fake kms").digest()


def digest(text):
    return hashlib.sha256(os.environ["COFFER_SEAL_SLOT"].encode() + text).digest()


def xor(text):
    return bytes(a ^ b for a, b in zip(text, PAD))


def honest(verb, text):
    """XOR and a digest that binds the slot: exit 1 when it is wrong."""
    if verb == "encrypt":
        return xor(text) + digest(text)
    key = xor(text[:32])
    if text[32:] != digest(key):
        sys.exit(1)
    return key


def hang(_verb, _text):
    while True:
        signal.pause()


def silent_hang(_verb, _text):
    os.close(1)
    hang(None, None)


def deaf():
    """Ends without reading a byte; the answer is right in length."""
    os.close(0)
    os.write(1, b"d" * 32)
    sys.exit(0)


MODES = {
    "honest": honest,
    "hang": hang,
    "silent-hang": silent_hang,
    "echo": lambda _verb, text: b"key: " + text,
    "nothing": lambda _verb, _text: b"",
    "environment": lambda _verb, _text: "\n".join(sorted(f"{k}={v}" for k, v in os.environ.items())).encode(),
    "errors": lambda verb, text: os.write(2, b"e" * 200_000) and honest(verb, text),
    "killed": lambda _verb, _text: os.kill(os.getpid(), signal.SIGTERM),
}


def main(mode, verb):
    if verb not in ("encrypt", "decrypt"):
        sys.exit(99)
    if mode == "deaf":
        deaf()
    text = sys.stdin.buffer.read()
    if mode.startswith("exit-"):
        sys.exit(int(mode.removeprefix("exit-")))
    if mode.startswith("size-"):
        answer = b"s" * int(mode.removeprefix("size-"))
    else:
        answer = MODES[mode](verb, text)
    sys.stdout.buffer.write(answer)


main(*sys.argv[1:])
