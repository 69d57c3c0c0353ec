//! Every rule of every section, with the exact place at which a breach is told; and the example file.

use std::path::Path;

use super::*;
use crate::control::units::{ByteSize, Span};
use crate::model::{Action, Proto};

/// The least that is accepted. Its lines are counted in the tests.
const LEAST: &str = r#"[sensor]
jurisdictions = ["PL"]
[legal]
basis = "Gambling Act"
reference = "Order 7"
contact = "noc@isp.test"
review_date = 2027-06-30
scope = ["dns"]
[capture]
interfaces = ["eth1"]
[[rules]]
list = "demo"
path = "list.txt"
authority = "Test authority"
jurisdictions = ["PL"]
legal_basis = "Gambling Act"
reference = "Register 1"
"#;

fn read(text: &str) -> (Vec<String>, Option<Config>) {
    let (problems, config) = Draft::read(text, Path::new("/etc/stakeout")).finish();
    (problems.iter().map(ToString::to_string).collect(), config)
}

fn problems(text: &str) -> Vec<String> {
    read(text).0
}

/// What is told about `LEAST` with `more` after it; lines of `more` count from 18.
fn problems_with(more: &str) -> Vec<String> {
    problems(&format!("{LEAST}{more}"))
}

/// What is told about `LEAST` after a replacement.
fn problems_replacing(old: &str, new: &str) -> Vec<String> {
    assert!(LEAST.contains(old), "{old}");
    problems(&LEAST.replacen(old, new, 1))
}

#[track_caller]
fn told_once(problems: &[String], start: &str, also: &str) {
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(
        problems[0].starts_with(start) && problems[0].contains(also),
        "{:?}\nstart {start:?}\nalso {also:?}",
        problems[0]
    );
}

#[test]
fn the_least_has_all_defaults() {
    let (problems, config) = read(LEAST);
    assert!(problems.is_empty(), "{problems:#?}");
    let config = config.unwrap();
    assert_eq!(config.capture.buffer, ByteSize::mib(64));
    assert_eq!(config.capture.interfaces, ["eth1"]);
    assert_eq!(config.rules[0].path, Path::new("/etc/stakeout/list.txt"));
    assert_eq!((config.rules[0].format, config.rules[0].action), (RuleFormat::Auto, Action::Block));
    assert!(config.legal.scope.allows(Proto::Dns) && !config.legal.scope.allows(Proto::Tls));
    assert_eq!(config.legal.review_date, jiff::civil::date(2027, 6, 30));
    assert_eq!(config.output.events.path, Path::new("/var/log/stakeout/events.jsonl"));
    assert_eq!(config.output.eve, None);
    assert_eq!(config.http, HttpConfig::default());
    assert_eq!(config.findings.subscriber, SubscriberMode::None);
}

#[test]
fn all_settings_are_taken() {
    let (problems, config) = read(&format!(
        "{LEAST}format = \"hosts\"\naction = \"allow\"\ndeadline = \"90m\"\n[networks]\n\
         subscribers = [\"10.0.0.0/8\", \"2001:db8::/32\"]\n[findings]\nwindow = \"5s\"\nsubscriber = \"pseudonym\"\n\
         [output.eve]\nkeep = 3\n[http]\nlisten = \"[::]:1\"\nallow_remote = true\n[limits]\nflows = 0x1_0000\n\
         [log]\nlevel = \"debug\"\nformat = \"json\"\n"
    ));
    assert!(problems.is_empty(), "{problems:#?}");
    let config = config.unwrap();
    assert_eq!((config.rules[0].format, config.rules[0].action), (RuleFormat::Hosts, Action::Allow));
    let provenance = config.rules[0].provenance.as_ref().unwrap();
    assert_eq!(provenance.to_string(), "Test authority, Gambling Act, Register 1 (PL)");
    assert_eq!(provenance.deadline_hours(), Some(1), "whole hours, and what is left over is not given");
    assert_eq!(config.networks.subscribers.len(), 2);
    // Nobody set the interval, so it follows the shorter window.
    assert_eq!((config.findings.window, config.findings.update_interval), (Span::secs(5), Span::secs(5)));
    assert_eq!(config.findings.subscriber, SubscriberMode::Pseudonym);
    let eve = config.output.eve.unwrap();
    assert_eq!((eve.keep, eve.path.as_path()), (3, Path::new("/var/log/stakeout/eve.json")));
    assert_eq!(config.http.listen, "[::]:1".parse().unwrap());
    assert_eq!(config.limits.flows, 65_536);
    assert_eq!(config.log, LogConfig { level: crate::telemetry::Level::Debug, format: crate::telemetry::Format::Json });
}

