//! Real clients visit listed names, names below them, and names that only look like them: exactly the listed ones are
//! found, by every client and in every protocol.

use std::collections::BTreeSet;
use std::fs;

use crate::common::events::{self, of_kind, text};
use crate::common::lab::{CLIENT, RESOLVER, RESOLVER6, SITE, SITE6};
use crate::common::need;
use crate::common::servers::{self, Zone};
use crate::common::{Daemon, Lab, Servers, wait_until};
use crate::expect::{self, Found};
use crate::visits::{ask, chromium, curl, dig};

const ORDERS: &str = "# what an authority ordered
lucky-wheel.example
royal-spins.example
hidden-target.example
blocked-tables.example
browser-bets.example
quic-casino.example
asked-upstream.example
";
const HOSTS: &str = "127.0.0.1 localhost\n0.0.0.0 poker-den.example # from a community\n";
const ALLOWED: &str = "info.lucky-wheel.example\n";

const ZONE: Zone<'_> = Zone {
    cnames: &[("alias.portal.example", "www.hidden-target.example")],
    nxdomain: &["blocked-tables.example"],
    pages: &[
        (
            "tls.html",
            "<p>a page that shows others</p>
             <img src=https://www.browser-bets.example/a.png>
             <img src=https://notbrowser-bets.example/a.png>
             <img src=https://v6.browser-bets.example/a.png>",
        ),
        (
            "quic.html",
            "<p>the same over QUIC</p>
             <img src=https://www.quic-casino.example/a.png>
             <img src=https://v4.quic-casino.example/a.png>
             <img src=https://myquic-casino.example/a.png>",
        ),
    ],
};

/// Asked for or visited, and not to be found anywhere in what the daemon writes.
const UNLISTED: &[&str] = &[
    "portal.example",
    "mylucky-wheel.example",
    "lucky-wheel.example.portal.example",
    "lucky-wheels.example",
    "wheel.example.portal",
    "info.lucky-wheel.example",
    "notbrowser-bets.example",
    "myquic-casino.example",
    // What Chromium asks for by itself.
    "google",
];

/// What must be found. `dns`, `tls`, `quic` and `http` are the protocols that see the name.
struct Expected(BTreeSet<Found>);

impl Expected {
    fn add(&mut self, protocols: &[&str], name: &str, rule: &str) {
        for proto in protocols {
            self.0.insert(((*proto).to_owned(), name.to_owned(), rule.to_owned()));
        }
    }
}

/// Starts the daemon with the three lists.
fn watch(lab: &Lab) -> Daemon<'_> {
    let file = |name: &str, text: &str| {
        let path = lab.dir().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let (orders, hosts, allowed) = (file("orders", ORDERS), file("hosts", HOSTS), file("allowed", ALLOWED));
    Daemon::start(lab, &[("orders", &orders, "block"), ("hosts", &hosts, "block"), ("allowed", &allowed, "allow")])
}

