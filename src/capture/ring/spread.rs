//! Which worker of an interface gets a packet: a classic BPF program that the kernel runs for the fanout group.
//!
//! The kernel's own hash (`PACKET_FANOUT_HASH`) would do for plain IPv4, but it looks into MPLS only as far as the label,
//! and of an IPv6 packet that has a flow label it takes the addresses alone, so that the directions of a flow part where
//! only one side sets one. This program is the same for both directions by construction: it joins the two addresses, and
//! the two ports, by exclusive or.
//!
//! It looks behind any number of tags up to [`TAGS`], up to [`LABELS`] MPLS labels, and PPPoE. TCP and UDP are spread by
//! addresses and ports; fragments, whose later ones have no ports, and everything else by addresses alone, so that all
//! fragments of a datagram reach one worker. Of a tunnel (GRE, VXLAN, GTP-U …) the outer header decides: the packets
//! between two ends with the same ports stay with one worker, and where a tunnel varies its source port, as VXLAN does,
//! the two directions of an inner flow may part. What is not IP goes to the first worker.

use super::attach::Instruction;

/// Tags looked behind, beside the outermost one, which the kernel has taken off.
const TAGS: usize = 2;
/// MPLS labels looked behind.
const LABELS: usize = 4;
/// Length of an Ethernet header.
const ETHERNET: u32 = 14;

/// Scratch memory: where the header that is looked at begins, and what was joined so far.
const AT: u32 = 0;
const JOINED: u32 = 1;
const OTHER: u32 = 2;

const LD_WORD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_IND;
const LD_HALF: u32 = libc::BPF_LD | libc::BPF_H | libc::BPF_IND;
const LD_BYTE: u32 = libc::BPF_LD | libc::BPF_B | libc::BPF_IND;
const JEQ: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const JSET: u32 = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;
const JA: u32 = libc::BPF_JMP | libc::BPF_JA;
const ALU: u32 = libc::BPF_ALU;

/// A place in the program that is not known yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Label {
    Mpls,
    MplsIp,
    Pppoe,
    V4,
    V6,
    Ports,
    Done,
}

/// A program being written. Jumps only go forward, over at most 255 instructions where they depend on something.
#[derive(Default)]
struct Writer {
    code: Vec<Instruction>,
    /// Jumps to be filled in: where, and to what.
    jumps: Vec<(usize, Label)>,
    labels: Vec<(Label, usize)>,
}

impl Writer {
    fn op(&mut self, code: u32, k: u32) {
        self.code.push(Instruction { code: code as u16, jt: 0, jf: 0, k });
    }

    /// Goes on behind `skip` further instructions unless the condition holds.
    fn unless_skip(&mut self, code: u32, k: u32, skip: u8) {
        self.code.push(Instruction { code: code as u16, jt: 0, jf: skip, k });
    }

    /// Goes to `label` if the accumulator is `k`, or, with JSET, has one of its bits. By way of an unconditional jump,
    /// whose reach is not limited.
    fn jump_if(&mut self, code: u32, k: u32, label: Label) {
        self.unless_skip(code, k, 1);
        self.jump(label);
    }

    fn jump(&mut self, label: Label) {
        self.jumps.push((self.code.len(), label));
        self.op(JA, 0);
    }

    fn label(&mut self, label: Label) {
        self.labels.push((label, self.code.len()));
    }

    /// Steps `octets` on from the header that is looked at.
    fn step(&mut self, octets: u32) {
        self.op(libc::BPF_MISC | libc::BPF_TXA, 0);
        self.op(ALU | libc::BPF_ADD | libc::BPF_K, octets);
        self.op(libc::BPF_MISC | libc::BPF_TAX, 0);
    }

    /// Joins the word at `offset` of the header that is looked at.
    fn join(&mut self, offset: u32) {
        self.op(libc::BPF_LDX | libc::BPF_MEM, AT);
        self.op(LD_WORD, offset);
        self.join_accumulator();
    }

    fn join_accumulator(&mut self) {
        self.op(libc::BPF_LDX | libc::BPF_MEM, JOINED);
        self.op(ALU | libc::BPF_XOR | libc::BPF_X, 0);
        self.op(libc::BPF_ST, JOINED);
    }

    fn finish(mut self) -> Vec<Instruction> {
        for (at, label) in self.jumps {
            let target = self.labels.iter().find(|(l, _)| *l == label).map_or(at + 1, |(_, to)| *to);
            self.code[at].k = (target - at - 1) as u32;
        }
        self.code
    }
}

