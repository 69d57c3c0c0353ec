//! Whole messages, made by hand: what is kept, what is bounded, and that nothing behind the question takes it away.

use super::*;
use crate::model::{Addr, DomainName};
use proptest::prelude::*;

/// A message under construction.
pub(super) struct Builder(pub(super) Vec<u8>);

impl Builder {
    pub(super) fn new(flags: u16, counts: [u16; 4]) -> Self {
        let mut m = vec![0xab, 0xcd];
        m.extend_from_slice(&flags.to_be_bytes());
        counts.iter().for_each(|c| m.extend_from_slice(&c.to_be_bytes()));
        Builder(m)
    }

    pub(super) fn question(mut self, name: &[u8], qtype: u16) -> Self {
        self.0.extend_from_slice(name);
        self.0.extend_from_slice(&qtype.to_be_bytes());
        self.0.extend_from_slice(&[0, 1]);
        self
    }

    /// A record of class IN owned by the first question's name.
    pub(super) fn record(self, rtype: u16, rdata: &[u8]) -> Self {
        self.record_of(b"\xc0\x0c", rtype, 1, 300, rdata)
    }

    pub(super) fn record_of(mut self, owner: &[u8], rtype: u16, class: u16, ttl: u32, rdata: &[u8]) -> Self {
        self.0.extend_from_slice(owner);
        self.0.extend_from_slice(&rtype.to_be_bytes());
        self.0.extend_from_slice(&class.to_be_bytes());
        self.0.extend_from_slice(&ttl.to_be_bytes());
        self.0.extend_from_slice(&(rdata.len() as u16).to_be_bytes());
        self.0.extend_from_slice(rdata);
        self
    }
}

const NAME: &[u8] = b"\x03wWw\x07example\x03com\x00";
const QUERY: u16 = 0x0100;
const RESPONSE: u16 = 0x8180;

fn texts(names: &[DomainName]) -> Vec<String> {
    names.iter().map(DomainName::to_string).collect()
}

#[test]
fn a_query_gives_its_question() {
    let m = Builder::new(QUERY, [1, 0, 0, 1]).question(NAME, 65).record_of(b"\x00", 41, 1232, 0, b"").0;
    let mut scratch = DnsScratch::new();
    let d = parse(&m, &mut scratch).unwrap();
    assert_eq!((d.id, d.is_response, d.opcode, d.rcode), (0xabcd, false, 0, 0));
    assert_eq!((d.qname.to_string().as_str(), d.qtype, d.qclass), ("www.example.com", 65, 1));
    assert!(d.cnames.is_empty() && d.addrs.is_empty() && d.more_questions.is_empty() && !d.answers_damaged && !d.ech);
}

