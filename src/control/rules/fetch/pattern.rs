//! What the name of a register looks like that has another name at each update, and which of several is the newest.
//!
//! | in the pattern | stands for |
//! |---|---|
//! | `{date}` | eight digits that are a date, `YYYYMMDD`; the latest is the newest |
//! | `{number}` | one to eighteen digits; the largest is the newest |
//! | `*` | any characters but `/` |
//!
//! All else stands for itself, upper and lower case told apart. At most one of the first two. With neither, a pattern
//! tells no order, and must match one name only. A pattern with slashes matches as many last segments of a path.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use regex::Regex;

/// Octets of a pattern and of the names it is held against.
const MAX: usize = 255;

/// What the placeholder that tells the order stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Order {
    None,
    Date,
    Number,
}

/// See the module. Made by `parse`.
#[derive(Clone, Debug)]
pub struct NamePattern {
    text: String,
    regex: Regex,
    order: Order,
    segments: usize,
}

/// A name that matches, and how new it is among its like.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Match {
    /// The part of the path that matched.
    pub(super) name: String,
    /// Larger is newer; all alike where the pattern tells no order.
    pub(super) rank: u64,
}

impl FromStr for NamePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > MAX {
            return Err(format!("a pattern has 1 to {MAX} octets"));
        }
        if text.starts_with('/') || text.ends_with('/') || text.contains("//") {
            return Err("a pattern neither begins nor ends with `/`: it matches the end of a path".to_owned());
        }
        let (mut expression, mut order, mut rest) = ("^".to_owned(), Order::None, text);
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('*') {
                expression.push_str("[^/]*?");
                rest = after;
            } else if rest.starts_with('{') {
                let end = rest.find('}').ok_or("`{` without `}`")?;
                let (group, kind) = match &rest[1..end] {
                    "date" => ("([0-9]{8})", Order::Date),
                    "number" => ("([0-9]{1,18})", Order::Number),
                    other => return Err(format!("{{{other}}} is not known: use {{date}}, {{number}} or *")),
                };
                if order != Order::None {
                    return Err("{date} and {number} stand once, and not together: they tell the order".to_owned());
                }
                (order, rest) = (kind, &rest[end + 1..]);
                expression.push_str(group);
            } else {
                let end = rest.find(['*', '{']).unwrap_or(rest.len());
                expression.push_str(&regex::escape(&rest[..end]));
                rest = &rest[end..];
            }
        }
        expression.push('$');
        let regex = Regex::new(&expression).map_err(|e| e.to_string())?;
        Ok(NamePattern { text: text.to_owned(), regex, order, segments: 1 + text.matches('/').count() })
    }
}

/// As it was written.
impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl NamePattern {
    /// Whether it tells which of several names is the newest.
    pub fn tells_order(&self) -> bool {
        self.order != Order::None
    }

    /// Whether it matches names within one directory only.
    pub fn is_one_segment(&self) -> bool {
        self.segments == 1
    }

    /// The end of `path` that it matches, if it does. Dates after `latest` do not match: a name of the year 9999 would
    /// else be the newest for ever.
    pub(super) fn matches(&self, path: &str, latest: Date) -> Option<Match> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let start = match path.rmatch_indices('/').nth(self.segments - 1) {
            Some((at, _)) => at + 1,
            None if path.matches('/').count() + 1 == self.segments => 0,
            None => return None,
        };
        let name = &path[start..];
        if name.len() > MAX {
            return None;
        }
        let found = self.regex.captures(name)?;
        let digits = found.get(1).map(|m| m.as_str());
        let rank = match (self.order, digits) {
            (Order::None, _) | (_, None) => 0,
            (Order::Number, Some(digits)) => digits.parse().ok()?,
            (Order::Date, Some(digits)) => {
                let part = |range: std::ops::Range<usize>| digits[range].parse::<i16>().ok();
                let (month, day) = (i8::try_from(part(4..6)?).ok()?, i8::try_from(part(6..8)?).ok()?);
                let date = Date::new(part(0..4)?, month, day).ok()?;
                if date > latest {
                    return None;
                }
                digits.parse().ok()?
            }
        };
        Some(Match { name: name.to_owned(), rank })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_pattern_and_no_path_make_it_panic(text in "(\\*|\\{date\\}|\\{number\\}|[{}/.a0é]){1,12}", path in "[/a0.é12]{0,40}") {
            if let Ok(pattern) = text.parse::<NamePattern>()
                && let Some(found) = pattern.matches(&path, date(2026, 11, 24))
            {
                prop_assert!(path.ends_with(&found.name));
            }
        }

        #[test]
        fn a_pattern_without_placeholders_matches_itself_alone(name in "[a-z0-9.()+^$é]{1,20}", other in "[a-z0-9.()+^$é]{1,20}") {
            let pattern: NamePattern = name.parse().unwrap();
            prop_assert!(pattern.matches(&name, date(2026, 11, 24)).is_some());
            prop_assert_eq!(pattern.matches(&other, date(2026, 11, 24)).is_some(), name == other);
        }
    }

    fn rank(pattern: &str, path: &str) -> Option<u64> {
        pattern.parse::<NamePattern>().unwrap().matches(path, date(2026, 11, 24)).map(|m| m.rank)
    }

    #[test]
    fn dates_are_dates() {
        let gespa = "gespa_blocklist_{date}.txt";
        assert_eq!(rank(gespa, "/gespa_blocklist_20261101.txt"), Some(20_261_101));
        assert_eq!(rank(gespa, "/some/where/gespa_blocklist_20261101.txt"), Some(20_261_101));
        for other in [
            "/gespa_blocklist_20261301.txt",
            "/gespa_blocklist_20260230.txt",
            "/gespa_blocklist_99991231.txt",
            "/gespa_blocklist_20261101.txt.sign",
            "/gespa_blocklist_20261101.sign",
            "/xgespa_blocklist_20261101.txt",
            "/gespa_blocklist_202611011.txt",
            "/gespa_blocklist_20261101xtxt",
            "/GESPA_blocklist_20261101.txt",
        ] {
            assert_eq!(rank(gespa, other), None, "{other}");
        }
    }

    #[test]
    fn numbers_are_taken_whole_and_by_value() {
        assert_eq!(rank("list-{number}.csv", "list-0009.csv"), Some(9));
        assert_eq!(rank("*{number}.csv", "list-123.csv"), Some(123));
        assert_eq!(rank("v{number}.csv", "v1234567890123456789.csv"), None);
    }

    #[test]
    fn slashes_match_as_many_last_segments() {
        let adm = "elenco_siti_inibiti*.txt/*";
        assert_eq!(rank(adm, "/documents/20182/1/elenco_siti_inibiti_7.txt/0a1b-2c"), Some(0));
        assert_eq!(rank(adm, "/documents/elenco_siti_inibiti_7.txt"), None);
        assert_eq!(rank(adm, "elenco_siti_inibiti.txt/x"), Some(0));
        assert_eq!(rank(adm, "elenco_siti_inibiti/y.txt/x"), None);
    }

    #[test]
    fn patterns_that_make_no_sense_are_refused() {
        for text in ["", "/a", "a/", "a//b", "{date", "{day}", "{date}{number}", "{date}-{date}"] {
            assert!(text.parse::<NamePattern>().is_err(), "{text}");
        }
        assert!("x".repeat(256).parse::<NamePattern>().is_err());
        // What means something to an expression means nothing here.
        assert_eq!(rank("a.(b)+[c]", "a.(b)+[c]"), Some(0));
        assert_eq!(rank("a.(b)+[c]", "axbc"), None);
    }
}
