/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * forward: the rewriting of ports, and of the ports that ICMP errors quote.
 *
 * On skbs only: a packet from a local sender may carry just the pseudo-header sum
 * (CHECKSUM_PARTIAL), which XDP cannot see and the skb helpers handle. What is
 * delivered locally becomes an skb anyway.
 */
#ifndef XDPFW_BPF_REWRITE_H
#define XDPFW_BPF_REWRITE_H

#include "common.h"
#include "icmp_error.h"
#include "link.h"
#include "parse.h"
#include "routed.h"
#include "sctp.h"

/*
 * Write @to over the port @from at @offset, and mend the checksum at @sum (0: there is none).
 * @flags for bpf_l4_csum_replace().
 */
static __always_inline bool write_port(struct __sk_buff *skb, __u32 offset, __u32 sum, __u16 from, __u16 to,
				       __u64 flags)
{
	__be16 port = bpf_htons(to);

	if (sum && bpf_l4_csum_replace(skb, sum, bpf_htons(from), port, flags | sizeof(port)))
		return false;
	return bpf_skb_store_bytes(skb, offset, &port, sizeof(port), 0) == 0;
}

/*
 * Where the checksum is that covers the ports of a TCP or UDP packet; 0 = none does. A packet of this host's that will
 * be many datagrams holds only the sum of its pseudo-header, though Linux 6.11 and newer does not say so (in
 * CHECKSUM_PARTIAL) where the interface has no checksum offload.
 */
static __always_inline __u32 sum_over_ports(struct __sk_buff *skb, const struct pkt *p)
{
	if (p->protocol == IPPROTO_TCP)
		return p->l4 + offsetof(struct tcphdr, check);
	if (p->dir == XDPFW_OUT && !p->forwarded && skb->gso_size)
		return 0;
	return p->l4 + offsetof(struct udphdr, check);
}

/*
 * Swap the local port: the destination going in, the source going out. @from is what the packet holds now. UDP over IPv4
 * may have no checksum; 0 stays 0, a computed 0 becomes 0xffff (RFC 768).
 */
static __always_inline bool swap_port(struct __sk_buff *skb, const struct pkt *p, __u16 from, __u16 to)
{
	bool in = p->dir == XDPFW_IN;
	__u64 flags = p->protocol == IPPROTO_TCP ? 0 : BPF_F_MARK_MANGLED_0;
	__u32 place = in ? offsetof(struct ports_header, destination) : offsetof(struct ports_header, source);

	if (p->protocol == PROTO_SCTP)
		return write_sctp_ports(skb, p, in ? p->source_port : to, in ? to : p->destination_port);
	return write_port(skb, p->l4 + place, sum_over_ports(skb, p), from, to, flags);
}

/* An error quotes the port that the other side knows: the source of what this host sent, the
 * destination of what it received. Only the checksum of the ICMP message covers it. */
static __always_inline bool swap_quoted_port(struct __sk_buff *skb, const struct pkt *p)
{
	bool in = p->dir == XDPFW_IN;
	struct pkt quoted = {};
	__u16 from, to;

	if (!quote_skb(skb, p, &quoted) || !has_ports(&quoted))
		return true;
	from = in ? quoted.source_port : quoted.destination_port;
	to = linked_port(p->slot, quoted.table, from);
	if (from == to)
		return true;
	return write_port(
		skb,
		quoted.l4 + (in ? offsetof(struct ports_header, source) : offsetof(struct ports_header, destination)),
		p->l4 + offsetof(struct icmp_header, checksum), from, to, 0);
}

/*
 * Swap what is linked in a packet that passes; links are about this host's ports only. Going out, p->source_port is the port on
 * the wire already and the packet still holds the one behind it. A global function, for the
 * reason given in parse.h.
 */
__noinline bool swap_ports(struct __sk_buff *skb, const struct pkt *p)
{
	__u16 wire, behind;

	if (!p)
		return false;
	if (!p->ported)
		return !is_icmp_error(p) || swap_quoted_port(skb, p);
	wire = local_port(p);
	behind = linked_port(p->slot, p->table, wire);
	if (wire == behind || (p->dir == XDPFW_IN ? is_routed(skb, p, &p->destination) : p->foreign))
		return true;
	return p->dir == XDPFW_IN ? swap_port(skb, p, wire, behind) : swap_port(skb, p, behind, wire);
}

#endif
