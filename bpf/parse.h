/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * parse: from bytes to struct pkt. Every length is checked here, once.
 *
 * Two lengths matter and are not the same: how much of the frame can be read
 * (data_end), and how much of it is the IP datagram (tot_len, payload_len). Ports are
 * taken only from inside the datagram, so padding cannot pose as a header.
 */
#ifndef XDPFW_BPF_PARSE_H
#define XDPFW_BPF_PARSE_H

#include "common.h"
#include "config.h"

#define MAX_VLAN_TAGS         2 /* 802.1ad around 802.1Q */
#define MAX_EXTENSION_HEADERS 8 /* Linux itself delivers behind 40; no sender needs them */
#define IP_OPTIONS_MAX        40
#define EXTENSION_LEAST       8 /* bytes of the shortest IPv6 extension header */

/* What is parsed must be in the linear part; this much of an skb is made linear if it is not there. */
#define PULL_BYTES 256

#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV4_OFFSET_MASK    0x1fff
#define IPV6_OFFSET_MASK    0xfff8
#define IPV6_MORE_FRAGMENTS 0x1

/* <linux/skbuff.h>: many packets of SCTP, each a buffer of its own in a list behind the headers. To pull bytes out of that
 * list would end one packet inside another's chunk. */
#define GSO_BY_FRAGS 0xffff

/* UAPI does not define these three. */
struct vlan_tag {
	__be16 tci;
	__be16 protocol;
};

struct ipv6_fragment {
	__u8 nexthdr;
	__u8 reserved;
	__be16 offset;
	__be32 id;
};

struct ports_header {
	__be16 source;
	__be16 destination;
};

static __always_inline void set_v4(struct xdpfw_addr *addr, __be32 v4)
{
	addr->halves[0] = 0;
	addr->words[2] = bpf_htonl(0xffff);
	addr->words[3] = v4;
}

/*
 * The datagram must fit into the frame. A multi-buffer XDP frame shows only its first
 * buffer in [data, data_end), so its true length is asked for only when the datagram
 * claims more than that: single-buffer frames pay nothing.
 */
static __always_inline bool frame_holds(void *ctx, struct pkt *p, __u32 end)
{
	if (likely(end <= p->length))
		return true;
	if (p->hook != HOOK_XDP || !cfg_xdp_frags)
		return false;
	p->length = bpf_xdp_get_buff_len(ctx);
	return end <= p->length;
}

static __always_inline struct frame frame_xdp(struct xdp_md *xdp)
{
	return (struct frame){.data = (void *)(long)xdp->data, .end = (void *)(long)xdp->data_end};
}

/* The verifier refuses to read the context by way of a pointer into it, which the compiler may set aside for the next time
 * that it asks for the same; the barrier has it begin anew. */
static __always_inline struct frame frame_skb(struct __sk_buff *skb)
{
	barrier_var(skb);
	return (struct frame){.data = (void *)(long)skb->data, .end = (void *)(long)skb->data_end};
}

/* Source routing is dropped (RFC 7126 3.2); other options (NOP, RR, timestamp...) are skipped. */
static __always_inline __u32 check_options(const struct frame *f, const struct pkt *p, __u32 length)
{
	__u8 options[IP_OPTIONS_MAX] = {};
	__u32 next = 0;

	for (__u32 i = 0; i < IP_OPTIONS_MAX / 4; i++) {
		__u32 *word = at(f, p->l3 + sizeof(struct iphdr) + i * 4, 4);

		if (i * 4 >= length)
			break;
		if (!word)
			return drop(XDPFW_R_SHORT);
		((__u32 *)options)[i] = *word;
	}
	for (__u32 i = 0; i < IP_OPTIONS_MAX - 1 && i < length; i++) {
		if (i < next)
			continue;
		if (options[i] == 0) /* end of list */
			break;
		if (options[i] == IPOPT_LSRR || options[i] == IPOPT_SSRR)
			return drop(XDPFW_R_ROUTING_HEADER);
		if (options[i] == 1) { /* no operation */
			next = i + 1;
			continue;
		}
		if (options[i + 1] < 2)
			return drop(XDPFW_R_BAD_HEADER);
		next = i + options[i + 1];
	}
	return 0;
}

