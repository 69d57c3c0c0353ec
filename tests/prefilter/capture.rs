//! One large capture, by hand: the share of packets that passes, and the names that make a difference, for each filter.
//!
//!     STAKEOUT_CAPTURE=FILE cargo test --test prefilter -- --ignored --exact capture::by_hand

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::time::Instant;

use stakeout::capture::FileReader;
use stakeout::capture::prefilter::{FilterLink, PrefilterChoice, PrefilterSettings, Profile};

use crate::kernel::KernelFilter;
use crate::observe::{Observer, Packet};

/// A filter, what is found behind it, and what was counted.
struct Side {
    name: String,
    filter: KernelFilter,
    observer: Observer,
    passed: u64,
    seconds: f64,
}

#[test]
#[ignore = "by hand: STAKEOUT_CAPTURE names a capture of Ethernet frames"]
fn by_hand() {
    let Some(path) = std::env::var_os("STAKEOUT_CAPTURE").map(PathBuf::from) else {
        crate::skip("STAKEOUT_CAPTURE names no capture");
        return;
    };
    let choices = [PrefilterChoice::Off, PrefilterChoice::Classic, PrefilterChoice::Ebpf];
    let mut sides: Vec<Side> = choices
        .into_iter()
        .flat_map(|choice| [Profile::Names, Profile::Outcomes].map(|profile| (choice, profile)))
        .filter(|(choice, profile)| *choice != PrefilterChoice::Off || *profile == Profile::Names)
        .filter_map(|(choice, profile)| {
            let settings = PrefilterSettings { choice, profile, ..PrefilterSettings::default() };
            let filter = KernelFilter::new(FilterLink::Ethernet, settings)?;
            let name = format!("{choice:?}, {}", profile.name());
            Some(Side { name, filter, observer: Observer::new(), passed: 0, seconds: 0.0 })
        })
        .collect();
    let mut reader = FileReader::open(&path).expect("a capture");
    let mut all = 0_u64;
    while let Some(frame) = reader.next_frame().expect("a frame") {
        all += 1;
        let packet =
            Packet { linktype: frame.linktype, ts: frame.ts, orig_len: frame.orig_len, data: frame.data.to_vec() };
        for side in &mut sides {
            let started = Instant::now();
            let passes = side.filter.passes(&packet.data);
            side.seconds += started.elapsed().as_secs_f64();
            if passes {
                side.passed += 1;
                side.observer.packet(&packet);
            }
        }
    }
    let hash = RandomState::new();
    let mut want: Option<HashMap<u64, i64>> = None;
    for side in sides {
        let counts = side.filter.counts();
        let found = side.observer.finish();
        let names: usize = found.values().sum();
        let found: HashMap<u64, i64> = found.iter().map(|(what, n)| (hash.hash_one(what), *n as i64)).collect();
        let mut different = 0;
        if let Some(want) = &want {
            let lost: i64 = want.iter().map(|(what, n)| (n - found.get(what).unwrap_or(&0)).max(0)).sum();
            let more: i64 = found.iter().map(|(what, n)| (n - want.get(what).unwrap_or(&0)).max(0)).sum();
            crate::say(&format!("  names that only one of the two has: {lost} lost, {more} more"));
            different = lost + more;
        } else {
            want = Some(found);
        }
        let share = side.passed as f64 * 100.0 / all as f64;
        let (name, each) = (&side.name, side.seconds * 1e9 / all as f64);
        crate::say(&format!(
            "{name}: {share:.2} % of {all} packets pass, {names} names, {each:.0} ns a packet with both calls"
        ));
        if let Some(counts) = counts {
            crate::say(&format!("  {counts:?}"));
            assert_eq!(different, 0, "{name}");
        }
    }
}
