//! Builds ClientHellos as browsers send them: for the tests, the fuzz targets, the benches and the generator of the
//! demo's traffic. Nothing that watches traffic uses it.
//!
//! The output depends on the [`HelloSpec`] alone, seed included, so that captures made from it can be made again.

/// What the hello should look like. [`HelloSpec::default`] is a small TLS 1.3 hello without a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HelloSpec {
    /// The server name, as the octets of the host_name entry; `None` leaves the extension out.
    pub sni: Option<Vec<u8>>,
    /// Protocols of the ALPN extension, each 1 to 255 octets; none leaves the extension out.
    pub alpn: Vec<Vec<u8>>,
    /// The legacy_version field.
    pub legacy_version: u16,
    /// Entries of supported_versions; none leaves the extension out, as TLS 1.2 clients do.
    pub versions: Vec<u16>,
    /// Octets of the legacy session id, at most 32. QUIC has none.
    pub session_id_len: usize,
    /// Adds a post-quantum X25519MLKEM768 share of 1,216 octets before the X25519 one.
    pub post_quantum: bool,
    /// Adds GREASE values (RFC 8701) to ciphers, versions and groups, and a GREASE extension at both ends.
    pub grease: bool,
    /// Payload octets of an encrypted_client_hello extension (RFC 9849), GREASE or not; `None` leaves it out.
    pub ech: Option<usize>,
    /// Adds the quic_transport_parameters extension (RFC 9001 section 8.2).
    pub quic_transport_parameters: bool,
    /// Shuffles the extensions.
    pub shuffle: bool,
    /// Further extensions as they stand: type and body. They are shuffled with the rest.
    pub extra: Vec<(u16, Vec<u8>)>,
    /// Where the random octets come from.
    pub seed: u64,
}

impl Default for HelloSpec {
    fn default() -> Self {
        HelloSpec {
            sni: None,
            alpn: Vec::new(),
            legacy_version: 0x0303,
            versions: vec![0x0304, 0x0303],
            session_id_len: 32,
            post_quantum: false,
            grease: false,
            ech: None,
            quic_transport_parameters: false,
            shuffle: false,
            extra: Vec::new(),
            seed: 0,
        }
    }
}

impl HelloSpec {
    /// A hello like a current browser's over TCP: about 1,900 octets, shuffled, with a post-quantum share and ECH
    /// GREASE, so that it spans two segments and the name may be in either.
    pub fn browser(name: &str, seed: u64) -> HelloSpec {
        HelloSpec {
            sni: Some(name.as_bytes().to_vec()),
            alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            post_quantum: true,
            grease: true,
            ech: Some(208),
            shuffle: true,
            seed,
            ..HelloSpec::default()
        }
    }

    /// A hello like a current browser's over QUIC.
    pub fn browser_quic(name: &str, seed: u64) -> HelloSpec {
        HelloSpec {
            alpn: vec![b"h3".to_vec()],
            versions: vec![0x0304],
            session_id_len: 0,
            quic_transport_parameters: true,
            ..HelloSpec::browser(name, seed)
        }
    }
}

/// The handshake message with its four-octet header (RFC 8446 section 4.1.2).
pub fn client_hello(spec: &HelloSpec) -> Vec<u8> {
    let mut random = Random(spec.seed);
    let mut body = Vec::with_capacity(2048);
    body.extend_from_slice(&spec.legacy_version.to_be_bytes());
    random.fill(&mut body, 32);
    let session_id_len = spec.session_id_len.min(32);
    body.push(session_id_len as u8);
    random.fill(&mut body, session_id_len);

    let mut ciphers = Vec::new();
    if spec.grease {
        put_u16(&mut ciphers, random.grease());
    }
    for cipher in [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0x009c, 0x002f] {
        put_u16(&mut ciphers, cipher);
    }
    put_u16_len(&mut body, &ciphers);
    body.extend_from_slice(&[1, 0]);

    let mut all = Vec::new();
    for (kind, extension) in extensions(spec, &mut random) {
        put_u16(&mut all, kind);
        put_u16_len(&mut all, &extension);
    }
    if !all.is_empty() {
        put_u16_len(&mut body, &all);
    }

    let mut message = vec![1];
    message.extend_from_slice(&(body.len() as u32).to_be_bytes()[1..]);
    message.append(&mut body);
    message
}

/// The handshake octets in TLS records of at most `record_size` octets of content each, 1 to 16,384, and a record
/// version of 0x0301 as first flights have it (RFC 8446 section 5.1).
pub fn records(handshake: &[u8], record_size: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(handshake.len() + 5);
    for piece in handshake.chunks(record_size.clamp(1, 1 << 14)) {
        out.extend_from_slice(&[0x16, 3, 1]);
        put_u16_len(&mut out, piece);
    }
    out
}

