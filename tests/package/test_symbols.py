"""The shared library exports what the public headers declare, and nothing else."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("HYL_BUILD_DIR", ROOT / "build"))
SYMBOLS = ROOT / "tools" / "symbols"


def declared():
    """The public functions, as the compiler sees them: not as tools/symbols does."""
    headers = sorted((ROOT / "include" / "hyperline").glob("*.h"))
    text = "".join(f"#include <hyperline/{header.name}>\n" for header in headers)
    command = ["cc", "-std=c11", "-aux-info", "/dev/stdout", "-fsyntax-only", "-x", "c"]
    done = subprocess.run(
        [*command, f"-I{ROOT}/include", "-"], input=text, capture_output=True, text=True, check=True
    )
    lines = [line for line in done.stdout.splitlines() if "include/hyperline/" in line]
    return {line.split(" (")[0].split()[-1].lstrip("*") for line in lines}


def exported():
    command = ["nm", "-D", "--defined-only", "--format=posix", BUILD / "libhyperline.so"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    names = [line.split()[0] for line in done.stdout.splitlines()]
    return {name.split("@")[0] for name in names if not name.startswith("HYPERLINE_")}


def test_map_is_in_step_with_the_headers():
    done = subprocess.run([sys.executable, SYMBOLS, "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_exports_are_what_the_headers_declare():
    names = declared()
    assert "hyl_version" in names
    assert exported() == names


def test_exports_carry_a_version():
    command = ["objdump", "-T", BUILD / "libhyperline.so"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.endswith(" hyl_version"))
    assert "HYPERLINE_0" in line


def test_static_library_hides_what_is_internal():
    """Symbols of the archive are hyl_ or hyl__ names, the latter marked as hidden."""
    command = ["readelf", "-sW", BUILD / "libhyperline.a"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [line.split() for line in done.stdout.splitlines()]
    # Num: Value Size Type Bind Vis Ndx Name
    defined = [row for row in rows if len(row) == 8 and row[4] == "GLOBAL" and row[6].isdigit()]
    visible = {row[7] for row in defined if row[5] == "DEFAULT"}
    assert visible == declared()
    assert all(row[7].startswith("hyl__") for row in defined if row[5] == "HIDDEN")


@pytest.mark.parametrize(
    "change, words",
    [
        (("    local:", "        hyl_extra;\n    local:"), "names hyl_extra"),
        (("        hyl_version;\n", ""), "lacks hyl_version"),
    ],
)
def test_map_out_of_step_is_noticed(tmp_path, change, words):
    (tmp_path / "tools").mkdir()
    (tmp_path / "src").mkdir()
    shutil.copy(SYMBOLS, tmp_path / "tools")
    text = (ROOT / "src" / "symbols.map").read_text()
    (tmp_path / "src" / "symbols.map").write_text(text.replace(*change))
    (tmp_path / "include").symlink_to(ROOT / "include")
    done = subprocess.run(
        [sys.executable, tmp_path / "tools" / "symbols", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert words in done.stderr
