"""Arrow in, written by pyarrow: every type that has a home, and what is refused."""

import ctypes
import datetime as dt
import decimal
import io
import os
import re
from ctypes import POINTER, byref, c_char_p, c_int, c_int64, c_size_t, c_uint, c_void_p

import duckdb
import numpy
import pandas
import polars
import pyarrow
import pytest
from binding import LIBRARY, Connection, Error, HyperlineError, Opened, Stream, check

APPEND, CREATE, CREATE_IF_MISSING = range(3)
NUMBERS, TIMES = 1, 2
ARG, STATE, TYPE, RANGE, NULLVAL, UNSUPPORTED = -1, -2, -13, -14, -15, -16
IO, SERVER = -4, -12


class InsertOpts(ctypes.Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("mode", c_int),
        ("lossy", c_uint),
        ("changed", POINTER(c_int64)),
    ]


LIBRARY.hyl_insert_arrow.argtypes = [c_void_p, c_char_p, c_void_p, c_void_p, c_void_p, c_void_p]

D = decimal.Decimal
UTC = dt.timezone.utc
NOW = dt.datetime(2024, 2, 29, 12, 34, 56, 789012)


class Database:
    """A database of file version 4, beside the one that the connection opened."""

    def __init__(self, folder):
        self.folder = folder
        self.connection = Connection(folder / "main.hyper")
        self.connection.execute(f'CREATE DATABASE "{folder}/v4.hyper" WITH VERSION 4')
        self.connection.execute(f'ATTACH DATABASE "{folder}/v4.hyper" AS v4')
        self.made = []

    def execute(self, sql):
        self.connection.execute(sql)

    def name(self, table="t"):
        if table not in self.made:
            self.made.append(table)
        return f"v4.public.{table}"

    def clear(self):
        for table in self.made:
            self.execute(f"DROP TABLE IF EXISTS v4.public.{table}")
        self.made = []

    def insert(self, data, table="t", mode=CREATE, lossy=0, name=None):
        """Rows inserted, and values that did not stay what they were."""
        stream = data
        if not isinstance(data, Stream):
            stream = Stream()
            pyarrow.RecordBatchReader.from_stream(data)._export_to_c(stream.address)
        rows, changed, error = c_int64(-1), c_int64(-1), Error()
        opts = InsertOpts(ctypes.sizeof(InsertOpts), mode, lossy, ctypes.pointer(changed))
        check(
            LIBRARY.hyl_insert_arrow(
                self.connection.conn, (name or self.name(table)).encode(), stream.address,
                byref(opts), byref(rows), byref(error),
            ),
            error,
        )
        return rows.value, changed.value

    def read(self, sql):
        return pyarrow.table(self.connection.arrow(sql))

    def column(self, expression="x", table="t"):
        table = self.read(f"SELECT {expression} AS x FROM v4.public.{table} ORDER BY i")
        return table.column("x").to_pylist()

    def count(self, table="t"):
        sql = f"SELECT count(*) AS n FROM v4.public.{table}"
        return self.read(sql).column("n")[0].as_py()

    def type_of(self, table="t", column="x"):
        sql = f"SELECT {column} FROM v4.public.{table} WHERE false"
        return self.read(sql).schema.field(0).metadata[b"hyper:type_name"].decode()


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    made = Database(tmp_path_factory.mktemp("arrow_in"))
    yield made
    made.connection.close()


@pytest.fixture
def db(database):
    yield database
    database.clear()


def numbered(values):
    """A table of a column x, and one i that numbers the rows."""
    return pyarrow.table({"i": pyarrow.array(range(len(values)), pyarrow.int32()), "x": values})


# ---- every type ---------------------------------------------------------------------------------

TEXTS = ["", "a", "twelve bytes", "thirteen byte", "é€😀" * 20]
BYTES = [b"", b"\0\xff", b"x" * 40]


def of(arrow_type):
    return lambda values: pyarrow.array(values, arrow_type)


def dictionary(index, values):
    return lambda data: pyarrow.array(data, values).dictionary_encode().cast(
        pyarrow.dictionary(index, values)
    )


def run_ends(index, values):
    def make(data):
        ends, runs = [], []
        for end, value in enumerate(data, 1):
            if runs and runs[-1] == value:
                ends[-1] = end
            else:
                ends.append(end)
                runs.append(value)
        return pyarrow.RunEndEncodedArray.from_arrays(
            pyarrow.array(ends, index), pyarrow.array(runs, values)
        )

    return make


