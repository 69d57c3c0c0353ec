//! Holds the layering of `src/lib.rs`, and the list of places that may turn an address into clear text.
//!
//! An arrow may only point up the list: a module may use those that stand before it. The test reads `crate::` paths,
//! so it needs no build of its own and tells file and line of an offence.

use std::fs;
use std::path::{Path, PathBuf};

/// In the order in which the data flows; `telemetry` may be used anywhere.
const LAYERS: [&str; 12] = [
    "model", "capture", "decode", "extract", "flow", "matching", "record", "export", "pipeline", "traffic", "control",
    "cli",
];

/// Who may call `Addr::in_clear`, and why.
const IN_CLEAR: &[(&str, &str)] = &[
    ("src/model/addr.rs", "defines it"),
    ("src/cli/observe.rs", "prints capture files that the user already holds; never live traffic"),
    ("src/record/servers.rs", "addresses of sites, which are not subscribers"),
    ("src/record/address_in_name.rs", "looks for the address in a name, to withhold that name"),
];

/// `unsafe` is for the capture ring, and for the mapping of rule bundles, which does not exist yet.
const UNSAFE_ALLOWED: &[&str] = &[
    // Memory that the kernel writes.
    "src/capture/ring/map.rs",
    // Socket options that no safe interface knows.
    "src/capture/ring/sys.rs",
    // The same two of AF_XDP.
    "src/capture/ring/xdp/map.rs",
    "src/capture/ring/xdp/sys.rs",
];

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(dir: &Path, found: &mut Vec<(PathBuf, String)>) {
        let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push((path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join("src"), &mut found);
    found.into_iter().map(|(p, text)| (p.strip_prefix(root).unwrap().to_path_buf(), text)).collect()
}

/// Lines that are code: comments and everything behind them cut off.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(i, l)| (i + 1, l.split("//").next().unwrap_or("")))
}

fn layer_of(path: &Path) -> Option<usize> {
    let name = path.components().nth(1)?.as_os_str().to_str()?;
    LAYERS.iter().position(|l| *l == name)
}

#[test]
fn arrows_only_point_up() {
    let mut offences = Vec::new();
    let mut seen = 0;
    for (path, text) in sources() {
        let Some(own) = layer_of(&path) else { continue };
        for (line, code) in code_lines(&text) {
            for used in code.split("crate::").skip(1) {
                let end = used.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(used.len());
                let Some(layer) = LAYERS.iter().position(|l| *l == &used[..end]) else { continue };
                seen += 1;
                if layer > own {
                    offences.push(format!("{}:{line}: {} uses {}", path.display(), LAYERS[own], LAYERS[layer]));
                }
            }
        }
    }
    assert!(seen > 50, "only {seen} uses found: does the test still read the sources?");
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

#[test]
fn addresses_become_text_only_where_allowed() {
    let mut offences = Vec::new();
    for (path, text) in sources() {
        let name = path.to_string_lossy().replace('\\', "/");
        let body = text.split("#[cfg(test)]").next().unwrap_or("");
        let is_test = name.ends_with("/tests.rs") || name.contains("/tests/");
        if is_test || IN_CLEAR.iter().any(|(allowed, _)| *allowed == name) {
            continue;
        }
        for (line, code) in code_lines(body) {
            if code.contains("in_clear") {
                offences.push(format!("{name}:{line}: an address in clear; if there is a reason, say it in this test"));
            }
        }
    }
    for (allowed, reason) in IN_CLEAR {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(allowed).exists(), "{allowed} ({reason}) is gone");
    }
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

#[test]
fn unsafe_stays_out() {
    let mut offences = Vec::new();
    for (path, text) in sources() {
        let name = path.to_string_lossy().replace('\\', "/");
        for (line, code) in code_lines(&text) {
            let words: Vec<&str> = code.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            if words.contains(&"unsafe") && !UNSAFE_ALLOWED.contains(&name.as_str()) {
                offences.push(format!("{name}:{line}"));
            }
        }
    }
    assert!(offences.is_empty(), "{offences:?}");
}

#[test]
fn every_file_begins_with_its_purpose() {
    let missing: Vec<_> =
        sources().into_iter().filter(|(_, t)| !t.starts_with("//! ")).map(|(p, _)| p.display().to_string()).collect();
    assert!(missing.is_empty(), "no //! paragraph at the top of {missing:?}");
}
