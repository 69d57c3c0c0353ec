// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The kernel prefilter as an eBPF socket filter: it passes what may hold a name, and of every TCP stream only as much
// as it takes to read one. Any port. See docs/prefilter.md for what it promises.
//
// It steps from header to header as src/decode does, and where it cannot see inside, it passes the packet whole
// ("unseen"): what is rejected is known to hold no name. A flow has an entry in an LRU hash map, each direction with a
// state of its own:
//
//   NEW     nothing was seen of it
//   OPEN    nothing in it began like a hello or a request yet; its first segments pass, since a hello's second half may
//           come before its first
//   WINDOW  something began; octets before `edge` pass, whatever their order and however often they come
//   REPLY   the server's answer, of which the first octets pass (profile `outcomes`)
//   DONE    nothing passes but a segment that begins like a hello or a request
//
// Only types that are needed are defined here; `make bpf` compiles it with clang, and the object is committed beside it.
// All helpers it calls are free of the kernel's licence condition. Written for Linux 5.10 (bounded loops are from 5.3).

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;

// The first field of the kernel's `struct __sk_buff` (linux/bpf.h), the only one that is read.
struct __sk_buff {
	u32 len;
};

// A map as loaders have described it since Linux 3.19.
struct bpf_map_def {
	u32 type;
	u32 key_size;
	u32 value_size;
	u32 max_entries;
	u32 map_flags;
};

#define SEC(name) __attribute__((section(name), used))
#define INLINE static __attribute__((always_inline)) inline

// Numbers of helper functions and map types (linux/bpf.h).
static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static long (*const map_update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*const map_delete)(void *map, const void *key) = (void *)3;
static long (*const skb_load)(const struct __sk_buff *skb, u32 at, void *to, u32 len) = (void *)26;
enum { MAP_PERCPU_ARRAY = 6, MAP_LRU_HASH = 9 };
enum { UPDATE_ANY = 0 };

// Settings, written by the loader before the program is verified.
volatile const u32 cfg_link = 0;         // 0: Ethernet, 1: raw IP
volatile const u32 cfg_outcomes = 0;     // 1: the profile `outcomes`
volatile const u32 cfg_dns_ports = 1;    // how many of the following are set
volatile const u16 cfg_dns_port[16] = {53};
volatile const u32 cfg_stream_octets = 68 * 1024; // how much of a stream passes after a hello or a request begins
volatile const u32 cfg_reply_octets = 4096;       // how much of a server's answer passes
volatile const u32 cfg_snaplen = 0xffffffff;      // octets kept of a packet that passes

// What became of a packet: the index of its counter. The names are in src/capture/prefilter/ebpf/cause.rs.
enum cause {
	PASS_DNS,
	PASS_QUIC,
	PASS_FRAGMENT,
	PASS_BEGIN,
	PASS_STREAM,
	PASS_CONTROL,
	PASS_REPLY,
	PASS_UNSEEN,
	REJECT_NOT_IP,
	REJECT_TRANSPORT,
	REJECT_MALFORMED,
	REJECT_UDP,
	REJECT_EMPTY,
	REJECT_STREAM,
	CAUSES,
	GO_ON, // not a cause: the walk has another step
};

struct bpf_map_def SEC("maps") COUNTS = {
	.type = MAP_PERCPU_ARRAY,
	.key_size = sizeof(u32),
	.value_size = sizeof(u64),
	.max_entries = CAUSES,
};

struct flow_key {
	u64 low[2], high[2];
	u16 low_port, high_port;
	u32 zero;
};

enum state { NEW, OPEN, WINDOW, REPLY, DONE };

struct flow {
	u32 edge[2];   // WINDOW: the sequence number at which it ends
	u32 octets[2]; // OPEN, REPLY: octets passed so far
	u8 state[2];
	u8 segments[2]; // OPEN: segments passed so far
	u32 zero;
};