#[test]
fn resolvers_may_take_the_place_of_interfaces() {
    let without = LEAST.replace("[capture]\ninterfaces = [\"eth1\"]\n", "");
    for capture in ["", "[capture]\n", "[capture]\ninterfaces = []\n"] {
        let (problems, config) = read(&format!("{without}{capture}[dnstap]\nsocket = \"tap.sock\"\n"));
        assert!(problems.is_empty(), "{problems:#?}");
        let config = config.unwrap();
        assert!(config.capture.interfaces.is_empty());
        assert_eq!(config.dnstap.unwrap().socket.unwrap(), Path::new("/etc/stakeout/tap.sock"));
    }
    told_once(&problems(&format!("{without}[capture]\n")), "16:1: error: `interfaces` is missing", "");
}

#[test]
fn dnstap_names_its_mistakes() {
    let told = |settings: &str, start: &str, also: &str| {
        told_once(&problems_with(&format!("[dnstap]\n{settings}\n")), start, also);
    };
    told("", "18:1: error: [dnstap] names no place", "socket = ");
    told("socket = 5", "19:10: error: `dnstap.socket` is an integer", "");
    let long = format!("socket = \"/{}\"", "x".repeat(107));
    told(&long, "19:10: error: `dnstap.socket` has 108 octets", "107");
    for mode in ["rw", "0888", "01777", "7", "+660"] {
        let text = format!("socket = \"s\"\nsocket_mode = {mode:?}");
        told(&text, "20:15: error: `dnstap.socket_mode` is", "0660");
    }
    told("listen = \"192.0.2.1:6000\"", "19:10: error: `dnstap.listen` is 192.0.2.1:6000", "allow");
    told("listen = \"here\"", "19:10: error: `dnstap.listen` is \"here\"", "127.0.0.1:6000");
    told("socket = \"s\"\nmessage_types = [\"client\"]", "20:18: error: item 1 of `dnstap.message_types`", "client_");
    told("socket = \"s\"\nprotocols = [\"tls\"]", "20:14: error: item 1 of `dnstap.protocols`", "dot");
    told("socket = \"s\"\nmax_frame = \"2MiB\"", "20:13: error: `dnstap.max_frame` is 2MiB", "64KiB");
    assert!(problems_with("[dnstap]\nlisten = \"192.0.2.1:6000\"\nallow = [\"192.0.2.0/24\"]\n").is_empty());

    let without_dns = format!("{LEAST}[dnstap]\nsocket = \"s\"\n").replace("[\"dns\"]", "[\"tls\"]");
    told_once(&problems(&without_dns), "18:1: error: [dnstap] reads DNS", "legal.scope");
}

const BUNDLE: &str = "[[bundles]]\nchannel = \"national\"\npath = \"n.stkbundle\"\n";
const KEY: &str = "[[trusted_keys]]\nname = \"ours\"\n\
    key = \"RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\"\n\
    lists = [\"pl-*\"]\njurisdictions = [\"PL\", \"US-NJ\"]\nactions = [\"block\"]\n";

#[test]
fn bundles_and_keys_are_read() {
    let revoked = "[[revoked_keys]]\nid = \"e7620f1842b4e81f\"\nreason = \"stolen\"\n";
    let (problems, config) = read(&format!("{LEAST}{BUNDLE}{KEY}retired = true\n{revoked}"));
    assert!(problems.is_empty(), "{problems:#?}");
    let config = config.unwrap();
    let bundle = &config.bundles[0];
    assert_eq!(
        (bundle.path.as_path(), bundle.state.as_path()),
        (Path::new("/etc/stakeout/n.stkbundle"), Path::new("/var/lib/stakeout/bundles"))
    );
    let key = &config.keys.trusted[0];
    assert_eq!((key.name.as_str(), key.is_retired, key.id().as_str()), ("ours", true, "E7620F1842B4E81F"));
    assert_eq!(config.keys.revoked(&key.id()).unwrap().reason, "stolen");
    assert!(!read(&format!("{LEAST}{KEY}")).1.unwrap().keys.trusted[0].is_retired);
}

