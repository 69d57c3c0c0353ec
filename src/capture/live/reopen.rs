//! A live source that outlives its interface: it reopens it with growing pauses, and keeps count.

use super::{LiveConfig, LiveSource};
use crate::capture::{CaptureError, CaptureStats, Frame, PacketSource, Poll};
use std::time::{Duration, Instant};

/// The first pause after an outage began.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How to open a source, again and again.
pub trait OpenSource {
    /// What is opened.
    type Source: PacketSource;

    /// Tries to open it.
    ///
    /// # Errors
    /// It cannot be opened now.
    fn open(&self) -> Result<Self::Source, CaptureError>;

    /// Tries to open it again. `lost` is the source that failed, for an implementation that can make it work again and
    /// then takes it out; by default it is given up first.
    ///
    /// # Errors
    /// It cannot be opened now.
    fn reopen(&self, lost: &mut Option<Self::Source>) -> Result<Self::Source, CaptureError> {
        *lost = None;
        self.open()
    }

    /// Longest that a poll may take.
    fn timeout(&self) -> Duration;
}

impl OpenSource for LiveConfig {
    type Source = LiveSource;

    fn open(&self) -> Result<LiveSource, CaptureError> {
        LiveSource::open(self)
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }
}

/// Whether packets can come at present.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkState {
    /// The interface is open.
    Up,
    /// It could not be opened, or was lost; it is tried again.
    Down,
}

/// Wraps a source that may be lost and come back. A call waits no longer than the timeout of the settings; opening,
/// when it is due, takes the few milliseconds in which the kernel makes the buffer.
///
/// [`PacketSource::poll`] never fails here: while the interface is down it waits and says [`Poll::Idle`]; the reason is
/// in [`ReopeningSource::trouble`].
pub struct ReopeningSource<O: OpenSource = LiveConfig> {
    opener: O,
    state: State<O::Source>,
    /// The next pause, should it be lost or fail to open.
    pause: Duration,
    outages: u64,
    /// Counted by sources that are gone, and not yet told.
    carried: CaptureStats,
    trouble: Option<CaptureError>,
}

enum State<S> {
    Up(S),
    Down { retry_at: Instant, lost: Option<S> },
}

impl<O: OpenSource> ReopeningSource<O> {
    /// Opens the source now.
    ///
    /// # Errors
    /// It cannot be opened: for a program that would rather not start than wait.
    pub fn open(opener: O) -> Result<Self, CaptureError> {
        let source = opener.open()?;
        Ok(ReopeningSource { state: State::Up(source), ..Self::waiting(opener) })
    }

    /// Starts down and opens the source at the first poll, for a program that would rather wait. Not an outage.
    pub fn waiting(opener: O) -> Self {
        ReopeningSource {
            opener,
            state: State::Down { retry_at: Instant::now(), lost: None },
            pause: FIRST_PAUSE,
            outages: 0,
            carried: CaptureStats::default(),
            trouble: None,
        }
    }

    /// Whether the source is open.
    pub fn state(&self) -> LinkState {
        match self.state {
            State::Up(_) => LinkState::Up,
            State::Down { .. } => LinkState::Down,
        }
    }

    /// How often an open source was lost.
    pub fn outages(&self) -> u64 {
        self.outages
    }

    /// The source, while it is open.
    pub fn source(&self) -> Option<&O::Source> {
        match &self.state {
            State::Up(source) => Some(source),
            State::Down { .. } => None,
        }
    }

    /// The same, to be asked what changes it.
    pub fn source_mut(&mut self) -> Option<&mut O::Source> {
        match &mut self.state {
            State::Up(source) => Some(source),
            State::Down { .. } => None,
        }
    }

    /// Why it is down; `None` while it is up.
    pub fn trouble(&self) -> Option<&CaptureError> {
        self.trouble.as_ref()
    }

    fn go_down(&mut self, why: CaptureError) {
        let retry_at = Instant::now() + self.pause;
        let lost = match std::mem::replace(&mut self.state, State::Down { retry_at, lost: None }) {
            State::Up(mut source) => {
                self.carried += source.stats();
                self.outages = self.outages.saturating_add(1);
                Some(source)
            }
            State::Down { lost, .. } => lost,
        };
        self.state = State::Down { retry_at, lost };
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.trouble = Some(why);
    }
}

