//! Queries, by rows in chunks and by Arrow record batches.

use crate::{connect, Moved, Place, Work};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::sum;
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use hyperdb_api::{Connection, Result, Row};

pub const MEASUREMENTS: &str = "SELECT id, sensor, value, total FROM measurements";
pub const MIXED: &str = "SELECT id, total, value, name, day, at FROM mixed";

/// Whole numbers, and decimals whose sum has no error: they are multiples of 1/4.
#[derive(Default)]
pub struct Sums {
    whole: i64,
    decimal: f64,
}

impl Sums {
    fn total(&self) -> i64 {
        self.whole + self.decimal as i64
    }
}

// ---- Rows --------------------------------------------------------------------------------------

/// A NULL, of which there are none, would be seen in the sum.
pub fn read_measurement(row: &Row, sums: &mut Sums) {
    sums.whole += i64::from(row.get_i32(0).unwrap_or(-1))
        + i64::from(row.get_i32(1).unwrap_or(-1))
        + row.get_i64(3).unwrap_or(-1);
    sums.decimal += row.get_f64(2).unwrap_or(-1.0);
}

pub fn read_mixed(row: &Row, sums: &mut Sums) {
    sums.whole += i64::from(row.get_i32(0).unwrap_or(-1)) + row.get_i64(1).unwrap_or(-1);
    sums.decimal += row.get_f64(2).unwrap_or(0.0);
    sums.whole += row.get_string(3).map_or(-1, |name| name.len() as i64);
    sums.whole += row.get_date(4).map_or(-1, |day| i64::from(day.days()));
    sums.whole += row.get_timestamp(5).map_or(-1, |at| at.microseconds());
}

/// Of a type for each reader, so that it is compiled into the loop.
struct Rows<Reader> {
    connection: Connection,
    sql: &'static str,
    read: Reader,
}

pub fn rows<Reader>(place: Place, sql: &'static str, read: Reader) -> Result<Box<dyn Work>>
where
    Reader: Fn(&Row, &mut Sums) + 'static,
{
    let connection = connect(&place)?;
    Ok(Box::new(Rows { connection, sql, read }))
}

impl<Reader: Fn(&Row, &mut Sums)> Work for Rows<Reader> {
    fn run(&mut self) -> Result<Moved> {
        let mut sums = Sums::default();
        let mut rows = 0;
        let mut result = self.connection.execute_query(self.sql)?;
        while let Some(chunk) = result.next_chunk()? {
            for row in &chunk {
                (self.read)(row, &mut sums);
            }
            rows += chunk.len() as i64;
        }
        Ok(Moved { rows, check: sums.total() })
    }
}

// ---- Arrow -------------------------------------------------------------------------------------

type BatchReader = fn(&RecordBatch, &mut Sums);

pub fn sum_measurements(batch: &RecordBatch, sums: &mut Sums) {
    for column in [0, 1] {
        let values = batch.column(column).as_primitive::<Int32Type>().values();
        sums.whole += values.iter().map(|value| i64::from(*value)).sum::<i64>();
    }
    sums.decimal += sum(batch.column(2).as_primitive::<Float64Type>()).unwrap_or(-1.0);
    sums.whole += batch.column(3).as_primitive::<Int64Type>().values().iter().sum::<i64>();
}

struct Batches {
    connection: Connection,
    sql: &'static str,
    read: Option<BatchReader>,
}

pub fn arrow(place: Place, sql: &'static str, read: Option<BatchReader>) -> Result<Box<dyn Work>> {
    let connection = connect(&place)?;
    Ok(Box::new(Batches { connection, sql, read }))
}

impl Work for Batches {
    fn run(&mut self) -> Result<Moved> {
        let mut sums = Sums::default();
        let mut rows = 0;
        for batch in self.connection.execute_query_to_batches(self.sql)? {
            if let Some(read) = self.read {
                debug_assert!(batch.columns().iter().all(|column| column.null_count() == 0));
                read(&batch, &mut sums);
            }
            rows += batch.num_rows() as i64;
        }
        Ok(Moved { rows, check: sums.total() })
    }
}
