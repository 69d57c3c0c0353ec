//! `stakeout rules approve` and `stakeout rules reject`.

use std::io::{Cursor, Read, Write};
use std::path::PathBuf;

use clap::Args;

use super::super::super::exit::Exit;
use super::super::keys;
use super::common::{ActorArgs, Failure, StoreArgs, count};
use super::proposals;
use crate::control::rules::store::Access;

/// The longest signature file that is read, in octets.
const MAX_SIGNATURE: u64 = 4_096;

const APPROVE_EXAMPLE: &str = "\
Examples:
  $ stakeout rules approve 7 --key anna.key
  proposal 7: signed by anna; 1 more signature is needed
  $ stakeout rules approve 7 --key bert.key
  proposal 7: signed by bert; it is in force
  $ stakeout rules show 7 --text-out 7.txt         # where the key lies on another machine
  $ minisign -S -s carla.key -m 7.txt
  $ stakeout rules approve 7 --signature 7.txt.minisig";

const REJECT_EXAMPLE: &str = "\
Example:
  $ stakeout rules reject 7 --why \"the letter names another site\"
  proposal 7: rejected";

/// Sign for a proposal
///
/// Reads a secret key, whose password is asked for or taken from STAKEOUT_KEY_PASSWORD, and signs the text of the proposal together
/// with the hash of its order; or reads a signature that was made elsewhere. Who signs tells the key, nothing else. Two
/// different people with two different keys are needed, or as many as store.toml says; the last one puts the change in force. Exit code
/// 0; 2 if the signature does not count, and why; 3 if a key or the store cannot be read.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = APPROVE_EXAMPLE)]
pub(in crate::cli::rules) struct ApproveArgs {
    /// The proposal
    #[arg(value_name = "ID")]
    id: u64,
    /// Your secret key
    #[arg(long, value_name = "FILE", required_unless_present = "signature")]
    key: Option<PathBuf>,
    /// A signature of minisign over what `rules show ID --text-out FILE` wrote
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    signature: Option<PathBuf>,
    /// Why: a note in the journal
    #[arg(long, value_name = "TEXT", default_value = "signed")]
    why: String,
    #[command(flatten)]
    store: StoreArgs,
}

/// Turn a proposal down
///
/// It takes nothing out of force, so one person may. Exit code 0; 2 if the proposal does not wait.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = REJECT_EXAMPLE)]
pub(in crate::cli::rules) struct RejectArgs {
    /// The proposal
    #[arg(value_name = "ID")]
    id: u64,
    #[command(flatten)]
    actor: ActorArgs,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn run(args: &ApproveArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Failure> {
    // Nobody holds the store while a password is typed.
    let text = args.store.open(Access::Read, err)?.signing_text(args.id)?;
    let signature = match (&args.key, &args.signature) {
        (Some(path), _) => {
            let key = keys::secret(path).map_err(|(why, exit)| Failure::Said(why, exit))?;
            let comment = format!("stakeout approval of proposal {}", args.id);
            let signed = minisign::sign(None, &key, Cursor::new(text.as_bytes()), Some(&comment), Some(&comment));
            let signed = signed.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
            format!("{}\n", signed.into_string().trim_end())
        }
        (None, Some(path)) => {
            let (mut signature, file) = (String::new(), std::fs::File::open(path));
            let read = file.and_then(|file| file.take(MAX_SIGNATURE).read_to_string(&mut signature));
            read.map_err(|error| Failure::file(path, &error))?;
            signature
        }
        (None, None) => return Err(Failure::usage("say --key or --signature")),
    };
    let mut store = args.store.open(Access::Write, err)?;
    let signing = store.approve(args.id, &signature, &args.why)?;
    let end = match signing.missing {
        0 => "it is in force".to_owned(),
        1 => "1 more signature is needed".to_owned(),
        more => format!("{more} more signatures are needed"),
    };
    writeln!(out, "proposal {}: signed by {}; {end}", args.id, signing.person)?;
    if signing.missing == 0
        && let Some(list) = store.proposal(args.id)?.change.list()
        && let Some(head) = store.state().head(list)
    {
        writeln!(out, "{list}: snapshot {}, {}", head.id, count(head.content.rules, "rule"))?;
    }
    Ok(Exit::Done)
}

pub(super) fn reject(args: &RejectArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Failure> {
    let mut store = args.store.open(Access::Write, err)?;
    store.reject(args.id, &args.actor.actor()?)?;
    writeln!(out, "{}", proposals::line(store.proposal(args.id)?))?;
    Ok(Exit::Done)
}
