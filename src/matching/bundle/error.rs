//! Why a bundle is refused: what is wrong, and what to do; and the short words for it that metrics carry.

use std::io;

use jiff::Timestamp;

use super::VERSION;

/// Every [`BundleError::cause`].
pub const CAUSES: [&str; 15] = [
    "unreadable",
    "damaged",
    "format",
    "unsigned",
    "unknown-key",
    "revoked",
    "retired",
    "signature",
    "manifest",
    "scope",
    "channel",
    "old",
    "expired",
    "payload",
    "state",
];

/// Why a bundle is refused. The texts go behind the file's path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Not a bundle, or not all of one.
    #[error("is no whole rule bundle: {0}; fetch it again")]
    Damaged(String),
    /// A version of the format that this program does not know.
    #[error(
        "is a rule bundle of format {found}, and this version of stakeout reads format {VERSION}: upgrade stakeout, or sign with an older one"
    )]
    OtherFormat {
        /// The version in the file.
        found: u32,
    },
    /// Nobody signed it.
    #[error("{0}; sign it with `stakeout rules sign`")]
    Unsigned(&'static str),
    /// Signed, but not by a key that is trusted.
    #[error("is signed by key {id}, which is none of the trusted keys; if that is right, add it to [[trusted_keys]]")]
    UnknownKey {
        /// As `minisign` shows it, 16 hexadecimal digits.
        id: String,
    },
    /// It names a key that is revoked.
    #[error(
        "names key {id} as its signer, which is revoked ({reason}): find out where it comes from, and have the rules signed with another key"
    )]
    Revoked {
        /// As `minisign` shows it.
        id: String,
        /// What the operator wrote.
        reason: String,
    },
    /// Signed by a key that speaks only for what was taken before it was retired.
    #[error(
        "is signed by the key {key}, which is retired, and is not the bundle taken last: have it signed with another key"
    )]
    Retired {
        /// The name of the key.
        key: String,
    },
    /// The signature names a trusted key and does not fit.
    #[error(
        "has a signature that does not fit its manifest, though it names the trusted key {key}: it was damaged or forged; fetch it again, and find out which if it stays so"
    )]
    Forged {
        /// The name of the key.
        key: String,
    },
    /// What the manifest says cannot be.
    #[error("has a manifest that cannot be used: {0}; sign it again with `stakeout rules sign`")]
    Manifest(String),
    /// A list that cannot be accounted for.
    #[error(
        "holds the list {list}, which does not say on whose order it stands: build it again with --describe, and in that authority, jurisdictions, legal_basis and reference"
    )]
    NoProvenance {
        /// The list.
        list: String,
    },
    /// The key may not speak for what is in it.
    #[error(
        "is signed by the key {key}, which may not speak for {what}; sign it with another key, or widen the scope in [[trusted_keys]]"
    )]
    OutOfScope {
        /// The name of the key.
        key: String,
        /// What is beyond its scope.
        what: String,
    },
    /// A bundle of another channel.
    #[error("is of the channel {found:?} and not {wanted:?}: put the right file there, or correct `channel`")]
    OtherChannel {
        /// In the manifest.
        found: String,
        /// In the configuration.
        wanted: String,
    },
    /// Older than what was taken before.
    #[error(
        "has version {found}, older than {taken}, which was taken before: to go back, sign the old rules again with a version above {taken}"
    )]
    Older {
        /// In the manifest.
        found: u64,
        /// The version taken last.
        taken: u64,
    },
    /// Another bundle with the version of the one that was taken before.
    #[error(
        "has version {version}, as the one taken before, but is another bundle: sign it again with a higher version, and find out who used the same one twice"
    )]
    Conflict {
        /// The version of both.
        version: u64,
    },
    /// Past its time.
    #[error(
        "expired at {at}, and is not the one in force: fetch a newer one, or have it signed again; if it should be good, set this machine's clock"
    )]
    Expired {
        /// When.
        at: Timestamp,
    },
    /// The rule set in it is not what the manifest says, or cannot be used.
    #[error("{0}")]
    Payload(String),
    /// What was taken before cannot be told, or what is taken now cannot be noted.
    #[error("cannot be taken: {0}")]
    State(String),
}

impl BundleError {
    /// A word for the metrics, one of [`CAUSES`].
    pub const fn cause(&self) -> &'static str {
        match self {
            BundleError::Io(_) => "unreadable",
            BundleError::Damaged(_) => "damaged",
            BundleError::OtherFormat { .. } => "format",
            BundleError::Unsigned(_) => "unsigned",
            BundleError::UnknownKey { .. } => "unknown-key",
            BundleError::Revoked { .. } => "revoked",
            BundleError::Retired { .. } => "retired",
            BundleError::Forged { .. } => "signature",
            BundleError::Manifest(_) | BundleError::NoProvenance { .. } => "manifest",
            BundleError::OutOfScope { .. } => "scope",
            BundleError::OtherChannel { .. } => "channel",
            BundleError::Older { .. } | BundleError::Conflict { .. } => "old",
            BundleError::Expired { .. } => "expired",
            BundleError::Payload(_) => "payload",
            BundleError::State(_) => "state",
        }
    }
}
