//! Which protocols may be inspected: what the operator's `[legal]` block names, and nothing else.

use super::Proto;

/// A set of protocols. Nothing outside the set is parsed on live traffic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scope(u8);

impl Scope {
    /// Nothing may be inspected.
    pub const NONE: Scope = Scope(0);
    /// Every protocol, as for capture files that the user already holds.
    pub const ALL: Scope = Scope(0b1111);

    /// This set with `proto` added.
    #[must_use]
    pub const fn with(self, proto: Proto) -> Scope {
        Scope(self.0 | 1 << proto as u8)
    }

    /// Whether `proto` may be inspected.
    #[inline]
    pub const fn allows(self, proto: Proto) -> bool {
        self.0 & (1 << proto as u8) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_every_protocol() {
        assert_eq!(Proto::ALL.into_iter().fold(Scope::NONE, Scope::with), Scope::ALL);
        assert!(!Scope::NONE.with(Proto::Dns).allows(Proto::Tls));
    }
}
