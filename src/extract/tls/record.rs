//! From a TCP stream to the handshake message: the record layer before encryption (RFC 8446 section 5.1).

use super::hello::{ClientHello, walk_hello, walk_partial};
use super::{HANDSHAKE_HEADER, TlsError, message_len};

/// Octets of a record header: type, version, length.
pub const RECORD_HEADER: usize = 5;
/// Record type of the handshake.
const HANDSHAKE: u8 = 0x16;
/// The longest record: 2^14 octets, and 256 that only encrypted ones may use.
const MAX_RECORD: usize = (1 << 14) + 256;

/// The length of a handshake record's content, if this is the header of one. An empty handshake record is not allowed
/// (RFC 8446 section 5.1), so a hello has at most as many records as octets.
#[inline]
pub(super) fn record_len(header: &[u8; RECORD_HEADER]) -> Option<usize> {
    let ([HANDSHAKE, 3, 0..=4, high, low] | [HANDSHAKE, 1, 1, high, low]) = *header else { return None };
    let len = usize::from(u16::from_be_bytes([high, low]));
    (1..=MAX_RECORD).contains(&len).then_some(len)
}

/// Reads a hello that lies complete in the first record of a contiguous slice, without copying.
///
/// `None`: not complete, or spread over records; a [`HelloReader`] can tell.
#[inline]
pub fn whole_hello(stream_prefix: &[u8]) -> Option<Result<ClientHello<'_>, TlsError>> {
    let (header, content) = stream_prefix.split_first_chunk::<RECORD_HEADER>()?;
    let record = content.get(..record_len(header)?).unwrap_or(content);
    match message_len(*record.first_chunk::<HANDSHAKE_HEADER>()?) {
        Ok(len) => record.get(..len).map(walk_hello),
        Err(error) => Some(Err(error)),
    }
}

/// Whether the first record of a stream is not complete, so that [`whole_hello`] may yet succeed.
#[inline]
pub fn first_record_is_short(stream_prefix: &[u8]) -> bool {
    match stream_prefix.split_first_chunk::<RECORD_HEADER>() {
        Some((header, content)) => record_len(header).is_some_and(|len| content.len() < len),
        None => true,
    }
}

/// What feeding a [`HelloReader`] led to.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// The hello is not complete.
    NeedMore,
    /// The hello is complete.
    Found(ClientHello<'a>),
    /// There is no hello to be read in this stream.
    Reject(TlsError),
}

/// Collects the ClientHello at the start of one client's stream from its records.
///
/// It holds what was received of the handshake message and nothing else. Once it has found or rejected, it takes
/// nothing more and repeats its answer.
#[derive(Debug)]
pub struct HelloReader {
    /// The handshake message so far.
    message: Vec<u8>,
    /// Its whole length, once its header is there; before that the header's.
    wanted: usize,
    /// A record header cut by the end of a segment.
    header: [u8; RECORD_HEADER],
    /// How much of `header` is there.
    header_len: u8,
    /// What is missing of the record at hand.
    record_left: usize,
    rejected: Option<TlsError>,
}

impl Default for HelloReader {
    fn default() -> Self {
        HelloReader::new()
    }
}

impl HelloReader {
    /// A reader at the start of a stream.
    pub fn new() -> Self {
        HelloReader {
            message: Vec::new(),
            wanted: HANDSHAKE_HEADER,
            header: [0; RECORD_HEADER],
            header_len: 0,
            record_left: 0,
            rejected: None,
        }
    }

    /// Takes the next octets of the stream, in order and without gaps.
    pub fn feed(&mut self, contiguous_new_bytes: &[u8]) -> Progress<'_> {
        if self.rejected.is_none() {
            self.rejected = self.take(contiguous_new_bytes).err();
        }
        if let Some(error) = self.rejected {
            self.message = Vec::new();
            return Progress::Reject(error);
        }
        if self.message.len() < self.wanted {
            return Progress::NeedMore;
        }
        match walk_hello(&self.message) {
            Ok(hello) => Progress::Found(hello),
            Err(error) => Progress::Reject(error),
        }
    }

    /// What an incomplete hello tells, if its server name is entirely there: for a stream that ended or lost a segment.
    pub fn partial(&self) -> Option<ClientHello<'_>> {
        walk_partial(&self.message)
    }

    /// Octets of memory held beside the reader itself.
    pub fn buffered(&self) -> usize {
        self.message.capacity()
    }

    fn take(&mut self, mut new: &[u8]) -> Result<(), TlsError> {
        while !new.is_empty() && self.message.len() < self.wanted {
            if self.record_left == 0 {
                let have = usize::from(self.header_len);
                let (part, rest) = new.split_at(new.len().min(RECORD_HEADER - have));
                self.header[have..have + part.len()].copy_from_slice(part);
                self.header_len += part.len() as u8;
                new = rest;
                if usize::from(self.header_len) == RECORD_HEADER {
                    self.record_left = record_len(&self.header).ok_or(TlsError::NotHandshake)?;
                    self.header_len = 0;
                }
                continue;
            }
            let missing = self.wanted - self.message.len();
            let (part, rest) = new.split_at(new.len().min(self.record_left).min(missing));
            self.message.extend_from_slice(part);
            self.record_left -= part.len();
            new = rest;
            if self.wanted == HANDSHAKE_HEADER
                && let Some(header) = self.message.first_chunk()
            {
                self.wanted = message_len(*header)?;
            }
        }
        Ok(())
    }
}