/// The program. `ethernet`: the frames have an Ethernet header; else they begin with IP.
pub(super) fn program(ethernet: bool) -> Vec<Instruction> {
    let mut w = Writer::default();
    let ancillary = |what: i32| (libc::SKF_AD_OFF + what).cast_unsigned();
    let load_ancillary = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    // What the interface receives begins behind its link header here, what it sends with it.
    w.op(libc::BPF_LDX | libc::BPF_IMM, 0);
    if ethernet {
        w.op(load_ancillary, ancillary(libc::SKF_AD_PKTTYPE));
        w.unless_skip(JEQ, u32::from(libc::PACKET_OUTGOING), 1);
        w.op(libc::BPF_LDX | libc::BPF_IMM, ETHERNET);
    }
    w.op(load_ancillary, ancillary(libc::SKF_AD_PROTOCOL));
    for _ in 0..TAGS {
        for tag in [libc::ETH_P_8021Q, libc::ETH_P_8021AD, libc::ETH_P_QINQ1] {
            w.unless_skip(JEQ, tag.cast_unsigned(), 6);
            w.op(LD_HALF, 2);
            w.op(libc::BPF_ST, OTHER);
            w.step(4);
            w.op(libc::BPF_LD | libc::BPF_MEM, OTHER);
        }
    }
    let types = [
        (libc::ETH_P_IP, Label::V4),
        (libc::ETH_P_IPV6, Label::V6),
        (libc::ETH_P_PPP_SES, Label::Pppoe),
        (libc::ETH_P_MPLS_UC, Label::Mpls),
        (libc::ETH_P_MPLS_MC, Label::Mpls),
    ];
    for (number, label) in types {
        w.jump_if(JEQ, number.cast_unsigned(), label);
    }
    w.op(libc::BPF_RET | libc::BPF_K, 0);

    w.label(Label::Mpls);
    for _ in 0..LABELS {
        w.op(LD_WORD, 0);
        w.op(libc::BPF_ST, OTHER);
        w.step(4);
        w.op(libc::BPF_LD | libc::BPF_MEM, OTHER);
        // The bottom of the stack (RFC 3032, section 2.1).
        w.jump_if(JSET, 0x100, Label::MplsIp);
    }
    w.op(libc::BPF_RET | libc::BPF_K, 0);
    w.label(Label::MplsIp);
    w.op(LD_BYTE, 0);
    w.op(ALU | libc::BPF_AND | libc::BPF_K, 0xf0);
    w.jump_if(JEQ, 0x40, Label::V4);
    w.jump_if(JEQ, 0x60, Label::V6);
    w.op(libc::BPF_RET | libc::BPF_K, 0);

    w.label(Label::Pppoe);
    // The protocol of PPP, behind six octets of PPPoE (RFC 2516).
    w.op(LD_HALF, 6);
    w.op(libc::BPF_ST, OTHER);
    w.step(8);
    w.op(libc::BPF_LD | libc::BPF_MEM, OTHER);
    w.jump_if(JEQ, 0x21, Label::V4);
    w.jump_if(JEQ, 0x57, Label::V6);
    w.op(libc::BPF_RET | libc::BPF_K, 0);

    w.label(Label::V4);
    w.op(libc::BPF_STX, AT);
    w.op(libc::BPF_LD | libc::BPF_IMM, 0);
    w.op(libc::BPF_ST, JOINED);
    w.join(12);
    w.join(16);
    w.op(libc::BPF_LDX | libc::BPF_MEM, AT);
    // More fragments, or an offset.
    w.op(LD_HALF, 6);
    w.jump_if(JSET, 0x3fff, Label::Done);
    w.op(LD_BYTE, 9);
    w.op(libc::BPF_ST, OTHER);
    // The header's length.
    w.op(LD_BYTE, 0);
    w.op(ALU | libc::BPF_AND | libc::BPF_K, 0x0f);
    w.op(ALU | libc::BPF_LSH | libc::BPF_K, 2);
    w.op(ALU | libc::BPF_ADD | libc::BPF_X, 0);
    w.op(libc::BPF_ST, AT);
    w.op(libc::BPF_LD | libc::BPF_MEM, OTHER);
    w.jump_if(JEQ, libc::IPPROTO_TCP.cast_unsigned(), Label::Ports);
    w.jump_if(JEQ, libc::IPPROTO_UDP.cast_unsigned(), Label::Ports);
    w.jump(Label::Done);

    w.label(Label::V6);
    w.op(libc::BPF_STX, AT);
    w.op(libc::BPF_LD | libc::BPF_IMM, 0);
    w.op(libc::BPF_ST, JOINED);
    for word in 0..8 {
        w.join(8 + 4 * word);
    }
    w.op(libc::BPF_LDX | libc::BPF_MEM, AT);
    w.op(LD_BYTE, 6);
    w.op(libc::BPF_ST, OTHER);
    w.step(40);
    w.op(libc::BPF_STX, AT);
    w.op(libc::BPF_LD | libc::BPF_MEM, OTHER);
    w.jump_if(JEQ, libc::IPPROTO_TCP.cast_unsigned(), Label::Ports);
    w.jump_if(JEQ, libc::IPPROTO_UDP.cast_unsigned(), Label::Ports);
    w.jump(Label::Done);

    w.label(Label::Ports);
    w.op(libc::BPF_LDX | libc::BPF_MEM, AT);
    w.op(LD_HALF, 0);
    w.op(libc::BPF_ST, OTHER);
    w.op(LD_HALF, 2);
    w.op(libc::BPF_LDX | libc::BPF_MEM, OTHER);
    w.op(ALU | libc::BPF_XOR | libc::BPF_X, 0);
    w.join_accumulator();

    w.label(Label::Done);
    // Every bit counts in the upper half (Knuth, section 6.4); the kernel takes the remainder by the number of workers.
    w.op(libc::BPF_LD | libc::BPF_MEM, JOINED);
    w.op(ALU | libc::BPF_MUL | libc::BPF_K, 0x9e37_79b1);
    w.op(ALU | libc::BPF_RSH | libc::BPF_K, 16);
    w.op(libc::BPF_RET | libc::BPF_A, 0);
    w.finish()
}
