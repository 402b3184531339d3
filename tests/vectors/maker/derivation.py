"""docs/FORMAT.md, section 2: derivation, and the commitment that sections 1 and 3 share."""

from maker.primitives import hkdf_expand, hkdf_extract, sha256
from maker.values import lp, u8, u32

LENGTH = {"enc": 32, "cmt": 32, "det": 64, "dek": 32, "idx": 32, "pad": 32, "slw": 16, "kcv": 16,
          "wrap": 32, "wcm": 32, "meta": 32, "set": 32, "ask": 32}


def derive_info(label, fields):
    return b"coffer/v1/" + label.encode("ascii") + b"\0" + fields


def derive(key, label, fields=b""):
    return hkdf_expand(hkdf_extract(bytes(32), key), derive_info(label, fields), LENGTH[label])


def suite_fields(suite, tenant, field):
    """The fields of enc, cmt, det and dek."""
    return u8(suite) + tenant + field


def index_fields(tenant, domain, profile):
    """The fields of idx and pad."""
    return tenant + domain + u32(profile)


def commitment(commit_key, nonce, associated_data, tag):
    return sha256(b"coffer/v1/cmt\0" + commit_key + nonce + lp(associated_data) + tag)