fn extensions(spec: &HelloSpec, random: &mut Random) -> Vec<(u16, Vec<u8>)> {
    let mut list: Vec<(u16, Vec<u8>)> = Vec::new();
    if let Some(name) = &spec.sni {
        let mut entry = vec![0];
        put_u16_len(&mut entry, name);
        list.push((0x0000, with_u16_len(&entry)));
    }
    list.push((0x0017, Vec::new()));
    list.push((0xff01, vec![0]));

    let mut groups = Vec::new();
    let mut shares = Vec::new();
    if spec.grease {
        let grease = random.grease();
        put_u16(&mut groups, grease);
        put_u16(&mut shares, grease);
        put_u16_len(&mut shares, &[0]);
    }
    for (group, share_len) in [(0x11ec, 1216), (0x001d, 32)] {
        if group == 0x001d || spec.post_quantum {
            put_u16(&mut groups, group);
            put_u16(&mut shares, group);
            let mut share = Vec::new();
            random.fill(&mut share, share_len);
            put_u16_len(&mut shares, &share);
        }
    }
    put_u16(&mut groups, 0x0017);
    list.push((0x000a, with_u16_len(&groups)));
    list.push((0x000b, vec![1, 0]));
    list.push((0x0023, Vec::new()));
    if !spec.alpn.is_empty() {
        let mut names = Vec::new();
        for name in &spec.alpn {
            let name = &name[..name.len().min(255)];
            names.push(name.len() as u8);
            names.extend_from_slice(name);
        }
        list.push((0x0010, with_u16_len(&names)));
    }
    list.push((0x0005, vec![1, 0, 0, 0, 0]));
    list.push((0x000d, vec![0, 8, 4, 3, 8, 4, 4, 1, 5, 3]));
    list.push((0x0012, Vec::new()));
    if !spec.versions.is_empty() {
        list.push((0x0033, with_u16_len(&shares)));
        list.push((0x002d, vec![1, 1]));
        let mut versions = vec![0];
        if spec.grease {
            put_u16(&mut versions, random.grease());
        }
        for version in spec.versions.iter().take(100) {
            put_u16(&mut versions, *version);
        }
        versions[0] = (versions.len() - 1) as u8;
        list.push((0x002b, versions));
    }
    if let Some(payload) = spec.ech {
        // Outer form: type 0, HKDF-SHA256 and AES-128-GCM, config id, enc, payload (RFC 9849 section 5).
        let mut ech = vec![0, 0, 1, 0, 1, 0x5a];
        let mut enc = Vec::new();
        random.fill(&mut enc, 32);
        put_u16_len(&mut ech, &enc);
        let mut sealed = Vec::new();
        random.fill(&mut sealed, payload);
        put_u16_len(&mut ech, &sealed);
        list.push((0xfe0d, ech));
    }
    if spec.quic_transport_parameters {
        // max_idle_timeout, max_udp_payload_size, initial_max_data and initial_source_connection_id.
        list.push((0x0039, vec![1, 4, 0x80, 0, 0x75, 0x30, 3, 2, 0x45, 0xc0, 4, 4, 0x80, 0xf0, 0, 0, 0x0f, 0]));
    }
    list.extend(spec.extra.iter().cloned());
    if spec.shuffle {
        for i in (1..list.len()).rev() {
            list.swap(i, random.below(i + 1));
        }
    }
    if spec.grease {
        list.insert(0, (random.grease(), Vec::new()));
        list.push((random.grease(), vec![0]));
    }
    list
}

fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends the body, at most 65,535 octets of it, after its length.
fn put_u16_len(out: &mut Vec<u8>, body: &[u8]) {
    let body = &body[..body.len().min(usize::from(u16::MAX))];
    put_u16(out, body.len() as u16);
    out.extend_from_slice(body);
}

fn with_u16_len(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 2);
    put_u16_len(&mut out, body);
    out
}

/// SplitMix64: good enough to look random in a capture, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn fill(&mut self, out: &mut Vec<u8>, count: usize) {
        let end = out.len() + count;
        while out.len() < end {
            let octets = self.next().to_le_bytes();
            out.extend_from_slice(&octets[..(end - out.len()).min(8)]);
        }
    }

    /// One of the 16 reserved values (RFC 8701 section 2).
    fn grease(&mut self) -> u16 {
        0x0a0a + 0x1010 * (self.next() % 16) as u16
    }
}
