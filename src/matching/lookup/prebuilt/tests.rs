//! What a prebuilt file must be, and that no other octets are taken for one.

use std::io::Cursor;
use std::sync::Arc;

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::super::{ListMeta, RuleSet, RuleSetBuilder};
use super::*;
use crate::matching::list::{Format, MAX_FILE_BYTES, parse};
use crate::model::{Action, DomainName};

/// The file's octets.
pub(in super::super) fn octets_of(set: &RuleSet) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    write::write(set.only_table().unwrap(), &mut out).unwrap();
    out.into_inner()
}

fn small_set() -> RuleSet {
    let mut builder = RuleSetBuilder::new();
    for (name, action, text) in [
        ("bad", Action::Block, "casino.example\nbets.example\n12 wrong.example\nx.y.z.bets.example\n"),
        ("good", Action::Allow, "0.0.0.0 help.casino.example\n"),
    ] {
        let list = parse(text.as_bytes(), Format::Auto, MAX_FILE_BYTES).unwrap();
        builder.add_list(ListMeta { name: Arc::from(name), action }, list);
    }
    builder.build().unwrap()
}

/// Puts the checksum right, as somebody would who means harm.
fn sign(octets: &mut [u8]) {
    if octets.len() < HEADER {
        return;
    }
    let mut hash = Sha256::new();
    hash.update(&octets[..DIGEST.start]);
    hash.update(&octets[DIGEST.end..]);
    octets[DIGEST].copy_from_slice(&hash.finalize());
}

/// Where a section starts, and its length.
fn section(octets: &[u8], kind: usize) -> (usize, usize) {
    let entry = &octets[HEADER + (kind - 1) * ENTRY..];
    let number = |at: usize| u64::from_le_bytes(entry[at..at + 8].try_into().unwrap()) as usize;
    (number(8), number(16))
}

fn refused(octets: &[u8]) -> String {
    read(octets, Some(octets.len() as u64)).expect_err("it is taken").to_string()
}

/// Nothing that a look-up does with a set that was taken may fail.
fn use_it(set: &RuleSet) {
    for text in ["casino.example", "www.help.casino.example", "a.b.x.y.z.bets.example", "example", "other.test"] {
        let name = DomainName::from_text(text.as_bytes()).unwrap();
        for rule in set.lookup_all(&name) {
            assert!(name.is_within(&rule.pattern()));
        }
        let _ = set.lookup(&name);
    }
}

#[test]
fn a_set_comes_back_with_its_lists() {
    let set = small_set();
    let octets = octets_of(&set);
    let again = read(octets.as_slice(), Some(octets.len() as u64)).unwrap();
    let told = |set: &RuleSet| {
        set.lists().map(|(meta, facts)| (meta.name.to_string(), meta.action, facts.clone())).collect::<Vec<_>>()
    };
    assert_eq!(told(&again), told(&set));
    assert_eq!((again.len(), told(&again)[0].2.counts.rejected), (4, 1));
    for kind in 1..=SECTIONS {
        assert_eq!(section(&octets, kind).0 % ALIGNMENT as usize, 0);
    }
}

#[test]
fn every_build_has_a_seed_of_its_own() {
    let seeds = |set: RuleSet| set.only_table().unwrap().hasher.seeds();
    assert_ne!(seeds(small_set()), seeds(small_set()));
    let set = small_set();
    let again = read(octets_of(&set).as_slice(), None).unwrap();
    assert_eq!(seeds(again), seeds(set));
}

#[test]
fn a_newer_format_is_told_from_damage() {
    let mut octets = octets_of(&small_set());
    octets[8] = 3;
    assert!(
        refused(&octets).contains("of format 3, and this version of stakeout reads format 2"),
        "{}",
        refused(&octets)
    );
    octets[8] = 1;
    assert!(refused(&octets).contains("of format 1"), "an older one is refused with the same words");
    let mut octets = octets_of(&small_set());
    octets[12..16].reverse();
    assert!(refused(&octets).contains("another order"));
}

