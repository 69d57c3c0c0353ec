//! The part of the classic filter from an IP header to what it carries, and GRE.

use super::asm::{Op, Test};
use super::{Builder, Level, NUMBER};

/// IPv6 extension headers and authentication headers that are stepped over in one row.
const EXTENSIONS: usize = 4;
/// Those in the form of RFC 6564.
const EXTENSION: [u32; 6] = [0, 43, 60, 135, 139, 140];
const FRAGMENT: u32 = 44;
const AUTHENTICATION: u32 = 51;
/// Protocols of which the decoder reads something, so that an IPv4 fragment of them may be a part of a name.
const MAY_HOLD_NAMES: [u32; 12] = [6, 17, 4, 94, 41, 47, 51, 97, 115, 137, 143, 145];

impl Builder<'_> {
    /// The code before leads here too, with X at an IP header.
    pub(super) fn network(&mut self, own: Level, inner: Level) {
        let (v4, v6) = (self.asm.label(), self.asm.label());
        self.asm.place(own.ip);
        self.asm.ops(&[Op::Load8(0), Op::Right(4)]);
        self.asm.when(Test::Equal(6), v6);
        self.asm.branch(Test::Equal(4), v4, self.reject);
        self.v4(own, v4);
        self.v6(v6);
        self.protocols(own, inner);
    }

    fn v4(&mut self, own: Level, v4: super::Label) {
        let (whole, fragment) = (self.asm.label(), self.asm.label());
        self.asm.place(v4);
        self.asm.ops(&[Op::Load16(2)]);
        // No length is what a packet has before segmentation offload: to the end.
        self.asm.when(Test::Equal(0), whole);
        self.cut();
        self.asm.place(whole);
        self.asm.ops(&[Op::Load16(6)]);
        self.asm.when(Test::AnyOf(0x3fff), fragment);
        self.asm.ops(&[Op::Load8(9), Op::Store(NUMBER), Op::Load8(0), Op::And(15), Op::Left(2)]);
        self.asm.unless(Test::AtLeast(20), self.reject);
        self.asm.ops(&[Op::AddX, Op::ToX, Op::Recall(NUMBER)]);
        self.asm.go(own.protocol);
        self.asm.place(fragment);
        self.asm.ops(&[Op::Load8(9)]);
        self.asm.when_one_of(&MAY_HOLD_NAMES, self.pass);
        self.asm.go(self.reject);
    }

    /// An IPv6 header; what follows it comes next in the program.
    fn v6(&mut self, v6: super::Label) {
        let whole = self.asm.label();
        self.asm.place(v6);
        self.asm.ops(&[Op::Load16(4)]);
        self.asm.when(Test::Equal(0), whole);
        self.asm.ops(&[Op::Add(40)]);
        self.cut();
        self.asm.place(whole);
        self.asm.ops(&[Op::Load8(6), Op::Store(NUMBER)]);
        self.skip(40);
        self.asm.ops(&[Op::Recall(NUMBER)]);
    }

    /// What an IP header announces, the accumulator has its number.
    fn protocols(&mut self, own: Level, inner: Level) {
        let done = self.asm.label();
        self.asm.place(own.protocol);
        // Nearly all packets, before the extension headers are looked at.
        self.asm.when(Test::Equal(6), self.tcp);
        self.asm.when(Test::Equal(17), own.udp);
        for _ in 0..EXTENSIONS {
            let (extension, authentication) = (self.asm.label(), self.asm.label());
            let (fragment, next) = (self.asm.label(), self.asm.label());
            self.asm.when_one_of(&EXTENSION, extension);
            self.asm.when(Test::Equal(FRAGMENT), fragment);
            self.asm.branch(Test::Equal(AUTHENTICATION), authentication, done);
            self.asm.place(fragment);
            self.asm.ops(&[Op::Load16(2)]);
            // All but a fragment that is the whole datagram (RFC 6946), which has no length of its own either.
            self.asm.when(Test::AnyOf(0xfff9), self.pass);
            self.asm.ops(&[Op::Load8(0), Op::Store(NUMBER)]);
            self.skip(8);
            self.asm.go(next);
            for (label, more, unit) in [(authentication, 2, 2), (extension, 1, 3)] {
                self.asm.place(label);
                self.asm.ops(&[Op::Load8(0), Op::Store(NUMBER), Op::Load8(1), Op::Add(more), Op::Left(unit)]);
                self.asm.ops(&[Op::AddX, Op::ToX]);
                if label == authentication {
                    self.asm.go(next);
                }
            }
            self.asm.place(next);
            self.asm.ops(&[Op::Recall(NUMBER)]);
        }
        self.asm.when_one_of(&EXTENSION, self.pass);
        self.asm.when_one_of(&[FRAGMENT, AUTHENTICATION], self.pass);
        self.asm.place(done);
        let (gre, ether_ip) = (self.asm.label(), self.asm.label());
        self.asm.when(Test::Equal(6), self.tcp);
        self.asm.when(Test::Equal(17), own.udp);
        self.asm.when_one_of(&[4, 94, 41], inner.ip);
        self.asm.when(Test::Equal(47), gre);
        self.asm.when(Test::Equal(97), ether_ip);
        self.asm.when(Test::Equal(137), inner.mpls);
        self.asm.when(Test::Equal(143), inner.ethernet);
        // L2TP version 3, NSH.
        self.asm.when_one_of(&[115, 145], self.pass);
        self.asm.go(self.reject);
        self.asm.place(ether_ip);
        self.skip(2);
        self.asm.go(inner.ethernet);
        self.asm.place(gre);
        self.gre(inner);
    }

    fn gre(&mut self, inner: Level) {
        const ROUTES: u32 = 0x4000;
        const KEY: u32 = 0x2000;
        const SEQUENCE: u32 = 0x1000;
        let (version_0, pptp, ethernet) = (self.asm.label(), self.asm.label(), self.asm.label());
        self.asm.ops(&[Op::Load16(0), Op::And(7)]);
        self.asm.when(Test::Equal(0), version_0);
        // PPTP (RFC 2637), in which a packet without a sequence number only acknowledges.
        self.asm.unless(Test::Equal(1), self.reject);
        self.asm.ops(&[Op::Load16(2)]);
        self.asm.when(Test::Equal(0x6400), ethernet);
        self.asm.branch(Test::Equal(0x880b), pptp, self.reject);
        self.asm.place(ethernet);
        self.skip(8);
        self.asm.go(inner.ethernet);
        self.asm.place(pptp);
        self.asm.ops(&[Op::Load16(0)]);
        self.asm.unless(Test::AnyOf(KEY), self.reject);
        self.asm.unless(Test::AnyOf(SEQUENCE), self.reject);
        // An acknowledgement number takes four more octets: its flag is 0x80.
        self.asm.ops(&[Op::And(0x80), Op::Right(5), Op::AddX, Op::Add(12), Op::ToX]);
        self.asm.go(inner.ppp);

        self.asm.place(version_0);
        self.asm.ops(&[Op::Load16(2), Op::Store(NUMBER), Op::Load16(0)]);
        self.asm.when(Test::AnyOf(ROUTES), self.pass);
        let (erspan, erspan_ii) = (self.asm.label(), self.asm.label());
        // Mirrored frames (ERSPAN), of which version 1 with its header is looked into; and other makers' uses.
        self.asm.ops(&[Op::Recall(NUMBER)]);
        self.asm.when(Test::Equal(0x88be), erspan);
        self.asm.when_one_of(&[0x22eb, 0x883e, 0x9000], self.pass);
        let plain = self.asm.label();
        self.asm.unless(Test::AtLeast(0x8200), plain);
        self.asm.branch(Test::AtLeast(0x8371), plain, self.pass);
        self.asm.place(erspan);
        self.asm.ops(&[Op::Load16(0)]);
        self.asm.unless(Test::AnyOf(SEQUENCE), self.pass);
        self.gre_payload();
        self.asm.ops(&[Op::Load8(0), Op::Right(4)]);
        self.asm.branch(Test::Equal(1), erspan_ii, self.pass);
        self.asm.place(erspan_ii);
        self.skip(8);
        self.asm.go(inner.ethernet);
        self.asm.place(plain);
        self.gre_payload();
        self.typed(inner);
    }

    /// X = the offset behind a GRE header, which grows by four octets for a checksum, a key and a sequence number. The
    /// accumulator is lost.
    fn gre_payload(&mut self) {
        let header = super::SAVED;
        self.asm.ops(&[Op::Load16(0), Op::Right(15), Op::Left(2), Op::Store(header)]);
        for bit in [13, 12] {
            self.asm.ops(&[Op::StoreX(super::PAYLOAD), Op::Load16(0), Op::Right(bit), Op::And(1), Op::Left(2)]);
            self.asm.ops(&[Op::RecallX(header), Op::AddX, Op::Store(header), Op::RecallX(super::PAYLOAD)]);
        }
        self.asm.ops(&[Op::Recall(header), Op::AddX, Op::Add(4), Op::ToX]);
    }

    /// Goes on with what an EtherType in M[NUMBER] announces at X.
    pub(super) fn typed(&mut self, inner: Level) {
        self.asm.ops(&[Op::Recall(NUMBER)]);
        self.asm.when(Test::Equal(0x6558), inner.ethernet);
        self.asm.ops(&[Op::FromX, Op::Add(2_u32.wrapping_neg()), Op::ToX, Op::Recall(NUMBER)]);
        self.asm.go(inner.typed);
    }
}
