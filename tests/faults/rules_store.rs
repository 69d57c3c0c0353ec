//! The store of rules under bad files, bad people, damage and kills: each time the old rules and the old bundle stay, and
//! the store opens again with no lost and no half change.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::commands::stakeout;

const NAMES: usize = 400;

fn names(count: usize) -> String {
    (0..count).map(|n| format!("casino{n}.example\n")).collect()
}

/// A store with one verified list in force and one bundle published.
struct Case {
    dir: tempfile::TempDir,
}

impl Case {
    fn new() -> Case {
        let case = Case { dir: tempfile::tempdir().unwrap() };
        for key in ["anna", "bert", "rules"] {
            let (secret, public) = (format!("{key}.key"), format!("{key}.pub"));
            case.good(&["keygen", "--secret-key", &secret, "--public-key", &public, "--no-password"]);
        }
        case.good(&["init", "--store", "store", "--person", "anna=anna.pub", "--person", "bert=bert.pub"]);
        let definition = format!(
            "[[source]]\nid = \"pl\"\ntitle = \"t\"\nauthority = \"a\"\njurisdictions = [\"PL\"]\naction = \"block\"\nlegal_basis = \"l\"\n\
             reference = \"r\"\nformat = \"plain\"\nfile = \"{}\"\nverified = true\nstated_count = \"comment:total\"\n",
            case.path("pl.txt").display()
        );
        let typed = definition.replace("\"pl\"", "\"letters\"");
        let typed = typed.split("file =").next().unwrap();
        for (name, text) in [("pl.toml", definition.as_str()), ("letters.toml", typed)] {
            fs::write(case.path(name), text).unwrap();
            let id = id(&case.good(&["source", "add", name, "--store", "store", "--why", "x"]));
            case.good(&["approve", &id, "--store", "store", "--key", "anna.key"]);
            case.good(&["approve", &id, "--store", "store", "--key", "bert.key"]);
        }
        let said = case.import(&list(NAMES, NAMES));
        assert!(said.0 == 0 && said.1.contains("taken as snapshot"), "{said:?}");
        case.good(&case.publish());
        case
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self, words: &[&str]) -> (i32, String, String) {
        stakeout(self.dir.path(), &[&["rules"], words].concat(), None)
    }

    fn good(&self, words: &[&str]) -> String {
        let (code, out, err) = self.run(words);
        assert_eq!(code, 0, "{words:?}: {out}{err}");
        out
    }

    fn import(&self, text: &str) -> (i32, String, String) {
        fs::write(self.path("pl.txt"), text).unwrap();
        self.run(&["import", "pl", "pl.txt", "--store", "store", "--why", "the list of today"])
    }

    fn publish(&self) -> [&'static str; 9] {
        ["publish", "--store", "store", "--channel", "pl", "--key", "rules.key", "--to", "pl.stkbundle"]
    }

    /// Rules in force, from the store itself.
    fn in_force(&self) -> String {
        let status = self.run(&["status", "--store", "store"]).1;
        let line = status.lines().find(|line| line.starts_with("pl:")).unwrap_or_else(|| panic!("{status}"));
        line.split(" in force").next().unwrap().to_owned()
    }

    /// Version and rules of the bundle, which must be good.
    fn bundle(&self) -> String {
        let told = self.good(&["verify", "pl.stkbundle", "--key", "rules.pub"]);
        told.split(" list").next().unwrap().split("good: ").nth(1).unwrap().to_owned()
    }
}

/// A list with its own count in front.
fn list(count: usize, stated: usize) -> String {
    format!("# total: {stated}\n{}", names(count))
}

/// The number of the proposal that a command tells of.
fn id(said: &str) -> String {
    said.lines().find_map(|line| line.strip_prefix("proposal ")?.split(':').next()).unwrap().to_owned()
}

