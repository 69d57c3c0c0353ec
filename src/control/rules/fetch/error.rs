//! Everything that can go wrong with a fetch. Each says what, where, and what to do.
//!
//! Addresses are shown without their query, which may hold a key.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// What a time-out waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// The connection, TLS included.
    Connect,
    /// The next piece of the body.
    Idle,
    /// The whole of it.
    Total,
}

/// Why a redirection was not followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detour {
    /// To a host that the source does not name.
    OtherHost,
    /// From https to http.
    Downgrade,
    /// Five were followed already.
    TooMany,
    /// Without an address, or to none that is one.
    Nowhere,
}

/// What is wrong with an index page, or with a directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IndexFault {
    /// No name matches.
    NoMatch,
    /// Several match, and the pattern tells no order; how many.
    Ambiguous(usize),
    /// The page breaks off.
    HalfPage,
    /// The newest is older than what was taken last time.
    WentBack {
        /// The newest now.
        newest: String,
        /// The one taken last time.
        last: String,
    },
    /// The link that matches goes to a host that the source does not name.
    Elsewhere(String),
}

/// Why a register was not fetched. The one in force stays.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The address is none that can be fetched.
    #[error("{url}: {reason}; correct the address of the source")]
    BadUrl {
        /// As given.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A setting of the request cannot be used.
    #[error("{setting}: {reason}; correct this setting of the source")]
    BadSetting {
        /// Which.
        setting: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Plain http, which the source does not allow.
    #[error("{url}: plain http can be altered on the way; use https, or set insecure = true for this source")]
    Insecure {
        /// The address.
        url: String,
    },
    /// There are no certificates to trust.
    #[error("no certificates to trust in {at}: {reason}; install ca-certificates, or correct the path of the CA file")]
    Trust {
        /// The file, or words for the system's store.
        at: String,
        /// What is wrong.
        reason: String,
    },
    /// The name has no address.
    #[error("{host}: cannot be resolved: {reason}; is the resolver of this machine up, and the name right?")]
    Dns {
        /// The name.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// No connection.
    #[error("{at}: cannot connect: {reason}; does a firewall stand between, or is a proxy needed?")]
    Connect {
        /// Host and port.
        at: String,
        /// What the system said.
        reason: String,
    },
    /// The proxy gives no tunnel.
    #[error("{at}: the proxy gives no tunnel: {reason}; check the proxy's rules and password")]
    Proxy {
        /// Host and port of the goal.
        at: String,
        /// What the proxy said.
        reason: String,
    },
    /// TLS was refused, by us or by the server.
    #[error("{at}: TLS failed: {reason}; if this is a private mirror, give its CA file")]
    Tls {
        /// Host and port.
        at: String,
        /// Why.
        reason: String,
        /// It broke off rather than being refused.
        broken_off: bool,
    },
    /// It took too long.
    #[error("{url}: {} after {} s, {bytes} octets in; raise the time-out of the source if it is always so slow",
        match phase { Phase::Connect => "no connection", Phase::Idle => "nothing more came", Phase::Total => "not whole" },
        after.as_secs_f32())]
    TimedOut {
        /// The address.
        url: String,
        /// What it waited for.
        phase: Phase,
        /// The bound.
        after: Duration,
        /// Octets of the body until then.
        bytes: u64,
    },
    /// An answer other than the register.
    #[error("{url}: the server answers {code}; {}", match code {
        401 | 403 => "it does not let us in: ask the authority",
        404 | 410 => "it is not there: has the address changed?",
        429 => "we ask too often: lengthen the schedule",
        500..=599 => "it has trouble of its own: try later",
        _ => "look at the address with a browser",
    })]
    Status {
        /// The address.
        url: String,
        /// The status code.
        code: u16,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// Longer than the source may be.
    #[error("{url}: longer than {limit} octets{}; raise max_bytes of the source if that is right",
        if *packed { " when unpacked" } else { "" })]
    TooLarge {
        /// The address or path.
        url: String,
        /// The bound in octets.
        limit: u64,
        /// It was packed, and grew in unpacking.
        packed: bool,
    },
    /// The body ended before its end.
    #[error("{url}: cut off after {bytes} octets{}; nothing of it was taken",
        announced.map(|n| format!(" of {n}")).unwrap_or_default())]
    Cut {
        /// The address.
        url: String,
        /// Octets that came.
        bytes: u64,
        /// Octets that were promised.
        announced: Option<u64>,
    },
    /// Nothing tells whether the body is whole.
    #[error("{url}: the answer does not say where it ends, so that a cut one looks the same; use https")]
    Endless {
        /// The address.
        url: String,
    },
    /// Packing that was not asked for, or is damaged.
    #[error("{url}: {reason}; set accept_compressed = false for this source if it stays so")]
    Encoding {
        /// The address.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A redirection that was not followed.
    #[error("{url}: redirects to {to}, {}", match reason {
        Detour::OtherHost => "another host; if that is right, name it in other_hosts of the source",
        Detour::Downgrade => "which is plain http; use an address that stays with https",
        Detour::TooMany => "the sixth time; look at the address with a browser",
        Detour::Nowhere => "which is no address; look at it with a browser",
    })]
    Redirect {
        /// From where.
        url: String,
        /// To where.
        to: String,
        /// Why not.
        reason: Detour,
    },
    /// A page where a list was expected: of a proxy, a captive portal, a maintenance notice.
    #[error("{url}: a web page ({said}) and not a list; look at it with a browser")]
    Page {
        /// The address or path.
        url: String,
        /// Its content type, or how it begins.
        said: String,
    },
    /// Nothing in it.
    #[error("{url}: empty; a register is never empty, so the one in force stays")]
    Empty {
        /// The address or path.
        url: String,
    },
    /// What came is not HTTP as we know it.
    #[error("{url}: {reason}; look at the address with curl -v")]
    Protocol {
        /// The address.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The index does not lead to one register.
    #[error("{at}: {}", describe(fault, pattern))]
    Index {
        /// The page or directory.
        at: String,
        /// What was looked for.
        pattern: String,
        /// What is wrong.
        fault: IndexFault,
    },
    /// A file or directory of this machine.
    #[error("{}: {reason}", path.display())]
    Local {
        /// Which.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
        /// It may be whole after so long.
        wait: Option<Duration>,
    },
    /// The copy cannot be written.
    #[error("cannot write to {}: {reason}; make room, or correct the permissions", dir.display())]
    Disk {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The program is stopping.
    #[error("stopped before it was done")]
    Stopped,
}

fn describe(fault: &IndexFault, pattern: &str) -> String {
    match fault {
        IndexFault::NoMatch => format!("nothing matches {pattern}; has the naming changed? Correct the pattern"),
        IndexFault::Ambiguous(n) => {
            format!("{n} different names match {pattern}, which tells no order; make the pattern narrower")
        }
        IndexFault::HalfPage => "the page breaks off, so that the newest may be missing; try later".to_owned(),
        IndexFault::WentBack { newest, last } => {
            format!("the newest is {newest}, older than {last}, which was taken before; ask the authority")
        }
        IndexFault::Elsewhere(host) => {
            format!("the link that matches {pattern} goes to {host}; if that is right, name it in other_hosts")
        }
    }
}

impl FetchError {
    /// One word for it, as counters and the journal have it.
    pub fn kind(&self) -> &'static str {
        match self {
            FetchError::BadUrl { .. } | FetchError::BadSetting { .. } => "setting",
            FetchError::Insecure { .. } => "insecure",
            FetchError::Trust { .. } => "trust",
            FetchError::Dns { .. } => "dns",
            FetchError::Connect { .. } => "connect",
            FetchError::Proxy { .. } => "proxy",
            FetchError::Tls { .. } => "tls",
            FetchError::TimedOut { .. } => "timeout",
            FetchError::Status { .. } => "status",
            FetchError::TooLarge { .. } => "too-large",
            FetchError::Cut { .. } | FetchError::Endless { .. } => "cut",
            FetchError::Encoding { .. } => "encoding",
            FetchError::Redirect { .. } => "redirect",
            FetchError::Page { .. } => "page",
            FetchError::Empty { .. } => "empty",
            FetchError::Protocol { .. } => "protocol",
            FetchError::Index { .. } => "index",
            FetchError::Local { .. } => "local",
            FetchError::Disk { .. } => "disk",
            FetchError::Stopped => "stopped",
        }
    }

    /// Whether the same request may do better in a moment. Never for what the server, or we, decided.
    pub fn is_passing(&self) -> bool {
        match self {
            FetchError::Dns { .. } | FetchError::Connect { .. } | FetchError::TimedOut { .. } => true,
            FetchError::Cut { .. } => true,
            FetchError::Tls { broken_off, .. } => *broken_off,
            FetchError::Status { code, .. } => matches!(code, 429 | 500 | 502 | 503 | 504),
            FetchError::Index { fault, .. } => *fault == IndexFault::HalfPage,
            FetchError::Local { wait, .. } => wait.is_some(),
            _ => false,
        }
    }

    /// When to ask again, if the server said so or the file does.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            FetchError::Status { retry_after, .. } => *retry_after,
            FetchError::Local { wait, .. } => *wait,
            _ => None,
        }
    }
}

/// Every word that [`FetchError::kind`] can say.
pub const KINDS: [&str; 20] = [
    "setting",
    "insecure",
    "trust",
    "dns",
    "connect",
    "proxy",
    "tls",
    "timeout",
    "status",
    "too-large",
    "cut",
    "encoding",
    "redirect",
    "page",
    "empty",
    "protocol",
    "index",
    "local",
    "disk",
    "stopped",
];
