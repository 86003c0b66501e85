/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What every stage needs: kernel types, helpers and the packet descriptor. */
#ifndef XDPFW_BPF_COMMON_H
#define XDPFW_BPF_COMMON_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "xdpfw/addr.h"
#include "xdpfw/counters.h"
#include "xdpfw/decision.h"
#include "xdpfw/flow.h"
#include "xdpfw/forward.h"
#include "xdpfw/history.h"
#include "xdpfw/log.h"
#include "xdpfw/policy.h"
#include "xdpfw/twin.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* 2^64 by the golden ratio: spreads what it is multiplied with over the upper bits. */
#define HASH_FACTOR 0x9e3779b97f4a7c15ULL

/*
 * The address of a part of what a lookup found, or NULL. Clang from 16 on adds the offset before it asks for NULL, and
 * the verifier refuses arithmetic on what may be NULL; the barrier keeps the two in order.
 */
#define part_of(element, part)                                                                                         \
	({                                                                                                             \
		typeof(element) whole = (element);                                                                     \
		typeof(&whole->part) address = NULL;                                                                   \
		if (whole) {                                                                                           \
			barrier_var(whole);                                                                            \
			address = &whole->part;                                                                        \
		}                                                                                                      \
		address;                                                                                               \
	})

/*
 * ICMP and ICMPv6 begin alike. <linux/icmp.h> cannot be included here: it brings in the C
 * library's socket headers.
 */
struct icmp_header {
	__u8 type;
	__u8 code;
	__sum16 checksum;
	__be16 id; /* of echo messages; others carry something else here */
	__be16 sequence;
};

/* RFC 792 */
#define ICMP_ECHOREPLY     0
#define ICMP_DEST_UNREACH  3
#define ICMP_PORT_UNREACH  3
#define ICMP_FRAG_NEEDED   4
#define ICMP_ECHO          8
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETERPROB 12

/* RFC 4443 */
#define ICMPV6_DEST_UNREACH  1
#define ICMPV6_PORT_UNREACH  4
#define ICMPV6_TOO_BIG       2
#define ICMPV6_TIME_EXCEEDED 3
#define ICMPV6_ECHO_REQUEST  128
#define ICMPV6_ECHO_REPLY    129

/* Beyond every offset that the parser can reach, and small enough for the verifier, which
 * gives up on packet offsets that may exceed 65,535. */
#define MAX_OFFSET 0x7fff

/* <linux/in.h> names only what has a socket API. */
#define PROTO_SCTP 132

enum fragment_kind {
	FRAGMENT_NONE,  /* a whole packet, or an atomic IPv6 fragment (RFC 6946) */
	FRAGMENT_FIRST, /* holds the L4 header */
	FRAGMENT_LATER, /* payload where ports would be */
};

/* Which end of a forwarded connection has sent the packet. */
enum side {
	SIDE_CLIENT,
	SIDE_TARGET,
};

enum hook {
	HOOK_XDP,
	HOOK_TC,
};

/* The bytes that can be read: the linear part of the frame. Helpers that move it end its life. */
struct frame {
	void *data;
	void *end;
};

/*
 * One packet, parsed once. Nobody else derives an offset. Addresses and ports are
 * the packet's own (source, destination); local_addr() and the like below turn them
 * into the host's point of view.
 *
 * No pointers in here: so it can be handed to global functions, which the verifier looks at
 * once instead of once for each way that leads to them.
 */
struct pkt {
	struct xdpfw_addr source;
	struct xdpfw_addr destination;
	__u32 length;   /* of the frame at the hook, fragments of the buffer included */
	__u32 segments; /* packets on the wire: more than 1 for GSO */
	__u32 slot;     /* of the policy that judges it */
	__u32 flags;    /* of that policy: enum xdpfw_head_flags */
	__u32 fragment_id;
	__u32 fragment_offset; /* bytes */
	union {
		__u32 sequence; /* TCP, host byte order */
		__u32 whole;    /* SCTP: bytes of all its fragments together; 0: not known */
	};
	__u32 acknowledged;     /* TCP, host byte order */
	__u32 ifindex;          /* the interface of the hook */
	__u32 l4_length;        /* bytes of L4 header and payload, by the IP header, not by the frame */
	__u16 l3;               /* offset of the IP header */
	__u16 l4;               /* offset of the L4 header */
	__u16 fragment_start;   /* offset of what the fragment offset counts from */
	__u16 source_port;      /* host byte order; 0 if the protocol has none */
	__u16 destination_port; /* host byte order; for ICMP echo the identifier */
	union {
		struct {
			__u8 family; /* 4, 6, or 0 for what is not IP */
			__u8 protocol;
		};
		__u16 kind; /* both, as in struct xdpfw_translation */
	};
	__u8 hop_limit;
	__u8 tcp_flags;
	union {
		__u8 icmp_type;
		__u8 chunk; /* SCTP: the type of the first chunk */
	};
	__u8 fragment;  /* enum fragment_kind */
	__u8 table;     /* enum xdpfw_table, where has_ports() */
	__u8 dir;       /* enum xdpfw_dir: in at XDP and TC ingress, out at TC egress */
	__u8 hook;      /* enum hook */
	__u8 ported;    /* the ports have been read: TCP, UDP or SCTP, and no later fragment */
	__u8 foreign;   /* out: of another host, to which this one routes; its ports are not linked */
	__u8 forwarded; /* out: no socket of this host sends it */
	__u8 here;      /* in: it is for this host; 0 also where that was not asked */
	__u8 l4_header; /* TCP: bytes */
	__u16 window;   /* TCP, unscaled, host byte order */
	union {
		__u16 service_port; /* of what is forwarded with state: the port that the client asked for */
		__u16 quoted_l4;    /* of a forwarded ICMP error: offset of the quoted packet's L4 header */
	};
	__u32 connection; /* what is forwarded with state: see xdpfw_connection() */
};

