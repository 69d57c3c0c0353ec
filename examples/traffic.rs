//! Writes invented traffic to a capture file, and a list of invented blocked names to look for in it.
//!
//! ```text
//! cargo run --release --example traffic -- provider|names PACKETS SEED OUT.pcap OUT.list [RULES]
//! ```
//!
//! The list holds RULES names (500,000 unless told otherwise), of which the traffic visits some thousand. What was sent
//! is told on standard output as `key value` lines. `tools/bench.sh` uses this.

#![expect(clippy::print_stdout, reason = "it tells what it did")]

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use stakeout::model::Timestamp;
use stakeout::traffic::{Generator, Profile, write_pcap};

const USAGE: &str = "usage: traffic provider|names PACKETS SEED OUT.pcap OUT.list [RULES]";
/// Every so many names of the list may be visited: the others are there to make it as long as a real one.
const VISITED_EVERY: usize = 100;

const FIRST: [&str; 20] = [
    "lucky", "royal", "mega", "spin", "gold", "joker", "star", "vip", "turbo", "happy", "red", "black", "super",
    "fast", "magic", "wild", "king", "neo", "max", "prime",
];
const SECOND: [&str; 10] = ["casino", "bet", "slots", "poker", "win", "play", "jackpot", "odds", "roulette", "stake"];
const ENDINGS: [&str; 5] = ["example", "example", "test", "com.example", "invalid"];

/// The name at this place of the list: number families, as most of a published list are.
fn listed(at: usize) -> String {
    let (first, rest) = (FIRST[at % FIRST.len()], at / FIRST.len());
    let (second, number) = (SECOND[rest % SECOND.len()], rest / SECOND.len());
    format!("{first}-{second}{number}.{}", ENDINGS[at % ENDINGS.len()])
}

fn run(arguments: &[String]) -> Result<(), String> {
    let (what, rules) = match arguments {
        [what @ .., rules] if what.len() == 5 => (what, number(rules)? as usize),
        what => (what, 500_000),
    };
    let [profile, packets, seed, capture, list] = what else { return Err(USAGE.to_owned()) };
    let profile = match profile.as_str() {
        "provider" => Profile::provider(),
        "names" => Profile::names(),
        other => return Err(format!("{other}: no such traffic\n{USAGE}")),
    };
    write_list(list, rules).map_err(|error| format!("{list}: {error}"))?;
    let visited = (0..rules).step_by(VISITED_EVERY).map(listed).collect();
    let start = Timestamp::from_parts(1_795_521_600, 0);
    let mut generator = Generator::new(profile.frames(number(packets)?), number(seed)?, visited, start);
    let stats = File::create(capture)
        .and_then(|file| write_pcap(&mut generator, BufWriter::with_capacity(1 << 20, file), true))
        .map_err(|error| format!("{capture}: {error}"))?;
    println!("packets {}", stats.frames);
    println!("octets {}", stats.octets);
    println!("names {}", stats.names);
    println!("visits {}", stats.listed_visits);
    Ok(())
}

fn write_list(path: &str, rules: usize) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    for at in 0..rules {
        writeln!(out, "{}", listed(at))?;
    }
    out.flush()
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text}: not a number\n{USAGE}"))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(io::stderr(), "{why}");
            ExitCode::from(2)
        }
    }
}
