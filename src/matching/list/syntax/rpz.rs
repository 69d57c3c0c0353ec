//! Response policy zones (draft-vixie-dnsop-dns-rpz), written as a zone file (RFC 1035 section 5).
//!
//! ```text
//! $TTL 300
//! @ SOA localhost. root.localhost. ( 2026112401 1h 15m 30d 2h )
//!   NS  localhost.
//! casino.example     CNAME .
//! *.casino.example   CNAME .
//! licensed.example   CNAME rpz-passthru.
//! ```
//!
//! The owner below the zone's apex is the name that is meant: alone it means itself, with `*.` what is under it, both
//! together the whole site (see [`Kind`]). Data says what is answered; whatever it is in place of the truth, the name is
//! blocked, except for the safe-search names of search engines, `rpz-passthru.` and `rpz-tcp-only.`. Triggers by address
//! or name server are refused: nobody can see from a name whether they would match.

use super::super::kind::Kind;
use super::super::rejection::Reason;
use super::{Out, record};

/// Octets of one record over several lines.
const MAX_RECORD: usize = 64 * 1024;

/// Words of one record that are read: more than any that means something has.
const MAX_WORDS: usize = 64;

/// Last labels of owners that are no names.
const TRIGGERS: [&str; 4] = ["rpz-ip", "rpz-client-ip", "rpz-nsip", "rpz-nsdname"];

/// Whether a line can only be of a zone file.
pub(in super::super) fn is(text: &str) -> bool {
    if text.starts_with('$') {
        return directive(text).is_some();
    }
    let mut words = [""; 6];
    let mut count = 0;
    for (slot, word) in words.iter_mut().zip(text.split_whitespace()) {
        (*slot, count) = (word, count + 1);
    }
    let words = words.get(1..count).unwrap_or_default();
    match record::split(words) {
        Some((kind, [first, ..])) => match kind.to_ascii_uppercase().as_str() {
            "CNAME" | "SOA" => true,
            "A" | "AAAA" => first.parse::<std::net::IpAddr>().is_ok(),
            _ => false,
        },
        _ => false,
    }
}

/// `$TTL` and its like in upper case, and what is behind.
fn directive(text: &str) -> Option<(&'static str, &str)> {
    let (word, rest) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
    let known = ["$TTL", "$ORIGIN", "$INCLUDE", "$GENERATE"].into_iter().find(|known| known.eq_ignore_ascii_case(word));
    known.map(|known| (known, rest.trim()))
}

/// What earlier lines of a zone file say about later ones.
pub(in super::super) struct Zone {
    /// A directive or an SOA was seen: all that follows is the zone.
    active: bool,
    /// What relative names are relative to, without the last dot; empty for the root, none where it is not said.
    origin: Option<String>,
    /// The zone itself, in the same form.
    apex: Option<String>,
    /// The name that the last owner means, for lines without one.
    last: Result<String, Reason>,
    /// The beginning of a record in parentheses, and how many are open.
    begun: String,
    depth: u32,
    inherits: bool,
}

impl Default for Zone {
    fn default() -> Self {
        Zone {
            active: false,
            origin: None,
            apex: None,
            last: Err(Reason::NoName),
            begun: String::new(),
            depth: 0,
            inherits: false,
        }
    }
}

impl Zone {
    /// Whether the next line belongs to the zone, whatever it looks like.
    pub(in super::super) fn goes_on(&self) -> bool {
        self.active || self.depth > 0
    }

    /// Reads a line with the white space in front of it, which says that it has no owner of its own.
    pub(in super::super) fn read(&mut self, raw: &str, out: &mut Out<'_>) {
        if self.depth == 0 {
            self.begun.clear();
            self.inherits = raw.starts_with([' ', '\t']);
        }
        self.add(raw);
        if self.begun.len() > MAX_RECORD {
            (self.depth, self.begun) = (0, String::new());
            return out.reject(Reason::LineTooLong);
        }
        if self.depth > 0 {
            return;
        }
        let record = std::mem::take(&mut self.begun);
        let text = record.trim();
        if text.is_empty() {
            return;
        }
        if text.starts_with('$') {
            self.directive(text, out);
        } else {
            self.record(text, out);
        }
        self.begun = record;
    }

    /// What is to be said at the end of the file.
    pub(in super::super) fn end(&self, out: &mut Out<'_>) {
        if self.depth > 0 {
            out.reject(Reason::Record);
        }
    }