fn visit_by_dig(lab: &Lab, expected: &mut Expected) {
    // The name itself, names below it, in mixed case, over IPv6, over TCP, several on one connection.
    ask(lab, &["lucky-wheel.example"]);
    expected.add(&["dns"], "lucky-wheel.example", "orders/lucky-wheel.example");
    ask(lab, &["-t", "AAAA", "WwW.LUCKY-Wheel.eXample"]);
    expected.add(&["dns"], "www.lucky-wheel.example", "orders/lucky-wheel.example");
    for _ in 0..3 {
        ask(lab, &["thrice.lucky-wheel.example"]);
    }
    expected.add(&["dns"], "thrice.lucky-wheel.example", "orders/lucky-wheel.example");
    dig(&lab.client, &[&format!("@{RESOLVER6}"), "six.royal-spins.example"]);
    expected.add(&["dns"], "six.royal-spins.example", "orders/royal-spins.example");
    ask(lab, &["+tcp", "a.b.c.d.royal-spins.example"]);
    expected.add(&["dns"], "a.b.c.d.royal-spins.example", "orders/royal-spins.example");
    ask(lab, &["+tcp", "+keepopen", "one.royal-spins.example", "portal.example", "two.royal-spins.example"]);
    expected.add(&["dns"], "one.royal-spins.example", "orders/royal-spins.example");
    expected.add(&["dns"], "two.royal-spins.example", "orders/royal-spins.example");
    // An answer that is cut off, and the same again over TCP in several segments.
    let answer = ask(lab, &["-t", "TXT", "large.royal-spins.example"]);
    assert!(answer.contains("(TCP)"), "it came back over TCP:\n{answer}");
    expected.add(&["dns"], "large.royal-spins.example", "orders/royal-spins.example");
    ask(lab, &["-t", "HTTPS", "poker-den.example"]);
    expected.add(&["dns"], "poker-den.example", "hosts/poker-den.example");
    // A block page is not the only way of blocking: here the resolver denies the name.
    let answer = ask(lab, &["blocked-tables.example"]);
    assert!(answer.contains("NXDOMAIN"), "{answer}");
    expected.add(&["dns"], "blocked-tables.example", "orders/blocked-tables.example");
    // Nobody asks for the listed name; it is only in the answer.
    let answer = ask(lab, &["alias.portal.example"]);
    assert!(answer.contains("www.hidden-target.example."), "{answer}");
    expected.add(&["dns"], "www.hidden-target.example", "orders/hidden-target.example");

    for near in [
        "portal.example",
        "mylucky-wheel.example",
        "lucky-wheel.example.portal.example",
        "lucky-wheels.example",
        "info.lucky-wheel.example",
        "deep.info.lucky-wheel.example",
    ] {
        ask(lab, &[near]);
        ask(lab, &["+tcp", near]);
    }
    // The resolver's own questions upstream, and those of somebody outside, are no visits. Nobody answers them.
    for from in [RESOLVER, SITE] {
        let mut dig = lab.server.command(10, "dig");
        dig.args(["-b", from, &format!("@{CLIENT}"), "+tries=1", "+time=2", "asked-upstream.example"]);
        let _ = dig.output().unwrap();
    }
}

fn visit_by_curl(lab: &Lab, expected: &mut Expected) {
    assert!(curl(lab, &["https://shop.lucky-wheel.example/"]).contains("HTTP/2.0"));
    expected.add(&["dns", "tls"], "shop.lucky-wheel.example", "orders/lucky-wheel.example");
    assert!(curl(lab, &["--http1.1", "-6", "https://v6.royal-spins.example/"]).contains("HTTP/1.1"));
    expected.add(&["dns", "tls"], "v6.royal-spins.example", "orders/royal-spins.example");
    curl(lab, &["http://table.poker-den.example/"]);
    expected.add(&["dns", "http"], "table.poker-den.example", "hosts/poker-den.example");
    curl(lab, &["-6", "http://six.poker-den.example/path?query"]);
    expected.add(&["dns", "http"], "six.poker-den.example", "hosts/poker-den.example");

    // Without DNS: the address known from elsewhere, a port that is not TLS's own, a proxy, and a front.
    curl(
        lab,
        &["--resolve", &format!("port.lucky-wheel.example:8443:{SITE}"), "https://port.lucky-wheel.example:8443/"],
    );
    expected.add(&["tls"], "port.lucky-wheel.example", "orders/lucky-wheel.example");
    curl(
        lab,
        &["--resolve", &format!("fixed.lucky-wheel.example:443:[{SITE6}]"), "https://fixed.lucky-wheel.example/"],
    );
    expected.add(&["tls"], "fixed.lucky-wheel.example", "orders/lucky-wheel.example");
    curl(lab, &["--proxy", &format!("http://{SITE}:80"), "http://proxy.royal-spins.example/"]);
    expected.add(&["http"], "proxy.royal-spins.example", "orders/royal-spins.example");
    curl(lab, &["-4", "--header", "Host: front.royal-spins.example", "http://portal.example/"]);
    expected.add(&["http"], "front.royal-spins.example", "orders/royal-spins.example");

    for near in ["portal", "mylucky-wheel", "lucky-wheel.example.portal", "lucky-wheels", "info.lucky-wheel"] {
        curl(lab, &[&format!("https://{near}.example/")]);
        curl(lab, &[&format!("http://{near}.example/")]);
    }
    // The alias leads to a listed name, but neither TLS nor HTTP says so.
    curl(lab, &["-4", "https://alias.portal.example/"]);
}

