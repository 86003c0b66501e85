/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* policy: what the compiled rules say of a packet, whatever its state. One array lookup. */
#ifndef XDPFW_BPF_POLICY_H
#define XDPFW_BPF_POLICY_H

#include "common.h"
#include "maps.h"

static __always_inline __u32 port_cell(__u32 slot, __u32 dir, __u32 table, __u16 port)
{
	__u32 index = xdpfw_port_table_index(slot, dir, table);
	const struct xdpfw_port_table *t = bpf_map_lookup_elem(&ports, &index);

	if (!t)
		return drop(XDPFW_R_INTERNAL);
	barrier_var(t); /* see part_of() */
	return likely(t->have_usual[port / 64] >> port % 64 & 1) ? t->usual : t->cells[port];
}

static __always_inline const struct xdpfw_policy_head *policy_head(__u32 slot)
{
	return bpf_map_lookup_elem(&heads, &slot);
}

/* For protocols without ports, by protocol number. */
static __always_inline __u32 protocol_cell(__u32 slot, __u32 dir, __u8 protocol)
{
	const struct xdpfw_policy_head *head = policy_head(slot);

	return head ? head->protocols[dir][protocol] : drop(XDPFW_R_INTERNAL);
}

/* @version: 0 for ICMP, 1 for ICMPv6. */
static __always_inline __u32 icmp_cell(__u32 slot, __u32 dir, __u32 version, __u8 type)
{
	const struct xdpfw_policy_head *head = policy_head(slot);

	return head ? head->icmp_types[dir][version][type] : drop(XDPFW_R_INTERNAL);
}

/*
 * @dir is p->dir, as a constant that the compiler can see. Not of later fragments, so what has ports has them here.
 */
static __always_inline __u32 policy(const struct pkt *p, enum xdpfw_dir dir)
{
	if (likely(p->ported))
		return port_cell(p->slot, dir, p->table, p->destination_port);
	if (p->protocol == IPPROTO_ICMP)
		return icmp_cell(p->slot, dir, 0, p->icmp_type);
	if (p->protocol == IPPROTO_ICMPV6)
		return icmp_cell(p->slot, dir, 1, p->icmp_type);
	return protocol_cell(p->slot, dir, p->protocol);
}

/* Does a rule or a forward (not a default) let requests to this local port in? Then what leaves
 * from it answers strangers, and needs no state to be answered itself. */
static __always_inline bool is_service(__u32 cell)
{
	__u32 reason = xdpfw_reason_of(cell);

	return passes(cell) && (reason == XDPFW_R_RULE || reason == XDPFW_R_FORWARD);
}

#endif