    /// Adds a line to the record that was begun, without comment and parentheses.
    fn add(&mut self, raw: &str) {
        let (mut quoted, mut escaped) = (false, false);
        for c in raw.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => quoted = !quoted,
                _ if quoted => {}
                ';' => break,
                '(' => {
                    self.depth += 1;
                    self.begun.push(' ');
                    continue;
                }
                ')' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.begun.push(' ');
                    continue;
                }
                _ => {}
            }
            self.begun.push(c);
        }
        self.begun.push(' ');
    }

    fn directive(&mut self, text: &str, out: &mut Out<'_>) {
        self.active = true;
        match directive(text) {
            Some(("$TTL", _)) => out.ignore(),
            Some(("$ORIGIN", name)) => {
                let name = name.to_ascii_lowercase();
                let origin = match (name.strip_suffix('.'), &self.origin) {
                    (Some(absolute), _) => absolute.to_owned(),
                    (None, Some(origin)) if !origin.is_empty() => format!("{name}.{origin}"),
                    (None, _) => name,
                };
                // Without an SOA the first origin is the zone.
                self.apex.get_or_insert_with(|| origin.clone());
                self.origin = Some(origin);
                out.ignore();
            }
            Some(("$INCLUDE", _)) => out.reject(Reason::Include),
            _ => out.reject(Reason::Setting("a zone file")),
        }
    }

    fn record(&mut self, text: &str, out: &mut Out<'_>) {
        let words: Vec<&str> = text.split_whitespace().take(MAX_WORDS).collect();
        let (owner, rest) = match words.split_first() {
            Some((owner, rest)) if !self.inherits => (Some(*owner), rest),
            _ => (None, words.as_slice()),
        };
        let Some((kind, data)) = record::split(rest) else { return out.reject(Reason::Record) };
        let kind = kind.to_ascii_uppercase();
        if kind == "SOA" {
            self.active = true;
            self.start(owner.unwrap_or("@"));
            self.last = Err(Reason::NoName);
            return out.ignore();
        }
        if let Some(owner) = owner {
            self.last = self.trigger(owner);
        }
        let Some(data) = data.first() else { return out.reject(Reason::Record) };
        let action = match kind.as_str() {
            "CNAME" => self.target(data),
            "A" | "AAAA" => Ok(false),
            // What is said of the zone itself.
            "NS" | "RRSIG" | "NSEC" | "NSEC3" | "NSEC3PARAM" | "DNSKEY" | "CDS" | "CDNSKEY" | "ZONEMD" => {
                return out.ignore();
            }
            "TXT" | "MX" | "SRV" | "CAA" | "PTR" | "HTTPS" | "SVCB" if self.last == Err(Reason::NoName) => {
                return out.ignore();
            }
            // A name with data of any type has no other: who asks for its address is told that there is none.
            "TXT" | "MX" | "SRV" | "CAA" | "PTR" | "HTTPS" | "SVCB" => Ok(false),
            _ => Err(Reason::Record),
        };
        match (&self.last, &action) {
            (Err(reason), _) | (_, Err(reason)) => out.reject(*reason),
            (Ok(name), Ok(allow)) => {
                let (name, kind) = match name.strip_prefix("*.") {
                    Some(name) => (name, Kind::Below),
                    None => (name.as_str(), Kind::Exact),
                };
                out.name(name, if *allow { kind.allowed() } else { kind });
            }
        }
    }

    /// Notes the zone from the owner of its SOA.
    fn start(&mut self, owner: &str) {
        let owner = owner.to_ascii_lowercase();
        let apex = match (owner.as_str(), owner.strip_suffix('.'), &self.origin) {
            ("@", _, origin) => origin.clone(),
            (_, Some(absolute), _) => Some(absolute.to_owned()),
            (relative, None, Some(origin)) if !origin.is_empty() => Some(format!("{relative}.{origin}")),
            (relative, None, Some(_)) => Some(relative.to_owned()),
            (_, None, None) => None,
        };
        if apex.is_some() {
            self.origin = self.origin.take().or_else(|| apex.clone());
            self.apex = apex;
        }
    }

    /// The name that an owner means: what of it is below the zone.
    fn trigger(&self, owner: &str) -> Result<String, Reason> {
        let owner = owner.to_ascii_lowercase();
        let (full, zone) = match (owner.strip_suffix('.'), &self.origin) {
            _ if owner == "@" => return Err(Reason::NoName),
            (Some(absolute), _) => (absolute.to_owned(), self.apex.as_deref().ok_or(Reason::OutOfZone)?),
            (None, None) => (owner, ""),
            (None, Some(origin)) if origin.is_empty() => (owner, self.apex.as_deref().unwrap_or("")),
            (None, Some(origin)) => (format!("{owner}.{origin}"), self.apex.as_deref().unwrap_or(origin)),
        };
        let name = match zone {
            "" => full.as_str(),
            _ if full == zone => return Err(Reason::NoName),
            _ => full.strip_suffix(zone).and_then(|rest| rest.strip_suffix('.')).ok_or(Reason::OutOfZone)?,
        };
        match name.rsplit('.').next() {
            Some(last) if TRIGGERS.contains(&last) => Err(Reason::Trigger),
            _ => Ok(name.to_owned()),
        }
    }

    /// Whether a CNAME lets the name through (`true`) or blocks it.
    fn target(&self, target: &str) -> Result<bool, Reason> {
        let target = target.to_ascii_lowercase();
        match target.as_str() {
            "." | "*." | "rpz-drop." => return Ok(false),
            "rpz-passthru." => return Ok(true),
            "rpz-tcp-only." => return Err(Reason::NoRule("an order to ask again over TCP")),
            other if other.starts_with("rpz-") => return Err(Reason::NoRule("an unknown action of RPZ")),
            _ => {}
        }
        let Ok(owner) = &self.last else { return Ok(false) };
        if target.strip_suffix('.') == Some(owner) {
            // How the first drafts wrote `rpz-passthru.`
            return Ok(true);
        }
        record::leads_away(owner, &target).map(|()| false)
    }
}
