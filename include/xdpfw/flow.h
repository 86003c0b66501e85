/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * State, kept only where the policy alone cannot tell: a packet that a rule lets
 * pass creates and needs none.
 */
#ifndef XDPFW_FLOW_H
#define XDPFW_FLOW_H

#include <linux/types.h>

#include "addr.h"

/*
 * A flow as this host sees it: local and remote, not source and destination, so
 * the same key serves both directions. Ports are those on the wire, host byte
 * order; for ICMP echo local_port is the identifier and remote_port is 0.
 */
struct xdpfw_flow_key {
	struct xdpfw_addr local;
	struct xdpfw_addr remote;
	__u16 local_port;
	__u16 remote_port;
	__u8 protocol; /* IPPROTO_* */
	__u8 pad[3];
};
_Static_assert(sizeof(struct xdpfw_flow_key) == 40, "no hidden padding in a hash key");

enum xdpfw_flow_state {
	XDPFW_FLOW_PLAIN = 0, /* no TCP */
	XDPFW_FLOW_SYN = 1,   /* request seen, no answer acknowledged */
	XDPFW_FLOW_ESTABLISHED = 2,
	XDPFW_FLOW_CLOSING = 3,  /* both sides have sent FIN */
	XDPFW_FLOW_CLOSED = 4,   /* RST */
	XDPFW_FLOW_REJECTED = 5, /* vouches for our own ICMP error about it and for nothing else */
};

#define XDPFW_FIN_LOCAL  1
#define XDPFW_FIN_REMOTE 2

/*
 * Times are jiffies64, sequence numbers host byte order. What of TCP is kept is what tells a
 * segment of the connection from a blind one (RFC 5961): where the local side stands.
 */
struct xdpfw_flow {
	__u64 seen; /* last packet, either way */
	__u64 created;
	__u32 next;   /* sequence number that the local side expects: its last acknowledgement */
	__u32 sent;   /* end of what the local side has sent */
	__u32 window; /* bytes from `next` on that the local side takes */
	__u8 state;   /* enum xdpfw_flow_state */
	__u8 replied; /* the other side has answered */
	__u8 fins;    /* XDPFW_FIN_* */
	__u8 scale;   /* window scale of the local side, RFC 7323 */
};
_Static_assert(sizeof(struct xdpfw_flow) == 32, "32 bytes a flow");

/*
 * A fingerprint says "this local port may have a flow with that remote endpoint"
 * and is wrong only in the safe direction (it may say yes too often), so a flood
 * at closed ports reaches no hash table and no socket lookup.
 *
 * Per local port there are two words, for even and odd ages:
 *
 *	bits 63..56  age the word belongs to (low 8 bits)
 *	bits 55..0   one bit for each remote endpoint, by hash
 *
 * An age is 2^cfg_age_shift jiffies, chosen at load to be longer than the longest UDP
 * time-out. A word older than one age counts as empty.
 *
 * In front of the words stands one byte a port: the age in which any flow of the port was
 * last marked (0 = never). A flood over all ports then touches 64 KiB, not 1 MiB.
 */
#define XDPFW_FINGERPRINT_BITS 56

struct xdpfw_fingerprint {
	__u64 words[2]; /* [age & 1] */
};

enum xdpfw_fingerprint_table {
	XDPFW_FP_TCP = 0,
	XDPFW_FP_UDP = 1,
	XDPFW_FP_OTHER = 2, /* ICMP by echo identifier, SCTP by port, others by protocol number */
	XDPFW_FP_TABLES = 3,
};

struct xdpfw_fingerprint_table_value {
	struct xdpfw_fingerprint ports[65536];
};

struct xdpfw_marked_ages {
	__u8 ports[65536];
};

/* An age as that byte: never 0. */
static inline __u8 xdpfw_age_byte(__u64 age)
{
	return (age & 0x7f) | 0x80;
}

/* Bit of a remote endpoint; port in host byte order. User space marks the sockets
 * that are open at `load` with the same function. */
static inline __u32 xdpfw_fingerprint_bit(const struct xdpfw_addr *remote, __u16 port)
{
	__u64 mix = (remote->halves[0] ^ (remote->halves[1] << 1 | remote->halves[1] >> 63)) + port;

	mix *= 0x9e3779b97f4a7c15ULL;
	return (__u32)((mix >> 32) * XDPFW_FINGERPRINT_BITS >> 32);
}

static inline __u64 xdpfw_fingerprint_set(__u64 word, __u64 age, __u32 bit)
{
	__u64 bits = word >> XDPFW_FINGERPRINT_BITS == (age & 0xff) ? word : (age & 0xff) << XDPFW_FINGERPRINT_BITS;

	return bits | 1ULL << bit;
}

/* Fragments: what became of the first one, for those that follow. */
struct xdpfw_fragment_key {
	struct xdpfw_addr source;
	struct xdpfw_addr destination;
	__u32 id;
	__u8 protocol;
	__u8 dir; /* enum xdpfw_dir */
	__u8 pad[2];
};
_Static_assert(sizeof(struct xdpfw_fragment_key) == 40, "no hidden padding in a hash key");

struct xdpfw_fragment {
	__u64 seen;       /* jiffies64 of the first fragment */
	__u32 decision;   /* the first one's */
	__u32 covered;    /* bytes of the datagram that the first one covered */
	__u32 connection; /* of a forwarded datagram: pkt.connection of the first one */
	__u32 pad;
};

/* A TCP tuple that a socket lookup has confirmed; ports in host byte order. */
struct xdpfw_socket {
	struct xdpfw_flow_key key;
	__u64 confirmed; /* jiffies64; trusted for one second */
};
_Static_assert(sizeof(struct xdpfw_socket) == 48, "48 bytes a cached socket");

/* One element of the map `sockets`: the places where a connection can be remembered, by its hash. With one place
 * instead of two, 10,000 connections would drive each other out. */
struct xdpfw_socket_set {
	struct xdpfw_socket ways[2];
};

#define XDPFW_SOCKET_SETS_PER_CPU 8192 /* a power of two; 768 KiB */

/* How many costly questions a CPU may ask within a jiffy. */
struct xdpfw_budget {
	__u64 jiffy;
	__u32 lookups;
	__u32 rejects;
	__u64 pad[6]; /* one cache line a CPU */
};
_Static_assert(sizeof(struct xdpfw_budget) == 64, "one cache line a CPU");

/* What the FIB said of a destination; trusted for one second. */
struct xdpfw_route {
	struct xdpfw_addr destination;
	__u64 asked;   /* jiffies64 */
	__u32 ifindex; /* where the packet arrived */
	__u32 via;     /* the interface by which it leaves; 0: it is for this host */
};
_Static_assert(sizeof(struct xdpfw_route) == 32, "32 bytes a cached route");

#define XDPFW_ROUTES_PER_CPU 256 /* a power of two */

#define XDPFW_LOOKUPS_PER_JIFFY 256
#define XDPFW_REJECTS_PER_JIFFY 16

#endif
