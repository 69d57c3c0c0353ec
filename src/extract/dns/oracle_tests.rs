//! Our reading against hickory-proto's: the same of every message it builds, and the same question of every damaged
//! one whose question it can read.

use super::*;
use crate::model::{Addr, DomainName};
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::svcb::{EchConfigList, IpHint, SvcParamKey, SvcParamValue, Unknown};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, HTTPS, MX, SVCB, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};
use proptest::collection::vec;
use proptest::prelude::*;

fn name() -> impl Strategy<Value = Name> {
    // Labels of a small alphabet so that suffixes repeat and get compressed, and some of any octets.
    let label = prop_oneof![
        4 => "[aB]{1,2}".prop_map(String::into_bytes),
        2 => "[a-zA-Z0-9_-]{1,20}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 1..=63),
    ];
    vec(label, 0..6).prop_filter_map("too long", |labels| {
        Name::from_labels(labels.iter().map(Vec::as_slice)).ok().map(|mut n| {
            n.set_fqdn(true);
            n
        })
    })
}

fn service() -> impl Strategy<Value = SVCB> {
    (1u16..4, name(), any::<bool>(), vec(any::<[u8; 4]>(), 0..3), vec(any::<u8>(), 0..6), vec(any::<[u8; 16]>(), 0..3))
        .prop_map(|(priority, target, ech, v4, other, v6)| {
            let mut params = Vec::new();
            if !v4.is_empty() {
                let hints = v4.into_iter().map(|o| A(o.into())).collect();
                params.push((SvcParamKey::Ipv4Hint, SvcParamValue::Ipv4Hint(IpHint(hints))));
            }
            if ech {
                params.push((SvcParamKey::EchConfigList, SvcParamValue::EchConfigList(EchConfigList(other.clone()))));
            }
            if !v6.is_empty() {
                let hints = v6.into_iter().map(|o| AAAA(o.into())).collect();
                params.push((SvcParamKey::Ipv6Hint, SvcParamValue::Ipv6Hint(IpHint(hints))));
            }
            params.push((SvcParamKey::Key(65300), SvcParamValue::Unknown(Unknown(other))));
            SVCB::new(priority, target, params)
        })
}

fn rdata() -> impl Strategy<Value = RData> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(|o| RData::A(A(o.into()))),
        any::<[u8; 16]>().prop_map(|o| RData::AAAA(AAAA(o.into()))),
        name().prop_map(|n| RData::CNAME(CNAME(n))),
        service().prop_map(|s| RData::HTTPS(HTTPS(s))),
        service().prop_map(RData::SVCB),
        (any::<u16>(), name()).prop_map(|(p, n)| RData::MX(MX::new(p, n))),
        "[ -~]{0,40}".prop_map(|t| RData::TXT(TXT::new(vec![t]))),
    ]
}

fn records(most: usize) -> impl Strategy<Value = Vec<Record>> {
    vec((name(), any::<u32>(), rdata()).prop_map(|(n, ttl, d)| Record::from_rdata(n, ttl, d)), 0..most)
}

fn message() -> impl Strategy<Value = Message> {
    (
        any::<(u16, bool)>(),
        vec((name(), any::<u16>()), 1..4),
        (records(12), records(3), records(3)),
        proptest::option::of(any::<u8>()),
        0u16..16,
    )
        .prop_map(|((id, response), questions, (answers, authorities, additionals), rcode_high, rcode)| {
            let kind = if response { MessageType::Response } else { MessageType::Query };
            let mut m = Message::new(id, kind, OpCode::Query);
            for (n, t) in questions {
                m.add_query(Query::query(n, RecordType::from(t)));
            }
            if response {
                m.add_answers(answers).add_authorities(authorities).add_additionals(additionals);
            }
            if let Some(high) = rcode_high {
                let mut edns = Edns::new();
                edns.set_rcode_high(high);
                m.set_edns(edns);
            }
            m.metadata.response_code = ResponseCode::from(rcode_high.unwrap_or(0), rcode as u8);
            m
        })
}

/// hickory's name in our form; `None` if it is beyond what a name may be.
fn ours(name: &Name) -> DomainName {
    let mut n = DomainName::root();
    for label in name {
        n.push_label(label).unwrap();
    }
    n
}

/// The first question as hickory reads it, whatever lies behind.
fn hickory_question(message: &[u8]) -> Option<(DomainName, u16)> {
    let mut decoder = BinDecoder::new(message);
    decoder.read_slice(12).ok()?;
    let query = Query::read(&mut decoder).ok()?;
    Some((ours(&query.name), query.query_type.into()))
}

