//! Capture files: classic pcap and pcapng, plain or compressed with gzip or zstd.
//!
//! Both formats are read by hand rather than by the `pcap-parser` crate. Speed speaks for it, if not by much: beyond the
//! bare `read` calls a packet of pcap costs about 2 ns here and 5 to 9 ns there (pcapng: 7 and 23), where the calls
//! themselves cost 30 to 60 ns. What decides is that the work lies where the crate leaves it to its caller, in refilling,
//! sections, clocks and compression, and that it stops for good where this reader finds the way back after damage.
//! libpcap reads no compressed files, reads 4 KiB a system call, refuses a pcapng file with interfaces of different link
//! types, and gives up at the first damaged record.
//!
//! A file that is damaged is no error: every packet that is certainly one is handed out, and the rest is counted in a
//! [`DamageReport`].

mod clock;
mod damage;
mod input;
mod order;
mod pcap;
mod pcapng;
#[cfg(test)]
mod tests;
mod window;

pub use damage::DamageReport;
pub use input::decompressed;

use super::{CaptureError, CaptureStats, Frame, PacketSource, Poll};
use crate::model::Timestamp;
use input::Input;
use pcap::Pcap;
use pcapng::Pcapng;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use window::Window;

/// Reads the packets of one capture file.
///
/// ```no_run
/// # fn main() -> Result<(), stakeout::capture::CaptureError> {
/// let mut reader = stakeout::capture::FileReader::open("traffic.pcapng.zst".as_ref())?;
/// while let Some(frame) = reader.next_frame()? {
///     let _ = (frame.ts, frame.linktype, frame.data);
/// }
/// let damaged = !reader.damage().is_clean();
/// # Ok(()) }
/// ```
pub struct FileReader {
    window: Window,
    /// Where the frames that were read last lie in it.
    batch: [Located; MAX_FRAMES],
    format: Format,
    damage: DamageReport,
    input_len: Option<u64>,
    ended: bool,
    /// Frames visited by `poll` and not yet told by `stats`.
    received: u64,
}

enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// A packet and where in the window it lies.
struct Located {
    ts: Timestamp,
    linktype: u32,
    interface: u32,
    orig_len: u32,
    from: usize,
    len: usize,
}

/// Frames that were read together.
#[derive(Clone, Copy)]
pub struct Frames<'r> {
    window: &'r Window,
    at: &'r [Located],
}

/// The most frames that are read together.
const MAX_FRAMES: usize = 64;

impl<'r> Frames<'r> {
    /// Whether there are none: the end.
    pub fn is_empty(self) -> bool {
        self.at.is_empty()
    }

    /// Times of the first and the last of them.
    pub fn span(self) -> Option<[Timestamp; 2]> {
        Some([self.at.first()?.ts, self.at.last()?.ts])
    }

    /// The frames, in order.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = Frame<'r>> {
        self.at.iter().map(move |at| at.frame(self.window))
    }
}

impl Located {
    const NONE: Located =
        Located { ts: Timestamp::from_nanos(0), linktype: 0, interface: 0, orig_len: 0, from: 0, len: 0 };

    #[inline(always)]
    fn frame<'w>(&self, window: &'w Window) -> Frame<'w> {
        Frame {
            ts: self.ts,
            linktype: self.linktype,
            interface: self.interface,
            orig_len: self.orig_len,
            data: window.slice(self.from, self.len),
        }
    }
}

