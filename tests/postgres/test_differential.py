"""The same SQL through hyperline and through psycopg, on one PostgreSQL: the same answers.

psycopg stands on libpq. Its raw result has the server's own text of each value, against which stand
the text that the library reads (format 0) and the text that it makes of PostgreSQL's binary values
(format 1); its Python values stand against what the program prints as JSON.
"""

import csv
import ctypes
import datetime
import decimal
import io
import json
import math
import os
import re
import subprocess
import uuid
from ctypes import byref, c_char_p, c_size_t, c_uint, c_void_p
from pathlib import Path
from random import Random

import psycopg
import pytest
from expressions import Generator, literal

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("HYL_BUILD_DIR", ROOT / "build")).resolve()
SEED = 20000101
COUNT = 900
DONE = 2
QUERY_BINARY = 4
TEXT_ARRAY = 1009

decimal.getcontext().prec = 1000


# ---- the library --------------------------------------------------------------------------------


class Error(ctypes.Structure):
    _fields_ = [
        ("status", ctypes.c_int),
        ("sys_errno", ctypes.c_int),
        ("flags", c_uint),
        ("sqlstate", ctypes.c_char * 6),
        ("severity", ctypes.c_char * 10),
        ("message", ctypes.c_char * 512),
    ]


class Buf(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("len", c_size_t), ("cap", c_size_t), ("failed", ctypes.c_bool)]


class QueryOpts(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("flags", c_uint)]


class Failed(Exception):
    """Its text is the SQLSTATE."""


class Library:
    """A connection of the library's to the server."""

    def __init__(self, port):
        self.calls = ctypes.CDLL(str(BUILD / "libhyperline.so"))
        self.calls.hyl_row_is_null.restype = ctypes.c_bool
        self.connection = c_void_p()
        where = f"endpoint=127.0.0.1:{port} user=postgres".encode()
        self.call("hyl_connect_uri", c_char_p(where), byref(self.connection))

    def call(self, name, *arguments):
        error = Error()
        status = getattr(self.calls, name)(*arguments, byref(error))
        if status < 0:
            raise Failed(error.sqlstate.decode() or error.message.decode())
        return status

    def rows(self, sql, columns=1, flags=0):
        """The rows' texts as bytes, None for NULL."""
        options = QueryOpts(ctypes.sizeof(QueryOpts), flags)
        result, row = c_void_p(), c_void_p()
        self.call(
            "hyl_query_with", self.connection, c_char_p(sql.encode()), byref(options), byref(result)
        )
        try:
            rows = []
            while self.call("hyl_result_next", result, byref(row)) != DONE:
                rows.append([self.text(row, c_size_t(i)) for i in range(columns)])
            return rows
        finally:
            self.calls.hyl_result_free(result)

    def text(self, row, column):
        if self.calls.hyl_row_is_null(row, column):
            return None
        buf = Buf()
        self.call("hyl_row_text", row, column, byref(buf))
        text = ctypes.string_at(buf.data, buf.len) if buf.len else b""
        self.calls.hyl_buf_reset(byref(buf))
        return text

    def close(self):
        self.calls.hyl_conn_free(self.connection)


@pytest.fixture(scope="module")
def library(postgres):
    library = Library(postgres)
    yield library
    library.close()


@pytest.fixture(scope="module")
def peer(postgres):
    options = "-c timezone=UTC -c datestyle=ISO -c intervalstyle=iso_8601 -c extra_float_digits=3"
    where = f"host=127.0.0.1 port={postgres} user=postgres dbname=postgres options='{options}'"
    with psycopg.connect(where, autocommit=True) as connection:
        yield connection


def peer_rows(peer, sql):
    """The server's own texts, by libpq."""
    with peer.cursor() as cursor:
        try:
            cursor.execute(sql.encode())
        except psycopg.Error as error:
            raise Failed(error.sqlstate) from None
        result = cursor.pgresult
        return [
            [result.get_value(row, column) for column in range(result.nfields)]
            for row in range(result.ntuples)
        ]


def outcome(fetch, *arguments):
    """What a query gives: rows, or the SQLSTATE of its error."""
    try:
        return fetch(*arguments)
    except Failed as error:
        return str(error)


