#!/usr/bin/env python3
"""Records what a running hyperd sends for each entry of vectors.inc and tables.inc, and rewrites
both files.

Usage: tests/value/record_vectors.py PORT

Every entry is VECTOR("sql", oid, typmod, text, format 1, format 2, COPY row), bytes as hexadecimal
digits, NULL for SQL NULL (of format 1: where the server has no such format). Expressions are
evaluated in a session with the settings that hyl_value_text names.

TABLE("type", "literal", "NULL or NOT NULL", oid, typmod, stream) is the whole COPY stream of a table
of one column that holds the literal and, where it may, NULL.
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

    def run(self, sql):
        self.send((b"Q", sql.encode() + b"\0"))
        self.until_ready()

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


def record_table(session, fields):
    """The COPY stream of a table of one column: a value and, where it may be, NULL."""
    sql_type, literal, constraint = (f.replace("\\\\", "\\") for f in fields)
    session.run("DROP TABLE IF EXISTS recorded")
    session.run("CREATE TEMP TABLE recorded (x %s %s)" % (sql_type, constraint))
    session.run("INSERT INTO recorded VALUES (%s)" % literal)
    if constraint == "NULL":
        session.run("INSERT INTO recorded VALUES (NULL)")
    oid, typmod, _ = session.value("SELECT x FROM recorded", 0)
    stream = session.copy_out("SELECT x FROM recorded")
    fields = '"%s", "%s", "%s"' % tuple(fields)
    return 'TABLE(%s, %d, %d, "%s")' % (fields, oid, typmod, stream.hex())


STRING = r'"((?:[^"\\]|\\.)*)"'


def rewrite(name, pattern, record_one, session):
    path = pathlib.Path(__file__).with_name(name)
    version = session.value("SELECT version()", 0)[2].decode().split()[-1]
    found = re.findall(pattern, path.read_text(), re.MULTILINE)
    lines = ["/* Recorded from hyperd %s by record_vectors.py. */" % version]
    lines += ["/* clang-format off */"] + [record_one(session, item) for item in found]
    path.write_text("\n".join(lines) + "\n")


def main():
    session = Session(int(sys.argv[1]))
    rewrite("vectors.inc", "^VECTOR\\(" + STRING, record, session)
    rewrite("tables.inc", "^TABLE\\(%s, %s, %s" % (STRING, STRING, STRING), record_table, session)


if __name__ == "__main__":
    main()
