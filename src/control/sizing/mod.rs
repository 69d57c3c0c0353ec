//! How large a sensor must be: packets a second, cores, memory and disk, for four ways to bring the traffic in.
//!
//! Plain arithmetic on a table of [`Term`]s. Each result knows the terms that it used, so that a report can say which
//! of them nobody measured.

mod links;
mod terms;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use links::Links;
pub use terms::{Basis, Term, Terms};

/// A provider's network.
#[derive(Clone, Debug)]
pub struct Network {
    /// Lines, not people.
    pub subscribers: u32,
    /// The links that are watched, each in both directions.
    pub links: Links,
    /// Downstream traffic of a subscriber in the busy hour, in Mbit/s; without it, the links' utilisation tells the traffic.
    pub busy_hour_mbps: Option<f64>,
}

/// A way to bring the traffic in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deployment {
    /// Taps on all links, both directions.
    All,
    /// The same through a packet broker that drops what cannot hold a name.
    Broker,
    /// Upstream traffic, and of downstream traffic the DNS answers.
    Upstream,
    /// No packets: the provider's own resolvers tell what they were asked.
    Dnstap,
}

impl Deployment {
    /// All of them, from the most traffic to the least.
    pub const ALL: [Deployment; 4] = [Deployment::All, Deployment::Broker, Deployment::Upstream, Deployment::Dnstap];

    /// For programs.
    pub const fn key(self) -> &'static str {
        match self {
            Deployment::All => "all-traffic",
            Deployment::Broker => "filtering-broker",
            Deployment::Upstream => "upstream-and-dns-answers",
            Deployment::Dnstap => "dnstap",
        }
    }

    /// For people.
    pub const fn title(self) -> &'static str {
        match self {
            Deployment::All => "all traffic",
            Deployment::Broker => "behind a broker that filters",
            Deployment::Upstream => "upstream and DNS answers",
            Deployment::Dnstap => "dnstap only",
        }
    }

    /// What whoever spreads the traffic over several sensors, or over several workers of one, must keep together.
    pub const fn hash_requirement(self) -> &'static str {
        match self {
            Deployment::All | Deployment::Broker => {
                "hash on the subscriber's address alone (inner, behind tags and tunnels; source upstream, destination \
                 downstream), so that both directions of a flow and the DNS of the same subscriber reach one sensor; a \
                 symmetric hash of addresses and ports keeps flows whole, but separates DNS from them. All fragments of a \
                 datagram go with its first"
            }
            Deployment::Upstream => {
                "hash on the subscriber's address alone: source upstream, destination of the DNS answers, so that \
                 questions, answers and hellos of the same subscriber reach one sensor"
            }
            Deployment::Dnstap => {
                "none: each resolver sends whole questions and answers; give each resolver one sensor"
            }
        }
    }

    /// What it can see and what not.
    pub const fn sees(self) -> &'static str {
        match self {
            Deployment::All => "DNS, TLS, QUIC and HTTP names, and what became of a connection",
            Deployment::Broker => "DNS, TLS, QUIC and HTTP names, as far as the broker's filter knows them",
            Deployment::Upstream => "DNS, TLS, QUIC and HTTP names; not whether a site answered",
            Deployment::Dnstap => "DNS names asked of the provider's own resolvers, encrypted or not; nothing else",
        }
    }
}

/// The traffic of the busy hour.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Traffic {
    /// Bits a second downstream.
    pub down_bits: f64,
    /// Bits a second upstream.
    pub up_bits: f64,
    /// Packets a second downstream.
    pub down_packets: f64,
    /// Packets a second upstream.
    pub up_packets: f64,
}

/// What one deployment takes.
#[derive(Clone, PartialEq, Debug)]
pub struct Need {
    /// Which one.
    pub deployment: Deployment,
    /// Bits a second that reach the sensors in the busy hour.
    pub bits: f64,
    /// Packets a second, or for dnstap messages.
    pub packets: f64,
    /// Packets (or messages) a second among them that hold a name.
    pub name_packets: f64,
    /// Workers, each a core.
    pub workers: u64,
    /// Cores: the workers, and one for findings, outputs and reloads.
    pub cores: u64,
    /// What `[limits] flows` should be for each worker; 0 if there are no flows.
    pub flows_per_worker: u64,
    /// Octets of memory.
    pub memory: f64,
    /// Octets of events a day, if no two visits share a finding.
    pub disk_per_day: f64,
    /// The terms that nobody measured and that these figures rest on.
    pub unmeasured: Vec<Term>,
}

