//! The clock of a pcapng interface: from its ticks to nanoseconds since the epoch.

use crate::model::Timestamp;

const NANOS: u64 = 1_000_000_000;

/// How an interface counts time (options `if_tsresol` and `if_tsoffset` of draft-ietf-opsawg-pcapng, section 4.2).
/// Times before 1970 become 1970, times after 2554 that year.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    tick: Tick,
    offset_secs: i64,
}

/// The length of a tick.
#[derive(Clone, Copy)]
enum Tick {
    /// So many nanoseconds.
    Nanos(u64),
    /// So many of them are one nanosecond.
    PerNano(u64),
    /// 2 to the minus this, in seconds.
    Binary(u32),
}

/// Microseconds, as the format says.
impl Default for Clock {
    fn default() -> Self {
        Clock { tick: Tick::Nanos(1000), offset_secs: 0 }
    }
}

impl Clock {
    /// Takes the value of `if_tsresol`: a negative power of 10, or of 2 if the top bit is set.
    pub(super) fn set_resolution(&mut self, value: u8) {
        let exponent = u32::from(value & 0x7f);
        self.tick = if value & 0x80 != 0 {
            Tick::Binary(exponent)
        } else if exponent <= 9 {
            Tick::Nanos(10_u64.pow(9 - exponent))
        } else {
            // Finer than any 64-bit count of ticks could reach: zero.
            Tick::PerNano(10_u64.checked_pow(exponent - 9).unwrap_or(u64::MAX))
        };
    }

    /// Takes the value of `if_tsoffset`: seconds to add.
    pub(super) fn set_offset(&mut self, secs: i64) {
        self.offset_secs = secs;
    }

    /// The time at so many ticks.
    #[inline]
    pub(super) fn time(&self, ticks: u64) -> Timestamp {
        let nanos = match self.tick {
            Tick::Nanos(n) => ticks.saturating_mul(n),
            Tick::PerNano(n) => ticks / n,
            Tick::Binary(bits) => {
                let scaled = u128::from(ticks) * u128::from(NANOS);
                u64::try_from(scaled.checked_shr(bits).unwrap_or(0)).unwrap_or(u64::MAX)
            }
        };
        let shift = self.offset_secs.unsigned_abs().saturating_mul(NANOS);
        Timestamp::from_nanos(if self.offset_secs < 0 {
            nanos.saturating_sub(shift)
        } else {
            nanos.saturating_add(shift)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    fn nanos(resolution: u8, offset: i64, ticks: u64) -> u64 {
        let mut clock = Clock::default();
        clock.set_resolution(resolution);
        clock.set_offset(offset);
        clock.time(ticks).as_nanos()
    }

    #[test]
    fn powers_of_ten() {
        assert_eq!(Clock::default().time(1_500_000).as_nanos(), 1_500_000_000);
        assert_eq!(nanos(0, 0, 7), 7_000_000_000);
        assert_eq!(nanos(3, 0, 7), 7_000_000);
        assert_eq!(nanos(9, 0, 7), 7);
        assert_eq!(nanos(12, 0, 7_999), 7);
        assert_eq!(nanos(28, 0, u64::MAX), 1, "10^19 ticks a nanosecond");
        assert_eq!(nanos(0x7f, 0, u64::MAX), 1, "cannot be told from zero, and must not panic");
    }

    #[test]
    fn powers_of_two() {
        assert_eq!(nanos(0x80 | 10, 0, 1024 + 512), 1_500_000_000);
        assert_eq!(nanos(0x80 | 32, 0, (5 << 32) | 0x8000_0000), 5_500_000_000);
        assert_eq!(nanos(0x80 | 63, 0, u64::MAX), 1_999_999_999);
        assert_eq!(nanos(0xff, 0, u64::MAX), 0);
    }

    #[test]
    fn offset_and_limits() {
        assert_eq!(nanos(6, 100, 1), 100_000_001_000);
        assert_eq!(nanos(6, -1, 1_500_000), 500_000_000);
        assert_eq!(nanos(6, -100, 1), 0);
        assert_eq!(nanos(6, i64::MIN, 1), 0);
        assert_eq!(nanos(6, i64::MAX, 1), u64::MAX);
        assert_eq!(nanos(0, 0, u64::MAX), u64::MAX);
    }
}
