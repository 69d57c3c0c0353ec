//! `stakeout rules verify` and `stakeout rules show`: whether a bundle is good, and what it says of itself.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::super::exit::Exit;
use super::keys::{self, KeyError};
use super::life;
use crate::matching::bundle::{BundleError, Keyring, Manifest, Scope, Sealed, TrustedKey, key_id, replace};

const VERIFY_EXAMPLE: &str = "\
Example:
  $ stakeout rules verify national.stkbundle --key rules.pub
  national.stkbundle: good: channel national version 1, 51234 rules of 1 list, signed by key 1F2E3D4C5B6A7988, expires 2026-12-24T18:00:00Z";

const SHOW_EXAMPLE: &str = "\
Example:
  $ stakeout rules show national.stkbundle --manifest-out m.json
  $ minisign -V -p rules.pub -m m.json        # minisign's own word on the signature, which is in m.json.minisig";

/// Verify the signature and the contents of a rule bundle
///
/// Reads a bundle and public keys, and checks all that a sensor checks but what only a sensor knows: the key's scope, the
/// channel, and the version taken last. Exit code 0 if it is good; 1 if it is refused, and why is on standard error; 3 if a
/// file cannot be read.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = VERIFY_EXAMPLE)]
pub(super) struct VerifyArgs {
    /// The bundle
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A public key that may have signed it: the file, or its last line; may be given several times
    #[arg(long = "key", value_name = "KEY", required = true)]
    keys: Vec<String>,
}

/// Show what a rule bundle says of itself, or what a proposal would change
///
/// Reads a bundle and prints its manifest. Nothing is verified, so believe it no more than the file: `rules verify` does
/// that. Of a number it prints the proposal of the store, with all that people would sign for. Exit code 0; 1 if the file is no
/// bundle, 2 if there is no such proposal, 3 if it cannot be read.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = SHOW_EXAMPLE)]
pub(super) struct ShowArgs {
    /// The bundle; or the number of a proposal
    #[arg(value_name = "FILE|ID")]
    file: PathBuf,
    /// All of the proposal's text
    #[arg(long)]
    all: bool,
    /// Also write what is to be signed for the proposal to PATH, for `minisign -S -m`
    #[arg(long, value_name = "PATH", conflicts_with = "manifest_out")]
    text_out: Option<PathBuf>,
    #[command(flatten)]
    store: life::StoreArgs,
    /// Print the manifest itself, which is JSON
    #[arg(long)]
    json: bool,
    /// Also write the manifest to PATH and its signature to PATH.minisig, for `minisign -V`
    #[arg(long, value_name = "PATH")]
    manifest_out: Option<PathBuf>,
}

/// Runs `verify` and gives its exit code.
///
/// # Errors
/// Output that cannot be written.
pub(super) fn verify(args: &VerifyArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    let file = args.file.display();
    let keys = match args.keys.iter().map(|given| trusted(given)).collect::<Result<Vec<_>, _>>() {
        Ok(trusted) => Keyring { trusted, revoked: Vec::new() },
        Err((why, exit)) => {
            writeln!(err, "stakeout: {why}")?;
            return Ok(exit);
        }
    };
    let verified = Sealed::open(&args.file).and_then(|sealed| sealed.verify(&keys)).and_then(|mut verified| {
        verified.load()?;
        let at = verified.manifest.expires;
        if at <= Timestamp::now() { Err(BundleError::Expired { at }) } else { Ok(verified) }
    });
    match verified {
        Ok(verified) => {
            let manifest = &verified.manifest;
            writeln!(
                out,
                "{file}: good: {}, signed by key {}, expires {}",
                head(manifest),
                verified.key,
                manifest.expires
            )?;
            Ok(Exit::Done)
        }
        Err(error) => failed(&args.file, &error, err),
    }
}

fn trusted(given: &str) -> Result<TrustedKey, KeyError> {
    let base64 = keys::public(given)?;
    let name = key_id(&base64).unwrap_or_default();
    TrustedKey::new(name, &base64, Scope::everything()).map_err(|why| (format!("{given}: {why}"), Exit::Usage))
}

/// Runs `show` and gives its exit code.
///
/// # Errors
/// Output that cannot be written.
pub(super) fn show(args: &ShowArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    if let Some(id) = args.file.to_str().and_then(|text| text.parse().ok()) {
        let shown = life::show((id, &args.store, args.all), args.text_out.as_ref(), out, err);
        return life::told(shown, err);
    }
    let opened = Sealed::open(&args.file).and_then(|sealed| Ok((sealed.claims()?, sealed)));
    let (manifest, sealed) = match opened {
        Ok(opened) => opened,
        Err(error) => return failed(&args.file, &error, err),
    };
    if let Some(path) = &args.manifest_out {
        let mut beside = path.clone().into_os_string();
        beside.push(".minisig");
        for (path, octets) in [(path.clone(), sealed.manifest_octets()), (beside.into(), sealed.signature().as_bytes())]
        {
            if let Err(error) = replace::<io::Error>(&path, 0o644, |file| file.write_all(octets)) {
                writeln!(err, "stakeout: {}: cannot be written: {error}", path.display())?;
                return Ok(Exit::Io);
            }
        }
    }
    if args.json {
        out.write_all(&manifest.to_octets())?;
        return Ok(Exit::Done);
    }
    let signer = sealed.signature().lines().nth(1).and_then(key_id);
    writeln!(out, "{}", head(&manifest))?;
    writeln!(out, "created {}, expires {}", manifest.created, manifest.expires)?;
    match signer {
        Some(id) => writeln!(out, "signed by key {id}, it says: nothing was verified")?,
        None => writeln!(out, "not signed")?,
    }
    writeln!(out, "jurisdictions {}", manifest.jurisdictions.join(" "))?;
    for list in &manifest.lists {
        writeln!(out, "list {}: {} {} rules in {}", list.name, list.action, list.rules, list.jurisdictions.join(" "))?;
        writeln!(out, "  ordered by {}, {}, {}", list.authority, list.legal_basis, list.reference)?;
        writeln!(out, "  SHA-256 of the list {}", list.source_sha256)?;
    }
    writeln!(out, "rule set of {} octets, SHA-256 {}", manifest.payload.length, manifest.payload.sha256)?;
    Ok(Exit::Done)
}

fn head(manifest: &Manifest) -> String {
    let Manifest { channel, version, lists, .. } = manifest;
    let plural = if lists.len() == 1 { "" } else { "s" };
    format!("channel {channel} version {version}, {} rules of {} list{plural}", manifest.rules(), lists.len())
}

fn failed(file: &std::path::Path, error: &BundleError, err: &mut dyn Write) -> io::Result<Exit> {
    writeln!(err, "stakeout: {}: {error}", file.display())?;
    Ok(if matches!(error, BundleError::Io(_)) { Exit::Io } else { Exit::Damaged })
}
