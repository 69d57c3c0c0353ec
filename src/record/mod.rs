//! From a match to a finding, and from a finding to its events.
//!
//! The packet path hands over a [`Hit`](crate::model::Hit) for every observation of a listed name. This layer decides
//! whether it comes from the subscriber side ([`Networks`]), takes the subscriber's address out of it
//! ([`SubscriberPolicy`]), adds it to its finding ([`Aggregator`]), and tells the finding as immutable [`Event`]s.
//! After this layer no subscriber's address exists any more; `docs/privacy.md` says how that is held.

mod address_in_name;
mod aggregate;
mod cidr;
mod counters;
mod event;
mod finding;
mod ids;
mod networks;
mod servers;
mod subscriber;

pub use address_in_name::tells as name_tells_address;
pub use aggregate::{AggregateConfig, Aggregator};
pub use cidr::Cidr;
pub use counters::{RecordCounters, Suppressed};
pub use event::{CloseReason, Event, EventKind, RcodeCounts, SCHEMA, Subject};
pub use ids::Id;
pub use networks::{Networks, Role};
pub use servers::SiteServer;
pub use subscriber::{Pseudonym, SubscriberPolicy};
