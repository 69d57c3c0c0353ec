//! The project's own traffic: with the eBPF filter, the same names are found at the same times; with the classic one, all
//! but the kinds that it is known to miss.

use std::collections::BTreeSet;

use stakeout::capture::prefilter::{FilterLink, PrefilterChoice, PrefilterSettings, Profile as Pass};
use stakeout::model::Timestamp;
use stakeout::traffic::{Generator, Profile};

use crate::kernel::KernelFilter;
use crate::observe::{Found, Observer, Packet, differences, unfiltered, without_times};

/// LINKTYPE_ETHERNET.
const ETHERNET: u32 = 1;

fn traffic(profile: Profile, frames: u64) -> Vec<Packet> {
    let start = Timestamp::from_parts(1_795_521_600, 0);
    let mut generator = Generator::new(profile.frames(frames), 11, vec!["casino.example".to_owned()], start);
    let (mut packets, mut frame) = (Vec::new(), Vec::new());
    while let Some(ts) = generator.next_frame(&mut frame) {
        packets.push(Packet { linktype: ETHERNET, ts, orig_len: frame.len() as u32, data: frame.clone() });
    }
    packets
}

/// What is found in what passes, with the share of packets that does; `None` where the kernel takes no such filter.
fn filtered(packets: &[Packet], choice: PrefilterChoice, profile: Pass) -> Option<(Found, f64)> {
    let settings = PrefilterSettings { choice, profile, ..PrefilterSettings::default() };
    let mut filter = KernelFilter::new(FilterLink::Ethernet, settings)?;
    let (mut observer, mut passed) = (Observer::new(), 0_u64);
    for packet in packets {
        if filter.passes(&packet.data) {
            passed += 1;
            observer.packet(packet);
        }
    }
    if let Some(counts) = filter.counts() {
        assert_eq!((counts.passed(), counts.passed() + counts.rejected()), (passed, packets.len() as u64));
    }
    let share = passed as f64 / packets.len() as f64;
    crate::say(&format!("{choice:?}, {}: {:.1} % of {} packets pass", profile.name(), share * 100.0, packets.len()));
    Some((observer.finish(), share))
}

#[test]
fn ebpf_finds_the_same_names() {
    for (traffic_of, frames, most) in [(Profile::provider(), 120_000, 0.15), (Profile::names(), 40_000, 1.0)] {
        let packets = traffic(traffic_of, frames);
        let want = unfiltered(&packets);
        for profile in [Pass::Names, Pass::Outcomes] {
            let Some((found, share)) = filtered(&packets, PrefilterChoice::Ebpf, profile) else { return };
            assert_eq!(differences(&want, &found), Vec::<String>::new(), "{profile:?}");
            assert!(profile == Pass::Outcomes || share <= most, "a share of {share} passes");
        }
    }
}

#[test]
fn classic_finds_them_too_on_these_ports() {
    for (traffic_of, frames, most) in [(Profile::provider(), 120_000, 0.15), (Profile::names(), 40_000, 1.0)] {
        let packets = traffic(traffic_of, frames);
        let want = without_times(&unfiltered(&packets));
        for profile in [Pass::Names, Pass::Outcomes] {
            let Some((found, share)) = filtered(&packets, PrefilterChoice::Classic, profile) else { return };
            let told: BTreeSet<String> = differences(&want, &without_times(&found)).into_iter().collect();
            assert!(told.is_empty(), "{profile:?}: {told:#?}");
            assert!(share <= most, "{profile:?}: a share of {share} passes");
        }
    }
}
