//! The kernel prefilter against the program that it stands before: what a worker finds in the packets that pass is
//! compared with what it finds in all of them.
//!
//! The filters run in the kernel, on a pair of UNIX sockets: a packet is sent as a datagram, and it comes out at the
//! other end if the filter passes it. That takes no network, and for the classic filter no privilege either.

mod capture;
mod classes;
mod corpus;
mod fallback;
mod generated;
mod kernel;
mod machine;
mod object;
mod observe;
mod packets;

/// Says that a test is skipped, or a part of it.
fn skip(reason: &str) {
    say(&format!("SKIPPED: {reason}"));
}

/// Tells a figure, past the test harness, which would swallow it.
fn say(text: &str) {
    // If standard error is closed there is nobody to tell.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{text}\n").as_bytes());
}
