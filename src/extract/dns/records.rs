//! The record sections of a response: one walk, front to back, that never looks back but for the names it keeps.

use super::header::Header;
use super::name::{read_name, skip_name};
use super::svcb::read_params;
use crate::model::{Addr, DomainName};

/// CNAME targets kept of one message; resolvers give up at 8 to 16 links.
pub(super) const MAX_CNAMES: usize = 32;
/// Addresses kept of one message.
pub(super) const MAX_ADDRS: usize = 128;

/// Record types (IANA).
const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;
const OPT: u16 = 41;
const SVCB: u16 = 64;
const HTTPS: u16 = 65;
/// The Internet class. CH has an A record too, of another form.
const IN: u16 = 1;

/// What the walk collects.
pub(super) struct Collected<'v> {
    /// CNAME targets, at most [`MAX_CNAMES`].
    pub(super) cnames: &'v mut Vec<DomainName>,
    /// Addresses, at most [`MAX_ADDRS`].
    pub(super) addrs: &'v mut Vec<Addr>,
    /// An `ech` parameter was there.
    pub(super) ech: bool,
    /// The eight high bits of RCODE, if there was an OPT record.
    pub(super) rcode_high: u8,
    /// Targets and addresses that found no room.
    pub(super) over_limit: u32,
    /// A record was malformed, or the message ended before its counts.
    pub(super) damaged: bool,
}

/// The fixed part of a record, and where its data lies.
struct Record {
    rtype: u16,
    class: u16,
    ttl_high: u8,
    rdata: std::ops::Range<usize>,
}

impl Record {
    /// The record at offset `at`; `None` if the message ends inside it or its owner name has a reserved label.
    #[inline]
    fn read(message: &[u8], at: usize) -> Option<Record> {
        let fixed = skip_name(message, at)?;
        let [t0, t1, c0, c1, ttl_high, _, _, _, l0, l1] = *message.get(fixed..)?.first_chunk::<10>()?;
        let start = fixed + 10;
        let end = start + usize::from(u16::from_be_bytes([l0, l1]));
        (end <= message.len()).then_some(Record {
            rtype: u16::from_be_bytes([t0, t1]),
            class: u16::from_be_bytes([c0, c1]),
            ttl_high,
            rdata: start..end,
        })
    }
}

impl Collected<'_> {
    /// Walks the three sections that begin at offset `at`.
    pub(super) fn walk(&mut self, message: &[u8], mut at: usize, header: &Header) {
        for _ in 0..header.answers {
            let Some(record) = Record::read(message, at) else {
                self.damaged = true;
                return;
            };
            at = record.rdata.end;
            self.answer(message, record);
        }
        // Of the other sections only OPT counts, and there is at most one (RFC 6891 section 6.1.1).
        for _ in 0..u32::from(header.authorities) + u32::from(header.additionals) {
            let Some(record) = Record::read(message, at) else {
                self.damaged = true;
                return;
            };
            at = record.rdata.end;
            if record.rtype == OPT {
                self.rcode_high = record.ttl_high;
                return;
            }
        }
    }

    #[inline]
    fn answer(&mut self, message: &[u8], record: Record) {
        let rdata = message.get(record.rdata.clone()).unwrap_or_default();
        match record.rtype {
            A if record.class == IN => match rdata.try_into() {
                Ok(octets) => self.addr(Addr::v4(octets)),
                Err(_) => self.damaged = true,
            },
            AAAA if record.class == IN => match rdata.try_into() {
                Ok(octets) => self.addr(Addr::v6(octets)),
                Err(_) => self.damaged = true,
            },
            CNAME if self.cnames.len() == MAX_CNAMES => self.over_limit += 1,
            CNAME => {
                let mut target = DomainName::root();
                // The data must be the name and nothing else, or some other field has been taken for it.
                if read_name(message, record.rdata.start, &mut target) == Ok(record.rdata.end) {
                    self.cnames.push(target);
                } else {
                    self.damaged = true;
                }
            }
            SVCB | HTTPS if record.class == IN => match read_params(message, record.rdata, |a| self.addr(a)) {
                Some(ech) => self.ech |= ech,
                None => self.damaged = true,
            },
            _ => {}
        }
    }

    #[inline]
    fn addr(&mut self, addr: Addr) {
        if self.addrs.len() < MAX_ADDRS {
            self.addrs.push(addr);
        } else {
            self.over_limit += 1;
        }
    }
}
