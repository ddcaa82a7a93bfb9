"""Arrow IPC streams and files, written by pyarrow and polars, as our streams of batches."""

import ctypes
import io
import os
import random
import struct
from ctypes import byref, c_int, c_size_t, c_void_p

import polars
import pyarrow
import pyarrow.ipc
import pytest
from binding import LIBRARY, Error, HyperlineError, Opened, Stream, check

ARG, IO, UNSUPPORTED = -1, -4, -16
FAILURES = (HyperlineError, OSError, pyarrow.ArrowException)


READ = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t, c_void_p, c_void_p)
LIBRARY.hyl_arrow_ipc_open.argtypes = [READ, c_void_p, c_void_p, c_void_p]


class Called(Stream):
    """A stream over bytes that a function hands out, a few at a time: they cannot be sought."""

    def __init__(self, data, piece=700):
        super().__init__()
        rest = memoryview(data)

        def hand_out(_, to, cap, got, error):
            nonlocal rest
            size = min(cap, piece, len(rest))
            ctypes.memmove(to, bytes(rest[:size]), size)
            ctypes.cast(got, ctypes.POINTER(c_size_t))[0] = size
            rest = rest[size:]
            return 0

        self.function = READ(hand_out)
        error = Error()
        check(LIBRARY.hyl_arrow_ipc_open(self.function, None, self.address, byref(error)), error)


def read(source, opened=Opened):
    stream = opened(source)
    table = pyarrow.RecordBatchReader.from_stream(stream).read_all()
    table.validate(full=True)
    return table


def written(table, file=False, compression=None, **options):
    sink = io.BytesIO()
    options = pyarrow.ipc.IpcWriteOptions(compression=compression, **options)
    new = pyarrow.ipc.new_file if file else pyarrow.ipc.new_stream
    with new(sink, table.schema, options=options) as writer:
        for batch in table.to_batches():
            writer.write_batch(batch)
    return sink.getvalue()


# ---- every type ---------------------------------------------------------------------------------

COUNT = 3000


def column(make, arrow_type):
    values = [make(i) if i % 7 else None for i in range(COUNT)]
    return pyarrow.array(values, arrow_type)


def dictionary(index, values):
    return column(lambda i: f"word {i % 100}", pyarrow.string()).dictionary_encode().cast(
        pyarrow.dictionary(index, values)
    )


def runs(ends, values):
    return pyarrow.RunEndEncodedArray.from_arrays(
        pyarrow.array(range(3, COUNT + 3, 3), ends), values
    )


def long_text(i):
    return "x" * (i % 40)


