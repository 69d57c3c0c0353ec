//! `stakeout rules keygen`, and reading the keys that the other commands are given. They are minisign's own: either
//! program takes the other's.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use ct_codecs::{Base64, Decoder};
use minisign::{KeyPair, SecretKey, SecretKeyBox};

use super::super::exit::Exit;
use crate::matching::bundle::{key_id, replace};

/// Where a password comes from if nobody is there to type it.
const PASSWORD: &str = "STAKEOUT_KEY_PASSWORD";
/// Where the checksum stands in a secret key: behind three algorithms, the salt, two limits, the identifier and the key.
const CHECKSUM: usize = 3 * 2 + 32 + 2 * 8 + 8 + 64;
/// A key file has two short lines.
const MAX_KEY_FILE: u64 = 4_096;

const EXAMPLE: &str = "\
Example:
  $ stakeout rules keygen --secret-key rules.key --public-key rules.pub
  key 1F2E3D4C5B6A7988: rules.key is secret, rules.pub is for everybody; sensors trust it with
  [[trusted_keys]] …";

/// Make a pair of keys to sign rule bundles with
///
/// Reads nothing but a password, asked for twice or taken from STAKEOUT_KEY_PASSWORD. Writes the secret key, encrypted with it
/// and readable by you alone, and the public key, and prints what the configuration of a sensor needs. The keys are those of
/// `minisign`, whose own (`minisign -G`) do as well. Files that are there are never replaced. Exit code 0; 2 if a file is
/// there already or there is no password, 3 if one cannot be written.
#[derive(Args, Debug, Clone)]
#[command(after_long_help = EXAMPLE)]
pub(super) struct KeygenArgs {
    /// Where the secret key goes
    #[arg(long, value_name = "FILE")]
    secret_key: PathBuf,
    /// Where the public key goes
    #[arg(long, value_name = "FILE")]
    public_key: PathBuf,
    /// Do not encrypt the secret key: who can read the file can then sign
    #[arg(long)]
    no_password: bool,
}

/// Runs the command and gives its exit code.
///
/// # Errors
/// Output that cannot be written.
pub(super) fn run(args: &KeygenArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    for path in [&args.secret_key, &args.public_key] {
        if path.symlink_metadata().is_ok() {
            writeln!(err, "stakeout: {}: is there already, and no key is replaced: name another file", path.display())?;
            return Ok(Exit::Usage);
        }
    }
    if args.secret_key == args.public_key {
        writeln!(err, "stakeout: {}: the two keys need a file each", args.secret_key.display())?;
        return Ok(Exit::Usage);
    }
    let made = if args.no_password {
        KeyPair::generate_unencrypted_keypair().map_err(|error| error.to_string())
    } else {
        password().and_then(|given| KeyPair::generate_encrypted_keypair(given).map_err(|error| error.to_string()))
    };
    let boxed = made.and_then(|KeyPair { pk, sk }| {
        let secret = sk.to_box(None).map_err(|error| error.to_string())?;
        let public = pk.to_box().map_err(|error| error.to_string())?;
        Ok((secret.into_string(), public.into_string(), pk.to_base64()))
    });
    let (secret, public, base64) = match boxed {
        Ok(texts) => texts,
        Err(why) => {
            writeln!(err, "stakeout: no keys were made: {why}")?;
            return Ok(Exit::Usage);
        }
    };
    for (path, text, mode) in [(&args.secret_key, &secret, 0o600), (&args.public_key, &public, 0o644)] {
        let written = replace::<io::Error>(path, mode, |file| file.write_all(with_end(text).as_bytes()));
        if let Err(error) = written {
            writeln!(err, "stakeout: {}: cannot be written: {error}", path.display())?;
            return Ok(Exit::Io);
        }
    }
    writeln!(
        out,
        "key {}: {} is secret, {} is for everybody; sensors trust it with\n\
         [[trusted_keys]]\nname = \"…\"\nkey = \"{base64}\"\nlists = [\"…\"]\njurisdictions = [\"…\"]\nactions = [\"block\"]",
        key_id(&base64).unwrap_or_default(),
        args.secret_key.display(),
        args.public_key.display()
    )?;
    Ok(Exit::Done)
}

fn with_end(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

/// The password from the environment; `None` if it is to be asked for, which the library does.
fn password() -> Result<Option<String>, String> {
    match std::env::var(PASSWORD) {
        Ok(password) => Ok(Some(password)),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("{PASSWORD} is no UTF-8 text")),
        Err(std::env::VarError::NotPresent) if io::stdin().is_terminal() => Ok(None),
        Err(std::env::VarError::NotPresent) => {
            Err(format!("there is no terminal to ask for the password: set {PASSWORD}, or use a key without one"))
        }
    }
}

/// Why a key cannot be used, and the exit code for it.
pub(super) type KeyError = (String, Exit);

/// A secret key; its password is asked for if it has one.
///
/// # Errors
/// It cannot be read, is none, or the password is wrong.
pub(super) fn secret(path: &Path) -> Result<SecretKey, KeyError> {
    let text = read(path)?;
    let wrong = |why: String| (format!("{}: {why}", path.display()), Exit::Usage);
    let parse = || SecretKeyBox::from_string(&text).map_err(|error| wrong(error.to_string()));
    let Some(octets) = text.lines().nth(1).and_then(|line| Base64::decode_to_vec(line.trim(), None).ok()) else {
        return Err(wrong("is no secret key of minisign".into()));
    };
    if octets.get(2..4) == Some(&[0, 0]) {
        // `minisign -G -W` (0.11) leaves the checksum empty, which the library takes for damage. Damage is found all the same:
        // the signature must fit the public half.
        let is_unchecked = octets.get(CHECKSUM..).is_some_and(|checksum| checksum.iter().all(|octet| *octet == 0));
        let key = if is_unchecked { SecretKey::from_bytes(&octets) } else { parse()?.into_unencrypted_secret_key() };
        return key.map_err(|error| wrong(error.to_string()));
    }
    let password = password().map_err(wrong)?;
    parse()?.into_secret_key(password).map_err(|error| wrong(format!("{error}")))
}

/// A public key in Base64, given as such or as a file of `minisign`.
///
/// # Errors
/// The file cannot be read.
pub(super) fn public(given: &str) -> Result<String, KeyError> {
    if given.len() == 56 && given.starts_with("RW") && !Path::new(given).exists() {
        return Ok(given.to_owned());
    }
    let text = read(Path::new(given))?;
    Ok(text.lines().find(|line| line.starts_with("RW")).unwrap_or_default().trim().to_owned())
}

fn read(path: &Path) -> Result<String, KeyError> {
    use std::io::Read;
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_KEY_FILE).read_to_string(&mut text));
    read.map(|_| text).map_err(|error| (format!("{}: cannot be read: {error}", path.display()), Exit::Io))
}
