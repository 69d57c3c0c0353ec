//! A working day with the store of rules: from two keys to a published bundle, an explanation and the way back; and every
//! signature that does not count.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use super::{Files, Ran, stakeout};

/// A store with anna and bert, and keys for carl, who is nobody, and for bundles.
struct Day {
    files: Files,
}

impl Day {
    fn new() -> Day {
        let day = Day { files: Files::new() };
        for key in ["anna", "bert", "carl", "rules"] {
            let (secret, public) = (format!("{key}.key"), format!("{key}.pub"));
            day.good(&["keygen", "--secret-key", &secret, "--public-key", &public, "--no-password"]);
        }
        day.good(&["init", "--person", "anna=anna.pub", "--person", "bert=bert.pub"]);
        day
    }

    /// Runs a command of `stakeout rules` in the directory of the day.
    fn run(&self, words: &[&str]) -> Ran {
        let mut command = stakeout();
        command.arg("rules").args(words).current_dir(self.files.path()).stdin(Stdio::null());
        command
            .env("STAKEOUT_STORE", self.path("store"))
            .env("STAKEOUT_WHO", "dora")
            .env_remove("STAKEOUT_KEY_PASSWORD");
        Ran::of(command.output().unwrap())
    }

    fn good(&self, words: &[&str]) -> String {
        let ran = self.run(words);
        assert_eq!(ran.code, 0, "{words:?}: {}{}", ran.out, ran.err);
        ran.out
    }

