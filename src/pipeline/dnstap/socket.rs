//! The sockets to which resolvers connect: made with the right owner and mode before anybody can connect, and removed
//! again.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, setsockopt, socket, sockopt,
};

use super::connection::Socket;
use crate::record::Cidr;

/// Connections that may wait to be taken.
const BACKLOG: i32 = 32;
/// Seconds of silence after which TCP asks whether the resolver's machine is still there, and between two such questions.
const KEEPALIVE_S: u32 = 60;

/// A UNIX socket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnixSocketConfig {
    /// Where it is made.
    pub path: PathBuf,
    /// Its permission bits, 0 to 0o777. Who may write may connect.
    pub mode: u32,
    /// Its group's name or number; without one, this process's.
    pub group: Option<String>,
}

/// A TCP socket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TcpSocketConfig {
    /// Address and port.
    pub listen: SocketAddr,
    /// Who may connect.
    pub allow: Vec<Cidr>,
}

/// The number of a group that is given by name or number.
///
/// # Errors
/// There is no such group on this machine, or it cannot be told.
pub fn group_id(group: &str) -> io::Result<u32> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    match nix::unistd::Group::from_name(group) {
        Ok(Some(found)) => Ok(found.gid.as_raw()),
        Ok(None) => Err(io::Error::new(ErrorKind::NotFound, format!("there is no group {group:?}"))),
        Err(e) => Err(e.into()),
    }
}

/// A socket that listens; removed from its directory when it is dropped.
#[derive(Debug)]
pub(super) struct Bound {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode: whether what lies at the path is still ours.
    identity: (u64, u64),
}

impl Bound {
    fn new(config: &UnixSocketConfig) -> io::Result<Bound> {
        remove_stale(&config.path)?;
        let fd = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)?;
        bind(fd.as_raw_fd(), &UnixAddr::new(&config.path)?)?;
        // Before `listen`, every attempt to connect is refused.
        let meta = fs::symlink_metadata(&config.path)?;
        let bound = Bound { listener: fd.into(), path: config.path.clone(), identity: (meta.dev(), meta.ino()) };
        if let Some(group) = &config.group {
            chown(&config.path, None, Some(group_id(group)?))?;
        }
        fs::set_permissions(&config.path, fs::Permissions::from_mode(config.mode))?;
        listen(&bound.listener, Backlog::new(BACKLOG)?)?;
        Ok(bound)
    }

    fn is_in_place(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|m| (m.dev(), m.ino()) == self.identity)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if self.is_in_place() {
            // If that fails, the next start finds a socket that nobody listens on.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes the socket of a process that is gone. Anything else is left alone.
fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
        Ok(meta) if !meta.file_type().is_socket() => {
            Err(io::Error::new(ErrorKind::AlreadyExists, "something that is no socket lies there"))
        }
        Ok(_) => match UnixStream::connect(path) {
            Err(e) if e.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
            Ok(_) => Err(io::Error::new(ErrorKind::AddrInUse, "another process listens there")),
            Err(e) => Err(e),
        },
    }
}

/// What came of an attempt to take a connection.
#[derive(Debug)]
pub(super) enum Taken {
    Connection(Socket),
    /// From an address that is not allowed; it is closed.
    NotAllowed,
    /// Nobody waits any more.
    Nothing,
    Failed,
}

/// A place to connect to.
#[derive(Debug)]
pub(super) enum Listener {
    /// `None` while it cannot be made again.
    Unix(UnixSocketConfig, Option<Bound>),
    Tcp(TcpSocketConfig, TcpListener),
}

impl Listener {
    pub(super) fn unix(config: UnixSocketConfig) -> io::Result<Listener> {
        let bound = Bound::new(&config)?;
        Ok(Listener::Unix(config, Some(bound)))
    }

    pub(super) fn tcp(config: TcpSocketConfig) -> io::Result<Listener> {
        let listener = TcpListener::bind(config.listen)?;
        listener.set_nonblocking(true)?;
        Ok(Listener::Tcp(config, listener))
    }

    /// Its path, or its address and port.
    pub(super) fn place(&self) -> String {
        match self {
            Listener::Unix(config, _) => config.path.display().to_string(),
            // With port 0, the system has chosen one.
            Listener::Tcp(config, listener) => listener.local_addr().unwrap_or(config.listen).to_string(),
        }
    }

