/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* limit: how many requests of one source a rule lets pass. Strangers fill the table, so nothing else depends on it. */
#ifndef XDPFW_BPF_LIMIT_H
#define XDPFW_BPF_LIMIT_H

#include "common.h"
#include "flow.h"
#include "maps.h"
#include "xdpfw/condition.h"

/* Hosts have /64s to choose their addresses from. */
static __always_inline struct xdpfw_limit_key limit_key(const struct pkt *p, __u32 rule)
{
	struct xdpfw_limit_key key = {.source = p->source, .rule = rule};

	if (p->family == 6)
		key.source.halves[1] = 0;
	return key;
}

static __always_inline bool is_older(__u32 time, __u32 now, __u32 window)
{
	return !time || now - time >= window;
}

/* Two CPUs that serve one source at once may count one of two requests: the next finds the ring as it is. One index and
 * one pointer from it: Linux 6.1's verifier forgets the bounds of more. */
static __always_inline bool take_place(struct xdpfw_limit *limit, const struct xdpfw_condition *c, __u32 now)
{
	__u32 shared = limit->shared, place = limit->next, *time;
	bool fits = shared && shared < c->limit.each;

	if (place >= c->limit.count)
		place = 0;
	if (fits)
		place = (place ? place : c->limit.count) - 1;
	if (place >= XDPFW_LIMIT_MAX)
		place = 0;
	time = &limit->passed[place];
	if (!fits && !is_older(*time, now, c->limit.window))
		return false;
	if (cfg_observe)
		return true;
	*time = now;
	limit->shared = fits ? shared + 1 : 1;
	limit->next = place + 1;
	return true;
}

/* An entry is too large for the stack: a new one is a copy of the empty one. NULL if there can be none, and then nothing
 * limits the source. */
static __always_inline struct xdpfw_limit *limit_of(const struct xdpfw_limit_key *key)
{
	struct xdpfw_limit *limit = bpf_map_lookup_elem(&limits, key), *empty;
	__u32 zero = 0;

	if (limit || cfg_observe)
		return limit;
	empty = bpf_map_lookup_elem(&empty_limit, &zero);
	if (empty)
		bpf_map_update_elem(&limits, key, empty, BPF_NOEXIST);
	return bpf_map_lookup_elem(&limits, key);
}

/* Functions of their own, so that what one keeps on the stack is gone when the next is called. */

static __noinline bool count_request(const struct pkt *p, const struct xdpfw_condition *c)
{
	struct xdpfw_limit_key key = limit_key(p, c->limit.rule);
	__u32 now = (__u32)bpf_jiffies64() | 1; /* never 0 */
	struct xdpfw_limit *limit = limit_of(&key);

	return !limit || take_place(limit, c, now);
}

static __noinline bool has_any_flow(const struct pkt *p)
{
	struct xdpfw_flow_key key = plain_key(p);

	return find_flow(&guests, p, &key) || find_flow(&flows, p, &key);
}

/* Does the limit of the rule let this packet pass? Only what begins a connection is counted: of protocols without a
 * handshake what has no flow yet, so that is noted. */
static __always_inline bool within_limit(const struct pkt *p, const struct xdpfw_condition *c)
{
	if (p->protocol == IPPROTO_TCP ? !is_tcp_request(p) : has_any_flow(p))
		return true;
	if (!count_request(p, c))
		return false;
	if (!cfg_observe && p->protocol != IPPROTO_TCP && p->dir == XDPFW_IN)
		add_guest(p);
	return true;
}

#endif
