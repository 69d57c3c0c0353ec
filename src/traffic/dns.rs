//! Writes DNS messages (RFC 1035), with name compression, for the questions and answers of the invented subscribers.

/// Record types (IANA registry).
pub(super) mod kind {
    pub(in super::super) const A: u16 = 1;
    pub(in super::super) const CNAME: u16 = 5;
    pub(in super::super) const SOA: u16 = 6;
    pub(in super::super) const PTR: u16 = 12;
    pub(in super::super) const TXT: u16 = 16;
    pub(in super::super) const AAAA: u16 = 28;
    pub(in super::super) const OPT: u16 = 41;
    pub(in super::super) const HTTPS: u16 = 65;
}

/// RCODE of a name that does not exist.
pub(super) const NXDOMAIN: u16 = 3;

/// The record sections in their order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Section {
    Answer = 6,
    Authority = 8,
    Additional = 10,
}

/// A message under construction. Names in it are text without escapes; lengths beyond what DNS allows are for the
/// caller to avoid.
pub(super) struct Message<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    /// Where names that can be pointed at begin, seen from the start of the message.
    known: Vec<u16>,
}

const HEADER: usize = 12;

impl<'a> Message<'a> {
    /// Starts a query at the end of `out`.
    pub(super) fn query(out: &'a mut Vec<u8>, id: u16) -> Self {
        Self::new(out, id, 0x0100)
    }

    /// Starts a recursive resolver's response with this RCODE; `truncated` sets TC.
    pub(super) fn response(out: &'a mut Vec<u8>, id: u16, rcode: u16, truncated: bool) -> Self {
        Self::new(out, id, 0x8180 | rcode | if truncated { 0x0200 } else { 0 })
    }

    fn new(out: &'a mut Vec<u8>, id: u16, flags: u16) -> Self {
        let start = out.len();
        out.extend_from_slice(&id.to_be_bytes());
        out.extend_from_slice(&flags.to_be_bytes());
        out.resize(start + HEADER, 0);
        Message { out, start, known: Vec::new() }
    }

    /// The one question, class IN.
    pub(super) fn question(&mut self, name: &str, qtype: u16) {
        self.count(4);
        self.name(name);
        self.u16(qtype);
        self.u16(1);
    }

    /// A record of class IN whose data are these octets.
    pub(super) fn record(&mut self, section: Section, owner: &str, rtype: u16, ttl: u32, data: &[u8]) {
        self.open(section, owner, rtype, 1, ttl);
        self.u16(data.len() as u16);
        self.out.extend_from_slice(data);
    }

    /// A CNAME or PTR record.
    pub(super) fn alias(&mut self, owner: &str, rtype: u16, ttl: u32, target: &str) {
        self.open(Section::Answer, owner, rtype, 1, ttl);
        self.sized(|message| message.name(target));
    }

    /// The SOA record of a negative answer (RFC 2308).
    pub(super) fn authority(&mut self, zone: &str) {
        self.open(Section::Authority, zone, kind::SOA, 1, 900);
        self.sized(|message| {
            message.name(zone);
            message.name(zone);
            for field in [2_026_112_401u32, 7_200, 900, 1_209_600, 900] {
                message.out.extend_from_slice(&field.to_be_bytes());
            }
        });
    }

    /// The OPT pseudo-record (RFC 6891) with these options.
    pub(super) fn edns(&mut self, payload_size: u16, options: &[u8]) {
        self.open(Section::Additional, "", kind::OPT, payload_size, 0);
        self.u16(options.len() as u16);
        self.out.extend_from_slice(options);
    }

    fn open(&mut self, section: Section, owner: &str, rtype: u16, class: u16, ttl: u32) {
        self.count(section as usize);
        self.name(owner);
        self.u16(rtype);
        self.u16(class);
        self.out.extend_from_slice(&ttl.to_be_bytes());
    }

    /// RDATA written by `body`, with its length in front.
    fn sized(&mut self, body: impl FnOnce(&mut Self)) {
        let at = self.out.len();
        self.u16(0);
        body(self);
        let len = (self.out.len() - at - 2) as u16;
        self.out[at..at + 2].copy_from_slice(&len.to_be_bytes());
    }

    fn u16(&mut self, value: u16) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    fn count(&mut self, at: usize) {
        self.out[self.start + at + 1] += 1;
    }

