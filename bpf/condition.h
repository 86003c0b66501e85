/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* condition: from a cell that is no decision yet to one that is; see include/xdpfw/condition.h. */
#ifndef XDPFW_BPF_CONDITION_H
#define XDPFW_BPF_CONDITION_H

#include "common.h"
#include "limit.h"
#include "maps.h"
#include "ranges.h"
#include "routed.h"
#include "xdpfw/condition.h"

/* What is asked for: a verdict on the packet itself, on it without counting it against a limit, or on the packet
 * that would answer it. */
enum asking {
	ASKING_REQUEST,
	ASKING_QUIETLY,
	ASKING_ANSWER,
};

static __always_inline __u64 mask_of(__u32 length)
{
	return length >= 64 ? ~0ULL : ~(~0ULL >> length);
}

static __always_inline bool in_prefix(const struct xdpfw_addr *addr, const struct xdpfw_condition *c)
{
	__u64 upper = bpf_be64_to_cpu(addr->halves[0] ^ c->addr.halves[0]) & mask_of(c->length);
	__u64 lower = bpf_be64_to_cpu(addr->halves[1] ^ c->addr.halves[1]);

	return !upper && (c->length <= 64 || !(lower & mask_of(c->length - 64)));
}

/* A rule for ::/0 means IPv6 only, although v4-mapped addresses lie in it. */
static __always_inline bool matches_prefix(const struct pkt *p, const struct xdpfw_addr *addr,
					   const struct xdpfw_condition *c)
{
	return in_prefix(addr, c) && (p->family == 6 || c->length >= 96);
}

static __always_inline bool before_expiry(__u32 expiry)
{
	return bpf_jiffies64() >> XDPFW_EXPIRY_SHIFT < expiry;
}

/* Only a socket of this host has an owner. */
static __always_inline bool is_users(struct __sk_buff *skb, const struct pkt *p, __u32 user)
{
	if (p->dir != XDPFW_OUT || p->forwarded)
		return false;
	return (cfg_observe ? skb->cb[XDPFW_TWIN_USER] : bpf_get_socket_uid(skb)) == user;
}

static __always_inline bool is_in_cgroup(struct __sk_buff *skb, const struct pkt *p, const struct xdpfw_condition *c)
{
	return p->dir == XDPFW_OUT && !p->forwarded && bpf_skb_ancestor_cgroup_id(skb, c->cgroup.level) == c->cgroup.id;
}

/* The yes or no of every question that has one. @hook is a constant that the compiler can see. */
static __always_inline bool holds(void *ctx, enum hook hook, const struct pkt *p, const struct xdpfw_condition *c,
				  enum asking asking)
{
	bool answer = asking == ASKING_ANSWER;
	__u16 port;

	switch (c->question) {
	case XDPFW_ASK_SOURCE:
		return matches_prefix(p, answer ? &p->destination : &p->source, c);
	case XDPFW_ASK_DESTINATION:
		return matches_prefix(p, answer ? &p->source : &p->destination, c);
	case XDPFW_ASK_SOURCE_PORT:
		port = answer ? p->destination_port : p->source_port;
		return port >= c->ports.first && port <= c->ports.last;
	case XDPFW_ASK_IFACE:
		return p->ifindex == c->value;
	case XDPFW_ASK_ROUTED_TO:
		return route_to(ctx, p, answer ? &p->source : &p->destination) == c->value;
	case XDPFW_ASK_USER:
		return hook == HOOK_TC && is_users(ctx, p, c->value);
	case XDPFW_ASK_CGROUP:
		return hook == HOOK_TC && is_in_cgroup(ctx, p, c);
	case XDPFW_ASK_TIME:
		return before_expiry(c->expiry);
	case XDPFW_ASK_LIMIT:
		return asking != ASKING_REQUEST || within_limit(p, c);
	}
	return false;
}

/* The cell that the row of @c has for a class. */
static __always_inline __u32 cell_of_class(const struct pkt *p, const struct xdpfw_condition *c, __u32 class)
{
	if (likely(class < XDPFW_FIRST_CELLS))
		return c->first[class & (XDPFW_FIRST_CELLS - 1)];
	return row_cell(p->slot, c->value + class);
}

static __always_inline __u32 ask(void *ctx, enum hook hook, const struct pkt *p, __u32 cell, enum asking asking)
{
	__u32 index = p->slot * XDPFW_CONDITIONS + (cell & (XDPFW_CONDITIONS - 1));
	struct xdpfw_condition *c = bpf_map_lookup_elem(&conditions, &index);
	bool answer = asking == ASKING_ANSWER;

	if (!c)
		return drop(XDPFW_R_INTERNAL);
	if (c->question == XDPFW_ASK_SOURCE_CLASS)
		return cell_of_class(p, c,
				     address_value(p->slot, XDPFW_CLASSES, answer ? &p->destination : &p->source));
	if (c->question == XDPFW_ASK_DESTINATION_CLASS)
		return cell_of_class(p, c,
				     address_value(p->slot, XDPFW_CLASSES, answer ? &p->source : &p->destination));
	return holds(ctx, hook, p, c, asking) ? c->yes : c->no;
}

/* One question. Global functions, so that the verifier looks at one question, not at 64 in a row; one for each hook,
 * since only skbs have an owner. */
__noinline __u32 ask_xdp(struct xdp_md *xdp, const struct pkt *p, __u32 cell, __u32 asking)
{
	return p ? ask(xdp, HOOK_XDP, p, cell, asking) : drop(XDPFW_R_INTERNAL);
}

__noinline __u32 ask_skb(struct __sk_buff *skb, const struct pkt *p, __u32 cell, __u32 asking)
{
	return p ? ask(skb, HOOK_TC, p, cell, asking) : drop(XDPFW_R_INTERNAL);
}

static __always_inline __u32 walk_xdp(struct xdp_md *xdp, const struct pkt *p, __u32 cell, enum asking asking)
{
	for (int i = 0; i < XDPFW_DEEPEST_CONDITION && !xdpfw_verdict_of(cell); i++)
		cell = ask_xdp(xdp, p, cell, asking);
	return xdpfw_verdict_of(cell) ? cell : drop(XDPFW_R_INTERNAL);
}

static __always_inline __u32 walk_skb(struct __sk_buff *skb, const struct pkt *p, __u32 cell, enum asking asking)
{
	for (int i = 0; i < XDPFW_DEEPEST_CONDITION && !xdpfw_verdict_of(cell); i++)
		cell = ask_skb(skb, p, cell, asking);
	return xdpfw_verdict_of(cell) ? cell : drop(XDPFW_R_INTERNAL);
}

/* The decision that @cell of the policy means for this packet. */
static __always_inline __u32 decide(void *ctx, enum hook hook, const struct pkt *p, __u32 cell, enum asking asking)
{
	if (likely(xdpfw_verdict_of(cell)))
		return cell;
	return hook == HOOK_XDP ? walk_xdp(ctx, p, cell, asking) : walk_skb(ctx, p, cell, asking);
}

#endif
