/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* hop: by which interface and to which neighbour packets for an address leave. The kernel's FIB knows; its answers
 * are kept for a second. */
#ifndef XDPFW_BPF_HOP_H
#define XDPFW_BPF_HOP_H

#include "common.h"
#include "config.h"
#include "maps.h"
#include "rewritten.h"
#include "routed.h"

/* Linux 6.7; older kernels refuse the flag. */
#define FIB_LOOKUP_SRC (1U << 4)

/* The kernel answers with a link MTU only if it is told a length. */
#define ANY_LENGTH 1

static __always_inline void fill_query(struct bpf_fib_lookup *query, const struct pkt *p,
				       const struct xdpfw_addr *source, const struct xdpfw_addr *destination)
{
	query->ifindex = p->ifindex;
	query->tot_len = ANY_LENGTH;
	if (p->family == 4) {
		query->family = FAMILY_V4;
		query->ipv4_src = source->words[3];
		query->ipv4_dst = destination->words[3];
	} else {
		query->family = FAMILY_V6;
		__builtin_memcpy(query->ipv6_src, source, sizeof(*source));
		__builtin_memcpy(query->ipv6_dst, destination, sizeof(*destination));
	}
}

static __always_inline void fill_hop(struct xdpfw_hop *hop, const struct pkt *p, const struct bpf_fib_lookup *answer)
{
	hop->out = answer->ifindex;
	hop->xdp = bpf_map_lookup_elem(&exits, &hop->out) != NULL;
	hop->mtu = answer->mtu_result > ANY_LENGTH ? answer->mtu_result : 0;
	__builtin_memcpy(hop->to, answer->dmac, sizeof(hop->to));
	__builtin_memcpy(hop->from, answer->smac, sizeof(hop->from));
	if (p->family == 4) {
		hop->gateway.halves[0] = 0;
		hop->gateway.words[2] = bpf_htonl(0xffff);
		hop->gateway.words[3] = answer->ipv4_dst;
	} else {
		__builtin_memcpy(&hop->gateway, answer->ipv6_dst, sizeof(hop->gateway));
	}
}

/* 0 if the kernel does not tell. */
static __always_inline __u16 link_mtu(void *ctx, __u32 ifindex)
{
	__u32 mtu = 0;

	bpf_check_mtu(ctx, ifindex, &mtu, 0, 0);
	return mtu < 0xffff ? mtu : 0xffff;
}

/* (Of a way without a resolved neighbour, as a tunnel is at first, the FIB tells no MTU.) */
static __noinline void ask_hop(void *ctx, const struct pkt *p, const struct xdpfw_addr *source,
			       const struct xdpfw_addr *destination, struct xdpfw_hop *hop)
{
	struct bpf_fib_lookup query = {};
	long answer;

	fill_query(&query, p, source, destination);
	answer = bpf_fib_lookup(ctx, &query, sizeof(query), 0);
	hop->out = 0;
	hop->resolved = answer == BPF_FIB_LKUP_RET_SUCCESS;
	hop->xdp = false;
	if (answer != BPF_FIB_LKUP_RET_SUCCESS && answer != BPF_FIB_LKUP_RET_NO_NEIGH)
		return;
	fill_hop(hop, p, &query);
	if (!hop->mtu)
		hop->mtu = link_mtu(ctx, hop->out);
}

/* What stands for both addresses: of one destination no two sources are alike, and of IPv4 no two pairs. Of IPv6, who could
 * choose addresses that are like another pair's would send that pair's packets his way: hence the seed. */
static __always_inline struct xdpfw_addr mix_ends(const struct xdpfw_addr *source, const struct xdpfw_addr *destination)
{
	__u64 odd = control.seed | 1;
	struct xdpfw_addr ends;

	ends.halves[0] = destination->halves[0] ^ source->halves[1] * odd;
	ends.halves[1] = destination->halves[1] ^ source->halves[0] * odd;
	return ends;
}

