//! The rule set against a naive oracle, and the meaning of rules case by case.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::matching::list::{Format, Kind, MAX_FILE_BYTES, parse};
use crate::model::{Action, DomainName, ListOrigin, Provenance};

fn name(text: &str) -> DomainName {
    DomainName::from_text(text.as_bytes()).unwrap()
}

/// Builds a set of lists given as action and text; the lists are called `list0`, `list1` and so on.
fn set_with(lists: &[(Action, &str)], collide: bool) -> RuleSet {
    let mut builder = RuleSetBuilder::new();
    for (i, (action, text)) in lists.iter().enumerate() {
        let list = parse(text.as_bytes(), Format::Plain, MAX_FILE_BYTES).unwrap();
        builder.add_list(ListMeta::bare(format!("list{i}"), *action), list);
    }
    if collide {
        builder.collide_everything();
    }
    builder.build().unwrap()
}

/// The same set, written to a file's octets and read again.
fn through_a_file(set: &RuleSet) -> RuleSet {
    prebuilt::read(prebuilt::octets_of(set).as_slice(), None).unwrap()
}

fn set(lists: &[(Action, &str)]) -> RuleSet {
    set_with(lists, false)
}

/// `block higan.org list0:1`, or `none`.
fn verdict(set: &RuleSet, text: &str) -> String {
    let asked = name(text);
    let verdict = set.lookup(&asked);
    let Some(rule) = verdict.rule() else { return "none".into() };
    assert_eq!(matches!(verdict, Verdict::Allow(_)), rule.action() == Action::Allow);
    let matched = rule.to_matched(set.places()[0]);
    assert_eq!((matched.pattern, matched.action, matched.line), (rule.pattern(), rule.action(), rule.line()));
    format!("{} {} {}:{}", matched.action.name(), matched.pattern, matched.list, matched.line)
}

#[test]
fn a_rule_covers_itself_and_what_is_under_it_at_label_boundaries() {
    let set = set(&[(Action::Block, "# a comment\nhigan.org\nCasino.Example.\n")]);
    assert_eq!(verdict(&set, "higan.org"), "block higan.org list0:2");
    assert_eq!(verdict(&set, "www.HIGAN.org."), "block higan.org list0:2");
    assert_eq!(verdict(&set, "a.b.c.casino.example"), "block casino.example list0:3");
    for other in ["michigan.org", "www.michigan.org", "org", "higan.org.example", "higanXorg", "casino.example.org"] {
        assert_eq!(verdict(&set, other), "none", "{other}");
    }
    assert!(matches!(set.lookup(&DomainName::root()), Verdict::NoMatch));
}

#[test]
fn bytes_that_look_like_labels_are_no_match() {
    let set = set(&[(Action::Block, "a.example")]);
    let mut tricky = DomainName::root();
    tricky.push_label(b"x\x01a").unwrap();
    tricky.push_label(b"example").unwrap();
    assert!(matches!(set.lookup(&tricky), Verdict::NoMatch));
    let mut dotted = DomainName::root();
    dotted.push_label(b"a.example").unwrap();
    assert!(matches!(set.lookup(&dotted), Verdict::NoMatch));
}

#[test]
fn the_most_specific_block_is_named_and_any_allow_beats_it() {
    let blocks = "example.com\nb.example.com\na.b.example.com\n";
    let set = set(&[(Action::Block, blocks), (Action::Allow, "b.example.com\nlicensed.example\n")]);
    assert_eq!(verdict(&set, "x.example.com"), "block example.com list0:1");
    // The allow for b.example.com covers a.b.example.com, though the block of that name is longer.
    assert_eq!(verdict(&set, "a.b.example.com"), "allow b.example.com list1:1");
    assert_eq!(verdict(&set, "licensed.example"), "allow licensed.example list1:2");

    let asked = name("a.b.example.com");
    let all = set.lookup_all(&asked);
    let shown: Vec<_> = all.iter().map(|r| format!("{} {}", r.action().name(), r.pattern())).collect();
    assert_eq!(shown, ["block example.com", "block b.example.com", "allow b.example.com", "block a.b.example.com"]);
}

