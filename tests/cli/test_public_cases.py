"""Cases from public reports about Hyper's clients and about PostgreSQL's, replayed by the program.

The reports are named beside each test, as owner/repository#number; inputs are rewritten.
"""

import json
import os
import shutil
import signal
import subprocess
import time

import pytest
from conftest import PROGRAM, Holder, environment, own_server, query, query_fails, run


def one_value(server, sql):
    """The value of a query, the same in CSV and in a table."""
    text = query(server.tcp, f"SELECT {sql} AS x", "--format=csv")
    assert text.startswith("x\n")
    value = text[2:-1]
    table = query(server.tcp, f"SELECT {sql} AS x").splitlines()
    assert table[2].strip() == value
    return value


# ---- values -------------------------------------------------------------------------------------


def test_null_and_the_ends_of_time_stay_apart(server, tmp_path):
    """innobi/pantab#56, #60, #121, #174: NULL became a date, 9999-12-31 an error."""
    db = f"endpoint={server.tcp} database={tmp_path}/times.hyper create=create"
    moments = ["2024-05-06 07:08:09.123456", None, "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"]
    query(db, "CREATE TABLE t (i int, at timestamp)")
    for i, moment in enumerate(moments):
        text = f"'{moment}'" if moment else "NULL"
        query(f"{tmp_path}/times.hyper", f"INSERT INTO t VALUES ({i}, {text})")
    sql = "SELECT at FROM t ORDER BY i"
    lines = query(f"{tmp_path}/times.hyper", sql, "--format=csv").split("\n")
    assert lines == ["at", *(moment or "" for moment in moments), ""]
    rows = json.loads(query(f"{tmp_path}/times.hyper", sql, "--format=json"))
    assert [row["at"] for row in rows] == [m and m.replace(" ", "T") for m in moments]


def test_decimals_keep_their_digits(server, tmp_path):
    """innobi/pantab#339, #342: 0.001 was written as 0.1."""
    db = f"endpoint={server.tcp} database={tmp_path}/decimals.hyper create=create"
    sql = "CREATE TABLE t (d numeric(18,3)); INSERT INTO t VALUES (0.001), (10.010), (-0.005)"
    query(db, sql)
    text = query(f"{tmp_path}/decimals.hyper", "SELECT d FROM t ORDER BY d", "--format=csv")
    assert text == "d\n-0.005\n0.001\n10.010\n"


def test_the_average_of_whole_numbers_is_a_numeric(server):
    """tableau/hyper-api-rust, tests on the type modifier: both widths of NUMERIC."""
    sql = "SELECT avg(x) AS a FROM (VALUES (1), (2)) t(x)"
    assert query(server.tcp, sql, "--format=csv") == "a\n1.500000\n"
    wide = "SELECT avg(x) AS a FROM (VALUES (1::numeric(38,6)), (2)) t(x)"
    assert query(server.tcp, wide, "--format=csv").startswith("a\n1.5000")


@pytest.mark.parametrize(
    "sql, text",
    [
        ("0::numeric(10,4)", "0.0000"),
        ("0::numeric(10,0)", "0"),
        ("1.01234::numeric(16,5)", "1.01234"),
        ("(-0.5)::numeric(10,4)", "-0.5000"),
        ("0::numeric(38,20)", "0." + "0" * 20),
    ],
)
def test_zeros_of_a_numeric_are_printed(server, sql, text):
    """apache/arrow-adbc#1501, #1502: the zero before the point was lost, and bytes came behind."""
    assert one_value(server, sql) == text


def test_a_product_has_the_type_that_the_server_says(server):
    """tableau/hyper-api-samples#89: the rules for numeric types changed between releases."""
    sql = """SELECT sum(a * b) * (0.0001 / 10) AS s
             FROM (VALUES (10.5::numeric(12,2), 3)) t(a, b)"""
    assert query(server.tcp, sql, "--format=csv") == "s\n0.000315\n"


# ---- names, empty results -----------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "table"])
def test_columns_of_one_name_and_of_odd_names(server, form):
    """innobi/pantab changelog 4.0: every column is there, under its own name."""
    sql = 'SELECT 11 AS a, 22 AS a, 33 AS "select", 44 AS "a""b", 55 AS "größe"'
    text = query(server.tcp, sql, "--format", form)
    for value in ("11", "22", "33", "44", "55"):
        assert text.count(value) == 1
    for name in ("select", "größe"):
        assert name in text


def test_a_table_of_no_rows_has_its_columns(server, tmp_path):
    """innobi/pantab#172, #163, #240: tables of no rows crashed, or lost their columns."""
    db = f"endpoint={server.tcp} database={tmp_path}/empty.hyper create=create"
    query(db, "CREATE TABLE empty (a int, b text); CREATE TABLE filled (a int)")
    query(f"{tmp_path}/empty.hyper", "INSERT INTO filled VALUES (1)")
    sql = "SELECT * FROM empty; SELECT * FROM filled"
    assert query(f"{tmp_path}/empty.hyper", sql, "--format=csv") == "a,b\n\na\n1\n"


