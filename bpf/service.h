/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the whole policy says: of an inbound packet, and of the answer to an outbound one. */
#ifndef XDPFW_BPF_SERVICE_H
#define XDPFW_BPF_SERVICE_H

#include "common.h"
#include "condition.h"
#include "policy.h"
#include "routed.h"

/* The policy's word on an inbound packet, for this host or for the one behind it. */
static __always_inline __u32 inbound_policy(void *ctx, enum hook hook, struct pkt *p)
{
	__u32 cell = policy(p, XDPFW_IN);

	if (unlikely(cell & XDPFW_ASK_ROUTED)) {
		cell &= ~XDPFW_ASK_ROUTED;
		p->here = !is_routed(ctx, p, &p->destination);
		if (!p->here)
			cell = policy(p, XDPFW_ROUTED);
	}
	return decide(ctx, hook, p, cell, ASKING_REQUEST);
}

/* The inbound policy's word on a request from the remote end of this outbound packet to its source port. */
static __always_inline __u32 answer_policy(struct __sk_buff *skb, const struct pkt *p, enum xdpfw_dir dir)
{
	__u32 cell = port_cell(p->slot, dir, p->table, p->source_port) & ~XDPFW_ASK_ROUTED;

	return decide(skb, HOOK_TC, p, cell, ASKING_ANSWER);
}

/* Would the inbound policy let a request to the local port in? Without a socket that sends, the port may be
 * this host's (translated) or another's (routed). */
static __always_inline bool lets_in(struct __sk_buff *skb, const struct pkt *p)
{
	return passes(answer_policy(skb, p, XDPFW_IN)) || (p->forwarded && passes(answer_policy(skb, p, XDPFW_ROUTED)));
}

static __always_inline bool is_service_port(struct __sk_buff *skb, const struct pkt *p)
{
	return is_service(answer_policy(skb, p, XDPFW_IN)) ||
	       (p->forwarded && is_service(answer_policy(skb, p, XDPFW_ROUTED)));
}

#endif