#[test]
fn a_response_gives_its_chain_and_addresses() {
    let m = Builder::new(RESPONSE, [1, 4, 0, 1])
        .question(NAME, 1)
        .record(5, b"\x03cdn\x07EXAMPLE\x03net\x00")
        .record_of(b"\x03cdn\xc0\x2d", 5, 1, 60, b"\x01a\xc0\x31")
        .record(1, &[192, 0, 2, 1])
        .record(28, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
        // Not of the answer section.
        .record(1, &[192, 0, 2, 99])
        .0;
    let mut scratch = DnsScratch::new();
    let d = parse(&m, &mut scratch).unwrap();
    assert!(d.is_response && !d.answers_damaged);
    assert_eq!(texts(d.cnames), ["cdn.example.net", "a.example.net"]);
    assert_eq!(d.addrs[0], Addr::v4([192, 0, 2, 1]));
    assert_eq!(d.addrs.len(), 2);
}

#[test]
fn what_an_earlier_message_left_in_the_scratch_is_gone() {
    let full = Builder::new(RESPONSE, [2, 2, 0, 0])
        .question(NAME, 1)
        .question(b"\x01b\x00", 1)
        .record(5, b"\x01c\x00")
        .record(1, &[192, 0, 2, 1])
        .0;
    let mut scratch = DnsScratch::new();
    assert_eq!(parse(&full, &mut scratch).unwrap().cnames.len(), 1);
    for m in [Builder::new(QUERY, [1, 0, 0, 0]), Builder::new(RESPONSE, [1, 0, 0, 0])] {
        let m = m.question(b"\x01x\x00", 1).0;
        let d = parse(&m, &mut scratch).unwrap();
        assert_eq!(d.qname.to_string(), "x");
        assert!(d.cnames.is_empty() && d.addrs.is_empty() && d.more_questions.is_empty());
    }
    let d = parse(&full[..20], &mut scratch);
    assert_eq!(d.err(), Some(DnsError::Truncated));
}

#[test]
fn edns_extends_the_rcode() {
    // BADVERS is 16: 1 in OPT's TTL, 0 in the header (RFC 6891 section 6.1.3).
    let m = Builder::new(RESPONSE | 7, [1, 0, 1, 1])
        .question(NAME, 1)
        .record(6, b"\x00\x00ignored")
        .record_of(b"\x00", 41, 1232, 0x0100_8000, b"\x00\x08\x00\x07\x00\x01\x18\x00\xc0\x00\x02")
        .0;
    assert_eq!(parse(&m, &mut DnsScratch::new()).unwrap().rcode, 16 | 7);
    // An OPT among the answers is no OPT.
    let m = Builder::new(RESPONSE | 3, [1, 1, 0, 0]).question(NAME, 1).record(41, b"").0;
    assert_eq!(parse(&m, &mut DnsScratch::new()).unwrap().rcode, 3);
}

#[test]
fn https_records_give_hints_and_ech() {
    let m = Builder::new(RESPONSE, [1, 2, 0, 0])
        .question(NAME, 65)
        .record(65, b"\x00\x00\x05alias\x00")
        .record(65, b"\x00\x01\x00\x00\x04\x00\x04\xc0\x00\x02\x07\x00\x05\x00\x01\x00")
        .0;
    let mut scratch = DnsScratch::new();
    let d = parse(&m, &mut scratch).unwrap();
    assert!(d.ech && d.cnames.is_empty() && !d.answers_damaged);
    assert_eq!(d.addrs, [Addr::v4([192, 0, 2, 7])]);
}

#[test]
fn further_questions_are_kept_apart() {
    let m = Builder::new(QUERY, [3, 0, 0, 0]).question(NAME, 1).question(b"\x02ns\xc0\x10", 28).question(b"\x00", 2).0;
    let mut scratch = DnsScratch::new();
    let d = parse(&m, &mut scratch).unwrap();
    let more: Vec<_> = d.more_questions.iter().map(|q| (q.qname.to_string(), q.qtype)).collect();
    assert_eq!(more, [("ns.example.com".to_owned(), 28), (".".to_owned(), 2)]);
    let d = parse(&m[..m.len() - 2], &mut scratch).unwrap();
    assert_eq!((d.more_questions.len(), d.answers_damaged), (1, true));
}

#[test]
fn only_questions_give_names() {
    for opcode in 0..16 {
        let m = Builder::new(opcode << 11, [1, 0, 0, 0]).question(NAME, 6).0;
        let zone = matches!(opcode, 4 | 5);
        let mut scratch = DnsScratch::new();
        assert_eq!(parse(&m, &mut scratch).err(), zone.then_some(DnsError::NotAQuery), "{opcode}");
    }
    let none = Builder::new(RESPONSE, [0, 1, 0, 0]).record_of(NAME, 1, 1, 0, &[192, 0, 2, 1]).0;
    assert_eq!(parse(&none, &mut DnsScratch::new()).err(), Some(DnsError::NoQuestion));
    assert_eq!(parse(&none[..11], &mut DnsScratch::new()).err(), Some(DnsError::TooShort));
}

#[test]
fn the_question_survives_every_cut_behind_it() {
    let m = Builder::new(RESPONSE, [1, 3, 0, 1])
        .question(NAME, 1)
        .record(5, b"\x03cdn\x07example\x03net\x00")
        .record(1, &[192, 0, 2, 1])
        .record(65, b"\x00\x01\x00\x00\x05\x00\x01\x00")
        .record_of(b"\x00", 41, 1232, 0, b"")
        .0;
    let behind_question = 12 + NAME.len() + 4;
    let mut scratch = DnsScratch::new();
    for cut in 0..=m.len() {
        match parse(&m[..cut], &mut scratch) {
            Ok(d) => {
                assert!(cut >= behind_question);
                assert_eq!(d.qname.to_string(), "www.example.com");
                assert_eq!(d.answers_damaged, cut < m.len(), "{cut}");
            }
            Err(e) => {
                assert!(cut < behind_question);
                assert_eq!(e, if cut < 12 { DnsError::TooShort } else { DnsError::Truncated });
            }
        }
    }
}

#[test]
fn a_malformed_record_costs_only_itself() {
    for (rtype, bad) in [
        (1, &b"\x01\x02\x03"[..]),
        (28, b"\x01\x02\x03\x04"),
        (5, b"\xc0\xff"),
        (5, b"\x03abc\x00trailing"),
        // A name that runs out of its data into the next record.
        (5, b"\x03abc"),
        (65, b"\x00\x01\x00\x00\x04\x00\x03\x01\x02\x03"),
    ] {
        let m = Builder::new(RESPONSE, [1, 2, 0, 0]).question(NAME, 1).record(rtype, bad).record(1, &[192, 0, 2, 1]).0;
        let mut scratch = DnsScratch::new();
        let d = parse(&m, &mut scratch).unwrap();
        assert!(d.answers_damaged && d.cnames.is_empty(), "{rtype} {bad:?}");
        assert_eq!(d.addrs, [Addr::v4([192, 0, 2, 1])]);
    }
    // CHAOS addresses have another form, and are no IP addresses (RFC 1035 section 3.4.1 is for IN).
    let m = Builder::new(RESPONSE, [1, 1, 0, 0]).question(NAME, 1).record_of(b"\xc0\x0c", 1, 3, 0, b"\x00\x00\x01").0;
    let mut scratch = DnsScratch::new();
    let d = parse(&m, &mut scratch).unwrap();
    assert!(d.addrs.is_empty() && !d.answers_damaged);
}

#[test]
fn what_is_kept_is_bounded_and_the_rest_counted() {
    let mut b = Builder::new(RESPONSE, [1, 240, 0, 0]).question(NAME, 1);
    for i in 0..40 {
        b = b.record(5, &[1, b'a' + i % 26, 0xc0, 0x10]);
    }
    for i in 0..200 {
        b = b.record(1, &[192, 0, 2, i]);
    }
    let mut scratch = DnsScratch::new();
    let d = parse(&b.0, &mut scratch).unwrap();
    assert_eq!((d.cnames.len(), d.addrs.len(), d.over_limit), (32, 128, 8 + 72));
    assert!(!d.answers_damaged);

    let mut b = Builder::new(QUERY, [12, 0, 0, 0]);
    for _ in 0..12 {
        b = b.question(b"\x01q\x00", 1);
    }
    let d = parse(&b.0, &mut scratch).unwrap();
    assert_eq!((d.more_questions.len(), d.over_limit), (8, 3));
}

#[test]
fn a_message_full_of_pointers_follows_only_what_is_kept() {
    // 64 KiB of the smallest CNAME records there are: only the targets that are kept are followed.
    let mut b = Builder::new(RESPONSE, [1, 5000, 0, 0]).question(NAME, 1);
    for _ in 0..4600 {
        b = b.record_of(b"\x00", 5, 1, 0, b"\xc0\x0c");
    }
    assert!(b.0.len() < 65_536);
    let mut scratch = DnsScratch::new();
    let d = parse(&b.0, &mut scratch).unwrap();
    assert_eq!((d.cnames.len(), d.over_limit, d.answers_damaged), (32, 4600 - 32, true));
}

proptest! {
    #[test]
    fn no_bytes_panic(m in proptest::collection::vec(any::<u8>(), 0..600), at in 0usize..700) {
        let mut scratch = DnsScratch::new();
        let _ = parse(&m, &mut scratch);
        let _ = probe(&m);
        let _ = tcp::probe(&m);
        let mut name = DomainName::root();
        if let Ok(behind) = read_name(&m, at, &mut name) {
            prop_assert!(behind <= m.len() && behind > at);
        }
        let mut framed = tcp::messages(&m);
        let total: usize = framed.by_ref().map(|message| message.len() + 2).sum();
        prop_assert_eq!(total, framed.consumed());
    }

    #[test]
    fn no_tail_takes_the_question_away(tail in proptest::collection::vec(any::<u8>(), 0..300), answers: u16, others: u16) {
        let mut m = Builder::new(RESPONSE, [1, answers, others, others]).question(NAME, 1).0;
        m.extend_from_slice(&tail);
        let mut scratch = DnsScratch::new();
        let d = parse(&m, &mut scratch).unwrap();
        prop_assert_eq!(d.qname.to_string(), "www.example.com");
        prop_assert!(d.cnames.len() <= 32 && d.addrs.len() <= 128);
    }
}
