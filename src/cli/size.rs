//! `stakeout size`: how large a sensor must be for a network, and what that figure rests on.

use std::io::Write;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::exit::Exit;
use crate::control::sizing::{Deployment, Links, Network, Plan, Term, Terms, plan, show};

const EXAMPLE: &str = "\
Examples:
  $ stakeout size --subscribers 200000 --links 4x100G
  $ stakeout size --subscribers 200000 --links 4x100G --busy-hour-mbps-per-subscriber 2.5
  $ stakeout size --subscribers 200000 --links 4x100G --assume dns-rate=0.4 --assume rules=60000 --format json

docs/sizing.md explains the assumptions and how to replace them by measurements of your own.";

/// Reckon how large a sensor must be: packets a second, cores, memory and disk a day.
///
/// Reads nothing. It prints the need of four deployments (all traffic, behind a packet broker that filters, upstream
/// traffic with DNS answers only, dnstap only), what must stay together where traffic is spread over several sensors, and
/// every figure that this rests on, with a `?` before those that nobody measured. It is arithmetic and no promise: replace
/// what you know better with --assume.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLE)]
pub(super) struct SizeArgs {
    /// Lines behind the links, 1 to 1,000,000,000.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    subscribers: u32,
    /// The links that are watched, by their speed in one direction: `4x100G`, or `10G,2x40G`.
    #[arg(long, value_name = "LINKS")]
    links: Links,
    /// How far the links are filled downstream in the busy hour, from 0.001 to 1 [default: 0.3]
    #[arg(long, value_name = "SHARE")]
    utilisation: Option<f64>,
    /// Downstream traffic of a subscriber in the busy hour, in place of the links' utilisation.
    #[arg(long, value_name = "MBPS", conflicts_with = "utilisation", value_parser = mbps)]
    busy_hour_mbps_per_subscriber: Option<f64>,
    /// Another value for a figure in the list of assumptions, by its name there; may be repeated.
    #[arg(long, value_name = "NAME=NUMBER")]
    assume: Vec<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = SizeFormat::Table)]
    format: SizeFormat,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum SizeFormat {
    /// For people.
    Table,
    /// One JSON object.
    Json,
}

fn mbps(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|n| (0.001..=10_000.0).contains(n))
        .ok_or_else(|| "a number from 0.001 to 10000".to_owned())
}

/// Runs the command.
pub(super) fn run(args: &SizeArgs, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    match reckon(args) {
        Ok(text) => super::write_ended(out.write_all(text.as_bytes()).and_then(|()| out.flush())),
        Err(why) => {
            // Nothing is left to tell it to if even this cannot be written.
            let _ = writeln!(err, "stakeout: {why}");
            Exit::Usage
        }
    }
}

fn reckon(args: &SizeArgs) -> Result<String, String> {
    let mut terms = Terms::default();
    for text in &args.assume {
        terms.replace(text).map_err(|why| format!("--assume {why}"))?;
    }
    if let Some(share) = args.utilisation {
        terms.set(Term::Utilisation, share).map_err(|why| format!("--utilisation: {why}"))?;
    }
    let network = Network {
        subscribers: args.subscribers,
        links: args.links.clone(),
        busy_hour_mbps: args.busy_hour_mbps_per_subscriber,
    };
    let plan = plan(&network, &terms)?;
    Ok(match args.format {
        SizeFormat::Table => table(&network, &terms, &plan),
        SizeFormat::Json => format!("{:#}\n", object(&network, &terms, &plan)),
    })
}