    /// The socket, if it listens.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Listener::Unix(_, bound) => bound.as_ref().map(|b| b.listener.as_fd()),
            Listener::Tcp(_, listener) => Some(listener.as_fd()),
        }
    }

    /// Makes the UNIX socket again if it was removed from its directory, where nobody would find it any more.
    pub(super) fn keep(&mut self) -> io::Result<()> {
        if let Listener::Unix(config, bound) = self
            && !bound.as_ref().is_some_and(|b| b.is_in_place())
        {
            *bound = None;
            *bound = Some(Bound::new(config)?);
        }
        Ok(())
    }

    pub(super) fn accept(&self) -> Taken {
        let taken = match self {
            Listener::Unix(_, None) => return Taken::Nothing,
            Listener::Unix(_, Some(bound)) => bound.listener.accept().and_then(|(stream, _)| {
                stream.set_nonblocking(true)?;
                Ok(Socket::Unix(stream))
            }),
            Listener::Tcp(config, listener) => match listener.accept() {
                Ok((_, peer)) if !is_allowed(&config.allow, peer.ip()) => return Taken::NotAllowed,
                Ok((stream, _)) => prepare(stream).map(Socket::Tcp),
                Err(e) => Err(e),
            },
        };
        match taken {
            Ok(socket) => Taken::Connection(socket),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Taken::Nothing,
            // The peer has gone before it was taken.
            Err(e) if e.kind() == ErrorKind::ConnectionAborted => Taken::Nothing,
            Err(_) => Taken::Failed,
        }
    }
}

/// Without keep-alive, the place of a resolver whose machine lost power would be taken for ever.
fn prepare(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nonblocking(true)?;
    setsockopt(&stream, sockopt::KeepAlive, &true)?;
    setsockopt(&stream, sockopt::TcpKeepIdle, &KEEPALIVE_S)?;
    setsockopt(&stream, sockopt::TcpKeepInterval, &KEEPALIVE_S)?;
    Ok(stream)
}

fn is_allowed(allow: &[Cidr], peer: IpAddr) -> bool {
    let peer = Cidr::new(peer.to_canonical(), 128);
    allow.iter().any(|range| range.covers(peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_held_to_the_ranges() {
        let allow = ["127.0.0.0/8", "2001:db8:1::/48"].map(|text| text.parse::<Cidr>().unwrap());
        for (peer, allowed) in [
            ("127.0.0.1", true),
            ("::ffff:127.0.0.1", true),
            ("128.0.0.1", false),
            ("2001:db8:1:2::3", true),
            ("2001:db8:2::3", false),
            ("::1", false),
        ] {
            assert_eq!(is_allowed(&allow, peer.parse().unwrap()), allowed, "{peer}");
        }
    }

    #[test]
    fn the_socket_has_its_mode_and_leaves_with_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let config = UnixSocketConfig { path: dir.path().join("tap.sock"), mode: 0o640, group: None };
        let bound = Bound::new(&config).unwrap();
        let meta = fs::metadata(&config.path).unwrap();
        assert!(meta.file_type().is_socket());
        assert_eq!(meta.permissions().mode() & 0o777, 0o640);
        let again = Bound::new(&config).unwrap_err();
        assert!(again.to_string().contains("another process listens there"), "{again}");
        drop(bound);
        assert!(!config.path.exists());
    }

    #[test]
    fn a_socket_left_behind_is_replaced_and_nothing_else_is() {
        let dir = tempfile::tempdir().unwrap();
        let config = UnixSocketConfig { path: dir.path().join("tap.sock"), mode: 0o600, group: None };
        // Closed without being removed, as by a process that was killed.
        drop(UnixListener::bind(&config.path).unwrap());
        assert!(config.path.exists());
        drop(Bound::new(&config).unwrap());

        fs::write(&config.path, "precious").unwrap();
        assert!(Bound::new(&config).unwrap_err().to_string().contains("no socket"));
        assert_eq!(fs::read(&config.path).unwrap(), b"precious");
    }

    #[test]
    fn a_socket_that_somebody_replaced_is_not_removed_and_one_that_vanished_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tap.sock");
        let config = UnixSocketConfig { path: path.clone(), mode: 0o600, group: None };
        let mut listener = Listener::unix(config).unwrap();
        fs::remove_file(&path).unwrap();
        listener.keep().unwrap();
        assert!(UnixStream::connect(&path).is_ok());
        fs::remove_file(&path).unwrap();
        fs::write(&path, "another's").unwrap();
        assert!(listener.keep().is_err());
        assert!(listener.fd().is_none());
        drop(listener);
        assert_eq!(fs::read(&path).unwrap(), b"another's");
    }

    #[test]
    fn groups_go_by_name_or_number() {
        assert_eq!(group_id("root").unwrap(), 0);
        assert_eq!(group_id("65534").unwrap(), 65_534);
        assert!(group_id("no-such-group-here").unwrap_err().to_string().contains("no-such-group-here"));
    }
}
