//! The arithmetic of sizing, by hand for round numbers, and that more never needs less.

use super::*;

fn network(subscribers: u32, links: &str) -> Network {
    Network { subscribers, links: links.parse().unwrap(), busy_hour_mbps: None }
}

fn needs(network: &Network, changed: &[&str]) -> Vec<Need> {
    let mut terms = Terms::default();
    for text in changed {
        terms.replace(text).unwrap();
    }
    plan(network, &terms).unwrap().needs
}

/// Terms by which everything can be reckoned in the head.
const ROUND: &[&str] = &[
    "utilisation=0.5",
    "upstream-share=0.1",
    "downstream-packet=1000",
    "upstream-packet=125",
    "dns-rate=0.1",
    "connection-rate=0.2",
    "flow-rate=0.5",
    "name-packets=2",
    "name-packet=500",
    "broker-pass=0.1",
    "dnstap-messages=2",
    "kernel-ns=400",
    "ring-ns=100",
    "packet-ns=100",
    "name-ns=600",
    "dnstap-ns=2000",
    "core-load=0.5",
    "worker-efficiency=0.8",
    "rules=1000",
    "rule-octets=30",
    "rule-copies=2",
    "base-memory=1000",
    "flow-octets=60",
    "flow-seconds=20",
    "stream-memory=100",
    "quic-memory=200",
    "fragment-memory=300",
    "capture-memory=400",
    "open-findings=10",
    "finding-octets=100",
    "queue-memory=5000",
    "listed-visits=0.2",
    "findings-per-visit=2",
    "events-per-finding=3",
    "event-octets=500",
];

#[test]
fn figures_are_those_that_a_pencil_gives() {
    // 16 Gbit/s of links: 8 down, which are a million packets a second; 0.8 up, 800,000.
    let needs = needs(&network(1_000_000, "16G"), ROUND);
    let [all, broker, upstream, dnstap] = &needs[..] else { panic!("four deployments") };

    // Names: 100,000 questions and as many answers, 200,000 connections of two packets.
    let rates = |need: &Need| [need.bits, need.packets, need.name_packets].map(|x| x.round() as u64);
    assert_eq!(rates(all), [8_800_000_000, 1_800_000, 600_000]);
    // A tenth would be 180,000, fewer than there are with names.
    assert_eq!(rates(broker), [2_400_000_000, 600_000, 600_000]);
    assert_eq!(rates(upstream), [1_200_000_000, 900_000, 600_000]);
    assert_eq!(rates(dnstap), [800_000_000, 200_000, 200_000]);

    // All: 1.8 M × 500 ns + 1.2 M × 100 ns + 0.6 M × 600 ns = 1.38 s; half filled 2.76, by 0.8 for several 3.45.
    assert_eq!((all.workers, all.cores), (4, 5));
    // Broker: 0.6 M × 1,100 ns = 0.66 s; 1.32; 1.65. Upstream: 0.45 + 0.03 + 0.36 = 0.84; 1.68; 2.1.
    assert_eq!((broker.workers, upstream.workers), (2, 3));
    // 0.4 s fill one worker to less than it may; then it is alone, and nothing is lost to others.
    assert_eq!(dnstap.workers, 1);

    // 10 million flows among four, 4 million behind the broker among two.
    assert_eq!((all.flows_per_worker, broker.flows_per_worker, dnstap.flows_per_worker), (1 << 22, 1 << 21, 0));
    let process = 1000 + 60_000 + 1000 + 5000;
    assert_eq!(all.memory as u64, process + 60 * 20_000_000 + 4 * 1000);
    assert_eq!(dnstap.memory as u64, process);

    // 200,000 visits of two findings of three events.
    assert_eq!((all.disk_per_day as u64, dnstap.disk_per_day as u64), (600_000_000, 300_000_000));
}

#[test]
fn a_subscribers_traffic_takes_the_place_of_the_links_utilisation() {
    let by_links = plan(&network(1_000_000, "16G"), &Terms::default()).unwrap();
    let told = Network { busy_hour_mbps: Some(0.0048), ..network(1_000_000, "16G") };
    let by_subscriber = plan(&told, &Terms::default()).unwrap();
    assert!((by_links.traffic.down_bits - by_subscriber.traffic.down_bits).abs() < 1.0);
    assert!(by_links.needs[0].unmeasured.contains(&Term::Utilisation));
    assert!(!by_subscriber.needs[0].unmeasured.contains(&Term::Utilisation));
}

