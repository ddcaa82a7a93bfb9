"""The library by ctypes: as much of it as these tests need."""

import ctypes
import os
from ctypes import POINTER, byref, c_char, c_char_p, c_int, c_size_t, c_uint, c_uint8, c_void_p
from pathlib import Path

BUILD = Path(os.environ.get("HYL_BUILD_DIR", Path(__file__).resolve().parents[2] / "build"))
LIBRARY = ctypes.CDLL(str(BUILD / "libhyperline.so"))

QUERY_TEXT = 1
DONE = 2


class Error(ctypes.Structure):
    _fields_ = [
        ("status", c_int),
        ("sys_errno", c_int),
        ("flags", c_uint),
        ("sqlstate", c_char * 6),
        ("severity", c_char * 10),
        ("message", c_char * 512),
    ]


class Buf(ctypes.Structure):
    _fields_ = [
        ("data", POINTER(c_uint8)),
        ("len", c_size_t),
        ("cap", c_size_t),
        ("failed", ctypes.c_bool),
    ]


class QueryOpts(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("flags", c_uint)]


class ArrayStream(ctypes.Structure):
    _fields_ = [
        ("get_schema", c_void_p),
        ("get_next", c_void_p),
        ("get_last_error", c_void_p),
        ("release", c_void_p),
        ("private_data", c_void_p),
    ]


RELEASE = ctypes.CFUNCTYPE(None, POINTER(ArrayStream))

LIBRARY.hyl_row_column_count.restype = c_size_t
LIBRARY.hyl_row_is_null.restype = ctypes.c_bool
for name, arguments in {
    "hyl_row_column_count": [c_void_p],
    "hyl_row_is_null": [c_void_p, c_size_t],
    "hyl_row_text": [c_void_p, c_size_t, c_void_p, c_void_p],
    "hyl_result_next": [c_void_p, c_void_p, c_void_p],
    "hyl_result_free": [c_void_p],
    "hyl_conn_free": [c_void_p],
    "hyl_server_free": [c_void_p],
    "hyl_buf_reset": [c_void_p],
    "hyl_exec": [c_void_p, c_char_p, c_void_p, c_void_p],
    "hyl_query_arrow": [c_void_p, c_char_p, c_void_p, c_void_p, c_void_p],
    "hyl_query_with": [c_void_p, c_char_p, c_void_p, c_void_p, c_void_p],
    "hyl_server_open_file": [c_char_p, c_char_p, c_void_p, c_void_p, c_void_p],
}.items():
    getattr(LIBRARY, name).argtypes = arguments


class HyperlineError(Exception):
    def __init__(self, status, error):
        super().__init__(error.message.decode())
        self.status = status
        self.sqlstate = error.sqlstate.decode()


def check(status, error):
    if status < 0:
        raise HyperlineError(status, error)
    return status


# ---- capsules -----------------------------------------------------------------------------------

CAPSULE_DESTRUCTOR = ctypes.CFUNCTYPE(None, c_void_p)
NEW_CAPSULE = ctypes.pythonapi.PyCapsule_New
NEW_CAPSULE.restype = ctypes.py_object
NEW_CAPSULE.argtypes = [c_void_p, c_char_p, CAPSULE_DESTRUCTOR]
CAPSULE_NAME = b"arrow_array_stream"


class Stream:
    """A stream of record batches, to be handed on once: by its address, or as a capsule."""

    def __init__(self):
        self.c = ArrayStream()

    @property
    def address(self):
        return ctypes.addressof(self.c)

    def __arrow_c_stream__(self, requested_schema=None):
        # The reader moves the structure out and keeps no pointer to it; this object outlives that.
        return NEW_CAPSULE(self.address, CAPSULE_NAME, CAPSULE_DESTRUCTOR())

    def __del__(self):
        if self.c.release:
            RELEASE(self.c.release)(byref(self.c))


# ---- Arrow IPC ----------------------------------------------------------------------------------


class Bytes(ctypes.Structure):
    _fields_ = [("data", c_char_p), ("len", c_size_t)]


LIBRARY.hyl_arrow_ipc_open_fd.argtypes = [c_int, c_void_p, c_void_p]
LIBRARY.hyl_arrow_ipc_open_memory.argtypes = [Bytes, c_void_p, c_void_p]


class Opened(Stream):
    """A stream over bytes or a file descriptor, which it keeps."""

    def __init__(self, source):
        super().__init__()
        self.source = source
        error = Error()
        if isinstance(source, bytes):
            status = LIBRARY.hyl_arrow_ipc_open_memory(
                Bytes(source, len(source)), self.address, byref(error)
            )
        else:
            status = LIBRARY.hyl_arrow_ipc_open_fd(source, self.address, byref(error))
        check(status, error)


# ---- connection ---------------------------------------------------------------------------------


class Connection:
    """A server of its own with an empty database."""

    def __init__(self, path):
        self.server = c_void_p()
        self.conn = c_void_p()
        error = Error()
        check(
            LIBRARY.hyl_server_open_file(
                os.fsencode(path), b"create", byref(self.server), byref(self.conn), byref(error)
            ),
            error,
        )

    def close(self):
        LIBRARY.hyl_conn_free(self.conn)
        LIBRARY.hyl_server_free(self.server)

    def execute(self, sql):
        error = Error()
        check(LIBRARY.hyl_exec(self.conn, sql.encode(), None, byref(error)), error)

    def arrow(self, sql):
        stream = Stream()
        error = Error()
        check(
            LIBRARY.hyl_query_arrow(self.conn, sql.encode(), None, byref(stream.c), byref(error)),
            error,
        )
        return stream

    def text(self, sql):
        """The rows as the server's own text, None for NULL."""
        error, result, row = Error(), c_void_p(), c_void_p()
        options = QueryOpts(ctypes.sizeof(QueryOpts), QUERY_TEXT)
        check(
            LIBRARY.hyl_query_with(
                self.conn, sql.encode(), byref(options), byref(result), byref(error)
            ),
            error,
        )
        rows = []
        try:
            while check(LIBRARY.hyl_result_next(result, byref(row), byref(error)), error) != DONE:
                rows.append(
                    [cell_text(row, i) for i in range(LIBRARY.hyl_row_column_count(row))]
                )
        finally:
            LIBRARY.hyl_result_free(result)
        return rows


def cell_text(row, column):
    if LIBRARY.hyl_row_is_null(row, column):
        return None
    error, buf = Error(), Buf()
    try:
        check(LIBRARY.hyl_row_text(row, column, byref(buf), byref(error)), error)
        return ctypes.string_at(buf.data, buf.len).decode() if buf.len else ""
    finally:
        LIBRARY.hyl_buf_reset(byref(buf))
