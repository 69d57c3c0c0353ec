//! What was visited before the daemon is told to stop is found, also what the kernel had not handed over by then.

use std::collections::BTreeSet;
use std::fs;

use crate::common::lab::RESOLVER;
use crate::common::servers::{self, Zone};
use crate::common::{Daemon, Lab, Servers};
use crate::expect;
use crate::visits::dig;

/// With their answers, several times what a worker takes at once.
const VISITS: usize = 1900;

#[test]
fn visits_right_before_the_end_are_found() {
    let Some(lab) = Lab::new(&servers::TOOLS) else { return };
    let _servers = Servers::start(&lab, &Zone::default());
    let list = lab.dir().join("orders");
    fs::write(&list, "lucky-wheel.example\n").unwrap();
    // A long timeout, so that much lies in the kernel's block when the signal comes.
    let mut daemon = Daemon::start_with(&lab, &[("orders", &list, "block")], "timeout = \"1s\"");

    let names: Vec<String> = (0..VISITS).map(|n| format!("end{n}.lucky-wheel.example")).collect();
    let batch = lab.dir().join("batch");
    fs::write(&batch, names.join("\n")).unwrap();
    dig(&lab.client, &[&format!("@{RESOLVER}"), "-f", batch.to_str().unwrap()]);
    assert_eq!(daemon.stop(), Some(0), "{}", daemon.log());

    let found = expect::opened(&daemon.events());
    let rule = "orders/lucky-wheel.example";
    let expected: BTreeSet<_> = names.into_iter().map(|name| ("dns".to_owned(), name, rule.to_owned())).collect();
    let missed = expected.difference(&found).count();
    assert_eq!((missed, found.len()), (0, VISITS), "missed, and found in all");
}
