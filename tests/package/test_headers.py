"""Each public header compiles alone, as C11 and as C++17, without a warning."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEADERS = sorted(path.name for path in (ROOT / "include" / "hyperline").glob("*.h"))
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wundef", "-Werror"]


def compile_alone(header, compiler, language, standard, folder):
    source = folder / f"alone.{language}"
    # Twice, for the include guard; a typedef, since C forbids a file with nothing in it.
    include = f"#include <hyperline/{header}>\n"
    source.write_text(f"{include}{include}typedef int something;\n")
    command = [compiler, f"-std={standard}", *WARNINGS, f"-I{ROOT}/include", "-fsyntax-only", source]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize(
    "compiler, language, standard", [("cc", "c", "c11"), ("c++", "cpp", "c++17")]
)
def test_header_compiles_alone(header, compiler, language, standard, tmp_path):
    done = compile_alone(header, compiler, language, standard, tmp_path)
    assert done.returncode == 0, done.stderr


def test_there_are_headers():
    assert "base.h" in HEADERS and "hyperline.h" in HEADERS
