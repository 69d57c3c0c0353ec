//! The commands: arguments, help, and one file a command. `main` does nothing but call [`main`].

mod check;
mod demo;
mod exit;
mod input;
mod observe;
mod rrtype;
mod rules;
mod run;
mod scan;
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

#[derive(Subcommand, Debug)]
enum Command {
    Observe(observe::ObserveArgs),
    Scan(scan::ScanArgs),
    Run(run::RunArgs),
    Check(check::CheckArgs),
    Demo(demo::DemoArgs),
    Rules(rules::RulesArgs),
    /// Prints a completion script for a shell; put it where the shell looks for them.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Writes the manual pages, one a command, to a directory.
    Man {
        /// An existing directory.
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
        Command::Check(args) => ExitCode::from(check::run(
            &args,
            &crate::control::daemon::check_source,
            &mut io::stdout(),
            &mut io::stderr(),
        )),
        Command::Rules(args) => match rules::run(&args, &mut io::stdout().lock(), &mut io::stderr()) {
            Ok(code) => ExitCode::from(code),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done.code(),
            Err(error) => output_failed(&error).code(),
        },
        Command::Demo(args) => demo::run(&args).code(),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "stakeout", &mut io::stdout());
            Exit::Done.code()
        }
        Command::Man { directory } => match clap_mangen::generate_to(Cli::command(), &directory) {
            Ok(()) => Exit::Done.code(),
            Err(error) => {
                input::say(&directory, &format!("manual pages cannot be written: {error}"));
                Exit::Io.code()
            }
        },
    }
}

/// Standard output cannot be written.
fn output_failed(error: &io::Error) -> Exit {
    let _ = writeln!(io::stderr(), "stakeout: standard output cannot be written: {error}");
    Exit::Io
}
