//! The conversations, one file a protocol, and the list of all ways in which they send a name.

use crate::model::Proto;

pub(super) mod dns;
pub(super) mod http;
pub(super) mod noise;
pub(super) mod quic;
mod tcp;
pub(super) mod tls;

/// Every protocol and way of sending ([`Truth::how`](super::Truth::how)) that the generator knows, for tests that want
/// to have seen them all.
pub const WAYS: [(Proto, &[&str]); 4] =
    [(Proto::Dns, &dns::WAYS), (Proto::Tls, &tls::WAYS), (Proto::Quic, &quic::WAYS), (Proto::Http, &http::WAYS)];
