//! Files that come, guards that hold them, bundles that go out, and going back.

use super::*;

#[test]
fn a_verified_file_is_taken_and_a_bad_one_leaves_the_good_one() {
    let mut case = Case::new();
    case.define_verified("ch");
    let good = many(100);
    assert!(matches!(case.receive("ch", &good), Outcome::Taken { rules: 100, review: None, .. }));
    let head = case.store().state().head("ch").unwrap().id;
    assert_eq!(case.receive("ch", &good), Outcome::Unchanged { snapshot: head });

    let half: String = good[..good.len() / 2].into();
    let Outcome::Held { proposal, guards, .. } = case.receive("ch", &half) else { panic!() };
    assert!(guards.iter().any(|guard| guard.contains("shrank too much")), "{guards:?}");
    assert!(guards.iter().any(|guard| guard.contains("perhaps cut")), "{guards:?}");
    let Outcome::Held { proposal: again, .. } = case.receive("ch", &half) else { panic!() };
    assert_eq!(again, proposal, "the same file makes no second proposal");
    let swing = many(130);
    let Outcome::Held { proposal: newer, guards, .. } = case.receive("ch", &swing) else { panic!() };
    assert!(guards.len() == 1 && guards[0].contains("grew too much: 30 rules are new, 30.0 %"), "{guards:?}");
    assert_eq!(case.store().proposal(proposal).unwrap().status, Status::Superseded(newer));
    let Outcome::Refused { why } = case.receive("ch", "<html>error</html>") else { panic!() };
    assert!(why.contains("no rule in it") || why.contains("page"), "{why}");
    let lines = case.store().last_line().0;
    case.receive("ch", "<html>error</html>");
    assert_eq!(case.store().last_line().0, lines, "the same trouble is told once");

    assert_eq!((case.store().state().head("ch").unwrap().id, case.names("ch").len()), (head, 100));
    let status = case.store().status(Timestamp::now()).unwrap();
    assert_eq!((status.lists[0].tripped, status.lists[0].trouble.is_some(), status.waiting.len()), (3, true, 1));
    // People may still want the large one.
    case.approve(newer);
    assert_eq!(case.names("ch").len(), 130);
    assert!(case.store().status(Timestamp::now()).unwrap().lists[0].trouble.is_none());
}

#[test]
fn what_nobody_vouches_for_waits_for_people() {
    let mut case = Case::new();
    case.define_verified("ch");
    case.define("other", "file = \"/elsewhere/list.txt\"\n");
    let file = case.dir.path().join("brought.txt");
    fs::write(&file, many(10)).unwrap();
    let by_hand = Origin::Hand("brought.txt".into());
    for (list, origin) in [("ch", by_hand), ("other", Origin::File("/elsewhere/list.txt".into()))] {
        let Outcome::Held { proposal, guards, .. } =
            case.store().receive(list, &file, &origin, None, &actor()).unwrap()
        else {
            panic!("{list}")
        };
        assert!(guards.is_empty() && case.names(list).is_empty());
        case.approve(proposal);
        assert_eq!(case.names(list).len(), 10);
    }
}

#[test]
fn a_name_of_a_file_adds_no_line_to_what_people_sign() {
    let mut case = Case::new();
    case.define_verified("ch");
    let file = case.dir.path().join("list");
    fs::write(&file, many(3)).unwrap();
    let origin = Origin::Hand("x\nguard none\u{202e}".into());
    let Outcome::Held { proposal, .. } = case.store().receive("ch", &file, &origin, None, &actor()).unwrap() else {
        panic!()
    };
    let text = case.store().proposal(proposal).unwrap().text;
    let text = case.store().objects().text(&text, 1 << 20).unwrap();
    assert!(text.contains("\nfrom brought by hand as x?guard none?\n"), "{text}");
}

#[test]
fn a_file_that_was_looked_at_against_an_older_head_is_not_put_in_force() {
    let mut case = Case::new();
    case.define_verified("ch");
    case.receive("ch", &many(100));
    let Outcome::Held { proposal, .. } = case.receive("ch", &many(50)) else { panic!() };
    case.approve_as("anna", proposal).unwrap();
    case.receive("ch", &many(101));
    let error = case.approve_as("bert", proposal).unwrap_err().to_string();
    assert!(error.contains("changed since this file was looked at"), "{error}");
    assert_eq!(case.names("ch").len(), 101);
}

