//! hyperdb-api as a client of the benchmark: a process of its own that does one workload, once for
//! each line on its standard input, and prints a line with what it took (see bench/worker.h).

mod insert;
mod read;
mod worker;

use hyperdb_api::{Connection, CreateMode, Result};

/// What the benchmark tells its clients: bench_place in bench/bench.h.
pub struct Place {
    pub endpoint: String,
    pub database: String,
    pub rows: i64,
}

/// What one run has moved, and the sum of the values that it has read.
pub struct Moved {
    pub rows: i64,
    pub check: i64,
}

pub trait Work {
    fn run(&mut self) -> Result<Moved>;
}

pub fn connect(place: &Place) -> Result<Connection> {
    Connection::connect(&place.endpoint, &place.database, CreateMode::DoNotCreate)
}

fn work_of(workload: &str, client: &str, place: Place) -> Result<Box<dyn Work>> {
    Ok(match (workload, client) {
        ("arrow_measurements", "rust-arrow") => read::arrow(place, read::MEASUREMENTS, None)?,
        ("arrow_mixed", "rust-arrow") => read::arrow(place, read::MIXED, None)?,
        ("arrow_measurements_sum", "rust-arrow") => {
            read::arrow(place, read::MEASUREMENTS, Some(read::sum_measurements))?
        }
        ("arrow_measurements_sum" | "rows_measurements", "rust") => {
            read::rows(place, read::MEASUREMENTS, read::read_measurement)?
        }
        ("rows_mixed", "rust") => read::rows(place, read::MIXED, read::read_mixed)?,
        ("insert_measurements", "rust") => insert::measurements(place)?,
        ("insert_mixed", "rust") => insert::mixed(place)?,
        ("insert_arrow_plain", "rust-arrow") => insert::arrow_plain(place)?,
        _ => {
            eprintln!("bench-peer: there is no client {client} of {workload}");
            std::process::exit(2);
        }
    })
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, workload, client, endpoint, database, rows] = &args[..] else {
        eprintln!("usage: bench-peer WORKLOAD CLIENT ENDPOINT DATABASE ROWS");
        std::process::exit(2);
    };
    let place = Place {
        endpoint: endpoint.clone(),
        database: database.clone(),
        rows: rows.parse().expect("ROWS is a number"),
    };
    let done = work_of(workload, client, place).and_then(|mut work| worker::serve(&mut *work));
    if let Err(error) = done {
        eprintln!("bench-peer: {workload}, {client}: {error}");
        std::process::exit(1);
    }
}
