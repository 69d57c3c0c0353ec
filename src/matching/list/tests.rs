//! Whole files: what is taken, what is refused, and that nothing hostile hurts.

use proptest::prelude::*;

use super::*;
use crate::model::DomainName;

fn read(text: impl AsRef<[u8]>) -> Result<ParsedList, Problem> {
    parse(text.as_ref(), Format::Auto, MAX_FILE_BYTES)
}

fn good(text: impl AsRef<[u8]>) -> ParsedList {
    read(text).unwrap_or_else(|problem| panic!("refused: {problem}"))
}

/// `name:line` of every rule, and its kind if it is not the usual one.
fn rules(list: &ParsedList) -> Vec<String> {
    list.entries()
        .map(|(wire, line, kind)| {
            let mut name = DomainName::root();
            let mut rest = wire;
            while let Some((&len, after)) = rest.split_first() {
                let (label, tail) = after.split_at(usize::from(len));
                name.push_label(label).unwrap();
                rest = tail;
            }
            let kind = if kind == Kind::Covers { String::new() } else { format!(" {}", kind.name()) };
            format!("{name}:{line}{kind}")
        })
        .collect()
}

/// `line reason` of every rejection.
fn rejected(list: &ParsedList) -> Vec<(u32, Reason)> {
    list.facts().rejections.iter().map(|r| (r.line, r.reason)).collect()
}

#[test]
fn a_plain_list_with_the_usual_dirt() {
    let list = good(
        "\u{feff}! header\r\n## comment\r\n\r\nCasino.Example\r\n  *.slots.example  # why\r\ncasino.example.\r\n; note\r\n\
         1146  m.fezbet641.com\r\nhttps://poker.example/\r\nhttps://blog.example/casino\r\ncom\r\nwürfel.example",
    );
    assert_eq!(
        rules(&list),
        ["casino.example:4", "slots.example:5", "poker.example:9", "blog.example:10 watch", "xn--wrfel-kva.example:12"]
    );
    assert_eq!(rejected(&list), [(8, Reason::Space), (11, Reason::SingleLabel)]);
    assert_eq!((list.facts().format, list.facts().lines), (Found::Plain, 12));
    let counts = list.facts().counts;
    assert_eq!((counts.rules, counts.duplicates, counts.rejected, counts.kinds.of(Kind::Watch)), (5, 1, 2, 1));
}

#[test]
fn a_hosts_file() {
    let text = "127.0.0.1 localhost localhost.localdomain\n::1\tip6-localhost ip6-loopback\nfe80::1%lo0 localhost\n\
                255.255.255.255 broadcasthost\n0.0.0.0 0.0.0.0\n\n0.0.0.0 007win.com\n\
                :: a.example B.example c.example#comment\n0.0.0.0 bad..name good.example # x\n0.0.0.0\n# end\n";
    for format in [Format::Auto, Format::Hosts] {
        let list = parse(text.as_bytes(), format, MAX_FILE_BYTES).unwrap();
        let names = ["007win.com:7", "a.example:8", "b.example:8", "c.example:8", "good.example:9"];
        assert_eq!(rules(&list), names, "{format:?}");
        assert_eq!(list.facts().counts.ignored, 7);
        let lonely = if format == Format::Auto { Reason::Address } else { Reason::NoName };
        assert_eq!(rejected(&list), [(9, Reason::EmptyLabel), (10, lonely)], "{format:?}");
        let found = if format == Format::Auto { Found::Mixed } else { Found::Hosts };
        assert_eq!(list.facts().format, found);
    }
}

#[test]
fn lines_of_both_kinds_are_read_each_as_what_it_is_unless_the_format_is_said() {
    let text = "a.example\n0.0.0.0 b.example\n";
    let list = good(text);
    assert_eq!(rules(&list), ["a.example:1", "b.example:2"]);
    assert_eq!(list.facts().format, Found::Mixed);

    let plain = parse(text.as_bytes(), Format::Plain, MAX_FILE_BYTES).unwrap();
    assert_eq!(rejected(&plain), [(2, Reason::HostsLine)]);
    assert_eq!(plain.facts().rejections[0].suggestion.as_deref(), Some("perhaps b.example"));
    let hosts = parse(text.as_bytes(), Format::Hosts, MAX_FILE_BYTES).unwrap();
    assert_eq!(rejected(&hosts), [(1, Reason::NoAddress)]);
}

