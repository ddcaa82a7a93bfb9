"""hyperline query --format arrow: what pyarrow, polars and DuckDB read of it, and that it is whole or
nothing. Counted as skipped where they are not there (see tests/arrow/conftest.py)."""

import datetime
import io
import os
import pty
import re
import signal
import subprocess
import time
from decimal import Decimal

import pytest
from conftest import PROGRAM, environment, query, query_fails, run
from test_query import (
    is_running,
    is_sanitized,
    on_terminal,
    peak_kb,
    wait_until,
)

duckdb = pytest.importorskip("duckdb")
polars = pytest.importorskip("polars")
pyarrow = pytest.importorskip("pyarrow")

ENDLESS = "SELECT i, i * 2 AS j FROM generate_series(1, 2000000000) g(i)"
END_MARKER = b"\xff\xff\xff\xff\0\0\0\0"


def read(data):
    """The table that a stream of bytes or a file holds, checked in full."""
    source = io.BytesIO(data) if isinstance(data, bytes) else pyarrow.OSFile(str(data))
    with pyarrow.ipc.open_stream(source) as reader:
        table = reader.read_all()
    table.validate(full=True)
    return table


def arrow(db, sql, *options):
    done = run("query", db, sql, "--format=arrow", *options)
    assert (done.returncode, done.stderr.decode()) == (0, "")
    assert done.stdout.endswith(END_MARKER)
    return read(done.stdout)


def values(table):
    """Column by column; instants as microseconds, since Python knows no zone called Utc."""
    return {
        name: (column.cast(pyarrow.int64()) if pyarrow.types.is_timestamp(column.type) else column)
        .to_pylist()
        for name, column in zip(table.column_names, table.columns)
    }


# ---- what is written ----------------------------------------------------------------------------


def test_types_are_the_servers_and_nulls_are_nulls(server):
    sql = """SELECT true AS b, '-5'::smallint AS i2, 7 AS i4, 9000000000 AS i8, 1.5::real AS f4,
        0.1::double precision AS f8, -0.0500::numeric(10,4) AS n, 'wide ö' AS t, '\\x00ff'::bytea AS y,
        date '2024-02-29' AS d, timestamp '2024-02-29 12:00:00.5' AS ts,
        timestamptz '1970-01-01 02:00:01+02' AS tz, time '12:34:56.5' AS c
        UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
        ORDER BY b"""
    table = arrow(server.tcp, sql)
    assert {name: str(kind) for name, kind in zip(table.column_names, table.schema.types)} == {
        "b": "bool", "i2": "int16", "i4": "int32", "i8": "int64", "f4": "float", "f8": "double",
        "n": "decimal128(10, 4)", "t": "string", "y": "binary", "d": "date64[ms]",
        "ts": "timestamp[us]", "tz": "timestamp[us, tz=Utc]", "c": "time64[us]",
    }
    got = values(table)
    assert {name: column[0] for name, column in got.items()} == {
        "b": True, "i2": -5, "i4": 7, "i8": 9000000000, "f4": 1.5, "f8": 0.1,
        "n": Decimal("-0.0500"), "t": "wide ö", "y": b"\x00\xff", "d": datetime.date(2024, 2, 29),
        "ts": 1709208000500000, "tz": 1000000, "c": datetime.time(12, 34, 56, 500000),
    }
    assert {column[1] for column in got.values()} == {None}


def test_no_rows_have_their_columns(server):
    table = arrow(server.tcp, "SELECT 1 AS a, 'x' AS b WHERE false")
    assert (table.num_rows, table.column_names) == (0, ["a", "b"])


def test_many_batches_and_wide_text_are_whole(server, tmp_path):
    out = tmp_path / "x.arrow"
    query(server.tcp, "SELECT i FROM generate_series(1, 1000000) g(i)", "-o", out)
    with pyarrow.ipc.open_stream(pyarrow.OSFile(str(out))) as reader:
        batches = list(reader)
    assert len(batches) > 1
    assert sum(batch.num_rows for batch in batches) == 1000000
    assert pyarrow.compute.sum(pyarrow.Table.from_batches(batches)["i"]).as_py() == 500000500000
    wide = arrow(server.tcp, "SELECT repeat('0123456789', 104858) || i AS t FROM (VALUES (1), (2)) v(i)")
    assert wide["t"].to_pylist() == ["0123456789" * 104858 + digit for digit in "12"]


