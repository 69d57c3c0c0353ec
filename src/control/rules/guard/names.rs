//! Single names that a list must not block, or not before people looked: the operator's protected names, popular names,
//! and names under which everybody can have a site (the private part of the public suffix list).

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use psl::Psl;

use crate::control::rules::store::Settings;
use crate::matching::to_name;
use crate::model::DomainName;

/// The most names of one file that are read.
const MAX_NAMES: usize = 10_000_000;
/// The longest line, in octets.
const MAX_LINE: u64 = 4_096;

/// What is to be done with a name that a list would block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Look {
    /// Nothing.
    Fine,
    /// It is never taken; why.
    Refused(String),
    /// It waits for people; why.
    Held(String),
}

/// A file of names that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {what}: mend it, or take it out of store.toml")]
pub struct NameGuardError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: String,
}

/// The names that are guarded.
#[derive(Debug, Default)]
pub struct NameGuard {
    /// Protected names, in wire form.
    protected: HashSet<Box<[u8]>>,
    /// Every name that is protected or above a protected one, with the protected one.
    over_protected: HashMap<Box<[u8]>, Box<[u8]>>,
    /// Every name that is popular or above a popular one, with the best rank.
    over_popular: HashMap<Box<[u8]>, u64>,
}

impl NameGuard {
    /// Reads the files that the settings name.
    ///
    /// # Errors
    /// One that cannot be read: the guard would be down, so nothing is taken then.
    pub fn load(settings: &Settings) -> Result<NameGuard, NameGuardError> {
        let mut guard = NameGuard::default();
        for path in &settings.protected {
            each(path, MAX_NAMES as u64, |name, _| guard.protect(name))?;
        }
        for popular in &settings.popular {
            each(&popular.file, popular.top, |name, rank| guard.note_popular(name, rank))?;
        }
        Ok(guard)
    }

    fn protect(&mut self, name: &DomainName) {
        let whole: Box<[u8]> = name.as_wire().into();
        for upper in uppers(name.as_wire()) {
            self.over_protected.entry(upper.into()).or_insert_with(|| whole.clone());
        }
        self.protected.insert(whole);
    }

    fn note_popular(&mut self, name: &DomainName, rank: u64) {
        for upper in uppers(name.as_wire()) {
            let best = self.over_popular.entry(upper.into()).or_insert(rank);
            *best = rank.min(*best);
        }
    }

    /// Whether a name that a list would block is equal to a protected one, above one or under one; popular or above a
    /// popular one; or the private suffix of a provider.
    pub fn look(&self, wire: &[u8]) -> Look {
        if let Some(protected) = self.over_protected.get(wire) {
            let relation = if protected.as_ref() == wire { "is" } else { "would cover" };
            return Look::Refused(format!("{relation} the protected name {}", shown(protected)));
        }
        if let Some(upper) = uppers(wire).find(|upper| self.protected.contains(*upper)) {
            return Look::Held(format!("lies under the protected name {}", shown(upper)));
        }
        if let Some(rank) = self.over_popular.get(wire) {
            return Look::Held(format!("is popular, or covers what is: rank {rank}"));
        }
        if is_private_suffix(wire) {
            return Look::Held("is a private suffix, under which everybody can have a site".into());
        }
        Look::Fine
    }
}

/// The name and those above it, without the root.
fn uppers(wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = wire;
    std::iter::from_fn(move || {
        let (&len, after) = rest.split_first()?;
        let name = rest;
        rest = after.get(usize::from(len)..)?;
        (len > 0).then_some(name)
    })
}

/// A name in wire form as text.
pub(in crate::control::rules) fn shown(wire: &[u8]) -> String {
    let mut text = String::new();
    for name in uppers(wire) {
        let label = name.split_first().and_then(|(len, rest)| rest.get(..usize::from(*len))).unwrap_or_default();
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(&String::from_utf8_lossy(label));
    }
    text
}

fn is_private_suffix(wire: &[u8]) -> bool {
    // The deepest suffixes have five labels, a wildcard may add one.
    const DEEPEST: usize = 6;
    let labels: Vec<&[u8]> = uppers(wire)
        .take(DEEPEST + 1)
        .filter_map(|name| name.split_first().and_then(|(len, rest)| rest.get(..usize::from(*len))))
        .collect();
    if labels.len() > DEEPEST {
        return false;
    }
    let info = psl::List.find(labels.iter().rev().copied());
    let text: usize = labels.iter().map(|label| label.len() + 1).sum();
    info.typ == Some(psl::Type::Private) && info.len + 1 == text
}

