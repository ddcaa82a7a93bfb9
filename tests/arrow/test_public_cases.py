"""Cases that people have reported in public about Arrow in and out of Hyper and its like, replayed
with our own inputs. Each names its source."""

import datetime as dt
import decimal

import pyarrow
import pytest
from binding import HyperlineError
from test_insert import APPEND, ARG, SERVER, Database, numbered

D = decimal.Decimal
NOW = dt.datetime(2025, 1, 12, 12, 26, 40, 123456)
FIRST, LAST = dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    made = Database(tmp_path_factory.mktemp("arrow_public"))
    yield made
    made.connection.close()


@pytest.fixture
def db(database):
    yield database
    database.clear()


def in_step(db):
    assert db.read("SELECT 1 AS a").to_pydict() == {"a": [1]}


# ---- values -------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_null_and_the_ends_of_time_stay_apart(db, zone):
    """innobi/pantab#56, #60, #121, #174: NULL became a date, and the last date an error."""
    values = [NOW, None, FIRST, LAST]
    if zone:
        values = [value and value.replace(tzinfo=dt.timezone.utc) for value in values]
    column = pyarrow.array(values, pyarrow.timestamp("us", zone))
    assert db.insert(numbered(column)) == (4, 0)
    assert db.read(f"SELECT x FROM {db.name()} ORDER BY i").column("x").to_pylist() == values


def test_decimals_keep_their_digits(db):
    """innobi/pantab#339, #342: 0.001 came back as 0.1."""
    values = [D("0.001"), D("10.010"), D("-0.005"), D("0.000")]
    assert db.insert(numbered(pyarrow.array(values, pyarrow.decimal128(18, 3)))) == (4, 0)
    back = db.column()
    assert [str(value) for value in back] == ["0.001", "10.010", "-0.005", "0.000"]


@pytest.mark.parametrize(
    "sql, type_, text",
    [
        # tableau/hyper-api-rust, its numeric_typemod tests
        ("avg(i) AS x FROM (VALUES (1), (2)) t(i)", (16, 6), "1.500000"),
        ("avg(n) AS x FROM (VALUES (1::numeric(38,6)), (2)) t(n)", None, None),  # 16 bytes
        # apache/arrow-adbc#1501, #1502
        ("0::numeric(10,4) AS x FROM (VALUES (1)) t(i)", (10, 4), "0.0000"),
        ("0::numeric(10,0) AS x FROM (VALUES (1)) t(i)", (10, 0), "0"),
        ("1.01234::numeric(16,5) AS x FROM (VALUES (1)) t(i)", (16, 5), "1.01234"),
        # tableau/hyper-api-samples#89
        (
            "sum(a * b) * (0.0001 / 10) AS x FROM (VALUES (10.5::numeric(12,2), 3)) t(a, b)",
            (38, 6),
            "0.000315",
        ),
    ],
)
def test_computed_numbers_have_the_servers_type(db, sql, type_, text):
    table = db.read(f"SELECT {sql}")
    ((server_s,),) = db.connection.text(f"SELECT {sql}")
    assert str(table.column("x")[0].as_py()) == server_s
    if type_ is not None:
        assert table.schema.field("x").type == pyarrow.decimal128(*type_)
        assert server_s == text


def test_zones_and_dates_are_those_that_readers_know(db):
    """apache/arrow-adbc: polars and pandas refuse the zone "Utc"; a date is no timestamp."""
    schema = db.read("SELECT timestamptz '2024-02-29 12:00+02' AS t, date '2024-02-29' AS d").schema
    assert schema.field("t").type == pyarrow.timestamp("us", "UTC")
    assert schema.field("d").type == pyarrow.date32()


# ---- what comes in ------------------------------------------------------------------------------

DICTIONARIES = {
    "int32 to string": (pyarrow.int32(), ["b", "a", "unused"], [1, 0, None, 1]),
    "int8 to int64": (pyarrow.int8(), [7, -(2**62), 9], [0, 1, None, 0]),
    "null in the dictionary": (pyarrow.int32(), ["a", None], [1, 0, None, 1]),
}


@pytest.mark.parametrize("index, values, indices", DICTIONARIES.values(), ids=DICTIONARIES.keys())
def test_dictionaries_are_plain_columns(db, index, values, indices):
    """innobi/pantab#347, #352."""
    column = pyarrow.DictionaryArray.from_arrays(pyarrow.array(indices, index), pyarrow.array(values))
    assert db.insert(numbered(column)) == (4, 0)
    assert db.column() == column.to_pylist()


def test_an_empty_dictionary(db):
    """innobi/pantab#352."""
    column = pyarrow.DictionaryArray.from_arrays(
        pyarrow.array([None, None], pyarrow.int16()), pyarrow.array([], pyarrow.string())
    )
    assert db.insert(numbered(column)) == (2, 0)
    assert db.column() == [None, None]


def test_slices_are_equal_to_the_whole(db):
    """innobi/pantab's changelog, 5.2.2: the offset of a slice was left out."""
    count = 3007
    times = pyarrow.array([dt.time(i % 24, i % 60, 0, i) for i in range(count)], pyarrow.time64("us"))
    stamps = pyarrow.array([NOW + dt.timedelta(seconds=i) for i in range(count)], pyarrow.timestamp("us"))
    views = pyarrow.array(
        [None if i % 5 == 0 else bytes([i % 256]) * (i % 40) for i in range(count)],
        pyarrow.binary_view(),
    )
    numbers = pyarrow.array(range(count), pyarrow.int32())
    whole = pyarrow.record_batch([numbers, stamps, times, views], names=["i", "s", "t", "v"])
    slices = [whole.slice(7 + 1000 * n, 1000) for n in range(3)]
    reader = pyarrow.RecordBatchReader.from_batches(whole.schema, slices)
    assert db.insert(reader) == (3000, 0)
    back = db.read(f"SELECT * FROM {db.name()} ORDER BY i").to_pydict()
    assert back == pyarrow.Table.from_batches(slices).to_pydict()


