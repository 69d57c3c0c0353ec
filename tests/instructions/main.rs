//! The gate against slow creep: how many instructions a packet costs, by module, as valgrind's callgrind counts them on
//! the project's own traffic. Instructions do not depend on how busy the machine is, so that one run tells.
//!
//! `committed.tsv` holds what was counted last, for each build profile. A module that now takes clearly more, or less,
//! fails: after a change that means it, `STAKEOUT_INSTRUCTIONS=write` puts the new counts there. With another compiler
//! than the one noted there the counts are only shown. Cryptography is not gated, as valgrind has no SHA-NI; instead the
//! key derivations are counted. `tools/callgrind.sh` does the same for the release build.

#[path = "../common/need.rs"]
#[allow(dead_code)]
mod need;
mod profile;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use stakeout::capture::FileReader;
use stakeout::flow::Reading;
use stakeout::model::{Counter, Observation, Timestamp};
use stakeout::pipeline::{Limits, Worker};
use stakeout::traffic::{Generator, Profile, write_pcap};

/// Frames of each capture: enough that start-up, which is subtracted, does not matter.
const FRAMES: u64 = 12_000;
/// And by instructions a packet, for groups of a few.
const SLACK: f64 = 2.0;

/// One run in fifteen draws a seed by which the rule set's filter takes a frequent ending for a listed name, and looks into
/// the table for it: half as much again. A change of the program is there in every run.
const SECOND_LOOKS: usize = 5;

fn captures() -> [(&'static str, Profile); 2] {
    [("provider", Profile::provider()), ("names", Profile::names())]
}

fn listed() -> Vec<String> {
    (0..2_000).map(|n| format!("lucky-spin{n}.example")).collect()
}

fn write_capture(path: &Path, profile: Profile) {
    let mut generator = Generator::new(profile, 1, listed(), Timestamp::from_parts(1_795_521_600, 0));
    write_pcap(&mut generator, File::create(path).unwrap(), true).unwrap();
}

/// Counts by group of one `scan` under callgrind.
fn count(program: &Path, dir: &Path, capture: &Path) -> BTreeMap<&'static str, u64> {
    let out = dir.join("callgrind.out");
    let ran = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", &format!("--callgrind-out-file={}", out.display())])
        .arg(program)
        .args(["scan", "--format", "jsonl", "--rules"])
        .args([&dir.join("list.txt"), capture])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    profile::by_group(&fs::read_to_string(out).unwrap())
}

/// The part by which a count may differ. Hashes have a seed of their own in every run: the flow table's makes no
/// difference to be seen, the rule set's moves names between the filter's words, in sixteen runs by a tenth in all.
fn tolerance(what: &str) -> f64 {
    if what.ends_with(" matching") { 0.15 } else { 0.03 }
}

/// Instructions a packet by capture and group, start-up and list loading apart.
fn measure(program: &Path, dir: &Path) -> BTreeMap<String, f64> {
    fs::write(dir.join("list.txt"), listed().join("\n")).unwrap();
    let empty = dir.join("empty.pcap");
    write_capture(&empty, Profile::provider().frames(0));
    let start = count(program, dir, &empty);
    let mut measured = BTreeMap::new();
    for (name, profile) in captures() {
        let capture = dir.join("capture.pcap");
        write_capture(&capture, profile.frames(FRAMES));
        for (group, n) in count(program, dir, &capture) {
            let n = n.saturating_sub(start.get(group).copied().unwrap_or(0));
            measured.insert(format!("{name} {group}"), n as f64 / FRAMES as f64);
        }
    }
    measured
}

/// What counts depend on besides the program: compiler, valgrind, and the processor, by which libraries choose their
/// code.
fn circumstances() -> String {
    let version = |program: &str| {
        let said = Command::new(program).arg("--version").output().map(|o| o.stdout).unwrap_or_default();
        String::from_utf8_lossy(&said).trim().to_owned()
    };
    let rustc = version(&std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into()));
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!("{rustc}, {}, {}", version("valgrind"), model.map_or("unknown processor", |(_, name)| name))
}

/// Which profile built the program, by the directory in which it lies.
fn build(program: &Path) -> String {
    program.parent().and_then(|p| p.file_name()).unwrap().to_string_lossy().into_owned()
}

