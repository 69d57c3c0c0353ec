//! `stakeout rules sign`: a prebuilt rule set as a signed bundle. `rules build --sign` comes here too.

use std::fmt::Display;
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use minisign::PublicKey;

use super::super::exit::Exit;
use super::keys;
use crate::control::units::Span;
use crate::matching::bundle::{BundleError, Contents, Manifest, SIGNATURE_COMMENT, Sealed, write};

const EXAMPLE: &str = "\
Example:
  $ cat national.toml
  channel = \"national\"
  [lists.pl-mf]
  authority = \"Ministerstwo Finansów\"
  jurisdictions = [\"PL\"]
  legal_basis = \"Gambling Act of 2009, article 15f\"
  reference = \"register of 24 November 2026\"
  $ stakeout rules build --out all.stkset --rules pl-mf=pl.xml --describe national.toml
  $ stakeout rules sign all.stkset --secret-key rules.key --channel national --out national.stkbundle
  channel national version 1, 51234 rules of 1 list, expires 2026-12-24T18:00:00Z: national.stkbundle";

/// Sign a prebuilt rule set, as a bundle that sensors take
///
/// Reads a prebuilt rule set, built with a description that says of each of its lists who ordered it, where and by what law
/// (`rules build --describe`), and a secret key, whose password is asked for or taken from STAKEOUT_KEY_PASSWORD. Writes the
/// bundle beside OUT and then renames it. Its version is one more than that of the bundle that is at OUT, or 1. Exit code 0;
/// 2 if a list does not say on whose order it stands or the key cannot be used, 3 if a file cannot be read or written; OUT
/// is then as it was.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = EXAMPLE)]
pub(super) struct SignArgs {
    /// The prebuilt rule set
    #[arg(value_name = "FILE")]
    set: PathBuf,
    /// The secret key, of `rules keygen` or `minisign -G`
    #[arg(long, value_name = "FILE")]
    secret_key: PathBuf,
    /// Which series of bundles it belongs to: 1 to 64 of a-z 0-9 . _ -
    #[arg(long, value_name = "NAME")]
    channel: String,
    /// Where the bundle goes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    life: LifeArgs,
}

/// Which bundle of its channel, and for how long.
#[derive(Args, Debug, Clone)]
pub(super) struct LifeArgs {
    /// Version of the bundle, in place of one more than that at OUT; sensors never go back to a lower one
    #[arg(long, value_name = "NUMBER")]
    bundle_version: Option<u64>,
    /// For how long sensors may take the bundle, such as 12h or 30d
    #[arg(long, value_name = "TIME", default_value = "30d")]
    valid_for: Span,
}

/// What is signed with what.
pub(super) struct Order<'a> {
    /// The prebuilt rule set.
    pub(super) set: &'a Path,
    /// The file to name where something is wrong with what is signed.
    pub(super) told_as: &'a Path,
    pub(super) secret_key: &'a Path,
    pub(super) channel: &'a str,
    pub(super) out: &'a Path,
    pub(super) life: &'a LifeArgs,
}

/// Runs the command and gives its exit code.
///
/// # Errors
/// Output that cannot be written.
pub(super) fn run(args: &SignArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    let SignArgs { set, secret_key, channel, out: bundle, life } = args;
    sign(&Order { set, told_as: set, secret_key, channel, out: bundle, life }, out, err)
}

/// Signs, and says what was written or why nothing was.
///
/// # Errors
/// Output that cannot be written.
pub(super) fn sign(order: &Order<'_>, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    match make(order) {
        Ok(manifest) => {
            let lists = if manifest.lists.len() == 1 { "list" } else { "lists" };
            writeln!(
                out,
                "channel {} version {}, {} rules of {} {lists}, expires {}: {}",
                manifest.channel,
                manifest.version,
                manifest.rules(),
                manifest.lists.len(),
                manifest.expires,
                order.out.display()
            )?;
            Ok(Exit::Done)
        }
        Err((why, exit)) => {
            writeln!(err, "stakeout: {why}")?;
            Ok(exit)
        }
    }
}

fn make(order: &Order<'_>) -> Result<Manifest, (String, Exit)> {
    let usage = |path: &Path, why: &dyn Display| (format!("{}: {why}", path.display()), Exit::Usage);
    let bundle_error = |path: &Path, error: BundleError| {
        let exit = if matches!(error, BundleError::Io(_)) { Exit::Io } else { Exit::Usage };
        (format!("{}: {error}", path.display()), exit)
    };
    let mut contents = Contents::open(order.set).map_err(|error| bundle_error(order.told_as, error))?;
    let version = version(order, order.channel).map_err(|why| usage(order.out, &why))?;
    let created = Timestamp::now();
    let expires = SignedDuration::try_from(order.life.valid_for.duration())
        .ok()
        .and_then(|valid| created.checked_add(valid).ok())
        .ok_or_else(|| ("--valid-for is too long".to_owned(), Exit::Usage))?;
    let manifest = Manifest::new(
        order.channel.into(),
        version,
        (created, expires),
        contents.lists.clone(),
        contents.payload.clone(),
    )
    .map_err(|error| usage(order.told_as, &error))?;
    let key = keys::secret(order.secret_key)?;
    // Shown by `minisign -V`; nothing is decided by it.
    let trusted = format!("stakeout rule bundle {} version {version}", manifest.channel);
    let untrusted = SIGNATURE_COMMENT.trim_start_matches("untrusted comment: ");
    let octets = manifest.to_octets();
    let public = PublicKey::from_secret_key(&key).map_err(|error| usage(order.secret_key, &error))?;
    let signature = minisign::sign(Some(&public), &key, Cursor::new(&octets), Some(&trusted), Some(untrusted))
        .map_err(|error| usage(order.secret_key, &error))?
        .into_string();
    let signature = format!("{}\n", signature.trim_end());
    write(order.out, &manifest, &signature, &mut contents).map_err(|error| bundle_error(order.out, error))?;
    Ok(manifest)
}

/// The version to sign: as told, or the next one. One that no sensor would take is refused while it is easily mended.
fn version(order: &Order<'_>, channel: &str) -> Result<u64, String> {
    let before = match Sealed::open(order.out).and_then(|sealed| sealed.claims()) {
        Ok(claims) if claims.channel == channel => claims.version,
        Ok(claims) => return Err(format!("there is a bundle of the channel {:?}: name another file", claims.channel)),
        Err(BundleError::Io(error)) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(_) if order.life.bundle_version.is_some() => 0,
        Err(error) => return Err(format!("{error}; or say --bundle-version, to replace it")),
    };
    let next = before.checked_add(1).ok_or("there is no version above the one that is there")?;
    match order.life.bundle_version {
        None => Ok(next),
        Some(version) if version >= next => Ok(version),
        Some(version) => Err(format!("has version {before} already, so that no sensor would take version {version}")),
    }
}
