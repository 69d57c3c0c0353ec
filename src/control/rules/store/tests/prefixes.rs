//! Any beginning of a journal is a good state: wherever a power cut ends it, work goes on from there.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;

/// What somebody does.
#[derive(Clone, Copy, Debug)]
enum Step {
    Receive(usize),
    Hand(usize),
    Type(usize),
    Approve { person: usize, proposal: usize },
    Reject(usize),
    Publish,
    RollBack(u64),
    Redefine(usize),
    Enrol,
    Revoke(usize),
    Gc,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..60_usize).prop_map(Step::Receive),
        1 => (1..60_usize).prop_map(Step::Hand),
        3 => (0..6_usize).prop_map(Step::Type),
        8 => (0..3_usize, 0..6_usize).prop_map(|(person, proposal)| Step::Approve { person, proposal }),
        1 => (0..6_usize).prop_map(Step::Reject),
        1 => Just(Step::Publish),
        1 => (1..4_u64).prop_map(Step::RollBack),
        1 => (1..9_usize).prop_map(Step::Redefine),
        1 => Just(Step::Enrol),
        1 => (0..3_usize).prop_map(Step::Revoke),
        1 => Just(Step::Gc),
    ]
}

const PEOPLE: [&str; 3] = ["anna", "bert", "carla"];

/// Does it; that much of it is refused is as it should be.
fn take(case: &mut Case, step: Step) {
    let open = |case: &mut Case, n: usize| {
        let waiting: Vec<u64> = case.store().state().waiting().map(|proposal| proposal.id).collect();
        waiting.get(n % waiting.len().max(1)).copied().unwrap_or(0)
    };
    match step {
        Step::Receive(n) => drop(case.receive("ch", &many(n))),
        Step::Hand(n) => {
            let file = case.dir.path().join("hand.txt");
            fs::write(&file, many(n)).unwrap();
            case.store().receive("ch", &file, &Origin::Hand("hand.txt".into()), None, &actor()).unwrap();
        }
        Step::Type(n) => {
            let name = format!("typed{n}.example");
            let _ = case.propose("letters", &[&name], &[]).or_else(|_| case.propose("letters", &[], &[&name]));
        }
        Step::Approve { person, proposal } => {
            let id = open(case, proposal);
            let _ = case.approve_as(PEOPLE[person], id);
        }
        Step::Reject(n) => {
            let id = open(case, n);
            let _ = case.store().reject(id, &actor());
        }
        Step::Publish => {
            let out = case.dir.path().join("out.stkbundle");
            let _ = case.publish(&out);
        }
        Step::RollBack(version) => drop(case.store().roll_back("national", version, &actor())),
        Step::Redefine(n) => {
            let mut source = case.store().source("ch").unwrap();
            source.notes = format!("note {n}");
            let _ = case.store().propose_source(&source, &actor());
        }
        Step::Enrol => {
            let carla = person("carla", case.key("carla"));
            let _ = case.store().propose_enrolment(carla, &actor());
        }
        Step::Revoke(n) => drop(case.store().propose_revocation(PEOPLE[n], &actor())),
        Step::Gc => drop(case.store().gc(3, &actor()).unwrap()),
    }
}

/// What holds in every state.
fn check(state: &State) {
    assert!(state.enrolled().count() >= 2);
    let keys: BTreeSet<&String> = state.people.iter().map(|person| &person.key).collect();
    assert_eq!(keys.len(), state.people.len());
    for (name, list) in &state.lists {
        assert!(list.head.is_none_or(|head| state.snapshots[&head].list == *name));
        assert!(list.definition.is_none_or(|definition| list.definitions.contains_key(&definition)));
    }
    for proposal in state.proposals.values() {
        let people: BTreeSet<&String> = proposal.approvals.iter().map(|approval| &approval.person).collect();
        let keys: BTreeSet<&String> = proposal.approvals.iter().map(|approval| &approval.key).collect();
        assert_eq!((people.len(), keys.len()), (proposal.approvals.len(), proposal.approvals.len()));
        assert_eq!(matches!(proposal.status, Status::Taken(_)), proposal.approvals.len() >= 2, "{proposal:?}");
    }
    let versions: Vec<u64> = state.published.iter().map(|publication| publication.what.version).collect();
    assert!(versions.windows(2).all(|pair| pair[0] < pair[1]));
}

proptest! {
    #![proptest_config(Config { cases: 16, ..Config::default() })]

    #[test]
    fn whatever_a_line_or_a_definition_holds_reading_it_ends(text in "\\PC{0,200}", more in "[\\[\\]{}\":=,a-z0-9 \n]{0,200}") {
        for text in [text, more] {
            let _ = Line::decode(&text, 1, &Hash::ZERO);
            let _ = source::read(&text);
            let _ = Note::of_line(&text);
            let _ = typed::clean(&text);
            let _ = text.parse::<Hash>();
            let _ = crate::control::rules::people::verify(&text, &text, &text);
        }
    }

    #[test]
    fn any_beginning_of_a_journal_is_a_state(steps in vec(step(), 1..40)) {
        let mut case = Case::new();
        case.define_verified("ch");
        case.define("letters", "");
        steps.into_iter().for_each(|step| take(&mut case, step));
        case.store().verify().unwrap();
        let last = case.store().state().clone();
        case.close();
        let text = fs::read_to_string(case.root().join("journal")).unwrap();
        let (mut state, mut prev) = (State::default(), Hash::ZERO);
        for (seq, line) in (1..).zip(text.lines()) {
            let decoded = Line::decode(line, seq, &prev).unwrap();
            prop_assert_eq!(&decoded.encode(&prev), line);
            state.apply(&decoded).unwrap();
            prev = Hash::of(line.as_bytes());
            check(&state);
        }
        prop_assert_eq!(state, last);
        // And from any octet, not only from any line.
        for cut in (0..text.len()).step_by(text.len() / 7 + 1) {
            fs::write(case.root().join("journal"), &text[..cut]).unwrap();
            let opened = Store::open(&case.root(), Access::Write);
            let whole_lines = text[..cut].matches('\n').count() as u64;
            match opened {
                Ok(store) => prop_assert_eq!(store.state().seq, whole_lines),
                Err(error) => prop_assert!(whole_lines == 0, "{}", error),
            }
        }
    }
}
