//! `stakeout rules publish`, and what `build --store` and `test --store` share with it: what is in force, as a set.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::super::super::exit::Exit;
use super::super::keys;
use super::common::{Failure, StoreArgs, WhoArgs, count};
use crate::control::rules::store::{Access, Actor, Done, Effective, LeftOut, Release, Store, StoreError, describe, rule_set};
use crate::control::units::Span;
use crate::matching::bundle::{SIGNATURE_COMMENT, replace};
use crate::matching::{RuleSet, SaveError, save};

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
    jurisdiction: Option<String>,
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
        jurisdiction: sign.jurisdiction.as_deref(),
        except: &sign.except,
    };
    let untrusted = SIGNATURE_COMMENT.trim_start_matches("untrusted comment: ");
    let Done { manifest, left_out, protected } = store.publish(&release, actor, |octets, comment| {
        minisign::sign(None, key, Cursor::new(octets), Some(comment), Some(untrusted))
            .map(|signature| format!("{}\n", signature.into_string().trim_end()))
            .map_err(|error| format!("{}: {error}", sign.key.display()))
    })?;
    tell_left_out(&left_out, &protected, err)?;
    let lists = count(manifest.lists.len() as u64, "list");
    let (channel, version, expires) = (&manifest.channel, manifest.version, manifest.expires);
    writeln!(out, "channel {channel} version {version}: {} of {lists}, expires {expires}", count(manifest.rules(), "rule"))?;
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

/// The lists in force now, from a store.
fn in_force(
    args: &StoreArgs,
    jurisdiction: Option<&str>,
    except: &[String],
    err: &mut dyn Write,
) -> Result<Vec<Effective>, Failure> {
    let store = args.open(Access::Read, err)?;
    let (lists, left_out) = store.effective(Timestamp::now(), jurisdiction, except)?;
    let protected: Vec<String> = lists.iter().flat_map(|list| list.protected.clone()).collect();
    tell_left_out(&left_out, &protected, err)?;
    Ok(lists)
}

/// What is in force as a prebuilt set at `path`, and what `rules sign` needs to know of its lists at `describe_out`.
///
/// # Errors
/// As for publishing.
pub(in crate::cli::rules) fn build(
    (args, jurisdiction): (&StoreArgs, Option<&str>),
    (path, describe_out): (&Path, Option<&Path>),
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, Failure> {
    let lists = in_force(args, jurisdiction, &[], err)?;
    if lists.is_empty() {
        return Err(Failure::usage("no list is in force, so there is nothing to build"));
    }
    let text = description(&lists);
    let (number, set) = (lists.len() as u64, rule_set(lists)?);
    let octets = save(&set, path).map_err(|error| match error {
        SaveError::Io(error) => Failure::Store(StoreError::Io { path: path.to_owned(), error }),
        other => Failure::usage(format!("{}: {other}", path.display())),
    })?;
    if let Some(path) = describe_out {
        replace::<std::io::Error>(path, 0o644, |file| file.write_all(text.as_bytes()))
            .map_err(|error| Failure::file(path, &error))?;
    }
    writeln!(out, "{} of {} in {octets} octets: {}", count(set.len(), "rule"), count(number, "list"), path.display())?;
    Ok(Exit::Done)
}

/// The description that `rules sign` reads, but for the channel.
fn description(lists: &[Effective]) -> String {
    let quote = |text: &str| serde_json::to_string(text).unwrap_or_default();
    let mut text = String::from("channel = \"…\"\n");
    for list in lists.iter().map(describe) {
        let places: Vec<String> = list.jurisdictions.iter().map(|place| quote(place)).collect();
        text.push_str(&format!(
            "[lists.{}]\nauthority = {}\njurisdictions = [{}]\nlegal_basis = {}\nreference = {}\n",
            quote(&list.name),
            quote(&list.authority),
            places.join(", "),
            quote(&list.legal_basis),
            quote(&list.reference)
        ));
    }
    text
}

/// What is in force as a rule set, to look names up in.
///
/// # Errors
/// As for publishing.
pub(in crate::cli::rules) fn test_set(
    args: &StoreArgs,
    jurisdiction: Option<&str>,
    err: &mut dyn Write,
) -> Result<RuleSet, Failure> {
    let lists = in_force(args, jurisdiction, &[], err)?;
    Ok(rule_set(lists)?)
}
