"""A client of HTTP/2 that can stop in the middle of a call: just enough of RFC 9113 and gRPC. Standard library only."""

import socket
import struct

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
ACK = END_STREAM = 1
END_HEADERS = 4
INITIAL_WINDOW = 65535
MAX_WINDOW = (1 << 31) - 1
FRAME = 16384


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def text(value):
    """A string without Huffman code (RFC 7541 5.1, 5.2)."""
    length, rest = [min(len(value), 127)], len(value) - 127
    while rest >= 0:
        length.append(rest & 127 | (128 if rest > 127 else 0))
        rest = (rest >> 7) or -1
    return bytes(length) + value.encode()


def literal(name, value):
    """A header field outside of the table (RFC 7541 6.2.2)."""
    return b"\0" + text(name) + text(value)


def message(*fields):
    """A protobuf message of short strings, from field 1 on."""
    parts = []
    for number, text in enumerate(fields, 1):
        data = text.encode()
        assert len(data) < 1 << 14
        parts.append(bytes((number << 3 | 2, len(data) & 127 | 128, len(data) >> 7)) + data)
    return b"".join(parts)


class Stream:
    def __init__(self, window):
        self.window = window
        self.data = b""
        self.headers = b""  # encoded; literals are readable in it
        self.ended = False


class Connection:
    """Over a connected socket, which it owns."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""
        self.window = self.initial = INITIAL_WINDOW
        self.streams = {}
        self.next_stream = 1
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, MAX_WINDOW)) +
                     frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", MAX_WINDOW - INITIAL_WINDOW)))

    @classmethod
    def to_unix(cls, path, timeout_s):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(timeout_s)
        sock.connect(str(path))
        return cls(sock)

    def close(self):
        self.sock.close()

    def receive_frame(self):
        """Takes the next frame, and what it says. EOFError when the server has closed or is about to."""
        while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(self.buffer[:3], "big"):
            more = self.sock.recv(1 << 20)
            if not more:
                raise EOFError("closed")
            self.buffer += more
        end = 9 + int.from_bytes(self.buffer[:3], "big")
        kind, flags = self.buffer[3:5]
        number, payload = int.from_bytes(self.buffer[5:9], "big"), self.buffer[9:end]
        self.buffer = self.buffer[end:]
        if kind == GOAWAY:
            raise EOFError("told to go away")
        if kind == SETTINGS and not flags & ACK:
            self.take_settings(payload)
        elif kind == PING and not flags & ACK:
            self.sock.sendall(frame(PING, ACK, 0, payload))
        elif kind == WINDOW_UPDATE and number == 0:
            self.window += int.from_bytes(payload, "big")
        elif number in self.streams:
            self.take(self.streams[number], kind, flags, payload)

    def take_settings(self, payload):
        for offset in range(0, len(payload), 6):
            setting, value = struct.unpack_from(">HI", payload, offset)
            if setting == 4:
                for stream in self.streams.values():
                    stream.window += value - self.initial
                self.initial = value
        self.sock.sendall(frame(SETTINGS, ACK, 0, b""))

    @staticmethod
    def take(stream, kind, flags, payload):
        if kind == WINDOW_UPDATE:
            stream.window += int.from_bytes(payload, "big")
        elif kind == DATA:
            stream.data += payload
        elif kind == HEADERS:
            stream.headers += payload
        stream.ended = stream.ended or kind == RST_STREAM or (kind in (DATA, HEADERS) and flags & END_STREAM != 0)

    def start(self, method, message, withheld=0, metadata=()):
        """Sends a call without its last `withheld` bytes, as far as the server lets it. Returns the stream."""
        number, self.next_stream = self.next_stream, self.next_stream + 2
        fields = ((":method", "POST"), (":scheme", "https"), (":path", method), (":authority", "localhost"),
                  ("content-type", "application/grpc"), ("te", "trailers"), *metadata)
        self.sock.sendall(frame(HEADERS, END_HEADERS, number, b"".join(literal(*field) for field in fields)))
        stream = self.streams[number] = Stream(self.initial)
        body = b"\0" + struct.pack(">I", len(message)) + message
        offset, end = 0, len(body) - withheld
        while offset < end and not stream.ended:
            size = min(end - offset, self.window, stream.window, FRAME)
            if size <= 0:
                self.receive_frame()
                continue
            last = END_STREAM if offset + size == len(body) else 0
            self.sock.sendall(frame(DATA, last, number, body[offset:offset + size]))
            offset += size
            self.window -= size
            stream.window -= size
        return stream

    def call(self, method, message=b"", metadata=()):
        """The whole call: (the response's bytes, the encoded headers and trailers)."""
        stream = self.start(method, message, metadata=metadata)
        while not stream.ended:
            self.receive_frame()
        return stream.data[5:], stream.headers
