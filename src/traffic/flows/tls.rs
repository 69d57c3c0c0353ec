//! TLS over TCP: ClientHellos in all the ways in which they reach a mirror, and what follows them.

use crate::extract::tls::build::{HelloSpec, client_hello, records};
use crate::model::{Kind, Proto};
use crate::traffic::plan::{Plan, Subscriber, server_addr};
use crate::traffic::play::record_start;
use crate::traffic::script::{Act, Bulk, Data, Pause, Role, Span};

/// The ways in which names are sent here.
pub(super) const WAYS: [&str; 12] = [
    "one-segment",
    "two-segments",
    "reordered",
    "retransmitted",
    "overlapping",
    "records",
    "name-cut",
    "tiny-segments",
    "syn-data",
    "mid-stream",
    "odd-port",
    "after-connect",
];

/// How the hello is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    OneSegment,
    TwoSegments,
    Reordered,
    Retransmitted,
    Overlapping,
    Records,
    NameCut,
    TinySegments,
    SynData,
    MidStream,
    OddPort,
    /// A hello without a name.
    Nameless,
}

impl Way {
    const fn name(self) -> &'static str {
        match self {
            Way::OneSegment | Way::Nameless => "one-segment",
            Way::TwoSegments => "two-segments",
            Way::Reordered => "reordered",
            Way::Retransmitted => "retransmitted",
            Way::Overlapping => "overlapping",
            Way::Records => "records",
            Way::NameCut => "name-cut",
            Way::TinySegments => "tiny-segments",
            Way::SynData => "syn-data",
            Way::MidStream => "mid-stream",
            Way::OddPort => "odd-port",
        }
    }

    /// Whether it takes a hello with a post-quantum share, which fills two segments.
    const fn is_long(self) -> bool {
        matches!(self, Way::TwoSegments | Way::Reordered | Way::Retransmitted | Way::Overlapping)
    }
}

/// A subscriber opens a TLS connection to the name's server.
pub(in super::super) fn visit(plan: &mut Plan<'_>, subscriber: Subscriber, name: &str, listed: bool) {
    let way = plan.rng.weighted(&[
        (270, Way::OneSegment),
        (520, Way::TwoSegments),
        (20, Way::Reordered),
        (15, Way::Retransmitted),
        (10, Way::Overlapping),
        (25, Way::Records),
        (20, Way::NameCut),
        (10, Way::TinySegments),
        (10, Way::SynData),
        (30, Way::MidStream),
        (40, Way::OddPort),
        (30, Way::Nameless),
    ]);
    let port = if way == Way::OddPort { plan.rng.pick(&[8443, 853, 993, 5061, 44_330]) } else { 443 };
    let leg = plan.leg(subscriber, server_addr(name, subscriber.v6), port);
    let hello = hello(plan, name, way);
    match way {
        Way::MidStream => {}
        Way::SynData => {
            // The rest of the hello has to wait for the handshake (RFC 7413), should it not fit.
            let fits = hello.end.min(hello.start + plan.path(leg).segment_room() as u32 - 40);
            plan.tcp_syn(leg, true, Data::Octets(hello.start..fits), fits - hello.start);
            plan.tcp_syn(leg, false, Data::Empty, 0);
            if fits < hello.end {
                plan.tcp_send(leg, true, Role::Name, fits..hello.end);
            }
        }
        _ => plan.tcp_open(leg),
    }
    if way != Way::SynData {
        send(plan, leg, way, name, hello);
    }
    if way != Way::Nameless {
        plan.script.note(leg, Proto::Tls, Kind::Sni, way.name(), name, listed);
    }
    rest(plan, leg);
}

/// The hello and what follows it on a connection that a proxy has opened.
pub(super) fn after_connect(plan: &mut Plan<'_>, leg: u8, name: &str, listed: bool) {
    let way = if plan.rng.chance(0.5) { Way::TwoSegments } else { Way::OneSegment };
    let hello = hello(plan, name, way);
    plan.tcp_send(leg, true, Role::Name, hello);
    plan.script.note(leg, Proto::Tls, Kind::Sni, "after-connect", name, listed);
    rest(plan, leg);
}

