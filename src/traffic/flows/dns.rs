//! Lookups: questions and answers over UDP and TCP, whole, in fragments, truncated and broken.

use crate::model::{Addr, Kind, Proto};
use crate::traffic::dns::{Message, NXDOMAIN, Section, https, kind};
use crate::traffic::frame::octets;
use crate::traffic::plan::{Plan, Subscriber, server_v4_of, server_v6_of};
use crate::traffic::script::{Act, Data, Pause, Role, Span};

/// The ways in which names are sent here.
pub(super) const WAYS: [&str; 12] = [
    "udp",
    "mixed-case",
    "cname",
    "nxdomain",
    "ptr",
    "fragments",
    "fragments-reordered",
    "truncated",
    "tcp",
    "tcp-prefix-alone",
    "tcp-pipelined",
    "upstream",
];

const PORT: u16 = 53;

/// How the lookup goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    Cname,
    Nxdomain,
    Ptr,
    Fragments,
    Tcp,
    TruncatedThenTcp,
    Damaged,
}

/// One message's contents.
struct Lookup<'a> {
    name: &'a str,
    listed: bool,
    /// The name as the client spells it.
    spelt: &'a str,
    edns: bool,
    how: &'static str,
}

/// A subscriber asks for a name's addresses, and is answered.
pub(in super::super) fn lookup(plan: &mut Plan<'_>, subscriber: Subscriber, name: &str, listed: bool) {
    let way = plan.rng.weighted(&[
        (640, Way::Plain),
        (200, Way::Cname),
        (40, Way::Nxdomain),
        (20, Way::Ptr),
        (20, Way::Fragments),
        (30, Way::Tcp),
        (30, Way::TruncatedThenTcp),
        (20, Way::Damaged),
    ]);
    let resolver = plan.resolver(subscriber.v6);
    let leg = plan.leg(subscriber, resolver, PORT);
    let mixed = plan.rng.chance(0.1);
    let spelt = if mixed { mix_case(plan, name) } else { name.to_owned() };
    let edns = plan.rng.chance(0.4);
    let how = if mixed { "mixed-case" } else { "udp" };
    let lookup = Lookup { name, listed, spelt: &spelt, edns, how };
    match way {
        Way::Plain | Way::Cname => {
            let cname = way == Way::Cname;
            let types = plan.rng.pick(&[&[kind::A][..], &[kind::A, kind::AAAA], &[kind::A, kind::HTTPS]]);
            // A stub resolver asks for both addresses at once, from the same port.
            let mut ids = [0; 2];
            for (at, qtype) in types.iter().enumerate() {
                ids[at] = plan.rng.next() as u16;
                ask(plan, leg, &lookup, ids[at], *qtype, if at == 0 { Pause::Turn } else { Pause::Burst });
            }
            for (at, qtype) in types.iter().enumerate() {
                let id = ids[at];
                let cname = if cname { chain(plan, name) } else { Vec::new() };
                let start = plan.script.octets.len();
                answer(plan, &lookup, id, *qtype, &cname);
                let span = plan.script.since(start);
                plan.script.datagram(leg, false, Pause::Turn, span);
                note_answer(plan, leg, &lookup, if cname.is_empty() { how } else { "cname" }, &cname);
            }
        }
        Way::Nxdomain => {
            let id = plan.rng.next() as u16;
            let qtype = plan.rng.pick(&[kind::A, kind::AAAA]);
            ask(plan, leg, &lookup, id, qtype, Pause::Turn);
            let start = plan.script.octets.len();
            let mut message = Message::response(&mut plan.script.octets, id, NXDOMAIN, false);
            message.question(lookup.spelt, qtype);
            message.authority(lookup.spelt.split_once('.').map_or("", |(_, zone)| zone));
            let span = plan.script.since(start);
            plan.script.datagram(leg, false, Pause::Turn, span);
            note_answer(plan, leg, &lookup, "nxdomain", &[]);
        }
        Way::Ptr => reverse(plan, leg),
        Way::Fragments => fragments(plan, leg, &lookup),
        Way::Tcp => over_tcp(plan, subscriber, resolver, &lookup),
        Way::TruncatedThenTcp => {
            let id = plan.rng.next() as u16;
            ask(plan, leg, &lookup, id, kind::A, Pause::Turn);
            let start = plan.script.octets.len();
            Message::response(&mut plan.script.octets, id, 0, true).question(lookup.spelt, kind::A);
            let span = plan.script.since(start);
            plan.script.datagram(leg, false, Pause::Turn, span);
            note_answer(plan, leg, &lookup, "truncated", &[]);
            over_tcp(plan, subscriber, resolver, &lookup);
        }
        Way::Damaged => damaged(plan, leg),
    }
}

