//! The benchmark's protocol: a run for each line that comes, a line with its figures back.

use crate::Work;
use hyperdb_api::Result;
use std::io::{BufRead, Write};
use std::time::Instant;

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: getrusage fills in the whole of the struct that it is given.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// The most memory that this process has had.
fn peak_rss_kb() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(-1)
}

pub fn serve(work: &mut dyn Work) -> Result<()> {
    let mut line = String::new();
    let mut input = std::io::stdin().lock();
    let mut output = std::io::stdout().lock();
    while input.read_line(&mut line)? > 0 {
        line.clear();
        let cpu = cpu_seconds();
        let start = Instant::now();
        let moved = work.run()?;
        let wall = start.elapsed().as_secs_f64();
        writeln!(
            output,
            "{:.9} {:.9} {} {} {}",
            wall,
            cpu_seconds() - cpu,
            peak_rss_kb(),
            moved.rows,
            moved.check
        )?;
        output.flush()?;
    }
    Ok(())
}
