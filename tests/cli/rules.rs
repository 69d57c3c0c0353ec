//! `rules lint` and `rules test`.

use super::{Files, run};

#[test]
fn lint_tells_the_number_first_and_then_what_was_rejected() {
    let files = Files::new();
    let list = files.write(
        "list.txt",
        "# comment\ncasino.example\nCASINO.example.\n*.bets.example\n12 wrong.example\nco.uk\n192.0.2.1\n\nhöhe.example\n",
    );
    let ran = run(&["rules", "lint", &list]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    let lines: Vec<_> = ran.out.lines().collect();
    assert_eq!(lines[0], "3 rules");
    assert_eq!(lines.len(), 5, "{}", ran.out);
    for (line, place, word) in
        [(lines[1], ":5: ", "space"), (lines[2], ":6: ", "suffix"), (lines[3], ":7: ", "address")]
    {
        assert!(line.starts_with(&format!("{list}{place}")) && line.contains(word), "{line}");
    }
    assert!(lines[4].contains("1 duplicates") && lines[4].contains("3 rejected"), "{}", lines[4]);
}

#[test]
fn a_duplicate_is_no_error() {
    let files = Files::new();
    let ran = run(&["rules", "lint", &files.write("list.txt", "a.example\nb.example\na.example\n")]);
    assert_eq!((ran.code, ran.out.lines().next()), (0, Some("2 rules")), "{}", ran.out);
    let hosts = files.write("hosts", "0.0.0.0 a.example b.example # two\n127.0.0.1 localhost\n:: a.example\n");
    let ran = run(&["rules", "lint", &hosts]);
    assert_eq!((ran.code, ran.out.lines().next()), (0, Some("2 rules")), "{}", ran.out);
}

#[test]
fn the_shipped_lists_are_clean() {
    for (file, rules) in [("demo.txt", "43 rules"), ("demo-allow.txt", "3 rules"), ("demo-register.xml", "4 rules")] {
        let ran = run(&["rules", "lint", &format!("{}/rules/{file}", env!("CARGO_MANIFEST_DIR"))]);
        assert_eq!((ran.code, ran.out.lines().next()), (0, Some(rules)), "{}", ran.out);
    }
}

#[test]
fn refused_files_are_told_from_unreadable_ones() {
    let files = Files::new();
    for (name, content, word) in [
        ("empty.txt", &b""[..], "no rule"),
        ("binary.txt", b"\x00\x01\x02casino.example\n", "binary"),
        ("page.html", b"<html><body>404</body></html>", "error page"),
        ("cut.xml", b"<Rejestr><PozycjaRejestru><AdresDomeny>a.example", "cut"),
    ] {
        let ran = run(&["rules", "lint", &files.write(name, content)]);
        assert_eq!((ran.code, ran.out.lines().next()), (1, Some("0 rules")), "{name}: {}", ran.out);
        assert!(ran.out.contains("the file is refused") && ran.out.contains(word), "{name}: {}", ran.out);
    }
    for path in [files.path().to_str().unwrap(), "/no/such/list.txt"] {
        let ran = run(&["rules", "lint", path]);
        assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{path}");
        assert!(ran.err.contains(path), "{}", ran.err);
    }
}

#[test]
fn test_prints_exactly_one_line_a_name() {
    let files = Files::new();
    let block = files.write("block.txt", "higan.org\ncasino.example\nvip.casino.example\n");
    let more = files.write("more.txt", "bets.example\n");
    let allow = files.write("allow.txt", "help.casino.example\n");
    let names =
        ["www.higan.org", "michigan.org", "org", "a.vip.casino.example", "x.help.casino.example", "bets.example."];
    let ran = run(&[&["rules", "test", "--rules", &block, "--rules", &more, "--allow", &allow][..], &names].concat());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(
        ran.out,
        "www.higan.org: block by higan.org\n\
         michigan.org: no match\n\
         org: no match\n\
         a.vip.casino.example: block by vip.casino.example\n\
         x.help.casino.example: allow by help.casino.example\n\
         bets.example.: block by bets.example\n"
    );
}

#[test]
fn test_says_what_was_wrong_with_its_input() {
    let files = Files::new();
    let list = files.write("list.txt", "casino.example\n");
    let dirty = files.write("dirty.txt", "casino.example\nco.uk\n");
    let long = "a".repeat(300);
    let ran = run(&["rules", "test", "--rules", &dirty, "casino.example"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, "casino.example: block by casino.example\n"));
    assert!(ran.err.contains("dirty.txt: 1 entry was rejected"), "{}", ran.err);
    let ran = run(&["rules", "test", "--rules", &list, &long]);
    assert_eq!((ran.code, ran.out.as_str()), (1, format!("{long}: no match\n").as_str()));
    assert_eq!(run(&["rules", "test", "--rules", "/no/such.txt", "x"]).code, 3);
    assert_eq!(run(&["rules", "test", "--rules", &files.write("empty.txt", ""), "x"]).code, 2);
}