# Name, maker of the array, values, the new column's type, and how they come back.
SAME = object()
TYPES = [
    ("bool", of(pyarrow.bool_()), [True, False, True], "boolean", SAME),
    ("int8", of(pyarrow.int8()), [0, -128, 127], "smallint", SAME),
    ("uint8", of(pyarrow.uint8()), [0, 255], "smallint", SAME),
    ("int16", of(pyarrow.int16()), [0, -32768, 32767], "smallint", SAME),
    ("uint16", of(pyarrow.uint16()), [0, 65535], "integer", SAME),
    ("int32", of(pyarrow.int32()), [0, -(2**31), 2**31 - 1], "integer", SAME),
    ("uint32", of(pyarrow.uint32()), [0, 2**32 - 1], "bigint", SAME),
    ("int64", of(pyarrow.int64()), [0, -(2**63), 2**63 - 1], "bigint", SAME),
    ("uint64", of(pyarrow.uint64()), [0, 2**64 - 1], "numeric(20,0)", [D(0), D(2**64 - 1)]),
    ("float16", of(pyarrow.float16()), [0.5, -65504.0], "real", SAME),
    ("float32", of(pyarrow.float32()), [0.5, -3.4028234663852886e38], "real", SAME),
    ("float64", of(pyarrow.float64()), [0.1, 5e-324], "double precision", SAME),
    ("decimal32", of(pyarrow.decimal32(9, 2)), [D("0.01"), D("-9999999.99")], "numeric(9,2)", SAME),
    ("decimal64", of(pyarrow.decimal64(18, 3)), [D("0.001"), D("-10.010"), D("-0.005")],
     "numeric(18,3)", SAME),
    ("decimal128", of(pyarrow.decimal128(38, 10)), [D("-0.0000000001"), D(10**27)],
     "numeric(38,10)", SAME),
    ("decimal256", of(pyarrow.decimal256(38, 0)), [D(10**37), D(-1)], "numeric(38,0)", SAME),
    ("decimal of negative scale", of(pyarrow.decimal128(5, -2)), [D("12300"), D("-100")],
     "numeric(7,0)", SAME),
    ("utf8", of(pyarrow.string()), TEXTS, "text", SAME),
    ("large_utf8", of(pyarrow.large_string()), TEXTS, "text", SAME),
    ("utf8_view", of(pyarrow.string_view()), TEXTS, "text", SAME),
    ("binary", of(pyarrow.binary()), BYTES, "bytes", SAME),
    ("large_binary", of(pyarrow.large_binary()), BYTES, "bytes", SAME),
    ("binary_view", of(pyarrow.binary_view()), BYTES, "bytes", SAME),
    ("fixed_size_binary", of(pyarrow.binary(3)), [b"abc", b"\0\0\0"], "bytes", SAME),
    ("date32", of(pyarrow.date32()), [dt.date(1, 1, 1), dt.date(1970, 1, 1), dt.date(9999, 12, 31)],
     "date", SAME),
    ("date64", of(pyarrow.date64()), [dt.date(1, 1, 1), dt.date(9999, 12, 31)], "date", SAME),
    ("time32[s]", of(pyarrow.time32("s")), [dt.time(0), dt.time(23, 59, 59)], "time", SAME),
    ("time32[ms]", of(pyarrow.time32("ms")), [dt.time(1, 2, 3, 4000)], "time", SAME),
    ("time64[us]", of(pyarrow.time64("us")), [dt.time(23, 59, 59, 999999)], "time", SAME),
    ("time64[ns]", of(pyarrow.time64("ns")), [dt.time(23, 59, 59, 999999)], "time", SAME),
    *[
        (f"timestamp[{unit}]", of(pyarrow.timestamp(unit)),
         [dt.datetime(1970, 1, 1), dt.datetime(1900, 2, 28, 23, 59, 59)], "timestamp", SAME)
        for unit in ("s", "ms", "us", "ns")
    ],
    ("timestamp", of(pyarrow.timestamp("us")),
     [dt.datetime(1, 1, 1), NOW, dt.datetime(9999, 12, 31, 23, 59, 59, 999999)], "timestamp", SAME),
    ("timestamp in a zone", of(pyarrow.timestamp("ms", "Europe/Berlin")),
     [dt.datetime(2024, 7, 1, 12, tzinfo=UTC)], "timestamp with time zone", SAME),
    ("duration", of(pyarrow.duration("ms")), [dt.timedelta(hours=30), dt.timedelta(seconds=-1)],
     "interval", [pyarrow.MonthDayNano([0, 0, 108000 * 10**9]),
                  pyarrow.MonthDayNano([0, 0, -(10**9)])]),
    ("month_day_nano", of(pyarrow.month_day_nano_interval()),
     [pyarrow.MonthDayNano([14, -3, 5000])], "interval", SAME),
    ("null", of(pyarrow.null()), [None, None], "text", SAME),
    ("dictionary of int8", dictionary(pyarrow.int8(), pyarrow.string()), ["a", "b", "a"], "text",
     SAME),
    ("dictionary of int64", dictionary(pyarrow.int64(), pyarrow.int64()), [7, -7, 7], "bigint", SAME),
    ("dictionary of uint32", dictionary(pyarrow.uint32(), pyarrow.large_string()), TEXTS, "text",
     SAME),
    ("run-end encoded", run_ends(pyarrow.int32(), pyarrow.string()), ["a", "a", "b", "a"], "text",
     SAME),
    ("runs of int64", run_ends(pyarrow.int16(), pyarrow.int64()), [1, 1, 2, 2, 2], "bigint", SAME),
    ("extension", lambda values: pyarrow.ExtensionArray.from_storage(
        pyarrow.opaque(pyarrow.string(), "a", "b"), pyarrow.array(values, pyarrow.string())),
     ["stored"], "text", SAME),
]
BY_NAME = pytest.mark.parametrize(
    "make, values, home, back", [case[1:] for case in TYPES], ids=[case[0] for case in TYPES]
)


@BY_NAME
def test_every_type_comes_back(db, make, values, home, back):
    back = values if back is SAME else back
    for number, (prefix, suffix) in enumerate([([], []), ([None], [None]), ([], [None, None])]):
        table = f"t{number}"
        data = prefix + values[:1] + suffix + values[1:] + suffix
        expected = prefix + back[:1] + suffix + back[1:] + suffix
        assert db.insert(numbered(make(data)), table) == (len(data), 0)
        assert db.type_of(table) == home
        assert db.column(table=table) == expected


@BY_NAME
def test_no_rows_and_one_row(db, make, values, home, back):
    back = values if back is SAME else back
    table = numbered(make(values[:1]))
    assert db.insert(table.slice(0, 0)) == (0, 0)
    assert db.type_of() == home
    assert db.insert(table, mode=APPEND) == (1, 0)
    assert db.column() == back[:1]


@BY_NAME
def test_slices_are_equal_to_the_whole(db, make, values, home, back):
    """3 batches of 1,000 rows that begin at offset 7, and an empty one between."""
    back = values if back is SAME else back
    source = (values + [None]) * 900
    expected = (back + [None]) * 900
    whole = pyarrow.record_batch(
        {"i": pyarrow.array(range(len(source)), pyarrow.int32()), "x": make(source)}
    )
    batches = [whole.slice(7 + k * 300, 1000) for k in range(2)] + [whole.slice(7, 0)]
    assert db.insert(
        pyarrow.RecordBatchReader.from_batches(whole.schema, batches)
    ) == (sum(len(batch) for batch in batches), 0)
    got = db.read("SELECT i, x FROM v4.public.t ORDER BY i").to_pylist()
    kept = sorted(k * 300 + 7 + n for k, b in enumerate(batches[:2]) for n in range(len(b)))
    assert [row["x"] for row in got] == [expected[i] for i in kept]


def test_nulls_of_dictionaries(db):
    """NULL among the values, NULL as index, unused entries, an empty dictionary."""
    values = pyarrow.array(["unused", "a", None, "b"])
    indices = pyarrow.array([1, 2, None, 3], pyarrow.int8())
    table = numbered(pyarrow.DictionaryArray.from_arrays(indices, values))
    assert db.insert(table) == (4, 0)
    assert db.column() == ["a", None, None, "b"]
    empty = pyarrow.DictionaryArray.from_arrays(
        pyarrow.array([None, None], pyarrow.int8()), pyarrow.array([], pyarrow.string())
    )
    assert db.insert(numbered(empty), mode=APPEND) == (2, 0)
    assert db.count() == 6


def test_many_variadic_buffers(db):
    """A view array whose long values lie in several buffers, as polars makes them."""
    chunks = [pyarrow.array([f"chunk {k} value {n} beyond twelve" for n in range(50)],
                            pyarrow.string_view()) for k in range(5)]
    joined = pyarrow.concat_arrays(chunks)
    assert db.insert(numbered(joined)) == (250, 0)
    assert db.column() == joined.to_pylist()


def test_our_own_stream_goes_back_in(db):
    db.execute(
        "CREATE TABLE v4.public.a (i int NOT NULL, o oid, v varchar(5), c char(3), d char(1), j json,"
        " n numeric(5,2), t timestamp, z timestamptz, p interval)"
    )
    db.name("a")
    db.execute(
        "INSERT INTO v4.public.a VALUES (1, 7, 'vvv', 'c', 'd', '{}', 1.5, '2024-02-29 01:02:03',"
        " '2024-02-29 01:02:03+00', interval 'P1Y2M3DT4S')"
    )
    db.execute("INSERT INTO v4.public.a (i) VALUES (2)")
    first = db.read("SELECT * FROM v4.public.a ORDER BY i")
    assert db.insert(first, "b") == (2, 0)
    second = db.read("SELECT * FROM v4.public.b ORDER BY i")
    assert second.equals(first)
    assert second.schema.equals(first.schema, check_metadata=True)


