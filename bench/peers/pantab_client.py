"""pantab as a client of the benchmark: a process of its own that does one workload, once for each line
on its standard input, and prints a line with what it took (see bench/worker.h).

pantab starts a Hyper server for every call and ends it with it: that is part of what is measured. The
server's file is the benchmark's copy of the tables; what is inserted goes into a new file beside it.
"""

import datetime
import os
import resource
import sys
import time

import pantab
import pyarrow as pa
import pyarrow.compute as pc

MEASUREMENTS = "SELECT id, sensor, value, total FROM measurements"
MIXED = "SELECT id, total, value, name, day, at FROM mixed"
NAMES, KINDS, DAYS, BATCH = 100_000, 100, 3650, 65_536
DATE_2000 = datetime.date(2000, 1, 1)
DAYS_TO_2000 = (DATE_2000 - datetime.date(1970, 1, 1)).days
MICROS_TO_2000 = DAYS_TO_2000 * 86_400_000_000


# ---- Reading ------------------------------------------------------------------------------------


def batches(database, sql):
    """The fastest of its ways: a stream of record batches, of the server's own size."""
    stream = pantab.frame_from_hyper_query(database, sql, return_type="stream")
    return pa.RecordBatchReader.from_stream(stream)


def read(database, sql):
    return sum(batch.num_rows for batch in batches(database, sql)), 0


def read_and_sum(database, sql):
    rows, whole, decimal = 0, 0, 0.0
    for batch in batches(database, sql):
        rows += batch.num_rows
        for column in batch.columns:
            if pa.types.is_floating(column.type):
                decimal += pc.sum(column).as_py()
            else:
                whole += pc.sum(column).as_py()
    return rows, whole + int(decimal)


# ---- Writing ------------------------------------------------------------------------------------


def ids(rows, type_=pa.int64()):
    return pa.array(range(1, rows + 1), pa.int64()).cast(type_)


def modulo(numbers, by):
    return pc.subtract(numbers, pc.multiply(pc.divide(numbers, by), by))


def decimals(numbers):
    """A quarter of each number; NULL for every tenth."""
    values = pc.multiply(pc.cast(numbers, pa.float64()), 0.25)
    return pc.if_else(pc.equal(modulo(numbers, 10), 0), pa.scalar(None, pa.float64()), values)


def texts(word, numbers):
    return pc.binary_join_element_wise(word, pc.cast(numbers, pa.string()), " ")


def mixed(rows):
    i = ids(rows)
    day = pc.add(modulo(i, DAYS), DAYS_TO_2000).cast(pa.int32()).cast(pa.date32())
    at = pc.add(pc.multiply(i, 100_000), MICROS_TO_2000).cast(pa.timestamp("us"))
    return {"id": i.cast(pa.int32()), "total": pc.multiply(i, 100), "value": decimals(i),
            "name": texts("item", modulo(i, NAMES)), "day": day, "at": at}


def plain(rows):
    i = ids(rows)
    return {"id": i, "total": pc.multiply(i, 100), "value": decimals(i),
            "name": texts("item", modulo(i, NAMES)),
            "kind": texts("kind of thing", modulo(i, KINDS))}


MIXED_SUM = """SELECT count(*), CAST(sum(CAST(id AS bigint)) + sum(total) +
    CAST(floor(sum(value)) AS bigint) + sum(length(name)) + sum(day - date '2000-01-01') +
    sum(CAST(id AS bigint) * 100000) AS bigint) FROM t"""
THINGS_SUM = """SELECT count(*), CAST(sum(CAST(id AS bigint)) + sum(total) +
    CAST(floor(sum(value)) AS bigint) + sum(length(name)) + sum(length(kind)) AS bigint) FROM t"""


class Writer:
    def __init__(self, database, rows, columns, sum_sql):
        self.path = os.path.join(os.path.dirname(database), "inserted.hyper")
        self.frame = pa.Table.from_batches(pa.table(columns(rows)).to_batches(BATCH))
        self.sum_sql = sum_sql

    def prepare(self):
        if os.path.exists(self.path):
            os.remove(self.path)

    def run(self):
        pantab.frame_to_hyper(self.frame, self.path, table="t", atomic=False)

    def moved(self):
        """Not measured: what is in the file."""
        found = pantab.frame_from_hyper_query(self.path, self.sum_sql, return_type="pyarrow")
        return tuple(column[0].as_py() for column in found.columns)


class Reader:
    def __init__(self, database, read, sql):
        self.database, self.read, self.sql = database, read, sql

    def prepare(self):
        pass

    def run(self):
        self.result = self.read(self.database, self.sql)

    def moved(self):
        return self.result


def work_of(workload, database, rows):
    if workload == "arrow_measurements_sum":
        return Reader(database, read_and_sum, MEASUREMENTS)
    if workload == "arrow_mixed":
        return Reader(database, read, MIXED)
    columns, sum_sql = {
        "insert_mixed": (mixed, MIXED_SUM),
        "insert_arrow_plain": (plain, THINGS_SUM),
    }[workload]
    return Writer(database, rows, columns, sum_sql)


# ---- The protocol -------------------------------------------------------------------------------


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_rss_kb():
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def main(workload, _client, _endpoint, database, rows):
    work = work_of(workload, database, int(rows))
    for _ in sys.stdin:
        work.prepare()
        cpu, start = cpu_seconds(), time.monotonic()
        work.run()
        wall, cpu = time.monotonic() - start, cpu_seconds() - cpu
        peak = peak_rss_kb()
        count, check = work.moved()
        print(f"{wall:.9f} {cpu:.9f} {peak} {count} {check}", flush=True)
    work.prepare()


if __name__ == "__main__":
    main(*sys.argv[1:])
