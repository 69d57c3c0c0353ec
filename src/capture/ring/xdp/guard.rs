//! Keeps AF_XDP away from interfaces that this machine itself needs.
//!
//! What an AF_XDP socket takes, the kernel never sees. That is right on a mirror port and cuts the machine off on any
//! other, so an interface is refused that has an IP address, or that carries another one which may have: a bridge, a bond,
//! a VLAN. And it is refused if not every one of its receive queues would be read.

use std::fs;
use std::path::Path;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;

use crate::capture::CaptureError;

/// How a card is told to have one queue.
const QUEUES_HELP: &str = "ethtool -L sets an interface's queues";

pub(super) fn unfit(interface: &str, reason: impl Into<String>) -> CaptureError {
    CaptureError::XdpUnfit { interface: interface.to_owned(), reason: reason.into() }
}

/// Refuses an interface that must not be taken, or not by so many workers.
pub(super) fn check(interface: &str, index: u32, workers: u32) -> Result<(), CaptureError> {
    let addresses = getifaddrs().map_err(|e| unfit(interface, format!("its addresses cannot be read: {e}")))?;
    let own = |name: &str| name.strip_prefix(interface).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
    for entry in addresses.filter(|entry| own(&entry.interface_name)) {
        if entry.address.as_ref().is_some_and(is_in_use) {
            let reason = "it has an IP address, so this machine uses it, and AF_XDP would take all of its packets away";
            return Err(unfit(interface, reason));
        }
    }
    look(Path::new("/sys/class/net"), interface, index, workers).map_err(|reason| unfit(interface, reason))
}

/// A link-local address of IPv6 is on every interface that is up.
fn is_in_use(address: &SockaddrStorage) -> bool {
    let v6 = address.as_sockaddr_in6().map(|v6| v6.ip());
    address.as_sockaddr_in().is_some() || v6.is_some_and(|v6| !v6.is_unicast_link_local())
}

/// What /sys tells of the interface.
fn look(devices: &Path, interface: &str, index: u32, workers: u32) -> Result<(), String> {
    let at = devices.join(interface);
    let shown = fs::read_to_string(at.join("ifindex")).ok().and_then(|text| text.trim().parse::<u32>().ok());
    if shown != Some(index) {
        return Err("/sys does not show it (another network namespace?), so that its queues are not known".to_owned());
    }
    let names = |path: &Path| -> Vec<String> {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    if let Some(upper) = names(&at).iter().find_map(|name| name.strip_prefix("upper_")) {
        return Err(format!("\"{upper}\" is on top of it, and AF_XDP would take all of its packets away"));
    }
    let queues = names(&at.join("queues")).iter().filter(|name| name.starts_with("rx-")).count();
    if queues != workers as usize {
        return Err(format!(
            "it has {queues} receive queues and capture.workers is {workers}, but each queue needs one worker: make them \
             equal ({QUEUES_HELP})"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

    #[test]
    fn only_link_local_addresses_are_no_reason() {
        let used = |text: &str| match text.parse().expect("an address") {
            SocketAddr::V4(v4) => is_in_use(&SockaddrStorage::from(SocketAddrV4::new(*v4.ip(), 0))),
            SocketAddr::V6(v6) => is_in_use(&SockaddrStorage::from(SocketAddrV6::new(*v6.ip(), 0, 0, 0))),
        };
        assert!(used("192.0.2.1:0") && used("169.254.1.1:0") && used("[2001:db8::1]:0") && used("[fd00::1]:0"));
        assert!(!used("[fe80::1]:0"));
    }

    #[test]
    fn queues_and_uppers_are_counted() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = dir.path().join("eth1");
        for queue in ["rx-0", "rx-1", "tx-0"] {
            fs::create_dir_all(at.join("queues").join(queue)).expect("made");
        }
        fs::write(at.join("ifindex"), "7\n").expect("written");
        let told = |index, workers| look(dir.path(), "eth1", index, workers);
        assert_eq!(told(7, 2), Ok(()));
        assert!(told(7, 1).is_err_and(|why| why.contains("has 2 receive queues and capture.workers is 1")));
        assert!(told(7, 3).is_err());
        assert!(told(8, 2).is_err_and(|why| why.contains("/sys")));
        fs::create_dir(at.join("upper_br0")).expect("made");
        assert!(told(7, 2).is_err_and(|why| why.contains("\"br0\"")));
    }
}
