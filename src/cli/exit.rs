//! The exit codes, which scripts and service managers rely on.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub(super) enum Exit {
    /// Done.
    Done = 0,
    /// Done, but inputs were damaged or rejected; what was wrong is on standard error.
    Damaged = 1,
    /// The command line or the configuration is wrong; nothing was done.
    Usage = 2,
    /// An input or output failed.
    Io = 3,
    /// `run` only: an interface was lost and cannot be captured again by this process; another start will do it.
    Restart = 4,
}

impl Exit {
    /// What `scan --exit-code` adds when something was found.
    pub(super) const FOUND: u8 = 10;

    /// The code for the shell.
    pub(super) fn code(self) -> ExitCode {
        ExitCode::from(self as u8)
    }

    /// The worse of two ends.
    #[must_use]
    pub(super) fn or(self, other: Exit) -> Exit {
        self.max(other)
    }
}

/// First steps and the table of exit codes, for `--help` and the manual page.
pub(super) const HELP: &str = "\
First steps:
  stakeout demo                                  see it work on invented traffic
  stakeout observe FILE.pcap                     every name in a capture
  stakeout scan --rules list.txt FILE.pcap       visits to listed names in it
  stakeout COMMAND --help                        what a command reads and writes, with an example

Exit codes:
  0  done
  1  done, but inputs were damaged or rejected
  2  the command line or the configuration is wrong
  3  an input or output failed
  4  `run` only: capture cannot be resumed without a restart; all that was found is written
 10  added by `scan --exit-code` when something was found (10, 11 or 13)";
