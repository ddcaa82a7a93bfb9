"""What docs/guide/reliability.md promises is held by tests that are there, and that are run."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "guide" / "reliability.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.(?:c|py)):(\w+)`", PAGE)
TARGETS = re.findall(r"`(fuzz/fuzz_(\w+)\.c)`", PAGE)


def promises():
    """The rows of the tables that end with tests."""
    tables = re.findall(r"^\| promise \| held by \|\n\|---\|---\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return [row for table in tables for row in table.splitlines()]


def is_run(source, name):
    """Is the test defined, and named once more, where the tests are listed?"""
    if f"def {name}(" in source:
        return True
    if len(re.findall(rf"\b{name}\b", source)) >= 2:
        return True
    # One test for each row of a table: "X(name, ...)" and a macro that makes "name##_suffix".
    parts = [name[: -len(suffix)] for suffix in re.findall(r"##(\w+)", source) if name.endswith(suffix)]
    return any(re.search(rf"\bX\({part}\b", source) for part in parts)


def test_each_promise_names_a_test():
    assert len(promises()) >= 25
    for row in promises():
        assert re.search(r"`tests/[\w/]+\.(?:c|py):\w+`", row), row


def test_each_named_test_is_there():
    for path, name in NAMED:
        assert (ROOT / path).is_file(), path
        assert is_run((ROOT / path).read_text(encoding="utf-8"), name), f"{path}: no test {name}"


def test_a_name_that_is_no_test_is_noticed():
    path, name = NAMED[0]
    assert not is_run((ROOT / path).read_text(encoding="utf-8"), name + "_not")


def test_each_fuzz_target_is_told_of_and_has_a_corpus():
    told = {path for path, _ in TARGETS}
    assert told == {str(path.relative_to(ROOT)) for path in (ROOT / "fuzz").glob("fuzz_*.c")}
    for _, name in TARGETS:
        assert any((ROOT / "fuzz" / "corpus" / name).iterdir()), name
