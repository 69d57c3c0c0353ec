//! Invented traffic of an invented provider, for the demo, the tests and the benches.
//!
//! A [`Generator`] plays some thousand conversations at once, as a mirror port would show them: subscribers look names
//! up, open TLS and QUIC connections and ask for pages, download and call each other, through VLANs, PPPoE, MPLS and
//! tunnels. Names come in every way that is known to trouble an observer ([`WAYS`]), and [`Truth`] says which names
//! were sent, so that a test can ask for exactly these.
//!
//! The same profile, seed and list give the same octets, on every machine. Memory does not grow with the length: one
//! frame is made at a time.
//!
//! - `profile`: what kind of traffic, how much of it
//! - `names`, `rng`: whom to visit, by chance
//! - `plan`, `flows/`: one conversation planned in whole, as a `script`
//! - `play`, `frame`, `wrap`, `dns`: the script's next step as octets
//! - `pcap`: the traffic as a capture file
//! - [`dnstap`]: what a resolver would tell
//!
//! All addresses are from blocks for documentation, benchmarking and shared address space, and all names are either
//! the caller's or under reserved top-level domains.

mod dns;
pub mod dnstap;
mod flows;
mod frame;
mod names;
mod pcap;
mod plan;
mod play;
mod profile;
mod rng;
mod script;
#[cfg(test)]
mod tests;
mod wrap;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::model::{DomainName, Endpoint, Kind, Proto, Timestamp};

pub use flows::WAYS;
pub use pcap::write_pcap;
pub use profile::Profile;

use names::Names;
use plan::Plan;
use play::Stage;
use rng::Rng;
use script::{Role, Script};

/// A name that was sent whole: what a perfect observer reports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Truth {
    /// When its last frame was sent.
    pub ts: Timestamp,
    /// By which protocol.
    pub proto: Proto,
    /// By what kind of message.
    pub kind: Kind,
    /// The QNAME, SNI or Host.
    pub name: DomainName,
    /// CNAME targets of a DNS answer, in order.
    pub cname: Vec<DomainName>,
    /// The side that asked or opened.
    pub client: Endpoint,
    /// The other side.
    pub server: Endpoint,
    /// `name` is under one of the listed names. (A CNAME target may be, even if this is false.)
    pub listed: bool,
    /// How it was sent: one of [`WAYS`].
    pub how: &'static str,
}

/// What was sent so far.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Stats {
    /// All frames, with those that the mirror delivered twice.
    pub frames: u64,
    /// Octets of those frames.
    pub octets: u64,
    /// Frames that may hold a name: DNS messages, pieces of hellos, Initials, requests.
    pub name_frames: u64,
    /// Frames that the mirror delivered a second time.
    pub mirrored: u64,
    /// DNS messages that were broken on purpose.
    pub damaged: u64,
    /// Names sent: as many as there are [`Truth`]s.
    pub names: u64,
    /// Visits to listed names: names in queries, hellos and requests.
    pub listed_visits: u64,
}

/// How many random octets there are for payloads; a prime, so that no pattern of offsets repeats soon.
const POOL: usize = 65_521;
/// A second delivery comes within a millisecond.
const MIRROR_DELAY_NS: usize = 900_000;

/// Makes invented traffic, one frame at a time.
pub struct Generator {
    profile: Profile,
    rng: Rng,
    names: Names,
    pool: Vec<u8>,
    start: Timestamp,
    scripts: Vec<Script>,
    /// When which script's next frame is due, in nanoseconds after the start.
    agenda: BinaryHeap<Reverse<(u64, u32)>>,
    /// Frames that are to be delivered again, with the time; and buffers for them.
    mirror: Vec<(u64, Vec<u8>)>,
    spare: Vec<Vec<u8>>,
    serial: u32,
    ended: bool,
    stats: Stats,
    truth: Option<Vec<Truth>>,
}

impl Generator {
    /// Starts traffic at a point in packet time. `listed` are the names that the profile's share of visits goes to;
    /// those that not every protocol can carry are left out.
    pub fn new(profile: Profile, seed: u64, listed: Vec<String>, start: Timestamp) -> Self {
        let mut rng = Rng::new(seed);
        let mut pool = Vec::with_capacity(POOL);
        rng.fill(&mut pool, POOL);
        let names = Names::new(listed, profile.listed_share);
        let live = profile.live;
        let mut generator = Generator {
            profile,
            rng,
            names,
            pool,
            start,
            scripts: Vec::new(),
            agenda: BinaryHeap::with_capacity(live),
            mirror: Vec::new(),
            spare: Vec::new(),
            serial: 0,
            ended: false,
            stats: Stats::default(),
            truth: None,
        };
        for slot in 0..live {
            generator.scripts.push(Script::default());
            let mut plan = generator.plan(slot);
            // Most connections on a link were there before the capture began.
            if plan.profile.is_whole() && plan.rng.chance(0.9) {
                plan.under_way();
            } else {
                plan.conversation();
            }
            let due = generator.rng.below(generator.profile.gap_ns as usize) as u64;
            generator.agenda.push(Reverse((due, slot as u32)));
        }
        generator
    }

