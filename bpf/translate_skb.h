/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rewriting what is forwarded with state, on skbs: addresses, ports, checksums, and the packets that ICMP errors
 * quote. Then it stays on this host, or leaves for the next hop by bpf_redirect_neigh(), which also resolves the
 * neighbour.
 *
 * The skb helpers know which checksums are complete (TRAPS of CHECKSUM_PARTIAL). They also keep the driver's sum over
 * the whole packet (CHECKSUM_COMPLETE), but assume that what the pseudo-header loses the IP header's own
 * checksum gains, which IPv6 does not have: there the difference is given back.
 */
#ifndef XDPFW_BPF_TRANSLATE_SKB_H
#define XDPFW_BPF_TRANSLATE_SKB_H

#include "common.h"
#include "hop.h"
#include "icmp_error.h"
#include "reject.h"
#include "rewrite.h"
#include "rewritten.h"
#include "sctp.h"

#define ACT_PASS -1 /* TC_ACT_UNSPEC, TCX_NEXT: the programs behind still run */
#define ACT_DROP 2  /* TC_ACT_SHOT */

/* On an skb that xdpfw itself sends ("xdfw"): it has been judged, and is not counted again. */
#define MARK_OWN 0x78646677

/* The source and destination of the IP header at @l3, which may be a quoted one. */
static __always_inline bool write_addresses(struct __sk_buff *skb, const struct pkt *p, __u32 l3,
					    const struct xdpfw_addr *source, const struct xdpfw_addr *destination,
					    __u16 change)
{
	__be32 v4[2] = {source->words[3], destination->words[3]};

	if (p->family == 4)
		return !bpf_skb_store_bytes(skb, l3 + offsetof(struct iphdr, saddr), v4, sizeof(v4), 0) &&
		       !bpf_l3_csum_replace(skb, l3 + offsetof(struct iphdr, check), 0, change, 0);
	return !bpf_skb_store_bytes(skb, l3 + offsetof(struct ipv6hdr, saddr), source, sizeof(*source), 0) &&
	       !bpf_skb_store_bytes(skb, l3 + offsetof(struct ipv6hdr, daddr), destination, sizeof(*destination), 0);
}

/* What of the addresses the checksum at @sum covers, as its pseudo-header; 0 = no checksum covers it. */
static __always_inline bool mend_pseudo_header(struct __sk_buff *skb, const struct pkt *p, __u32 sum, __u16 change,
					       __u64 flags)
{
	if (sum && bpf_l4_csum_replace(skb, sum, 0, change, BPF_F_PSEUDO_HDR | flags))
		return false;
	if (p->family == 6)
		bpf_csum_update(skb, change);
	return true;
}

static __always_inline bool write_connection(struct __sk_buff *skb, const struct pkt *p, const struct rewritten *r)
{
	__u64 flags = p->protocol == IPPROTO_TCP ? 0 : BPF_F_MARK_MANGLED_0;
	__u32 sum = sum_over_ports(skb, p);

	if (!write_addresses(skb, p, p->l3, &r->source, &r->destination, r->change))
		return false;
	if (p->fragment == FRAGMENT_LATER)
		return mend_pseudo_header(skb, p, 0, r->change, 0);
	if (p->protocol == PROTO_SCTP)
		return mend_pseudo_header(skb, p, 0, r->change, 0) &&
		       write_sctp_ports(skb, p, r->source_port, r->destination_port);
	return mend_pseudo_header(skb, p, sum, r->change, flags) &&
	       write_port(skb, p->l4 + offsetof(struct ports_header, source), sum, r->old_source_port, r->source_port,
			  flags) &&
	       write_port(skb, p->l4 + offsetof(struct ports_header, destination), sum, r->old_destination_port,
			  r->destination_port, flags);
}

static __always_inline bool count_down(struct __sk_buff *skb, const struct pkt *p)
{
	__u8 left = p->hop_limit - 1;
	__be16 old = bpf_htons(p->hop_limit << 8), new = bpf_htons(left << 8);

	if (p->family == 6)
		return !bpf_skb_store_bytes(skb, p->l3 + offsetof(struct ipv6hdr, hop_limit), &left, sizeof(left),
					    BPF_F_RECOMPUTE_CSUM);
	return !bpf_l3_csum_replace(skb, p->l3 + offsetof(struct iphdr, check), old, new, sizeof(new)) &&
	       !bpf_skb_store_bytes(skb, p->l3 + offsetof(struct iphdr, ttl), &left, sizeof(left), 0);
}

/* The longest IP packet that the skb puts on the wire: of one segment, if it is many. Of many packets of SCTP nobody tells;
 * one that is too big gets lost, and comes again alone. */
static __always_inline __u32 longest_packet(const struct __sk_buff *skb, const struct pkt *p)
{
	__u32 headers = p->l4 - p->l3;

	if (skb->gso_size == GSO_BY_FRAGS)
		return 0;
	if (skb->gso_size)
		return headers + (p->protocol == IPPROTO_TCP ? p->l4_header : sizeof(struct udphdr)) + skb->gso_size;
	return headers + p->l4_length;
}

