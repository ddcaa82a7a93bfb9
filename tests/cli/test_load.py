"""hyperline load against a real server: types, NULLs, files, errors, and that a load is whole or
nothing."""

import csv
import fcntl
import gzip
import io
import json
import os
import pty
import random
import re
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
from collections import Counter

import pytest
from conftest import PROGRAM, ROOT, environment, query, run

FLIGHTS = ROOT / ".deps" / "data" / "flights.csv"

TABLES = """SELECT n.nspname, c.relname FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'pg_temp', 'information_schema', 'tableau') ORDER BY 1, 2"""

COLUMNS = """SELECT a.attname, a.atttypid::regtype::text, a.atttypmod, a.attnotnull
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE a.attnum > 0 AND n.nspname = '{}' AND c.relname = '{}' ORDER BY a.attnum"""


class Database:
    """A database on the shared server."""

    def __init__(self, server, path):
        self.path = path
        self.db = f"hyper://{server.tcp}{path}"
        query(f"endpoint={server.tcp} database={path} create=create", "SELECT 1")

    def rows(self, sql):
        text = query(self.db, sql, "--format=csv", "--null=\\N")
        return [tuple(row) for row in csv.reader(io.StringIO(text, newline=""))][1:]

    def run(self, *statements):
        query(self.db, ";".join(statements))

    def snapshot(self):
        """All tables with their columns and rows."""
        return {
            (schema, name): (
                self.rows(COLUMNS.format(schema.replace("'", "''"), name.replace("'", "''"))),
                sorted(self.rows('SELECT * FROM "{}"."{}"'.format(*quoted(schema, name)))),
            )
            for schema, name in self.rows(TABLES)
        }


def quoted(*names):
    return [name.replace('"', '""') for name in names]


@pytest.fixture
def database(server, tmp_path):
    return Database(server, tmp_path / "load.hyper")


