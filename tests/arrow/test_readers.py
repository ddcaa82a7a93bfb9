"""Other readers of Arrow open our streams: what they find is what the server writes as text."""

import datetime
import decimal

import duckdb
import pandas
import polars
import pyarrow
import pyarrow.compute
import pytest
from binding import Connection, HyperlineError

# Type, two values as SQL writes them, the type in pyarrow.
TYPES = [
    ("bool", "true", "false", pyarrow.bool_()),
    ("smallint", "-32768", "32767", pyarrow.int16()),
    ("int", "-2147483648", "2147483647", pyarrow.int32()),
    ("bigint", "-9223372036854775808", "9223372036854775807", pyarrow.int64()),
    ("oid", "0", "2147483647", pyarrow.uint32()),
    ("real", "1.25", "-3.4028234e38", pyarrow.float32()),
    ("double precision", "0.1", "-1.7976931348623157e308", pyarrow.float64()),
    ("numeric(5,2)", "-999.99", "0.01", pyarrow.decimal128(5, 2)),
    ("numeric(18,3)", "0.001", "-0.005", pyarrow.decimal128(18, 3)),
    ("numeric(38,10)", "-9999999999999999999999999999.9999999999", "12.5",
     pyarrow.decimal128(38, 10)),
    ("text", "", "a é 🐘 b", pyarrow.utf8()),
    ("varchar(10)", "ten", "", pyarrow.utf8()),
    ("char(5)", "c", "four ", pyarrow.utf8()),
    ("json", '{"a": 1}', "1", pyarrow.utf8()),
    ("bytea", "\\x00ff", "", pyarrow.binary()),
    ("date", "0001-01-01", "9999-12-31", pyarrow.date32()),
    ("date", "1969-12-31", "2024-02-29", pyarrow.date32()),
    ("time", "00:00:00", "23:59:59.999999", pyarrow.time64("us")),
    ("timestamp", "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999", pyarrow.timestamp("us")),
    ("timestamptz", "2024-02-29 01:02:03.4+02", "1969-12-31 23:59:59+00",
     pyarrow.timestamp("us", tz="UTC")),
    ("array(int)", "[1,NULL,3]", "[]", None),
]
NAMES = [f"{name} {a}" for name, a, _, _ in TYPES]


@pytest.fixture(scope="module")
def conn(tmp_path_factory):
    made = Connection(tmp_path_factory.mktemp("arrow") / "test.hyper")
    made.execute("SET timezone = 'UTC'")
    made.execute("SET extra_float_digits = 3")
    yield made
    made.close()


def values_query(name, values):
    """A query of one column and a row for each value, in order; None is NULL."""
    rows = ", ".join(
        f"({i}, CAST({'NULL' if value is None else chr(39) + value + chr(39)} AS {name}))"
        for i, value in enumerate(values)
    )
    return f"SELECT x FROM (VALUES {rows}) v(i, x) ORDER BY i"


def open_pyarrow(stream):
    return pyarrow.RecordBatchReader.from_stream(stream)


def read_pyarrow(stream):
    table = open_pyarrow(stream).read_all()
    table.validate(full=True)
    return table


def without_zeros(text):
    return text.rstrip("0").rstrip(".") if "." in text else text


