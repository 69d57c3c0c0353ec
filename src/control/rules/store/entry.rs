//! What a list's file says of one entry beside its name: read again from the file, since it is kept nowhere else.

use std::io::{BufRead, BufReader, Read};

use super::Store;
use super::error::StoreError;
use super::hash::Hash;
use super::typed::Note;
use crate::control::rules::source::{Place, Source};

/// The longest line that is shown, in octets.
const MAX_LINE: usize = 2_000;
/// The largest XML file in which an entry is looked up, in octets.
const MAX_XML: u64 = 256 << 20;

/// What is known of an entry beside its name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Entry {
    /// The line of the file, or the register's entry.
    pub text: String,
    /// Order, case or entry number.
    pub reference: Option<String>,
    /// When the authority listed it, or when it was proposed.
    pub listed: Option<String>,
    /// From when on it holds.
    pub valid_from: Option<String>,
    /// Until when it holds.
    pub expires: Option<String>,
    /// For people.
    pub note: Option<String>,
    /// The order, an object.
    pub order: Option<Hash>,
}

impl Store {
    /// What the file says of an entry.
    pub(super) fn entry(
        &self,
        source: &Source,
        file: &Hash,
        line: u32,
        pattern: &str,
        is_xml: bool,
    ) -> Result<(Entry, Option<Note>), StoreError> {
        if is_xml {
            let mut text = Vec::new();
            self.objects.open(file)?.take(MAX_XML).read_to_end(&mut text).map_err(|_| self.objects.damaged(file))?;
            return Ok((register_entry(&String::from_utf8_lossy(&text), line, pattern).unwrap_or_default(), None));
        }
        let text = nth_line(self.objects.open(file)?, line).map_err(|_| self.objects.damaged(file))?;
        let note = if source.place == Place::Typed { Note::of_line(&text) } else { None };
        let entry = match &note {
            None => Entry { text, ..Entry::default() },
            Some(note) => Entry {
                text: pattern.to_owned(),
                reference: Some(note.reference.clone()),
                listed: Some(note.listed.clone()),
                valid_from: note.valid_from.clone(),
                expires: note.expires.clone(),
                note: Some(note.note.clone()).filter(|note| !note.is_empty()),
                order: note.order,
            },
        };
        Ok((entry, note))
    }
}

/// A line of a file, from 1, cut and made fit to be shown.
fn nth_line(file: impl Read, number: u32) -> std::io::Result<String> {
    let mut reader = BufReader::new(file);
    for _ in 1..number {
        if reader.skip_until(b'\n')? == 0 {
            return Ok(String::new());
        }
    }
    let mut line = Vec::new();
    reader.take(MAX_LINE as u64).read_until(b'\n', &mut line)?;
    Ok(tame(&String::from_utf8_lossy(&line)))
}

fn tame(text: &str) -> String {
    let visible = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.trim().chars().map(|c| if c == '\t' || c == '\n' { ' ' } else { c }).filter(visible).take(MAX_LINE).collect()
}

/// The entry of the Polish register around a name.
fn register_entry(text: &str, line: u32, pattern: &str) -> Option<Entry> {
    let ends = text.match_indices('\n').map(|(at, _)| at + 1);
    let start = std::iter::once(0).chain(ends).nth(usize::try_from(line).ok()?.saturating_sub(1))?;
    let after = text.get(start..)?;
    // The register may be one long line, so the name is looked for, and the line if it is written otherwise there.
    let at = after.find(&format!(">{pattern}<")).or_else(|| after.find("<AdresDomeny"))? + start;
    let open = text.get(..at)?.rfind("<PozycjaRejestru")?;
    let close = text.get(at..)?.find("</PozycjaRejestru>")? + at;
    let entry = text.get(open..close)?;
    let element = |name: &str| {
        let (_, rest) = entry.split_once(&format!("<{name}>"))?;
        Some(tame(rest.split('<').next()?)).filter(|text| !text.is_empty())
    };
    let number = entry.split_once("Lp=\"").and_then(|(_, rest)| rest.split('"').next());
    let local = |time: String| format!("{time} (Warsaw time)");
    Some(Entry {
        text: tame(entry).split_whitespace().collect::<Vec<_>>().join(" "),
        reference: number.map(|number| format!("entry {}", tame(number))),
        listed: element("DataWpisu").map(local),
        expires: element("DataWykreslenia").map(local),
        ..Entry::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_the_register_is_found_on_its_line_or_in_one_long_line() {
        let entries = "<Rejestr>\n<PozycjaRejestru Lp=\"1\">\n<AdresDomeny>a.example</AdresDomeny>\n<DataWpisu>2017-07-01T10:00:00\
                       </DataWpisu>\n</PozycjaRejestru>\n<PozycjaRejestru Lp=\"2\">\n<AdresDomeny>b.example</AdresDomeny>\n\
                       <DataWpisu>2018-07-01T10:00:00</DataWpisu>\n</PozycjaRejestru>\n</Rejestr>";
        for (text, line) in [(entries.to_owned(), 7), (entries.replace('\n', ""), 1)] {
            let entry = register_entry(&text, line, "b.example").unwrap();
            assert_eq!(entry.reference.as_deref(), Some("entry 2"));
            assert_eq!(entry.listed.as_deref(), Some("2018-07-01T10:00:00 (Warsaw time)"));
            assert!(entry.text.contains("b.example") && !entry.text.contains("a.example"), "{}", entry.text);
        }
        assert_eq!(register_entry("<Rejestr/>", 1, "a.example"), None);
    }

    #[test]
    fn a_line_is_found_by_its_number() {
        let file = "one\ntwo\u{202e}\nthree";
        let line = |number| nth_line(file.as_bytes(), number).unwrap();
        assert_eq!(
            (line(1).as_str(), line(2).as_str(), line(3).as_str(), line(4).as_str()),
            ("one", "two", "three", "")
        );
    }
}
