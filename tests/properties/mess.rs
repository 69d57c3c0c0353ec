//! What networks and mirrors do to a TCP stream: segments cut anywhere, in any order, again with other cuts, over each
//! other, and with other octets where the receiver already has some.

use proptest::prelude::*;
use proptest::sample::Index;

use crate::frames::{ACK, Body, FIN, Link, Packet, SYN, frames};

/// How one direction of a stream is sent.
#[derive(Clone, Debug)]
pub(crate) struct Mess {
    /// Where segments end.
    cuts: Vec<Index>,
    /// Octets that are sent again: where, how many.
    again: Vec<(Index, usize)>,
    /// A sort key for each segment; what has none keeps its place.
    order: Vec<u8>,
    /// Whether repeated octets differ from those that arrived before.
    lies: bool,
    /// The first sequence number.
    isn: u32,
    syn: Syn,
    fin: Fin,
}

/// How the start of the stream is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Syn {
    /// By the SYN, repeated somewhere.
    Seen,
    /// By a SYN that carries the first octets.
    WithData,
    /// By the other side's SYN-ACK alone.
    OnlyAck,
    /// Not at all: the capture began later.
    Missing,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fin {
    None,
    InLast,
    Alone,
}

/// Any mess. With `ordered` the order is kept.
pub(crate) fn messes(syn: impl Strategy<Value = Syn>, most_cuts: usize) -> impl Strategy<Value = Mess> {
    (
        prop::collection::vec(any::<Index>(), 0..most_cuts),
        prop::collection::vec((any::<Index>(), 1usize..700), 0..8),
        prop::collection::vec(any::<u8>(), 0..40),
        any::<bool>(),
        prop_oneof![any::<u32>(), (0u32..3_000).prop_map(|n| u32::MAX - n)],
        syn,
        prop::sample::select(vec![Fin::None, Fin::InLast, Fin::Alone]),
    )
        .prop_map(|(cuts, again, order, lies, isn, syn, fin)| Mess { cuts, again, order, lies, isn, syn, fin })
}

pub(crate) fn any_syn() -> impl Strategy<Value = Syn> {
    prop::sample::select(vec![Syn::Seen, Syn::WithData, Syn::OnlyAck, Syn::Missing])
}

pub(crate) fn known_start() -> impl Strategy<Value = Syn> {
    prop::sample::select(vec![Syn::Seen, Syn::WithData, Syn::OnlyAck])
}

/// A SYN, or a SYN-ACK where the data's receiver opened the connection.
fn control(up: bool, flags: u8, seq: u32, ack: u32) -> (bool, Body) {
    (up, Body::Tcp { seq, ack, flags, payload: Vec::new() })
}

impl Mess {
    /// The sequence number behind a stream of so many octets.
    pub(crate) fn end(&self, len: usize) -> u32 {
        self.isn.wrapping_add(1 + len as u32)
    }

    /// The packets of one direction, in the order in which they pass the mirror. `up` is this direction.
    ///
    /// Without a known start, the segment with the first octet is among the first four, as is promised.
    pub(crate) fn packets(&self, stream: &[u8], up: bool) -> Vec<(bool, Body)> {
        let data = self.isn.wrapping_add(1);
        // Less than this may not tell what the stream is, and then it is no start.
        let shortest = if self.syn == Syn::Missing { 16 } else { 1 };
        let cuts = self.cuts.iter().map(|i| i.index(stream.len()));
        let mut ends: Vec<usize> = cuts.filter(|end| *end >= shortest).collect();
        ends.push(stream.len());
        ends.sort_unstable();
        ends.dedup();
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let mut parts: Vec<(usize, usize)> = starts.zip(ends.iter().copied()).collect();
        for (at, len) in &self.again {
            let at = at.index(stream.len());
            parts.push((at, (at + len).min(stream.len())));
        }
        let mut order: Vec<usize> = (0..parts.len()).collect();
        order.sort_by_key(|i| self.order.get(*i).copied().unwrap_or(128));
        let first = order.iter().position(|i| *i == 0).unwrap_or(0);
        match self.syn {
            Syn::Missing if first > 3 => {
                order.remove(first);
                order.insert(3, 0);
            }
            Syn::WithData => {
                order.remove(first);
                order.insert(0, 0);
            }
            _ => {}
        }

        let mut out = Vec::new();
        match self.syn {
            Syn::Seen => {
                out.push(control(up, SYN, self.isn, 0));
                out.push(control(!up, SYN | ACK, 77, data));
            }
            Syn::OnlyAck => out.push(control(!up, SYN | ACK, 77, data)),
            Syn::WithData | Syn::Missing => {}
        }
        let mut arrived = vec![false; stream.len()];
        for (n, i) in order.into_iter().enumerate() {
            let (start, end) = parts[i];
            let mut payload = stream[start..end].to_vec();
            for (octet, arrived) in payload.iter_mut().zip(&mut arrived[start..end]) {
                if *arrived && self.lies {
                    *octet ^= 0x55;
                }
                *arrived = true;
            }
            let mut seq = data.wrapping_add(start as u32);
            let mut flags = ACK;
            if self.fin == Fin::InLast && end == stream.len() {
                flags |= FIN;
            }
            if self.syn == Syn::WithData && n == 0 {
                (seq, flags) = (self.isn, flags & FIN | SYN);
            }
            out.push((up, Body::Tcp { seq, ack: 78, flags, payload }));
            if self.syn == Syn::Seen && n == self.order.len() % 5 {
                out.push(control(up, SYN, self.isn, 0));
            }
            // The other side acknowledges, and says something that means nothing.
            let payload = if n % 3 == 1 { b"\x17\x03\x03\x00\x05hello".to_vec() } else { Vec::new() };
            out.push((!up, Body::Tcp { seq: 78, ack: seq, flags: ACK, payload }));
        }
        if self.fin == Fin::Alone {
            let back = usize::from(self.order.first().copied().unwrap_or(0)) % 4;
            let place = out.len().saturating_sub(back).max(out.len().min(3));
            out.insert(place, control(up, FIN | ACK, data.wrapping_add(stream.len() as u32), 78));
        }
        out
    }
}

/// The packets of several flows, as frames, each flow in its own order and all of them in turns.
pub(crate) fn interleaved(link: &Link, server_port: u16, flows: Vec<Vec<(bool, Body)>>) -> Vec<Vec<u8>> {
    let longest = flows.iter().map(Vec::len).max().unwrap_or(0);
    let mut out = Vec::new();
    for step in 0..longest {
        for (flow, packets) in flows.iter().enumerate() {
            if let Some((up, body)) = packets.get(step) {
                let packet = Packet { up: *up, flow: flow as u16, server_port, body: body.clone() };
                out.extend(frames(link, &packet, out.len() as u16));
            }
        }
    }
    out
}
