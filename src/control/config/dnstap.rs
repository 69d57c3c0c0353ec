//! `[dnstap]`: where resolvers tell what they are asked.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::output::path;
use super::reader::{Table, choice_of, text_item};
use crate::capture::dnstap::{MessageType, SocketProtocol};
use crate::control::units::ByteSize;
use crate::model::{Proto, Scope};
use crate::record::Cidr;

/// A UNIX socket's address has 108 octets, with a NUL at the end (unix(7)).
const MAX_SOCKET_PATH: usize = 107;

/// Where resolvers tell what they are asked, so that names are found that are encrypted on the wire. The resolver is the
/// one that connects. At least one of `socket` and `listen` must be there.
#[derive(Clone, PartialEq, Debug)]
pub struct DnstapConfig {
    /// Path of a UNIX socket for resolvers on this machine, such as `"/run/stakeout/dnstap.sock"`. None by default.
    pub socket: Option<PathBuf>,
    /// Permissions of the socket, as octal digits in quotes: who may write may connect. Default `"0660"`.
    pub socket_mode: u32,
    /// Group of the socket, by name or number: the one that the resolver runs in. Default: that of this process.
    pub socket_group: Option<String>,
    /// Address and port for resolvers on other machines, such as `"127.0.0.1:6000"`. Nothing is encrypted there, and
    /// subscribers' addresses are sent. None by default.
    pub listen: Option<SocketAddr>,
    /// Who may connect to `listen`, 1 to 256 ranges. Default `["127.0.0.0/8", "::1"]`, which is this machine.
    pub allow: Vec<Cidr>,
    /// Types of messages that are read, as dnstap.proto names them, in lower case. Default
    /// `["client_query", "client_response"]`: what subscribers ask and are answered.
    pub message_types: Vec<MessageType>,
    /// Read only what was carried by these: `"udp"`, `"tcp"`, `"dot"`, `"doh"`, `"doq"`, `"dnscrypt-udp"`,
    /// `"dnscrypt-tcp"`. Default: all. Where the mirror shows the resolver's UDP and TCP too, leave those out here, or
    /// each visit counts twice.
    pub protocols: Vec<SocketProtocol>,
    /// Connections open at once, 1 to 256; further ones are closed. Default 16.
    pub max_connections: u32,
    /// The largest message with all that is told of it, 64KiB to 1MiB; each connection has a buffer of that size. Default
    /// `"256KiB"`.
    pub max_frame: ByteSize,
}

impl DnstapConfig {
    /// `None` if the table is not in the file. `scope` is what the legal ground covers, if that could be read.
    pub(super) fn read(t: &mut Table<'_, '_>, base: &Path, scope: Option<Scope>) -> Option<Self> {
        let loopback = || ["127.0.0.0/8", "::1"].iter().filter_map(|text| text.parse().ok()).collect();
        let socket = socket(t, base);
        let mode = t.string("socket_mode");
        let socket_mode = mode.and_then(octal);
        if let (Some(text), None) = (mode, socket_mode) {
            t.error_at(
                "socket_mode",
                format!("`dnstap.socket_mode` is {text:?}"),
                "write it as socket_mode = \"0660\"",
            );
        }
        let socket_group = t.string("socket_group").map(str::to_owned);
        let listen: Option<SocketAddr> = t.parsed("listen", "\"127.0.0.1:6000\"");
        let allow = t.list("allow", 1..=256, |item| text_item(item)?.parse::<Cidr>());
        if let Some(listen) = listen.filter(|l| allow.is_none() && !l.ip().to_canonical().is_loopback()) {
            let message = format!("`dnstap.listen` is {listen}, but only this machine may connect");
            t.error_at("listen", message, "name the resolvers, such as allow = [\"192.0.2.53\"]");
        }
        let types = MessageType::ALL.iter().map(|t| (t.name(), *t)).collect::<Vec<_>>();
        let message_types = t.list("message_types", 1..=types.len(), |item| choice(text_item(item)?, &types));
        let known = SocketProtocol::ALL.iter().map(|p| (p.name(), *p)).collect::<Vec<_>>();
        let protocols = t.list("protocols", 1..=known.len(), |item| choice(text_item(item)?, &known));
        let max_connections = t.number("max_connections", 1..=256).unwrap_or(16);
        let max_frame = t.size("max_frame", ByteSize::kib(64)..=ByteSize::mib(1)).unwrap_or(ByteSize::kib(256));
        if !t.is_present() {
            return None;
        }
        if !t.has("socket") && !t.has("listen") {
            let help = "write socket = \"/run/stakeout/dnstap.sock\", or listen = \"127.0.0.1:6000\"";
            t.error_at("socket", "[dnstap] names no place for resolvers to connect to", help);
        }
        if scope.is_some_and(|scope| !scope.allows(Proto::Dns)) {
            let help = "add \"dns\" to legal.scope if the order covers it, or remove [dnstap]";
            t.error_at("", "[dnstap] reads DNS, which `legal.scope` does not name", help);
        }
        Some(DnstapConfig {
            socket,
            socket_mode: socket_mode.unwrap_or(0o660),
            socket_group,
            listen,
            allow: allow.unwrap_or_else(loopback),
            message_types: message_types.unwrap_or_else(|| vec![MessageType::ClientQuery, MessageType::ClientResponse]),
            protocols: protocols.unwrap_or_default(),
            max_connections,
            max_frame,
        })
    }
}

fn socket(t: &mut Table<'_, '_>, base: &Path) -> Option<PathBuf> {
    let socket = path(t, "socket", base)?;
    let length = socket.as_os_str().len();
    if length > MAX_SOCKET_PATH {
        let message = format!("`dnstap.socket` has {length} octets, too many for a UNIX socket");
        t.error_at("socket", message, format!("{MAX_SOCKET_PATH} are the most"));
        return None;
    }
    Some(socket)
}

/// Permission bits, as `chmod` takes them.
fn octal(text: &str) -> Option<u32> {
    let digits = (3..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= 0o777)
}

fn choice<T: Copy>(text: &str, choices: &[(&'static str, T)]) -> Result<T, String> {
    choice_of(text, choices).map_err(|help| format!("{text:?} is unknown: {help}"))
}
