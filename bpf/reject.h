/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * reject: drop, and tell the sender at once. TCP is answered with RST (RFC 9293 3.5.2),
 * UDP and others with "port unreachable". The packet itself becomes the answer: from the
 * IP header on it is overwritten, its length adjusted, its MAC addresses swapped.
 *
 * No answer goes to what must not be answered (RFC 1122 3.2.2): RST, ICMP, fragments, multicast
 * and broadcast; nor beyond a budget, so that strangers cannot make this host send floods.
 */
#ifndef XDPFW_BPF_REJECT_H
#define XDPFW_BPF_REJECT_H

#include "budget.h"
#include "common.h"
#include "parse.h"
#include "sanity.h"

#define QUOTED_L4  8 /* bytes behind the quoted IP header, as RFC 792 asks for */
#define ANSWER_TTL 64

enum complaint_kind {
	COMPLAIN_REFUSED, /* RST, or port unreachable */
	COMPLAIN_TOO_BIG, /* the packet does not fit where it has to go (RFC 1191, RFC 8201) */
	COMPLAIN_EXPIRED, /* its hop limit is used up */
};

struct answer_v4 {
	struct iphdr ip;
	union {
		struct tcphdr tcp;
		struct {
			struct icmp_header icmp;
			__u8 quote[sizeof(struct iphdr) + QUOTED_L4];
		};
	};
};

struct answer_v6 {
	struct ipv6hdr ip;
	union {
		struct tcphdr tcp;
		struct {
			struct icmp_header icmp;
			__u8 quote[sizeof(struct ipv6hdr) + QUOTED_L4];
		};
	};
};

/* The answer from the IP header on, in words for copying. */
struct answer {
	union {
		struct answer_v4 v4;
		struct answer_v6 v6;
		__u32 words[sizeof(struct answer_v6) / 4];
	};
	__u32 length; /* a multiple of 4 */
};

/* What the answer says; @mtu is what would fit, of COMPLAIN_TOO_BIG. */
struct complaint {
	enum complaint_kind kind;
	__u32 mtu;
};

static __always_inline __sum16 fold(__s64 sum)
{
	__u32 folded = (__u32)sum;

	folded = (folded & 0xffff) + (folded >> 16);
	folded = (folded & 0xffff) + (folded >> 16);
	return (__sum16)~folded;
}

/* Sum of the pseudo-header. v4-mapped addresses would add 0xffff twice, which is zero in ones' complement. */
static __always_inline __s64 pseudo_header(const struct pkt *p, __u8 protocol, __u32 length)
{
	__be32 tail[2] = {bpf_htonl(length), bpf_htonl(protocol)};
	__s64 sum = bpf_csum_diff(NULL, 0, (__be32 *)p->source.words, sizeof(p->source), 0);

	sum = bpf_csum_diff(NULL, 0, (__be32 *)p->destination.words, sizeof(p->destination), sum);
	return bpf_csum_diff(NULL, 0, tail, sizeof(tail), sum);
}

static __always_inline void fill_reset(const struct pkt *p, const struct tcphdr *request, struct tcphdr *reset)
{
	reset->source = request->dest;
	reset->dest = request->source;
	reset->doff = sizeof(*reset) / 4;
	reset->rst = 1;
	if (request->ack) {
		reset->seq = request->ack_seq;
	} else {
		__u32 payload = p->l4_length - request->doff * 4;

		reset->ack = 1;
		reset->ack_seq = bpf_htonl(bpf_ntohl(request->seq) + payload + request->syn);
	}
	reset->check = fold(
		bpf_csum_diff(NULL, 0, (__be32 *)reset, sizeof(*reset), pseudo_header(p, IPPROTO_TCP, sizeof(*reset))));
}

static __always_inline void fill_v4_header(const struct pkt *p, struct iphdr *ip, __u8 protocol, __u32 length)
{
	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = bpf_htons(length);
	ip->frag_off = bpf_htons(0x4000); /* don't fragment */
	ip->ttl = ANSWER_TTL;
	ip->protocol = protocol;
	ip->saddr = p->destination.words[3];
	ip->daddr = p->source.words[3];
	ip->check = fold(bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0));
}

