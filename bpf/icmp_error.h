/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP errors quote the packet they complain about. One belongs to this host only if the
 * quoted packet could have been sent by it: the quoted source is the outer destination
 * (CVE-2019-5598), and the quoted flow lives or is allowed.
 */
#ifndef XDPFW_BPF_ICMP_ERROR_H
#define XDPFW_BPF_ICMP_ERROR_H

#include "budget.h"
#include "checksum.h"
#include "common.h"
#include "flow.h"
#include "parse.h"
#include "policy.h"
#include "service.h"
#include "socket.h"
#include "tcp_flow.h"

static __always_inline bool is_icmp_error(const struct pkt *p)
{
	if (p->protocol == IPPROTO_ICMP)
		return p->icmp_type == ICMP_DEST_UNREACH || p->icmp_type == ICMP_TIME_EXCEEDED ||
		       p->icmp_type == ICMP_PARAMETERPROB;
	/* Unreachable, too big, time exceeded, parameter problem (RFC 4443 2.1). */
	return p->protocol == IPPROTO_ICMPV6 && p->icmp_type >= 1 && p->icmp_type <= 4;
}

/* The IP header of the quoted packet, which is cut off somewhere: no length to check. */
static __always_inline bool parse_quoted_ip(const struct frame *f, const struct pkt *error, struct pkt *quoted)
{
	quoted->l3 = error->l4 + sizeof(struct icmp_header);
	quoted->l4_length = 0xffff;
	quoted->family = error->family;
	if (error->family == 4) {
		struct iphdr *ip = at(f, quoted->l3, sizeof(*ip));

		if (!ip || ip->version != 4 || ip->ihl < 5 || ip->frag_off & bpf_htons(IPV4_OFFSET_MASK))
			return false;
		set_v4(&quoted->source, ip->saddr);
		set_v4(&quoted->destination, ip->daddr);
		quoted->protocol = ip->protocol;
		quoted->l4 = quoted->l3 + ip->ihl * 4;
	} else {
		struct ipv6hdr *ip = at(f, quoted->l3, sizeof(*ip));

		if (!ip || ip->version != 6)
			return false;
		__builtin_memcpy(&quoted->source, &ip->saddr, sizeof(quoted->source));
		__builtin_memcpy(&quoted->destination, &ip->daddr, sizeof(quoted->destination));
		quoted->protocol = ip->nexthdr;
		quoted->l4 = quoted->l3 + sizeof(*ip);
		if (is_extension(ip->nexthdr) && walk_extensions(f, quoted))
			return false;
	}
	return quoted->fragment != FRAGMENT_LATER;
}

/* Ports of the quoted packet, or the identifier of a quoted echo request. */
static __always_inline bool parse_quoted_l4(const struct frame *f, struct pkt *quoted)
{
	if (has_ports(quoted)) {
		struct ports_header *header = at(f, quoted->l4, sizeof(*header));

		if (!header)
			return false;
		quoted->source_port = bpf_ntohs(header->source);
		quoted->destination_port = bpf_ntohs(header->destination);
		quoted->table = table_of(quoted->protocol);
		quoted->ported = 1;
		return true;
	}
	if (quoted->protocol == IPPROTO_ICMP || quoted->protocol == IPPROTO_ICMPV6) {
		struct icmp_header *icmp = at(f, quoted->l4, sizeof(*icmp));

		if (!icmp)
			return false;
		quoted->icmp_type = icmp->type;
		quoted->destination_port = bpf_ntohs(icmp->id);
		return true;
	}
	return true; /* a flow by protocol and addresses */
}

/* How much of the quoted L4 header is read. It must lie in the ICMP message: padding behind it can hold anything. */
static __always_inline __u32 quoted_l4_bytes(const struct pkt *quoted)
{
	return has_ports(quoted) ? sizeof(struct ports_header) : is_icmp(quoted) ? sizeof(struct icmp_header) : 0;
}

/* Fill @quoted, whose other fields are zero, with the packet that the error @error quotes. */
static __always_inline bool parse_quoted(const struct frame *f, const struct pkt *error, struct pkt *quoted)
{
	quoted->slot = error->slot;
	quoted->flags = error->flags;
	quoted->ifindex = error->ifindex;
	return parse_quoted_ip(f, error, quoted) && parse_quoted_l4(f, quoted) &&
	       quoted->l4 + quoted_l4_bytes(quoted) <= error->l4 + error->l4_length;
}

