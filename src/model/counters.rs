//! Everything a packet worker counts: one array of integers, owned by the worker, so that counting is one addition.
//!
//! Each counter is declared once, with the metric it feeds and a sentence of help; metrics, summaries and
//! `docs/metrics.md` are made from this table. Nothing is lost without a counter here.

/// How one counter appears as a metric.
#[derive(Clone, Copy, Debug)]
pub struct CounterInfo {
    /// Metric name, without the `stakeout_` prefix.
    pub metric: &'static str,
    /// Label name and value, if the metric has several counters.
    pub label: Option<(&'static str, &'static str)>,
    /// What it counts, for `/metrics` and the summary of `scan`.
    pub help: &'static str,
}

macro_rules! counters {
    ($( $variant:ident = $metric:literal $([$label:ident = $value:literal])?, $help:literal; )*) => {
        /// One thing that a packet worker counts.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(usize)]
        pub enum Counter { $( #[doc = $help] $variant, )* }

        impl Counter {
            /// Every counter, in declaration order.
            pub const ALL: &'static [Counter] = &[ $( Counter::$variant, )* ];

            /// How it appears as a metric.
            pub const fn info(self) -> CounterInfo {
                match self { $( Counter::$variant => CounterInfo {
                    metric: $metric,
                    label: counters!(@label $($label $value)?),
                    help: $help,
                }, )* }
            }
        }
    };
    (@label) => { None };
    (@label $label:ident $value:literal) => { Some((stringify!($label), $value)) };
}

counters! {
    Packets = "packets_total", "Frames taken from the capture.";
    Bytes = "bytes_total", "Octets of those frames as captured.";
    FramesDuplicate = "frames_duplicate_total", "Frames that the mirror delivered twice, seen by their headers within a few milliseconds; only the first is examined.";

    SkipLinkType = "frames_skipped_total"[reason = "link-type"], "Frames that were not examined further, by reason.";
    SkipNotIp = "frames_skipped_total"[reason = "not-ip"], "Frames that were not examined further, by reason.";
    SkipTransport = "frames_skipped_total"[reason = "not-tcp-udp"], "Frames that were not examined further, by reason.";
    SkipTruncated = "frames_skipped_total"[reason = "truncated-header"], "Frames that were not examined further, by reason.";
    SkipMalformed = "frames_skipped_total"[reason = "malformed-header"], "Frames that were not examined further, by reason.";
    SkipDepth = "frames_skipped_total"[reason = "too-deep"], "Frames that were not examined further, by reason.";
    SkipEncrypted = "frames_skipped_total"[reason = "encrypted"], "Frames that were not examined further, by reason.";
    SkipIcmp = "frames_skipped_total"[reason = "icmp"], "Frames that were not examined further, by reason.";
    SkipAggregated = "frames_skipped_total"[reason = "aggregated"], "Frames that were not examined further, by reason.";
    SnapCut = "packets_snap_cut_total", "Packets of which the capture holds less than the headers promise.";

    Fragments = "ip_fragments_total", "IP fragments seen.";
    FragmentsReassembled = "ip_datagrams_reassembled_total", "Datagrams put together from fragments.";
    FragmentsOverlap = "ip_fragments_overlap_total", "Fragments that overlapped another; the first octets seen are kept.";
    FragmentsEvicted = "ip_fragments_evicted_total"[reason = "full"], "Fragments given up, by reason.";
    FragmentsExpired = "ip_fragments_evicted_total"[reason = "timeout"], "Fragments given up, by reason.";
    FragmentsInvalid = "ip_fragments_evicted_total"[reason = "malformed"], "Fragments given up, by reason.";

    FlowsOpened = "flows_opened_total", "TCP and QUIC flows entered in the flow table.";
    FlowsEvicted = "flows_evicted_total"[reason = "full"], "Flows that left the table before their end, by reason.";
    FlowsExpired = "flows_evicted_total"[reason = "timeout"], "Flows that left the table before their end, by reason.";
    StreamBuffersEvicted = "stream_buffers_evicted_total", "Half-read streams whose buffer another stream needed.";
    StreamUnknown = "streams_ignored_total"[reason = "unknown-protocol"], "Streams left because they carry no protocol that is read, by reason.";
    StreamTooLong = "streams_ignored_total"[reason = "too-long"], "Streams left because they carry no protocol that is read, by reason.";
    StreamGap = "streams_ignored_total"[reason = "gap"], "Streams left because they carry no protocol that is read, by reason.";
    StreamOutOfScope = "streams_ignored_total"[reason = "out-of-scope"], "Streams left because they carry no protocol that is read, by reason.";
    TcpOverlap = "tcp_overlaps_total", "TCP segments that repeated octets already held; the first octets seen are kept.";

    NamesDns = "names_total"[protocol = "dns"], "Names found, by protocol.";
    NamesTls = "names_total"[protocol = "tls"], "Names found, by protocol.";
    NamesQuic = "names_total"[protocol = "quic"], "Names found, by protocol.";
    NamesHttp = "names_total"[protocol = "http"], "Names found, by protocol.";
    NamesMdns = "mdns_messages_total", "Multicast DNS and LLMNR messages, which name devices in homes: counted, never read.";
    HellosWithoutSni = "hellos_without_name_total"[reason = "no-sni"], "ClientHellos that gave no usable name, by reason.";
    HellosBadSni = "hellos_without_name_total"[reason = "bad-sni"], "ClientHellos that gave no usable name, by reason.";
    HellosAddressSni = "hellos_without_name_total"[reason = "address"], "ClientHellos that gave no usable name, by reason.";
    HellosPartial = "hellos_partial_total", "ClientHellos that were never complete but whose name was already readable.";

    DnsMalformed = "messages_rejected_total"[reason = "dns-malformed"], "Messages that could not be read, by protocol and reason.";
    DnsLoop = "messages_rejected_total"[reason = "dns-bad-pointer"], "Messages that could not be read, by protocol and reason.";
    DnsNotAQuestion = "messages_rejected_total"[reason = "dns-no-question"], "Messages that could not be read, by protocol and reason.";
    DnsTruncated = "messages_rejected_total"[reason = "dns-truncated"], "Messages that could not be read, by protocol and reason.";
    DnsAnswersDamaged = "dns_records_damaged_total", "DNS messages of which something behind the question could not be read; the question counts all the same.";
    DnsOverLimit = "dns_items_dropped_total", "Questions, CNAME targets and addresses beyond what is kept of one DNS message.";
    TlsMalformed = "messages_rejected_total"[reason = "tls-malformed"], "Messages that could not be read, by protocol and reason.";
    QuicMalformed = "messages_rejected_total"[reason = "quic-malformed"], "Messages that could not be read, by protocol and reason.";
    QuicNotDecrypted = "messages_rejected_total"[reason = "quic-not-decrypted"], "Messages that could not be read, by protocol and reason.";
    QuicVersion = "messages_rejected_total"[reason = "quic-version"], "Messages that could not be read, by protocol and reason.";
    HttpMalformed = "messages_rejected_total"[reason = "http-malformed"], "Messages that could not be read, by protocol and reason.";
    HttpTooLong = "messages_rejected_total"[reason = "http-head-too-long"], "Messages that could not be read, by protocol and reason.";
    QuicKeysDerived = "quic_keys_derived_total", "QUIC Initial key derivations: once a connection where nothing is lost.";
}

impl Counter {
    /// How many counters there are.
    pub const COUNT: usize = Counter::ALL.len();
}

/// A worker's counts since it started.
#[derive(Clone, PartialEq, Eq)]
pub struct Counters([u64; Counter::COUNT]);

impl Counters {
    /// All zero.
    pub const fn new() -> Self {
        Counters([0; Counter::COUNT])
    }

    /// Counts one.
    #[inline]
    pub fn bump(&mut self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Counts `n`.
    #[inline]
    pub fn add(&mut self, counter: Counter, n: u64) {
        let slot = &mut self.0[counter as usize];
        *slot = slot.wrapping_add(n);
    }

    /// The count so far.
    #[inline]
    pub fn get(&self, counter: Counter) -> u64 {
        self.0[counter as usize]
    }

    /// Every counter with its count.
    pub fn iter(&self) -> impl Iterator<Item = (Counter, u64)> + '_ {
        Counter::ALL.iter().map(|c| (*c, self.get(*c)))
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Counters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter().filter(|(_, n)| *n > 0)).finish()
    }
}