    /// A name, with a pointer for the longest parent that the message holds already (RFC 1035 section 4.1.4).
    fn name(&mut self, text: &str) {
        let mut rest = text;
        // Not those of this name itself, which is not whole yet.
        let known = self.known.len();
        while !rest.is_empty() {
            if let Some(at) = self.known[..known].iter().find(|at| self.is_at(usize::from(**at), rest)) {
                self.u16(0xc000 | at);
                return;
            }
            let at = self.out.len() - self.start;
            if at < 0x4000 {
                self.known.push(at as u16);
            }
            let (label, parent) = rest.split_once('.').unwrap_or((rest, ""));
            self.out.push(label.len() as u8);
            self.out.extend_from_slice(label.as_bytes());
            rest = parent;
        }
        self.out.push(0);
    }

    /// Whether the name written at this offset is `text`, letter case aside.
    fn is_at(&self, mut at: usize, text: &str) -> bool {
        let message = &self.out[self.start..];
        let mut labels = text.split('.').filter(|label| !label.is_empty());
        loop {
            match message[at] {
                0 => return labels.next().is_none(),
                len if len & 0xc0 == 0xc0 => at = usize::from(len & 0x3f) << 8 | usize::from(message[at + 1]),
                len => {
                    let label = &message[at + 1..at + 1 + usize::from(len)];
                    if !labels.next().is_some_and(|own| own.as_bytes().eq_ignore_ascii_case(label)) {
                        return false;
                    }
                    at += 1 + label.len();
                }
            }
        }
    }
}

/// RDATA of an HTTPS record (RFC 9460) in service mode: ALPN, address hints and, if asked for, `ech` (RFC 9848).
pub(super) fn https(out: &mut Vec<u8>, v4: [u8; 4], v6: [u8; 16], ech: Option<&[u8]>) {
    out.extend_from_slice(&[0, 1, 0]);
    let mut parameter = |key: u16, value: &[u8]| {
        out.extend_from_slice(&key.to_be_bytes());
        out.extend_from_slice(&(value.len() as u16).to_be_bytes());
        out.extend_from_slice(value);
    };
    parameter(1, b"\x02h2\x02h3");
    parameter(4, &v4);
    if let Some(configs) = ech {
        parameter(5, configs);
    }
    parameter(6, &v6);
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::Message as Oracle;
    use hickory_proto::rr::RecordType;

    use super::*;

    #[test]
    fn another_decoder_reads_the_same() {
        let mut out = vec![0xaa; 3];
        let mut message = Message::response(&mut out, 0x1234, 0, false);
        message.question("wWw.Brufen.Example", kind::A);
        message.alias("www.brufen.example", kind::CNAME, 60, "edge.gimhop.example");
        message.alias("edge.gimhop.example", kind::CNAME, 60, "n1.edge.gimhop.example");
        message.record(Section::Answer, "n1.edge.gimhop.example", kind::A, 60, &[198, 18, 0, 1]);
        let mut hints = Vec::new();
        https(&mut hints, [198, 18, 0, 1], [0x20; 16], Some(b"\x00\x04abcd"));
        message.record(Section::Answer, "n1.edge.gimhop.example", kind::HTTPS, 60, &hints);
        message.edns(1_232, &[]);
        let read = Oracle::from_vec(&out[3..]).expect("readable");
        assert_eq!(read.queries[0].name().to_string(), "wWw.Brufen.Example.");
        let answers: Vec<_> = read.answers.iter().map(|r| (r.name.to_string(), r.record_type())).collect();
        // The pointer leads into the question, whose letters are the client's.
        assert_eq!(answers[1].0, "edge.gimhop.Example.");
        assert_eq!(answers[2], ("n1.edge.gimhop.Example.".into(), RecordType::A));
        assert_eq!(answers.len(), 4);
        // Compression: the second occurrence of a name is a pointer.
        assert_eq!(out.windows(6).filter(|w| w.eq_ignore_ascii_case(b"gimhop")).count(), 1);
    }

    #[test]
    fn negative_answers_carry_the_zone() {
        let mut out = Vec::new();
        let mut message = Message::response(&mut out, 7, NXDOMAIN, true);
        message.question("nowhere.brufen.example", kind::AAAA);
        message.authority("brufen.example");
        let read = Oracle::from_vec(&out).expect("readable");
        assert_eq!(read.authorities.len(), 1);
        assert_eq!(read.authorities[0].name.to_string(), "brufen.example.");
        assert_eq!(out[3] & 0x0f, 3);
        assert_eq!(out[2] & 0x02, 2, "TC");
    }
}
