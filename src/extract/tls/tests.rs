//! Hellos of every shape, cut in every way: always the same name. `tls-parser` is the second opinion.

use proptest::prelude::*;
use tls_parser::{SNIType, TlsExtension, TlsMessage, TlsMessageHandshake};

use super::build::{HelloSpec, client_hello, records};
use super::*;

const NAME: &str = "lucky-7.shop.example";

fn spec() -> impl Strategy<Value = HelloSpec> {
    (any::<u64>(), any::<[bool; 6]>(), 0..40usize, "[a-zA-Z0-9.-]{1,60}").prop_map(|(seed, on, small, name)| {
        HelloSpec {
            sni: on[0].then(|| name.into_bytes()),
            alpn: if on[1] { vec![b"h2".to_vec(), vec![b'x'; small + 1]] } else { Vec::new() },
            versions: if on[2] { vec![0x0303, 0x0304, 0x0302] } else { Vec::new() },
            session_id_len: small,
            post_quantum: on[3],
            grease: on[4],
            ech: on[5].then_some(small * 4),
            shuffle: true,
            seed,
            ..HelloSpec::default()
        }
    })
}

fn host<'a>(hello: &ClientHello<'a>) -> Option<&'a [u8]> {
    match hello.sni {
        Sni::Host(name) => Some(name),
        _ => None,
    }
}

/// Feeds the stream in the given pieces and returns the last answer's name, and what was fed by then.
fn read_in_pieces(stream: &[u8], sizes: &[usize]) -> (Option<Vec<u8>>, usize) {
    let mut reader = HelloReader::default();
    let (mut rest, mut fed) = (stream, 0);
    for size in sizes.iter().cycle() {
        let (piece, after) = rest.split_at(rest.len().min(*size));
        rest = after;
        fed += piece.len();
        match reader.feed(piece) {
            Progress::NeedMore if rest.is_empty() => return (None, fed),
            Progress::NeedMore => {}
            Progress::Found(hello) => return (host(&hello).map(<[u8]>::to_vec), fed),
            Progress::Reject(error) => panic!("{error}"),
        }
    }
    unreachable!("sizes are above zero")
}

#[test]
fn every_field_is_read() {
    let spec = HelloSpec::browser(NAME, 3);
    let message = client_hello(&spec);
    let hello = walk_hello(&message).unwrap();
    assert_eq!(hello.sni, Sni::Host(NAME.as_bytes()));
    assert_eq!(hello.name().unwrap().to_string(), NAME);
    assert_eq!(hello.version, 0x0304);
    assert_eq!(hello.alpn, b"\x02h2\x08http/1.1");
    assert!(hello.ech);

    let old = HelloSpec { versions: Vec::new(), ech: None, alpn: Vec::new(), sni: None, ..spec };
    let message = client_hello(&old);
    let hello = walk_hello(&message).unwrap();
    assert_eq!(hello, ClientHello { sni: Sni::Absent, version: 0x0303, alpn: &[], ech: false });
    assert_eq!(hello.name(), Err(NoName::Absent));
}

#[test]
fn names_that_are_none() {
    let name_of = |sni: &[u8]| {
        let message = client_hello(&HelloSpec { sni: Some(sni.to_vec()), ..HelloSpec::default() });
        walk_hello(&message).unwrap().name().map(|n| n.to_string())
    };
    assert_eq!(name_of(b""), Err(NoName::Bad));
    assert_eq!(name_of(b"."), Err(NoName::Bad));
    assert_eq!(name_of(&[b'a'; 254]), Err(NoName::Bad));
    assert_eq!(name_of(&[b'a'; 253]).unwrap().len(), 253);
    for address in ["192.0.2.7", "192.0.2.7.", "2001:db8::1", "[2001:db8::1]", "fe80::1%eth0"] {
        assert_eq!(name_of(address.as_bytes()), Err(NoName::IpLiteral), "{address}");
    }
    assert_eq!(name_of(b"Shop.Example.").unwrap(), "shop.example");
    assert_eq!(name_of(b"7.example.1").unwrap(), "7.example.1");
    assert_eq!(name_of(b"a\0b.\xffexample").unwrap(), "a\\000b.\\255example");
}

