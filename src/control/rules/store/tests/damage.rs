//! Damage of any kind: told, and never worked with.

use super::*;

fn journal(case: &Case) -> PathBuf {
    case.root().join("journal")
}

#[test]
fn a_last_line_that_was_cut_is_taken_off_and_any_other_damage_refuses() {
    let mut case = Case::new();
    case.define_verified("ch");
    case.receive("ch", &many(3));
    case.close();
    let whole = fs::read(journal(&case)).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|octet| *octet == b'\n').unwrap() + 1;
    for cut in [last + 1, whole.len() - 1] {
        case.close();
        fs::write(journal(&case), &whole[..cut]).unwrap();
        let reader = Store::open(&case.root(), Access::Read).unwrap();
        assert_eq!((reader.cut(), reader.state().head("ch").is_none()), ((cut - last) as u64, true));
        drop(reader);
        assert_eq!(case.reopen().unwrap().cut(), (cut - last) as u64);
        case.close();
        assert_eq!(fs::read(journal(&case)).unwrap(), &whole[..last]);
        case.reopen().unwrap();
        assert!(matches!(case.receive("ch", &many(3)), Outcome::Taken { .. }), "work goes on");
    }
    case.close();

    let text = String::from_utf8(whole).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let joined = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let count = lines.len();
    let edited = |at: usize| {
        let mut lines = lines.clone();
        let line = lines[at].replacen("\"time\":\"2", "\"time\":\"3", 1);
        assert_ne!(line, lines[at]);
        lines[at] = Box::leak(line.into_boxed_str());
        joined(&lines)
    };
    let mut damaged: Vec<(usize, String)> = (0..count).map(|at| (at + 1, edited(at))).collect();
    damaged.push((2, joined(&[&lines[..1], &lines[2..]].concat())));
    damaged.push((count + 1, format!("{text}{}\n", lines[count - 1])));
    damaged.push((count + 1, format!("{text}\n")));
    damaged.push((1, format!("\n{text}")));
    damaged.push((1, String::new()));
    for (line, text) in damaged {
        fs::write(journal(&case), &text).unwrap();
        match Store::open(&case.root(), Access::Write) {
            Err(StoreError::Journal { line: told, .. }) => assert_eq!(told, line as u64, "{text}"),
            other => panic!("line {line}: {other:?}"),
        }
        assert_eq!(fs::read_to_string(journal(&case)).unwrap(), text, "nothing was mended");
    }
}

#[test]
fn a_changed_object_is_noticed_before_anything_is_built_of_it() {
    let mut case = Case::new();
    case.define("letters", "");
    case.define_verified("ch");
    case.receive("ch", &many(300));
    let id = case.propose("letters", &["a.example"], &[]).unwrap();
    case.approve(id);
    case.store().effective(Timestamp::now(), None, &[]).unwrap();
    let mut objects = Vec::new();
    for dir in fs::read_dir(case.root().join("objects")).unwrap() {
        objects.extend(fs::read_dir(dir.unwrap().path()).unwrap().map(|file| file.unwrap().path()));
    }
    let order = Hash::of(b"the letter").to_string();
    let (mut noticed, total) = (0, objects.len());
    for path in objects {
        let whole = fs::read(&path).unwrap();
        let mut changed = whole.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        fs::write(&path, &changed).unwrap();
        let result = case.store().effective(Timestamp::now(), None, &[]);
        // The order itself is evidence, and is looked at by nobody but people.
        if !path.to_string_lossy().contains(&order[2..]) {
            assert!(
                matches!(result, Err(StoreError::Object { .. } | StoreError::Forged(_))),
                "{}: {result:?}",
                path.display()
            );
            noticed += 1;
        }
        fs::write(&path, whole).unwrap();
    }
    assert!(noticed >= 10 && noticed == total - 1, "{noticed} of {total}");
    case.store().effective(Timestamp::now(), None, &[]).unwrap();
}

