/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sums in ones' complement, and checksums of TCP and UDP that are mended in the packet itself (RFC 1624).
 *
 * Only complete ones are. A packet from a local sender may carry no more than the sum of its pseudo-header
 * (CHECKSUM_PARTIAL), which the interface that it leaves by will complete. Of that XDP is told nothing, and TC only through
 * helpers; but such a field holds exactly that sum. So one that does is not mended here, and neither is one of which
 * that cannot be told; of complete checksums one in 65,536 is taken for the other kind, too.
 */
#ifndef XDPFW_BPF_CHECKSUM_H
#define XDPFW_BPF_CHECKSUM_H

#include "common.h"

static __always_inline __u16 fold_sum(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Of a few words of 32 bits. */
static __always_inline __u16 fold_words(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return fold_sum((sum & 0xffff) + (sum >> 16));
}

/* Ones' complement sum of @a and @b as they stand in headers; IPv4 addresses have equal prefixes, which cancel out. */
static __always_inline __u32 sum_addresses(const struct xdpfw_addr *a, const struct xdpfw_addr *b)
{
	__u64 sum = 0;

	for (int i = 0; i < 4; i++)
		sum += (__u64)a->words[i] + b->words[i];
	return fold_words(sum);
}

/* @a - @b in ones' complement. */
static __always_inline __u16 sum_difference(__u32 a, __u32 b)
{
	__u32 sum = a + (~b & 0xffff);

	return (sum & 0xffff) + (sum >> 16);
}

/* The two addresses of the packet. (The prefixes of v4-mapped ones add 0xffff, which is zero in ones' complement.) */
static __always_inline __u32 sum_ends(const struct pkt *p)
{
	if (likely(p->family == 4))
		return fold_words((__u64)p->source.words[3] + p->destination.words[3]);
	return sum_addresses(&p->source, &p->destination);
}

/*
 * May the checksum field of a TCP or UDP packet hold no more than the sum of its pseudo-header? A fragment's is of another length, and options and
 * extension headers may name another destination (RFC 8200 8.1).
 */
static __always_inline bool may_be_incomplete(const struct pkt *p, __u16 check)
{
	__u32 header = p->family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	__u32 sum = sum_ends(p);

	return p->fragment != FRAGMENT_NONE || p->l4 - p->l3 != header ||
	       check == fold_sum(sum + bpf_htons(p->protocol) + bpf_htons(p->l4_length));
}

/* @change is what the summed-up words grow by. */
static __always_inline __u16 mend(__u16 check, __u32 change)
{
	return ~fold_sum((__u16)~check + change);
}

/* Where it is in a TCP or UDP packet whose L4 header is at @l4. */
static __always_inline __u32 checksum_place(__u8 protocol, __u32 l4)
{
	return l4 + (protocol == IPPROTO_TCP ? offsetof(struct tcphdr, check) : offsetof(struct udphdr, check));
}

/* RFC 768: a UDP datagram may have none, and says so by 0. */
static __always_inline bool has_checksum(__u8 protocol, __u16 check)
{
	return check || protocol == IPPROTO_TCP;
}

/* The same for TCP and UDP, where a computed 0 is written as 0xffff, as RFC 768 wants. */
static __always_inline __u16 mend_l4(__u8 protocol, __u16 check, __u32 change)
{
	check = mend(check, fold_sum(change));
	return has_checksum(protocol, check) ? check : 0xffff;
}

#endif
