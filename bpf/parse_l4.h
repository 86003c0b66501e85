/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* TCP, UDP, SCTP and ICMP, into struct pkt: ports, and what flows are told by. */
#ifndef XDPFW_BPF_PARSE_L4_H
#define XDPFW_BPF_PARSE_L4_H

#include "parse_ip.h"

/* Where TCP, UDP and SCTP have their ports; UAPI does not define it. */
struct ports_header {
	__be16 source;
	__be16 destination;
};

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

#endif
