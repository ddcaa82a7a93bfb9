"""The benchmark measures what it says, on few rows: its figures are not looked at, their shape is."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("HYL_BUILD_DIR", ROOT / "build"))
HYPERD = Path(os.environ.get("HYPERD_PATH", ROOT / ".deps" / "hyper" / "hyperd"))
FLIGHTS = ROOT / ".deps" / "data" / "flights.csv"
# The workloads and the clients that are part of the program.
READ = ["floor", "hyperline"]
GROWTH = ["tenth", "hyperline"]
CLIENTS = {
    "arrow_measurements": READ,
    "arrow_measurements_sum": READ,
    "arrow_mixed": READ,
    "arrow_measurements_datarow": READ,
    "arrow_mixed_datarow": READ,
    "rows_measurements": READ,
    "rows_mixed": READ,
    "rows_measurements_datarow": READ,
    "rows_mixed_datarow": READ,
    "insert_measurements": READ,
    "insert_mixed": READ,
    "insert_arrow_plain": READ,
    "insert_arrow_normalised": ["floor", "hyperline", "plain"],
    "growth_arrow": GROWTH,
    "growth_rows": GROWTH,
    "growth_insert": GROWTH,
    "select1": READ,
    "load_flights": READ,
}
WORKLOADS = list(CLIENTS)
ROWS = {"select1": 1, "load_flights": 336776} | {
    name: 20000 if name.endswith(("measurements", "sum", "measurements_datarow", "arrow", "rows"))
    and not name.startswith("insert") else 10000
    for name in WORKLOADS if name not in ("select1", "load_flights")
}
KEYS = ["workload", "client", "rows", "wall_s", "cpu_s", "peak_rss_kb", "ratio_to_floor",
        "spread"]


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
    done = bench(folder, "--runs", "1", "--rows", "20000")
    assert (done.returncode, done.stderr) == (0, "")
    assert_no_leftovers(folder)
    return done.stdout, json.loads((folder / "bench.json").read_text())


def test_the_json_has_a_result_for_each_client(small):
    _, document = small
    assert list(document) == ["results", "bars", "about"]
    results = document["results"]
    assert [(result["workload"], result["client"]) for result in results] == [
        (workload, client) for workload in WORKLOADS for client in CLIENTS[workload]
    ]
    for result in results:
        assert list(result) == KEYS


def test_the_figures_can_be(small):
    results = {(one["workload"], one["client"]): one for one in small[1]["results"]}
    for (workload, client), result in results.items():
        first = results[workload, CLIENTS[workload][0]]
        assert result["rows"] == ROWS[workload]
        assert 0 < result["wall_s"] < 100
        assert 0 <= result["cpu_s"] < 100
        assert 1000 < result["peak_rss_kb"] < 10_000_000
        assert result["ratio_to_floor"] == pytest.approx(
            result["wall_s"] / first["wall_s"], abs=0.001
        )


def test_every_bar_is_judged_by_the_figures(small):
    document = small[1]
    results = {(one["workload"], one["client"]): one for one in document["results"]}
    bars = {(bar["workload"], bar["bar"]): bar for bar in document["bars"]}
    assert len(bars) == len(document["bars"])
    for (workload, text), bar in bars.items():
        ours = results[workload, "hyperline"]
        if text.endswith((" rust", " closed", " rust-arrow")):
            assert bar["measured"] is None and bar["met"] is None
        elif text.startswith("wall at most "):
            limit, _, of = text.removeprefix("wall at most ").split()
            ratio = ours["wall_s"] / results[workload, of]["wall_s"]
            assert float(bar["measured"].split()[0]) == pytest.approx(ratio, abs=0.001)
            assert bar["met"] == (ratio <= float(limit))
        elif text.startswith("peak at most ") and text.endswith(" MB"):
            limit = float(text.split()[3])
            assert bar["met"] == (ours["peak_rss_kb"] <= limit * 1024)
    assert ("arrow_measurements", "wall at most 1.05 x floor") in bars
    assert ("insert_mixed", "at least 1.25 x as fast as closed") in bars


def test_what_was_measured_and_how_is_said(small):
    about = small[1]["about"]
    assert (about["runs"], about["peer_runs"]) == (1, 1)
    assert [one["name"] for one in about["workloads"]] == WORKLOADS
    for one in about["workloads"]:
        has_floor = CLIENTS[one["name"]][0] == "floor"
        assert (one["floor_again"] is not None) == has_floor
    plans = {one["name"]: one["floor_sends"] for one in about["workloads"]}
    for workload, plan in plans.items():
        if workload.startswith("insert_"):
            assert re.fullmatch("(arrowstream|hyperbinary), messages of [0-9]+ kB", plan)
        else:
            assert plan == ""


def test_the_table_has_a_line_for_each_client(small):
    lines = small[0].splitlines()
    for workload in WORKLOADS:
        of_workload = [line for line in lines if line.startswith(workload + " ")]
        clients = CLIENTS[workload]
        if clients[0] == "floor":
            clients = ["floor", "floor again", *clients[1:]]
        assert [line[27:40].strip() for line in of_workload] == clients
    bars = [line for line in lines if line.startswith("  bar: ")]
    assert len(bars) == len(small[1]["bars"])
    assert all(line.endswith((", met", ", MISSED", ": not measured")) for line in bars)


def test_without_the_peers_it_says_so(small):
    assert "without the other clients: `make bench PEERS=1` sets them up" in small[0]


def test_one_workload_alone(tmp_path):
    done = bench(tmp_path, "--runs", "1", "--rows", "1000", "--only", "rows_mixed",
                 "--only", "arrow_mixed")
    assert (done.returncode, done.stderr) == (0, "")
    results = json.loads((tmp_path / "bench.json").read_text())["results"]
    assert {result["workload"] for result in results} == {"rows_mixed", "arrow_mixed"}
    assert_no_leftovers(tmp_path)


# ---- documentation ------------------------------------------------------------------------------


def write_docs(folder, *files):
    page = folder / "page.md"
    page.write_text("before\n<!-- figures: bench/write-docs -->\nold\n<!-- end of figures -->\nafter\n")
    subprocess.run(
        [sys.executable, ROOT / "bench" / "write-docs", *files, "--page", page, "--chart", folder / "c.svg"],
        check=True, timeout=60,
    )
    return page.read_text(), ElementTree.parse(folder / "c.svg")


def test_a_run_becomes_tables_and_a_chart(small, tmp_path):
    document = small[1]
    run = tmp_path / "run.json"
    run.write_text(json.dumps(document))
    page, chart = write_docs(tmp_path, run)
    assert page.startswith("before\n<!--") and page.endswith("-->\nafter\n") and "old" not in page
    lines = page.splitlines()
    figures = [line for line in lines if re.match(r"\| [a-z_0-9]* \| (floor|hyperline|plain|tenth) ", line)]
    assert len(figures) == len(document["results"])
    verdicts = [line for line in lines if re.search(r"\| (met|\*\*missed\*\*[a-z, ]*|not measured) \|$", line)]
    assert len(verdicts) == len(document["bars"])
    words = [element.text for element in chart.iter("{http://www.w3.org/2000/svg}text")]
    assert {"arrow_mixed", "insert_mixed", "load_flights", "hyperline"} <= set(words)
    assert write_docs(tmp_path, run)[0] == page


def test_a_bar_that_the_floor_misses_too_is_told(small, tmp_path):
    document = json.loads(json.dumps(small[1]))
    floor = next(one for one in document["results"] if one["workload"] == "insert_mixed")
    document["results"].append({**floor, "client": "rust", "wall_s": floor["wall_s"] * 1.2})
    for bar in document["bars"]:
        if bar["workload"] == "insert_mixed" and bar["bar"].endswith(" as fast as rust"):
            bar.update(measured="1.100 x", met=False)
    run = tmp_path / "run.json"
    run.write_text(json.dumps(document))
    page = write_docs(tmp_path, run)[0]
    assert ("| at least 1.25 x as fast as rust | 1.100 x | 1.200 x | **missed**, as the floor does |"
            in page)
    assert ("- `insert_mixed`, at least 1.25 x as fast as rust: 1.100 x. The floor would reach 1.200 x; "
            "`hyperline` takes " in page)


def test_every_missed_bar_has_its_figures(small, tmp_path):
    document = json.loads(json.dumps(small[1]))
    for bar in document["bars"]:
        bar["met"] = bar["met"] if bar["met"] is None else False
    run = tmp_path / "run.json"
    run.write_text(json.dumps(document))
    page = write_docs(tmp_path, run)[0]
    assert len(re.findall(r"^- `[a-z_0-9]+`, .+: .+\. .+\.$", page, re.MULTILINE)) == sum(
        bar["met"] is False for bar in document["bars"])
    assert re.search(r"`arrow_mixed`, wall at most .* than `floor` \(.*\) and computes .*; the floor's second "
                     r"process takes [0-9.]+ x its first\.", page)
    for bar in document["bars"]:
        bar["met"] = bar["met"] if bar["met"] is None else True
    run.write_text(json.dumps(document))
    assert "What lies behind the missed bars" not in write_docs(tmp_path, run)[0]


def test_the_later_run_of_a_workload_counts(small, tmp_path):
    document = small[1]
    second = {
        "results": [{**one, "rows": 4711} for one in document["results"] if one["workload"] == "arrow_mixed"],
        "bars": [],
        "about": {**document["about"], "workloads": [
            one for one in document["about"]["workloads"] if one["name"] == "arrow_mixed"]},
    }
    (tmp_path / "one.json").write_text(json.dumps(document))
    (tmp_path / "two.json").write_text(json.dumps(second))
    page, _ = write_docs(tmp_path, tmp_path / "one.json", tmp_path / "two.json")
    assert len(re.findall(r"\| 4,711 \|", page)) == 2
    assert "| arrow_mixed | floor | 4,711 |" in page


# ---- failures -----------------------------------------------------------------------------------


PEER = """#!/bin/sh
while read -r _; do echo "$@" >>"$PEER_LOG"; echo "1.5 0.25 4096 $5 7"; done
"""


@pytest.fixture
def peers(tmp_path):
    """A folder with a peer that only claims to have worked."""
    program = tmp_path / "peers" / "rust" / "bench-peer"
    program.parent.mkdir(parents=True)
    program.write_text(PEER)
    program.chmod(0o755)
    return tmp_path / "peers"


def test_a_peer_is_a_process_that_speaks_the_protocol(tmp_path, peers):
    done = bench(tmp_path, "--runs", "3", "--rows", "1000", "--only", "arrow_measurements",
                 "--peers", peers, PEER_LOG=str(tmp_path / "log"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "without the other clients" not in done.stdout
    document = json.loads((tmp_path / "bench.json").read_text())
    peer = next(one for one in document["results"] if one["client"] == "rust-arrow")
    assert (peer["rows"], peer["wall_s"], peer["cpu_s"], peer["peak_rss_kb"]) == (1000, 1.5, 0.25, 4096)
    bars = {bar["bar"]: bar["met"] for bar in document["bars"]}
    assert bars["at least 1.30 x as fast as rust-arrow"] is True
    assert bars["peak at most 0.05 x rust-arrow"] is False
    words = (tmp_path / "log").read_text().splitlines()[0].split()
    assert words[:2] == ["arrow_measurements", "rust-arrow"]
    assert words[2].startswith("127.0.0.1:") and words[3].endswith("/bench.hyper")


def test_peers_may_run_less_often(tmp_path, peers):
    done = bench(tmp_path, "--runs", "5", "--peer-runs", "2", "--rows", "1000", "--only",
                 "arrow_mixed", "--peers", peers, PEER_LOG=str(tmp_path / "log"))
    assert (done.returncode, done.stderr) == (0, "")
    assert len((tmp_path / "log").read_text().splitlines()) == 1 + 2


def test_a_peer_that_gives_a_wrong_sum_is_told(tmp_path, peers):
    done = bench(tmp_path, "--runs", "1", "--rows", "1000", "--only", "arrow_measurements_sum",
                 "--peers", peers, PEER_LOG=str(tmp_path / "log"))
    assert done.returncode == 1
    assert "arrow_measurements_sum, rust: the values' sum is 7, but should be " in done.stderr
    assert_no_leftovers(tmp_path)


def test_a_peer_that_inserts_nothing_is_told(tmp_path, peers):
    done = bench(tmp_path, "--runs", "1", "--rows", "1000", "--only", "insert_mixed",
                 "--peers", peers, PEER_LOG=str(tmp_path / "log"))
    assert done.returncode == 1
    assert "insert_mixed, rust: " in done.stderr
    assert_no_leftovers(tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [["--runs", "0"], ["--runs", "many"], ["--rows", "1"], ["--rows", "30"], ["--peer-runs", "0"],
     ["--only", "nothing"], ["word"], ["--x"]],
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
         "/x", "", "", "1"],
        input="run\n", capture_output=True, text=True, timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("hyperline-bench: select1, floor: ")
    assert "127.0.0.1:1" in done.stderr
