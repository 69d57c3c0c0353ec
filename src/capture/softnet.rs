//! What this machine's kernel dropped before any socket or interface could count it: the backlogs of its processors.
//!
//! A packet that arrives by RPS, over veth or by loopback is put on a processor's backlog first
//! (`net.core.netdev_max_backlog`); when that is full, or the flow takes more than its share of it, it is dropped there. No
//! ring and no interface counter shows it. The counts are the machine's: one for each processor, whatever the interface,
//! and the same in every network namespace. Source: `softnet_seq_show` in `net/core/net-procfs.c`.

use std::path::PathBuf;
use std::{fs, io};

/// Counts since the start of this program.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SoftnetCounts {
    /// Packets dropped from a full backlog.
    pub dropped: u64,
    /// How often the kernel broke off with packets waiting, having used up its time or its budget. Nothing is lost by that
    /// alone.
    pub squeezed: u64,
}

/// Reads the counts of `/proc/net/softnet_stat`, which count up from the machine's start and have 32 bits.
#[derive(Debug)]
pub struct Softnet {
    file: PathBuf,
    before: Vec<Processor>,
    counts: SoftnetCounts,
}

/// One processor's row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Processor {
    number: u32,
    dropped: u32,
    squeezed: u32,
}

impl Softnet {
    /// Counts from now on.
    pub fn new() -> Self {
        Softnet::from_file("/proc/net/softnet_stat")
    }

    /// The same with the table elsewhere.
    pub fn from_file(file: impl Into<PathBuf>) -> Self {
        let mut softnet = Softnet { file: file.into(), before: Vec::new(), counts: SoftnetCounts::default() };
        softnet.before = softnet.read().unwrap_or_default();
        softnet
    }

    /// What was counted since this was made. A count is right as long as fewer than 2³² are added to one processor's between
    /// two calls.
    ///
    /// # Errors
    /// The table cannot be read: no `/proc`, or a system that has no such table.
    pub fn counts(&mut self) -> io::Result<SoftnetCounts> {
        for now in self.read()? {
            match self.before.iter_mut().find(|before| before.number == now.number) {
                Some(before) => {
                    // The kernel never sets them back, so less than before means that the 32 bits ran over.
                    self.counts.dropped += u64::from(now.dropped.wrapping_sub(before.dropped));
                    self.counts.squeezed += u64::from(now.squeezed.wrapping_sub(before.squeezed));
                    *before = now;
                }
                // It was off when this began; what it had counted by then is not known, so it counts from here. One that
                // is switched off meanwhile keeps its counts.
                None => self.before.push(now),
            }
        }
        Ok(self.counts)
    }

    fn read(&self) -> io::Result<Vec<Processor>> {
        Ok(parse(&fs::read_to_string(&self.file)?))
    }
}

impl Default for Softnet {
    fn default() -> Self {
        Softnet::new()
    }
}

/// The rows that can be read: hexadecimal words, the processor's number in the thirteenth (from Linux 5.10 on; before that
/// only the order of the rows tells it).
fn parse(table: &str) -> Vec<Processor> {
    let row = |(line, text): (usize, &str)| {
        let words: Option<Vec<u32>> = text.split_ascii_whitespace().map(|w| u32::from_str_radix(w, 16).ok()).collect();
        let words = words?;
        let number = words.get(12).copied().or_else(|| u32::try_from(line).ok())?;
        Some(Processor { number, dropped: *words.get(1)?, squeezed: *words.get(2)? })
    };
    table.lines().enumerate().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
0a293cb5 000610e7 00000006 00000000 00000000 00000000 00000000 00000000 00000000 00bd0ca8 00000000 00000000 00000000 00000000 00000000
04cd62d5 00000000 ffffffff 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 0000000a 00000000 00000000
";

    fn processor(number: u32, dropped: u32, squeezed: u32) -> Processor {
        Processor { number, dropped, squeezed }
    }

    #[test]
    fn rows_are_hexadecimal_and_carry_their_processor() {
        assert_eq!(parse(TABLE), [processor(0, 0x610e7, 6), processor(10, 0, u32::MAX)]);
    }

    #[test]
    fn odd_rows_are_read_as_far_as_they_can_be() {
        // Older kernels: nine to eleven words.
        let old = "1 2 3 0 0 0 0 0 0\n1 5 6 0 0 0 0 0 0 0 0\n";
        assert_eq!(parse(old), [processor(0, 2, 3), processor(1, 5, 6)]);
        // Newer ones may add more.
        assert_eq!(parse("1 2 3 0 0 0 0 0 0 0 0 0 4 0 0 0 77\n"), [processor(4, 2, 3)]);
        for nothing in ["", "\n\n", "00000001 00000002\n", "1 x 3 0\n", "1 100000000 3\n", "1 -2 3\n", "\u{0}\u{ff}\n"]
        {
            assert_eq!(parse(nothing), [], "{nothing:?}");
        }
        // A row that is no row does not hide the next.
        assert_eq!(parse("cpu total dropped\n1 2 3\n"), [processor(1, 2, 3)]);
    }

    #[test]
    fn counts_begin_at_zero_and_go_on_when_the_kernels_run_over() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("softnet_stat");
        let write = |rows: &[(u32, u32, u32)]| {
            let row = |(number, dropped, squeezed): &(u32, u32, u32)| {
                format!("ff {dropped:08x} {squeezed:08x} 0 0 0 0 0 0 0 0 0 {number:08x} 0 0\n")
            };
            fs::write(&file, rows.iter().map(row).collect::<String>()).expect("written");
        };
        write(&[(0, 100, 5), (1, u32::MAX - 1, 0)]);
        let mut softnet = Softnet::from_file(&file);
        let mut counts = || {
            let counts = softnet.counts().expect("readable");
            (counts.dropped, counts.squeezed)
        };
        assert_eq!(counts(), (0, 0));
        write(&[(0, 110, 5), (1, 3, 1)]);
        assert_eq!(counts(), (15, 1), "ten, and five over the end");
        assert_eq!(counts(), (15, 1), "counted once");
        // The second processor is switched off, a third on; then the second returns.
        write(&[(0, 111, 5), (2, 5_000, 9)]);
        assert_eq!(counts(), (16, 1), "what the third had counted before is not ours");
        write(&[(0, 111, 5), (1, 4, 1), (2, 5_002, 9)]);
        assert_eq!(counts(), (19, 1));
        fs::remove_file(&file).expect("removed");
        assert!(softnet.counts().is_err());
        write(&[(0, 112, 5)]);
        assert_eq!(softnet.counts().expect("readable again").dropped, 20);
    }

    #[test]
    fn this_kernels_table_is_understood() {
        let Ok(table) = fs::read_to_string("/proc/net/softnet_stat") else { return };
        assert_eq!(parse(&table).len(), table.lines().count(), "{table}");
    }
}