@pytest.fixture
def source(tmp_path):
    """Writes a CSV file; returns its path."""

    def write(text, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def load(path, db, *options, **others):
    """Runs `hyperline load`, which has to succeed; returns its stderr."""
    done = run("load", path, getattr(db, "db", db), *options, **others)
    assert done.returncode == 0, done.stderr.decode()
    return done.stderr.decode()


def load_fails(path, database, *options, status=1, **others):
    """Runs `hyperline load`, which has to fail and to leave the database as it is; returns the
    message."""
    before = database.snapshot()
    done = run("load", path, database.db, *options, **others)
    assert (done.returncode, done.stdout.decode()) == (status, ""), done.stderr.decode()
    text = done.stderr.decode()
    assert text.startswith("hyperline: ")
    assert database.snapshot() == before
    return text.removeprefix("hyperline: ").rstrip("\n")


def inferred(stderr):
    """Column name to type, of what load says."""
    pairs = [re.split(r"  +", line.strip()) for line in stderr.splitlines()[1:]]
    return {pair[0]: pair[1] for pair in pairs}


# ---- types --------------------------------------------------------------------------------------


def test_types_are_inferred_and_said(database, source):
    path = source(
        "flag,small,big,money,measure,day,at,zoned,clock,zip,name\n"
        "true,1,3000000000,12.50,1.5,2024-02-29,2024-02-29T12:34:56,2024-02-29T12:34:56Z,12:34,"
        "02134,x\n"
        "false,-7,0,-0.05,2.25,0044-03-15 BC,2024-02-29,2024-02-29 01:00:00+02,23:59:59.5,10001,\n"
    )
    said = load(path, database)
    assert inferred(said) == {
        "flag": "boolean",
        "small": "integer",
        "big": "bigint",
        "money": "numeric(18,2)",
        "measure": "double precision",
        "day": "date",
        "at": "timestamp",
        "zoned": "timestamp with time zone",
        "clock": "time",
        "zip": "text",
        "name": "text",
    }
    assert said.splitlines()[0] == f"{path}: 11 columns"
    assert re.search(r"name +text +1 NULL$", said, re.M)
    assert database.rows("SELECT * FROM data ORDER BY small DESC") == [
        ("t", "1", "3000000000", "12.50", "1.5", "2024-02-29", "2024-02-29 12:34:56",
         "2024-02-29 12:34:56+00", "12:34:00", "02134", "x"),
        ("f", "-7", "0", "-0.05", "2.25", "0044-03-15 BC", "2024-02-29 00:00:00",
         "2024-02-28 23:00:00+00", "23:59:59.5", "10001", "\\N"),
    ]  # fmt: skip


def test_what_would_change_stays_text(database, source):
    path = source(
        "phone,id,day,key,comma\n"
        '+4930,12345678901234567890,01/02/2024,007,"1,5"\n'
        '+4940,1,29/02/2024,7,"2,5"\n'
    )
    said = load(path, database)
    assert set(inferred(said).values()) == {"text"}
    assert "a decimal comma? --decimal-comma" in said
    assert database.rows("SELECT phone, id, day, key, comma FROM data ORDER BY phone") == [
        ("+4930", "12345678901234567890", "01/02/2024", "007", "1,5"),
        ("+4940", "1", "29/02/2024", "7", "2,5"),
    ]


def long_file(last, rows=500_000):
    """A file whose last row alone decides the types: far behind what is looked at first."""
    lines = "".join(f"{i},{i % 10},\n" for i in range(rows))
    return f"id,digit,late\n{lines}{last}\n"


@pytest.mark.parametrize(
    ("last", "types"),
    [
        ("7,8,", ["integer", "integer", "text"]),
        ("7,8,2024-02-29", ["integer", "integer", "date"]),
        ("7,x8,5", ["integer", "text", "integer"]),
        ("3000000000,8.5,1.25", ["bigint", "double precision", "numeric(18,2)"]),
    ],
)
def test_the_last_row_decides_as_the_first(database, source, last, types):
    path = source(long_file(last))
    done = run("load", path, database.db, "--timing=json")
    assert list(inferred(done.stderr.decode()).values()) == types
    said = json.loads(done.stdout)
    assert said["rows"] == 500_001
    assert said["bytes"] == path.stat().st_size
    assert said["passes"] == (1 if last == "7,8," else 2)
    assert database.rows("SELECT count(*), sum(id), min(late) FROM data") == [
        ("500001", str(sum(range(500_000)) + int(last.split(",")[0])), last.split(",")[2] or "\\N")
    ]
    assert database.rows(TABLES) == [("public", "data")]


def test_a_pipe_is_read_again_too(database):
    said = load("-", database, "--table=t", input=long_file("7,x8,5").encode())
    assert inferred(said) == {"id": "integer", "digit": "text", "late": "integer"}
    assert "integer but for line 500002: 'x8'" in said
    assert database.rows("SELECT count(*) FROM t WHERE digit = '3'") == [("50000",)]


def test_a_sample_decides_alone(database, source):
    path = source("a,b\n1,\n2,\nx,5\n")
    text = load_fails(path, database, "--sample=2")
    assert text == (
        f"{path}: line 4, column 1 \"a\": 'x' is no integer "
        "(the type was inferred from the first 2 rows)"
    )
    said = load(path, database, "--sample=3")
    assert inferred(said) == {"a": "text", "b": "integer"}
    said = load(source(long_file("7,x8,5")), database, "--sample=400000", "--type=digit=text",
                "--table=t")  # fmt: skip
    assert inferred(said) == {"id": "integer", "digit": "text", "late": "text"}
    assert "types inferred from the first 400,000 rows" in said


def test_types_can_be_given(database, source):
    path = source("a,b=c,d\n007,yes,1\n+8,no,1.5\n")
    said = load(path, database, "--type", "a=bigint", "--type", "b=c=bool", "--type=d=numeric(10,3)")
    assert inferred(said) == {"a": "bigint", "b=c": "boolean", "d": "numeric(10,3)"}
    assert "as asked for" in said
    assert database.rows('SELECT a, "b=c", d FROM data ORDER BY a') == [
        ("7", "t", "1.000"),
        ("8", "f", "1.500"),
    ]
    text = load_fails(path, database, "--table=t", "--type=d=integer")
    assert text == f"{path}: line 3, column 3 \"d\": '1.5' is no integer"
    text = load_fails(path, database, "--table=t", "--type=x=integer")
    assert text == f'{path} has no column "x", which --type names'


def test_all_types_can_be_given(database, source):
    values = {
        "smallint": "-7", "integer": "1", "bigint": "2", "double precision": "1.5",
        "numeric(18,4)": "1.2345", "oid": "4000000000", "text": "x", "varchar(5)": "caf\u00e9",
        "char(3)": "ab", "char": "\u00e9", "json": '{"a": [1]}', "bytes": "\\x00ff",
        "date": "2024-02-29", "time": "12:34:56", "timestamp": "2024-02-29 12:34:56",
        "timestamptz": "2024-02-29 12:34:56+00", "interval": "P1DT2H", "boolean": "t",
    }  # fmt: skip
    out = io.StringIO()
    csv.writer(out).writerows([[f"c{i}" for i in range(len(values))], values.values()])
    path = source(out.getvalue())
    load(path, database, *(f"--type=c{i}={name}" for i, name in enumerate(values)))
    expected = tuple({"char(3)": "ab "}.get(name, value) for name, value in values.items())
    assert database.rows("SELECT * FROM data") == [expected]


def test_decimal_commas_are_read_where_asked_for(database, source):
    path = source("a;b\n1,5;12,50\n-2;3,00\n")
    said = load(path, database, "--delimiter=;", "--decimal-comma")
    assert inferred(said) == {"a": "double precision", "b": "numeric(18,2)"}
    assert database.rows("SELECT * FROM data ORDER BY a") == [("-2", "3.00"), ("1.5", "12.50")]


# ---- NULL and text ------------------------------------------------------------------------------


def test_the_empty_field_is_null_by_default(database, source):
    path = source('a,b,c\n1,"",\n2,,""\n,NA,NULL\n')
    load(path, database)
    assert sorted(database.rows("SELECT * FROM data")) == [
        ("1", "", "\\N"),
        ("2", "\\N", ""),
        ("\\N", "NA", "NULL"),
    ]


def test_null_texts_replace_the_empty_field(database, source):
    path = source('a,b\n1,NA\n-,""\nNA,"NA"\n2,\n')
    said = load(path, database, "--null=NA", "--null", "-")
    assert inferred(said) == {"a": "integer", "b": "text"}
    assert sorted(database.rows("SELECT * FROM data")) == [
        ("1", "\\N"),
        ("2", ""),
        ("\\N", ""),
        ("\\N", "NA"),
    ]
    load(path, database, "--null=NA", "--null=-", "--null=", "--force-null", "--table=forced")
    assert sorted(database.rows("SELECT * FROM forced")) == [
        ("1", "\\N"),
        ("2", "\\N"),
        ("\\N", "\\N"),
        ("\\N", "\\N"),
    ]


def test_quotes_newlines_and_blanks_are_kept(database, source):
    texts = ['say "x"', "two\nlines", "dos\r\nline", "a,b", " blank ", "caf\u00e9 \U0001f642", "tab\t", "'"]
    out = io.StringIO()
    csv.writer(out).writerows([["i", "t"], *enumerate(texts)])
    load(source(out.getvalue()), database)
    assert [row[1] for row in database.rows("SELECT * FROM data ORDER BY i")] == texts


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a\tb\n1\tx\n", ["--delimiter", "\\t"]),
        ("a|b\n1|x\n", ["-d", "|"]),
        ("a,b\n1,'x'\n", ["--quote='"]),
        ("a,b\r\n1,x\r\n", []),
        ("a,b\r\n1,x", ["--header"]),
        ("\ufeffa,b\n1,x\n", []),
        ("1,x\n", ["--no-header", "--type=column_1=int"]),
        ("\ufeff1,x\n", ["--no-header"]),
        ("a,b\n1,x\n\n\r\n", []),
    ],
)
def test_ways_of_writing(database, source, text, options):
    load(source(text), database, *options)
    assert database.rows("SELECT * FROM data") == [("1", "x")]


def test_a_mark_is_no_part_of_the_first_value(database, source):
    """The server's own COPY fails on this file."""
    database.run("CREATE TABLE data (a int, b text, c numeric(5,2))")
    load(source(b"\xef\xbb\xbf31,a,1.5\n"), database, "--append", "--no-header")
    assert database.rows("SELECT * FROM data") == [("31", "a", "1.50")]


def test_null_and_empty_in_all_ways(database, source):
    """tableau/hyper-api-samples#46: which of them is NULL has to be plain."""
    path = source('a,b,c\n1,"",\n2,,"NULL"\n3,NULL,x\n')
    load(path, database, "--null=NULL")
    assert sorted(database.rows("SELECT * FROM data")) == [
        ("1", "", ""),
        ("2", "", "NULL"),
        ("3", "\\N", "x"),
    ]
    load(path, database, "--null=NULL", "--force-null", "--replace")
    assert ("2", "", "\\N") in database.rows("SELECT * FROM data")