#[test]
fn of_equal_names_the_first_list_is_named() {
    let set = set(&[(Action::Block, "x.example\na.example"), (Action::Block, "a.example\nb.example")]);
    assert_eq!(verdict(&set, "a.example"), "block a.example list0:2");
    assert_eq!(verdict(&set, "b.example"), "block b.example list1:2");
    assert_eq!(set.len(), 4);
    assert_eq!(
        set.lists().map(|(meta, facts)| (&**meta.name(), facts.counts.rules)).collect::<Vec<_>>(),
        [("list0", 2), ("list1", 2)]
    );
}

#[test]
fn an_empty_set_matches_nothing() {
    let built = RuleSetBuilder::new().build().unwrap();
    for set in [RuleSet::empty(), through_a_file(&built), built] {
        assert!(set.is_empty());
        assert!(matches!(set.lookup(&name("a.example")), Verdict::NoMatch));
    }
}

#[test]
fn the_longest_names_are_found() {
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
    let deepest = "a.".repeat(125) + "bc";
    let set = set(&[(Action::Block, &format!("{longest}\n{deepest}\n"))]);
    assert_eq!(verdict(&set, &longest), format!("block {longest} list0:1"));
    assert_eq!(verdict(&set, &deepest), format!("block {deepest} list0:2"));
    assert_eq!(verdict(&set, &("a.".repeat(124) + "bc")), "none");
    assert!(matches!(set.lookup(&name(&".".repeat(253))), Verdict::NoMatch));
}

#[test]
fn a_table_with_groups_of_buckets_beyond_64_kib_is_searched_too() {
    let names: Vec<_> = (0..9_000).map(|i| format!("casino-royale-{i:05}.example")).collect();
    let text = names.join("\n");
    let set = set_with(&[(Action::Block, &text)], true);
    for i in [0, 1, 4_567, 8_999] {
        assert_eq!(verdict(&set, &names[i]), format!("block {} list0:{}", names[i], i + 1));
    }
    assert_eq!(verdict(&set, "casino-royale-09000.example"), "none");
}

#[test]
fn memory_is_less_than_the_names_themselves() {
    let names: Vec<_> = (0..50_000).map(|i| format!("casino-royale-{i:05}.example")).collect();
    let set = set(&[(Action::Block, &names.join("\n"))]);
    let text = names.iter().map(String::len).sum::<usize>();
    let octets = set.memory_bytes() as f64 / names.len() as f64;
    assert!(octets < 17.0, "{octets} octets a rule, of which the text alone has {}", text / names.len());
}

/// Names of few labels from few letters, so that random rules and random names often meet.
fn small_name() -> impl Strategy<Value = String> {
    proptest::collection::vec("[ab]{1,2}|x1", 2..6).prop_map(|labels| labels.join(".") + ".example")
}

fn small_lists() -> impl Strategy<Value = Vec<(bool, Vec<String>)>> {
    let list = (proptest::bool::weighted(0.3), proptest::collection::vec(small_name(), 1..40));
    proptest::collection::vec(list, 1..4)
}

/// The same question answered by walking the suffixes of the text through a map.
fn oracle(lists: &[(bool, Vec<String>)], queried: &str) -> String {
    let mut rules: BTreeMap<(bool, &str), (usize, usize)> = BTreeMap::new();
    for (i, (allow, names)) in lists.iter().enumerate() {
        for (line, name) in names.iter().enumerate() {
            rules.entry((*allow, name)).or_insert((i, line + 1));
        }
    }
    for allow in [true, false] {
        let mut suffix = Some(queried);
        while let Some(text) = suffix {
            if let Some((list, line)) = rules.get(&(allow, text)) {
                return format!("{} {text} list{list}:{line}", if allow { "allow" } else { "block" });
            }
            suffix = text.split_once('.').map(|(_, rest)| rest);
        }
    }
    "none".into()
}

/// The same lists, but those that `prebuilt` says each in a set of its own.
fn set_of_parts(lists: &[(Action, &str)], prebuilt: &[bool]) -> RuleSet {
    let mut builder = RuleSetBuilder::new();
    for (i, ((action, text), prebuilt)) in lists.iter().zip(prebuilt).enumerate() {
        let list = parse(text.as_bytes(), Format::Plain, MAX_FILE_BYTES).unwrap();
        let meta = ListMeta::bare(format!("list{i}"), *action);
        if *prebuilt {
            let mut alone = RuleSetBuilder::new();
            alone.add_list(meta, list);
            builder.add_prebuilt(through_a_file(&alone.build().unwrap()));
        } else {
            builder.add_list(meta, list);
        }
    }
    builder.build().unwrap()
}

