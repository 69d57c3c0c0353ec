//! A part of a whole, as people write it: `5%`, `0.5%`, `30%`.

use std::fmt;
use std::str::FromStr;

/// Hundredths of a percent, 0 to 1000 %.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Percent(u32);

impl Percent {
    /// A whole number of percents.
    pub const fn whole(percent: u32) -> Percent {
        Percent(percent * 100)
    }

    /// That part of `count`, rounded up; at least one, so that a short list can change at all.
    pub fn of(self, count: u64) -> u64 {
        let part = (u128::from(count) * u128::from(self.0)).div_ceil(10_000);
        u64::try_from(part).unwrap_or(u64::MAX).max(1)
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || "a part is a number and `%`, such as \"5%\" or \"0.5%\", at most 1000%".to_owned();
        let number = text.trim().strip_suffix('%').ok_or_else(shape)?.trim_end();
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 2 {
            return Err(shape());
        }
        let hundredths = |part: &str| part.parse::<u32>().map(|n| if part.len() == 1 { n * 10 } else { n });
        let (whole, part) = (whole.parse::<u32>().map_err(|_| shape())?, hundredths(part).map_err(|_| shape())?);
        let percent = Percent(whole * 100 + part);
        if percent > Percent::whole(1_000) { Err(shape()) } else { Ok(percent) }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole}%"),
            (whole, part) if part % 10 == 0 => write!(f, "{whole}.{}%", part / 10),
            (whole, part) => write!(f, "{whole}.{part:02}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_as_they_were_written() {
        for text in ["5%", "0%", "0.5%", "12.25%", "1000%", "7.05%"] {
            assert_eq!(text.parse::<Percent>().unwrap().to_string(), text);
        }
        for bad in ["5", "%", "-5%", "5,5%", "1000.01%", "99999%", ".5%", "5.%", "1e2%"] {
            assert!(bad.parse::<Percent>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_part_is_rounded_up_and_never_nothing() {
        let five = Percent::whole(5);
        assert_eq!((five.of(100), five.of(101), five.of(3), five.of(0)), (5, 6, 1, 1));
        assert_eq!(Percent::whole(1_000).of(u64::MAX), u64::MAX);
    }
}
