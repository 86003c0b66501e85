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

/* The C library's numbers, which BPF programs cannot include. */
#define FAMILY_V4 2
#define FAMILY_V6 10

/* Whatever says "another host, by way of X" is routed, also where the neighbour is not resolved yet (7), the
 * packet is too big (8) or a tunnel encapsulates it (6). With forwarding off (5) nothing is. Returns the interface X. */
static __noinline __u32 ask_fib(void *ctx, const struct pkt *p, const struct xdpfw_addr *address)
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
	if (answer == BPF_FIB_LKUP_RET_SUCCESS || answer == BPF_FIB_LKUP_RET_UNSUPP_LWT ||
	    answer == BPF_FIB_LKUP_RET_NO_NEIGH || answer == BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return query.ifindex;
	return 0;
}

/* The only place where the answer about this address can be remembered on this CPU. */
static __always_inline struct xdpfw_route *route_place(const struct xdpfw_addr *address)
{
	__u64 mix = address->halves[0] ^ address->halves[1];
	__u32 index = (mix * 0x9e3779b97f4a7c15ULL) >> 40 & (XDPFW_ROUTES_PER_CPU - 1);

	index += bpf_get_smp_processor_id() * XDPFW_ROUTES_PER_CPU;
	return bpf_map_lookup_elem(&routes, &index);
}

/* The interface by which this host routes to @address, one of @p's; 0 if it is no other host's. */
static __always_inline __u32 route_to(void *ctx, const struct pkt *p, const struct xdpfw_addr *address)
{
	struct xdpfw_route *route;
	__u64 now = bpf_jiffies64();

	if (is_multicast(p, address))
		return 0;
	if (cfg_observe)
		return ask_fib(ctx, p, address);
	route = route_place(address);
	if (!route)
		return 0;
	if (unlikely(now - route->asked >= cfg_hz || route->ifindex != p->ifindex ||
		     !addr_equal(&route->destination, address))) {
		route->destination = *address;
		route->ifindex = p->ifindex;
		route->via = ask_fib(ctx, p, address);
		route->asked = now;
	}
	return route->via;
}

/* Does @address, one of @p's, belong to another host that this one routes to? */
static __always_inline bool is_routed(void *ctx, const struct pkt *p, const struct xdpfw_addr *address)
{
	return route_to(ctx, p, address) != 0;
}

#endif
