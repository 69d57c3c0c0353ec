//! The people whose signatures count, and what exactly they sign.
//!
//! A person is a name and a public key of minisign. What is signed is a text of seven lines that ties the signature to one
//! proposal of one store and to the octets of the order; nothing that was signed for something else fits. A typed name is
//! never more than a note in the journal.

use minisign_verify::{PublicKey, Signature};

use super::store::Hash;
use crate::matching::bundle::key_id;

/// The longest signature, in octets.
pub const MAX_SIGNATURE: u64 = 2 << 10;

/// The fewest people that a store has, and the fewest that sign.
pub const FEWEST: usize = 2;

/// The most people.
pub const MOST: usize = 100;

/// What a person signs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed<'a> {
    /// Identifier of the store.
    pub store: &'a str,
    /// Number of the proposal.
    pub proposal: u64,
    /// Its kind.
    pub kind: &'a str,
    /// The list, if it is about one.
    pub list: Option<&'a str>,
    /// SHA-256 of the proposal's text.
    pub text: Hash,
    /// SHA-256 of the order.
    pub order: Option<Hash>,
}

impl Signed<'_> {
    /// The text.
    pub fn text(&self) -> String {
        format!(
            "stakeout approval 1\nstore {}\nproposal {}\nkind {}\nlist {}\ntext {}\norder {}\n",
            self.store,
            self.proposal,
            self.kind,
            self.list.unwrap_or("-"),
            self.text,
            self.order.map_or_else(|| "-".into(), |order| order.to_string())
        )
    }
}

/// A public key of minisign, as the store keeps it: the 56 characters of Base64.
///
/// # Errors
/// It is something else.
pub fn check_key(key: &str) -> Result<(), String> {
    match PublicKey::from_base64(key) {
        Ok(_) if key.len() == 56 => Ok(()),
        _ => Err("is no public key of minisign: 56 characters that begin with RW, the last line of the file".into()),
    }
}

/// Why a signature is not one of a key over a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unfit {
    /// It is no signature of minisign.
    NoSignature,
    /// It names another key.
    OtherKey,
    /// It names this key, and is over another text or forged.
    OtherText,
}

/// Whether `signature` is one by `key` over `text`.
///
/// # Errors
/// Why not.
pub fn verify(key: &str, text: &str, signature: &str) -> Result<(), Unfit> {
    let parsed = Signature::decode(signature).map_err(|_| Unfit::NoSignature)?;
    let key = PublicKey::from_base64(key).map_err(|_| Unfit::OtherKey)?;
    key.verify(text.as_bytes(), &parsed, false).map_err(|error| match error {
        minisign_verify::Error::UnexpectedKeyId => Unfit::OtherKey,
        _ => Unfit::OtherText,
    })
}

/// The identifier of the key that a signature names, for messages.
pub fn signer_id(signature: &str) -> String {
    signature.lines().nth(1).and_then(key_id).unwrap_or_else(|| "of no identifier".into())
}