# ---- existing tables ----------------------------------------------------------------------------

WIDENINGS = [
    ("int8", pyarrow.int8(), [-128], "bigint", [-128]),
    ("int16 to numeric", pyarrow.int16(), [-5], "numeric(10,2)", [D("-5.00")]),
    ("int32 to bigint", pyarrow.int32(), [2**31 - 1], "bigint", [2**31 - 1]),
    ("int32 to double", pyarrow.int32(), [2**31 - 1], "double precision", [2.0**31 - 1]),
    ("int64 to numeric", pyarrow.int64(), [-(2**63)], "numeric(21,2)", [D(-(2**63))]),
    ("uint32 to oid", pyarrow.uint32(), [2**32 - 1], "oid", [2**32 - 1]),
    ("float32 to double", pyarrow.float32(), [0.5], "double precision", [0.5]),
    ("decimal", pyarrow.decimal128(18, 3), [D("1.234")], "numeric(20,5)", [D("1.23400")]),
    ("date to timestamp", pyarrow.date32(), [dt.date(1, 1, 1)], "timestamp",
     [dt.datetime(1, 1, 1)]),
    ("utf8 to varchar", pyarrow.string(), ["äöü"], "varchar(3)", ["äöü"]),
    ("utf8 to char", pyarrow.large_string(), ["ab"], "char(3)", ["ab "]),
    ("utf8 to json", pyarrow.string_view(), ["[1]"], "json", ["[1]"]),
]


@pytest.mark.parametrize(
    "arrow, values, sql, back", [case[1:] for case in WIDENINGS], ids=[c[0] for c in WIDENINGS]
)
@pytest.mark.parametrize("nullable", [True, False])
def test_values_widen(db, arrow, values, sql, back, nullable):
    not_null = "" if nullable else "NOT NULL"
    db.execute(f"CREATE TABLE {db.name()} (x {sql} {not_null}, i bigint)")
    assert db.insert(numbered(pyarrow.array(values, arrow)), mode=APPEND) == (len(values), 0)
    assert db.column() == back


def test_bytes_become_uuids(db):
    db.execute(f"CREATE TABLE {db.name()} (i int, x uuid)")
    data = pyarrow.array([bytes(range(16)), None], pyarrow.binary(16))
    assert db.insert(numbered(data), mode=APPEND) == (2, 0)
    text = db.column("CAST(x AS text)")
    assert text == ["00010203-0405-0607-0809-0a0b0c0d0e0f", None]


def refused(db, status, *parts, data, **options):
    with pytest.raises(HyperlineError) as caught:
        db.insert(data, **options)
    for part in parts:
        assert part in str(caught.value)
    assert caught.value.status == status
    return caught.value


def test_columns_are_matched_by_name(db):
    db.execute(f"CREATE TABLE {db.name()} (i int NOT NULL, a text, b double precision)")
    data = {"b": [0.5], "a": ["x"], "i": pyarrow.array([1], pyarrow.int32())}
    assert db.insert(pyarrow.table(data), mode=APPEND) == (1, 0)
    assert db.read(f"SELECT * FROM {db.name()}").to_pylist() == [{"i": 1, "a": "x", "b": 0.5}]
    extra = pyarrow.table({**data, "__index_level_0__": [0]})
    refused(db, ARG, 'not in the table: "__index_level_0__"', data=extra, mode=APPEND)
    refused(db, ARG, 'missing: "i", "a"', data=pyarrow.table({"b": [0.5]}), mode=APPEND)
    wrong = pyarrow.table({"I": [1], "a": [1], "b": ["x"]})
    refused(db, ARG, 'missing: "i"', 'not in the table: "I"',
            'of another type: "a" is int64, the table\'s text, "b" is string, the table\'s double',
            data=wrong, mode=APPEND)
    types = pyarrow.table({"i": [1], "a": ["x"], "b": [0.5]})
    refused(db, TYPE, '"i" is int64, the table\'s integer', data=types, mode=APPEND)
    twice = pyarrow.table([data["i"], ["a"], [0.5], ["b"]], names=["i", "a", "b", "a"])
    refused(db, ARG, '"a" again', data=twice, mode=APPEND)
    assert db.count() == 1


def test_a_new_column_has_a_name(db):
    nameless = pyarrow.table([[1], [2]], names=["i", ""])
    refused(db, ARG, "the name of the stream's column 2: an identifier is empty", data=nameless,
            mode=CREATE)


def test_many_columns_are_counted_where_they_cannot_be_listed(db):
    """Every kind of complaint is seen, with its first columns and the number of the others."""
    columns = ", ".join(f"missing_column_{k} int" for k in range(50))
    db.execute(f"CREATE TABLE {db.name()} (i int, x text, {columns})")
    data = {f"extra_column_{k}": [k] for k in range(300)}
    wide = pyarrow.table({**data, "i": ["one"], "x": [1]})
    error = refused(db, ARG, 'missing: "missing_column_0", ', 'not in the table: "extra_column_0", ',
                    'of another type: "i" is string, the table\'s integer, "x" is int64',
                    data=wide, mode=APPEND)
    counts = [int(n) for n in re.findall(r" and (\d+) more", str(error))]
    shown = [len(re.findall(word, str(error))) for word in ("missing_column", "extra_column")]
    assert [n + m for n, m in zip(counts, shown)] == [50, 300]
    lists = pyarrow.table({f"a_list_{k}": pyarrow.array([[k]]) for k in range(90)})
    error = refused(db, UNSUPPORTED, '"a_list_0" is list', data=lists, table="l")
    assert int(re.search(r" and (\d+) more$", str(error))[1]) + str(error).count("a_list_") == 90


def test_the_option_that_would_help_is_named(db):
    db.execute(f"CREATE TABLE {db.name()} (i int, x bigint)")
    data = numbered(pyarrow.array([D(5)], pyarrow.decimal128(18, 0)))
    refused(db, TYPE, "bigint (HYL_LOSSY_NUMBERS takes what fits)", data=data, mode=APPEND)
    assert db.insert(data, mode=APPEND, lossy=NUMBERS) == (1, 0)


NARROW = [
    (pyarrow.int64(), "integer"), (pyarrow.uint16(), "smallint"), (pyarrow.uint64(), "bigint"),
    (pyarrow.int64(), "double precision"), (pyarrow.int32(), "real"), (pyarrow.float64(), "real"),
    (pyarrow.int32(), "numeric(10,1)"), (pyarrow.decimal128(18, 3), "numeric(18,2)"),
    (pyarrow.decimal128(18, 3), "numeric(17,3)"), (pyarrow.timestamp("us"), "timestamptz"),
    (pyarrow.timestamp("us", "UTC"), "timestamp"), (pyarrow.string(), "bytes"),
    (pyarrow.binary(), "text"), (pyarrow.binary(), "tableau.tabgeography"),
    (pyarrow.binary(15), "uuid"), (pyarrow.int32(), "oid"), (pyarrow.timestamp("us"), "date"),
]


