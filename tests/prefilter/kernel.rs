//! A filter in the kernel, asked about one packet at a time.

use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;

use stakeout::capture::prefilter::{Active, Counts, FilterLink, Prefilter, PrefilterChoice, PrefilterSettings};

/// A filter on a pair of sockets.
pub(crate) struct KernelFilter {
    prefilter: Prefilter,
    input: UnixDatagram,
    output: UnixDatagram,
    buffer: Vec<u8>,
}

impl KernelFilter {
    /// Attaches it; `None`, with the reason said, where the kernel does not take it.
    pub(crate) fn new(link: FilterLink, settings: PrefilterSettings) -> Option<KernelFilter> {
        let want = match settings.choice {
            PrefilterChoice::Classic => Active::Classic,
            PrefilterChoice::Off => Active::Off,
            PrefilterChoice::Auto | PrefilterChoice::Ebpf => Active::Ebpf,
        };
        let prefilter = Prefilter::prepare(settings);
        let (input, output) = UnixDatagram::pair().expect("a pair of sockets");
        input.set_nonblocking(true).expect("a flag");
        output.set_nonblocking(true).expect("a flag");
        prefilter.attach(output.as_fd(), Some(link)).expect("a filter");
        if prefilter.status().active != want {
            crate::skip(&format!("the kernel takes no such filter: {}", prefilter.trouble().unwrap_or_default()));
            return None;
        }
        Some(KernelFilter { prefilter, input, output, buffer: vec![0; 1 << 18] })
    }

    /// Attaches it anew, which makes it forget what it has seen.
    pub(crate) fn start_over(&self, link: FilterLink) {
        self.prefilter.attach(self.output.as_fd(), Some(link)).expect("a filter");
    }

    /// Whether the packet passes. What is too long for these sockets, and no packet of a network is, passes.
    pub(crate) fn passes(&mut self, packet: &[u8]) -> bool {
        match self.input.send(packet) {
            Ok(_) => {}
            Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => return true,
            Err(error) => panic!("{error}"),
        }
        match self.output.recv(&mut self.buffer) {
            Ok(length) => {
                assert_eq!(length, packet.len(), "a packet that passes is kept whole");
                true
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// What the kernel counted.
    pub(crate) fn counts(&self) -> Option<Counts> {
        self.prefilter.status().counts
    }
}