struct bpf_map_def SEC("maps") FLOWS = {
	.type = MAP_LRU_HASH,
	.key_size = sizeof(struct flow_key),
	.value_size = sizeof(struct flow),
	.max_entries = 131072,
};

// An OPEN direction is given up after so many segments and so many octets: userspace keeps four unexplained segments of
// a stream whose start it has not seen, and copies of a segment do not count there.
enum { OPEN_SEGMENTS = 6, OPEN_OCTETS = 4096 };
// How much passes after something that may be the beginning of a request, or may not.
enum { WEAK_OCTETS = 4096 };
// Headers in one packet before it is passed as unseen.
enum { MAX_STEPS = 24 };

enum layer { ETHERNET, ETHERTYPE, MPLS, PPP, IP, PROTOCOL, GTP_EXTENSION, TCP };

// Where the walk stands.
struct walk {
	u32 at;     // offset of the next header
	u32 end;    // offset behind the innermost IP packet
	u32 layer;
	u32 number; // EtherType, IP protocol, or type of the next GTP extension header
	u32 v6;     // whether the innermost IP header is version 6
	u64 src[2], dst[2];
};

// It lies in a map and not on the stack, so that the verifier takes its values for unknown: it would look at the program
// anew for every combination of them otherwise. A processor filters one packet at a time, with softirqs off.
struct bpf_map_def SEC("maps") WALKS = {
	.type = MAP_PERCPU_ARRAY,
	.key_size = sizeof(u32),
	.value_size = sizeof(struct walk),
	.max_entries = 1,
};

INLINE u32 be16(const u8 *b)
{
	return (u32)b[0] << 8 | b[1];
}

INLINE u32 be32(const u8 *b)
{
	return (u32)b[0] << 24 | (u32)b[1] << 16 | (u32)b[2] << 8 | b[3];
}

INLINE u32 go(struct walk *w, u32 layer, u32 at)
{
	w->layer = layer;
	w->at = at;
	return GO_ON;
}

INLINE u32 is_vlan(u32 type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100 || type == 0x9200;
}

INLINE u32 is_ip_or_vlan(u32 type)
{
	return type == 0x0800 || type == 0x86dd || is_vlan(type);
}

INLINE u32 ethernet(const struct __sk_buff *skb, struct walk *w)
{
	u8 h[14];
	if (skb_load(skb, w->at, h, sizeof h))
		return REJECT_MALFORMED;
	w->number = be16(h + 12);
	// Cisco's inter-switch link wraps whole frames.
	if (w->number < 0x0600 && (h[0] == 1 || h[0] == 3) && h[1] == 0 && h[2] == 0x0c && h[3] == 0 && h[4] == 0)
		return PASS_UNSEEN;
	return go(w, ETHERTYPE, w->at + 14);
}

INLINE u32 ethertype(const struct __sk_buff *skb, struct walk *w)
{
	u8 h[8];
	u32 at = w->at;
	switch (w->number) {
	case 0x0800:
	case 0x86dd:
		return go(w, IP, at);
	case 0x8100:
	case 0x88a8:
	case 0x9100:
	case 0x9200:
		if (skb_load(skb, at, h, 4))
			return REJECT_MALFORMED;
		w->number = be16(h + 2);
		return go(w, ETHERTYPE, at + 4);
	case 0x8847:
	case 0x8848:
		return go(w, MPLS, at);
	case 0x8864: // PPPoE session (RFC 2516)
		if (skb_load(skb, at, h, 6) || h[0] != 0x11)
			return REJECT_MALFORMED;
		return h[1] ? REJECT_NOT_IP : go(w, PPP, at + 6);
	case 0x880b:
		return go(w, PPP, at);
	case 0x6558: // transparent Ethernet bridging
		return go(w, ETHERNET, at);
	case 0x88e7: // provider backbone bridge
		return go(w, ETHERNET, at + 4);
	case 0x88e5: // MACsec, readable where it only protects integrity
		if (skb_load(skb, at, h, 1))
			return REJECT_MALFORMED;
		return h[0] & 0x0c ? REJECT_NOT_IP : PASS_UNSEEN;
	case 0x894f: // NSH
	case 0x893f: // 802.1BR
	case 0x8926: // VN-tag
	case 0x8909: // security group tag
	case 0x8903: // FabricPath
	case 0x22f3: // TRILL
		return PASS_UNSEEN;
	}
	if (w->number >= 0x0600)
		return REJECT_NOT_IP;
	// A length: 802.2, of which SNAP, IP and routed PDUs may hold IP.
	if (skb_load(skb, at, h, 3))
		return REJECT_MALFORMED;
	if ((h[0] == 0xaa || h[0] == 0xab) || h[0] == 0x06 || h[0] == 0xfe)
		return PASS_UNSEEN;
	return REJECT_NOT_IP;
}

