//! Whether the configuration file still says what the daemon was started with.
//!
//! A reload takes up rules and output files and nothing else, so who changed more than that must be told that it is not in
//! force.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// As `stakeout check`: a file of more octets is no configuration. What is compared is no longer than this either.
const MOST: u64 = 1 << 20;

/// The file as it was at the start.
pub(super) struct StartedWith {
    path: PathBuf,
    octets: io::Result<Vec<u8>>,
}

impl StartedWith {
    pub(super) fn new(path: &Path) -> Self {
        StartedWith { path: path.to_owned(), octets: read(path) }
    }

    /// The file, if it has changed since, even by a comment. One that cannot be read now says nothing.
    pub(super) fn changed(&self) -> Option<&Path> {
        let (Ok(then), Ok(now)) = (&self.octets, read(&self.path)) else { return None };
        (*then != now).then_some(self.path.as_path())
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    File::open(path)?.take(MOST).read_to_end(&mut octets)?;
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::StartedWith;

    #[test]
    fn a_change_is_told_until_it_is_taken_back() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("stakeout.toml");
        std::fs::write(&file, "a = 1\n").expect("written");
        let started = StartedWith::new(&file);
        assert_eq!(started.changed(), None);
        std::fs::write(&file, "a = 2\n").expect("written");
        assert_eq!(started.changed(), Some(file.as_path()));
        std::fs::write(&file, "a = 1\n").expect("written");
        assert_eq!(started.changed(), None);
        std::fs::remove_file(&file).expect("removed");
        assert_eq!(started.changed(), None);
    }
}