#[test]
fn single_names_are_held_back_and_the_others_count() {
    let mut case = Case::new();
    fs::write(case.root().join("protected"), "portal.example\n").unwrap();
    fs::write(case.root().join("popular"), "search.example\n").unwrap();
    let settings = "protected = [\"protected\"]\n[[popular]]\nfile = \"popular\"\ntop = 10\n";
    fs::write(case.root().join("store.toml"), settings).unwrap();
    case.reopen().unwrap();
    case.define_verified("ch");
    let dirty = format!("{}portal.example\nsearch.example\ngithub.io\n", many(100));
    let Outcome::Taken { rules: 100, review: Some(review), held, .. } = case.receive("ch", &dirty) else { panic!() };
    assert_eq!(held.len(), 3);
    let status = case.store().status(Timestamp::now()).unwrap();
    assert_eq!((status.lists[0].held, status.lists[0].tripped), (3, 1));
    // The names wait once, however often the list comes.
    let Outcome::Taken { review: None, .. } = case.receive("ch", &format!("{dirty}new.example\n")) else { panic!() };
    case.approve(review);
    let names = case.names("ch");
    assert!(names.contains(&"search.example".into()) && names.contains(&"github.io".into()), "{names:?}");
    assert!(!names.contains(&"portal.example".into()), "what is protected nobody lets through");
    // And they stay through.
    let Outcome::Taken { review: None, held, .. } = case.receive("ch", &format!("{dirty}newer.example\n")) else {
        panic!()
    };
    assert_eq!(held.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["portal.example"]);
    assert_eq!(case.names("ch").len(), 103);
    case.store().verify().unwrap();
    // A name that is protected later is in no build any more.
    fs::write(case.root().join("protected"), "portal.example\nwww.casino7.example\n").unwrap();
    let (lists, _) = case.reopen().unwrap().effective(Timestamp::now(), None, &[]).unwrap();
    assert_eq!(lists[0].protected, ["casino7.example"]);
}

#[test]
fn typed_names_need_a_typed_list_and_are_what_was_signed() {
    let mut case = Case::new();
    case.define("letters", "");
    case.define_verified("ch");
    let error = case.propose("ch", &["a.example"], &[]).unwrap_err().to_string();
    assert!(error.contains("holds what its authority says"), "{error}");
    assert!(case.propose("letters", &["co.uk"], &[]).unwrap_err().to_string().contains("public suffix"));
    assert!(case.propose("letters", &[], &["a.example"]).unwrap_err().to_string().contains("is not listed"));
    assert!(case.propose("letters", &[], &[]).is_err());
    let (one, two) = (
        case.propose("letters", &["a.example", "b.example"], &[]).unwrap(),
        case.propose("letters", &["c.example"], &[]).unwrap(),
    );
    case.approve(two);
    case.approve(one);
    assert_eq!(case.names("letters"), ["a.example", "b.example", "c.example"]);
    let out = case.propose("letters", &[], &["a.example", "b.example", "c.example"]).unwrap();
    case.approve(out);
    assert_eq!(case.names("letters"), [""; 0]);
    assert_eq!(case.reopen().unwrap().verify().unwrap(), 10);
}

#[test]
fn dated_names_count_in_their_time() {
    let mut case = Case::new();
    case.define("letters", "");
    let time = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    let order = case.order();
    let change = ChangeOfNames {
        list: "letters".into(),
        add: vec!["a.example".into()],
        reference: "1".into(),
        valid_from: time("2030-01-01T00:00:00Z"),
        expires: time("2031-01-01T00:00:00Z"),
        ..ChangeOfNames::default()
    };
    let id = case.store().propose_names(&change, order, &actor()).unwrap();
    case.approve(id);
    let always = case.propose("letters", &["b.example"], &[]).unwrap();
    case.approve(always);
    let mut at = |text: &str| {
        let now = text.parse().unwrap();
        let lists = case.store().effective(now, None, &[]).unwrap().0;
        (lists[0].rules.facts().counts.rules, case.store().next_date("letters", now).unwrap().map(|t| t.to_string()))
    };
    assert_eq!(at("2029-12-31T23:59:59Z"), (1, Some("2030-01-01T00:00:00Z".into())));
    assert_eq!(at("2030-01-01T00:00:00Z"), (2, Some("2031-01-01T00:00:00Z".into())));
    assert_eq!(at("2031-01-01T00:00:00Z"), (1, None));
}

