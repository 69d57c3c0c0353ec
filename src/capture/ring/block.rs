//! Frames of one block, lent in batches; what was not lent yet is remembered.
//!
//! The kernel is trusted to mean well, not to be right: every offset is checked against the block.
//! Source: `struct tpacket_block_desc` and `struct tpacket3_hdr` in `linux/if_packet.h`.

use super::{map, tags};
use crate::capture::Frame;
use crate::model::Timestamp;

/// `struct tpacket3_hdr` and behind it, aligned to 16, `struct sockaddr_ll`.
const HEADER: usize = 48 + 20;
/// `sll_pkttype` in that.
const PACKET_TYPE_AT: usize = 48 + 10;
/// Most frames that are lent at once: as many as a worker asks memory for together.
const TOGETHER: usize = 16;
/// What stands in a frame's place before there is one.
const NO_FRAME: Frame<'static> =
    Frame { ts: Timestamp::from_parts(0, 0), linktype: 0, interface: 0, orig_len: 0, data: &[] };

/// What a block is read with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// The LINKTYPE of the frames.
    pub(super) linktype: u32,
    /// Octets kept of a frame: with a tag put back it would be longer than that.
    pub(super) snaplen: usize,
    /// Leave out what the interface sends: a loopback interface shows every packet on its way out and again on its way
    /// in. libpcap does the same.
    pub(super) skip_outgoing: bool,
}

/// How far a block has been read.
#[derive(Debug)]
pub(super) struct Cursor {
    /// Frames not lent yet.
    left: u32,
    /// Where the next one's header begins.
    at: usize,
}

/// A block that cannot be read on.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Malformed;

fn u16_at(octets: &[u8], at: usize) -> u16 {
    u16::from_ne_bytes([octets[at], octets[at + 1]])
}

fn u32_at(octets: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]])
}

impl Cursor {
    /// At the first frame of a block.
    pub(super) fn new(block: &[u8]) -> Cursor {
        // version, offset_to_priv, then block_status, num_pkts, offset_to_first_pkt of `tpacket_hdr_v1`.
        Cursor { left: u32_at(block, 12), at: u32_at(block, 16) as usize }
    }

    /// Whether every frame was lent.
    pub(super) fn is_at_end(&self) -> bool {
        self.left == 0
    }

