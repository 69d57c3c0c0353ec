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
    /// How many there were at first.
    size: usize,
}

impl SocketPool {
    /// Opens so many spare sockets.
    ///
    /// # Errors
    /// The process may not (`PermissionDenied`), or has too many files open.
    pub fn with_spare(count: usize) -> io::Result<Self> {
        let spare = (0..count).map(|_| sys::packet_socket()).collect::<io::Result<_>>()?;
        Ok(SocketPool { spare: Mutex::new(spare), size: count })
    }

    /// How many are left.
    pub fn left(&self) -> usize {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// A new socket, or a spare one where a new one is not permitted.
    ///
    /// # Errors
    /// `PermissionDenied`: neither can be had, and waiting will not change that.
    pub(super) fn take(&self) -> io::Result<OwnedFd> {
        self.or_spare(sys::packet_socket())
    }

    fn or_spare(&self, new: io::Result<OwnedFd>) -> io::Result<OwnedFd> {
        match new {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().ok_or(error)
            }
            other => other,
        }
    }

    /// Takes a socket back that was not used after all: an interface that is there and stays down would use up one at every
    /// try. It must be as it came from [`SocketPool::take`].
    pub(super) fn put_back(&self, socket: OwnedFd) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        // Of a process that may open new ones, none is missing.
        if spare.len() < self.size {
            spare.push(socket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;

    /// The pool does not look at what it holds, and these need no right.
    fn socket() -> OwnedFd {
        UnixDatagram::unbound().expect("a socket").into()
    }

    fn pool(size: usize) -> SocketPool {
        SocketPool { spare: Mutex::new((0..size).map(|_| socket()).collect()), size }
    }

    fn denied() -> io::Result<OwnedFd> {
        Err(io::Error::from_raw_os_error(libc::EPERM))
    }

    #[test]
    fn spare_sockets_serve_only_where_new_ones_are_not_permitted() {
        let pool = pool(2);
        assert!(pool.or_spare(Ok(socket())).is_ok());
        let full = pool.or_spare(Err(io::Error::from_raw_os_error(libc::EMFILE)));
        assert_eq!(full.expect_err("another trouble").raw_os_error(), Some(libc::EMFILE));
        assert_eq!(pool.left(), 2);
        assert!(pool.or_spare(denied()).is_ok() && pool.or_spare(denied()).is_ok());
        let none = pool.or_spare(denied()).expect_err("used up");
        assert_eq!((none.kind(), pool.left()), (io::ErrorKind::PermissionDenied, 0));
    }

    #[test]
    fn a_socket_that_was_not_used_is_spare_again_and_no_more_are_kept_than_there_were() {
        let pool = pool(1);
        for _ in 0..3 {
            let taken = pool.or_spare(denied()).expect("the spare one");
            pool.put_back(taken);
            assert_eq!(pool.left(), 1);
        }
        pool.put_back(socket());
        assert_eq!(pool.left(), 1);
        let empty = SocketPool::default();
        empty.put_back(socket());
        assert_eq!(empty.left(), 0);
    }
}