/*
 * What few packets have is looked for in global functions (not static): the verifier checks each once, on its own,
 * and the pipeline behind sees only its result. Inlined or static, their loops would multiply with the ways that lead
 * to them and from them. One for each hook, since packet pointers cannot be handed over.
 */
__noinline __u32 check_options_xdp(struct xdp_md *xdp, const struct pkt *p, __u32 length)
{
	struct frame f = frame_xdp(xdp);

	return p ? check_options(&f, p, length) : drop(XDPFW_R_INTERNAL);
}

__noinline __u32 check_options_skb(struct __sk_buff *skb, const struct pkt *p, __u32 length)
{
	struct frame f = frame_skb(skb);

	return p ? check_options(&f, p, length) : drop(XDPFW_R_INTERNAL);
}

static __always_inline __u32 parse_v4(void *ctx, enum hook hook, const struct frame *f, struct pkt *p)
{
	struct iphdr *ip = at(f, p->l3, sizeof(*ip));
	__u32 header, total, fragment;

	if (!ip)
		return drop(XDPFW_R_SHORT);
	p->family = 4;
	header = ip->ihl * 4;
	total = bpf_ntohs(ip->tot_len);
	if (unlikely(ip->version != 4 || header < sizeof(*ip)))
		return drop(XDPFW_R_BAD_HEADER);
	if (unlikely(total == 0 && p->segments > 1)) /* BIG TCP: the length does not fit into 16 bits */
		total = p->length - p->l3;
	if (unlikely(total < header || !frame_holds(ctx, p, p->l3 + total)))
		return drop(XDPFW_R_BAD_LENGTH);

	set_v4(&p->source, ip->saddr);
	set_v4(&p->destination, ip->daddr);
	p->protocol = ip->protocol;
	p->hop_limit = ip->ttl;
	p->l4 = p->l3 + header;
	p->l4_length = total - header;

	fragment = bpf_ntohs(ip->frag_off);
	if (unlikely(fragment & (IPV4_MORE_FRAGMENTS | IPV4_OFFSET_MASK))) {
		p->fragment_id = bpf_ntohs(ip->id);
		p->fragment_offset = (fragment & IPV4_OFFSET_MASK) * 8;
		p->fragment_start = p->l4;
		p->fragment = p->fragment_offset ? FRAGMENT_LATER : FRAGMENT_FIRST;
	}
	if (likely(header == sizeof(*ip)))
		return 0;
	header -= sizeof(*ip);
	return hook == HOOK_XDP ? check_options_xdp(ctx, p, header) : check_options_skb(ctx, p, header);
}

/* What is too short for its header: a trick, if it is the first of several fragments (RFC 1858). */
static __always_inline __u32 cut_off(const struct pkt *p)
{
	return drop(p->fragment == FRAGMENT_FIRST ? XDPFW_R_BAD_FRAGMENT : XDPFW_R_BAD_LENGTH);
}

/*
 * One extension header at @offset. Moves *next and *offset behind it and returns 0;
 * a decision if the packet is no good. *next is left alone where the chain ends.
 */
static __always_inline __u32 parse_extension(const struct frame *f, struct pkt *p, __u8 *next, __u32 *offset)
{
	struct ipv6_opt_hdr *header = at(f, *offset, EXTENSION_LEAST);
	__u32 size;

	if (p->l4_length < EXTENSION_LEAST)
		return cut_off(p);
	if (!header)
		return drop(XDPFW_R_SHORT);
	if (*next == IPPROTO_FRAGMENT) {
		struct ipv6_fragment *fragment = (void *)header;
		__u32 field = bpf_ntohs(fragment->offset);

		size = sizeof(*fragment);
		p->fragment_id = bpf_ntohl(fragment->id);
		p->fragment_offset = field & IPV6_OFFSET_MASK;
		p->fragment_start = *offset + size;
		if (p->fragment_offset)
			p->fragment = FRAGMENT_LATER;
		else if (field & IPV6_MORE_FRAGMENTS)
			p->fragment = FRAGMENT_FIRST;
	} else if (*next == IPPROTO_AH) {
		size = (header->hdrlen + 2) * 4; /* RFC 4302 2.2: in words of 4, less 2 */
	} else {
		if (*next == IPPROTO_ROUTING && ((__u8 *)header)[2] == 0)
			return drop(XDPFW_R_ROUTING_HEADER); /* RFC 5095 */
		size = (header->hdrlen + 1) * 8;
	}
	if (size > p->l4_length)
		return cut_off(p);
	p->l4_length -= size;
	*offset += size;
	*next = header->nexthdr;
	return 0;
}

