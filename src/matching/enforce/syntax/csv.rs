//! Every rule of every list (RFC 4180), for spreadsheets and other programs: nothing is joined, shortened or left out.

use std::io::{self, Write};

use crate::matching::enforce::input::Lists;
use crate::matching::enforce::names::Names;

/// Writes the header and a record for each rule.
pub(in crate::matching::enforce) fn write(names: &Names, lists: &Lists, out: &mut dyn Write) -> io::Result<()> {
    let fields: Vec<String> = lists.iter().map(|(source, _)| field(&source.name)).collect();
    let mut name = String::new();
    write!(out, "name,action,kind,list,line\r\n")?;
    for at in 0..names.len() {
        names.text(at, &mut name);
        let (list, line) = names.place(at);
        let list = fields.get(list as usize).map_or("", String::as_str);
        write!(out, "{name},{},{},{list},{line}\r\n", names.action(at).name(), names.kind(at).name())?;
    }
    Ok(())
}

/// A field, quoted where it must be.
fn field(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn fields_are_quoted_where_they_must_be() {
        assert_eq!(super::field("pl-mf"), "pl-mf");
        assert_eq!(super::field("a \"b\",\r\nc"), "\"a \"\"b\"\",\r\nc\"");
    }
}
