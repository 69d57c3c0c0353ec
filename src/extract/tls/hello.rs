//! The walk through a ClientHello (RFC 8446 section 4.1.2): one pass, nothing copied, nothing allocated.

use std::net::IpAddr;

use super::{HANDSHAKE_HEADER, TlsError, message_len};
use crate::model::DomainName;

/// server_name (RFC 6066 section 3).
const EXT_SERVER_NAME: u16 = 0x0000;
/// application_layer_protocol_negotiation (RFC 7301).
const EXT_ALPN: u16 = 0x0010;
/// supported_versions (RFC 8446 section 4.2.1).
const EXT_SUPPORTED_VERSIONS: u16 = 0x002b;
/// encrypted_client_hello (RFC 9849); the numbers of its drafts (0xffce and before) are not asked for.
const EXT_ECH: u16 = 0xfe0d;
/// NameType host_name (RFC 6066 section 3).
const HOST_NAME: u8 = 0;

/// What a ClientHello says, borrowed from the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientHello<'a> {
    /// The server name as it stands.
    pub sni: Sni<'a>,
    /// The highest of supported_versions that is not GREASE (RFC 8701), or legacy_version without that extension.
    /// 0x0304 is TLS 1.3.
    pub version: u16,
    /// Body of the ALPN protocol list, `len, name, len, name …`, checked for its lengths; empty if there is none.
    pub alpn: &'a [u8],
    /// Extension 0xfe0d was there; GREASE looks the same (RFC 9849 section 6.2).
    pub ech: bool,
}

/// The server_name extension.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sni<'a> {
    /// There was none.
    Absent,
    /// There was one without a host name, or with lengths that contradict each other.
    Bad,
    /// The first host name's octets as they stand: any length, case and bytes.
    Host(&'a [u8]),
}

/// Why a hello gives no name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum NoName {
    /// No server_name extension.
    #[error("the ClientHello has no server name")]
    Absent,
    /// The extension is damaged, or its name is empty or longer than 253 octets.
    #[error("the ClientHello's server name is damaged, empty or too long")]
    Bad,
    /// An address, which RFC 6066 section 3 does not permit as a host name.
    #[error("the ClientHello's server name is an address")]
    IpLiteral,
}

impl ClientHello<'_> {
    /// The server name as a name: lower case, without a trailing dot, other bytes kept.
    ///
    /// # Errors
    /// [`NoName`] says why there is none.
    pub fn name(&self) -> Result<DomainName, NoName> {
        let mut name = DomainName::root();
        self.read_name(&mut name)?;
        Ok(name)
    }

    /// [`ClientHello::name`] into a name that is there; after an error it is unchanged.
    ///
    /// # Errors
    /// [`NoName`] says why there is none.
    #[inline]
    pub fn read_name(&self, name: &mut DomainName) -> Result<(), NoName> {
        match self.sni {
            Sni::Absent => Err(NoName::Absent),
            Sni::Bad => Err(NoName::Bad),
            Sni::Host(text) if is_ip_literal(text) => Err(NoName::IpLiteral),
            Sni::Host(text) => name.set_text(text).map_err(|_| NoName::Bad),
        }
    }
}

/// Whether a host name is an IPv4 or IPv6 address as text, the latter in brackets or not.
#[inline]
pub fn is_ip_literal(text: &[u8]) -> bool {
    // Hardly any name passes this: the last label of a name is not a number, and no name has a colon, which an IPv6 address
    // has behind four digits at the latest, and a bracket before them.
    let colon = text.iter().take(6).any(|b| *b == b':');
    let suspicious = text.last().is_some_and(|b| b.is_ascii_digit() || *b == b'.') || colon;
    suspicious && parse_ip(text).is_some()
}

#[cold]
fn parse_ip(text: &[u8]) -> Option<IpAddr> {
    let text = text.strip_suffix(b".").unwrap_or(text);
    let text = text.strip_prefix(b"[").and_then(|t| t.strip_suffix(b"]")).unwrap_or(text);
    // A zone such as %eth0 may follow an IPv6 address.
    let text = text.split(|b| *b == b'%').next().unwrap_or(text);
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Reads a complete handshake message, *with* its four octets of type and length. What follows it is ignored.
///
/// # Errors
/// [`TlsError`]; a hello whose damage lies behind its server name is read.
#[inline]
pub fn walk_hello(message: &[u8]) -> Result<ClientHello<'_>, TlsError> {
    let header = message.first_chunk::<HANDSHAKE_HEADER>().ok_or(TlsError::Truncated)?;
    let body = message.get(HANDSHAKE_HEADER..message_len(*header)?).ok_or(TlsError::Truncated)?;
    let (hello, end) = walk(body).ok_or(TlsError::Malformed)?;
    match (hello.sni, end) {
        (Sni::Absent, End::Cut) => Err(TlsError::Malformed),
        _ => Ok(hello),
    }
}

