//! Signed rule bundles: a prebuilt rule set, and a manifest that says what it is, who answers for it and until when.
//!
//! # The file
//! Integers are little endian.
//!
//! | octets | what |
//! |---|---|
//! | 0 to 7 | [`MAGIC`] |
//! | 8 to 11 | [`VERSION`] of the format |
//! | 12 to 15 | length of the manifest, at most [`MAX_MANIFEST`] |
//! | 16 to 19 | length of the signature, at most [`MAX_SIGNATURE`]; zero in a bundle that nobody signed |
//! | 20 to 23 | zero |
//! | from 24 | the manifest ([`Manifest`] as JSON), the signature, the payload, one behind the other |
//!
//! The signature is what `minisign` writes beside a file that holds the manifest, with a first line that is always the
//! same, so that no octet of a bundle can change unnoticed. It covers the manifest, and the manifest has length and
//! SHA-256 of the payload, which is a prebuilt rule set (`lookup::prebuilt`) and opaque here.
//!
//! # In which order things are believed
//! Lengths, against their bounds; the signature, by a key that the reader was told to trust; the manifest; the key's
//! scope; the hash of the payload; and only then the payload, whose lists must be those of the manifest. Nothing is
//! interpreted before what stands before it held. Memory is bounded by the lengths above and by what the rule set needs.
//! docs/adr/0011 has the reasons.

mod error;
mod keys;
mod manifest;
mod place;
mod read;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
mod write;

pub use error::{BundleError, CAUSES};
pub use keys::{Keyring, RevokedKey, Scope, TrustedKey, key_id};
pub use manifest::{ListEntry, MAX_LISTS, Manifest, Payload, is_channel};
pub use place::replace;
pub use read::{Sealed, Verified};
pub use write::{Contents, SIGNATURE_COMMENT, write};

/// The first octets: one that no text starts with, the name, and a line end that a transfer as text would change.
pub const MAGIC: [u8; 8] = *b"\x89STKBDL\n";

/// Version of the format.
pub const VERSION: u32 = 1;

/// The longest manifest that is read, in octets.
pub const MAX_MANIFEST: u32 = 256 << 10;

/// The longest signature that is read, in octets.
pub const MAX_SIGNATURE: u32 = 2 << 10;

/// Octets before the manifest.
const HEADER: usize = 24;

/// Octets hashed or copied at once.
const BUFFER: usize = 128 << 10;