@pytest.mark.parametrize("arrow, sql", NARROW, ids=lambda value: str(value))
def test_what_would_lose_is_refused_before_it_is_sent(db, arrow, sql):
    db.execute(f"CREATE TABLE {db.name()} (i int, x {sql})")
    refused(db, TYPE, '"x" is', data=numbered(pyarrow.array([None], arrow)), mode=APPEND)
    assert db.count() == 0


VALUES = [
    (pyarrow.string(), "varchar(2)", "abc", RANGE, "too many"),
    (pyarrow.string(), "text NOT NULL", None, NULLVAL, "NOT NULL"),
    (pyarrow.int64(), "bigint NOT NULL", None, NULLVAL, "NOT NULL"),
    (pyarrow.null(), "int NOT NULL", None, NULLVAL, "NOT NULL"),
    (pyarrow.timestamp("ns"), "timestamp", 1, RANGE, "1 nanoseconds"),
    (pyarrow.time64("ns"), "time", 1, RANGE, "1 nanoseconds"),
    (pyarrow.timestamp("s"), "timestamp", 2**62, RANGE, "out of range for timestamp"),
    (pyarrow.date32(), "date", 2**31 - 1, RANGE, "out of range for date"),
    (pyarrow.time64("us"), "time", 86400000001, RANGE, "out of range for time"),
]


@pytest.mark.parametrize("arrow, sql, bad, status, words", VALUES, ids=lambda v: str(v)[:20])
def test_values_that_do_not_fit_change_nothing(db, arrow, sql, bad, status, words):
    db.execute(f"CREATE TABLE {db.name()} (i int, x {sql})")
    good = {pyarrow.string(): "a"}.get(arrow, None if arrow == pyarrow.null() else 0)
    storage = {32: pyarrow.int32(), 64: pyarrow.int64()}
    def make(values):
        if arrow in (pyarrow.string(), pyarrow.null(), pyarrow.int64()):
            return pyarrow.array(values, arrow)
        return pyarrow.array(values, storage[arrow.bit_width]).view(arrow)
    count = 0 if good is None else 200000
    data = numbered(pyarrow.chunked_array([make([good] * count), make([bad])], arrow))
    refused(db, status, f'row {count + 1}, column 2 "x"', words, data=data, mode=APPEND)
    assert db.count() == 0
    refused(db, status, words, data=numbered(make([bad])), mode=APPEND)
    assert db.count() == 0


# Days from 1970: the first that a timestamp has, 4713-01-01 BC, and the one behind the last, 294276-12-31.
FIRST, END = -2_451_507 + 10_957, 106_751_983 + 10_957
LAST_TEXT = "294276-12-31 "

# Arrow, type in SQL, units in a day, the last value, what no longer is one, the last value as text.
FAR = [
    (pyarrow.date32(), "timestamp", 1, END - 1, [FIRST - 1, END], LAST_TEXT),
    (pyarrow.date64(), "timestamp", 86_400_000, (END - 1) * 86_400_000,
     [(FIRST - 1) * 86_400_000, END * 86_400_000], LAST_TEXT),
] + [
    (pyarrow.timestamp(unit, zone), f"timestamp{'tz' if zone else ''}", per_day, END * per_day - 1,
     [FIRST * per_day - 1, END * per_day], f"{LAST_TEXT}23:59:59")
    for unit, per_day in [("s", 86_400), ("ms", 86_400_000)] for zone in [None, "UTC"]
] + [
    (pyarrow.timestamp("us", zone), f"timestamp{'tz' if zone else ''}", 86_400_000_000, 2**63 - 1,
     [FIRST * 86_400_000_000 - 1], "294247-01-10 04:00:54.775807")
    for zone in [None, "UTC"]
]


@pytest.mark.parametrize("arrow, sql, per_day, last, beyond, text", FAR, ids=str)
def test_timestamps_reach_as_far_as_the_type(db, arrow, sql, per_day, last, beyond, text):
    """Behind 294247-01-10 04:00:54.775807 their microseconds from 1970 are more than 64 bits have."""
    def rows(value):
        storage = {32: pyarrow.int32(), 64: pyarrow.int64()}[arrow.bit_width]
        return numbered(pyarrow.array([value], storage).view(arrow))

    db.execute("SET timezone = 'UTC'")
    db.execute(f"CREATE TABLE {db.name()} (i int, x {sql})")
    assert db.insert(rows(last), mode=APPEND) == (1, 0)
    assert db.insert(rows(FIRST * per_day), mode=APPEND) == (1, 0)
    table = db.read(f"SELECT CAST(x AS text) AS y FROM {db.name()} ORDER BY x DESC")
    found = table["y"].to_pylist()
    assert found[0].startswith(text) and found[1].startswith("4713-01-01 00:00:00")
    for value in beyond:
        refused(db, RANGE, 'row 1, column 2 "x"', "out of range for ", data=rows(value), mode=APPEND)
    assert db.count() == 2


def test_invalid_utf8_is_refused(db):
    bad = pyarrow.array([b"fine", b"a\xff"]).view(pyarrow.string())
    refused(db, ARG, 'row 2, column 2 "x"', "UTF-8", data=numbered(bad))
    refused(db, SERVER, "t", data=numbered(pyarrow.array(["a"])), mode=APPEND)  # dropped again


def test_nanoseconds_are_cut_off_on_request(db):
    values = pyarrow.array([1999, -1, 2000, None], pyarrow.timestamp("ns"))
    assert db.insert(numbered(values), lossy=TIMES) == (4, 2)
    assert db.column() == [dt.datetime(1970, 1, 1, 0, 0, 0, 1),
                           dt.datetime(1969, 12, 31, 23, 59, 59, 999999),
                           dt.datetime(1970, 1, 1, 0, 0, 0, 2), None]


