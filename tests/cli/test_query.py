"""hyperline query against a real server: formats, files, errors, signals."""

import csv
import fcntl
import io
import json
import os
import pty
import re
import signal
import socket
import stat
import struct
import subprocess
import termios
import time
import unicodedata
from pathlib import Path

import pytest
from conftest import (
    PROGRAM,
    Holder,
    environment,
    own_server,
    processes_with,
    query,
    query_fails,
    run,
)

TABLE = "SELECT * FROM t ORDER BY a NULLS LAST"


# ---- where to -----------------------------------------------------------------------------------


def test_a_file_has_its_own_server(database):
    assert query(database, TABLE, "--format", "csv") == 'a,b\n1,x\n3,\n,""\n'


def test_tls_is_demanded_by_the_endpoints_keys(server):
    assert query(f"endpoint={server.tcp} tls=prefer", "SELECT 1 AS x", "--format=csv") == "x\n1\n"
    said = query_fails(f"hyper://u:Tr0ub4dor@{server.tcp}?tls=require", "SELECT 1")
    assert "speaks no TLS" in said and "Tr0ub4dor" not in said


@pytest.mark.parametrize("form", ["{tcp}", "tab.tcp://{tcp}", "{socket}", "endpoint={socket}"])
def test_an_endpoint_takes_the_database_option(server, database, form):
    db = form.format(tcp=server.tcp, socket=server.socket)
    assert query(db, TABLE, "--format=csv", "--database", database) == 'a,b\n1,x\n3,\n,""\n'


def test_the_domain_form_and_uris_name_the_same_server(server, database):
    domain = f"tab.domain://{server.folder}/domain/socket"
    assert query(domain, "SELECT 1 AS x", "--format=csv") == "x\n1\n"
    uri = f"hyper://{server.tcp}{database}"
    assert query(uri, "SELECT count(*) AS n FROM t", "--format=csv") == "n\n3\n"
    path = server.socket.replace("/", "%2F")
    assert query(f"hyper://{path}{database}", "SELECT 1 AS x", "--format=csv") == "x\n1\n"


def test_the_environment_fills_in_what_db_does_not_say(server, database):
    env = {"HYPERLINE_DATABASE": str(database), "HYPERLINE_CREATE": "replace"}
    assert query(server.tcp, "SELECT count(*) AS n FROM t", "--format=csv", env=env) == "n\n3\n"


def test_the_environment_does_not_touch_a_file(database):
    env = {
        "HYPERLINE_CREATE": "replace",
        "HYPERLINE_ENDPOINT": "nowhere:1",
        "HYPERLINE_USER": "nobody",
        "HYPERLINE_PASSWORD": "secret",
    }
    assert query(database, "SELECT count(*) AS n FROM t", "--format=csv", env=env) == "n\n3\n"


def test_a_wrong_variable_is_named(database):
    text = query_fails(database, "SELECT 1", status=2, env={"HYPERLINE_BUSY_TIMEOUT": "soon"})
    assert "HYPERLINE_BUSY_TIMEOUT" in text and "'soon'" in text


def test_nothing_is_left_running_and_no_file_beside(database):
    before = sorted(os.listdir(database.parent))
    mark = "HYPERLINE_TEST_MARK=nothing is left"
    process = subprocess.Popen(
        [PROGRAM, "query", database, "SELECT i FROM generate_series(1, 2000000000) g(i)",
         "--format=csv"],
        stdout=subprocess.PIPE, env=environment(HYPERLINE_TEST_MARK="nothing is left"),
    )
    assert process.stdout.readline() == b"i\n"
    assert len(processes_with(mark)) == 2
    process.stdout.close()
    assert process.wait(60) == 0
    assert processes_with(mark) == []
    assert sorted(os.listdir(database.parent)) == before


# ---- csv ----------------------------------------------------------------------------------------


def rows_of(text):
    return list(csv.reader(io.StringIO(text, newline="")))


def test_csv_keeps_null_and_empty_apart(server):
    sql = "SELECT NULL AS a, '' AS b, 'NULL' AS c, ' ' AS d"
    assert query(server.tcp, sql, "--format=csv") == 'a,b,c,d\n,"",NULL, \n'
    assert query(server.tcp, sql, "--format=csv", "--null=NULL") == 'a,b,c,d\nNULL,"","NULL", \n'
    assert query(server.tcp, "SELECT 0 a, NULL b, 't' c", "--format=csv", "--null", "0") == (
        'a,b,c\n"0",0,t\n'
    )
    assert query(server.tcp, "SELECT true a, NULL b", "--format=csv", "--null=t") == 'a,b\n"t",t\n'


def test_csv_quotes_what_needs_it(server):
    sql = """SELECT 'a,b' AS "x,y", 'say "hi"' AS "q""q", E'two\\nlines' AS "l\n", E'cr\\r' AS c,
             '\\.' AS d, 'it''s' AS e"""
    text = query(server.tcp, sql, "--format=csv")
    assert text == (
        '"x,y","q""q","l\n",c,d,e\n"a,b","say ""hi""","two\nlines","cr\r","\\.",it\'s\n'
    )
    assert rows_of(text)[1] == ["a,b", 'say "hi"', "two\nlines", "cr\r", "\\.", "it's"]


