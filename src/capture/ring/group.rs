//! The workers of one interface share its packets: their sockets are members of one fanout group of the kernel's.
//!
//! A group has a number, which the kernel picks so that no other program has it, and belongs to one interface; when that
//! was deleted and made again, the first worker to come back makes a new group and the others follow it.
//! Source: packet(7), PACKET_FANOUT; `fanout_add` in `net/packet/af_packet.c`.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, PoisonError};

use super::{spread, sys};

/// Shared by the sources of one interface's workers.
#[derive(Default, Debug)]
pub struct Group {
    formed: Mutex<Option<Formed>>,
}

#[derive(Clone, Copy, Debug)]
struct Formed {
    ifindex: i32,
    number: u16,
}

impl Group {
    /// Makes a bound socket a member. `ethernet`: what the frames begin with.
    pub(super) fn join(&self, socket: BorrowedFd<'_>, ifindex: i32, ethernet: bool) -> io::Result<()> {
        // Only one at a time, so that there is one group; the value is as good after a panic as before.
        let mut formed = self.formed.lock().unwrap_or_else(PoisonError::into_inner);
        let known = formed.filter(|f| f.ifindex == ifindex);
        match known {
            Some(Formed { number, .. }) => become_member(socket, number, 0)?,
            None => {
                become_member(socket, 0, libc::PACKET_FANOUT_FLAG_UNIQUEID)?;
                let group = sys::number_option(socket, libc::SOL_PACKET, libc::PACKET_FANOUT)?;
                // The number is the lower half.
                *formed = Some(Formed { ifindex, number: (group & 0xffff) as u16 });
            }
        }
        // The same for every member; it is the group's.
        sys::set_program(socket, libc::SOL_PACKET, libc::PACKET_FANOUT_DATA, &spread::program(ethernet))
    }

    /// Has no further socket join the kernel's group of this one, whose interface was removed. The next may have the same index,
    /// and the kernel would not let it into a group of the old one.
    pub(super) fn give_up(&self, lost: BorrowedFd<'_>) {
        let mut formed = self.formed.lock().unwrap_or_else(PoisonError::into_inner);
        let old = sys::number_option(lost, libc::SOL_PACKET, libc::PACKET_FANOUT);
        // Unless another worker has made the new one already.
        if old.is_ok_and(|old| formed.is_some_and(|f| f.number == (old & 0xffff) as u16)) {
            *formed = None;
        }
    }
}

fn become_member(socket: BorrowedFd<'_>, number: u16, flags: u32) -> io::Result<()> {
    let request = u32::from(number) | (libc::PACKET_FANOUT_CBPF | flags) << 16;
    sys::set_option(socket, libc::SOL_PACKET, libc::PACKET_FANOUT, &request)
}