#[test]
fn a_bad_file_takes_nobodys_place() {
    let case = Case::new();
    let (head, bundle) = (case.in_force(), case.bundle());
    let good = list(NAMES, NAMES);
    let swing = NAMES * 13 / 10;
    for (text, told) in [
        (good[..good.len() / 2].to_owned(), "guard: shrank too much"),
        (list(swing, swing), "guard: grew too much: 120 rules are new, 30.0 %"),
        (list(NAMES * 7 / 10, NAMES * 7 / 10), "guard: shrank too much: 120 rules are gone, 30.0 %"),
        (list(NAMES, NAMES + 1), "guard: wrong count: the file says that it has 401 entries, and 400 were read"),
        (names(NAMES), "guard: no count"),
        ("<html><body>Service unavailable</body></html>".into(), "the file is refused"),
        (String::new(), "the file is refused"),
        ("\0\0\0".into(), "the file is refused"),
    ] {
        let (code, out, err) = case.import(&text);
        assert!(code == 1 && out.contains(told), "{told}: {code} {out}{err}");
        assert_eq!((case.in_force(), case.bundle()), (head.clone(), bundle.clone()), "{told}");
    }
    let status = case.run(&["status", "--store", "store"]);
    assert!(status.0 == 1 && status.1.contains("guards tripped so far: 8"), "{}", status.1);
    // A good one is still taken, and clears what was told.
    let (code, out, _) = case.import(&list(NAMES + 5, NAMES + 5));
    assert!(code == 0 && out.contains("405 rules"), "{out}");
    assert!(!case.good(&["status", "--store", "store"]).contains("attention"));
}

#[test]
fn one_person_is_one_person_however_often() {
    let case = Case::new();
    let id = id(&case.import(&list(NAMES / 2, NAMES / 2)).1);
    case.good(&["approve", &id, "--store", "store", "--key", "anna.key"]);
    for _ in 0..3 {
        let (code, _, err) = case.run(&["approve", &id, "--store", "store", "--key", "anna.key"]);
        assert!(code == 2 && err.contains("another person must"), "{err}");
    }
    // Nor under another name.
    let (code, _, err) = case.run(&["person", "enrol", "anna2=anna.pub", "--store", "store", "--why", "x"]);
    assert!(code == 2 && err.contains("the key is known already"), "{err}");
    assert!(case.in_force().contains("400 rules"));
    case.good(&["approve", &id, "--store", "store", "--key", "bert.key"]);
    assert!(case.in_force().contains("200 rules"));
}

/// Every file below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn nothing_is_published_from_a_store_that_was_tampered_with() {
    let case = Case::new();
    let bundle = case.bundle();
    let journal = fs::read(case.path("store/journal")).unwrap();
    let mut tampered = vec![(case.path("store/journal"), "the journal is damaged")];
    tampered.extend(files(&case.path("store/objects")).into_iter().map(|path| (path, "was changed since it was kept")));
    assert!(tampered.len() > 5);
    for (path, told) in &tampered {
        let whole = fs::read(path).unwrap();
        // At every eighth of it, so that a line in the middle and the last one are hit.
        for part in 0..8 {
            let mut changed = whole.clone();
            let at = (whole.len() - 2) * part / 7;
            changed[at] ^= 1;
            fs::write(path, &changed).unwrap();
            let (code, out, err) = case.run(&case.publish());
            assert!(code == 1 && out.is_empty() && err.contains(told), "{} at {at}: {code} {out}{err}", path.display());
        }
        fs::write(path, whole).unwrap();
        assert_eq!(case.bundle(), bundle);
    }
    // A last line that a power cut had cut is no damage.
    fs::write(case.path("store/journal"), [&journal[..], b"{\"seq\":9,\"ti"].concat()).unwrap();
    let (code, out, err) = case.run(&case.publish());
    assert!(
        code == 0 && out.contains("version 2") && err.contains("had no end, as after a power cut"),
        "{code} {out}{err}"
    );
    // A newer store is left alone.
    fs::write(case.path("store/format"), "2\n").unwrap();
    let (code, _, err) = case.run(&case.publish());
    assert!(code == 2 && err.contains("is a store of format 2"), "{err}");
}

