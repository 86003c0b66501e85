/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Forwards that need state: one-way ones, and those to other hosts. (A link of two local ports needs none; see
 * struct xdpfw_link_table.)
 *
 * `forward 443:10.0.0.5:8443/tcp`, a client 203.0.113.9:50000, this host 192.0.2.1 and, toward the target, 10.0.0.1:
 *
 *	request   203.0.113.9:50000 -> 192.0.2.1:443    becomes  10.0.0.1:20480 -> 10.0.0.5:8443
 *	answer    10.0.0.5:8443     -> 10.0.0.1:20480   becomes  192.0.2.1:443  -> 203.0.113.9:50000
 *
 * `forward 8080:2988 one-way`, for a client whose port 50000 talks to 2988 directly already:
 *
 *	request   203.0.113.9:50000 -> 192.0.2.1:8080   becomes  203.0.113.9:20481 -> 192.0.2.1:2988
 *	answer    192.0.2.1:2988 -> 203.0.113.9:20481   becomes  192.0.2.1:8080 -> 203.0.113.9:50000
 */
#ifndef XDPFW_FORWARD_H
#define XDPFW_FORWARD_H

#include <linux/types.h>

#include "addr.h"
#include "condition.h"
#include "counters.h"
#include "policy.h"

/* Of a slot; number 0 is "no forward". */
#define XDPFW_FORWARDS        1024
#define XDPFW_FORWARD_TARGETS 16

/*
 * Which forward listens on a port: one element of the map `listeners` for each slot, protocol (enum xdpfw_table) and
 * family.
 *
 *	bit  15      XDPFW_TARGETED: not listened on, but the target of a one-way forward to this host
 *	bit  14      XDPFW_TARGETED_ELSEWHERE: forwards with `keep-source` lead to this port of other hosts, too
 *	bits 13..0   number of the forward, or XDPFW_DRAINING: it is gone, its open connections live on
 *
 * Those other hosts are in `elsewhere`, one bit an address (xdpfw_address_bit()): it errs only toward "is one".
 */
#define XDPFW_ADDRESS_BITS 16384

struct xdpfw_listener_table {
	__u16 ports[XDPFW_PORTS];
	__u64 elsewhere[XDPFW_ADDRESS_BITS / 64];
};

#define XDPFW_TARGETED           0x8000
#define XDPFW_TARGETED_ELSEWHERE 0x4000
#define XDPFW_DRAINING           0x3fff

static inline __u32 xdpfw_listening(__u16 listener)
{
	return listener & XDPFW_DRAINING;
}

static inline __u32 xdpfw_address_bit(const struct xdpfw_addr *address)
{
	return ((address->halves[0] ^ address->halves[1]) * 0x9e3779b97f4a7c15ULL) >> 50;
}

#define XDPFW_LISTENER_TABLES   XDPFW_TABLES
#define XDPFW_LISTENER_FAMILIES 2

static inline __u32 xdpfw_listener_index(__u32 slot, __u32 table, __u32 is_v6)
{
	return (slot * XDPFW_LISTENER_TABLES + table) * XDPFW_LISTENER_FAMILIES + is_v6;
}

enum xdpfw_forward_flags {
	XDPFW_FORWARD_LOCAL = 1 << 0,       /* the target is another port of this host */
	XDPFW_FORWARD_KEEP_SOURCE = 1 << 1, /* the target sees the client's address; always so if it is local */
	XDPFW_FORWARD_TO = 1 << 2,          /* only requests to the address `to` */
	XDPFW_FORWARD_DIRECT = 1 << 3,      /* of a translation: not forwarded; see begin_direct() in bpf/forward.h */
};

struct xdpfw_forward_target {
	struct xdpfw_addr addr; /* not used if the target is local */
	struct xdpfw_addr
		source; /* ours toward it, where the kernel does not tell the data path; unspecified: not known */
	__u64 hash;     /* what chooses among targets: see choose_target() */
	__u16 port;     /* of the request to `listen`; those to listen + n go to port + n */
	__u16 pad[3];
};
_Static_assert(sizeof(struct xdpfw_forward_target) == 48, "no hidden padding");

