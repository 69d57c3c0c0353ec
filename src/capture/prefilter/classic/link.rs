//! The part of the classic filter from a MAC header to IP.

use super::asm::{Op, Test};
use super::{Builder, IP_OR_VLAN, Level, NUMBER, VLAN};

/// VLAN tags that are stepped over in one row.
const TAGS: usize = 4;
/// MPLS labels that are stepped over.
const LABELS: usize = 6;
/// Other tags and shims that the decoder reads and this does not.
const UNSEEN: [u32; 6] = [0x894f, 0x893f, 0x8926, 0x8909, 0x8903, 0x22f3];

impl Builder<'_> {
    pub(super) fn link(&mut self, own: Level, inner: Level) {
        self.ethernet(own);
        self.types(own, inner);
        self.mpls(own, inner);
        self.ppp(own);
    }

    /// A MAC header. Cisco's inter-switch link has a length where others have a type, and wraps whole frames.
    fn ethernet(&mut self, own: Level) {
        let with_type = self.asm.label();
        self.asm.place(own.ethernet);
        self.asm.ops(&[Op::Load16(12)]);
        self.asm.when(Test::AtLeast(0x0600), with_type);
        self.asm.ops(&[Op::Load32(0)]);
        self.asm.when_one_of(&[0x0100_0c00, 0x0300_0c00], self.pass);
        self.asm.place(with_type);
        self.skip(12);
        self.asm.ops(&[Op::Load16(0)]);
    }

    /// What an EtherType announces; the code before leads here too.
    fn types(&mut self, own: Level, inner: Level) {
        let known = self.asm.label();
        self.asm.place(own.typed);
        for _ in 0..TAGS {
            let tag = self.asm.label();
            self.asm.when_one_of(&VLAN, tag);
            self.asm.go(known);
            self.asm.place(tag);
            self.skip(4);
            self.asm.ops(&[Op::Load16(0)]);
        }
        self.asm.when_one_of(&VLAN, self.pass);
        self.asm.place(known);
        let (ip, mpls, pppoe, ppp) = (self.asm.label(), self.asm.label(), self.asm.label(), self.asm.label());
        let (bridged, backbone, macsec, llc) = (self.asm.label(), self.asm.label(), self.asm.label(), self.asm.label());
        self.asm.when_one_of(&[0x0800, 0x86dd], ip);
        self.asm.when(Test::Equal(0x8864), pppoe);
        self.asm.when_one_of(&[0x8847, 0x8848], mpls);
        self.asm.when(Test::Equal(0x880b), ppp);
        self.asm.when(Test::Equal(0x6558), bridged);
        self.asm.when(Test::Equal(0x88e7), backbone);
        self.asm.when(Test::Equal(0x88e5), macsec);
        self.asm.when_one_of(&UNSEEN, self.pass);
        self.asm.branch(Test::AtLeast(0x0600), self.reject, llc);
        // 802.2, of which SNAP, IP and routed PDUs may hold IP.
        self.asm.place(llc);
        self.asm.ops(&[Op::Load8(2)]);
        self.asm.when_one_of(&[0xaa, 0xab, 0x06, 0xfe], self.pass);
        self.asm.go(self.reject);
        // MACsec that does not only protect integrity cannot be read.
        self.asm.place(macsec);
        self.asm.ops(&[Op::Load8(2)]);
        self.asm.branch(Test::AnyOf(0x0c), self.reject, self.pass);
        for (label, octets, to) in [(bridged, 2, inner.ethernet), (backbone, 6, inner.ethernet), (ppp, 2, own.ppp)] {
            self.asm.place(label);
            self.skip(octets);
            self.asm.go(to);
        }
        // PPPoE session (RFC 2516): version and type 1, code 0.
        self.asm.place(pppoe);
        self.asm.ops(&[Op::Load16(2)]);
        self.asm.unless(Test::Equal(0x1100), self.reject);
        self.skip(8);
        self.asm.go(own.ppp);
        self.asm.place(ip);
        self.skip(2);
        self.asm.go(own.ip);
        self.asm.place(mpls);
        self.skip(2);
    }

    /// A label stack (RFC 3032); below it IP or an Ethernet pseudowire, which only the octets tell apart.
    fn mpls(&mut self, own: Level, inner: Level) {
        const BOTTOM: u32 = 0x100;
        let (below, is_ip, control_word) = (self.asm.label(), self.asm.label(), self.asm.label());
        self.asm.place(own.mpls);
        for _ in 0..LABELS {
            self.asm.ops(&[Op::Load32(0), Op::Store(NUMBER)]);
            self.skip(4);
            self.asm.ops(&[Op::Recall(NUMBER)]);
            self.asm.when(Test::AnyOf(BOTTOM), below);
        }
        self.asm.go(self.pass);
        self.asm.place(below);
        self.asm.ops(&[Op::Load8(0), Op::Right(4)]);
        self.asm.when_one_of(&[4, 6], is_ip);
        self.asm.ops(&[Op::Load16(12)]);
        self.asm.when_one_of(&IP_OR_VLAN, inner.ethernet);
        self.asm.ops(&[Op::Load16(16)]);
        self.asm.when_one_of(&IP_OR_VLAN, control_word);
        self.asm.go(self.pass);
        self.asm.place(control_word);
        self.skip(4);
        self.asm.go(inner.ethernet);
        self.asm.place(is_ip);
        // A MAC address may begin like IP.
        self.asm.ops(&[Op::Load16(12)]);
        self.asm.when_one_of(&IP_OR_VLAN, self.pass);
        self.asm.go(own.ip);
    }

    /// PPP's protocol field, of one octet or two (RFC 1661), address and control before it or not.
    fn ppp(&mut self, own: Level) {
        let (bare, ip, ip_short, short) = (self.asm.label(), self.asm.label(), self.asm.label(), self.asm.label());
        self.asm.place(own.ppp);
        self.asm.ops(&[Op::Load16(0)]);
        self.asm.unless(Test::Equal(0xff03), bare);
        self.skip(2);
        self.asm.ops(&[Op::Load16(0)]);
        self.asm.place(bare);
        self.asm.when_one_of(&[0x0021, 0x0057], ip);
        self.asm.when_one_of(&[0x0281, 0x0283, 0x003d, 0x0031], self.pass);
        self.asm.branch(Test::AnyOf(0x0100), short, self.reject);
        self.asm.place(short);
        self.asm.ops(&[Op::Right(8)]);
        self.asm.when_one_of(&[0x21, 0x57], ip_short);
        self.asm.when_one_of(&[0x3d, 0x31], self.pass);
        self.asm.go(self.reject);
        self.asm.place(ip_short);
        self.skip(1);
        self.asm.go(own.ip);
        self.asm.place(ip);
        self.skip(2);
    }
}