def test_zeros_of_decimals_are_kept(database, source):
    """apache/arrow-adbc#1501: 0.0000 lost its leading zero."""
    load(source("a,b\n0.0000,0\n1.0123,1\n"), database)
    assert database.rows("SELECT a FROM data ORDER BY a") == [("0.0000",), ("1.0123",)]


def test_without_quotes_they_are_text(database, source):
    load(source('a,b\n"x,y"\n'), database, "--quote=")
    assert database.rows("SELECT * FROM data") == [('"x', 'y"')]


def test_names_are_kept_or_made(database, source):
    path = source('select,"a""b",caf\u00e9,,A,A\n1,2,3,4,5,6\n')
    said = load(path, database, "--table", '"my ""table""".x'.replace("x", '"a.b"'))
    names = ["select", 'a"b', "caf\u00e9", "column_4", "A", "A_2"]
    assert list(inferred(said)) == names
    text = query(database.db, 'SELECT * FROM "my ""table"""."a.b"', "--format=csv")
    assert next(csv.reader(io.StringIO(text))) == names


def test_more_than_a_thousand_columns(database, source):
    path = source(
        ",".join(f"c{i}" for i in range(3000)) + "\n" + ",".join(str(i) for i in range(3000)) + "\n"
    )
    said = load(path, database)
    assert "and 2800 more" in said
    assert database.rows("SELECT c0, c1500, c2999 FROM data") == [("0", "1500", "2999")]


def test_a_field_of_100_mb(database, tmp_path):
    path = tmp_path / "data.csv"
    with path.open("wb") as file:
        file.write(b"a,b\n1,")
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b'\n2,"q"\n')
    load(path, database)
    assert database.rows("SELECT a, length(b) FROM data ORDER BY a") == [("1", "100000000"), ("2", "1")]


# ---- long decimals ------------------------------------------------------------------------------

LONG = "a,b\n0.5,x\n-12.345678901234567890,y\n7,\n"


def test_long_decimals_keep_their_digits_as_numerics(source, tmp_path):
    path = tmp_path / "three.hyper"
    said = load(source(LONG), path, "--database-version=3")
    assert inferred(said) == {"a": "numeric(38,18)", "b": "text"}
    assert query(path, "SELECT a FROM data", "--format=csv").splitlines()[1:] == [
        "0.500000000000000000",
        "-12.345678901234567890",
        "7.000000000000000000",
    ]


def test_long_decimals_keep_their_digits_as_text(database, source):
    """A file of version 2, which is the default, has no numerics of more than 18 digits."""
    said = load(source(LONG), database)
    assert inferred(said) == {"a": "text", "b": "text"}
    assert (
        "text keeps all digits: numeric(38,18) needs a file of version 3 (--database-version 3)"
        in said
    )
    assert database.rows("SELECT a FROM data") == [("0.5",), ("-12.345678901234567890",), ("7",)]
    assert [name for _, name in database.rows(TABLES)] == ["data"]


@pytest.mark.parametrize("version, wanted", [("2", "text"), ("3", "numeric(38,18)")])
def test_a_long_decimal_far_down_is_not_rounded(source, tmp_path, version, wanted):
    """The beginning says double precision: the load begins anew."""
    rows = "".join(f"{i}.5\n" for i in range(200_000))
    path = tmp_path / "late.hyper"
    said = load(source(f"a\n{rows}0.123456789012345678\n"), path, f"--database-version={version}")
    assert inferred(said) == {"a": wanted}
    sql = "SELECT count(*) FROM data WHERE a::text = '0.123456789012345678'"
    assert query(path, sql, "--format=csv").split()[1] == "1"


def test_what_an_exponent_makes_a_double_says_that_it_is_rounded(database, source):
    said = load(source("a\n1.234567890123456789e+02\n"), database)
    assert inferred(said) == {"a": "double precision"}
    assert "rounded: some numbers have more than 17 digits" in said


# ---- empty files --------------------------------------------------------------------------------


def test_an_empty_file_makes_no_table(database, source):
    text = load_fails(source(""), database)
    assert text.endswith("data.csv is empty: there are no columns to make a table of")
    assert database.rows(TABLES) == []


def test_an_empty_file_makes_no_database(source, tmp_path):
    done = run("load", source(""), tmp_path / "new.hyper")
    assert done.returncode == 1
    assert not (tmp_path / "new.hyper").exists()


def test_an_empty_file_keeps_the_columns_that_there_are(database, source):
    database.run("CREATE TABLE data (a int NOT NULL, b text)", "INSERT INTO data VALUES (1, 'x')")
    load(source(""), database, "--append")
    assert database.rows("SELECT * FROM data") == [("1", "x")]
    load(source(""), database, "--replace")
    assert query(database.db, "SELECT * FROM data", "--format=csv") == "a,b\n"


def test_names_that_other_files_begin_with_are_names(database, source):
    for name in ("PAR1", "ARROW1"):
        said = load(source(f"{name},b\n1,x\n"), database, "--replace")
        assert inferred(said) == {name: "integer", "b": "text"}


def test_a_header_alone_makes_a_table_of_texts(database, source):
    said = load(source("a,b\n"), database)
    assert inferred(said) == {"a": "text", "b": "text"}
    assert query(database.db, "SELECT * FROM data", "--format=csv") == "a,b\n"


# ---- other files --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content, expected",
    [
        (b"ARROW1\0\0\xff\xff\xff\xff\0\0\0\0", "data.csv: "),
        (b"\xff\xff\xff\xff\x10\0\0\0" * 9, "data.csv: "),
        (b"PAR1\x15\x04\x15\x10", "this is a Parquet file, not CSV; the server reads it: "),
        (b"\x28\xb5\x2f\xfd\x04\0", "this is compressed with zstd; unpack it first"),
        (b"PK\x03\x04\x14\0", "this is a ZIP archive"),
    ],
)
def test_a_file_that_is_no_csv_is_named(database, source, content, expected):
    text = load_fails(source(content), database)
    assert expected in text


@pytest.mark.parametrize(
    "content, expected",
    [
        (b"ARROW1\0\0\xff\xff\xff\xff\0\0\0\0", "this is an Arrow IPC file (Feather), not CSV; with"),
        (b"\xff\xff\xff\xff\x10\0\0\0" * 9, "this is an Arrow IPC stream, not CSV; with --format arrow"),
    ],
)
def test_arrow_that_came_as_csv_is_named(database, source, content, expected):
    assert expected in load_fails("-", database, "--table=data", input=content)
    assert expected in load_fails(source(content), database, "--format=csv")
    assert expected in load_fails(source(gzip.compress(content)), database)