static __always_inline struct xdpfw_hop *hop_place(const struct xdpfw_addr *ends)
{
	__u32 index = ((ends->halves[0] ^ ends->halves[1]) * HASH_FACTOR) >> 40 & (XDPFW_HOPS_PER_CPU - 1);

	index += bpf_get_smp_processor_id() * XDPFW_HOPS_PER_CPU;
	return bpf_map_lookup_elem(&hops, &index);
}

/* The address of this host that the kernel would use toward @destination; false if it does not tell. */
static __noinline bool ask_source(void *ctx, const struct pkt *p, const struct xdpfw_addr *destination,
				  struct xdpfw_addr *source)
{
	struct bpf_fib_lookup query = {};
	long answer;

	fill_query(&query, p, &p->destination, destination);
	answer = bpf_fib_lookup(ctx, &query, sizeof(query), FIB_LOOKUP_SRC);
	if (answer != BPF_FIB_LKUP_RET_SUCCESS && answer != BPF_FIB_LKUP_RET_NO_NEIGH)
		return false;
	if (p->family == 4) {
		source->halves[0] = 0;
		source->words[2] = bpf_htonl(0xffff);
		source->words[3] = query.ipv4_src;
	} else {
		__builtin_memcpy(source, query.ipv6_src, sizeof(*source));
	}
	return true;
}

static __always_inline bool is_source_of(const struct bpf_fib_lookup *query, const struct pkt *p,
					 const struct xdpfw_addr *source)
{
	if (p->family == 4)
		return query->ipv4_src == source->words[3];
	return query->ipv6_src[0] == source->words[0] && query->ipv6_src[1] == source->words[1] &&
	       query->ipv6_src[2] == source->words[2] && query->ipv6_src[3] == source->words[3];
}

/* Has this host lost the address @source, which it had toward @destination? Then it has another one there (where the kernel does
 * not tell, new connections would get the old one again), and the FIB does not say that it is not for sending on. */
static __noinline bool is_source_lost(void *ctx, const struct pkt *p, const struct xdpfw_addr *source,
				      const struct xdpfw_addr *destination)
{
	struct bpf_fib_lookup query = {};
	long answer;

	fill_query(&query, p, source, destination);
	answer = bpf_fib_lookup(ctx, &query, sizeof(query), FIB_LOOKUP_SRC);
	if ((answer != BPF_FIB_LKUP_RET_SUCCESS && answer != BPF_FIB_LKUP_RET_NO_NEIGH) ||
	    is_source_of(&query, p, source))
		return false;
	__builtin_memset(&query, 0, sizeof(query));
	fill_query(&query, p, source, source);
	return bpf_fib_lookup(ctx, &query, sizeof(query), 0) != BPF_FIB_LKUP_RET_NOT_FWDED;
}

/* Where a packet of a forwarded connection goes; NULL if nowhere. No way there is asked for again each time; so is a neighbour
 * that XDP needs (others are resolved behind bpf_redirect_neigh(), and a tunnel has none). */
static __always_inline struct xdpfw_hop *find_hop(void *ctx, const struct pkt *p, const struct rewritten *r)
{
	struct xdpfw_addr ends = mix_ends(&r->source, &r->destination);
	struct xdpfw_hop *hop = hop_place(&ends);
	__u64 now = bpf_jiffies64();

	if (!hop)
		return NULL;
	if (now - hop->asked >= cfg_hz || hop->ifindex != p->ifindex || !hop->out || (hop->xdp && !hop->resolved) ||
	    !addr_equal(&hop->ends, &ends)) {
		hop->ends = ends;
		hop->ifindex = p->ifindex;
		ask_hop(ctx, p, &r->source, &r->destination, hop);
		hop->source_lost = r->masqueraded && is_source_lost(ctx, p, &r->source, &r->destination);
		hop->asked = now;
	}
	return hop->out ? hop : NULL;
}

#endif
