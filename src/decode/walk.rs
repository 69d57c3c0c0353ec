//! The loop that steps from header to header.
//!
//! Each parser looks at one header and says what comes next as a [`Step`]; the loop here calls the next one. There is no
//! recursion: a frame's depth is bounded by `MAX_STEPS`, by the length of the recorded chain, and by the number of
//! times that fragments inside fragments may be put together.

use super::bytes::Parsed;
use super::fragments::Fragments;
use super::ip::IpHeader;
use super::link::{self, LinkType};
use super::{ether, ip, mpls, nsh, ppp, wifi};
use crate::model::{Counter, Counters, Encap, EncapChain, Timestamp, Transport};

/// Headers looked at in one frame before it is left as too deep. Most headers also take a place in the chain, which is
/// shorter; this bounds those that do not.
const MAX_STEPS: usize = 64;

/// What kind of header the next octets are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layer {
    /// The first header of a frame.
    Link(LinkType),
    /// Destination and source MAC address, then a type or length.
    Ethernet,
    /// Whatever this EtherType says.
    EtherType(u16),
    /// IEEE 802.2 logical link control.
    Llc,
    /// An 802.11 frame.
    Wifi(wifi::Form),
    /// PPP, from the address and control octets or the protocol field.
    Ppp,
    /// An IP packet, version 4 or 6 as its first four bits say.
    Ip,
    /// An IPv4 header.
    Ipv4,
    /// An IPv6 header.
    Ipv6,
    /// What an IP header carried, by its protocol number.
    IpPayload(u8),
    /// An MPLS label stack.
    Mpls,
    /// A network service header.
    Nsh,
}

/// What a header parser found.
#[derive(Debug)]
pub(super) enum Step<'a> {
    /// Another header.
    Next(Layer, &'a [u8]),
    /// The innermost transport header.
    Done(Transport<'a>),
    /// A fragment that waits for others.
    Waiting,
    /// The datagram in the fragment table's output is whole; this is the protocol it carries.
    Reassembled(u8),
}

/// The state of one frame's decoding.
pub(super) struct Walk<'w> {
    /// Packet time.
    pub(super) ts: Timestamp,
    /// What was stepped over so far.
    pub(super) chain: EncapChain,
    /// Mixes the VLAN, tunnel and key numbers on the way, so that fragments of two customers who use the same private
    /// addresses are never put together.
    pub(super) context: u32,
    /// The capture holds less of the frame than was on the wire.
    pub(super) frame_cut: bool,
    /// A header promised more than the capture holds.
    pub(super) truncated: bool,
    /// The innermost IP header so far.
    pub(super) ip: Option<IpHeader>,
    /// Where fragments wait.
    pub(super) fragments: &'w mut Fragments,
    /// Where events are counted.
    pub(super) counters: &'w mut Counters,
}

impl Walk<'_> {
    /// Records a header that is stepped over; an error if the chain is full.
    #[inline]
    pub(super) fn enter(&mut self, encap: Encap) -> Parsed<()> {
        if self.chain.push(encap) { Ok(()) } else { Err(Counter::SkipDepth) }
    }

    /// Mixes a VLAN, tunnel or key number into the context.
    #[inline]
    pub(super) fn mix(&mut self, id: u32) {
        self.context = (self.context.rotate_left(5) ^ id).wrapping_mul(0x9E37_79B1);
    }

    /// Whether the octets at hand may stop earlier than they did on the wire. Inside an IP packet that is all there they
    /// do not, even if the frame was cut behind it.
    #[inline]
    pub(super) fn cut(&self) -> bool {
        self.truncated || (self.frame_cut && self.ip.is_none())
    }

    /// Steps through `bytes` until the innermost transport header. `None`: a fragment that waits for others.
    pub(super) fn run<'a>(
        &mut self,
        link: LinkType,
        mut bytes: &'a [u8],
        mut spares: &'a mut [Vec<u8>],
    ) -> Parsed<Option<Transport<'a>>> {
        let mut layer = Layer::Link(link);
        for _ in 0..MAX_STEPS {
            let step = match layer {
                Layer::Link(link) => link::parse(self, link, bytes),
                Layer::Ethernet => ether::ethernet(bytes),
                Layer::EtherType(ethertype) => ether::by_type(self, ethertype, bytes),
                Layer::Llc => ether::llc(bytes),
                Layer::Wifi(form) => wifi::frame(self, bytes, form),
                Layer::Ppp => ppp::ppp(bytes),
                Layer::Ip => ip::any(bytes),
                Layer::Ipv4 => ip::v4(self, bytes),
                Layer::Ipv6 => ip::v6(self, bytes),
                Layer::IpPayload(protocol) => ip::payload(self, protocol, bytes),
                Layer::Mpls => mpls::stack(self, bytes),
                Layer::Nsh => nsh::header(self, bytes),
            }?;
            match step {
                Step::Next(next, rest) => (layer, bytes) = (next, rest),
                Step::Done(transport) => return Ok(Some(transport)),
                Step::Waiting => return Ok(None),
                Step::Reassembled(protocol) => {
                    let Some((slot, rest)) = spares.split_first_mut() else { return Err(Counter::SkipDepth) };
                    self.fragments.take_assembled(slot);
                    (layer, bytes, spares) = (Layer::IpPayload(protocol), slot, rest);
                }
            }
        }
        Err(Counter::SkipDepth)
    }
}
