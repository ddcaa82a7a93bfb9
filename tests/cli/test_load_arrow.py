"""hyperline load of Arrow IPC streams and files that pyarrow and polars have written: types, modes,
and that a load is whole or nothing. Counted as skipped where they are not there (see
tests/arrow/conftest.py)."""

import datetime
import gzip
import io
import json
import os
import pty
import random
import re
import select
import signal
import subprocess
import threading
import time
from decimal import Decimal

import pytest
from conftest import PROGRAM, environment, query, run
from test_load import (  # noqa: F401
    COLUMNS,
    TABLES,
    LateCancel,
    database,
    inferred,
    load,
    load_fails,
    waits_for_input,
)

polars = pytest.importorskip("polars")
pyarrow = pytest.importorskip("pyarrow")

DAY = datetime.date(2024, 2, 29)
TABLE = pyarrow.table(
    {
        "id": pyarrow.array([1, 2, 3], pyarrow.int32()),
        "note": ["a", None, "ö"],
        "day": [DAY, DAY, None],
    }
)
ROWS = [("1", "a", "2024-02-29"), ("2", "\\N", "2024-02-29"), ("3", "ö", "\\N")]


def stream(table, rows_a_batch=None, **options):
    sink = io.BytesIO()
    options = pyarrow.ipc.IpcWriteOptions(**options)
    with pyarrow.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, rows_a_batch)
    return sink.getvalue()


def file(table, rows_a_batch=None, **options):
    sink = io.BytesIO()
    options = pyarrow.ipc.IpcWriteOptions(**options)
    with pyarrow.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table, rows_a_batch)
    return sink.getvalue()


def by_polars(table, stream=False):
    sink = io.BytesIO()
    frame = polars.from_arrow(table)
    (frame.write_ipc_stream if stream else frame.write_ipc)(sink, compression="zstd")
    return sink.getvalue()


@pytest.fixture
def source(tmp_path):
    """Writes a table, or bytes; returns the path."""

    def write(data, name="data.arrow"):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else stream(data))
        return path

    return write


# ---- what is read -------------------------------------------------------------------------------