static __always_inline bool is_extension(__u8 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_DSTOPTS ||
	       protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_AH;
}

static __always_inline __u32 walk_extensions(const struct frame *f, struct pkt *p)
{
	__u32 offset = p->l4;
	__u8 next = p->protocol;

	for (__u32 i = 0; i < MAX_EXTENSION_HEADERS; i++) {
		__u32 bad;

		if (!is_extension(next))
			break;
		if (next == IPPROTO_HOPOPTS && i > 0) /* RFC 8200 4.1: only directly behind the IPv6 header */
			return drop(XDPFW_R_BAD_HEADER);
		bad = parse_extension(f, p, &next, &offset);
		if (bad)
			return bad;
		if (p->fragment == FRAGMENT_LATER)
			break; /* what follows is payload */
	}
	p->l4 = offset;
	p->protocol = next;
	if (p->fragment != FRAGMENT_LATER && is_extension(next))
		return drop(p->fragment == FRAGMENT_FIRST ? XDPFW_R_BAD_FRAGMENT : XDPFW_R_TOO_DEEP);
	return 0;
}

/* Global functions, for the reason given above. */
__noinline __u32 walk_extensions_xdp(struct xdp_md *xdp, struct pkt *p)
{
	struct frame f = frame_xdp(xdp);

	return p ? walk_extensions(&f, p) : drop(XDPFW_R_INTERNAL);
}

__noinline __u32 walk_extensions_skb(struct __sk_buff *skb, struct pkt *p)
{
	struct frame f = frame_skb(skb);

	return p ? walk_extensions(&f, p) : drop(XDPFW_R_INTERNAL);
}

static __always_inline __u32 parse_v6(void *ctx, enum hook hook, const struct frame *f, struct pkt *p)
{
	struct ipv6hdr *ip = at(f, p->l3, sizeof(*ip));
	__u32 payload;

	if (!ip)
		return drop(XDPFW_R_SHORT);
	p->family = 6;
	if (unlikely(ip->version != 6))
		return drop(XDPFW_R_BAD_HEADER);
	payload = bpf_ntohs(ip->payload_len);
	if (unlikely(payload == 0 && p->segments > 1)) /* BIG TCP */
		payload = p->length - p->l3 - sizeof(*ip);
	if (unlikely(!frame_holds(ctx, p, p->l3 + sizeof(*ip) + payload)))
		return drop(XDPFW_R_BAD_LENGTH);

	__builtin_memcpy(&p->source, &ip->saddr, sizeof(p->source));
	__builtin_memcpy(&p->destination, &ip->daddr, sizeof(p->destination));
	p->protocol = ip->nexthdr;
	p->hop_limit = ip->hop_limit;
	p->l4 = p->l3 + sizeof(*ip);
	p->l4_length = payload;
	if (likely(!is_extension(ip->nexthdr)))
		return 0;
	return hook == HOOK_XDP ? walk_extensions_xdp(ctx, p) : walk_extensions_skb(ctx, p);
}

static __always_inline __u32 parse_tcp(const struct frame *f, struct pkt *p)
{
	struct tcphdr *tcp = at(f, p->l4, sizeof(*tcp));

	if (p->l4_length < sizeof(*tcp))
		return cut_off(p);
	if (!tcp)
		return drop(XDPFW_R_SHORT);
	if (unlikely(tcp->doff * 4 < sizeof(*tcp)))
		return drop(XDPFW_R_BAD_HEADER);
	if (unlikely(tcp->doff * 4 > p->l4_length))
		return cut_off(p);
	p->source_port = bpf_ntohs(tcp->source);
	p->destination_port = bpf_ntohs(tcp->dest);
	p->l4_header = tcp->doff * 4;
	p->tcp_flags = ((__u8 *)tcp)[13];
	p->sequence = bpf_ntohl(tcp->seq);
	p->acknowledged = bpf_ntohl(tcp->ack_seq);
	p->window = bpf_ntohs(tcp->window);
	p->ported = 1;
	p->table = XDPFW_TCP;
	return 0;
}

