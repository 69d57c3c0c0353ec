//! Moves a finished file aside under the time of its end, and deletes the oldest of those.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::model::Timestamp;

/// Moves `path` to `path.20261124T094635Z`. If there is a file of that time or a later one, because two ended within a
/// second or the clock was set back, the name is the latest one's with the next number (`….001`), so that the names
/// keep the order of the files.
pub(super) fn set_aside(path: &Path, now: Timestamp) -> io::Result<PathBuf> {
    let text = now.to_string();
    let digits = text.chars().filter(|c| *c != '-' && *c != ':');
    let now = Stamp { time: digits.take("20261124T094635".len()).chain(['Z']).collect(), number: 0 };
    let stamp = match rotated(path)?.pop() {
        Some((latest, _)) if latest.time >= now.time => Stamp { number: latest.number + 1, ..latest },
        _ => now,
    };
    let mut to = path.as_os_str().to_owned();
    to.push(format!(".{}", stamp.time));
    if stamp.number > 0 {
        to.push(format!(".{:03}", stamp.number));
    }
    fs::rename(path, &to)?;
    sync_folder(path);
    Ok(PathBuf::from(to))
}

/// Deletes the oldest rotated files of `path` until `keep` are left.
pub(super) fn prune(path: &Path, keep: usize) -> io::Result<()> {
    let rotated = rotated(path)?;
    let surplus = rotated.len().saturating_sub(keep);
    for (_, old) in &rotated[..surplus] {
        fs::remove_file(old)?;
    }
    Ok(())
}

/// The end of a rotated file's name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Stamp {
    /// `20261124T094635Z`.
    time: String,
    number: u32,
}

impl Stamp {
    fn parse(text: &str) -> Option<Stamp> {
        let (time, number) = text.split_once('.').map_or((text, None), |(time, number)| (time, Some(number)));
        let form = "00000000T000000Z";
        let fits = time.len() == form.len()
            && time.bytes().zip(form.bytes()).all(|(b, f)| if f == b'0' { b.is_ascii_digit() } else { b == f });
        let number = match number {
            None => Some(0),
            Some(n) if n.len() >= 3 && n.bytes().all(|b| b.is_ascii_digit()) => n.parse().ok(),
            Some(_) => None,
        };
        number.filter(|_| fits).map(|number| Stamp { time: time.to_owned(), number })
    }
}

/// The rotated files of `path`, oldest first, by the form of their names.
fn rotated(path: &Path) -> io::Result<Vec<(Stamp, PathBuf)>> {
    let (Some(name), Some(folder)) = (path.file_name().and_then(|n| n.to_str()), folder(path)) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let own = entry.file_name();
        let rest = own.to_str().and_then(|own| own.strip_prefix(name)).and_then(|rest| rest.strip_prefix('.'));
        found.extend(rest.and_then(Stamp::parse).map(|stamp| (stamp, entry.path())));
    }
    found.sort();
    Ok(found)
}

fn folder(path: &Path) -> Option<&Path> {
    path.parent().map(|p| if p.as_os_str().is_empty() { Path::new(".") } else { p })
}

/// Makes a rename outlive a power failure, where the file system can.
fn sync_folder(path: &Path) {
    if let Some(folder) = folder(path).and_then(|f| File::open(f).ok()) {
        // The events are safe in either place: a rename that is lost is done again.
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_names_are_taken_for_rotated_files() {
        assert!(Stamp::parse("20261124T094635Z") < Stamp::parse("20261124T094635Z.017"));
        assert!(Stamp::parse("20261124T094635Z.999") < Stamp::parse("20261124T094635Z.1000"));
        for other in ["1", "gz", "20261124T094635", "20261124T094635Z.gz", "20261124T094635Z.01", "2026112xT094635Z"] {
            assert_eq!(Stamp::parse(other), None, "{other}");
        }
    }

    #[test]
    fn the_oldest_go_first_and_strangers_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        fs::write(dir.path().join("events.jsonl.bak"), "").unwrap();
        // The clock stands still, and is set back.
        for (n, at) in [1, 2, 2, 1, 3].into_iter().enumerate() {
            fs::write(&path, format!("{n}\n")).unwrap();
            set_aside(&path, Timestamp::from_parts(at, 0)).unwrap();
            prune(&path, 3).unwrap();
        }
        let mut left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        let of = |at: &str| format!("events.jsonl.19700101T00000{at}");
        assert_eq!(left, [of("2Z.001"), of("2Z.002"), of("3Z"), "events.jsonl.bak".to_owned()]);
    }
}
