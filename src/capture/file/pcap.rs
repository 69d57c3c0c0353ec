//! Classic pcap: a file header, then records of a fixed header and the octets of a packet.
//!
//! Layout: draft-ietf-opsawg-pcap; the older versions and the variant with longer record headers as libpcap reads them.
//!
//! A record's length is the only thing that tells where the next one starts. When it cannot be true, the reader looks
//! for the next place where two records follow one another ([`Pcap::resync`]); where it finds none, it stops.

use super::order::Order;
use super::window::Window;
use super::{DamageReport, Located};
use crate::capture::CaptureError;
use crate::model::Timestamp;

/// Length of the file header.
const FILE_HEADER: usize = 24;
/// Longest packet: libpcap's and Wireshark's own limit. A record that claims more lies.
const MAX_CAPTURED: u32 = 256 * 1024;
/// On the wire no frame is longer; only asked where records are searched for.
const MAX_ON_WIRE: u32 = 1024 * 1024;
/// Length of a record header, and of the longer one of [`LONG_HEADERS`].
const RECORD_HEADER: usize = 16;
const LONG_RECORD_HEADER: usize = 24;
/// So far a next record is searched for. A record whose length alone was damaged ends before.
const SCAN: usize = LONG_RECORD_HEADER + MAX_CAPTURED as usize;
/// Records within this many seconds of each other are believed.
const DAY: u32 = 86_400;

/// The magic numbers, as they read in the byte order of the file.
const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;
/// Alexey Kuznetzov's variant: each record header is 8 octets longer (interface, protocol, direction).
const LONG_HEADERS: u32 = 0xa1b2_cd34;

/// Which of the two lengths of a record header comes first (it changed with version 2.3).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    OriginalFirst,
    /// Version 2.3 was written both ways: the smaller one is what was captured.
    SmallerIsCaptured,
}

/// The state of a classic pcap file.
pub(super) struct Pcap {
    order: Order,
    nanos_per_tick: u32,
    record_header: usize,
    lengths: Lengths,
    linktype: u32,
    /// Longest packet by the file header, or the general limit; only asked where records are searched for.
    snaplen: u32,
    /// Second of the last good record.
    last: Option<u32>,
}

/// A record header.
#[derive(Clone, Copy)]
struct Record {
    secs: u32,
    ticks: u32,
    captured: u32,
    original: u32,
}

impl Pcap {
    /// Whether a file that starts like this is classic pcap.
    pub(super) fn recognises(head: &[u8]) -> bool {
        Self::magic(head).is_some()
    }

    fn magic(head: &[u8]) -> Option<(Order, u32)> {
        let raw = *head.first_chunk()?;
        [Order::Little, Order::Big]
            .map(|order| (order, order.u32_of(raw)))
            .into_iter()
            .find(|(_, magic)| matches!(*magic, MICROSECONDS | NANOSECONDS | LONG_HEADERS))
    }

    /// Reads the file header. To be called where [`Pcap::recognises`] said yes.
    ///
    /// # Errors
    /// The header is cut short or of an unknown version.
    pub(super) fn open(window: &mut Window) -> Result<Self, CaptureError> {
        window.ensure(FILE_HEADER)?;
        let head = window.available();
        let cut = || CaptureError::HeaderCut { format: "pcap", len: head.len() };
        let (order, magic) = Self::magic(head).ok_or_else(cut)?;
        let major = order.u16(head, 4).ok_or_else(cut)?;
        let minor = order.u16(head, 6).ok_or_else(cut)?;
        let snaplen = order.u32(head, 16).ok_or_else(cut)?;
        let network = order.u32(head, 20).ok_or_else(cut)?;
        let lengths = match (major, minor) {
            (2, 0..=2) => Lengths::OriginalFirst,
            (2, 3) => Lengths::SmallerIsCaptured,
            (2, _) => Lengths::CapturedFirst,
            _ => return Err(CaptureError::Version { format: "pcap", major, minor }),
        };
        window.consume(FILE_HEADER);
        Ok(Pcap {
            order,
            nanos_per_tick: if magic == NANOSECONDS { 1 } else { 1000 },
            record_header: if magic == LONG_HEADERS { LONG_RECORD_HEADER } else { RECORD_HEADER },
            lengths,
            // The upper half tells of frame check sequences, and is reserved.
            linktype: network & 0xffff,
            snaplen: if (1..MAX_CAPTURED).contains(&snaplen) { snaplen } else { MAX_CAPTURED },
            last: None,
        })
    }

    /// The next packet, if all of it is in memory and nothing about it is odd. `None` says nothing: ask [`Pcap::next`].
    #[inline(always)]
    pub(super) fn ready(&mut self, window: &mut Window) -> Option<Located> {
        let here = window.available();
        let record = self.record(here, 0)?;
        let captured = record.captured as usize;
        let whole = self.record_header + captured;
        if record.captured > MAX_CAPTURED || record.is_zero() || whole > here.len() {
            return None;
        }
        self.last = Some(record.secs);
        Some(self.located(record, window.consume(whole)))
    }

