//! From a captured frame to the innermost TCP segment or UDP datagram.
//!
//! A frame is a row of headers. `walk` steps from one to the next; every other module knows one family of them:
//!
//! | module | headers |
//! |---|---|
//! | `link` | what a capture's link type puts in front: Linux cooked, BSD loopback, Cisco HDLC, frame relay, shims |
//! | `ether` | Ethernet II and 802.3, 802.2 LLC and SNAP, VLAN tags, 802.1ah, vendor tags |
//! | `wifi` | 802.11 data frames and the radio headers in front of them |
//! | `ppp` | PPP, PPPoE |
//! | `mpls`, `nsh` | label stacks and pseudowires; service function chains |
//! | `ip` | IPv4, IPv6 and its extension headers, and what IP carries |
//! | `fragments` | the bounded table in which fragments wait for each other |
//! | `tunnel` | GRE, ERSPAN, L2TP, and the tunnels over UDP: VXLAN, Geneve, GTP-U, Teredo, CAPWAP |
//! | `transport` | TCP and UDP |
//! | `plain` | the fast lane for what most frames are: Ethernet, VLAN tags, PPPoE, MPLS, IP, tunnels over UDP, TCP or UDP |
//!
//! Nothing here allocates for a frame that is not a fragment, and nothing is trusted: a read beyond the captured octets
//! is a counted skip. Checksums are not verified, because a mirror of a host with checksum offload carries wrong ones.
//! The packet quoted in an ICMP error is never looked at: it would show who talked to whom.

mod bytes;
mod ether;
mod fragments;
mod ip;
mod link;
mod link_names;
mod mpls;
mod nsh;
mod plain;
mod plausible;
mod ppp;
#[cfg(test)]
mod tests;
mod transport;
mod tunnel;
mod walk;
mod wifi;

pub use fragments::Limits;
pub use link::LinkType;

use crate::model::{Counter, Counters, EncapChain, Packet, Timestamp};
use fragments::Fragments;
use walk::{Layer, Walk};

/// How often one frame may complete a fragmented datagram: a tunnel whose packets were fragmented, inside a tunnel whose
/// packets were fragmented, and one more.
const MAX_REASSEMBLIES: usize = 3;

/// Decodes frames, and keeps the fragments that wait for each other. One belongs to each worker.
#[derive(Debug)]
pub struct Decoder {
    fragments: Fragments,
    /// Where reassembled datagrams live while their packet is looked at.
    spares: [Vec<u8>; MAX_REASSEMBLIES],
}

impl Decoder {
    /// A decoder with an empty fragment table.
    pub fn new(limits: Limits) -> Decoder {
        Decoder { fragments: Fragments::new(limits), spares: [const { Vec::new() }; MAX_REASSEMBLIES] }
    }

    /// The innermost TCP segment or UDP datagram of `frame`.
    ///
    /// `ts` is packet time and drives the fragments' time-out; `orig_len` is the frame's length on the wire. `None` means
    /// that there is nothing to examine, for a reason that was counted in `counters`, or that the frame was a fragment
    /// which waits for others. A packet of which the capture holds only the first part is still given, with `truncated`.
    #[inline]
    pub fn decode<'a>(
        &'a mut self,
        link: LinkType,
        ts: Timestamp,
        frame: &'a [u8],
        orig_len: u32,
        counters: &mut Counters,
    ) -> Option<Packet<'a>> {
        let mut packet = Packet::NONE;
        if Self::plain(link, ts, frame, &mut packet) {
            return Some(packet);
        }
        self.any(link, ts, frame, orig_len, counters)
    }

    /// Puts the packet into `out`, if the frame is a plain one, as nearly all are. `false` says nothing, and nothing was
    /// counted: ask [`Decoder::any`].
    #[inline]
    pub fn plain<'a>(link: LinkType, ts: Timestamp, frame: &'a [u8], out: &mut Packet<'a>) -> bool {
        match link {
            LinkType::Ethernet => plain::packet(ts, Layer::Ethernet, frame, out),
            LinkType::RawIp => plain::packet(ts, Layer::Ip, frame, out),
            _ => false,
        }
    }

    /// What [`Decoder::decode`] does with a frame that is not plain; it works for those too, but longer.
    pub fn any<'a>(
        &'a mut self,
        link: LinkType,
        ts: Timestamp,
        frame: &'a [u8],
        orig_len: u32,
        counters: &mut Counters,
    ) -> Option<Packet<'a>> {
        let mut walk = Walk {
            ts,
            chain: EncapChain::new(),
            context: 0,
            frame_cut: frame.len() < orig_len as usize,
            truncated: false,
            ip: None,
            fragments: &mut self.fragments,
            counters,
        };
        let found = walk.run(link, frame, &mut self.spares);
        if walk.truncated {
            walk.counters.bump(Counter::SnapCut);
        }
        match (found, walk.ip) {
            (Ok(Some(transport)), Some(ip)) => Some(Packet {
                ts,
                src: ip.src,
                dst: ip.dst,
                ip_id: ip.id,
                truncated: walk.truncated,
                encap: walk.chain,
                transport,
            }),
            (Ok(_), _) => None,
            (Err(reason), _) => {
                walk.counters.bump(reason);
                None
            }
        }
    }

    /// Gives up the fragments that have waited too long at packet time `now`. Called as part of [`Decoder::decode`] for
    /// every fragment; call it now and then where fragments may stop coming.
    pub fn expire(&mut self, now: Timestamp, counters: &mut Counters) {
        self.fragments.expire(now, counters);
    }

    /// Datagrams of which fragments are held now.
    pub fn datagrams_held(&self) -> usize {
        self.fragments.datagrams()
    }

    /// Fragments held now.
    pub fn fragments_held(&self) -> usize {
        self.fragments.fragments()
    }

    /// Octets of fragments held now; never more than [`Limits::max_bytes`].
    pub fn fragment_bytes_held(&self) -> usize {
        self.fragments.bytes()
    }
}