#[test]
fn a_hash_that_gives_other_values_is_noticed() {
    let mut octets = octets_of(&small_set());
    let (start, len) = section(&octets, 1);
    let text = String::from_utf8(octets[start..start + len].to_vec()).unwrap();
    let at = text.find("\"hash_sample\":").unwrap() + "\"hash_sample\":".len();
    // Another digit, but none that makes it too large or begins it with zero.
    let digit = octets.get_mut(start + at + 1).unwrap();
    *digit = if *digit == b'1' { b'2' } else { b'1' };
    sign(&mut octets);
    let error = read(octets.as_slice(), None).unwrap_err();
    assert!(matches!(error, PrebuiltError::OtherHash), "{error}");
}

#[test]
fn a_list_that_claims_other_rules_is_refused() {
    let octets = octets_of(&small_set());
    for (from, to) in [("\"rules\":1,", "\"rules\":2,"), ("\"min_depth\":2", "\"min_depth\":0"), ("allow", "deny!")] {
        let mut changed = octets.clone();
        let (start, len) = section(&octets, 1);
        let text = String::from_utf8(octets[start..start + len].to_vec()).unwrap();
        let at = start + text.find(from).unwrap();
        changed[at..at + to.len()].copy_from_slice(to.as_bytes());
        sign(&mut changed);
        assert!(refused(&changed).contains("damaged"), "{from}");
    }
}

#[test]
fn buckets_that_overlap_or_do_not_fill_the_table_are_refused() {
    let octets = octets_of(&small_set());
    let (ends, len) = section(&octets, 4);
    assert!(len >= 32);
    for value in [0_u16, 1, u16::MAX] {
        let mut changed = octets.clone();
        changed[ends + 4..ends + 6].copy_from_slice(&value.to_le_bytes());
        sign(&mut changed);
        let error = refused(&changed);
        assert!(error.contains("is not whole") || error.contains("another number of rules"), "{error}");
    }
}

#[test]
fn every_cut_and_every_changed_octet_is_noticed() {
    let octets = octets_of(&small_set());
    for len in 0..octets.len() {
        let error = refused(&octets[..len]);
        assert!(error.contains("damaged") && error.contains("build it again"), "{len}: {error}");
        assert!(read(&octets[..len], None).is_err(), "{len}");
    }
    for at in 0..octets.len() {
        let mut changed = octets.clone();
        changed[at] ^= 1 << (at % 8);
        refused(&changed);
    }
    refused(&[&octets[..], b"\0"].concat());
    assert!(read([&octets[..], b"\0"].concat().as_slice(), None).is_err());
}

#[test]
fn a_huge_claim_takes_no_memory() {
    let mut octets = octets_of(&small_set());
    let last = HEADER + (SECTIONS - 1) * ENTRY + 16;
    for len in [MAX_PREBUILT_BYTES, u64::MAX] {
        octets[16..24].copy_from_slice(&len.to_le_bytes());
        let claim = len - section(&octets, SECTIONS).0 as u64;
        octets[last..last + 8].copy_from_slice(&claim.to_le_bytes());
        sign(&mut octets);
        assert!(read(octets.as_slice(), None).unwrap_err().to_string().contains("octets"));
    }
}

proptest! {
    /// With the checksum put right, so that what lies behind it is reached.
    #[test]
    fn changes_by_somebody_who_means_harm_do_no_harm(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut octets = octets_of(&small_set());
        for (at, value) in changes {
            // Behind the header, where most is.
            let at = HEADER + at.index(octets.len() - HEADER);
            octets[at] = value;
        }
        if let Some(cut) = cut {
            octets.truncate(cut.index(octets.len()));
            let len = octets.len() as u64;
            if let Some(field) = octets.get_mut(16..24) {
                field.copy_from_slice(&len.to_le_bytes());
            }
        }
        sign(&mut octets);
        if let Ok(set) = read(octets.as_slice(), None) {
            use_it(&set);
        }
    }
}