// One label (RFC 3032); below the bottom of the stack IP or an Ethernet pseudowire, which only the octets tell apart.
INLINE u32 mpls(const struct __sk_buff *skb, struct walk *w)
{
	u8 h[18];
	u32 at = w->at;
	if (skb_load(skb, at, h, 4))
		return REJECT_MALFORMED;
	at += 4;
	if (!(h[2] & 1))
		return go(w, MPLS, at);
	if (skb_load(skb, at, h, sizeof h))
		return REJECT_MALFORMED;
	u32 version = h[0] >> 4;
	u32 is_ethernet = is_ip_or_vlan(be16(h + 12));
	if (version == 4 || version == 6)
		return is_ethernet ? PASS_UNSEEN : go(w, IP, at);
	if (is_ethernet)
		return go(w, ETHERNET, at);
	if (version == 0 && is_ip_or_vlan(be16(h + 16)))
		return go(w, ETHERNET, at + 4);
	return PASS_UNSEEN;
}

INLINE u32 ppp(const struct __sk_buff *skb, struct walk *w)
{
	u8 h[4];
	u32 at = w->at;
	if (skb_load(skb, at, h, sizeof h))
		return REJECT_MALFORMED;
	u32 protocol = be16(h);
	if (protocol == 0xff03) {
		protocol = be16(h + 2);
		at += 2;
	}
	if (protocol >> 8 & 1) {
		protocol >>= 8;
		at += 1;
	} else {
		at += 2;
	}
	switch (protocol) {
	case 0x0021:
	case 0x0057:
		return go(w, IP, at);
	case 0x0281:
	case 0x0283:
		return go(w, MPLS, at);
	case 0x003d: // multilink
	case 0x0031: // bridged
		return PASS_UNSEEN;
	}
	return REJECT_NOT_IP;
}

// Whether the decoder reads anything that an IPv4 fragment of this protocol is a part of.
INLINE u32 may_hold_names(u32 protocol)
{
	switch (protocol) {
	case 6:
	case 17:
	case 4:
	case 94:
	case 41:
	case 47:
	case 51:
	case 97:
	case 115:
	case 137:
	case 143:
	case 145:
		return 1;
	}
	return 0;
}

INLINE u32 ip(const struct __sk_buff *skb, struct walk *w)
{
	u8 h[40];
	u32 at = w->at, length;
	if (skb_load(skb, at, h, 20))
		return REJECT_MALFORMED;
	if (h[0] >> 4 == 4) {
		u32 header = (u32)(h[0] & 15) * 4;
		length = be16(h + 2);
		if (header < 20 || (length && length < header))
			return REJECT_MALFORMED;
		if (length && at + length < w->end)
			w->end = at + length;
		w->number = h[9];
		if (be16(h + 6) & 0x3fff)
			return may_hold_names(w->number) ? PASS_FRAGMENT : REJECT_TRANSPORT;
		w->v6 = 0;
		w->src[0] = w->dst[0] = 0;
		w->src[1] = be32(h + 12);
		w->dst[1] = be32(h + 16);
		return go(w, PROTOCOL, at + header);
	}
	if (h[0] >> 4 != 6 || skb_load(skb, at + 20, h + 20, 20))
		return REJECT_MALFORMED;
	length = be16(h + 4);
	if (length && at + 40 + length < w->end)
		w->end = at + 40 + length;
	w->number = h[6];
	w->v6 = 1;
	w->src[0] = (u64)be32(h + 8) << 32 | be32(h + 12);
	w->src[1] = (u64)be32(h + 16) << 32 | be32(h + 20);
	w->dst[0] = (u64)be32(h + 24) << 32 | be32(h + 28);
	w->dst[1] = (u64)be32(h + 32) << 32 | be32(h + 36);
	return go(w, PROTOCOL, at + 40);
}

