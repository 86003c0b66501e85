/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rewriting what is forwarded with state, on skbs: addresses, ports, checksums, and the packets that ICMP errors
 * quote. Then it stays on this host, or leaves for the next hop by bpf_redirect_neigh(), which also resolves the
 * neighbour.
 *
 * Of the driver's sum over the whole packet (CHECKSUM_COMPLETE) see mend_checksum(); a hop counted down changes it only
 * in IPv6, whose header has no checksum to make up for it.
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
#include "write.h"

#define ACT_PASS -1 /* TC_ACT_UNSPEC, TCX_NEXT: the programs behind still run */
#define ACT_DROP 2  /* TC_ACT_SHOT */
#define ACT_LOSE 3  /* of translations, for those who call them: there is no way to where the packet goes */

/* On an skb that xdpfw itself sends ("xdfw"): it has been judged, and is not counted again. */
#define MARK_OWN 0x78646677

/* Ports, and the checksum over them and the addresses. */
static __always_inline bool translate_ports(struct __sk_buff *skb, const struct pkt *p, const struct rewritten *r)
{
	struct frame f;

	if (p->protocol == PROTO_SCTP)
		return write_sctp_ports(skb, p, r->source_port, r->destination_port);
	if (!mend_checksum(skb, p, r->change, change_of_ports(r)))
		return false;
	f = frame_skb(skb);
	return write_ports(&f, p, r);
}

static __always_inline bool write_connection(struct __sk_buff *skb, const struct pkt *p, const struct rewritten *r)
{
	bool later = p->fragment == FRAGMENT_LATER;
	struct frame f;

	if (!later && !translate_ports(skb, p, r))
		return false;
	if (p->family == 6 && (later || p->protocol == PROTO_SCTP)) /* no checksum takes back what the addresses add */
		bpf_csum_update(skb, r->change);
	f = frame_skb(skb);
	return write_addresses(&f, p, p->l3, &r->source, &r->destination, r->change);
}

/* On its way to another host. */
static __always_inline bool count_down_skb(struct __sk_buff *skb, const struct pkt *p)
{
	struct frame f = frame_skb(skb);

	if (p->family == 6)
		bpf_csum_update(skb, (__u16)~bpf_htons(1));
	return count_down(&f, p);
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

/* Of a packet that is only looked at: would find_hop() find none? */
static __always_inline bool is_without_way(struct __sk_buff *skb, const struct pkt *p, const struct rewritten *r)
{
	return cfg_observe && !r->stays && !route_to(skb, p, &r->destination);
}

/* Rewrite a packet of a forwarded connection, which passes, and send it on; ACT_PASS leaves it to the stack. Global
 * functions, for the reason given in parse_ip.h. */
__noinline int translate_packet(struct __sk_buff *skb, const struct pkt *p)
{
	struct xdpfw_hop *hop = NULL; /* the stack goes on with it, or it is only looked at */
	struct rewritten r;

	if (!p || !read_rewritten(p->connection, &r))
		return ACT_DROP;
	if (is_without_way(skb, p, &r))
		return ACT_LOSE;
	if (!r.stays && !cfg_observe) {
		hop = find_hop(skb, p, &r);
		if (!hop || (hop->source_lost && forget(connection_of(p->connection))))
			return ACT_LOSE;
		if (p->hop_limit <= 1)
			return complain(COMPLAIN_EXPIRED, 0);
		if (hop->mtu && longest_packet(skb, p) > hop->mtu)
			return complain(COMPLAIN_TOO_BIG, hop->mtu);
	}
	if (tells_addresses(p) && !hide_addresses(skb, p))
		return ACT_DROP;
	if (!write_connection(skb, p, &r))
		return ACT_DROP;
	if (!hop)
		return ACT_PASS;
	return count_down_skb(skb, p) ? send_on(skb, p, hop) : ACT_DROP;
}

/* The quoted packet becomes the reverse of @r, which is how the answer to it would be rewritten. */
static __always_inline bool write_quote(struct __sk_buff *skb, const struct pkt *p, const struct rewritten *r)
{
	const struct xdpfw_translation *t = connection_of(p->connection);
	__u32 change = change_of_ports(r);
	struct frame f = frame_skb(skb);

	if (!t)
		return false;
	/* The quoted IPv4 header sums up to the same as before. */
	change += mend_quoted(&f, p, t->protocol, p->quoted_l4, r->change + change) + (p->family == 6 ? r->change : 0);
	if (bpf_l4_csum_replace(skb, p->l4 + offsetof(struct icmp_header, checksum), 0, fold_sum(change), 0))
		return false;
	f = frame_skb(skb);
	return write_addresses(&f, p, p->l4 + sizeof(struct icmp_header), &r->destination, &r->source, r->change) &&
	       write_port(&f, p->quoted_l4 + SOURCE_PORT, r->destination_port) &&
	       write_port(&f, p->quoted_l4 + DESTINATION_PORT, r->source_port);
}

/* The outer header: to whom the answer would go. ICMP has a pseudo-header only in IPv6. */
static __always_inline bool write_envelope(struct __sk_buff *skb, const struct pkt *p, const struct xdpfw_addr *source,
					   const struct xdpfw_addr *destination)
{
	__u16 change = sum_difference(sum_addresses(source, destination), sum_addresses(&p->source, &p->destination));
	struct frame f;

	if (p->family == 6) {
		if (bpf_l4_csum_replace(skb, p->l4 + offsetof(struct icmp_header, checksum), 0, change,
					BPF_F_PSEUDO_HDR))
			return false;
		bpf_csum_update(skb, change); /* see mend_checksum() */
	}
	f = frame_skb(skb);
	return write_addresses(&f, p, p->l3, source, destination, change);
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
	if (is_without_way(skb, p, &r))
		return ACT_LOSE;
	if (!r.stays && !cfg_observe) {
		hop = find_hop(skb, p, &r);
		if (!hop)
			return ACT_LOSE;
		if (p->hop_limit <= 1)
			return ACT_DROP;
	}
	if (!write_quote(skb, p, &r))
		return ACT_DROP;
	if (!hop)
		return ACT_PASS;
	if (!write_envelope(skb, p, is_renamed(p, hop) ? &r.source : &p->source, &r.destination))
		return ACT_DROP;
	return count_down_skb(skb, p) ? send_on(skb, p, hop) : ACT_DROP;
}

#endif
