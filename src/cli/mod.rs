//! The commands.
use std::process::ExitCode;

pub mod rules;

/// Runs the program.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