# ---- files --------------------------------------------------------------------------------------


@pytest.fixture
def copy_of(database, tmp_path):
    """A copy of the shared database under another name."""

    def copy(name):
        return shutil.copy(database, tmp_path / name)

    return copy


def test_each_reason_not_to_open_a_file_is_told_apart(server, copy_of, tmp_path):
    """tableau/hyper-api-samples#95: one message for a file in use, missing, or no database."""
    held = copy_of("held.hyper")
    newer = copy_of("newer.hyper")
    with open(newer, "r+b") as file:
        file.seek(10)
        file.write(b"\x63")
    garbage = tmp_path / "garbage.hyper"
    garbage.write_bytes(b"not a database\n" * 1000)
    before = {path: open(path, "rb").read() for path in (held, newer, garbage)}

    with Holder(server, held):
        messages = {
            "held": query_fails(held, "SELECT 1", env={"HYPERLINE_BUSY_TIMEOUT": "0"}),
            "newer": query_fails(newer, "SELECT 1"),
            "garbage": query_fails(garbage, "SELECT 1"),
            "missing": query_fails(tmp_path / "missing.hyper", "SELECT 1"),
        }
    assert "SQLSTATE 55006" in messages["held"] and "Another program" in messages["held"]
    assert "version 99" in messages["newer"]
    assert "SQLSTATE 42809" in messages["garbage"]
    assert "SQLSTATE 58S01" in messages["missing"] and "no such" in messages["missing"]
    for name, message in messages.items():
        assert f"{tmp_path}/{name}.hyper" in message
    assert len({message.split("'")[2] for message in messages.values()}) == 4
    assert {path: open(path, "rb").read() for path in before} == before
    assert sorted(os.listdir(tmp_path)) == ["garbage.hyper", "held.hyper", "newer.hyper"]


# ---- the course of a result ---------------------------------------------------------------------


def test_the_servers_message_in_the_middle_of_a_result_is_shown(server):
    """innobi/pantab#392, tableau/server-client-python#1295: the reason was lost."""
    sql = "SELECT 10 / (100000 - i) AS x FROM generate_series(1, 200000) g(i)"
    done = run("query", server.tcp, sql, "--format=csv")
    assert done.returncode == 1
    assert b"division by zero" in done.stderr.lower() and b"22012" in done.stderr


def test_a_server_that_dies_is_named(database):
    """tableau/server-client-python#1295: only "closed unexpectedly"."""
    process = subprocess.Popen(
        [PROGRAM, "query", database, "SELECT i FROM generate_series(1, 2000000000) g(i)"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(HYPERLINE_TEST_MARK="dies"),
    )
    process.stdout.readline()
    os.kill(own_server(process, "HYPERLINE_TEST_MARK=dies"), signal.SIGKILL)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"SIGKILL" in error


def test_a_slow_reader_gets_every_row(server):
    """forcedotcom/datacloud-jdbc#142: what a slow reader had not read yet was dropped."""
    sql = "SELECT i, repeat('x', 100) AS t FROM generate_series(1, 200000) g(i)"
    process = subprocess.Popen(
        [PROGRAM, "query", server.tcp, sql, "--format=csv"], stdout=subprocess.PIPE,
        env=environment(),
    )
    count = 0
    for line in process.stdout:
        count += 1
        if count % 20000 == 0:
            time.sleep(0.7)
    assert (process.wait(60), count) == (0, 200001)


@pytest.mark.parametrize("size, rows", [(1_500_000, 100), (5_000_000, 1), (16_000_000, 3)])
def test_large_rows_come_whole_and_in_order(server, size, rows):
    """Hyper API release notes 0.0.11074, forcedotcom/datacloud-jdbc: rows over 1 MB hung."""
    sql = f"SELECT i, repeat(chr(64 + i % 26), {size}) AS t FROM generate_series(1, {rows}) g(i)"
    process = subprocess.Popen(
        [PROGRAM, "query", server.tcp, sql + " ORDER BY i", "--format=csv"],
        stdout=subprocess.PIPE, env=environment(),
    )
    assert process.stdout.readline() == b"i,t\n"
    for i in range(1, rows + 1):
        number, _, text = process.stdout.readline().rstrip(b"\n").partition(b",")
        assert int(number) == i
        assert text == bytes([64 + i % 26]) * size
    assert process.stdout.read() == b""
    assert process.wait(60) == 0


def test_a_value_beyond_the_servers_limit_is_an_error(server):
    """forcedotcom/datacloud-jdbc: 31 MB went, 33 MB did not; here the server's own limit counts."""
    done = run("query", server.tcp, "SELECT repeat('x', 33000000) AS t", "--format=csv")
    assert done.returncode == 1
    assert b"54S01" in done.stderr


def test_several_statements_in_one_text(server):
    """The server takes one statement at a time; the client cuts the text."""
    sql = "SELECT 1 AS a; SELECT ';' AS b /* ; */ ; -- ;\nSELECT $$;$$ AS c;"
    assert query(server.tcp, sql, "--format=csv") == "a\n1\n\nb\n;\n\nc\n;\n"
