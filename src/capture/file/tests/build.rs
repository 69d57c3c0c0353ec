//! Writers for the tests: they follow the formats' drafts and know nothing of the reader.

/// Byte order of what is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Endian {
    Little,
    Big,
}

impl Endian {
    pub(super) const BOTH: [Endian; 2] = [Endian::Little, Endian::Big];

    pub(super) fn u16(self, v: u16) -> [u8; 2] {
        if self == Endian::Little { v.to_le_bytes() } else { v.to_be_bytes() }
    }

    pub(super) fn u32(self, v: u32) -> [u8; 4] {
        if self == Endian::Little { v.to_le_bytes() } else { v.to_be_bytes() }
    }

    pub(super) fn u64(self, v: u64) -> [u8; 8] {
        if self == Endian::Little { v.to_le_bytes() } else { v.to_be_bytes() }
    }
}

pub(super) const MICRO: u32 = 0xa1b2_c3d4;
pub(super) const NANO: u32 = 0xa1b2_3c4d;
pub(super) const KUZNETZOV: u32 = 0xa1b2_cd34;

/// A classic pcap file.
pub(super) struct PcapFile {
    pub(super) bytes: Vec<u8>,
    endian: Endian,
    magic: u32,
    minor: u16,
}

impl PcapFile {
    pub(super) fn new(endian: Endian, magic: u32) -> Self {
        Self::with(endian, magic, 4, 65_535, 1)
    }

    pub(super) fn with(endian: Endian, magic: u32, minor: u16, snaplen: u32, network: u32) -> Self {
        let mut bytes = Vec::new();
        bytes.extend(endian.u32(magic));
        bytes.extend(endian.u16(2));
        bytes.extend(endian.u16(minor));
        bytes.extend([0; 8]);
        bytes.extend(endian.u32(snaplen));
        bytes.extend(endian.u32(network));
        PcapFile { bytes, endian, magic, minor }
    }

    pub(super) fn record(mut self, secs: u32, ticks: u32, orig_len: u32, data: &[u8]) -> Self {
        self = self.header(secs, ticks, data.len() as u32, orig_len);
        self.bytes.extend(data);
        self
    }

    /// A record header alone, which may lie.
    pub(super) fn header(mut self, secs: u32, ticks: u32, captured: u32, orig_len: u32) -> Self {
        let lengths = if self.minor < 3 { [orig_len, captured] } else { [captured, orig_len] };
        for v in [secs, ticks, lengths[0], lengths[1]] {
            self.bytes.extend(self.endian.u32(v));
        }
        if self.magic == KUZNETZOV {
            self.bytes.extend([0x55; 8]);
        }
        self
    }

    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }
}

/// A pcapng file, block by block.
pub(super) struct Ng {
    pub(super) bytes: Vec<u8>,
    pub(super) endian: Endian,
}

impl Ng {
    /// Starts with a section header.
    pub(super) fn new(endian: Endian) -> Self {
        Ng { bytes: Vec::new(), endian }.section(endian)
    }

    pub(super) fn block(mut self, kind: u32, body: &[u8]) -> Self {
        let padded = body.len().next_multiple_of(4);
        let length = self.endian.u32(padded as u32 + 12);
        self.bytes.extend(self.endian.u32(kind));
        self.bytes.extend(length);
        self.bytes.extend(body);
        self.bytes.extend(vec![0; padded - body.len()]);
        self.bytes.extend(length);
        self
    }

    pub(super) fn section(mut self, endian: Endian) -> Self {
        self.endian = endian;
        let mut body = Vec::new();
        body.extend(endian.u32(0x1a2b_3c4d));
        body.extend(endian.u16(1));
        body.extend(endian.u16(0));
        body.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, &body)
    }

    pub(super) fn interface(self, linktype: u16, snaplen: u32, options: &[(u16, Vec<u8>)]) -> Self {
        let e = self.endian;
        let mut body = Vec::new();
        body.extend(e.u16(linktype));
        body.extend([0; 2]);
        body.extend(e.u32(snaplen));
        for (code, value) in options {
            body.extend(e.u16(*code));
            body.extend(e.u16(value.len() as u16));
            body.extend(value);
            body.extend(vec![0; value.len().next_multiple_of(4) - value.len()]);
        }
        if !options.is_empty() {
            body.extend([0; 4]);
        }
        self.block(1, &body)
    }

    pub(super) fn enhanced(self, interface: u32, ticks: u64, orig_len: u32, data: &[u8]) -> Self {
        let captured = data.len() as u32;
        self.enhanced_claiming(interface, ticks, captured, orig_len, data)
    }

    pub(super) fn enhanced_claiming(
        self,
        interface: u32,
        ticks: u64,
        captured: u32,
        orig_len: u32,
        data: &[u8],
    ) -> Self {
        let mut body = Vec::new();
        for v in [interface, (ticks >> 32) as u32, ticks as u32, captured, orig_len] {
            body.extend(self.endian.u32(v));
        }
        body.extend(data);
        self.block(6, &body)
    }

    pub(super) fn obsolete(self, interface: u16, ticks: u64, orig_len: u32, data: &[u8]) -> Self {
        let e = self.endian;
        let mut body = Vec::new();
        body.extend(e.u16(interface));
        body.extend(e.u16(0xffff));
        for v in [(ticks >> 32) as u32, ticks as u32, data.len() as u32, orig_len] {
            body.extend(e.u32(v));
        }
        body.extend(data);
        self.block(2, &body)
    }

    pub(super) fn simple(self, orig_len: u32, data: &[u8]) -> Self {
        let mut body = self.endian.u32(orig_len).to_vec();
        body.extend(data);
        self.block(3, &body)
    }
}
