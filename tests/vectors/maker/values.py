"""docs/FORMAT.md, section 1: values, rows, contexts, and the notation the files use for them."""

NULL = {"type": "null"}
TAG = {"null": 0x00, "int64": 0x01, "uuid": 0x02, "text": 0x03, "bytes": 0x04, "composite": 0x10}
TYPE = {tag: name for name, tag in TAG.items()}


class Refused(Exception):
    """Input that the page refuses; the message names the check, never a value."""


def require(condition, check):
    if not condition:
        raise Refused(check)


def int64(number):
    return {"type": "int64", "value": str(number)}


def uuid(raw):
    return {"type": "uuid", "value": raw.hex()}


def text(string):
    return {"type": "text", "value": string}


def raw_bytes(raw):
    return {"type": "bytes", "value": raw.hex()}


def composite(*parts):
    return {"type": "composite", "parts": list(parts)}


def bound(column, value):
    return {"column": column, "value": value}


def u8(number):
    return number.to_bytes(1, "big")


def u32(number):
    return number.to_bytes(4, "big")


def u64(number):
    return number.to_bytes(8, "big")


def lp(data):
    return u32(len(data)) + data


def encode_single(value):
    """Any value but a composite."""
    kind = value["type"]
    require(kind in TAG and kind != "composite", "value type")
    tag = u8(TAG[kind])
    if kind == "null":
        return tag
    if kind == "int64":
        return tag + int(value["value"]).to_bytes(8, "big", signed=True)
    if kind == "text":
        return tag + lp(value["value"].encode("utf-8"))
    raw = bytes.fromhex(value["value"])
    if kind == "uuid":
        require(len(raw) == 16, "UUID length")
        return tag + raw
    return tag + lp(raw)


def encode_row(value):
    """A row id or primary key: one value, never NULL, also not inside a composite."""
    parts = value["parts"] if value["type"] == "composite" else [value]
    require(all(part["type"] != "null" for part in parts), "NULL in a row id")
    encoded = b"".join(encode_single(part) for part in parts)
    if value["type"] != "composite":
        return encoded
    require(2 <= len(parts) <= 255, "composite count")
    return u8(TAG["composite"]) + u8(len(parts)) + encoded


def encode_context(columns):
    """Bound columns in any order; the encoding sorts them."""
    names = [item["column"].encode("utf-8") for item in columns]
    require(1 <= len(names) <= 255, "context count")
    require(len(set(names)) == len(names), "duplicate column")
    require(b"" not in names, "empty column name")
    named = sorted(zip(names, (item["value"] for item in columns)), key=lambda pair: pair[0])
    return u8(len(named)) + b"".join(lp(column) + encode_single(value) for column, value in named)


class Reader:
    """A bounded cursor over bytes."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        require(self.at + count <= len(self.data), "short input")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def take_lp(self):
        return self.take(self.number(4))

    def finish(self):
        require(self.at == len(self.data), "trailing bytes")


def utf8(raw):
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("UTF-8") from None


def parse_single(reader, allowed):
    kind = TYPE.get(reader.number(1))
    require(kind in allowed, "value type")
    if kind == "null":
        return NULL
    if kind == "int64":
        return int64(int.from_bytes(reader.take(8), "big", signed=True))
    if kind == "uuid":
        return uuid(reader.take(16))
    if kind == "text":
        return text(utf8(reader.take_lp()))
    return raw_bytes(reader.take_lp())


def parse_row(data):
    reader = Reader(data)
    single = ("int64", "uuid", "text", "bytes")
    if data[:1] == u8(TAG["composite"]):
        reader.take(1)
        count = reader.number(1)
        require(count >= 2, "composite count")
        value = composite(*[parse_single(reader, single) for _ in range(count)])
    else:
        value = parse_single(reader, single)
    reader.finish()
    return value


def parse_context(data):
    reader = Reader(data)
    columns, previous = [], None
    count = reader.number(1)
    require(count >= 1, "context count")
    for _ in range(count):
        column = reader.take_lp()
        require(column != b"", "empty column name")
        require(previous is None or previous < column, "column order")
        previous = column
        value = parse_single(reader, ("null", "int64", "uuid", "text", "bytes"))
        columns.append(bound(utf8(column), value))
    reader.finish()
    return columns