impl FileReader {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// The file cannot be opened or read, is a directory, is empty, or is not a capture. The messages do not repeat
    /// the path.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let file = File::open(path).map_err(CaptureError::Open)?;
        let metadata = file.metadata().map_err(CaptureError::Open)?;
        if metadata.is_dir() {
            return Err(CaptureError::Directory);
        }
        Self::new(file, metadata.is_file().then_some(metadata.len()))
    }

    /// Reads from anything: standard input, a pipe, memory. It is read in large pieces, so it needs no buffer.
    ///
    /// # Errors
    /// As [`FileReader::open`].
    pub fn from_reader(reader: impl Read + Send + 'static) -> Result<Self, CaptureError> {
        Self::new(reader, None)
    }

    fn new(reader: impl Read + Send + 'static, input_len: Option<u64>) -> Result<Self, CaptureError> {
        let input = Input::new(reader)?;
        if input.head.is_empty() {
            return Err(CaptureError::Empty);
        }
        let (pcap, pcapng) = (Pcap::recognises(&input.head), Pcapng::recognises(&input.head));
        if !pcap && !pcapng {
            return Err(CaptureError::NotACapture { begins: input::describe(&input.head) });
        }
        let mut window = Window::new(input, input_len);
        let format =
            if pcap { Format::Pcap(Pcap::open(&mut window)?) } else { Format::Pcapng(Pcapng::open(&mut window)?) };
        Ok(FileReader {
            window,
            batch: [const { Located::NONE }; MAX_FRAMES],
            format,
            damage: DamageReport::default(),
            input_len,
            ended: false,
            received: 0,
        })
    }

    /// The next frame, lent from the reader's buffer; `None` at the end of what can be read (ask [`Self::damage`] then
    /// whether that is the end of the file).
    ///
    /// # Errors
    /// The system failed to read. After an error there are no more frames.
    #[inline(always)]
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        if let Format::Pcap(pcap) = &mut self.format
            && let Some(at) = pcap.ready(&mut self.window)
        {
            return Ok(Some(at.frame(&self.window)));
        }
        Ok(self.find()?.map(|at| at.frame(&self.window)))
    }

    /// The next frames, as many as lie in the reader's buffer and fit; none at the end. As [`Self::next_frame`] otherwise.
    ///
    /// # Errors
    /// The system failed to read. After an error there are no more frames.
    #[inline]
    pub fn next_frames(&mut self) -> Result<Frames<'_>, CaptureError> {
        let mut len = 0;
        match &mut self.format {
            Format::Pcap(pcap) => {
                while let Some(slot) = self.batch.get_mut(len)
                    && let Some(found) = pcap.ready(&mut self.window)
                {
                    *slot = found;
                    len += 1;
                }
            }
            Format::Pcapng(_) => {}
        }
        if len == 0
            && let Some(found) = self.find()?
        {
            self.batch[0] = found;
            len = 1;
        }
        Ok(Frames { window: &self.window, at: self.batch.get(..len).unwrap_or_default() })
    }

    /// Finds the next frame where the window must be filled, and what is rarer.
    #[inline(never)]
    fn find(&mut self) -> Result<Option<Located>, CaptureError> {
        if self.ended {
            return Ok(None);
        }
        let found = match &mut self.format {
            Format::Pcap(pcap) => pcap.next(&mut self.window, &mut self.damage),
            Format::Pcapng(pcapng) => pcapng.next(&mut self.window, &mut self.damage),
        };
        if !matches!(found, Ok(Some(_))) {
            self.end();
        }
        found
    }

    #[cold]
    fn end(&mut self) {
        self.ended = true;
        if let Some(fault) = self.window.take_fault() {
            let at = self.window.offset();
            self.damage.truncated = true;
            self.damage.note(|| format!("{fault}; it could be read up to byte {at} of what it holds"));
        }
    }

    /// Octets read of the input so far; of a compressed file the compressed ones.
    pub fn bytes_read(&self) -> u64 {
        self.window.bytes_read()
    }

    /// Length of the input in octets, if it is a regular file: what [`Self::bytes_read`] goes up to.
    pub fn input_len(&self) -> Option<u64> {
        self.input_len
    }

    /// What was skipped or damaged so far; final once [`Self::next_frame`] gave `None`.
    pub fn damage(&self) -> &DamageReport {
        &self.damage
    }
}

impl PacketSource for FileReader {
    fn poll_batches(&mut self, max: usize, visit: &mut dyn FnMut(&[Frame<'_>])) -> Result<Poll, CaptureError> {
        let mut frames = 0;
        while frames < max.max(1) {
            let Some(frame) = self.next_frame()? else { break };
            visit(&[frame]);
            frames += 1;
            self.received += 1;
        }
        Ok(if frames == 0 { Poll::End } else { Poll::Frames(frames) })
    }

    fn stats(&mut self) -> CaptureStats {
        CaptureStats { received: std::mem::take(&mut self.received), ..CaptureStats::default() }
    }
}