/// The answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// The traffic that was reckoned with.
    pub traffic: Traffic,
    /// One for each deployment, in the order of [`Deployment::ALL`].
    pub needs: Vec<Need>,
    /// What does not fit together in what was asked.
    pub notes: Vec<String>,
}

/// The values, and an account of which were used.
struct Account<'a> {
    terms: &'a Terms,
    used: BTreeSet<Term>,
}

impl Account<'_> {
    fn get(&mut self, term: Term) -> f64 {
        self.used.insert(term);
        self.terms.get(term).0
    }
}

/// Bounds of the setting `[limits] flows`.
const MAX_FLOWS: u64 = 1 << 24;
const MIN_FLOWS: u64 = 1 << 16;

/// Reckons what each deployment takes.
///
/// # Errors
///
/// If the subscribers need more than the links carry: then one of the two is wrong, and every figure with it.
pub fn plan(network: &Network, terms: &Terms) -> Result<Plan, String> {
    let mut account = Account { terms, used: BTreeSet::new() };
    let traffic = traffic(network, &mut account)?;
    let shared = account.used;
    let mut notes = Vec::new();
    let names = names(network, &mut Account { terms, used: BTreeSet::new() });
    let all = traffic.down_packets + traffic.up_packets;
    if names.packets() > all {
        notes.push(format!(
            "So many subscribers send {} packets a second with names, more than the links carry in all ({}): check \
             both, and dns-rate and connection-rate.",
            show(names.packets().round()),
            show(all.round())
        ));
    }
    let per_subscriber = traffic.down_bits / 1e6 / f64::from(network.subscribers);
    if !(0.2..=20.0).contains(&per_subscriber) {
        notes.push(format!(
            "{per_subscriber:.3} Mbit/s downstream a subscriber is unusual for a busy hour (some 1 to 5): are these links \
             all that these subscribers use, and no others'?"
        ));
    }
    let needs = Deployment::ALL
        .map(|deployment| need(deployment, network, &traffic, &mut Account { terms, used: shared.clone() }));
    Ok(Plan { traffic, needs: needs.into(), notes })
}

fn traffic(network: &Network, account: &mut Account<'_>) -> Result<Traffic, String> {
    let capacity = network.links.bits_per_second();
    let down_bits = match network.busy_hour_mbps {
        Some(mbps) => f64::from(network.subscribers) * mbps * 1e6,
        None => capacity * account.get(Term::Utilisation),
    };
    let up_bits = down_bits * account.get(Term::UpstreamShare);
    let busiest = down_bits.max(up_bits);
    if busiest > capacity {
        return Err(format!(
            "{} subscribers need {:.1} Gbit/s in one direction in the busy hour, and {} carry {:.1}",
            network.subscribers,
            busiest / 1e9,
            network.links,
            capacity / 1e9
        ));
    }
    Ok(Traffic {
        down_bits,
        up_bits,
        down_packets: down_bits / 8.0 / account.get(Term::DownstreamPacket),
        up_packets: up_bits / 8.0 / account.get(Term::UpstreamPacket),
    })
}

/// Packets a second that hold a name.
struct Names {
    questions: f64,
    connections: f64,
}

impl Names {
    /// Questions and their answers, and the packets of hellos and requests.
    fn packets(&self) -> f64 {
        2.0 * self.questions + self.connections
    }
}

fn names(network: &Network, account: &mut Account<'_>) -> Names {
    let subscribers = f64::from(network.subscribers);
    Names {
        questions: subscribers * account.get(Term::DnsRate),
        connections: subscribers * account.get(Term::ConnectionRate) * account.get(Term::NamePackets),
    }
}

