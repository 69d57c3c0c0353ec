//! pcapng: sections of blocks, each with its length before and behind (draft-ietf-opsawg-pcapng).
//!
//! Every section has a byte order and a list of interfaces of its own; every interface a link type and a clock. Packets
//! come in Enhanced Packet Blocks, in Simple ones (without a time) and in the obsolete Packet Block; all other blocks
//! are passed over unread. A block whose two lengths differ or cannot be true ends the reading: nothing else tells
//! where the next one starts.

use super::clock::Clock;
use super::order::Order;
use super::window::Window;
use super::{DamageReport, Located};
use crate::capture::CaptureError;
use crate::model::Timestamp;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET_OBSOLETE: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const OPTION_TSRESOL: u16 = 9;
const OPTION_TSOFFSET: u16 = 14;

/// Block type and length in front, length behind.
const FRAMING: usize = 12;
/// Where the body of a block starts.
const BODY: usize = 8;
/// Longest block that is read as a whole; Wireshark has the same limit.
const MAX_BLOCK: u32 = 16 * 1024 * 1024;
/// Most interfaces of a section; only a hostile file has more.
const MAX_INTERFACES: usize = 65_536;

struct Interface {
    linktype: u32,
    /// Longest packet, 0 for no limit.
    snaplen: u32,
    clock: Clock,
}

/// The state of a pcapng file: its current section.
pub(super) struct Pcapng {
    order: Order,
    interfaces: Vec<Interface>,
    /// Time of the last packet, for those that have none.
    last: Timestamp,
}

/// What is wrong with a block, so that reading must stop.
enum Broken {
    /// Its length, or the two of them, cannot be true.
    Length(u32),
    /// A section header without the byte-order magic.
    ByteOrder,
    /// A section of a later major version.
    Version(u16),
}

/// What came of a block.
enum Step {
    Packet(Located),
    /// Nothing to hand out; the window stands on the next block.
    Passed,
    /// The file ends within the block.
    Cut,
}

impl Pcapng {
    /// Whether a file that starts like this is pcapng.
    pub(super) fn recognises(head: &[u8]) -> bool {
        // The type of a section header reads the same in both byte orders.
        Order::Little.u32(head, 0) == Some(SECTION_HEADER)
    }

    /// Looks at the first section header, without consuming it. To be called where [`Pcapng::recognises`] said yes.
    ///
    /// # Errors
    /// The header is cut short, without byte order or of an unknown version.
    pub(super) fn open(window: &mut Window) -> Result<Self, CaptureError> {
        const UP_TO_VERSION: usize = 16;
        window.ensure(UP_TO_VERSION)?;
        let head = window.available();
        let cut = || CaptureError::HeaderCut { format: "pcapng", len: head.len() };
        head.get(..UP_TO_VERSION).ok_or_else(cut)?;
        let order = byte_order(head).ok_or_else(|| CaptureError::NotACapture {
            begins: "the block type of a pcapng section header, but no byte-order magic after it".to_owned(),
        })?;
        let (major, minor) = (order.u16(head, 12).ok_or_else(cut)?, order.u16(head, 14).ok_or_else(cut)?);
        if major != 1 {
            return Err(CaptureError::Version { format: "pcapng", major, minor });
        }
        Ok(Pcapng { order, interfaces: Vec::new(), last: Timestamp::default() })
    }

    /// Finds the next packet.
    ///
    /// # Errors
    /// The system failed to read; damage to the file is no error.
    #[inline]
    pub(super) fn next(
        &mut self,
        window: &mut Window,
        damage: &mut DamageReport,
    ) -> Result<Option<Located>, CaptureError> {
        loop {
            let at = window.offset();
            match self.step(window, damage)? {
                Ok(Step::Packet(packet)) => return Ok(Some(packet)),
                Ok(Step::Passed) => {}
                Ok(Step::Cut) => return Ok(cut_block(window, damage, at)),
                Err(broken) => return Ok(stop(window, damage, at, &broken)),
            }
        }
    }

