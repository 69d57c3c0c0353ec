//! `rules export` as a user runs it: where the export goes, what is said beside it, and the exit codes.

use std::fs;

use super::{Files, run};

struct Case {
    files: Files,
    block: String,
    allow: String,
    out: String,
}

fn case() -> Case {
    let files = Files::new();
    let block = files.write("block.txt", "casino.example\nbets.example\n");
    let allow = files.write("allow.txt", "help.casino.example\n");
    let out = files.path().join("export").to_str().unwrap().to_owned();
    Case { files, block, allow, out }
}

impl Case {
    fn export(&self, words: &[&str]) -> super::Ran {
        run(&[&["rules", "export"], words, &["--allow", &self.allow, &self.block]].concat())
    }
}

#[test]
fn the_export_goes_to_standard_output_or_to_a_file() {
    let c = case();
    let printed = c.export(&["--format", "unbound"]);
    assert_eq!((printed.code, printed.err.as_str()), (0, ""));
    assert!(printed.out.contains("\nlocal-zone: \"casino.example.\" always_nxdomain\n"), "{}", printed.out);
    assert!(printed.out.contains("\n# block list block.txt: 2 rules, 0 rejected, SHA-256 "), "{}", printed.out);

    let saved = c.export(&["--format", "unbound", "--out", &c.out]);
    let told = format!("2 names blocked, 1 excepted, 0 not expressed: {}\n", c.out);
    assert_eq!((saved.code, saved.out, saved.err.as_str()), (0, told, ""));
    assert_eq!(fs::read_to_string(&c.out).unwrap(), printed.out, "and nothing in it tells where it was made");
    let again = c.export(&["--format", "unbound", "--out", &c.out]);
    assert!(again.code == 0 && again.out.contains("0 not expressed, unchanged: "), "{}", again.out);
}

#[test]
fn what_cannot_be_said_is_listed_twice_and_makes_the_exit_code_1() {
    let c = case();
    let ran = c.export(&["--format", "plain", "--out", &c.out]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.starts_with("1 names blocked, 0 excepted, 2 not expressed: "), "{}", ran.out);
    let lines: Vec<_> = ran.err.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "stakeout: not expressed: 2"), "{}", ran.err);
    assert!(lines[1].starts_with("  casino.example (block, list block.txt, line 1): left out"), "{}", ran.err);
    assert!(lines[2].starts_with("  help.casino.example (allow, list allow.txt, line 1): no exception"), "{}", ran.err);
    let text = fs::read_to_string(&c.out).unwrap();
    assert!(text.contains("# not expressed: 2\n") && lines[1..].iter().all(|line| text.contains(line)), "{text}");
    assert!(text.ends_with("\nbets.example\n") && !text.contains("\ncasino.example"), "{text}");

    let hosts = c.export(&["--format", "hosts"]);
    assert!(hosts.code == 0 && hosts.err.starts_with("stakeout: a hosts file covers no subdomains"), "{}", hosts.err);
    assert!(hosts.out.contains("# a hosts file covers no subdomains"), "{}", hosts.out);
}

#[test]
fn rejected_entries_and_refused_lists_are_told_as_by_the_other_commands() {
    let c = case();
    let dirty = c.files.write("dirty.txt", "slots.example\nco.uk\n12 x.example\n");
    let ran = run(&["rules", "export", "--format", "plain", "--out", &c.out, &dirty]);
    assert!(ran.code == 1 && ran.err.contains("dirty.txt: 2 entries were rejected"), "{}", ran.err);
    let before = fs::read(&c.out).unwrap();

    let empty = c.files.write("empty.txt", "");
    for (code, file) in [(2, empty.as_str()), (3, "/no/such.txt")] {
        let ran = run(&["rules", "export", "--format", "plain", "--out", &c.out, &c.block, file]);
        assert!(ran.code == code && ran.out.is_empty() && ran.err.contains(file), "{file}: {} {}", ran.code, ran.err);
    }
    let set = c.files.path().join("all.stkset").to_str().unwrap().to_owned();
    assert_eq!(run(&["rules", "build", "--out", &set, "--rules", &c.block]).code, 0);
    let ran = run(&["rules", "export", "--format", "plain", "--out", &c.out, &set]);
    assert!(ran.code == 2 && ran.err.contains("a prebuilt rule set"), "{}", ran.err);
    assert_eq!(fs::read(&c.out).unwrap(), before);

    let folder = c.files.path().to_str().unwrap();
    for out in [folder, "/no/such/folder/export", "/dev/null"] {
        let ran = c.export(&["--format", "rpz", "--serial", "1", "--out", out]);
        assert!(ran.code == 3 && ran.err.contains("cannot be written"), "{out}: {} {}", ran.code, ran.err);
    }
    let left: Vec<_> = fs::read_dir(c.files.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_str().unwrap().starts_with('.')), "{left:?}");
}

