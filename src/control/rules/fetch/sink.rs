//! Where the octets of a body go: into a file, unpacked on the way, and no more than may be.

use std::io::Write;
use std::path::Path;

use flate2::write::MultiGzDecoder;

use super::error::FetchError;
use crate::control::rules::part::{Fault, PartFile};

/// Where the octets of a body go.
pub(super) enum Sink {
    Plain(PartFile),
    Gzip(Box<MultiGzDecoder<PartFile>>),
}

/// Why octets could not go there.
pub(super) enum SinkFault {
    TooLarge { packed: bool },
    Disk(String),
    Damaged,
}

impl SinkFault {
    pub(super) fn explain(self, url: String, dir: &Path, limit: u64) -> FetchError {
        match self {
            SinkFault::TooLarge { packed } => FetchError::TooLarge { url, limit, packed },
            SinkFault::Disk(reason) => FetchError::Disk { dir: dir.to_owned(), reason },
            SinkFault::Damaged => FetchError::Encoding { url, reason: "the gzip stream is damaged or cut".to_owned() },
        }
    }
}

impl Sink {
    /// Into `part`, unpacked with gzip if `packed`.
    pub(super) fn new(part: PartFile, packed: bool) -> Sink {
        if packed { Sink::Gzip(Box::new(MultiGzDecoder::new(part))) } else { Sink::Plain(part) }
    }

    pub(super) fn write(&mut self, piece: &[u8]) -> Result<(), SinkFault> {
        let written = match self {
            Sink::Plain(part) => part.write_all(piece),
            Sink::Gzip(decoder) => decoder.write_all(piece),
        };
        written.map_err(|_| self.fault())
    }

    /// The file, if the packing came to its end too.
    pub(super) fn finish(mut self) -> Result<PartFile, SinkFault> {
        let ended = match &mut self {
            Sink::Plain(_) => Ok(()),
            Sink::Gzip(decoder) => decoder.try_finish(),
        };
        if ended.is_err() {
            return Err(self.fault());
        }
        match self {
            Sink::Plain(part) => Ok(part),
            Sink::Gzip(decoder) => decoder.finish().map_err(|_| SinkFault::Damaged),
        }
    }

    fn fault(&mut self) -> SinkFault {
        let (part, packed) = match self {
            Sink::Plain(part) => (part, false),
            Sink::Gzip(decoder) => (decoder.get_mut(), true),
        };
        match part.take_fault() {
            Some(Fault::TooLarge(_)) => SinkFault::TooLarge { packed },
            Some(Fault::Disk(e)) => SinkFault::Disk(e.to_string()),
            None => SinkFault::Damaged,
        }
    }
}
