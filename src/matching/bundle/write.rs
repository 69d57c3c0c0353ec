//! Writing a bundle. How a manifest is signed is the caller's business: no secret key comes near this layer.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use super::error::BundleError;
use super::manifest::{ListEntry, Manifest, Payload};
use super::place::replace;
use super::read::copy;
use super::{MAGIC, MAX_SIGNATURE, VERSION};
use crate::matching::lookup::prebuilt::{self, MAX_PREBUILT_BYTES};

/// First line of every signature in a bundle.
pub const SIGNATURE_COMMENT: &str = "untrusted comment: signature of a stakeout rule bundle";

/// A prebuilt rule set that is to go into a bundle.
#[derive(Debug)]
pub struct Contents {
    file: File,
    /// Length and hash.
    pub payload: Payload,
    /// What the manifest says of each list.
    pub lists: Vec<ListEntry>,
}

impl Contents {
    /// Reads a prebuilt rule set as a sensor would.
    ///
    /// # Errors
    /// It cannot be read, or no sensor would take it: [`BundleError::NoProvenance`] if a list does not say on whose order it
    /// stands.
    pub fn open(path: &Path) -> Result<Contents, BundleError> {
        let mut file = File::open(path)?;
        // A device has no end; what is longer than a set may be is refused by its reader.
        let (length, sha256) = copy(&mut (&file).take(MAX_PREBUILT_BYTES + 1), &mut io::sink())?;
        file.rewind()?;
        let set = prebuilt::read(&mut file, Some(length)).map_err(|error| BundleError::Payload(error.to_string()))?;
        let lists: Result<_, _> = set.lists().map(|(meta, facts)| ListEntry::of(meta, facts)).collect();
        Ok(Contents { file, payload: Payload { length, sha256 }, lists: lists? })
    }
}

/// Puts a bundle at `out`, whole or not at all. `signature` is as `minisign` writes it, over [`Manifest::to_octets`], its
/// first line [`SIGNATURE_COMMENT`]; empty for a bundle without one. Gives the octets written.
///
/// # Errors
/// Those of the file system; or the rule set changed since it was opened. `out` is then as it was.
pub fn write(out: &Path, manifest: &Manifest, signature: &str, contents: &mut Contents) -> Result<u64, BundleError> {
    let octets = manifest.to_octets();
    if signature.len() > MAX_SIGNATURE as usize {
        return Err(BundleError::Manifest(format!("its signature is longer than {MAX_SIGNATURE} octets")));
    }
    let mut written = 0;
    replace(out, 0o644, |file| {
        file.write_all(&MAGIC)?;
        for number in [VERSION, octets.len() as u32, signature.len() as u32, 0] {
            file.write_all(&number.to_le_bytes())?;
        }
        file.write_all(&octets)?;
        file.write_all(signature.as_bytes())?;
        contents.file.rewind()?;
        let (length, sha256) = copy(&mut (&contents.file).take(manifest.payload.length + 1), file)?;
        if length != manifest.payload.length || sha256 != manifest.payload.sha256 {
            return Err(BundleError::Damaged("the rule set changed while it was copied".into()));
        }
        written = (super::HEADER + octets.len() + signature.len()) as u64 + length;
        Ok(())
    })?;
    Ok(written)
}
