"""The guides' examples: every `console` block of docs/guide is run, and prints what it shows."""

import os
import re
import subprocess

import pytest
from conftest import PROGRAM, ROOT, environment

GUIDES = sorted((ROOT / "docs" / "guide").glob("*.md"))

# What differs from run to run: times and rates.
VARYING = [
    (r"in \d+\.\d\d s \(.*? rows/s, ", "in TIME (RATE, "),
    (r'seconds": \d+\.\d+', 'seconds": TIME'),
]


def examples(text):
    """Yields each command of the `console` blocks and the lines that it is to print."""
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.M | re.S):
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
            yield command, output


def steady(text):
    for pattern, name in VARYING:
        text = re.sub(pattern, name, text)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_examples_print_what_they_show(guide, tmp_path):
    path = f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"
    found = list(examples(guide.read_text()))
    assert found
    for command, output in found:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            env=environment(PATH=path),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
        )
        assert steady(done.stdout.decode()) == steady(output), command


def test_there_are_guides():
    assert GUIDES
