//! One interface as one worker reads it: through the ring where that can be, else through libpcap.
//!
//! Which one serves an interface depends only on what the interface is and what the kernel can do, never on the moment:
//! all workers of an interface come to the same answer, and no packet is read twice. libpcap reads an interface for one
//! worker only, so behind it the other workers of that interface have nothing to do.

use std::time::Duration;

use super::live::{LinkWatch, LiveConfig, LiveSource, OpenSource};
#[cfg(feature = "xdp")]
use super::ring::xdp::{XdpConfig, XdpSource};
use super::ring::{RingConfig, RingSource};
use super::{CaptureError, CaptureStats, Frame, PacketSource, Poll};

/// What reads an interface.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Backend {
    /// The ring; libpcap for what the ring cannot read.
    #[default]
    Auto,
    /// The ring or nothing.
    Ring,
    /// libpcap.
    Pcap,
    /// AF_XDP or nothing. Needs the feature `xdp`.
    Xdp,
}

impl Backend {
    /// Whether this program was built with AF_XDP.
    pub const HAS_XDP: bool = cfg!(feature = "xdp");
}

/// How one worker reads its interface.
#[derive(Clone, Debug)]
pub struct InputConfig {
    /// Which backend is wanted.
    pub backend: Backend,
    /// The settings of the ring; those of libpcap are among them.
    pub ring: RingConfig,
    /// Whether this worker is the one that reads the interface where libpcap serves it.
    pub first: bool,
    /// The settings of AF_XDP, and which queue is this worker's.
    #[cfg(feature = "xdp")]
    pub xdp: XdpConfig,
}

/// An open interface.
pub enum InputSource {
    /// Through the ring.
    Ring(Box<RingSource>),
    /// Through libpcap; `why` the ring cannot, if it was wanted.
    Pcap {
        /// The source.
        source: Box<LiveSource>,
        /// What the ring said.
        why: Option<String>,
    },
    /// One receive queue through AF_XDP.
    #[cfg(feature = "xdp")]
    Xdp(Box<XdpSource>),
    /// Another worker reads the interface.
    Unused(Unused),
}

impl InputSource {
    /// Whether frames come out of the ring.
    pub fn is_ring(&self) -> bool {
        matches!(self, InputSource::Ring(_))
    }

    /// How many frames, or parts of one, wait to be read: of a source whose frames are stamped when they are read, so
    /// that their time does not tell when they came.
    pub fn waiting(&mut self) -> Option<usize> {
        match self {
            #[cfg(feature = "xdp")]
            InputSource::Xdp(source) => Some(source.waiting()),
            _ => None,
        }
    }

    /// Why libpcap is used although the ring was wanted.
    pub fn why_not_ring(&self) -> Option<&str> {
        match self {
            InputSource::Pcap { why, .. } => why.as_deref(),
            _ => None,
        }
    }
}

/// Gives no frames, and ends with its interface.
pub struct Unused {
    interface: String,
    timeout: Duration,
    watch: Option<LinkWatch>,
}

impl Unused {
    fn open(config: &LiveConfig) -> Result<Self, CaptureError> {
        let interface = config.interface.clone();
        let watch = if interface == LiveConfig::ANY { None } else { Some(LinkWatch::new(&interface)?) };
        Ok(Unused { interface, timeout: config.timeout, watch })
    }

    fn poll(&mut self) -> Result<Poll, CaptureError> {
        std::thread::sleep(self.timeout);
        match self.watch.as_mut().and_then(LinkWatch::check) {
            None => Ok(Poll::Idle),
            Some(trouble) => Err(CaptureError::InterfaceGone {
                interface: self.interface.clone(),
                reason: trouble.words().to_owned(),
            }),
        }
    }
}

impl InputConfig {
    fn pcap(&self, why: Option<String>) -> Result<InputSource, CaptureError> {
        if !self.first {
            return Unused::open(&self.ring.live).map(InputSource::Unused);
        }
        let source = Box::new(LiveSource::open(&self.ring.live)?);
        Ok(InputSource::Pcap { source, why })
    }

    #[cfg(feature = "xdp")]
    fn xdp(&self, lost: Option<InputSource>, left: &mut Option<InputSource>) -> Result<InputSource, CaptureError> {
        let mut source = match lost {
            Some(InputSource::Xdp(source)) => Some(*source),
            _ => None,
        };
        let opened = self.xdp.reopen(&mut source);
        *left = source.map(|source| InputSource::Xdp(Box::new(source)));
        opened.map(|source| InputSource::Xdp(Box::new(source)))
    }

    #[cfg(not(feature = "xdp"))]
    fn xdp(&self, _lost: Option<InputSource>, _left: &mut Option<InputSource>) -> Result<InputSource, CaptureError> {
        let reason = "this program was built without the feature `xdp`".to_owned();
        Err(CaptureError::XdpUnfit { interface: self.ring.live.interface.clone(), reason })
    }

    fn or_pcap(&self, opened: Result<RingSource, CaptureError>) -> Result<InputSource, CaptureError> {
        match opened {
            Ok(source) => Ok(InputSource::Ring(Box::new(source))),
            Err(CaptureError::RingUnfit { reason, .. }) if self.backend == Backend::Auto => self.pcap(Some(reason)),
            Err(error) => Err(error),
        }
    }
}

impl OpenSource for InputConfig {
    type Source = InputSource;

    fn open(&self) -> Result<InputSource, CaptureError> {
        match self.backend {
            Backend::Pcap => self.pcap(None),
            Backend::Xdp => self.xdp(None, &mut None),
            Backend::Auto | Backend::Ring => self.or_pcap(self.ring.open()),
        }
    }

    fn reopen(&self, lost: &mut Option<InputSource>) -> Result<InputSource, CaptureError> {
        if self.backend == Backend::Xdp {
            return self.xdp(lost.take(), lost);
        }
        let Some(InputSource::Ring(source)) = lost.take() else { return self.open() };
        let mut ring = Some(*source);
        let opened = self.ring.reopen(&mut ring);
        // What was not needed yet may be at the next try.
        *lost = ring.map(|source| InputSource::Ring(Box::new(source)));
        self.or_pcap(opened)
    }

    fn timeout(&self) -> Duration {
        self.ring.live.timeout
    }
}

impl PacketSource for InputSource {
    fn poll_batches(&mut self, max: usize, visit: &mut dyn FnMut(&[Frame<'_>])) -> Result<Poll, CaptureError> {
        match self {
            InputSource::Ring(source) => source.poll_batches(max, visit),
            InputSource::Pcap { source, .. } => source.poll_batches(max, visit),
            #[cfg(feature = "xdp")]
            InputSource::Xdp(source) => source.poll_batches(max, visit),
            InputSource::Unused(unused) => unused.poll(),
        }
    }

    fn stats(&mut self) -> CaptureStats {
        match self {
            InputSource::Ring(source) => source.stats(),
            InputSource::Pcap { source, .. } => source.stats(),
            #[cfg(feature = "xdp")]
            InputSource::Xdp(source) => source.stats(),
            InputSource::Unused(_) => CaptureStats::default(),
        }
    }
}
