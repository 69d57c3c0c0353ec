//! The links of a provider as people write them: `4x100G`, `10G,2x40G`.

use std::fmt;
use std::str::FromStr;

/// Links that are watched, by their speed in one direction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Links(Vec<Group>);

/// Links of one speed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Group {
    count: u32,
    /// Bits a second in one direction.
    speed: u64,
}

/// A thousand links of 1.6 Tbit/s are more than any provider has; what is beyond is a slip of the pen.
const MAX_LINKS: u32 = 1_000;
const MIN_SPEED: u64 = 1_000_000;
const MAX_SPEED: u64 = 1_600_000_000_000;

impl Links {
    /// Bits a second of all links together, in one direction.
    pub fn bits_per_second(&self) -> f64 {
        self.0.iter().map(|group| f64::from(group.count) * group.speed as f64).sum()
    }
}

impl FromStr for Links {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(|part| group(part.trim())).collect::<Result<_, _>>().map(Links)
    }
}

fn group(text: &str) -> Result<Group, String> {
    let shape = || {
        format!(
            "{text:?} is no link: write a speed such as 100G, with how many there are before an x, as in 4x100G; \
             separate different ones by commas, as in 10G,2x40G"
        )
    };
    let (count, speed) = match text.split_once(['x', 'X', '×']) {
        Some((count, speed)) => (count.trim().parse::<u32>().map_err(|_| shape())?, speed.trim()),
        None => (1, text),
    };
    let factor = match speed.chars().last() {
        Some('M' | 'm') => 1e6,
        Some('G' | 'g') => 1e9,
        Some('T' | 't') => 1e12,
        _ => return Err(shape()),
    };
    let number = &speed[..speed.len() - 1];
    // What `f64` reads beyond this (signs, exponents, "inf") is no speed.
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(shape());
    }
    let speed = (number.parse::<f64>().map_err(|_| shape())? * factor).round();
    if !(MIN_SPEED as f64..=MAX_SPEED as f64).contains(&speed) {
        return Err(format!("{text:?}: a link has a speed from 1M to 1.6T"));
    }
    if !(1..=MAX_LINKS).contains(&count) {
        return Err(format!("{text:?}: from 1 to {MAX_LINKS} links of a kind"));
    }
    Ok(Group { count, speed: speed as u64 })
}

/// As they can be written: `4x100G,10G`.
impl fmt::Display for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, group) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            if group.count > 1 {
                write!(f, "{}x", group.count)?;
            }
            let (unit, factor) =
                [("T", 1e12), ("G", 1e9)].into_iter().find(|(_, n)| group.speed as f64 >= *n).unwrap_or(("M", 1e6));
            write!(f, "{}{unit}", group.speed as f64 / factor)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_as_they_are_written() {
        for (text, gbits, shown) in [
            ("4x100G", 400.0, "4x100G"),
            ("10G,2x40G", 90.0, "10G,2x40G"),
            (" 2 X 2.5g , 100M ", 5.1, "2x2.5G,100M"),
            ("1×1.6T", 1600.0, "1.6T"),
            ("0.5G", 0.5, "500M"),
        ] {
            let links: Links = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert!((links.bits_per_second() / 1e9 - gbits).abs() < 1e-9, "{text}");
            assert_eq!(links.to_string(), shown);
            assert_eq!(shown.parse::<Links>().unwrap(), links, "what is shown can be written");
        }
    }

    #[test]
    fn what_is_no_link_is_refused_with_the_part_that_is_wrong() {
        for (text, words) in [
            ("", "such as 100G"),
            ("100", "such as 100G"),
            ("G", "such as 100G"),
            ("x100G", "such as 100G"),
            ("4x", "such as 100G"),
            ("4x4x10G", "\"4x4x10G\""),
            ("10G,,40G", "\"\" is no link"),
            ("10G,banana", "\"banana\""),
            ("-1x10G", "such as 100G"),
            ("1e3G", "such as 100G"),
            ("infG", "such as 100G"),
            ("10.G.5G", "such as 100G"),
            ("10é", "such as 100G"),
            ("0x10G", "from 1 to 1000 links"),
            ("1001x10G", "from 1 to 1000 links"),
            ("0G", "from 1M to 1.6T"),
            ("9T", "from 1M to 1.6T"),
            ("99999999999x10G", "such as 100G"),
        ] {
            let error = text.parse::<Links>().unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
