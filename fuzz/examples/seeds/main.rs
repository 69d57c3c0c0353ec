//! Makes the seed corpus anew: `cargo run --manifest-path fuzz/Cargo.toml --example seeds`. Everything in it comes from
//! the project's own builders, its traffic generator and its demo rules; every file is small, so that mutation is quick.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use stakeout::capture::dnstap::{MessageType, SocketProtocol};
use stakeout::extract::quic::Version;
use stakeout::extract::quic::seal::seal_initial;
use stakeout::extract::tls::build::{HelloSpec, client_hello, records};
use stakeout::model::Timestamp;
use stakeout::traffic::dnstap::{self, Exchange};
use stakeout::traffic::{Generator, Profile, write_pcap};
use stakeout_fuzz::samples;

mod captures;
mod frames;
mod plans;
mod text;

/// No seed is longer.
const MAX_SEED: usize = 4096;
const MAX_SEEDS: usize = 30;

type Seeds = Vec<Vec<u8>>;

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let all: BTreeMap<&str, Seeds> = [
        ("capture_compressed", captures::compressed()),
        ("capture_pcap", captures::pcap()),
        ("capture_pcapng", captures::pcapng()),
        ("config", text::configs()),
        ("decode", frames::decode()),
        ("dns_message", dns_messages()),
        ("dns_tcp", dns_streams()),
        ("dnstap", dnstap_streams()),
        ("flow", plans::flow()),
        ("flow_pieces", plans::flow_pieces()),
        ("http_head", text::requests()),
        ("quic_initial", plans::quic_initial()),
        ("quic_pieces", plans::quic_pieces()),
        ("quic_raw", quic_datagrams()),
        ("rules_bundle", text::bundles()),
        ("rules_lookup", plans::rules()),
        ("rules_prebuilt", text::prebuilt()?),
        ("rules_text", text::lists()),
        ("rules_xml", text::registers()),
        ("tls_hello", hellos()),
        ("tls_stream", tls_streams()),
    ]
    .into();
    for (target, seeds) in all {
        let directory = corpus.join(target);
        if directory.exists() {
            std::fs::remove_dir_all(&directory)?;
        }
        std::fs::create_dir_all(&directory)?;
        assert!((1..=MAX_SEEDS).contains(&seeds.len()), "{target}: {} seeds", seeds.len());
        for (i, seed) in seeds.iter().enumerate() {
            assert!(seed.len() <= MAX_SEED, "{target}: seed {i} has {} octets", seed.len());
            std::fs::write(directory.join(format!("{i:02}")), seed)?;
        }
        writeln!(std::io::stdout(), "{target}: {} seeds", seeds.len())?;
    }
    Ok(())
}

/// Invented traffic of so many frames.
fn generator(seed: u64, frames: u64) -> Generator {
    let listed = vec!["lucky-7.example".to_owned()];
    Generator::new(Profile::names().frames(frames), seed, listed, Timestamp::from_parts(1_800_000_000, 0))
}

/// A small capture of it.
fn traffic(seed: u64, frames: u64, ns: bool) -> Vec<u8> {
    let mut file = Vec::new();
    write_pcap(&mut generator(seed, frames), &mut file, ns).expect("memory can be written");
    file
}

