/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * routed: is a request for this host or for one behind it? The kernel's FIB knows, and is
 * asked only where the answer changes the verdict: the compiler marks those cells.
 */
#ifndef XDPFW_BPF_ROUTED_H
#define XDPFW_BPF_ROUTED_H

#include "common.h"
#include "config.h"
#include "maps.h"
#include "policy.h"

/* The C library's numbers, which BPF programs cannot include. */
#define FAMILY_V4 2
#define FAMILY_V6 10

/* Whatever says "another host, by way of X" is routed, also where the neighbour is not resolved yet (7), the
 * packet is too big (8) or a tunnel encapsulates it (6). With forwarding off (5) nothing is. */
static __noinline bool ask_fib(void *ctx, const struct pkt *p, const struct xdpfw_addr *address)
{
	struct bpf_fib_lookup query = {.ifindex = p->ifindex};
	long answer;

	if (p->family == 4) {
		query.family = FAMILY_V4;
		query.ipv4_src = p->source.words[3];
		query.ipv4_dst = address->words[3];
	} else {
		query.family = FAMILY_V6;
		__builtin_memcpy(query.ipv6_src, &p->source, sizeof(p->source));
		__builtin_memcpy(query.ipv6_dst, address, sizeof(*address));
	}
	answer = bpf_fib_lookup(ctx, &query, sizeof(query), 0);
	return answer == BPF_FIB_LKUP_RET_SUCCESS || answer == BPF_FIB_LKUP_RET_UNSUPP_LWT ||
	       answer == BPF_FIB_LKUP_RET_NO_NEIGH || answer == BPF_FIB_LKUP_RET_FRAG_NEEDED;
}

/* The only place where the answer about this address can be remembered on this CPU. */
static __always_inline struct xdpfw_route *route_place(const struct xdpfw_addr *address)
{
	__u64 mix = address->halves[0] ^ address->halves[1];
	__u32 index = (mix * 0x9e3779b97f4a7c15ULL) >> 40 & (XDPFW_ROUTES_PER_CPU - 1);

	index += bpf_get_smp_processor_id() * XDPFW_ROUTES_PER_CPU;
	return bpf_map_lookup_elem(&routes, &index);
}

/* Does @address, one of @p's, belong to another host that this one routes to? */
static __always_inline bool is_routed(void *ctx, const struct pkt *p, const struct xdpfw_addr *address)
{
	struct xdpfw_route *route;
	__u64 now = bpf_jiffies64();

	if (is_multicast(p, address))
		return false;
	route = route_place(address);
	if (!route)
		return false;
	if (unlikely(now - route->asked >= cfg_hz || route->ifindex != p->ifindex ||
		     !addr_equal(&route->destination, address))) {
		route->destination = *address;
		route->ifindex = p->ifindex;
		route->routed = ask_fib(ctx, p, address);
		route->asked = now;
	}
	return route->routed;
}

/* The policy's word on an inbound packet, for this host or for the one behind it. */
static __always_inline __u32 inbound_policy(void *ctx, const struct pkt *p)
{
	__u32 decision = policy(p, XDPFW_IN);

	if (unlikely(decision & XDPFW_ASK_ROUTED) && is_routed(ctx, p, &p->destination))
		return policy(p, XDPFW_ROUTED);
	return decision & ~XDPFW_ASK_ROUTED;
}

#endif