INLINE u32 gre(const struct __sk_buff *skb, struct walk *w)
{
	u8 h[8];
	u32 at = w->at;
	if (skb_load(skb, at, h, 4))
		return REJECT_MALFORMED;
	u32 flags = be16(h), protocol = be16(h + 2);
	if ((flags & 7) == 1) { // PPTP (RFC 2637); without a sequence number it only acknowledges
		if (protocol == 0x6400)
			return go(w, ETHERNET, at + 8);
		if (protocol != 0x880b || !(flags & 0x2000))
			return REJECT_MALFORMED;
		if (!(flags & 0x1000))
			return REJECT_NOT_IP;
		return go(w, PPP, at + (flags & 0x0080 ? 16 : 12));
	}
	if (flags & 7)
		return REJECT_MALFORMED;
	if (flags & 0x4000) // source routes
		return PASS_UNSEEN;
	at += 4 + (flags & 0x8000 ? 4 : 0) + (flags & 0x2000 ? 4 : 0) + (flags & 0x1000 ? 4 : 0);
	if (protocol == 0x88be) { // ERSPAN: type II has a header that begins with version 1
		if (skb_load(skb, at, h, 1))
			return REJECT_MALFORMED;
		if ((flags & 0x1000) && h[0] >> 4 == 1)
			return go(w, ETHERNET, at + 8);
		return PASS_UNSEEN;
	}
	if (protocol == 0x22eb || protocol == 0x883e || protocol == 0x9000 || (protocol >= 0x8200 && protocol <= 0x8370))
		return PASS_UNSEEN;
	w->number = protocol;
	return go(w, ETHERTYPE, at);
}

INLINE u32 is_dns(u32 a, u32 b)
{
	for (u32 i = 0; i < 16; i++) {
		if (i >= cfg_dns_ports)
			break;
		if (cfg_dns_port[i] == a || cfg_dns_port[i] == b)
			return 1;
	}
	return 0;
}

// Versions whose Initials are read, and what the decoder counts as a version that is not.
INLINE u32 is_quic(u32 first, u32 version, u32 length)
{
	if (!(first & 0x80))
		return 0;
	if (version == 1 || version == 0x6b3343cf || (version >= 0xff00001b && version <= 0xff000022) ||
	    version == 0xfaceb002 || version == 0xfaceb00e)
		return 1;
	if (!(first & 0x40))
		return 0;
	return version ? length >= 1200 : cfg_outcomes;
}

