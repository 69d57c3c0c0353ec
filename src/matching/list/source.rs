//! The octets of a rule file on their way to a parser: hashed, counted, bounded, and checked for being text.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::format::not_text;
use super::load::Problem;

/// A reader that notes what a parser need not care about.
///
/// A problem that it finds ends the reading with an I/O error; the loader then takes the real reason from
/// [`Source::problem`].
pub(super) struct Source<R> {
    inner: R,
    hash: Sha256,
    bytes: u64,
    limit: u64,
    problem: Option<Problem>,
}

impl<R: Read> Source<R> {
    pub(super) fn new(inner: R, limit: u64) -> Self {
        Source { inner, hash: Sha256::new(), bytes: 0, limit, problem: None }
    }

    /// Why reading stopped, if it was not the end of the file.
    pub(super) fn problem(&mut self) -> Option<Problem> {
        self.problem.take()
    }

    /// Octets read so far, and their SHA-256.
    pub(super) fn digest(&self) -> (u64, [u8; 32]) {
        (self.bytes, self.hash.clone().finalize().into())
    }

    /// Fills `buf` unless the end comes before. So what is looked at together, the file's first octets above all, does
    /// not depend on the pieces in which a pipe delivers it.
    fn fill(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(space @ [_, ..]) = buf.get_mut(filled..) {
            match self.inner.read(space) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(filled)
    }

    fn fail(&mut self, problem: Problem) -> io::Result<usize> {
        self.problem = Some(problem);
        Err(io::Error::from(io::ErrorKind::InvalidData))
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = match self.fill(buf) {
            Ok(n) => n,
            Err(e) => return self.fail(Problem::Io(e)),
        };
        let read = buf.get(..n).unwrap_or_default();
        let kind = if self.bytes == 0 { not_text(read) } else { None };
        self.hash.update(read);
        self.bytes += n as u64;
        if self.bytes > self.limit {
            return self.fail(Problem::TooLarge { limit: self.limit });
        }
        if kind.is_some() || memchr::memchr(0, read).is_some() {
            return self.fail(Problem::Binary { kind });
        }
        Ok(n)
    }
}
