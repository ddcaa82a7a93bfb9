"""Skips these tests, counted, where the other implementations of Arrow are not there.

tools/requirements-test.txt pins them as wheels for CPython 3.11 on x86-64 with glibc. Elsewhere
install pyarrow, polars, pandas and duckdb into .deps/venv by hand, and the tests run.
"""

import importlib.util

import pytest

MISSING = [
    name for name in ("duckdb", "pandas", "polars", "pyarrow")
    if importlib.util.find_spec(name) is None
]


class Unavailable(pytest.Module):
    def collect(self):
        pytest.skip(f"not installed: {', '.join(MISSING)} (pinned for CPython 3.11 on x86-64 alone)")


def pytest_pycollect_makemodule(module_path, parent):
    return Unavailable.from_parent(parent, path=module_path) if MISSING else None
