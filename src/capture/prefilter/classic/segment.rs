//! The tail of the classic filter, for TCP: all that clients send to the configured ports, and elsewhere what begins like
//! a hello or a request.

use super::asm::{Label, Op, Test};
use super::{Builder, END, OCTETS, PAYLOAD, SAVED, ports};

const SYN_FIN_RST: u32 = 0x07;

/// The first four octets of requests: the methods that are HTTP beyond doubt (src/extract/http/request_line.rs).
const METHODS: [&[u8; 4]; 17] = [
    b"GET ", b"POST", b"HEAD", b"PUT ", b"OPTI", b"DELE", b"CONN", b"PATC", b"TRAC", b"PROP", b"MKCO", b"COPY",
    b"MOVE", b"LOCK", b"UNLO", b"REPO", b"SEAR",
];

impl Builder<'_> {
    pub(super) fn segment(&mut self) {
        let (not_dns, control) = (self.asm.label(), self.asm.label());
        self.asm.place(self.tcp);
        self.asm.ops(&[Op::Load8(12), Op::Right(4), Op::Left(2)]);
        self.asm.unless(Test::AtLeast(20), self.reject);
        self.asm.ops(&[Op::AddX, Op::Store(PAYLOAD), Op::StoreX(SAVED), Op::RecallX(PAYLOAD), Op::Recall(END)]);
        self.asm.ops(&[Op::SubX, Op::RecallX(SAVED)]);
        // Less than nothing is a header that is longer than its packet.
        self.asm.when(Test::AtLeast(0x8000_0000), self.reject);
        self.asm.ops(&[Op::Store(OCTETS)]);
        self.asm.unless(Test::Equal(0), not_dns);
        self.asm.ops(&[Op::Load8(13)]);
        self.asm.branch(Test::AnyOf(SYN_FIN_RST), control, self.reject);
        self.asm.place(control);
        if self.outcomes() {
            self.asm.go(self.pass);
        } else {
            self.pass_dns();
            self.asm.go(self.reject);
        }
        self.asm.place(not_dns);
        self.pass_dns();
        if self.outcomes() {
            self.asm.ops(&[Op::Load8(13)]);
            self.asm.when(Test::AnyOf(SYN_FIN_RST), self.pass);
        }
        self.asm.ops(&[Op::Load16(2)]);
        self.asm.when_one_of(&ports(&self.settings.tcp_ports), self.pass);
        self.beginnings();
    }

    fn beginnings(&mut self) {
        let (long, hello, request) = (self.asm.label(), self.asm.label(), self.asm.label());
        self.asm.ops(&[Op::Recall(OCTETS), Op::RecallX(PAYLOAD)]);
        self.asm.when(Test::AtLeast(6), long);
        // Too short to tell: what its first octet does not rule out.
        self.asm.ops(&[Op::Load8(0)]);
        self.asm.when(Test::Equal(0x16), self.pass);
        self.asm.unless(Test::AtLeast(u32::from(b'A')), self.reject);
        self.asm.branch(Test::AtLeast(u32::from(b'Z') + 1), self.reject, self.pass);
        self.asm.place(long);
        self.asm.ops(&[Op::Load16(0)]);
        self.asm.when_one_of(&[0x1603, 0x1601], hello);
        if self.outcomes() {
            self.alert();
        }
        self.asm.go(request);
        // A handshake record that begins with a ClientHello (1), or a server's (2).
        self.asm.place(hello);
        self.asm.ops(&[Op::Load8(5)]);
        self.asm.when(Test::Equal(1), self.pass);
        if self.outcomes() {
            self.asm.when(Test::Equal(2), self.pass);
        }
        self.asm.go(self.reject);
        self.asm.place(request);
        self.asm.ops(&[Op::Load32(0)]);
        self.asm.when_one_of(&METHODS.map(|m| u32::from_be_bytes(*m)), self.pass);
        if self.outcomes() {
            self.asm.when(Test::Equal(u32::from_be_bytes(*b"HTTP")), self.pass);
        }
        self.asm.go(self.reject);
    }

    /// A TLS alert.
    fn alert(&mut self) {
        let pass: Label = self.pass;
        self.asm.when(Test::Equal(0x1503), pass);
    }
}