@pytest.fixture(scope="module")
def expressions():
    generator = Generator(Random(SEED))
    return [generator.expression() for _ in range(COUNT)]


# ---- the library against libpq ------------------------------------------------------------------


@pytest.mark.parametrize("flags", [0, QUERY_BINARY])
def test_every_expression_has_the_server_s_text_or_error(library, peer, expressions, flags):
    values = errors = 0
    for expression in expressions:
        sql = f"SELECT {expression}"
        theirs = outcome(peer_rows, peer, sql)
        assert outcome(library.rows, sql, 1, flags) == theirs, expression
        values += isinstance(theirs, list)
        errors += isinstance(theirs, str)
    print(f"seed {SEED}: {values} values, {errors} errors")
    assert values > 600 and errors > 50


@pytest.mark.parametrize("flags", [0, QUERY_BINARY])
def test_a_table_of_all_types_comes_whole(library, peer, flags):
    generator = Generator(Random(SEED + 1))
    columns = "a int2, b int8, c numeric(30,10), d float4, e float8, f text, g varchar(40), "
    columns += "h bytea, i date, j timestamptz, k interval, l int[], m numeric, n bool"
    with peer.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS every_type; CREATE TABLE every_type ({columns})")
        for _ in range(500):
            values = [
                *[generator.integer("int2"), generator.integer("int8"), generator.digits(10)],
                *[f"{generator.random.uniform(-9, 9)}", generator.double()],
                *[literal(generator.string()), f"left({literal(generator.string())}, 40)"],
                *[f"'\\x{generator.random.randbytes(9).hex()}'", generator.date()],
                *[generator.moment("timestamptz"), generator.interval()],
                *["array[1, null, -7]", generator.numeric(), generator.pick("true", "false")],
            ]
            row = ", ".join(generator.pick(value, value, value, "null") for value in values)
            cursor.execute(f"INSERT INTO every_type VALUES ({row})".encode())
    sql = "SELECT * FROM every_type"
    theirs = peer_rows(peer, sql)
    assert len(theirs) == 500
    assert library.rows(sql, 14, flags) == theirs


def test_both_are_in_the_same_transaction_states(library, peer):
    """Statements one by one, through errors, savepoints and what both do at the end."""
    script = [
        *["CREATE TABLE %s (a int UNIQUE)", "BEGIN", "INSERT INTO %s VALUES (1)", "SAVEPOINT s"],
        *["INSERT INTO %s VALUES (1)", "SELECT 1", "ROLLBACK TO s", "INSERT INTO %s VALUES (2)"],
        *["COMMIT", "BEGIN", "INSERT INTO %s VALUES (3)", "SELECT 1/0", "ROLLBACK", "COMMIT"],
        *["BEGIN", "SELECT nope", "ROLLBACK AND CHAIN", "INSERT INTO %s VALUES (4)", "END"],
        "SELECT a FROM %s ORDER BY a",
    ]
    for statement in script:
        ours = outcome(library.rows, statement.replace("%s", "ours"))
        theirs = outcome(peer_rows, peer, statement.replace("%s", "theirs"))
        assert ours == theirs, statement
    assert ours == [[b"1"], [b"2"], [b"4"]]


# ---- the program against psycopg ----------------------------------------------------------------