    /// Reads one block.
    #[inline]
    fn step(&mut self, window: &mut Window, damage: &mut DamageReport) -> Result<Result<Step, Broken>, CaptureError> {
        if !window.ensure(FRAMING)? {
            return Ok(Ok(Step::Cut));
        }
        let head = window.available();
        let (Some(kind), Some(length)) = (self.order.u32(head, 0), self.order.u32(head, 4)) else {
            return Ok(Ok(Step::Cut));
        };
        let length = if kind == SECTION_HEADER {
            match byte_order(head) {
                Some(order) => self.order = order,
                None => return Ok(Err(Broken::ByteOrder)),
            }
            self.order.u32(head, 4).unwrap_or_default()
        } else {
            length
        };
        if length % 4 != 0 || (length as usize) < FRAMING {
            return Ok(Err(Broken::Length(length)));
        }
        if !matches!(kind, ENHANCED_PACKET | SIMPLE_PACKET | PACKET_OBSOLETE | INTERFACE_DESCRIPTION | SECTION_HEADER) {
            return self.pass_over(window, length);
        }
        if length > MAX_BLOCK {
            return Ok(Err(Broken::Length(length)));
        }
        let len = length as usize;
        if !window.ensure(len)? {
            return Ok(Ok(Step::Cut));
        }
        let at = window.offset();
        let from = window.consume(len);
        let block = window.slice(from, len);
        if self.order.u32(block, len - 4) != Some(length) {
            return Ok(Err(Broken::Length(length)));
        }
        Ok(match kind {
            ENHANCED_PACKET => self.packet(block, from, damage, at, Order::u32),
            PACKET_OBSOLETE => self.packet(block, from, damage, at, |o, b, i| o.u16(b, i).map(u32::from)),
            SIMPLE_PACKET => self.simple_packet(block, from, damage, at),
            INTERFACE_DESCRIPTION => self.interface(block, damage, at),
            _ => self.section(block),
        })
    }

    /// Skips a block of another type, however long, without keeping it.
    fn pass_over(&self, window: &mut Window, length: u32) -> Result<Result<Step, Broken>, CaptureError> {
        if !window.skip(u64::from(length) - 4)? || !window.ensure(4)? {
            return Ok(Ok(Step::Cut));
        }
        let trailer = self.order.u32(window.available(), 0);
        window.consume(4);
        Ok(if trailer == Some(length) { Ok(Step::Passed) } else { Err(Broken::Length(length)) })
    }

    /// An Enhanced Packet Block (section 4.3) or the obsolete Packet Block (appendix A), which has the interface in
    /// 16 bits and counts drops in the other 16.
    #[inline]
    fn packet(
        &mut self,
        block: &[u8],
        from: usize,
        damage: &mut DamageReport,
        at: u64,
        interface: impl Fn(Order, &[u8], usize) -> Option<u32>,
    ) -> Result<Step, Broken> {
        const DATA: usize = 28;
        let order = self.order;
        let field = |i| order.u32(block, i);
        let (Some(interface), Some(high), Some(low), Some(captured), Some(orig_len)) =
            (interface(order, block, BODY), field(12), field(16), field(20), field(24))
        else {
            return Err(Broken::Length(block.len() as u32));
        };
        let len = captured as usize;
        if block.len().checked_sub(DATA + 4).is_none_or(|room| len > room) {
            return Ok(lost_packet(damage, block, at, "says it is longer than the block"));
        }
        let Some(of) = self.interfaces.get(interface as usize) else {
            return Ok(lost_packet(damage, block, at, "names an interface that was not described"));
        };
        let ts = of.clock.time(u64::from(high) << 32 | u64::from(low));
        self.last = ts;
        Ok(Step::Packet(Located { ts, linktype: of.linktype, interface, orig_len, from: from + DATA, len }))
    }

    /// A Simple Packet Block (section 4.4): of the first interface, without a time.
    fn simple_packet(&self, block: &[u8], from: usize, damage: &mut DamageReport, at: u64) -> Result<Step, Broken> {
        const DATA: usize = 12;
        let (Some(orig_len), Some(room)) = (self.order.u32(block, BODY), block.len().checked_sub(DATA + 4)) else {
            return Err(Broken::Length(block.len() as u32));
        };
        let Some(of) = self.interfaces.first() else {
            return Ok(lost_packet(damage, block, at, "comes before any interface was described"));
        };
        let limit = if of.snaplen == 0 { u32::MAX } else { of.snaplen };
        let len = (orig_len.min(limit) as usize).min(room);
        Ok(Step::Packet(Located {
            ts: self.last,
            linktype: of.linktype,
            interface: 0,
            orig_len,
            from: from + DATA,
            len,
        }))
    }