/// The provider's own resolver asks a name server, and passes part of a subscriber's address on (RFC 7871).
pub(in super::super) fn upstream(plan: &mut Plan<'_>) {
    let mut name = String::new();
    let listed = plan.names.visit(plan.rng, &mut name);
    let leg = plan.leg_between(Addr::v4([203, 0, 113, 53]), Addr::v4(server_v4_of("ns.example")), PORT);
    let spelt = mix_case(plan, &name);
    let lookup = Lookup { name: &name, listed, spelt: &spelt, edns: false, how: "upstream" };
    let id = plan.rng.next() as u16;
    let network = (0x6440_0100 + plan.rng.below(50_000) as u32).to_be_bytes();
    let start = plan.script.octets.len();
    let mut message = Message::query(&mut plan.script.octets, id);
    message.question(&spelt, kind::A);
    // Option 8: family IPv4, source prefix 24, scope 0.
    message.edns(1_232, &[0, 8, 0, 7, 0, 1, 24, 0, network[0], network[1], network[2]]);
    let span = plan.script.since(start);
    plan.script.datagram(leg, true, Pause::Turn, span);
    note(plan, leg, &lookup, Kind::Query);
    let start = plan.script.octets.len();
    answer(plan, &lookup, id, kind::A, &[]);
    let span = plan.script.since(start);
    plan.script.datagram(leg, false, Pause::Turn, span);
    note(plan, leg, &lookup, Kind::Answer);
}

fn ask(plan: &mut Plan<'_>, leg: u8, lookup: &Lookup<'_>, id: u16, qtype: u16, pause: Pause) {
    let start = plan.script.octets.len();
    question(plan, lookup, id, qtype);
    let span = plan.script.since(start);
    plan.script.datagram(leg, true, pause, span);
    note(plan, leg, lookup, Kind::Query);
}

/// Appends a query.
fn question(plan: &mut Plan<'_>, lookup: &Lookup<'_>, id: u16, qtype: u16) {
    let mut message = Message::query(&mut plan.script.octets, id);
    message.question(lookup.spelt, qtype);
    if lookup.edns {
        message.edns(1_232, &[]);
    }
}

/// Appends an answer.
fn answer(plan: &mut Plan<'_>, lookup: &Lookup<'_>, id: u16, qtype: u16, cname: &[String]) {
    let mut hints = Vec::new();
    let (v4, v6) = (server_v4_of(lookup.name), server_v6_of(lookup.name));
    if qtype == kind::HTTPS {
        let ech: Option<[u8; 71]> = plan.rng.chance(0.3).then(|| plan.rng.octets());
        https(&mut hints, v4, v6, ech.as_ref().map(<[u8; 71]>::as_slice));
    }
    let mut message = Message::response(&mut plan.script.octets, id, 0, false);
    message.question(lookup.spelt, qtype);
    let mut owner = lookup.spelt;
    for target in cname {
        message.alias(owner, kind::CNAME, 300, target);
        owner = target;
    }
    match qtype {
        kind::A => {
            message.record(Section::Answer, owner, qtype, 60, &v4);
            message.record(Section::Answer, owner, qtype, 60, &[v4[0], v4[1], v4[2], v4[3] ^ 1]);
        }
        kind::AAAA => message.record(Section::Answer, owner, qtype, 60, &v6),
        _ => message.record(Section::Answer, owner, qtype, 60, &hints),
    }
    if lookup.edns {
        message.edns(1_232, &[]);
    }
}