LOSSY = [
    ("double to real", pyarrow.float64(), [0.5, 0.1, None, float("inf")], "real", NUMBERS, 1,
     [0.5, 0.10000000149011612, None, float("inf")]),
    ("double to integer", pyarrow.float64(), [1.0, 2.5, -2.5, 0.49, None, -0.0], "integer", NUMBERS,
     3, [1, 3, -3, 0, None, 0]),
    ("double to numeric", pyarrow.float64(), [0.1, 2.675, -0.005, 1e9, 99.999], "numeric(12,2)",
     NUMBERS, 3, [D("0.10"), D("2.68"), D("-0.01"), D("1000000000.00"), D("100.00")]),
    ("float to smallint", pyarrow.float32(), [1.5, 7.0], "smallint", NUMBERS, 1, [2, 7]),
    ("float to numeric", pyarrow.float32(), [0.1], "numeric(3,1)", NUMBERS, 0, [D("0.1")]),
    ("int64 to integer", pyarrow.int64(), [-(2**31), 2**31 - 1], "integer", NUMBERS, 0,
     [-(2**31), 2**31 - 1]),
    ("int64 to double", pyarrow.int64(), [2**53, 2**53 + 1, -7], "double precision", NUMBERS, 1,
     [2.0**53, 2.0**53, -7.0]),
    ("uint64 to bigint", pyarrow.uint64(), [2**63 - 1], "bigint", NUMBERS, 0, [2**63 - 1]),
    ("uint64 to real", pyarrow.uint64(), [2**64 - 1], "real", NUMBERS, 1, [2.0**64]),
    ("int32 to numeric", pyarrow.int32(), [999], "numeric(4,1)", NUMBERS, 0, [D("999.0")]),
    ("decimal to fewer places", pyarrow.decimal128(18, 3), [D("1.005"), D("1.230"), D("-9.995"),
                                                            D("0.004")],
     "numeric(9,2)", NUMBERS, 3, [D("1.01"), D("1.23"), D("-10.00"), D("0.00")]),
    ("decimal256 to numeric", pyarrow.decimal256(60, 40), [D("12.5")], "numeric(38,10)", NUMBERS, 0,
     [D("12.5000000000")]),
    ("decimal to integer", pyarrow.decimal128(10, 1), [D("99.5"), D("3.0")], "bigint", NUMBERS, 1,
     [100, 3]),
    ("decimal to double", pyarrow.decimal128(38, 1), [D("0.1"), D(10**30 + 1)], "double precision",
     NUMBERS, 1, [0.1, 1e30]),
    ("timestamp to date", pyarrow.timestamp("ms"), [0, 1, -1, None], "date", TIMES, 2,
     [dt.date(1970, 1, 1), dt.date(1970, 1, 1), dt.date(1969, 12, 31), None]),
    ("ns to timestamp", pyarrow.timestamp("ns"), [1999, 2000, -1], "timestamp", TIMES, 2,
     [dt.datetime(1970, 1, 1, 0, 0, 0, 1), dt.datetime(1970, 1, 1, 0, 0, 0, 2),
      dt.datetime(1969, 12, 31, 23, 59, 59, 999999)]),
    ("ns to time", pyarrow.time64("ns"), [1, 1000], "time", TIMES, 1,
     [dt.time(0), dt.time(0, 0, 0, 1)]),
    ("date64", pyarrow.date64(), [86400001, -1], "date", TIMES, 2,
     [dt.date(1970, 1, 2), dt.date(1969, 12, 31)]),
]


@pytest.mark.parametrize("arrow, values, sql, lossy, changed, back", [c[1:] for c in LOSSY],
                         ids=[c[0] for c in LOSSY])
def test_changes_are_made_on_request_and_counted(db, arrow, values, sql, lossy, changed, back):
    db.execute(f"CREATE TABLE {db.name()} (i bigint, x {sql})")
    if arrow in (pyarrow.date64(), pyarrow.time64("ns")) or pyarrow.types.is_timestamp(arrow):
        data = pyarrow.array(values, pyarrow.int64()).view(arrow)
    else:
        data = pyarrow.array(values, arrow)
    refused(db, TYPE if lossy == NUMBERS or sql == "date" and "timestamp" in str(arrow) else RANGE,
            "", data=numbered(data), mode=APPEND)
    assert db.insert(numbered(data), mode=APPEND, lossy=lossy) == (len(values), changed)
    assert db.column() == back
    coded = numbered(data.dictionary_encode())
    assert db.insert(coded, mode=APPEND, lossy=lossy)[1] == changed


UNFIT = [
    (pyarrow.float64(), float("nan"), "integer"), (pyarrow.float64(), float("inf"), "numeric(9,2)"),
    (pyarrow.float64(), 40000.0, "smallint"), (pyarrow.float64(), 1e39, "real"),
    (pyarrow.float64(), 9.999, "numeric(3,2)"), (pyarrow.int64(), 2**31, "integer"),
    (pyarrow.int32(), -1, "oid"), (pyarrow.int64(), 1000, "numeric(4,1)"),
    (pyarrow.uint64(), 2**63, "bigint"), (pyarrow.decimal256(76, 0), D(10**75), "numeric(38,0)"),
    (pyarrow.decimal256(76, 0), D(10**75), "real"),
]


@pytest.mark.parametrize("arrow, value, sql", UNFIT, ids=lambda value: str(value)[:20])
def test_what_no_change_makes_fit_is_refused(db, arrow, value, sql):
    db.execute(f"CREATE TABLE {db.name()} (i bigint, x {sql})")
    data = numbered(pyarrow.array([None, value], arrow))
    refused(db, RANGE, 'row 2, column 2 "x"', data=data, mode=APPEND, lossy=NUMBERS | TIMES)
    assert db.count() == 0


def test_some_types_never_become_others(db):
    db.execute(f"CREATE TABLE {db.name()} (i bigint, x date)")
    data = numbered(pyarrow.array([None], pyarrow.timestamp("us", "UTC")))
    refused(db, TYPE, '"x" is', data=data, mode=APPEND, lossy=NUMBERS | TIMES)
    data = numbered(pyarrow.array(["1"]))
    refused(db, TYPE, '"x" is', data=data, mode=APPEND, lossy=NUMBERS | TIMES)


def every_half():
    bits = numpy.arange(65536, dtype=numpy.uint16)
    return pyarrow.array(bits.view(numpy.float16))


@pytest.mark.parametrize("sql", ["real", "double precision"])
@pytest.mark.parametrize("shape", ["plain", "dictionary", "runs"])
def test_every_half_is_the_number_that_it_is(db, sql, shape):
    halves = every_half()
    data = {
        "plain": lambda: halves,
        "dictionary": lambda: pyarrow.DictionaryArray.from_arrays(
            pyarrow.array(range(65536), pyarrow.int32()), halves),
        "runs": lambda: pyarrow.RunEndEncodedArray.from_arrays(
            pyarrow.array(range(1, 65537), pyarrow.int32()), halves),
    }[shape]()
    db.execute(f"CREATE TABLE {db.name()} (i int, x {sql})")
    assert db.insert(numbered(data), mode=APPEND) == (65536, 0)
    got = db.read(f"SELECT x FROM {db.name()} ORDER BY i").column("x").to_numpy()
    wanted = halves.to_numpy(zero_copy_only=False).astype(got.dtype)
    assert numpy.array_equal(got, wanted, equal_nan=True)


def test_halves_count_by_their_digits(db):
    db.execute(f"CREATE TABLE {db.name()} (i int, x numeric(14,9))")
    data = pyarrow.array(numpy.array([2**-24, -2.0**-24, 2**-15, 65504], numpy.float16))
    assert db.insert(numbered(data), mode=APPEND, lossy=NUMBERS) == (4, 3)
    assert db.column() == [D("0.000000060"), D("-0.000000060"), D("0.000030518"), D(65504)]


def sparse(seed, exponents, dtype):
    """Whole numbers between which others are left out: all that a float holds of such size."""
    made = numpy.random.default_rng(seed)
    values = numpy.ldexp(made.uniform(1, 2, 500), made.integers(*exponents, 500)).astype(dtype)
    return numpy.where(made.random(500) < 0.5, values, -values)