#[test]
fn bundles_go_up_and_rollback_goes_back() {
    let mut case = Case::new();
    let out = case.dir.path().join("national.stkbundle");
    case.define_verified("ch");
    assert!(case.publish(&out).unwrap_err().to_string().contains("nothing to publish"));
    case.receive("ch", &many(100));
    assert_eq!(case.publish(&out).unwrap(), 1);
    case.receive("ch", &many(104));
    assert_eq!(case.publish(&out).unwrap(), 2);
    // A list that is none of this channel's.
    let text = read_source(&case, "no").canonical().replace("\"CH\"", "\"NO\"");
    let id = case.store().propose_source(&read(&text).unwrap()[0], &actor()).unwrap();
    case.approve(id);
    case.receive("no", &many(7));
    case.store().roll_back("national", 1, &actor()).unwrap();
    assert_eq!((case.names("ch").len(), case.names("no").len()), (100, 7));
    assert_eq!(case.publish(&out).unwrap(), 3);
    assert!(case.store().roll_back("national", 9, &actor()).is_err());
    // The file that was left is not taken again by itself.
    let Outcome::Held { guards, .. } = case.receive("ch", &many(104)) else { panic!() };
    assert!(guards.iter().any(|guard| guard.contains("rolled back before")), "{guards:?}");
    let manifest = crate::matching::bundle::Sealed::open(&out).unwrap().claims().unwrap();
    assert_eq!((manifest.version, manifest.rules(), manifest.lists[0].authority.as_str()), (3, 100, "a"));
    case.reopen().unwrap().verify().unwrap();
}

/// The definition of `ch` under another name, with a file of its own.
fn read_source(case: &Case, id: &str) -> source::Source {
    let mut source = case.store.as_ref().unwrap().source("ch").unwrap();
    source.id = id.into();
    source.place = Place::File(case.dir.path().join(format!("{id}.txt")));
    source
}

#[test]
fn a_list_that_does_not_say_on_what_ground_is_in_no_build() {
    let mut case = Case::new();
    let file = case.dir.path().join("ch.txt");
    let text = format!(
        "[[source]]\nid = \"ch\"\ntitle = \"t\"\nauthority = \"a\"\njurisdictions = [\"CH\"]\naction = \"block\"\nformat = \"plain\"\n\
         legal_basis = \"l\"\nfile = \"{}\"\nverified = true\n",
        file.display()
    );
    let id = case.store().propose_source(&read(&text).unwrap()[0], &actor()).unwrap();
    case.approve(id);
    case.receive("ch", &many(3));
    let now = Timestamp::now();
    let error = case.store().effective(now, None, &[]).unwrap_err().to_string();
    assert!(error.contains("the list ch has no reference"), "{error}");
    assert!(case.store().effective(now, None, &["ch".into()]).unwrap().0.is_empty());
    // A complete definition mends it, without a new file.
    let id = case.store().propose_source(&read(&format!("{text}reference = \"r\"\n")).unwrap()[0], &actor()).unwrap();
    case.approve(id);
    assert_eq!(case.store().effective(now, None, &[]).unwrap().0[0].source.reference, "r");
}

#[test]
fn what_is_licensed_in_one_place_does_not_let_a_site_be_in_another() {
    let mut case = Case::new();
    case.define_verified("ch");
    let file = case.dir.path().join("gb.txt");
    let text = format!(
        "[[source]]\nid = \"gb\"\ntitle = \"t\"\nauthority = \"a\"\njurisdictions = [\"GB\"]\naction = \"licensed\"\nformat = \"plain\"\n\
         legal_basis = \"l\"\nreference = \"r\"\nfile = \"{}\"\nverified = true\n",
        file.display()
    );
    let id = case.store().propose_source(&read(&text).unwrap()[0], &actor()).unwrap();
    case.approve(id);
    case.receive("ch", "bet.example\nother.example\n");
    case.receive("gb", "bet.example\n");
    let now = Timestamp::now();
    for (place, lists) in [("CH", vec!["ch"]), ("GB", vec!["gb"]), ("CH-ZH", vec!["ch"])] {
        let found = case.store().effective(now, place.parse().ok(), &[]).unwrap().0;
        assert_eq!(found.iter().map(|list| list.source.id.as_str()).collect::<Vec<_>>(), lists, "{place}");
    }
    let set = rule_set(case.store().effective(now, None, &[]).unwrap().0).unwrap();
    let name = crate::matching::to_name("www.bet.example").unwrap();
    let found = case.store().explain(&name, &[], now).unwrap();
    let verdicts: Vec<_> = found.places.iter().map(|(place, standing, _)| (place.as_str(), *standing)).collect();
    assert_eq!(verdicts, [("CH", Standing::Blocked), ("GB", Standing::Licensed)]);
    assert_eq!((found.rules.len(), found.rules_in(found.places[0].0).count()), (2, 1));
    // A sensor comes to the same.
    let verdicts: Vec<_> =
        set.places().iter().map(|place| set.lookup_in(*place, &name).rule().unwrap().action()).collect();
    assert_eq!(verdicts, [crate::model::Action::Block, crate::model::Action::Licensed]);
}

