//! What the workers of one interface share: the program that sends each queue's frames to its socket.
//!
//! It is attached once every worker's socket is there, so that nothing is taken from the kernel that nobody reads, and
//! detached with the last of them; the kernel detaches it too should the process die. A deleted interface takes its
//! program along, and the first worker on the new one loads another.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aya::maps::{MapData, PerCpuArray, XskMap};
use aya::programs::{Xdp, XdpMode};
use aya::{Ebpf, EbpfLoader};

/// The compiled program.
static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/capture/ring/xdp/redirect.bpf.o"));

/// Why a program is not there, in words, and the kernel's error number where it gave one.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) words: String,
    pub(super) errno: Option<i32>,
}

/// Shared by the sources of one interface's workers.
#[derive(Debug)]
pub struct Port {
    workers: u32,
    state: Mutex<State>,
}

#[derive(Default, Debug)]
struct State {
    loaded: Option<Loaded>,
    /// Frames that nobody read: counted by programs that are gone, and told of already.
    unread_before: u64,
    unread_told: u64,
}

/// A program in the kernel with its maps. Detached when it is dropped.
struct Loaded {
    ifindex: u32,
    ebpf: Ebpf,
    sockets: XskMap<MapData>,
    unread: PerCpuArray<MapData, u64>,
    /// Which queues have a socket.
    present: Vec<bool>,
    attached: bool,
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded")
            .field("ifindex", &self.ifindex)
            .field("attached", &self.attached)
            .finish_non_exhaustive()
    }
}

impl Port {
    /// For so many workers, one for each receive queue. Nothing is loaded yet.
    pub fn new(workers: u32) -> Port {
        Port { workers, state: Mutex::default() }
    }

    pub(super) fn workers(&self) -> u32 {
        self.workers
    }

    /// Gives the frames of `queue` to a bound socket; with the last worker's, the program begins its work.
    pub(super) fn join(&self, ifindex: u32, queue: u32, socket: BorrowedFd<'_>) -> Result<(), Refused> {
        let mut state = self.lock();
        if state.loaded.as_ref().is_none_or(|loaded| loaded.ifindex != ifindex) {
            let new = Loaded::new(ifindex, self.workers)?;
            state.replace(Some(new));
        }
        let Some(loaded) = &mut state.loaded else { return Ok(()) };
        loaded.sockets.set(queue, socket.as_raw_fd(), 0).map_err(|e| refused(&e))?;
        if let Some(present) = loaded.present.get_mut(queue as usize) {
            *present = true;
        }
        if !loaded.attached && loaded.present.iter().all(|present| *present) {
            program(&mut loaded.ebpf)?.attach_to_if_index(ifindex, XdpMode::Default).map_err(|e| refused(&e))?;
            loaded.attached = true;
        }
        Ok(())
    }

    /// The socket of `queue` is about to be closed. The kernel itself takes it out of the map.
    pub(super) fn leave(&self, ifindex: u32, queue: u32) {
        let mut state = self.lock();
        let Some(loaded) = state.loaded.as_mut().filter(|loaded| loaded.ifindex == ifindex) else { return };
        if let Some(present) = loaded.present.get_mut(queue as usize) {
            *present = false;
        }
        if loaded.present.iter().all(|present| !present) {
            state.replace(None);
        }
    }

    /// Frames of queues without a socket, since this was last asked.
    pub(super) fn unread(&self) -> u64 {
        let mut state = self.lock();
        let now = state.unread_before.saturating_add(state.loaded.as_ref().map_or(0, Loaded::unread));
        now.saturating_sub(std::mem::replace(&mut state.unread_told, now))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn replace(&mut self, with: Option<Loaded>) {
        let old = std::mem::replace(&mut self.loaded, with);
        self.unread_before = self.unread_before.saturating_add(old.as_ref().map_or(0, Loaded::unread));
    }
}

impl Loaded {
    /// Loads the program. Needs CAP_BPF and CAP_NET_ADMIN.
    fn new(ifindex: u32, workers: u32) -> Result<Loaded, Refused> {
        let mut ebpf = EbpfLoader::new().load(OBJECT).map_err(|e| refused(&e))?;
        let missing = || Refused { words: "the object lacks a map or its program".to_owned(), errno: None };
        let sockets = XskMap::try_from(ebpf.take_map("SOCKETS").ok_or_else(missing)?).map_err(|e| refused(&e))?;
        let unread = PerCpuArray::try_from(ebpf.take_map("UNREAD").ok_or_else(missing)?).map_err(|e| refused(&e))?;
        program(&mut ebpf)?.load().map_err(|e| refused(&e))?;
        Ok(Loaded { ifindex, ebpf, sockets, unread, present: vec![false; workers as usize], attached: false })
    }

    fn unread(&self) -> u64 {
        self.unread.get(&0, 0).map_or(0, |counts| counts.iter().fold(0, |sum, n| sum.wrapping_add(*n)))
    }
}

fn program(ebpf: &mut Ebpf) -> Result<&mut Xdp, Refused> {
    let missing = || Refused { words: "the object lacks its program".to_owned(), errno: None };
    ebpf.program_mut("redirect").ok_or_else(missing)?.try_into().map_err(|e: aya::programs::ProgramError| refused(&e))
}

/// An error with its causes; of the verifier's log only the first line.
fn refused(error: &(dyn std::error::Error + 'static)) -> Refused {
    let (mut words, mut errno) = (String::new(), None);
    let mut next = Some(error);
    while let Some(error) = next {
        let said = error.to_string();
        let said = said.lines().next().unwrap_or_default().trim_end_matches(':');
        if !words.ends_with(said) {
            words.push_str(if words.is_empty() { "" } else { ": " });
            words.push_str(said);
        }
        errno = errno.or_else(|| error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error));
        next = error.source();
    }
    Refused { words, errno }
}
