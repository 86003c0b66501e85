/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * link: `forward A:B` between two local ports.
 *
 * A bijection of local ports: what comes in for A goes to B and for B to A, and what
 * leaves from either is swapped back, so no state is needed. The rest of the data path
 * speaks of the port on the wire; only the socket lookup and rewrite.h know the other one.
 */
#ifndef XDPFW_BPF_LINK_H
#define XDPFW_BPF_LINK_H

#include "common.h"
#include "maps.h"

/* The port behind @port, or @port itself. */
static __always_inline __u16 linked_port(__u32 slot, __u32 table, __u16 port)
{
	__u32 index = xdpfw_link_table_index(slot, table);
	struct xdpfw_link_table *link = bpf_map_lookup_elem(&links, &index);

	return link ? port ^ link->delta[port] : port;
}

static __always_inline __u16 behind_link(const struct pkt *p, __u16 port)
{
	return unlikely(p->flags & XDPFW_HAS_LINKS) ? linked_port(p->slot, p->table, port) : port;
}

#endif
