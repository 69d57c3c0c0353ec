//! Reading a bundle: what is not verified can only be looked at, what is verified can be used.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::BundleError;
use super::keys::{Keyring, check_scope, signer};
use super::manifest::{ListEntry, Manifest};
use super::{BUFFER, HEADER, MAGIC, MAX_MANIFEST, MAX_SIGNATURE, SIGNATURE_COMMENT, VERSION};
use crate::matching::lookup::RuleSet;
use crate::matching::lookup::prebuilt;

/// A bundle of which nothing is believed yet.
#[derive(Debug)]
pub struct Sealed<R> {
    from: R,
    /// Everything before the payload.
    head: Vec<u8>,
    manifest: std::ops::Range<usize>,
    /// Octets behind the head.
    behind: u64,
}

impl Sealed<File> {
    /// Opens a bundle, which must be a regular file.
    ///
    /// # Errors
    /// [`BundleError`], if it cannot be read, is none, is cut, or is of another format.
    pub fn open(path: &Path) -> Result<Sealed<File>, BundleError> {
        // Before it is opened: opening a pipe would wait for somebody to write.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file").into());
        }
        Sealed::read(File::open(path)?)
    }
}

impl<R: Read + Seek> Sealed<R> {
    /// Reads what stands before the payload.
    ///
    /// # Errors
    /// As [`Sealed::open`].
    pub fn read(mut from: R) -> Result<Sealed<R>, BundleError> {
        let mut head = Vec::new();
        take(&mut from, HEADER, &mut head)?;
        if prebuilt::is_prebuilt(&head) {
            return Err(BundleError::Unsigned("is a prebuilt rule set, which nobody signed"));
        }
        if !head.starts_with(&MAGIC) {
            return Err(BundleError::Damaged("it does not begin as one".into()));
        }
        if head.len() < HEADER {
            return Err(BundleError::Damaged(format!("it ends after {} octets", head.len())));
        }
        let number = |at: usize| {
            head.get(at..).and_then(|octets| octets.first_chunk()).map_or(0, |octets| u32::from_le_bytes(*octets))
        };
        let (version, manifest, signature, zero) = (number(8), number(12), number(16), number(20));
        if version != VERSION {
            return Err(BundleError::OtherFormat { found: version });
        }
        if manifest > MAX_MANIFEST || signature > MAX_SIGNATURE || zero != 0 {
            return Err(BundleError::Damaged("its first octets have impossible lengths".into()));
        }
        let manifest = HEADER..HEADER + manifest as usize;
        let whole = manifest.end + signature as usize;
        take(&mut from, whole - HEADER, &mut head)?;
        if head.len() < whole {
            return Err(BundleError::Damaged(format!("it ends after {} octets, before its payload", head.len())));
        }
        let end = from.seek(SeekFrom::End(0))?;
        let behind = end.saturating_sub(whole as u64);
        Ok(Sealed { from, head, manifest, behind })
    }

    /// The octets that are signed.
    pub fn manifest_octets(&self) -> &[u8] {
        self.head.get(self.manifest.clone()).unwrap_or_default()
    }

    /// The signature as `minisign` writes it; empty if there is none.
    pub fn signature(&self) -> &str {
        self.head.get(self.manifest.end..).and_then(|octets| std::str::from_utf8(octets).ok()).unwrap_or_default()
    }

    /// What the bundle says of itself, unverified: only for showing it.
    ///
    /// # Errors
    /// [`BundleError::Manifest`].
    pub fn claims(&self) -> Result<Manifest, BundleError> {
        Manifest::read(self.manifest_octets())
    }

    /// Believes the bundle, if a key of `keys` signed it and may speak for what is in it, and its payload is what was signed.
    /// The payload is hashed and not yet read otherwise.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn verify(self, keys: &Keyring) -> Result<Verified<R>, BundleError> {
        if self.manifest.end == self.head.len() {
            return Err(BundleError::Unsigned("is a rule bundle that nobody signed"));
        }
        let signature = self.signature();
        // The rest of the signature is covered by itself; this line would be covered by nothing.
        let is_whole = signature.lines().count() == 4 && signature.ends_with('\n') && !signature.contains('\r');
        if signature.lines().next() != Some(SIGNATURE_COMMENT) || !is_whole {
            return Err(BundleError::Damaged("its signature does not begin as it should, or is no text".into()));
        }
        let key = signer(keys, self.manifest_octets(), signature)?;
        let manifest = Manifest::read(self.manifest_octets())?;
        check_scope(key, &manifest)?;
        let digest = Sha256::digest(self.manifest_octets()).into();
        let (key, key_id, is_retired) = (key.name.clone(), key.id(), key.is_retired);
        let mut verified = Verified { manifest, key, key_id, is_retired, digest, sealed: self };
        let (has, says) = (verified.sealed.behind, verified.manifest.payload.length);
        if has != says {
            return Err(BundleError::Damaged(format!("its payload has {has} octets in place of {says}")));
        }
        verified.copy_payload(&mut io::sink())?;
        Ok(verified)
    }
}