static __always_inline void fill_v6_header(const struct pkt *p, struct ipv6hdr *ip, __u8 protocol, __u32 length)
{
	ip->version = 6;
	ip->payload_len = bpf_htons(length - sizeof(*ip));
	ip->nexthdr = protocol;
	ip->hop_limit = ANSWER_TTL;
	__builtin_memcpy(&ip->saddr, &p->destination, sizeof(ip->saddr));
	__builtin_memcpy(&ip->daddr, &p->source, sizeof(ip->daddr));
}

static __always_inline bool is_reset(const struct pkt *p, struct complaint complaint)
{
	return p->protocol == IPPROTO_TCP && complaint.kind == COMPLAIN_REFUSED;
}

/* Type, code, and what fits. */
static __always_inline void fill_icmp(struct complaint complaint, struct icmp_header *icmp, bool v6)
{
	switch (complaint.kind) {
	case COMPLAIN_TOO_BIG:
		icmp->type = v6 ? ICMPV6_TOO_BIG : ICMP_DEST_UNREACH;
		icmp->code = v6 ? 0 : ICMP_FRAG_NEEDED;
		icmp->sequence = bpf_htons(complaint.mtu);
		break;
	case COMPLAIN_EXPIRED:
		icmp->type = v6 ? ICMPV6_TIME_EXCEEDED : ICMP_TIME_EXCEEDED;
		break;
	default:
		icmp->type = v6 ? ICMPV6_DEST_UNREACH : ICMP_DEST_UNREACH;
		icmp->code = v6 ? ICMPV6_PORT_UNREACH : ICMP_PORT_UNREACH;
	}
}

static __always_inline bool build_v4(const struct frame *f, const struct pkt *p, struct complaint complaint,
				     struct answer *answer)
{
	struct answer_v4 *a = &answer->v4;

	if (is_reset(p, complaint)) {
		struct tcphdr *request = at(f, p->l4, sizeof(*request));

		if (!request)
			return false;
		answer->length = sizeof(a->ip) + sizeof(a->tcp);
		fill_reset(p, request, &a->tcp);
		fill_v4_header(p, &a->ip, IPPROTO_TCP, answer->length);
	} else {
		void *quote = at(f, p->l3, sizeof(a->quote));

		if (!quote || p->l4 != p->l3 + sizeof(a->ip)) /* options would push the ports out of the quote */
			return false;
		answer->length = sizeof(a->ip) + sizeof(a->icmp) + sizeof(a->quote);
		fill_icmp(complaint, &a->icmp, false);
		__builtin_memcpy(a->quote, quote, sizeof(a->quote));
		a->icmp.checksum =
			fold(bpf_csum_diff(NULL, 0, (__be32 *)&a->icmp, sizeof(a->icmp) + sizeof(a->quote), 0));
		fill_v4_header(p, &a->ip, IPPROTO_ICMP, answer->length);
	}
	return true;
}

static __always_inline bool build_v6(const struct frame *f, const struct pkt *p, struct complaint complaint,
				     struct answer *answer)
{
	struct answer_v6 *a = &answer->v6;

	if (is_reset(p, complaint)) {
		struct tcphdr *request = at(f, p->l4, sizeof(*request));

		if (!request)
			return false;
		answer->length = sizeof(a->ip) + sizeof(a->tcp);
		fill_reset(p, request, &a->tcp);
		fill_v6_header(p, &a->ip, IPPROTO_TCP, answer->length);
	} else {
		void *quote = at(f, p->l3, sizeof(a->quote));
		__u32 length = sizeof(a->icmp) + sizeof(a->quote);

		if (!quote || p->l4 != p->l3 + sizeof(a->ip))
			return false;
		answer->length = sizeof(a->ip) + length;
		fill_icmp(complaint, &a->icmp, true);
		__builtin_memcpy(a->quote, quote, sizeof(a->quote));
		a->icmp.checksum = fold(
			bpf_csum_diff(NULL, 0, (__be32 *)&a->icmp, length, pseudo_header(p, IPPROTO_ICMPV6, length)));
		fill_v6_header(p, &a->ip, IPPROTO_ICMPV6, answer->length);
	}
	return true;
}