    /// A Section Header Block (section 4.1): a new start, with its own byte order. Its section length is not needed.
    fn section(&mut self, block: &[u8]) -> Result<Step, Broken> {
        match self.order.u16(block, 12) {
            Some(1) => {}
            Some(major) => return Err(Broken::Version(major)),
            None => return Err(Broken::Length(block.len() as u32)),
        }
        self.interfaces.clear();
        Ok(Step::Passed)
    }

    /// An Interface Description Block (section 4.2).
    fn interface(&mut self, block: &[u8], damage: &mut DamageReport, at: u64) -> Result<Step, Broken> {
        const OPTIONS: usize = 16;
        let order = self.order;
        let (Some(linktype), Some(snaplen), Some(end)) =
            (order.u16(block, BODY), order.u32(block, 12), block.len().checked_sub(4).filter(|end| *end >= OPTIONS))
        else {
            return Err(Broken::Length(block.len() as u32));
        };
        if self.interfaces.len() >= MAX_INTERFACES {
            damage.note(|| format!("interface description at byte {at}: more than {MAX_INTERFACES} in one section"));
            return Ok(Step::Passed);
        }
        let mut clock = Clock::default();
        let mut options = block.get(OPTIONS..end).unwrap_or_default();
        while let (Some(code @ 1..), Some(len)) = (order.u16(options, 0), order.u16(options, 2)) {
            let len = usize::from(len);
            let Some(value) = options.get(4..).and_then(|rest| rest.get(..len)) else {
                damage.note(|| format!("interface description at byte {at}: option {code} is longer than the block"));
                break;
            };
            match (code, value) {
                (OPTION_TSRESOL, [resolution, ..]) => clock.set_resolution(*resolution),
                (OPTION_TSOFFSET, _) => clock.set_offset(order.i64(value, 0).unwrap_or_default()),
                _ => {}
            }
            options = options.get(4 + len.next_multiple_of(4)..).unwrap_or_default();
        }
        self.interfaces.push(Interface { linktype: u32::from(linktype), snaplen, clock });
        Ok(Step::Passed)
    }
}

/// The byte order that a section header states.
fn byte_order(head: &[u8]) -> Option<Order> {
    [Order::Little, Order::Big].into_iter().find(|order| order.u32(head, 8) == Some(BYTE_ORDER_MAGIC))
}

/// A packet that cannot be handed out, in a block that is sound.
#[cold]
fn lost_packet(damage: &mut DamageReport, block: &[u8], at: u64, why: &str) -> Step {
    damage.skipped(block.len() as u64, || format!("packet in the block at byte {at} {why}"));
    Step::Passed
}

/// The end of the file, cleanly or within a block.
#[cold]
fn cut_block(window: &mut Window, damage: &mut DamageReport, at: u64) -> Option<Located> {
    // Of a block that is passed over, a part is gone already.
    let left = window.offset().saturating_sub(at).saturating_add(window.rest());
    if left > 0 {
        damage.truncated = true;
        damage.skipped(left, || format!("truncated record at byte {at}: {left} octets of the block are there"));
    }
    None
}

/// A block after which nothing can be read.
#[cold]
fn stop(window: &mut Window, damage: &mut DamageReport, at: u64, broken: &Broken) -> Option<Located> {
    let left = window.offset().saturating_sub(at).saturating_add(window.rest());
    damage.truncated = true;
    damage.skipped(left, || match broken {
        Broken::Length(length) => format!("block at byte {at} has an impossible length ({length}); reading stopped"),
        Broken::ByteOrder => format!("section header at byte {at} has no byte-order magic; reading stopped"),
        Broken::Version(major) => format!("section at byte {at} is of the unknown version {major}; reading stopped"),
    });
    None
}
