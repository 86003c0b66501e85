/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From XDP to XDP: what is forwarded to another host is rewritten in the frame and leaves by the other interface,
 * without becoming an skb.
 *
 * Whatever is not plain goes up to TC ingress, where translate_skb.h can do everything: fragments, expired or too big packets,
 * a neighbour that is not resolved, and a checksum that may be incomplete. (A packet from a local sender may carry only
 * the sum of its pseudo-header. XDP is not told, but such a checksum field holds exactly that sum, so a packet
 * whose field does is left to TC; of those with complete checksums one in 65,536 takes that way, too.)
 */
#ifndef XDPFW_BPF_TRANSLATE_XDP_H
#define XDPFW_BPF_TRANSLATE_XDP_H

#include "common.h"
#include "config.h"
#include "hop.h"
#include "rewritten.h"
#include "sctp.h"

static __always_inline __u16 fold_sum(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Does the checksum field hold no more than the sum of the pseudo-header? (The prefix of a v4-mapped address adds
 * 0xffff, which is zero in ones' complement.) */
static __always_inline bool looks_incomplete(const struct pkt *p, __u16 check)
{
	__u32 sum = sum_addresses(&p->source, &p->destination);

	return check == fold_sum(sum + bpf_htons(p->protocol) + bpf_htons(p->l4_length));
}

/* RFC 1624: @change is what the summed-up words grow by, in ones' complement. */
static __always_inline __u16 mend(__u16 check, __u32 change)
{
	return ~fold_sum((__u16)~check + change);
}

static __always_inline bool write_ports(const struct frame *f, const struct pkt *p, const struct rewritten *r)
{
	bool tcp = p->protocol == IPPROTO_TCP;
	struct ports_header *ports = at(f, p->l4, sizeof(*ports));
	__u16 *sum = at(f, p->l4 + (tcp ? offsetof(struct tcphdr, check) : offsetof(struct udphdr, check)), 2);
	__be16 source = bpf_htons(r->source_port), destination = bpf_htons(r->destination_port);
	__u32 change;

	if (!ports || !sum || (*sum && looks_incomplete(p, *sum)))
		return false;
	change = r->change + source + destination + (__u16)~ports->source + (__u16)~ports->destination;
	ports->source = source;
	ports->destination = destination;
	if (tcp || *sum || p->family == 6) {
		*sum = mend(*sum, fold_sum(change));
		if (!tcp && !*sum)
			*sum = 0xffff; /* RFC 768: 0 says that there is none */
	}
	return true;
}

/* Where the checksum is left to the device, only TC can tell the device so. */
static __always_inline bool write_sctp_in_frame(const struct frame *f, const struct pkt *p, const struct rewritten *r)
{
	struct sctp_header *header = at(f, p->l4, sizeof(*header));

	return header && header->checksum && change_sctp_ports(p, header, r->source_port, r->destination_port);
}

static __always_inline bool write_header(const struct frame *f, const struct pkt *p, const struct rewritten *r)
{
	if (p->family == 4) {
		struct iphdr *ip = at(f, p->l3, sizeof(*ip));

		if (!ip)
			return false;
		ip->saddr = r->source.words[3];
		ip->daddr = r->destination.words[3];
		ip->ttl--;
		ip->check = mend(ip->check, r->change + (__u16)~bpf_htons(0x0100));
	} else {
		struct ipv6hdr *ip = at(f, p->l3, sizeof(*ip));

		if (!ip)
			return false;
		__builtin_memcpy(&ip->saddr, &r->source, sizeof(ip->saddr));
		__builtin_memcpy(&ip->daddr, &r->destination, sizeof(ip->daddr));
		ip->hop_limit--;
	}
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
 * parse.h. */
__noinline int translate_xdp(struct xdp_md *xdp, const struct pkt *p)
{
	struct frame f = {.data = (void *)(long)xdp->data, .end = (void *)(long)xdp->data_end};
	struct rewritten r;
	struct xdpfw_hop *hop;

	if (!p || cfg_xdp_generic || !is_plain(xdp, p) || !read_rewritten(p->connection, &r) || r.stays)
		return XDP_PASS;
	hop = find_hop(xdp, p, &r.source, &r.destination);
	if (!hop || !hop->resolved || !hop->xdp || p->l4 - p->l3 + p->l4_length > hop->mtu)
		return XDP_PASS;
	if (unlikely(p->protocol == PROTO_SCTP) ? !write_sctp_in_frame(&f, p, &r) : !write_ports(&f, p, &r))
		return XDP_PASS;
	if (!write_header(&f, p, &r) || !write_ethernet(&f, hop))
		return XDP_DROP;
	return bpf_redirect(hop->out, 0);
}

#endif