static __always_inline bool may_be_answered(const struct frame *f, const struct pkt *p)
{
	const __u8 *ethernet = at(f, 0, ETH_ALEN);

	if (p->fragment != FRAGMENT_NONE || p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6 ||
	    is_multicast(p, &p->destination) || is_unspecified(&p->source))
		return false;
	if (p->protocol == IPPROTO_TCP && p->tcp_flags & TCP_RST)
		return false;
	return p->l3 == 0 || (ethernet && !(ethernet[0] & 1)); /* the group bit of the destination */
}

static __always_inline bool swap_ethernet(const struct frame *f)
{
	struct ethhdr *eth = at(f, 0, sizeof(*eth));
	__u8 mac[ETH_ALEN];

	if (!eth)
		return false;
	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
	return true;
}

/* Write @answer over the packet, whose length is already right. */
static __always_inline bool write_answer(const struct frame *f, const struct pkt *p, const struct answer *answer)
{
	for (__u32 i = 0; i < sizeof(answer->words) / 4; i++) {
		__u32 *word;

		if (i * 4 >= answer->length)
			break;
		word = at(f, p->l3 + i * 4, 4);
		if (!word)
			return false;
		*word = answer->words[i];
	}
	return p->l3 == 0 || swap_ethernet(f);
}

/* Build the answer to @p in @answer, which is zero; false if there is none to give. */
static __always_inline bool build_answer(const struct frame *f, const struct pkt *p, struct complaint complaint,
					 struct answer *answer)
{
	if (!may_be_answered(f, p) || !may_reject())
		return false;
	return p->family == 4 ? build_v4(f, p, complaint, answer) : build_v6(f, p, complaint, answer);
}

/* Ethernet and two VLAN tags. */
#define LINK_HEADER_MAX 22

struct link_header {
	__u8 bytes[LINK_HEADER_MAX];
};

/*
 * Change the length of the frame by @by. It grows at the head, where there is room in every mode (at the tail
 * generic XDP has next to none), so what stands in front of the IP header moves along.
 */
static __always_inline bool resize_xdp(struct xdp_md *xdp, struct frame *f, int by)
{
	struct link_header *header = at(f, 0, sizeof(*header)), saved;

	if (!header)
		return false;
	saved = *header;
	if (by > 0 ? bpf_xdp_adjust_head(xdp, -by) : bpf_xdp_adjust_tail(xdp, by))
		return false;
	f->data = (void *)(long)xdp->data;
	f->end = (void *)(long)xdp->data_end;
	header = at(f, 0, sizeof(*header));
	if (header)
		*header = saved;
	return header != NULL;
}

/* Turn the packet into its own answer. Global functions, for the reason given in parse_ip.h; one for each hook,
 * since each has its own helper to change the length. */
__noinline bool answer_xdp(struct xdp_md *xdp, const struct pkt *p)
{
	struct frame f = {.data = (void *)(long)xdp->data, .end = (void *)(long)xdp->data_end};
	struct complaint refused = {COMPLAIN_REFUSED, 0};
	struct answer answer = {};

	return p && build_answer(&f, p, refused, &answer) &&
	       resize_xdp(xdp, &f, (int)(p->l3 + answer.length) - (int)p->length) && write_answer(&f, p, &answer);
}

__noinline bool answer_skb(struct __sk_buff *skb, const struct pkt *p, __u32 kind, __u32 mtu)
{
	struct frame f = {.data = (void *)(long)skb->data, .end = (void *)(long)skb->data_end};
	struct complaint complaint = {kind, mtu};
	struct answer answer = {};
	__u32 length;

	if (!p || !build_answer(&f, p, complaint, &answer))
		return false;
	length = p->l3 + answer.length;
	if (bpf_skb_change_tail(skb, length, 0) || bpf_skb_pull_data(skb, length))
		return false;
	f.data = (void *)(long)skb->data;
	f.end = (void *)(long)skb->data_end;
	return write_answer(&f, p, &answer);
}

#endif
