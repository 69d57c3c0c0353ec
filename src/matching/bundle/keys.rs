//! Keys that a reader trusts, and how far: a key speaks for some lists, some jurisdictions, some actions; one that is
//! retired only for what was taken already, one that is revoked for nothing.

use ct_codecs::{Base64, Decoder};
use minisign_verify::{Error, PublicKey, Signature};

use super::error::BundleError;
use super::manifest::Manifest;
use crate::model::{Action, Jurisdiction};

/// What a key may speak for. Every list of a bundle must lie in all three.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scope {
    /// Names of lists; a `*` at the end stands for anything.
    pub lists: Vec<String>,
    /// Jurisdictions by ISO 3166-1 or 3166-2; a country stands for its parts too, `*` for all.
    pub jurisdictions: Vec<String>,
    /// Actions by name.
    pub actions: Vec<String>,
}

impl Scope {
    /// A scope without bounds.
    pub fn everything() -> Scope {
        Scope {
            lists: vec!["*".into()],
            jurisdictions: vec!["*".into()],
            actions: Action::ALL.map(|action| action.name().into()).into(),
        }
    }

    /// The first thing in `manifest` that lies beyond the scope.
    fn beyond(&self, manifest: &Manifest) -> Option<String> {
        for list in &manifest.lists {
            let fits = |pattern: &String| match pattern.strip_suffix('*') {
                Some(start) => list.name.starts_with(start),
                None => *pattern == list.name,
            };
            if !self.lists.iter().any(fits) {
                return Some(format!("the list {:?}", list.name));
            }
            if !self.actions.contains(&list.action) {
                return Some(format!("the action {:?} (list {:?})", list.action, list.name));
            }
            // An exception in a list that blocks is an allow by another name.
            let allows = list.action == Action::Block.name() && list.exceptions > 0;
            if allows && !self.actions.iter().any(|action| action == Action::Allow.name()) {
                return Some(format!("the action \"allow\" (exceptions in the list {:?})", list.name));
            }
            let covers = |scope: &String, place: &Jurisdiction| {
                scope == "*" || scope.parse().is_ok_and(|own: Jurisdiction| own.holds_in(*place))
            };
            let allowed = |place: &Jurisdiction| self.jurisdictions.iter().any(|scope| covers(scope, place));
            let foreign = |place: &&String| !place.parse().is_ok_and(|place| allowed(&place));
            if let Some(place) = list.jurisdictions.iter().find(foreign) {
                return Some(format!("the jurisdiction {place:?} (list {:?})", list.name));
            }
        }
        None
    }
}

/// A public key that a reader trusts within a scope.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrustedKey {
    /// The operator's name for it.
    pub name: String,
    /// What it may speak for.
    pub scope: Scope,
    /// Whether it signs nothing new: what was taken before stays good, whatever comes with it now is refused.
    pub is_retired: bool,
    key: String,
}

/// A key that signs nothing any more, whoever else trusts it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RevokedKey {
    /// As `minisign` shows it: 16 hexadecimal digits, in upper case.
    pub id: String,
    /// Why, for whoever reads the refusal.
    pub reason: String,
}

/// Whom a reader believes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Keyring {
    /// Keys that may sign.
    pub trusted: Vec<TrustedKey>,
    /// Keys that may not, even if they are among the trusted ones.
    pub revoked: Vec<RevokedKey>,
}

impl Keyring {
    /// The key of this identifier, if it is revoked.
    pub fn revoked(&self, id: &str) -> Option<&RevokedKey> {
        self.revoked.iter().find(|key| key.id == id)
    }
}

impl TrustedKey {
    /// `key` is the second line of a public key file of `minisign`: 56 characters of Base64.
    ///
    /// # Errors
    /// It is something else.
    pub fn new(name: impl Into<String>, key: &str, scope: Scope) -> Result<TrustedKey, String> {
        let key = key.trim();
        match PublicKey::from_base64(key) {
            Ok(_) => Ok(TrustedKey { name: name.into(), scope, is_retired: false, key: key.to_owned() }),
            Err(_) => {
                Err("is no public key of minisign: 56 characters that begin with RW, the last line of the file".into())
            }
        }
    }

    /// Its identifier, as `minisign` shows it.
    pub fn id(&self) -> String {
        key_id(&self.key).unwrap_or_default()
    }

    /// The key as text.
    pub fn text(&self) -> &str {
        &self.key
    }
}

/// The key that signed `signed`, if it is one of `keys`.
pub(super) fn signer<'k>(keys: &'k Keyring, signed: &[u8], signature: &str) -> Result<&'k TrustedKey, BundleError> {
    let id = signature.lines().nth(1).and_then(key_id).unwrap_or_default();
    // Before the signature is looked at: nothing that so much as names a revoked key is worth a second look.
    if let Some(RevokedKey { id, reason }) = keys.revoked(&id) {
        return Err(BundleError::Revoked { id: id.clone(), reason: reason.clone() });
    }
    let parsed = Signature::decode(signature)
        .map_err(|_| BundleError::Damaged("its signature is none that minisign makes".into()))?;
    let mut named = None;
    for trusted in &keys.trusted {
        let Ok(key) = PublicKey::from_base64(&trusted.key) else { continue };
        match key.verify(signed, &parsed, false) {
            Ok(()) => return Ok(trusted),
            Err(Error::UnexpectedKeyId) => {}
            // Another trusted key may have the same identifier: it is only a number that its owner chose.
            Err(_) => named = named.or(Some(trusted)),
        }
    }
    Err(match named {
        Some(trusted) => BundleError::Forged { key: trusted.name.clone() },
        None => BundleError::UnknownKey { id },
    })
}

/// Refuses what `key` may not speak for.
pub(super) fn check_scope(key: &TrustedKey, manifest: &Manifest) -> Result<(), BundleError> {
    match key.scope.beyond(manifest) {
        None => Ok(()),
        Some(what) => Err(BundleError::OutOfScope { key: key.name.clone(), what }),
    }
}

/// The identifier in a public key or a signature in Base64, as `minisign` shows it.
pub fn key_id(base64: &str) -> Option<String> {
    let octets = Base64::decode_to_vec(base64.trim(), None).ok()?;
    let id = octets.get(2..10)?.first_chunk()?;
    Some(format!("{:016X}", u64::from_le_bytes(*id)))
}
