//! Reads an interface through the ring and only counts: the floor beside which `tools/bench-live.sh` measures the daemon.
//!
//! ```text
//! bare_ring INTERFACE [BUFFER_MIB [WORKERS]]
//! ```
//!
//! It says `ready` on standard output, runs until SIGTERM or SIGINT, and then tells what it counted: `received R dropped D
//! freezes F visited V octets O`, of which `received` holds the dropped ones, as Linux counts.

#![expect(clippy::print_stdout, reason = "it tells what it counted")]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use stakeout::capture::ring::{Group, RingConfig, RingSource};
use stakeout::capture::{CaptureStats, LiveConfig, PacketSource, Poll};

const USAGE: &str = "usage: bare_ring INTERFACE [BUFFER_MIB [WORKERS]]";
/// As the daemon takes them.
const BATCH: usize = 512;
/// How often the kernel's counts, which have 32 bits, are read.
const READ_EVERY: Duration = Duration::from_millis(250);

/// What was counted: by the kernel, then frames and octets that were lent.
type Counted = (CaptureStats, u64, u64);

fn count(mut source: RingSource, stop: &AtomicBool) -> Result<Counted, String> {
    let (mut stats, mut frames, mut octets) = (CaptureStats::default(), 0, 0);
    let mut read = Instant::now();
    let mut idle = 0;
    // After the signal, what the kernel has not handed over yet.
    while !stop.load(Ordering::Relaxed) || idle < 2 {
        let look = &mut |batch: &[stakeout::capture::Frame<'_>]| {
            frames += batch.len() as u64;
            octets += batch.iter().map(|frame| frame.data.len() as u64).sum::<u64>();
        };
        let polled = source.poll_batches(BATCH, look).map_err(|e| e.to_string())?;
        idle = if polled == Poll::Idle { idle + 1 } else { 0 };
        if read.elapsed() >= READ_EVERY {
            read = Instant::now();
            stats += source.stats();
        }
    }
    stats += source.stats();
    Ok((stats, frames, octets))
}

fn run(arguments: &[String]) -> Result<(), String> {
    let number = |at: usize, default: u32| match arguments.get(at) {
        None => Ok(default),
        Some(text) => text.parse::<u32>().ok().filter(|n| (1..=1024).contains(n)).ok_or(USAGE.to_owned()),
    };
    let interface = arguments.first().ok_or(USAGE)?;
    let live = LiveConfig { buffer_bytes: number(1, 64)? << 20, ..LiveConfig::new(interface.as_str()) };
    let workers = number(2, 1)?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(|e| e.to_string())?;
    }
    let group = (workers > 1).then(|| Arc::new(Group::default()));
    let sources: Vec<RingSource> = (0..workers)
        .map(|_| RingSource::open(&RingConfig { group: group.clone(), ..RingConfig::new(live.clone()) }))
        .collect::<Result<_, _>>()
        .map_err(|e| e.to_string())?;
    println!("ready");
    let (mut stats, mut frames, mut octets) = (CaptureStats::default(), 0, 0);
    let counted: Vec<Result<Counted, String>> = thread::scope(|scope| {
        let threads: Vec<_> = sources.into_iter().map(|source| scope.spawn(|| count(source, &stop))).collect();
        threads.into_iter().map(|t| t.join().unwrap_or_else(|_| Err("a worker panicked".to_owned()))).collect()
    });
    for worker in counted {
        let (s, f, o) = worker?;
        stats += s;
        frames += f;
        octets += o;
    }
    println!(
        "received {} dropped {} freezes {} visited {frames} octets {octets}",
        stats.received, stats.dropped_kernel, stats.freezes
    );
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("{why}");
            ExitCode::from(2)
        }
    }
}
