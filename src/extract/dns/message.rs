//! One message: the question strictly, the records as far as they are whole.

use super::DnsError;
use super::header::Header;
use super::name::read_name;
use super::records::{Collected, MAX_ADDRS, MAX_CNAMES};
use crate::model::{Addr, DomainName};

/// Opcodes whose messages name a zone that somebody keeps, not a name that somebody asks for (RFC 1996, RFC 2136).
const NOTIFY: u8 = 4;
const UPDATE: u8 = 5;

/// Questions kept behind the first. More than one is almost never sent (RFC 9619 forbids it), so few are enough.
const MAX_MORE_QUESTIONS: usize = 8;

/// One question (RFC 1035 section 4.1.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Question {
    /// QNAME; the root is a name too.
    pub qname: DomainName,
    /// QTYPE.
    pub qtype: u16,
    /// QCLASS; 1 is the Internet.
    pub qclass: u16,
}

/// Memory that [`parse`] uses again for every message: one a worker, some 12 KiB, allocated once.
#[derive(Debug)]
pub struct DnsScratch {
    qname: DomainName,
    more_questions: Vec<Question>,
    cnames: Vec<DomainName>,
    addrs: Vec<Addr>,
}

impl DnsScratch {
    /// With room for all that one message may give.
    pub fn new() -> Self {
        DnsScratch {
            qname: DomainName::root(),
            more_questions: Vec::with_capacity(MAX_MORE_QUESTIONS),
            cnames: Vec::with_capacity(MAX_CNAMES),
            addrs: Vec::with_capacity(MAX_ADDRS),
        }
    }
}

impl Default for DnsScratch {
    fn default() -> Self {
        Self::new()
    }
}

/// What a message says. Borrowed from the [`DnsScratch`] that it was parsed with.
#[derive(Clone, Copy, Debug)]
pub struct DnsMessage<'s> {
    /// Transaction identifier.
    pub id: u16,
    /// QR: a response, as against a query.
    pub is_response: bool,
    /// OPCODE; almost always 0, a standard query, and never 4 or 5.
    pub opcode: u8,
    /// RCODE of a response, with its high bits from EDNS where it has them (RFC 6891 section 6.1.3): 0 to 4095. 0 in a query.
    pub rcode: u16,
    /// The first question's name; may be the root.
    pub qname: &'s DomainName,
    /// The first question's type.
    pub qtype: u16,
    /// The first question's class; 1 is the Internet.
    pub qclass: u16,
    /// Further questions, at most 8; empty in all ordinary traffic.
    pub more_questions: &'s [Question],
    /// Targets of the CNAME records of the answer section, in order, at most 32.
    pub cnames: &'s [DomainName],
    /// Addresses of the answer section: A, AAAA, and the hints of SVCB and HTTPS; in order, at most 128.
    pub addrs: &'s [Addr],
    /// An SVCB or HTTPS record in the answer section has an `ech` parameter (RFC 9848).
    pub ech: bool,
    /// TC: the server left records out.
    pub truncated_answer: bool,
    /// Something behind the first question is malformed or missing; what was whole is here. Counted as
    /// [`Counter::DnsAnswersDamaged`](crate::model::Counter).
    pub answers_damaged: bool,
    /// Questions (as claimed), targets and addresses beyond what is kept of one message. Counted as
    /// [`Counter::DnsOverLimit`](crate::model::Counter).
    pub over_limit: u32,
}

/// Reads a message as UDP or [`tcp::messages`](super::tcp::messages) hands it over. Of a query nothing behind the
/// questions is read, of a response nothing but what [`DnsMessage`] has fields for.
///
/// A message that the capture cut short gives its question if that is whole.
///
/// # Errors
/// See [`DnsError`]: always about the header or the first question.
#[inline]
pub fn parse<'s>(message: &[u8], scratch: &'s mut DnsScratch) -> Result<DnsMessage<'s>, DnsError> {
    let header = Header::read(message).ok_or(DnsError::TooShort)?;
    if matches!(header.opcode(), NOTIFY | UPDATE) {
        return Err(DnsError::NotAQuery);
    }
    if header.questions == 0 {
        return Err(DnsError::NoQuestion);
    }
    let behind_name = read_name(message, Header::LEN, &mut scratch.qname)?;
    let (qtype, qclass) = type_and_class(message, behind_name).ok_or(DnsError::Truncated)?;
    let only_question = DnsMessage {
        id: header.id,
        is_response: header.is_response(),
        opcode: header.opcode(),
        rcode: 0,
        qname: &scratch.qname,
        qtype,
        qclass,
        more_questions: &[],
        cnames: &[],
        addrs: &[],
        ech: false,
        truncated_answer: header.is_truncated(),
        answers_damaged: false,
        over_limit: 0,
    };
    if header.questions == 1 && !header.is_response() {
        return Ok(only_question);
    }
    Ok(rest(
        message,
        behind_name + 4,
        &header,
        only_question,
        &mut scratch.more_questions,
        &mut scratch.cnames,
        &mut scratch.addrs,
    ))
}

/// Adds what lies behind the first question, from offset `at`.
fn rest<'s>(
    message: &[u8],
    mut at: usize,
    header: &Header,
    mut found: DnsMessage<'s>,
    more_questions: &'s mut Vec<Question>,
    cnames: &'s mut Vec<DomainName>,
    addrs: &'s mut Vec<Addr>,
) -> DnsMessage<'s> {
    more_questions.clear();
    cnames.clear();
    addrs.clear();
    for _ in 1..header.questions {
        if more_questions.len() == MAX_MORE_QUESTIONS {
            // A ninth question: what is behind it stays unread too, as nobody sends such a thing.
            found.over_limit = u32::from(header.questions) - 1 - MAX_MORE_QUESTIONS as u32;
            found.answers_damaged = true;
            break;
        }
        let mut qname = DomainName::root();
        let Ok(behind_name) = read_name(message, at, &mut qname) else {
            found.answers_damaged = true;
            break;
        };
        let Some((qtype, qclass)) = type_and_class(message, behind_name) else {
            found.answers_damaged = true;
            break;
        };
        more_questions.push(Question { qname, qtype, qclass });
        at = behind_name + 4;
    }
    found.more_questions = more_questions;
    if !found.is_response {
        return found;
    }
    found.rcode = header.rcode();
    if found.answers_damaged {
        return found;
    }
    let mut collected = Collected { cnames, addrs, ech: false, rcode_high: 0, over_limit: 0, damaged: false };
    collected.walk(message, at, header);
    found.ech = collected.ech;
    found.rcode |= u16::from(collected.rcode_high) << 4;
    found.over_limit += collected.over_limit;
    found.answers_damaged = collected.damaged;
    found.cnames = collected.cnames;
    found.addrs = collected.addrs;
    found
}

/// QTYPE and QCLASS at offset `at`.
#[inline]
fn type_and_class(message: &[u8], at: usize) -> Option<(u16, u16)> {
    let [t0, t1, c0, c1] = *message.get(at..)?.first_chunk::<4>()?;
    Some((u16::from_be_bytes([t0, t1]), u16::from_be_bytes([c0, c1])))
}