/// Reads the beginning of a handshake message that never became complete: `Some` only if the server_name extension
/// is entirely there. The other fields tell what was seen of them.
pub fn walk_partial(bytes: &[u8]) -> Option<ClientHello<'_>> {
    let len = message_len(*bytes.first_chunk::<HANDSHAKE_HEADER>()?).ok()?;
    let body = bytes.get(HANDSHAKE_HEADER..bytes.len().min(len))?;
    let (hello, _) = walk(body)?;
    (hello.sni != Sni::Absent).then_some(hello)
}

/// How the walk through the extensions ended.
#[derive(PartialEq, Eq)]
enum End {
    /// At the end of the extensions, or there were none.
    Whole,
    /// An extension goes beyond the extensions' or the body's end.
    Cut,
}

/// `None` if the body ends within the fields before the extensions.
#[inline]
fn walk(body: &[u8]) -> Option<(ClientHello<'_>, End)> {
    let (version, rest) = body.split_first_chunk::<2>()?;
    let (_random, rest) = rest.split_first_chunk::<32>()?;
    let (_session_id, rest) = split_len8(rest)?;
    let (_cipher_suites, rest) = split_len16(rest)?;
    let (_compression_methods, rest) = split_len8(rest)?;

    let mut end = End::Whole;
    let mut extensions: &[u8] = match rest.split_first_chunk::<2>() {
        Some((len, rest)) => rest.get(..usize::from(u16::from_be_bytes(*len))).unwrap_or_else(|| {
            end = End::Cut;
            rest
        }),
        // Without extensions nothing is left; one octet is left over and counts as cut below.
        None => rest,
    };
    // Of each the first counts. They are only noted here, since most of the walk's time goes over a dozen extensions
    // that are of no interest.
    let (mut sni, mut alpn, mut versions, mut ech) = (None, None, None, false);
    while let Some((&[type_high, type_low, len_high, len_low], after)) = extensions.split_first_chunk::<4>() {
        let len = usize::from(u16::from_be_bytes([len_high, len_low]));
        let Some((data, rest)) = after.split_at_checked(len) else { break };
        extensions = rest;
        match u16::from_be_bytes([type_high, type_low]) {
            EXT_SERVER_NAME => sni = sni.or(Some(data)),
            EXT_ALPN => alpn = alpn.or(Some(data)),
            EXT_SUPPORTED_VERSIONS => versions = versions.or(Some(data)),
            EXT_ECH => ech = true,
            _ => {}
        }
    }
    if !extensions.is_empty() {
        end = End::Cut;
    }
    let hello = ClientHello {
        sni: sni.map_or(Sni::Absent, server_name),
        version: versions.and_then(highest_version).unwrap_or(u16::from_be_bytes(*version)),
        alpn: alpn.and_then(protocol_list).unwrap_or(&[]),
        ech,
    };
    Some((hello, end))
}

/// The first host_name of a ServerNameList. Other name types have the same form here, as they have everywhere.
#[inline]
fn server_name(data: &[u8]) -> Sni<'_> {
    let Some((len, rest)) = data.split_first_chunk::<2>() else { return Sni::Bad };
    let mut list = rest.get(..usize::from(u16::from_be_bytes(*len))).unwrap_or(rest);
    while let Some((name_type, after)) = list.split_first() {
        let Some((name, rest)) = split_len16(after) else { break };
        if *name_type == HOST_NAME {
            return Sni::Host(name);
        }
        list = rest;
    }
    Sni::Bad
}

/// The body of a ProtocolNameList, if its lengths add up (RFC 7301 section 3.1).
#[inline]
fn protocol_list(data: &[u8]) -> Option<&[u8]> {
    let (list, _) = split_len16(data)?;
    let mut rest = list;
    while !rest.is_empty() {
        let (name, after) = split_len8(rest)?;
        if name.is_empty() {
            return None;
        }
        rest = after;
    }
    Some(list)
}

#[inline]
fn highest_version(data: &[u8]) -> Option<u16> {
    let (list, _) = split_len8(data)?;
    let (versions, _) = list.as_chunks::<2>();
    versions.iter().map(|v| u16::from_be_bytes(*v)).filter(|v| !is_grease(*v)).max()
}

/// One of the 16 values 0x0a0a, 0x1a1a … 0xfafa (RFC 8701 section 2).
#[inline]
fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

/// Splits after a vector with a one-octet length.
#[inline]
fn split_len8(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*len))
}

/// Splits after a vector with a two-octet length.
#[inline]
fn split_len16(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))
}
