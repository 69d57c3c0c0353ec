//! The `stakeout` command: everything is in the library; see `stakeout::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    stakeout::cli::main()
}
