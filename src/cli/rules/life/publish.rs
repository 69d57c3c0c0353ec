//! `stakeout rules publish`, and what `--store` of other commands shares with it: what is in force, as a set.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::super::super::exit::Exit;
use super::super::super::lists::Loaded;
use super::super::keys;
use super::common::{Failure, StoreArgs, WhoArgs, count};
use crate::control::rules::store::{Access, Actor, Done, LeftOut, Release, Store, StoreError, rule_set};
use crate::control::units::Span;
use crate::matching::bundle::SIGNATURE_COMMENT;
use crate::matching::{RuleSet, SaveError, save};
use crate::model::Jurisdiction;

const EXAMPLE: &str = "\
Example:
  $ stakeout rules publish --channel national --key rules.key --to /srv/rules/national.stkbundle
  channel national version 4: 51234 rules of 3 lists, expires 2026-12-24T18:00:00Z
  /srv/rules/national.stkbundle: published";

/// Build what is in force, sign it, and put it where sensors fetch it
///
/// Reads the store and a secret key of `rules keygen`, whose password is asked for or taken from STAKEOUT_KEY_PASSWORD. Every
/// signature for what is in force is verified again. The bundle's version is one above every one published before; each PATH has the
/// old bundle or the new one, whole, at any moment. Exit code 0; 1 if signatures or objects of the store do not hold; 2 if a list
/// is incomplete or the key cannot be used, 3 if a file cannot be read or written. But for a full disk at the very end, nothing is then published.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = EXAMPLE)]
pub(in crate::cli::rules) struct PublishArgs {
    /// Where the bundle goes; may be given several times
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    to: Vec<PathBuf>,
    #[command(flatten)]
    sign: SignArgs,
    /// Why: a note in the journal
    #[arg(long, value_name = "TEXT", default_value = "published")]
    why: String,
    #[command(flatten)]
    who: WhoArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// What a bundle is signed with, and for whom it is.
#[derive(Args, Debug, Clone)]
pub(super) struct SignArgs {
    /// The series of bundles, as sensors name it
    #[arg(long, value_name = "NAME")]
    pub(super) channel: String,
    /// The secret key whose public half sensors trust
    #[arg(long, value_name = "FILE")]
    pub(super) key: PathBuf,
    /// For how long sensors may take the bundle, such as 12h or 30d
    #[arg(long, value_name = "TIME", default_value = "30d")]
    valid_for: Span,
    /// Only lists that hold in this place (ISO 3166)
    #[arg(long, value_name = "CODE")]
    jurisdiction: Option<Jurisdiction>,
    /// Leave a list out; may be given several times
    #[arg(long, value_name = "LIST")]
    except: Vec<String>,
}

pub(super) fn run(args: &PublishArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Failure> {
    let actor = args.who.actor(&args.why)?;
    let key = keys::secret(&args.sign.key).map_err(|(why, exit)| Failure::Said(why, exit))?;
    let mut store = args.store.open(Access::Write, err)?;
    publish(&mut store, (&args.sign, &key, &args.to), &actor, out, err)
}

/// Signs and publishes what is in force.
pub(super) fn publish(
    store: &mut Store,
    (sign, key, to): (&SignArgs, &minisign::SecretKey, &[PathBuf]),
    actor: &Actor,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let release = Release {
        channel: &sign.channel,
        to,
        valid_for: sign.valid_for,
        jurisdiction: sign.jurisdiction,
        except: &sign.except,
    };
    let public = minisign::PublicKey::from_secret_key(key)
        .map_err(|error| Failure::usage(format!("{}: {error}", sign.key.display())))?;
    let untrusted = SIGNATURE_COMMENT.trim_start_matches("untrusted comment: ");
    let Done { manifest, left_out, protected } = store.publish(&release, actor, |octets, comment| {
        minisign::sign(Some(&public), key, Cursor::new(octets), Some(comment), Some(untrusted))
            .map(|signature| format!("{}\n", signature.into_string().trim_end()))
            .map_err(|error| format!("{}: {error}", sign.key.display()))
    })?;
    tell_left_out(&left_out, &protected, err)?;
    let lists = count(manifest.lists.len() as u64, "list");
    let (channel, version, expires) = (&manifest.channel, manifest.version, manifest.expires);
    writeln!(
        out,
        "channel {channel} version {version}: {} of {lists}, expires {expires}",
        count(manifest.rules(), "rule")
    )?;
    for path in to {
        writeln!(out, "{}: published", path.display())?;
    }
    Ok(Exit::Done)
}

fn tell_left_out(left_out: &[LeftOut], protected: &[String], err: &mut dyn Write) -> Result<(), Failure> {
    for LeftOut { list, why } in left_out {
        writeln!(err, "stakeout: {list} is not in it: {why}")?;
    }
    for name in protected {
        writeln!(err, "stakeout: {name} is not in it: it is protected, or would cover a protected name")?;
    }
    Ok(())
}

/// The rule set of what is in force now in a store.
fn in_force(dir: &Path, err: &mut dyn Write) -> Result<(RuleSet, usize), Failure> {
    let store = StoreArgs { store: Some(dir.to_owned()) }.open(Access::Read, err)?;
    let (lists, left_out) = store.effective(Timestamp::now(), None, &[])?;
    let protected: Vec<String> = lists.iter().flat_map(|list| list.protected.clone()).collect();
    tell_left_out(&left_out, &protected, err)?;
    if lists.is_empty() {
        return Err(Failure::usage(format!("{}: no list is in force", dir.display())));
    }
    let number = lists.len();
    Ok((rule_set(lists)?, number))
}

/// Writes what is in force as a prebuilt set.
///
/// # Errors
/// As for publishing.
pub(in crate::cli::rules) fn build(
    dir: &Path,
    path: &Path,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let (set, lists) = in_force(dir, err)?;
    let octets = save(&set, path).map_err(|error| match error {
        SaveError::Io(error) => Failure::Store(StoreError::Io { path: path.to_owned(), error }),
        other => Failure::usage(format!("{}: {other}", path.display())),
    })?;
    writeln!(
        out,
        "{} of {} in {octets} octets: {}",
        count(set.len(), "rule"),
        count(lists as u64, "list"),
        path.display()
    )?;
    Ok(Exit::Done)
}

/// What is in force as lists that were loaded, as `--rules` loads files.
///
/// # Errors
/// The exit code; what is wrong is said on `err`.
pub(in crate::cli) fn load_store(dir: &Path, err: &mut dyn Write) -> Result<Loaded, Exit> {
    match in_force(dir, err) {
        Ok((rules, lists)) => Ok(Loaded { rules, lists, exit: Exit::Done }),
        // If standard error is closed there is nobody to tell.
        Err(failure) => Err(super::told(Err(failure), err).unwrap_or(Exit::Io)),
    }
}