def every_column():
    p = pyarrow
    numbers = {
        str(t): column(lambda i: i % 100, t)
        for t in [p.int8(), p.uint8(), p.int16(), p.uint16(), p.int32(), p.uint32(), p.int64(),
                  p.uint64(), p.float16(), p.float32(), p.float64(), p.date32(),
                  p.time32("s"), p.time32("ms"), p.time64("us"), p.time64("ns"),
                  *[p.timestamp(unit) for unit in ("s", "ms", "us", "ns")],
                  *[p.duration(unit) for unit in ("s", "ms", "us", "ns")],
                  p.timestamp("us", "Europe/Berlin")]
    }
    decimals = {
        str(t): p.array([None, *range(COUNT - 1)], t)
        for t in [p.decimal32(9, 2), p.decimal64(18, 3), p.decimal128(38, 10), p.decimal256(70, 5)]
    }
    texts = {
        str(t): column(long_text, t) for t in [p.string(), p.large_string(), p.string_view()]
    }
    blobs = {
        str(t): column(lambda i: long_text(i).encode(), t)
        for t in [p.binary(), p.large_binary(), p.binary_view()]
    }
    lists = column(lambda i: list(range(i % 5)), p.list_(p.int32()))
    return {
        **numbers, **decimals, **texts, **blobs,
        "null": p.nulls(COUNT),
        "bool": column(lambda i: i % 3 == 0, p.bool_()),
        "date64": column(lambda i: i * 86400000, p.int64()).view(p.date64()),
        "fixed": column(lambda i: b"%08d" % i, p.binary(8)),
        "month_day_nano": column(lambda i: p.MonthDayNano([i, -i, i]), p.month_day_nano_interval()),
        "dictionary8": dictionary(p.int8(), p.string()),
        "dictionary64": dictionary(p.uint64(), p.large_string()),
        "runs": runs(p.int32(), column(lambda i: i, p.int64()).slice(0, COUNT // 3)),
        "runs16": runs(p.int16(), column(long_text, p.string()).slice(0, COUNT // 3)),
        "list": lists,
        "large list": lists.cast(p.large_list(p.int32())),
        "fixed list": column(lambda i: [i, None], p.list_(p.int16(), 2)),
        "struct": column(lambda i: {"a": i, "b": str(i)},
                         p.struct([("a", p.int64()), ("b", p.string())])),
        "map": column(lambda i: [(str(i), i)], p.map_(p.string(), p.int32())),
        "extension": p.ExtensionArray.from_storage(
            p.opaque(p.string(), "a", "b"), column(long_text, p.string())),
    }


EVERY = every_column()
SOURCES = pytest.mark.parametrize("opened", [Opened, Called], ids=["memory", "function"])
FORMATS = pytest.mark.parametrize("file", [False, True], ids=["stream", "file"])
CODECS = pytest.mark.parametrize("codec", [None, "lz4", "zstd"])


@pytest.mark.parametrize("name", list(EVERY))
@FORMATS
@CODECS
def test_every_type_is_what_pyarrow_wrote(name, file, codec):
    """Slices, no rows and one row too."""
    schema = pyarrow.schema(
        [pyarrow.field("x", EVERY[name].type, metadata={"a": "1", "": "empty key"})], {"b": "2"}
    )
    table = pyarrow.table([EVERY[name]], schema)
    parts = [table.slice(0, 1000), table.slice(1003, 1), table.slice(0, 0), table.slice(1107, 1800)]
    table = pyarrow.concat_tables(parts)
    for opened in (Opened, Called):
        got = read(written(table, file, codec), opened)
        assert got.schema.equals(schema, check_metadata=True)
        assert got.equals(table)


def wide():
    return pyarrow.table(EVERY)


@FORMATS
@CODECS
def test_all_types_beside_one_another(file, codec):
    assert read(written(wide(), file, codec)).equals(wide())


def test_nullability_is_kept():
    schema = pyarrow.schema([pyarrow.field("i", pyarrow.int32(), False),
                             pyarrow.field("d", pyarrow.dictionary(pyarrow.int8(), "str"), False)])
    table = pyarrow.table([[1], pyarrow.array(["a"]).dictionary_encode().cast(schema.field(1).type)],
                          schema)
    assert read(written(table)).schema.equals(schema)


def test_no_batches_and_no_columns():
    schema = pyarrow.schema([("i", pyarrow.int32())])
    assert read(written(schema.empty_table())).equals(schema.empty_table())
    empty = pyarrow.table({})
    assert read(written(empty, file=True)).num_columns == 0


def test_dictionaries_are_replaced():
    """Each batch has a dictionary of its own; batches of before keep theirs."""
    batches = [pyarrow.record_batch({"x": pyarrow.array([f"{k}", None, "b"]).dictionary_encode()})
               for k in range(5)]
    sink = io.BytesIO()
    with pyarrow.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    assert read(sink.getvalue()).to_batches() == batches


def test_deltas_are_refused():
    schema = pyarrow.schema([("x", pyarrow.dictionary(pyarrow.int8(), pyarrow.string()))])
    sink = io.BytesIO()
    options = pyarrow.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with pyarrow.ipc.new_stream(sink, schema, options=options) as writer:
        for words in (["a"], ["a", "b"]):
            indices = pyarrow.array([0], pyarrow.int8())
            array = pyarrow.DictionaryArray.from_arrays(indices, pyarrow.array(words))
            writer.write_batch(pyarrow.record_batch([array], ["x"]))
    with pytest.raises(OSError, match="delta"):
        read(sink.getvalue())


def test_old_metadata():
    table = pyarrow.table({"i": [1, None, 3]})
    version = pyarrow.ipc.MetadataVersion.V4
    assert read(written(table, metadata_version=version)).equals(table)


@pytest.mark.parametrize("codec", ["uncompressed", "lz4", "zstd"])
def test_polars(codec):
    frame = polars.DataFrame({
        "i": [1, None, 3] * 1000,
        "t": ["short", None, "a text that is longer than twelve"] * 1000,
        "d": polars.Series(["x", "y", None] * 1000, dtype=polars.Categorical),
        "m": polars.Series(["1.25", None, "-7.50"] * 1000).cast(polars.Decimal(10, 2)),
        "l": [[1, 2], None, []] * 1000,
    })
    for write in (frame.write_ipc, frame.write_ipc_stream):
        sink = io.BytesIO()
        write(sink, compression=codec)
        assert polars.DataFrame(Opened(sink.getvalue())).equals(frame)


# ---- sources ------------------------------------------------------------------------------------


@FORMATS
def test_descriptors(tmp_path, file):
    path = tmp_path / "data.arrow"
    path.write_bytes(written(wide(), file, "zstd"))
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert read(descriptor).equals(wide())
    finally:
        os.close(descriptor)


def test_a_pipe_is_read_no_further_than_the_end():
    small = pyarrow.table({"i": [1, 2]})
    out, into = os.pipe()
    try:
        os.write(into, written(small) + written(small) + b"rest")
        assert read(out).equals(small)
        assert read(out).equals(small)
        assert os.read(out, 100) == b"rest"
    finally:
        os.close(out)
        os.close(into)


def test_a_descriptor_that_fails():
    out, into = os.pipe()
    os.close(out)
    try:
        with pytest.raises(HyperlineError) as caught:
            Opened(into)
        assert caught.value.status == IO
    finally:
        os.close(into)


# ---- what is no Arrow IPC -----------------------------------------------------------------------


@pytest.mark.parametrize("data, words", [
    (b"", "nothing"), (b"PAR1" + bytes(100), "Parquet"), (b"FEA1" + bytes(100), "Feather"),
    (b"hello, world", "no Arrow IPC"), (b"ARROW1\0\0", "cut off"), (b"\xff\xff", "no Arrow IPC"),
    (b"\xff\xff\xff\xff\0\0\0\0", "without a schema"),
    (b"\xff\xff\xff\xff\xff\xff\xff\x7f", "damaged"),
    (b"\xff\xff\xff\xff\0\0\0\x10", "cut off"),
], ids=lambda value: str(value)[:20])
def test_other_data_are_told(data, words):
    with pytest.raises(HyperlineError, match=words) as caught:
        Opened(data)
    assert caught.value.status == ARG


def test_unions_are_refused():
    union = pyarrow.UnionArray.from_sparse(pyarrow.array([0], pyarrow.int8()), [pyarrow.array([1])])
    with pytest.raises(HyperlineError, match='"u" is of a type that is not read') as caught:
        Opened(written(pyarrow.table({"u": union})))
    assert caught.value.status == UNSUPPORTED


def message_ends(data):
    """Where a stream may end without being cut: behind any message."""
    source = io.BytesIO(data)
    reader = pyarrow.ipc.MessageReader.open_stream(source)
    ends = []
    while True:
        try:
            reader.read_next_message()
        except StopIteration:
            return ends
        ends.append(source.tell())


@SOURCES
@FORMATS
@CODECS
def test_data_that_are_cut_are_never_a_shorter_result(file, codec, opened):
    table = pyarrow.table({"i": pyarrow.array(range(50)),
                           "t": pyarrow.array([f"text {i}" for i in range(50)], "string_view"),
                           "d": pyarrow.array(["a", "b"] * 25).dictionary_encode()})
    data = written(pyarrow.concat_tables([table, table]), file, codec)
    whole = [] if file else message_ends(data)
    for end in range(len(data)):
        if end in whole or (not file and end > whole[-1]):
            continue
        with pytest.raises(FAILURES):
            read(data[:end], opened)
    assert read(data, opened).num_rows == 100


@SOURCES
@FORMATS
@CODECS
def test_damaged_data_never_crash(file, codec, opened):
    """Errors, or arrays that pyarrow finds valid; under a sanitizer, no reading beyond buffers."""
    names = ["int32", "string", "string_view", "dictionary8", "runs", "list", "bool", "struct",
             "null", "large_binary", "fixed"]
    table = pyarrow.table({name: EVERY[name].slice(0, 60) for name in names})
    data = written(table, file, codec)
    noise = random.Random(f"{file} {codec}")
    refused = 0
    for _ in range(1000):
        damaged = bytearray(data)
        for _ in range(noise.choice([1, 1, 2, 5])):
            at = noise.randrange(len(damaged))
            if noise.random() < 0.5:
                damaged[at] ^= 1 << noise.randrange(8)
            else:
                value = noise.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 0x10000])
                damaged[at & ~3:(at & ~3) + 4] = struct.pack("<I", value)
        try:
            read(bytes(damaged), opened)
        except FAILURES:
            refused += 1
    assert refused > 100
