"""tools/run-tests on fake test programs: what counts, what fails, how it ends."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path):
    """A tree with a copy of run-tests; returns a function that adds a program made of shell."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tests" / "tools").mkdir(parents=True)
    (tmp_path / "build" / "tests").mkdir(parents=True)
    (tmp_path / "build" / "tests" / "programs.txt").touch()
    shutil.copy(ROOT / "tools" / "run-tests", tmp_path / "tools")

    def add(name, shell):
        program = tmp_path / "build" / "tests" / name.replace("/", "_")
        program.write_text(f"#!/bin/sh\n{shell}\n")
        program.chmod(0o755)
        with open(tmp_path / "build" / "tests" / "programs.txt", "a") as listing:
            listing.write(f"{name} {program}\n")

    add.root = tmp_path
    return add


def run(project, *arguments):
    return subprocess.run(
        [sys.executable, project.root / "tools" / "run-tests", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def last_line(done):
    return done.stdout.splitlines()[-1]


def test_results_of_all_groups_are_added(project):
    project("wire/test_a", "printf '1..2\nok 1 - a\nok 2 - b\n# ok - g\n1..1\nok 1 - c\n'")
    project("wire/test_b", "printf '1..2\nok 1 - a\nnot ok 2 # SKIP b\n'")
    done = run(project, "--unit")
    assert (done.returncode, last_line(done)) == (0, "4 passed, 0 failed, 1 skipped")


def test_text_before_a_result_does_not_hide_it(project):
    project("wire/test_a", "printf '1..1\nno newline hereok 1 - a\n'")
    assert last_line(run(project, "--unit")) == "1 passed, 0 failed, 0 skipped"


def test_failure_is_shown_in_full(project):
    project("wire/test_a", "printf '1..2\nok 1 - a\nnot ok 2 - b\n# 1 != 2\n'; exit 1")
    done = run(project, "--unit")
    assert (done.returncode, last_line(done)) == (1, "1 passed, 1 failed, 0 skipped")
    assert "# 1 != 2" in done.stdout


def test_failed_suites_are_named_at_the_end(project):
    project("wire/test_a", "printf '1..1\nnot ok 1 - a\n'; exit 1")
    project("wire/test_b", "printf '1..1\nok 1 - a\n'")
    project("wire/test_c", "exit 0")
    done = run(project, "--unit")
    assert done.stdout.splitlines()[-2] == "failed: wire/test_a wire/test_c"


@pytest.mark.parametrize(
    "shell, counts, remark",
    [
        ("printf '1..3\nok 1 - a\n'; kill -SEGV $$", "1 passed, 2 failed", "signal SIGSEGV"),
        ("printf '1..3\nok 1 - a\n'; exit 0", "1 passed, 1 failed", "only 1 of 3 tests"),
        ("exit 0", "0 passed, 1 failed", "ran no test"),
        ("printf '1..0\n'", "0 passed, 1 failed", "ran no test"),
        ("printf '1..1\nok 1 - a\n'; exit 3", "1 passed, 1 failed", "exit status 3"),
        ("printf '1..1\nnot ok 0 - g [  FAILED  ] GROUP SETUP\n'; exit 1", "0 passed, 1 failed", ""),
    ],
)
def test_trouble_counts_as_failed(project, shell, counts, remark):
    project("wire/test_a", shell)
    done = run(project, "--unit")
    assert (done.returncode, last_line(done)) == (1, f"{counts}, 0 skipped")
    assert remark in done.stdout


def test_program_that_is_missing_counts_as_failed(project):
    project("wire/test_a", "true")
    (project.root / "build" / "tests" / "wire_test_a").unlink()
    assert last_line(run(project, "--unit")) == "0 passed, 1 failed, 0 skipped"


def test_hanging_program_is_killed_with_its_children(project):
    mark = project.root / "child"
    project("wire/test_a", f"sleep 600 & echo $! >{mark}; printf '1..1\n'; wait")
    done = run(project, "--unit", "--timeout", "1")
    assert (done.returncode, last_line(done)) == (1, "0 passed, 2 failed, 0 skipped")
    assert "not done after 1.0 s" in done.stdout
    state = Path("/proc", mark.read_text().strip(), "stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


def test_pytest_files_are_counted(project):
    (project.root / "tests" / "tools" / "test_x.py").write_text(
        "import pytest\n"
        "def test_good(): pass\n"
        "def test_bad(): assert 1 == 2\n"
        "@pytest.mark.skip\n"
        "def test_not(): pass\n"
    )
    done = run(project, "--python")
    assert (done.returncode, last_line(done)) == (1, "1 passed, 1 failed, 1 skipped")
    assert "assert 1 == 2" in done.stdout


def test_pytest_file_without_tests_counts_as_failed(project):
    (project.root / "tests" / "tools" / "test_x.py").write_text("import no_such_module\n")
    assert last_line(run(project, "--python")) == "0 passed, 1 failed, 0 skipped"
    (project.root / "tests" / "tools" / "test_x.py").write_text("")
    assert last_line(run(project, "--python")) == "0 passed, 1 failed, 0 skipped"


def test_names_choose_suites(project):
    project("wire/test_a", "printf '1..1\nok 1 - a\n'")
    project("wire/test_b", "exit 1")
    done = run(project, "--unit", "test_a")
    assert (done.returncode, last_line(done)) == (0, "1 passed, 0 failed, 0 skipped")
    assert run(project, "--unit", "--except", "test_b").returncode == 0
    assert run(project, "--unit", "nothing").returncode != 0


def test_build_without_tests_is_an_error(project):
    (project.root / "build" / "tests" / "programs.txt").unlink()
    done = run(project)
    assert done.returncode != 0
    assert "no unit tests" in done.stderr


def test_environment_of_a_program(project):
    project(
        "wire/test_a",
        f'[ "$HYL_BUILD_DIR" = {project.root}/build ] && [ "$HYPERD_PATH" = {project.root}/.deps/hyper/hyperd ]'
        ' && [ -d "$TMPDIR" ] && printf "1..1\nok 1 - a\n"',
    )
    hyperd = project.root / ".deps" / "hyper" / "hyperd"
    hyperd.parent.mkdir(parents=True)
    hyperd.touch()
    done = subprocess.run(
        [sys.executable, project.root / "tools" / "run-tests", "--unit"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert last_line(done) == "1 passed, 0 failed, 0 skipped", done.stdout
