//! The script of one conversation: every frame it will send, planned in whole when it starts and then played one frame
//! at a time among the others'.
//!
//! Planning ahead keeps each protocol's file a straight story (question, answer, handshake, hello), and leaves one
//! small player for all of them. Scripts keep their buffers from one conversation to the next.

use std::ops::Range;

use crate::model::{Kind, Proto};

use super::frame::Path;

/// Octets in [`Script::octets`].
pub(super) type Span = Range<u32>;

/// What a frame is, for the statistics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// May hold a name: DNS, hello, Initial, request.
    Name,
    /// Handshakes, acknowledgements and the like.
    Control,
    /// Data that nobody reads.
    Bulk,
    /// A DNS message broken on purpose.
    Damaged,
}

/// How long after the frame before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pause {
    /// Right behind it, as the rest of a burst.
    Burst,
    /// A turn of the conversation: the profile's mean gap, give or take half.
    Turn,
    /// A retransmission: at least 200 milliseconds.
    Timeout,
}

/// The payload of a frame.
#[derive(Clone, Debug)]
pub(super) enum Data {
    Empty,
    /// As planned.
    Octets(Span),
    /// A planned start, then random octets.
    Random {
        head: Span,
        len: u16,
    },
}

/// Data that nobody reads, made up when its turn comes.
#[derive(Clone, Debug)]
pub(super) enum Bulk {
    /// TLS application data, mostly from the server.
    Tls,
    /// The body of an HTTP response: this many full segments, acknowledged.
    Body,
    /// A TCP connection that nobody could name, in both directions.
    Tcp,
    /// QUIC short-header packets, whose starts are given for the client's and the server's.
    Quic { up: Span, down: Span },
    /// UDP datagrams in both directions that start with these octets.
    Udp { head: Span },
}

/// What is sent.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// A segment that starts `back` octets before the next sequence number, which then moves on by `advance`.
    Tcp {
        flags: u8,
        back: i32,
        advance: u32,
        data: Data,
    },
    Udp(Data),
    /// A fragment of a UDP segment.
    Fragment {
        octets: Span,
        offset: u16,
        more: bool,
        id: u16,
    },
    Bulk {
        kind: Bulk,
        frames: u32,
    },
    /// Some other protocol over IP.
    Ip {
        protocol: u8,
        octets: Span,
    },
    /// No IP at all.
    Ethernet {
        ethertype: u16,
        octets: Span,
    },
}

/// One step: a frame, or a run of bulk frames.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) leg: u8,
    /// From the client to the server.
    pub(super) up: bool,
    pub(super) role: Role,
    pub(super) pause: Pause,
    pub(super) act: Act,
}

/// A name that has been sent whole once the step before `after` has been played.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) after: usize,
    pub(super) leg: u8,
    pub(super) proto: Proto,
    pub(super) kind: Kind,
    pub(super) how: &'static str,
    pub(super) listed: bool,
    /// In [`Script::text`].
    pub(super) name: Range<usize>,
    /// CNAME targets in [`Script::text`], a space after each.
    pub(super) cname: Range<usize>,
}

/// A conversation, planned.
#[derive(Default)]
pub(super) struct Script {
    pub(super) legs: Vec<Path>,
    pub(super) steps: Vec<Step>,
    pub(super) octets: Vec<u8>,
    pub(super) text: String,
    pub(super) notes: Vec<Note>,
    /// The step that comes next, the bulk frames of it that are left, and the note that comes next.
    pub(super) at: usize,
    pub(super) bulk_left: u32,
    pub(super) note_at: usize,
    /// Segments that are left of the TLS record that the server is sending.
    pub(super) record_left: u32,
}

impl Script {
    /// Forgets the conversation, but keeps the buffers.
    pub(super) fn clear(&mut self) {
        self.legs.clear();
        self.steps.clear();
        self.octets.clear();
        self.text.clear();
        self.notes.clear();
        (self.at, self.bulk_left, self.note_at, self.record_left) = (0, 0, 0, 0);
    }

    /// Keeps octets for later steps.
    pub(super) fn keep(&mut self, octets: &[u8]) -> Span {
        let start = self.octets.len();
        self.octets.extend_from_slice(octets);
        self.since(start)
    }

    /// What was added to [`Script::octets`] since it had this length.
    pub(super) fn since(&self, start: usize) -> Span {
        start as u32..self.octets.len() as u32
    }

    /// Adds a step.
    pub(super) fn step(&mut self, leg: u8, up: bool, role: Role, pause: Pause, act: Act) {
        self.steps.push(Step { leg, up, role, pause, act });
    }

    /// Adds a UDP datagram that may hold a name.
    pub(super) fn datagram(&mut self, leg: u8, up: bool, pause: Pause, octets: Span) {
        self.step(leg, up, Role::Name, pause, Act::Udp(Data::Octets(octets)));
    }

    /// Notes that the steps so far have sent this name whole.
    pub(super) fn note(&mut self, leg: u8, proto: Proto, kind: Kind, how: &'static str, name: &str, listed: bool) {
        let start = self.text.len();
        self.text.push_str(name);
        let end = self.text.len();
        let after = self.steps.len();
        self.notes.push(Note { after, leg, proto, kind, how, listed, name: start..end, cname: end..end });
    }

    /// Adds a CNAME target to the last note.
    pub(super) fn note_cname(&mut self, target: &str) {
        self.text.push_str(target);
        self.text.push(' ');
        if let Some(note) = self.notes.last_mut() {
            note.cname.end = self.text.len();
        }
    }
}

/// The octets of a span.
pub(super) fn slice<'a>(octets: &'a [u8], span: &Span) -> &'a [u8] {
    &octets[span.start as usize..span.end as usize]
}