/// The report for people.
fn table(network: &Network, terms: &Terms, plan: &Plan) -> String {
    let per_subscriber = plan.traffic.down_bits / 1e6 / f64::from(network.subscribers);
    let mut text = format!(
        "{} subscribers behind {}; in the busy hour {} Gbit/s down ({:.0} % of the links, {per_subscriber:.2} Mbit/s a \
         subscriber) and {} Gbit/s up.\n\n",
        show(f64::from(network.subscribers)),
        network.links,
        short(plan.traffic.down_bits / 1e9),
        100.0 * plan.traffic.down_bits / network.links.bits_per_second(),
        short(plan.traffic.up_bits / 1e9),
    );
    let mut rows = vec![
        ["DEPLOYMENT", "GBIT/S", "PACKETS/S", "WITH NAMES/S", "CORES", "MEMORY", "DISK A DAY"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for need in &plan.needs {
        rows.push(vec![
            need.deployment.title().to_owned(),
            short(need.bits / 1e9),
            whole(need.packets),
            whole(need.name_packets),
            need.cores.to_string(),
            octets(need.memory),
            octets(need.disk_per_day),
        ]);
    }
    aligned(&mut text, &rows, &[1, 2, 3, 4, 5, 6]);
    text.push_str(
        "\nFor dnstap, packets are messages. One core of each is for findings, outputs and reloads. Disk is for events of \
         one output\nif no two visits share a finding, which is the most it can be. Every figure rests on terms marked ? \
         below.\n",
    );
    for note in &plan.notes {
        text.push_str(&format!("\nNote: {note}\n"));
    }
    text.push_str("\nWhat each sees, what must stay together on one sensor, and the setting to change:\n");
    for need in &plan.needs {
        let deployment = need.deployment;
        text.push_str(&format!("\n  {}\n", deployment.title()));
        wrapped(&mut text, &format!("sees {}", deployment.sees()));
        wrapped(&mut text, &format!("broker: {}", deployment.hash_requirement()));
        if need.flows_per_worker > 0 {
            let workers = if need.workers == 1 { "1 worker".to_owned() } else { format!("{} workers", need.workers) };
            wrapped(&mut text, &format!("{workers}, each with [limits] flows = {}", need.flows_per_worker));
        }
    }
    text.push_str("\nAssumptions; replace any with --assume NAME=NUMBER. ? nobody measured it:\n\n");
    let mut rows = vec![["", "NAME", "VALUE", "UNIT", "BASIS", "WHAT"].map(str::to_owned).to_vec()];
    for term in Term::ALL.iter().copied().filter(|term| is_in_play(*term, network)) {
        let (value, basis) = terms.get(term);
        let mark = if basis.is_unmeasured() { "?" } else { "" };
        rows.push([mark, term.name(), &show(value), term.unit(), basis.name(), term.why()].map(str::to_owned).to_vec());
    }
    aligned(&mut text, &rows, &[2]);
    text
}

/// Whether the term plays a part: a subscriber's traffic takes the place of the links' utilisation.
fn is_in_play(term: Term, network: &Network) -> bool {
    term != Term::Utilisation || network.busy_hour_mbps.is_none()
}

/// The report for programs.
fn object(network: &Network, terms: &Terms, plan: &Plan) -> Value {
    let deployments: Vec<Value> = plan
        .needs
        .iter()
        .map(|need| {
            json!({
                "deployment": need.deployment.key(),
                "unit": if need.deployment == Deployment::Dnstap { "messages" } else { "packets" },
                "bits_per_second": need.bits.round(),
                "packets_per_second": need.packets.round(),
                "name_packets_per_second": need.name_packets.round(),
                "workers": need.workers,
                "cores": need.cores,
                "flows_per_worker": need.flows_per_worker,
                "memory_octets": need.memory.round(),
                "disk_octets_per_day": need.disk_per_day.round(),
                "sees": need.deployment.sees(),
                "hash_requirement": need.deployment.hash_requirement(),
                "unmeasured": need.unmeasured.iter().map(|term| term.name()).collect::<Vec<_>>(),
            })
        })
        .collect();
    let assumptions: Vec<Value> = Term::ALL
        .iter()
        .copied()
        .filter(|term| is_in_play(*term, network))
        .map(|term| {
            let (value, basis) = terms.get(term);
            json!({
                "name": term.name(), "value": value, "unit": term.unit(), "basis": basis.name(),
                "unmeasured": basis.is_unmeasured(), "what": term.why(),
            })
        })
        .collect();
    json!({
        "schema": "stakeout.size.v1",
        "subscribers": network.subscribers,
        "links": network.links.to_string(),
        "busy_hour": {
            "down_bits_per_second": plan.traffic.down_bits.round(),
            "up_bits_per_second": plan.traffic.up_bits.round(),
        },
        "deployments": deployments,
        "assumptions": assumptions,
        "notes": plan.notes,
    })
}

/// Columns as wide as their longest cell; those in `right` to the right.
fn aligned(text: &mut String, rows: &[Vec<String>], right: &[usize]) {
    let mut widths = vec![0; rows.first().map_or(0, Vec::len)];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(
                |(i, (cell, width))| {
                    if right.contains(&i) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
                },
            )
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
}

/// A paragraph of at most 100 columns, further lines further in.
fn wrapped(text: &mut String, paragraph: &str) {
    let mut width = 100;
    for word in paragraph.split(' ') {
        if width + 1 + word.chars().count() > 100 {
            let margin = if width == 100 { "    - " } else { "\n      " };
            text.push_str(margin);
            width = 6;
        } else {
            text.push(' ');
            width += 1;
        }
        text.push_str(word);
        width += word.chars().count();
    }
    text.push('\n');
}

/// Three digits that count, without an exponent.
fn short(value: f64) -> String {
    match value {
        v if v >= 100.0 => whole(v),
        v if v >= 10.0 => format!("{v:.1}"),
        v if v >= 0.1 => format!("{v:.2}"),
        v => format!("{v:.4}"),
    }
}

/// A rate: three digits that count and commas. More would be a precision that the terms do not have.
fn whole(value: f64) -> String {
    let unit = 10f64.powf((value.max(1.0).log10().floor() - 2.0).max(0.0));
    show((value / unit).round() * unit)
}

/// Octets, rounded up, in the unit that leaves one to four digits.
fn octets(value: f64) -> String {
    let mut value = value / 1024.0;
    for unit in ["KiB", "MiB", "GiB"] {
        if value < 1000.0 {
            return if value < 10.0 { format!("{value:.1} {unit}") } else { format!("{} {unit}", value.ceil()) };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}
