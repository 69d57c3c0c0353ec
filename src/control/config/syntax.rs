//! TOML with all of its errors, not just the first.
//!
//! The parser recovers from most mistakes by itself. Three make it lose the rest of the file: a key without a value, a
//! header that is not closed, an array that is not closed. Those are mended in a copy of the text (by
//! inserting what is missing) and the copy is parsed again, so that one slip does not hide the others. Offsets are
//! translated back, so every error is told where it stands in the operator's file.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::problem::Problems;

/// More mends than this are not worth trying: what is left of the file is told as the parser sees it.
const MAX_MENDS: usize = 64;

/// The text, mended where it had to be.
pub(super) struct Mended {
    pub(super) text: String,
    /// Offset in the mended text and length of each insertion, in the order they were made.
    inserted: Vec<(usize, usize)>,
}

impl Mended {
    /// The offset in the operator's file of an offset in the mended text.
    pub(super) fn original(&self, mut at: usize) -> usize {
        for (start, len) in self.inserted.iter().rev() {
            if at > *start {
                at -= (*len).min(at - start);
            }
        }
        at
    }
}

/// Reports every syntax error of `text`, and gives back a text that parses as far as it can be made to.
pub(super) fn mend(text: &str, problems: &mut Problems<'_>) -> Mended {
    let mut mended = Mended { text: text.to_owned(), inserted: Vec::new() };
    let mut blamed = BTreeSet::new();
    for _ in 0..MAX_MENDS {
        let (root, errors) = DeTable::parse_recoverable(&mended.text);
        let spans: Vec<_> = errors.iter().map(|e| e.span().unwrap_or(0..0)).collect();
        // A place that was mended in vain is left as the parser sees it.
        let mend = find_mend(&mended.text, root.get_ref(), &spans).filter(|m| blamed.insert(mended.original(m.blame)));
        let Some(mend) = mend else {
            // The first error of a line is the mistake; those after it mostly follow from it.
            let mut told = problems.lines();
            for (error, span) in errors.iter().zip(spans) {
                let at = mended.original(span.start);
                if told.insert(problems.place(at).0) {
                    let (message, help) = explain(error.message(), &mended.text, span.start);
                    problems.error(at, format!("not valid TOML: {message}"), help);
                }
            }
            break;
        };
        problems.error(mended.original(mend.blame), mend.message, mend.help);
        mended.text.insert_str(mend.at, mend.insert);
        mended.inserted.push((mend.at, mend.insert.len()));
    }
    mended
}

struct Mend {
    /// Where the operator should look.
    blame: usize,
    message: &'static str,
    help: &'static str,
    at: usize,
    insert: &'static str,
}

/// The first thing to mend, if there is one.
fn find_mend(text: &str, root: &DeTable<'_>, errors: &[Range<usize>]) -> Option<Mend> {
    let end = text.trim_end().len();
    // An array that reaches the end of the file with an error there was never closed; all errors inside follow from it.
    if let Some(open) = errors.iter().any(|e| e.start >= end).then(|| open_array(root, end)).flatten() {
        let at = end_of_array(text, open);
        return Some(Mend {
            blame: open,
            message: "not valid TOML: the array that opens here is not closed",
            help: "add the missing `]`",
            at,
            insert: if at == text.len() && !text.ends_with('\n') { "\n]" } else { "]\n" },
        });
    }
    errors.iter().find_map(|error| {
        let at = error.start.min(text.len());
        let start = text.get(..at)?.rfind('\n').map_or(0, |n| n + 1);
        let line = text.get(start..)?.lines().next().unwrap_or("");
        let content = line.trim_start();
        if content.starts_with('[') && !line.contains(']') {
            let insert = if content.starts_with("[[") { "]]" } else { "]" };
            let header = line.split('#').next().unwrap_or(line).trim_end();
            let message = "not valid TOML: the header is not closed";
            return Some(Mend { blame: start, message, help: "end it with `]`", at: start + header.len(), insert });
        }
        let key = line.split('#').next().unwrap_or(line).trim_end();
        let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-. \t".contains(&b));
        if bare && error.start >= start + key.len() {
            let message = "not valid TOML: this key has no value";
            let at = start + key.len();
            return Some(Mend { blame: start, message, help: "write `key = value`", at, insert: " = \"\"" });
        }
        None
    })
}

/// Where the first array starts that reaches to the end of the text.
fn open_array(table: &DeTable<'_>, end: usize) -> Option<usize> {
    table.values().find_map(|value| match value.get_ref() {
        DeValue::Array(items) => {
            let span = value.span();
            // An array of tables has the span of its first header; its tables are looked into.
            let inner = items.iter().find_map(|item| match item.get_ref() {
                DeValue::Table(t) => open_array(t, end),
                _ => None,
            });
            if span.end >= end && !span.is_empty() { Some(span.start) } else { inner }
        }
        DeValue::Table(t) => open_array(t, end),
        _ => None,
    })
}