impl<O: OpenSource> PacketSource for ReopeningSource<O> {
    fn poll_batches(&mut self, max: usize, visit: &mut dyn FnMut(&[Frame<'_>])) -> Result<Poll, CaptureError> {
        match &mut self.state {
            State::Up(source) => match source.poll_batches(max, visit) {
                Ok(poll) => {
                    // Only a source that works earns a short pause: one that opens and fails at once does not.
                    self.pause = FIRST_PAUSE;
                    Ok(poll)
                }
                Err(why) => {
                    self.go_down(why);
                    Ok(Poll::Idle)
                }
            },
            State::Down { retry_at, lost } => {
                let left = retry_at.saturating_duration_since(Instant::now());
                if !left.is_zero() {
                    std::thread::sleep(left.min(self.opener.timeout()));
                    return Ok(Poll::Idle);
                }
                match self.opener.reopen(lost) {
                    Ok(source) => {
                        if let Some(lost) = lost {
                            self.carried += lost.stats();
                        }
                        self.state = State::Up(source);
                        self.trouble = None;
                    }
                    Err(why) => self.go_down(why),
                }
                Ok(Poll::Idle)
            }
        }
    }

    fn stats(&mut self) -> CaptureStats {
        let mut sum = std::mem::take(&mut self.carried);
        if let State::Up(source) | State::Down { lost: Some(source), .. } = &mut self.state {
            sum += source.stats();
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::rc::Rc;

    /// What the next polls of all opened sources give: frames, or an error.
    type Script = Rc<RefCell<VecDeque<Result<usize, ()>>>>;

    struct Opener {
        script: Script,
        /// Whether each next try to open works; beyond the end it does.
        opens: Rc<RefCell<VecDeque<bool>>>,
    }

    struct Source {
        script: Script,
        unreported: u64,
    }

    fn gone() -> CaptureError {
        CaptureError::InterfaceGone { interface: "x".into(), reason: "test".into() }
    }

    impl OpenSource for Opener {
        type Source = Source;

        fn open(&self) -> Result<Source, CaptureError> {
            if self.opens.borrow_mut().pop_front().unwrap_or(true) {
                Ok(Source { script: Rc::clone(&self.script), unreported: 0 })
            } else {
                Err(gone())
            }
        }

        fn timeout(&self) -> Duration {
            Duration::from_millis(1)
        }
    }

    impl PacketSource for Source {
        fn poll_batches(&mut self, _: usize, _: &mut dyn FnMut(&[Frame<'_>])) -> Result<Poll, CaptureError> {
            match self.script.borrow_mut().pop_front() {
                Some(Ok(frames)) => {
                    self.unreported += frames as u64;
                    Ok(Poll::Frames(frames))
                }
                Some(Err(())) => Err(gone()),
                None => Ok(Poll::Idle),
            }
        }

        fn stats(&mut self) -> CaptureStats {
            CaptureStats { received: std::mem::take(&mut self.unreported), ..CaptureStats::default() }
        }
    }

    fn opener(script: &[Result<usize, ()>], opens: &[bool]) -> Opener {
        Opener {
            script: Rc::new(RefCell::new(script.iter().copied().collect())),
            opens: Rc::new(RefCell::new(opens.iter().copied().collect())),
        }
    }

    fn poll_until(source: &mut ReopeningSource<Opener>, done: impl Fn(&ReopeningSource<Opener>) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !done(source) {
            assert!(Instant::now() < deadline, "never came to that");
            source.poll(8, &mut |_| {}).expect("a reopening source does not fail");
        }
    }

    #[test]
    fn counts_across_an_outage() {
        let mut source = ReopeningSource::open(opener(&[Ok(3), Ok(4), Err(()), Ok(5)], &[true, false])).expect("opens");
        let mut total = CaptureStats::default();
        poll_until(&mut source, |s| s.state() == LinkState::Down);
        assert_eq!(source.outages(), 1);
        assert!(matches!(source.trouble(), Some(CaptureError::InterfaceGone { .. })));
        total += source.stats();
        assert_eq!(total.received, 7, "what the lost source had counted");
        poll_until(&mut source, |s| s.state() == LinkState::Up);
        assert!(source.trouble().is_none());
        assert_eq!(source.poll(8, &mut |_| {}).expect("polls"), Poll::Frames(5));
        total += source.stats();
        total += source.stats();
        assert_eq!((total.received, source.outages()), (12, 1));
    }

    #[test]
    fn fails_at_once_or_waits_as_asked() {
        assert!(ReopeningSource::open(opener(&[], &[false])).is_err());
        let mut source = ReopeningSource::waiting(opener(&[Ok(1)], &[false]));
        assert_eq!(source.state(), LinkState::Down);
        poll_until(&mut source, |s| s.trouble().is_some());
        poll_until(&mut source, |s| s.state() == LinkState::Up);
        assert_eq!(source.outages(), 0, "it was never up before");
    }

    #[test]
    fn pauses_grow_until_it_works() {
        let mut source = ReopeningSource::waiting(opener(&[Err(()), Ok(1)], &[]));
        assert_eq!(source.pause, FIRST_PAUSE);
        poll_until(&mut source, |s| s.state() == LinkState::Up);
        poll_until(&mut source, |s| s.state() == LinkState::Down);
        assert_eq!(source.pause, FIRST_PAUSE * 2, "opened, but never worked");
        poll_until(&mut source, |s| s.state() == LinkState::Up);
        source.poll(8, &mut |_| {}).expect("polls");
        assert_eq!(source.pause, FIRST_PAUSE);
        for _ in 0..20 {
            source.go_down(gone());
        }
        assert_eq!(source.pause, LONGEST_PAUSE);
        assert_eq!(source.outages(), 2, "down is lost only once");
    }
}
