"""The examples do what their comments say, and fail as programs should."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("HYL_BUILD_DIR", ROOT / "build"))
HYPERD = Path(os.environ.get("HYPERD_PATH", ROOT / ".deps" / "hyper" / "hyperd"))
EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("*.c"))


def run(name, *arguments, cwd=None, hyperd=HYPERD, stdin=subprocess.DEVNULL):
    env = {key: value for key, value in os.environ.items() if not key.startswith("HYPERLINE_")}
    return subprocess.run(
        [str(BUILD / "examples" / name), *map(str, arguments)],
        env={**env, "HYPERD_PATH": str(hyperd)},
        cwd=cwd, stdin=stdin, capture_output=True, text=True, timeout=120,
    )


def run_well(name, *arguments, **options):
    done = run(name, *arguments, **options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """The port of a server that says itself where it listens."""
    process = subprocess.Popen(
        [
            HYPERD, "run", "--listen-connection=tab.tcp://127.0.0.1:0",
            "--init-user=tableau_internal_user", "--no-password", "--skip-license", "--log-config=",
        ],
        cwd=tmp_path_factory.mktemp("server"),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    said = ""
    for line in process.stdout:
        said += line
        if found := re.search(r"listening to 127\.0\.0\.1:(\d+)", line):
            break
    else:
        pytest.fail(f"hyperd ended before it listened: {said}")
    yield int(found.group(1))
    process.terminate()
    process.communicate(timeout=30)


def query_file(path, sql):
    """What another program than the example reads from its file."""
    done = subprocess.run(
        [BUILD / "hyperline", "query", path, sql, "--format", "csv"],
        env={**os.environ, "HYPERD_PATH": str(HYPERD)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()[1:]


def test_every_example_is_tested():
    assert EXAMPLES == ["arrow_load", "arrow_read", "copy_in", "insert", "launch", "query", "raw"]


# ---- query --------------------------------------------------------------------------------------


def test_query_prints_rows_of_any_type(port):
    sql = "SELECT 1 AS a, NULL AS b, 'x' AS c, date '2024-02-29' AS d, 1.50::numeric(9,2) AS e"
    expected = "a\tb\tc\td\te\n1\tNULL\tx\t2024-02-29\t1.50\n"
    assert run_well("query", f"hyper://127.0.0.1:{port}", sql) == expected


def test_query_streams_many_rows(port):
    lines = run_well("query", f"hyper://127.0.0.1:{port}", "SELECT generate_series(1, 100000) AS i")
    assert lines.splitlines() == ["i", *map(str, range(1, 100001))]


def test_query_tells_all_that_the_server_said(port):
    done = run("query", f"hyper://127.0.0.1:{port}", "SELECT nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("query: ")
    assert "SQLSTATE 42703" in done.stderr
    assert "line 1, column 8" in done.stderr


def test_query_says_where_it_could_not_connect():
    done = run("query", "hyper://127.0.0.1:1", "SELECT 1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "127.0.0.1:1" in done.stderr


# ---- launch -------------------------------------------------------------------------------------


def test_launch_makes_a_file(tmp_path):
    path = tmp_path / "orders.hyper"
    for _ in range(2):  # the second time the file is replaced
        assert run_well("launch", path) == "1 lamp costs 24.90\n2 desk has no price\n"
    assert query_file(path, "SELECT * FROM orders ORDER BY id") == ["1,lamp,24.90", "2,desk,"]


def test_launch_says_that_there_is_no_server(tmp_path):
    done = run("launch", tmp_path / "orders.hyper", hyperd=tmp_path / "none")
    assert (done.returncode, done.stdout) == (1, "")
    assert str(tmp_path / "none") in done.stderr
    assert list(tmp_path.iterdir()) == []


# ---- copy_in ------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 250000])
def test_copy_in_loads_all_rows(tmp_path, count):
    path = tmp_path / "readings.hyper"
    assert run_well("copy_in", path, count) == f"{count} rows loaded into {path}\n"
    sums = query_file(
        path,
        "SELECT count(*), count(value), sum(sensor), max(at), "
        "CAST(sum(value) * 10 AS bigint) FROM readings",
    )
    valid = [i for i in range(count) if i % 100 != 0]
    # Without rows the sums are NULL.
    last = f"{sum(i % 8 for i in range(count))}," if count else ","
    assert sums[0].startswith(f"{count},{len(valid)},{last}")
    assert sums[0].endswith(f",{sum(i % 1000 for i in valid)}" if valid else ",")


def test_copy_in_says_why_the_file_cannot_be_made(tmp_path):
    done = run("copy_in", tmp_path / "no" / "folder.hyper", 1)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("copy_in: ") and len(done.stderr) > 20


# ---- insert -------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 250000])
def test_insert_inserts_all_rows(tmp_path, count):
    path = tmp_path / "readings.hyper"
    assert run_well("insert", path, count) == f"{count} rows inserted into {path}\n"
    sums = query_file(path, "SELECT count(*), count(value), count(DISTINCT sensor) FROM readings")
    valid = [i for i in range(count) if i % 100 != 0]
    assert sums == [f"{count},{len(valid)},{min(count, 2)}"]
    if valid:
        tenths = sum(i % 1000 for i in valid)
        assert query_file(path, "SELECT CAST(sum(value) * 10 AS bigint) FROM readings") == [str(tenths)]


def test_insert_says_why_the_file_cannot_be_made(tmp_path):
    done = run("insert", tmp_path / "no" / "folder.hyper", 1)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("insert: ") and len(done.stderr) > 20


# ---- arrow_read ----------------------------------------------------------------------------------


def test_arrow_read_sums_a_column(tmp_path):
    path = tmp_path / "readings.hyper"
    run_well("insert", path, 250000)
    most = "CASE WHEN i % 3 = 0 THEN NULL ELSE i END"
    wanted = f"{sum(i for i in range(250001) if i % 3)}\n"
    assert run_well("arrow_read", path, most, "generate_series(1, 250000) g(i)") == wanted
    assert run_well("arrow_read", path, "1", "pg_class WHERE false") == "0\n"


@pytest.mark.parametrize(
    "expression, table, message",
    [
        ("relname", "pg_class", "invalid input syntax"),
        ("nowhere", "pg_class", "nowhere"),
        ("1", "x" * 1000, "usage: arrow_read "),
        (
            "1 / (CASE WHEN i = 3000000 THEN 0 ELSE 1 END)", "generate_series(1, 4000000) g(i)",
            "division by zero",
        ),
    ],
)
def test_arrow_read_says_what_went_wrong(tmp_path, expression, table, message):
    path = tmp_path / "readings.hyper"
    run_well("insert", path, 1)
    done = run("arrow_read", path, expression, table)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("arrow_read: ") and message in done.stderr


# ---- arrow_load ---------------------------------------------------------------------------------


def test_arrow_load_loads_files(tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is pinned for CPython 3.11 on x86-64 alone")
    import pyarrow.feather

    file = tmp_path / "parts.arrow"
    pyarrow.feather.write_feather(pyarrow.table({"id": [1, 2], "name": ["bolt", None]}), file)
    path = tmp_path / "parts.hyper"
    for count in (2, 4):  # the second time it is appended to
        with file.open("rb") as data:
            assert run_well("arrow_load", path, "parts", stdin=data) == "2 rows loaded into parts\n"
        assert query_file(path, "SELECT count(*), count(name) FROM parts") == [f"{count},{count // 2}"]


def test_arrow_load_says_what_went_wrong(tmp_path):
    text = tmp_path / "no.arrow"
    text.write_text("hello, world")
    with text.open("rb") as data:
        done = run("arrow_load", tmp_path / "parts.hyper", "parts", stdin=data)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "arrow_load: the data are no Arrow IPC stream or file\n"


@pytest.mark.parametrize("name, lines", [("arrow_read", 40), ("arrow_load", 30)])
def test_the_arrow_examples_are_short_and_show_their_usage(name, lines):
    done = run(name)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{name}: usage: {name} ")
    source = (ROOT / "examples" / f"{name}.c").read_text()
    code = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= lines


# ---- raw ----------------------------------------------------------------------------------------


def test_raw_prints_every_message(port):
    assert run_well("raw", f"127.0.0.1:{port}", "SELECT 1 AS a, NULL AS b").splitlines() == [
        "RowDescription", "DataRow '1' NULL", "CommandComplete SELECT 1", "ReadyForQuery",
    ]


def test_raw_reports_an_error(port):
    done = run("raw", f"127.0.0.1:{port}", "SELECT nowhere")
    assert (done.returncode, done.stdout) == (1, "ErrorResponse\n")
    assert done.stderr.startswith("raw: ") and "nowhere" in done.stderr


# ---- wrong use ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["query", "raw"])
def test_without_arguments_the_usage_is_shown(name):
    done = run(name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"usage: {name} ")