#[test]
fn a_bundle_may_take_the_place_of_lists() {
    let (without, _) = LEAST.split_once("[[rules]]").unwrap();
    assert!(read(&format!("{without}{BUNDLE}{KEY}")).0.is_empty());
}

#[test]
fn bundles_and_keys_name_their_mistakes() {
    let both = format!("{BUNDLE}{KEY}");
    let told = |from: &str, to: &str, what: &str| {
        let changed = both.replacen(from, to, 1);
        assert_ne!(changed, both, "{from}");
        let problems = problems_with(&changed);
        assert!(problems.iter().any(|problem| problem.contains(what)), "{what}: {problems:#?}");
    };
    told("channel = \"national\"\n", "", "`channel` is missing");
    told("\"national\"", "\"../up\"", "not fit for a metric label");
    told("\"national\"", "\"..\"", "does not begin with a dot");
    told("path = \"n.stkbundle\"\n", "", "`path` is missing");
    told(KEY, "", "there is no [[trusted_keys]]");
    told(KEY, &format!("{BUNDLE}{KEY}"), "another bundle is of the channel");
    told(KEY, &format!("{KEY}{KEY}"), "another key has the name");
    told("RWQf", "RWQ", "no public key of minisign");
    told("[\"pl-*\"]", "[]", "lists");
    told("lists = [\"pl-*\"]\n", "", "`lists` is missing");
    told("US-NJ", "New Jersey", "no jurisdiction");
    told("\"block\"", "\"blok\"", "none of \"block\"");
    told("actions", "retired = 1\nactions", ".retired` is an integer");
    let revoked = format!("{KEY}[[revoked_keys]]\n");
    told(KEY, &revoked, "`id` is missing");
    told(KEY, &format!("{revoked}id = \"E7\"\nreason = \"stolen\"\n"), "not 16 hexadecimal digits");
    told(KEY, &format!("{revoked}id = \"E7620F1842B4E81F\"\n"), "`reason` is missing");
}

#[test]
fn an_empty_file_lacks_four_things() {
    let problems = problems("# nothing\n");
    assert_eq!(problems.len(), 4, "{problems:#?}");
    assert!(problems[0].starts_with("1:1: error: the table [legal] is missing; write down the legal ground"));
    assert!(problems[0].contains("review_date") && problems[0].contains("scope"));
    assert!(problems[1].starts_with("1:1: error: the table [sensor] is missing; "));
    assert!(problems[2].starts_with("1:1: error: the table [capture] is missing; "));
    assert!(problems[3].starts_with("1:1: error: there is no [[rules]]; "));
}

#[test]
fn legal_is_whole_or_refused() {
    let p = problems_replacing("basis = \"Gambling Act\"\nreference = \"Order 7\"\n", "");
    assert_eq!(p.len(), 2, "{p:#?}");
    assert!(p[0].starts_with("3:1: error: `basis` is missing from [legal]; write the law"), "{p:#?}");
    assert!(p[1].starts_with("3:1: error: `reference` is missing from [legal]; write number"), "{p:#?}");
    told_once(
        &problems_replacing("review_date = 2027-06-30\n", ""),
        "3:1: error: `review_date` is missing from [legal]",
        "",
    );
    told_once(&problems_replacing("scope = [\"dns\"]\n", ""), "3:1: error: `scope` is missing from [legal]", "");
    told_once(
        &problems_replacing("\"Order 7\"", "\"  \""),
        "5:13: error: `legal.reference` must be",
        "write number and date",
    );
    told_once(
        &problems_replacing("2027-06-30", "\"2027-06-30\""),
        "7:15: error: `legal.review_date` is a string",
        "without quotes",
    );
    told_once(
        &problems_replacing("2027-06-30", "2027-06-30T00:00:00Z"),
        "7:15: error: `legal.review_date`",
        "without a time",
    );
    told_once(&problems_replacing("[\"dns\"]", "[]"), "8:9: error: `legal.scope` has 0 items", "1 to 4");
    told_once(
        &problems_replacing("\"dns\"", "\"dns\", \"smtp\""),
        "8:17: error: item 2 of `legal.scope`: \"smtp\"",
        "\"quic\"",
    );
    told_once(
        &problems_replacing("\"dns\"", "\"DNS\""),
        "8:10: error: item 1 of `legal.scope`",
        "did you mean \"dns\"?",
    );
    told_once(
        &problems_replacing("\"dns\"", "\"dns\", \"dns\""),
        "8:17: error: item 2 of `legal.scope` stands there twice",
        "",
    );
}

