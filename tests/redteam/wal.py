"""PostgreSQL's write-ahead log as one stream of bytes, with what is compressed in it unpacked as a search needs it."""

import ctypes
import ctypes.util
import re

PAGE = 8192
NOTHING = bytes(PAGE)
LONG_HEADER, SHORT_HEADER = 40, 24
LONG_FLAG = 0x0002
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
SEGMENT_NAME = re.compile(r"[0-9A-F]{24}(\.partial)?")


def segments(folder):
    """The files of the log in a folder, in their order."""
    return sorted(path for path in folder.iterdir() if SEGMENT_NAME.fullmatch(path.name))


def stream(paths):
    """Their content without the headers of pages, which records and values run across. pglz's and lz4's literals are
    found as they are; what zstd has packed is behind it, unpacked."""
    parts = []
    for path in paths:
        data = path.read_bytes()
        for start in range(0, len(data), PAGE):
            page = data[start:start + PAGE]
            if page == NOTHING:
                continue
            header = LONG_HEADER if int.from_bytes(page[2:4], "little") & LONG_FLAG else SHORT_HEADER
            parts.append(page[header:])
    joined = b"".join(parts)
    return joined + b"".join(_unpacked(joined))


def _unpacked(data):
    """The contents of zstd's frames in the data."""
    at = data.find(ZSTD_MAGIC)
    while at >= 0:
        frame = _decompress(data[at:at + 2 * PAGE])
        if frame:
            yield frame
        at = data.find(ZSTD_MAGIC, at + 1)


def _load():
    library = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    size, pointer = ctypes.c_size_t, ctypes.c_char_p
    library.ZSTD_findFrameCompressedSize.restype, library.ZSTD_findFrameCompressedSize.argtypes = size, [pointer, size]
    library.ZSTD_decompress.restype, library.ZSTD_decompress.argtypes = size, [pointer, size, pointer, size]
    library.ZSTD_compress.restype = size
    library.ZSTD_compress.argtypes = [pointer, size, pointer, size, ctypes.c_int]
    library.ZSTD_isError.restype, library.ZSTD_isError.argtypes = ctypes.c_uint, [size]
    return library


_zstd = _load()


def packed_by_zstd(data):
    """A frame, for tests."""
    out = ctypes.create_string_buffer(2 * len(data) + PAGE)
    size = _zstd.ZSTD_compress(ctypes.cast(out, ctypes.c_char_p), len(out), data, len(data), 3)
    return out.raw[:size]


def _decompress(data):
    """The first frame of the data, at most a page; None when it is none."""
    size = _zstd.ZSTD_findFrameCompressedSize(data, len(data))
    if _zstd.ZSTD_isError(size):
        return None
    out = ctypes.create_string_buffer(PAGE)
    got = _zstd.ZSTD_decompress(ctypes.cast(out, ctypes.c_char_p), PAGE, data, size)
    return None if _zstd.ZSTD_isError(got) else out.raw[:got]