static __always_inline int send_on(struct __sk_buff *skb, const struct pkt *p, const struct xdpfw_hop *hop)
{
	struct bpf_redir_neigh next = {.nh_family = p->family == 4 ? FAMILY_V4 : FAMILY_V6};

	if (p->family == 4)
		next.ipv4_nh = hop->gateway.words[3];
	else
		__builtin_memcpy(next.ipv6_nh, &hop->gateway, sizeof(hop->gateway));
	if (!p->l3 && bpf_skb_change_head(skb, ETH_HLEN, 0))
		return ACT_DROP; /* what has no Ethernet header gets one, which the redirect takes off */
	if (skb->vlan_present)
		bpf_skb_vlan_pop(skb);
	skb->mark = MARK_OWN;
	return bpf_redirect_neigh(hop->out, &next, sizeof(next), 0);
}

/* What translate_packet() returns where the sender has to be told something. The caller does, since the answer needs
 * much of the stack. */
static __always_inline int complain(enum complaint_kind kind, __u32 mtu)
{
	return kind << 16 | mtu;
}

static __always_inline bool is_complaint(int action)
{
	return action > 0xffff;
}

/* Rewrite a packet of a forwarded connection, which passes, and send it on; ACT_PASS leaves it to the stack. Global
 * functions, for the reason given in parse.h. */
__noinline int translate_packet(struct __sk_buff *skb, const struct pkt *p)
{
	struct xdpfw_hop *hop = NULL; /* the stack goes on with it, or it is only looked at */
	struct rewritten r;

	if (!p || !read_rewritten(p->connection, &r))
		return ACT_DROP;
	if (!r.stays && !cfg_observe) {
		hop = find_hop(skb, p, &r.source, &r.destination);
		if (!hop)
			return ACT_DROP;
		if (p->hop_limit <= 1)
			return complain(COMPLAIN_EXPIRED, 0);
		if (hop->mtu && longest_packet(skb, p) > hop->mtu)
			return complain(COMPLAIN_TOO_BIG, hop->mtu);
	}
	if (!write_connection(skb, p, &r))
		return ACT_DROP;
	if (!hop)
		return ACT_PASS;
	return count_down(skb, p) ? send_on(skb, p, hop) : ACT_DROP;
}

/* The quoted packet becomes the reverse of @r, which is how the answer to it would be rewritten. */
static __always_inline bool write_quote(struct __sk_buff *skb, const struct pkt *p, const struct rewritten *r)
{
	__u32 sum = p->l4 + offsetof(struct icmp_header, checksum);
	__u32 ports = p->quoted_l4;

	if (!write_addresses(skb, p, p->l4 + sizeof(struct icmp_header), &r->destination, &r->source, r->change))
		return false;
	/* The quoted IPv4 header sums up to the same as before. */
	if (p->family == 6 && bpf_l4_csum_replace(skb, sum, 0, r->change, 0))
		return false;
	return write_port(skb, ports + offsetof(struct ports_header, source), sum, r->old_destination_port,
			  r->destination_port, 0) &&
	       write_port(skb, ports + offsetof(struct ports_header, destination), sum, r->old_source_port,
			  r->source_port, 0);
}

/* The outer header: to whom the answer would go. */
static __always_inline bool write_envelope(struct __sk_buff *skb, const struct pkt *p, const struct xdpfw_addr *source,
					   const struct xdpfw_addr *destination)
{
	__u16 change = sum_difference(sum_addresses(source, destination), sum_addresses(&p->source, &p->destination));
	__u32 sum = p->family == 6 ? p->l4 + offsetof(struct icmp_header, checksum) : 0;

	return write_addresses(skb, p, p->l3, source, destination, change) &&
	       mend_pseudo_header(skb, p, sum, change, 0);
}

/* The end of the connection that would have sent the answer to what is quoted. */
static __always_inline bool is_end(const struct pkt *p)
{
	enum xdpfw_end end = xdpfw_connection_from_target(p->connection) ? XDPFW_TARGET : XDPFW_CLIENT;
	const struct xdpfw_addr *address = part_of(ends_at(xdpfw_connection_place(p->connection)), at[end]);

	return address && addr_equal(&p->source, address);
}

/* Must whoever complains be known by the address that the other end talks to? An end of the connection must; so must
 * who is on the way to the other end, too: a router drops what comes to it with its own address for a source. */
static __always_inline bool is_renamed(const struct pkt *p, const struct xdpfw_hop *hop)
{
	return hop->out == p->ifindex || is_end(p);
}

/* An ICMP error about a packet of a forwarded connection. Others than those keep their addresses. */
__noinline int translate_error(struct __sk_buff *skb, const struct pkt *p)
{
	struct xdpfw_hop *hop = NULL; /* the stack goes on with it, or it is only looked at */
	struct rewritten r;

	if (!p || !read_rewritten(p->connection, &r))
		return ACT_DROP;
	if (!r.stays && !cfg_observe) {
		hop = find_hop(skb, p, &r.source, &r.destination);
		if (!hop || p->hop_limit <= 1)
			return ACT_DROP;
	}
	if (!write_quote(skb, p, &r))
		return ACT_DROP;
	if (!hop)
		return ACT_PASS;
	if (!write_envelope(skb, p, is_renamed(p, hop) ? &r.source : &p->source, &r.destination))
		return ACT_DROP;
	return count_down(skb, p) ? send_on(skb, p, hop) : ACT_DROP;
}

#endif
