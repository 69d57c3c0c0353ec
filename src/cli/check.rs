//! `stakeout check`: everything that is wrong with a configuration, with line numbers.

use std::io::{self, Write};
use std::path::PathBuf;

use super::exit::Exit;
use crate::control::check::{RuleSummary, check};
use crate::control::config::RuleSource;
use crate::control::legal::today;

const EXAMPLE: &str = "\
Example:
  $ sudo -u stakeout stakeout check --config /etc/stakeout/stakeout.toml

packaging/stakeout.toml is a configuration to start from; docs/operators.md explains it.";

/// Tell everything that is wrong with a configuration, with line numbers.
///
/// Reads the daemon's configuration file. Rule files are loaded, and directories are tried, as the user who runs the
/// check: run it as the daemon's user. Exit code 0: `run` would start (there may be warnings); 2: it would not; 3: the
/// file cannot be read.
#[derive(clap::Args, Clone, Debug)]
#[command(after_long_help = EXAMPLE)]
pub(super) struct CheckArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "/etc/stakeout/stakeout.toml")]
    pub(super) config: PathBuf,
}

/// Writes the report to `out`, or why there is none to `err`, and gives the exit code.
pub(super) fn run(
    args: &CheckArgs,
    rule_check: &dyn Fn(&RuleSource) -> Result<RuleSummary, String>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Exit {
    let report = match check(&args.config, today(), rule_check) {
        Ok(report) => report,
        Err(unreadable) => {
            // Nothing is left to tell it to if even this cannot be written.
            let _ = writeln!(err, "{unreadable}");
            return Exit::Io;
        }
    };
    match report.write_to(out).and_then(|()| out.flush()) {
        // A reader that has seen enough (`| head`) does not change the result.
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            let _ = writeln!(err, "cannot write the report: {e}");
            Exit::Io
        }
        _ if report.errors() > 0 => Exit::Usage,
        _ => Exit::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_on(text: Option<&str>) -> (Exit, String, String) {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("stakeout.toml");
        if let Some(text) = text {
            std::fs::write(&config, text).unwrap();
            std::fs::write(dir.path().join("list.txt"), "casino.example\n").unwrap();
        }
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let rules = |_: &RuleSource| Ok(RuleSummary { rules: 1, ..RuleSummary::default() });
        let code = run(&CheckArgs { config }, &rules, &mut out, &mut err);
        (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    const GOOD_CONFIG: &str = r#"
[sensor]
jurisdictions = ["PL"]
[legal]
basis = "Gambling Act, article 15f"
reference = "Order 7/2026"
contact = "noc@isp.test"
review_date = 2999-01-01
scope = ["dns"]
[capture]
interfaces = ["lo"]
[[rules]]
list = "demo"
path = "list.txt"
authority = "Test authority"
jurisdictions = ["PL"]
legal_basis = "Gambling Act"
reference = "Register 1"
[output.events]
path = "events.jsonl"
"#;

    #[test]
    fn exit_codes_tell_good_bad_and_unreadable() {
        let (code, out, err) = run_on(Some(GOOD_CONFIG));
        assert_eq!((code, err.as_str()), (Exit::Done, ""), "{out}");
        assert!(out.ends_with("stakeout.toml: good, 1 list with 1 rule, 0 warnings\n"), "{out}");

        let (code, out, _) = run_on(Some(&GOOD_CONFIG.replace("\"dns\"", "\"smtp\"")));
        assert_eq!(code, Exit::Usage);
        assert!(out.contains("stakeout.toml:9:10: error: "), "{out}");
        assert!(out.ends_with("stakeout.toml: 1 error: `stakeout run` would not start\n"), "{out}");

        let (code, out, err) = run_on(None);
        assert_eq!((code, out.as_str()), (Exit::Io, ""));
        assert!(err.contains("there is no such file"), "{err}");
    }
}