/*
 * Targets that new connections pass over, found dead by whoever looks after them (`forward --check --mark`): bit n is the
 * n-th target of the forward with that counter number. If all of them are dead, none is passed over. It stands apart from the
 * slots, since it is no part of a policy.
 */
struct xdpfw_dead_targets {
	__u32 of[XDPFW_MAX_RULES];
};

/* One range of listening ports: one element of the map `forwards`, xdpfw_forward_index(slot, number). */
struct xdpfw_forward {
	__u32 flags;      /* enum xdpfw_forward_flags */
	__u32 counter;    /* numbers of its counters: of requests ... */
	__u32 answers;    /* ... and of answers */
	__u32 ifindex;    /* requests that arrive there, 0 = anywhere */
	__u32 expiry;     /* jiffies64 >> XDPFW_EXPIRY_SHIFT, or XDPFW_NEVER */
	__u16 listen;     /* the first port, host byte order */
	__u8 from_length; /* bits of the 16-byte form, 0 = anybody */
	__u8 nr_targets;
	struct xdpfw_addr from; /* the sender's prefix */
	struct xdpfw_addr to;
	__u64 pad;
	struct xdpfw_forward_target targets[XDPFW_FORWARD_TARGETS];
};
_Static_assert(sizeof(struct xdpfw_forward) == 64 + XDPFW_FORWARD_TARGETS * 48, "no hidden padding");

static inline __u32 xdpfw_forward_index(__u32 slot, __u32 number)
{
	return slot * XDPFW_FORWARDS + number;
}

/*
 * A translation: one forwarded connection. Ports are host byte order.
 *
 * The port that the target answers to is its *place*, so one entry serves both directions, nothing can be
 * evicted by halves, and no port is ever two connections': the answer's destination port leads to the entry
 * directly, the request by a hash of its endpoints to the few ports that its connection may have been given.
 *
 * Among many connections a packet costs what it touches of memory that no cache holds. So all that IPv4 needs is one cache
 * line; the addresses in full stand in another (struct xdpfw_ends).
 *
 * The entry is written under `version`, which is odd meanwhile; a reader copies and then looks whether the version
 * is still the same.
 */
enum xdpfw_end {
	XDPFW_CLIENT,
	XDPFW_HOST, /* the address of ours that the client knows */
	XDPFW_TARGET,
	XDPFW_SOURCE, /* where the target answers to: ours, or the client's */
	XDPFW_NR_ENDS,
};

struct xdpfw_translation {
	__u32 version;
	__u32 seen;               /* xdpfw_seen_at() of the last packet, either way; 0 = vacant */
	__u32 low[XDPFW_NR_ENDS]; /* the last four bytes of the addresses, network byte order */
	__u16 client_port;
	__u16 host_port;
	__u16 target_port;
	__u16 source_port; /* what the target answers to; also the place of the entry */
	union {
		struct {
			__u8 family;   /* 4 or 6 */
			__u8 protocol; /* as in the IP header */
		};
		__u16 kind; /* both, to compare at once */
	};
	__u8 state; /* enum xdpfw_flow_state */
	__u8 replied;
	__u32 counter;  /* of the forward, for requests (0: none) ... */
	__u32 answers;  /* ... and for answers */
	__u32 acked[2]; /* TCP: last acknowledgement, [0] the client's, [1] the target's */
	__u32 sent[2];  /* TCP: behind what each has sent; until it is established, behind the client's SYN */
	__u16 change;   /* ones' complement sum of source and target, less that of client and host */
	__u8 fins;      /* XDPFW_FIN_LOCAL: the target's, XDPFW_FIN_REMOTE: the client's */
	__u8 flags;     /* enum xdpfw_forward_flags */
};
_Static_assert(sizeof(struct xdpfw_translation) == 64, "one cache line a connection");