    /// Keeps the truth from now on, for [`Generator::take_truth`]: some hundred octets a name.
    #[must_use]
    pub fn with_truth(mut self) -> Self {
        self.truth = Some(Vec::new());
        self
    }

    /// The names that were sent since the last call; none unless [`Generator::with_truth`] asked for them.
    pub fn take_truth(&mut self) -> Vec<Truth> {
        self.truth.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// What was sent so far.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Writes the next frame, from its first MAC address on and without frame check sequence, and tells its time,
    /// which never goes backwards; `None` at the end.
    pub fn next_frame(&mut self, frame: &mut Vec<u8>) -> Option<Timestamp> {
        loop {
            let due = self.agenda.peek().map(|Reverse((due, _))| *due);
            if let Some(ts) = self.mirrored(due, frame) {
                return Some(ts);
            }
            let Reverse((now, slot)) = self.agenda.pop()?;
            self.ended |= self.stats.frames >= self.profile.frames || now >= self.profile.length_ns;
            if let Some(ts) = self.turn(now, slot, frame) {
                return Some(ts);
            }
        }
    }

    /// A frame that the mirror delivers again, if one is due before the time of the next.
    fn mirrored(&mut self, next: Option<u64>, frame: &mut Vec<u8>) -> Option<Timestamp> {
        let (at, due) = self.mirror.iter().enumerate().map(|(at, (due, _))| (at, *due)).min_by_key(|(_, due)| *due)?;
        if next.is_some_and(|next| next < due) {
            return None;
        }
        let (_, mut copy) = self.mirror.swap_remove(at);
        std::mem::swap(frame, &mut copy);
        self.spare.push(copy);
        self.stats.mirrored += 1;
        Some(self.sent(due, frame.len()))
    }

    /// Plays the next frame of a script, and puts the script on the agenda again; `None` if it has come to its end.
    fn turn(&mut self, now: u64, slot: u32, frame: &mut Vec<u8>) -> Option<Timestamp> {
        let script = &mut self.scripts[slot as usize];
        let mut stage =
            Stage { rng: &mut self.rng, pool: &self.pool, milliseconds: (now / 1_000_000) as u32, hurry: self.ended };
        let role = script.play(&mut stage, frame);
        self.tell(now, slot);
        let wait = match self.scripts[slot as usize].wait(&mut self.rng, self.profile.gap_ns) {
            Some(wait) => Some(wait),
            // The conversation is over, and at the end no other takes its place.
            None if self.ended => None,
            None => {
                self.plan(slot as usize).conversation();
                Some(self.rng.below(2 * self.profile.gap_ns as usize) as u64)
            }
        };
        if let Some(wait) = wait {
            self.agenda.push(Reverse((now + wait, slot)));
        }
        role.map(|role| self.count(now, role, frame))
    }

    /// Counts a frame, and has it delivered again if chance will have it.
    fn count(&mut self, now: u64, role: Role, frame: &[u8]) -> Timestamp {
        match role {
            Role::Name => self.stats.name_frames += 1,
            Role::Damaged => self.stats.damaged += 1,
            Role::Control | Role::Bulk => {}
        }
        if self.rng.chance(self.profile.mirrored_share) {
            let mut copy = self.spare.pop().unwrap_or_default();
            copy.clear();
            copy.extend_from_slice(frame);
            let due = now + 1_000 + self.rng.below(MIRROR_DELAY_NS) as u64;
            self.mirror.push((due, copy));
        }
        self.sent(now, frame.len())
    }

    fn sent(&mut self, now: u64, len: usize) -> Timestamp {
        self.stats.frames += 1;
        self.stats.octets += len as u64;
        Timestamp::from_nanos(self.start.as_nanos().saturating_add(now))
    }

    /// Tells the names that have been sent whole by the steps played so far.
    fn tell(&mut self, now: u64, slot: u32) {
        let script = &mut self.scripts[slot as usize];
        while let Some(note) = script.notes.get(script.note_at).filter(|note| note.after <= script.at) {
            script.note_at += 1;
            self.stats.names += 1;
            self.stats.listed_visits += u64::from(note.listed && note.kind.is_visit());
            let Some(truth) = &mut self.truth else { continue };
            let Ok(name) = DomainName::from_text(script.text[note.name.clone()].as_bytes()) else { continue };
            let path = &script.legs[usize::from(note.leg)];
            let targets = script.text[note.cname.clone()].split_terminator(' ');
            truth.push(Truth {
                ts: Timestamp::from_nanos(self.start.as_nanos().saturating_add(now)),
                proto: note.proto,
                kind: note.kind,
                name,
                cname: targets.filter_map(|target| DomainName::from_text(target.as_bytes()).ok()).collect(),
                client: path.client,
                server: path.server,
                listed: note.listed,
                how: note.how,
            });
        }
    }

    fn plan(&mut self, slot: usize) -> Plan<'_> {
        Plan {
            rng: &mut self.rng,
            names: &self.names,
            profile: &self.profile,
            script: &mut self.scripts[slot],
            serial: &mut self.serial,
        }
    }
}