# ---- bad files ----------------------------------------------------------------------------------

BAD = {
    "a CR-only file": (b"a,b\r1,2\r", "line 1: the file's lines end with a carriage return"),
    "a blank line": (b"a,b\n1,2\n\n3,4\n", "line 3: a blank line"),
    "a short row": (b"a,b\n1,2\n3\n", "line 3: 1 column instead of 2"),
    "a long row": (b'a,b\n"x\ny",2\n3,4,5\n', "line 4: 3 columns instead of 2"),
    "Latin-1": (b"a,b\n1,caf\xe9\n", "line 2, column 2 \"b\": 'caf\\xe9' is not UTF-8"),
    "Latin-1 in the header": (b"a,caf\xe9\n1,2\n", "line 1, column 2: the name 'caf\\xe9'"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), "line 1: the file is in UTF-16"),
    "UTF-16 without mark": ("a,b\n1,2\n".encode("utf-16-le"), "line 1: the file is in UTF-16"),
    "a line that ends the data": (b"a,b\n1,2\n\\.\n", "line 3: '\\.' is psql's mark"),
    "an open quote": (b'a,b\n1,"x\n2,y\n', "line 2, column 2: the quote that opens here"),
    "text behind a quote": (b'a,b\n1,"x"y\n', "line 2, column 2: text behind the closing quote"),
    "a lone CR": (b"a,b\n1,x\ry\n", "line 2, column 2: a carriage return (CR)"),
    "another delimiter": (b"a;b\n1,5;2\n", "--delimiter ';'"),
}


@pytest.mark.parametrize(("content", "expected"), BAD.values(), ids=BAD.keys())
def test_a_bad_file_is_explained_and_nothing_changes(database, source, content, expected):
    database.run("CREATE TABLE other (a int)", "INSERT INTO other VALUES (1)")
    path = source(content)
    text = load_fails(path, database)
    assert text.startswith(f"{path}: line ") and expected in text
    database.run("CREATE TABLE data (a text, b text)", "INSERT INTO data VALUES ('1', 'x')")
    for mode in ("--replace", "--append"):
        assert expected in load_fails(path, database, mode)


# What a table's type refuses: the value, the type, what is said.
REFUSED = [
    ("1,5", "numeric(5,2)", "'1,5' is no number; if the comma is a decimal comma: --decimal-comma"),
    ("NaN", "numeric(5,2)", "'NaN' is no number; numeric has no NaN, double precision has"),
    ("1234.5", "numeric(5,2)", "'1234.5' is out of range for numeric(5,2)"),
    ("1.234", "numeric(5,2)", "'1.234' is out of range for numeric(5,2)"),
    ("40000", "smallint", "'40000' is out of range for smallint"),
    ("abc", "integer", "'abc' is no integer"),
    ("NA", "bigint", "'NA' is no integer; if it stands for NULL: --null 'NA'"),
    ("1e400", "double precision", "'1e400' is out of range for double precision"),
    ("01/02/2024", "date", "'01/02/2024' is no date; dates are written year-month-day: 2024-02-29"),
    ("25:00", "time", "'25:00' is no time"),
    ("maybe", "boolean", "'maybe' is no boolean"),
    ("abcd", "varchar(3)", "'abcd' is too long for character varying(3)"),
    ("{", "json", "'{' is no json"),
    ("00ff", "bytes", "'00ff' is no bytes (\\x and hexadecimal digits)"),
    ("2 days", "interval", "'2 days' is no interval (as in P1DT2H)"),
]


@pytest.mark.parametrize(("value", "type_name", "expected"), REFUSED)
def test_a_table_refuses_what_is_no_value_of_it(database, source, value, type_name, expected):
    database.run(f"CREATE TABLE data (i int, v {type_name})")
    path = source(f'i;v\n1;\n2;{value}\n3;\n')
    text = load_fails(path, database, "--append", "--delimiter=;")
    assert text == f'{path}: line 3, column 2 "v": {expected}'


def test_null_is_refused_where_the_table_has_not_null(database, source):
    database.run("CREATE TABLE data (a int NOT NULL, b text NOT NULL)")
    path = source('a,b\n1,""\n,x\n')
    text = load_fails(path, database, "--append")
    assert text == f"{path}: line 3, column 1 \"a\": NULL ('') in a column that is NOT NULL"


@pytest.mark.parametrize("cut", [3, 12, 40, -9, -1])
def test_cut_gzip_never_loads_less(database, source, cut):
    packed = gzip.compress(("a,b\n" + "".join(f"{i},{i}\n" for i in range(1000))).encode())
    path = source(packed[:cut], "data.csv.gz")
    assert load_fails(path, database) == f"{path}: the gzip data is cut short"


def test_damaged_gzip_is_told(database, source):
    packed = bytearray(gzip.compress(b"a,b\n1,2\n"))
    packed[-6] ^= 1
    path = source(bytes(packed), "data.csv.gz")
    assert load_fails(path, database).startswith(f"{path}: the gzip data is damaged")


def test_gzip_is_known_by_its_bytes(database, source):
    text = "".join(["a,b\n", *(f"{i},x{i}\n" for i in range(100_000))]).encode()
    path = source(gzip.compress(text[:300_000]) + gzip.compress(text[300_000:]), "data.csv.gz")
    load(path, database)
    assert database.rows("SELECT count(*), sum(a) FROM data") == [("100000", "4999950000")]
    plain = source(gzip.compress(b"a,b\n1,x\n"), "named.csv")
    load(plain, database)
    assert database.rows("SELECT * FROM named") == [("1", "x")]
    load("-", database, "--table=piped", input=gzip.compress(b"a,b\n1,x\n"))
    assert database.rows("SELECT * FROM piped") == [("1", "x")]


def test_a_missing_file_is_named(database, tmp_path):
    assert load_fails(tmp_path / "no.csv", database) == f"{tmp_path}/no.csv: No such file or directory"
    assert load_fails(tmp_path, database) == f"{tmp_path}: Is a directory"


# ---- the table ----------------------------------------------------------------------------------


def test_a_table_that_exists_needs_a_decision(database, source):
    path = source("a\n1\n")
    load(path, database)
    text = load_fails(path, database)
    assert text == (
        'table "data" exists; --replace replaces it, --append adds to it, --table names another'
    )
    load(path, database, "--append")
    assert database.rows("SELECT a FROM data") == [("1",), ("1",)]
    load(source("b,c\nx,2\n"), database, "--replace")
    assert database.rows("SELECT b, c FROM data") == [("x", "2")]
    assert database.rows(TABLES) == [("public", "data")]
    text = load_fails(path, database, "--append", "--table=missing")
    assert text == 'table "missing" does not exist; without --append it is made'


