//! What is said of lists on the command line: on whose order each of them stands.
//!
//! ```toml
//! channel = "national"                  # for `rules build --sign` only
//! [lists.pl-mf]
//! authority = "Ministerstwo Finansów"
//! jurisdictions = ["PL"]
//! legal_basis = "Gambling Act of 2009, article 15f"
//! reference = "register of 24 November 2026"
//! deadline_hours = 48                   # may be left out
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::exit::Exit;
use crate::matching::ListSource;
use crate::model::Provenance;

/// The largest description that is read, in octets.
const MAX_OCTETS: u64 = 1 << 20;

/// A description that was read and checked.
#[derive(Debug)]
pub(super) struct Description {
    /// Which series of bundles the lists are for.
    pub(super) channel: Option<String>,
    /// By list.
    pub(super) lists: BTreeMap<String, Provenance>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    channel: Option<String>,
    #[serde(default)]
    lists: BTreeMap<String, Provenance>,
}

impl Description {
    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong with it, and the exit code for that.
    pub(super) fn read(path: &Path) -> Result<Description, (String, Exit)> {
        let text =
            read_bounded(path).map_err(|error| (format!("{}: cannot be read: {error}", path.display()), Exit::Io))?;
        Description::parse(&text).map_err(|why| (format!("{}: {why}", path.display()), Exit::Usage))
    }

    fn parse(text: &str) -> Result<Description, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        Ok(Description { channel: file.channel, lists: file.lists })
    }

    /// Gives each list what is said of it.
    ///
    /// # Errors
    /// A description of a list that is not there.
    pub(super) fn apply(&self, sources: &mut [ListSource]) -> Result<(), String> {
        self.apply_to_any(&mut [sources])
    }

    /// The same where lists stand on several sides, such as old and new; one of a name that several have is described on
    /// each.
    ///
    /// # Errors
    /// A description of a list that is on no side.
    pub(super) fn apply_to_any(&self, sides: &mut [impl AsMut<[ListSource]>]) -> Result<(), String> {
        for (name, provenance) in &self.lists {
            let mut known = Vec::new();
            let mut found = false;
            for side in sides.iter_mut() {
                match side.as_mut().iter_mut().find(|source| *source.name == **name) {
                    Some(source) => {
                        source.provenance = Some(Arc::new(provenance.clone()));
                        found = true;
                    }
                    None => known.extend(side.as_mut().iter().map(|source| source.name.to_string())),
                }
            }
            if !found {
                return Err(format!("describes the list {name:?}, and there is only: {}", known.join(", ")));
            }
        }
        Ok(())
    }
}

fn read_bounded(path: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_OCTETS + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_OCTETS {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Action;

    const GOOD: &str = "channel = \"national\"\n[lists.ch]\nauthority = \"Gespa\"\njurisdictions = [\"ch\"]\n\
        legal_basis = \"BGS art. 86\"\nreference = \"list\"\ndeadline_hours = 120\n";

    #[test]
    fn a_description_is_applied_to_the_list_of_its_name() {
        let described = Description::parse(GOOD).unwrap();
        let mut sources = [ListSource::of_file("ch", Action::Block), ListSource::of_file("gb", Action::Licensed)];
        described.apply(&mut sources).unwrap();
        let provenance = sources[0].provenance.as_ref().unwrap();
        assert_eq!(provenance.to_string(), "Gespa, BGS art. 86, list (CH)");
        assert_eq!((provenance.deadline_hours(), described.channel.as_deref()), (Some(120), Some("national")));
        assert!(sources[1].provenance.is_none());
        let why = described.apply(&mut sources[1..]).unwrap_err();
        assert_eq!(why, "describes the list \"ch\", and there is only: gb");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_list() {
        for (from, to, told) in [
            ("\"ch\"", "\"uk\"", "\"uk\" is no country of ISO 3166-1: the United Kingdom is GB"),
            ("\"Gespa\"", "\" \"", "`authority` must be 1 to 512 octets of text on one line"),
            ("[\"ch\"]", "[]", "there must be 1 to 64 jurisdictions"),
        ] {
            let why = Description::parse(&GOOD.replace(from, to)).unwrap_err();
            assert!(why.contains(told) && why.contains("line 2"), "{why}");
        }
        assert!(Description::parse(&GOOD.replace("legal_basis", "law")).unwrap_err().contains("unknown field `law`"));
        assert!(Description::parse(&GOOD.replace("reference = \"list\"\n", "")).unwrap_err().contains("missing field"));
    }
}