fn dns_messages() -> Seeds {
    let header = |flags: [u8; 2], counts: [u8; 4]| {
        let [q, an, ns, ar] = counts;
        [&[0x12, 0x34][..], &flags, &[0, q, 0, an, 0, ns, 0, ar]].concat()
    };
    let question = b"\x03www\x07lucky-7\x07example\x00\x00\x41\x00\x01";
    let record = |name: &[u8], kind: u8, data: &[u8]| {
        [name, &[0, kind, 0, 1, 0, 0, 0, 60], &(data.len() as u16).to_be_bytes(), data].concat()
    };
    let svcb = [
        &[0, 1, 0][..],
        &[0, 1, 0, 3, 2, b'h', b'3'],
        &[0, 4, 0, 4, 192, 0, 2, 7],
        &[0, 5, 0, 4, 0, 2, 0xfe, 0x0d],
        &[0, 6, 0, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7],
    ]
    .concat();
    let aaaa = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let opt = b"\x00\x00\x29\x04\xd0\x01\x00\x00\x00\x00\x07\x00\x08\x00\x03\x00\x01\x00";
    let reverse = b"\x02\x37\x37\x01\x32\x01\x30\x03192\x07in-addr\x04arpa\x00\x00\x0c\x00\x01";
    vec![
        samples::DNS_QUERY.to_vec(),
        samples::DNS_ANSWER.to_vec(),
        [header([0x81, 0x80], [1, 1, 0, 0]), question.to_vec(), record(b"\xc0\x0c", 65, &svcb)].concat(),
        [header([0x81, 0x80], [1, 1, 0, 0]), question.to_vec(), record(b"\xc0\x0c", 28, &aaaa)].concat(),
        [header([1, 0], [1, 0, 0, 1]), question.to_vec(), opt.to_vec()].concat(),
        [header([0x81, 0x83], [1, 0, 0, 1]), question.to_vec(), opt.to_vec()].concat(),
        [header([1, 0], [1, 0, 0, 0]), reverse.to_vec()].concat(),
        [header([1, 0], [3, 0, 0, 0]), question.repeat(3)].concat(),
        [header([0x81, 0x80], [1, 3, 0, 0]), question.to_vec(), record(b"\xc0\x0c", 5, b"\x01a\xc0\x10").repeat(3)]
            .concat(),
        [header([1, 0], [1, 0, 0, 0]), b"\x01a\xc0\x0c\x00\x01\x00\x01".to_vec()].concat(),
        [header([0x20, 0], [1, 0, 0, 0]), question.to_vec()].concat(),
    ]
}

/// Cuts, then the stream.
fn with_cuts(cuts: &[u16], stream: &[u8]) -> Vec<u8> {
    let mut seed = vec![cuts.len() as u8];
    seed.extend(cuts.iter().flat_map(|cut| cut.to_be_bytes()));
    seed.extend_from_slice(stream);
    seed
}

/// Streams of both handshakes, with messages of every type, and some that are broken.
fn dnstap_streams() -> Seeds {
    let what = Exchange {
        client: "198.51.100.7:40001".parse().expect("an address"),
        server: "192.0.2.53:853".parse().expect("an address"),
        protocol: SocketProtocol::Tcp,
        ts: Timestamp::from_parts(1_800_000_000, 0),
        name: "www.lucky-7.example",
    };
    let six = Exchange { client: "[2001:db8::7]:40001".parse().expect("an address"), ..what };
    let stream = |begin: &[fn(&mut Vec<u8>)], body: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        begin.iter().for_each(|part| part(&mut out));
        body(&mut out);
        dnstap::stop(&mut out);
        out
    };
    let both: [fn(&mut Vec<u8>); 2] = [dnstap::ready, dnstap::start];
    let pair = stream(&both, &|out| {
        dnstap::query(out, &what);
        dnstap::response(out, &what);
    });
    let one_way = stream(&both[1..], &|out| dnstap::query(out, &six));
    let types = stream(&both[1..], &|out| {
        for kind in MessageType::ALL {
            dnstap::data(out, &dnstap::payload(&what, *kind, samples::DNS_QUERY));
        }
    });
    let broken = stream(&both[1..], &|out| {
        dnstap::data(out, b"\x72\x04\x08\x05\x10\x01\x78\x01");
        dnstap::data(out, b"garbage");
        dnstap::data(out, &dnstap::payload(&what, MessageType::ClientQuery, samples::DNS_ANSWER));
    });
    let mut other = Vec::new();
    dnstap::control(&mut other, 4, Some(b"protobuf:other"));
    let long = stream(&both[1..], &|out| out.extend_from_slice(&[0, 0, 8, 1]));
    vec![
        with_cuts(&[], &pair),
        with_cuts(&[3, 50, 51], &pair),
        with_cuts(&[], &one_way),
        with_cuts(&[1], &types),
        with_cuts(&[], &broken),
        with_cuts(&[], &other),
        with_cuts(&[], &long),
    ]
}

