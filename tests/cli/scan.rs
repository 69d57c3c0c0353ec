//! `scan`: what is found, in which form, and what is told about the reading.

use std::process::{Command, Stdio};

use serde_json::json;

use super::frames::{self, ETHERNET, client_hello, dns, ethernet, tcp, udp};
use super::{Files, run, run_with_input};

const RESOLVER: &str = "198.51.100.53:53";

/// Two clients ask for `www.casino.example`, one also opens it; one asks for a help page, one for something else.
fn capture() -> Vec<u8> {
    let ask = |client: &str, name: &str| ethernet(&[], &udp(client, RESOLVER, &dns(0x0100, name, 1, &[])));
    let hello = client_hello("www.casino.example", &["h2"], false);
    frames::pcap(
        ETHERNET,
        &[
            ask("192.0.2.7:4000", "www.casino.example"),
            ask("192.0.2.8:4000", "WWW.CASINO.example"),
            ethernet(&[], &udp(RESOLVER, "192.0.2.7:4000", &dns(0x8183, "www.casino.example", 1, &[]))),
            ethernet(&[], &tcp("192.0.2.7:4001", "203.0.113.1:443", 1, &hello)),
            ask("192.0.2.9:4000", "help.casino.example"),
            ask("192.0.2.9:4000", "notcasino.example"),
        ],
    )
}

struct Case {
    files: Files,
    capture: String,
    list: String,
    allow: String,
}

fn case() -> Case {
    let files = Files::new();
    Case {
        capture: files.write("made.pcap", capture()),
        list: files.write("list.txt", "# invented\ncasino.example\n"),
        allow: files.write("allow.txt", "help.casino.example\n"),
        files,
    }
}