// What the octets of a datagram on a tunnel's port lead to. They were looked at as a plain datagram before.
INLINE u32 tunnel(struct walk *w, u32 port, const u8 *h, u32 at)
{
	u32 flags = h[0];
	switch (port) {
	case 4789:
	case 8472: // VXLAN (RFC 7348)
	case 4790:
		if (!(flags & 8) || flags & 0x31)
			return REJECT_UDP;
		return flags & 4 ? PASS_UNSEEN : go(w, ETHERNET, at + 8);
	case 6081: // Geneve (RFC 8926)
		if (flags >> 6 || h[1] & 0x80)
			return REJECT_UDP;
		w->number = be16(h + 2);
		return go(w, ETHERTYPE, at + 8 + (flags & 0x3f) * 4);
	case 2152: // GTP-U (3GPP TS 29.281)
		if ((flags & 0xf0) != 0x30 || h[1] != 255)
			return REJECT_UDP;
		w->number = 0;
		if (flags & 7) {
			w->number = flags & 4 ? h[11] : 0;
			at += 4;
		}
		return go(w, GTP_EXTENSION, at + 8);
	case 3544: // Teredo (RFC 4380)
		return flags >> 4 == 6 ? go(w, IP, at) : flags ? REJECT_UDP : PASS_UNSEEN;
	case 5247: // CAPWAP (RFC 5415)
		return flags ? REJECT_UDP : PASS_UNSEEN;
	case 6635:
		return go(w, MPLS, at);
	case 1701: // L2TP (RFC 2661, 3931)
		if (flags & 0x80)
			return REJECT_UDP;
		if ((h[1] & 15) != 2 || flags & 2)
			return PASS_UNSEEN;
		return go(w, PPP, at + 6 + (flags & 0x40 ? 2 : 0) + (flags & 8 ? 4 : 0));
	}
	return REJECT_UDP;
}

INLINE u32 is_tunnel(u32 port)
{
	return port == 4789 || port == 8472 || port == 4790 || port == 6081 || port == 2152 || port == 3544 ||
	       port == 5247 || port == 6635 || port == 1701;
}

INLINE u32 udp(const struct __sk_buff *skb, struct walk *w)
{
	// The header and the first twelve octets. Nothing that is read is shorter but DNS: a QUIC long header has 7 octets, a
	// tunnel's header 8 and IP behind it 20.
	u8 h[20];
	u32 at = w->at, is_short = skb_load(skb, at, h, sizeof h) != 0;
	if (is_short && skb_load(skb, at, h, 8))
		return REJECT_MALFORMED;
	u32 src = be16(h), dst = be16(h + 2), length = be16(h + 4);
	if (length && length < 8)
		return REJECT_MALFORMED;
	if (length && at + length < w->end)
		w->end = at + length;
	at += 8;
	if (at >= w->end)
		return REJECT_EMPTY;
	if (is_dns(src, dst))
		return PASS_DNS;
	if (is_short)
		return REJECT_UDP;
	if (is_quic(h[8], be32(h + 9), w->end - at))
		return PASS_QUIC;
	if (is_tunnel(dst))
		return tunnel(w, dst, h + 8, at);
	if (is_tunnel(src))
		return tunnel(w, src, h + 8, at);
	return REJECT_UDP;
}

INLINE u32 gtp_extension(const struct __sk_buff *skb, struct walk *w)
{
	u8 h[1];
	u32 at = w->at;
	if (skb_load(skb, at, h, 1))
		return REJECT_MALFORMED;
	if (w->number == 0)
		return go(w, h[0] >> 4 == 4 || h[0] >> 4 == 6 ? IP : ETHERNET, at);
	u32 length = (u32)h[0] * 4;
	if (length == 0 || skb_load(skb, at + length - 1, h, 1))
		return REJECT_MALFORMED;
	w->number = h[0];
	return go(w, GTP_EXTENSION, at + length);
}

