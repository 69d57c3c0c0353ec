//! `rules build`, and what else reads a prebuilt rule set.

use std::fs;

use super::frames::{self, ETHERNET, dns, ethernet, udp};
use super::{Files, run, run_with_input};

struct Case {
    files: Files,
    block: String,
    allow: String,
    set: String,
}

fn case() -> Case {
    let files = Files::new();
    let block = files.write("block.txt", "# invented\ncasino.example\nbets.example\nvip.casino.example\n");
    let allow = files.write("allow.txt", "0.0.0.0 help.casino.example\n");
    let set = files.path().join("all.stkset").to_str().unwrap().to_owned();
    Case { files, block, allow, set }
}

impl Case {
    fn build(&self) {
        let ran = run(&["rules", "build", "--out", &self.set, "--rules", &self.block, "--allow", &self.allow]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        assert!(ran.out.starts_with("4 rules of 2 lists in ") && ran.out.contains(&self.set), "{}", ran.out);
    }
}

#[test]
fn scan_and_test_find_the_same_with_the_lists_and_with_the_set() {
    let c = case();
    c.build();
    let asked =
        ["www.casino.example", "a.vip.casino.example", "help.casino.example", "BETS.example", "notbets.example"];
    let frames: Vec<_> = asked
        .iter()
        .map(|name| ethernet(&[], &udp("192.0.2.7:4000", "198.51.100.53:53", &dns(0x0100, name, 1, &[]))))
        .collect();
    let capture = c.files.write("made.pcap", frames::pcap(ETHERNET, &frames));
    let text = run(&["scan", "--rules", &c.block, "--allow", &c.allow, &capture]);
    let set = run(&["scan", "--rules", &c.set, &capture]);
    assert_eq!((text.code, set.code), (0, 0), "{}{}", text.err, set.err);
    assert_eq!((&set.out, set.json().len()), (&text.out, 3));

    // From a pipe, whose length nobody knows.
    let ran = run_with_input(&["rules", "test", "--rules", "/dev/stdin", "x.bets.example"], &fs::read(&c.set).unwrap());
    assert_eq!((ran.out.as_str(), ran.code), ("x.bets.example: block by bets.example\n", 0), "{}", ran.err);

    let lists = ["--rules", &c.block, "--allow", &c.allow];
    let test = |rules: &[&str]| run(&[&["rules", "test", "--verbose"], rules, &asked].concat());
    assert_eq!(test(&["--rules", &c.set]).out, test(&lists).out);
}

#[test]
fn lists_can_be_given_names() {
    let c = case();
    let odd = c.files.write("a=b.txt", "slots.example\n");
    let given = [format!("pl-mf={}", c.block), format!("ok={}", c.allow)];
    let lists = ["--rules", &given[0], "--rules", &odd, "--allow", &given[1]];
    let ran = run(&[&["rules", "build", "--out", &c.set][..], &lists].concat());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let names = ["casino.example", "help.casino.example", "slots.example"];
    let ran = run(&[&["rules", "test", "--verbose", "--rules", &c.set][..], &names].concat());
    for place in ["(list pl-mf, line 2)", "(list ok, line 1)", "(list a=b.txt, line 1)"] {
        assert!(ran.out.contains(place), "{place}: {}", ran.out);
    }
}

#[test]
fn a_set_and_a_list_work_together() {
    let c = case();
    c.build();
    let more = c.files.write("more.txt", "help.casino.example\nslots.example\n");
    let ran = run(&[
        "rules",
        "test",
        "--rules",
        &more,
        "--rules",
        &c.set,
        "x.slots.example",
        "help.casino.example",
        "bets.example",
    ]);
    assert_eq!(
        ran.out,
        "x.slots.example: block by slots.example\n\
         help.casino.example: allow by help.casino.example\n\
         bets.example: block by bets.example\n"
    );
}

#[test]
fn lint_tells_the_lists_of_a_set() {
    let c = case();
    c.build();
    let ran = run(&["rules", "lint", &c.set]);
    assert_eq!((ran.code, ran.err.as_str(), ran.out.lines().count()), (0, "", 4));
    for words in [
        "4 rules\n",
        "2 lists",
        "block.txt: block 3 rules of 4 lines read as plain, 0 rejected; SHA-256",
        "allow.txt: allow 1 ",
    ] {
        assert!(ran.out.contains(words), "{words:?}: {}", ran.out);
    }
}

#[test]
fn a_set_that_cannot_be_used_is_refused_with_the_reason() {
    let c = case();
    c.build();
    let octets = fs::read(&c.set).unwrap();
    let refused = |name: &str, octets: &[u8], word: &str| {
        let path = c.files.write(name, octets);
        let ran = run(&["rules", "test", "--rules", &path, "casino.example"]);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{name}: {}", ran.err);
        assert!(ran.err.contains(name) && ran.err.contains(word) && ran.err.contains("build it again"), "{}", ran.err);
        assert_eq!(run(&["rules", "lint", &path]).code, 1, "{name}");
    };
    let (mut changed, mut newer) = (octets.clone(), octets.clone());
    changed[200] ^= 4;
    newer[8] = 9;
    refused("changed", &changed, "is a damaged prebuilt rule set: its checksum");
    refused("cut", &octets[..octets.len() - 1], "is a damaged prebuilt rule set");
    refused("newer", &newer, "of format 9");

    let ran = run(&["rules", "test", "--rules", &c.block, "--allow", &c.set, "casino.example"]);
    assert!(ran.code == 2 && ran.err.contains("list block.txt blocks"), "{}", ran.err);
    let ran = run(&["rules", "test", "--rules", &c.set, "--rules", &c.block, "casino.example"]);
    assert!(ran.code == 2 && ran.err.contains("another list has that name"), "{}", ran.err);
}

#[test]
fn build_replaces_the_file_whole_or_not_at_all() {
    let c = case();
    c.build();
    let before = fs::read(&c.set).unwrap();
    let empty = c.files.write("empty.txt", "");
    let again = |lists: &[&str]| run(&[&["rules", "build", "--out", &c.set], lists].concat());
    assert_eq!(again(&["--rules", &empty]).code, 2);
    assert_eq!(again(&["--rules", "/no/such.txt"]).code, 3);
    let ran = again(&["--rules", &c.set]);
    assert!(ran.code == 2 && ran.err.contains("built already"), "{}", ran.err);
    let ran = again(&["--rules", &c.block, "--allow", &c.block]);
    assert!(ran.code == 2 && ran.err.contains("names of their own"), "{}", ran.err);
    assert_eq!(fs::read(&c.set).unwrap(), before);

    let dirty = c.files.write("dirty.txt", "slots.example\nco.uk\n");
    let ran = again(&["--rules", &dirty]);
    assert!(ran.code == 1 && ran.out.starts_with("1 rules of 1 list in "), "{}{}", ran.out, ran.err);
    let ran = run(&["rules", "test", "--rules", &c.set, "slots.example"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "slots.example: block by slots.example\n", ""));

    let folder = c.files.path().to_str().unwrap();
    for out in [folder, "/no/such/folder/set", "/dev/null"] {
        let ran = run(&["rules", "build", "--out", out, "--rules", &c.block]);
        assert!(ran.code == 3 && ran.err.contains("cannot be written"), "{out}: {} {}", ran.code, ran.err);
    }
    let left: Vec<_> = fs::read_dir(c.files.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_str().unwrap().starts_with('.')), "{left:?}");
}
