//! From the bytes of a file to the bytes of a capture: peels off gzip and zstd, and counts what was read.
//!
//! Compression is told by its magic number, never by the file's name. Everything streams, so that a small file that
//! expands without end costs time but no memory: gzip needs 32 KiB of history, zstd at most 128 MiB
//! ([`ZSTD_WINDOW_LOG`], what `zstd --long` asks for and what the `zstd` tool itself accepts by default).

use crate::capture::CaptureError;
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Compressed more often than this is not a capture but a trap.
const MAX_LAYERS: usize = 3;
/// Octets looked at to tell what a file is.
const HEAD: usize = 32;
/// Compressed input is read in pieces of this size.
const COMPRESSED_BUFFER: usize = 64 * 1024;
/// The largest zstd window accepted, as a power of two.
const ZSTD_WINDOW_LOG: u32 = 27;

/// A byte stream that is no longer compressed.
pub(super) struct Input {
    /// What follows `head`.
    pub(super) reader: Box<dyn Read + Send>,
    /// The first octets, already taken from `reader`; fewer than [`HEAD`] only at the end of the stream.
    pub(super) head: Vec<u8>,
    /// What was read underneath.
    pub(super) meter: Arc<Meter>,
    /// The decompressor failed within `head`.
    pub(super) fault: Option<String>,
    /// Whether anything was peeled off.
    pub(super) compressed: bool,
}

/// What happens at the bottom, below any decompressor.
#[derive(Default)]
pub(super) struct Meter {
    bytes: AtomicU64,
    failed: AtomicBool,
}

impl Meter {
    /// Octets read from the input so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Sorts an error that came out of the top: the system's own is an error, a decompressor's is damage to the file.
    pub(super) fn classify(&self, error: io::Error) -> Result<String, CaptureError> {
        if self.failed.load(Relaxed) {
            return Err(match error.kind() {
                io::ErrorKind::IsADirectory => CaptureError::Directory,
                _ => CaptureError::Read { offset: self.bytes(), source: error },
            });
        }
        Ok(match error.kind() {
            io::ErrorKind::UnexpectedEof => "the compressed data is cut short".to_owned(),
            _ => format!("the compressed data is damaged ({error})"),
        })
    }
}

struct Metered<R> {
    inner: R,
    meter: Arc<Meter>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // Retried here, so that no decompressor is interrupted in the middle of its state.
        loop {
            match self.inner.read(buf) {
                Ok(n) => {
                    self.meter.bytes.fetch_add(n as u64, Relaxed);
                    return Ok(n);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.meter.failed.store(true, Relaxed);
                    return Err(e);
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, 0x08, ..] => Some(Compression::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Compression::Zstd),
            // A skippable frame, which parallel compressors put first (RFC 8878 section 3.1.2).
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Compression::Zstd),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }
}

impl Input {
    /// Takes the compression off `reader`.
    pub(super) fn new(reader: impl Read + Send + 'static) -> Result<Self, CaptureError> {
        let meter = Arc::new(Meter::default());
        let mut reader: Box<dyn Read + Send> = Box::new(Metered { inner: reader, meter: Arc::clone(&meter) });
        let mut above = None;
        for layer in 0..=MAX_LAYERS {
            let (head, fault) = read_head(&mut reader, &meter)?;
            if let (Some(outer), Some(reason), true) = (above, &fault, head.len() < 4) {
                return Err(CaptureError::Compressed { format: Compression::name(outer), reason: reason.clone() });
            }
            let Some(kind) = Compression::of(&head) else {
                return Ok(Input { reader, head, meter, fault, compressed: layer > 0 });
            };
            let rest = BufReader::with_capacity(COMPRESSED_BUFFER, Cursor::new(head).chain(reader));
            reader = match kind {
                Compression::Gzip => Box::new(MultiGzDecoder::new(rest)),
                Compression::Zstd => {
                    let mut decoder = zstd::Decoder::with_buffer(rest).map_err(CaptureError::Open)?;
                    decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(CaptureError::Open)?;
                    Box::new(decoder)
                }
            };
            above = Some(kind);
        }
        Err(CaptureError::TooManyLayers(MAX_LAYERS))
    }
}

/// The octets of a file of any kind, with gzip and zstd taken off as for a capture: logs are kept compressed too.
///
/// # Errors
/// [`CaptureError::Directory`], [`CaptureError::Read`], [`CaptureError::Compressed`], [`CaptureError::TooManyLayers`].
/// Damage further on is an error of the reader.
pub fn decompressed(reader: impl Read + Send + 'static) -> Result<Box<dyn Read + Send>, CaptureError> {
    let Input { reader, head, fault, .. } = Input::new(reader)?;
    let head = Cursor::new(head);
    Ok(match fault {
        None => Box::new(head.chain(reader)),
        Some(reason) => Box::new(head.chain(Faulty(reason))),
    })
}

/// What is left of a file whose damage showed in its first octets.
struct Faulty(String);

impl Read for Faulty {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::new(io::ErrorKind::InvalidData, self.0.clone()))
    }
}

/// Reads up to [`HEAD`] octets, and tells why there are fewer if that is not the plain end.
fn read_head(reader: &mut dyn Read, meter: &Meter) -> Result<(Vec<u8>, Option<String>), CaptureError> {
    let mut head = vec![0; HEAD];
    let mut len = 0;
    let mut fault = None;
    while let Some(space @ [_, ..]) = head.get_mut(len..) {
        match reader.read(space) {
            Ok(0) => break,
            Ok(n) => len += n,
            Err(e) => {
                fault = Some(meter.classify(e)?);
                break;
            }
        }
    }
    head.truncate(len);
    Ok((head, fault))
}

/// What a file that is no capture looks like, for the message.
pub(super) fn describe(head: &[u8]) -> String {
    const KNOWN: &[(&[u8], &str)] = &[
        (b"\xfd7zXZ\0", "xz-compressed data"),
        (b"BZh", "bzip2-compressed data"),
        (b"\x04\x22\x4d\x18", "lz4-compressed data"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x1f\x9d", "compress (.Z) data"),
        (b"snoop\0\0\0", "a snoop capture (convert it with `editcap -F pcapng`)"),
        (b"RTSS", "a Network Monitor capture (convert it with `editcap -F pcapng`)"),
        (b"GMBU", "a Network Monitor capture (convert it with `editcap -F pcapng`)"),
        (b"XCP\0", "a NetXRay or Sniffer capture (convert it with `editcap -F pcapng`)"),
        (b"\x7fELF", "an ELF program"),
        (b"version https://git-lfs", "a Git LFS pointer (the file itself was not fetched)"),
    ];
    if let Some((_, what)) = KNOWN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return (*what).to_owned();
    }
    let start = head.get(..head.len().min(16)).unwrap_or_default();
    if start.iter().all(|b| matches!(b, b' '..=b'~' | b'\n' | b'\r' | b'\t')) {
        return format!("text: \"{}\"", start.escape_ascii());
    }
    let octets: Vec<String> = start.iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("the octets {}", octets.join(" "))
}
