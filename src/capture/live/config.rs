//! What to capture and how: plain values with defaults that suit a mirror port.

use std::time::Duration;

/// Settings of one live source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LiveConfig {
    /// Name of the interface, or [`LiveConfig::ANY`].
    pub interface: String,
    /// Octets kept of a frame. The default of 262,144 is libpcap's own limit: it holds every super-packet that the
    /// kernel makes of several (GRO, up to 64 KiB and more), and costs nothing, since frames are packed by their real
    /// length.
    pub snaplen: u32,
    /// Size of the kernel's buffer in octets; what bridges the time in which the worker does something else.
    pub buffer_bytes: u32,
    /// Longest wait of a poll, and longest time that the kernel holds a frame back to fill a block.
    pub timeout: Duration,
    /// Ask the interface for frames to other stations too, as a mirror port needs.
    pub promiscuous: bool,
}

impl LiveConfig {
    /// All interfaces of the network namespace, as Linux cooked frames.
    pub const ANY: &'static str = "any";

    /// The defaults on an interface: whole frames, 64 MiB, 100 ms, promiscuous.
    pub fn new(interface: impl Into<String>) -> Self {
        LiveConfig {
            interface: interface.into(),
            snaplen: 262_144,
            buffer_bytes: 64 << 20,
            timeout: Duration::from_millis(100),
            promiscuous: true,
        }
    }

    /// The timeout in whole milliseconds, for libpcap and the ring, to which 0 would mean "for ever" or "as you like".
    pub(in crate::capture) fn timeout_ms(&self) -> i32 {
        i32::try_from(self.timeout.as_millis()).unwrap_or(i32::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::LiveConfig;
    use std::time::Duration;

    #[test]
    fn a_timeout_is_never_endless() {
        let ms = |timeout| LiveConfig { timeout, ..LiveConfig::new("x") }.timeout_ms();
        assert_eq!(ms(Duration::ZERO), 1);
        assert_eq!(ms(Duration::from_micros(300)), 1);
        assert_eq!(ms(Duration::from_millis(250)), 250);
        assert_eq!(ms(Duration::MAX), i32::MAX);
    }
}