def query(port, sql, *options):
    done = subprocess.run(
        [BUILD / "hyperline", "query", f"endpoint=127.0.0.1:{port} user=postgres", "-f", "-", *options],
        input=sql.encode(),
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")
    return done.stdout.decode()


@pytest.fixture(scope="module")
def selects(peer, expressions):
    """Statements of a hundred expressions each, of those that have a value."""
    good = [e for e in expressions if not isinstance(outcome(peer_rows, peer, f"SELECT {e}"), str)]
    pieces = [good[i : i + 100] for i in range(0, len(good), 100)]
    return [
        (piece, "SELECT " + ", ".join(f"({e}) AS c{i}" for i, e in enumerate(piece)))
        for piece in pieces
    ]


def test_csv_has_the_server_s_texts(postgres, peer, selects):
    for piece, sql in selects:
        (theirs,) = peer_rows(peer, sql)
        rows = csv.reader(io.StringIO(query(postgres, sql, "--format=csv", "--null=<NULL>"), newline=""))
        header, ours = list(rows)
        assert header == [f"c{i}" for i in range(len(piece))]
        for expression, mine, value in zip(piece, ours, theirs, strict=True):
            assert mine == ("<NULL>" if value is None else value.decode()), expression


def timestamp(text, zone):
    """A timestamp as the program prints it; None for what Python has no datetime for."""
    try:
        value = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    assert (value.tzinfo is not None) == zone
    return value


def same_number(mine, value):
    if isinstance(mine, str):  # NaN and the infinities
        number = decimal.Decimal(mine) if isinstance(value, decimal.Decimal) else float(mine)
        return str(number) == str(value)
    if isinstance(value, float):
        return float(mine) == value and math.copysign(1, float(mine)) == math.copysign(1, value)
    return decimal.Decimal(mine) == value


def server_s(mine):
    """A text that the program printed, as the server writes it: without ISO 8601's T and minutes,
    and without the zeros at the end of an interval's seconds."""
    mine = re.sub(r"^(P.*\.\d*[1-9])0+S$", r"\1S", mine)
    return re.sub(r"^(\d+-\d\d-\d\d)T(.*?)(?:(\+00):00)?( BC)?$", r"\1 \2\3\4", mine)


def same_text(mine, value, peer):
    """The same of a value that is no more than the server's text to psycopg."""
    if isinstance(mine, list):
        elements = peer.adapters.get_loader(TEXT_ARRAY, psycopg.pq.Format.TEXT)(TEXT_ARRAY, peer)
        texts = elements.load(value.encode())
        return [None if m is None else server_s(m) for m in mine] == texts
    return server_s(mine) == value


def same(mine, value, peer):
    """Is what the program printed the value that psycopg has?"""
    if isinstance(value, str) and isinstance(mine, (str, list)):
        return mine == value or same_text(mine, value, peer)
    if isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, bool):
        return same_number(mine, value)
    if isinstance(value, datetime.datetime):
        return timestamp(mine, value.tzinfo is not None) == value
    if isinstance(value, datetime.time):
        return datetime.time.fromisoformat(mine) == value
    if isinstance(value, (datetime.date, uuid.UUID)):
        return mine == str(value)
    if isinstance(value, bytes):
        return mine == "\\x" + value.hex()
    if isinstance(value, list):
        return len(mine) == len(value) and all(same(m, v, peer) for m, v in zip(mine, value))
    return mine == value


PLAIN = (bool, int, float, decimal.Decimal, str, bytes, list, dict, uuid.UUID)
PLAIN += (datetime.datetime, datetime.date, datetime.time)


def values_of(peer, sql, texts):
    """psycopg's Python value of each column; the text itself where it has none: dates before Christ,
    infinite ones, intervals in months."""
    with peer.cursor() as cursor:
        cursor.execute(sql.encode())
        oids = [column.type_code for column in cursor.description]
    values = []
    for oid, text in zip(oids, texts, strict=True):
        loader = peer.adapters.get_loader(oid, psycopg.pq.Format.TEXT)
        try:
            value = loader(oid, peer).load(text) if loader and text is not None else None
            values.append(value if text is None or isinstance(value, PLAIN) else text.decode())
        except (psycopg.DataError, NotImplementedError):
            values.append(text.decode())
    return values


def is_nested(value):
    return isinstance(value, list) and any(isinstance(element, list) for element in value)


def test_json_has_psycopg_s_values(postgres, peer, selects):
    compared = 0
    for piece, sql in selects:
        (texts,) = peer_rows(peer, sql)
        values = values_of(peer, sql, texts)
        printed = query(postgres, sql, "--format=json")
        (row,) = json.loads(printed, parse_float=decimal.Decimal, parse_int=int)
        for i, expression in enumerate(piece):
            mine = row[f"c{i}"]
            if is_nested(values[i]) and isinstance(mine, str):
                # Of several dimensions only numbers have another form than the server's text.
                values[i] = texts[i].decode()
            assert same(mine, values[i], peer), (expression, mine, values[i], texts[i])
            compared += 1
    print(f"seed {SEED}: {compared} values compared")
    assert compared > 600