/// Where the name is an alias for: one to three names, the last now and then a listed one that hides behind it.
fn chain(plan: &mut Plan<'_>, name: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for at in 0..plan.rng.between(1, 3) {
        let mut target = String::new();
        if at > 0 && plan.rng.chance(0.02) {
            plan.names.listed(plan.rng, &mut target);
        }
        if target.is_empty() {
            plan.names.benign(plan.rng, &mut target);
        }
        if target != name && !targets.contains(&target) {
            targets.push(target);
        }
    }
    targets
}

/// A question for the name of an address; the address may be a subscriber's.
fn reverse(plan: &mut Plan<'_>, leg: u8) {
    use std::fmt::Write;
    let addr = if plan.rng.chance(0.5) { plan.path(leg).client.addr } else { plan.path(leg).server.addr };
    let mut name = String::new();
    // Writing to a String cannot fail.
    if addr.is_v4() {
        for octet in octets(&addr).iter().rev() {
            let _ = write!(name, "{octet}.");
        }
        name.push_str("in-addr.arpa");
    } else {
        for octet in octets(&addr).iter().rev() {
            let _ = write!(name, "{:x}.{:x}.", octet & 15, octet >> 4);
        }
        name.push_str("ip6.arpa");
    }
    let lookup = Lookup { name: &name, listed: false, spelt: &name, edns: false, how: "ptr" };
    let id = plan.rng.next() as u16;
    ask(plan, leg, &lookup, id, kind::PTR, Pause::Turn);
    let start = plan.script.octets.len();
    let mut message = Message::response(&mut plan.script.octets, id, 0, false);
    message.question(&name, kind::PTR);
    message.alias(&name, kind::PTR, 3_600, "host.pool.example");
    let span = plan.script.since(start);
    plan.script.datagram(leg, false, Pause::Turn, span);
    note_answer(plan, leg, &lookup, "ptr", &[]);
}

/// An answer too long for one packet, in fragments, half of the time in the wrong order.
fn fragments(plan: &mut Plan<'_>, leg: u8, lookup: &Lookup<'_>) {
    let id = plan.rng.next() as u16;
    let asked = Lookup { edns: true, ..*lookup };
    ask(plan, leg, &asked, id, kind::TXT, Pause::Turn);
    let mut message = Vec::new();
    let mut writer = Message::response(&mut message, id, 0, false);
    writer.question(lookup.spelt, kind::TXT);
    for _ in 0..plan.rng.between(7, 14) {
        let mut text = vec![250];
        plan.rng.fill(&mut text, 250);
        writer.record(Section::Answer, lookup.spelt, kind::TXT, 60, &text);
    }
    writer.edns(4_096, &[]);
    let start = plan.script.octets.len();
    let mut datagram = Vec::new();
    plan.path(leg).udp_segment(&mut datagram, false, [&message, &[]]);
    plan.script.octets.extend_from_slice(&datagram);
    let room = plan.path(leg).fragment_room();
    let fragment_id = plan.rng.next() as u16 | 1;
    let mut pieces: Vec<usize> = (0..datagram.len()).step_by(room).collect();
    let how = if plan.rng.chance(0.5) {
        pieces.reverse();
        "fragments-reordered"
    } else {
        "fragments"
    };
    for (at, offset) in pieces.into_iter().enumerate() {
        let end = datagram.len().min(offset + room);
        let octets: Span = (start + offset) as u32..(start + end) as u32;
        let more = end < datagram.len();
        let pause = if at == 0 { Pause::Turn } else { Pause::Burst };
        let act = Act::Fragment { octets, offset: offset as u16, more, id: fragment_id };
        plan.script.step(leg, false, Role::Name, pause, act);
    }
    note_answer(plan, leg, lookup, how, &[]);
}