/// Loads a page until the server has seen all these visits: a browser may be slow on a busy machine.
fn browse(lab: &Lab, servers: &Servers, arguments: &[&str], seen: &[(&str, &str)]) {
    let all_seen = || {
        let visits = servers.visits();
        seen.iter().all(|(proto, host)| visits.contains(&((*proto).to_owned(), (*host).to_owned())))
    };
    let mut said = String::new();
    for _ in 0..3 {
        said = chromium(lab, arguments).unwrap_or_else(|error| error);
        if all_seen() {
            return;
        }
    }
    panic!("Chromium did not visit all of {seen:?}, but {:?}\n{said}", servers.visits());
}

fn visit_by_chromium(lab: &Lab, servers: &Servers, expected: &mut Expected) {
    let hash = format!("--ignore-certificate-errors-spki-list={}", servers.key_hash());
    let tls = [
        ("HTTP/2.0", "www.browser-bets.example"),
        ("HTTP/2.0", "notbrowser-bets.example"),
        ("HTTP/2.0", "v6.browser-bets.example"),
    ];
    browse(lab, servers, &[&hash, "--disable-quic", "https://portal.example/tls.html"], &tls);
    for name in ["www", "v6"] {
        let name = format!("{name}.browser-bets.example");
        expected.add(&["dns", "tls"], &name, "orders/browser-bets.example");
    }

    let quic = ["www.quic-casino.example", "v4.quic-casino.example", "myquic-casino.example"];
    let forced = quic.map(|name| format!("{name}:443")).join(",");
    let forced = format!("--origin-to-force-quic-on={forced},portal.example:443");
    browse(
        lab,
        servers,
        &[&hash, "--enable-quic", &forced, "https://portal.example/quic.html"],
        &quic.map(|name| ("HTTP/3.0", name)),
    );
    for name in &quic[..2] {
        expected.add(&["dns", "quic"], name, "orders/quic-casino.example");
    }
}

/// Asks for a listed name that was not asked for before, and waits until it is found: the worker takes packets in
/// order, so that by then everything before is found as well.
fn everything_is_through(lab: &Lab, daemon: &Daemon<'_>, expected: &mut Expected) {
    ask(lab, &["last.lucky-wheel.example"]);
    expected.add(&["dns"], "last.lucky-wheel.example", "orders/lucky-wheel.example");
    wait_until("the last visit to be found", || daemon.has_found("last.lucky-wheel.example"));
}

/// The finding's last word.
fn closed<'e>(events: &'e [serde_json::Value], proto: &str, name: &str) -> &'e serde_json::Value {
    let mut all = of_kind(events, "closed").filter(|e| e["proto"] == proto && e["name"] == name);
    all.next().unwrap_or_else(|| panic!("{proto} {name} was not closed"))
}

