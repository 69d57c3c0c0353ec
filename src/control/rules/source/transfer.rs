//! How a list is got from its place, where that takes more than an address.

use super::read::{MAX_TEXT, optional};
use crate::control::config::reader::{Table, text_item};
use crate::control::rules::fetch::NamePattern;

/// The most further hosts.
const MAX_HOSTS: usize = 16;

/// Settings of a transfer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Transfer {
    /// `pattern`: the `url` is a page with links, or the place is a `directory`, and the newest file whose name looks like
    /// this is the list ([`NamePattern`]). Required for a directory.
    pub pattern: Option<String>,
    /// `other_hosts`: hosts beside its own to which the register may redirect or link, at most 16.
    pub other_hosts: Vec<String>,
    /// `accept`: the header `Accept`, for servers with several forms to choose from.
    pub accept: Option<String>,
    /// `mislabelled`: take what the server calls `text/html`. Default false.
    pub mislabelled: bool,
}

impl Transfer {
    /// Reads its fields, which stand beside those of the place.
    pub(super) fn read(t: &mut Table<'_, '_>) -> Transfer {
        let text = |text: String| Some(text).filter(|text| !text.is_empty());
        let pattern = text(optional(t, "pattern"));
        if let Some(why) = pattern.as_ref().and_then(|pattern| pattern.parse::<NamePattern>().err()) {
            t.error_at("pattern", format!("`pattern`: {why}"), "write it like pattern = \"blocklist_{date}.txt\"");
        }
        let is_host = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        let other_hosts = t.list("other_hosts", 0..=MAX_HOSTS, |item| {
            let host = text_item(item)?;
            let fits = !host.is_empty() && host.len() < MAX_TEXT / 2 && host.chars().all(is_host);
            if fits { Ok(host.to_ascii_lowercase()) } else { Err(format!("{host:?} is no name of a host")) }
        });
        let accept = text(optional(t, "accept"));
        if accept.as_ref().is_some_and(|accept| !accept.bytes().all(|octet| (b' '..=b'~').contains(&octet))) {
            t.error_at("accept", "`accept` is no header", "write it like accept = \"application/xml\"");
        }
        let mislabelled = t.boolean("mislabelled").unwrap_or(false);
        Transfer { pattern, other_hosts: other_hosts.unwrap_or_default(), accept, mislabelled }
    }
}
