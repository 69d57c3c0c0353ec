//! What stands for a subscriber: nothing, or a pseudonym that is worth nothing tomorrow.
//!
//! The keys live in this module's memory only. They come from the operating system's random source, are never
//! written anywhere, and the pseudonyms' key is overwritten and replaced at midnight UTC: after that nobody, the
//! provider included, can find out which address a pseudonym stood for.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::model::{Addr, Timestamp};

/// What an event says about the subscriber.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum SubscriberPolicy {
    /// Nothing; distinct subscribers are counted by a sketch from which no address can be read.
    #[default]
    None,
    /// A keyed pseudonym whose key lives for one UTC day.
    Pseudonym,
}

/// One HMAC key, of SHA-256's block size so that it is used as it is (RFC 2104 section 2). Overwritten when dropped,
/// and on the heap so that moving it leaves no copy behind.
type Key = Box<Zeroizing<[u8; 64]>>;

/// Stands for one subscriber during one UTC day: `sub-20261124-` and sixteen base32 characters (RFC 4648 in lower
/// case). No reader takes it for an address: addresses have dots or colons, and no `s` or `u`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Pseudonym {
    /// Days since the epoch.
    day: u64,
    tag: [u8; 10],
}

impl fmt::Display for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let midnight = Timestamp::from_parts(self.day.saturating_mul(86_400), 0).to_string();
        write!(f, "sub-{}{}{}-", &midnight[..4], &midnight[5..7], &midnight[8..10])?;
        for five in self.tag.chunks_exact(5) {
            let bits = five.iter().fold(0u64, |bits, b| bits << 8 | u64::from(*b));
            for shift in (0..8).rev() {
                write!(f, "{}", char::from(ALPHABET[(bits >> (shift * 5)) as usize & 31]))?;
            }
        }
        Ok(())
    }
}

/// Turns addresses into what may be kept of them.
pub(super) struct SubscriberKeys {
    policy: SubscriberPolicy,
    ipv6_prefix: u32,
    /// The UTC day that `pseudonym_key` belongs to.
    day: u64,
    /// None before the first use, and while the operating system gives no random bytes.
    pseudonym_key: Option<Key>,
    sketch_key: Key,
}

impl SubscriberKeys {
    /// Keys that no other run has.
    pub(super) fn random(policy: SubscriberPolicy, ipv6_prefix: u8) -> Result<Self, getrandom::Error> {
        Ok(Self::with_sketch_key(policy, ipv6_prefix, random_key()?))
    }

    /// No pseudonyms, and sketches that estimate the same in every run.
    pub(super) fn fixed(ipv6_prefix: u8) -> Self {
        Self::with_sketch_key(SubscriberPolicy::None, ipv6_prefix, Box::new(Zeroizing::new([0; 64])))
    }

    fn with_sketch_key(policy: SubscriberPolicy, ipv6_prefix: u8, sketch_key: Key) -> Self {
        SubscriberKeys { policy, ipv6_prefix: u32::from(ipv6_prefix), day: 0, pseudonym_key: None, sketch_key }
    }

    pub(super) const fn policy(&self) -> SubscriberPolicy {
        self.policy
    }

    /// Replaces the pseudonyms' key if `now` is in a later day than the key. An earlier day changes nothing: hits of
    /// the last moments before midnight may come after the first ones behind it.
    pub(super) fn advance(&mut self, now: Timestamp) {
        let today = now.as_nanos() / 86_400_000_000_000;
        if self.policy == SubscriberPolicy::Pseudonym && (today > self.day || self.pseudonym_key.is_none()) {
            self.replace_key(today);
        }
    }

    /// Replaces the pseudonyms' key because the clock was set back: it would otherwise outlive its day.
    pub(super) fn clock_set_back(&mut self, now: Timestamp) {
        self.pseudonym_key = None;
        self.advance(now);
    }

    fn replace_key(&mut self, day: u64) {
        // The old key is overwritten first, so that it is gone even if there is no new one.
        self.pseudonym_key = None;
        self.pseudonym_key = random_key().ok();
        self.day = day;
    }