WHOLE = [
    ("bigint", numpy.float32, (24, 63)), ("bigint", numpy.float64, (53, 63)),
    ("numeric(38,0)", numpy.float32, (24, 126)), ("numeric(38,0)", numpy.float64, (53, 126)),
    ("numeric(38,10)", numpy.float32, (24, 92)), ("numeric(38,10)", numpy.float64, (53, 92)),
    ("numeric(18,0)", numpy.float64, (53, 59)), ("bigint", numpy.float64, (0, 40)),
]


@pytest.mark.parametrize("sql, dtype, exponents", WHOLE, ids=lambda v: str(v))
def test_whole_numbers_of_floats_are_exact(db, sql, dtype, exponents):
    """The server casts them to the same bigint; Python's integers are exact."""
    values = numpy.trunc(sparse(7, exponents, dtype))
    values = values[numpy.abs(values.astype(float)) < 10.0 ** 37.99]
    db.execute(f"CREATE TABLE {db.name()} (i int, x {sql})")
    data = numbered(pyarrow.array(values))
    assert db.insert(data, mode=APPEND, lossy=NUMBERS) == (len(values), 0)
    assert db.column() == [int(value) for value in values]
    if sql == "bigint":
        db.insert(data, "f")
        sql = (f"SELECT count(*) AS n FROM {db.name()} t, {db.name('f')} f "
               "WHERE t.i = f.i AND t.x = CAST(f.x AS bigint)")
        assert db.read(sql).column("n")[0].as_py() == len(values)
        assert db.column() == data.column("x").cast(pyarrow.int64()).to_pylist()


def test_the_ends_of_bigint(db):
    db.execute(f"CREATE TABLE {db.name()} (i int, x bigint)")
    below = float(numpy.nextafter(2.0**63, 0))
    data = numbered(pyarrow.array([-(2.0**63), below]))
    assert db.insert(data, mode=APPEND, lossy=NUMBERS) == (2, 0)
    assert db.column() == [-(2**63), int(below)]
    for bad in (2.0**63, float(numpy.nextafter(-(2.0**63), -1e30)), float("nan"), float("-inf")):
        refused(db, RANGE, 'row 1, column 2 "x"', data=numbered(pyarrow.array([bad])), mode=APPEND,
                lossy=NUMBERS)
    assert db.count() == 2


def test_what_becomes_a_sparse_double_is_counted_rightly(db):
    """2^60 is a double; its neighbours are not, and neither is 10^23, which many write so."""
    db.execute(f"CREATE TABLE {db.name()} (i int, x double precision)")
    data = numbered(pyarrow.array([2**60, 2**60 + 1]))
    assert db.insert(data, mode=APPEND, lossy=NUMBERS) == (2, 1)
    assert db.column() == [2.0**60, 2.0**60]
    data = numbered(pyarrow.array([D(10**22), D(10**23)], pyarrow.decimal128(38, 0)))
    assert db.insert(data, mode=APPEND, lossy=NUMBERS) == (2, 1)


# ---- other producers ----------------------------------------------------------------------------


def frame_of_polars():
    return polars.DataFrame({
        "i": polars.Series([1, 2, 3] * 500, dtype=polars.Int32),
        "t": ["short", None, "a text of more than twelve bytes"] * 500,
        "c": polars.Series(["x", "y", None] * 500, dtype=polars.Categorical),
        "m": polars.Series(["1.25", None, "-7.50"] * 500).cast(polars.Decimal(10, 2)),
        "b": [True, None, False] * 500,
        "d": polars.Series([dt.date(2024, 2, 29), None, dt.date(1, 1, 1)] * 500),
        "z": polars.Series([NOW, None, NOW] * 500).dt.replace_time_zone("UTC"),
        "p": [dt.timedelta(hours=30), None, dt.timedelta(0)] * 500,
        "n": [None, None, None] * 500,
    })


def test_polars_frames(db):
    frame = frame_of_polars()
    assert db.insert(frame) == (1500, 0)
    # polars itself reads no intervals.
    sql = f"SELECT i, t, c, m, b, d, z, n, CAST(p AS text) AS p FROM {db.name()}"
    got = polars.DataFrame(db.connection.arrow(sql)).sort("i", "t")
    wanted = frame.with_columns(frame["c"].cast(polars.String)).sort("i", "t")
    for name in "itcmbdz":
        assert got[name].to_list() == wanted[name].to_list()
    assert got["n"].null_count() == 1500
    assert sorted(map(str, got["p"].unique().to_list())) == ["None", "PT0S", "PT30H"]


@pytest.mark.parametrize("codec", ["uncompressed", "lz4", "zstd"])
def test_arrow_files(db, codec):
    """Through hyl_arrow_ipc_open into a table."""
    sink = io.BytesIO()
    frame_of_polars().write_ipc(sink, compression=codec)
    assert db.insert(Opened(sink.getvalue())) == (1500, 0)
    assert db.read(f"SELECT count(*) AS n FROM {db.name()} WHERE c = 'x' AND m = 1.25"
                   ).column("n")[0].as_py() == 500


def test_pandas_frames(db):
    frame = pandas.DataFrame({
        "i": numpy.arange(6, dtype="int32"),
        "t": ["a", None, "ü" * 20] * 2,
        "c": pandas.Categorical(["x", "y", None] * 2),
        "f": [0.5, None, -1.0] * 2,
        "s": pandas.to_datetime(["2024-02-29 12:34:56.789"] * 6),
    })
    assert db.insert(frame) == (6, 0)
    got = db.read(f"SELECT * FROM {db.name()} ORDER BY i").to_pydict()
    assert got["t"] == ["a", None, "ü" * 20] * 2
    assert got["c"] == ["x", "y", None] * 2
    assert got["f"] == [0.5, None, -1.0] * 2
    assert got["s"] == [dt.datetime(2024, 2, 29, 12, 34, 56, 789000)] * 6


def test_duckdb_relations(db):
    relation = duckdb.sql("SELECT i::INTEGER AS i, 'text ' || i AS t, (i / 4)::DECIMAL(9,2) AS m, "
                          "CASE WHEN i % 3 = 0 THEN NULL ELSE i END AS n FROM range(5000) r(i)")
    assert db.insert(relation) == (5000, 0)
    sql = f"SELECT count(*) AS n, count(n) AS k, sum(m) AS m FROM {db.name()} WHERE t = 'text ' || i"
    (row,) = db.read(sql).to_pylist()
    assert (row["n"], row["k"]) == (5000, 3333)
    assert row["m"] == D(sum(range(5000))) / 4


class CArray(ctypes.Structure):
    """struct ArrowArray, as far as the children."""


CArray._fields_ = [
    ("length", c_int64), ("null_count", c_int64), ("offset", c_int64), ("n_buffers", c_int64),
    ("n_children", c_int64), ("buffers", c_void_p),
    ("children", POINTER(POINTER(CArray))), ("dictionary", c_void_p), ("release", c_void_p),
    ("private_data", c_void_p),
]
GET_NEXT = ctypes.CFUNCTYPE(c_int, c_void_p, POINTER(CArray))