// What an IP header carried, by its protocol number.
INLINE u32 protocol(const struct __sk_buff *skb, struct walk *w)
{
	u8 h[8];
	u32 at = w->at;
	switch (w->number) {
	case 6:
		return go(w, TCP, at);
	case 17:
		return udp(skb, w);
	case 4:
	case 94:
	case 41:
		return go(w, IP, at);
	case 47:
		return gre(skb, w);
	case 51: // authentication header (RFC 4302)
		if (skb_load(skb, at, h, 2))
			return REJECT_MALFORMED;
		w->number = h[0];
		return go(w, PROTOCOL, at + ((u32)h[1] + 2) * 4);
	case 0:
	case 43:
	case 60:
	case 135:
	case 139:
	case 140: // IPv6 extension headers (RFC 6564)
		if (!w->v6)
			return REJECT_TRANSPORT;
		if (skb_load(skb, at, h, 2))
			return REJECT_MALFORMED;
		w->number = h[0];
		return go(w, PROTOCOL, at + ((u32)h[1] + 1) * 8);
	case 44:
		if (!w->v6)
			return REJECT_TRANSPORT;
		if (skb_load(skb, at, h, 4))
			return REJECT_MALFORMED;
		if (be16(h + 2) & 0xfff9)
			return PASS_FRAGMENT;
		w->number = h[0];
		return go(w, PROTOCOL, at + 8);
	case 97: // EtherIP (RFC 3378)
		return go(w, ETHERNET, at + 2);
	case 137:
		return go(w, MPLS, at);
	case 143:
		return go(w, ETHERNET, at);
	case 115: // L2TP version 3
	case 145: // NSH
		return PASS_UNSEEN;
	}
	return REJECT_TRANSPORT;
}

// How a segment begins.
enum begin {
	NOTHING,
	PASS_ONLY, // worth a look, but not worth an entry
	WEAK,      // may be the beginning of a request
	UNSURE,    // the beginning of a hello as far as it goes
	SURE,      // a hello or a request
};

enum { LOOK = 16 };

// A handshake record with the start of a ClientHello in it, judged as src/extract/tls/probe.rs does. `*length` becomes
// the octets of the hello with its record, where they lie in one.
INLINE u32 begins_hello(const u8 *b, u32 n, u32 *length)
{
	if (n >= 2 && b[1] != 3 && b[1] != 1)
		return NOTHING;
	if (n >= 3 && (b[1] == 3 ? b[2] > 4 : b[2] != 1))
		return NOTHING;
	if (n < 6)
		return WEAK;
	u32 record = be16(b + 3);
	if (record == 0 || record > 16640 || b[5] != 1)
		return NOTHING;
	if (record < 6 || n < 11)
		return UNSURE;
	u32 hello = (u32)b[6] << 16 | be16(b + 7);
	if (hello < 38 || hello > 65536 || (b[9] != 1 && b[9] != 3 && b[9] != 0x7f))
		return NOTHING;
	if (hello + 4 <= record)
		*length = record + 5;
	return SURE;
}

// Octets of a method, and octets of text. A table, since each branch would double what the verifier has to look at.
enum { METHOD, TEXT }; // numbers of bits
static const u8 octet_class[256] = {
	['\t'] = 2,	['\n'] = 2, ['\r'] = 2, [' ' ... ','] = 2, ['-'] = 3, ['.' ... '/'] = 2, ['0' ... '9'] = 3,
	[':' ... '@'] = 2, ['A' ... 'Z'] = 3, ['[' ... '^'] = 2, ['_'] = 3, ['`'] = 2, ['a' ... 'z'] = 3, ['{' ... '~'] = 2,
};

// How many of the octets belong to a class before the first that does not.
INLINE u32 run_of(const u8 *b, u32 class)
{
	u32 run = 1, length = 0;
#pragma unroll
	for (u32 i = 0; i < LOOK; i++) {
		run &= octet_class[b[i]] >> class;
		length += run;
	}
	return length;
}

// A method, a blank and the beginning of a target, as src/extract/http/probe.rs judges them.
INLINE u32 begins_request(const struct __sk_buff *skb, u32 at, const u8 *b, u32 octets)
{
	u8 next[2] = {};
	u32 method = run_of(b, METHOD);
	if (method == LOOK || method == octets)
		return WEAK;
	if (skb_load(skb, at + method, next, 1) || (next[0] != ' ' && next[0] != '\t'))
		return NOTHING;
	if (method + 1 == octets)
		return WEAK;
	if (skb_load(skb, at + method + 1, next, 1) || (next[0] < ' ' && next[0] != '\t'))
		return NOTHING;
	u32 target = next[0];
	if (method >= 3 && (target == '/' || target == 'h' || target == 'H' || target == '*'))
		return SURE;
	if (method == 7 && b[0] == 'C' && b[1] == 'O' && b[2] == 'N' && b[6] == 'T')
		return SURE;
	return method >= 2 && target < 0x7f ? WEAK : PASS_ONLY;
}

