//! Inserting, by rows and by Arrow record batches.

use crate::{connect, Moved, Place, Work};
use arrow::array::{Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use hyperdb_api::{ArrowInserter, Connection, Date, Inserter, Result, Timestamp};
use std::sync::Arc;

/// Days and names repeat; see make_tables in bench/stage.c.
const DAYS: i64 = 3650;
const NAMES: i64 = 100_000;
const KINDS: i64 = 100;

// ---- Rows --------------------------------------------------------------------------------------

type RowWriter = fn(&mut Inserter, i64, &[String]) -> Result<()>;

struct Rows {
    connection: Connection,
    table: &'static str,
    rows: i64,
    names: Vec<String>,
    write: RowWriter,
}

fn rows(place: Place, table: &'static str, write: RowWriter) -> Result<Box<dyn Work>> {
    let connection = connect(&place)?;
    let names = (0..NAMES).map(|name| format!("item {name}")).collect();
    Ok(Box::new(Rows { connection, table, rows: place.rows, names, write }))
}

fn write_measurement(inserter: &mut Inserter, i: i64, _: &[String]) -> Result<()> {
    inserter.add_i32(i as i32)?;
    inserter.add_i32((i % 1000) as i32)?;
    inserter.add_f64(i as f64 * 0.25)?;
    inserter.add_i64(i * 100)?;
    inserter.end_row()
}

pub fn measurements(place: Place) -> Result<Box<dyn Work>> {
    rows(place, "measurements_in", write_measurement)
}

fn write_mixed(inserter: &mut Inserter, i: i64, names: &[String]) -> Result<()> {
    inserter.add_i32(i as i32)?;
    inserter.add_i64(i * 100)?;
    if i % 10 == 0 {
        inserter.add_null()?;
    } else {
        inserter.add_f64(i as f64 * 0.25)?;
    }
    inserter.add_str(&names[(i % NAMES) as usize])?;
    inserter.add_date(Date::from_days((i % DAYS) as i32))?;
    inserter.add_timestamp(Timestamp::from_microseconds(i * 100_000))?;
    inserter.end_row()
}

pub fn mixed(place: Place) -> Result<Box<dyn Work>> {
    rows(place, "mixed_in", write_mixed)
}

impl Work for Rows {
    fn run(&mut self) -> Result<Moved> {
        let mut inserter = Inserter::from_table(&self.connection, self.table)?;
        for i in 1..=self.rows {
            (self.write)(&mut inserter, i, &self.names)?;
        }
        let rows = inserter.execute()? as i64;
        Ok(Moved { rows, check: 0 })
    }
}

// ---- Arrow -------------------------------------------------------------------------------------

/// Rows of one batch, as many as the benchmark's other clients are given at a time.
const BATCH: i64 = 65_536;

struct Batches {
    connection: Connection,
    batches: Vec<RecordBatch>,
}

fn plain_batch(schema: &Arc<Schema>, ids: std::ops::Range<i64>) -> Result<RecordBatch> {
    let id = Int64Array::from_iter_values(ids.clone());
    let total = Int64Array::from_iter_values(ids.clone().map(|i| i * 100));
    let value: Float64Array =
        ids.clone().map(|i| if i % 10 == 0 { None } else { Some(i as f64 * 0.25) }).collect();
    let name = StringArray::from_iter_values(ids.clone().map(|i| format!("item {}", i % NAMES)));
    let kind = StringArray::from_iter_values(ids.map(|i| format!("kind of thing {}", i % KINDS)));
    RecordBatch::try_new(
        Arc::clone(schema),
        vec![Arc::new(id), Arc::new(total), Arc::new(value), Arc::new(name), Arc::new(kind)],
    )
    .map_err(|error| hyperdb_api::Error::internal(error.to_string()))
}

pub fn arrow_plain(place: Place) -> Result<Box<dyn Work>> {
    let connection = connect(&place)?;
    let schema = Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("total", DataType::Int64, true),
        Field::new("value", DataType::Float64, true),
        Field::new("name", DataType::Utf8, true),
        Field::new("kind", DataType::Utf8, true),
    ]));
    let batches = (1..=place.rows)
        .step_by(BATCH as usize)
        .map(|first| plain_batch(&schema, first..(first + BATCH).min(place.rows + 1)))
        .collect::<Result<Vec<_>>>()?;
    Ok(Box::new(Batches { connection, batches }))
}

impl Work for Batches {
    fn run(&mut self) -> Result<Moved> {
        let mut inserter = ArrowInserter::from_table(&self.connection, "arrow_in")?;
        inserter.insert_batches(&self.batches)?;
        let rows = inserter.execute()? as i64;
        Ok(Moved { rows, check: 0 })
    }
}
