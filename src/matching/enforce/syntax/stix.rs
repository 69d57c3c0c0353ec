//! Indicators of STIX 2.1 (OASIS, sections 4.7 and 9) in a bundle, for threat intelligence platforms and what they feed.
//!
//! The id of an indicator is made of its name (UUID version 5, RFC 9562 section 5.5), so a platform that takes in a newer
//! export knows the indicators that it has. All other of it is of the list and the day that is given.

use std::io::{self, Write};

use jiff::civil::Date;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::{Able, Reach, Syntax};

/// The namespace of the ids: drawn once, and never to be changed. That of STIX itself is for observables only.
const NAMESPACE: [u8; 16] =
    [0xc1, 0x9f, 0xa0, 0xb2, 0xfa, 0xdf, 0x42, 0xb1, 0xa0, 0x13, 0x49, 0x78, 0x78, 0x97, 0xa9, 0xa2];

pub(super) struct Stix {
    valid_from: Date,
    /// Over all names, for the id of the bundle; none before the first.
    content: Option<Context>,
}

impl Stix {
    pub(super) fn new(valid_from: Date) -> Self {
        Stix { valid_from, content: None }
    }
}

impl Syntax for Stix {
    fn able(&self) -> Able {
        Able { blocks: &[Reach::Own], passes: &[] }
    }

    fn comment(&self) -> Option<&'static str> {
        None
    }

    fn limits(&self) -> Option<&'static str> {
        Some("an indicator matches its name alone: names under it that are not listed are no match")
    }

    fn head(&self, _serial: u32, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{{\"type\":\"bundle\",\"objects\":[")
    }

    fn block(&mut self, name: &str, _reach: Reach, list: &str, out: &mut dyn Write) -> io::Result<()> {
        let comma = if self.content.is_some() { "," } else { "" };
        let content = self.content.get_or_insert_with(|| Context::new(&SHA1_FOR_LEGACY_USE_ONLY));
        content.update(name.as_bytes());
        content.update(b"\n");
        let id = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[&NAMESPACE, name.as_bytes()].concat());
        let (id, day) = (uuid(id.as_ref()), format_args!("{}T00:00:00.000Z", self.valid_from));
        let label = serde_json::to_string(list)?;
        write!(
            out,
            "{comma}\n{{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--{id}\",\
             \"created\":\"{day}\",\"modified\":\"{day}\",\"name\":\"{name}\",\
             \"pattern\":\"[domain-name:value = '{name}']\",\"pattern_type\":\"stix\",\"valid_from\":\"{day}\",\
             \"labels\":[{label}]}}"
        )
    }

    fn tail(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let content = self.content.take().unwrap_or_else(|| Context::new(&SHA1_FOR_LEGACY_USE_ONLY)).finish();
        let id = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[&NAMESPACE, content.as_ref()].concat());
        writeln!(out, "\n],\"id\":\"bundle--{}\"}}", uuid(id.as_ref()))
    }
}

/// A UUID of version 5 in text.
fn uuid(hash: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (at, octet) in hash.iter().take(16).enumerate() {
        let octet = match at {
            6 => octet & 0x0f | 0x50,
            8 => octet & 0x3f | 0x80,
            _ => *octet,
        };
        let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
        text.push_str(&format!("{dash}{octet:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uuid_is_that_of_the_rfc() {
        // RFC 9562 appendix A.4: the namespace of DNS, and `www.example.com`.
        let dns = [0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0, 0xc0, 0x4f, 0xd4, 0x30, 0xc8];
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[&dns[..], b"www.example.com"].concat());
        assert_eq!(uuid(hash.as_ref()), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    }
}
