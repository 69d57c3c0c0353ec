//! What a format cannot say of a rule, in words.

use super::input::Lists;
use super::names::Names;
use super::syntax::Reach;

/// A rule that is not written as the lists mean it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Note {
    /// The rule, by its place in [`Names`].
    pub(super) at: usize,
    pub(super) why: Why,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Why {
    /// An allow below a block, and no way to say it.
    NoException { block: usize },
    /// A block of its own name only, because of the allow below it.
    Shrunk { allow: usize },
    /// A block that is not written, because of the allow below it.
    LeftOut { allow: usize },
    /// The name does not fit.
    TooLong,
    /// The name fits, and those below it do not.
    TooLongBelow,
    /// The format cannot block so much and no more.
    Unsayable { reach: Reach },
    /// An exception of so much, which the format can only make for the whole.
    Widened { reach: Reach },
    /// Blocked, but not with the answer that was asked for.
    OtherAnswer { answer: &'static str },
}

impl Note {
    /// One line: the rule, its place, and what is not said of it. Printable ASCII, whatever the lists are called.
    pub(super) fn text(&self, names: &Names, lists: &Lists) -> String {
        let (mut own, mut other) = (String::new(), String::new());
        names.text(self.at, &mut own);
        let (list, line) = names.place(self.at);
        let (action, list) = (names.action(self.at).name(), shown(lists.name(list)));
        let mut name = |at: usize| {
            names.text(at, &mut other);
            other.clone()
        };
        let what = match self.why {
            Why::NoException { block } => {
                format!("no exception can be written, so {} is not blocked with its subdomains", name(block))
            }
            Why::Shrunk { allow } => format!("blocked without its subdomains, since {} is allowed", name(allow)),
            Why::LeftOut { allow } => format!("left out, since {} is allowed and cannot be excepted", name(allow)),
            Why::Unsayable { reach: Reach::Below } => {
                "left out, since only names under it are meant, and they cannot be blocked without it".to_owned()
            }
            Why::Unsayable { .. } => {
                "left out, since it alone is meant, and it cannot be blocked without its subdomains".to_owned()
            }
            Why::Widened { reach: Reach::Below } => {
                "it is let through with its subdomains, which alone are allowed but cannot be excepted alone".to_owned()
            }
            Why::Widened { .. } => {
                "its subdomains are let through with it, since it cannot be excepted alone".to_owned()
            }
            Why::OtherAnswer { answer } => answer.to_owned(),
            Why::TooLong => "left out, since the name with the zone's is longer than 255 octets".to_owned(),
            Why::TooLongBelow => {
                "blocked without its subdomains, since a wildcard with the zone's name is longer than 255 octets"
                    .to_owned()
            }
        };
        format!("{own} ({action}, list {list}, line {line}): {what}")
    }
}

/// A list's name as it can stand in a comment of any format: it may be that of a file, and so hold a line end.
pub(super) fn shown(name: &str) -> String {
    name.escape_default().to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_of_a_list_stays_on_its_line() {
        assert_eq!(super::shown("a\nlocal=/x/\u{202e}\\"), "a\\nlocal=/x/\\u{202e}\\\\");
    }
}
