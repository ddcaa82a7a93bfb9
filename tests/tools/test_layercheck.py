"""tools/layercheck on small trees, each breaking one rule or none."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERCHECK = ROOT / "tools" / "layercheck"

# A clean tree to start from: one file for each kind of #include that is allowed.
CLEAN = {
    "include/hyperline/version.h": "",
    "include/hyperline/base.h": "#include <hyperline/version.h>\n#include <stdint.h>\n",
    "include/hyperline/hyperline.h": "#include <hyperline/base.h>\n",
    "src/base/mem.h": "#include <hyperline/base.h>\n",
    "src/base/mem.c": '#include "mem.h"\n#include <stdlib.h>\n',
    "src/wire/frame.c": '#include "base/mem.h"\n#include "../base/mem.h"\n',
    "src/net/tcp.c": '#include <sys/socket.h>\n#include <openssl/ssl.h>\n#include "base/mem.h"\n',
    "src/conn/loop.h": "",
    "src/conn/loop.c": '#include "loop.h"\n#include "base/mem.h"\n',
    "src/admin/launch.c": '#include "conn/loop.h"\n',
    "cli/main.h": "",
    "cli/main.c": '#include "main.h"\n#include <hyperline/hyperline.h>\n#include <zlib.h>\n',
    "examples/first.c": "#include <hyperline/hyperline.h>\n",
}


def write_tree(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run(root):
    return subprocess.run(
        [sys.executable, LAYERCHECK, str(root)], capture_output=True, text=True, check=False
    )


def test_clean_tree_passes(tmp_path):
    write_tree(tmp_path, CLEAN)
    done = run(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_this_repository_passes():
    done = run(ROOT)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "name, line, words",
    [
        ("src/base/bad.c", '#include "conn/loop.h"', "higher layer src/conn"),
        ("src/wire/bad.c", '#include "../conn/loop.h"', "higher layer src/conn"),
        ("src/wire/bad.c", "#include <sys/socket.h>", "a socket header"),
        ("src/wire/bad.c", "#include <netinet/tcp.h>", "a socket header"),
        ("src/wire/bad.c", "#include <poll.h>", "a socket header"),
        ("src/wire/bad.h", "#include <openssl/sha.h>", "OpenSSL"),
        ("src/wire/bad.c", "#include <nanoarrow/nanoarrow.h>", "nanoarrow"),
        ("src/conn/bad.c", "#include <openssl/ssl.h>", "OpenSSL"),
        ("src/value/bad.c", "#include <hyperline/hyperline.h>", "is below"),
        ("include/hyperline/types.h", "#include <hyperline/hyperline.h>", "is below"),
        ("include/hyperline/base.h", '#include "base/mem.h"', "a public header may include <...> only"),
        ("include/hyperline/odd.h", "", "has no layer yet"),
        ("cli/bad.c", '#include "base/mem.h"', "<hyperline/...> and its own files only"),
        ("cli/bad.c", '#include "../src/base/mem.h"', "<hyperline/...> and its own files only"),
        ("examples/bad.c", '#include "../cli/main.h"', "<hyperline/...> and its own files only"),
        ("src/conn/bad.c", '#include "../../cli/main.h"', "outside of the layers"),
        ("src/conn/bad.c", '#include "nowhere.h"', "neither beside this file nor in src/"),
        ("src/conn/bad.c", '#include "hyperline/base.h"', "write <hyperline/...>"),
        ("src/conn/bad.c", "#include HEADER", "cannot be checked"),
        ("src/conn/bad.c", "#  include <hyperline/odd.h>", "has no layer yet"),
        ("src/odd/bad.c", "", "and no other"),
    ],
)
def test_broken_rule_is_named_with_file_and_line(tmp_path, name, line, words):
    write_tree(tmp_path, CLEAN)
    write_tree(tmp_path, {name: f"/* a comment\n * of two lines */\n{line}\n"})
    done = run(tmp_path)
    assert done.returncode == 1
    first = done.stderr.splitlines()[0]
    assert first.startswith(f"{name}:3: ") or (line == "" and first.startswith(f"{name}:1: "))
    assert words in first


def test_commented_includes_do_not_count(tmp_path):
    write_tree(tmp_path, CLEAN)
    write_tree(
        tmp_path,
        {"src/wire/ok.c": '// #include <poll.h>\n/*\n#include "conn/loop.h"\n*/\nchar *s = "/*";\n'},
    )
    assert run(tmp_path).returncode == 0


def test_include_after_a_string_that_looks_like_a_comment_counts(tmp_path):
    write_tree(tmp_path, CLEAN)
    write_tree(
        tmp_path, {"src/wire/bad.c": 'char *s = "/*";\n#include <poll.h>\nchar *t = "*/";\n'}
    )
    assert "src/wire/bad.c:2: " in run(tmp_path).stderr


def test_wrong_use_is_told(tmp_path):
    done = subprocess.run([sys.executable, LAYERCHECK, "--what"], capture_output=True, check=False)
    assert done.returncode == 2
