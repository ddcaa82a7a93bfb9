#!/usr/bin/env python3
# Wants pyarrow: .deps/venv/bin/python fuzz/seeds.py
"""Makes the seeds of the corpora anew, fuzz/corpus/TARGET/seed-*, from what was recorded.

Sources: the traces of live sessions (tests/traces), the exchanges, Arrow streams and values recorded
from the server (tests/wire/exchanges.inc, tests/data/arrow_streams.inc, tests/value/vectors.inc),
and the texts below. Other files of the corpora, findings kept as tests, stay.
"""

import base64
import hashlib
import hmac
import io
import re
import struct
from pathlib import Path

import pyarrow as pa

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "fuzz" / "corpus"
HEADER = (ROOT / "include" / "hyperline" / "types.h").read_text()
STRING = r'((?:"[^"]*"\s*)+)'

# ---- Sources ------------------------------------------------------------------------------------


def joined(literal):
    return "".join(re.findall(r'"([^"]*)"', literal))


def exchanges():
    """(name, the server's bytes) of each recorded exchange."""
    text = (ROOT / "tests" / "wire" / "exchanges.inc").read_text()
    for name, _, received in re.findall(rf'X\({STRING},\s*{STRING},\s*\d+,\s*{STRING}\)', text):
        yield joined(name), bytes.fromhex(joined(received))


def traces():
    """(name, what the client asked by letters, the server's bytes) of each trace."""
    for path in sorted((ROOT / "tests" / "traces").glob("*.trace")):
        asked, stream, take = "", b"", False
        for line in path.read_text().splitlines():
            if line.startswith("    "):
                stream += bytes.fromhex(line) if take else b""
                continue
            take = line.startswith("B1 ") and "end of stream" not in line
            asked += LETTERS.get(line.split(" ")[1], "") if line.startswith("F1 ") else ""
        yield path.stem, asked, stream


LETTERS = {"Query": "q", "Parse": "d", "Bind": "x"}


def vectors():
    """(oid, typmod, value by format) of each recorded value that is not NULL."""
    text = (ROOT / "tests" / "value" / "vectors.inc").read_text()
    pattern = r'VECTOR\(".*", (\d+), (-?\d+), "(\w*)", "(\w*)", "(\w*)", "(\w*)"\)'
    for oid, typmod, *forms in re.findall(pattern, text):
        yield int(oid), int(typmod), [bytes.fromhex(form) for form in forms]


def arrow_streams():
    text = (ROOT / "tests" / "data" / "arrow_streams.inc").read_text()
    for stream in re.findall(rf'ARROW_STREAM\("(?:[^"\\]|\\.)*",\s*{STRING}\)', text):
        yield bytes.fromhex(joined(stream))


def messages(stream):
    while stream:
        (length,) = struct.unpack(">I", stream[1:5])
        yield stream[0:1], stream[5 : length + 1]
        stream = stream[length + 1 :]


# ---- Inputs -------------------------------------------------------------------------------------

IDS = {int(oid): number for number, oid in enumerate(re.findall(r"X\(\w+, (\d+),", HEADER), 1)}
ARRAYS = [int(oid) for oid in re.findall(r"X\(\w+, \d+, (\d+),", HEADER)]


