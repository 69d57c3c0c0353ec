//! The help teaches: what each command reads, an example, the exit codes.

use super::{run, stakeout};

/// Every command, with words that its help must hold: what it reads, and an example of its use.
const COMMANDS: [(&[&str], &[&str]); 34] = [
    (&["demo"], &["invented traffic", "needs no root", "$ stakeout demo"]),
    (&["observe"], &["Reads pcap and pcapng", "gzip or zstd", "standard input", "$ stakeout observe "]),
    (&["scan"], &["Reads rule files", "pcapng", "covers its subdomains", "$ stakeout scan --rules ", "10 more when"]),
    (&["rules", "lint"], &["Reads one rule file", "Polish register", "$ stakeout rules lint "]),
    (&["rules", "test"], &["Reads the rule files", "licence beats every block", "$ stakeout rules test "]),
    (&["rules", "build"], &["Reads rule files of text", "not signed", "$ stakeout rules build --out "]),
    (&["rules", "keygen"], &["Reads nothing but a password", "$ stakeout rules keygen "]),
    (&["rules", "sign"], &["Reads a prebuilt rule set", "who ordered it", "$ stakeout rules sign "]),
    (&["rules", "verify"], &["Reads a bundle and public keys", "$ stakeout rules verify "]),
    (&["rules", "show"], &["Nothing is verified", "$ stakeout rules show "]),
    (&["rules", "init"], &["public keys of at least two people", "$ stakeout rules init --person "]),
    (&["rules", "source"], &["Nothing of the catalogue is in use", "$ stakeout rules source add "]),
    (&["rules", "person"], &["a key of their own", "$ stakeout rules person enrol "]),
    (&["rules", "fetch"], &["over HTTPS", "what is in force stays", "$ stakeout rules fetch"]),
    (&["rules", "import"], &["Reads a file in the format", "waits for two people", "$ stakeout rules import "]),
    (&["rules", "propose"], &["Reads an order", "two enrolled people", "$ stakeout rules propose "]),
    (&["rules", "proposals"], &["Reads the store", "$ stakeout rules proposals"]),
    (&["rules", "approve"], &["Reads a secret key", "two different keys", "$ stakeout rules approve "]),
    (&["rules", "reject"], &["takes nothing out of force", "$ stakeout rules reject "]),
    (&["rules", "diff"], &["head:LIST", "$ stakeout rules diff "]),
    (&["rules", "explain"], &["Reads the store", "$ stakeout rules explain "]),
    (&["rules", "publish"], &["Reads the store and a secret key", "$ stakeout rules publish "]),
    (&["rules", "rollback"], &["never go back to a lower version", "$ stakeout rules rollback "]),
    (&["rules", "history"], &["Reads the journal", "$ stakeout rules history "]),
    (&["rules", "status"], &["Reads the store", "$ stakeout rules status"]),
    (&["rules", "gc"], &["the whole journal", "$ stakeout rules gc "]),
    (&["rules", "migrate"], &["a store of an older version", "$ stakeout rules migrate"]),
    (
        &["rules", "export"],
        &["Reads rule files of text", "never blocked by the export", "$ stakeout rules export --format rpz "],
    ),
    (
        &["rules", "impact"],
        &[
            "Reads rule files",
            "query logs of unbound",
            "only counted",
            "$ stakeout rules impact --new ",
            "Exit codes: 0 done",
        ],
    ),
    (&["check"], &["Reads the daemon's configuration", "check --config "]),
    (&["run"], &["Reads packets from the interfaces", "SIGHUP", "run --config "]),
    (&["size"], &["Reads nothing", "nobody measured", "docs/sizing.md", "$ stakeout size --subscribers "]),
    (&["completions"], &["Reads nothing", "bash", "zsh", "fish", "$ stakeout completions "]),
    (&["man"], &["Reads nothing", "$ stakeout man "]),
];

