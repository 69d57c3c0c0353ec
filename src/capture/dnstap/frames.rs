//! Frame Streams: a connection's octets as frames, and the handshake before and after them.
//!
//! Every frame has its length in front, in four octets, big-endian. A length of zero announces a control frame, whose
//! own length follows. A sender that wants answers begins with READY, waits for ACCEPT, sends START, its data frames
//! and STOP, and waits for FINISH; one that cannot read begins with START and ends with STOP. Nothing in the stream
//! marks a frame's beginning, so after an error there is no way back to the frames: the connection is over.

use super::CONTENT_TYPE;

/// The longest control frame, in octets behind its length field; fstrm has the same bound.
pub const MAX_CONTROL: usize = 512;

/// The answer to READY: ACCEPT with dnstap's content type, as a whole frame.
pub const ACCEPT: &[u8] = b"\0\0\0\0\0\0\0\x22\0\0\0\x01\0\0\0\x01\0\0\0\x16protobuf:dnstap.Dnstap";
/// The answer to STOP, if the sender waits for one: FINISH, as a whole frame.
pub const FINISH: &[u8] = b"\0\0\0\0\0\0\0\x04\0\0\0\x05";

/// Control frame types that a sender uses. ACCEPT (1) and FINISH (5) are the receiver's.
const START: u32 = 2;
const STOP: u32 = 3;
const READY: u32 = 4;
/// The one control field that there is: a content type.
const FIELD_CONTENT_TYPE: u32 = 1;

/// What the next octets are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step<'b> {
    /// The frame is not whole: ask again with this many octets or more from the same place.
    More(usize),
    /// The payload of a data frame.
    Data(&'b [u8]),
    /// READY: [`ACCEPT`] is to be sent.
    Ready,
    /// START: data frames follow.
    Start,
    /// STOP: the stream is over. If `answer`, [`FINISH`] is to be sent.
    Stop {
        /// The sender began with READY and so waits for FINISH.
        answer: bool,
    },
}

/// Why a stream cannot be read on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StreamError {
    /// A control frame that is malformed, or not in its place; or data before START.
    #[error("no Frame Streams: a control frame is malformed or not in its place")]
    Control,
    /// READY or START name content types, and dnstap is not among them.
    #[error("the content is not dnstap")]
    ContentType,
    /// A frame is longer than is allowed.
    #[error("a frame is longer than allowed")]
    TooLong,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Nothing has come yet.
    Begin,
    /// READY has come.
    Greeted,
    /// START has come; whether READY came before it.
    Data { greeted: bool },
    /// STOP has come.
    Over,
}

/// One connection's frames. It holds no octets: the caller keeps those of a frame that is not whole.
#[derive(Clone, Debug)]
pub struct FrameStream {
    state: State,
    max_frame: usize,
}

impl FrameStream {
    /// A stream at its beginning, whose data frames have at most `max_frame` octets.
    pub const fn new(max_frame: usize) -> Self {
        FrameStream { state: State::Begin, max_frame }
    }

    /// Whether START has come, and STOP has not.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Data { .. })
    }

    /// What lies at the beginning of `octets`, and how many octets it takes up.
    ///
    /// # Errors
    /// [`StreamError`]: the stream cannot be read on.
    #[inline]
    pub fn next<'b>(&mut self, octets: &'b [u8]) -> Result<(Step<'b>, usize), StreamError> {
        let Some(length) = be32(octets) else { return Ok((Step::More(4), 0)) };
        if length == 0 {
            return self.control(octets);
        }
        let State::Data { .. } = self.state else { return Err(StreamError::Control) };
        let end = 4 + self.bounded(length)?;
        match octets.get(4..end) {
            Some(data) => Ok((Step::Data(data), end)),
            None => Ok((Step::More(end), 0)),
        }
    }

    fn bounded(&self, length: u32) -> Result<usize, StreamError> {
        usize::try_from(length).ok().filter(|n| *n <= self.max_frame).ok_or(StreamError::TooLong)
    }

    /// A control frame, from its escape on.
    #[cold]
    fn control<'b>(&mut self, octets: &'b [u8]) -> Result<(Step<'b>, usize), StreamError> {
        let Some(length) = octets.get(4..).and_then(be32) else { return Ok((Step::More(8), 0)) };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > MAX_CONTROL {
            return Err(StreamError::TooLong);
        }
        let Some(frame) = octets.get(8..8 + length) else { return Ok((Step::More(8 + length), 0)) };
        let kind = be32(frame).ok_or(StreamError::Control)?;
        let fields = &frame[4..];
        let (step, state) = match (kind, self.state) {
            (READY, State::Begin) => (Step::Ready, State::Greeted),
            (START, State::Begin) => (Step::Start, State::Data { greeted: false }),
            (START, State::Greeted) => (Step::Start, State::Data { greeted: true }),
            (STOP, State::Data { greeted }) => (Step::Stop { answer: greeted }, State::Over),
            _ => return Err(StreamError::Control),
        };
        if kind != STOP {
            offers_dnstap(fields)?;
        }
        self.state = state;
        Ok((step, 8 + length))
    }
}

/// Whether dnstap is among the content types; a sender that names none leaves it to the receiver. Fields of unknown
/// types are passed over.
fn offers_dnstap(mut fields: &[u8]) -> Result<(), StreamError> {
    let (mut named, mut found) = (false, false);
    while !fields.is_empty() {
        let kind = be32(fields).ok_or(StreamError::Control)?;
        let length = fields.get(4..).and_then(be32).ok_or(StreamError::Control)?;
        let end = usize::try_from(length).ok().and_then(|n| n.checked_add(8)).ok_or(StreamError::Control)?;
        let value = fields.get(8..end).ok_or(StreamError::Control)?;
        if kind == FIELD_CONTENT_TYPE {
            named = true;
            found |= value == CONTENT_TYPE;
        }
        fields = &fields[end..];
    }
    if named && !found { Err(StreamError::ContentType) } else { Ok(()) }
}

#[inline]
fn be32(octets: &[u8]) -> Option<u32> {
    octets.first_chunk::<4>().map(|four| u32::from_be_bytes(*four))
}