/// At most `len` more octets. Memory is taken as they come, since their number is only a claim.
fn take(from: &mut impl Read, len: usize, to: &mut Vec<u8>) -> io::Result<usize> {
    from.by_ref().take(len as u64).read_to_end(to)
}

/// A bundle whose signature, scope and payload hold.
#[derive(Debug)]
pub struct Verified<R> {
    sealed: Sealed<R>,
    /// What it is.
    pub manifest: Manifest,
    /// Name of the trusted key that signed it.
    pub key: String,
    /// Its identifier, as `minisign` shows it.
    pub key_id: String,
    /// Whether that key is retired: the caller must then know this bundle from before.
    pub is_retired: bool,
    /// SHA-256 of the manifest, which stands for the whole bundle.
    pub digest: [u8; 32],
}

impl<R: Read + Seek> Verified<R> {
    /// The rule set. The file may be written to while it is read, so it is hashed once more.
    ///
    /// # Errors
    /// [`BundleError::Payload`]: it is no rule set that this version reads, or not the lists that the manifest names.
    pub fn load(&mut self) -> Result<RuleSet, BundleError> {
        let length = self.manifest.payload.length;
        let mut hashed = Hashed { inner: self.payload()?.take(length), hash: Sha256::new() };
        let set = prebuilt::read(&mut hashed, Some(length))
            .map_err(|error| BundleError::Payload(format!("holds a rule set that {error}, and sign it again")))?;
        if hex(&hashed.hash.finalize()) != self.manifest.payload.sha256 {
            return Err(BundleError::Damaged("its payload changed while it was read".into()));
        }
        let held: Result<Vec<ListEntry>, _> = set.lists().map(|(meta, facts)| ListEntry::of(meta, facts)).collect();
        if held? != self.manifest.lists {
            let what = "holds other lists than its manifest says: do not use it, and find out who made it";
            return Err(BundleError::Payload(what.into()));
        }
        Ok(set)
    }

    /// Writes the whole bundle to `out`.
    ///
    /// # Errors
    /// Those of reading and writing; or it changed since it was verified.
    pub fn copy_to(&mut self, out: &mut impl Write) -> Result<(), BundleError> {
        out.write_all(&self.sealed.head)?;
        self.copy_payload(out)
    }

    /// Whether the file at `path` is this bundle, octet by octet.
    pub fn is_at(&self, path: &Path) -> bool {
        let Ok(mut other) = Sealed::open(path) else { return false };
        let has_head = other.head == self.sealed.head && other.behind == self.manifest.payload.length;
        // Reading goes on behind the head, once it is put there: the length was found at the end.
        let at = SeekFrom::Start(other.head.len() as u64);
        has_head
            && other.from.seek(at).is_ok()
            && copy(&mut other.from.take(other.behind), &mut io::sink())
                .is_ok_and(|(_, sha256)| sha256 == self.manifest.payload.sha256)
    }

    fn payload(&mut self) -> io::Result<&mut R> {
        self.sealed.from.seek(SeekFrom::Start(self.sealed.head.len() as u64))?;
        Ok(&mut self.sealed.from)
    }

    fn copy_payload(&mut self, out: &mut impl Write) -> Result<(), BundleError> {
        let length = self.manifest.payload.length;
        let digest = copy(&mut self.payload()?.take(length), out)?.1;
        if digest != self.manifest.payload.sha256 {
            return Err(BundleError::Damaged("its payload is not what was signed".into()));
        }
        Ok(())
    }
}

/// Copies all of `from`, and gives its length and SHA-256.
pub(super) fn copy(from: &mut impl Read, out: &mut impl Write) -> io::Result<(u64, String)> {
    let (mut hash, mut total, mut buffer) = (Sha256::new(), 0, vec![0; BUFFER]);
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Ok((total, hex(&hash.finalize()))),
            Ok(read) => buffer.get(..read).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(read);
        out.write_all(read)?;
        total += read.len() as u64;
    }
}

pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// A reader that hashes what goes through it.
struct Hashed<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}
