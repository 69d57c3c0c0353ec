//! What is written against what the lists mean, for lists drawn at random: both told anew here, the meaning from the
//! entries and the effect from the lines of the export alone.

use proptest::prelude::*;

use super::tests::{lines, lists, options};
use super::{Export, Target};
use crate::matching::list::Kind;
use crate::model::Action;

const TARGETS: [Target; 7] =
    [Target::Rpz, Target::Unbound, Target::Dnsmasq, Target::Hosts, Target::Adblock, Target::Plain, Target::Mikrotik];

/// Names of few labels, so that many cover each other.
fn a_name() -> impl Strategy<Value = String> {
    let label = prop::sample::select(&["a", "b", "a-b", "_x", "0"][..]);
    prop::collection::vec(label, 1..4).prop_map(|labels| labels.join(".") + ".example")
}

/// Entries of every kind, as a filter list writes them.
fn entries(least: usize) -> impl Strategy<Value = Vec<(String, Kind)>> {
    prop::collection::vec((a_name(), prop::sample::select(&Kind::ALL[..])), least..10)
}

fn line((name, kind): &(String, Kind)) -> String {
    match kind {
        Kind::Covers => format!("||{name}^"),
        Kind::Exact => format!("|https://{name}^"),
        Kind::Below => format!("||*.{name}^"),
        Kind::Allow => format!("@@||{name}^"),
        Kind::AllowExact => format!("@@|https://{name}^"),
        Kind::AllowBelow => format!("@@||*.{name}^"),
        Kind::Watch => format!("https://{name}/page"),
    }
}

fn is_within(name: &str, parent: &str) -> bool {
    name == parent || name.ends_with(&format!(".{parent}"))
}

/// What the entries mean: blocked is what a block reaches and no allow does.
fn is_meant(block: &[(String, Kind)], allow: &[(String, Kind)], name: &str) -> bool {
    let reaches = |entries: &[(String, Kind)], list: Action, action: Action| {
        let says = |(_, kind): &&(String, Kind)| kind.action(list) == action;
        entries.iter().filter(says).any(|(own, kind)| is_within(name, own) && kind.reaches(name == own))
    };
    reaches(block, Action::Block, Action::Block)
        && !reaches(block, Action::Block, Action::Allow)
        && !reaches(allow, Action::Allow, Action::Allow)
}

/// What a program with the format's rules does with a name, told from the lines alone.
fn is_blocked(target: Target, lines: &[String], name: &str) -> bool {
    let between = |line: &str, from: &str, to: &str| Some(line.strip_prefix(from)?.split(to).next()?.to_owned());
    // `*.name` means the names under it.
    let matches = |pattern: &str| match pattern.strip_prefix("*.") {
        Some(parent) => name != parent && is_within(name, parent),
        None => is_within(name, pattern),
    };
    match target {
        Target::Rpz => {
            // As in DNS: the name itself, else the wildcard below the closest name that there is, and no other.
            let policies: Vec<(&str, &str)> = lines[3..].iter().filter_map(|line| line.split_once(" CNAME ")).collect();
            let exact = |name: &str| policies.iter().find(|(owner, _)| *owner == name).map(|(_, to)| *to == ".");
            let mut parents = std::iter::successors(Some(name), |name| name.split_once('.').map(|(_, parent)| parent));
            let exists = |name: &&str| policies.iter().any(|(o, _)| o == name || o.ends_with(&format!(".{name}")));
            match parents.find(exists) {
                Some(closest) if closest == name => exact(name).unwrap_or(false),
                closest => closest.and_then(|closest| exact(&format!("*.{closest}"))).unwrap_or(false),
            }
        }
        Target::Unbound => {
            // The closest zone, and data for the name itself where that is transparent.
            let zones = lines.iter().filter_map(|line| {
                Some((between(line, "local-zone: \"", ".\"")?, line.rsplit(' ').next()?))
                    .filter(|(zone, _)| matches(zone))
            });
            match zones.max_by_key(|(zone, _)| zone.len()) {
                Some((_, "always_nxdomain")) => true,
                Some((_, "transparent")) => {
                    lines.iter().any(|line| line.starts_with(&format!("local-data: \"{name}. ")))
                }
                _ => false,
            }
        }
        Target::Dnsmasq => {
            let rules = lines.iter().filter_map(|line| {
                let pass = between(line, "server=/", "/").map(|name| (name, false));
                pass.or_else(|| Some((between(line, "local=/", "/")?, true)))
            });
            let longest = rules.filter(|(pattern, _)| matches(pattern)).max_by_key(|(pattern, _)| pattern.len());
            longest.is_some_and(|(_, blocks)| blocks)
        }
        Target::Adblock => {
            let any = |mark: &str| {
                lines.iter().filter_map(|line| line.strip_prefix(mark)?.strip_suffix('^')).any(|pattern| {
                    match (pattern.strip_prefix("||"), pattern.strip_prefix("|http://")) {
                        (Some(pattern), _) => matches(pattern),
                        (None, Some(own)) => own == name,
                        (None, None) => false,
                    }
                })
            };
            any("") && !any("@@")
        }
        Target::Hosts => lines.iter().any(|line| line.split(' ').nth(1) == Some(name)),
        Target::Plain => lines.iter().any(|line| matches(line)),
        Target::Mikrotik => lines.iter().any(|line| {
            between(line, "add name=\"", "\"").is_some_and(|own| {
                if line.contains("match-subdomain=yes") { is_within(name, &own) } else { own == name }
            })
        }),
        Target::Csv | Target::Stix => unreachable!("not among the targets"),
    }
}

