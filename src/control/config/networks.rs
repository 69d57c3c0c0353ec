//! `[networks]`: whose addresses are whose.

use super::reader::{Table, text_item};
use crate::record::Cidr;

/// Whose addresses are whose. Up to 4096 ranges in each list, as `"10.0.0.0/8"` or `"2001:db8::/32"`; all are empty by
/// default.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct NetworksConfig {
    /// The subscribers: only what comes from them makes findings. Empty: every client that no other list names.
    pub subscribers: Vec<Cidr>,
    /// The provider's own resolvers: the questions that they ask upstream are counted apart and make no finding.
    pub resolvers: Vec<Cidr>,
    /// Addresses behind which carrier-grade NAT hides many subscribers: visits from there name no single one.
    pub cgnat: Vec<Cidr>,
    /// Forwarders (home routers' or companies' resolvers): one address asks for many people.
    pub forwarders: Vec<Cidr>,
}

impl NetworksConfig {
    pub(super) fn read(t: &mut Table<'_, '_>) -> Self {
        let mut ranges = |name| t.list(name, 0..=4096, |item| text_item(item)?.parse()).unwrap_or_default();
        NetworksConfig {
            subscribers: ranges("subscribers"),
            resolvers: ranges("resolvers"),
            cgnat: ranges("cgnat"),
            forwarders: ranges("forwarders"),
        }
    }
}