    /// Fails with the code, and says why.
    fn bad(&self, code: i32, words: &[&str], told: &str) {
        let ran = self.run(words);
        assert!(ran.code == code && ran.err.contains(told), "{words:?}: {} {}{}", ran.code, ran.out, ran.err);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// Signs by both people, for the proposal that `said` names.
    fn approve(&self, said: &str) {
        for id in said.lines().filter_map(|line| line.strip_prefix("proposal ")?.split(':').next()) {
            self.good(&["approve", id, "--key", "anna.key"]);
            assert!(self.good(&["approve", id, "--key", "bert.key"]).contains("it is in force"));
        }
    }

    /// A definition.
    fn source(&self, id: &str, place: &str, action: &str, more: &str) {
        let text = format!(
            "[[source]]\nid = \"{id}\"\ntitle = \"Register {id}\"\nauthority = \"Authority of {id}\"\njurisdictions = [\"{place}\"]\n\
             action = \"{action}\"\nlegal_basis = \"Law of {place}\"\nreference = \"Gazette {place}\"\nformat = \"plain\"\n{more}"
        );
        self.files.write(&format!("{id}.toml"), text);
        let said = self.good(&["source", "add", &format!("{id}.toml"), "--why", "a new list"]);
        self.approve(&said);
    }

    /// A list that is taken from a file without people.
    fn verified(&self, id: &str, place: &str) {
        let file = self.path(&format!("{id}.txt"));
        self.source(id, place, "block", &format!("file = \"{}\"\nverified = true\n", file.display()));
    }
}

fn names(count: usize) -> String {
    (0..count).map(|n| format!("casino{n}.example\n")).collect()
}

#[test]
fn a_day_from_an_import_to_a_bundle_and_back() {
    let day = Day::new();
    day.verified("ch", "CH");
    day.files.write("ch.txt", format!("{}bet.example\n", names(60)));
    assert!(day.good(&["import", "ch", "ch.txt", "--why", "the list of today"]).starts_with("ch: taken as snapshot "));
    assert!(day.good(&["import", "ch", "ch.txt", "--why", "again"]).contains("nothing new"));

    // The same site is licensed next door.
    day.source("gb", "GB", "licensed", "");
    day.files.write("gb.txt", "bet.example\n");
    let said = day.good(&["import", "gb", "gb.txt", "--why", "the register of today"]);
    assert!(said.contains("1 rule for gb"), "{said}");
    day.approve(&said);
    let told = day.good(&["explain", "www.bet.example"]);
    for words in [
        "www.bet.example in CH: blocked\n  decides: bet.example of ch (block), line 61",
        "www.bet.example in GB: licensed\n  decides: bet.example of gb (licensed), line 1",
        "ordered by Authority of ch, for CH: Register ch",
        "legal basis: Law of GB; reference of the list: Gazette GB",
        "taken from a verified source",
        "signed by anna, bert",
        "not published yet",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let only = day.good(&["explain", "bet.example", "--jurisdiction", "GB"]);
    assert!(!only.contains(" in CH"), "{only}");
    assert!(day.good(&["explain", "no-casino.example"]).contains("in CH: not listed"));

    // A cut download changes nothing, and is told.
    let good = fs::read(day.path("ch.txt")).unwrap();
    fs::write(day.path("ch.txt"), &good[..good.len() / 2]).unwrap();
    let ran = day.run(&["import", "ch", "ch.txt", "--why", "the list of tomorrow"]);
    assert!(ran.code == 1 && ran.out.contains("guard: shrank too much"), "{}", ran.out);
    let held = ran.out.split(['l', ':']).nth(1).unwrap().trim().to_owned();
    assert!(day.good(&["status"]).contains("ch: 61 rules"));
    assert!(day.good(&["diff", &format!("proposal:{held}")]).contains("- bet.example\n"));
    assert!(day.good(&["proposals"]).contains("that tripped"));
    day.good(&["reject", &held, "--why", "the download was cut"]);
    assert!(day.good(&["proposals"]).is_empty());
    fs::write(day.path("ch.txt"), &good).unwrap();

    // Names by letter.
    day.source("ch-orders", "CH", "block", "");
    day.files.write("letter.pdf", "block lucky.example");
    let said = day.good(&[
        "propose",
        "ch-orders",
        "--add",
        "Lucky.Example",
        "--order",
        "letter.pdf",
        "--reference",
        "2026/117",
        "--why",
        "a letter",
    ]);
    assert!(!day.good(&["test", "--store", "store", "--jurisdiction", "CH", "lucky.example"]).contains("block by"));
    let id = said.split([' ', ':']).nth(1).unwrap();
    let shown = day.good(&["show", id]);
    for words in ["add lucky.example", "reference 2026/117", "stakeout approval 1", "it waits for 2"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    day.approve(&said);
    let ran = day.good(&["test", "--store", "store", "--jurisdiction", "CH", "lucky.example"]);
    assert!(ran.starts_with("lucky.example: block by lucky.example"), "{ran}");

    // Out to the sensors, in one place at a time.
    let publish = ["publish", "--channel", "ch", "--jurisdiction", "CH", "--key", "rules.key", "--to", "ch.stkbundle"];
    assert!(day.good(&publish).starts_with("channel ch version 1: 62 rules of 2 lists"));
    assert!(day.good(&["verify", "ch.stkbundle", "--key", "rules.pub"]).contains("good: channel ch version 1"));
    assert!(day.good(&["explain", "bet.example"]).contains("in bundle ch since version 1"));
    day.files.write("ch.txt", names(60));
    assert!(day.good(&["import", "ch", "ch.txt", "--why", "one site less"]).contains("60 rules"));
    assert!(day.good(&publish).contains("version 2: 61 rules"));
    let back = day.good(&[
        "rollback",
        "--to",
        "1",
        "--channel",
        "ch",
        "--jurisdiction",
        "CH",
        "--key",
        "rules.key",
        "--out",
        "ch.stkbundle",
        "--why",
        "it must stay blocked",
    ]);
    assert!(back.contains("channel ch version 3: 62 rules"), "{back}");
    assert!(day.good(&["explain", "bet.example"]).contains("in GB: licensed"), "no other place was rolled back");
    let ran = day.run(&["import", "ch", "ch.txt", "--why", "again"]);
    assert!(ran.code == 1 && ran.out.contains("rolled back before"), "{}", ran.out);

    let history = day.good(&["history", "--all"]);
    for words in [
        "1 20",
        "dora made the store, with anna, bert",
        "dora published version 1 of ch",
        "went back to version 1",
        "anna signed for proposal",
    ] {
        assert!(history.contains(words), "{words}: {history}");
    }
    assert!(day.good(&["gc", "--keep", "1"]).starts_with("removed "));
    assert!(day.good(&publish).contains("version 4: 62 rules"));
    let left: Vec<_> = fs::read_dir(day.files.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with('.')), "{left:?}");
}

#[test]
fn signatures_that_do_not_count_are_refused_with_the_reason() {
    let day = Day::new();
    day.bad(
        2,
        &["init", "--person", "anna=anna.pub", "--person", "bert=bert.pub"],
        "there is a store of rules already",
    );
    day.source("letters", "NO", "block", "");
    day.files.write("letter", "…");
    let propose = |name: &str| {
        let words = ["propose", "letters", "--add", name, "--order", "letter", "--reference", "1", "--why", "x"];
        let said = day.good(&words);
        said.split([' ', ':']).nth(1).unwrap().to_owned()
    };
    let (one, two) = (propose("a.example"), propose("b.example"));
    assert!(day.good(&["approve", &one, "--key", "anna.key"]).contains("1 more signature is needed"));
    day.bad(2, &["approve", &one, "--key", "anna.key"], "this key signed for proposal");
    day.bad(2, &["approve", &one, "--key", "carl.key"], "is nobody's who is enrolled here");
    day.bad(2, &["approve", "99", "--key", "bert.key"], "there is no proposal 99");
    day.bad(3, &["approve", &one, "--key", "missing.key"], "cannot be read");
    day.bad(2, &["approve", &one], "--key");

    // A signature made elsewhere counts for its own proposal and for no other.
    let keys = fs::read_to_string(day.path("bert.key")).unwrap();
    let key = minisign::SecretKeyBox::from_string(&keys).unwrap().into_unencrypted_secret_key().unwrap();
    let sign = |id: &str| {
        day.good(&["show", id, "--text-out", "text"]);
        let text = fs::File::open(day.path("text")).unwrap();
        fs::write(day.path("sig"), minisign::sign(None, &key, text, None, None).unwrap().into_string()).unwrap();
    };
    sign(&two);
    day.bad(2, &["approve", &one, "--signature", "sig"], "is over another text, or forged");
    sign(&one);
    assert!(day.good(&["approve", &one, "--signature", "sig"]).contains("signed by bert; it is in force"));
    day.bad(2, &["approve", &one, "--key", "bert.key"], "is in force already");

    // A third person comes, and a key that was lost goes.
    let said = day.good(&["person", "enrol", "carl=carl.pub", "--why", "joins"]);
    day.approve(&said);
    day.bad(2, &["person", "enrol", "dora=carl.pub", "--why", "x"], "the key is known already");
    let said = day.good(&["person", "revoke", "bert", "--why", "lost his key"]);
    let id = said.split([' ', ':']).nth(1).unwrap();
    day.good(&["approve", id, "--key", "anna.key"]);
    day.good(&["approve", id, "--key", "carl.key"]);
    day.bad(2, &["approve", &two, "--key", "bert.key"], "was revoked");
    assert!(day.good(&["person", "list"]).contains("revoked since line"));
    day.bad(2, &["person", "revoke", "carl", "--why", "x"], "enrol another one first");
}

#[test]
fn definitions_are_shown_checked_and_proposed() {
    let day = Day::new();
    let listed = day.good(&["source", "list", "--catalogue"]);
    assert!(listed.lines().count() >= 20 && listed.contains("pl-hazard: block in PL"), "{listed}");
    assert_eq!(day.good(&["source", "list"]), "", "nothing of it is in use");
    let shown = day.good(&["source", "show", "pl-hazard", "--catalogue"]);
    day.files.write("pl.toml", &shown);
    let said = day.good(&["source", "add", "pl.toml", "--why", "x"]);
    day.bad(2, &["source", "add", "--catalogue", "pl-hazard", "--why", "x"], "says the same, and waits");
    day.approve(&said);
    assert_eq!(day.good(&["source", "show", "pl-hazard"]), shown);
    day.bad(2, &["source", "add", "pl.toml", "--why", "x"], "is defined like that already");
    day.files.write("wrong.toml", format!("{shown}legal_bases = \"x\"\n"));
    day.bad(2, &["source", "add", "wrong.toml", "--why", "x"], "did you mean `legal_basis`?");
    day.bad(2, &["source", "show", "xx"], "there is no list \"xx\"");
    day.bad(2, &["import", "xx", "pl.toml", "--why", "x"], "there is no list \"xx\"");
    day.bad(3, &["import", "pl-hazard", "missing", "--why", "x"], "missing");
    day.bad(2, &["build", "--store", "store", "--out", "x.stkset"], "no list is in force");
    day.bad(2, &["status", "--store", "nowhere"], "there is no store of rules");
}