static __always_inline __u32 parse_udp(const struct frame *f, struct pkt *p)
{
	struct udphdr *udp = at(f, p->l4, sizeof(*udp));
	__u32 length;

	if (p->l4_length < sizeof(*udp))
		return cut_off(p);
	if (!udp)
		return drop(XDPFW_R_SHORT);
	length = bpf_ntohs(udp->len);
	/* A first fragment announces the whole datagram, so only the lower bound can be checked there. */
	if (unlikely(length < sizeof(*udp) || (length > p->l4_length && p->fragment == FRAGMENT_NONE)))
		return drop(XDPFW_R_BAD_LENGTH);
	p->source_port = bpf_ntohs(udp->source);
	p->destination_port = bpf_ntohs(udp->dest);
	p->ported = 1;
	p->table = XDPFW_UDP;
	return 0;
}

/* The common header of RFC 9260 3.1; ports stand where TCP and UDP have them. */
#define SCTP_HEADER 12

/* RFC 9260 3.2. The next chunk begins at a multiple of four bytes. */
struct sctp_chunk {
	__u8 type;
	__u8 flags;
	__be16 length;
};

/*
 * How long the packet is of which this is the first fragment, if its first chunk says so: it does not end here. Such are the packets
 * whose senders rely on fragments: one chunk, which had been cut before the path MTU fell.
 */
static __always_inline __u32 length_by_chunk(const struct pkt *p, const struct sctp_chunk *chunk)
{
	__u32 whole = SCTP_HEADER + ((bpf_ntohs(chunk->length) + 3) & ~3);

	return whole > p->l4_length && whole <= 0xffff ? whole : 0;
}

static __always_inline __u32 parse_sctp(const struct frame *f, struct pkt *p)
{
	struct ports_header *sctp = at(f, p->l4, SCTP_HEADER);
	struct sctp_chunk *chunk = at(f, p->l4 + SCTP_HEADER, sizeof(*chunk));

	if (p->l4_length < SCTP_HEADER)
		return cut_off(p);
	if (!sctp)
		return drop(XDPFW_R_SHORT);
	if (p->fragment == FRAGMENT_NONE)
		p->whole = p->l4_length;
	if (chunk && p->l4_length >= SCTP_HEADER + sizeof(*chunk)) {
		p->chunk = chunk->type;
		if (p->fragment == FRAGMENT_FIRST)
			p->whole = length_by_chunk(p, chunk);
	}
	p->source_port = bpf_ntohs(sctp->source);
	p->destination_port = bpf_ntohs(sctp->destination);
	p->ported = 1;
	p->table = XDPFW_SCTP;
	return 0;
}

static __always_inline __u32 parse_icmp(const struct frame *f, struct pkt *p)
{
	struct icmp_header *icmp = at(f, p->l4, sizeof(*icmp));

	if (p->l4_length < sizeof(*icmp))
		return cut_off(p);
	if (!icmp)
		return drop(XDPFW_R_SHORT);
	p->icmp_type = icmp->type;
	p->destination_port = bpf_ntohs(icmp->id);
	return 0;
}

static __always_inline __u32 parse_l4(const struct frame *f, struct pkt *p)
{
	switch (p->protocol) {
	case IPPROTO_TCP:
		return parse_tcp(f, p);
	case IPPROTO_UDP:
		return parse_udp(f, p);
	case PROTO_SCTP:
		return parse_sctp(f, p);
	case IPPROTO_ICMP:
		return p->family == 4 ? parse_icmp(f, p) : drop(XDPFW_R_BAD_HEADER);
	case IPPROTO_ICMPV6:
		return p->family == 6 ? parse_icmp(f, p) : drop(XDPFW_R_BAD_HEADER);
	}
	return 0;
}

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

/* A global function, for the reason given above: at TC, where the skb has been made already, the call is not what costs. */
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