#[test]
fn every_command_teaches_what_it_reads_and_how_it_is_used() {
    for (command, expected) in COMMANDS {
        let help = run(&[command, &["--help"]].concat());
        assert_eq!((help.code, help.err.as_str()), (0, ""), "{command:?}");
        // Lines are wrapped to the terminal.
        let text = help.out.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in expected {
            assert!(text.contains(words.trim_end()), "{command:?} does not say {words:?}:\n{}", help.out);
        }
        let short = run(&[command, &["-h"]].concat());
        assert!(short.code == 0 && short.out.lines().count() < help.out.lines().count(), "{command:?}");
    }
}

#[test]
fn the_first_page_lists_the_commands_and_the_exit_codes() {
    for words in [&["help"][..], &["--help"]] {
        let help = run(words);
        assert_eq!(help.code, 0);
        for (command, _) in COMMANDS {
            assert!(help.out.contains(&format!("\n  {} ", command[0])), "{}", help.out);
        }
        for code in [
            "0  done",
            "1  done, but inputs were damaged",
            "2  ",
            "3  ",
            "4  `run` only",
            "10  added by `scan --exit-code`",
        ] {
            assert!(help.out.contains(code), "{code}: {}", help.out);
        }
    }
}

#[test]
fn the_version_is_the_packages() {
    for words in [&["--version"][..], &["-V"]] {
        assert_eq!(run(words).out, format!("stakeout {}\n", env!("CARGO_PKG_VERSION")));
    }
    assert!(run(&["scan", "--version"]).out.contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_wrong_command_line_is_usage() {
    for words in [
        &[][..],
        &["no-such-command"],
        &["observe"],
        &["observe", "--no-such-option", "f"],
        &["scan", "f.pcap"],
        &["scan", "--rules", "list.txt"],
        &["rules"],
        &["rules", "test", "--rules", "list.txt"],
        &["rules", "export", "--format", "rpz"],
        &["rules", "impact", "--new", "list.txt"],
        &["rules", "impact", "--capture", "f.pcap"],
        &["rules", "export", "--format", "hosts", "--sink", "192.0.2.1,192.0.2.2", "list.txt"],
        &["rules", "export", "--format", "unbound", "--sink", "192.0.2.1", "--nxdomain", "list.txt"],
        &["rules", "export", "--format", "rpz", "--serial", "4294967296", "list.txt"],
        &["completions", "no-such-shell"],
        &["demo", "--seed", "x"],
    ] {
        let ran = run(words);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{words:?}: {}", ran.err);
        assert!(ran.err.contains("Usage: stakeout") || ran.err.contains("--help"), "{words:?}: {}", ran.err);
    }
}

#[test]
fn there_is_no_way_to_print_the_names_of_live_traffic() {
    let help = run(&["observe", "--help"]).out;
    assert!(!help.contains("--interface") && !help.contains("-i,"), "{help}");
    let ran = run(&["observe", "--interface", "lo"]);
    assert_eq!(ran.code, 2);
    // An interface's name is just a file that is not there.
    assert_eq!(run(&["observe", "lo"]).code, 3);
}

/// A pipe whose reader goes away is how `| head` ends: no complaint, no panic.
#[test]
fn a_closed_pipe_ends_every_command_quietly() {
    let files = super::Files::new();
    let list = files.write("list.txt", "casino.example\n");
    let capture = files.write("many.pcap", super::observe::many_questions(20_000));
    for words in [
        &["observe", &capture][..],
        &["scan", "--rules", &list, "--format", "table", &capture],
        &["rules", "lint", &list],
        &["rules", "test", "--rules", &list, "casino.example"],
        &["rules", "export", "--format", "plain", &list],
        &["rules", "impact", "--new", &list, "--capture", &capture],
        &["completions", "bash"],
        &["size", "--subscribers", "1000", "--links", "10G"],
        &["demo"],
        &["help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = stakeout().args(words).stdout(writer).output().unwrap();
        assert_eq!(
            (output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()),
            (Some(0), ""),
            "{words:?}"
        );
    }
}