#[test]
fn capture_has_bounds() {
    told_once(
        &problems_replacing("interfaces = [\"eth1\"]\n", ""),
        "9:1: error: `interfaces` is missing from [capture]",
        "eth1",
    );
    told_once(&problems_replacing("\"eth1\"", ""), "10:14: error: `capture.interfaces` has 0 items", "1 to 16");
    for bad in ["a very long name", "", "eth/1", "..", "ęth"] {
        let bad = format!("\"{bad}\"");
        told_once(
            &problems_replacing("\"eth1\"", &bad),
            "10:15: error: item 1 of `capture.interfaces`",
            "no interface name",
        );
    }
    let with = |line: &str, start: &str, also: &str| {
        told_once(&problems_replacing("[[rules]]", &format!("{line}\n[[rules]]")), start, also);
    };
    with("snaplen = 68", "11:11: error: `capture.snaplen` is 68, out of range", "256 to 262144");
    with("snaplen = 99999999999999999999", "11:11: error: `capture.snaplen` is 99999999999999999999", "256 to 262144");
    with("snaplen = -1", "11:11: error: `capture.snaplen` is -1, out of range", "");
    with("snaplen = 1.5", "11:11: error: `capture.snaplen` is a float, not a whole number", "");
    with("buffer = \"4GiB\"", "11:10: error: `capture.buffer` is 4GiB, out of range", "1MiB to 1GiB");
    with("buffer = 64", "11:10: error: `capture.buffer` is an integer, not a text", "buffer = \"1MiB\"");
    with("buffer = \"64\"", "11:10: error: `capture.buffer` is \"64\": a size is", "");
    with("timeout = \"0ms\"", "11:11: error: `capture.timeout` is 0us, out of range", "1ms to 10s");
    with("timeout = \"11s\"", "11:11: error: `capture.timeout` is 11s, out of range", "");
    with("promiscuous = \"yes\"", "11:15: error: `capture.promiscuous` is a string, not true or false", "");
    with("backend = \"dpdk\"", "11:11: error: `capture.backend` is \"dpdk\", which is no choice", "\"ring\"");
    with("workers = 0", "11:11: error: `capture.workers` is 0, out of range", "1 to 64");
    with("workers = 2\nbackend = \"pcap\"", "11:11: error: `capture.workers` is 2, but libpcap", "use the ring");
    with("cpus = [0, 1024]", "11:12: error: item 2 of `capture.cpus`", "0 to 1023");
    with("cpus = [1, 1]", "11:12: error: item 2 of `capture.cpus` stands there twice", "");
    let any = LEAST.replace("\"eth1\"", "\"any\"").replace("[[rules]]", "backend = \"ring\"\n[[rules]]");
    told_once(&problems(&any), "11:11: error: the ring cannot read \"any\"", "pcap");
    let any = any.replace("backend = \"ring\"", "backend = \"xdp\"");
    told_once(
        &problems(&any),
        "11:11: error: ",
        if cfg!(feature = "xdp") { "mirror ports only" } else { "feature `xdp`" },
    );
    with("dns_ports = [53, 0]", "11:18: error: item 2 of `capture.dns_ports`", "1 to 65535");
    with("dns_ports = [53, 53]", "11:18: error: item 2 of `capture.dns_ports` stands there twice", "");
}