proptest! {
    #[test]
    fn built_messages_read_the_same(built in message()) {
        let wire = built.to_vec().unwrap();
        // What hickory itself reads back, so that limits of its encoder are not ours.
        let theirs = Message::from_vec(&wire).unwrap();
        let mut scratch = DnsScratch::new();
        let d = parse(&wire, &mut scratch).unwrap();
        prop_assert_eq!(d.id, theirs.metadata.id);
        prop_assert_eq!(d.is_response, theirs.metadata.message_type == MessageType::Response);
        prop_assert!(!d.answers_damaged);
        prop_assert_eq!(d.over_limit, 0);

        let questions: Vec<_> = std::iter::once((*d.qname, d.qtype))
            .chain(d.more_questions.iter().map(|q| (q.qname, q.qtype)))
            .collect();
        let expected: Vec<_> = theirs.queries.iter().map(|q| (ours(&q.name), u16::from(q.query_type))).collect();
        prop_assert_eq!(questions, expected);

        let (mut cnames, mut addrs, mut ech) = (Vec::new(), Vec::new(), false);
        for answer in &theirs.answers {
            match &answer.data {
                RData::CNAME(n) => cnames.push(ours(&n.0)),
                RData::A(a) => addrs.push(Addr::v4(a.0.octets())),
                RData::AAAA(a) => addrs.push(Addr::v6(a.0.octets())),
                RData::HTTPS(HTTPS(s)) | RData::SVCB(s) => {
                    for (_, value) in &s.svc_params {
                        match value {
                            SvcParamValue::Ipv4Hint(h) => addrs.extend(h.0.iter().map(|a| Addr::v4(a.0.octets()))),
                            SvcParamValue::Ipv6Hint(h) => addrs.extend(h.0.iter().map(|a| Addr::v6(a.0.octets()))),
                            SvcParamValue::EchConfigList(_) => ech = true,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        prop_assert_eq!(d.cnames, cnames);
        prop_assert_eq!(d.addrs, addrs);
        prop_assert_eq!(d.ech, ech);
        if d.is_response {
            prop_assert_eq!(d.rcode, u16::from(theirs.metadata.response_code));
        } else {
            prop_assert_eq!(d.rcode, 0);
        }
        // No built message may fail the probe for a reason other than those it documents.
        if theirs.queries.len() == 1 && d.qname.labels().all(|l| l.is_ascii_graphic_label()) && !d.qname.is_root()
            && d.qtype != 0 && (d.is_response || theirs.metadata.response_code == ResponseCode::NoError)
        {
            prop_assert!(probe(&wire) || d.qname.labels().next().is_some_and(|l| l.len() == 32));
        }
    }

    /// Where hickory reads the question of a damaged message, so do we, and the same. Exceptions: opcodes other than
    /// QUERY and a QDCOUNT of 0 are errors of ours by intent (the question alone does not tell them), as is a pointer
    /// into the header, which hickory follows.
    #[test]
    fn damaged_messages_keep_their_question(
        built in message(),
        flips in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let mut wire = built.to_vec().unwrap();
        for (at, value) in flips {
            let at = at.index(wire.len());
            wire[at] = value;
        }
        if cuts {
            wire.truncate(cut.index(wire.len()));
        }
        let mut scratch = DnsScratch::new();
        match (parse(&wire, &mut scratch), hickory_question(&wire)) {
            (Ok(d), Some(theirs)) => prop_assert_eq!((*d.qname, d.qtype), theirs),
            (Err(DnsError::TooShort | DnsError::NotAQuery | DnsError::NoQuestion), _) => {}
            (Err(DnsError::BadPointer), Some(_)) => prop_assert!(points_into_header(&wire)),
            (Err(_), None) => {}
            (ours, theirs) => prop_assert!(false, "{ours:?} against {theirs:?}"),
        }
    }
}

/// Whether the first question's name, which can have no earlier name to point to, ends in a pointer into the header.
fn points_into_header(wire: &[u8]) -> bool {
    let mut name = DomainName::root();
    let run = name.push_wire_labels(&wire[12..]).unwrap();
    matches!(wire[12 + run..], [0xc0, 0..12, ..])
}

trait Graphic {
    fn is_ascii_graphic_label(&self) -> bool;
}

impl Graphic for [u8] {
    fn is_ascii_graphic_label(&self) -> bool {
        self.iter().all(u8::is_ascii_graphic)
    }
}
