//! Plays a script: turns its next step into a frame.

use super::frame::{Path, flag};
use super::rng::Rng;
use super::script::{Act, Bulk, Data, Pause, Role, Script, Span, slice};
use super::wrap;

/// What all conversations share while they are played.
pub(super) struct Stage<'a> {
    pub(super) rng: &'a mut Rng,
    /// Random octets, made once.
    pub(super) pool: &'a [u8],
    /// For TCP timestamps.
    pub(super) milliseconds: u32,
    /// Bulk is to be left out: the traffic is coming to its end.
    pub(super) hurry: bool,
}

/// The shares of bulk frames that carry data down, by TLS or QUIC; most of the others are acknowledgements.
const DOWN: f64 = 0.58;

impl Script {
    /// Writes the next frame of the conversation and tells its role; `None` when there are no more.
    pub(super) fn play(&mut self, stage: &mut Stage<'_>, out: &mut Vec<u8>) -> Option<Role> {
        loop {
            let step = self.steps.get(self.at)?;
            let path = &mut self.legs[usize::from(step.leg)];
            let up = step.up;
            out.clear();
            match &step.act {
                Act::Tcp { flags, back, advance, data } => {
                    let payload = payload(&self.octets, stage, data);
                    path.tcp(out, up, *flags, *back, stage.milliseconds, payload);
                    let next = &mut path.next[usize::from(!up)];
                    *next = next.wrapping_add(*advance);
                }
                Act::Udp(data) => {
                    let payload = payload(&self.octets, stage, data);
                    path.udp(out, up, payload);
                }
                Act::Fragment { octets, offset, more, id } => {
                    path.fragment(out, up, *id, usize::from(*offset), *more, slice(&self.octets, octets));
                }
                Act::Ip { protocol, octets } => {
                    let octets = slice(&self.octets, octets);
                    path.begin_ip(out, up, *protocol, octets.len());
                    out.extend_from_slice(octets);
                }
                Act::Ethernet { ethertype, octets } => {
                    wrap::ethernet(out, path.station, up);
                    wrap::put(out, &[*ethertype]);
                    out.extend_from_slice(slice(&self.octets, octets));
                }
                Act::Bulk { kind, frames } => {
                    if self.bulk_left == 0 {
                        self.bulk_left = *frames;
                    }
                    if stage.hurry || self.bulk_left == 0 {
                        (self.bulk_left, self.record_left) = (0, 0);
                        self.at += 1;
                        continue;
                    }
                    self.bulk_left -= bulk_frame(kind, path, &self.octets, &mut self.record_left, stage, out);
                    wrap::pad(out);
                    if self.bulk_left == 0 {
                        self.at += 1;
                    }
                    return Some(Role::Bulk);
                }
            }
            let role = step.role;
            self.at += 1;
            wrap::pad(out);
            return Some(role);
        }
    }

    /// How long the conversation waits before its next frame, in nanoseconds; `None` if there is none.
    pub(super) fn wait(&self, rng: &mut Rng, mean: u64) -> Option<u64> {
        let turn = mean / 2 + rng.below(mean as usize + 1) as u64;
        Some(match self.steps.get(self.at)?.pause {
            Pause::Burst => 1_500 + rng.below(40_000) as u64,
            Pause::Turn => turn,
            Pause::Timeout => 200_000_000 + turn,
        })
    }
}

fn payload<'a, 's: 'a>(octets: &'a [u8], stage: &mut Stage<'s>, data: &Data) -> [&'a [u8]; 2] {
    match data {
        Data::Empty => [&[], &[]],
        Data::Octets(span) => [slice(octets, span), &[]],
        Data::Random { head, len } => [slice(octets, head), random(stage, usize::from(*len))],
    }
}

/// Random octets, at most 2,048.
fn random<'s>(stage: &mut Stage<'s>, len: usize) -> &'s [u8] {
    let at = stage.rng.below(stage.pool.len() - len);
    &stage.pool[at..at + len]
}

/// Writes one frame of bulk; returns how many of the planned frames that was.
fn bulk_frame(
    kind: &Bulk,
    path: &mut Path,
    octets: &[u8],
    record_left: &mut u32,
    stage: &mut Stage<'_>,
    out: &mut Vec<u8>,
) -> u32 {
    let at = stage.rng.unit();
    match kind {
        Bulk::Tls if at < DOWN => {
            let room = path.segment_room();
            if *record_left > 0 {
                *record_left -= 1;
                segment(path, false, &[], room, stage, out);
            } else if stage.rng.chance(0.75) {
                // A record over several full segments, at most 2^14 octets (RFC 8446 section 5.1).
                let segments = stage.rng.between(1, 11);
                *record_left = segments as u32 - 1;
                segment(path, false, &record_header(segments * room - 5), room - 5, stage, out);
            } else {
                let len = stage.rng.between(30, room - 5);
                segment(path, false, &record_header(len), len, stage, out);
            }
        }
        Bulk::Tls if at > 0.97 => {
            let len = stage.rng.between(30, path.segment_room() - 5);
            segment(path, true, &record_header(len), len, stage, out);
        }
        Bulk::Body if at < 0.66 => segment(path, false, &[], path.segment_room(), stage, out),
        Bulk::Body => {
            segment(path, true, &[], 0, stage, out);
            return 0;
        }
        Bulk::Tcp if at < 0.5 => segment(path, false, &[], path.segment_room(), stage, out),
        Bulk::Tcp if at < 0.6 => {
            let len = stage.rng.between(1, path.segment_room());
            segment(path, true, &[], len, stage, out);
        }
        Bulk::Tls | Bulk::Tcp => segment(path, true, &[], 0, stage, out),
        Bulk::Quic { up, down } => {
            let is_up = at >= DOWN;
            let head = slice(octets, if is_up { up } else { down });
            let len = if !is_up && at < DOWN * 0.85 {
                path.datagram_room().min(1_252) - head.len()
            } else if is_up && at < 0.97 {
                stage.rng.between(22, 60)
            } else {
                stage.rng.between(40, 1_100)
            };
            datagram(path, is_up, head, len, stage, out);
        }
        Bulk::Udp { head } => {
            let len = stage.rng.between(100, 1_250);
            datagram(path, at < 0.4, slice(octets, head), len, stage, out);
        }
    }
    1
}

fn segment(path: &mut Path, up: bool, head: &[u8], len: usize, stage: &mut Stage<'_>, out: &mut Vec<u8>) {
    let flags = if len > 0 && stage.rng.chance(0.3) { flag::ACK | flag::PSH } else { flag::ACK };
    let body = random(stage, len);
    path.tcp(out, up, flags, 0, stage.milliseconds, [head, body]);
    let next = &mut path.next[usize::from(!up)];
    *next = next.wrapping_add((head.len() + len) as u32);
}

fn datagram(path: &mut Path, up: bool, head: &[u8], len: usize, stage: &mut Stage<'_>, out: &mut Vec<u8>) {
    let body = random(stage, len);
    path.udp(out, up, [head, body]);
}

/// Header of a TLS record of application data.
fn record_header(len: usize) -> [u8; 5] {
    let [high, low] = (len as u16).to_be_bytes();
    [0x17, 3, 3, high, low]
}

/// Starts of `Data::Random` for callers that plan one record.
pub(super) fn record_start(script: &mut Script, len: usize) -> Span {
    let header = record_header(len);
    script.keep(&header)
}
