//! The part of the classic filter for UDP: DNS, QUIC, and the tunnels that lead to the next level.

use super::asm::{Label, Op, Test};
use super::{Builder, END, Level, NUMBER};

/// Octets of a UDP header.
const HEADER: u32 = 8;
/// QUIC versions whose Initials are read: 1, 2, the drafts from 27 to 34, and mvfst's.
const QUIC: [u32; 12] = [
    1,
    0x6b33_43cf,
    0xff00_001b,
    0xff00_001c,
    0xff00_001d,
    0xff00_001e,
    0xff00_001f,
    0xff00_0020,
    0xff00_0021,
    0xff00_0022,
    0xface_b002,
    0xface_b00e,
];
/// GTP-U extension headers that are stepped over.
const GTP_EXTENSIONS: usize = 2;

impl Builder<'_> {
    pub(super) fn datagram(&mut self, own: Level, inner: Level) {
        let no_length = self.asm.label();
        self.asm.place(own.udp);
        self.asm.ops(&[Op::Load16(4)]);
        self.asm.when(Test::Equal(0), no_length);
        self.asm.unless(Test::AtLeast(HEADER), self.reject);
        self.cut();
        self.asm.place(no_length);
        self.pass_dns();
        // Nothing else that is read is shorter; and a load beyond the packet would reject it.
        self.asm.ops(&[Op::Recall(END), Op::SubX]);
        self.asm.unless(Test::AtLeast(HEADER + 12), self.reject);
        self.quic();
        self.tunnels(inner);
    }

    /// Long headers of versions that are read, and of those that are only counted.
    fn quic(&mut self) {
        let (other, not) = (self.asm.label(), self.asm.label());
        self.asm.ops(&[Op::Load8(HEADER)]);
        self.asm.unless(Test::AnyOf(0x80), not);
        self.asm.ops(&[Op::Load32(HEADER + 1)]);
        self.asm.when_one_of(&QUIC, self.pass);
        let negotiation = if self.outcomes() { self.pass } else { not };
        self.asm.ops(&[Op::Load8(HEADER)]);
        self.asm.unless(Test::AnyOf(0x40), not);
        self.asm.ops(&[Op::Load32(HEADER + 1)]);
        self.asm.branch(Test::Equal(0), negotiation, other);
        self.asm.place(other);
        self.asm.ops(&[Op::Recall(END), Op::SubX]);
        self.asm.when(Test::AtLeast(HEADER + 1200), self.pass);
        self.asm.place(not);
    }

    fn tunnels(&mut self, inner: Level) {
        let [vxlan, geneve, gtp, teredo, capwap, mpls, l2tp] = std::array::from_fn(|_| self.asm.label());
        for at in [2, 0] {
            self.asm.ops(&[Op::Load16(at)]);
            self.asm.when_one_of(&[4789, 8472, 4790], vxlan);
            for (port, label) in
                [(6081, geneve), (2152, gtp), (3544, teredo), (5247, capwap), (6635, mpls), (1701, l2tp)]
            {
                self.asm.when(Test::Equal(port), label);
            }
        }
        self.asm.go(self.reject);
        self.vxlan(vxlan, inner);
        self.geneve(geneve, inner);
        self.gtp(gtp, inner);
        // Teredo (RFC 4380): an IPv6 packet, or something in front of it.
        self.asm.place(teredo);
        self.asm.ops(&[Op::Load8(HEADER)]);
        self.asm.when(Test::Equal(0), self.pass);
        self.asm.ops(&[Op::Right(4)]);
        self.asm.unless(Test::Equal(6), self.reject);
        self.skip(HEADER);
        self.asm.go(inner.ip);
        // CAPWAP data (RFC 5415), preamble 0.
        self.asm.place(capwap);
        self.asm.ops(&[Op::Load8(HEADER)]);
        self.asm.branch(Test::Equal(0), self.pass, self.reject);
        self.asm.place(mpls);
        self.skip(HEADER);
        self.asm.go(inner.mpls);
        self.l2tp(l2tp, inner);
    }

    /// VXLAN (RFC 7348), and its generic protocol extension, which may carry something else than Ethernet.
    fn vxlan(&mut self, vxlan: Label, inner: Level) {
        self.asm.place(vxlan);
        self.asm.ops(&[Op::Load8(HEADER)]);
        self.asm.unless(Test::AnyOf(0x08), self.reject);
        self.asm.when(Test::AnyOf(0x31), self.reject);
        self.asm.when(Test::AnyOf(0x04), self.pass);
        self.skip(HEADER + 8);
        self.asm.go(inner.ethernet);
    }

    /// Geneve (RFC 8926): version 0, no control packet, options of a length that it tells.
    fn geneve(&mut self, geneve: Label, inner: Level) {
        self.asm.place(geneve);
        self.asm.ops(&[Op::Load16(HEADER)]);
        self.asm.when(Test::AnyOf(0xc080), self.reject);
        self.asm.ops(&[Op::Load16(HEADER + 2), Op::Store(NUMBER)]);
        self.asm.ops(&[Op::Load8(HEADER), Op::And(0x3f), Op::Left(2), Op::AddX, Op::Add(HEADER + 8), Op::ToX]);
        self.typed(inner);
    }

    /// GTP-U (3GPP TS 29.281), message type G-PDU.
    fn gtp(&mut self, gtp: Label, inner: Level) {
        let (optional, no_extension, plain) = (self.asm.label(), self.asm.label(), self.asm.label());
        self.asm.place(gtp);
        self.asm.ops(&[Op::Load16(HEADER), Op::And(0xf0ff)]);
        self.asm.unless(Test::Equal(0x30ff), self.reject);
        self.asm.ops(&[Op::Load8(HEADER)]);
        self.asm.when(Test::AnyOf(0x07), optional);
        self.skip(HEADER + 8);
        self.asm.go(plain);
        self.asm.place(optional);
        self.asm.unless(Test::AnyOf(0x04), no_extension);
        self.asm.ops(&[Op::Load8(HEADER + 11)]);
        self.asm.when(Test::Equal(0), no_extension);
        self.skip(HEADER + 12);
        for _ in 0..GTP_EXTENSIONS {
            // A length in units of four octets; the type of the next is the last octet.
            self.asm.ops(&[Op::Load8(0), Op::Left(2)]);
            self.asm.when(Test::Equal(0), self.reject);
            self.asm.ops(&[Op::AddX, Op::Add(1_u32.wrapping_neg()), Op::ToX, Op::Load8(0), Op::Store(NUMBER)]);
            self.skip(1);
            self.asm.ops(&[Op::Recall(NUMBER)]);
            self.asm.when(Test::Equal(0), plain);
        }
        self.asm.go(self.pass);
        self.asm.place(no_extension);
        self.skip(HEADER + 12);
        self.asm.place(plain);
        self.asm.ops(&[Op::Load8(0), Op::Right(4)]);
        self.asm.when_one_of(&[4, 6], inner.ip);
        self.asm.go(inner.ethernet);
    }

    /// L2TP data (RFC 2661) with PPP; version 3, and an offset, are not looked into.
    fn l2tp(&mut self, l2tp: Label, inner: Level) {
        const CONTROL: u32 = 0x8000;
        const OFFSET: u32 = 0x0200;
        let version_2 = self.asm.label();
        self.asm.place(l2tp);
        self.asm.ops(&[Op::Load16(HEADER)]);
        self.asm.when(Test::AnyOf(CONTROL), self.reject);
        self.asm.when(Test::AnyOf(OFFSET), self.pass);
        self.asm.ops(&[Op::And(15)]);
        self.asm.branch(Test::Equal(2), version_2, self.pass);
        self.asm.place(version_2);
        // A length (0x4000) takes two octets more, sequence numbers (0x0800) four.
        self.asm.ops(&[Op::Load16(HEADER), Op::Right(13), Op::And(2), Op::Store(NUMBER)]);
        self.asm.ops(&[Op::Load16(HEADER), Op::Right(9), Op::And(4), Op::AddX, Op::RecallX(NUMBER), Op::AddX]);
        self.asm.ops(&[Op::Add(HEADER + 6), Op::ToX]);
        self.asm.go(inner.ppp);
    }
}
