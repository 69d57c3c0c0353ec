//! A resolver that has much to tell: `dnstap_send SOCKET MESSAGES` sends so many messages to a receiver on a UNIX
//! socket, as fast as that takes them, and says how long it took until the last was taken.
//!
//! The stream is made before the clock starts, so that sending costs little more than the copy into the socket. Half of
//! the messages are queries and half answers; one name in a hundred is `www.lucky-N-spin.example`. For
//! `tools/bench-dnstap.sh`.
#![allow(clippy::print_stdout, reason = "this is what it is for")]

use std::error::Error;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use stakeout::capture::dnstap::{ACCEPT, FINISH, SocketProtocol};
use stakeout::model::Timestamp;
use stakeout::traffic::dnstap::{self as make, Exchange};

/// Exchanges made; they are sent again and again.
const MADE: u32 = 50_000;
/// Octets handed to the system at once, as resolvers do that gather messages.
const PIECE: usize = 64 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(socket), Some(messages)) = (arguments.next(), arguments.next()) else {
        return Err("usage: dnstap_send SOCKET MESSAGES".into());
    };
    let rounds = messages.parse::<u64>()?.div_ceil(u64::from(2 * MADE));
    let mut stream = Vec::new();
    for n in 0..MADE {
        let name = match n % 100 {
            0 => format!("www.lucky-{n}-spin.example"),
            _ => format!("static{}.news-{}.example", n % 7, n.wrapping_mul(40_503) % 65_536),
        };
        let what = Exchange {
            client: ([10, 0, (n >> 8) as u8, n as u8], 40_000 + (n % 20_000) as u16).into(),
            server: ([192, 0, 2, 53], 53).into(),
            protocol: SocketProtocol::Dot,
            ts: Timestamp::now(),
            name: &name,
        };
        make::query(&mut stream, &what);
        make::response(&mut stream, &what);
    }
    let mut pipe = UnixStream::connect(socket)?;
    let mut control = Vec::new();
    make::ready(&mut control);
    pipe.write_all(&control)?;
    pipe.read_exact(&mut [0; ACCEPT.len()])?;
    control.clear();
    make::start(&mut control);
    pipe.write_all(&control)?;

    let begun = Instant::now();
    for _ in 0..rounds {
        for piece in stream.chunks(PIECE) {
            pipe.write_all(piece)?;
        }
    }
    control.clear();
    make::stop(&mut control);
    pipe.write_all(&control)?;
    // It comes when all that was sent has been taken.
    pipe.read_exact(&mut [0; FINISH.len()])?;
    let took = begun.elapsed();
    let sent = rounds * u64::from(2 * MADE);
    println!("{sent} {} {}", took.as_micros(), rounds * stream.len() as u64);
    Ok(())
}