/// A connection to the resolver with one question, or two at once (RFC 7766 section 6.2.1.1).
fn over_tcp(plan: &mut Plan<'_>, subscriber: Subscriber, resolver: Addr, lookup: &Lookup<'_>) {
    let leg = plan.leg(subscriber, resolver, PORT);
    plan.tcp_open(leg);
    let (how, types, cut) = plan.rng.pick(&[
        ("tcp", &[kind::A][..], None),
        ("tcp-prefix-alone", &[kind::AAAA], Some(2)),
        ("tcp-pipelined", &[kind::A, kind::HTTPS], None),
        ("tcp-pipelined", &[kind::A, kind::AAAA], Some(25)),
    ]);
    let id = plan.rng.next() as u16;
    let lookup = Lookup { how, ..*lookup };
    for up in [true, false] {
        let start = plan.script.octets.len();
        for (at, qtype) in types.iter().enumerate() {
            let prefix = plan.script.octets.len();
            plan.script.octets.extend_from_slice(&[0, 0]);
            if up {
                question(plan, &lookup, id.wrapping_add(at as u16), *qtype);
            } else {
                answer(plan, &lookup, id.wrapping_add(at as u16), *qtype, &[]);
            }
            let len = (plan.script.octets.len() - prefix - 2) as u16;
            plan.script.octets[prefix..prefix + 2].copy_from_slice(&len.to_be_bytes());
        }
        let span = plan.script.since(start);
        let cut = span.start + cut.unwrap_or(span.end - span.start);
        plan.tcp_data(leg, up, Role::Name, Pause::Turn, span.start..cut);
        if cut < span.end {
            plan.tcp_data(leg, up, Role::Name, Pause::Turn, cut..span.end);
        }
        for _ in types {
            note(plan, leg, &lookup, if up { Kind::Query } else { Kind::Answer });
        }
    }
    plan.tcp_ack(leg, true);
    plan.tcp_close(leg);
}

/// A message that no name can be read from.
fn damaged(plan: &mut Plan<'_>, leg: u8) {
    let mut message = Vec::new();
    Message::query(&mut message, plan.rng.next() as u16).question("damaged.in-transit.invalid", kind::A);
    match plan.rng.below(5) {
        // The name points at itself.
        0 => message.splice(12.., [0xc0, 12, 0, 1, 0, 1]).for_each(drop),
        // It points beyond the end.
        1 => message.splice(12.., [3, b'w', b'w', b'w', 0xff, 0xff, 0, 1, 0, 1]).for_each(drop),
        // A label is longer than the message.
        2 => message[12] = 63,
        // The message ends within the name.
        3 => message.truncate(20),
        // Nothing but noise, and a count that promises thousands of questions.
        _ => {
            message.truncate(4);
            message.extend_from_slice(&[0xff; 8]);
            plan.rng.fill(&mut message, 40);
            message[12] = 0x80;
        }
    }
    let span = plan.script.keep(&message);
    plan.script.step(leg, true, Role::Damaged, Pause::Turn, Act::Udp(Data::Octets(span)));
}

/// The name with its letters in random case, as resolvers send it against forgers.
fn mix_case(plan: &mut Plan<'_>, name: &str) -> String {
    let mut bits = 0;
    name.chars()
        .enumerate()
        .map(|(at, c)| {
            if at % 64 == 0 {
                bits = plan.rng.next();
            }
            bits = bits.rotate_left(1);
            if bits & 1 == 0 { c.to_ascii_uppercase() } else { c }
        })
        .collect()
}

fn note(plan: &mut Plan<'_>, leg: u8, lookup: &Lookup<'_>, what: Kind) {
    plan.script.note(leg, Proto::Dns, what, lookup.how, lookup.name, lookup.listed);
}

fn note_answer(plan: &mut Plan<'_>, leg: u8, lookup: &Lookup<'_>, how: &'static str, cname: &[String]) {
    plan.script.note(leg, Proto::Dns, Kind::Answer, how, lookup.name, lookup.listed);
    for target in cname {
        plan.script.note_cname(target);
    }
}