#[test]
fn more_of_anything_never_needs_less() {
    let size = |need: &Need| [need.packets, need.name_packets, need.cores as f64, need.memory, need.disk_per_day];
    let not_less = |what: &str, less: &[Need], more: &[Need]| {
        for (a, b) in less.iter().zip(more) {
            for (x, y) in size(a).into_iter().zip(size(b)) {
                assert!(x <= y, "{what}: {x} and then {y} in {:?}", a.deployment);
            }
        }
    };
    let mut last = needs(&network(1, "4x100G"), &[]);
    for subscribers in (1..60).map(|i| i * 20_000) {
        let more = needs(&network(subscribers, "4x100G"), &[]);
        not_less("subscribers", &last, &more);
        last = more;
    }
    let mut last = needs(&network(100_000, "1x1G"), &[]);
    for count in [2, 5, 10, 40, 100, 400] {
        let more = needs(&network(100_000, &format!("{count}x1G")), &[]);
        not_less("links", &last, &more);
        last = more;
    }
    for (term, values) in [
        ("utilisation", [0.1, 0.3, 0.9]),
        ("dns-rate", [0.05, 0.2, 0.9]),
        ("connection-rate", [0.1, 0.3, 2.0]),
        ("flow-rate", [0.1, 0.5, 5.0]),
        ("kernel-ns", [50.0, 400.0, 2000.0]),
        ("packet-ns", [10.0, 100.0, 900.0]),
        ("name-ns", [900.0, 2000.0, 9000.0]),
        ("dnstap-ns", [500.0, 3000.0, 90_000.0]),
        ("rules", [10.0, 1e5, 1e7]),
        ("listed-visits", [0.0, 0.1, 10.0]),
        ("broker-pass", [0.01, 0.1, 1.0]),
    ] {
        let all = values.map(|value| needs(&network(300_000, "8x100G"), &[&format!("{term}={value}")]));
        for pair in all.windows(2) {
            not_less(term, &pair[0], &pair[1]);
        }
    }
}

#[test]
fn less_traffic_needs_fewer_cores() {
    let needs = needs(&network(200_000, "4x100G"), &[]);
    let cores: Vec<_> = needs.iter().map(|need| need.cores).collect();
    assert!(cores[0] > cores[1].max(cores[2]) && cores[3] < cores[1].min(cores[2]), "{cores:?}");
}

#[test]
fn links_that_cannot_carry_it_are_refused() {
    let told = Network { busy_hour_mbps: Some(5.0), ..network(100_000, "4x100G") };
    let error = plan(&told, &Terms::default()).unwrap_err();
    assert!(error.contains("need 500.0 Gbit/s") && error.contains("4x100G carry 400.0"), "{error}");
    let mut upload = Terms::default();
    upload.replace("upstream-share=4").unwrap();
    assert!(plan(&network(1000, "10G"), &upload).unwrap_err().contains("need 12.0 Gbit/s in one direction"));
}

#[test]
fn what_does_not_fit_together_is_said() {
    let notes = |subscribers, links| plan(&network(subscribers, links), &Terms::default()).unwrap().notes;
    assert_eq!(notes(200_000, "20x100G"), Vec::<String>::new());
    assert!(notes(1_000_000_000, "10G")[0].contains("more than the links carry"));
    assert!(notes(10, "100G")[0].contains("3000.000 Mbit/s downstream a subscriber is unusual"));
}

#[test]
fn results_say_which_unmeasured_terms_they_rest_on() {
    let needs = needs(&network(200_000, "4x100G"), &[]);
    let rests = |deployment: usize, term| needs[deployment].unmeasured.contains(&term);
    assert!(rests(0, Term::DownstreamPacket) && !rests(3, Term::DownstreamPacket));
    assert!(rests(3, Term::DnsRate) && !rests(3, Term::DnstapNs), "the latter was measured");
    let given = super::tests::needs(&network(200_000, "4x100G"), &["dns-rate=0.5"]);
    assert!(!given[3].unmeasured.contains(&Term::DnsRate));
}

#[test]
fn nothing_overflows_at_the_ends_of_the_ranges() {
    for (subscribers, links) in [(1, "1M"), (1_000_000_000, "1M"), (1, "1000x1.6T"), (1_000_000_000, "1000x1.6T")] {
        for need in needs(&network(subscribers, links), &["name-ns=1000000", "packet-ns=100000", "core-load=0.05"]) {
            assert!(need.memory.is_finite() && need.disk_per_day.is_finite() && need.workers >= 1, "{need:?}");
        }
    }
}