/* The addresses of a translation in full. */
struct xdpfw_ends {
	struct xdpfw_addr at[XDPFW_NR_ENDS];
};
_Static_assert(sizeof(struct xdpfw_ends) == 64, "one cache line more");

/* A clock of 32 bits, in quarters of a second or less: a connection that is busy is written to no more often. */
static inline __u32 xdpfw_seen_at(__u64 jiffies)
{
	return jiffies >> XDPFW_EXPIRY_SHIFT;
}

/* Was a connection seen within @timeout jiffies? "No" is never too early. (Seen by another CPU, it may be
 * seen a little later than now.) */
static inline int xdpfw_seen_within(__u32 seen, __u32 now, __u64 timeout)
{
	return (__s32)(now - seen) <= (__s32)(timeout >> XDPFW_EXPIRY_SHIFT) + 1;
}

/*
 * How a packet, or a noted fragment, refers to its connection; 0 = it has none.
 *
 *	bit  31      the side that the packet comes from: 0 the client, 1 the target
 *	bits 30..18  version / 2, its low bits: the place may have become another connection's meanwhile
 *	bits 17..0   place + 1
 */
static inline __u32 xdpfw_connection(__u32 place, __u32 version, __u32 from_target)
{
	return from_target << 31 | (version >> 1 & 0x1fff) << 18 | (place + 1);
}

static inline __u32 xdpfw_connection_place(__u32 connection)
{
	return (connection & 0x3ffff) - 1;
}

static inline int xdpfw_connection_is(__u32 connection, __u32 version)
{
	return !(version & 1) && (version >> 1 & 0x1fff) == (connection >> 18 & 0x1fff);
}

static inline __u32 xdpfw_connection_from_target(__u32 connection)
{
	return connection >> 31;
}

/* Eight neighbouring ports: one element of the map `translation_tags`, apart from the translations so that the tags of
 * many connections stay in the cache. */
#define XDPFW_WAYS 8

struct xdpfw_bucket {
	__u16 tags[XDPFW_WAYS]; /* hash of the request's endpoints, never 0 where there is a connection */
};

#define XDPFW_TRANSLATIONS (2 * XDPFW_PORTS)
#define XDPFW_BUCKETS      (XDPFW_TRANSLATIONS / XDPFW_WAYS)

/* The place of a translation: for TCP its port, for UDP and SCTP 65536 + its port. (SCTP has few connections: memory for
 * one on each port of its own would not be used.) */
static inline __u32 xdpfw_translation_place(__u32 table, __u16 port)
{
	return (table + 1) / 2 * XDPFW_PORTS + port;
}
_Static_assert(XDPFW_TCP == 0 && XDPFW_UDP == 1 && XDPFW_SCTP == 2, "halves of the places");

/* Where the FIB sends packets from one address to another (there may be rules by source); trusted for a second. One element
 * of the map `hops`. */
struct xdpfw_hop {
	struct xdpfw_addr ends;    /* both addresses, mixed */
	struct xdpfw_addr gateway; /* the router on the way, or the destination itself */
	__u64 asked;               /* jiffies64 */
	__u32 ifindex;             /* the interface of arrival */
	__u32 out;                 /* the interface of leaving; 0: no way there */
	__u16 mtu;                 /* 0: not known */
	__u8 to[6];                /* Ethernet addresses, if `resolved` */
	__u8 from[6];
	__u8 resolved : 1;
	__u8 source_lost : 1; /* asked only where this host is the source: the address is not its own any more */
	__u8 xdp;             /* the interface of leaving takes frames from XDP */
};
_Static_assert(sizeof(struct xdpfw_hop) == 64, "one cache line a hop");

#define XDPFW_HOPS_PER_CPU 1024 /* a power of two */

#endif
