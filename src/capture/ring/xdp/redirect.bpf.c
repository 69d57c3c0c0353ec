// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The XDP program of the AF_XDP backend: every frame goes to the socket of the receive queue that it came in by.
//
// A frame of a queue that nobody reads goes on to the kernel's own stack, as if there were no program, and is counted:
// queues may be added while the daemon runs. `xdp.frags` lets the driver hand over frames that lie in several buffers.
//
// Only types that are needed are defined here; `make bpf` compiles it with clang, and the object is committed beside it.
// No helper has the kernel's licence condition. Written for Linux 6.6, from which AF_XDP takes such frames.

typedef unsigned int u32;
typedef unsigned long long u64;

// As in linux/bpf.h.
struct xdp_md {
	u32 data;
	u32 data_end;
	u32 data_meta;
	u32 ingress_ifindex;
	u32 rx_queue_index;
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

// Numbers of helper functions, map types and actions (linux/bpf.h).
static void *(*const map_lookup)(void *map, const void *key) = (void *)1;
static long (*const redirect_map)(void *map, u64 key, u64 flags) = (void *)51;
enum { MAP_PERCPU_ARRAY = 6, MAP_XSKMAP = 17 };
enum { XDP_PASS = 2, XDP_REDIRECT = 4 };

// The sockets by queue; as many as there may be workers.
struct bpf_map_def SEC("maps") SOCKETS = {MAP_XSKMAP, 4, 4, 64, 0};
// Frames of queues without a socket.
struct bpf_map_def SEC("maps") UNREAD = {MAP_PERCPU_ARRAY, 4, 8, 1, 0};

SEC("xdp.frags") int redirect(struct xdp_md *frame)
{
	long action = redirect_map(&SOCKETS, frame->rx_queue_index, XDP_PASS);
	if (action != XDP_REDIRECT) {
		u32 only = 0;
		u64 *unread = map_lookup(&UNREAD, &only);
		if (unread)
			*unread += 1;
	}
	return (int)action;
}

// Not "GPL": this program is not, and no helper asks for it.
char LICENSE[] SEC("license") = "Apache-2.0 OR MIT";