const REGISTER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Rejestr xmlns="http://www.hazard.mf.gov.pl/2017/03/21/">
 <PozycjaRejestru Lp="1">
  <AdresDomeny>Casino.example</AdresDomeny>
  <DataWpisu>2017-07-01T10:00:00</DataWpisu>
 </PozycjaRejestru>
 <PozycjaRejestru Lp="2">
  <AdresDomeny>gone.example</AdresDomeny>
  <DataWpisu>2017-07-01T10:00:00</DataWpisu>
  <DataWykreslenia>2018-01-01T10:00:00</DataWykreslenia>
 </PozycjaRejestru>
 <PozycjaRejestru Lp="3">
  <DataWpisu>2017-07-01T10:00:00</DataWpisu>
  <AdresDomeny>
    sl<!-- a comment -->o&#116;s.example
  </AdresDomeny>
  <DataWykreslenia/>
 </PozycjaRejestru>
 <PozycjaRejestru Lp="4"><AdresDomeny><![CDATA[casino.example]]></AdresDomeny></PozycjaRejestru>
 <PozycjaRejestru Lp="5"><AdresDomeny>co.uk</AdresDomeny></PozycjaRejestru>
 <PozycjaRejestru Lp="6"><DataWpisu>2017-07-01T10:00:00</DataWpisu></PozycjaRejestru>
</Rejestr>
"#;

