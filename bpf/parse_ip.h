/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IPv4 with its options and IPv6 with its extension headers, into struct pkt.
 *
 * Two lengths matter and are not the same: how much of the frame can be read
 * (data_end), and how much of it is the IP datagram (tot_len, payload_len). Ports are
 * taken only from inside the datagram, so padding cannot pose as a header.
 */
#ifndef XDPFW_BPF_PARSE_IP_H
#define XDPFW_BPF_PARSE_IP_H

#include "common.h"
#include "config.h"

#define MAX_EXTENSION_HEADERS 8 /* Linux itself delivers behind 40; no sender needs them */
#define IP_OPTIONS_MAX        40
#define EXTENSION_LEAST       8 /* bytes of the shortest IPv6 extension header */

#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV4_OFFSET_MASK    0x1fff
#define IPV6_OFFSET_MASK    0xfff8
#define IPV6_MORE_FRAGMENTS 0x1

/* RFC 8200 4.5; UAPI does not define it. */
struct ipv6_fragment {
	__u8 nexthdr;
	__u8 reserved;
	__be16 offset;
	__be32 id;
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

#endif