def test_an_empty_batch_is_not_the_end(db):
    """forcedotcom/datacloud-jdbc#185, #187: what came behind a batch of no rows was lost."""
    schema = pyarrow.schema(
        [("s", pyarrow.string()), ("t", pyarrow.timestamp("us")), ("d", pyarrow.decimal128(18, 2))]
    )
    rows = [
        {"s": "a", "t": NOW, "d": D("1.50")},
        {"s": None, "t": NOW, "d": None},
        {"s": None, "t": None, "d": None},
    ]
    pieces = [rows[:2], [], rows[2:]]
    batches = [pyarrow.RecordBatch.from_pylist(piece, schema) for piece in pieces]
    assert db.insert(pyarrow.RecordBatchReader.from_batches(schema, batches)) == (3, 0)
    assert db.read(f"SELECT * FROM {db.name()}").to_pylist() == rows


def test_no_rows_have_their_columns(db):
    """innobi/pantab#172, #163, #240."""
    table = pyarrow.table({"a": pyarrow.array([], pyarrow.int32()), "b": pyarrow.array([], pyarrow.string())})
    assert db.insert(table) == (0, 0)
    back = db.read(f"SELECT * FROM {db.name()}")
    assert (back.num_rows, back.column_names) == (0, ["a", "b"])
    assert back.schema.types == [pyarrow.int32(), pyarrow.string()]


def test_columns_go_by_name_or_not_at_all(db):
    """innobi/pantab#311, #108: columns in another order; pandas' index among them; one missing."""
    db.execute(f"CREATE TABLE {db.name()} (a int, b text)")
    a, b = pyarrow.array([1], pyarrow.int32()), pyarrow.array(["x"])
    assert db.insert(pyarrow.table({"b": b, "a": a}), mode=APPEND) == (1, 0)
    for data, words in (
        ({"a": a, "b": b, "__index_level_0__": a}, "__index_level_0__"),
        ({"a": a}, '"b"'),
    ):
        with pytest.raises(HyperlineError, match=words) as caught:
            db.insert(pyarrow.table(data), mode=APPEND)
        assert caught.value.status == ARG
    assert db.read(f"SELECT * FROM {db.name()}").to_pylist() == [{"a": 1, "b": "x"}]


def test_a_missing_table_is_an_error_and_no_more(db):
    """transact-rs/sqlx#3699: a COPY into a table that is not there left the connection unusable."""
    with pytest.raises(HyperlineError) as caught:
        db.insert(pyarrow.table({"a": [1]}), mode=APPEND, name="v4.public.nowhere")
    assert (caught.value.status, caught.value.sqlstate) == (SERVER, "42P01")
    in_step(db)


# ---- what comes out -----------------------------------------------------------------------------


def test_a_stream_that_is_left_leaves_no_rest(db):
    """psycopg/psycopg#203, #1008, #23; pgjdbc/pgjdbc#3163: the next query got the rest's rows."""
    for _ in range(3):
        sql = "SELECT i FROM generate_series(1, 5000000) g(i)"
        reader = pyarrow.RecordBatchReader.from_stream(db.connection.arrow(sql))
        assert reader.read_next_batch().num_rows > 0
        reader.close()
        in_step(db)


def test_columns_of_one_name_and_of_odd_names(db):
    """apache/arrow-adbc; ADBC and ODBC drivers."""
    table = db.read('SELECT 1 AS a, 2 AS a, 3 AS "select", 4 AS "a""b", 5 AS "Größe"')
    assert table.column_names == ["a", "a", "select", 'a"b', "Größe"]
    assert [column[0].as_py() for column in table.columns] == [1, 2, 3, 4, 5]


def test_a_table_that_changes_its_type_is_asked_anew(db):
    """A plan that was kept for a table which is another one now."""
    for type_, value, wanted in (("int", "7", 7), ("text", "'x'", "x"), ("date", "date '2024-02-29'", dt.date(2024, 2, 29))):
        db.execute(f"CREATE TABLE {db.name()} (a {type_})")
        db.execute(f"INSERT INTO {db.name()} VALUES ({value})")
        for _ in range(6):
            assert db.read(f"SELECT a FROM {db.name()}").to_pydict() == {"a": [wanted]}
        db.execute(f"DROP TABLE {db.name()}")


def test_several_statements_in_one_text(db):
    with pytest.raises(HyperlineError, match="more than one SQL statement") as caught:
        db.read("SELECT 1; SELECT 2")
    assert caught.value.status == ARG
    in_step(db)


def test_large_rows_come_whole_and_in_order(db):
    """Hyper API release notes, 0.0.11074; datacloud-jdbc JDBCLimitsTest: rows over 1 MB hung."""
    sql = "SELECT i, repeat(chr(97 + i % 26), 1500000) AS x FROM generate_series(1, 12) g(i) ORDER BY 1"
    table = db.read(sql)
    assert table.column("i").to_pylist() == list(range(1, 13))
    for i, text in zip(range(1, 13), table.column("x").to_pylist(), strict=True):
        assert text == chr(97 + i % 26) * 1500000