WRITTEN = {
    "a stream": ("data.arrows", stream(TABLE)),
    "a file": ("data.arrow", file(TABLE)),
    "a stream with lz4": ("data.arrow", stream(TABLE, compression="lz4")),
    "a Feather file with zstd": ("data.feather", file(TABLE, compression="zstd")),
    "a row a batch": ("data.ipc", file(TABLE, 1)),
    "dictionaries": ("data.arrow", stream(TABLE.set_column(1, "note", TABLE["note"].dictionary_encode()))),
    "polars' file": ("data.ipc", by_polars(TABLE)),
    "polars' stream": ("data.ARROWS", by_polars(TABLE, True)),
    "a name that says nothing": ("data", stream(TABLE)),
    "a name that is wrong": ("data.csv", file(TABLE)),
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_what_others_write_is_loaded(database, source, kind):
    name, data = WRITTEN[kind]
    said = load(source(data, name), database)
    assert said == f"{source(data, name)}: 3 columns\n  id    integer\n  note  text\n  day   date\n"
    assert database.rows("SELECT * FROM data ORDER BY id") == ROWS
    if kind != "polars' file":  # its first message has no prefix: it is read by its footer alone
        load("-", database, "--table=piped", "--format=arrow", input=data)
        assert database.rows("SELECT * FROM piped ORDER BY id") == ROWS
    with open(source(data, name), "rb") as redirected:
        load("-", database, "--table=redirected", "--format=arrow", stdin=redirected)
    assert database.rows("SELECT * FROM redirected ORDER BY id") == ROWS


def test_gzip_is_unpacked(database, source):
    load(source(gzip.compress(stream(TABLE)), "data.arrow"), database)
    assert database.rows("SELECT * FROM data ORDER BY id") == ROWS
    load(source(gzip.compress(stream(TABLE)), "more.gz"), database, "--format=arrow")
    assert database.rows("SELECT * FROM more ORDER BY id") == ROWS


def test_types_are_those_of_the_fields(database, source):
    table = pyarrow.table(
        {
            "flag": [True, None],
            "tiny": pyarrow.array([-7, None], pyarrow.int8()),
            "big": pyarrow.array([9000000000, None], pyarrow.int64()),
            "measure": [0.1, None],
            "money": pyarrow.array([Decimal("-0.0500"), None], pyarrow.decimal128(10, 4)),
            "bytes": [b"\0\xff", None],
            "local": pyarrow.array([1500000, None], pyarrow.timestamp("us")),
            "zoned": pyarrow.array([1500, None], pyarrow.timestamp("ms", "Europe/Rome")),
            "whole": pyarrow.array([1000, None], pyarrow.timestamp("ns")),
            "clock": pyarrow.array([datetime.time(12, 34, 56, 500000), None]),
            "must": pyarrow.array([1, 2], pyarrow.int32()),
        }
    )
    fields = [field.with_nullable(field.name != "must") for field in table.schema]
    said = load(source(table.cast(pyarrow.schema(fields))), database)
    assert inferred(said) == {
        "flag": "boolean", "tiny": "smallint", "big": "bigint", "measure": "double precision",
        "money": "numeric(10,4)", "bytes": "bytes", "local": "timestamp",
        "zoned": "timestamp with time zone", "whole": "timestamp", "clock": "time",
        "must": "integer NOT NULL",
    }
    assert database.rows("SELECT * FROM data ORDER BY must") == [
        ("t", "-7", "9000000000", "0.1", "-0.0500", "\\x00ff", "1970-01-01 00:00:01.5",
         "1970-01-01 00:00:01.5+00", "1970-01-01 00:00:00.000001", "12:34:56.5", "1"),
        ("\\N",) * 10 + ("2",),
    ]


def test_what_query_writes_is_loaded_back(database, tmp_path):
    database.run(
        """CREATE TABLE back AS SELECT i, (i % 7)::smallint AS s, i * 10000000000::bigint AS b,
        i / 3.0::double precision AS f, (i / 100.0)::numeric(18,2) AS n, i % 2 = 0 AS flag,
        CASE WHEN i % 3 = 0 THEN NULL ELSE repeat('ö', i % 50) END AS t, date '2024-01-01' + i % 900 AS d,
        timestamp '2024-01-01' + i * interval '1.5 seconds' AS ts, '\\x00ff'::bytea AS y,
        timestamptz '2024-01-01 00:00:00+02' AS tz, time '12:00:00.25' AS c
        FROM generate_series(1, 100000) g(i)"""
    )
    out = tmp_path / "again.arrow"
    query(database.db, "SELECT * FROM back", "-o", out)
    load(out, database)
    for one, other in (("back", "again"), ("again", "back")):
        assert database.rows(f"SELECT * FROM {one} EXCEPT SELECT * FROM {other}") == []
    assert database.rows("SELECT count(*), count(t), sum(i) FROM again") == [
        ("100000", "66667", "5000050000")
    ]
    types = [
        [column[:3] for column in database.rows(COLUMNS.format("public", name))]
        for name in ("back", "again")
    ]
    assert types[0] == types[1]


def test_no_rows_make_a_table(database, source):
    said = load(source(TABLE.slice(0, 0)), database)
    assert inferred(said) == {"id": "integer", "note": "text", "day": "date"}
    assert database.rows("SELECT count(*) FROM data") == [("0",)]


@pytest.mark.parametrize("write", [stream, file])
def test_many_batches_and_wide_text_are_whole(database, source, write):
    texts = [str(i) * 10 for i in range(300_000)] + ["0123456789" * 1_000_000]
    table = pyarrow.table({"i": pyarrow.array(range(len(texts)), pyarrow.int64()), "t": texts})
    load(source(write(table, 20_000, compression="lz4")), database)
    assert database.rows("SELECT count(*), sum(i), sum(length(t)), max(length(t)) FROM data") == [
        (str(len(texts)), str(sum(range(len(texts)))), str(sum(map(len, texts))), "10000000")
    ]


def test_wide_numerics_and_reals_need_a_newer_file(source, tmp_path):
    table = pyarrow.table(
        {"x": pyarrow.array([Decimal("1.50")], pyarrow.decimal128(30, 2)),
         "r": pyarrow.array([1.5], pyarrow.float32())}
    )
    made = tmp_path / "made.hyper"
    done = run("load", source(table), made)
    assert done.returncode == 1 and not made.exists()
    said = done.stderr.decode()
    assert 'column "x" is numeric(30,2), which needs file version 3 or later' in said
    assert "(--database-version 3 when the file is made)" in said
    said = load(source(table), made, "--database-version=3")
    assert inferred(said) == {"x": "numeric(30,2)", "r": "double precision"}
    made.unlink()
    said = load(source(table), made, "--database-version=4")
    assert inferred(said) == {"x": "numeric(30,2)", "r": "real"}


# ---- which table --------------------------------------------------------------------------------


def test_a_table_that_exists_needs_a_decision(database, source):
    path = source(TABLE)
    assert "it is made" in load_fails(path, database, "--append")
    load(path, database)
    assert load_fails(path, database) == (
        'table "data" exists; --replace replaces it, --append adds to it, --table names another'
    )
    turned = TABLE.select(["day", "id", "note"])
    assert load(source(turned), database, "--append") == ""
    assert database.rows("SELECT * FROM data ORDER BY id") == sorted(ROWS * 2)
    load(source(pyarrow.table({"only": [7]})), database, "--replace")
    assert database.rows("SELECT * FROM data") == [("7",)]
    load(source(TABLE), database, "--table=Extract.Extract")
    assert database.rows('SELECT * FROM "Extract"."Extract" ORDER BY id') == ROWS
    assert database.rows(TABLES) == [("Extract", "Extract"), ("public", "data")]


def test_appending_widens_and_names_what_does_not_fit(database, source):
    database.run("CREATE TABLE data (id bigint, note varchar(1), day date)")
    load(source(TABLE), database, "--append")
    other = pyarrow.table({"id": [1.5], "note": ["a"], "more": [1]})
    text = load_fails(source(other), database, "--append")
    assert text == (
        f'{source(other)}: the columns are not those of table "public"."data": missing: "day"; '
        'not in the table: "more"; of another type: "id" is double, the table\'s bigint'
    )
    other = pyarrow.table({"id": [1], "note": [["a"]], "day": [DAY]})
    text = load_fails(source(other), database, "--append")
    assert text.endswith('"note" is list<item: string>, the table\'s character varying(1)')
    long = TABLE.set_column(1, "note", pyarrow.array(["a", "bb", "c"]))
    assert 'row 2, column 2 "note": ' in load_fails(source(long), database, "--append")


REFUSED = {
    "a list": (pyarrow.table({"x": [[1]]}), 'Hyper has no such type: "x" is list<item: int64>'),
    "a second column of a name": (
        pyarrow.Table.from_arrays([pyarrow.array([1])] * 2, names=["a", "a"]), "42701"),
    "nanoseconds": (
        pyarrow.table({"t": pyarrow.array([1001], pyarrow.timestamp("ns"))}),
        'row 1, column 1 "t": 1 nanoseconds beyond a microsecond would be lost'),
    "no columns": (pyarrow.table({}), "data.arrow: "),
    "text": (b"a,b\n1,2\n", "the data are no Arrow IPC stream or file"),
    "nothing": (b"", "data.arrow: "),
    "two streams": (stream(TABLE) * 2, "something else behind the end of the Arrow stream"),
    "no end marker": (stream(TABLE)[:-8], "breaks off: it has no end-of-stream marker"),
    "Parquet": (b"PAR1\x15\x04\x15\x10", "the data are no Arrow IPC stream or file"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_loaded_is_named(database, source, kind):
    """Neither does the file replace a table, nor what comes by a pipe make one."""
    database.run("CREATE TABLE data AS SELECT 1 AS a")
    data, said = REFUSED[kind]
    text = load_fails(source(data), database, "--replace")
    assert said in text and "HYL_" not in text and "hyperline-load" not in text
    if isinstance(data, bytes):
        text = load_fails("-", database, "--table=t", "--format=arrow", input=data)
        assert said in text.replace("standard input: ", "data.arrow: ")


def test_a_missing_file_is_named(database, tmp_path):
    text = load_fails(tmp_path / "no.arrow", database)
    assert text == f"{tmp_path}/no.arrow: No such file or directory"
    assert load_fails(tmp_path, database, "--format=arrow") == f"{tmp_path}: Is a directory"
    missing = tmp_path / "missing.hyper"
    done = run("load", tmp_path / "no.arrow", missing)
    assert done.returncode == 1 and not missing.exists()


# ---- whole or nothing ---------------------------------------------------------------------------


def long_table(last, rows=400_000):
    return pyarrow.table(
        {"id": pyarrow.array(range(rows), pyarrow.int32()), "note": ["x"] * (rows - 1) + [last]}
    )


@pytest.mark.parametrize(
    "mode, piped", [(None, False), ("--replace", True), ("--append", True), ("--append", False)]
)
def test_an_error_at_the_end_leaves_all_as_it_was(database, source, mode, piped):
    database.run("CREATE TABLE other (a int)")
    if mode:
        database.run(
            "CREATE TABLE data (id int, note text NOT NULL)", "INSERT INTO data VALUES (1, 'x')"
        )
    data = stream(long_table("y"), 10_000)
    cut = data[: len(data) - 5000]
    options = ["--table=data", "--format=arrow", *filter(None, [mode])]
    text = (
        load_fails("-", database, *options, input=cut) if piped
        else load_fails(source(cut), database, *options)
    )
    assert "cut off" in text
    if mode == "--append":
        text = load_fails(source(stream(long_table(None), 10_000)), database, "--append")
        assert 'row 400000, column 2 "note"' in text


def test_cut_and_damaged_data_never_change_the_table(database, source):
    """Whatever is wrong with the bytes: all rows that they say, or none."""
    database.run("CREATE TABLE data (id int, note text, day date)")
    chance = random.Random(20260)
    for data in (stream(TABLE, 2), file(TABLE, 2, compression="zstd")):
        for length in sorted(chance.sample(range(len(data)), 5)):
            done = run("load", source(data[:length]), database.db, "--append", "--format=arrow")
            assert (done.returncode, done.stdout) == (1, b"")
    assert database.rows("SELECT count(*) FROM data") == [("0",)]
    for data in (stream(TABLE), file(TABLE)):
        for place in chance.sample(range(len(data) - 8), 8):
            damaged = bytearray(data)
            damaged[place] ^= 0xFF
            done = run("load", source(bytes(damaged)), database.db, "--append", "--format=arrow")
            assert done.returncode in (0, 1), done.stderr
            loaded = database.rows("SELECT count(*) FROM data")
            assert loaded == [("0",)] or done.returncode == 0
            database.run("DELETE FROM data")


def test_a_file_that_was_made_is_removed_again(source, tmp_path):
    made = tmp_path / "made.hyper"
    done = run("load", source(stream(TABLE) * 2), made)
    assert done.returncode == 1 and not made.exists()
    load(source(TABLE), made)
    done = run("load", source(stream(TABLE) * 2), made, "--replace")
    assert done.returncode == 1
    assert query(made, "SELECT count(*) AS n FROM data", "--format=csv") == "n\n3\n"


def start(db, *options, **env):
    return subprocess.Popen(
        [PROGRAM, "load", "-", db, "--format=arrow", "--table=data", *options],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(**env),
    )


def drown(process, data):
    """Writes until the program has gone."""
    try:
        while True:
            process.stdin.write(data)
    except (BrokenPipeError, ValueError):
        pass


# A stream's beginning, and a batch that may come as often as one likes.
BIG = stream(pyarrow.table({"a": pyarrow.array(range(100_000), pyarrow.int32())}))
BIG_SCHEMA = stream(pyarrow.table({"a": pyarrow.array([], pyarrow.int32())}))[:-8]
BIG_BATCH = BIG[len(BIG_SCHEMA) : -8]


@pytest.mark.parametrize("mode", ["--replace", "--append"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_in_good_order(database, mode, number):
    database.run("CREATE TABLE data (a int)", "INSERT INTO data VALUES (1)")
    before = database.snapshot()
    process = start(database.db, mode)
    process.stdin.write(BIG_SCHEMA + BIG_BATCH * 20)
    process.send_signal(number)
    writer = threading.Thread(target=drown, args=(process, BIG_BATCH), daemon=True)
    writer.start()
    assert process.stderr.read() == b"hyperline: cancelled\n"
    assert process.wait(60) == 128 + number
    writer.join(60)
    assert database.snapshot() == before


@pytest.mark.parametrize("mode", ["--replace", "--append"])
def test_a_signal_ends_the_wait_for_a_silent_producer(database, mode):
    database.run("CREATE TABLE data (a int)")
    process = start(database.db, mode)
    process.stdin.write(BIG_SCHEMA + BIG_BATCH * 10)
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while not waits_for_input(process):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert process.stderr.read() == b"hyperline: cancelled\n"
    process.stdin.close()
    assert database.rows(TABLES) == [("public", "data")]
    assert database.rows("SELECT * FROM data") == []


def test_a_late_cancel_does_not_hit_the_cleaning_up(server, database):
    before = database.snapshot()
    proxy = LateCancel(server.port)
    port = proxy.listener.getsockname()[1]
    process = start(database.db.replace(str(server.port), str(port)))
    process.stdin.write(BIG_SCHEMA + BIG_BATCH * 20)
    process.send_signal(signal.SIGINT)
    threading.Thread(target=drown, args=(process, BIG_BATCH), daemon=True).start()
    stderr = process.stderr.read().decode()
    assert process.wait(60) == 130
    proxy.listener.close()
    assert "left over" not in stderr
    assert database.snapshot() == before


@pytest.mark.parametrize("batches", [0, 1, 40])
def test_killed_while_loading_no_half_table_appears(source, tmp_path, batches):
    made = tmp_path / "made.hyper"
    load(source(pyarrow.table({"a": [7]})), made)
    process = start(made, "--replace")
    process.stdin.write(BIG_SCHEMA + BIG_BATCH * batches)
    process.stdin.flush()
    process.kill()
    process.wait(60)
    process.stdin.close()
    process.stderr.close()
    load(source(pyarrow.table({"a": [8]}), "other.arrow"), made)
    assert query(made, "SELECT a FROM data", "--format=csv") == "a\n7\n"
    assert query(made, TABLES, "--format=csv") == "nspname,relname\npublic,data\npublic,other\n"


# ---- what is said -------------------------------------------------------------------------------


def test_the_last_line_is_as_of_csv(database, source):
    path = source(TABLE)
    done = run("load", path, database.db)
    assert re.fullmatch(
        rf'loaded 3 rows into "data" in [\d.]+ s \([\d.]+ rows/s, {os.path.getsize(path)} bytes\)\n',
        done.stdout.decode(),
    )
    done = run("load", path, database.db, "--append", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    done = run("load", path, database.db, "--append", "--timing=json")
    said = json.loads(done.stdout)
    assert (said["rows"], said["bytes"], said["passes"]) == (3, os.path.getsize(path), 1)
    assert done.stderr == b""


def test_progress_is_for_terminals(database):
    main, child = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "load", "-", database.db, "--format=arrow", "--table=data"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=child, env=environment(),
    )
    os.close(child)
    shown = re.compile(rb"\rloading: [0-9,]+ rows, [0-9.]+ MB, [0-9,]+ rows/s\x1b")
    process.stdin.write(BIG_SCHEMA)
    text = b""
    while not shown.search(text):
        process.stdin.write(BIG_BATCH)
        if select.select([main], [], [], 0)[0]:
            text += os.read(main, 65536)
    process.stdin.write(BIG[-8:])
    process.stdin.close()
    try:
        while piece := os.read(main, 65536):
            text += piece
    except OSError:
        pass  # how Linux says that the other end is closed
    os.close(main)
    assert process.wait(60) == 0
    assert text.endswith(b"\r\x1b[Kstandard input: 1 column\r\n  a  integer\r\n")