@pytest.mark.parametrize("name", ["Extract.Extract", 's."x.y"', '"s ""q"""."t ""q"""', "caf\u00e9.t"])
def test_other_schemas_and_quoted_names(database, source, name):
    load(source("a\n1\n"), database, "--table", name)
    before = database.rows(TABLES)
    assert len(before) == 1
    load(source("a\n2\n"), database, "--table", name, "--replace")
    load(source("a\n3\n"), database, "--table", name, "--append")
    assert database.rows(TABLES) == before
    schema, table = quoted(*before[0])
    assert database.rows(f'SELECT * FROM "{schema}"."{table}" ORDER BY 1') == [("2",), ("3",)]
    load_fails(source("a\n1,2\n"), database, "--table=new_schema.t")
    schemas = database.rows("SELECT nspname FROM pg_catalog.pg_namespace")
    assert ("new_schema",) not in schemas


def test_a_schema_made_for_a_failed_load_goes(database, source):
    """The file is good at first, so that the schema is made before the bad row is met."""
    path = source(long_file("7,8"))
    assert "line 500002: 2 columns instead of 3" in load_fails(path, database, "--table=new.t")
    assert ("new",) not in database.rows("SELECT nspname FROM pg_catalog.pg_namespace")


def test_appending_goes_by_name(database, source):
    """innobi/pantab#108, #311: other order, one column too many, one missing."""
    database.run("CREATE TABLE data (a int, b text, c date)")
    load(source("c,a,b\n2024-02-29,1,x\n"), database, "--append")
    assert database.rows("SELECT a, b, c FROM data") == [("1", "x", "2024-02-29")]
    path = source("a,b,c,__index_level_0__,B\n1,x,,0,1\n")
    text = load_fails(path, database, "--append")
    assert text == (
        f'the columns of {path} are not those of table "data"; '
        'not in the table: "__index_level_0__", "B"'
    )
    path = source("a,B\n1,x\n")
    text = load_fails(path, database, "--append")
    assert text == (
        f'the columns of {path} are not those of table "data"; '
        'missing in the file: "b", "c"; not in the table: "B"'
    )
    load(source("5,y,\n"), database, "--append", "--no-header")
    assert database.rows("SELECT * FROM data WHERE a = 5") == [("5", "y", "\\N")]
    path = source("5,y\n")
    text = load_fails(path, database, "--append", "--no-header")
    assert text == f'{path} has 2 columns, table "data" has 3'


def test_appending_takes_the_tables_types(database, source):
    database.run("CREATE TABLE data (a text, b numeric(10,2), c boolean, d double precision)")
    load(source("a,b,c,d\n007,1.5,1,+1\n"), database, "--append")
    assert database.rows("SELECT * FROM data") == [("007", "1.50", "t", "1")]


def test_a_column_that_csv_cannot_fill_is_named(database, source):
    database.run("CREATE TABLE data (a int, g tableau.tabgeography)")
    text = load_fails(source("a,g\n1,\n"), database, "--append")
    assert text == (
        'column "g" of table "data" is of type tableau.tabgeography, which cannot be read from CSV'
    )


def test_wide_numerics_need_a_newer_file(server, database, source, tmp_path):
    """innobi/pantab#331, #334: the column and the version are named."""
    path = source("a,b\n1,12345678901234567890.5\n")
    text = load_fails(path, database, "--type=b=numeric(38,18)")
    assert text.startswith(
        'column "b": numeric(38,18) needs a database file of version 3 '
        "(--database-version 3 when the file is made): "
    )
    newer = tmp_path / "newer.hyper"
    load(path, newer, "--type=b=numeric(38,18)", "--database-version=3")
    assert newer.read_bytes()[10] == 3
    text = query(newer, "SELECT b FROM data", "--format=csv")
    assert text == "b\n12345678901234567890.500000000000000000\n"


# ---- whole or nothing ---------------------------------------------------------------------------


def test_ddl_survives_rollback(database):
    """Why a transaction does not make a load atomic; see load_table.h."""
    query(database.db, "BEGIN; CREATE TABLE t (a int); ALTER TABLE t RENAME TO u; ROLLBACK")
    assert database.rows(TABLES) == [("public", "u")]


@pytest.mark.parametrize("mode", [None, "--replace", "--append"])
def test_an_error_at_the_end_leaves_all_as_it_was(database, source, mode):
    database.run("CREATE TABLE other (a int)")
    if mode:
        database.run(
            "CREATE TABLE data (id int NOT NULL, digit text, late date)",
            "INSERT INTO data VALUES (1, 'x', NULL)",
        )
    path = source(long_file("7,8", rows=700_000))
    assert "line 700002: 2 columns" in load_fails(path, database, *filter(None, [mode]))


def test_a_file_that_was_made_is_removed_again(source, tmp_path):
    made = tmp_path / "made.hyper"
    for path in (source("a,b\n1\n", "early.csv"), source(long_file("7,8"), "late.csv")):
        done = run("load", path, made)
        assert done.returncode == 1
        assert not made.exists()
    load(source("a\n1\n"), made)
    done = run("load", source("a,b\n1\n"), made, "--replace")
    assert done.returncode == 1
    assert query(made, "SELECT a FROM data", "--format=csv") == "a\n1\n"


def test_a_servers_database_is_made_on_request_only(server, source, tmp_path):
    path = source("a\n1\n")
    made = tmp_path / "made.hyper"
    done = run("load", path, f"hyper://{server.tcp}{made}")
    assert done.returncode == 1 and not made.exists()
    load(path, f"hyper://{server.tcp}{made}?create=create_if_missing")
    assert query(made, "SELECT a FROM data", "--format=csv") == "a\n1\n"


def test_appending_does_not_make_a_file(source, tmp_path):
    done = run("load", source("a\n1\n"), tmp_path / "no.hyper", "--append")
    assert done.returncode == 1
    assert not (tmp_path / "no.hyper").exists()


def table_state(path, old, new):
    """Asserts that table data is whole: old, new, or not there; says which."""
    tables = query(path, TABLES, "--format=csv").splitlines()[1:]
    if "public,data" not in tables:
        kept = [name for name in tables if name.startswith("public,hyperline-old-")]
        assert len(kept) == (0 if old is None else 1)
        return "absent"
    count = int(query(path, "SELECT count(*) AS n FROM data", "--format=csv").split()[1])
    assert count in (old, new)
    return "new" if count == new else "old"


TAG = "0123456789abcdef"


