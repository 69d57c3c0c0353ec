//! What every TCP conversation needs: opening, sending in segments, closing.

use crate::traffic::frame::flag;
use crate::traffic::plan::Plan;
use crate::traffic::script::{Act, Data, Pause, Role, Span};

/// How a connection ends.
const ENDINGS: [(u32, Ending); 4] =
    [(70, Ending::Fin), (12, Ending::ServerFin), (10, Ending::Reset), (8, Ending::Silence)];

#[derive(Clone, Copy)]
enum Ending {
    Fin,
    ServerFin,
    Reset,
    Silence,
}

impl Plan<'_> {
    /// The three-way handshake, in profiles that have such frames.
    pub(super) fn tcp_open(&mut self, leg: u8) {
        if self.profile.is_whole() {
            self.tcp_syn(leg, true, Data::Empty, 0);
            self.tcp_syn(leg, false, Data::Empty, 0);
            self.tcp_ack(leg, true);
        }
    }

    /// A SYN, or the server's SYN and ACK, with this many octets of data.
    pub(super) fn tcp_syn(&mut self, leg: u8, up: bool, data: Data, len: u32) {
        let flags = flag::SYN | if up { 0 } else { flag::ACK };
        let role = if len > 0 { Role::Name } else { Role::Control };
        self.script.step(leg, up, role, Pause::Turn, Act::Tcp { flags, back: 0, advance: 1 + len, data });
    }

    /// An acknowledgement without data, in profiles that have such frames.
    pub(super) fn tcp_ack(&mut self, leg: u8, up: bool) {
        if self.profile.is_whole() {
            self.tcp_bare(leg, up, flag::ACK, 0);
        }
    }

    fn tcp_bare(&mut self, leg: u8, up: bool, flags: u8, advance: u32) {
        let act = Act::Tcp { flags, back: 0, advance, data: Data::Empty };
        self.script.step(leg, up, Role::Control, Pause::Turn, act);
    }

    /// One segment with these octets, next in the stream.
    pub(super) fn tcp_data(&mut self, leg: u8, up: bool, role: Role, pause: Pause, octets: Span) {
        let advance = octets.end - octets.start;
        let act = Act::Tcp { flags: flag::ACK | flag::PSH, back: 0, advance, data: Data::Octets(octets) };
        self.script.step(leg, up, role, pause, act);
    }

    /// One segment that lies `back` octets before the next of the stream (or ahead, if negative), moving on by `advance`.
    pub(super) fn tcp_piece(&mut self, leg: u8, pause: Pause, octets: Span, back: i32, advance: u32) {
        let act = Act::Tcp { flags: flag::ACK | flag::PSH, back, advance, data: Data::Octets(octets) };
        self.script.step(leg, true, Role::Name, pause, act);
    }

    /// Octets in as many segments as they need, in order, as one burst.
    pub(super) fn tcp_send(&mut self, leg: u8, up: bool, role: Role, octets: Span) {
        let room = self.path(leg).segment_room() as u32;
        let (mut at, mut pause) = (octets.start, Pause::Turn);
        while at < octets.end {
            let end = octets.end.min(at + room);
            self.tcp_data(leg, up, role, pause, at..end);
            (at, pause) = (end, Pause::Burst);
        }
    }

    /// One segment that starts with these octets and goes on at random.
    pub(super) fn tcp_random(&mut self, leg: u8, up: bool, role: Role, head: Span, len: usize) {
        let advance = head.end - head.start + len as u32;
        let data = Data::Random { head, len: len as u16 };
        let act = Act::Tcp { flags: flag::ACK | flag::PSH, back: 0, advance, data };
        self.script.step(leg, up, role, Pause::Turn, act);
    }

    /// The end of the connection, in one of the ways that occur; nothing in profiles without such frames.
    pub(super) fn tcp_close(&mut self, leg: u8) {
        if !self.profile.is_whole() {
            return;
        }
        match self.rng.weighted(&ENDINGS) {
            Ending::Fin => self.tcp_fins(leg, true),
            Ending::ServerFin => self.tcp_fins(leg, false),
            Ending::Reset => self.tcp_bare(leg, true, flag::RST | flag::ACK, 0),
            Ending::Silence => {}
        }
    }

    fn tcp_fins(&mut self, leg: u8, up: bool) {
        self.tcp_bare(leg, up, flag::FIN | flag::ACK, 1);
        self.tcp_bare(leg, !up, flag::FIN | flag::ACK, 1);
        self.tcp_bare(leg, up, flag::ACK, 0);
    }
}