    /// The pseudonym of an address; None where the policy has none, and where the operating system gave no key.
    pub(super) fn pseudonym(&self, addr: &Addr) -> Option<Pseudonym> {
        let key = self.pseudonym_key.as_ref()?;
        let mut tag = [0; 10];
        tag.copy_from_slice(&self.keyed(key, b"stakeout pseudonym v1", addr)[..10]);
        Some(Pseudonym { day: self.day, tag })
    }

    /// What a sketch may learn of an address: without the key nobody can ask the sketch whether an address is in it.
    pub(super) fn sketch_item(&self, addr: &Addr) -> [u8; 16] {
        let mut item = [0; 16];
        item.copy_from_slice(&self.keyed(&self.sketch_key, b"stakeout sketch v1", addr)[..16]);
        item
    }

    fn keyed(&self, key: &Key, purpose: &[u8], addr: &Addr) -> [u8; 32] {
        let bits = u128::from_be_bytes(addr.octets());
        let dropped = if addr.is_v4() { 0 } else { 128u32.saturating_sub(self.ipv6_prefix) };
        let kept = u128::MAX.checked_shl(dropped).unwrap_or(0) & bits;
        let mut mac = Hmac::<Sha256>::new((&***key).into());
        mac.update(purpose);
        mac.update(&kept.to_be_bytes());
        mac.finalize().into_bytes().into()
    }
}

fn random_key() -> Result<Key, getrandom::Error> {
    let mut key = Box::new(Zeroizing::new([0; 64]));
    getrandom::fill(key.as_mut_slice())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    const DAY: u64 = 86_400;

    fn keys() -> SubscriberKeys {
        let mut keys = SubscriberKeys::random(SubscriberPolicy::Pseudonym, 64).unwrap();
        keys.advance(Timestamp::from_parts(20_781 * DAY, 0));
        keys
    }

    fn addr(text: &str) -> Addr {
        Addr::from(text.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn it_is_the_same_all_day_and_another_after_midnight() {
        let mut keys = keys();
        let client = addr("192.0.2.7");
        let first = keys.pseudonym(&client).unwrap();
        keys.advance(Timestamp::from_parts(20_782 * DAY - 1, 999_999_999));
        assert_eq!(keys.pseudonym(&client), Some(first));
        keys.advance(Timestamp::from_parts(20_782 * DAY, 0));
        let second = keys.pseudonym(&client).unwrap();
        assert_ne!(first.tag, second.tag);
        // A late hit of the old day neither brings back the old key nor draws a third.
        keys.advance(Timestamp::from_parts(20_782 * DAY - 1, 0));
        assert_eq!(keys.pseudonym(&client), Some(second));
        keys.clock_set_back(Timestamp::from_parts(20_781 * DAY, 0));
        assert_ne!(keys.pseudonym(&client).unwrap().tag, first.tag);
    }

    #[test]
    fn no_form_of_it_is_an_address() {
        let keys = keys();
        for n in 0..=255 {
            let text = keys.pseudonym(&Addr::v4([192, 0, 2, n])).unwrap().to_string();
            assert!(text.starts_with("sub-20261124-") && text.len() == 29, "{text}");
            assert!(text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{text}");
            for part in text.split('-').chain([text.as_str()]) {
                assert!(part.parse::<IpAddr>().is_err(), "{text}");
            }
        }
    }

    #[test]
    fn one_ipv6_subscriber_is_one_prefix() {
        let keys = keys();
        let of = |text| keys.pseudonym(&addr(text)).unwrap();
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::2"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        let whole = SubscriberKeys::fixed(0);
        assert_eq!(whole.sketch_item(&addr("2001:db8::")), whole.sketch_item(&addr("2002::1")));
    }

    #[test]
    fn two_runs_have_nothing_in_common() {
        let client = addr("192.0.2.7");
        assert_ne!(keys().pseudonym(&client).unwrap().tag, keys().pseudonym(&client).unwrap().tag);
        assert_ne!(keys().sketch_item(&client), keys().sketch_item(&client));
    }

    #[test]
    fn without_the_policy_there_is_none() {
        let mut keys = SubscriberKeys::random(SubscriberPolicy::None, 64).unwrap();
        keys.advance(Timestamp::from_parts(20_781 * DAY, 0));
        assert_eq!(keys.pseudonym(&addr("192.0.2.7")), None);
    }
}