@pytest.mark.parametrize("schema", ["public", "S 1"])
def test_a_table_that_was_being_replaced_is_put_back(source, tmp_path, schema):
    """As a load leaves them that is killed between its two renames: by the next load, whichever
    table that is for."""
    path = tmp_path / "killed.hyper"
    load(source("a\n1\n"), path, f'--table="{schema}"."my-table"')
    query(
        path,
        f'ALTER TABLE "{schema}"."my-table" RENAME TO "hyperline-old-{TAG}-my-table"; '
        f'CREATE TABLE "{schema}"."hyperline-load-{TAG}" (a int)',
    )
    load(source("b\n2\n"), path, f'--table="{schema}".other')
    assert [name for name in query(path, TABLES, "--format=csv").splitlines()[1:]] == [
        f"{schema},my-table",
        f"{schema},other",
    ]
    assert query(path, f'SELECT * FROM "{schema}"."my-table"', "--format=csv") == "a\n1\n"


def test_the_same_load_again_replaces_what_was_put_back(source, tmp_path):
    path = tmp_path / "killed.hyper"
    load(source("a\n1\n"), path)
    query(path, f'ALTER TABLE data RENAME TO "hyperline-old-{TAG}-data"')
    done = run("load", source("a\n2\n"), path)
    assert done.returncode == 1 and b"exists; --replace replaces it" in done.stderr
    assert query(path, "SELECT * FROM data", "--format=csv") == "a\n1\n"
    load(source("a\n2\n"), path, "--replace")
    assert query(path, TABLES, "--format=csv").splitlines()[1:] == ["public,data"]
    assert query(path, "SELECT * FROM data", "--format=csv") == "a\n2\n"


def test_a_replaced_table_that_was_left_is_dropped(source, tmp_path):
    path = tmp_path / "killed.hyper"
    load(source("a\n1\n"), path)
    query(path, f'CREATE TABLE "hyperline-old-{TAG}-data" (a int)')
    load(source("a\n3\n"), path, "--append")
    assert query(path, TABLES, "--format=csv").splitlines()[1:] == ["public,data"]
    assert query(path, "SELECT count(*) AS n FROM data", "--format=csv") == "n\n2\n"


def test_names_that_only_look_like_it_are_left_alone(source, tmp_path):
    path = tmp_path / "mine.hyper"
    names = ["hyperline-old-", f"hyperline-old-{TAG}", f"hyperline-old-{TAG}-", "hyperline-old-x-y"]
    load(source("a\n1\n"), path)
    query(path, "; ".join(f'CREATE TABLE "{name}" (a int)' for name in names))
    load(source("a\n3\n"), path, "--append")
    tables = query(path, TABLES, "--format=csv").splitlines()[1:]
    assert sorted(tables) == sorted(["public,data", *(f"public,{name}" for name in names)])


def test_with_a_server_another_load_may_be_at_it(database, source):
    database.run(f'CREATE TABLE "hyperline-old-{TAG}-data" (a int)')
    load(source("a\n1\n"), database)
    assert [name for _, name in database.rows(TABLES)] == ["data", f"hyperline-old-{TAG}-data"]


