//! What a socket lets through: programs of the kernel's packet filter.
//!
//! The filter runs in the kernel on each packet before it is copied into the ring. A classic program returns how many
//! octets of the packet to keep; 0 is none of it, and such a packet is in no statistics of the socket. Whoever makes the
//! programs does so elsewhere; here they are only attached. Source: `Documentation/networking/filter.rst`.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

pub use libc::sock_filter as Instruction;

use super::sys;

/// `ret #k`: let `k` octets of every packet through.
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// What attaches a program to a socket whose frames have this LINKTYPE.
pub type AttachFn = dyn Fn(BorrowedFd<'_>, u32) -> io::Result<()> + Send + Sync;

/// Which packets a ring takes. It is attached to every socket before it gives its first packet, also when the
/// interface has returned.
#[derive(Clone, Default)]
pub enum Filter {
    /// All of them.
    #[default]
    All,
    /// What a classic program lets through; it should return the snap length for that.
    Classic(Arc<[Instruction]>),
    /// What this attaches, such as an eBPF program (`SO_ATTACH_BPF`). An error keeps the source from opening.
    Other(Arc<AttachFn>),
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::All => f.write_str("All"),
            Filter::Classic(program) => write!(f, "Classic({} instructions)", program.len()),
            Filter::Other(_) => f.write_str("Other"),
        }
    }
}

/// Attaches a classic program to a packet socket, in place of the one before.
///
/// # Errors
/// `InvalidInput` where it is longer than the kernel takes (4,096 instructions) or is not sound; else what the kernel
/// says.
pub fn attach(socket: &impl AsFd, program: &[Instruction]) -> io::Result<()> {
    sys::set_program(socket.as_fd(), libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, program)
}

/// Lets nothing through: for the moment in which a socket is bound and not yet a member of its group.
pub(super) fn reject_all(socket: BorrowedFd<'_>) -> io::Result<()> {
    attach(&socket, &[returning(0)])
}

/// Attaches what is configured; `snaplen` is kept of each packet where there is no program to say so.
pub(super) fn apply(socket: BorrowedFd<'_>, filter: &Filter, linktype: u32, snaplen: u32) -> io::Result<()> {
    match filter {
        Filter::All => attach(&socket, &[returning(snaplen)]),
        Filter::Classic(program) => attach(&socket, program),
        Filter::Other(attach) => attach(socket, linktype),
    }
}

fn returning(octets: u32) -> Instruction {
    Instruction { code: RETURN, jt: 0, jf: 0, k: octets }
}