def test_csv_writes_the_servers_text_for_every_type(server):
    sql = """SELECT true AS b, '-32768'::smallint AS i2, 2147483647 AS i4,
        '-9223372036854775808'::bigint AS i8, 0.1::real AS f4, 1e300::double precision AS f8,
        'NaN'::double precision AS nan, '-Infinity'::double precision AS inf,
        -0.0500::numeric(10,4) AS n, '12345678901234567890123456789012345678'::numeric(38,0) AS nn,
        42::oid AS o, 'v'::varchar(3) AS v, 'c'::char(3) AS c, '{"k": [1, 2]}'::json AS j,
        '\\x00ff'::bytea AS by, date '0001-01-01' AS d, time '23:59:59.5' AS t,
        timestamp '9999-12-31 23:59:59.999999' AS ts, timestamptz '2024-02-29 12:00:00+02' AS tz,
        interval 'P1Y2M3DT4H5M6.5S' AS iv, array[1,NULL,3] AS ar"""
    header, row = rows_of(query(server.tcp, sql, "--format=csv"))
    assert dict(zip(header, row)) == {
        "b": "t",
        "i2": "-32768",
        "i4": "2147483647",
        "i8": "-9223372036854775808",
        "f4": "0.1",
        "f8": "1e+300",
        "nan": "NaN",
        "inf": "-Infinity",
        "n": "-0.0500",
        "nn": "12345678901234567890123456789012345678",
        "o": "42",
        "v": "v",
        "c": "c  ",
        "j": '{"k": [1, 2]}',
        "by": "\\x00ff",
        "d": "0001-01-01",
        "t": "23:59:59.5",
        "ts": "9999-12-31 23:59:59.999999",
        "tz": "2024-02-29 10:00:00+00",
        "iv": "P1Y2M3DT4H5M6.500000S",
        "ar": "[1,NULL,3]",
    }


def test_csv_of_no_rows_has_its_header(server):
    assert query(server.tcp, "SELECT 1 AS a, 2 AS b WHERE false", "--format=csv") == "a,b\n"


def test_csv_separates_results_by_an_empty_line(server):
    sql = "SELECT 1 AS a; SELECT 2 AS b"
    assert query(server.tcp, sql, "--format=csv") == "a\n1\n\nb\n2\n"


# ---- names --------------------------------------------------------------------------------------

NAMES = 'SELECT 1 AS a, 2 AS a, 3 AS "select", 4 AS "a""b", 5 AS "naïve 日本", 6 AS a, 7 AS a_2'


def test_names_are_exact_in_csv_and_table(server):
    names = ["a", "a", "select", 'a"b', "naïve 日本", "a", "a_2"]
    assert rows_of(query(server.tcp, NAMES, "--format=csv"))[0] == names
    header = query(server.tcp, NAMES).splitlines()[0]
    assert [name.strip() for name in header.split("|")] == names


def test_json_tells_columns_of_one_name_apart(server):
    names = json.loads(query(server.tcp, NAMES, "--format=json"))[0]
    assert names == {"a": 1, "a_3": 2, "select": 3, 'a"b': 4, "naïve 日本": 5, "a_4": 6, "a_2": 7}


# ---- json ---------------------------------------------------------------------------------------


def test_json_has_every_type(server):
    sql = """SELECT true AS b, '-9223372036854775808'::bigint AS i, 0.10::numeric(4,2) AS n,
        '12345678901234567890123456789012345678'::numeric(38,0) AS nn, 1.5::double precision AS f,
        1e300::double precision AS big, '-0'::double precision AS neg,
        'NaN'::double precision AS nan, 'Infinity'::real AS inf, NULL AS nul, '' AS e,
        E'"\\\\\\n\\t\\x01 é 日本' AS s, '\\x00ff'::bytea AS by, date '2024-02-29' AS d,
        time '01:02:03' AS t, timestamp '2024-02-29 01:02:03.5' AS ts,
        timestamptz '2024-02-29 12:00:00+02' AS tz, interval 'P1D' AS iv,
        '{"k": [1, null]}'::json AS j, array['a', NULL, 'b"c'] AS ar, 42::oid AS o"""
    text = query(server.tcp, sql, "--format=json")
    assert '"n":0.10,"nn":12345678901234567890123456789012345678,' in text
    assert json.loads(text) == [
        {
            "b": True,
            "i": -9223372036854775808,
            "n": 0.1,
            "nn": 12345678901234567890123456789012345678,
            "f": 1.5,
            "big": 1e300,
            "neg": -0.0,
            "nan": "NaN",
            "inf": "Infinity",
            "nul": None,
            "e": "",
            "s": '"\\\n\t\x01 é 日本',
            "by": "\\x00ff",
            "d": "2024-02-29",
            "t": "01:02:03",
            "ts": "2024-02-29T01:02:03.5",
            "tz": "2024-02-29T10:00:00+00:00",
            "iv": "P1D",
            "j": {"k": [1, None]},
            "ar": ["a", None, 'b"c'],
            "o": 42,
        }
    ]


