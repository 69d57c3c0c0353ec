//! Packet time: nanoseconds since the UNIX epoch, as the capture says.
//!
//! Replays run on this clock alone, so that a capture gives the same result on every machine and at every speed.

use std::fmt;

/// A point in packet time, in nanoseconds since 1970-01-01T00:00:00Z. Reaches to the year 2554.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From nanoseconds since the epoch.
    #[inline]
    pub const fn from_nanos(ns: u64) -> Self {
        Timestamp(ns)
    }

    /// From seconds and nanoseconds; saturates at the end of the range.
    #[inline]
    pub const fn from_parts(secs: u64, nanos: u64) -> Self {
        Timestamp(secs.saturating_mul(1_000_000_000).saturating_add(nanos))
    }

    /// Nanoseconds since the epoch.
    #[inline]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Nanoseconds from `earlier` to `self`; zero if the clock went backwards.
    #[inline]
    pub const fn nanos_since(self, earlier: Timestamp) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The wall clock now. Only for live capture and the control plane.
    pub fn now() -> Self {
        let d = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_parts(d.as_secs(), u64::from(d.subsec_nanos()))
    }

    /// Year, month, day of this instant in UTC (proleptic Gregorian calendar).
    fn civil(self) -> (i64, u32, u32) {
        // Days to civil date, after the well-known shift of the year's start to 1 March: leap days fall at the end.
        let z = (self.0 / 86_400_000_000_000) as i64 + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 } as u32;
        (year_of_era + era * 400 + i64::from(month <= 2), month, day)
    }
}

/// RFC 3339 in UTC with nine decimals: `2026-11-24T09:46:35.000000000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        let second = self.0 / 1_000_000_000 % 86_400;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:09}Z",
            second / 3600,
            second / 60 % 60,
            second % 60,
            self.0 % 1_000_000_000
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn formats_as_rfc_3339() {
        for (secs, nanos, text) in [
            (0, 0, "1970-01-01T00:00:00.000000000Z"),
            (951_782_400, 5, "2000-02-29T00:00:00.000000005Z"),
            (1_795_513_595, 123_456_789, "2026-11-24T09:46:35.123456789Z"),
            (4_107_542_399, 0, "2100-02-28T23:59:59.000000000Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000000000Z"),
        ] {
            assert_eq!(Timestamp::from_parts(secs, nanos).to_string(), text);
        }
    }

    #[test]
    fn differences_never_wrap() {
        assert_eq!(Timestamp::from_nanos(5).nanos_since(Timestamp::from_nanos(9)), 0);
        assert_eq!(Timestamp::from_parts(u64::MAX, 1).as_nanos(), u64::MAX);
    }
}