def feed(pipe, chunk, amount):
    """Writes so many bytes, which returns once all but a pipe's worth has been read."""
    for _ in range(amount // len(chunk) + 1):
        pipe.write(chunk)
    pipe.flush()


@pytest.mark.parametrize("amount", [0, 1_000_000, 6_000_000, 20_000_000])
def test_killed_while_loading_no_half_table_appears(source, tmp_path, amount):
    """The rows come by a pipe, so that the program is in the middle when it is killed."""
    path = tmp_path / "killed.hyper"
    load(source("a,b\n1,x\n"), path)
    process = subprocess.Popen(
        [PROGRAM, "load", "-", path, "--table=data", "--replace"],
        stdin=subprocess.PIPE,
        env=environment(),
    )
    process.stdin.write(b"a,b\n")
    feed(process.stdin, b"1,x\n" * 5000, amount)
    process.kill()
    process.wait(30)
    process.stdin.close()
    assert table_state(path, 1, None) == "old"
    # What it left over goes with the next load.
    load(source("a,b\n1,x\n2,y\n"), path, "--replace")
    assert query(path, TABLES, "--format=csv") == "nspname,relname\npublic,data\n"
    assert table_state(path, 1, 2) == "new"


def test_killed_at_any_time_no_half_table_appears(source, tmp_path):
    small = source("a,b\n1,x\n", "small.csv")
    big = source("a,b\n" + "1,x\n" * 300_000, "big.csv")
    seen = set()
    for step in range(12):
        path = tmp_path / f"killed{step}.hyper"
        load(small, path, "--table=data")
        process = subprocess.Popen(
            [PROGRAM, "load", big, path, "--table=data", "--replace", "--quiet"], env=environment()
        )
        try:
            process.wait(0.02 + step * 0.05)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)
        seen.add(table_state(path, 1, 300_000))
    assert "old" in seen


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_in_good_order(database, number):
    database.run("CREATE TABLE data (a int, b text)", "INSERT INTO data VALUES (1, 'x')")
    before = database.snapshot()
    process = subprocess.Popen(
        [PROGRAM, "load", "-", database.db, "--table=data", "--replace"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    process.stdin.write(b"a,b\n")
    feed(process.stdin, b"1,x\n" * 5000, 8_000_000)
    process.send_signal(number)

    def go_on():
        try:
            feed(process.stdin, b"1,x\n" * 5000, 2_000_000_000)
        except BrokenPipeError:
            pass

    writer = threading.Thread(target=go_on)
    writer.start()
    stderr = process.stderr.read().decode()
    assert process.wait(60) == 128 + number
    writer.join(60)
    assert "interrupted" in stderr.lower() or "cancel" in stderr.lower()
    assert database.snapshot() == before


class LateCancel:
    """Stands in front of the server. A cancel takes two seconds, or until it hits the cleaning up."""

    def __init__(self, port):
        self.port = port
        self.on_its_way = False
        self.has_hit = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        first = client.recv(8, socket.MSG_WAITALL)
        if first[4:] == bytes.fromhex("04d2162e"):
            client.recv(8, socket.MSG_WAITALL)
            self.cancel(client)
            return
        server = socket.create_connection(("127.0.0.1", self.port))
        server.sendall(first)
        threading.Thread(target=self.pump, args=(server, client), daemon=True).start()
        self.pump(client, server)

    def pump(self, source, sink):
        try:
            while piece := source.recv(65536):
                if self.on_its_way and b"DROP TABLE" in piece:
                    fields = b"SERROR\0C57014\0Mcanceled\0\0"
                    source.sendall(b"E" + struct.pack(">I", len(fields) + 4) + fields + b"Z\0\0\0\5I")
                    self.has_hit.set()
                else:
                    sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def cancel(self, client):
        self.on_its_way = True
        self.has_hit.wait(2)
        self.on_its_way = False
        client.close()


def test_a_late_cancel_does_not_hit_the_cleaning_up(server, database):
    """A load that is interrupted is cancelled by a connection of its own, which may be slow."""
    before = database.snapshot()
    proxy = LateCancel(server.port)
    port = proxy.listener.getsockname()[1]
    process = subprocess.Popen(
        [PROGRAM, "load", "-", database.db.replace(str(server.port), str(port)), "--table=data"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    process.stdin.write(b"a,b\n")
    feed(process.stdin, b"1,x\n" * 5000, 8_000_000)
    process.send_signal(signal.SIGINT)
    threading.Thread(target=drown, args=(process.stdin,), daemon=True).start()
    stderr = process.stderr.read().decode()
    assert process.wait(60) == 130
    proxy.listener.close()
    assert "left over" not in stderr
    assert database.snapshot() == before


def drown(pipe):
    try:
        feed(pipe, b"1,x\n" * 5000, 2_000_000_000)
    except BrokenPipeError:
        pass


def test_a_server_without_a_database_is_told_of_the_option(server, database, tmp_path):
    path = tmp_path / "few.csv"
    path.write_text("a\n1\n")
    done = run("load", path, server.tcp)
    assert done.returncode == 1
    assert "(SQLSTATE 3D000)" in done.stderr.decode()
    assert done.stderr.decode().endswith(
        "No database is attached: name its file with --database.\n"
    )
    assert run("load", path, server.tcp, "--database", database.path).returncode == 0


def waits_for_input(process):
    """Has the program taken all that is in its pipe, and sleeps?"""
    left = fcntl.ioctl(process.stdin, termios.FIONREAD, struct.pack("i", 0))
    with open(f"/proc/{process.pid}/stat") as file:
        state = file.read().rpartition(")")[2].split()[0]
    return struct.unpack("i", left) == (0,) and state == "S"


@pytest.mark.parametrize("mode", ["--append", "--replace"])
@pytest.mark.parametrize(
    "size, said",
    [
        (8, b""),  # not connected yet
        (8_000_000, b"hyperline: cancelled\n"),
    ],
)
def test_a_signal_ends_the_wait_for_a_silent_producer(database, mode, size, said):
    database.run("CREATE TABLE data (a int, b text)")
    process = subprocess.Popen(
        [PROGRAM, "load", "-", database.db, "--table=data", mode],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    process.stdin.write(b"a,b\n")
    feed(process.stdin, b"1,x\n" * (min(size, 20_000) // 4), size)
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while not waits_for_input(process):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    try:
        assert process.wait(30) == 130
    finally:
        process.kill()
    assert process.stderr.read() == said
    process.stdin.close()
    assert database.rows("SELECT * FROM data") == []


def test_a_bad_line_stops_the_reading(database):
    """pgbouncer/pgbouncer#1470, psycopg/psycopg2#37: 2 GB behind a bad second line."""
    database.run("CREATE TABLE data (a int)")
    process = subprocess.Popen(
        [PROGRAM, "load", "-", database.db, "--table=data", "--append"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    written = 0
    chunk = b"2\n" * 32768
    try:
        process.stdin.write(b"a\nbad\n")
        while written < 2_000_000_000:
            process.stdin.write(chunk)
            written += len(chunk)
    except BrokenPipeError:
        pass
    stderr = process.stderr.read().decode()
    assert process.wait(60) == 1
    assert stderr == "hyperline: standard input: line 2, column 1 \"a\": 'bad' is no integer\n"
    assert written < 4_000_000
    assert database.rows("SELECT count(*) FROM data") == [("0",)]


# ---- round trips --------------------------------------------------------------------------------


def test_what_query_writes_is_loaded_back(database, tmp_path):
    texts = ["", "NULL", 'a"b', "x,y", "two\nlines", " ", "\\N", "\r", "caf\u00e9", "-", '""']
    values = ",".join(
        f"({i}, {i * 3_000_000_000}, {i}.25, {i / 7!r}, {'true' if i % 2 else 'NULL'}, "
        f"date '2024-02-29', timestamp '2024-02-29 12:34:56.{i:06}', "
        f"timestamptz '2024-02-29 12:34:56+02', time '12:34:56', "
        f"{'NULL' if i == 3 else chr(39) + text + chr(39)})"
        for i, text in enumerate(texts, start=1)
    )
    database.run(
        "CREATE TABLE t (a int, b bigint, c numeric(18,2), d double precision, e boolean, f date, "
        "g timestamp, h timestamptz, i time, j text)",
        f"INSERT INTO t VALUES {values}",
    )
    path = tmp_path / "t.csv"
    query(database.db, "SELECT * FROM t", "--output", path)
    load(path, database, "--table=back")
    columns = [database.rows(COLUMNS.format("public", table)) for table in ("t", "back")]
    assert columns[0] == columns[1]
    assert database.rows("SELECT * FROM t EXCEPT SELECT * FROM back") == []
    assert sorted(database.rows("SELECT * FROM t")) == sorted(database.rows("SELECT * FROM back"))


def test_random_tables_survive(database, source):
    seed = int(os.environ.get("HYL_TEST_SEED", "20240229"))
    print(f"seed {seed}")
    generator = random.Random(seed)
    alphabet = 'ab1,;"\n\r\t \u00e9\U0001f642\\'
    for round_number in range(5):
        table = [
            ["".join(generator.choices(alphabet, k=generator.randrange(12))) for _ in range(4)]
            for _ in range(300)
        ]
        out = io.StringIO()
        csv.writer(out, quoting=csv.QUOTE_ALL).writerows(
            [["i", "a", "b", "c", "d"], *([i, *row] for i, row in enumerate(table))]
        )
        load(source(out.getvalue()), database, "--replace", "--type=i=int",
             *(f"--type={name}=text" for name in "abcd"))  # fmt: skip
        assert [list(row[1:]) for row in database.rows("SELECT * FROM data ORDER BY i")] == table, (
            round_number
        )


# ---- the flights --------------------------------------------------------------------------------


@pytest.mark.skipif(not FLIGHTS.exists(), reason=f"{FLIGHTS} is not there: make setup brings it")
def test_the_flights(database):
    """336,776 real rows; the sums are those of another CSV reader."""
    done = run("load", FLIGHTS, database.db, "--null=NA")
    assert done.returncode == 0
    assert re.fullmatch(
        r'loaded 336,776 rows into "flights" in \d+\.\d\d s \([0-9.]+ [kM] rows/s, 31\.1 MB\)\n',
        done.stdout.decode(),
    )
    with FLIGHTS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    types = inferred(done.stderr.decode())
    assert list(types) == list(rows[0])
    assert {name for name, kind in types.items() if kind == "text"} == {
        "carrier",
        "tailnum",
        "origin",
        "dest",
    }
    assert types["time_hour"] == "timestamp with time zone"
    for name, kind in types.items():
        values = [row[name] for row in rows if row[name] != "NA"]
        if kind == "integer":
            want = f"{len(values)},{sum(map(int, values))}"
            sql = f"SELECT count({name}), sum({name}) FROM flights"
        elif kind == "text":
            want = ",".join(f"{value},{count}" for value, count in sorted(Counter(values).items()))
            sql = f"SELECT {name}, count(*) FROM flights WHERE {name} IS NOT NULL GROUP BY 1"
        else:
            least, most = (x.replace("T", " ").replace("Z", "+00") for x in (min(values), max(values)))
            want = f"{len(values)},{least},{most}"
            sql = f"SELECT count({name}), min({name}), max({name}) FROM flights"
        got = query(database.db, sql, "--format=csv").splitlines()[1:]
        assert ",".join(sorted(got)) == want, name


# ---- what is said -------------------------------------------------------------------------------


def test_quiet_says_nothing(database, source):
    done = run("load", source("a\n1\n"), database.db, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    done = run("load", source("a\n1\n"), database.db, "--quiet", "--append", "--timing=json")
    assert done.stderr == b""
    assert json.loads(done.stdout)["rows"] == 1


def test_progress_is_for_terminals(database, tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("a,b\n" + "1,x\n" * 2_000_000)
    main, child = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "load", path, database.db],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=child,
        env=environment(),
    )
    os.close(child)
    text = b""
    try:
        while piece := os.read(main, 65536):
            text += piece
    except OSError:
        pass  # how Linux says that the other end is closed
    os.close(main)
    assert process.wait(60) == 0
    assert re.search(rb"\rloading: [0-9,]+ rows, [0-9.]+ MB, [0-9,]+ rows/s, \d+%, \d:\d\d left", text)
    assert b"2 columns" in text


USAGE = [
    ([], "too few arguments"),
    (["data.csv"], "too few arguments"),
    (["data.csv", "x.hyper", "--append", "--replace"], "exclude each other"),
    (["data.csv", "x.hyper", "--header", "--no-header"], "exclude each other"),
    (["data.csv", "x.hyper", "--append", "--type=a=int"], "--type is for a new table"),
    (["data.csv", "x.hyper", "--append", "--sample=5"], "--sample is for a new table"),
    (["data.csv", "x.hyper", "--type=a"], "is not COLUMN=TYPE"),
    (["data.csv", "x.hyper", "--type=a=foo"], "there is no type 'foo'"),
    (["data.csv", "x.hyper", "--type=a=geography"], "there is no type 'geography'"),
    (["data.csv", "x.hyper", "--delimiter=ab"], "--delimiter 'ab' is not one ASCII character"),
    (["data.csv", "x.hyper", "--delimiter="], "--delimiter '' is not one ASCII character"),
    (["data.csv", "x.hyper", "--quote=ab"], "--quote 'ab' is not one ASCII character"),
    (["data.csv", "x.hyper", "--quote=,"], "the same character"),
    (["data.csv", "x.hyper", "--table=a.b.c"], "is no table's name"),
    (["data.csv", "x.hyper", "--sample=x"], "not a whole number"),
    (["-", "x.hyper"], "--table is needed"),
    (["data.csv", "x.hyper", "--on-error=skip"], "unknown option"),
    (["data.csv", "x.hyper", "--format=parquet"], "--format 'parquet' is not one of: csv, arrow"),
    *(
        (["data.csv", "x.hyper", "--format=arrow", option], f"{option.partition('=')[0]} is for CSV")
        for option in ("--null=x", "--force-null", "--delimiter=;", "--quote='", "--header",
                       "--no-header", "--type=a=int", "--sample=5", "--decimal-comma")
    ),
    (["-", "x.hyper", "--format=arrow", "--table=a", "--null=x"], "standard input is Arrow"),
    (["-", "x.hyper", "--format=arrow"], "--table is needed"),
]


@pytest.mark.parametrize(("words", "expected"), USAGE)
def test_wrong_use_is_told_before_anything_is_touched(tmp_path, words, expected):
    (tmp_path / "data.csv").write_text("a\n1\n")
    done = run("load", *words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert expected in done.stderr.decode()
    assert os.listdir(tmp_path) == ["data.csv"]


def test_a_file_that_another_server_holds_is_not_touched(database, source):
    """The shared server holds it while a load waits for more."""
    holder = subprocess.Popen(
        [PROGRAM, "load", "-", database.db, "--table=held"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    holder.stdin.write(b"a,b\n")
    feed(holder.stdin, b"1,x\n" * 5000, 8_000_000)
    inode = database.path.stat().st_ino
    done = run("load", source("a\n1\n"), database.path, env={"HYPERLINE_BUSY_TIMEOUT": "300ms"})
    assert done.returncode == 1
    assert "55006" in done.stderr.decode()
    holder.stdin.close()
    assert holder.wait(60) == 0
    # Its bytes are the shared server's to write at any time; what that server put there is whole.
    assert database.path.stat().st_ino == inode
    assert database.rows(TABLES) == [("public", "held")]
    assert database.rows("SELECT count(*) FROM held") == [(str(5000 * (8_000_000 // 20000 + 1)),)]


def test_a_file_that_another_load_has_made_stays(tmp_path, source):
    """Both find no file; the one that fails must not remove what the other makes."""
    db = tmp_path / "both.hyper"
    maker = subprocess.Popen(
        [PROGRAM, "load", "-", db, "--table=made"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    maker.stdin.write(b"a,b\n")
    feed(maker.stdin, b"1,x\n" * 5000, 24_000_000)
    wait_until(db.exists)
    done = run("load", source("a\n1\n"), db, "--table=late", env={"HYPERLINE_BUSY_TIMEOUT": "200ms"})
    assert done.returncode == 1
    assert "55006" in done.stderr.decode()
    maker.stdin.close()
    assert maker.wait(timeout=60) == 0
    assert query(db, "SELECT count(*) > 0 AS kept FROM made", "--format=csv") == "kept\nt\n"


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
