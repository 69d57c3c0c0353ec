//! DNS messages (RFC 1035): the question, and from a response what it resolved to.
//!
//! The question is what matters, so it is read first and strictly, and nothing that is wrong behind it takes it away:
//! damaged or cut-off records are only marked. A query costs one walk over one name. Records are walked once, front to
//! back; compression pointers are followed only for the few names that are kept, and only backward, so that the work
//! for a message is linear in its length whatever it holds.
//!
//! Left unread on purpose: every EDNS option (client-subnet is a subscriber's address, RFC 7871) and every record type
//! but A, AAAA, CNAME, SVCB and HTTPS.

mod error;
mod header;
mod message;
mod name;
#[cfg(test)]
mod oracle_tests;
mod probe;
mod records;
mod reverse;
mod svcb;
pub mod tcp;
#[cfg(test)]
mod tests;

pub use error::DnsError;
pub use message::{DnsMessage, DnsScratch, Question, parse};
pub use name::read_name;
pub use probe::probe;
pub use reverse::is_reverse_name;
