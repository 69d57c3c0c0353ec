//! To whom the endpoint hands what was pushed.

use std::path::PathBuf;

use jiff::Timestamp;

/// A push that came whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// The id of the source.
    pub source: String,
    /// The file. It is removed when [`Receiver::receive`] returns, unless it was moved away.
    pub file: PathBuf,
    /// Its length in octets; never 0.
    pub bytes: u64,
    /// SHA-256 of its content.
    pub sha256: [u8; 32],
    /// When its last octet came.
    pub received_at: Timestamp,
    /// SHA-256 of the certificate of who pushed it.
    pub client_sha256: [u8; 32],
}

/// Why a push was not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotTaken {
    /// It is not what it should be, and the same again will not be taken either. The reason is told to the client, so it
    /// says nothing that the client must not know.
    Refused(String),
    /// It cannot be taken now: a full disk, a store that is locked.
    Unavailable(String),
}

/// Takes pushes. The store implements it.
pub trait Receiver: Send + Sync {
    /// Takes `delivery`, durably: once this has returned, the sender forgets it. A push that waits for review, or that
    /// a guard held back, *is* taken: the ministry has delivered. It may come twice, when the answer was lost.
    ///
    /// # Errors
    /// See [`NotTaken`].
    fn receive(&self, delivery: &Delivery) -> Result<(), NotTaken>;
}
