/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counting: per reason, per rule, per service port; plain adds on this CPU's own memory. */
#ifndef XDPFW_BPF_COUNT_H
#define XDPFW_BPF_COUNT_H

#include "common.h"
#include "flow.h"
#include "maps.h"
#include "policy.h"
#include "service.h"
#include "translation.h"

static __always_inline void add(struct xdpfw_count *count, const struct pkt *p)
{
	count->packets += p->segments;
	count->bytes += p->length;
}

static __always_inline void count_reason(struct xdpfw_tallies *t, const struct pkt *p, enum xdpfw_dir dir,
					 __u32 decision)
{
	/* Verdict and reason as one index: they are the top byte. */
	add(&t->reasons.at[dir][0][0] + (decision >> XDPFW_REASON_SHIFT), p);
}

/* Add to a delta; false if it has no room and the count must take both. */
static __always_inline bool add_delta(__u16 *delta, const struct pkt *p)
{
	__u32 packets = (*delta >> XDPFW_DELTA_BYTES) + p->segments;
	__u32 bytes = (*delta & XDPFW_DELTA_BYTES_MAX) + p->length - p->segments * XDPFW_DELTA_LEAST;

	if (unlikely(packets > XDPFW_DELTA_PACKETS_MAX || bytes > XDPFW_DELTA_BYTES_MAX)) /* or below 0 */
		return false;
	*delta = packets << XDPFW_DELTA_BYTES | bytes;
	return true;
}

static __always_inline void settle_delta(__u16 *delta, struct xdpfw_count *count, const struct pkt *p)
{
	struct xdpfw_count sum = xdpfw_delta_count(*delta);

	count->packets += sum.packets + p->segments;
	count->bytes += sum.bytes + p->length;
	barrier();
	*delta = 0;
}

/* Rules are fewer than that. A mask, not a comparison, which the verifier of Linux 6.1 forgets of a register that has
 * been on the stack. */
static __always_inline __u32 bounded_rule(__u32 rule)
{
	return rule & (XDPFW_MAX_RULES - 1);
}

static __always_inline void count_rule(struct xdpfw_tallies *t, const struct pkt *p, __u32 cpu, __u32 rule)
{
	__u16 *delta = &t->rules.rules[bounded_rule(rule)];
	struct xdpfw_rule_counts *counts;

	if (add_delta(delta, p))
		return;
	counts = bpf_map_lookup_elem(&rule_counts, &cpu);
	if (counts)
		settle_delta(delta, &counts->rules[bounded_rule(rule)], p);
}

static __always_inline void count_port(const struct pkt *p, __u32 cpu, __u32 dir, __u32 side, __u16 port)
{
	__u32 index = xdpfw_port_counts_index(cpu, dir, p->table, side);
	struct xdpfw_port_counts *counts = bpf_map_lookup_elem(&port_counts, &index);

	if (counts)
		add(&counts->ports[port], p);
}

static __always_inline void count_dropped(struct xdpfw_tallies *t, const struct pkt *p, __u32 cpu, enum xdpfw_dir dir)
{
	__u16 *delta = &t->drops[dir][p->table & (XDPFW_COUNTED_TABLES - 1)].ports[p->destination_port];
	struct xdpfw_port_counts *counts;
	__u32 index;

	if (add_delta(delta, p))
		return;
	index = xdpfw_port_counts_index(cpu, dir, p->table, XDPFW_DROPPED);
	counts = bpf_map_lookup_elem(&port_counts, &index);
	if (counts)
		settle_delta(delta, &counts->ports[p->destination_port], p);
}

/* Did this host begin the flow of a packet whose local port is a service, too? Only where
 * services overlap the ephemeral ports; a UDP fingerprint is confirmed by the table. */
static __always_inline bool began_here(const struct pkt *p)
{
	__u32 table = p->protocol == IPPROTO_TCP ? XDPFW_FP_TCP : XDPFW_FP_UDP;
	struct xdpfw_flow_key key;

	if (likely(!may_have_flow(table, p, local_port(p), remote_port(p))))
		return false;
	if (table == XDPFW_FP_TCP)
		return true;
	key = flow_key(p);
	return find_flow(&flows, p, &key) != NULL;
}

/*
 * The service port of a packet that passes: the local port if a rule or forward lets it in
 * and this host did not begin the flow, else the remote one. Without state to tell
 * (default allow), an inbound packet counts by its destination port.
 */
static __always_inline void count_passed(void *ctx, const struct pkt *p, enum xdpfw_dir dir, __u32 cpu, __u32 decision)
{
	__u32 side = dir == XDPFW_IN ? XDPFW_RX : XDPFW_TX;
	bool service;

	if (unlikely(p->connection)) {
		count_port(p, cpu, XDPFW_IN, xdpfw_connection_from_target(p->connection) ? XDPFW_TX : XDPFW_RX,
			   p->service_port);
		return;
	}
	if (dir == XDPFW_IN) {
		service = xdpfw_reason_of(decision) != XDPFW_R_REPLY && (!is_service(decision) || !began_here(p));
	} else {
		service = is_service_port(ctx, p) && !began_here(p);
	}
	if (service)
		count_port(p, cpu, XDPFW_IN, side, local_port(p));
	else
		count_port(p, cpu, XDPFW_OUT, side, remote_port(p));
}

/* @dir is p->dir, as a constant that the compiler can see. */
static __always_inline void count(void *ctx, struct xdpfw_tallies *t, const struct pkt *p, __u32 cpu,
				  enum xdpfw_dir dir, __u32 decision)
{
	__u32 rule = xdpfw_rule_of(decision);
	__u32 forward = unlikely(p->connection) ? forward_counter(p) : 0;

	__builtin_assume(p->dir == dir);
	count_reason(t, p, dir, decision);
	if (rule)
		count_rule(t, p, cpu, rule);
	if (unlikely(forward) && forward != rule)
		count_rule(t, p, cpu, forward);
	if (!p->ported || p->protocol == PROTO_SCTP)
		return;
	if (passes(decision))
		count_passed(ctx, p, dir, cpu, decision);
	else
		count_dropped(t, p, cpu, dir);
}

#endif