/// Calls `note` with the first `top` names of a file and their ranks. A line is a name, or `rank,name`.
fn each(path: &Path, top: u64, mut note: impl FnMut(&DomainName, u64)) -> Result<(), NameGuardError> {
    let wrong = |what: String| NameGuardError { path: path.to_owned(), what };
    let file = File::open(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let (mut reader, mut line, mut number, mut taken) = (BufReader::new(file), String::new(), 0_u64, 0_u64);
    while taken < top.min(MAX_NAMES as u64) {
        line.clear();
        number += 1;
        let read = reader.by_ref().take(MAX_LINE).read_line(&mut line);
        if read.map_err(|error| wrong(format!("line {number} cannot be read: {error}")))? == 0 {
            return Ok(());
        }
        let text = line.trim().trim_start_matches('\u{feff}');
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let fields: Vec<&str> = text.split(',').map(|field| field.trim().trim_matches('"')).collect();
        let (rank, name) = match fields.as_slice() {
            [rank, name, ..] if rank.bytes().all(|b| b.is_ascii_digit()) => (rank.parse().unwrap_or(taken + 1), *name),
            [name, ..] => (taken + 1, *name),
            [] => continue,
        };
        // A heading of columns is no name of two labels.
        match to_name(name.trim_start_matches("*.")) {
            Ok(name) if name.labels().count() > 1 => note(&name, rank),
            Ok(_) if number == 1 => continue,
            _ => return Err(wrong(format!("line {number} holds no name: {name:?}"))),
        }
        taken += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::rules::store::Popular;

    fn guard(dir: &Path, protected: &str, popular: &str) -> NameGuard {
        std::fs::write(dir.join("protected"), protected).unwrap();
        std::fs::write(dir.join("popular"), popular).unwrap();
        let popular = Popular { file: dir.join("popular"), top: 2 };
        let settings = Settings { approvals: 2, protected: vec![dir.join("protected")], popular: vec![popular] };
        NameGuard::load(&settings).unwrap()
    }

    fn look(guard: &NameGuard, name: &str) -> Look {
        guard.look(to_name(name).unwrap().as_wire())
    }

    #[test]
    fn each_name_is_looked_at_for_what_blocking_it_would_do() {
        let dir = tempfile::tempdir().unwrap();
        let protected = "# ours\nportal.provider.example\n";
        let guard =
            guard(dir.path(), protected, "rank,domain\n1,maps.popular.example\n7,shop.example\n9,rare.example\n");
        assert_eq!(
            look(&guard, "portal.provider.example"),
            Look::Refused("is the protected name portal.provider.example".into())
        );
        assert_eq!(
            look(&guard, "provider.example"),
            Look::Refused("would cover the protected name portal.provider.example".into())
        );
        assert!(
            matches!(look(&guard, "casino.portal.provider.example"), Look::Held(why) if why.contains("lies under"))
        );
        assert_eq!(look(&guard, "casino.provider.example"), Look::Fine);
        assert_eq!(look(&guard, "shop.example"), Look::Held("is popular, or covers what is: rank 7".into()));
        assert!(matches!(look(&guard, "popular.example"), Look::Held(why) if why.ends_with("rank 1")));
        assert_eq!(look(&guard, "casino.shop.example"), Look::Fine);
        assert_eq!(look(&guard, "rare.example"), Look::Fine, "beyond the first two");
        assert!(matches!(look(&guard, "github.io"), Look::Held(why) if why.contains("private suffix")));
        assert_eq!(look(&guard, "casino.github.io"), Look::Fine);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_told() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("bad"), "fine.example\nnot a name\n").unwrap();
        for (file, told) in [("bad", "line 2 holds no name"), ("missing", "cannot be read")] {
            let settings = Settings { approvals: 2, protected: vec![dir.path().join(file)], popular: Vec::new() };
            assert!(NameGuard::load(&settings).unwrap_err().to_string().contains(told));
        }
    }
}