#[test]
fn commands_at_the_same_time_wait_for_each_other() {
    let case = Case::new();
    let spawn = |n: usize| {
        let name = format!("site{n}.example");
        let words = ["propose", "letters", "--add", &name, "--order", "pl.toml", "--reference", "1", "--why", "x"];
        let mut command = Command::new(env!("CARGO_BIN_EXE_stakeout"));
        command.arg("rules").args(words).args(["--store", "store"]).current_dir(case.dir.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..8).map(spawn).collect();
    let mut ids: Vec<String> = children
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(output.status.success(), "{out}{err}");
            id(&out)
        })
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), case.good(&["proposals", "--store", "store"]).lines().count()), (8, 8));
}

/// A sequence of numbers that is the same at every run; when the kill hits does not depend on it alone.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

#[test]
fn kills_at_any_moment_leave_the_old_state_or_the_new_one() {
    let kills: u64 = std::env::var("STAKEOUT_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(24);
    let case = Case::new();
    let (mut numbers, mut count, mut version) = (Numbers(7), NAMES, 1_u64);
    for round in 0..kills {
        // Within the guards either way, and another list each time.
        let next = if count == NAMES { NAMES + 10 } else { NAMES };
        fs::write(case.path("pl.txt"), list(next, next)).unwrap();
        let waiting = case.good(&["proposals", "--store", "store"]);
        let waiting = waiting.split(' ').next().filter(|id| !id.is_empty()).map(str::to_owned);
        let publish = case.publish();
        let (approve, name, propose);
        let on_order = ["--store", "store", "--order", "pl.toml", "--reference", "1", "--why", "x"];
        let words: &[&str] = match (round % 5, &waiting) {
            (0, _) => &["import", "pl", "pl.txt", "--store", "store", "--why", "x"],
            (1, _) => &publish,
            (2, Some(id)) => {
                approve = ["approve", id.as_str(), "--store", "store", "--key", "anna.key"];
                &approve
            }
            (3, Some(id)) => {
                approve = ["approve", id.as_str(), "--store", "store", "--key", "bert.key"];
                &approve
            }
            (4, _) => &["gc", "--store", "store", "--keep", "1"],
            // Something to sign for.
            _ => {
                name = format!("site{round}.example");
                propose = [&["propose", "letters", "--add", &name][..], &on_order].concat();
                &propose
            }
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_stakeout"));
        command.arg("rules").args(words).current_dir(case.dir.path());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(numbers.next(40_000)));
        let _ = child.kill();
        child.wait().unwrap();

        // The store opens, what is in force is the old list or the new one, and the bundle is the old one or the next.
        let now = case.in_force();
        let (old, new) = (format!("pl: {count} rules"), format!("pl: {next} rules"));
        assert!(now.starts_with(&old) || now.starts_with(&new), "round {round} {words:?}: {now}");
        count = if now.starts_with(&old) { count } else { next };
        let told = case.bundle();
        let found: u64 = told.split("version ").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
        assert!(found >= version && told.contains(" rules"), "round {round} {words:?}: {told}");
        version = found;
        // And every signature for it holds.
        case.good(&["build", "--store", "store", "--out", "check.stkset"]);
    }
    // Work goes on.
    fs::write(case.path("pl.txt"), list(NAMES + 20, NAMES + 20)).unwrap();
    case.good(&["import", "pl", "pl.txt", "--store", "store", "--why", "x"]);
    case.good(&case.publish());
    assert!(case.in_force().starts_with("pl: 420 rules"));
    case.good(&["gc", "--store", "store"]);
    let left: Vec<PathBuf> = files(&case.path("store"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "new" || end == "stkset"))
        .collect();
    assert_eq!(left, [] as [PathBuf; 0]);
}
