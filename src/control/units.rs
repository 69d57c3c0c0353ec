//! Sizes and durations as people write them: `64MiB`, `48h`, `100ms`.
//!
//! A bare number is refused on purpose: `timeout = 100` reads as seconds to one person and as milliseconds to another.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A number of octets, written with its unit: `512B`, `64KiB`, `256MiB`, `2GiB`, `1TiB`, or decimal `kB`, `MB`, `GB`,
/// `TB`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ByteSize(u64);

const SIZE_UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

impl ByteSize {
    /// From a number of octets.
    pub const fn from_bytes(n: u64) -> Self {
        ByteSize(n)
    }

    /// From a number of KiB; saturates.
    pub const fn kib(n: u64) -> Self {
        ByteSize(n.saturating_mul(1 << 10))
    }

    /// From a number of MiB; saturates.
    pub const fn mib(n: u64) -> Self {
        ByteSize(n.saturating_mul(1 << 20))
    }

    /// From a number of GiB; saturates.
    pub const fn gib(n: u64) -> Self {
        ByteSize(n.saturating_mul(1 << 30))
    }

    /// The number of octets.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = split_number(text.trim());
        let unit = unit.trim_start();
        let (_, factor) = SIZE_UNITS
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit))
            .ok_or_else(|| "a size is a whole number and a unit, such as \"64MiB\" or \"512KiB\"".to_owned())?;
        let n: u64 = number.parse().map_err(|_| {
            if number.is_empty() { "a size starts with a whole number, such as \"64MiB\"" } else { "too large" }
        })?;
        n.checked_mul(factor).map(ByteSize).ok_or_else(|| "too large".to_owned())
    }
}

/// The largest unit that divides it: `64MiB`, `1500B`.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, factor) = SIZE_UNITS
            .into_iter()
            .filter(|(name, _)| name.len() != 2)
            .find(|(_, factor)| self.0 != 0 && self.0.is_multiple_of(*factor))
            .unwrap_or(("B", 1));
        write!(f, "{}{name}", self.0 / factor)
    }
}

/// A length of time, written with its unit: `100ms`, `30s`, `5m`, `48h`, `14d`, also joined as in `1h30m`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Span(Duration);

/// Nanoseconds in each unit, largest first.
const TIME_UNITS: [(&str, u64); 6] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
];

impl Span {
    /// From a number of milliseconds.
    pub const fn millis(n: u64) -> Self {
        Span(Duration::from_millis(n))
    }

    /// From a number of seconds.
    pub const fn secs(n: u64) -> Self {
        Span(Duration::from_secs(n))
    }

    /// From a number of hours.
    pub const fn hours(n: u64) -> Self {
        Span(Duration::from_secs(n.saturating_mul(3600)))
    }

    /// From a number of days.
    pub const fn days(n: u64) -> Self {
        Span(Duration::from_secs(n.saturating_mul(86_400)))
    }

    /// As the standard library's duration.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape =
            || "a duration is a whole number and a unit, such as \"100ms\", \"30s\", \"5m\" or \"48h\"".to_owned();
        let mut rest = text.trim();
        let mut total = 0u64;
        if rest.is_empty() {
            return Err(shape());
        }
        while !rest.is_empty() {
            let (number, after) = split_number(rest);
            let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
            let (unit, next) = after.split_at(end);
            let (_, factor) = TIME_UNITS.into_iter().find(|(name, _)| *name == unit.trim()).ok_or_else(shape)?;
            if number.is_empty() {
                return Err(shape());
            }
            let n: u64 = number.parse().map_err(|_| "too long".to_owned())?;
            total = n.checked_mul(factor).and_then(|n| total.checked_add(n)).ok_or("too long")?;
            rest = next;
        }
        Ok(Span(Duration::from_nanos(total)))
    }
}

/// The largest unit that divides it: `48h` is shown as `2d`, 90 seconds as `90s`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let (name, factor) = TIME_UNITS
            .into_iter()
            .find(|(_, factor)| nanos != 0 && nanos.is_multiple_of(u128::from(*factor)))
            .unwrap_or(("us", 1_000));
        write!(f, "{}{name}", nanos / u128::from(factor))
    }
}

/// Leading ASCII digits, and the rest.
fn split_number(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in
            [("64MiB", 64 << 20), ("0B", 0), ("1500 B", 1500), ("2gib", 2 << 30), ("10MB", 10_000_000), ("1kB", 1000)]
        {
            assert_eq!(text.parse::<ByteSize>().unwrap().bytes(), bytes, "{text}");
        }
        for bad in ["", "64", "MiB", "6.5MiB", "-1B", "64 Mi", "64MiBs", "99999999TiB", "99999999999999999999B", "٣MiB"]
        {
            assert!(bad.parse::<ByteSize>().is_err(), "{bad}");
        }
    }

    #[test]
    fn durations() {
        for (text, ms) in [
            ("100ms", 100),
            ("2s", 2_000),
            ("5m", 300_000),
            ("48h", 172_800_000),
            ("1d", 86_400_000),
            ("1h30m", 5_400_000),
        ] {
            assert_eq!(text.parse::<Span>().unwrap().duration(), Duration::from_millis(ms), "{text}");
        }
        for bad in ["", "5", "h", "5 minutes", "-1s", "1.5h", "1h30", "s5", "99999999999999d", "999999999999999999999s"]
        {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }

    #[test]
    fn both_are_shown_as_they_can_be_written() {
        for text in ["64MiB", "1500B", "2GiB", "0B", "3TiB"] {
            assert_eq!(text.parse::<ByteSize>().unwrap().to_string(), text);
        }
        for text in ["100ms", "90s", "2d", "5m", "1h", "250us"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        assert_eq!(Span::hours(48).to_string(), "2d");
    }
}