#[test]
fn the_polish_register() {
    for (text, format) in [
        (REGISTER.to_owned(), Format::Auto),
        (format!("\u{feff}{REGISTER}"), Format::PolishRegister),
        (REGISTER.replace('\n', "\r\n"), Format::Auto),
        (
            REGISTER
                .replace("xmlns=", "xmlns:r=")
                .replace("</", "</r:")
                .replace("<R", "<r:R")
                .replace("<P", "<r:P")
                .replace("<A", "<r:A")
                .replace("<D", "<r:D"),
            Format::Auto,
        ),
        (REGISTER.replace(r#" xmlns="http://www.hazard.mf.gov.pl/2017/03/21/""#, ""), Format::Auto),
    ] {
        let list = parse(text.as_bytes(), format, MAX_FILE_BYTES).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!(rules(&list), ["casino.example:4", "slots.example:14"]);
        assert_eq!(rejected(&list), [(20, Reason::PublicSuffix), (21, Reason::EntryWithoutName)]);
        let mut kinds = KindCounts::default();
        kinds.add(Kind::Covers, 2);
        let counts = ListCounts { rules: 2, kinds, duplicates: 1, removed: 1, rejected: 2, ..ListCounts::default() };
        assert_eq!((list.facts().counts, list.facts().format, list.facts().lines), (counts, Found::PolishRegister, 22));
    }
}

#[test]
fn a_register_that_was_cut_anywhere_is_refused() {
    let end = REGISTER.trim_end().len();
    for cut in 1..end {
        let problem = read(&REGISTER[..cut]).expect_err("cut");
        let shown = problem.to_string();
        assert!(matches!(problem, Problem::Cut { .. } | Problem::Xml { .. }), "cut at {cut}: {shown}");
    }
    assert_eq!(rules(&good(&REGISTER[..end])).len(), 2);
}

#[test]
fn xml_that_is_not_the_register_is_refused() {
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>";
    for (text, what) in [
        ("<html><body>503 Service Unavailable</body></html>".to_owned(), "root is html"),
        ("<!DOCTYPE html>\n<html></html>".to_owned(), "root is html"),
        (REGISTER.replace("2017/03/21", "2031/01/01"), "another namespace"),
        (REGISTER.replacen("<Rejestr", &format!("{bomb}<Rejestr"), 1), "DOCTYPE"),
        (REGISTER.replace("co.uk", "&b;"), "entity"),
        (REGISTER.replace("co.uk", "a & b"), ""),
        (REGISTER.replace("</PozycjaRejestru>\n</Rejestr>", "</Rejestr>"), ""),
        (format!("{REGISTER}<Rejestr></Rejestr>"), "second root"),
        (format!("{REGISTER}and more"), "outside the root"),
        (REGISTER.replace("UTF-8", "ISO-8859-2"), "not UTF-8"),
        (REGISTER.replace("co.uk", &"<a>".repeat(50)), "too deep"),
        (REGISTER.replace("co.uk", &"a".repeat(300_000)), "longer than 64 KiB"),
        (REGISTER.replace("Lp=\"5\"", &format!("Lp=\"{}\"", "5".repeat(300_000))), "longer than 64 KiB"),
        (REGISTER.replace("co.uk", "</AdresDomeny><AdresDomeny>".repeat(100).as_str()), "too many names"),
    ] {
        let shown = read(&text).expect_err(&text).to_string();
        assert!(shown.contains(what), "{what}: {shown}");
        assert!(shown.len() < 400, "{shown}");
    }
    let stated = parse(&b"casino.example\n"[..], Format::PolishRegister, MAX_FILE_BYTES);
    assert!(matches!(stated, Err(Problem::Xml { .. })));
}

#[test]
fn files_without_a_rule_are_refused() {
    for text in ["", "\n\n", "# only a comment\n", "com\nnet\n", "\u{feff}", "127.0.0.1 localhost\n"] {
        assert!(matches!(read(text), Err(Problem::NoRule(_))), "{text:?}");
    }
    let removed = REGISTER
        .replace("<DataWykreslenia/>", "")
        .replace("<DataWpisu>", "<DataWykreslenia>x</DataWykreslenia><DataWpisu>");
    let Err(Problem::NoRule(facts)) = read(removed.replace("casino.example]]>", "co.uk]]>")) else { panic!() };
    assert_eq!((facts.counts.removed, facts.counts.rejected), (3, 3));
}

#[test]
fn binary_files_are_refused() {
    for (bytes, kind) in [
        (&b"casino.example\n\0"[..], ""),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"\xff\xfec\0a\0", "UTF-16"),
        (b"%PDF-1.7\n", "PDF"),
    ] {
        let shown = read(bytes).expect_err("binary").to_string();
        assert!(shown.starts_with("looks like a binary file") && shown.contains(kind), "{shown}");
    }
}

/// A pipe may deliver a file octet by octet: byte order mark, markup and signatures are known all the same.
#[test]
fn the_pieces_in_which_a_file_arrives_do_not_matter() {
    struct Trickle<'a>(&'a [u8]);
    impl std::io::Read for Trickle<'_> {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            let n = self.0.len().min(buf.len()).min(1);
            buf[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }
    let trickle = |text: &str| parse(Trickle(text.as_bytes()), Format::Auto, MAX_FILE_BYTES);
    let register =
        "\u{feff} <Rejestr><PozycjaRejestru><AdresDomeny>a.example</AdresDomeny></PozycjaRejestru></Rejestr>";
    assert_eq!(trickle(register).unwrap().facts(), good(register).facts());
    assert_eq!(rules(&trickle("\u{feff}a.example\n").unwrap()), ["a.example:1"]);
    assert!(matches!(trickle("BZh9"), Err(Problem::Binary { kind: Some("bzip2") })));
}

#[test]
fn a_line_of_ten_megabytes_is_one_rejection() {
    let mut text = vec![b'x'; 10 << 20];
    assert!(matches!(read(&text), Err(Problem::NoRule(facts)) if facts.counts.rejected == 1));
    text.extend_from_slice(b"\ncasino.example");
    let list = good(text);
    assert_eq!(rules(&list), ["casino.example:2"]);
    assert_eq!(rejected(&list), [(1, Reason::LineTooLong)]);
}

#[test]
fn a_file_beyond_the_limit_is_refused() {
    let text = b"a.example\nb.example\n";
    assert!(parse(&text[..], Format::Auto, text.len() as u64).is_ok());
    let short = parse(&text[..], Format::Auto, text.len() as u64 - 1);
    assert!(matches!(short, Err(Problem::TooLarge { limit: 19 })));
}

