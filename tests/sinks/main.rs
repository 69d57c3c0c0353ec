//! The way from hits to files, through the public interface alone: no subscriber's address comes out at its end, a
//! full disk loses nothing, and files may be rotated and moved away.

mod addresses;
mod disk;

use std::net::IpAddr;

use stakeout::model::{Action, Addr, DomainName, Hit, Kind, MatchedRule, Proto, Timestamp};
use stakeout::record::{AggregateConfig, Aggregator, Cidr, Networks, Role, SubscriberPolicy};

const START: u64 = 1_795_513_595;

fn addr(text: &str) -> Addr {
    Addr::from(text.parse::<IpAddr>().unwrap())
}

fn name(text: &str) -> DomainName {
    DomainName::from_text(text.as_bytes()).unwrap()
}

/// A sighting of `site` by `client`, `at` seconds after the start.
fn hit(proto: Proto, kind: Kind, site: &str, client: &str, at: u64) -> Hit {
    let rule = MatchedRule {
        pattern: name("casino.example"),
        action: Action::Block,
        list: std::sync::Arc::new(stakeout::model::ListOrigin::bare("demo")),
        line: 7,
        jurisdiction: None,
    };
    Hit {
        ts: Timestamp::from_parts(START + at, 0),
        proto,
        kind,
        name: name(site),
        via_cname: false,
        rule,
        client: addr(client),
        server: addr("198.51.100.9"),
        rcode: (kind == Kind::Answer).then_some(0),
    }
}

fn aggregator(policy: SubscriberPolicy) -> Aggregator {
    let networks = [(Role::Subscriber, "203.0.113.0", 24), (Role::Subscriber, "2001:db8::", 32)];
    let networks = networks.map(|(role, network, len)| (role, Cidr::new(network.parse().unwrap(), len)));
    Aggregator::live(AggregateConfig::default(), policy, Networks::new(networks)).unwrap()
}
