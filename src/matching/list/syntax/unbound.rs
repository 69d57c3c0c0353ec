//! unbound's configuration: `local-zone` and `local-data`.
//!
//! ```text
//! server:
//!   local-zone: "casino.example" always_nxdomain
//!   local-zone: "bets.example" redirect
//!   local-data: "bets.example A 192.0.2.1"
//! ```
//!
//! A zone covers its name and everything under it, and its type says whether it blocks. Data with an address blocks one
//! name. `always_transparent` is how people let a name through below a zone that blocks.

use super::super::kind::Kind;
use super::super::rejection::Reason;
use super::{Out, record};

/// Words of one line that are read.
const MAX_WORDS: usize = 64;

/// What a zone of a type does with its names.
fn of_type(zone_type: &str) -> Result<Option<Kind>, Reason> {
    match zone_type.to_ascii_lowercase().as_str() {
        "always_null" | "always_nxdomain" | "always_nodata" | "always_refuse" | "always_deny" | "refuse" | "deny"
        | "redirect" | "static" | "inform_deny" | "inform_redirect" => Ok(Some(Kind::Covers)),
        "always_transparent" => Ok(Some(Kind::Allow)),
        // They answer as usual but for the data that stands elsewhere.
        "transparent" | "typetransparent" | "inform" | "nodefault" => Ok(None),
        "block_a" | "ipset" | "noview" => Err(Reason::NoRule("a type of zone that blocks no site")),
        _ => Err(Reason::NoRule("an unknown type of zone")),
    }
}

/// Whether a line can only be of this syntax.
pub(in super::super) fn is(text: &str) -> bool {
    ["local-zone:", "local-data:", "local-data-ptr:"].iter().any(|key| text.starts_with(key))
        || text.strip_prefix("server:").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

/// Reads a line.
pub(in super::super) fn read(text: &str, out: &mut Out<'_>) {
    let text = match text.strip_prefix("server:").map(str::trim_start) {
        Some("") => return out.ignore(),
        Some(rest) => rest,
        None => text,
    };
    let Some((key, value)) = text.split_once(':') else { return out.reject(Reason::NotOf("unbound")) };
    if key.is_empty() || !key.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
        return out.reject(Reason::NotOf("unbound"));
    }
    match key {
        "local-zone" => zone(value.trim(), out),
        "local-data" => data(value.trim(), out),
        // The way back from an address to a name.
        "local-data-ptr" => out.ignore(),
        "include" | "include-toplevel" => out.reject(Reason::Include),
        _ => out.reject(Reason::Setting("unbound")),
    }
}

/// What stands in quotes, or the first word; and what is behind it.
fn quoted(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(rest) = text.strip_prefix(quote) {
            return rest.split_once(quote).unwrap_or((rest, ""));
        }
    }
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

fn zone(value: &str, out: &mut Out<'_>) {
    let (name, rest) = quoted(value);
    let (zone_type, _) = quoted(rest.trim_start());
    match of_type(zone_type) {
        Ok(Some(_)) if name.trim() == "." => out.reject(Reason::Everything),
        Ok(Some(kind)) => out.name(name.trim(), kind),
        Ok(None) => out.ignore(),
        Err(reason) => out.reject_host(reason, name),
    }
}

fn data(value: &str, out: &mut Out<'_>) {
    let (record, _) = if value.starts_with(['"', '\'']) { quoted(value) } else { (value, "") };
    let words: Vec<&str> = record.split_whitespace().take(MAX_WORDS).collect();
    let Some((owner, rest)) = words.split_first() else { return out.reject(Reason::NoName) };
    match record::split(rest) {
        Some((kind, [_, ..])) if ["A", "AAAA"].iter().any(|known| known.eq_ignore_ascii_case(kind)) => {
            if owner.trim_end_matches('.').eq_ignore_ascii_case("localhost") {
                return out.ignore();
            }
            out.name(owner, Kind::Exact);
        }
        // A text beside the address, or what a redirected zone answers to mail servers.
        Some((_, [_, ..])) => out.ignore(),
        _ => out.reject(Reason::Record),
    }
}
