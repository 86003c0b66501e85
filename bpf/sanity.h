/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* sanity: packets that no honest sender makes. */
#ifndef XDPFW_BPF_SANITY_H
#define XDPFW_BPF_SANITY_H

#include "common.h"

/*
 * The nine sets of SYN, FIN, RST, ACK, URG that mean something, as a bit each (PSH, ECE
 * and CWR are free); the table of nf_conntrack_proto_tcp.c, tcp_valid_flags.
 */
#define FLAG_SET(flags) (1ULL << (flags))
#define VALID_TCP_FLAGS                                                                                                \
	(FLAG_SET(TCP_SYN) | FLAG_SET(TCP_SYN | TCP_URG) | FLAG_SET(TCP_SYN | TCP_ACK) | FLAG_SET(TCP_RST) |           \
	 FLAG_SET(TCP_RST | TCP_ACK) | FLAG_SET(TCP_FIN | TCP_ACK) | FLAG_SET(TCP_FIN | TCP_ACK | TCP_URG) |           \
	 FLAG_SET(TCP_ACK) | FLAG_SET(TCP_ACK | TCP_URG))

static __always_inline bool valid_tcp_flags(__u8 flags)
{
	return VALID_TCP_FLAGS >> (flags & (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK | TCP_URG)) & 1;
}

static __always_inline bool is_v4_mapped(const struct xdpfw_addr *addr)
{
	return addr->halves[0] == 0 && addr->words[2] == bpf_htonl(0xffff);
}

static __always_inline bool bad_v4_source(__be32 source, __be32 destination)
{
	__u8 first = bpf_ntohl(source) >> 24;

	return first == 127 || (first >= 224 && first < 240) || source == bpf_htonl(0xffffffff) ||
	       source == destination;
}

static __always_inline bool bad_v6_source(const struct pkt *p)
{
	return p->source.bytes[0] == 0xff || addr_equal(&p->source, &p->destination) ||
	       (p->source.halves[0] == 0 && p->source.words[2] == 0 && p->source.words[3] == bpf_htonl(1));
}

/* A v4-mapped address on the wire would be taken for IPv4 by everything behind the parser. */
static __always_inline bool bad_address(const struct pkt *p)
{
	if (p->family == 4)
		return p->dir == XDPFW_IN && bad_v4_source(p->source.words[3], p->destination.words[3]);
	return is_v4_mapped(&p->source) || is_v4_mapped(&p->destination) || (p->dir == XDPFW_IN && bad_v6_source(p));
}

static __always_inline __u32 sanity(const struct pkt *p)
{
	if (unlikely(bad_address(p)))
		return drop(XDPFW_R_BAD_ADDRESS);
	if (p->protocol == IPPROTO_TCP && p->fragment != FRAGMENT_LATER && unlikely(!valid_tcp_flags(p->tcp_flags)))
		return drop(XDPFW_R_TCP_FLAGS);
	return 0;
}

#endif
