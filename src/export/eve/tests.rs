//! Tests of the EVE form.

use std::net::IpAddr;

use super::*;
use std::sync::Arc;

use crate::model::{Action, Addr, DomainName, Hit, ListOrigin, MatchedRule};
use crate::record::{AggregateConfig, Aggregator, Cidr, Networks, Role};

fn hit(proto: Proto, kind: Kind) -> Hit {
    let addr = |text: &str| Addr::from(text.parse::<IpAddr>().unwrap());
    let name = |text: &str| DomainName::from_text(text.as_bytes()).unwrap();
    Hit {
        ts: Timestamp::from_parts(1_795_513_595, 123_456_789),
        proto,
        kind,
        name: name("www.casino.example"),
        via_cname: false,
        rule: MatchedRule {
            pattern: name("casino.example"),
            action: Action::Block,
            list: Arc::new(ListOrigin::bare("demo")),
            line: 7,
            jurisdiction: None,
        },
        client: addr("192.0.2.7"),
        server: addr("198.51.100.9"),
        rcode: None,
    }
}

fn alerts(hits: &[Hit]) -> Vec<String> {
    let networks = Networks::new([(Role::Subscriber, Cidr::new("192.0.2.0".parse().unwrap(), 24))]);
    let mut aggregator = Aggregator::replay(AggregateConfig::default(), networks);
    let mut events = Vec::new();
    hits.iter().for_each(|h| aggregator.hit(h, &mut events));
    aggregator.finish(&mut events);
    let mut bytes = Vec::new();
    events.iter().for_each(|e| write_alert(e, &mut bytes));
    String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn each_finding_is_one_alert_as_documented() {
    let lines = alerts(&[
        hit(Proto::Dns, Kind::Query),
        hit(Proto::Dns, Kind::Answer),
        hit(Proto::Tls, Kind::Sni),
        hit(Proto::Quic, Kind::Sni),
        hit(Proto::Http, Kind::Host),
    ]);
    assert_eq!(lines.len(), 4);
    let page = include_str!("../../../docs/event-schema.md");
    assert!(page.contains(&lines[1]), "docs/event-schema.md should show\n{}", lines[1]);
    let json: Vec<serde_json::Value> = lines.iter().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(json[0]["timestamp"], "2026-11-24T09:46:35.123456+0000");
    assert_eq!(json[0]["dns"]["rrname"], "www.casino.example");
    assert_eq!(json[0]["dns"]["type"], "query");
    assert_eq!(json[1]["tls"]["sni"], "www.casino.example");
    assert_eq!(json[2]["quic"]["sni"], "www.casino.example");
    assert_eq!(json[3]["http"]["hostname"], "www.casino.example");
    for (alert, sid) in json.iter().zip(SIGNATURE_BASE..) {
        assert_eq!(alert["event_type"], "alert");
        assert_eq!(alert["alert"]["signature_id"], sid);
        assert_eq!(alert["alert"]["metadata"]["rule"][0], "casino.example");
        assert!(alert.get("src_ip").is_none());
    }
    assert!(json[0].get("dest_ip").is_none(), "in DNS the other side is a resolver");
    assert_eq!(json[1]["dest_ip"], "198.51.100.9");
}
