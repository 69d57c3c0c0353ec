//! The commands: arguments, help, and one file a command. `main` does nothing but call [`main`].


mod exit;
mod input;
mod observe;
mod rrtype;


use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use exit::Exit;

/// Watches a mirror of a provider's traffic and tells which names in it are gambling sites that an authority has
/// ordered blocked.
#[derive(Parser, Debug)]
#[command(name = "stakeout", version, propagate_version = true, after_help = exit::HELP, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Observe(observe::ObserveArgs),


}

/// Parses the arguments, runs the command, gives its exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no mistake.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            let _ = error.print();
            return exit.code();
        }
    };
    match cli.command {
        Command::Observe(args) => observe::run(&args).code(),


    }
}

/// Standard output cannot be written.
fn output_failed(error: &io::Error) -> Exit {
    let _ = writeln!(io::stderr(), "stakeout: standard output cannot be written: {error}");
    Exit::Io
}