/// A hello by hand: fixed fields and the given extension block.
fn by_hand(ciphers: &[u8], block: &[u8]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend_from_slice(&[7; 32]);
    body.push(0);
    body.extend_from_slice(&(ciphers.len() as u16).to_be_bytes());
    body.extend_from_slice(ciphers);
    body.extend_from_slice(&[1, 0]);
    body.extend_from_slice(block);
    let mut message = vec![1, 0];
    message.extend_from_slice(&(body.len() as u16).to_be_bytes());
    message.extend_from_slice(&body);
    message
}

fn name_by_hand(ciphers: &[u8], block: &[u8]) -> Result<Option<String>, TlsError> {
    let message = by_hand(ciphers, block);
    walk_hello(&message).map(|hello| host(&hello).map(|n| String::from_utf8_lossy(n).into_owned()))
}

#[test]
fn leniency_serves_the_name() {
    let ok = Ok(Some("a.b".to_string()));
    let sni = b"\x00\x00\x00\x08\x00\x06\x00\x00\x03a.b";
    let with_len = |len: u16, parts: &[&[u8]]| [&len.to_be_bytes()[..], &parts.concat()].concat();
    assert_eq!(name_by_hand(b"\x13\x01", &with_len(12, &[sni])), ok);
    assert_eq!(name_by_hand(b"\x13\x01\x13", &with_len(12, &[sni])), ok, "odd cipher suites");
    assert_eq!(name_by_hand(b"", &with_len(12, &[sni, b"garbage"])), ok, "garbage behind the extensions");
    assert_eq!(name_by_hand(b"", &with_len(900, &[sni])), ok, "extensions said to be longer than the message");
    assert_eq!(name_by_hand(b"", &with_len(18, &[sni, b"\x00\x10\x00\xff\x00\x01"])), ok, "cut behind the name");
    let second = b"\x00\x00\x00\x08\x00\x06\x00\x00\x03c.d";
    assert_eq!(name_by_hand(b"", &with_len(24, &[sni, second])), ok, "the first counts");
    let other_type = b"\x00\x00\x00\x0d\x00\x0b\x07\x00\x02zz\x00\x00\x03a.b";
    assert_eq!(name_by_hand(b"", &with_len(17, &[other_type])), ok, "another name type comes first");
}

#[test]
fn damage_before_the_name_is_said() {
    assert_eq!(name_by_hand(b"", b""), Ok(None), "no extensions at all");
    assert_eq!(name_by_hand(b"", b"\x00\x00"), Ok(None));
    assert_eq!(name_by_hand(b"", b"\x00"), Err(TlsError::Malformed));
    assert_eq!(name_by_hand(b"", b"\x00\x05\x00\x17\x00\x09\x00"), Err(TlsError::Malformed));
    let message = by_hand(b"", b"\x00\x04\x00\x00\x00\x00");
    assert_eq!(walk_hello(&message).unwrap().sni, Sni::Bad, "an empty server_name is a server's");
    assert_eq!(walk_hello(&message[..20]), Err(TlsError::Truncated));
    assert_eq!(walk_hello(b"\x01\x00"), Err(TlsError::Truncated));
    assert_eq!(walk_hello(b"\x01\x00\x00\x00"), Err(TlsError::Malformed));
    assert_eq!(walk_hello(b"\x02\x00\x00\x00"), Err(TlsError::NotClientHello));
    assert_eq!(walk_hello(b"\x01\x00\xff\xfd"), Err(TlsError::TooLong));
}

#[test]
fn alpn_with_wrong_lengths_is_dropped_and_the_rest_kept() {
    let cases: [(&[u8], &[u8]); 4] =
        [(b"\x00\x03\x02h2", b"\x02h2"), (b"\x00\x03\x03h2", b""), (b"\x00\x01\x00", b""), (b"\x00", b"")];
    for (body, expected) in cases {
        let spec = HelloSpec { sni: Some(NAME.into()), extra: vec![(0x10, body.to_vec())], ..HelloSpec::default() };
        let message = client_hello(&spec);
        let hello = walk_hello(&message).unwrap();
        assert_eq!((hello.alpn, host(&hello)), (expected, Some(NAME.as_bytes())));
    }
}

