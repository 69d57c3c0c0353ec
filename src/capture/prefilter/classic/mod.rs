//! Makes the classic filter: a program of the old packet filter machine, from the configuration.
//!
//! The machine has an accumulator, an index register, sixteen words of memory, and jumps that only lead forward. So it
//! keeps no state from packet to packet and has no loops: everything that may repeat (tags, labels, extension headers,
//! tunnels) is written out as often as is worth it, and what goes deeper passes unseen.
//!
//! A program is a row of *levels*, one for each IP header that may stand inside another, then the tail for TCP:
//!
//! - `link`: MAC header, VLAN tags, PPPoE, MPLS
//! - `network`: IPv4, IPv6 with extension headers, GRE
//! - `datagram`: UDP, and the tunnels over it, which lead to the next level
//! - `segment`: TCP
//!
//! The index register always holds the offset of the header at hand.

mod asm;
mod datagram;
mod link;
mod network;
mod segment;

pub use asm::{AsmError, MAX_INSTRUCTIONS};

use super::{FilterLink, PrefilterSettings, Profile};
use asm::{Assembler, Label, Op};
use libc::sock_filter;

/// IP headers that are looked at in one packet.
const LEVELS: usize = 3;

/// M[END]: the offset behind the innermost IP packet, without padding.
const END: u32 = 0;
/// M[SAVED]: the index register, while it is needed for something else.
const SAVED: u32 = 1;
/// M[NUMBER]: an EtherType, IP protocol or the like.
const NUMBER: u32 = 2;
/// M[PAYLOAD]: the offset of a TCP segment's payload.
const PAYLOAD: u32 = 3;
/// M[OCTETS]: the length of that payload.
const OCTETS: u32 = 4;

/// EtherTypes of VLAN tags.
const VLAN: [u32; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];
/// EtherTypes of what is looked for: IP, and what may stand before it.
const IP_OR_VLAN: [u32; 6] = [0x0800, 0x86dd, 0x8100, 0x88a8, 0x9100, 0x9200];

/// Where each kind of header is looked at, in one level.
#[derive(Clone, Copy)]
struct Level {
    /// A MAC header at X.
    ethernet: Label,
    /// The accumulator has an EtherType, and what it announces is at X + 2.
    typed: Label,
    /// A label stack at X.
    mpls: Label,
    /// A PPP protocol field at X.
    ppp: Label,
    /// An IP header at X.
    ip: Label,
    /// The accumulator has an IP protocol number, and what it announces is at X.
    protocol: Label,
    /// A UDP header at X.
    udp: Label,
}

/// A filter in the making.
struct Builder<'s> {
    asm: Assembler,
    settings: &'s PrefilterSettings,
    pass: Label,
    reject: Label,
    tcp: Label,
    /// The levels, and behind them one that passes everything.
    levels: Vec<Level>,
}

/// The filter for frames of this kind. It keeps `snaplen` octets of what passes.
///
/// # Errors
/// [`AsmError::TooLong`]; with the number of ports that [`PrefilterSettings`] allows it does not happen.
pub fn program(link: FilterLink, settings: &PrefilterSettings) -> Result<Vec<sock_filter>, AsmError> {
    let mut asm = Assembler::default();
    let (pass, reject, tcp) = (asm.label(), asm.label(), asm.label());
    let mut levels: Vec<Level> = (0..LEVELS).map(|_| level(&mut asm)).collect();
    levels.push(Level { ethernet: pass, typed: pass, mpls: pass, ppp: pass, ip: pass, protocol: pass, udp: pass });
    let mut builder = Builder { asm, settings, pass, reject, tcp, levels };
    builder.start(link);
    for number in 0..LEVELS {
        let (own, inner) = (builder.levels[number], builder.levels[number + 1]);
        builder.link(own, inner);
        builder.network(own, inner);
        builder.datagram(own, inner);
    }
    builder.segment();
    builder.end();
    builder.asm.assemble()
}

/// A program of one instruction: keep so many octets of every packet.
pub fn keep(snaplen: u32) -> sock_filter {
    sock_filter { code: 0x06, jt: 0, jf: 0, k: snaplen }
}

fn level(asm: &mut Assembler) -> Level {
    Level {
        ethernet: asm.label(),
        typed: asm.label(),
        mpls: asm.label(),
        ppp: asm.label(),
        ip: asm.label(),
        protocol: asm.label(),
        udp: asm.label(),
    }
}

impl Builder<'_> {
    fn start(&mut self, link: FilterLink) {
        self.asm.ops(&[Op::LoadLength, Op::Store(END), Op::SetX(0)]);
        match link {
            FilterLink::Ethernet => self.asm.go(self.levels[0].ethernet),
            FilterLink::RawIp => self.asm.go(self.levels[0].ip),
        }
    }

    fn end(&mut self) {
        self.asm.place(self.pass);
        self.asm.ops(&[Op::Return(self.settings.snaplen)]);
        self.asm.place(self.reject);
        self.asm.ops(&[Op::Return(0)]);
    }

    /// X = X + number. The accumulator is lost.
    fn skip(&mut self, octets: u32) {
        self.asm.ops(&[Op::FromX, Op::Add(octets), Op::ToX]);
    }

    /// The accumulator has a length that is counted from X; behind it lies nothing that matters. It is lost.
    fn cut(&mut self) {
        let longer = self.asm.label();
        self.asm.ops(&[Op::AddX, Op::StoreX(SAVED), Op::RecallX(END)]);
        self.asm.when(asm::Test::MoreThanX, longer);
        self.asm.ops(&[Op::Store(END)]);
        self.asm.place(longer);
        self.asm.ops(&[Op::RecallX(SAVED)]);
    }

    /// Passes what has one of the ports on which DNS is read; X is at the ports.
    fn pass_dns(&mut self) {
        for at in [0, 2] {
            self.asm.ops(&[Op::Load16(at)]);
            self.asm.when_one_of(&ports(&self.settings.dns_ports), self.pass);
        }
    }

    fn outcomes(&self) -> bool {
        self.settings.profile == Profile::Outcomes
    }
}

/// As many ports as count.
fn ports(ports: &[u16]) -> Vec<u32> {
    ports.iter().take(PrefilterSettings::MAX_PORTS).map(|p| u32::from(*p)).collect()
}