fn need(deployment: Deployment, network: &Network, traffic: &Traffic, account: &mut Account<'_>) -> Need {
    let all_packets = traffic.down_packets + traffic.up_packets;
    let all_bits = traffic.down_bits + traffic.up_bits;
    let names = names(network, account);
    let (packets, bits) = match deployment {
        Deployment::All => (all_packets, all_bits),
        Deployment::Broker => {
            let passed = (all_packets * account.get(Term::BrokerPass)).max(names.packets()).min(all_packets);
            (passed, (passed * account.get(Term::NamePacket) * 8.0).min(all_bits))
        }
        Deployment::Upstream => {
            let answers = names.questions.min(traffic.down_packets);
            (traffic.up_packets + answers, traffic.up_bits + answers * account.get(Term::NamePacket) * 8.0)
        }
        Deployment::Dnstap => {
            // What the links carry does not matter to it.
            account.used.clear();
            let rate = f64::from(network.subscribers) * account.get(Term::DnsRate);
            let load = Load::of_messages(rate * account.get(Term::DnstapMessages), account);
            return finish(deployment, network, load, account);
        }
    };
    let name_packets = names.packets().min(packets);
    let delivery = account.get(Term::KernelNs) + account.get(Term::RingNs);
    let busy_ns = packets * delivery
        + (packets - name_packets) * account.get(Term::PacketNs)
        + name_packets * account.get(Term::NameNs);
    finish(deployment, network, Load { bits, packets, name_packets, busy: busy_ns / 1e9 }, account)
}

/// What reaches the sensors in a second.
struct Load {
    bits: f64,
    packets: f64,
    name_packets: f64,
    /// Seconds of a core that it takes.
    busy: f64,
}

impl Load {
    fn of_messages(messages: f64, account: &mut Account<'_>) -> Load {
        Load {
            bits: messages * account.get(Term::NamePacket) * 8.0,
            packets: messages,
            name_packets: messages,
            busy: messages * account.get(Term::DnstapNs) / 1e9,
        }
    }
}

/// Workers, memory and disk for a load.
fn finish(deployment: Deployment, network: &Network, load: Load, account: &mut Account<'_>) -> Need {
    let filled = load.busy / account.get(Term::CoreLoad);
    let workers = if filled <= 1.0 { 1.0 } else { (filled / account.get(Term::WorkerEfficiency)).ceil() };
    let subscribers = f64::from(network.subscribers);
    let mut of_workers = 0.0;
    let mut flows = 0;
    if deployment != Deployment::Dnstap {
        // Behind a broker, only flows that begin with a name show up.
        let rate = if deployment == Deployment::Broker { Term::ConnectionRate } else { Term::FlowRate };
        let held = subscribers * account.get(rate) * account.get(Term::FlowSeconds);
        flows = ((held / workers).ceil() as u64).next_power_of_two().clamp(MIN_FLOWS, MAX_FLOWS);
        // Twice as many as are held is the most that rounding up to a power of two makes of them.
        let places = (2.0 * held).clamp(workers * MIN_FLOWS as f64, workers * MAX_FLOWS as f64);
        let buffers = [Term::StreamMemory, Term::QuicMemory, Term::FragmentMemory, Term::CaptureMemory];
        of_workers = places * account.get(Term::FlowOctets)
            + workers * buffers.map(|term| account.get(term)).iter().sum::<f64>();
    }
    let memory = of_workers
        + account.get(Term::BaseMemory)
        + account.get(Term::Rules) * account.get(Term::RuleOctets) * account.get(Term::RuleCopies)
        + account.get(Term::OpenFindings) * account.get(Term::FindingOctets)
        + account.get(Term::QueueMemory);
    let findings = if deployment == Deployment::Dnstap { 1.0 } else { account.get(Term::FindingsPerVisit) };
    let disk_per_day = subscribers
        * account.get(Term::ListedVisits)
        * findings
        * account.get(Term::EventsPerFinding)
        * account.get(Term::EventOctets);
    let unmeasured = account.used.iter().copied().filter(|term| account.terms.get(*term).1.is_unmeasured()).collect();
    Need {
        deployment,
        bits: load.bits,
        packets: load.packets,
        name_packets: load.name_packets,
        workers: workers as u64,
        cores: workers as u64 + 1,
        flows_per_worker: flows,
        memory,
        disk_per_day,
        unmeasured,
    }
}

/// A number for people: whole ones with commas, others with what they have.
pub fn show(value: f64) -> String {
    if value.fract() != 0.0 || value.abs() >= 1e15 {
        return value.to_string();
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        let left = digits.len() - i;
        if i > 0 && left.is_multiple_of(3) && digits.as_bytes()[i - 1] != b'-' {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
