//! The ring beside libpcap on a link of its own: both show the same frames and lead to the same findings; several
//! workers share an interface without losing or doubling a packet; an interface that vanishes and returns is taken up
//! again, also when no new socket may be opened; and behind each prefilter the same visits are found.
//! AF_XDP shows and finds the same, and leaves an interface alone that the machine needs.
//!
//! Needs root, `ip` and network namespaces; elsewhere these tests say that they skip.

#[path = "../faults/lab/mod.rs"]
mod lab;

mod findings;
mod frames;
mod prefilter;
mod returns;
mod tool;
mod workers;
#[cfg(feature = "xdp")]
mod xdp;
