//! A name as a resolver writes it into its log: presentation form (RFC 1035 section 5.1) or plain text, with or without the
//! last dot.

use crate::model::DomainName;

/// The longest label, in octets (RFC 1035 section 2.3.4).
const MAX_LABEL: usize = 63;

/// How a program writes a backslash and what follows it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    /// `\DDD` is an octet and `\X` stands for X.
    Known,
    /// A backslash is one, as in dnsmasq's log.
    None,
}

/// Reads a name. Anything that cannot be printed, a space, a label that is empty or too long, and a name that is too long
/// make it none.
pub(super) fn name(text: &[u8], escapes: Escapes) -> Option<DomainName> {
    if text == b"." {
        return Some(DomainName::root());
    }
    let mut name = DomainName::root();
    let mut label = Vec::with_capacity(MAX_LABEL);
    let mut octets = text.iter().copied();
    let mut open = false;
    while let Some(octet) = octets.next() {
        match octet {
            b'.' => {
                push(&mut name, &mut label)?;
                open = false;
                continue;
            }
            b'\\' if escapes == Escapes::Known => label.push(escaped(&mut octets)?),
            b'!'..=b'~' => label.push(octet),
            _ => return None,
        }
        open = true;
    }
    if open {
        push(&mut name, &mut label)?;
    }
    (!name.is_root()).then_some(name)
}

/// What follows a backslash.
fn escaped(octets: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let first = octets.next()?;
    if !first.is_ascii_digit() {
        return matches!(first, b'!'..=b'~').then_some(first);
    }
    let mut value = u16::from(first - b'0');
    for _ in 0..2 {
        let digit = octets.next().filter(u8::is_ascii_digit)?;
        value = value * 10 + u16::from(digit - b'0');
    }
    u8::try_from(value).ok()
}

fn push(name: &mut DomainName, label: &mut Vec<u8>) -> Option<()> {
    if label.is_empty() || label.len() > MAX_LABEL {
        return None;
    }
    name.push_label(label).ok()?;
    label.clear();
    Some(())
}
