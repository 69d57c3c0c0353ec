//! One name seen once, with who asked and where: what extraction hands on. Borrowed, so that the packet path
//! allocates nothing for the millions of names that match no rule and are forgotten at once.

use super::{Addr, DomainName, EncapChain, Endpoint, Timestamp};

/// The protocol in which a name was seen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Proto {
    /// DNS over UDP or TCP (RFC 1035, 7766).
    Dns,
    /// TLS over TCP (RFC 8446).
    Tls,
    /// QUIC (RFC 9000, 9369).
    Quic,
    /// HTTP/1 (RFC 9112).
    Http,
}

impl Proto {
    /// Every protocol, in the order of their discriminants.
    pub const ALL: [Proto; 4] = [Proto::Dns, Proto::Tls, Proto::Quic, Proto::Http];

    /// The name in output, metrics and configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Proto::Dns => "dns",
            Proto::Tls => "tls",
            Proto::Quic => "quic",
            Proto::Http => "http",
        }
    }
}

/// What kind of message carried the name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A DNS query.
    Query,
    /// A DNS response.
    Answer,
    /// The server name indication of a ClientHello (RFC 6066 section 3).
    Sni,
    /// An HTTP/1 Host, absolute-form target or CONNECT authority.
    Host,
}

impl Kind {
    /// The name in output.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Query => "query",
            Kind::Answer => "answer",
            Kind::Sni => "sni",
            Kind::Host => "host",
        }
    }

    /// Whether this is a client's own act (a query, a hello, a request), as against an answer to one.
    pub const fn is_visit(self) -> bool {
        !matches!(self, Kind::Answer)
    }
}

/// What else the message said, by protocol.
#[derive(Clone, Copy, Debug)]
pub enum Detail<'a> {
    /// DNS.
    Dns {
        /// QTYPE as a number (RFC 1035 section 3.2.3 and the IANA registry).
        qtype: u16,
        /// RCODE of an answer, extended by EDNS if present (RFC 6891 section 6.1.3); 0 in a query.
        rcode: u16,
        /// CNAME targets of the answer section, in order of appearance.
        cname: &'a [DomainName],
        /// Addresses of the answer section: A, AAAA, and the hints of SVCB and HTTPS records.
        addrs: &'a [Addr],
        /// An SVCB or HTTPS record with an `ech` parameter was in the answer (RFC 9848).
        ech: bool,
    },
    /// A ClientHello, over TCP or QUIC.
    Hello {
        /// Over TCP the highest TLS version offered (0x0304 is 1.3); over QUIC the QUIC version.
        version: u32,
        /// Body of the ALPN extension's protocol list: `len, name, len, name …` (RFC 7301), checked for its lengths.
        alpn: &'a [u8],
        /// The encrypted_client_hello extension was there (RFC 9849); GREASE looks the same.
        ech: bool,
    },
    /// An HTTP/1 request.
    Http {
        /// Major times ten plus minor, as claimed: 10 or 11, or another number from a strange client.
        version: u32,
    },
}

/// One name seen once.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// When the packet that completed the message was captured.
    pub ts: Timestamp,
    /// The protocol.
    pub proto: Proto,
    /// What kind of message.
    pub kind: Kind,
    /// QNAME, SNI or Host.
    pub name: &'a DomainName,
    /// The side that asked or opened, whichever way the packet went.
    pub client: Endpoint,
    /// The other side.
    pub server: Endpoint,
    /// What the packet was wrapped in.
    pub encap: EncapChain,
    /// What else the message said.
    pub detail: Detail<'a>,
}

/// Takes observations as they are made. Implementations on the packet path neither block nor allocate for names that
/// match no rule.
pub trait ObservationSink {
    /// Whether it looks at what a hello tells beside its name. A sink that does not is told of a name as soon as all of
    /// it has come, without waiting for the rest of the hello, which is then neither kept nor decrypted. It stands
    /// behind the name in half of those that do not fit one packet.
    const HELLO_DETAILS: bool = true;

    /// One name was seen.
    fn observe(&mut self, observation: &Observation<'_>);
}

impl<F: FnMut(&Observation<'_>)> ObservationSink for F {
    fn observe(&mut self, observation: &Observation<'_>) {
        self(observation);
    }
}
