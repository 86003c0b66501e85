/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a packet of a forwarded connection looks on the other side. */
#ifndef XDPFW_BPF_REWRITTEN_H
#define XDPFW_BPF_REWRITTEN_H

#include "common.h"
#include "translation.h"

struct rewritten {
	struct xdpfw_addr source;
	struct xdpfw_addr destination;
	__u16 source_port, destination_port;         /* host byte order */
	__u16 old_source_port, old_destination_port; /* as the packet has them now */
	__u16 change;                                /* ones' complement sum by which the addresses grow */
	__u8 local;                                  /* it stays on this host */
};

/* False if the connection is over, and its place another's, since the packet was judged. */
static __always_inline bool read_rewritten(__u32 connection, struct rewritten *r)
{
	const struct xdpfw_translation *t = connection_of(connection);

	if (!t)
		return false;
	r->local = t->flags & XDPFW_FORWARD_LOCAL;
	if (!xdpfw_connection_from_target(connection)) {
		r->source = t->source;
		r->destination = t->target;
		r->source_port = t->source_port;
		r->destination_port = t->target_port;
		r->old_source_port = t->client_port;
		r->old_destination_port = t->host_port;
		r->change = t->change;
	} else {
		r->source = t->host;
		r->destination = t->client;
		r->source_port = t->host_port;
		r->destination_port = t->client_port;
		r->old_source_port = t->target_port;
		r->old_destination_port = t->source_port;
		r->change = ~t->change;
	}
	barrier();
	return xdpfw_connection_is(connection, *(volatile const __u32 *)&t->version);
}

#endif