#[test]
fn lists_have_names_of_their_own_and_files() {
    told_once(&problems_replacing("list = \"demo\"\n", ""), "11:1: error: `list` is missing from [[rules]]", "");
    told_once(&problems_replacing("path = \"list.txt\"\n", ""), "11:1: error: `path` is missing from [[rules]]", "");
    told_once(&problems_replacing("\"demo\"", "\"De mo\""), "12:8: error: `list` is \"De mo\"", "metric label");
    told_once(&problems_replacing("\"list.txt\"", "\"\""), "13:8: error: `path` is \"\"", "");
    told_once(
        &problems_with("format = \"xml\"\n"),
        "18:10: error: `rules[0].format` is \"xml\"",
        "\"polish-register\"",
    );
    told_once(
        &problems_with("action = \"blok\"\n"),
        "18:10: error: `rules[0].action` is \"blok\"",
        "did you mean \"block\"?",
    );
    let p = problems_with("[[rules]]\nlist = \"demo\"\npath = \"b\"\n");
    told_once(&p, "19:8: error: another list is named \"demo\" too", "");
    let p = problems(&LEAST.replace("[[rules]]", "[rules]"));
    told_once(&p, "11:1: error: `rules` is a table, not a list of tables", "[[rules]]");
    let many: String = (0..65).map(|n| format!("[[rules]]\nlist = \"l{n}\"\npath = \"l{n}\"\n")).collect();
    told_once(&problems_with(&many), "11:1: error: there are 66 lists", "64");
}

#[test]
fn the_other_sections_have_bounds_too() {
    let told = |more: &str, start: &str, also: &str| told_once(&problems_with(more), start, also);
    let sensor = |more: &str, start: &str, also: &str| {
        told_once(&problems_replacing("jurisdictions = [\"PL\"]\n[legal]", &format!("{more}\n[legal]")), start, also);
    };
    sensor("name = \"\"\njurisdictions = [\"PL\"]", "2:8: error: `name` is \"\"", "1 to 64");
    sensor("name = \"a\"", "1:1: error: `jurisdictions` is missing from [sensor]", "jurisdictions = [\"PL\"]");
    sensor("jurisdictions = [\"CH\", \"UK\"]", "2:24: error: item 2 of `sensor.jurisdictions`: \"UK\" is no", "GB");
    sensor("jurisdictions = []", "2:17: error: `sensor.jurisdictions` ", "");
    told(
        "[networks]\nresolvers = [\"::1\", \"10.0.0.1/8\"]\n",
        "19:21: error: item 2 of `networks.resolvers`",
        "did you mean 10.0.0.0/8?",
    );
    told("[networks]\ncgnat = [5]\n", "19:10: error: item 1 of `networks.cgnat`: an integer is not a text", "");
    told("[networks]\nforwarders = \"::1\"\n", "19:14: error: `networks.forwarders` is a string, not a list", "");
    told("[findings]\nwindow = \"8d\"\n", "19:10: error: `findings.window` is 8d, out of range", "1s to 7d");
    told("[findings]\nupdate_interval = \"2h\"\n", "19:19: error: `findings.update_interval` (2h) is longer", "");
    told("[findings]\nmax_open = 1\n", "19:12: error: `findings.max_open` is 1", "1000 to 10000000");
    told(
        "[findings]\nsubscriber = \"address\"\n",
        "19:14: error: `findings.subscriber` is \"address\"",
        "\"pseudonym\"",
    );
    told("[output.events]\npath = \"a/\"\n", "19:8: error: `path` is \"a/\", which names no file", "");
    told("[output.events]\nkeep = 0\n", "19:8: error: `output.events.keep` is 0", "1 to 10000");
    told("[output.events]\nrotate_size = \"1B\"\n", "19:15: error: `output.events.rotate_size` is 1B", "64KiB");
    told("[output.events]\nrotate_age = \"1s\"\n", "19:14: error: `output.events.rotate_age` is 1s", "1m");
    told(
        "[output.eve]\npath = \"/var/log/stakeout/events.jsonl\"\n",
        "19:8: error: `output.eve.path` is the file of",
        "",
    );
    told("[http]\nlisten = \"localhost\"\n", "19:10: error: `http.listen` is \"localhost\": ", "127.0.0.1:9618");
    told("[http]\nlisten = \"0.0.0.0:9618\"\n", "19:10: error: `http.listen` is 0.0.0.0:9618", "allow_remote = true");
    told(
        "[http]\nlisten = \"[2001:db8::1]:1\"\nallow_remote = false\n",
        "19:10: error: `http.listen`",
        "without a password",
    );
    told("[http]\nmax_connections = 0\n", "19:19: error: `http.max_connections` is 0", "4 to 1024");
    told("[limits]\nflows = 1\n", "19:9: error: `limits.flows` is 1", "1024");
    told("[limits]\nflow_timeout = \"1ms\"\n", "19:16: error: `limits.flow_timeout` is 1ms", "");
    told("[limits]\nstream_memory = \"1B\"\n", "19:17: error: `limits.stream_memory` is 1B", "");
    told("[limits]\nfragment_memory = \"2GiB\"\n", "19:19: error: `limits.fragment_memory` is 2GiB", "");
    told("[limits]\nfragment_timeout = \"5m\"\n", "19:20: error: `limits.fragment_timeout` is 5m", "");
    told("[limits]\nhit_queue = 1\nevent_queue = 65536\n", "19:13: error: `limits.hit_queue` is 1", "");
    told("[limits]\nevent_queue = true\n", "19:15: error: `limits.event_queue` is a boolean", "");
    told("[log]\nlevel = \"inof\"\n", "19:9: error: `log.level` is \"inof\"", "did you mean \"info\"?");
    told("[log]\nformat = \"xml\"\n", "19:10: error: `log.format` is \"xml\"", "\"json\"");
    assert!(problems_with("[http]\nlisten = \"[::1]:1\"\n").is_empty());
    assert!(problems_with("[http]\nlisten = \"[::ffff:127.0.0.1]:1\"\n").is_empty());
}