#[test]
fn a_forged_journal_does_not_get_past_the_signatures() {
    let mut case = Case::new();
    case.define("letters", "");
    let id = case.propose("letters", &["a.example"], &[]).unwrap();
    case.approve(id);
    // Somebody who can write adds a file of their own to a list of which nothing is verified, with all hashes right.
    let store = case.store();
    let file = store.objects().put_octets(b"evil.example\n").unwrap();
    let head = store.state().head("letters").unwrap().content.clone();
    let content = Content { file, rules: 1, ..head };
    let event = Event::Take(event::Taken {
        list: "letters".into(),
        content: content.clone(),
        origin: "x".into(),
        review: None,
    });
    store.append(&actor(), event).unwrap();
    let error = store.verify().unwrap_err();
    assert!(matches!(&error, StoreError::Forged(why) if why.contains("nobody signed for its file")), "{error}");

    // Or approvals whose signatures are over something else.
    let mut case = Case::new();
    case.define("letters", "");
    let id = case.propose("letters", &["evil.example"], &[]).unwrap();
    let text = case.store().signing_text(2).unwrap();
    for (name, completes) in [("anna", false), ("bert", true)] {
        let signature = case.sign(name, &text);
        let key = case.key(name).pk.to_base64();
        let store = case.store();
        let signature = store.objects().put_octets(signature.as_bytes()).unwrap();
        let person = name.to_owned();
        let definition = store.state().lists["letters"].definition.unwrap();
        let result = completes.then(|| Content { definition, held: None, ..content.clone() });
        let event = event::Approved { proposal: id, person, key, signature, completes, result };
        store.append(&actor(), Event::Approve(event)).unwrap();
    }
    let error = case.store().verify().unwrap_err();
    assert!(
        matches!(&error, StoreError::Forged(why) if why.contains("the signature of anna does not hold")),
        "{error}"
    );
}

#[test]
fn stores_of_other_formats_are_refused_or_migrated_and_back() {
    let mut case = Case::new();
    case.define_verified("ch");
    case.receive("ch", &many(3));
    let lines = case.store().last_line().0;
    case.close();
    let root = case.root();
    fs::write(root.join("format"), "2\n").unwrap();
    let error = Store::open(&root, Access::Read).unwrap_err();
    assert!(matches!(error, StoreError::Newer { .. }), "{error}");
    assert!(migrate(&root, 1, &actor()).is_err());
    fs::write(root.join("format"), "1\n").unwrap();
    assert_eq!(migrate(&root, 1, &actor()).unwrap(), 1);
    assert!(migrate(&root, 2, &actor()).is_err());

    assert_eq!(migrate(&root, 0, &actor()).unwrap(), 1);
    let error = Store::open(&root, Access::Read).unwrap_err();
    assert!(matches!(error, StoreError::Older { found: 0, .. }), "{error}");
    assert!(!fs::read_to_string(journal(&case)).unwrap().contains("\"prev\""));
    assert_eq!(migrate(&root, 1, &actor()).unwrap(), 0);
    // As if a kill had come before `format` was written.
    fs::write(root.join("format"), "0\n").unwrap();
    assert_eq!(migrate(&root, 1, &actor()).unwrap(), 0);
    let store = case.reopen().unwrap();
    assert_eq!(store.last_line().0, lines + 2);
    store.verify().unwrap();
    assert_eq!(case.names("ch").len(), 3);
}

#[test]
fn a_store_of_format_0_is_migrated() {
    const JOURNAL: &str = include_str!("format-0/journal");
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("format"), "0\n").unwrap();
    fs::write(dir.path().join("journal"), JOURNAL).unwrap();
    assert_eq!(migrate(dir.path(), 1, &actor()).unwrap(), 0);
    let error = Store::open(dir.path(), Access::Write).unwrap_err();
    assert!(matches!(error, StoreError::Settings { .. }), "{error}");
    fs::write(dir.path().join("store.toml"), "").unwrap();
    let store = Store::open(dir.path(), Access::Write).unwrap();
    let names: Vec<&str> = store.state().enrolled().map(|person| person.name.as_str()).collect();
    assert_eq!((names, store.state().waiting().count()), (vec!["anna", "bert"], 1));
    assert_eq!(fs::read_to_string(dir.path().join("journal.format-0")).unwrap(), JOURNAL);
    // What is damaged is not migrated.
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("format"), "0\n").unwrap();
    fs::write(dir.path().join("journal"), JOURNAL.replacen("\"seq\":2", "\"seq\":3", 1)).unwrap();
    assert!(matches!(migrate(dir.path(), 1, &actor()), Err(StoreError::Journal { line: 2, .. })));
    assert_eq!(fs::read_to_string(dir.path().join("format")).unwrap(), "0\n");
}
