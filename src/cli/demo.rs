//! `stakeout demo`: the whole program at work on a minute of invented traffic, for somebody who sees it first.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Write};

use clap::Args;

use super::exit::Exit;
use super::scan::Finder;
use super::summary;
use super::usage;
use crate::flow::Reading;
use crate::matching::{Format, ListMeta, RuleSet, RuleSetBuilder, parse};
use crate::model::{Action, Proto, Timestamp};
use crate::pipeline::{Limits, Worker};
use crate::record::{AggregateConfig, Event, EventKind};
use crate::traffic::{Generator, Profile};

const EXAMPLE: &str = "\
Example:
  $ stakeout demo
  $ stakeout demo --seed 2";

/// Show what the program does, on invented traffic: needs no root, no network and no file.
///
/// It makes a minute of traffic of a small provider in memory (DNS, TLS, QUIC and HTTP, in VLANs, PPPoE, MPLS and tunnels,
/// with segments out of order and frames mirrored twice), looks for the invented sites of the demo rules in it, and
/// compares what it found with what was sent.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLE)]
pub(super) struct DemoArgs {
    /// Another seed makes other traffic.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

const DEMO_BLOCK: &str = include_str!("../../rules/demo.txt");
const DEMO_ALLOW: &str = include_str!("../../rules/demo-allow.txt");
/// Findings shown; the rest is told as a number.
const SHOWN: usize = 12;

/// Runs the command.
pub(super) fn run(args: &DemoArgs) -> Exit {
    match demo(args) {
        Ok(text) => super::write_ended(io::stdout().write_all(text.as_bytes())),
        Err(why) => {
            let _ = writeln!(io::stderr(), "stakeout: the demo rules are damaged: {why}");
            Exit::Damaged
        }
    }
}

fn demo(args: &DemoArgs) -> Result<String, String> {
    let (rules, listed) = demo_rules()?;
    let before = usage::cpu_time();
    // 2026-11-24T12:00:00Z, so that the demo prints the same every time.
    let start = Timestamp::from_parts(1_795_521_600, 0);
    let mut generator = Generator::new(Profile::demo(), args.seed, listed, start).with_truth();
    let config = AggregateConfig { window: summary::WHOLE_CAPTURE_NS, ..summary::config("demo") };
    let mut finder = Finder::new(&rules, config);
    let mut worker = Worker::new(&Limits::default(), Reading::default());
    let mut frame = Vec::new();
    let mut truth = Vec::new();
    while let Some(ts) = generator.next_frame(&mut frame) {
        finder.summary.span(ts);
        worker.frame(ETHERNET, ts, &frame, frame.len() as u32, &mut finder);
        truth.append(&mut generator.take_truth());
    }
    worker.finish(&mut finder);
    finder.aggregator.finish(&mut finder.events);
    truth.append(&mut generator.take_truth());

    let sent = truth
        .iter()
        .filter(|t| t.kind.is_visit() && matches!(rules.lookup(&t.name), crate::matching::Verdict::Block(_)))
        .count();
    let closed: Vec<Event> = finder.events.into_iter().filter(|e| matches!(e.kind, EventKind::Closed(_))).collect();
    finder.summary.findings = closed.len() as u64;
    finder.summary.rules = rules.len();
    finder.summary.lists = 2;
    finder.summary.scan_cpu = usage::cpu_time().saturating_sub(before);
    Ok(report(&closed, sent as u64, &finder.summary.text(worker.counters(), worker.gauges())))
}

/// LINKTYPE_ETHERNET.
const ETHERNET: u32 = 1;

/// The demo rules, and the names for the generator to visit.
fn demo_rules() -> Result<(RuleSet, Vec<String>), String> {
    let mut builder = RuleSetBuilder::new();
    let mut names = Vec::new();
    for (name, text, action) in [("demo", DEMO_BLOCK, Action::Block), ("demo-allow", DEMO_ALLOW, Action::Allow)] {
        let list = parse(text.as_bytes(), Format::Plain, 1 << 20).map_err(|e| e.to_string())?;
        names.extend(text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned));
        builder.add_list(ListMeta::bare(name, action), list);
    }
    Ok((builder.build().map_err(|e| e.to_string())?, names))
}

fn report(findings: &[Event], sent: u64, summary: &str) -> String {
    let found: u64 = findings.iter().map(|e| e.count).sum();
    let mut by_site: BTreeMap<String, (u64, u64, BTreeSet<Proto>)> = BTreeMap::new();
    for event in findings {
        let site = by_site.entry(event.subject.rule.pattern.to_string()).or_default();
        site.0 += event.count;
        site.1 = site.1.max(event.distinct_subscribers);
        site.2.insert(event.subject.proto);
    }
    let mut sites: Vec<_> = by_site.iter().collect();
    sites.sort_by_key(|(name, (visits, ..))| (std::cmp::Reverse(*visits), name.as_str()));

    let mut text = String::from(
        "Stakeout demo: a minute of invented provider traffic, watched for an invented list of blocked gambling sites.\n\
         Every name is invented and every address is from a block for documentation; nothing left this machine.\n\n",
    );
    let width = sites.iter().take(SHOWN).map(|(name, _)| name.len()).max().unwrap_or(0).max(12);
    let most = sites.first().map_or(1, |(_, (visits, ..))| *visits).max(1);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  {:<width$}  VISITS  CLIENTS  SEEN IN", "BLOCKED SITE");
    for (name, (visits, clients, protocols)) in sites.iter().take(SHOWN) {
        let bar = "█".repeat((visits * 20).div_ceil(most) as usize);
        let protocols = protocols.iter().map(|p| p.name()).collect::<Vec<_>>().join(" ");
        let _ = writeln!(text, "  {name:<width$}  {visits:>6}  {clients:>7}  {protocols:<20} {bar}");
    }
    if sites.len() > SHOWN {
        let _ = writeln!(text, "  … and {} more sites", sites.len() - SHOWN);
    }
    let verdict = if found == sent { "every one of them, and no other" } else { "NOT the same: please report this" };
    let _ = writeln!(
        text,
        "\n{sent} visits to blocked sites were sent, in clear DNS, in TLS and QUIC handshakes and in HTTP.\n\
         Stakeout found {found}: {verdict}. It recorded no client's address; it only counted them."
    );
    text.push_str(summary);
    text.push_str(
        "\nNext: stakeout scan --rules rules/demo.txt YOUR.pcap     findings in a capture of your own\n      \
         stakeout observe YOUR.pcap                         every name in it\n      \
         docs/operators.md                                  the daemon on a mirror port\n",
    );
    text
}