def type_choice(oid, typmod):
    """The byte by which fuzz_hyperbinary.c chooses the type; None for what it cannot choose."""
    if oid in ARRAYS:
        return next(n for n in range(128, 192) if n % len(ARRAYS) == ARRAYS.index(oid))
    if oid == 1700 and typmod >= 0:
        wanted = (typmod - 4 >> 16, typmod - 4 & 0xFFFF)
        numbers = ((n, 1 + n % 38) for n in range(64, 128))
        return next((n for n, p in numbers if (p, p * (n - 64) // 64) == wanted), None)
    return IDS.get(oid)


def hyperbinary_inputs():
    chosen = [(type_choice(oid, typmod), forms) for oid, typmod, forms in vectors()]
    chosen = [(choice, forms) for choice, forms in chosen if choice is not None]
    for start in range(0, len(chosen), 8):
        group = chosen[start : start + 8]
        types = bytes(choice for choice, _ in group)
        for form in range(3):
            cells = b"".join(struct.pack(">I", len(f[form])) + f[form] for _, f in group)
            row = struct.pack(">H", len(group)) + cells
            yield bytes([form, len(group)]) + types + row
        copied = b"".join(forms[3] for _, forms in group[::2])
        yield bytes([2, len(group)]) + types + copied


LOGIN = "startup, no password"


def session_inputs():
    recorded = dict(exchanges())
    for name, stream in recorded.items():
        letter = {"describe statement": "d", "copy in hyperbinary, data": "q"}.get(name, "q")
        letter = "x" if name.startswith("ext ") or name == "row limit" else letter
        login = b"" if name == LOGIN else recorded[LOGIN]
        yield bytes([2, 1]) + letter.encode() + login + stream
    for _, asked, stream in traces():
        yield bytes([7, min(len(asked), 15)]) + asked[:15].encode() + stream


def message_inputs():
    for _, stream in exchanges():
        yield from (kind + body for kind, body in messages(stream))
    for _, _, stream in traces():
        yield from (kind + body for kind, body in messages(stream) if len(body) < 2000)


def scram_inputs():
    """Every way in, and the ways that are refused."""
    def step(kind, data=b""):
        body = struct.pack(">I", kind) + data
        return bytes([len(body)]) + body

    ours = base64.b64encode(b"A" * 18)
    password = b"correct horse battery"
    salt, nonce = b"saltsaltsalt", ours + b"theirs"
    first = b"r=" + nonce + b",s=" + base64.b64encode(salt) + b",i=4096"
    salted = hashlib.pbkdf2_hmac("sha256", password, salt, 2)
    for user in (b"", b"ann"):
        signed = b"n=" + user + b",r=" + ours + b"," + first + b",c=biws,r=" + nonce
        key = hmac.digest(salted, b"Server Key", "sha256")
        final = b"v=" + base64.b64encode(hmac.digest(key, signed, "sha256"))
        begin = step(10, b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0") + step(11, first)
        yield b"\1" + begin + step(12, final) + step(0)
        yield b"\1" + begin + step(12, b"e=invalid-proof")
        yield b"\1" + begin + step(0)
    yield b"\0" + step(0)
    yield b"\1" + step(3) + step(0)
    yield b"\1" + step(5, b"salt") + step(0)
    yield b"\0" + step(10, b"SCRAM-SHA-256\0\0")
    yield b"\1" + step(7)


CONFIGS = [
    "hyper://ann:se%20same@localhost:7483/data/x.hyper?create=replace&set.lc_time=de_DE",
    "hyper://ann@%2Ftmp%2Fsocket/x.hyper", "hyper:///data/x.hyper", "hyper://[::1]:7483",
    "endpoint=localhost:7483 user=ann password='se\\'sa\\\\me' database='/data/a b.hyper'",
    "connect_timeout=5s request_timeout=2min drain_limit=64MB max_message=1GB drain_timeout=none",
    "localhost:7483", "[::1]:7483", "tab.tcp://localhost:7483",
    "tab.domain:///tmp/dir/domain/name", "/tmp/socket", "create=create_if_missing alias=x",
    "set.search_path=a application_name='' database_version=3 busy_timeout=500ms", " =", "&=",
]
STATEMENTS = [
    "select 'it''s', \"a\"\"b\", $$x$$, $tag$ ' $tag$ -- end\n from t",
    "/* a /* b */ select (1); insert into t values (E'\\'', U&'\\0041', N'x'); commit",
    "begin; rollback to savepoint a; rollback; start transaction; end", "\"Extract\".\"Extract\"",
    "db.schema.table", "values (1, $1), (-2.5e-3, null)", "\U0001f600 \u00e9\u0301 '\"\\ \x01\x7f",
    "with a as (select 1) select * from a;", ";;select 1;;", "a'b\"c", "table \"t\"",
]
FILES = [
    "a,b,c\n1,2.50,2024-02-29\n-3,,\"x \"\"y\"\"\nz\"\n", "a;b\n1,5;12:34:56\n",
    "t\n2024-01-01 00:00:00\n2024-01-01T00:00:00.5+02:00\n", "b\ntrue\nFALSE\n\"\"\nNULL\n",
    "\ufeffn\r\n9223372036854775807\r\n92233720368547758070\r\n", "x\n1.10\n2.25\n-0.00\n1e5\ninf\n",
]


def csv_inputs():
    for number, text in enumerate(FILES):
        for dialect in (0, 1, 0x11, 4, 0x20):
            yield bytes([dialect, number]) + text.encode()
    yield bytes([0, 1]) + b"a\n\xff\xfe\n"


def arrow_inputs():
    for number, stream in enumerate(arrow_streams()):
        yield bytes([number % 4]) + stream


def tables():
    """A small table for each kind of column."""
    strings = pa.array(["a", None, "longer than twelve bytes"])
    yield pa.table({"i": pa.array([1, None, 3]), "f": [1.5, 2.5, None], "b": [True, False, None]})
    yield pa.table({"s": strings, "v": strings.cast(pa.string_view()), "l": strings.cast("large_string")})
    yield pa.table({"d": strings.dictionary_encode(), "r": pa.RunEndEncodedArray.from_arrays([2, 3], ["x", None])})
    yield pa.table({"n": pa.array([[1], None, [2, 3]]), "t": [{"a": 1}, None, {"a": 2}]})
    yield pa.table({"z": pa.nulls(3), "x": pa.array([b"12", b"34", None], pa.binary(2))})


def ipc_inputs():
    for number, table in enumerate(tables()):
        for kind in (pa.ipc.new_stream, pa.ipc.new_file):
            for compression in (None, "lz4", "zstd"):
                sink = io.BytesIO()
                options = pa.ipc.IpcWriteOptions(compression=compression)
                with kind(sink, table.schema, options=options) as writer:
                    writer.write_table(table)
                yield bytes([number % 3]) + sink.getvalue()
    for stream in list(arrow_streams())[:6]:
        yield b"\0" + stream


INPUTS = {
    "arrow": arrow_inputs,
    "config": lambda: (text.encode() for text in CONFIGS),
    "csv": csv_inputs,
    "hyperbinary": hyperbinary_inputs,
    "ipc": ipc_inputs,
    "message": message_inputs,
    "scram": scram_inputs,
    "session": session_inputs,
    "sql": lambda: (text.encode() for text in STATEMENTS),
}


def main():
    for target, inputs in INPUTS.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("seed-*"):
            old.unlink()
        for data in inputs():
            (folder / f"seed-{hashlib.sha1(data).hexdigest()[:12]}").write_bytes(data)


if __name__ == "__main__":
    main()
