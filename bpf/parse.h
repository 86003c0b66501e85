/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * parse: from bytes to struct pkt. Every length is checked here, once: the frame and what differs by hook stand here, IP and
 * its options in parse_ip.h, TCP, UDP, SCTP and ICMP in parse_l4.h.
 */
#ifndef XDPFW_BPF_PARSE_H
#define XDPFW_BPF_PARSE_H

#include "parse_ip.h"
#include "parse_l4.h"

#define MAX_VLAN_TAGS 2 /* 802.1ad around 802.1Q */

/* What is parsed must be in the linear part; this much of an skb is made linear if it is not there. */
#define PULL_BYTES 256

/* <linux/skbuff.h>: many packets of SCTP, each a buffer of its own in a list behind the headers. To pull bytes out of that
 * list would end one packet inside another's chunk. */
#define GSO_BY_FRAGS 0xffff

/* IEEE 802.1Q; UAPI does not define it. */
struct vlan_tag {
	__be16 tci;
	__be16 protocol;
};

static __always_inline bool is_vlan(__be16 type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD);
}

static __always_inline bool is_ip(__be16 type)
{
	return type == bpf_htons(ETH_P_IP) || type == bpf_htons(ETH_P_IPV6);
}

/* The ethertype behind at most MAX_VLAN_TAGS tags; 0 if the frame is too short for one. */
static __always_inline __be16 parse_ethernet(const struct frame *f, struct pkt *p)
{
	struct ethhdr *eth = at(f, 0, sizeof(*eth));
	__be16 type;

	if (!eth)
		return 0;
	p->l3 = sizeof(*eth);
	type = *(__be16 *)((void *)eth + offsetof(struct ethhdr, h_proto)); /* at once: the struct is packed */
	for (int i = 0; i < MAX_VLAN_TAGS; i++) {
		struct vlan_tag *tag;

		if (likely(is_ip(type)) || !is_vlan(type))
			break;
		tag = at(f, p->l3, sizeof(*tag));
		if (!tag)
			return 0;
		p->l3 += sizeof(*tag);
		type = tag->protocol;
	}
	return type;
}

/*
 * Fill @p, whose length, segments, flags, dir and hook are set and whose other fields are
 * zero. @type is the ethertype in the IP header's place (from parse_ethernet() or the skb).
 * Returns 0 for an IP packet that goes on, else a decision.
 */
static __always_inline __u32 parse(void *ctx, enum hook hook, const struct frame *f, struct pkt *p, __be16 type)
{
	__u32 bad;

	if (likely(type == bpf_htons(ETH_P_IP)))
		bad = parse_v4(ctx, hook, f, p);
	else if (likely(type == bpf_htons(ETH_P_IPV6)))
		bad = parse_v6(ctx, hook, f, p);
	else if (type == bpf_htons(ETH_P_ARP))
		return pass(XDPFW_R_ESSENTIAL);
	else if (is_vlan(type))
		return drop(XDPFW_R_TOO_DEEP);
	else if (type == 0)
		return drop(XDPFW_R_SHORT);
	else
		return p->flags & XDPFW_PASS_NOT_IP ? pass(XDPFW_R_NOT_IP) : drop(XDPFW_R_NOT_IP);
	if (unlikely(bad))
		return bad;
	return likely(p->fragment != FRAGMENT_LATER) ? parse_l4(f, p) : 0;
}

/*
 * Generic XDP gets packets of many segments (GSO) and is not told so. A TCP packet that is longer than the
 * interface's MTU allows is such a one; its segments are those that fill the MTU, as the sender's
 * do unless a smaller path MTU binds it.
 */
static __always_inline __u32 guess_segments(struct xdp_md *xdp, const struct pkt *p)
{
	__u32 headers = p->l4 - p->l3 + p->l4_header, mtu = 0, room;

	if (p->protocol != IPPROTO_TCP || bpf_check_mtu(xdp, 0, &mtu, 0, 0) < 0 || mtu <= headers ||
	    p->l4_length <= p->l4_header)
		return 1;
	room = mtu - headers;
	return (p->l4_length - p->l4_header + room - 1) / room;
}