fn committed_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/instructions/committed.tsv")
}

/// The committed lines: build, circumstances, capture and group, instructions a packet.
fn committed() -> Vec<[String; 4]> {
    let text = fs::read_to_string(committed_file()).unwrap_or_default();
    let fields =
        |line: &str| -> Option<[String; 4]> { line.split('\t').map(str::to_owned).collect::<Vec<_>>().try_into().ok() };
    text.lines().filter(|line| !line.starts_with('#')).filter_map(fields).collect()
}

fn write_committed(build: &str, here: &str, measured: &BTreeMap<String, f64>) {
    let mut lines: Vec<String> =
        committed().into_iter().filter(|line| line[0] != build).map(|line| line.join("\t")).collect();
    lines.extend(measured.iter().map(|(what, n)| format!("{build}\t{here}\t{what}\t{n:.1}")));
    lines.sort();
    let head =
        "# build, circumstances, capture and group, instructions a packet (STAKEOUT_INSTRUCTIONS=write writes this)";
    fs::write(committed_file(), format!("{head}\n{}\n", lines.join("\n"))).unwrap();
}

/// The groups that changed by more than they may, and a table of all, before and now.
fn compare(before: &[[String; 4]], measured: &BTreeMap<String, f64>) -> (Vec<String>, String) {
    let (mut changed, mut table) = (Vec::new(), String::new());
    for [_, _, what, n] in before {
        let (was, is) = (n.parse::<f64>().unwrap(), measured.get(what).copied().unwrap_or(0.0));
        writeln!(table, "{what:<28} {was:>9.1} {is:>9.1}").unwrap();
        if profile::is_gated(what) && (is - was).abs() > was * tolerance(what) + SLACK {
            changed.push(what.clone());
        }
    }
    (changed, table)
}

#[test]
fn a_packet_takes_no_more_instructions_than_before() {
    if !need::has("valgrind") {
        return need::skip("valgrind is not installed; tools/setup.sh test does that");
    }
    let program = std::env::var_os("STAKEOUT_PROGRAM")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_stakeout")), PathBuf::from);
    let (build, here) = (build(&program), circumstances());
    let dir = tempfile::tempdir().unwrap();
    let measured = measure(&program, dir.path());
    if std::env::var("STAKEOUT_INSTRUCTIONS").is_ok_and(|v| v == "write") {
        return write_committed(&build, &here, &measured);
    }
    let before: Vec<_> = committed().into_iter().filter(|line| line[0] == build).collect();
    let (mut changed, mut table) = compare(&before, &measured);
    for _ in 0..SECOND_LOOKS {
        if changed.is_empty() {
            break;
        }
        (changed, table) = compare(&before, &measure(&program, dir.path()));
    }
    if before.first().is_none_or(|line| line[1] != here) {
        let there = before.first().map_or("nowhere", |line| &line[1]);
        return need::skip(&format!("counted with {there}, this is {here}; build, before and now:\n{table}"));
    }
    assert!(
        changed.is_empty(),
        "instructions a packet changed in {changed:?}; before and now:\n{table}\n\
         if that is meant: STAKEOUT_INSTRUCTIONS=write cargo test --test instructions"
    );
}

/// The cryptography's share, which callgrind cannot tell: a connection's keys are derived once, and nobody else's.
#[test]
fn keys_are_derived_once_a_connection() {
    let dir = tempfile::tempdir().unwrap();
    let capture = dir.path().join("capture.pcap");
    // Without the mirror's copies and the damage of a real link there is nothing to try keys on in vain.
    write_capture(&capture, Profile::names().frames(FRAMES));
    let mut reader = FileReader::open(&capture).unwrap();
    let mut worker = Worker::new(&Limits::default(), Reading::default());
    let mut sink = |_: &Observation<'_>| {};
    loop {
        let frames = reader.next_frames().unwrap();
        if frames.is_empty() {
            break;
        }
        worker.frames(frames.iter(), &mut sink);
    }
    worker.finish(&mut sink);
    let count = |counter| worker.counters().get(counter);
    let (names, derived) = (count(Counter::NamesQuic), count(Counter::QuicKeysDerived));
    assert!(names > 500, "{names} names in QUIC");
    assert!(derived <= names + names / 10, "{derived} derivations for {names} names");
}
