//! Lines of a file, without ever holding a long one: constant memory, linear time, whatever the file.

use std::io::{self, BufRead};

/// The longest line that is read, in octets without its end.
pub(crate) const MAX_LINE: usize = 64 * 1024;

/// Octets kept of a longer line, for the message.
const HEAD: usize = 512;

/// One line, without its line feed.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Line<'a> {
    /// A whole line.
    Whole(&'a [u8]),
    /// The first octets of a line longer than [`MAX_LINE`].
    TooLong(&'a [u8]),
}

/// Splits a reader into lines. The last one needs no line feed.
pub(crate) struct Lines<R> {
    reader: R,
    /// Octets of the reader's buffer that the last line took.
    used: usize,
    /// A line that did not lie whole in the reader's buffer.
    carry: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Lines { reader, used: 0, carry: Vec::new() }
    }

    /// The next line; none at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.reader.consume(std::mem::take(&mut self.used));
        self.carry.clear();
        let mut too_long = false;
        loop {
            let buffer = self.reader.fill_buf()?;
            let (piece, ended) = match memchr::memchr(b'\n', buffer) {
                Some(at) => (at, true),
                None => (buffer.len(), false),
            };
            if ended && self.carry.is_empty() && piece <= MAX_LINE {
                // The usual case, without a copy. The line is lent from the reader's buffer and consumed next time.
                self.used = piece + 1;
                let buffer = self.reader.fill_buf()?;
                return Ok(Some(Line::Whole(buffer.get(..piece).unwrap_or_default())));
            }
            let at_end = buffer.is_empty();
            if !too_long {
                self.carry.extend_from_slice(buffer.get(..piece.min(MAX_LINE + 1)).unwrap_or_default());
                too_long = self.carry.len() > MAX_LINE;
            }
            self.reader.consume(piece + usize::from(ended));
            if too_long {
                self.carry.truncate(HEAD);
            }
            if ended || at_end {
                return Ok(match (too_long, at_end && self.carry.is_empty()) {
                    (true, _) => Some(Line::TooLong(&self.carry)),
                    (false, true) => None,
                    (false, false) => Some(Line::Whole(&self.carry)),
                });
            }
        }
    }

    /// The reader, with what was read but not used lost.
    pub(super) fn into_inner(self) -> R {
        self.reader
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    /// Each line's length and first octets, read through a buffer of `capacity`.
    fn split(text: &[u8], capacity: usize) -> Vec<(bool, Vec<u8>)> {
        let mut lines = Lines::new(BufReader::with_capacity(capacity, text));
        let mut seen = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            seen.push(match line {
                Line::Whole(l) => (true, l.to_vec()),
                Line::TooLong(l) => (false, l.to_vec()),
            });
        }
        seen
    }

    #[test]
    fn the_buffer_size_does_not_matter() {
        let text = b"one\n\nthree\r\nfour, without an end";
        let whole: Vec<_> = [&b"one"[..], b"", b"three\r", b"four, without an end"].map(|l| (true, l.to_vec())).into();
        for capacity in [1, 2, 3, 5, 7, 64] {
            assert_eq!(split(text, capacity), whole, "capacity {capacity}");
        }
        assert_eq!(split(b"", 8), []);
        assert_eq!(split(b"\n", 8), [(true, vec![])]);
    }

    #[test]
    fn a_line_beyond_the_bound_is_cut_and_the_next_one_is_read() {
        for capacity in [100, 8 * 1024, 256 * 1024] {
            for (len, whole) in [(MAX_LINE, true), (MAX_LINE + 1, false), (3 * MAX_LINE, false)] {
                let mut text = vec![b'x'; len];
                text.extend_from_slice(b"\nnext");
                let seen = split(&text, capacity);
                assert_eq!(seen.len(), 2, "{len} in {capacity}");
                assert_eq!((seen[0].0, seen[0].1.len()), (whole, if whole { len } else { HEAD }));
                assert_eq!(seen[1], (true, b"next".to_vec()));
            }
        }
    }
}
