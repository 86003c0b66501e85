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

static __always_inline void count_reason(const struct pkt *p, enum xdpfw_dir dir, __u32 cpu, __u32 decision)
{
	struct xdpfw_reason_counts *counts = bpf_map_lookup_elem(&reason_counts, &cpu);

	if (counts) /* verdict and reason as one index: they are the top byte */
		add(&counts->at[dir][0][0] + (decision >> XDPFW_REASON_SHIFT), p);
}

/* Add to a delta; false if it is full and @count must take it (and then, at last, the delta be cleared). */
static __always_inline bool add_delta(__u32 *delta, struct xdpfw_count *count, const struct pkt *p)
{
	count->packets = (*delta >> XDPFW_DELTA_BYTES) + p->segments;
	count->bytes = (*delta & XDPFW_DELTA_BYTES_MAX) + p->length;
	if (unlikely(count->packets > XDPFW_DELTA_PACKETS_MAX || count->bytes > XDPFW_DELTA_BYTES_MAX))
		return false;
	*delta = (__u32)count->packets << XDPFW_DELTA_BYTES | (__u32)count->bytes;
	return true;
}

static __always_inline void settle_delta(__u32 *delta, struct xdpfw_count *count, const struct xdpfw_count *sum)
{
	count->packets += sum->packets;
	count->bytes += sum->bytes;
	barrier();
	*delta = 0;
}

/* Rules are fewer than that. A mask, not a comparison, which the verifier of Linux 6.1 forgets of a register that has
 * been on the stack. */
static __always_inline __u32 bounded_rule(__u32 rule)
{
	return rule & (XDPFW_MAX_RULES - 1);
}

static __always_inline void count_rule(const struct pkt *p, __u32 cpu, __u32 rule)
{
	struct xdpfw_rule_deltas *deltas = bpf_map_lookup_elem(&rule_deltas, &cpu);
	struct xdpfw_rule_counts *counts;
	struct xdpfw_count sum;

	rule = bounded_rule(rule);
	if (!deltas || add_delta(&deltas->rules[rule], &sum, p))
		return;
	counts = bpf_map_lookup_elem(&rule_counts, &cpu);
	if (counts)
		settle_delta(&deltas->rules[rule], &counts->rules[rule], &sum);
}

static __always_inline void count_port(const struct pkt *p, __u32 cpu, __u32 dir, __u32 side, __u16 port)
{
	__u32 index = xdpfw_port_counts_index(cpu, dir, p->table, side);
	struct xdpfw_port_counts *counts = bpf_map_lookup_elem(&port_counts, &index);

	if (counts)
		add(&counts->ports[port], p);
}

static __always_inline void count_dropped(const struct pkt *p, __u32 cpu, __u32 dir)
{
	__u32 index = xdpfw_drop_deltas_index(cpu, dir, p->table);
	struct xdpfw_drop_deltas *deltas = bpf_map_lookup_elem(&drop_deltas, &index);
	struct xdpfw_port_counts *counts;
	struct xdpfw_count sum;

	if (!deltas || add_delta(&deltas->ports[p->destination_port], &sum, p))
		return;
	index = xdpfw_port_counts_index(cpu, dir, p->table, XDPFW_DROPPED);
	counts = bpf_map_lookup_elem(&port_counts, &index);
	if (counts)
		settle_delta(&deltas->ports[p->destination_port], &counts->ports[p->destination_port], &sum);
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
static __always_inline void count(void *ctx, const struct pkt *p, enum xdpfw_dir dir, __u32 decision)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__u32 rule = xdpfw_rule_of(decision);

	__builtin_assume(p->dir == dir);
	count_reason(p, dir, cpu, decision);
	if (rule)
		count_rule(p, cpu, rule);
	if (unlikely(p->connection) && forward_counter(p) != rule)
		count_rule(p, cpu, forward_counter(p));
	if (!p->ported || p->protocol == PROTO_SCTP)
		return;
	if (passes(decision))
		count_passed(ctx, p, dir, cpu, decision);
	else
		count_dropped(p, cpu, dir);
}

#endif
