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
	__u8 stays;                                  /* the stack goes on with it, though it may route it */
	__u8 masqueraded;                            /* its new source is this host */
};

/* The address of an end; only IPv6 needs the second cache line. */
static __always_inline bool read_end(const struct xdpfw_translation *t, __u32 place, enum xdpfw_end end,
				     struct xdpfw_addr *address)
{
	const struct xdpfw_ends *ends;

	if (t->family == 4) {
		address->halves[0] = 0;
		address->words[2] = bpf_htonl(0xffff);
		address->words[3] = t->low[end];
		return true;
	}
	ends = ends_at(place);
	if (ends)
		*address = ends->at[end];
	return ends;
}

/* False if the connection is over, and its place another's, since the packet was judged. */
static __always_inline bool read_rewritten(__u32 connection, struct rewritten *r)
{
	__u32 place = xdpfw_connection_place(connection);
	bool from_target = xdpfw_connection_from_target(connection);
	const struct xdpfw_translation *t = translation_at(place);

	if (!t || !read_end(t, place, from_target ? XDPFW_HOST : XDPFW_SOURCE, &r->source) ||
	    !read_end(t, place, from_target ? XDPFW_CLIENT : XDPFW_TARGET, &r->destination))
		return false;
	r->stays = (t->flags & (XDPFW_FORWARD_LOCAL | XDPFW_FORWARD_DIRECT)) != 0;
	r->masqueraded = !from_target && !(t->flags & (XDPFW_FORWARD_LOCAL | XDPFW_FORWARD_KEEP_SOURCE));
	r->source_port = from_target ? t->host_port : t->source_port;
	r->destination_port = from_target ? t->client_port : t->target_port;
	r->old_source_port = from_target ? t->target_port : t->client_port;
	r->old_destination_port = from_target ? t->source_port : t->host_port;
	r->change = from_target ? ~t->change : t->change;
	barrier();
	return xdpfw_connection_is(connection, *(volatile const __u32 *)&t->version);
}

#endif