def test_jsonl_keeps_a_json_column_on_its_line(server):
    sql = """SELECT E'{"a":\\n [1,\\n 2]}'::json AS j FROM generate_series(1, 2)"""
    lines = query(server.tcp, sql, "--format=jsonl").splitlines()
    assert [json.loads(line) for line in lines] == [{"j": {"a": [1, 2]}}] * 2


def test_json_of_no_rows_and_of_several_results(server):
    assert query(server.tcp, "SELECT 1 AS a WHERE false", "--format=json") == "[]\n"
    assert query(server.tcp, "SELECT 1 AS a WHERE false", "--format=jsonl") == ""
    text = query(server.tcp, "SELECT 1 AS a; SELECT 2 AS b", "--format=json")
    assert text == '[\n{"a":1}\n]\n[\n{"b":2}\n]\n'


# ---- table --------------------------------------------------------------------------------------


def test_table_looks_as_people_know_it(server):
    sql = "SELECT * FROM (VALUES (1, 'one'), (20, 'twenty'), (NULL, NULL), (4, '')) v(n, t)"
    assert query(server.tcp, sql + " ORDER BY n") == (
        "    n | t\n"
        "------+--------\n"
        "    1 | one\n"
        "    4 | \n"
        "   20 | twenty\n"
        " NULL | NULL\n"
        "(4 rows)\n"
    )


def test_table_marks_null_apart_from_the_text(server):
    assert query(server.tcp, "SELECT NULL AS a, 'NULL' AS b").splitlines()[2] == ' NULL | "NULL"'
    text = query(server.tcp, "SELECT NULL AS a, '-' AS b, '' AS c, 'x' AS d", "--null", "-")
    assert text.splitlines()[2] == ' - | "-" |   | x'


def test_table_counts_rows(server):
    assert query(server.tcp, "SELECT 1 AS a") == " a\n---\n 1\n(1 row)\n"
    assert query(server.tcp, "SELECT 1 AS a WHERE false") == " a\n---\n(0 rows)\n"
    assert query(server.tcp, "SELECT 1 AS a; SELECT 2 AS b") == (
        " a\n---\n 1\n(1 row)\n\n b\n---\n 2\n(1 row)\n"
    )


def test_table_shows_control_characters(server):
    text = query(server.tcp, "SELECT E'a\\nb\\tc\\x1b[31m\\u202e\\x7f' AS x")
    assert text.splitlines()[2] == r" a\nb\tc\x1b[31m\u202e\x7f"


