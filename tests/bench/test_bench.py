"""The benchmark measures what it says, on few rows: its figures are not looked at, their shape is."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("HYL_BUILD_DIR", ROOT / "build"))
HYPERD = Path(os.environ.get("HYPERD_PATH", ROOT / ".deps" / "hyper" / "hyperd"))
FLIGHTS = ROOT / ".deps" / "data" / "flights.csv"
WORKLOADS = ["rows_measurements", "rows_mixed", "select1", "load_flights"]
KEYS = ["workload", "client", "rows", "wall_s", "cpu_s", "peak_rss_kb", "ratio_to_floor"]


def bench(folder, *arguments, **env):
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    return subprocess.run(
        [BUILD / "bench" / "hyperline-bench", "--output", folder / "bench.json",
         "--flights", FLIGHTS, *arguments],
        env={**os.environ, "HYPERD_PATH": str(HYPERD), "TMPDIR": str(scratch), **env},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
    )


def assert_no_leftovers(folder):
    assert list((folder / "scratch").iterdir()) == []


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    done = bench(folder, "--runs", "2", "--rows", "20000")
    assert (done.returncode, done.stderr) == (0, "")
    assert_no_leftovers(folder)
    return done.stdout, json.loads((folder / "bench.json").read_text())


def test_the_json_has_a_result_for_each_client(small):
    _, document = small
    assert list(document) == ["results"]
    results = document["results"]
    assert [(result["workload"], result["client"]) for result in results] == [
        (workload, client) for workload in WORKLOADS for client in ("floor", "hyperline")
    ]
    for result in results:
        assert list(result) == KEYS


def test_the_figures_can_be(small):
    results = {(one["workload"], one["client"]): one for one in small[1]["results"]}
    rows = {"rows_measurements": 20000, "rows_mixed": 10000, "select1": 1, "load_flights": 336776}
    for (workload, client), result in results.items():
        floor = results[workload, "floor"]
        assert result["rows"] == rows[workload]
        assert 0 < result["wall_s"] < 100
        assert 0 <= result["cpu_s"] < 100
        assert 1000 < result["peak_rss_kb"] < 10_000_000
        assert result["ratio_to_floor"] == pytest.approx(
            result["wall_s"] / floor["wall_s"], abs=0.001
        )


def test_the_table_has_a_line_for_each_client(small):
    lines = small[0].splitlines()
    head = next(line for line in lines if line.startswith("workload"))
    bar_at = head.index("bar")
    for workload in WORKLOADS:
        of_workload = [line for line in lines if line.startswith(workload)]
        assert [line[19:32].strip() for line in of_workload] == ["floor", "floor again", "hyperline"]
        assert [line[bar_at:] for line in of_workload[:2]] == ["", ""]
        assert of_workload[2][bar_at:].startswith("at most ")
        assert of_workload[2].endswith(("met", "MISSED"))


def test_one_workload_alone(tmp_path):
    done = bench(tmp_path, "--runs", "1", "--rows", "1000", "--only", "rows_mixed")
    assert (done.returncode, done.stderr) == (0, "")
    results = json.loads((tmp_path / "bench.json").read_text())["results"]
    assert {result["workload"] for result in results} == {"rows_mixed"}
    assert_no_leftovers(tmp_path)


# ---- failures -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [["--runs", "0"], ["--runs", "many"], ["--rows", "1"], ["--only", "nothing"], ["word"], ["--x"]],
    ids=" ".join,
)
def test_wrong_use(tmp_path, arguments):
    done = bench(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert arguments[-1].strip("-") in done.stderr


def test_help_names_the_workloads(tmp_path):
    done = bench(tmp_path, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(workload in done.stdout for workload in WORKLOADS)


def test_a_missing_file_is_named(tmp_path):
    done = bench(tmp_path, "--flights", tmp_path / "none.csv")
    assert (done.returncode, done.stdout) == (1, "")
    assert str(tmp_path / "none.csv") in done.stderr
    assert_no_leftovers(tmp_path)


def test_a_missing_server_is_told(tmp_path):
    done = bench(tmp_path, HYPERD_PATH=str(tmp_path / "none"))
    assert (done.returncode, done.stdout) == (1, "")
    assert str(tmp_path / "none") in done.stderr
    assert_no_leftovers(tmp_path)


def test_a_client_says_why_it_failed():
    done = subprocess.run(
        [BUILD / "bench" / "hyperline-bench", "--worker", "select1", "floor", "127.0.0.1:1", "/x",
         "/x", "1"],
        input="run\n", capture_output=True, text=True, timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("hyperline-bench: select1, floor: ")
    assert "127.0.0.1:1" in done.stderr