INLINE u32 begin(const struct __sk_buff *skb, u32 at, u32 octets, u32 *length)
{
	u8 b[LOOK] = {};
	u64 n = octets;
	// The compiler would leave out what the verifier needs to see.
	asm volatile("" : "+r"(n));
	if (n > LOOK)
		n = LOOK;
	if (n < 1 || skb_load(skb, at, b, n))
		return PASS_ONLY;
	if (b[0] == 0x16)
		return begins_hello(b, n, length);
	if (b[0] >= 'A' && b[0] <= 'Z')
		return begins_request(skb, at, b, octets);
	// Empty lines, and then whatever is text.
	if (b[0] == '\r' || b[0] == '\n')
		return run_of(b, TEXT) == n ? SURE : NOTHING;
	return NOTHING;
}

// Whether the wanted octets of a direction have not all been seen, as far as sequence numbers tell.
INLINE u32 is_waiting(u32 state, u32 edge, u32 seq)
{
	return state == OPEN || (state == WINDOW && (s32)(edge - seq) > 0);
}

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

INLINE u32 tcp(const struct __sk_buff *skb, const struct walk *w)
{
	u8 h[20];
	if (skb_load(skb, w->at, h, sizeof h))
		return REJECT_MALFORMED;
	u32 header = (u32)(h[12] >> 4) * 4, payload = w->at + header, flags = h[13];
	if (header < 20 || payload > w->end)
		return REJECT_MALFORMED;
	u32 octets = w->end - payload, control = flags & (SYN | FIN | RST);
	if (octets == 0 && !control)
		return REJECT_EMPTY;
	u32 src = be16(h), dst = be16(h + 2), seq = be32(h + 4);
	if (is_dns(src, dst))
		return PASS_DNS;

	// Both directions of a flow have one entry: `d` is this one's number in it.
	struct flow_key key = {};
	u32 d = w->src[0] != w->dst[0]   ? w->src[0] > w->dst[0]
		: w->src[1] != w->dst[1] ? w->src[1] > w->dst[1]
					 : src > dst;
	key.low[0] = d ? w->dst[0] : w->src[0];
	key.low[1] = d ? w->dst[1] : w->src[1];
	key.high[0] = d ? w->src[0] : w->dst[0];
	key.high[1] = d ? w->src[1] : w->dst[1];
	key.low_port = d ? dst : src;
	key.high_port = d ? src : dst;
	struct flow *flow = map_lookup(&FLOWS, &key);

	// A new connection on ports that an older one had: userspace must know, too.
	u32 is_first = (flags & (SYN | ACK)) == SYN;
	if (flow && is_first) {
		map_delete(&FLOWS, &key);
		flow = 0;
		if (octets == 0)
			return PASS_CONTROL;
	}
	if (octets == 0) {
		if (cfg_outcomes)
			return PASS_CONTROL;
		if (!flow)
			return REJECT_EMPTY;
		if (flags & SYN)
			return PASS_CONTROL;
		// The end of a stream that is half read lets userspace read what there is.
		u32 ack = be32(h + 8);
		u32 low = is_waiting(flow->state[0], flow->edge[0], d ? ack : seq);
		u32 high = is_waiting(flow->state[1], flow->edge[1], d ? seq : ack);
		return (d ? high : low) || ((flags & RST) && (low || high)) ? PASS_CONTROL : REJECT_EMPTY;
	}
	seq += flags & SYN ? 1 : 0;

	u32 length = 0, begins = begin(skb, payload, octets, &length);
	struct flow fresh = {};
	struct flow *f = flow ? flow : &fresh;
	u32 state = d ? f->state[1] : f->state[0];
	u32 edge = d ? f->edge[1] : f->edge[0];
	u32 passed = d ? f->octets[1] : f->octets[0];
	u32 segments = d ? f->segments[1] : f->segments[0];
	u32 other = d ? f->state[0] : f->state[1];
	u32 verdict;

	if (begins >= WEAK) {
		u32 to = seq + (begins == WEAK ? WEAK_OCTETS : length ? length : cfg_stream_octets);
		// What began before may still need more.
		if (!(state == WINDOW && (s32)(edge - to) > 0 && edge - seq <= cfg_stream_octets))
			edge = to;
		state = begins == WEAK && state != WINDOW && state != DONE ? OPEN : WINDOW;
		if (state == OPEN) {
			segments += segments < 255;
			passed += octets;
		}
		if (begins == SURE && (other == NEW || (cfg_outcomes && other != WINDOW))) {
			other = cfg_outcomes ? REPLY : DONE;
			if (d)
				f->octets[0] = 0;
			else
				f->octets[1] = 0;
		}
		verdict = PASS_BEGIN;
	} else {
		if (state == NEW)
			state = OPEN;
		if (state == OPEN) {
			if (segments >= OPEN_SEGMENTS && passed >= OPEN_OCTETS) {
				state = DONE;
				verdict = REJECT_STREAM;
			} else {
				segments += segments < 255;
				passed += octets;
				verdict = PASS_STREAM;
			}
		} else if (state == WINDOW) {
			u32 left = edge - seq;
			verdict = (s32)left > 0 && left <= 2 * cfg_stream_octets ? PASS_STREAM : REJECT_STREAM;
		} else if (state == REPLY) {
			if (passed < cfg_reply_octets) {
				passed += octets;
				verdict = PASS_REPLY;
			} else {
				verdict = REJECT_STREAM;
			}
		} else {
			verdict = REJECT_STREAM;
		}
		if (begins == PASS_ONLY)
			verdict = PASS_BEGIN;
	}

	if (d) {
		f->state[1] = state;
		f->edge[1] = edge;
		f->octets[1] = passed;
		f->segments[1] = segments;
		f->state[0] = other;
	} else {
		f->state[0] = state;
		f->edge[0] = edge;
		f->octets[0] = passed;
		f->segments[0] = segments;
		f->state[1] = other;
	}
	if (!flow)
		map_update(&FLOWS, &key, &fresh, UPDATE_ANY);
	if (cfg_outcomes && control && verdict >= REJECT_NOT_IP)
		return PASS_CONTROL;
	return verdict;
}

