#!/usr/bin/env python3
"""Records what a running hyperd sends for each SQL expression of vectors.inc and rewrites the file.

Usage: tests/value/record_vectors.py PORT

Every entry is VECTOR("sql", oid, typmod, text, format 1, format 2, COPY row), bytes as hexadecimal
digits, NULL for SQL NULL (of format 1: where the server has no such format). Expressions are
evaluated in a session with the settings that hyl_value_text names.
"""

import pathlib
import re
import socket
import struct
import sys

SETTINGS = "extra_float_digits=3 timezone=UTC intervalstyle=iso_8601 bytea_output=hex"
COPY_HEADER = 19


class ServerError(Exception):
    pass


class Session:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.stream = self.socket.makefile("rb")
        params = b"user\0tableau_internal_user\0options\0" + SETTINGS.encode() + b"\0\0"
        self.socket.sendall(struct.pack("!II", len(params) + 8, 0x30000) + params)
        self.until_ready()

    def send(self, *messages):
        self.socket.sendall(
            b"".join(tag + struct.pack("!I", len(body) + 4) + body for tag, body in messages)
        )

    def until_ready(self):
        messages, failed = [], False
        while True:
            tag, length = struct.unpack("!cI", self.stream.read(5))
            body = self.stream.read(length - 4)
            messages.append((tag, body))
            failed |= tag == b"E"
            if tag == b"Z":
                break
        if failed:
            raise ServerError(messages)
        return messages

    def value(self, sql, result_format):
        """(oid, typmod, bytes or None) of the one value that a query gives."""
        self.send(
            (b"P", b"\0" + sql.encode() + b"\0\0\0"),
            (b"B", b"\0\0\0\0\0\0\0\1" + struct.pack("!h", result_format)),
            (b"D", b"P\0"),
            (b"E", b"\0\0\0\0\0"),
            (b"S", b""),
        )
        oid = typmod = data = None
        for tag, body in self.until_ready():
            if tag == b"T":
                at = body.index(b"\0", 2) + 1
                _, _, oid, _, typmod, _ = struct.unpack("!IhIhih", body[at : at + 18])
            elif tag == b"D":
                (length,) = struct.unpack("!i", body[2:6])
                data = None if length < 0 else body[6 : 6 + length]
        return oid, typmod, data

    def copy_out(self, sql):
        copy = "COPY (%s) TO STDOUT WITH (FORMAT hyperbinary)" % sql
        self.send((b"Q", copy.encode() + b"\0"))
        return b"".join(body for tag, body in self.until_ready() if tag == b"d")


def hex_or_null(data):
    return "NULL" if data is None else '"%s"' % data.hex()


def record(session, literal):
    """The line for an expression, given as the C string literal's contents."""
    sql = literal.replace('\\"', '"').replace("\\\\", "\\")
    oid, typmod, text = session.value(sql, 0)
    try:
        binary = session.value(sql, 1)[2]
    except ServerError:
        binary = None
    hyperbinary = session.value(sql, 2)[2]
    try:
        row = session.copy_out(sql)[COPY_HEADER:]
    except ServerError:
        row = None
    fields = [str(oid), str(typmod)] + [hex_or_null(x) for x in (text, binary, hyperbinary, row)]
    return 'VECTOR("%s", %s)' % (literal, ", ".join(fields))


def main():
    session = Session(int(sys.argv[1]))
    path = pathlib.Path(__file__).with_name("vectors.inc")
    version = session.value("SELECT version()", 0)[2].decode().split()[-1]
    literals = re.findall(r'^VECTOR\("((?:[^"\\]|\\.)*)"', path.read_text(), re.MULTILINE)
    lines = ["/* Recorded from hyperd %s by record_vectors.py. */" % version, "/* clang-format off */"]
    lines += [record(session, literal) for literal in literals]
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
