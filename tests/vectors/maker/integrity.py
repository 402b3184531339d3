"""docs/FORMAT.md, section 4: row MACs and the head."""

from maker.derivation import derive
from maker.primitives import hmac_sha256
from maker.values import encode_row, encode_single, lp, require, u8, u64


def encode_columns(columns):
    """All columns of a row; None is a deleted row, whose LP(row) is 00000000."""
    if columns is None:
        return b""
    require(1 <= len(columns) <= 255, "column count")
    return u8(len(columns)) + b"".join(encode_single(value) for value in columns)


def row_message(store, table, primary_key, row_epoch, columns):
    return (b"coffer/v1/row\0" + lp(store) + lp(table.encode("utf-8"))
            + lp(encode_row(primary_key)) + u64(row_epoch) + lp(encode_columns(columns)))


def row_mac(root_key, store, *row):
    return hmac_sha256(derive(root_key, "meta", store), row_message(store, *row))


def term(root_key, store, mac):
    return int.from_bytes(hmac_sha256(derive(root_key, "set", store), mac), "big")


def multiset_sum(root_key, store, row_macs):
    total = sum(term(root_key, store, mac) for mac in row_macs)
    return (total % 2**256).to_bytes(32, "big")


def head_mac(root_key, store, store_epoch, total):
    message = b"coffer/v1/head\0" + lp(store) + u64(store_epoch) + total
    return hmac_sha256(derive(root_key, "set", store), message)