/// The rest of a connection whose beginning nobody saw.
pub(in super::super) fn under_way(plan: &mut Plan<'_>, subscriber: Subscriber, name: &str, frames: u32) {
    let leg = plan.leg(subscriber, server_addr(name, subscriber.v6), 443);
    plan.script.step(leg, false, Role::Bulk, Pause::Turn, Act::Bulk { kind: Bulk::Tls, frames });
    plan.tcp_close(leg);
}

/// The records of a hello, kept.
fn hello(plan: &mut Plan<'_>, name: &str, way: Way) -> Span {
    let seed = plan.rng.next();
    let long = way.is_long() || (way == Way::Records && seed & 1 == 0);
    let mut spec = if long {
        HelloSpec { ech: Some(plan.rng.between(140, 280)), ..HelloSpec::browser(name, seed) }
    } else {
        HelloSpec {
            sni: (way != Way::Nameless).then(|| name.as_bytes().to_vec()),
            alpn: if seed & 6 == 0 { Vec::new() } else { vec![b"h2".to_vec(), b"http/1.1".to_vec()] },
            versions: if seed & 0x18 == 0 { Vec::new() } else { vec![0x0304, 0x0303] },
            grease: seed & 0x20 != 0,
            shuffle: seed & 0x40 != 0,
            seed,
            ..HelloSpec::default()
        }
    };
    if way == Way::Nameless {
        spec.sni = None;
    }
    let message = client_hello(&spec);
    let size = match way {
        Way::Records => plan.rng.between(17, message.len() - 1),
        _ => 1 << 14,
    };
    plan.script.keep(&records(&message, size))
}

/// The segments of the hello.
fn send(plan: &mut Plan<'_>, leg: u8, way: Way, name: &str, hello: Span) {
    let room = plan.path(leg).segment_room() as u32;
    let len = hello.end - hello.start;
    // Every long hello is longer than the room in a segment; the bound guards a change in its builder.
    let (first, second) =
        (hello.start..hello.end.min(hello.start + room), hello.end.min(hello.start + room)..hello.end);
    let (first_len, second_len) = (first.end - first.start, second.end - second.start);
    match way {
        Way::Reordered => {
            plan.tcp_piece(leg, Pause::Turn, second, -(first_len as i32), 0);
            plan.tcp_piece(leg, Pause::Burst, first, 0, len);
        }
        Way::Retransmitted => {
            plan.tcp_piece(leg, Pause::Turn, first.clone(), 0, first_len);
            plan.tcp_piece(leg, Pause::Timeout, first, first_len as i32, 0);
            plan.tcp_piece(leg, Pause::Burst, second, 0, second_len);
        }
        Way::Overlapping => {
            plan.tcp_piece(leg, Pause::Turn, first.clone(), 0, first_len);
            let back = plan.rng.between(1, 200) as u32;
            plan.tcp_piece(leg, Pause::Turn, second.start - back..second.end, back as i32, second_len);
        }
        Way::NameCut => {
            let octets = &plan.script.octets[hello.start as usize..hello.end as usize];
            let at = octets.windows(name.len()).position(|w| w == name.as_bytes()).unwrap_or(0) as u32;
            let cut = hello.start + at + 1 + plan.rng.below(name.len().max(2) - 1) as u32;
            let cut = cut.min(hello.end - 1);
            plan.tcp_data(leg, true, Role::Name, Pause::Turn, hello.start..cut);
            plan.tcp_data(leg, true, Role::Name, Pause::Turn, cut..hello.end);
        }
        Way::TinySegments => {
            let (mut at, mut step) = (hello.start, 1);
            while at < hello.end {
                let end = hello.end.min(at + step);
                plan.tcp_data(
                    leg,
                    true,
                    Role::Name,
                    if at == hello.start { Pause::Turn } else { Pause::Burst },
                    at..end,
                );
                at = end;
                step = plan.rng.between(1, 90) as u32;
            }
        }
        _ => plan.tcp_send(leg, true, Role::Name, hello),
    }
}

