//! The commands: arguments, help, and one file a command. `main` does nothing but call [`main`].

mod check;
mod demo;
mod describe;
mod exit;
mod input;
mod lists;
mod observe;
mod rrtype;
mod rules;
mod run;
mod scan;
mod size;
mod summary;
mod table;
mod usage;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use exit::Exit;

/// Watches a mirror of a provider's traffic and tells which names in it are gambling sites that an authority has
/// ordered blocked.
#[derive(Parser, Debug)]
#[command(name = "stakeout", version, propagate_version = true, after_help = exit::HELP, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const COMPLETIONS_EXAMPLE: &str = "\
Examples:
  $ stakeout completions bash > /usr/share/bash-completion/completions/stakeout
  $ stakeout completions zsh > /usr/share/zsh/vendor-completions/_stakeout
  $ stakeout completions fish > /usr/share/fish/vendor_completions.d/stakeout.fish";

const MAN_EXAMPLE: &str = "\
Example:
  $ stakeout man /usr/share/man/man1
  $ man stakeout-scan";

#[derive(Subcommand, Debug)]
enum Command {
    Demo(demo::DemoArgs),
    Observe(observe::ObserveArgs),
    Scan(scan::ScanArgs),
    Rules(rules::RulesArgs),
    Check(check::CheckArgs),
    Run(run::RunArgs),
    Size(size::SizeArgs),
    /// Print a completion script for a shell.
    ///
    /// Reads nothing. Put the script where the shell looks for such scripts.
    #[command(after_long_help = COMPLETIONS_EXAMPLE)]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages, one a command, to a directory.
    ///
    /// Reads nothing. The pages say what `--help` says.
    #[command(after_long_help = MAN_EXAMPLE)]
    Man {
        /// The directory; it is made if it is not there.
        #[arg(value_name = "DIRECTORY")]
        directory: std::path::PathBuf,
    },
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
        Command::Scan(args) => scan::run(&args),
        Command::Run(args) => run::run(&args).code(),
        Command::Check(args) => {
            check::run(&args, &crate::control::daemon::check_source, &mut io::stdout(), &mut io::stderr()).code()
        }
        Command::Size(args) => size::run(&args, &mut io::stdout().lock(), &mut io::stderr()).code(),
        Command::Rules(args) => match rules::run(&args, &mut io::stdout().lock(), &mut io::stderr()) {
            Ok(exit) => exit.code(),
            Err(error) => write_ended(Err(error)).code(),
        },
        Command::Demo(args) => demo::run(&args).code(),
        Command::Completions { shell } => {
            // The generator panics if it cannot write; a Vec it always can.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "stakeout", &mut script);
            write_ended(io::stdout().write_all(&script)).code()
        }
        Command::Man { directory } => {
            let written = std::fs::create_dir_all(&directory)
                .and_then(|()| clap_mangen::generate_to(Cli::command().bin_name("stakeout"), &directory));
            match written {
                Ok(()) => Exit::Done.code(),
                Err(error) => {
                    input::say(&directory, &format!("manual pages cannot be written: {error}"));
                    Exit::Io.code()
                }
            }
        }
    }
}

/// How a command ends that wrote its text. A reader that went away (`| head`) is no failure.
fn write_ended(written: io::Result<()>) -> Exit {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => output_failed(&error),
        _ => Exit::Done,
    }
}

/// Standard output cannot be written.
fn output_failed(error: &io::Error) -> Exit {
    let _ = writeln!(io::stderr(), "stakeout: standard output cannot be written: {error}");
    Exit::Io
}