/// Every rule that covers a name, as `lookup_all` gives them.
fn all(set: &RuleSet, text: &str) -> Vec<String> {
    set.lookup_all(&name(text)).iter().map(|rule| format!("{rule:?}")).collect()
}

/// Names at the bounds of what a list may hold: to 253 octets, to 127 labels, of few letters and of all.
fn odd_name() -> impl Strategy<Value = String> {
    let label = prop_oneof![
        4 => "[a-c]{1,3}",
        2 => "[a-z0-9_]([a-z0-9_-]{0,18}[a-z0-9_])?",
        1 => "x{60,63}",
        1 => Just("xn--80ak6aa92e".to_owned()),
    ];
    let labels = prop_oneof![6 => 1..4_usize, 1 => 100..127_usize];
    let tail = prop_oneof![3 => Just("com"), 2 => Just("blog.net"), 1 => Just("example")];
    (labels.prop_flat_map(move |count| proptest::collection::vec(label.clone(), count)), tail).prop_map(
        |(labels, tail)| {
            // From the right, as many as fit.
            let mut text = tail.to_owned();
            for label in labels {
                if text.len() + label.len() < 253 {
                    text = format!("{label}.{text}");
                }
            }
            text
        },
    )
}

/// A name and its near misses.
fn variants(wire: &[u8], flip: usize) -> Vec<DomainName> {
    let build = |mut labels: &mut dyn Iterator<Item = &[u8]>| {
        let mut name = DomainName::root();
        (&mut labels).all(|label| name.push_label(label).is_ok()).then_some(name)
    };
    let labels: Vec<&[u8]> = suffixes(wire).map(|s| &s[1..1 + usize::from(s[0])]).collect();
    let mut changed: Vec<Vec<u8>> = labels.iter().map(|label| label.to_vec()).collect();
    let count = changed.len();
    let label = &mut changed[flip % count];
    let at = flip % label.len();
    label[at] ^= 1;
    let dotted = [labels[..count - 1].join(&b'.'), labels[count - 1].to_vec()];
    let odd: [&[u8]; 3] = [b"", b"a.b\\046", b"\x03www"];
    [
        build(&mut labels.iter().copied()),
        build(&mut labels.iter().copied().skip(1)),
        build(&mut odd.into_iter().chain(labels.iter().copied())),
        build(&mut odd[..1].iter().copied().chain(labels.iter().copied())),
        build(&mut labels.iter().copied().chain([&b""[..]])),
        build(&mut changed.iter().map(Vec::as_slice)),
        // Two labels that are one with a dot in it.
        build(&mut dotted.iter().map(Vec::as_slice)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Every suffix at label boundaries, the longest first.
fn suffixes(wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::successors(Some(wire), |rest| rest.get(1 + usize::from(*rest.first()?)..)).filter(|s| !s.is_empty())
}

/// A line that means a name in a kind.
fn line_of(kind: Kind, name: &str) -> String {
    match kind {
        Kind::Covers => name.to_owned(),
        Kind::Exact => format!("*://{name}/*"),
        Kind::Below => format!("||*.{name}^"),
        Kind::Allow => format!("@@||{name}^"),
        Kind::AllowExact => format!("@*://{name}/*"),
        Kind::AllowBelow => format!("@@||*.{name}^"),
        Kind::Watch => format!("https://{name}/page"),
    }
}

fn set_of_kinds(lists: &[Vec<(Kind, String)>], collide: bool) -> RuleSet {
    let mut builder = RuleSetBuilder::new();
    for (i, list) in lists.iter().enumerate() {
        let text: Vec<_> = list.iter().map(|(kind, name)| line_of(*kind, name)).collect();
        let list = parse(text.join("\n").as_bytes(), Format::Auto, MAX_FILE_BYTES).unwrap();
        builder.add_list(ListMeta::bare(format!("list{i}"), Action::Block), list);
    }
    if collide {
        builder.collide_everything();
    }
    builder.build().unwrap()
}

/// What entries of all kinds say, by trying them one after the other.
fn oracle_of_kinds(lists: &[Vec<(Kind, String)>], queried: &str) -> String {
    for action in [Action::Allow, Action::Block, Action::Watch] {
        let says = |(kind, name): &&(Kind, String)| {
            let below = queried.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('.'));
            let reached = (queried == name && kind.reaches(true)) || (below && kind.reaches(false));
            reached && kind.action(Action::Block) == action
        };
        if let Some((_, name)) = lists.iter().flatten().filter(says).max_by_key(|(_, name)| name.len()) {
            return format!("{} {name}", action.name());
        }
    }
    "none".into()
}

fn lists_of_kinds() -> impl Strategy<Value = Vec<Vec<(Kind, String)>>> {
    let entry = (proptest::sample::select(Kind::ALL.to_vec()), small_name());
    proptest::collection::vec(proptest::collection::vec(entry, 1..30), 1..4)
}

proptest! {
    #[test]
    fn kinds_are_honoured_whatever_is_listed_beside_them(
        lists in lists_of_kinds(),
        queried in proptest::collection::vec(small_name(), 1..40),
        collide: bool,
    ) {
        let set = set_of_kinds(&lists, collide);
        let prebuilt = through_a_file(&set);
        let listed = lists.iter().flatten().flat_map(|(_, name)| [name.clone(), format!("w.{name}")]);
        for queried in queried.iter().cloned().chain(listed) {
            let expected = oracle_of_kinds(&lists, &queried);
            let asked = name(&queried);
            for set in [&set, &prebuilt] {
                let rule = set.lookup(&asked).rule();
                let got = rule.map_or("none".into(), |rule| format!("{} {}", rule.action().name(), rule.pattern()));
                prop_assert_eq!(&got, &expected, "{}", queried);
            }
            prop_assert_eq!(all(&set, &queried), all(&prebuilt, &queried));
        }
    }

    #[test]
    fn lookup_agrees_with_a_walk_through_a_map(
        lists in small_lists(),
        queried in proptest::collection::vec(small_name(), 1..60),
        collide: bool,
        split in proptest::collection::vec(any::<bool>(), 4),
    ) {
        let texts: Vec<_> = lists.iter().map(|(_, names)| names.join("\n")).collect();
        let given: Vec<_> = lists
            .iter()
            .zip(&texts)
            .map(|((allow, _), text)| (if *allow { Action::Allow } else { Action::Block }, text.as_str()))
            .collect();
        let set = set_with(&given, collide);
        let prebuilt = through_a_file(&set);
        let parts = set_of_parts(&given, &split);
        for queried in queried.iter().chain(lists.iter().flat_map(|(_, names)| names)) {
            let expected = oracle(&lists, queried);
            prop_assert_eq!(&verdict(&set, queried), &expected, "{}", queried);
            prop_assert_eq!(&verdict(&prebuilt, queried), &expected, "{} prebuilt", queried);
            prop_assert_eq!(&verdict(&parts, queried), &expected, "{} in parts {:?}", queried, split);
            prop_assert_eq!(all(&set, queried), all(&parts, queried));
        }
    }

    /// Names of any length, depth and octets that a list can hold, many of them with common endings, against a map;
    /// asked as they are, one label longer, one label shorter and with an octet changed.
    #[test]
    fn odd_names_are_told_apart(
        lists in proptest::collection::vec(proptest::collection::vec(odd_name(), 1..60), 1..4),
        asked in proptest::collection::vec(odd_name(), 0..20),
        flip in 0..DomainName::MAX,
        collide: bool,
    ) {
        let texts: Vec<_> = lists.iter().map(|names| names.join("\n").to_uppercase()).collect();
        let given: Vec<_> = texts.iter().map(|text| (Action::Block, text.as_str())).collect();
        let set = through_a_file(&set_with(&given, collide));
        // What the parser took, by itself: it is not what is tested here.
        let mut oracle: BTreeMap<Vec<u8>, (usize, u32)> = BTreeMap::new();
        for (list, text) in texts.iter().enumerate() {
            let Ok(parsed) = parse(text.as_bytes(), Format::Plain, MAX_FILE_BYTES) else { continue };
            for (wire, line, _) in parsed.entries() {
                oracle.entry(wire.to_vec()).or_insert((list, line));
            }
        }
        let listed: Vec<Vec<u8>> = oracle.keys().cloned().collect();
        let others = asked.iter().filter_map(|text| DomainName::from_text(text.as_bytes()).ok());
        let variants = listed.iter().flat_map(|wire| variants(wire, flip));
        for asked in others.chain(variants) {
            let expected = suffixes(asked.as_wire()).find_map(|s| oracle.get(s).map(|place| (s.to_vec(), *place)));
            let got = set.lookup(&asked).rule().map(|rule| {
                let list = rule.list().trim_start_matches("list").parse::<usize>().unwrap();
                (rule.pattern().as_wire().to_vec(), (list, rule.line()))
            });
            prop_assert_eq!(got, expected, "{}", asked);
        }
    }

    #[test]
    fn any_labels_can_be_looked_up(labels in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..30)) {
        let mut odd = DomainName::root();
        for label in &labels {
            let _ = odd.push_label(label);
        }
        let set = set_with(&[(Action::Block, "a.example\nb.a.example")], true);
        let expected = odd.is_within(&name("a.example"));
        prop_assert_eq!(set.lookup(&odd).rule().is_some(), expected);
    }
}

fn ordered(name: &str, action: Action, places: &[&str]) -> ListMeta {
    let places = places.iter().map(|code| code.parse().unwrap());
    let provenance = Provenance::new("authority", "act", "order", places).unwrap();
    let origin = ListOrigin { name: name.into(), provenance: Some(std::sync::Arc::new(provenance)) };
    ListMeta { origin: std::sync::Arc::new(origin), action }
}

/// `CH block by ch` for each place in which there is a verdict.
fn verdicts(set: &RuleSet, text: &str) -> Vec<String> {
    let name = name(text);
    let told = |place: &Place| {
        let rule = set.lookup_in(*place, &name).rule()?;
        let matched = rule.to_matched(*place);
        assert_eq!(matched.jurisdiction, place.jurisdiction);
        let at = place.jurisdiction.map_or("-".into(), |code| code.to_string());
        Some(format!("{at} {} by {}", rule.action().name(), rule.list()))
    };
    set.places().iter().filter_map(told).collect()
}

#[test]
fn a_list_decides_only_where_it_holds() {
    let mut builder = RuleSetBuilder::new();
    for (list, action, places, text) in [
        ("ch", Action::Block, &["CH", "LI"][..], "bets.example\nch-only.example\n"),
        ("gb", Action::Licensed, &["GB"], "bets.example\nnj.bets.example\n"),
        ("us", Action::Block, &["US"], "bets.example\n"),
        ("us-nj", Action::Licensed, &["US-NJ"], "nj.bets.example\n"),
    ] {
        builder.add_list(ordered(list, action, places), parse(text.as_bytes(), Format::Plain, MAX_FILE_BYTES).unwrap());
    }
    builder.add_list(
        ListMeta::bare("own", Action::Allow),
        parse(&b"help.bets.example\n"[..], Format::Plain, MAX_FILE_BYTES).unwrap(),
    );
    let set = builder.build().unwrap();
    assert_eq!(set.places().len(), 5);
    assert_eq!(
        verdicts(&set, "www.nj.bets.example"),
        ["CH block by ch", "GB licensed by gb", "LI block by ch", "US block by us", "US-NJ licensed by us-nj"]
    );
    // The country's order holds in its parts, and not the other way round.
    assert_eq!(verdicts(&set, "ny.bets.example")[3..], ["US block by us", "US-NJ block by us"]);
    assert_eq!(verdicts(&set, "ch-only.example"), ["CH block by ch", "LI block by ch"]);
    // A list of unknown origin holds everywhere.
    assert!(verdicts(&set, "help.bets.example").iter().all(|told| told.ends_with("allow by own")));
    assert!(verdicts(&set, "other.example").is_empty());

    let set = set.serving(&["GB".parse().unwrap(), "FR".parse().unwrap()]).unwrap();
    assert_eq!(verdicts(&set, "www.nj.bets.example"), ["GB licensed by gb"]);
    assert_eq!(verdicts(&set, "ch-only.example"), [""; 0]);
    assert_eq!(set.lookup_all(&name("ch-only.example")).len(), 1, "explanations show what holds elsewhere");
    let names = [name("bets.example"), name("ch-only.example")];
    let concerned: Vec<_> = set.concerned(&names).filter_map(|place| place.jurisdiction).collect();
    assert_eq!(concerned, ["GB".parse().unwrap()]);
    let set = set.serving(&["LI".parse().unwrap()]).unwrap();
    assert_eq!(set.only_place().and_then(|place| place.jurisdiction), Some("LI".parse().unwrap()));
    assert_eq!(verdicts(&set, "bets.example"), ["LI block by ch"]);

    let many: Vec<_> = (0..129).map(|n| format!("US-{n}").parse().unwrap()).collect();
    assert_eq!(set.serving(&many).unwrap_err(), TooManyPlaces(129));
}
