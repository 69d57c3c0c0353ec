//! A script of static DNS entries for MikroTik's RouterOS 7, for `/import`. It takes away what it made before.
//!
//! RouterOS forwards only to servers that are named in the entry itself, so there is no exception from
//! `match-subdomain`: a name with an allow under it is blocked alone.

use std::io::{self, Write};
use std::net::IpAddr;

use super::{Able, Answer, Reach, Syntax};

/// By which the script knows its own entries.
const MARK: &str = "stakeout";

pub(super) struct Mikrotik(pub(super) Answer);

impl Syntax for Mikrotik {
    fn able(&self) -> Able {
        Able { blocks: &[Reach::Whole, Reach::Own], passes: &[] }
    }

    fn comment(&self) -> Option<&'static str> {
        Some("#")
    }

    fn head(&self, _serial: u32, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "/ip dns static")?;
        writeln!(out, "remove [find where comment=\"{MARK}\"]")
    }

    fn block(&mut self, name: &str, reach: Reach, _list: &str, out: &mut dyn Write) -> io::Result<()> {
        let rest = format!("{}comment=\"{MARK}\"", if reach.is_below() { "match-subdomain=yes " } else { "" });
        let Answer::Sink(sink) = &self.0 else {
            return writeln!(out, "add name=\"{name}\" type=NXDOMAIN {rest}");
        };
        sink.addresses().try_for_each(|address| {
            let rtype = if matches!(address, IpAddr::V4(_)) { "A" } else { "AAAA" };
            writeln!(out, "add name=\"{name}\" type={rtype} address={address} {rest}")
        })
    }
}