def test_other_readers_read_it(server, tmp_path):
    out = tmp_path / "x.arrows"
    sql = "SELECT i, i::text AS t, date '2024-02-29' + i AS d FROM generate_series(1, 100000) g(i)"
    query(server.tcp, sql, "-o", out)
    frame = polars.read_ipc_stream(out)
    assert (frame.height, frame["i"].cast(polars.Int64).sum()) == (100000, 5000050000)
    assert frame["t"][99999] == "100000"
    with pyarrow.ipc.open_stream(pyarrow.OSFile(str(out))) as reader:
        assert duckdb.sql("SELECT count(*), max(d)::date::text FROM reader").fetchall() == [
            (100000, "2297-12-14")
        ]


def test_memory_does_not_grow_with_the_stream(server):
    sql = "SELECT i, i * 2 AS j, 'some text' AS t FROM generate_series(1, {}) g(i)"
    small, _ = peak_kb(server.tcp, sql.format(1000000), "--format=arrow")
    large, _ = peak_kb(server.tcp, sql.format(8000000), "--format=arrow")
    assert 0 < large < (1.5 if is_sanitized() else 1.1) * small


# ---- where to -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.arrow", "x.arrows", "x.ARROW"])
def test_the_name_chooses_it(server, tmp_path, name):
    query(server.tcp, "SELECT 1 AS a", "-o", tmp_path / name)
    assert read(tmp_path / name).to_pydict() == {"a": [1]}
    query(server.tcp, "SELECT 1 AS a", "-o", tmp_path / name, "--format=csv")
    assert (tmp_path / name).read_text() == "a\n1\n"
    query(server.tcp, "SELECT 2 AS a", "-o", tmp_path / "x.csv", "--format=arrow")
    assert read(tmp_path / "x.csv").to_pydict() == {"a": [2]}


def test_a_terminal_is_refused(server):
    status, text = on_terminal([server.tcp, "SELECT 1 AS a", "--format=arrow"], stdout_too=True)
    assert status == 2
    assert text.startswith("hyperline: Arrow is not for a terminal: name a file with -o, or pipe it")


def test_null_has_no_text_there(server, tmp_path):
    said = query_fails(server.tcp, "SELECT 1", "-o", tmp_path / "x.arrow", "--null=x", status=2)
    assert "--null is for csv and table; arrow has its own null" in said
    assert os.listdir(tmp_path) == []


def test_progress_has_no_rows_to_count(server):
    main, child = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "query", server.tcp, ENDLESS, "--format=arrow"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=child, env=environment(),
    )
    os.close(child)
    text = b""
    while not re.search(rb"\rreading: [\d.]+ MB, [\d.]+ MB/s\x1b\[K", text):
        text += os.read(main, 65536)
    process.send_signal(signal.SIGINT)
    while not text.endswith(b"\r\x1b[Khyperline: cancelled\r\n"):
        text += os.read(main, 65536)
    assert process.wait(60) == 130
    os.close(main)


# ---- which statements ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sql", ["SELECT 1 AS a", "WITH x AS (SELECT 1 AS a) SELECT a FROM x", "VALUES (1)",
            "/* 1 */ ( -- 2\n (SELECT 1 AS a) UNION ALL SELECT 1 WHERE false)", "TABLE one"],
)
def test_queries_of_all_kinds(server, tmp_path, sql):
    db = f"endpoint={server.tcp} database={tmp_path}/q.hyper create=create"
    table = arrow(db, f"CREATE TABLE one (a int); INSERT INTO one VALUES (1);\n{sql};\nDROP TABLE one")
    assert table.columns[0].to_pylist() == [1]
    tables = "SELECT count(*) AS n FROM pg_catalog.pg_class WHERE relname = 'one'"
    assert query(db.replace("create=create", ""), tables, "--format=csv") == "n\n0\n"


@pytest.mark.parametrize(
    "sql, said",
    [
        ("DELETE FROM t;\nSELECT 1;\n\nTABLE t", "of line 2 and line 4 both return a result"),
        ("DELETE FROM t;\nSHOW timezone; SELECT 1", "line 2: what SHOW returns is not written"),
        ("DELETE FROM t;\n(EXPLAIN SELECT 1)", "line 2: what EXPLAIN returns is not written"),
        ("DELETE FROM t", "needs a statement that returns a result: SELECT, WITH, VALUES or TABLE"),
        ("", "needs a statement that returns a result"),
    ],
)
def test_other_scripts_are_refused_before_anything_runs(server, database, tmp_path, sql, said):
    text = query_fails(database, sql, "-o", tmp_path / "x.arrow", status=2)
    assert said in text
    assert os.listdir(tmp_path) == []
    assert query(database, "SELECT count(*) AS n FROM t", "--format=csv") == "n\n3\n"