#[test]
fn findings_as_json_lines() {
    let c = case();
    let ran = run(&["scan", "--rules", &c.list, "--allow", &c.allow, &c.capture]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let found = ran.json();
    assert_eq!(found.len(), 2, "{}", ran.out);
    let dns = found.iter().find(|f| f["proto"] == "dns").unwrap();
    assert_eq!(
        (&dns["event"], &dns["name"], &dns["count"], &dns["answers"], &dns["distinct_subscribers"]),
        (&json!("closed"), &json!("www.casino.example"), &json!(2), &json!(1), &json!(2))
    );
    assert_eq!(
        dns["rule"],
        json!({
            "pattern": "casino.example", "action": "block", "list": "list.txt", "line": 2, "jurisdiction": null,
            "authority": null, "legal_basis": null, "reference": null
        })
    );
    assert_eq!(dns["first_seen"], "2026-11-24T09:46:35.000000007Z");
    assert_eq!(dns["last_seen"], "2026-11-24T09:46:37.000000007Z");
    let tls = found.iter().find(|f| f["proto"] == "tls").unwrap();
    assert_eq!((&tls["kind"], &tls["count"]), (&json!("sni"), &json!(1)));
    for secret in ["192.0.2.7", "192.0.2.8", "c0000207"] {
        assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "a client's address: {}", ran.out);
    }
    // JSON lines leave standard output to programs; the summary is beside it.
    for words in
        ["read     6 packets", "names    5 dns, 1 tls", "found    2 findings: 3 visits", "rules    2 in 2 lists"]
    {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
}

#[test]
fn findings_as_a_table() {
    let c = case();
    let ran = run(&["scan", "--rules", &c.list, "--format", "table", &c.capture]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "no bar and no summary on standard error");
    let mut lines = ran.out.lines();
    assert_eq!(
        lines.next().unwrap().split_whitespace().collect::<Vec<_>>().join(" "),
        "NAME PROTO VISITS ANSWERS CLIENTS FIRST SEEN LAST SEEN RULE (LIST:LINE)"
    );
    let first = lines.next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        first,
        "www.casino.example dns 2 1 2 2026-11-24T09:46:35Z 2026-11-24T09:46:37Z casino.example (list.txt:2)"
    );
    assert!(
        ran.out.contains("help.casino.example") && ran.out.contains("\nfound    3 findings: 4 visits"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("notcasino"), "{}", ran.out);

    let nothing = c.files.write("other.txt", "other.example\n");
    let ran = run(&["scan", "--rules", &nothing, "--format", "table", &c.capture]);
    assert!(ran.code == 0 && ran.out.starts_with("Nothing listed was visited.\n"), "{}", ran.out);
}

#[test]
fn options_may_come_again_and_take_one_value_each() {
    let c = case();
    let other = c.files.write("other.txt", "notcasino.example\n");
    let none = c.files.write("none.txt", "www.casino.example\n");
    let ran = run(&["scan", "--rules", &c.list, "--rules", &other, "--allow", &c.allow, "--allow", &none, &c.capture]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let names: Vec<_> = ran.json().iter().map(|f| f["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["notcasino.example"]);
    // The second path is a capture, not a second list: it holds no rules but is read for names.
    let ran = run(&["scan", "--rules", &c.list, &other, &c.capture]);
    assert!(ran.code == 1 && ran.err.contains("other.txt: not a capture file"), "{}", ran.err);
}

#[test]
fn exit_codes() {
    let c = case();
    let absent = c.files.write("absent.txt", "other.example\n");
    let dirty = c.files.write("dirty.txt", "casino.example\nco.uk\n");
    let mut damaged = capture();
    damaged.truncate(damaged.len() - 3);
    let damaged = c.files.write("damaged.pcap", damaged);
    let empty = c.files.write("empty.txt", "# nothing\n");
    let cases: [(&[&str], i32); 11] = [
        (&["--rules", &c.list, &c.capture], 0),
        (&["--exit-code", "--rules", &absent, &c.capture], 0),
        (&["--exit-code", "--rules", &c.list, &c.capture], 10),
        (&["--rules", &dirty, &c.capture], 1),
        (&["--exit-code", "--rules", &dirty, &c.capture], 11),
        (&["--exit-code", "--rules", &absent, &damaged], 1),
        (&["--exit-code", "--rules", &c.list, &damaged], 11),
        (&["--exit-code", "--rules", &c.list, &c.capture, "/no/such.pcap"], 13),
        (&["--rules", &empty, &c.capture], 2),
        (&["--rules", "/no/such.txt", &c.capture], 3),
        (&["--rules", c.files.path().to_str().unwrap(), &c.capture], 3),
    ];
    for (words, code) in cases {
        let ran = run(&[&["scan"], words].concat());
        assert_eq!(ran.code, code, "{words:?}: {}", ran.err);
    }
    let ran = run(&["scan", "--rules", &dirty, &c.capture]);
    assert!(
        ran.err.contains("dirty.txt: 1 entry was rejected; `stakeout rules lint` tells which and why"),
        "{}",
        ran.err
    );
}

#[test]
fn standard_input_is_a_capture_too() {
    let c = case();
    let piped = run_with_input(&["scan", "--rules", &c.list, "-"], &capture());
    assert_eq!((piped.code, piped.out), (0, run(&["scan", "--rules", &c.list, &c.capture]).out));
}

#[test]
fn what_was_skipped_is_told_with_its_reason() {
    let c = case();
    let mut arp = vec![0xff; 14];
    arp[12..14].copy_from_slice(&[8, 6]);
    arp.resize(60, 0);
    let capture = c.files.write("arp.pcap", frames::pcap(ETHERNET, &[arp.clone(), arp]));
    let ran = run(&["scan", "--rules", &c.list, &capture]);
    assert!(ran.code == 0 && ran.err.contains("\nskipped  2 not-ip\n"), "{}", ran.err);

    let usb = c.files.write("usb.pcap", frames::pcap(189, &[vec![0; 64]]));
    let ran = run(&["scan", "--rules", &c.list, &usb]);
    assert!(ran.code == 1 && ran.err.contains("\nskipped  1 link-type\n"), "{}", ran.err);
    assert!(ran.err.contains("LINKTYPE_USB_LINUX (189)"), "{}", ran.err);
}

/// On a terminal: a table by default, and a bar on standard error. `script` gives the program a terminal of its own.
#[test]
fn a_terminal_gets_a_table_and_a_bar() {
    let c = case();
    let command = format!("'{}' scan --rules '{}' '{}'", env!("CARGO_BIN_EXE_stakeout"), c.list, c.capture);
    let script =
        Command::new("script").args(["-qec", &command, "/dev/null"]).env("TERM", "xterm").stdin(Stdio::null()).output();
    let Ok(output) = script else {
        let _ = std::io::Write::write_all(&mut std::io::stderr(), b"SKIPPED: no `script`, so no test on a terminal\n");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("NAME") && text.contains("VISITS") && text.contains("found    3 findings"), "{text}");
    assert!(text.contains('\u{1b}'), "a bar moves the cursor: {text:?}");
}