    /// Where a record's packet lies, given where its header does.
    #[inline(always)]
    fn located(&self, record: Record, at: usize) -> Located {
        // Both factors have 32 bits, so nothing overflows.
        let nanos = u64::from(record.ticks) * u64::from(self.nanos_per_tick);
        Located {
            ts: Timestamp::from_nanos(u64::from(record.secs) * 1_000_000_000 + nanos),
            linktype: self.linktype,
            interface: 0,
            orig_len: record.original,
            from: at + self.record_header,
            len: record.captured as usize,
        }
    }

    /// Finds the next packet.
    ///
    /// # Errors
    /// The system failed to read; damage to the file is no error.
    pub(super) fn next(
        &mut self,
        window: &mut Window,
        damage: &mut DamageReport,
    ) -> Result<Option<Located>, CaptureError> {
        loop {
            if !window.ensure(self.record_header)? {
                return Ok(cut_header(window, damage));
            }
            let Some(record) = self.record(window.available(), 0) else { return Ok(None) };
            let captured = record.captured as usize;
            let credible = record.captured <= MAX_CAPTURED && !record.is_zero();
            if credible && window.ensure(self.record_header + captured)? {
                self.last = Some(record.secs);
                return Ok(Some(self.located(record, window.consume(self.record_header + captured))));
            }
            if !self.recover(record, window, damage)? {
                return Ok(None);
            }
        }
    }

    #[inline]
    fn record(&self, bytes: &[u8], at: usize) -> Option<Record> {
        let header: &[u8; RECORD_HEADER] = bytes.get(at..)?.first_chunk()?;
        let (fields, _) = header.as_chunks::<4>();
        let &[secs, ticks, first, second] = fields else { return None };
        let [secs, ticks, first, second] = match self.order {
            Order::Little => [secs, ticks, first, second].map(u32::from_le_bytes),
            Order::Big => [secs, ticks, first, second].map(u32::from_be_bytes),
        };
        let (captured, original) = match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::OriginalFirst => (second, first),
            Lengths::SmallerIsCaptured => (first.min(second), first.max(second)),
        };
        Some(Record { secs, ticks, captured, original })
    }

    /// Deals with a record that cannot be read; `true` if reading can go on at the window's new position.
    #[cold]
    fn recover(&self, bad: Record, window: &mut Window, damage: &mut DamageReport) -> Result<bool, CaptureError> {
        let at = window.offset();
        // A record that is sound but for its end is the last one of a file that was cut: what follows is packet data.
        if self.plausible(bad, self.last) {
            let here = window.available().len();
            damage.truncated = true;
            damage.skipped(window.rest(), || {
                let want = self.record_header as u64 + u64::from(bad.captured);
                format!("truncated record at byte {at}: {here} of its {want} octets are there")
            });
            return Ok(false);
        }
        let what = match bad {
            zero if zero.is_zero() => "record of zeros",
            long if long.captured > MAX_CAPTURED => "impossible record header",
            _ => "record that runs past the end of the file",
        };
        if let Some(distance) = self.resync(window)? {
            window.consume(distance);
            damage.skipped(distance as u64, || {
                format!("{what} at byte {at} (length {}); resumed at byte {}", bad.captured, window.offset())
            });
            return Ok(true);
        }
        damage.truncated = true;
        damage.skipped(window.rest(), || {
            format!("{what} at byte {at} (length {}); no record found after it, reading stopped", bad.captured)
        });
        Ok(false)
    }

    /// How far on the next two records are that follow one another, if there are any within [`SCAN`] octets.
    ///
    /// Each octet is looked at once, and the window is filled only as far as a candidate asks, so that a file made of
    /// damage costs time in proportion to its length.
    fn resync(&self, window: &mut Window) -> Result<Option<usize>, CaptureError> {
        for at in 1..=SCAN {
            if !window.ensure(at + self.record_header)? {
                return Ok(None);
            }
            let Some(first) = self.record(window.available(), at) else { return Ok(None) };
            if !self.plausible(first, self.last) {
                continue;
            }
            let next = at + self.record_header + first.captured as usize;
            if window.ensure(next + self.record_header)?
                && self.record(window.available(), next).is_some_and(|second| self.plausible(second, Some(first.secs)))
            {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// Whether a record header looks like one, strictly: this decides what is taken for a packet after damage.
    fn plausible(&self, record: Record, near: Option<u32>) -> bool {
        record.captured > 0
            && record.captured <= self.snaplen
            && record.captured <= record.original
            && record.original <= MAX_ON_WIRE
            && u64::from(record.ticks) * u64::from(self.nanos_per_tick) < 1_000_000_000
            && near.is_none_or(|near| record.secs.abs_diff(near) <= DAY)
    }
}

impl Record {
    /// Nothing but zeros: no packet, but a hole in the file, or space set aside that was never written.
    #[inline]
    fn is_zero(self) -> bool {
        self.secs | self.ticks | self.captured | self.original == 0
    }
}

/// The end of the file, cleanly or within a record header.
#[cold]
fn cut_header(window: &mut Window, damage: &mut DamageReport) -> Option<Located> {
    let left = window.available().len();
    if left > 0 {
        let at = window.offset();
        damage.truncated = true;
        damage.skipped(left as u64, || format!("truncated record at byte {at}: {left} octets of its header are there"));
    }
    None
}
