//! The mirror's link goes down, comes up, vanishes and returns: the daemon says so, and goes on where it was.

use std::fs;

use crate::common::lab::TAP;
use crate::common::servers::{self, Zone};
use crate::common::{Daemon, Lab, Servers, wait_until};
use crate::expect;
use crate::visits::{ask, curl};

fn is_down(daemon: &Daemon<'_>) -> bool {
    daemon.get("/readyz").is_some_and(|(status, why)| status == 503 && why.contains(TAP))
}

#[test]
fn findings_go_on_after_the_interface_was_gone() {
    let Some(lab) = Lab::new(&servers::TOOLS) else { return };
    let _servers = Servers::start(&lab, &Zone::default());
    let list = lab.dir().join("orders");
    fs::write(&list, "lucky-wheel.example\n").unwrap();
    let mut daemon = Daemon::start(&lab, &[("orders", &list, "block")]);
    let mut expected = std::collections::BTreeSet::new();
    let mut visit = |when: &str| {
        let name = format!("{when}.lucky-wheel.example");
        curl(&lab, &[&format!("https://{name}/")]);
        for proto in ["dns", "tls"] {
            expected.insert((proto.to_owned(), name.clone(), "orders/lucky-wheel.example".to_owned()));
        }
        let both = || daemon.events().iter().filter(|e| e["event"] == "opened" && e["name"] == *name).count() == 2;
        wait_until(&format!("the visit {when}"), both);
    };

    visit("before");
    lab.sensor.ip(&format!("link set {TAP} down")).unwrap();
    wait_until("readiness to go off: the interface is down", || is_down(&daemon));
    assert_eq!(daemon.metric("stakeout_capture_up", TAP), 0.0);
    assert_eq!(daemon.metric("stakeout_ready", ""), 0.0);
    assert!(daemon.get("/livez").is_some_and(|(status, _)| status == 200), "a restart would not help");
    ask(&lab, &["meanwhile.lucky-wheel.example"]);
    lab.sensor.ip(&format!("link set {TAP} up")).unwrap();
    wait_until("readiness to come back: the interface is up", || daemon.is_ready());
    visit("up-again");

    let packets = daemon.metric("stakeout_packets_total", "");
    lab.unplug().unwrap();
    wait_until("readiness to go off: the interface has vanished", || is_down(&daemon));
    assert_eq!(daemon.metric("stakeout_capture_up", TAP), 0.0);
    lab.plug().unwrap();
    wait_until("readiness to come back: the interface has returned", || daemon.is_ready());
    assert_eq!(daemon.metric("stakeout_capture_up", TAP), 1.0);
    visit("returned");
    assert!(daemon.metric("stakeout_packets_total", "") > packets, "counters go on");

    // It may also end while the interface is gone.
    lab.unplug().unwrap();
    wait_until("readiness to go off again", || is_down(&daemon));
    assert_eq!(daemon.stop(), Some(0), "{}", daemon.log());
    let log = daemon.log();
    assert_eq!(log.matches("\"capture_down\"").count(), 3, "{log}");
    assert_eq!(log.matches("\"capture_up\"").count(), 3, "{log}");
    let events = daemon.events();
    expect::assert_same(&expect::opened(&events), &expected);
    expect::assert_whole(&events);
}
