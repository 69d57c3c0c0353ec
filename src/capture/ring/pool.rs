//! Packet sockets opened in advance.
//!
//! Opening one needs CAP_NET_RAW; binding, mapping a ring and joining a group do not. So a process that gives the
//! capability up after its start can still take up an interface that was deleted and made again, as long as sockets are
//! left. One that keeps the capability never touches the spare ones.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

use super::sys;

/// Shared by the sources of one interface.
#[derive(Default, Debug)]
pub struct SocketPool {
    spare: Mutex<Vec<OwnedFd>>,
}

impl SocketPool {
    /// Opens so many spare sockets.
    ///
    /// # Errors
    /// The process may not (`PermissionDenied`), or has too many files open.
    pub fn with_spare(count: usize) -> io::Result<Self> {
        let spare = (0..count).map(|_| sys::packet_socket()).collect::<io::Result<_>>()?;
        Ok(SocketPool { spare: Mutex::new(spare) })
    }

    /// How many are left.
    pub fn left(&self) -> usize {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// A new socket, or a spare one where a new one is not permitted.
    pub(super) fn take(&self) -> io::Result<OwnedFd> {
        match sys::packet_socket() {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().ok_or(error)
            }
            other => other,
        }
    }
}
