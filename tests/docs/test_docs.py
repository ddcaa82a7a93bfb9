"""Runs what the README and the guides show.

In each document, in order and in one folder that holds flights.csv:
  sh       run as a script; every line must succeed. `make ...` lines are left to CI, which runs them
  console  run the lines after "$ "; they must print what is shown, figures of speed and padding
           apart; "..." stands for what is left out before it; where an error message is shown, the
           command must fail with 1
  c        compiled against the installed kind of library, and run with flights.hyper
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("HYL_BUILD_DIR", ROOT / "build"))
FLIGHTS = ROOT / ".deps" / "data" / "flights.csv"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(document):
    return FENCE.findall(document.read_text(encoding="utf-8"))


def run(command, folder, fails=False):
    env = dict(os.environ, PATH=f"{BUILD}:{os.environ['PATH']}")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder, env=env, text=True, timeout=120, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    assert done.returncode == int(fails), f"{command}\n{done.stdout}"
    return done.stdout


def run_sh(text, folder):
    lines = [line for line in text.splitlines() if not line.startswith("make ")]
    run("\n".join(lines), folder)


def plain(line):
    """A line without what differs from run to run: speeds and times."""
    line = re.sub(r" in [\d.]+ s \(.*\)", "", line)
    line = re.sub(r"seconds\": [\d.]+", 'seconds"', line)
    return re.sub(r"\s+", " ", line).strip()


def console_commands(text):
    """Each command after "$ " with the output shown under it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        command = [lines.pop(0)]
        while command and "\n".join(command).count('"') % 2:
            command.append(lines.pop(0))
        yield "\n".join(command), [line for line in lines if line.strip()]


def run_console(text, folder):
    for command, shown in console_commands(text):
        fails = any(line.startswith("hyperline: ") for line in shown)
        printed = [plain(line) for line in run(command, folder, fails).splitlines() if line.strip()]
        wanted = [plain(line) for line in shown]
        if wanted and wanted[0] == "...":
            wanted, printed = wanted[1:], printed[len(printed) - len(wanted) + 1 :]
        assert printed == wanted, command


def run_c(text, folder):
    (folder / "snippet.c").write_text(text, encoding="utf-8")
    run(
        f"cc -std=c11 -Wall -Wextra -Werror -I{ROOT}/include snippet.c -o snippet "
        f"-L{BUILD} -lhyperline -Wl,-rpath,{BUILD} && ./snippet flights.hyper",
        folder,
    )


RUNNERS = {"sh": run_sh, "console": run_console, "c": run_c}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_shows_works(document, tmp_path):
    (tmp_path / "flights.csv").symlink_to(FLIGHTS)
    for language, text in blocks(document):
        if language in RUNNERS:
            RUNNERS[language](text, tmp_path)


def test_the_readme_shows_all_kinds():
    assert {language for language, _ in blocks(ROOT / "README.md")} >= set(RUNNERS)


@pytest.mark.parametrize("document", [*DOCUMENTS, *sorted((ROOT / "docs" / "internals").glob("*.md"))],
                         ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{document.name}: no {target}"
