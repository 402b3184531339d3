"""docs/FORMAT.md, section 3: the wrapped key."""

from dataclasses import dataclass

from maker.derivation import commitment, derive
from maker.field import COMMITMENT, HEADER, KEY_ID_MAX, NONCE, TAG
from maker.primitives import xaes_decrypt, xaes_encrypt
from maker.values import lp, require, u8, u32, u64

SIZE = 114
ZERO = bytes(16)


@dataclass(frozen=True)
class WrapContext:
    wrapping_key: bytes
    wrapping_key_id: int
    store: bytes
    kind: int
    keyring: bytes
    version: int
    inner_key_id: int
    tenant: bytes
    purpose: int

    def header(self):
        return b"\xc2\x02" + u64(self.wrapping_key_id)

    def check(self):
        """The table of the page; anything else is refused."""
        require(self.kind in (1, 2, 3, 4), "table: kind")
        of_root = self.kind in (1, 4)
        require((self.version == 0) == of_root, "table: version")
        require((self.keyring == ZERO) == (self.kind == 4), "table: keyring")
        require(not of_root or self.tenant == ZERO, "table: tenant")
        purposes = {1: (0,), 2: (1, 2, 3), 3: (1,), 4: (0,)}
        require(self.purpose in purposes[self.kind], "table: purpose")
        for key_id in (self.wrapping_key_id, self.inner_key_id):
            require(1 <= key_id <= KEY_ID_MAX, "table: key id")
        require(self.kind != 3 or self.inner_key_id == self.wrapping_key_id, "table: inner key id")


def wrap_associated_data(context, header):
    return (b"coffer/v1/wrap\0" + header + lp(context.store) + u8(context.kind) + context.keyring
            + u32(context.version) + u64(context.inner_key_id) + context.tenant
            + u8(context.purpose))


def assemble_wrapped(context, inner_key, nonce, header=None, ad=None):
    """Without the checks; `header` and `ad` are for blobs that no service makes."""
    header = context.header() if header is None else header
    ad = wrap_associated_data(context, header) if ad is None else ad
    body = xaes_encrypt(derive(context.wrapping_key, "wrap"), nonce, inner_key, ad)
    commit_key = derive(context.wrapping_key, "wcm")
    return header + nonce + body + commitment(commit_key, nonce, ad, body[-TAG:])


def wrap(context, inner_key, nonce):
    context.check()
    wrapped = assemble_wrapped(context, inner_key, nonce)
    assert len(wrapped) == SIZE
    return wrapped


def unwrap(context, wrapped):
    """The inner key; raises Refused with the check that failed."""
    context.check()
    require(len(wrapped) == SIZE, "length")
    require(wrapped[0] == 0xC2, "format byte")
    require(wrapped[1] == 0x02, "algorithm")
    require(wrapped[:HEADER] == context.header(), "wrapping key id")
    ad = wrap_associated_data(context, wrapped[:HEADER])
    nonce, body = wrapped[HEADER:HEADER + NONCE], wrapped[HEADER + NONCE:-COMMITMENT]
    inner_key = xaes_decrypt(derive(context.wrapping_key, "wrap"), nonce, body, ad)
    expected = commitment(derive(context.wrapping_key, "wcm"), nonce, ad, body[-TAG:])
    wrong = ["tag"] if inner_key is None else []
    wrong += ["commitment"] if expected != wrapped[-COMMITMENT:] else []
    require(not wrong, " and ".join(wrong))
    return inner_key
