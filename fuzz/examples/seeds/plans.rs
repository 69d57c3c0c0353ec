//! Inputs that describe what the target shall do, in the target's own little language: see there.

use stakeout_fuzz::samples;

use super::Seeds;

fn plan(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A piece of a sample: where it begins, and its length.
fn piece(from: usize, len: usize) -> [u8; 4] {
    let [a, b] = (from as u16).to_be_bytes();
    let [c, d] = (len as u16).to_be_bytes();
    [a, b, c, d]
}

pub(super) fn quic_initial() -> Seeds {
    let len = samples::QUIC_HELLO.len();
    let whole = plan(&[&[1, 0], &piece(0, len)]);
    let (first, second) = (plan(&[&[1, 0], &piece(0, 900)]), plan(&[&[1, 0], &piece(900, len)]));
    // Flags, IDs, version, packet number; then a count of frames and the frames.
    let mut seeds: Seeds = (0..12).map(|version| plan(&[&[4, 0, version, 0], &whole])).collect();
    seeds.extend([
        plan(&[&[4, 0, 0, 0], &first, &[4, 0, 0, 1], &second]),
        plan(&[&[4, 0, 0, 1], &second, &[4, 0, 0, 0], &first]),
        // Coalesced; the server's connection ID under the first keys; a Retry's; a change of version.
        plan(&[&[64, 0, 0, 0], &first, &[8, 0, 0, 1], &second]),
        plan(&[&[4, 0, 0, 0], &first, &[5, 2, 0, 1], &second]),
        plan(&[&[4, 0, 0, 0], &first, &[4, 0x72, 0, 1], &whole]),
        plan(&[&[4, 0, 0, 0], &first, &[5, 2, 1, 1], &second]),
        // A server's packet, a damaged one, large packet numbers.
        plan(&[&[6, 0, 0, 0], &whole, &[4, 0, 0, 0], &whole]),
        plan(&[&[36, 0, 0, 0], &whole, &[0, 60, 0x55], &[4, 0, 0, 0], &whole]),
        plan(&[&[28, 0, 0, 250], &first, &[28, 0, 0, 251], &second]),
        // Other frames: CRYPTO far away, PADDING, PING, ACK, CONNECTION_CLOSE, a length that lies, raw octets.
        plan(&[
            &[4, 0, 0, 0, 7],
            &[1, 0xff, 0xff, 40, 3, 1, 2, 3],
            &[2, 9],
            &[3],
            &[4, 1, 2, 0, 9, 0, 1, 0, 3, 1, 1, 1, 1, 1, 1, 1],
            &[5, 0, 1, 6, 2, 104, 105],
            &[6, 0, 1, 0, 3, 1, 2, 3],
            &[7, 3, 0x1e, 0, 0],
        ]),
        plan(&[&[4, 0, 0, 0, 2], &[1, 0, 0, 0, 4, 2, 0, 0, 9], &[0, 0, 0, 1, 0]]),
        plan(&[&[4, 0, 0, 0, 1], &[1, 0, 0, 0, 8, 1, 1, 0, 1, 3, 3, 0, 0]]),
    ]);
    seeds
}

pub(super) fn quic_pieces() -> Seeds {
    let len = samples::QUIC_HELLO.len();
    let mut backwards = vec![0];
    for from in (0..len).step_by(120).rev() {
        backwards.push(8);
        backwards.extend(piece(from, 120));
    }
    vec![
        plan(&[&[0, 0], &piece(0, len)]),
        plan(&[&[1, 0], &piece(1000, len), &[0], &piece(0, 1000)]),
        plan(&[&[2, 1], &piece(500, 900), &piece(1400, len), &[4], &piece(0, 600)]),
        plan(&[&[16, 19], &piece(100, 400), &piece(60, 50), &piece(0, 61), &piece(0, 5), &[0x43], &piece(1, 1)]),
        backwards,
    ]
}

pub(super) fn flow() -> Seeds {
    // Flow and direction, what; for TCP an offset, flags where asked for, and the length.
    let tls = |flow: u8, from: usize, len: usize| plan(&[&[flow, 0], &piece(from, len)]);
    let syn = |flow: u8| vec![flow, 12, 0, 0, 2];
    let len = samples::TLS_STREAM.len();
    let http = |from: usize, len: usize| plan(&[&[1, 2], &piece(from, len)]);
    let dns = |from: usize, len: usize| plan(&[&[2, 3], &piece(from, len)]);
    let raw = |flow: u8, from: u16, octets: &[u8]| {
        plan(&[&[flow, 5], &from.to_be_bytes(), &(octets.len() as u16).to_be_bytes(), octets])
    };
    vec![
        plan(&[&syn(0), &tls(0, 0, len)]),
        plan(&[&syn(0), &tls(0, 0, 900), &tls(0, 900, len)]),
        plan(&[&tls(0, 900, len), &tls(0, 0, 900)]),
        plan(&[&syn(0), &tls(0, 700, len), &tls(0, 300, 500), &tls(0, 0, 400)]),
        plan(&[&[0, 1], &piece(0, 100), &[0, 1], &piece(100, 1000)]),
        plan(&[&syn(0), &tls(0, 0, 1200), &[0, 12, 0, 0, 1], &[0, 12, 0, 0, 4]]),
        plan(&[&syn(1), &http(0, 30), &http(30, 60), &http(90, 300)]),
        http(0, 400),
        plan(&[&syn(2), &dns(0, 1), &dns(1, 60), &dns(61, 200)]),
        dns(0, 300),
        // Questions and answers, a first flight whole, cut and reversed, over UDP.
        plan(&[&[18, 2], &[26, 3]]),
        plan(&[&[16, 0], &[16, 1], &[24, 0]]),
        plan(&[&[16, 1], &[17, 1], &[18, 1], &[144, 0], &[0, 0xff]]),
        // More flows than fit, silence, and streams that are nothing.
        plan(&[&tls(0, 0, 99), &tls(1, 0, 99), &tls(3, 0, 99), &tls(4, 0, 99), &tls(5, 0, 99), &tls(7, 0, 99)]),
        plan(&[&tls(0, 0, 99), &[0x80, 0xff], &tls(0, 99, len)]),
        plan(&[&syn(3), &raw(3, 0, b"SSH-2.0-OpenSSH_9.2\r\n"), &raw(3, 21, b"more")]),
        plan(&[
            &raw(3, 0, &[0x17; 40]),
            &raw(3, 40, &[0x17; 40]),
            &raw(3, 80, b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"),
        ]),
        plan(&[&[0, 0x80], &piece(0, 300)]),
    ]
}

pub(super) fn flow_pieces() -> Seeds {
    let len = samples::TLS_STREAM.len();
    let mut backwards = vec![0, 0xff, 0xff];
    for from in (0..len).step_by(60).rev() {
        backwards.extend(piece(from, 60));
    }
    vec![
        plan(&[&[0, 0, 0], &piece(0, 1400), &piece(1400, 900)]),
        plan(&[&[0, 0, 1], &piece(1400, 900), &piece(0, 1400)]),
        plan(&[&[1, 0xff, 0xff], &piece(200, 400), &piece(100, 120), &piece(0, 101)]),
        plan(&[&[1, 0, 0], &piece(0, 3), &piece(2, 40), &piece(0, 400)]),
        backwards,
    ]
}

pub(super) fn rules() -> Seeds {
    vec![
        // Lists: whether they allow, how many names; a name is a count of labels and the labels.
        vec![0, 1, 1, 1, 7, 0, 1, 6, 1, 7, 0, 2, 6, 0, 7],
        vec![1, 1, 2, 0, 0, 1, 0, 1, 2, 0, 1, 2, 0, 0, 1, 0, 0, 2, 1, 0, 1, 1, 0],
        vec![3, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 9, 3, 1, 2, 120, 1, 97, 1, 0],
        (0..200).map(|i: u8| i.wrapping_mul(37) >> 2).collect(),
    ]
}
