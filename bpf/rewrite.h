/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * forward: the rewriting of ports, and of the ports that ICMP errors quote.
 *
 * On skbs only: a packet from a local sender may carry just the pseudo-header sum
 * (CHECKSUM_PARTIAL), which XDP cannot see and the skb helpers handle. What is
 * delivered locally becomes an skb anyway.
 *
 * A helper costs half as much as the filter (27 ns to mend a checksum, 32 to store a port). So the packet itself is
 * written, and a helper is asked only where the checksum may be incomplete.
 */
#ifndef XDPFW_BPF_REWRITE_H
#define XDPFW_BPF_REWRITE_H

#include "checksum.h"
#include "common.h"
#include "icmp_error.h"
#include "link.h"
#include "parse.h"
#include "routed.h"
#include "sctp.h"
#include "write.h"

/*
 * A packet of this host's that will be many datagrams holds only the sum of its pseudo-header, though Linux 6.11 and
 * newer does not say so (in CHECKSUM_PARTIAL) where the interface has no checksum offload.
 */
static __always_inline bool is_summed_later(struct __sk_buff *skb, const struct pkt *p)
{
	return p->protocol == IPPROTO_UDP && p->dir == XDPFW_OUT && !p->forwarded && skb->gso_size;
}

/* Of a checksum that may be incomplete, which only the helpers know. A global function, for the reason given in parse_ip.h. */
__noinline bool ask_to_mend(struct __sk_buff *skb, const struct pkt *p, __u32 addresses, __u32 ports)
{
	__u64 flags;
	__u32 place;

	if (!p)
		return false;
	flags = p->protocol == IPPROTO_TCP ? 0 : BPF_F_MARK_MANGLED_0;
	place = checksum_place(p->protocol, p->l4);
	if (is_summed_later(skb, p))
		return true;
	if (addresses && bpf_l4_csum_replace(skb, place, 0, addresses, BPF_F_PSEUDO_HDR | flags))
		return false;
	if (addresses && p->family == 6)
		bpf_csum_update(skb, addresses);
	return !bpf_l4_csum_replace(skb, place, 0, ports, flags);
}

/*
 * Mend the checksum of a TCP or UDP packet whose addresses grow by @addresses and ports by @ports.
 *
 * The driver's sum over the whole packet (CHECKSUM_COMPLETE) is kept, too. What addresses and ports grow by the checksum
 * loses; the addresses of IPv4 once more the checksum of its header, which is written elsewhere. The helper for
 * pseudo-headers reckons with that, also for IPv6, which has no such checksum: there the difference is given back.
 */
static __always_inline bool mend_checksum(struct __sk_buff *skb, const struct pkt *p, __u16 addresses, __u32 ports)
{
	struct frame f = frame_skb(skb);
	__u16 *check = at(&f, checksum_place(p->protocol, p->l4), sizeof(*check));

	if (!check)
		return false;
	if (!has_checksum(p->protocol, *check)) {
		bpf_csum_update(skb, p->family == 4 ? ports : fold_sum(addresses + ports));
		return true;
	}
	if (skb->gso_size || may_be_incomplete(p, *check))
		return ask_to_mend(skb, p, addresses, ports);
	*check = mend_l4(p->protocol, *check, addresses + ports);
	if (addresses && p->family == 4)
		bpf_csum_update(skb, (__u16)~addresses);
	return true;
}

/* Swap the local port: the destination going in, the source going out. @from is what the packet holds now. */
static __always_inline bool swap_port(struct __sk_buff *skb, const struct pkt *p, __u16 from, __u16 to)
{
	bool in = p->dir == XDPFW_IN;
	struct frame f;

	if (p->protocol == PROTO_SCTP)
		return write_sctp_ports(skb, p, in ? p->source_port : to, in ? to : p->destination_port);
	if (!mend_checksum(skb, p, 0, port_change(from, to)))
		return false;
	f = frame_skb(skb);
	return write_port(&f, p->l4 + (in ? DESTINATION_PORT : SOURCE_PORT), to);
}

/* An error quotes the port that the other side knows: the source of what this host sent, the
 * destination of what it received. Only the checksum of the ICMP message covers it. */
__noinline bool swap_quoted_port(struct __sk_buff *skb, const struct pkt *p)
{
	struct pkt quoted = {};
	__u16 from, to, change;
	struct frame f;
	bool in;

	if (!p)
		return false;
	in = p->dir == XDPFW_IN;
	if (!quote_skb(skb, p, &quoted) || !has_ports(&quoted))
		return true;
	from = in ? quoted.source_port : quoted.destination_port;
	to = linked_port(p->slot, quoted.table, from);
	if (from == to)
		return true;
	change = port_change(from, to);
	f = frame_skb(skb);
	change = fold_sum(change + mend_quoted(&f, p, quoted.protocol, quoted.l4, change));
	if (bpf_l4_csum_replace(skb, p->l4 + offsetof(struct icmp_header, checksum), 0, change, 0))
		return false;
	f = frame_skb(skb);
	return write_port(&f, quoted.l4 + (in ? SOURCE_PORT : DESTINATION_PORT), to);
}

/*
 * Swap what is linked in a packet that passes; links are about this host's ports only. Going out, p->source_port is the port on
 * the wire already and the packet still holds the one behind it. Inlined, for a call costs as much as all the rest. @dir is
 * p->dir, as a constant that the compiler can see.
 */
static __always_inline bool swap_ports(struct __sk_buff *skb, const struct pkt *p, enum xdpfw_dir dir)
{
	__u16 wire, behind;

	__builtin_assume(p->dir == dir);
	if (!p->ported)
		return !is_icmp_error(p) || swap_quoted_port(skb, p);
	wire = local_port(p);
	behind = linked_port(p->slot, p->table, wire);
	if (wire == behind || (dir == XDPFW_IN ? !p->here && is_routed(skb, p, &p->destination) : p->foreign))
		return true;
	return dir == XDPFW_IN ? swap_port(skb, p, wire, behind) : swap_port(skb, p, behind, wire);
}

#endif