#[test]
fn options_that_do_not_fit_the_format_are_refused() {
    let c = case();
    for (words, said) in [
        (&["--format", "rpz"][..], "needs a serial"),
        (&["--format", "hosts", "--nxdomain"], "cannot say NXDOMAIN"),
        (&["--format", "plain", "--sink", "192.0.2.1"], "plain says only which names"),
        (&["--format", "dnsmasq", "--serial", "1"], "dnsmasq is no zone"),
        (&["--format", "csv", "--zone", "rpz.example"], "csv is no zone"),
        (&["--format", "stix"], "needs the day"),
        (&["--format", "stix", "--valid-from", "2026-11-24", "--nxdomain"], "stix says only which names"),
        (&["--format", "hosts", "--valid-from", "2026-11-24"], "hosts has no indicators"),
    ] {
        let ran = c.export(&[words, &["--out", &c.out]].concat());
        assert!(ran.code == 2 && ran.out.is_empty() && ran.err.contains(said), "{words:?}: {}", ran.err);
        assert!(!fs::exists(&c.out).unwrap());
    }
}

#[test]
fn the_serial_of_a_zone_never_goes_back() {
    let c = case();
    let export = |serial: &str| c.export(&["--format", "rpz", "--out", &c.out, "--serial", serial]);
    assert!(export("4000000000").out.contains(", serial 4000000000: "));
    let lower = export("3999999999");
    assert!(
        lower.code == 2 && lower.err.contains("holds serial 4000000000, and 3999999999 is not newer"),
        "{}",
        lower.err
    );
    assert!(export("date").out.contains(", unchanged: "));
    fs::write(&c.block, "bets.example\n").unwrap();
    assert!(export("4000000000").err.contains("is not newer"));
    // The date's number is lower, for a while.
    assert!(export("date").out.contains(", serial 4000000001: "));
}

#[test]
fn lists_can_be_named_and_csv_holds_every_rule() {
    let c = case();
    let given = format!("pl-mf={}", c.block);
    let ran = run(&["rules", "export", "--format", "csv", "--allow", &c.allow, &given]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (
            0,
            "name,action,kind,list,line\r\nbets.example,block,covers,pl-mf,2\r\ncasino.example,block,covers,pl-mf,1\r\n\
             help.casino.example,allow,covers,allow.txt,1\r\n"
        )
    );
}

#[test]
fn indicators_are_a_bundle_of_stix() {
    let c = case();
    c.files.write("block.txt", "casino.example\nwww.casino.example\nhelp.casino.example\nmy_slots.example\n");
    let words = ["--format", "stix", "--valid-from", "2026-11-24"];
    let ran = c.export(&words);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.starts_with("stakeout: an indicator matches its name alone"), "{}", ran.err);
    assert_eq!(c.export(&words).out, ran.out, "the same lists gave other octets");
    let bundle: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert!(bundle["type"] == "bundle" && bundle["id"].as_str().unwrap().starts_with("bundle--"), "{bundle}");
    let objects = bundle["objects"].as_array().unwrap();
    let patterns: Vec<_> = objects.iter().map(|object| object["pattern"].as_str().unwrap()).collect();
    let expected = ["casino.example", "www.casino.example", "my_slots.example"];
    assert_eq!(patterns, expected.map(|name| format!("[domain-name:value = '{name}']")));
    for object in objects {
        let day = "2026-11-24T00:00:00.000Z";
        assert!(object["valid_from"] == day && object["created"] == day && object["modified"] == day, "{object}");
        assert!(object["type"] == "indicator" && object["spec_version"] == "2.1", "{object}");
        assert_eq!(object["labels"], serde_json::json!(["block.txt"]));
    }
    // By Python's uuid.uuid5() of the same namespace and name.
    assert_eq!(objects[0]["id"], "indicator--98c39c12-0da0-517f-b1f6-9e04425ac92b");
}

#[test]
fn entries_that_only_watch_are_counted_and_left_out() {
    let c = case();
    let list = c.files.write("pages.txt", "casino.example\nhttps://blog.example/casino\n");
    let ran = run(&["rules", "export", "--format", "unbound", &list]);
    assert_eq!((ran.code, ran.err.as_str()), (0, "stakeout: 1 that only watch block nothing, and are left out\n"));
    assert!(ran.out.contains(", 1 that only watch\n") && !ran.out.contains("blog.example"), "{}", ran.out);
    let csv = run(&["rules", "export", "--format", "csv", &list]);
    assert!(csv.err.is_empty() && csv.out.contains("\r\nblog.example,watch,watch,pages.txt,2\r\n"), "{}", csv.out);
}

/// The example in the help is one that was run.
#[test]
fn the_help_shows_what_the_demo_lists_give() {
    let c = case();
    let lists = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/");
    let words = ["--allow", &format!("{lists}demo-allow.txt"), &format!("{lists}demo.txt")];
    let ran =
        run(&[&["rules", "export", "--format", "rpz", "--serial", "2026112400", "--out", &c.out][..], &words].concat());
    let told = ran.out.strip_suffix(&format!(": {}\n", c.out)).unwrap();
    assert!(run(&["rules", "export", "--help"]).out.contains(told), "{told}");
}