#[test]
fn a_partial_hello_gives_its_name_once_the_extension_is_whole() {
    let message = client_hello(&HelloSpec::browser(NAME, 11));
    let at = message.windows(NAME.len()).position(|w| w == NAME.as_bytes()).unwrap();
    for n in 0..message.len() {
        let found = walk_partial(&message[..n]).and_then(|hello| host(&hello));
        assert_eq!(found, (n >= at + NAME.len()).then_some(NAME.as_bytes()), "{n} octets");
    }
    let mut reader = HelloReader::new();
    assert!(matches!(reader.feed(&records(&message, 100)[..at + NAME.len() + 200]), Progress::NeedMore));
    assert_eq!(host(&reader.partial().unwrap()), Some(NAME.as_bytes()));
}

#[test]
fn the_contiguous_path_takes_one_record_and_nothing_else() {
    let message = client_hello(&HelloSpec::browser(NAME, 5));
    let whole = records(&message, 16_384);
    let hello = whole_hello(&whole).unwrap().unwrap();
    assert_eq!(host(&hello), Some(NAME.as_bytes()));
    assert!(whole_hello(&whole[..whole.len() - 1]).is_none());
    assert!(whole_hello(&records(&message, message.len() - 1)).is_none());
    assert!(whole_hello(b"").is_none());
    assert_eq!(whole_hello(b"\x16\x03\x03\x00\x04\x02\x00\x00\x00"), Some(Err(TlsError::NotClientHello)));
    // The record may go on, or be cut, behind the hello.
    let mut longer = message.clone();
    longer.extend_from_slice(b"\x0b\x00\x00");
    assert!(whole_hello(&records(&longer, 16_384)).is_some());
}

