//! A prebuilt rule set as somebody would write it who means harm: any octets, with the checksum put right so that what
//! lies behind it is reached. What must hold: it is refused, or every look-up in it ends and finds only rules whose
//! name covers the one that was asked for; and the same octets cut short are refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use stakeout::matching::read_prebuilt;
use stakeout::model::DomainName;
use stakeout_fuzz::Input;

/// Where the checksum stands; see `matching::lookup::prebuilt`.
const DIGEST: std::ops::Range<usize> = 32..64;

fuzz_target!(|data: &[u8]| {
    let (asked, file) = data.split_at(data.len().min(16));
    let mut file = file.to_vec();
    if let Some((before, rest)) = file.split_at_checked(DIGEST.end) {
        let digest = Sha256::new().chain_update(&before[..DIGEST.start]).chain_update(rest).finalize();
        file[DIGEST].copy_from_slice(&digest);
    }
    let Ok(set) = read_prebuilt(file.as_slice(), Some(file.len() as u64)) else { return };
    assert!(read_prebuilt(&file[..file.len() - 1], None).is_err());
    assert_eq!(set.lists().map(|(_, facts)| facts.counts.rules).sum::<u64>(), set.len());

    let mut names: Vec<DomainName> = ["golden-dice.example", "a.b.casino.example", "example", "x.test"]
        .iter()
        .map(|text| DomainName::from_text(text.as_bytes()).unwrap())
        .collect();
    let mut input = Input(asked);
    let mut odd = DomainName::root();
    while !input.is_empty() {
        let len = usize::from(input.u8() % 6);
        let _ = odd.push_label(input.take(len));
    }
    names.push(odd);
    for name in names {
        let rules = set.lookup_all(&name);
        assert_eq!(rules.is_empty(), set.lookup(&name).rule().is_none());
        for rule in rules {
            assert!(name.is_within(&rule.pattern()));
            assert!(!rule.list().is_empty());
        }
    }
});
