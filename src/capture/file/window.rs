//! The one buffer that a file passes through, and that frames are lent from.
//!
//! Large reads into one buffer that stays in the second-level cache, rather than a mapping of the file: pipes and
//! decompressors need a buffer anyway, and a mapped file that shrinks while it is read raises a signal. Records are
//! parsed where they lie; only the record that straddles two reads is moved.

use super::input::{Input, Meter};
use crate::capture::CaptureError;
use std::io::Read;
use std::sync::Arc;

/// Size of the buffer until a longer record asks for more: a quarter of the usual second-level cache, beside which the
/// tables want room. From 64 KiB on a larger one saves no time.
const INITIAL: usize = 256 * 1024;

/// A window on the decompressed stream: the octets from the reading position on, as far as they are in memory.
pub(super) struct Window {
    reader: Box<dyn Read + Send>,
    meter: Arc<Meter>,
    buf: Vec<u8>,
    start: usize,
    end: usize,
    /// Octets of the stream before `buf[start]`.
    offset: u64,
    ended: bool,
    fault: Option<String>,
    /// Length of the stream, where it is known.
    total: Option<u64>,
}

impl Window {
    /// On `input`, whose length is known to be `total` octets (if it is).
    pub(super) fn new(input: Input, total: Option<u64>) -> Self {
        let mut buf = vec![0; INITIAL];
        let mut end = 0;
        if let Some(front) = buf.get_mut(..input.head.len()) {
            front.copy_from_slice(&input.head);
            end = input.head.len();
        }
        Window {
            reader: input.reader,
            meter: input.meter,
            buf,
            start: 0,
            end,
            offset: 0,
            ended: input.fault.is_some(),
            fault: input.fault,
            total: total.filter(|_| !input.compressed),
        }
    }

    /// The octets in memory from the reading position on.
    #[inline]
    pub(super) fn available(&self) -> &[u8] {
        self.buf.get(self.start..self.end).unwrap_or_default()
    }

    /// Where in the stream the reading position is.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Octets read from the input underneath.
    pub(super) fn bytes_read(&self) -> u64 {
        self.meter.bytes()
    }

    /// Octets from the reading position to the end: of the stream if its length is known, else of what is in memory.
    pub(super) fn rest(&self) -> u64 {
        let here = (self.end - self.start) as u64;
        self.total.map_or(here, |total| total.saturating_sub(self.offset).max(here))
    }

    /// Size of the buffer.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.buf.len()
    }

    /// What the decompressor complained of, if it did; asked once.
    pub(super) fn take_fault(&mut self) -> Option<String> {
        self.fault.take()
    }

    /// Sees to it that `n` octets are available; `false` if the stream ends before.
    ///
    /// # Errors
    /// The system failed to read.
    #[inline]
    pub(super) fn ensure(&mut self, n: usize) -> Result<bool, CaptureError> {
        if self.end - self.start >= n { Ok(true) } else { self.refill(n) }
    }

    #[cold]
    fn refill(&mut self, n: usize) -> Result<bool, CaptureError> {
        if self.ended {
            return Ok(false);
        }
        // Moved only when there is no room behind: what is moved is then less than one record, once a buffer's length.
        if self.start.saturating_add(n) > self.buf.len() {
            self.buf.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        while self.end - self.start < n {
            if self.ended {
                return Ok(false);
            }
            if self.end == self.buf.len() {
                // Grows with what has really come, not with what a header promises.
                let size = self.buf.len().saturating_mul(2);
                self.buf.resize(size, 0);
            }
            let Some(space) = self.buf.get_mut(self.end..) else { return Ok(false) };
            match self.reader.read(space) {
                Ok(0) => self.ended = true,
                Ok(read) => self.end = (self.end + read).min(self.buf.len()),
                Err(e) => {
                    self.ended = true;
                    self.fault = Some(self.meter.classify(e)?);
                }
            }
        }
        Ok(true)
    }

    /// Moves the reading position over `n` octets that are available, and tells where in memory they begin.
    #[inline]
    pub(super) fn consume(&mut self, n: usize) -> usize {
        let from = self.start;
        let n = n.min(self.end - self.start);
        self.start += n;
        self.offset += n as u64;
        from
    }

    /// Octets in memory, by the place that [`Window::consume`] gave. Valid until the next call of `ensure` or `skip`.
    #[inline]
    pub(super) fn slice(&self, from: usize, len: usize) -> &[u8] {
        self.buf.get(from..).and_then(|tail| tail.get(..len)).unwrap_or_default()
    }

    /// Passes over `n` octets without keeping them; `false` if the stream ends before.
    ///
    /// # Errors
    /// The system failed to read.
    pub(super) fn skip(&mut self, mut n: u64) -> Result<bool, CaptureError> {
        loop {
            let here = usize::try_from(n).unwrap_or(usize::MAX).min(self.end - self.start);
            self.consume(here);
            n -= here as u64;
            if n == 0 {
                return Ok(true);
            }
            if !self.ensure(1)? {
                return Ok(false);
            }
        }
    }
}
