//! Whether the interface that a socket is bound to still exists and is up.
//!
//! Asked only now and then while nothing arrives. It asks the kernel by its interfaces' own calls: /sys may show those
//! of another network namespace.

use crate::capture::CaptureError;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use std::time::{Duration, Instant};

/// Time between two looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// What can befall an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::capture) enum Trouble {
    Missing,
    /// The name now belongs to an interface that this socket is not bound to.
    Replaced,
    Down,
}

impl Trouble {
    /// In words that follow the interface's name.
    pub(in crate::capture) fn words(self) -> &'static str {
        match self {
            Trouble::Missing => "it no longer exists",
            Trouble::Replaced => "another one has taken its name",
            Trouble::Down => "it was taken down",
        }
    }
}

/// Watches one interface.
pub(in crate::capture) struct LinkWatch {
    interface: String,
    index: u32,
    next: Instant,
}

impl LinkWatch {
    /// On an interface that must exist now.
    pub(in crate::capture) fn new(interface: &str) -> Result<Self, CaptureError> {
        let index =
            if_nametoindex(interface).map_err(|_| CaptureError::NoSuchInterface { interface: interface.to_owned() })?;
        Ok(LinkWatch { interface: interface.to_owned(), index, next: Instant::now() + INTERVAL })
    }

    /// What is wrong, if anything is known to be; looks at most once a second.
    pub(in crate::capture) fn check(&mut self) -> Option<Trouble> {
        let now = Instant::now();
        if now < self.next {
            return None;
        }
        self.next = now + INTERVAL;
        match if_nametoindex(self.interface.as_str()) {
            Err(_) => return Some(Trouble::Missing),
            Ok(index) if index != self.index => return Some(Trouble::Replaced),
            Ok(_) => {}
        }
        let down = getifaddrs()
            .ok()?
            .find(|entry| entry.interface_name == self.interface)
            .is_some_and(|entry| !entry.flags.contains(InterfaceFlags::IFF_UP));
        down.then_some(Trouble::Down)
    }
}
