//! Reads callgrind's output: instructions by the source file that they were written in, wherever the compiler put them,
//! added up by group. What it put in of the standard library counts for the function that holds it. (Format: valgrind
//! manual, "Callgrind Format Specification".)

use std::collections::{BTreeMap, HashMap};

const LIBRARY: &str = "standard library";

/// Parts of a path, and the group to which the instructions belong. The first that fits counts.
const GROUPS: [(&str, &str); 18] = [
    ("src/capture/", "capture"),
    ("src/decode/", "decode"),
    ("src/flow/", "flow"),
    ("src/extract/dns/", "extract dns"),
    // Which of the two a function that both use is counted for is the compiler's choice.
    ("src/extract/tls/", "extract hello"),
    ("src/extract/quic/keys.rs", "crypto"),
    ("src/extract/quic/", "extract hello"),
    ("src/extract/http/", "extract http"),
    ("src/matching/", "matching"),
    ("src/record/", "record"),
    ("src/pipeline/", "pipeline"),
    ("src/model/", "model"),
    ("src/cli/", "cli"),
    ("/sha2-", "crypto"),
    ("/ring-", "crypto"),
    ("/aes-", "crypto"),
    ("/library/", LIBRARY),
    ("/foldhash-", "matching"),
];

/// Whether more of it fails the test: what this repository holds, and what of the standard library is compiled into it.
pub(crate) fn is_gated(what: &str) -> bool {
    !what.ends_with(" crypto") && !what.ends_with(" other") && !what.ends_with(" cli")
}

fn group(path: &str) -> &'static str {
    GROUPS.iter().find(|(part, _)| path.contains(part)).map_or("other", |(_, group)| group)
}

/// Instructions by group.
pub(crate) fn by_group(output: &str) -> BTreeMap<&'static str, u64> {
    let mut names: HashMap<&str, &'static str> = HashMap::new();
    let mut totals = BTreeMap::new();
    // The group of the function at hand, and of the line at hand in it.
    let (mut function, mut current) = ("other", "other");
    let mut of_callee = false;
    for line in output.lines() {
        if let Some((key, value)) = line.split_once('=') {
            match key {
                // A file is named in full once, and by its number from then on.
                "fl" | "fi" | "fe" | "cfi" | "cfl" => {
                    let (number, path) = value.split_once(' ').unwrap_or((value, ""));
                    let group = *names.entry(number).or_insert_with(|| group(path));
                    match key {
                        "fl" => (function, current) = (group, group),
                        "fi" | "fe" => current = if group == LIBRARY { function } else { group },
                        _ => {}
                    }
                }
                // The next line's cost was spent in the function called, and stands there already.
                "calls" => of_callee = true,
                _ => {}
            }
        } else if line.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '*'))
            && !std::mem::take(&mut of_callee)
            && let Some(cost) = line.split(' ').nth(1).and_then(|n| n.parse::<u64>().ok())
        {
            *totals.entry(current).or_default() += cost;
        }
    }
    totals
}

#[test]
fn costs_go_to_the_file_that_they_were_written_in() {
    let output = "positions: line\nevents: Ir\n\nfl=(1) /x/src/flow/tcp.rs\nfn=(1) segment\n10 5\n+2 3\n\
                  fi=(2) /rust/library/core/src/slice.rs\n7 4\nfe=(1)\n12 1\ncfi=(3) /x/src/decode/ip.rs\ncfn=(2) v4\n\
                  calls=2 30\n13 1000\n14 2\n\nfl=(3)\nfn=(2)\n30 40\n\nfl=(2)\nfn=(3)\n1 6\n";
    let expected = BTreeMap::from([("decode", 40), ("flow", 15), (LIBRARY, 6)]);
    assert_eq!(by_group(output), expected);
}
