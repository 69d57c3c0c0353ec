//! The kernel prefilter: keeps packets that cannot hold a name from being copied to userspace.
//!
//! Most of a link is bulk data. A filter on the capture socket lets through what may hold a name, and the rest costs
//! nothing here. There are two, which this module chooses between and attaches:
//!
//! - `ebpf`: follows flows in the kernel; any port; passes of every stream as much as is read of one
//! - `classic`: has no memory; any kernel since 1997, no privilege; misses what `docs/prefilter.md` lists
//!
//! Where neither can be had, everything passes. Which one is active is told by [`Prefilter::active`].

pub mod classic;
mod ebpf;
mod settings;

pub use ebpf::{Cause, Counts};
pub use settings::{FilterLink, PrefilterChoice, PrefilterSettings, Profile};

use std::fmt;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ring::Filter;
use crate::telemetry::events;

/// What filters the packets of an interface.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Active {
    /// Nothing: every packet comes up.
    #[default]
    Off,
    /// The classic filter.
    Classic,
    /// The eBPF filter.
    Ebpf,
}

impl Active {
    /// The name in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Active::Off => "off",
            Active::Classic => "classic",
            Active::Ebpf => "ebpf",
        }
    }
}

/// What may be known of a prefilter.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Status {
    /// What filters at present.
    pub active: Active,
    /// What it was told to pass.
    pub profile: Profile,
    /// What the kernel counted, over all sockets; `None` unless the eBPF filter is active.
    pub counts: Option<Counts>,
}

/// The prefilter of one interface. All sockets on it share the flows that the eBPF filter remembers.
pub struct Prefilter {
    settings: PrefilterSettings,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The loaded program, and the link type that it was loaded for.
    program: Option<(FilterLink, ebpf::Program)>,
    active: Active,
    /// Why it is not what was asked for.
    trouble: Option<String>,
    /// What was logged last.
    told: Option<Active>,
    /// Counts of programs that were replaced.
    before: Counts,
}

impl Prefilter {
    /// Gets ready for an interface, Ethernet in all likelihood: what needs privileges is done here, so that they can be
    /// dropped before sockets are opened. Never fails; what cannot be had is replaced by the next best.
    pub fn prepare(settings: PrefilterSettings) -> Prefilter {
        let mut state = State::default();
        state.load(FilterLink::Ethernet, &settings);
        Prefilter { settings, state: Mutex::new(state) }
    }

    /// Attaches to a packet socket the best filter that can be had for frames of this link type; `None` is a link type
    /// for which there is none.
    ///
    /// # Errors
    /// Not even a filter that passes everything can be attached.
    pub fn attach(&self, socket: BorrowedFd<'_>, link: Option<FilterLink>) -> io::Result<()> {
        let state = &mut *self.lock();
        state.active = Active::Off;
        if let Some(link) = link {
            state.load(link, &self.settings);
            if let Some((_, program)) = &mut state.program {
                match program.attach(socket) {
                    Ok(()) => {
                        (state.active, state.trouble) = (Active::Ebpf, None);
                        return Ok(());
                    }
                    Err(error) => state.trouble = Some(error.to_string()),
                }
            }
            if self.settings.choice != PrefilterChoice::Off {
                match attach_classic(socket, link, &self.settings) {
                    Ok(()) => {
                        state.active = Active::Classic;
                        return Ok(());
                    }
                    Err(error) => state.trouble = Some(error.to_string()),
                }
            }
        } else if self.settings.choice != PrefilterChoice::Off {
            state.trouble = Some("there is no filter for this kind of link".to_owned());
        }
        super::ring::attach(&socket, &[classic::keep(self.settings.snaplen)])
    }

    /// Attaches itself to every socket that a ring opens on the interface, and logs which filter that is.
    pub fn filter(self: &Arc<Self>, interface: &str) -> Filter {
        if self.settings.choice == PrefilterChoice::Off {
            return Filter::All;
        }
        let (prefilter, interface) = (Arc::clone(self), interface.to_owned());
        Filter::Other(Arc::new(move |socket, linktype| {
            prefilter.attach(socket, FilterLink::from_linktype(linktype))?;
            prefilter.tell(&interface);
            Ok(())
        }))
    }

    fn tell(&self, interface: &str) {
        let mut state = self.lock();
        let active = state.active;
        if state.told.replace(active) != Some(active) {
            let (mode, profile) = (active.name(), self.settings.profile.name());
            events::prefilter_active(interface, mode, profile, state.trouble.as_deref());
        }
    }

    /// What filters at present, and what it counted.
    pub fn status(&self) -> Status {
        let state = self.lock();
        let program = state.program.as_ref().filter(|_| state.active == Active::Ebpf);
        let counts = program.and_then(|(_, program)| program.counts().ok()).map(|now| now.plus(&state.before));
        Status { active: state.active, profile: self.settings.profile, counts }
    }

    /// Why it is not what was asked for, if so.
    pub fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Loads the eBPF program for this link type, if it is wanted and not yet there.
    fn load(&mut self, link: FilterLink, settings: &PrefilterSettings) {
        let wanted = matches!(settings.choice, PrefilterChoice::Auto | PrefilterChoice::Ebpf);
        if !wanted || self.program.as_ref().is_some_and(|(of, _)| *of == link) {
            return;
        }
        match ebpf::Program::load(link, settings) {
            Ok(program) => {
                self.trouble = None;
                if let Some((_, old)) = self.program.replace((link, program)) {
                    self.before = old.counts().map_or(self.before, |counts| counts.plus(&self.before));
                }
            }
            Err(reason) => {
                self.trouble = Some(reason);
                self.program = None;
            }
        }
    }
}

impl fmt::Debug for Prefilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prefilter({})", self.lock().active.name())
    }
}

fn attach_classic(socket: BorrowedFd<'_>, link: FilterLink, settings: &PrefilterSettings) -> io::Result<()> {
    let program = classic::program(link, settings).map_err(io::Error::other)?;
    super::ring::attach(&socket, &program)
}
