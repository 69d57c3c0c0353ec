//! The rule files as the file system shows them: through which links a path leads, and what is at its end.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// As many links as Linux itself follows on one path (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// Paths that are watched, with what was last seen at each.
#[derive(Debug)]
pub(super) struct Files {
    paths: Vec<PathBuf>,
    seen: Vec<State>,
    /// Every name on the way to a file whose replacement changes where the path leads: the links, and the file itself.
    names: BTreeSet<PathBuf>,
}

/// What is at the end of a path, exact enough to tell one state from another without reading the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Nothing that can be looked at.
    Absent,
    There {
        device: u64,
        inode: u64,
        size: u64,
        modified: (i64, i64),
        changed: (i64, i64),
    },
}

impl Files {
    pub(super) fn new(paths: Vec<PathBuf>) -> Self {
        let mut files = Files { seen: vec![State::Absent; paths.len()], paths, names: BTreeSet::new() };
        files.refresh();
        files
    }

    /// Looks at all files; whether anything is not as it was seen last.
    pub(super) fn refresh(&mut self) -> bool {
        let mut changed = false;
        for (path, seen) in self.paths.iter().zip(&mut self.seen) {
            let now = state(path);
            changed |= std::mem::replace(seen, now) != now;
        }
        let names = self.paths.iter().flat_map(|p| names_on(p)).collect();
        changed |= std::mem::replace(&mut self.names, names) != self.names;
        changed
    }

    /// Whether `path` is one of the names on the way to a file.
    pub(super) fn concerns(&self, path: &Path) -> bool {
        self.names.contains(path)
    }

    /// The directories that hold those names. Of one that does not exist, the nearest ancestor that does.
    pub(super) fn directories(&self) -> Vec<Directory> {
        let parents = self.names.iter().filter_map(|name| name.ancestors().skip(1).find_map(Directory::at));
        parents.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// A directory, told from another that took its name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Directory {
    pub(super) path: PathBuf,
    device: u64,
    inode: u64,
}

impl Directory {
    fn at(path: &Path) -> Option<Directory> {
        let meta = fs::metadata(path).ok().filter(fs::Metadata::is_dir)?;
        Some(Directory { path: path.to_owned(), device: meta.dev(), inode: meta.ino() })
    }
}

fn state(path: &Path) -> State {
    fs::metadata(path).map_or(State::Absent, |m| State::There {
        device: m.dev(),
        inode: m.ino(),
        size: m.size(),
        modified: (m.mtime(), m.mtime_nsec()),
        changed: (m.ctime(), m.ctime_nsec()),
    })
}

/// The symbolic links on `path`, each by a name free of links before its last part, and the file at the end. A part
/// that does not exist is named with all that should follow it.
fn names_on(path: &Path) -> Vec<PathBuf> {
    let mut names = Vec::new();
    let mut links = 0;
    let mut at = PathBuf::from("/");
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    // What is still to be walked, last part first.
    let mut rest: Vec<OsString> = parts(&absolute);
    while let Some(part) = rest.pop() {
        if part == ".." {
            at.pop();
            continue;
        }
        let name = at.join(&part);
        match fs::read_link(&name) {
            Ok(target) if links < MAX_LINKS => {
                links += 1;
                if target.is_absolute() {
                    at = PathBuf::from("/");
                }
                names.push(name);
                rest.extend(parts(&target));
            }
            _ => at = name,
        }
    }
    names.push(at);
    names
}

/// The named parts of a path, last first; `..` is kept, since it must be taken after links are followed.
fn parts(path: &Path) -> Vec<OsString> {
    let kept = path.components().rev().filter(|c| matches!(c, Component::Normal(_) | Component::ParentDir));
    kept.map(|c| c.as_os_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn directories(files: &Files) -> Vec<PathBuf> {
        files.directories().into_iter().map(|d| d.path).collect()
    }

    #[test]
    fn every_link_on_the_way_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("v1")).unwrap();
        fs::write(root.join("v1/list"), "a").unwrap();
        symlink("v1", root.join("current")).unwrap();
        symlink("current/list", root.join("list")).unwrap();
        let names: BTreeSet<_> = names_on(&root.join("list")).into_iter().collect();
        assert_eq!(names, ["list", "current", "v1/list"].map(|n| root.join(n)).into_iter().collect());
        let files = Files::new(vec![root.join("list")]);
        assert_eq!(directories(&files), [root.clone(), root.join("v1")]);
        assert!(files.concerns(&root.join("current")) && !files.concerns(&root.join("other")));
    }

    #[test]
    fn loops_and_absent_parts_end() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        symlink("b", root.join("a")).unwrap();
        symlink("a", root.join("b")).unwrap();
        assert_eq!(names_on(&root.join("a")).len(), MAX_LINKS + 1);
        let mut files = Files::new(vec![root.join("a"), root.join("no/such/list")]);
        assert_eq!(directories(&files), std::slice::from_ref(&root));
        assert!(!files.refresh());
        fs::create_dir_all(root.join("no/such")).unwrap();
        fs::write(root.join("no/such/list"), "x").unwrap();
        assert!(files.refresh());
        assert!(!files.refresh());
    }

    #[test]
    fn any_other_state_is_a_change() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list");
        let mut files = Files::new(vec![path.clone()]);
        fs::write(&path, "a").unwrap();
        assert!(files.refresh());
        fs::write(&path, "ab").unwrap();
        assert!(files.refresh());
        fs::write(dir.path().join("other"), "ab").unwrap();
        assert!(!files.refresh());
        fs::rename(dir.path().join("other"), &path).unwrap();
        assert!(files.refresh());
        fs::remove_file(&path).unwrap();
        assert!(files.refresh());
    }
}