/*
 * Inlined, unlike parse_skb(): a call from one BPF function to another costs 9 ns on a CPU whose returns are guarded
 * (Spectre, SRSO), as much as the parser itself, and a flood pays it for every packet.
 */
static __always_inline __u32 parse_xdp(struct xdp_md *xdp, struct pkt *p)
{
	struct frame f = frame_xdp(xdp);
	__u32 bad;

	if (!p)
		return drop(XDPFW_R_INTERNAL);
	p->hook = HOOK_XDP;
	p->ifindex = xdp->ingress_ifindex;
	p->length = f.end - f.data;
	bad = parse(xdp, HOOK_XDP, &f, p, parse_ethernet(&f, p));
	if (cfg_xdp_generic && unlikely(p->length > ETH_FRAME_LEN) && !bad)
		p->segments = guess_segments(xdp, p);
	return bad;
}

/*
 * The ethertype of an skb. It begins with the IP header where the interface has no Ethernet header (@l3), and also
 * behind generic XDP, which copies some skbs and forgets the length of their link header: then
 * what stands in the ethertype's place is not what the kernel knows the packet to be. A tag in the metadata is one that
 * the driver or the stack has stripped, and what lies in the frame begins behind it.
 */
static __always_inline __be16 skb_ethertype(struct __sk_buff *skb, const struct frame *f, struct pkt *p, bool l3)
{
	__be16 known = (__be16)skb->protocol, type = l3 ? known : parse_ethernet(f, p);

	if (likely(type == known) || (known != bpf_htons(ETH_P_IP) && known != bpf_htons(ETH_P_IPV6)) ||
	    p->l3 > sizeof(struct ethhdr))
		return type;
	p->l3 = 0;
	return known;
}

/* A global function, for the reason given in parse_ip.h: at TC, where the skb has been made already, the call is not what costs. */
__noinline __u32 parse_linear(struct __sk_buff *skb, struct pkt *p, bool l3)
{
	struct frame f;

	if (!p)
		return drop(XDPFW_R_INTERNAL);
	f = frame_skb(skb);
	p->hook = HOOK_TC;
	p->ifindex = skb->ifindex;
	p->forwarded = cfg_observe ? skb->cb[XDPFW_TWIN_FORWARDED] : !skb->sk;
	p->length = skb->len;
	p->segments = skb->gso_segs > 1 ? skb->gso_segs : 1;
	return parse(skb, HOOK_TC, &f, p, skb_ethertype(skb, &f, p, l3));
}

/* Is there more of the packet that can be made linear, and may be looked at? */
static __always_inline bool has_more(const struct __sk_buff *skb)
{
	__u32 linear = skb->data_end - skb->data;

	return linear < PULL_BYTES && linear < skb->len && skb->gso_size != GSO_BY_FRAGS;
}

static __always_inline void pull_more(struct __sk_buff *skb)
{
	bpf_skb_pull_data(skb, skb->len < PULL_BYTES ? skb->len : PULL_BYTES);
}

/* Of TCP and UDP nothing behind their headers is judged. */
static __always_inline bool needs_more(const struct pkt *p, __u32 bad)
{
	return bad ? xdpfw_reason_of(bad) == XDPFW_R_SHORT : p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP;
}

/*
 * To make more of a packet linear may cost several times what the filter does: in one of TCP from a local sender only
 * the headers are, and it is a clone. So that is done only where something was missing.
 */
static __always_inline __u32 parse_skb(struct __sk_buff *skb, struct pkt *p, bool l3)
{
	__u32 bad = parse_linear(skb, p, l3);

	if (likely(!has_more(skb)) || !needs_more(p, bad))
		return bad;
	pull_more(skb);
	return parse_linear(skb, p, l3);
}

#endif
