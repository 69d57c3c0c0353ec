//! The count that a file itself states, in a comment or in an attribute.

use std::io::{self, BufRead, BufReader, Read};

use memchr::memmem;

use crate::control::rules::source::StatedCount;

/// Octets at the beginning of a file in which a comment or a first attribute is looked for.
const HEAD: u64 = 64 << 10;
/// Octets looked at together for attributes further on.
const PIECE: u64 = 1 << 20;

/// The number that the file states; `None` if it states none.
///
/// # Errors
/// Those of reading.
pub fn stated(how: &StatedCount, file: impl Read) -> io::Result<Option<u64>> {
    match how {
        StatedCount::Comment(word) => {
            let mut head = Vec::new();
            file.take(HEAD).read_to_end(&mut head)?;
            let comments = head.split(|octet| *octet == b'\n').map(<[u8]>::trim_ascii);
            Ok(comments
                .filter(|line| matches!(line.first(), Some(b'#' | b'!' | b';')))
                .find_map(|line| comment(line, word)))
        }
        StatedCount::Attribute(name) => {
            let mut head = Vec::new();
            file.take(HEAD).read_to_end(&mut head)?;
            Ok(attributes(&head, name).next())
        }
        StatedCount::Greatest(name) => {
            let (mut reader, mut greatest, mut piece) = (BufReader::new(file), None, Vec::new());
            loop {
                // Up to the end of a tag, so that no attribute is cut in two.
                piece.clear();
                let read = reader.by_ref().take(PIECE).read_to_end(&mut piece)?;
                let more = reader.by_ref().take(PIECE).read_until(b'>', &mut piece)?;
                if read + more == 0 {
                    return Ok(greatest);
                }
                greatest = greatest.max(attributes(&piece, name).max());
            }
        }
    }
}

/// The number behind `word` and a colon or an equals sign.
fn comment(line: &[u8], word: &str) -> Option<u64> {
    let line = std::str::from_utf8(line).ok()?.to_lowercase();
    let (_, after) = line.split_once(&word.to_lowercase())?;
    number(after.trim_start().strip_prefix([':', '='])?.trim_start())
}

/// The numbers in all attributes of a name.
fn attributes<'a>(text: &'a [u8], name: &'a str) -> impl Iterator<Item = u64> + 'a {
    memmem::find_iter(text, name.as_bytes()).filter_map(move |at| {
        let before = at.checked_sub(1).and_then(|at| text.get(at))?;
        if !before.is_ascii_whitespace() {
            return None;
        }
        let after = text.get(at + name.len()..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
        let after = after.strip_prefix(b"\"").or_else(|| after.strip_prefix(b"'"))?;
        number(std::str::from_utf8(after.get(..32.min(after.len()))?.split(|b| !b.is_ascii()).next()?).ok()?)
    })
}

/// Leading digits, with marks of thousands between them.
fn number(text: &str) -> Option<u64> {
    let end =
        text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ',' | '\'' | ' ' | '_')).unwrap_or(text.len());
    let digits: String = text.get(..end)?.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(how: &str, text: &str) -> Option<u64> {
        stated(&how.parse().unwrap(), text.as_bytes()).unwrap()
    }

    #[test]
    fn counts_are_read_from_where_they_are_said_to_be() {
        assert_eq!(of("comment:Total", "# Version: 7\n# total: 1'234\na.example\n"), Some(1_234));
        assert_eq!(of("comment:Number of entries", "! Number of entries = 3 names\n"), Some(3));
        assert_eq!(of("comment:Total", "a.example\nTotal: 5\n"), None);
        assert_eq!(of("comment:Total", "# Total: many\n"), None);
        let xml = "<Rejestr Liczba=\"2\"><PozycjaRejestru Lp=\"1\"/><PozycjaRejestru  Lp = '17'/></Rejestr>";
        assert_eq!(of("attribute:Liczba", xml), Some(2));
        assert_eq!(of("greatest:Lp", xml), Some(17));
        assert_eq!(of("greatest:Nr", xml), None);
    }

    #[test]
    fn an_attribute_is_found_across_the_pieces_of_a_large_file() {
        let filler = "<x Lp=\"3\"/>".repeat(200_000);
        assert_eq!(of("greatest:Lp", &format!("<a>{filler}<x Lp=\"200001\"/>{filler}</a>")), Some(200_001));
    }
}
