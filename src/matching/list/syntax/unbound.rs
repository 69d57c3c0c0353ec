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
//! name. `always_transparent` lets a name through; `transparent` does so below a zone that blocks, as unbound asks the
//! closest zone only, but elsewhere it says nothing, and it is written around data that blocks.

use super::super::kind::Kind;
use super::super::rejection::Reason;
use super::{Out, record};

/// Words of one line that are read.
const MAX_WORDS: usize = 64;

/// Settings of one line that are read.
const MAX_SETTINGS: usize = 1_024;

/// What a zone does with its names.
enum Zone {
    Blocks,
    Excepts,
    /// Names resolve as usual, but for data that the file gives.
    AsUsual,
    /// Turns off what unbound brings along for private names.
    Nothing,
}

fn of_type(zone_type: &str) -> Result<Zone, Reason> {
    match zone_type.to_ascii_lowercase().as_str() {
        "always_null" | "always_nxdomain" | "always_nodata" | "always_refuse" | "always_deny" | "refuse" | "deny"
        | "redirect" | "static" | "inform_deny" | "inform_redirect" => Ok(Zone::Blocks),
        "always_transparent" => Ok(Zone::Excepts),
        "transparent" | "typetransparent" | "inform" => Ok(Zone::AsUsual),
        "nodefault" => Ok(Zone::Nothing),
        "block_a" | "ipset" | "noview" => Err(Reason::NoRule("a type of zone that blocks no site")),
        _ => Err(Reason::NoRule("an unknown type of zone")),
    }
}

/// Whether a line can only be of this syntax.
pub(in super::super) fn is(text: &str) -> bool {
    ["local-zone:", "local-data:", "local-data-ptr:", "include:", "forward-zone:", "stub-zone:", "auth-zone:"]
        .iter()
        .any(|key| text.starts_with(key))
        || text.strip_prefix("server:").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

/// Reads a line, which may have several settings.
pub(in super::super) fn read(text: &str, out: &mut Out<'_>) {
    let mut rest = text;
    for _ in 0..MAX_SETTINGS {
        rest = setting(rest, out).trim_start();
        if rest.is_empty() {
            return;
        }
    }
    out.reject(Reason::TooMany);
}

/// Reads the first setting of a line. Gives what is behind it.
fn setting<'t>(text: &'t str, out: &mut Out<'_>) -> &'t str {
    let Some((key, value)) = text.split_once(':') else { return refused(Reason::NotOf("unbound"), out) };
    if key.is_empty() || !key.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
        return refused(Reason::NotOf("unbound"), out);
    }
    let value = value.trim_start();
    match key {
        "server" => {
            out.ignore();
            value
        }
        "local-zone" => zone(value, out),
        "local-data" => data(value, out),
        // The way back from an address to a name.
        "local-data-ptr" => {
            out.ignore();
            quoted(value).1
        }
        "include" | "include-toplevel" => refused(Reason::Include, out),
        _ => refused(Reason::Setting("unbound"), out),
    }
}

/// The rest of the line is not looked at: who knows where it goes on.
fn refused(reason: Reason, out: &mut Out<'_>) -> &'static str {
    out.reject(reason);
    ""
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

fn zone<'t>(value: &'t str, out: &mut Out<'_>) -> &'t str {
    let (name, rest) = quoted(value);
    let (zone_type, rest) = quoted(rest.trim_start());
    match of_type(zone_type) {
        Ok(Zone::Blocks) if name.trim() == "." => out.reject(Reason::Everything),
        Ok(Zone::Blocks) => out.name(name.trim(), Kind::Covers),
        Ok(Zone::Excepts) => out.name(name.trim(), Kind::Allow),
        Ok(Zone::AsUsual) => out.pass(name.trim()),
        Ok(Zone::Nothing) => out.ignore(),
        Err(reason) => out.reject_host(reason, name),
    }
    rest
}

fn data<'t>(value: &'t str, out: &mut Out<'_>) -> &'t str {
    let is_quoted = value.starts_with(['"', '\'']);
    let (record, behind) = if is_quoted { quoted(value) } else { (value, "") };
    let words: Vec<&str> = record.split_whitespace().take(MAX_WORDS).collect();
    let Some((owner, rest)) = words.split_first() else { return refused(Reason::NoName, out) };
    let Some((kind, [data, ..])) = record::split(rest) else { return refused(Reason::Record, out) };
    match kind.to_ascii_uppercase().as_str() {
        "A" | "AAAA" if owner.trim_end_matches('.').eq_ignore_ascii_case("localhost") => out.ignore(),
        "A" | "AAAA" => out.name(owner, Kind::Exact),
        "CNAME" => {
            let name = owner.trim_end_matches('.').to_ascii_lowercase();
            match record::leads_away(&name, &data.to_ascii_lowercase()) {
                Ok(()) => out.name(owner, Kind::Exact),
                Err(reason) => {
                    // The zone around it was there for this.
                    out.revoke(owner, Kind::Covers);
                    out.reject(reason);
                }
            }
        }
        // A text beside the address, or what a redirected zone answers to mail servers.
        _ => out.ignore(),
    }
    behind
}
