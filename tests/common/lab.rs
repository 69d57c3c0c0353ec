//! A small network with a mirror port:
//!
//! ```text
//!  client ── veth ──┐ middle ┌── veth ── server
//!                   └ bridge ┘
//!                       ╎ every frame of the client's port, both ways (tc mirred)
//!                     veth
//!                       ╎
//!                    sensor   (no address: `stakeout run` reads `tap0` here)
//! ```

use std::path::Path;

use tempfile::TempDir;

use super::namespace::Namespace;
use super::need;

/// The subscriber. Its address is one that no other text contains by chance.
pub(crate) const CLIENT: &str = "10.219.83.47";
pub(crate) const CLIENT6: &str = "2001:db8:c11e::83:47";
pub(crate) const SUBSCRIBERS: [&str; 2] = ["10.219.0.0/16", "2001:db8:c11e::/64"];
/// The resolver of the provider.
pub(crate) const RESOLVER: &str = "203.0.113.53";
pub(crate) const RESOLVER6: &str = "2001:db8:5e::53";
/// The server of all sites.
pub(crate) const SITE: &str = "203.0.113.10";
pub(crate) const SITE6: &str = "2001:db8:5e::10";
/// The mirror's end.
pub(crate) const TAP: &str = "tap0";

const TOOLS: [&str; 6] = ["ip", "tc", "ethtool", "timeout", "setpriv", "kill"];

pub(crate) struct Lab {
    pub(crate) client: Namespace,
    pub(crate) server: Namespace,
    pub(crate) middle: Namespace,
    pub(crate) sensor: Namespace,
    dir: TempDir,
}

impl Lab {
    /// Builds it. `None`, and the reason said, where the machine lacks what that takes, or one of `tools`.
    pub(crate) fn new(tools: &[&str]) -> Option<Lab> {
        let tools: Vec<&str> = TOOLS.iter().chain(tools).copied().collect();
        if let Some(reason) = need::missing(&tools) {
            need::skip(&reason);
            return None;
        }
        match Lab::build() {
            Ok(lab) => Some(lab),
            Err(reason) => {
                need::skip(&format!("no namespaces with a mirror port here: {reason}"));
                None
            }
        }
    }

    fn build() -> Result<Lab, String> {
        let lab = Lab {
            client: Namespace::new("client")?,
            server: Namespace::new("server")?,
            middle: Namespace::new("middle")?,
            sensor: Namespace::new("sensor")?,
            dir: tempfile::tempdir().map_err(|e| e.to_string())?,
        };
        let (client, server, middle) = (&lab.client, &lab.server, &lab.middle);
        middle.ip("link add br0 type bridge mcast_snooping 0")?;
        middle.ip("link set br0 addrgenmode none up")?;
        for (end, port) in [(client, "client0"), (server, "server0")] {
            middle.ip(&format!("link add {port} type veth peer name eth0 netns {}", end.name()))?;
            middle.ip(&format!("link set {port} master br0 mtu 1500 addrgenmode none up"))?;
            middle.no_offloads(port)?;
            end.ip("link set eth0 mtu 1500 up")?;
            end.no_offloads("eth0")?;
        }
        for address in [&format!("{CLIENT}/16"), &format!("{CLIENT6}/64")] {
            client.ip(&format!("addr add {address} dev eth0{}", nodad(address)))?;
        }
        for address in
            [SITE, RESOLVER].map(|a| format!("{a}/24")).iter().chain(&[SITE6, RESOLVER6].map(|a| format!("{a}/64")))
        {
            server.ip(&format!("addr add {address} dev eth0{}", nodad(address)))?;
        }
        client.ip("route add 203.0.113.0/24 dev eth0")?;
        client.ip("route add 2001:db8:5e::/64 dev eth0")?;
        // Chromium uses IPv6 only where the whole of it seems to be within reach.
        client.ip("-6 route add default dev eth0")?;
        for subscribers in SUBSCRIBERS {
            server.ip(&format!("route add {subscribers} dev eth0"))?;
        }
        client.resolver(RESOLVER)?;
        lab.plug()?;
        Ok(lab)
    }

    /// Makes the mirror's link and lets the mirror begin.
    pub(crate) fn plug(&self) -> Result<(), String> {
        let (middle, sensor) = (&self.middle, &self.sensor);
        middle.ip(&format!("link add mirror0 type veth peer name {TAP} netns {}", sensor.name()))?;
        for (end, device) in [(middle, "mirror0"), (sensor, TAP)] {
            // Without an address of any kind, the sensor's end stays silent.
            end.ip(&format!("link set {device} mtu 1500 addrgenmode none up"))?;
            end.no_offloads(device)?;
        }
        middle.tc("qdisc add dev client0 clsact")?;
        for direction in ["ingress", "egress"] {
            middle.tc(&format!(
                "filter add dev client0 {direction} protocol all u32 match u32 0 0 action mirred egress mirror dev mirror0"
            ))?;
        }
        Ok(())
    }

    /// Removes the mirror's link, as when a card is pulled out.
    pub(crate) fn unplug(&self) -> Result<(), String> {
        self.middle.tc("qdisc del dev client0 clsact")?;
        self.sensor.ip(&format!("link del {TAP}"))
    }

    /// For files; removed with the lab.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}

/// Duplicate address detection would keep an IPv6 address from being used for a second.
fn nodad(address: &str) -> &'static str {
    if address.contains(':') { " nodad" } else { "" }
}
