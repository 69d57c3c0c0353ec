//! The nouns of the program: names, addresses, packets, observations, findings' raw material.
//!
//! Everything else speaks in these types, so this layer imports nothing of ours. The types make two rules hold by
//! construction: an address has no `Display` and a redacted `Debug` (see [`Addr`]), and a name is always lower case
//! and bounded (see [`DomainName`]).

mod addr;
mod counters;
mod encap;
mod hit;
mod jurisdiction;
mod name;
mod observation;
mod packet;
mod provenance;
mod scope;
mod time;

pub use addr::{Addr, Endpoint};
pub use counters::{Counter, CounterInfo, Counters};
pub use encap::{Encap, EncapChain};
pub use hit::{Action, Hit, MatchedRule};
pub use jurisdiction::{Jurisdiction, JurisdictionError};
pub use name::{DomainName, NameError};
pub use observation::{Detail, Kind, Observation, ObservationSink, Proto};
pub use packet::{Packet, TcpFlags, TcpSegment, Transport, UdpDatagram};
pub use provenance::{ListOrigin, Provenance, ProvenanceError, deceives, is_label};
pub use scope::Scope;
pub use time::Timestamp;
