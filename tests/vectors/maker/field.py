"""docs/FORMAT.md, section 1: the field ciphertext."""

from dataclasses import dataclass
from typing import Optional

from maker.derivation import commitment, derive, suite_fields
from maker.primitives import siv_decrypt, siv_encrypt, xaes_decrypt, xaes_encrypt
from maker.values import encode_context, encode_row, lp, require, u8, u64

HEADER, NONCE, TAG, COMMITMENT = 10, 24, 16, 32
OVERHEAD = {1: HEADER + NONCE + TAG, 2: HEADER + NONCE + TAG + COMMITMENT, 4: HEADER + TAG}
PADDED, ROW_BOUND, CONTEXT_BOUND = 0x80, 0x40, 0x20
KEY_ID_MAX = 2**63 - 1


@dataclass(frozen=True)
class FieldRequest:
    """What the service knows of a value before it looks at the ciphertext."""
    data_key: bytes
    key_id: int
    scope: bytes
    tenant: bytes
    field: bytes
    suite: int
    pad_multiple: int
    row: Optional[dict]
    context: Optional[list]

    def second_byte(self):
        flags = PADDED if self.pad_multiple else 0
        flags |= ROW_BOUND if self.row is not None else 0
        flags |= CONTEXT_BOUND if self.context is not None else 0
        return flags | self.suite

    def header(self):
        return b"\xc1" + u8(self.second_byte()) + u64(self.key_id)

    def check(self):
        require(self.suite in OVERHEAD, "request: suite")
        require(0 <= self.pad_multiple <= 32, "request: padding multiple")
        require(1 <= self.key_id <= KEY_ID_MAX, "request: key id")
        require(self.suite != 4 or self.row is None, "request: row under suite 4")


def associated_data(request, header, row=None, context=None):
    """Of the request; `row` and `context` put other bytes in place of its own."""
    if row is None:
        row = b"" if request.row is None else encode_row(request.row)
    if context is None:
        context = b"" if request.context is None else encode_context(request.context)
    ids = request.scope + request.tenant + request.field
    return b"coffer/v1/aad\0" + header + ids + lp(row) + lp(context)


def pad(plaintext, multiple):
    if multiple == 0:
        return plaintext
    padded = plaintext + b"\x80"
    return padded + bytes(-len(padded) % multiple)


def strip(content, multiple):
    if multiple == 0:
        return content
    require(len(content) % multiple == 0, "padding")
    plaintext, marker, _ = content.rpartition(b"\x80")
    require(marker and pad(plaintext, multiple) == content, "padding")
    return plaintext


def field_key(request, label, suite):
    return derive(request.data_key, label, suite_fields(suite, request.tenant, request.field))


def assemble(request, content, nonce, header=None, ad=None, suite=None):
    """Header and body around content that is padded already.

    `header`, `ad` and `suite` (the shape of the body) are for ciphertexts that no service makes.
    """
    header = request.header() if header is None else header
    ad = associated_data(request, header) if ad is None else ad
    label_suite = header[1] & 0x0F
    suite = label_suite if suite is None else suite
    if suite == 4:
        return header + siv_encrypt(field_key(request, "det", label_suite), [ad], content)
    body = xaes_encrypt(field_key(request, "enc", label_suite), nonce, content, ad)
    if suite == 1:
        return header + nonce + body
    commit_key = field_key(request, "cmt", label_suite)
    return header + nonce + body + commitment(commit_key, nonce, ad, body[-TAG:])


def encrypt(request, plaintext, nonce):
    request.check()
    return assemble(request, pad(plaintext, request.pad_multiple), nonce)


def check_header(request, blob):
    require(len(blob) >= HEADER, "length")
    require(blob[0] == 0xC1, "format byte")
    require(blob[1] == request.second_byte(), "second byte")
    require(1 <= int.from_bytes(blob[2:HEADER], "big") <= KEY_ID_MAX, "key id")
    require(blob[2:HEADER] == u64(request.key_id), "key id")


def decrypt_content(request, blob, ad):
    if request.suite == 4:
        content = siv_decrypt(field_key(request, "det", 4), [ad], blob[HEADER:])
        require(content is not None, "tag")
        return content
    nonce, body = blob[HEADER:HEADER + NONCE], blob[HEADER + NONCE:]
    body, given = (body[:-COMMITMENT], body[-COMMITMENT:]) if request.suite == 2 else (body, None)
    content = xaes_decrypt(field_key(request, "enc", request.suite), nonce, body, ad)
    wrong = ["tag"] if content is None else []
    if request.suite == 2:
        commit_key = field_key(request, "cmt", request.suite)
        if commitment(commit_key, nonce, ad, body[-TAG:]) != given:
            wrong.append("commitment")
    require(not wrong, " and ".join(wrong))
    return content


def decrypt(request, blob):
    """The plaintext; raises Refused with the check that failed."""
    request.check()
    check_header(request, blob)
    require(len(blob) >= OVERHEAD[request.suite], "length")
    content = decrypt_content(request, blob, associated_data(request, blob[:HEADER]))
    return strip(content, request.pad_multiple)
