//! `[http]`: metrics, health and status.

use std::net::{Ipv4Addr, SocketAddr};

use super::reader::Table;

/// Metrics, health and status over HTTP.
#[derive(Clone, PartialEq, Debug)]
pub struct HttpConfig {
    /// Address and port to listen on; port 0 takes a free one. Default `"127.0.0.1:9618"`.
    pub listen: SocketAddr,
    /// Allow `listen` to be reachable from other machines. Default false: there is no password and no encryption, and
    /// `/status` shows the legal ground of the inspection.
    pub allow_remote: bool,
    /// Connections served at once, 4 to 1024; others wait. Default 64.
    pub max_connections: u32,
}

impl Default for HttpConfig {
    fn default() -> Self {
        HttpConfig { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9618)), allow_remote: false, max_connections: 64 }
    }
}

impl HttpConfig {
    pub(super) fn read(t: &mut Table<'_, '_>) -> Self {
        let d = Self::default();
        let listen: SocketAddr = t.parsed("listen", "\"127.0.0.1:9618\"").unwrap_or(d.listen);
        let allow_remote = t.boolean("allow_remote").unwrap_or(d.allow_remote);
        if !listen.ip().to_canonical().is_loopback() && !allow_remote {
            let message = format!("`http.listen` is {listen}, which other machines can reach without a password");
            let help =
                "listen on 127.0.0.1 or [::1], or set allow_remote = true if a firewall or a proxy stands before it";
            t.error_at("listen", message, help);
        }
        let max_connections = t.number("max_connections", 4..=1024).unwrap_or(d.max_connections);
        HttpConfig { listen, allow_remote, max_connections }
    }
}