/// Where the array that opens at `open` most likely should have ended: before the next line that starts a key or a
/// header.
fn end_of_array(text: &str, open: usize) -> usize {
    let mut at = open;
    for (n, line) in text.get(open..).unwrap_or("").split_inclusive('\n').enumerate() {
        if n > 0 && starts_something(line) {
            return at;
        }
        at += line.len();
    }
    text.len()
}

fn starts_something(line: &str) -> bool {
    let line = line.trim_start();
    let key = line.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "_-.".contains(c));
    line.starts_with('[') || (key.len() < line.len() && key.trim_start().starts_with('='))
}

/// The parser's words, or better ones, and what to do.
fn explain<'m>(message: &'m str, text: &str, at: usize) -> (&'m str, &'static str) {
    let line_start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |n| n + 1);
    let line = text.get(line_start..).unwrap_or("").lines().next().unwrap_or("");
    // The parser takes a bare word for a number, "inf" or "nan" by its first letter, and complains about that.
    let bare_word = line.split_once('=').is_some_and(|(_, v)| v.trim_start().starts_with(|c: char| c.is_alphabetic()));
    if bare_word && (message.starts_with("invalid ") || message.starts_with("string values")) {
        ("the value is a bare word", "put text between double quotes")
    } else if message.contains("quoted") {
        (message, "put text between double quotes")
    } else if message.contains("duplicate key") {
        (message, "keep one of the two")
    } else if message.contains("basic string") {
        (message, "close the text with a double quote on the same line")
    } else {
        (message, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Problems as `line:col` of `text`, and the keys that could still be read.
    fn mended(text: &str) -> (Vec<String>, Vec<String>) {
        let mut problems = Problems::new(text);
        let mended = mend(text, &mut problems);
        let (root, _) = DeTable::parse_recoverable(&mended.text);
        let mut keys = Vec::new();
        for (name, value) in root.get_ref() {
            keys.push(name.get_ref().to_string());
            if let DeValue::Table(t) = value.get_ref() {
                keys.extend(t.keys().map(|k| format!("{}.{}", name.get_ref(), k.get_ref())));
            }
        }
        (problems.into_sorted().iter().map(ToString::to_string).collect(), keys)
    }

    #[test]
    fn a_key_without_a_value_does_not_hide_the_rest() {
        let (errors, keys) = mended("[b]\nfoo\nbar = 2\n[c]\nbaz   # hm\nx = 1e\n");
        assert_eq!(errors[0], "2:1: error: not valid TOML: this key has no value; write `key = value`");
        assert!(errors.iter().any(|e| e.starts_with("6:7: error: not valid TOML: invalid exponent")), "{errors:?}");
        assert!(keys.contains(&"b.bar".to_owned()), "{keys:?}");
    }

    #[test]
    fn an_open_header_keeps_its_keys() {
        let (errors, keys) = mended("[b # x\nname = 1\n[[r\nq = 1\n");
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert!(errors[0].starts_with("1:1: error: not valid TOML: the header is not closed"), "{errors:?}");
        assert!(errors[1].starts_with("3:1: "), "{errors:?}");
        assert_eq!(keys, ["b", "b.name", "r"]);
    }

    #[test]
    fn an_open_array_is_one_error_where_it_opens() {
        let (errors, keys) = mended("[b]\nx = [\n 1,\n 2\ny = 4\n[d]\nz = nope\n");
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert!(errors[0].starts_with("2:5: error: not valid TOML: the array that opens here is not closed"));
        assert!(errors[1].starts_with("7:5: error: not valid TOML: the value is a bare word"), "{errors:?}");
        assert_eq!(keys, ["b", "b.x", "b.y", "d", "d.z"]);
        assert_eq!(mended("x = [1").0.len(), 1);
        assert_eq!(mended("[[r]]\nx = [1, [2]\ny = 3\n").0.len(), 1);
    }

    #[test]
    fn any_text_comes_to_an_end() {
        let parts = ["[", "]", "[[", "=", "\"", "'''", "#", "\n", "a", "{", "}", ",", "\u{feff}", "ż", "\0", ".", " "];
        let mut state = 1u64;
        for _ in 0..3000 {
            let mut text = String::new();
            for _ in 0..24 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                text.push_str(parts[(state >> 33) as usize % parts.len()]);
            }
            let mut problems = Problems::new(&text);
            let mended = mend(&text, &mut problems);
            assert!(mended.original(mended.text.len()) <= text.len());
        }
    }
}