#[test]
fn unknown_fields_are_explained() {
    let told = |more: &str, start: &str, also: &str| told_once(&problems_with(more), start, also);
    let sensor = |more: &str, start: &str, also: &str| {
        told_once(&problems_replacing("[sensor]\n", &format!("[sensor]\n{more}\n")), start, also);
    };
    sensor("naem = \"x\"", "2:1: error: unknown field `naem` in [sensor]", "did you mean `name`?");
    sensor("snaplen = 5", "2:1: error: unknown field `snaplen` in [sensor]", "`snaplen` belongs in [capture]");
    sensor("colour = 5", "2:1: error: unknown field `colour` in [sensor]", "known here: name, jurisdictions");
    told("colour = 5\n", "18:1: error: unknown field `colour` in [[rules]]", "known here: list, path, format, action");
    told("[output.evee]\n", "18:9: error: unknown field `evee` in [output]", "did you mean `eve`?");
    told("[sensro]\nname = \"x\"\n", "18:2: error: unknown table or field `sensro`", "did you mean `sensor`?");
    let p = problems(&format!("interfaces = 1\n{LEAST}"));
    told_once(&p, "1:1: error: unknown table or field `interfaces`", "belongs in [capture]");
    told("[http]\nlisten = { port = 1 }\n", "19:10: error: `http.listen` is a table, not a text", "");
    told("log = 1\n", "18:1: error: unknown field `log` in [[rules]]", "");
    let p = problems(&format!("log = 1\n{LEAST}"));
    told_once(&p, "1:7: error: `log` is an integer, not a table", "header");
    let p = problems(&format!("capture = 1\n{}", LEAST.replace("[capture]\ninterfaces = [\"eth1\"]\n", "")));
    told_once(&p, "1:11: error: `capture` is an integer, not a table", "header");
}