INLINE u32 step(const struct __sk_buff *skb, struct walk *w)
{
	switch (w->layer) {
	case ETHERNET:
		return ethernet(skb, w);
	case ETHERTYPE:
		return ethertype(skb, w);
	case MPLS:
		return mpls(skb, w);
	case PPP:
		return ppp(skb, w);
	case IP:
		return ip(skb, w);
	case PROTOCOL:
		return protocol(skb, w);
	case GTP_EXTENSION:
		return gtp_extension(skb, w);
	default:
		return tcp(skb, w);
	}
}

SEC("socket")
int prefilter(struct __sk_buff *skb)
{
	u32 first = 0, verdict = PASS_UNSEEN;
	struct walk *w = map_lookup(&WALKS, &first);
	if (!w)
		return cfg_snaplen;
	w->at = 0;
	w->end = skb->len;
	w->layer = cfg_link ? IP : ETHERNET;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < MAX_STEPS; i++) {
		u32 found = step(skb, w);
		if (found != GO_ON) {
			verdict = found;
			break;
		}
	}
	u64 *count = map_lookup(&COUNTS, &verdict);
	if (count)
		*count += 1;
	return verdict < REJECT_NOT_IP ? cfg_snaplen : 0;
}

// Not "GPL": this program is not, and no helper asks for it.
char LICENSE[] SEC("license") = "Apache-2.0 OR MIT";