class TamperedStream(Stream):
    """Hands out batches after `change` has had its way with them (the CArray, and a keeper of bytes)."""

    def __init__(self, schema, batches, change):
        super().__init__()
        pyarrow.RecordBatchReader.from_batches(schema, batches)._export_to_c(self.address)
        get_next = GET_NEXT(self.c.get_next)
        self.kept = []

        def changed(stream, out):
            code = get_next(stream, out)
            if code == 0 and out[0].release:
                change(out[0], self)
            return code

        self.function = GET_NEXT(changed)
        self.c.get_next = ctypes.cast(self.function, c_void_p)

    def put(self, array, buffer, values):
        """Puts other values in a buffer's place."""
        self.kept.append(numpy.ascontiguousarray(values))
        ctypes.cast(array.buffers, POINTER(c_void_p))[buffer] = self.kept[-1].ctypes.data


def tampered(array, change):
    """Rows 4 to 7, behind a good batch of four, are of an array with `change`."""
    batch = numbered(array).to_batches()[0]
    seen = []

    def change_second(out, stream):
        seen.append(out)
        if len(seen) == 2:
            change(out.children[1][0], stream)

    return TamperedStream(batch.schema, [batch, batch], change_second)


def test_nulls_that_are_not_counted(db):
    def count_nothing(out, _):
        for i in range(out.n_children):
            out.children[i][0].null_count = -1

    batch = numbered(pyarrow.array(["a", "b"])).to_batches()[0]
    assert db.insert(TamperedStream(batch.schema, [batch], count_nothing)) == (2, 0)
    assert db.column() == ["a", "b"]


# ---- producers that lie -------------------------------------------------------------------------

LONG = ["a text of twenty bytes"] * 4  # 22


def offsets(kind, *ends):
    return lambda array, stream: stream.put(array, 1, numpy.array(ends, kind))


def view(row, *parts):
    def change(array, stream):
        buffers = ctypes.cast(array.buffers, POINTER(c_void_p))
        views = numpy.frombuffer(ctypes.string_at(buffers[1], 64), numpy.int32).copy()
        views[row * 4:row * 4 + 4] = parts
        stream.put(array, 1, views)
    return change


def setting(**members):
    def change(array, _):
        for name, value in members.items():
            setattr(array, name, value)
    return change


I32, I64 = numpy.int32, numpy.int64
LIES = [
    ("spike", pyarrow.string(), offsets(I32, 0, 1 << 30, 44, 66, 88), "row 5"),
    ("decrease", pyarrow.string(), offsets(I32, 0, 22, 44, 43, 88), "row 7"),
    ("negative", pyarrow.binary(), offsets(I32, 0, 22, -(1 << 31), 66, 88), "row 6"),
    ("first", pyarrow.string(), offsets(I32, -5, 22, 44, 66, 88), "behind row 4"),
    ("last", pyarrow.string(), offsets(I32, 0, 22, 44, 66, -88), "behind row 4"),
    ("large spike", pyarrow.large_string(), offsets(I64, 0, 22, 1 << 62, 66, 88), "row 6"),
    ("large decrease", pyarrow.large_binary(), offsets(I64, 0, 22, 21, 66, 88), "row 6"),
    ("view's buffer", pyarrow.string_view(), view(1, 22, 0, 9, 0), "row 6"),
    ("view's buffer below", pyarrow.string_view(), view(1, 22, 0, -1, 0), "row 6"),
    ("view's offset", pyarrow.binary_view(), view(2, 22, 0, 0, 1 << 30), "row 7"),
    ("view's offset below", pyarrow.string_view(), view(3, 22, 0, 0, -8), "row 8"),
    ("view's length", pyarrow.string_view(), view(0, -22, 0, 0, 0), "row 5"),
    ("length", pyarrow.string(), setting(length=-1), "behind row 4"),
    ("offset", pyarrow.string_view(), setting(offset=-1), "behind row 4"),
    ("far offset", pyarrow.string(), setting(offset=2**63 - 2), "behind row 4"),
    ("buffers", pyarrow.string(), setting(n_buffers=0), "behind row 4"),
    ("no buffers", pyarrow.string_view(), setting(buffers=None), "behind row 4"),
    ("released", pyarrow.string(), setting(release=None), "behind row 4"),
]


@pytest.mark.parametrize("arrow, lie, row", [c[1:] for c in LIES], ids=[c[0] for c in LIES])
def test_arrays_that_lie_are_refused(db, arrow, lie, row):
    """By name, with nothing inserted, into new tables, existing ones and by values of other types."""
    stream = tampered(pyarrow.array(LONG, arrow), lie)
    refused(db, ARG, row, '"x"', data=stream)
    refused(db, SERVER, "does not exist", data=numbered(pyarrow.array(["a"])), mode=APPEND)
    sql = "bytes" if "binary" in str(arrow) else "char(30)"
    db.execute(f"CREATE TABLE {db.name()} (i int, x {sql})")
    refused(db, ARG, row, '"x"', data=tampered(pyarrow.array(LONG, arrow), lie), mode=APPEND)
    assert db.count() == 0


def test_dictionaries_that_lie_are_refused(db):
    words = pyarrow.array(["one", "two", "three"])
    data = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0, 1, 2, 0], pyarrow.int8()), words)
    def change(array, stream):
        dictionary = ctypes.cast(array.dictionary, POINTER(CArray))[0]
        stream.put(dictionary, 1, numpy.array([0, 3, 1 << 30, 11], I32))
    refused(db, ARG, 'row 6, column 2 "x"', data=tampered(data, change))


# ---- blocks and single values -------------------------------------------------------------------


