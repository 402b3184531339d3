"""A connection to PostgreSQL that binds parameters and stays open, which psql does not. By ctypes over libpq."""

import ctypes
import ctypes.util

from postgres import PostgresError

COMMAND_OK, TUPLES_OK, COPY_IN = 1, 2, 4
DIAGNOSTIC_SQLSTATE = ord("C")


def _load():
    library = ctypes.CDLL(ctypes.util.find_library("pq") or "libpq.so.5")
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    texts, numbers = ctypes.POINTER(text), ctypes.POINTER(number)
    types = {
        "PQconnectdb": (pointer, [text]), "PQstatus": (number, [pointer]), "PQerrorMessage": (text, [pointer]),
        "PQfinish": (None, [pointer]), "PQexec": (pointer, [pointer, text]),
        "PQexecParams": (pointer, [pointer, text, number, pointer, texts, numbers, numbers, number]),
        "PQprepare": (pointer, [pointer, text, text, number, pointer]),
        "PQexecPrepared": (pointer, [pointer, text, number, texts, numbers, numbers, number]),
        "PQresultStatus": (number, [pointer]), "PQresultErrorMessage": (text, [pointer]), "PQclear": (None, [pointer]),
        "PQntuples": (number, [pointer]), "PQnfields": (number, [pointer]),
        "PQgetisnull": (number, [pointer] + [number] * 2),
        "PQgetvalue": (pointer, [pointer] + [number] * 2), "PQgetlength": (number, [pointer] + [number] * 2),
        "PQputCopyData": (number, [pointer, text, number]), "PQputCopyEnd": (number, [pointer, text]),
        "PQgetResult": (pointer, [pointer]), "PQbackendPID": (number, [pointer]),
        "PQsetErrorVerbosity": (number, [pointer, number]),
    }
    for name, (result, arguments) in types.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


_pq = _load()


class Connection:
    """Not for several threads at a time. Parameters are str, bytes (sent in binary form) or None."""

    def __init__(self, **options):
        words = " ".join(f"{name}='{value}'" for name, value in options.items())
        self.connection = _pq.PQconnectdb(words.encode())
        if _pq.PQstatus(self.connection) != 0:
            message = _pq.PQerrorMessage(self.connection).decode(errors="replace")
            self.close()
            raise PostgresError(f"ERROR:  08001: {message}")
        _pq.PQsetErrorVerbosity(self.connection, 2)
        self.prepared = {}

    def close(self):
        _pq.PQfinish(self.connection)
        self.connection = None

    @property
    def pid(self):
        return _pq.PQbackendPID(self.connection)

    def query(self, sql, *parameters):
        """The rows as lists of str or None; without parameters also several statements."""
        if not parameters:
            return self._rows(_pq.PQexec(self.connection, sql.encode()))
        return self._rows(_pq.PQexecParams(self.connection, sql.encode(), len(parameters), None,
                                           *_arrays(parameters), 0))

    def query_prepared(self, sql, *parameters):
        if sql not in self.prepared:
            self.prepared[sql] = f"statement{len(self.prepared)}".encode()
            self._rows(_pq.PQprepare(self.connection, self.prepared[sql], sql.encode(), 0, None))
        return self._rows(_pq.PQexecPrepared(self.connection, self.prepared[sql], len(parameters),
                                             *_arrays(parameters), 0))

    def copy(self, sql, text):
        """COPY ... FROM STDIN with this text."""
        result = _pq.PQexec(self.connection, sql.encode())
        if _pq.PQresultStatus(result) != COPY_IN:
            self._rows(result)
        _pq.PQclear(result)
        data = text.encode()
        _pq.PQputCopyData(self.connection, data, len(data))
        _pq.PQputCopyEnd(self.connection, None)
        self._rows(_pq.PQgetResult(self.connection))
        while result := _pq.PQgetResult(self.connection):
            _pq.PQclear(result)

    def _rows(self, result):
        try:
            if _pq.PQresultStatus(result) not in (COMMAND_OK, TUPLES_OK):
                raise PostgresError(_pq.PQresultErrorMessage(result).decode(errors="replace"))
            return [[_cell(result, row, column) for column in range(_pq.PQnfields(result))]
                    for row in range(_pq.PQntuples(result))]
        finally:
            _pq.PQclear(result)


def _cell(result, row, column):
    if _pq.PQgetisnull(result, row, column):
        return None
    return ctypes.string_at(_pq.PQgetvalue(result, row, column), _pq.PQgetlength(result, row, column)).decode()


def _arrays(parameters):
    """What libpq takes: values, lengths, formats."""
    raw = [value.encode() if isinstance(value, str) else value for value in parameters]
    count = len(raw)
    return ((ctypes.c_char_p * count)(*raw), (ctypes.c_int * count)(*(len(value or b"") for value in raw)),
            (ctypes.c_int * count)(*(isinstance(value, bytes) for value in parameters)))
