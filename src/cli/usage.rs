//! What a run cost: processor time and the largest amount of memory, as the operating system counts them.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// Processor time (user and system) that the process has used so far; zero if the system does not say.
pub(super) fn cpu_time() -> Duration {
    getrusage(UsageWho::RUSAGE_SELF).map_or(Duration::ZERO, |usage| {
        let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
        Duration::from_micros(micros.unsigned_abs())
    })
}

/// The most memory the process has had resident, in octets; 0 if the system does not say.
pub(super) fn peak_memory() -> u64 {
    // Not from getrusage: there Linux counts what the process was before it became this program, too.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    kib.map_or(0, |kib: u64| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_says_what_a_run_cost() {
        let before = cpu_time();
        let held = vec![1u8; 32 << 20];
        assert!(held.iter().map(|b| u64::from(*b)).sum::<u64>() == 32 << 20);
        assert!(cpu_time() >= before);
        assert!(peak_memory() >= 32 << 20, "{}", peak_memory());
    }
}