/*
 * Mend the checksum of a quoted packet of @protocol, whose L4 header is at @l4, as far as it is quoted: what it sums up grows by
 * @change. Returns what the sum of the ICMP message grows by thereby. (Nobody verifies it, but who sent the packet may know it by
 * its checksum: so do traceroutes that keep their ports.)
 */
static __always_inline __u16 mend_quoted(const struct frame *f, const struct pkt *error, __u8 protocol, __u32 l4,
					 __u32 change)
{
	__u32 place = checksum_place(protocol, l4);
	__u16 *check, old;

	if (protocol == PROTO_SCTP || place + sizeof(*check) > error->l4 + error->l4_length)
		return 0;
	check = at(f, place, sizeof(*check));
	if (!check || !has_checksum(protocol, *check))
		return 0;
	old = *check;
	*check = mend_l4(protocol, old, change);
	return sum_difference(*check, old);
}

/* The quoted packet as its answer would come in: what the rest of the data path can judge. */
static __noinline void reverse(struct pkt *p)
{
	struct xdpfw_addr source = p->source;
	__u16 port = p->source_port;

	p->source = p->destination;
	p->destination = source;
	p->dir = XDPFW_IN;
	if (has_ports(p)) {
		p->source_port = p->destination_port;
		p->destination_port = port;
	}
}

/* Would the inbound policy alone let the answer to the quoted packet in? */
static __always_inline bool lets_answer_in(void *ctx, enum hook hook, const struct pkt *answer)
{
	__u32 cell = port_cell(answer->slot, XDPFW_IN, answer->table, answer->destination_port);

	return passes(decide(ctx, hook, answer, cell & ~XDPFW_ASK_ROUTED, ASKING_QUIETLY));
}

/*
 * Fill @quoted, which is zero. Global functions, for the reason given in parse_ip.h, and so that what they keep on the
 * stack is gone when the quoted packet is judged: 512 bytes are all there is for a chain of calls.
 */
__noinline bool quote_xdp(struct xdp_md *xdp, const struct pkt *p, struct pkt *quoted)
{
	struct frame f = frame_xdp(xdp);

	return p && quoted && parse_quoted(&f, p, quoted);
}

__noinline bool quote_skb(struct __sk_buff *skb, const struct pkt *p, struct pkt *quoted)
{
	struct frame f = frame_skb(skb);

	return p && quoted && parse_quoted(&f, p, quoted);
}

static __always_inline bool quotes_own_packet(void *ctx, enum hook hook, const struct pkt *p)
{
	struct pkt answer = {};

	if (!(hook == HOOK_XDP ? quote_xdp(ctx, p, &answer) : quote_skb(ctx, p, &answer)) ||
	    !addr_equal(&answer.source, &p->destination))
		return false;
	reverse(&answer);
	if (has_ports(&answer) && lets_answer_in(ctx, hook, &answer))
		return true;
	if (answer.protocol == IPPROTO_TCP)
		return may_look_up() && (has_socket(ctx, &answer, behind_link(&answer, answer.destination_port)) ||
					 has_tcp_flow(&answer));
	if (answer.protocol == IPPROTO_UDP)
		return is_udp_reply(&answer) || (cfg_xdp_generic && was_rejected(&answer));
	return (!is_icmp(&answer) || is_echo_request(&answer)) && is_other_reply(&answer);
}

__noinline __u32 judge_icmp_error_xdp(struct xdp_md *xdp, const struct pkt *p)
{
	return p && quotes_own_packet(xdp, HOOK_XDP, p) ? pass(XDPFW_R_ESSENTIAL) : drop(XDPFW_R_ICMP_UNKNOWN);
}

__noinline __u32 judge_icmp_error_skb(struct __sk_buff *skb, const struct pkt *p)
{
	return p && quotes_own_packet(skb, HOOK_TC, p) ? pass(XDPFW_R_ESSENTIAL) : drop(XDPFW_R_ICMP_UNKNOWN);
}

#endif
