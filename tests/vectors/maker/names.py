"""docs/FORMAT.md, section 6: names and text forms. Each parser refuses what it would not write."""

import base64
import re

from maker.field import HEADER, KEY_ID_MAX, OVERHEAD
from maker.values import require

NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
SEGMENT = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+")
UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-")
VERSION = re.compile(r"[1-9][0-9]{0,18}")
TEXT_PREFIX, TEXT_MAX = "coffer:v1:", 4194304
REFERENCE_PREFIX = "coffer://"
BUILT_IN_FIELD = "coffer.secret"


def escape_segment(raw):
    return "".join(chr(b) if b in UNRESERVED else "%%%02X" % b for b in raw)


def parse_segment(segment):
    require(1 <= len(segment) <= 64, "segment length")
    require(segment not in (".", ".."), "dot segment")
    require(SEGMENT.fullmatch(segment), "segment character")
    raw = re.sub(r"%(..)", lambda match: chr(int(match[1], 16)), segment).encode("latin-1")
    require(escape_segment(raw) == segment, "escape that is not needed")
    return raw


def parse_path(path):
    segments = path.split("/")
    require(len(segments) <= 8, "segment count")
    return [parse_segment(segment) for segment in segments]


def parse_field_name(name):
    """Three parts, or None for the built-in field."""
    if name == BUILT_IN_FIELD:
        return None
    parts = name.split(".")
    require(len(parts) == 3, "part count")
    require(all(NAME.fullmatch(part) for part in parts), "part")
    return parts


def check_ciphertext_form(blob):
    """What shows without a key: format byte, second byte, key id, least length."""
    require(len(blob) >= HEADER and blob[0] == 0xC1, "ciphertext form")
    suite, flags = blob[1] & 0x0F, blob[1] & 0xF0
    require(suite in OVERHEAD and not flags & 0x10, "ciphertext form")
    require(not (suite == 4 and flags & 0x40), "ciphertext form")
    require(1 <= int.from_bytes(blob[2:HEADER], "big") <= KEY_ID_MAX, "ciphertext form")
    require(len(blob) >= OVERHEAD[suite], "ciphertext form")


def make_text_form(blob):
    return TEXT_PREFIX + base64.urlsafe_b64encode(blob).rstrip(b"=").decode("ascii")


def parse_text_form(line):
    require(len(line.encode("utf-8")) <= TEXT_MAX, "text length")
    require(line.startswith(TEXT_PREFIX), "prefix")
    encoded = line[len(TEXT_PREFIX):]
    require(re.fullmatch(r"[A-Za-z0-9_-]*", encoded), "base64url character")
    require(len(encoded) % 4 != 1, "base64url length")
    blob = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    require(make_text_form(blob) == line, "unused bits")
    check_ciphertext_form(blob)
    return blob


def parse_reference(reference):
    """Path and version; the version is None when the reference has none."""
    require(reference.startswith(REFERENCE_PREFIX), "prefix")
    path, mark, version = reference[len(REFERENCE_PREFIX):].partition("#")
    parse_path(path)
    if not mark:
        return path, None
    require(VERSION.fullmatch(version), "version")
    require(int(version) <= KEY_ID_MAX, "version")
    return path, int(version)
