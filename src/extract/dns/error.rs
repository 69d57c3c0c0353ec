//! Why a message gives no name.

use crate::model::Counter;

/// Why a message gives no name. What is wrong behind a readable question is no error: see
/// [`DnsMessage::answers_damaged`](super::DnsMessage::answers_damaged).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DnsError {
    /// Less than the 12 octets of a header.
    #[error("shorter than a DNS header")]
    TooShort,
    /// The zone of a NOTIFY or UPDATE is nobody's visit (RFC 1996, 2136).
    #[error("about a zone, not a question")]
    NotAQuery,
    /// QDCOUNT is 0.
    #[error("no question")]
    NoQuestion,
    /// A label of a reserved type (0x40, which RFC 6891 section 5 retired, or 0x80).
    #[error("label type is reserved")]
    BadLabel,
    /// A compression pointer into the header, to itself or forward, or too long a chain of them.
    #[error("compression pointer does not lead back to an earlier name")]
    BadPointer,
    /// A name longer than 255 octets (RFC 1035 section 3.1).
    #[error("name is longer than 255 octets")]
    NameTooLong,
    /// The message ends inside the question: cut by the capture, or lying about its counts.
    #[error("message ends inside the question")]
    Truncated,
}

impl DnsError {
    /// The counter of such rejections.
    pub const fn counter(self) -> Counter {
        match self {
            DnsError::TooShort | DnsError::BadLabel | DnsError::NameTooLong => Counter::DnsMalformed,
            DnsError::NotAQuery | DnsError::NoQuestion => Counter::DnsNotAQuestion,
            DnsError::BadPointer => Counter::DnsLoop,
            DnsError::Truncated => Counter::DnsTruncated,
        }
    }
}
