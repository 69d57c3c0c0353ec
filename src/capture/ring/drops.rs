//! What the interface lost before any socket saw it: the same two counters that libpcap reads.
//!
//! `rx_missed_errors` (the card had no room for them) and `rx_fifo_errors` (its queue ran over). `rx_dropped` is left out: on a
//! mirror port it grows with every tagged frame of a protocol that this machine does not speak, and those were captured.
//! Source: `rtnl_link_stats64` in `linux/if_link.h`; `__netif_receive_skb_core` in `net/core/dev.c`.

use std::fs;
use std::path::{Path, PathBuf};

const COUNTERS: [&str; 2] = ["rx_missed_errors", "rx_fifo_errors"];

/// Counts of one interface, as deltas.
pub(super) struct InterfaceDrops {
    /// The directory of the interface.
    at: PathBuf,
    index: i32,
    before: u64,
}

impl InterfaceDrops {
    /// From now on.
    pub(super) fn new(interface: &str, index: i32) -> Self {
        InterfaceDrops::under(Path::new("/sys/class/net"), interface, index)
    }

    fn under(devices: &Path, interface: &str, index: i32) -> Self {
        let mut drops = InterfaceDrops { at: devices.join(interface), index, before: 0 };
        drops.before = drops.total().unwrap_or(0);
        drops
    }

    /// Packets lost since the last call. Nothing is known where /sys shows another network namespace than ours.
    pub(super) fn since_last(&mut self) -> u64 {
        let Some(now) = self.total() else { return 0 };
        let before = std::mem::replace(&mut self.before, now);
        // A driver may set its counters back.
        now.saturating_sub(before)
    }

    fn total(&self) -> Option<u64> {
        let number = |path: PathBuf| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
        if number(self.at.join("ifindex"))? != u64::try_from(self.index).ok()? {
            return None;
        }
        let statistics = self.at.join("statistics");
        Some(COUNTERS.iter().filter_map(|counter| number(statistics.join(counter))).fold(0, u64::saturating_add))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_counters_count_from_the_start_on() {
        let dir = tempfile::tempdir().expect("a directory");
        let statistics = dir.path().join("eth1/statistics");
        fs::create_dir_all(&statistics).expect("made");
        let write = |name: &str, value: &str| fs::write(dir.path().join("eth1").join(name), value).expect("written");
        write("ifindex", "7\n");
        write("statistics/rx_missed_errors", "1000\n");
        write("statistics/rx_fifo_errors", "5\n");
        write("statistics/rx_dropped", "99\n");
        let mut drops = InterfaceDrops::under(dir.path(), "eth1", 7);
        let mut of_another = InterfaceDrops::under(dir.path(), "eth1", 8);
        assert_eq!(drops.since_last(), 0);
        write("statistics/rx_missed_errors", "1010\n");
        write("statistics/rx_fifo_errors", "6\n");
        write("statistics/rx_dropped", "9999\n");
        assert_eq!((drops.since_last(), drops.since_last()), (11, 0));
        assert_eq!(of_another.since_last(), 0, "another namespace's interface of this name");
        write("statistics/rx_missed_errors", "0\n");
        assert_eq!(drops.since_last(), 0);
        fs::remove_dir_all(dir.path().join("eth1")).expect("removed");
        assert_eq!(drops.since_last(), 0);
    }
}