#[test]
fn lines_that_are_not_utf8_are_rejected_alone() {
    let list = good(b"a.example\nca\xf1o.example\nb.example\nc\x07.example\n");
    assert_eq!(rules(&list), ["a.example:1", "b.example:3"]);
    assert_eq!(rejected(&list), [(2, Reason::NotUtf8), (4, Reason::ControlCharacter)]);
}

#[test]
fn the_digest_is_that_of_the_whole_file() {
    // printf 'a.example\n' | sha256sum; with a byte order mark it is another file.
    let list = good("a.example\n");
    let hex: String = list.facts().sha256.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(
        (hex.as_str(), list.facts().bytes),
        ("2f12e4454293b6e04d2e50ed2620c003be8942f7a3adc5f0d6930b3385b70368", 10)
    );
    assert_ne!(good("\u{feff}a.example\n").facts().sha256, list.facts().sha256);
    // Also what stands after the end of the XML counts.
    assert_ne!(good(REGISTER).facts().sha256, good(format!("{REGISTER}<!-- -->")).facts().sha256);
}

#[test]
fn a_directory_and_a_missing_file_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let shown = load_file(dir.path(), Format::Auto).expect_err("directory").to_string();
    assert!(shown.contains("is a directory") && shown.contains(&*dir.path().to_string_lossy()), "{shown}");
    let missing = load_file(&dir.path().join("none.txt"), Format::Auto).expect_err("missing");
    assert!(missing.problem.is_unreadable());
    assert!(missing.to_string().contains("none.txt: cannot be read: No such file"), "{missing}");
}

#[test]
fn a_set_is_loaded_whole_or_not_at_all() {
    use crate::model::Action;
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let block = ListSource::of_file(path("block.txt", "a.example\nb.example\ncom\n"), Action::Block);
    let allow = ListSource::of_file(path("allow.txt", "b.example\n"), Action::Allow);
    let empty = ListSource::of_file(path("empty.txt", ""), Action::Block);

    let (set, reports) = load_set(&[block.clone(), allow]).unwrap();
    assert_eq!(set.len(), 3);
    assert_eq!(
        reports.iter().map(|r| (&*r.source.name, r.facts.counts.rules)).collect::<Vec<_>>(),
        [("block.txt", 2), ("allow.txt", 1)]
    );
    assert_eq!(reports[0].facts.rejections.len(), 1);

    let Err(SetError::Lists(errors)) = load_set(&[block, empty.clone(), empty]) else { panic!() };
    assert_eq!(errors.len(), 2);
}

const FORMATS: [Format; 9] = [
    Format::Auto,
    Format::Plain,
    Format::Hosts,
    Format::AdBlock,
    Format::UBlacklist,
    Format::Dnsmasq,
    Format::Unbound,
    Format::Rpz,
    Format::PolishRegister,
];

proptest! {
    #[test]
    fn no_octets_hurt(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), format in 0..9_usize) {
        let format = FORMATS[format];
        let _ = parse(bytes.as_slice(), format, MAX_FILE_BYTES);
    }

    #[test]
    fn no_text_hurts_and_nothing_is_uncounted(lines in proptest::collection::vec("[a-z0-9.*#/:@ ^_-]{0,30}|\\PC{0,20}", 1..30)) {
        let text = lines.join("\n");
        let facts = match read(&text) {
            Ok(list) => {
                prop_assert_eq!(list.entries().count() as u64, list.facts().counts.rules);
                prop_assert!(list.entries().all(|(_, line, _)| line >= 1 && line <= list.facts().lines));
                list.facts().clone()
            }
            Err(Problem::NoRule(facts)) => *facts,
            // A generated line that starts with `<` makes it XML.
            Err(_) => return Ok(()),
        };
        prop_assert_eq!(facts.rejections.len() as u64, facts.counts.rejected);
        for rejection in &facts.rejections {
            prop_assert!(!rejection.to_string().chars().any(char::is_control));
        }
    }

    #[test]
    fn a_mutated_register_never_hurts(at in 0..REGISTER.len(), with in any::<u8>(), cut in 0..REGISTER.len()) {
        let mut bytes = REGISTER.as_bytes().to_vec();
        bytes[at] = with;
        let _ = read(&bytes);
        bytes.remove(cut);
        let _ = read(&bytes);
    }
}