def width(text):
    """The columns of text without clusters: what a terminal of any age agrees on."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def test_table_is_aligned_by_display_width(server):
    words = ["ascii", "日本語テキスト", "e\u0301te\u0301", "naïve", "한국어", "😀", "ｆｕｌｌ"]
    values = ",".join(f"({i}, '{word}', 'end')" for i, word in enumerate(words))
    sql = f"SELECT * FROM (VALUES {values}) v(i, word, last) ORDER BY i"
    lines = query(server.tcp, sql).splitlines()[:-1]
    bars = {tuple(width(line[:m.start()]) for m in re.finditer(r"[|+]", line)) for line in lines}
    assert bars == {(3, 20)}


def test_table_keeps_the_widths_of_its_first_rows(server):
    sql = """SELECT CASE WHEN i = 5000 THEN repeat('w', 30) ELSE 'x' END AS a, i
             FROM generate_series(1, 5000) g(i) ORDER BY i"""
    lines = query(server.tcp, sql).splitlines()
    assert lines[2] == " x |    1"
    assert lines[2 + 1999] == " x | 2000"
    assert lines[-2] == " " + "w" * 30 + " | 5000"
    assert lines[-1] == "(5000 rows)"


def test_statements_without_result_print_their_tag(server, tmp_path):
    db = f"endpoint={server.tcp} database={tmp_path}/tags.hyper create=create"
    sql = "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2); SELECT a FROM t WHERE a = 2"
    assert query(db, sql) == "CREATE TABLE\nINSERT 0 2\n a\n---\n 2\n(1 row)\n"
    assert query(f"{tmp_path}/tags.hyper", "DELETE FROM t", "--format=csv") == ""


# ---- large values, large results ----------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "table"])
def test_a_cell_of_a_megabyte_is_whole(server, form):
    text = query(server.tcp, "SELECT repeat('0123456789', 104858) AS big", "--format", form)
    assert "0123456789" * 104858 in text


def peak_kb(*arguments):
    """Reads all that the program prints; returns its peak memory and the number of lines.

    The kernel is asked after every piece: the program is there as long as it has more to write than
    a pipe holds.
    """
    process = subprocess.Popen(
        [PROGRAM, "query", *map(str, arguments)], env=environment(), stdout=subprocess.PIPE
    )
    peak = lines = 0
    while piece := process.stdout.read(1 << 18):
        lines += piece.count(b"\n")
        with open(f"/proc/{process.pid}/status") as status:
            found = re.search(r"VmHWM:\s+(\d+) kB", status.read())
        peak = int(found[1]) if found else peak
    process.stdout.close()
    assert process.wait(60) == 0
    return peak, lines


def is_sanitized():
    return b"__asan_init" in PROGRAM.read_bytes()


@pytest.mark.parametrize("form, others", [("csv", 1), ("table", 3), ("jsonl", 0)])
def test_memory_does_not_grow_with_the_result(server, form, others):
    sql = "SELECT i, i * 2 AS j, 'some text' AS t FROM generate_series(1, {}) g(i)"
    small, _ = peak_kb(server.tcp, sql.format(200000), "--format", form)
    large, lines = peak_kb(server.tcp, sql.format(3000000), "--format", form)
    assert lines == 3000000 + others
    # AddressSanitizer keeps what was freed for a while, and so grows a little.
    assert 0 < large < (1.5 if is_sanitized() else 1.1) * small
    assert is_sanitized() or large < 10 * 1024


# ---- geography ----------------------------------------------------------------------------------


def test_geography_is_readable(server, tmp_path):
    db = f"endpoint={server.tcp} database={tmp_path}/geo.hyper create=create"
    query(
        db,
        "CREATE TABLE g (id int, place tableau.tabgeography);"
        "INSERT INTO g VALUES (1, 'point(-122.3 47.6)'::tableau.tabgeography);"
        "INSERT INTO g VALUES (2, NULL)",
    )
    file = f"{tmp_path}/geo.hyper"
    text = query(file, "SELECT * FROM g ORDER BY id", "--format=csv")
    assert re.fullmatch(r"id,place\n1,POINT\(-122\.3\d* 47\.[56]\d*\)\n2,\n", text)
    again = json.loads(query(file, "SELECT place FROM g ORDER BY id", "--format=json"))
    assert again[0]["place"].startswith("POINT(") and again[1]["place"] is None
    # What inserts is run once, although its result has to be described first.
    text = query(
        file, "INSERT INTO g VALUES (3, 'point(1 2)'::tableau.tabgeography) RETURNING id, place", "--format=csv"
    )
    assert text.startswith("id,place\n3,POINT(")
    assert query(file, "SELECT count(*) AS n FROM g", "--format=csv") == "n\n3\n"


def test_arrays_of_geography_and_unknown_types_are_text(server):
    sql = "SELECT array['point(1 2)'::tableau.tabgeography, NULL] AS g"
    assert re.fullmatch(r"g\n.*POINT\(.*\n", query(server.tcp, sql, "--format=csv"))
    assert json.loads(query(server.tcp, sql, "--format=json"))[0]["g"].startswith("[")
    sql = "SELECT '1 2 3'::oidvector AS v, NULL::oidvector AS n"
    assert query(server.tcp, sql, "--format=csv").startswith("v,n\n")


def test_a_result_without_columns_counts_its_rows(server):
    sql = "SELECT FROM (VALUES (1), (2)) v(x)"
    assert query(server.tcp, sql) == "(2 rows)\n"
    assert query(server.tcp, sql, "--format=json") == "[\n{},\n{}\n]\n"
    assert query(server.tcp, sql, "--format=csv") == "\n\n\n"


# ---- SQL from elsewhere -------------------------------------------------------------------------


def test_sql_comes_from_a_file_or_from_stdin(server, tmp_path):
    script = tmp_path / "script.sql"
    script.write_bytes(b"\xef\xbb\xbf-- a comment; with a semicolon\nSELECT ';' AS a;\n\n"
                       b"/* another; */ SELECT $$;$$ AS b;\n")
    expected = "a\n;\n\nb\n;\n"
    assert query(server.tcp, "-f", script, "--format=csv") == expected
    assert query(server.tcp, "--format=csv", "-f-", input=script.read_bytes()) == expected
    assert query(server.tcp, "-", "--format=csv", input=script.read_bytes()) == expected


def test_an_empty_script_does_nothing(server):
    assert query(server.tcp, "") == ""
    assert query(server.tcp, " ; -- nothing\n") == ""


def test_a_script_stops_at_the_first_error(server, tmp_path):
    script = tmp_path / "script.sql"
    script.write_text("SELECT 1 AS a;\n\nSELECT 2 AS b\nFROM nowhere;\nSELECT 3 AS c;\n")
    done = run("query", server.tcp, "-f", script, "--format=csv")
    assert done.returncode == 1
    assert done.stdout.decode() == "a\n1\n"
    assert "(SQLSTATE 42P01)" in done.stderr.decode()
    assert "\nLINE 4: FROM nowhere\n             ^\n" in done.stderr.decode()


def test_a_script_that_cannot_be_cut_is_not_begun(server, database):
    sql = "DELETE FROM t; SELECT 'open"
    assert "the SQL cannot be read" in query_fails(server.tcp, sql, "--database", database)
    assert query(database, "SELECT count(*) AS n FROM t", "--format=csv") == "n\n3\n"


# ---- errors -------------------------------------------------------------------------------------


def test_an_error_points_at_its_place(server):
    text = query_fails(server.tcp, "SELECT 1,\n  '日本' AS jp, nope FROM (VALUES (1)) v(x)")
    lines = text.splitlines()
    assert lines[0].endswith("(SQLSTATE 42703)") and "nope" in lines[0]
    assert lines[1] == "LINE 2:   '日本' AS jp, nope FROM (VALUES (1)) v(x)"
    assert width(lines[2]) == width(lines[1][: lines[1].index("nope")]) + 1
    assert lines[2].strip() == "^"


def test_a_long_line_is_cut_around_the_caret(server):
    sql = "SELECT " + "1 + " * 200 + "nope" + " + 1" * 200
    lines = query_fails(server.tcp, sql).splitlines()
    assert lines[1].startswith("LINE 1: ...") and lines[1].endswith("...")
    assert len(lines[1]) < 130
    assert lines[1][lines[2].index("^"):].startswith("nope")


def test_an_error_after_rows_leaves_them_and_fails(server):
    sql = "SELECT 1 / (200000 - i) AS x FROM generate_series(1, 300000) g(i)"
    done = run("query", server.tcp, sql, "--format=csv")
    assert done.returncode == 1
    assert "22012" in done.stderr.decode()
    assert all(re.fullmatch(r"x|-?\d+", line) for line in done.stdout.decode().splitlines())


def test_a_server_that_is_not_there(server):
    text = query_fails("127.0.0.1:1", "SELECT 1")
    assert "127.0.0.1:1" in text and "refused" in text


def test_a_word_is_neither_file_nor_server():
    text = query_fails("nowhere", "SELECT 1", status=2)
    assert "'nowhere' is no file, and no place where a server listens" in text


@pytest.mark.parametrize(
    "db",
    [
        "hyper://127.0.0.1:99999/x.hyper",
        "hyper://127.0.0.1:1/x?nope=1",
        "endpoint=127.0.0.1:1 dialect=oracle",
        "endpoint=127.0.0.1:1 connect_timeout=soon",
        "ftp://127.0.0.1:1",
        "localhost:port",
        "=",
    ],
)
def test_a_db_that_makes_no_sense_is_wrong_use(db):
    query_fails(db, "SELECT 1", status=2)


def test_a_directory_is_called_one(server, tmp_path):
    for db in (tmp_path, f"{tmp_path}/", f"hyper://{server.tcp}{tmp_path}"):
        text = query_fails(db, "SELECT 1")
        assert f"'{tmp_path}' is a directory, not a database file" in text


def test_hyperd_is_asked_for_only_where_it_is_what_is_missing(tmp_path):
    (tmp_path / "no.hyper").touch()
    hint = "A .hyper file needs the program hyperd: name it in HYPERD_PATH."
    for program in ("/no/such/hyperd", str(tmp_path), "/bin/false"):
        text = query_fails(tmp_path / "no.hyper", "SELECT 1", env={"HYPERD_PATH": program})
        assert text.endswith(f"{hint}\n")
    assert hint not in query_fails(tmp_path / "no.hyper", "SELECT 1", env={"TMPDIR": "/no/such"})
    assert hint not in query_fails(tmp_path / "no.hyper", "SELECT 1")
    assert hint not in query_fails(tmp_path / "missing.hyper", "SELECT 1")


def on_a_terminal(*arguments, env):
    """What the program says to a terminal that its stderr is, and its exit status."""
    main, child = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=child, env=environment(**env)
    )
    os.close(child)
    said = b""
    try:
        while piece := os.read(main, 4096):
            said += piece
    except OSError:
        pass  # the other end is closed
    os.close(main)
    return said.decode(), process.wait(30)


def test_a_person_is_told_what_is_waited_for(server, tmp_path):
    path = server.create("waited.hyper", "CREATE TABLE t (a int)")
    line = f"waiting up to 300ms for '{path}', which another program has open"
    held = {"HYPERLINE_BUSY_TIMEOUT": "300ms"}
    with Holder(server, path):
        said, status = on_a_terminal("query", path, "SELECT 1", env=held)
        assert status == 1 and said.count(line) == 1 and "SQLSTATE 55006" in said
        assert line not in query_fails(path, "SELECT 1", env=held)
        said, status = on_a_terminal("query", path, "SELECT 1", env={"HYPERLINE_BUSY_TIMEOUT": "0"})
        assert status == 1 and "waiting" not in said


def test_csv_quotes_what_ends_the_data_for_some_readers(server):
    sql = r"SELECT '\.' AS a UNION ALL SELECT '\.x' ORDER BY 1"
    assert query(server.tcp, sql, "--format=csv") == 'a\n"\\."\n\\.x\n'
    assert query(server.tcp, 'SELECT 1 AS "\\."', "--format=csv") == '"\\."\n1\n'


def test_copy_with_the_client_is_explained(server):
    text = query_fails(server.tcp, "COPY (SELECT 1) TO STDOUT WITH (FORMAT csv)")
    assert "--format csv" in text and "hyl_" not in text


def test_no_message_has_the_password(server):
    for db in (
        f"hyper://ann:Tr0ub4dor@{server.tcp}/nowhere.hyper",
        "hyper://ann:Tr0ub4dor@127.0.0.1:1/x",
        "hyper://ann:Tr0ub4dor@127.0.0.1/x",
        "endpoint=127.0.0.1:1 password=Tr0ub4dor bogus=1",
    ):
        done = run("query", db, "SELECT 1")
        assert done.returncode in (1, 2)
        assert b"Tr0ub4dor" not in done.stdout + done.stderr


def test_notices_and_tags_do_not_mix_with_data(server):
    done = run("query", server.tcp, "ROLLBACK; SELECT 1 AS a", "--format=csv")
    assert (done.returncode, done.stdout) == (0, b"a\n1\n")


@pytest.mark.parametrize("end, kept", [("", "1"), ("; ROLLBACK", "1"), ("; COMMIT", "2")])
def test_a_transaction_that_stays_open_is_told(server, end, kept):
    path = server.create("open.hyper", "CREATE TABLE u (a int)", "INSERT INTO u VALUES (1)")
    db = f"hyper://{server.tcp}{path}"
    done = run("query", db, "begin; insert into u values (2)" + end)
    assert done.stdout.startswith(b"BEGIN\nINSERT 0 1\n")
    said = "" if end else "hyperline: the transaction was not committed: it is rolled back\n"
    assert (done.returncode, done.stderr.decode()) == (0 if end else 1, said)
    assert query(db, "SELECT count(*) AS n FROM u", "--format=csv") == f"n\n{kept}\n"


# ---- wrong use ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, part",
    [
        ([], "a command is missing"),
        (["qurey"], "did you mean 'query'?"),
        (["--frobnicate"], "unknown option '--frobnicate'"),
        (["query"], "too few arguments: hyperline query DB SQL"),
        (["query", "x.hyper"], "SQL is missing"),
        (["query", "x.hyper", "SELECT 1", "more"], "too many arguments: 'more'"),
        (["query", "x.hyper", "SELECT 1", "-f", "y"], "SQL is given twice"),
        (["query", "x.hyper", "SELECT 1", "--fromat=csv"], "did you mean '--format'?"),
        (["query", "x.hyper", "SELECT 1", "--format=xml"], "table, csv, json, jsonl, arrow"),
        (["query", "x.hyper", "SELECT 1", "--format"], "--format needs a value"),
        (["query", "x.hyper", "SELECT 1", "--format=json", "--null=x"], "--null is for"),
        (["query", "x.hyper", "SELECT 1", "--format=csv", "--null=a,b"], "comma"),
        (["query", "x.hyper", "SELECT 1", "--null=a", "--null=b"], "--null is given twice"),
        (["help", "qurey"], "did you mean 'query'?"),
        (["query", "x.hyper", "SELECT 1", "--database=y"], "--database is for a server"),
    ],
)
def test_wrong_use_ends_with_2(arguments, part):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().startswith("hyperline: ")
    assert part in done.stderr.decode()


def test_help_and_version():
    done = run("--version")
    assert done.returncode == 0 and re.fullmatch(rb"hyperline \d+\.\d+\.\d+\n", done.stdout)
    for arguments in (["--help"], ["-h"], ["query", "--help"], ["query", "-h"]):
        done = run(*arguments)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.startswith(b"Usage: hyperline ")
        assert max(map(len, done.stdout.decode().splitlines())) <= 100
    assert run("help").stdout == run("--help").stdout
    for command in ("query", "load"):
        done = run("help", command)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout == run(command, "--help").stdout


# ---- the output ---------------------------------------------------------------------------------


def test_the_output_file_appears_when_it_is_complete(server, tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("before")
    out.chmod(0o640)
    text = query_fails(server.tcp, "SELECT 1 AS a; SELECT nope", "-o", out)
    assert "nope" in text
    assert out.read_text() == "before"
    assert os.listdir(tmp_path) == ["out.csv"]
    assert query(server.tcp, "SELECT 1 AS a", "-o", out) == ""
    assert out.read_text() == "a\n1\n"
    assert stat.S_IMODE(out.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["out.csv"]


@pytest.mark.parametrize(
    "name, text",
    [
        ("x.csv", "a\n1\n"),
        ("x.json", '[\n{"a":1}\n]\n'),
        ("x.jsonl", '{"a":1}\n'),
        ("x.ndjson", '{"a":1}\n'),
        ("x.txt", " a\n---\n 1\n(1 row)\n"),
    ],
)
def test_the_file_name_says_the_format(server, tmp_path, name, text):
    query(server.tcp, "SELECT 1 AS a", "-o", tmp_path / name)
    assert (tmp_path / name).read_text() == text
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o666 & ~umask
    query(server.tcp, "SELECT 1 AS a", "-o", tmp_path / name, "--format=csv")
    assert (tmp_path / name).read_text() == "a\n1\n"


@pytest.mark.parametrize(
    "name, said",
    [
        ("x.PARQUET", "x.PARQUET is not written as Parquet: name it .csv, .json, .jsonl or .arrow"),
        ("x.ipc", "x.ipc is not written as an Arrow file, only as an Arrow stream: name it .arrow"),
        ("x.feather", "x.feather is not written as an Arrow file, only as an Arrow stream"),
    ],
)
def test_a_name_of_another_format_is_refused(server, tmp_path, name, said):
    assert said in query_fails(server.tcp, "SELECT 1 AS a", "-o", tmp_path / name, status=2)
    assert os.listdir(tmp_path) == []
    query(server.tcp, "SELECT 1 AS a", "-o", tmp_path / name, "--format=csv")
    assert (tmp_path / name).read_text() == "a\n1\n"


def test_a_link_stays_a_link(server, tmp_path):
    (tmp_path / "real.csv").write_text("before")
    (tmp_path / "link.csv").symlink_to("real.csv")
    query(server.tcp, "SELECT 1 AS a", "-o", tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "a\n1\n"


def test_a_place_that_cannot_be_written_stops_before_the_statement(server, database, tmp_path):
    for place in (tmp_path / "no" / "x.csv", tmp_path):
        text = query_fails(
            server.tcp, "DELETE FROM t", "-o", place, "--database", database
        )
        assert f"'{place}'" in text
    assert query(database, "SELECT count(*) AS n FROM t", "--format=csv") == "n\n3\n"


def test_a_full_disk_is_an_error(server):
    text = query_fails(server.tcp, "SELECT 1 AS a", "-o", "/dev/full")
    assert "'/dev/full'" in text and "No space left" in text
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [PROGRAM, "query", server.tcp, "SELECT 1 AS a"], stdout=full, stderr=subprocess.PIPE,
            env=environment(),
        )
    assert done.returncode == 1 and b"standard output" in done.stderr


def read_a_line_and_leave(*arguments):
    process = subprocess.Popen(
        [PROGRAM, "query", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    )
    line = process.stdout.readline()
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    return line, error, process.wait(60)


def test_a_reader_that_leaves_ends_it_quietly(server, database):
    sql = "SELECT i FROM generate_series(1, 50000000) g(i)"
    started = time.monotonic()
    assert read_a_line_and_leave(server.tcp, sql, "--format=csv") == (b"i\n", b"", 0)
    assert read_a_line_and_leave(database, sql, "--format=csv") == (b"i\n", b"", 0)
    assert time.monotonic() - started < 20


def test_what_is_written_is_written_though_the_reader_leaves(server, tmp_path):
    db = f"endpoint={server.tcp} database={tmp_path}/w.hyper create=create"
    query(db, "CREATE TABLE w (a int)")
    file = tmp_path / "w.hyper"
    sql = (
        "INSERT INTO w SELECT i FROM generate_series(1, 300000) g(i) RETURNING a;"
        "INSERT INTO w VALUES (0)"
    )
    assert read_a_line_and_leave(file, sql, "--format=csv") == (b"a\n", b"", 0)
    assert query(file, "SELECT count(*) AS n FROM w", "--format=csv") == "n\n300001\n"


# ---- signals ------------------------------------------------------------------------------------

ENDLESS = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 10000000) b"


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(server, application):
    """Is a statement of the session with this name under way?"""
    sql = f"""SELECT count(*) AS n FROM pg_stat_activity
              WHERE application_name = '{application}' AND state = 'active'"""
    return query(server.tcp, sql, "--format=csv") == "n\n1\n"


def cpu_seconds(pid):
    """The time that a process has computed, 0 where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_cancels_the_statement_on_the_server(server, tmp_path, number, status):
    out = tmp_path / "out.csv"
    name = f"signal {status}"
    process = subprocess.Popen(
        [PROGRAM, "query", server.tcp, ENDLESS, "-o", out],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment(HYPERLINE_APPLICATION_NAME=name),
    )
    wait_until(lambda: is_running(server, name))
    started = time.monotonic()
    process.send_signal(number)
    output, error = process.communicate(timeout=30)
    assert time.monotonic() - started < 5
    assert (process.returncode, output, error) == (status, b"", b"hyperline: cancelled\n")
    assert os.listdir(tmp_path) == []
    assert not is_running(server, name)