def test_a_result_beside_it_is_an_error(server, tmp_path):
    db = f"endpoint={server.tcp} database={tmp_path}/r.hyper create=create_if_missing"
    sql = "CREATE TABLE r (a int);\nINSERT INTO r VALUES (1) RETURNING a; SELECT * FROM r"
    said = query_fails(db, sql, "-o", tmp_path / "x.arrow")
    assert "line 2: the statement has run, but what it returns is not written as Arrow" in said
    assert not (tmp_path / "x.arrow").exists()
    assert query(db, "SELECT count(*) AS n FROM r", "--format=csv") == "n\n1\n"


@pytest.mark.parametrize(
    "value, said",
    [
        ("'00000000-0000-0000-0000-000000000001'::uuid", 'column 2 "u": '),
        ("time '24:00:00'", 'column 2 "u": '),
    ],
)
def test_what_arrow_lacks_is_named_by_its_column(server, tmp_path, value, said):
    text = query_fails(server.tcp, f"SELECT 1 AS a, {value} AS u", "-o", tmp_path / "x.arrow")
    assert said in text and "CAST(... AS text)" in text
    assert os.listdir(tmp_path) == []


def test_an_error_points_at_its_line_in_the_script(server):
    said = query_fails(server.tcp, "BEGIN;\nSELECT 1,\n nope", "--format=arrow")
    assert said.endswith("LINE 3:  nope\n         ^\n")
    said = query_fails(server.tcp, "BEGIN;\nSELECT 1)", "--format=arrow")
    assert said.startswith("hyperline: line 2: ")


# ---- whole or nothing ---------------------------------------------------------------------------


def test_a_failure_in_the_middle_leaves_the_old_file(server, tmp_path):
    out = tmp_path / "x.arrow"
    query(server.tcp, "SELECT 1 AS a", "-o", out)
    before = out.read_bytes()
    sql = "SELECT 1 / (3000000 - i) AS x FROM generate_series(1, 4000000) g(i)"
    assert "22012" in query_fails(server.tcp, sql, "-o", out)
    assert "42P01" in query_fails(server.tcp, "SELECT 1 AS a; DELETE FROM nope", "-o", out)
    assert out.read_bytes() == before
    assert os.listdir(tmp_path) == ["x.arrow"]
    done = run("query", server.tcp, sql, "--format=arrow")
    assert done.returncode == 1 and not done.stdout.endswith(END_MARKER)


def test_a_full_disk_is_an_error(server):
    said = query_fails(server.tcp, ENDLESS, "-o", "/dev/full", "--format=arrow")
    assert "cannot write '/dev/full': No space left on device" in said


@pytest.mark.parametrize("sql", [ENDLESS, "SELECT count(*) FROM generate_series(1, 1000000000000) g"])
def test_a_signal_cancels_it_and_leaves_no_file(server, tmp_path, sql):
    name = f"arrow {len(sql)}"
    process = subprocess.Popen(
        [PROGRAM, "query", server.tcp, sql, "-o", tmp_path / "x.arrow"],
        stderr=subprocess.PIPE, env=environment(HYPERLINE_APPLICATION_NAME=name),
    )
    wait_until(lambda: is_running(server, name))
    if sql == ENDLESS:
        wait_until(lambda: any(f.stat().st_size > 1 << 20 for f in tmp_path.iterdir()))
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (130, b"hyperline: cancelled\n")
    assert os.listdir(tmp_path) == []
    assert not is_running(server, name)


@pytest.mark.parametrize("own", [False, True])
def test_a_reader_that_leaves_ends_it_quietly(server, database, own):
    process = subprocess.Popen(
        [PROGRAM, "query", database if own else server.tcp, ENDLESS, "--format=arrow"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    )
    assert process.stdout.read(4) == END_MARKER[:4]
    started = time.monotonic()
    process.stdout.close()
    assert (process.stderr.read(), process.wait(60)) == (b"", 0)
    assert time.monotonic() - started < 20
    process.stderr.close()


def test_what_stands_behind_it_is_done_though_the_reader_leaves(server, tmp_path):
    db = f"endpoint={server.tcp} database={tmp_path}/w.hyper create=create_if_missing"
    query(db, "CREATE TABLE w (a int)")
    select = "SELECT i FROM generate_series(1, 3000000) g(i)"
    for sql in (f"{select}; INSERT INTO w VALUES (1)",
                f"BEGIN; {select}; INSERT INTO w VALUES (2); COMMIT"):
        process = subprocess.Popen(
            [PROGRAM, "query", db, sql, "--format=arrow"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
        )
        assert process.stdout.read(4) == END_MARKER[:4]
        process.stdout.close()
        assert (process.stderr.read(), process.wait(60)) == (b"", 0)
        process.stderr.close()
    assert query(db, "SELECT a FROM w ORDER BY a", "--format=csv") == "a\n1\n2\n"