def as_text(value):
    """What the server writes for a value that Python knows."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    if isinstance(value, datetime.datetime):
        text = without_zeros(value.strftime("%H:%M:%S.%f"))
        zone = "+00" if value.tzinfo else ""
        return f"{value.date().isoformat()} {text}{zone}"
    if isinstance(value, datetime.time):
        return without_zeros(value.strftime("%H:%M:%S.%f"))
    if isinstance(value, list):
        return "[" + ",".join("NULL" if v is None else as_text(v) for v in value) + "]"
    return str(value)


def assert_same(found, wanted):
    """A column of Python's values, and the server's texts."""
    assert len(found) == len(wanted)
    for value, text in zip(found, wanted):
        if isinstance(value, float):
            assert value == float(text)
        else:
            assert as_text(value) == text


def column(rows):
    return [row[0] for row in rows]


@pytest.mark.parametrize("name, a, b, type_", TYPES, ids=NAMES)
def test_pyarrow_reads_every_type(conn, name, a, b, type_):
    for values in [[a, b, a], [None, a, b], [a, None, b], [a, b, None], [None] * 3, [a], []]:
        sql = values_query(name, values or [None])
        sql = sql if values else sql.replace(" ORDER BY i", " WHERE i < 0")
        table = read_pyarrow(conn.arrow(sql))
        assert table.column_names == ["x"]
        # What is read from text may be NULL in the server's eyes.
        assert table.schema.field(0).nullable or None not in values
        if type_ is not None:
            assert table.schema.field(0).type == type_
        assert b"hyper:type_name" in table.schema.field(0).metadata
        wanted = column(conn.text(sql))
        if name == "real":
            found = [None if v is None else pyarrow.scalar(v, "float32").as_py()
                     for v in table.column(0).to_pylist()]
            wanted32 = [None if t is None else pyarrow.scalar(float(t), "float32").as_py()
                        for t in wanted]
            assert found == wanted32
        else:
            assert_same(table.column(0).to_pylist(), wanted)


@pytest.mark.parametrize("name, a, b, type_", TYPES, ids=NAMES)
def test_polars_reads_every_type(conn, name, a, b, type_):
    sql = values_query(name, [a, None, b])
    frame = polars.DataFrame(conn.arrow(sql))
    found = frame["x"].to_list()
    wanted = column(conn.text(sql))
    assert len(found) == 3 and found[1] is None
    if name == "real":
        assert found[0] == float(wanted[0])
    else:
        assert_same(found, wanted)


@pytest.mark.parametrize("name, a, b, type_", TYPES, ids=NAMES)
def test_pandas_and_duckdb_read_every_type(conn, name, a, b, type_):
    sql = values_query(name, [a, None, b])
    frame = pandas.DataFrame.from_arrow(conn.arrow(sql))
    assert list(frame["x"].isna()) == [False, True, False]
    reader = open_pyarrow(conn.arrow(sql))
    found = column(duckdb.from_arrow(reader).fetchall())
    wanted = column(conn.text(sql))
    assert len(found) == 3 and found[1] is None
    if name == "timestamptz":
        utc = datetime.timezone.utc
        found = [value and value.astimezone(utc) for value in found]
    if name == "json":
        assert [value is None for value in found] == [False, True, False]
    elif name == "real":
        assert found[0] == float(wanted[0])
    else:
        assert_same(found, wanted)


def test_time_zones_and_dates_have_values_in_polars_and_pandas(conn):
    sql = (
        "SELECT CAST('2024-02-29 01:02:03+02' AS timestamptz) AS z, CAST('2024-02-29' AS date) AS d"
    )
    frame = polars.DataFrame(conn.arrow(sql))
    assert frame.schema["z"] == polars.Datetime("us", "UTC")
    assert frame.schema["d"] == polars.Date
    assert str(frame["z"][0]) == "2024-02-28 23:02:03+00:00"
    frame = pandas.DataFrame.from_arrow(conn.arrow(sql))
    assert str(frame["z"][0]) == "2024-02-28 23:02:03+00:00"
    assert str(frame["z"].dt.tz) == "UTC"
    assert str(frame["d"][0]) == "2024-02-29"


def test_intervals_read(conn):
    table = read_pyarrow(conn.arrow("SELECT CAST('P1Y2M3DT4H5M6.789S' AS interval) AS x"))
    assert table.schema.field(0).type == pyarrow.month_day_nano_interval()
    months, days, nanos = table.column(0)[0].as_py()
    assert (months, days, nanos) == (14, 3, (4 * 3600 + 5 * 60) * 10**9 + 6_789_000_000)


ELEMENTS = ["text", "varchar", "char", "char(1)", "json", "bytes", "int", "numeric(5,2)", "time"]


@pytest.mark.parametrize("rows", [True, False], ids=["rows", "batches"])
@pytest.mark.parametrize("array", ["NULL", "'[]'"], ids=["null", "empty"])
@pytest.mark.parametrize("name", ELEMENTS)
def test_every_reader_gets_arrays_without_elements(conn, name, array, rows):
    # The server sends no uuid as Arrow: with one the arrays are built of rows.
    uuid = ", CAST('7b1f0000-0000-0000-0000-00000000abcd' AS uuid) AS u" if rows else ""
    sql = f"SELECT CAST({array} AS array({name})) AS x{uuid} FROM generate_series(1, 3)"
    wanted = [None if array == "NULL" else []] * 3
    assert read_pyarrow(conn.arrow(sql))["x"].to_pylist() == wanted
    assert polars.DataFrame(conn.arrow(sql))["x"].to_list() == wanted
    reader = open_pyarrow(conn.arrow(sql))
    assert duckdb.sql("SELECT x FROM reader").fetchall() == [(value,) for value in wanted]


def test_every_reader_gets_the_catalog(conn):
    sql = "TABLE pg_catalog.pg_class"
    count = len(conn.text(sql))
    assert count > 0 and read_pyarrow(conn.arrow(sql)).num_rows == count
    assert polars.DataFrame(conn.arrow(sql)).height == count
    reader = open_pyarrow(conn.arrow(sql))
    assert duckdb.sql("SELECT count(*) FROM reader").fetchall() == [(count,)]


def test_every_reader_gets_all_of_many_rows(conn):
    count = 300_000
    sql = (
        "SELECT CAST(i AS bigint) AS i, i * CAST(0.25 AS numeric(10,2)) AS price, CAST(i AS text) AS name, "
        f"CASE WHEN i % 3 = 0 THEN NULL ELSE i END AS third FROM generate_series(1, {count}) g(i)"
    )
    total = count * (count + 1) // 2
    table = read_pyarrow(conn.arrow(sql))
    assert table.num_rows == count and table["third"].null_count == count // 3
    assert pyarrow.compute.sum(table["i"]).as_py() == total
    frame = polars.DataFrame(conn.arrow(sql))
    assert frame["i"].sum() == total and frame["third"].null_count() == count // 3
    assert frame["price"].sum() == decimal.Decimal(total) / 4
    assert frame["name"].cast(polars.Int64).sum() == total
    frame = pandas.DataFrame.from_arrow(conn.arrow(sql))
    assert int(frame["i"].sum()) == total
    reader = open_pyarrow(conn.arrow(sql))
    sums = duckdb.from_arrow(reader).aggregate("sum(price), count(third)").fetchall()
    assert sums == [(decimal.Decimal(total) / 4, count - count // 3)]


def test_names_are_exact(conn):
    table = read_pyarrow(conn.arrow('SELECT 1 AS a, 2 AS a, 3 AS "größe", 4 AS "a""b"'))
    assert table.column_names == ["a", "a", "größe", 'a"b']


def test_errors_reach_the_reader(conn):
    with pytest.raises(HyperlineError) as raised:
        conn.arrow("SELECT nosuch")
    assert raised.value.sqlstate == "42703"
    late = (
        "SELECT 1000 / (CASE WHEN i = 3000000 THEN 0 ELSE 1 END) AS q "
        "FROM generate_series(1, 4000000) g(i)"
    )
    reader = open_pyarrow(conn.arrow(late))
    with pytest.raises(Exception, match="division by zero"):
        reader.read_all()
    del reader
    assert conn.text("SELECT 1") == [["1"]]
