//! Every reason for which a connection or a push is refused: its word in the counters, its status and its text.

use hyper::StatusCode;

/// Why a connection or a push came to nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// Too many connections, all told or from that address.
    Connections,
    /// The client showed no certificate.
    NoCertificate,
    /// It showed one that does not open the door.
    Certificate,
    /// The handshake failed in another way, or took too long.
    Handshake,
    /// No request came: silence, a head that took too long, or what is not HTTP.
    Protocol,
    /// No source has that path.
    Path,
    /// The client may not push that source.
    Client,
    /// Not a POST.
    Method,
    /// The source was pushed too often.
    Rate,
    /// Another push of the source is under way.
    Busy,
    /// Longer than the limit.
    Length,
    /// Packed, which nobody has agreed on.
    Encoding,
    /// Nothing in it.
    Empty,
    /// It broke off.
    Cut,
    /// It took too long.
    Slow,
    /// It cannot be written.
    Disk,
    /// The receiver will not have it.
    Refused,
    /// The receiver cannot take it now, or took too long.
    Unavailable,
}

impl Cause {
    /// All of them, in the order of their counters.
    pub const ALL: [Cause; 18] = [
        Cause::Connections,
        Cause::NoCertificate,
        Cause::Certificate,
        Cause::Handshake,
        Cause::Protocol,
        Cause::Path,
        Cause::Client,
        Cause::Method,
        Cause::Rate,
        Cause::Busy,
        Cause::Length,
        Cause::Encoding,
        Cause::Empty,
        Cause::Cut,
        Cause::Slow,
        Cause::Disk,
        Cause::Refused,
        Cause::Unavailable,
    ];

    /// Its word in counters and logs.
    pub fn word(self) -> &'static str {
        match self {
            Cause::Connections => "connections",
            Cause::NoCertificate => "no-certificate",
            Cause::Certificate => "certificate",
            Cause::Handshake => "handshake",
            Cause::Protocol => "protocol",
            Cause::Path => "path",
            Cause::Client => "client",
            Cause::Method => "method",
            Cause::Rate => "rate",
            Cause::Busy => "busy",
            Cause::Length => "length",
            Cause::Encoding => "encoding",
            Cause::Empty => "empty",
            Cause::Cut => "cut",
            Cause::Slow => "slow",
            Cause::Disk => "disk",
            Cause::Refused => "refused",
            Cause::Unavailable => "unavailable",
        }
    }

    /// Status and text of the answer. The first five have none: nobody is there to be answered.
    pub(super) fn answer(self) -> (StatusCode, &'static str) {
        match self {
            Cause::Connections | Cause::NoCertificate | Cause::Certificate | Cause::Handshake | Cause::Protocol => {
                (StatusCode::BAD_REQUEST, "not understood")
            }
            Cause::Path => (StatusCode::NOT_FOUND, "no register is pushed to this path"),
            Cause::Client => (StatusCode::FORBIDDEN, "this certificate may not push this register"),
            Cause::Method => (StatusCode::METHOD_NOT_ALLOWED, "a register is pushed by POST"),
            Cause::Rate => (StatusCode::TOO_MANY_REQUESTS, "pushed too often; try later"),
            Cause::Busy => (StatusCode::SERVICE_UNAVAILABLE, "another push of this register is under way; try later"),
            Cause::Length => (StatusCode::PAYLOAD_TOO_LARGE, "longer than this receiver takes"),
            Cause::Encoding => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "send the register without Content-Encoding"),
            Cause::Empty => (StatusCode::BAD_REQUEST, "empty"),
            Cause::Cut => (StatusCode::BAD_REQUEST, "cut off"),
            Cause::Slow => (StatusCode::REQUEST_TIMEOUT, "too slow"),
            Cause::Disk => (StatusCode::INSUFFICIENT_STORAGE, "cannot be stored now; try later"),
            Cause::Refused => (StatusCode::UNPROCESSABLE_ENTITY, "not taken"),
            Cause::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "cannot be taken now; try later"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_place_its_word_and_an_error() {
        for (n, cause) in Cause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, n);
            assert!(cause.answer().0.as_u16() >= 400);
            assert_eq!(Cause::ALL.into_iter().filter(|other| other.word() == cause.word()).count(), 1);
        }
    }
}
