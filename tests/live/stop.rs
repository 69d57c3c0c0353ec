//! What was visited before the daemon is told to stop is found, also what the kernel had not handed over by then.

use std::fs;

use crate::common::servers::{self, Zone};
use crate::common::{Daemon, Lab, Servers};
use crate::visits::ask;

/// The kernel hands packets over when its timer says so, so once would prove little.
const TIMES: usize = 5;

#[test]
fn a_visit_right_before_the_end_is_found() {
    let Some(lab) = Lab::new(&servers::TOOLS) else { return };
    let _servers = Servers::start(&lab, &Zone::default());
    let list = lab.dir().join("orders");
    fs::write(&list, "lucky-wheel.example\n").unwrap();
    for n in 0..TIMES {
        let mut daemon = Daemon::start(&lab, &[("orders", &list, "block")]);
        let name = format!("end{n}.lucky-wheel.example");
        ask(&lab, &[&name]);
        assert_eq!(daemon.stop(), Some(0), "{}", daemon.log());
        assert!(daemon.has_found(&name), "{name} was not found");
    }
}
