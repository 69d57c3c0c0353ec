//! `stakeout rules` on the store: the life of a rule from a file or a letter to a signed bundle, a file a command.

mod approve;
mod common;
mod diff;
mod explain;
mod fetch;
mod gc;
mod history;
mod import;
mod init;
mod person;
mod proposals;
mod propose;
mod publish;
mod rollback;
mod source;
mod status;

use std::io::{self, Write};

use clap::Subcommand;

use super::super::exit::Exit;
use common::Failure;
pub(super) use common::StoreArgs;
pub(super) use proposals::show;
pub(super) use publish::build;
pub(in crate::cli) use publish::load_store;

/// The commands that work on a store.
#[derive(Subcommand, Debug, Clone)]
pub(super) enum LifeCommand {
    Init(init::InitArgs),
    Source(source::SourceArgs),
    Person(person::PersonArgs),
    Import(import::ImportArgs),
    Fetch(fetch::FetchArgs),
    Propose(propose::ProposeArgs),
    Proposals(proposals::ProposalsArgs),
    Approve(approve::ApproveArgs),
    Reject(approve::RejectArgs),
    Diff(diff::DiffArgs),
    Explain(explain::ExplainArgs),
    Publish(publish::PublishArgs),
    Rollback(rollback::RollbackArgs),
    History(history::HistoryArgs),
    Status(status::StatusArgs),
    Gc(gc::GcArgs),
    Migrate(gc::MigrateArgs),
}

/// Runs a command and gives its exit code.
///
/// # Errors
/// Output that cannot be written.
pub(super) fn run(command: &LifeCommand, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    let ended = match command {
        LifeCommand::Init(args) => init::run(args, out, err),
        LifeCommand::Source(args) => source::run(args, out, err),
        LifeCommand::Person(args) => person::run(args, out, err),
        LifeCommand::Import(args) => import::run(args, out, err),
        LifeCommand::Fetch(args) => fetch::run(args, out, err),
        LifeCommand::Propose(args) => propose::run(args, out, err),
        LifeCommand::Proposals(args) => proposals::run(args, out, err),
        LifeCommand::Approve(args) => approve::run(args, out, err),
        LifeCommand::Reject(args) => approve::reject(args, out, err),
        LifeCommand::Diff(args) => diff::run(args, out, err),
        LifeCommand::Explain(args) => explain::run(args, out, err),
        LifeCommand::Publish(args) => publish::run(args, out, err),
        LifeCommand::Rollback(args) => rollback::run(args, out, err),
        LifeCommand::History(args) => history::run(args, out, err),
        LifeCommand::Status(args) => status::run(args, out, err),
        LifeCommand::Gc(args) => gc::run(args, out, err),
        LifeCommand::Migrate(args) => gc::migrate(args, out, err),
    };
    told(ended, err)
}

/// Says what failed, and gives the exit code for it.
///
/// # Errors
/// Output that cannot be written.
pub(super) fn told(ended: Result<Exit, Failure>, err: &mut dyn Write) -> io::Result<Exit> {
    match ended {
        Ok(exit) => Ok(exit),
        Err(Failure::Output(error)) => Err(error),
        Err(Failure::Store(error)) => {
            writeln!(err, "stakeout: {error}")?;
            Ok(common::exit_of(&error))
        }
        Err(Failure::Said(why, exit)) => {
            writeln!(err, "stakeout: {why}")?;
            Ok(exit)
        }
    }
}
