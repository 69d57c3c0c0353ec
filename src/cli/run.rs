//! `stakeout run`: the daemon.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use crate::control::check::check;
use crate::control::daemon::{self, DaemonError};
use crate::control::legal::today;
use crate::telemetry;

const EXAMPLE: &str = "\
Example:
  $ sudo stakeout run --config /etc/stakeout/stakeout.toml
  $ curl -s http://127.0.0.1:9618/readyz

docs/operators.md says how to bring the traffic in, and how to run it as a service.";

/// Watch live traffic and write events until told to stop: the daemon.
///
/// Reads packets from the interfaces that the configuration names. The configuration is checked first, exactly as by
/// `stakeout check`; with any error in it the daemon does not start. It needs CAP_NET_RAW. SIGHUP loads the rules again
/// and reopens the output files, SIGTERM stops it after everything accepted is written. It logs to standard error.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLE)]
pub(super) struct RunArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/stakeout/stakeout.toml")]
    config: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: &RunArgs) -> Exit {
    let say = |text: &str| {
        // If standard error is closed there is nobody to tell.
        let _ = writeln!(io::stderr(), "{text}");
    };
    let report = match check(&args.config, today(), &daemon::check_source) {
        Ok(report) => report,
        Err(unreadable) => {
            say(&unreadable.to_string());
            return Exit::Io;
        }
    };
    let Some(config) = &report.config else {
        let _ = report.write_to(&mut io::stderr());
        return Exit::Usage;
    };
    if let Err(error) = telemetry::init(config.log.format, config.log.level) {
        say(&format!("the log cannot be set up: {error}"));
        return Exit::Io;
    }
    for problem in &report.problems {
        tracing::warn!(line = problem.line, "{}: {}", args.config.display(), problem.message);
    }
    match daemon::run(config, &args.config) {
        Ok(()) => Exit::Done,
        Err(error) => {
            tracing::error!("{error}");
            match error {
                DaemonError::Rules(_) => Exit::Usage,
                DaemonError::CannotResume(_) => Exit::Restart,
                _ => Exit::Io,
            }
        }
    }
}
