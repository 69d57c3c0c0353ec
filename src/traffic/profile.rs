//! What kind of traffic to make, and how much of it.

/// A mix of traffic. Start from one of the three named mixes and change what matters.
#[derive(Clone, PartialEq, Debug)]
pub struct Profile {
    pub(super) subscribers: u32,
    /// Conversations that are going on at any time: together with `gap_ns`, the packet rate.
    pub(super) live: usize,
    /// Mean time between two frames of one conversation.
    pub(super) gap_ns: u64,
    /// Mean number of bulk frames of a conversation that has any; 0 leaves handshakes, bulk and noise out.
    pub(super) bulk: u32,
    pub(super) listed_share: f64,
    /// Share of frames that the mirror delivers twice.
    pub(super) mirrored_share: f64,
    /// Share of questions that are the provider's resolver's own.
    pub(super) upstream_share: f64,
    /// No new conversation after so many frames, or so much time.
    pub(super) frames: u64,
    pub(super) length_ns: u64,
}

impl Profile {
    /// A mix like that of a provider's link at about a million packets a second: bulk data, of which some 3 % of the
    /// frames may hold a name, and a mean frame of some 800 octets. Endless until [`Profile::frames`] is set.
    pub const fn provider() -> Self {
        Profile {
            subscribers: 50_000,
            live: 2_048,
            gap_ns: 2_000_000,
            bulk: 205,
            listed_share: 0.01,
            mirrored_share: 0.002,
            upstream_share: 0.01,
            frames: u64::MAX,
            length_ns: u64::MAX,
        }
    }

    /// Only what holds names: DNS messages, hellos, Initials and requests, without handshakes or bulk, as if something
    /// in front had dropped the rest. Endless until [`Profile::frames`] is set.
    pub const fn names() -> Self {
        Profile { bulk: 0, live: 1_024, mirrored_share: 0.001, ..Profile::provider() }
    }

    /// A minute of a small provider, a few of whose subscribers gamble: some 80,000 frames spread over 60 seconds.
    pub const fn demo() -> Self {
        Profile {
            subscribers: 400,
            live: 96,
            gap_ns: 66_000_000,
            bulk: 45,
            listed_share: 0.04,
            upstream_share: 0.0,
            // The conversations that are open at the end still need a few seconds.
            length_ns: 54_000_000_000,
            ..Profile::provider()
        }
    }

    /// Opens no new conversation after this many frames. Those that are open are then brought to their end without
    /// their bulk, so that every name that was begun is sent whole; a few per cent more frames come of it.
    #[must_use]
    pub fn frames(mut self, frames: u64) -> Self {
        self.frames = frames;
        self.live = self.live.min((frames / 64).max(4) as usize);
        self
    }

    /// Opens no new conversation after this many nanoseconds of packet time.
    #[must_use]
    pub fn length_ns(mut self, length: u64) -> Self {
        self.length_ns = length;
        self
    }

    /// The number of subscribers, at most two million; 0 is taken as 1.
    #[must_use]
    pub fn subscribers(mut self, subscribers: u32) -> Self {
        self.subscribers = subscribers.clamp(1, 2_000_000);
        self
    }

    /// The share of visits, 0 to 1, that go to listed names.
    #[must_use]
    pub fn listed_share(mut self, share: f64) -> Self {
        self.listed_share = share;
        self
    }

    /// The share of frames, 0 to 1, that the mirror delivers twice.
    #[must_use]
    pub fn mirrored_share(mut self, share: f64) -> Self {
        self.mirrored_share = share;
        self
    }

    /// Whether conversations have handshakes, bulk and noise around their names.
    pub(super) const fn is_whole(&self) -> bool {
        self.bulk > 0
    }
}
