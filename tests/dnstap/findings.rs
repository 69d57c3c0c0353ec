//! Findings of a daemon that has no interface: a query and its answer are one visit, however they come.

use stakeout::capture::dnstap::SocketProtocol;
use stakeout::traffic::dnstap::Exchange;

use crate::daemon::{Daemon, Findings, Settings};
use crate::sender::{Sender, visit};

fn found(all: &[(&str, u64, u64)]) -> Findings {
    let rcodes = |answers: u64| if answers > 0 { format!("{{\"noerror\":{answers}}}") } else { "{}".to_owned() };
    let one = |(name, visits, answers): &(&str, u64, u64)| {
        (("dns".to_owned(), (*name).to_owned()), (*visits, *answers, rcodes(*answers)))
    };
    all.iter().map(one).collect()
}

#[test]
fn a_query_and_its_answer_are_one_visit() {
    let mut daemon = Daemon::start(Settings::default());
    let (code, status) = daemon.get("/status").unwrap();
    assert!(code == 200 && status.contains("{\"name\":\"dnstap\",\"up\":true}"), "{status}");
    let mut sender = Sender::unix(&daemon.socket()).greet();
    for name in ["www.casino.example", "www.casino.example", "news.example", "casino.example"] {
        sender.query(&visit(name));
        sender.response(&visit(name));
    }
    // A resolver that tells only of answers, and one that tells only of queries.
    sender.response(&visit("answer.casino.example"));
    sender.query(&visit("query.casino.example"));
    sender.finish();
    daemon.wait_metric("stakeout_dnstap_streams_ended_total", "\"stop\"", 1);
    assert_eq!(daemon.metric("stakeout_names_total", "interface=\"dnstap\",protocol=\"dns\""), 10);
    assert_eq!(daemon.metric("stakeout_dnstap_messages_total", "\"client_query\""), 5);
    assert_eq!(daemon.metric("stakeout_dnstap_messages_read_total", "\"udp\""), 10);
    let expected = found(&[
        ("answer.casino.example", 0, 1),
        ("casino.example", 1, 1),
        ("query.casino.example", 1, 0),
        ("www.casino.example", 2, 2),
    ]);
    assert_eq!(daemon.findings(), expected);
    assert!(!daemon.socket().exists(), "the socket is left behind");
}

#[test]
fn both_sockets_and_senders_that_cannot_read_serve_together() {
    let mut daemon = Daemon::start(Settings { dnstap: "listen = \"127.0.0.1:0\"", ..Settings::default() });
    daemon.wait_metric("stakeout_dnstap_listening", "", 2);
    let mut two_way = Sender::tcp(daemon.tcp()).greet();
    let mut one_way = Sender::unix(&daemon.socket()).start();
    let over = |protocol| Exchange { protocol, ..visit("www.casino.example") };
    two_way.query(&over(SocketProtocol::Doq));
    one_way.query(&over(SocketProtocol::Doh));
    daemon.wait_metric("stakeout_dnstap_frames_total", "", 2);
    assert_eq!(daemon.metric("stakeout_dnstap_connections_open", ""), 2);
    two_way.finish();
    drop(one_way);
    daemon.wait_metric("stakeout_dnstap_streams_ended_total", "\"closed\"", 1);
    assert_eq!(daemon.findings(), found(&[("www.casino.example", 2, 0)]));
}

#[test]
fn only_subscribers_make_findings() {
    let networks = "[networks]\nsubscribers = [\"198.51.100.0/24\"]\nresolvers = [\"198.51.100.53\"]\n";
    let mut daemon = Daemon::start(Settings { sections: networks, ..Settings::default() });
    let mut sender = Sender::unix(&daemon.socket()).greet();
    sender.query(&visit("www.casino.example"));
    for other in ["198.51.100.53:5353", "203.0.113.9:5353"] {
        sender.query(&Exchange { client: other.parse().unwrap(), ..visit("www.casino.example") });
    }
    sender.finish();
    daemon.wait_metric("stakeout_hits_total", "", 3);
    for reason in ["resolver", "outside"] {
        assert_eq!(daemon.metric("stakeout_hits_suppressed_total", reason), 1, "{reason}");
    }
    assert_eq!(daemon.findings(), found(&[("www.casino.example", 1, 0)]));
}

#[test]
fn a_mirror_beside_it_may_keep_the_clear_part() {
    let mut daemon =
        Daemon::start(Settings { dnstap: "protocols = [\"dot\", \"doh\", \"doq\"]", ..Settings::default() });
    let mut sender = Sender::unix(&daemon.socket()).greet();
    for protocol in SocketProtocol::ALL {
        sender.query(&Exchange { protocol: *protocol, ..visit("www.casino.example") });
    }
    sender.finish();
    daemon.wait_metric("stakeout_dnstap_frames_total", "", 7);
    assert_eq!(daemon.metric("stakeout_dnstap_messages_skipped_total", "\"protocol\""), 4);
    assert_eq!(daemon.findings(), found(&[("www.casino.example", 3, 0)]));
}
