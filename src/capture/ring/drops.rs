//! What the interface or its driver lost before any socket saw it.
//!
//! Read from `/proc/thread-self/net/dev`, which shows this thread's own network namespace whatever is mounted under
//! `/sys`. Column "drop" is `rx_dropped` (also what the kernel's backlog could not take) and `rx_missed_errors` (what the
//! card could not), column "fifo" is `rx_fifo_errors`. Source: `net/core/net-procfs.c`, `rtnl_link_stats64` in
//! `linux/if_link.h`.

use std::fs;

/// Counts of one interface, as deltas.
pub(super) struct InterfaceDrops {
    interface: String,
    before: u64,
}

impl InterfaceDrops {
    /// From now on.
    pub(super) fn new(interface: &str) -> Self {
        let before = total(interface).unwrap_or(0);
        InterfaceDrops { interface: interface.to_owned(), before }
    }

    /// Packets lost since the last call. An interface that was replaced counts from nought again.
    pub(super) fn since_last(&mut self) -> u64 {
        let Some(now) = total(&self.interface) else { return 0 };
        let before = std::mem::replace(&mut self.before, now);
        now.checked_sub(before).unwrap_or(now)
    }
}

fn total(interface: &str) -> Option<u64> {
    lost(&fs::read_to_string("/proc/thread-self/net/dev").ok()?, interface)
}

/// Receive columns: bytes packets errs drop fifo frame compressed multicast.
fn lost(table: &str, interface: &str) -> Option<u64> {
    let row = table.lines().find_map(|line| line.trim_start().strip_prefix(interface)?.strip_prefix(':'))?;
    let mut columns = row.split_whitespace().skip(3).map(str::parse::<u64>);
    let (drop, fifo) = (columns.next()?.ok()?, columns.next()?.ok()?);
    Some(drop.saturating_add(fifo))
}

#[cfg(test)]
mod tests {
    use super::lost;

    const TABLE: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 1234567    1000    0    0    0     0          0         0  1234567    1000    0    0    0     0       0          0
  eth1: 987654321012 765432109    7   41   2     3          0         9   5   6    7    8    9     0       0          0
 eth10:       1       1    0  500    0     0          0         0        0       0    0    0    0     0       0          0
";

    #[test]
    fn the_row_of_the_interface_is_read() {
        assert_eq!(lost(TABLE, "lo"), Some(0));
        assert_eq!(lost(TABLE, "eth1"), Some(43));
        assert_eq!(lost(TABLE, "eth10"), Some(500));
        assert_eq!(lost(TABLE, "eth"), None);
        assert_eq!(lost("", "eth1"), None);
        assert_eq!(lost("eth1: 1 2", "eth1"), None);
    }
}