    /// Lends at most `max` further frames, up to [`TOGETHER`] at once, and tells how many it were.
    #[inline]
    pub(super) fn lend(
        &mut self,
        block: &mut [u8],
        max: usize,
        reading: Reading,
        visit: &mut dyn FnMut(&[Frame<'_>]),
    ) -> Result<usize, Malformed> {
        let mut lent = 0;
        let mut rest = block.get_mut(self.at..).ok_or(Malformed)?;
        while lent < max && self.left > 0 {
            let mut together = [NO_FRAME; TOGETHER];
            let (mut held, mut spoiled) = (0, false);
            while held < TOGETHER.min(max - lent) && self.left > 0 {
                let Ok((frame, behind)) = self.next(std::mem::take(&mut rest), reading) else {
                    spoiled = true;
                    break;
                };
                rest = behind;
                if let Some(frame) = frame {
                    together[held] = frame;
                    held += 1;
                }
            }
            if held > 0 {
                visit(&together[..held]);
                lent += held;
            }
            if spoiled {
                return Err(Malformed);
            }
        }
        Ok(lent)
    }

    /// The frame whose header begins `packet`, unless it is left out, and what lies behind it in the block.
    #[inline(always)]
    fn next<'b>(
        &mut self,
        packet: &'b mut [u8],
        reading: Reading,
    ) -> Result<(Option<Frame<'b>>, &'b mut [u8]), Malformed> {
        let header: &[u8; HEADER] = packet.first_chunk().ok_or(Malformed)?;
        let next = u32_at(header, 0) as usize;
        let (secs, nanos) = (u32_at(header, 4), u32_at(header, 8));
        let (captured, length, status) = (u32_at(header, 12) as usize, u32_at(header, 16), u32_at(header, 20));
        let mac = usize::from(u16_at(header, 24));
        let tag = tags::stripped(status, u32_at(header, 32), u16_at(header, 36));
        let outgoing = header[PACKET_TYPE_AT] == libc::PACKET_OUTGOING;
        // Only the last one leads nowhere.
        let end = if self.left == 1 { packet.len() } else { next };
        let (packet, behind) = packet.split_at_mut_checked(end).ok_or(Malformed)?;
        if mac < HEADER || mac + captured > packet.len() {
            return Err(Malformed);
        }
        self.left -= 1;
        self.at += next;
        // While the others of the batch are found: this one's own headers, which begin some 100 octets on, and the
        // next one's.
        map::prefetch(packet, mac);
        map::prefetch(packet, mac + 63);
        map::prefetch(behind, 0);
        if outgoing && reading.skip_outgoing {
            return Ok((None, behind));
        }
        let (data, orig_len) = match tag {
            // Behind the header there is room for the tag: see PACKET_RESERVE.
            Some(tag) => tags::put_back(&mut packet[HEADER..mac + captured], mac - HEADER, length, tag),
            None => (&packet[mac..mac + captured], length),
        };
        let data = data.get(..reading.snaplen).unwrap_or(data);
        let ts = Timestamp::from_parts(u64::from(secs), u64::from(nanos));
        Ok((Some(Frame { ts, linktype: reading.linktype, interface: 0, orig_len, data }), behind))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const AT_MAC: usize = 96;
    pub(in super::super) const ETHERNET: Reading = Reading { linktype: 1, snaplen: 262_144, skip_outgoing: false };

    /// One packet for [`block`].
    #[derive(Clone, Default)]
    pub(in super::super) struct Packet {
        pub(in super::super) data: Vec<u8>,
        pub(in super::super) length: u32,
        pub(in super::super) status: u32,
        pub(in super::super) tci: u32,
        pub(in super::super) tpid: u16,
        pub(in super::super) kind: u8,
    }

    /// A block as the kernel writes it.
    pub(in super::super) fn block(packets: &[Packet]) -> Vec<u8> {
        let mut block = vec![0xee; 48];
        block[12..16].copy_from_slice(&(packets.len() as u32).to_ne_bytes());
        block[16..20].copy_from_slice(&48_u32.to_ne_bytes());
        for (i, p) in packets.iter().enumerate() {
            let mut packet = vec![0xdd; AT_MAC];
            let next = (AT_MAC + p.data.len()).next_multiple_of(16);
            let last = i + 1 == packets.len();
            for (at, word) in [
                (0, if last { 0 } else { next as u32 }),
                (4, 1_700_000_000 + i as u32),
                (8, 123_456_789),
                (12, p.data.len() as u32),
                (16, p.length),
                (20, p.status),
                (32, p.tci),
            ] {
                packet[at..at + 4].copy_from_slice(&word.to_ne_bytes());
            }
            packet[24..26].copy_from_slice(&(AT_MAC as u16).to_ne_bytes());
            packet[36..38].copy_from_slice(&p.tpid.to_ne_bytes());
            packet[PACKET_TYPE_AT] = p.kind;
            packet.extend_from_slice(&p.data);
            packet.resize(next, 0xcc);
            block.append(&mut packet);
        }
        block
    }

    fn some(n: usize) -> Vec<Packet> {
        (0..n).map(|i| Packet { data: vec![i as u8; 60 + i], length: 60 + i as u32, ..Packet::default() }).collect()
    }

    #[test]
    fn frames_come_once_and_in_order_however_few_are_asked_for() {
        let packets = some(23);
        for max in [1, 2, 7, 22, 23, 100] {
            let mut block = block(&packets);
            let mut cursor = Cursor::new(&block);
            let mut seen = Vec::new();
            let mut calls = 0;
            while !cursor.is_at_end() {
                let mut look = |frames: &[Frame<'_>]| {
                    seen.extend(frames.iter().map(|f| (f.ts.as_nanos(), f.data.to_vec(), f.orig_len)));
                };
                let lent = cursor.lend(&mut block, max, ETHERNET, &mut look).unwrap();
                assert!((1..=max).contains(&lent));
                calls += 1;
            }
            assert_eq!(calls, packets.len().div_ceil(max));
            let expected: Vec<_> = packets
                .iter()
                .enumerate()
                .map(|(i, p)| ((1_700_000_000 + i as u64) * 1_000_000_000 + 123_456_789, p.data.clone(), p.length))
                .collect();
            assert_eq!(seen, expected, "{max} at a time");
        }
    }

    #[test]
    fn an_empty_block_is_at_its_end() {
        let cursor = Cursor::new(&block(&[]));
        assert!(cursor.is_at_end());
    }

    #[test]
    fn loopback_shows_a_packet_once() {
        let mut packets = some(4);
        packets[1].kind = libc::PACKET_OUTGOING;
        packets[3].kind = libc::PACKET_OUTGOING;
        let lent = |reading| {
            let mut block = block(&packets);
            let mut seen = Vec::new();
            let mut look = |frames: &[Frame<'_>]| seen.extend(frames.iter().map(|f| f.data.len()));
            let lent = Cursor::new(&block).lend(&mut block, 100, reading, &mut look).unwrap();
            assert_eq!(lent, seen.len());
            seen
        };
        assert_eq!(lent(ETHERNET), [60, 61, 62, 63]);
        assert_eq!(lent(Reading { skip_outgoing: true, ..ETHERNET }), [60, 62]);
    }

    #[test]
    fn what_does_not_fit_the_block_is_not_read() {
        let good = block(&some(2));
        let first = 48;
        let spoil = |at: usize, word: u32| {
            let mut block = good.clone();
            block[at..at + 4].copy_from_slice(&word.to_ne_bytes());
            let mut cursor = Cursor::new(&block);
            cursor.lend(&mut block, 100, ETHERNET, &mut |_| {})
        };
        assert_eq!(spoil(first + 4, 0), Ok(2), "the time is free");
        assert_eq!(spoil(16, u32::MAX), Err(Malformed), "offset of the first packet");
        assert_eq!(spoil(first, 0x7fff_0000), Err(Malformed), "offset of the second");
        assert_eq!(spoil(first + 12, u32::MAX), Err(Malformed), "captured length");
        assert_eq!(spoil(first + 24, 3), Err(Malformed), "MAC header within the packet's own");
        assert_eq!(spoil(12, 9), Err(Malformed), "more packets than there are");
    }
}
