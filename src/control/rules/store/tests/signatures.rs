//! Whose signature counts, and for what.

use super::*;

fn told(result: Result<usize, StoreError>) -> String {
    match result {
        Err(StoreError::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_people_with_two_keys_are_needed_and_each_refusal_says_why() {
    let mut case = Case::new();
    case.define("letters", "");
    let first = case.propose("letters", &["a.example"], &[]).unwrap();
    let second = case.propose("letters", &["b.example"], &[]).unwrap();
    assert_eq!(case.names("letters"), [""; 0]);

    assert_eq!(case.approve_as("anna", first).unwrap(), 1);
    assert!(told(case.approve_as("anna", first)).contains("this key signed for proposal"));
    assert!(told(case.approve_as("carla", first)).contains("is nobody's who is enrolled here"));
    // Anna's signature for one proposal is none for another, nor is one over another text.
    let text = case.store().signing_text(first).unwrap();
    let (for_first, forged) = (case.sign("bert", &text), case.sign("bert", "something else"));
    assert!(told(case.store().approve(second, &for_first, "x").map(|s| s.missing)).contains("is over another text"));
    assert!(told(case.store().approve(first, &forged, "x").map(|s| s.missing)).contains("is over another text"));
    assert!(
        told(case.store().approve(first, "no signature", "x").map(|s| s.missing)).contains("no signature of minisign")
    );
    assert!(told(case.store().approve(99, &forged, "x").map(|s| s.missing)).contains("there is no proposal 99"));
    assert_eq!(case.names("letters"), [""; 0], "nothing of this put anything in force");

    assert_eq!(case.approve_as("bert", first).unwrap(), 0);
    assert_eq!(case.names("letters"), ["a.example"]);
    assert!(told(case.approve_as("bert", first)).contains("is in force already"));
    case.store().reject(second, &actor()).unwrap();
    assert!(told(case.approve_as("bert", second)).contains("was rejected"));
    assert!(case.store().reject(second, &actor()).is_err());
    assert_eq!(case.store().verify().unwrap(), 4);
}

#[test]
fn people_come_and_go_by_signatures_and_nobody_is_two_people() {
    let mut case = Case::new();
    case.define("letters", "");
    let carla = person("carla", case.key("carla"));
    let second_key = PersonKey { name: "bert".into(), ..carla.clone() };
    let known_key = PersonKey { name: "carla".into(), key: case.key("anna").pk.to_base64() };
    for (wrong, why) in [(second_key, "bert is enrolled already"), (known_key, "the key is known already, as anna's")] {
        assert!(case.store().propose_enrolment(wrong, &actor()).unwrap_err().to_string().contains(why));
    }
    assert!(
        case.store().propose_revocation("bert", &actor()).unwrap_err().to_string().contains("enrol another one first")
    );
    let enrol = case.store().propose_enrolment(carla, &actor()).unwrap();
    case.approve(enrol);

    // Bert signed for something that waits, and is revoked: his signature counts no more.
    let waits = case.propose("letters", &["a.example"], &[]).unwrap();
    assert_eq!(case.approve_as("bert", waits).unwrap(), 1);
    let revoke = case.store().propose_revocation("bert", &actor()).unwrap();
    assert_eq!(case.approve_as("carla", revoke).unwrap(), 1);
    assert_eq!(case.approve_as("anna", revoke).unwrap(), 0);
    assert!(told(case.approve_as("bert", waits)).contains("was revoked"));
    assert_eq!(case.approve_as("anna", waits).unwrap(), 1);

    // Bert comes back with another key; he is still the same person.
    let new_key = KeyPair::generate_unencrypted_keypair().unwrap();
    let again = case.store().propose_enrolment(person("bert", &new_key), &actor()).unwrap();
    assert_eq!((case.approve_as("anna", again).unwrap(), case.approve_as("carla", again).unwrap()), (1, 0));
    case.keys.retain(|(name, _)| *name != "bert");
    case.keys.push(("bert", new_key));
    assert_eq!(case.approve_as("bert", waits).unwrap(), 0);
    assert_eq!(case.names("letters"), ["a.example"]);
    // What he signed with the old key is still signed.
    case.reopen().unwrap().verify().unwrap();
}

#[test]
fn the_same_person_with_another_key_is_refused() {
    let mut case = Case::new();
    case.define("letters", "");
    let carla = person("carla", case.key("carla"));
    let enrol = case.store().propose_enrolment(carla, &actor()).unwrap();
    case.approve(enrol);
    let state = case.store().state().clone();
    let waits = case.propose("letters", &["a.example"], &[]).unwrap();
    case.approve_as("anna", waits).unwrap();
    // Such a store cannot come about, so the rule is asked for by itself.
    let mut state = State { proposals: case.store().state().proposals.clone(), ..state };
    let other = KeyPair::generate_unencrypted_keypair().unwrap().pk.to_base64();
    for person in state.people.iter_mut().filter(|person| person.name == "anna") {
        person.key.clone_from(&other);
    }
    assert!(state.check_approval(waits, "anna", &other).unwrap_err().contains("anna signed for proposal"));
}

#[test]
fn three_signatures_can_be_asked_for() {
    let mut case = Case::new();
    case.define("letters", "");
    let carla = person("carla", case.key("carla"));
    let enrol = case.store().propose_enrolment(carla, &actor()).unwrap();
    case.approve(enrol);
    fs::write(case.root().join("store.toml"), "approvals = 3\n").unwrap();
    case.reopen().unwrap();
    let waits = case.propose("letters", &["a.example"], &[]).unwrap();
    let missing = ["anna", "bert", "carla"].map(|name| case.approve_as(name, waits).unwrap());
    assert_eq!(missing, [2, 1, 0]);
}

#[test]
fn a_store_is_not_made_for_one_person() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) =
        (KeyPair::generate_unencrypted_keypair().unwrap(), KeyPair::generate_unencrypted_keypair().unwrap());
    for people in [
        vec![],
        vec![person("anna", &one)],
        vec![person("anna", &one), person("bert", &one)],
        vec![person("anna", &one), person("anna", &two)],
        vec![person("anna", &one), PersonKey { name: "bert".into(), key: "no key".into() }],
    ] {
        assert!(Store::init(&dir.path().join("store"), people, &actor()).is_err());
        assert!(matches!(Store::open(&dir.path().join("store"), Access::Read), Err(StoreError::Absent(_))));
    }
    let people = || vec![person("anna", &one), person("bert", &two)];
    Store::init(&dir.path().join("store"), people(), &actor()).unwrap();
    assert!(matches!(Store::init(&dir.path().join("store"), people(), &actor()), Err(StoreError::Exists(_))));
}
