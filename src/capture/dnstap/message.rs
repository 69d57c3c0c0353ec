//! The protocol buffer in a data frame: dnstap.proto's `Dnstap` and `Message`, as far as they are of use here.
//!
//! Identity, version, policy, the zone and whatever a later version adds are passed over. If a field comes twice the
//! last one holds, as Protocol Buffers demand.

use super::protobuf::{Fields, Malformed, Value};
use crate::model::{Addr, Timestamp};

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $( $(#[$vdoc:meta])* $variant:ident = $number:literal, $text:literal; )* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum $name { $( $(#[$vdoc])* $variant = $number, )* }

        impl $name {
            /// All, in the order of their numbers.
            pub const ALL: &'static [$name] = &[ $( $name::$variant, )* ];

            /// The name in configuration and metrics.
            pub const fn name(self) -> &'static str {
                match self { $( $name::$variant => $text, )* }
            }

            #[inline]
            const fn from_number(number: u64) -> Option<Self> {
                match number { $( $number => Some($name::$variant), )* _ => None }
            }
        }
    };
}

numbered! {
    /// Who sent the message to whom, and at which end it was seen. Odd numbers are queries, even ones responses.
    MessageType {
        /// At an authoritative server, from a resolver.
        AuthQuery = 1, "auth_query";
        /// The answer to it.
        AuthResponse = 2, "auth_response";
        /// At a resolver, to an authoritative server.
        ResolverQuery = 3, "resolver_query";
        /// The answer to it.
        ResolverResponse = 4, "resolver_response";
        /// At a resolver, from a client: a subscriber's question.
        ClientQuery = 5, "client_query";
        /// The answer to it.
        ClientResponse = 6, "client_response";
        /// At a forwarder, to its upstream resolver.
        ForwarderQuery = 7, "forwarder_query";
        /// The answer to it.
        ForwarderResponse = 8, "forwarder_response";
        /// At a stub resolver, to a resolver.
        StubQuery = 9, "stub_query";
        /// The answer to it.
        StubResponse = 10, "stub_response";
        /// At a tool, to a server.
        ToolQuery = 11, "tool_query";
        /// The answer to it.
        ToolResponse = 12, "tool_response";
        /// A dynamic update (RFC 2136).
        UpdateQuery = 13, "update_query";
        /// The answer to it.
        UpdateResponse = 14, "update_response";
    }
}

impl MessageType {
    /// Whether it is about a query, as against a response.
    #[inline]
    pub const fn is_query(self) -> bool {
        self as u8 & 1 == 1
    }
}

numbered! {
    /// How the message was carried.
    SocketProtocol {
        /// DNS over UDP.
        Udp = 1, "udp";
        /// DNS over TCP.
        Tcp = 2, "tcp";
        /// DNS over TLS (RFC 7858).
        Dot = 3, "dot";
        /// DNS over HTTPS (RFC 8484).
        Doh = 4, "doh";
        /// DNSCrypt over UDP.
        DnscryptUdp = 5, "dnscrypt-udp";
        /// DNSCrypt over TCP.
        DnscryptTcp = 6, "dnscrypt-tcp";
        /// DNS over QUIC (RFC 9250).
        Doq = 7, "doq";
    }
}

/// One side of the exchange.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Side {
    /// Its address, if it is told and has the length of one.
    pub addr: Option<Addr>,
    /// Its port, 0 if it is not told.
    pub port: u16,
}

/// What a resolver tells of one DNS message.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Message<'b> {
    /// Who sent it to whom; `None` for a type that dnstap.proto got later.
    pub kind: Option<MessageType>,
    /// How it was carried; `None` if that is not told, or by a number unknown here.
    pub protocol: Option<SocketProtocol>,
    /// The side that asked.
    pub query: Side,
    /// The side that was asked.
    pub response: Side,
    /// When the query was sent or received.
    pub query_time: Option<Timestamp>,
    /// When the response was.
    pub response_time: Option<Timestamp>,
    /// The query as it was on the wire.
    pub query_message: Option<&'b [u8]>,
    /// The response as it was on the wire.
    pub response_message: Option<&'b [u8]>,
}

/// Why a data frame tells nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MessageError {
    /// It is no protocol buffer, or a field has another type than it should.
    #[error("not a dnstap protocol buffer")]
    Malformed,
    /// It is one, and holds no `Message` of any type.
    #[error("no message in it")]
    NoMessage,
}

impl From<Malformed> for MessageError {
    fn from(Malformed: Malformed) -> Self {
        MessageError::Malformed
    }
}

/// Reads a data frame.
///
/// # Errors
/// [`MessageError`].
#[inline]
pub fn parse(frame: &[u8]) -> Result<Message<'_>, MessageError> {
    const MESSAGE: u64 = 1;
    let (mut fields, mut outer_type, mut found) = (Fields::new(frame), None, None);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (14, Value::Bytes(message)) => found = Some(message),
            (15, Value::Varint(number)) => outer_type = Some(number),
            (14 | 15, _) => return Err(MessageError::Malformed),
            _ => {}
        }
    }
    match (outer_type, found) {
        (Some(MESSAGE), Some(message)) => read(message),
        _ => Err(MessageError::NoMessage),
    }
}

#[inline]
fn read(octets: &[u8]) -> Result<Message<'_>, MessageError> {
    let (mut fields, mut message, mut has_type) = (Fields::new(octets), Message::default(), false);
    let (mut query_time, mut response_time) = ((None, 0), (None, 0));
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, Value::Varint(n)) => {
                has_type = true;
                message.kind = MessageType::from_number(n);
            }
            (3, Value::Varint(n)) => message.protocol = SocketProtocol::from_number(n),
            (4, Value::Bytes(addr)) => message.query.addr = address(addr),
            (5, Value::Bytes(addr)) => message.response.addr = address(addr),
            (6, Value::Varint(n)) => message.query.port = port(n),
            (7, Value::Varint(n)) => message.response.port = port(n),
            (8, Value::Varint(secs)) => query_time.0 = Some(secs),
            (9, Value::Fixed32(nanos)) => query_time.1 = nanos,
            (10, Value::Bytes(octets)) => message.query_message = Some(octets),
            (12, Value::Varint(secs)) => response_time.0 = Some(secs),
            (13, Value::Fixed32(nanos)) => response_time.1 = nanos,
            (14, Value::Bytes(octets)) => message.response_message = Some(octets),
            (1 | 3..=10 | 12..=14, _) => return Err(MessageError::Malformed),
            // The family goes by the length of the addresses.
            _ => {}
        }
    }
    if !has_type {
        return Err(MessageError::NoMessage);
    }
    message.query_time = time(query_time);
    message.response_time = time(response_time);
    Ok(message)
}

#[inline]
fn address(octets: &[u8]) -> Option<Addr> {
    match octets.len() {
        4 => octets.first_chunk().map(|four| Addr::v4(*four)),
        16 => octets.first_chunk().map(|sixteen| Addr::v6(*sixteen)),
        _ => None,
    }
}

#[inline]
fn port(n: u64) -> u16 {
    u16::try_from(n).unwrap_or(0)
}

#[inline]
fn time((secs, nanos): (Option<u64>, u32)) -> Option<Timestamp> {
    secs.map(|secs| Timestamp::from_parts(secs, u64::from(nanos)))
}