fn dns_streams() -> Seeds {
    let stream = &samples::DNS_STREAM;
    let empty = [&[0, 0][..], stream, &[0, 0]].concat();
    vec![
        with_cuts(&[], stream),
        with_cuts(&[1, 2, 20], stream),
        with_cuts(&[2], &stream[..40]),
        with_cuts(&[3], &empty),
        with_cuts(&[1], b"\xff\xff\x12\x34"),
    ]
}

fn specs() -> Vec<HelloSpec> {
    let name = samples::NAME;
    let tls12 = HelloSpec { sni: Some(name.into()), versions: vec![], ..HelloSpec::default() };
    vec![
        HelloSpec::browser(name, 1),
        HelloSpec::browser_quic(name, 2),
        HelloSpec { sni: Some(name.into()), ..HelloSpec::default() },
        HelloSpec { alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()], ech: Some(32), ..tls12.clone() },
        HelloSpec { sni: Some(b"192.0.2.7".to_vec()), ..tls12.clone() },
        HelloSpec { sni: Some(b"[2001:db8::7]".to_vec()), ..tls12.clone() },
        HelloSpec { sni: Some(Vec::new()), ..tls12.clone() },
        HelloSpec { sni: Some(vec![b'a'; 300]), ..tls12.clone() },
        HelloSpec { extra: vec![(0, b"\x00\x05\x00\x00\x02no".to_vec())], ..tls12.clone() },
        HelloSpec { grease: true, session_id_len: 0, ..tls12 },
        HelloSpec::default(),
    ]
}

fn hellos() -> Seeds {
    let whole = specs().into_iter().map(|spec| [&[0, 200][..], &client_hello(&spec)].concat());
    let cut = client_hello(&HelloSpec::browser(samples::NAME, 3));
    whole.chain([[&[4, 0][..], &cut[..900]].concat()]).collect()
}

fn tls_streams() -> Seeds {
    let hello = client_hello(&HelloSpec { sni: Some(samples::NAME.into()), ..HelloSpec::default() });
    let mut seeds: Seeds = specs().into_iter().take(8).map(|s| [&[250, 0][..], &client_hello(&s)].concat()).collect();
    for size in [0, 1, 5, 40] {
        seeds.push([&[size][..], &with_cuts(&[1, 5, 6, 100], &hello)].concat());
    }
    seeds.push([&[0][..], &with_cuts(&[3, 60], &records(&hello, 16_384))].concat());
    seeds.push([&[0][..], &with_cuts(&[7], &records(&hello, 90))].concat());
    seeds.push(b"\x00\x00\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03".to_vec());
    seeds.push(b"\x00\x00\x16\x03\x01\x00\x01\x01\x17\x03\x03\x00\x01\x00".to_vec());
    seeds
}

/// Datagrams, each behind its length.
fn quic_datagrams() -> Seeds {
    let framed = |datagrams: &[&[u8]]| -> Vec<u8> {
        datagrams.iter().flat_map(|d| [&(d.len() as u16).to_be_bytes()[..], d].concat()).collect()
    };
    let small = samples::crypto(0, &samples::SMALL_HELLO);
    let initial =
        |version, pad_to| seal_initial(version, b"\x83\x94\xc8\xf0", b"client", b"", 0, 2, &small, pad_to, true);
    let mut retry = initial(Version::V1, 0);
    retry[0] |= 0x30;
    let mut zero_rtt = initial(Version::V1, 0);
    zero_rtt[0] = zero_rtt[0] & 0xcf | 0x10;
    let mut unread = initial(Version::V1, 1200);
    unread[1..5].copy_from_slice(b"Q050");
    let [a, b] = &*samples::QUIC_DATAGRAMS;
    vec![
        framed(&[a, b]),
        framed(&[b, a]),
        framed(&[&initial(Version::V2, 0)]),
        framed(&[&initial(Version::Draft29, 1200)]),
        framed(&[&[zero_rtt, initial(Version::V1, 0)].concat()]),
        framed(&[&retry, &initial(Version::V1, 0)]),
        framed(&[&unread]),
        framed(&[b"\x40\x01\x02\x03", b"\xc0\x00\x00\x00\x00\x00\x00"]),
    ]
}