/* TCP flags as they stand in byte 13 of the header. */
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10
#define TCP_URG 0x20

/* A request opens a connection; everything else in TCP belongs to one. */
static __always_inline bool is_tcp_request(const struct pkt *p)
{
	return (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* Of sequence numbers. */
static __always_inline bool before(__u32 a, __u32 b)
{
	return (__s32)(a - b) < 0;
}

static __always_inline __u32 sequence_length(const struct pkt *p)
{
	__u32 payload = p->l4_length > p->l4_header ? p->l4_length - p->l4_header : 0;

	return payload + !!(p->tcp_flags & TCP_SYN) + !!(p->tcp_flags & TCP_FIN);
}

/* Of SCTP (RFC 9260 3.2): what asks for an association. It stands alone in its packet. */
#define SCTP_INIT     1
#define SCTP_INIT_ACK 2

/* Does a packet of this kind begin a connection? Any datagram may. (No sender's INIT comes in fragments.) */
static __always_inline bool may_begin(const struct pkt *p)
{
	if (p->protocol == IPPROTO_TCP)
		return is_tcp_request(p);
	return p->protocol == IPPROTO_UDP || (p->chunk == SCTP_INIT && p->fragment == FRAGMENT_NONE);
}

static __always_inline bool has_ports(const struct pkt *p)
{
	return p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP || p->protocol == PROTO_SCTP;
}

/* Of a protocol with ports; on the hot path this is p->table. */
static __always_inline enum xdpfw_table table_of(__u8 protocol)
{
	return protocol == IPPROTO_TCP ? XDPFW_TCP : protocol == IPPROTO_UDP ? XDPFW_UDP : XDPFW_SCTP;
}

static __always_inline const struct xdpfw_addr *local_addr(const struct pkt *p)
{
	return p->dir == XDPFW_IN ? &p->destination : &p->source;
}

static __always_inline const struct xdpfw_addr *remote_addr(const struct pkt *p)
{
	return p->dir == XDPFW_IN ? &p->source : &p->destination;
}

static __always_inline __u16 local_port(const struct pkt *p)
{
	return p->dir == XDPFW_IN ? p->destination_port : p->source_port;
}

static __always_inline __u16 remote_port(const struct pkt *p)
{
	return p->dir == XDPFW_IN ? p->source_port : p->destination_port;
}

/* @size bytes at @offset, or NULL where the linear part ends before. */
static __always_inline void *at(const struct frame *f, __u32 offset, __u32 size)
{
	void *begin = f->data + (offset & MAX_OFFSET);

	if (unlikely(begin + size > f->end))
		return NULL;
	__builtin_assume(begin != NULL);
	return begin;
}

static __always_inline bool is_multicast(const struct pkt *p, const struct xdpfw_addr *address)
{
	return xdpfw_addr_is_group(address, p->family == 4);
}

/* :: or 0.0.0.0 */
static __always_inline bool is_unspecified(const struct xdpfw_addr *addr)
{
	return addr->halves[0] == 0 && addr->words[3] == 0 &&
	       (addr->words[2] == 0 || addr->words[2] == bpf_htonl(0xffff));
}

static __always_inline __u32 pass(enum xdpfw_reason reason)
{
	return xdpfw_decision(XDPFW_PASS, reason, 0);
}

/*
 * The compiler must not see which number this is: it would set the result of a failed check in front of the check, on
 * the path of each packet that passes it, to save a jump on the path of those that fail.
 */
static __always_inline __u32 drop(enum xdpfw_reason reason)
{
	__u32 decision = xdpfw_decision(XDPFW_DROP, reason, 0);

	asm volatile("" : "+r"(decision));
	return decision;
}

static __always_inline bool passes(__u32 decision)
{
	return xdpfw_verdict_of(decision) == XDPFW_PASS;
}

static __always_inline bool addr_equal(const struct xdpfw_addr *a, const struct xdpfw_addr *b)
{
	return a->halves[0] == b->halves[0] && a->halves[1] == b->halves[1];
}

#endif