#[test]
fn interruptions_are_refused_and_stay_refused() {
    let message = client_hello(&HelloSpec::browser(NAME, 5));
    let stream = records(&message, 200);
    for between in
        [&b"\x15\x03\x01\x00\x02\x01\x00"[..], b"\x14\x03\x03\x00\x01\x01", b"\x16\x03\x01\x00\x00", b"GET /"]
    {
        let mut reader = HelloReader::new();
        assert!(matches!(reader.feed(&stream[..205]), Progress::NeedMore));
        assert!(matches!(reader.feed(between), Progress::Reject(TlsError::NotHandshake)), "{between:02x?}");
        assert!(matches!(reader.feed(&stream[205..]), Progress::Reject(TlsError::NotHandshake)));
        assert_eq!(reader.buffered(), 0);
    }
    let mut reader = HelloReader::new();
    assert!(matches!(reader.feed(b"\x16\x03\x01\x02\x00\x01\x01\x00\x00"), Progress::Reject(TlsError::TooLong)));
    let mut reader = HelloReader::new();
    assert!(matches!(reader.feed(b"\x16\x03\x01\x02\x00\x01\x00\x00\x00"), Progress::Reject(TlsError::Malformed)));
    let mut reader = HelloReader::new();
    assert!(matches!(reader.feed(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76"), Progress::Reject(TlsError::NotClientHello)));
}

#[test]
fn the_longest_hello_in_the_smallest_records_is_read() {
    let bare = client_hello(&HelloSpec { sni: Some(NAME.into()), ..HelloSpec::default() }).len();
    let spec = HelloSpec {
        sni: Some(NAME.into()),
        extra: vec![(0x15, vec![0; MAX_HELLO - bare - 4])],
        ..HelloSpec::default()
    };
    // The extensions' length has 16 bits, so the fixed fields make room for the last octets.
    let message = client_hello(&HelloSpec { session_id_len: 32, ..spec });
    assert!(message.len() <= MAX_HELLO && message.len() > MAX_HELLO - 200, "{}", message.len());
    let stream = records(&message, 1);
    let (found, fed) = read_in_pieces(&stream, &[1_448]);
    assert_eq!(found.as_deref(), Some(NAME.as_bytes()));
    assert_eq!(fed, stream.len());
}

/// The first server name that tls-parser sees in a hello that it reads to the end.
fn second_opinion(message: &[u8]) -> Option<Vec<u8>> {
    let (rest, parsed) = tls_parser::parse_tls_message_handshake(message).ok()?;
    let TlsMessage::Handshake(TlsMessageHandshake::ClientHello(hello)) = parsed else { return None };
    let (left, extensions) = tls_parser::parse_tls_client_hello_extensions(hello.ext?).ok()?;
    if !rest.is_empty() || !left.is_empty() {
        return None;
    }
    let sni = extensions.into_iter().find_map(|e| if let TlsExtension::SNI(list) = e { Some(list) } else { None })?;
    sni.into_iter().find(|(kind, _)| *kind == SNIType::HostName).map(|(_, name)| name.to_vec())
}

#[test]
fn the_second_opinion_has_one() {
    assert_eq!(second_opinion(&client_hello(&HelloSpec::browser(NAME, 1))).as_deref(), Some(NAME.as_bytes()));
}

proptest! {
    #[test]
    fn any_split_over_records_and_segments_gives_the_same_name(
        spec in spec(),
        record_sizes in prop::collection::vec(1..700usize, 1..6),
        segments in prop::collection::vec(1..900usize, 1..6),
    ) {
        let message = client_hello(&spec);
        let (mut stream, mut rest) = (Vec::new(), &message[..]);
        for size in record_sizes.iter().cycle() {
            if rest.is_empty() { break; }
            let (piece, after) = rest.split_at(rest.len().min(*size));
            stream.extend(records(piece, 16_384));
            rest = after;
        }
        let hello_end = stream.len();
        stream.extend_from_slice(b"\x14\x03\x03\x00\x01\x01");
        prop_assert_eq!(probe(&stream), Probe::Yes);
        let (found, fed) = read_in_pieces(&stream, &segments);
        prop_assert_eq!(&found, &spec.sni);
        prop_assert!(fed + segments.iter().max().unwrap() >= hello_end);
    }

    #[test]
    fn tls_parser_agrees_on_built_hellos(spec in spec()) {
        let message = client_hello(&spec);
        let hello = walk_hello(&message).unwrap();
        prop_assert_eq!(host(&hello).map(<[u8]>::to_vec), spec.sni.clone());
        prop_assert_eq!(second_opinion(&message), spec.sni);
        prop_assert_eq!(hello.ech, spec.ech.is_some());
        prop_assert_eq!(hello.version, if spec.versions.is_empty() { 0x0303 } else { 0x0304 });
        prop_assert_eq!(hello.alpn.is_empty(), spec.alpn.is_empty());
    }

    #[test]
    fn where_tls_parser_finds_a_name_in_a_mutated_hello_so_do_we(
        spec in spec(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
    ) {
        let mut message = client_hello(&HelloSpec { post_quantum: false, ..spec });
        for (at, value) in changes {
            let at = at.index(message.len());
            message[at] = value;
        }
        if let Some(name) = second_opinion(&message) {
            let hello = walk_hello(&message);
            prop_assert_eq!(hello.ok().as_ref().and_then(host), Some(&name[..]));
        }
    }

    #[test]
    fn arbitrary_octets_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0..60usize) {
        let _ = (walk_hello(&bytes), walk_partial(&bytes), probe(&bytes), whole_hello(&bytes));
        let mut reader = HelloReader::new();
        let _ = reader.feed(&bytes);
        // The same behind a beginning that leads further in.
        let mut message = by_hand(b"\x13\x01", b"\xff\xff");
        message.truncate(message.len() - at.min(message.len()));
        message.extend_from_slice(&bytes);
        let _ = (walk_hello(&message), walk_partial(&message));
        let _ = HelloReader::new().feed(&records(&message, 50));
    }
}