#[test]
fn exactly_the_listed_names_that_real_clients_visit_are_found() {
    let Some(lab) = Lab::new(&servers::TOOLS) else { return };
    let servers = Servers::start(&lab, &ZONE);
    let mut daemon = watch(&lab);
    let mut expected = Expected(BTreeSet::new());

    visit_by_dig(&lab, &mut expected);
    visit_by_curl(&lab, &mut expected);
    if need::has("chromium") {
        visit_by_chromium(&lab, &servers, &mut expected);
    } else {
        need::skip("chromium not installed: dig and curl only, and no QUIC");
    }
    everything_is_through(&lab, &daemon, &mut expected);

    let http: Vec<String> =
        ["/metrics", "/readyz", "/livez", "/status"].iter().map(|path| daemon.get(path).unwrap().1).collect();
    assert!(daemon.is_ready());
    expect::assert_nothing_lost(&daemon);
    // Counters are published a moment after the events are written.
    let orders = expected.0.iter().filter(|(_, _, rule)| rule.starts_with("orders/")).count() as f64;
    wait_until("the counters to tell what the events tell", || {
        daemon.metric("stakeout_findings_total", "list=\"orders\"") >= orders
    });
    assert_eq!(daemon.metric("stakeout_findings_total", "list=\"orders\""), orders);
    assert_eq!(daemon.metric("stakeout_hits_suppressed_total", "reason=\"resolver\""), 1.0);
    assert_eq!(daemon.metric("stakeout_hits_suppressed_total", "reason=\"outside\""), 1.0);
    for rejected in ["dns-malformed", "tls-malformed", "quic-malformed", "http-malformed"] {
        let reason = format!("reason=\"{rejected}\"");
        assert_eq!(daemon.metric("stakeout_messages_rejected_total", &reason), 0.0, "{rejected}");
    }
    assert_eq!(daemon.stop(), Some(0), "{}", daemon.log());

    let events = daemon.events();
    expect::assert_same(&expect::opened(&events), &expected.0);
    expect::assert_whole(&events);
    for (name, count, answers) in [
        ("lucky-wheel.example", 1, 1),
        ("www.lucky-wheel.example", 1, 1),
        ("thrice.lucky-wheel.example", 3, 3),
        ("six.royal-spins.example", 1, 1),
        ("a.b.c.d.royal-spins.example", 1, 1),
        ("one.royal-spins.example", 1, 1),
        ("two.royal-spins.example", 1, 1),
        ("large.royal-spins.example", 2, 2),
        ("www.hidden-target.example", 0, 2),
        ("blocked-tables.example", 1, 1),
    ] {
        let event = closed(&events, "dns", name);
        assert_eq!((event["count"].as_u64(), event["answers"].as_u64()), (Some(count), Some(answers)), "{event}");
        assert_eq!(event["via_cname"], name == "www.hidden-target.example", "{event}");
        let rcode = if name == "blocked-tables.example" { "nxdomain" } else { "noerror" };
        assert_eq!(event["rcodes"], serde_json::json!({ rcode: answers }), "{event}");
        assert_eq!(event["servers"], serde_json::json!([]), "a resolver is no site: {event}");
    }
    for (proto, name, server) in [
        ("tls", "port.lucky-wheel.example", SITE),
        ("tls", "fixed.lucky-wheel.example", SITE6),
        ("tls", "v6.royal-spins.example", SITE6),
        ("http", "proxy.royal-spins.example", SITE),
        ("http", "front.royal-spins.example", SITE),
    ] {
        let event = closed(&events, proto, name);
        assert_eq!(event["count"], 1, "{event}");
        assert!(event["servers"].as_array().unwrap().iter().any(|s| s == server), "{event}");
    }

    // The same findings in EVE JSON.
    let alerts: BTreeSet<(String, String)> = events::read(&daemon.dir().join("eve.json"))
        .iter()
        .map(|alert| {
            let proto = text(alert, "app_proto");
            let field = match proto {
                "dns" => "rrname",
                "http" => "hostname",
                _ => "sni",
            };
            (proto.to_owned(), text(&alert[proto], field).to_owned())
        })
        .collect();
    assert_eq!(alerts, expected.0.into_iter().map(|(proto, name, _)| (proto, name)).collect());

    expect::assert_silent_about(&daemon, UNLISTED, &http);
}