/// The server's flight, the client's, the data, the end; nothing in profiles without such frames.
fn rest(plan: &mut Plan<'_>, leg: u8) {
    if !plan.profile.is_whole() {
        return;
    }
    plan.tcp_ack(leg, false);
    let flight = server_flight(plan);
    plan.tcp_send(leg, false, Role::Control, flight);
    plan.tcp_ack(leg, true);
    // Change cipher spec and Finished, then a request.
    let mut finished = vec![0x14, 3, 3, 0, 1, 1, 0x17, 3, 3, 0, 53];
    plan.rng.fill(&mut finished, 53);
    let finished = plan.script.keep(&finished);
    plan.tcp_data(leg, true, Role::Control, Pause::Turn, finished);
    let len = plan.rng.between(60, 700);
    let head = record_start(plan.script, len);
    plan.tcp_random(leg, true, Role::Bulk, head, len);
    let frames = plan.bulk_frames();
    plan.script.step(leg, false, Role::Bulk, Pause::Turn, Act::Bulk { kind: Bulk::Tls, frames });
    plan.tcp_close(leg);
}

/// ServerHello, change cipher spec, and the encrypted rest of the flight.
fn server_flight(plan: &mut Plan<'_>) -> Span {
    let mut flight = server_hello(plan, 32);
    let len = flight.len() as u16;
    flight.splice(0..0, [0x16, 3, 3, (len >> 8) as u8, len as u8]).for_each(drop);
    flight.extend_from_slice(&[0x14, 3, 3, 0, 1, 1]);
    let sealed = plan.rng.between(1_900, 3_400);
    flight.extend_from_slice(&[0x17, 3, 3, (sealed >> 8) as u8, sealed as u8]);
    plan.rng.fill(&mut flight, sealed);
    plan.script.keep(&flight)
}

/// A TLS 1.3 ServerHello message with an X25519 share.
pub(super) fn server_hello(plan: &mut Plan<'_>, session_id: usize) -> Vec<u8> {
    let mut out = vec![2, 0, 0, (86 + session_id) as u8, 3, 3];
    plan.rng.fill(&mut out, 32);
    out.push(session_id as u8);
    plan.rng.fill(&mut out, session_id);
    out.extend_from_slice(&[0x13, 1, 0, 0, 46, 0, 43, 0, 2, 3, 4, 0, 51, 0, 36, 0, 0x1d, 0, 32]);
    plan.rng.fill(&mut out, 32);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::plan::with_plan;
    use crate::traffic::profile::Profile;

    #[test]
    fn every_way_sends_as_many_segments_as_it_says() {
        for name in ["a.example", "a-much-longer-name-than-most.with.five.labels.example"] {
            for (way, at_least, at_most) in [
                (Way::OneSegment, 1, 1),
                (Way::MidStream, 1, 1),
                (Way::TwoSegments, 2, 2),
                (Way::Reordered, 2, 2),
                (Way::Overlapping, 2, 2),
                (Way::Retransmitted, 3, 3),
                (Way::NameCut, 2, 2),
                (Way::TinySegments, 5, 700),
            ] {
                with_plan(&Profile::names(), |plan| {
                    let subscriber = plan.subscriber();
                    let leg = plan.leg(subscriber, server_addr(name, subscriber.v6), 443);
                    let hello = hello(plan, name, way);
                    send(plan, leg, way, name, hello);
                    let sent = plan.script.steps.len();
                    assert!((at_least..=at_most).contains(&sent), "{way:?}: {sent}");
                });
            }
        }
    }

    #[test]
    fn the_name_is_cut_where_it_should_be() {
        with_plan(&Profile::names(), |plan| {
            for _ in 0..50 {
                plan.script.clear();
                let subscriber = plan.subscriber();
                let leg = plan.leg(subscriber, server_addr("x.example", subscriber.v6), 443);
                let hello = hello(plan, "x.example", Way::NameCut);
                send(plan, leg, Way::NameCut, "x.example", hello);
                for step in &plan.script.steps {
                    let Act::Tcp { data: Data::Octets(span), .. } = &step.act else { panic!("no data") };
                    let octets = &plan.script.octets[span.start as usize..span.end as usize];
                    assert!(!octets.windows(9).any(|w| w == b"x.example"));
                }
            }
        });
    }
}
