//! An interface that is taken down, or deleted and made again: the ring goes on with it, loses nothing that was in it, and
//! counts on; also when the process may not open a packet socket any more.

use std::sync::Arc;
use std::time::Instant;

use nix::unistd::{Uid, seteuid};

use stakeout::capture::ring::{Group, RingConfig, RingSource, SocketPool};
use stakeout::capture::{CaptureError, CaptureStats, LinkState, PacketSource, Poll, ReopeningSource};

use crate::lab::namespace::{MIRROR, TAP, inside, run_inside, send};
use crate::lab::packets::ethernet;
use crate::tool::{PATIENCE, ip, live};

#[test]
fn one_worker_keeps_its_ring() {
    run_inside("returns::inside_alone");
}

#[test]
fn several_workers_form_a_new_group() {
    run_inside("returns::inside_group");
}

#[test]
fn without_the_capability_spare_sockets_serve() {
    run_inside("returns::inside_spare");
}

#[test]
fn an_interface_that_stays_down_uses_up_no_spare_socket() {
    run_inside("returns::inside_stays_down");
}

#[test]
fn an_interface_that_returns_under_its_old_index_is_another_one() {
    run_inside("returns::inside_same_index");
}

/// Without root's effective rights, and so without its capabilities, until it is dropped.
struct Unprivileged;

impl Unprivileged {
    fn new() -> Self {
        seteuid(Uid::from_raw(65_534)).expect("gives rights up");
        Unprivileged
    }
}

impl Drop for Unprivileged {
    fn drop(&mut self) {
        seteuid(Uid::from_raw(0)).expect("takes them back");
    }
}

type Sources = Vec<ReopeningSource<RingConfig>>;

fn open(workers: usize, spare: usize) -> Sources {
    let group = (workers > 1).then(|| Arc::new(Group::default()));
    let sockets = Arc::new(SocketPool::with_spare(spare).expect("sockets"));
    (0..workers)
        .map(|n| {
            let config = RingConfig {
                group: group.clone(),
                counts_interface_drops: n == 0,
                sockets: Arc::clone(&sockets),
                ..RingConfig::new(live())
            };
            ReopeningSource::open(config).expect("opens")
        })
        .collect()
}

fn make_pair() {
    ip(&format!("link add {MIRROR} type veth peer name {TAP}"));
    for end in [TAP, MIRROR] {
        ip(&format!("link set {end} mtu 4000 addrgenmode none"));
        ip(&format!("link set {end} up"));
    }
}

fn await_state(sources: &mut Sources, state: LinkState) {
    let deadline = Instant::now() + PATIENCE;
    while sources.iter().any(|s| s.state() != state) {
        for source in &mut *sources {
            assert!(Instant::now() < deadline, "never {state:?}: {:?}", source.trouble());
            source.poll(100, &mut |_| {}).expect("does not fail");
        }
    }
}

/// Sends frames of many hosts, and takes them from all workers; gives what they counted.
fn frames_come(sources: &mut Sources, count: u32) -> CaptureStats {
    let frames: Vec<_> = (0..count)
        .map(|n| {
            let [_, b, c, d] = n.to_be_bytes();
            let from = std::net::IpAddr::from([10, b, c, d]);
            ethernet(false, &crate::lab::packets::ip(from, [192, 0, 2, 1].into(), 50, 1, &[7; 60]))
        })
        .collect();
    send(&frames);
    let mut came = vec![0; sources.len()];
    let deadline = Instant::now() + PATIENCE;
    let mut idle = 0;
    while came.iter().sum::<u32>() < count || idle < 3 {
        assert!(Instant::now() < deadline, "{came:?} of {count} frames came");
        idle += 1;
        for (source, came) in sources.iter_mut().zip(&mut came) {
            if let Poll::Frames(n) = source.poll(100, &mut |_| {}).expect("does not fail") {
                *came += n as u32;
                idle = 0;
            }
        }
    }
    assert_eq!(came.iter().sum::<u32>(), count, "each once: {came:?}");
    assert!(came.iter().all(|n| *n > 0), "all work: {came:?}");
    let mut total = CaptureStats::default();
    sources.iter_mut().for_each(|s| total += s.stats());
    total
}

fn all_is_well(sources: &mut Sources) {
    assert_eq!(frames_come(sources, 300), CaptureStats { received: 300, ..CaptureStats::default() });
}