def test_a_signal_while_rows_stream_leaves_no_file(server, tmp_path):
    out = tmp_path / "out.csv"
    process = subprocess.Popen(
        [PROGRAM, "query", server.tcp, "SELECT i FROM generate_series(1, 2000000000) g(i)",
         "-o", out],
        stderr=subprocess.PIPE, env=environment(),
    )
    wait_until(lambda: any(os.path.getsize(tmp_path / f) > 1 << 20 for f in os.listdir(tmp_path)))
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (130, b"hyperline: cancelled\n")
    assert os.listdir(tmp_path) == []


def bytes_in(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, struct.pack("i", 0)))[0]


@pytest.mark.parametrize("rows", [100_000, 2_000_000_000])
def test_a_signal_ends_the_wait_for_a_reader_that_does_not_read(server, rows):
    process = subprocess.Popen(
        [PROGRAM, "query", server.tcp, f"SELECT i FROM generate_series(1, {rows}) g(i)",
         "--format=csv"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
    )
    room = fcntl.fcntl(process.stdout, 1032)  # F_GETPIPE_SZ
    wait_until(lambda: bytes_in(process.stdout) == room)
    process.send_signal(signal.SIGINT)
    try:
        assert process.wait(30) == 130
    finally:
        process.kill()
    output, error = process.communicate(timeout=30)
    assert (len(output), error) == (room, b"hyperline: cancelled\n")


def test_a_signal_ends_the_own_server_too(database):
    mark = "HYPERLINE_TEST_MARK=own server"
    process = subprocess.Popen(
        [PROGRAM, "query", database, ENDLESS],
        stderr=subprocess.PIPE, env=environment(HYPERLINE_TEST_MARK="own server"),
    )
    # A server that has computed for a second is at the statement: it starts in a tenth of that.
    wait_until(lambda: cpu_seconds(own_server(process, mark)) >= 1)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (130, b"hyperline: cancelled\n")
    assert processes_with(mark) == []
    assert query(database, "SELECT count(*) AS n FROM t", "--format=csv") == "n\n3\n"


def test_a_signal_while_connecting_ends_at_once(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = subprocess.Popen(
            [PROGRAM, "query", f"127.0.0.1:{silent.getsockname()[1]}", "SELECT 1",
             "-o", tmp_path / "x.csv"],
            stderr=subprocess.PIPE, env=environment(),
        )
        connection, _ = silent.accept()
        assert len(os.listdir(tmp_path)) == 1
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
        connection.close()
    assert (process.returncode, error) == (130, b"")
    assert os.listdir(tmp_path) == []


# ---- on a terminal ------------------------------------------------------------------------------


def on_terminal(arguments, stdout_too):
    """Runs the program with stderr, and perhaps stdout, on a terminal of 80 columns; returns its
    exit status and what the terminal got."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "query", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=slave if stdout_too else subprocess.DEVNULL,
        stderr=slave,
        env=environment(TERM="xterm"),
    )
    os.close(slave)
    got = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        got += piece
    os.close(master)
    return process.wait(60), got.decode()


def test_progress_is_shown_and_erased(server):
    sql = "SELECT i, 'some text' AS t FROM generate_series(1, 4000000) g(i)"
    status, text = on_terminal([server.tcp, sql, "--format=csv"], stdout_too=False)
    assert status == 0
    shown = re.findall(r"\r(reading: [\d,]+ rows, [\d.]+ MB, [\d,]+ rows/s)\x1b\[K", text)
    assert shown
    assert text.endswith("\r\x1b[K")
    assert re.sub(r"\r[^\r]*\x1b\[K", "", text) == ""


def test_progress_makes_room_for_an_error(server):
    sql = "SELECT 1 / (4000000 - i) AS x FROM generate_series(1, 5000000) g(i)"
    status, text = on_terminal([server.tcp, sql, "--format=csv"], stdout_too=False)
    assert status == 1
    assert re.search(r"\r\x1b\[Khyperline: [^\r]*22012", text)


def test_a_quick_statement_shows_no_progress(server):
    assert on_terminal([server.tcp, "SELECT 1 AS a", "--format=csv"], False) == (0, "")


def test_a_terminal_gets_the_table_with_null_dimmed(server):
    status, text = on_terminal([server.tcp, "SELECT NULL AS a, 1 AS b"], stdout_too=True)
    assert status == 0
    assert text == " a    | b\r\n------+---\r\n \x1b[2mNULL\x1b[0m | 1\r\n(1 row)\r\n"


def test_no_progress_beside_rows_on_the_same_terminal(server):
    sql = "SELECT i FROM generate_series(1, 200000) g(i)"
    status, text = on_terminal([server.tcp, sql], stdout_too=True)
    assert status == 0
    assert "rows/s" not in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("milliseconds", [10, 60, 120, 400])
def test_a_signal_leaves_no_folder_behind(database, tmp_path, number, milliseconds):
    """Whether the own server is being started, is being connected to, or works."""
    program = subprocess.Popen(
        [PROGRAM, "query", tmp_path / "none.hyper", "SELECT 1"],
        env=environment(TMPDIR=str(tmp_path)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        program.wait(timeout=milliseconds / 1000)
    except subprocess.TimeoutExpired:
        program.send_signal(number)
    assert program.wait(timeout=60) in (1, 128 + number, -number)
    # The server removes what is its own, and ends a little later than its owner.
    end = time.monotonic() + 60
    while processes_with(f"TMPDIR={tmp_path}") and time.monotonic() < end:
        time.sleep(0.01)
    assert os.listdir(tmp_path) == []
