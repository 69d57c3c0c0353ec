//! One resolver's connection: reads what is there, hands whole frames on, answers the handshake.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::reader::DnstapReader;
use crate::capture::dnstap::{ACCEPT, FINISH, FrameStream, MAX_CONTROL, Step, StreamError};
use crate::export::metrics::DnstapCounter;
use crate::model::{ObservationSink, Timestamp};

/// A peer that has not sent START by then is no resolver.
const START_WITHIN: Duration = Duration::from_secs(10);
/// A frame that is begun and not whole by then will not be.
const FRAME_WITHIN: Duration = Duration::from_secs(30);

/// Either kind of socket.
#[derive(Debug)]
pub(super) enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Unix(s) => s.read(into),
            Socket::Tcp(s) => s.read(into),
        }
    }

    /// Whole or not at all: an answer is a few dozen octets, and the peer waits for it.
    fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        match self {
            Socket::Unix(s) => s.write_all(octets),
            Socket::Tcp(s) => s.write_all(octets),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Socket::Unix(s) => s.as_fd(),
            Socket::Tcp(s) => s.as_fd(),
        }
    }
}

/// Why a connection is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// STOP.
    Stop,
    /// The peer closed it between two frames.
    Closed,
    /// The peer closed it within a frame.
    Cut,
    /// No START in time.
    NoStart,
    /// A frame was not whole in time.
    Stalled,
    /// What came was no dnstap.
    Stream(StreamError),
    /// The operating system says that it is over.
    Failed,
}

impl End {
    pub(super) const fn counter(self) -> DnstapCounter {
        match self {
            End::Stop => DnstapCounter::EndedStop,
            End::Closed => DnstapCounter::EndedClosed,
            End::Cut => DnstapCounter::EndedCut,
            End::NoStart => DnstapCounter::EndedNoStart,
            End::Stalled => DnstapCounter::EndedStalled,
            End::Stream(StreamError::Control) => DnstapCounter::EndedControl,
            End::Stream(StreamError::ContentType) => DnstapCounter::EndedContentType,
            End::Stream(StreamError::TooLong) => DnstapCounter::EndedTooLong,
            End::Failed => DnstapCounter::EndedFailed,
        }
    }
}

/// An open connection. Its socket does not block.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: Socket,
    stream: FrameStream,
    /// Has room for the largest frame, so that one that is not whole never fills it.
    buffer: Box<[u8]>,
    /// Octets at the buffer's beginning that have been read and not taken.
    held: usize,
    opened: Instant,
    /// Since when the frame at the buffer's beginning has not been whole.
    partial_since: Option<Instant>,
}

impl Connection {
    pub(super) fn new(socket: Socket, max_frame: usize, now: Instant) -> Self {
        Connection {
            socket,
            stream: FrameStream::new(max_frame),
            // The system gives the pages as they are first written.
            buffer: vec![0; 4 + max_frame.max(4 + MAX_CONTROL)].into_boxed_slice(),
            held: 0,
            opened: now,
            partial_since: None,
        }
    }

    /// Reads once; tells whether there was anything.
    pub(super) fn read<S: ObservationSink>(
        &mut self,
        now: (Instant, Timestamp),
        reader: &mut DnstapReader,
        sink: &mut S,
    ) -> Result<bool, End> {
        match self.socket.read(&mut self.buffer[self.held..]) {
            Ok(0) if self.held > 0 => Err(End::Cut),
            Ok(0) => Err(End::Closed),
            Ok(n) => {
                reader.counts_mut().add(DnstapCounter::Octets, n as u64);
                self.held += n;
                self.take(now, reader, sink)?;
                Ok(true)
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(e) if e.kind() == ErrorKind::Interrupted => Ok(true),
            Err(_) if self.held > 0 => Err(End::Cut),
            Err(_) => Err(End::Failed),
        }
    }

    /// Hands on the frames that are whole, and keeps the rest.
    fn take<S: ObservationSink>(
        &mut self,
        now: (Instant, Timestamp),
        reader: &mut DnstapReader,
        sink: &mut S,
    ) -> Result<(), End> {
        let mut at = 0;
        loop {
            let (step, used) = self.stream.next(&self.buffer[at..self.held]).map_err(End::Stream)?;
            at += used;
            match step {
                Step::Data(frame) => reader.frame(frame, now.1, sink),
                Step::More(_) => break,
                Step::Start => {}
                Step::Ready => self.socket.send(ACCEPT).map_err(|_| End::Failed)?,
                Step::Stop { answer } => {
                    if answer {
                        // The sender may be gone already; all that it had to say is here.
                        let _ = self.socket.send(FINISH);
                    }
                    return Err(End::Stop);
                }
            }
        }
        self.buffer.copy_within(at..self.held, 0);
        self.held -= at;
        self.partial_since = match self.held {
            0 => None,
            _ if at > 0 => Some(now.0),
            _ => self.partial_since.or(Some(now.0)),
        };
        Ok(())
    }

    /// Whether the peer has taken too long at `now`.
    pub(super) fn overdue(&self, now: Instant) -> Option<End> {
        if !self.stream.is_open() {
            return (now.duration_since(self.opened) > START_WITHIN).then_some(End::NoStart);
        }
        self.partial_since.is_some_and(|at| now.duration_since(at) > FRAME_WITHIN).then_some(End::Stalled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Observation;
    use crate::pipeline::DnstapReading;

    const START: &[u8] = b"\0\0\0\0\0\0\0\x04\0\0\0\x02";

    #[test]
    fn who_does_not_begin_or_does_not_go_on_is_overdue() {
        let (mut peer, own) = UnixStream::pair().unwrap();
        own.set_nonblocking(true).unwrap();
        let begun = Instant::now();
        let after = |seconds| begun + Duration::from_secs(seconds);
        let mut connection = Connection::new(Socket::Unix(own), 1024, begun);
        let mut reader = DnstapReader::new(DnstapReading::default());
        let mut read = |connection: &mut Connection, seconds| {
            let now = (after(seconds), Timestamp::from_parts(seconds, 0));
            connection.read(now, &mut reader, &mut |_: &Observation<'_>| {})
        };
        assert_eq!(read(&mut connection, 1), Ok(false));
        assert_eq!((connection.overdue(after(10)), connection.overdue(after(11))), (None, Some(End::NoStart)));

        peer.write_all(START).unwrap();
        assert_eq!(read(&mut connection, 2), Ok(true));
        assert_eq!(connection.overdue(after(3600)), None, "a resolver may have nothing to tell");

        // Trickling octets do not prolong a frame; the next frame has its own time.
        for (octets, seconds) in [(&[0, 0][..], 100), (&[0], 120), (&[2], 129)] {
            peer.write_all(octets).unwrap();
            assert_eq!(read(&mut connection, seconds), Ok(true));
        }
        assert_eq!((connection.overdue(after(130)), connection.overdue(after(131))), (None, Some(End::Stalled)));
        peer.write_all(&[7, 7, 0]).unwrap();
        assert_eq!(read(&mut connection, 130), Ok(true));
        assert_eq!((connection.overdue(after(160)), connection.overdue(after(161))), (None, Some(End::Stalled)));
        peer.write_all(&[0, 0, 1, 7]).unwrap();
        assert_eq!(read(&mut connection, 150), Ok(true));
        assert_eq!(connection.overdue(after(3600)), None);
        drop(peer);
        assert_eq!(read(&mut connection, 151), Err(End::Closed));
        assert_eq!(reader.counts().get(DnstapCounter::Frames), 2);
    }
}