proptest! {
    #[test]
    fn what_is_written_means_what_the_lists_mean(
        block in entries(1),
        allow in entries(0),
        asked in prop::collection::vec(a_name(), 10),
    ) {
        let texts = |entries: &[(String, Kind)]| entries.iter().map(line).collect::<Vec<_>>();
        let (blocks, allows) = (texts(&block), texts(&allow));
        let lists = lists(
            &blocks.iter().map(String::as_str).collect::<Vec<_>>(),
            &allows.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        let rules = |action| lists.entries().filter(|entry| entry.action == action).count() as u64;
        for target in TARGETS {
            let options = options(target, None);
            let export = Export::new(&lists, &options).unwrap();
            let (lines, notes) = (lines(&export), export.notes().collect::<Vec<_>>());
            let all = matches!(target, Target::Rpz | Target::Dnsmasq | Target::Adblock);
            prop_assert!(!all || notes.is_empty(), "{:?}: {:?}", target, notes);
            for name in asked.iter().chain(block.iter().chain(&allow).map(|(name, _)| name)) {
                let (meant, is) = (is_meant(&block, &allow, name), is_blocked(target, &lines, name));
                if target == Target::Hosts {
                    let listed = block.iter().any(|(own, kind)| own == name && kind.action(Action::Block) == Action::Block);
                    prop_assert_eq!(is, meant && listed, "{:?} {}", target, name);
                } else if !meant {
                    prop_assert!(!is, "{:?} blocks {}: {:#?}", target, name, lines);
                } else if !is {
                    // Only below a name whose trouble is told.
                    let told = notes.iter().filter_map(|note| note.split(' ').next()).any(|own| is_within(name, own));
                    prop_assert!(told, "{:?} does not block {}: {:#?} {:#?}", target, name, lines, notes);
                }
            }
            let counts = export.counts();
            let left = notes.iter().filter(|note| note.contains("left out")).count() as u64;
            let known = counts.blocked + counts.allowed + counts.redundant + counts.repeated + left;
            prop_assert_eq!(known, rules(Action::Block), "{:?} {:?} {:#?}", target, counts, notes);
            let unsaid = notes.iter().filter(|note| note.contains("no exception can be written")).count() as u64;
            prop_assert_eq!(counts.exceptions + counts.needless + unsaid, rules(Action::Allow), "{:?}", target);
            prop_assert_eq!(counts.watched, rules(Action::Watch), "{:?}", target);
        }
    }
}
