//! Which formats there are, and how a file shows which one it is.

use crate::matching::lookup::prebuilt::MAGIC;

/// The format a caller asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Format {
    /// A prebuilt rule set if the file starts as one, XML if it starts with `<`; otherwise each line is read as what it
    /// is: with an IP address in front as a line of a hosts file, in the syntax of another tool if it shows that, else as
    /// one name.
    #[default]
    Auto,
    /// One name a line.
    Plain,
    /// `address name name …`.
    Hosts,
    /// Filters of AdBlock Plus, uBlock Origin and AdGuard; also plain and hosts lines, which these programs read too.
    AdBlock,
    /// uBlacklist's match patterns.
    UBlacklist,
    /// dnsmasq's `local`, `address` and `server`.
    Dnsmasq,
    /// unbound's `local-zone` and `local-data`.
    Unbound,
    /// A response policy zone.
    Rpz,
    /// The XML of the register of the Polish Ministry of Finance.
    PolishRegister,
}

/// The format a file turned out to have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// One name a line.
    Plain,
    /// `address name name …`.
    Hosts,
    /// Lines of several kinds.
    Mixed,
    /// AdBlock filters.
    AdBlock,
    /// uBlacklist's match patterns.
    UBlacklist,
    /// dnsmasq's configuration.
    Dnsmasq,
    /// unbound's configuration.
    Unbound,
    /// A response policy zone.
    Rpz,
    /// The Polish register's XML.
    PolishRegister,
}

impl Found {
    /// Every one.
    pub const ALL: [Found; 9] = [
        Found::Plain,
        Found::Hosts,
        Found::Mixed,
        Found::AdBlock,
        Found::UBlacklist,
        Found::Dnsmasq,
        Found::Unbound,
        Found::Rpz,
        Found::PolishRegister,
    ];

    /// The name in output.
    pub const fn name(self) -> &'static str {
        match self {
            Found::Plain => "plain",
            Found::Hosts => "hosts",
            Found::Mixed => "several syntaxes mixed",
            Found::AdBlock => "adblock",
            Found::UBlacklist => "ublacklist",
            Found::Dnsmasq => "dnsmasq",
            Found::Unbound => "unbound",
            Found::Rpz => "rpz",
            Found::PolishRegister => "polish-register",
        }
    }
}

/// What the first octets of a file say that no text file says: the kind of file, for the message.
pub(super) fn not_text(head: &[u8]) -> Option<&'static str> {
    const SIGNATURES: [(&[u8], &str); 9] = [
        (&MAGIC, "a prebuilt rule set"),
        (b"\x1f\x8b", "gzip"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\xfd7zXZ", "xz"),
        (b"BZh", "bzip2"),
        (b"PK\x03\x04", "zip or XLSX"),
        (b"%PDF-", "PDF"),
        (b"\xff\xfe", "UTF-16"),
        (b"\xfe\xff", "UTF-16"),
    ];
    SIGNATURES.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, kind)| *kind)
}

/// Whether a file that starts like this can only be XML (or HTML).
pub(super) fn is_markup(head: &[u8]) -> bool {
    head.trim_ascii_start().starts_with(b"<")
}