/// Down and up, deleted and made again, twice.
fn comes_and_goes(sources: &mut Sources) {
    all_is_well(sources);
    for outage in 0..2 {
        ip(&format!("link set {MIRROR} down"));
        await_state(sources, LinkState::Down);
        assert!(matches!(
            sources[0].trouble(),
            Some(CaptureError::InterfaceGone { .. } | CaptureError::InterfaceDown { .. })
        ));
        ip(&format!("link set {MIRROR} up"));
        await_state(sources, LinkState::Up);
        all_is_well(sources);
        ip(&format!("link del {MIRROR}"));
        await_state(sources, LinkState::Down);
        make_pair();
        await_state(sources, LinkState::Up);
        all_is_well(sources);
        assert!(sources.iter().all(|s| s.outages() == 2 * (outage + 1)));
    }
    // It vanishes with packets in a block that is not full.
    let total = {
        let frames = vec![ethernet(false, &[0x45; 60]); 20];
        send(&frames);
        ip(&format!("link del {MIRROR}"));
        let mut came = 0;
        let deadline = Instant::now() + PATIENCE;
        while sources.iter().any(|s| s.state() == LinkState::Up) {
            assert!(Instant::now() < deadline, "never down");
            for source in &mut *sources {
                if let Poll::Frames(n) = source.poll(100, &mut |_| {}).expect("does not fail") {
                    came += n;
                }
            }
        }
        came
    };
    assert_eq!(total, 20, "what was in the ring is handed out first");
    make_pair();
    await_state(sources, LinkState::Up);
    sources.iter_mut().for_each(|s| {
        s.stats();
    });
    all_is_well(sources);
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_alone() {
    if inside() {
        comes_and_goes(&mut open(1, 0));
    }
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_group() {
    if inside() {
        comes_and_goes(&mut open(3, 0));
    }
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_spare() {
    if !inside() {
        return;
    }
    // One worker needs no other socket at all; two need one each time.
    for (workers, spare, returns) in [(1, 0, 3), (2, 4, 2)] {
        let mut sources = open(workers, spare);
        for _ in 0..returns {
            ip(&format!("link del {MIRROR}"));
            let rights = Unprivileged::new();
            await_state(&mut sources, LinkState::Down);
            drop(rights);
            make_pair();
            let rights = Unprivileged::new();
            assert!(SocketPool::with_spare(1).is_err(), "a new socket is not permitted");
            await_state(&mut sources, LinkState::Up);
            drop(rights);
            all_is_well(&mut sources);
        }
        if workers > 1 {
            // None is left: it says what is lacking, and works again once that is given.
            ip(&format!("link del {MIRROR}"));
            await_state(&mut sources, LinkState::Down);
            make_pair();
            let rights = Unprivileged::new();
            let deadline = Instant::now() + PATIENCE;
            while !sources.iter().all(|s| matches!(s.trouble(), Some(CaptureError::NotPermitted { .. }))) {
                assert!(Instant::now() < deadline, "{:?}", sources[0].trouble());
                for source in &mut sources {
                    source.poll(100, &mut |_| {}).expect("does not fail");
                }
            }
            drop(rights);
            await_state(&mut sources, LinkState::Up);
            all_is_well(&mut sources);
        }
    }
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_stays_down() {
    if !inside() {
        return;
    }
    let sockets = Arc::new(SocketPool::with_spare(2).expect("sockets"));
    let config = RingConfig { sockets: Arc::clone(&sockets), ..RingConfig::new(live()) };
    ip(&format!("link set {MIRROR} down"));
    let rights = Unprivileged::new();
    for _ in 0..5 {
        assert!(matches!(RingSource::open(&config), Err(CaptureError::InterfaceDown { .. })));
    }
    assert_eq!(sockets.left(), 2);
    drop(rights);
    ip(&format!("link set {MIRROR} up"));
    let _rights = Unprivileged::new();
    let opened: Vec<_> = (0..2).map(|_| RingSource::open(&config).expect("by a spare socket")).collect();
    assert_eq!((opened.len(), sockets.left()), (2, 0));
    assert!(matches!(RingSource::open(&config), Err(CaptureError::NotPermitted { .. })));
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_same_index() {
    if !inside() {
        return;
    }
    let index = nix::net::if_::if_nametoindex(MIRROR).expect("it is there");
    for workers in [1, 3] {
        let mut sources = open(workers, 0);
        all_is_well(&mut sources);
        ip(&format!("link del {MIRROR}"));
        await_state(&mut sources, LinkState::Down);
        ip(&format!("link add {MIRROR} index {index} type veth peer name {TAP}"));
        for end in [TAP, MIRROR] {
            ip(&format!("link set {end} mtu 4000 addrgenmode none"));
            ip(&format!("link set {end} up"));
        }
        await_state(&mut sources, LinkState::Up);
        all_is_well(&mut sources);
    }
}