@BY_NAME
@pytest.mark.parametrize("nulls", [0, 1, 2], ids=["no nulls", "some", "many"])
def test_blocks_are_equal_to_single_values(db, make, values, home, back, nulls):
    """5,000 values of a slice that begins inside a byte of the bitmap."""
    back = values if back is SAME else back
    unit, want = [(values, back), (values * 5 + [None], back * 5 + [None]),
                  ([None, None] + values, [None, None] + back)][nulls]
    source = make((unit * (5100 // len(unit) + 1))[:5100]).slice(13, 5000)
    wanted = (want * (5100 // len(want) + 1))[:5100][13:5013]
    assert db.insert(numbered(source)) == (5000, 0)
    assert db.column() == wanted


# ---- new tables ---------------------------------------------------------------------------------


def test_modes(db):
    data = numbered(pyarrow.array(["a"]))
    error = refused(db, SERVER, "does not exist", data=data, mode=APPEND)
    assert error.sqlstate == "42P01"
    assert db.insert(data, mode=CREATE_IF_MISSING) == (1, 0)
    assert db.insert(data, mode=CREATE_IF_MISSING) == (1, 0)
    error = refused(db, SERVER, "", data=data, mode=CREATE)
    assert error.sqlstate == "42P07"
    assert db.count() == 2


def test_nullability_is_the_fields(db):
    schema = pyarrow.schema([pyarrow.field("i", pyarrow.int32(), False),
                             pyarrow.field("x", pyarrow.string())])
    table = pyarrow.table({"i": pyarrow.array([1], pyarrow.int32()), "x": ["a"]}, schema)
    db.insert(table)
    got = db.read(f"SELECT * FROM {db.name()}").schema
    assert not got.field("i").nullable and got.field("x").nullable


def test_metadata_choose_the_type_behind_dictionaries_and_runs(db):
    """pyarrow keeps a field's metadata at the field, in front of its dictionary or runs."""
    words = pyarrow.array(["a", "b"])
    kinds = [({"hyper:max_string_length": "7"}, "character varying(7)"),
             ({"hyper:type": "Char", "hyper:max_string_length": "3"}, "character(3)"),
             ({"hyper:type": "JSON"}, "json")]
    arrays = [pyarrow.array(['"a"', '"b"']).dictionary_encode(),
              pyarrow.RunEndEncodedArray.from_arrays([1, 2], pyarrow.array(["1", "2"])), words]
    for n, (metadata, home) in enumerate(kinds):
        for k, array in enumerate(arrays[: 3 if n < 1 else 2]):
            table = f"t{n}{k}"
            schema = pyarrow.schema([pyarrow.field("x", array.type, metadata=metadata)])
            assert db.insert(pyarrow.table([array], schema), table) == (2, 0)
            assert db.type_of(table) == home


def test_uuids_are_known_by_their_metadata(db):
    field = pyarrow.field("x", pyarrow.binary(16), metadata={"hyper:type": "Uuid"})
    db.insert(pyarrow.table([pyarrow.array([bytes(range(16))], field.type)], pyarrow.schema([field])))
    sql = f"SELECT CAST(x AS text) AS x FROM {db.name()}"
    assert db.read(sql).column("x")[0].as_py() == "00010203-0405-0607-0809-0a0b0c0d0e0f"
    got = db.read(f"SELECT * FROM {db.name()}")
    assert got.schema.field("x").metadata[b"hyper:type_name"] == b"uuid"


def test_lists_are_refused_clearly(db):
    db.execute("CREATE TEMP TABLE arrays (i bigint, x array(integer))")
    data = numbered(pyarrow.array([[1]], pyarrow.list_(pyarrow.int32())))
    refused(db, TYPE, '"x" is list', "the table's array(integer)", data=data, mode=APPEND,
            name="arrays")
    db.execute("DROP TABLE arrays")


def test_types_without_a_home_are_listed(db):
    table = pyarrow.table({"i": [1], "l": [[1]], "s": [{"a": 1}],
                           "w": pyarrow.array([1], pyarrow.decimal256(60, 0))})
    refused(db, UNSUPPORTED, '"l" is list', '"s" is struct', '"w" is decimal256', data=table)
    refused(db, SERVER, "does not exist", data=numbered(pyarrow.array(["a"])), mode=APPEND)


def test_a_table_that_failed_is_dropped(db):
    rows = 300000
    def batches():
        yield numbered(pyarrow.array(["x" * 20] * rows)).to_batches()[0]
        raise ValueError("the producer is out of order")
    schema = numbered(pyarrow.array(["x"])).schema
    refused(db, IO, "the producer is out of order",
            data=pyarrow.RecordBatchReader.from_batches(schema, batches()))
    refused(db, SERVER, "does not exist", data=numbered(pyarrow.array(["a"])), mode=APPEND)


@pytest.mark.parametrize("name", [None, "v4.public.missing", "missing", "no_schema.missing"])
def test_nothing_is_created_in_a_transaction(db, name):
    data = numbered(pyarrow.array(["a"]))
    db.execute(f"CREATE TABLE {db.name('work')} (i int)")
    db.execute("BEGIN")
    db.execute(f"INSERT INTO {db.name('work')} VALUES (1)")
    for mode in [CREATE, CREATE_IF_MISSING]:
        refused(db, STATE, "inside a transaction", data=data, mode=mode, name=name)
    refused(db, SERVER, "does not exist", data=data, mode=APPEND, name=name)
    db.execute("COMMIT")  # of a transaction that has not failed
    assert db.count("work") == 1


def test_a_table_without_columns_says_so(db):
    name = db.name("bare")
    db.execute(f"CREATE TABLE {name} ()")
    data = numbered(pyarrow.array(["a"]))
    refused(db, ARG, "has no columns", data=data, mode=APPEND, name=name)
    refused(db, ARG, "has no columns", data=data, mode=CREATE_IF_MISSING, name=name)


def test_older_file_versions(db):
    """Version 2 has no real, and no numeric of more than 18 digits."""
    path = db.folder / "v2.hyper"
    db.execute(f'CREATE DATABASE "{path}" WITH VERSION 2')
    db.execute(f'ATTACH DATABASE "{path}" AS v2')
    data = pyarrow.table({"h": pyarrow.array([0.5], pyarrow.float16()),
                          "f": pyarrow.array([0.25], pyarrow.float32())})
    assert db.insert(data, name="v2.public.f") == (1, 0)
    assert db.read("SELECT * FROM v2.public.f").to_pylist() == [{"h": 0.5, "f": 0.25}]
    wide = pyarrow.table({"n": pyarrow.array([D(1)], pyarrow.decimal128(38, 18))})
    refused(db, SERVER, 'column "n" is numeric(38,18), which needs file version 3',
            data=wide, name="v2.public.n")
    db.execute("DETACH DATABASE v2")


def test_odd_names(db):
    names = ["select", 'a"b', "Größe", "UPPER lower"]
    table = pyarrow.table({name: [n] for n, name in enumerate(names)})
    name = 'v4.public."od.d""t"'
    assert db.insert(table, name=name) == (1, 0)
    assert db.insert(table, name=name, mode=APPEND) == (1, 0)
    assert db.read(f"SELECT * FROM {name}").schema.names == names
    db.execute(f"DROP TABLE {name}")


# ---- memory -------------------------------------------------------------------------------------


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


def test_appending_does_not_grow(db):
    """HYL_TEST_FULL=1 in the environment: with a million rows each time, for a minute or two."""
    count = 1_000_000 if os.environ.get("HYL_TEST_FULL") == "1" else 20_000
    data = pyarrow.table({"i": pyarrow.array(range(count), pyarrow.int32()),
                          "x": pyarrow.array(["value"] * count, pyarrow.string_view())})
    db.insert(data)
    for _ in range(10):
        db.insert(data, mode=APPEND)
    before = resident_bytes()
    for _ in range(100):
        db.insert(data, mode=APPEND)
    assert resident_bytes() - before < 8_000_000
    assert db.count() == count * 111


def test_huge_values_among_small_ones(db):
    values = ["s"] * 2000 + ["h" * 5_000_000] + ["s"] * 2000 + ["g" * 3_000_000]
    for number, arrow in enumerate((pyarrow.string(), pyarrow.string_view())):
        table = f"t{number}"
        assert db.insert(numbered(pyarrow.array(values, arrow)), table) == (len(values), 0)
        assert db.column("length(x)", table) == [len(value) for value in values]