#[test]
fn an_explanation_tells_order_signers_and_time() {
    let mut case = Case::new();
    case.define("letters", "");
    let id = case.propose("letters", &["a.example"], &[]).unwrap();
    case.approve(id);
    let since = case.store().state().head("letters").unwrap().id;
    let id = case.propose("letters", &["b.example"], &[]).unwrap();
    case.approve(id);
    let waits = case.propose("letters", &[], &["a.example"]).unwrap();
    let name = crate::matching::to_name("x.a.example").unwrap();
    let found = case.store().explain(&name, &["CH".parse().unwrap()], Timestamp::now()).unwrap();
    let rule = &found.rules[0];
    assert_eq!((rule.since.0, rule.at_least, rule.line), (since, false, 1));
    assert_eq!(
        (rule.entry.reference.as_deref(), rule.signed.clone()),
        (Some("2026/117"), vec!["anna".into(), "bert".into()])
    );
    assert_eq!(rule.entry.order, Some(Hash::of(b"the letter")));
    assert_eq!(found.waiting, [(waits, "would take it out of letters".into())]);
    assert_eq!(found.places, [("CH".parse().unwrap(), Standing::Blocked, Some(0))]);
}

#[test]
fn gc_keeps_what_is_needed() {
    let mut case = Case::new();
    let out = case.dir.path().join("national.stkbundle");
    case.define_verified("ch");
    case.define("letters", "");
    for n in 100..110 {
        case.receive("ch", &many(n));
        if n < 102 {
            case.publish(&out).unwrap();
        }
    }
    let typed = case.propose("letters", &["a.example"], &[]).unwrap();
    case.approve(typed);
    let Outcome::Held { proposal, .. } = case.receive("ch", &many(10)) else { panic!() };
    let (removed, _) = case.store().gc(1, &actor()).unwrap();
    // Of ten snapshots the newest is in force, and the second one was published last.
    assert_eq!(removed, 8);
    assert_eq!(case.store().gc(1, &actor()).unwrap().0, 0);
    case.reopen().unwrap().verify().unwrap();
    case.approve(proposal);
    assert_eq!(case.names("ch").len(), 10);
    case.store().roll_back("national", 2, &actor()).unwrap();
    assert!(case.store().roll_back("national", 1, &actor()).unwrap_err().to_string().contains("is not there"));
    assert_eq!(case.names("ch").len(), 101);
}

#[test]
fn a_register_that_was_cut_or_counts_otherwise_is_not_taken() {
    let mut case = Case::new();
    let file = case.dir.path().join("pl.txt");
    let mut source = read(&format!(
        "[[source]]\nid = \"pl\"\ntitle = \"t\"\nauthority = \"a\"\njurisdictions = [\"PL\"]\naction = \"block\"\n\
         legal_basis = \"l\"\nreference = \"r\"\nformat = \"polish-register\"\nfile = \"{}\"\nverified = true\n\
         stated_count = \"greatest:Lp\"\n",
        file.display()
    ))
    .unwrap()
    .remove(0);
    let id = case.store().propose_source(&source, &actor()).unwrap();
    case.approve(id);
    let register = |count: usize, last: usize| {
        let entry = |n: usize| {
            let number = if n == count { last } else { n };
            format!("<PozycjaRejestru Lp=\"{number}\"><AdresDomeny>n{n}.example</AdresDomeny></PozycjaRejestru>\n")
        };
        format!("<Rejestr>\n{}</Rejestr>\n", (1..=count).map(entry).collect::<String>())
    };
    let whole = register(40, 40);
    assert!(matches!(case.receive("pl", &whole), Outcome::Taken { rules: 40, .. }));
    let Outcome::Refused { why } = case.receive("pl", &whole[..whole.len() / 2]) else { panic!() };
    assert!(why.contains("as a download that was cut"), "{why}");
    let Outcome::Held { guards, .. } = case.receive("pl", &register(40, 90)) else { panic!() };
    assert!(guards.len() == 1 && guards[0].contains("says that it has 90 entries, and 40 were read"), "{guards:?}");
    assert_eq!(case.names("pl").len(), 40);
    // A form that this version does not read is told, not guessed.
    source.format = read("[[source]]\nid = \"x\"\ntitle = \"t\"\nauthority = \"a\"\njurisdictions = [\"PL\"]\naction = \"block\"\nformat = \"unreadable\"\n")
        .unwrap()[0]
        .format;
    let id = case.store().propose_source(&source, &actor()).unwrap();
    case.approve(id);
    let Outcome::Refused { why } = case.receive("pl", &whole) else { panic!() };
    assert!(why.contains("are not read by this version"), "{why}");
    assert_eq!(case.names("pl").len(), 40, "what is in force is read as it was");
    let name = crate::matching::to_name("n7.example").unwrap();
    let found = case.store().explain(&name, &[], Timestamp::now()).unwrap();
    assert_eq!(found.rules[0].entry.reference.as_deref(), Some("entry 7"));
}
