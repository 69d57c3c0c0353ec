//! What is done where the wanted filter cannot be had: the next best, and why is told.

use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;

use stakeout::capture::prefilter::{Active, FilterLink, Prefilter, PrefilterChoice, PrefilterSettings};

use crate::packets::{nameless, wrapped};

/// Attaches a filter of these settings, and tells what is at work and how many of the packets without a name pass.
fn attach(settings: PrefilterSettings, link: Option<FilterLink>) -> (Active, Option<String>, usize) {
    let prefilter = Prefilter::prepare(settings);
    assert_eq!(prefilter.status().active, Active::Off, "nothing is attached yet");
    let (input, output) = UnixDatagram::pair().expect("a pair of sockets");
    output.set_nonblocking(true).expect("a flag");
    prefilter.attach(output.as_fd(), link).expect("some filter or none");
    let passes = |packet: &[u8]| {
        input.send(packet).expect("is sent");
        output.recv(&mut [0; 2048]).is_ok()
    };
    assert!(wrapped().iter().all(|(_, packet)| passes(packet)));
    let passed = nameless().iter().filter(|(_, packet)| passes(packet)).count();
    (prefilter.status().active, prefilter.trouble(), passed)
}

#[test]
fn where_ebpf_is_not_to_be_had_the_classic_filter_works() {
    // More flows than any machine has memory for.
    for choice in [PrefilterChoice::Ebpf, PrefilterChoice::Auto] {
        let settings = PrefilterSettings { choice, flows: u32::MAX, ..PrefilterSettings::default() };
        let (active, trouble, passed) = attach(settings, Some(FilterLink::Ethernet));
        assert_eq!((active, passed), (Active::Classic, 0));
        assert!(trouble.is_some_and(|why| why.contains("map") && !why.contains('\n')));
    }
}

#[test]
fn other_links_are_not_filtered() {
    for choice in [PrefilterChoice::Auto, PrefilterChoice::Classic] {
        let settings = PrefilterSettings { choice, ..PrefilterSettings::default() };
        let (active, trouble, passed) = attach(settings, None);
        assert_eq!((active, passed), (Active::Off, nameless().len()));
        assert!(trouble.is_some_and(|why| why.contains("link")));
    }
}

#[test]
fn what_is_asked_for_is_no_trouble() {
    for choice in [PrefilterChoice::Classic, PrefilterChoice::Off] {
        let settings = PrefilterSettings { choice, ..PrefilterSettings::default() };
        assert_eq!(attach(settings, Some(FilterLink::Ethernet)).1, None, "{choice:?}");
    }
}