#[test]
fn ten_mistakes_are_ten_lines() {
    let text = "\
[sensor]
name = \"Tap One\"
[legal]
basis = \"Gambling Act\"
contact =
review_date = 2027-13-45
scope = [\"dns\", \"smtp\"]
[capture]
interfaces = [\"eth1\"
snapln = 100
buffer = \"64\"
[[rules]]
list = \"a\"
path = \"x\"
[[rules]]
list = \"a\"
path
[networks]
subscribers = [\"10.0.0.1/8\", \"nonsense\"]
[http
listen = \"0.0.0.0:1\"
[log]
level = loud
";
    let told = problems(text);
    let starts = [
        "1:1: error: `jurisdictions` is missing from [sensor]",
        "2:8: error: `name` is \"Tap One\"",
        "3:1: error: `reference` is missing from [legal]",
        "5:10: error: not valid TOML",
        "6:15: error: not valid TOML: invalid date",
        "7:17: error: item 2 of `legal.scope`",
        "9:14: error: not valid TOML: the array that opens here is not closed",
        "10:1: error: unknown field `snapln` in [capture]; did you mean `snaplen`?",
        "11:10: error: `capture.buffer` is \"64\"",
        "16:8: error: another list is named \"a\" too",
        "17:1: error: not valid TOML: this key has no value",
        "19:16: error: item 1 of `networks.subscribers`",
        "19:30: error: item 2 of `networks.subscribers`",
        "20:1: error: not valid TOML: the header is not closed",
        "21:10: error: `http.listen` is 0.0.0.0:1",
        "23:9: error: not valid TOML: the value is a bare word",
    ];
    assert_eq!(told.len(), starts.len(), "{told:#?}");
    for (told, start) in told.iter().zip(starts) {
        assert!(told.starts_with(start), "{told:?} does not start with {start:?}");
    }
}

const EXAMPLE: &str = include_str!("../../../packaging/stakeout.toml");

/// The example with every setting that is commented out put in force.
fn example_in_full() -> String {
    let is_setting = |rest: &str| {
        let name = rest.trim_start_matches(|c: char| c.is_ascii_lowercase() || c == '_');
        rest.starts_with("[output")
            || rest.starts_with("[dnstap")
            || rest.starts_with("[[bundles")
            || rest.starts_with("[[trusted_keys")
            || rest.starts_with("[[revoked_keys")
            || (name.len() < rest.len() && name.starts_with(" = "))
    };
    let in_force = |line: &'static str| line.strip_prefix("# ").filter(|rest| is_setting(rest)).unwrap_or(line);
    EXAMPLE.lines().map(|line| in_force(line).to_owned() + "\n").collect()
}

#[test]
fn the_example_shows_every_setting() {
    let full = example_in_full();
    let draft = Draft::read(&full, Path::new("/"));
    for known in &draft.known {
        let here = known.replace("[]", "[0]");
        assert!(draft.spots.contains_key(&here), "packaging/stakeout.toml does not show `{known}`");
    }
    assert!(draft.known.len() > 40, "{:?}", draft.known);
    assert!(read(&full).0.is_empty(), "{:#?}", read(&full).0);
}

#[test]
fn the_example_shows_the_defaults() {
    let (problems, short) = read(EXAMPLE);
    assert!(problems.is_empty(), "{problems:#?}");
    let (mut short, mut full) = (short.unwrap(), read(&example_in_full()).1.unwrap());
    assert_eq!(
        full.output.eve,
        Some(EventFileConfig { path: "/var/log/stakeout/eve.json".into(), ..full.output.events.clone() })
    );
    let dnstap = full.dnstap.as_mut().expect("the example shows [dnstap]");
    // What the example shows of these is not their default.
    dnstap.protocols.clear();
    (dnstap.socket_group, dnstap.listen) = (None, None);
    let least = read(&format!("{LEAST}[dnstap]\nsocket = \"/run/stakeout/dnstap.sock\"\n")).1.unwrap();
    assert_eq!(full.dnstap, least.dnstap);
    // These have no default worth showing.
    for rule in short.rules.iter_mut().chain(&mut full.rules) {
        rule.provenance = None;
    }
    (full.output.eve, full.dnstap) = (None, None);
    (full.bundles, full.keys) = Default::default();
    (short.networks, full.networks) = Default::default();
    assert_eq!(short, full);
}

#[test]
fn the_operators_page_names_every_setting() {
    let page = include_str!("../../../docs/operators.md");
    let full = example_in_full();
    for known in Draft::read(&full, Path::new("/")).known {
        let name = known.rsplit('.').next().unwrap_or(&known);
        assert!(
            page.contains(&format!("`{name}`")) || page.contains(&format!("[{known}")),
            "docs/operators.md: {known}"
        );
    }
}

#[test]
fn any_text_comes_to_an_end() {
    let words: Vec<&str> = EXAMPLE.split_inclusive([' ', '\n', '=', '[', ']', '"', ',']).collect();
    let mut state = 7u64;
    let mut next = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    for _ in 0..200 {
        let text: String = (0..120).map(|_| words[next(words.len())]).collect();
        let lines = text.lines().count().max(1);
        let (problems, config) = Draft::read(&text, Path::new("/")).finish();
        assert!(config.is_none() && !problems.is_empty());
        assert!(problems.iter().all(|p| (1..=lines + 1).contains(&p.line) && p.column > 0), "{text}\n{problems:?}");
    }
}
