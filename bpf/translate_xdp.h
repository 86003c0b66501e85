/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From XDP to XDP: what is forwarded to another host is rewritten in the frame and leaves by the other interface,
 * without becoming an skb.
 *
 * Whatever is not plain goes up to TC ingress, where translate_skb.h can do everything: fragments, expired or too big packets,
 * a neighbour that is not resolved, a source that this host has lost, and a checksum that may be incomplete (checksum.h).
 */
#ifndef XDPFW_BPF_TRANSLATE_XDP_H
#define XDPFW_BPF_TRANSLATE_XDP_H

#include "checksum.h"
#include "common.h"
#include "config.h"
#include "hop.h"
#include "rewritten.h"
#include "sctp.h"
#include "write.h"

/* Ports, and the checksum over them and the addresses; false if the checksum may be incomplete. */
static __always_inline bool translate_ports_in_frame(const struct frame *f, const struct pkt *p,
						     const struct rewritten *r)
{
	__u16 *check = at(f, checksum_place(p->protocol, p->l4), sizeof(*check));

	if (!check || may_be_incomplete(p, *check))
		return false;
	if (has_checksum(p->protocol, *check))
		*check = mend_l4(p->protocol, *check, r->change + change_of_ports(r));
	return write_ports(f, p, r);
}

/* Where the checksum is left to the device, only TC can tell the device so; where addresses are told, only it hides them. */
static __always_inline bool write_sctp_in_frame(const struct frame *f, const struct pkt *p, const struct rewritten *r)
{
	struct sctp_header *header = at(f, p->l4, sizeof(*header));

	if (!header || !header->checksum || tells_addresses(p))
		return false;
	change_sctp_ports(p, header, r->source_port, r->destination_port);
	return true;
}

static __always_inline bool write_ethernet(const struct frame *f, const struct xdpfw_hop *hop)
{
	struct ethhdr *eth = at(f, 0, sizeof(*eth));

	if (!eth)
		return false;
	__builtin_memcpy(eth->h_dest, hop->to, ETH_ALEN);
	__builtin_memcpy(eth->h_source, hop->from, ETH_ALEN);
	return true;
}

static __always_inline bool is_plain(const struct xdp_md *xdp, const struct pkt *p)
{
	return p->ported && p->fragment == FRAGMENT_NONE && p->hop_limit > 1 && p->l3 == sizeof(struct ethhdr) &&
	       p->length == xdp->data_end - xdp->data;
}

/* Forward the packet, which passes; XDP_PASS leaves it, untouched, to TC. A global function, for the reason given in
 * parse_ip.h. */
__noinline int translate_xdp(struct xdp_md *xdp, const struct pkt *p)
{
	struct frame f = {.data = (void *)(long)xdp->data, .end = (void *)(long)xdp->data_end};
	struct rewritten r;
	struct xdpfw_hop *hop;

	if (!p || cfg_xdp_generic || !is_plain(xdp, p) || !read_rewritten(p->connection, &r) || r.stays)
		return XDP_PASS;
	hop = find_hop(xdp, p, &r);
	if (!hop || !hop->resolved || !hop->xdp || hop->source_lost || p->l4 - p->l3 + p->l4_length > hop->mtu)
		return XDP_PASS;
	if (unlikely(p->protocol == PROTO_SCTP) ? !write_sctp_in_frame(&f, p, &r)
						: !translate_ports_in_frame(&f, p, &r))
		return XDP_PASS;
	if (!write_addresses(&f, p, p->l3, &r.source, &r.destination, r.change) || !count_down(&f, p) ||
	    !write_ethernet(&f, hop))
		return XDP_DROP;
	return bpf_redirect(hop->out, 0);
}

#endif
