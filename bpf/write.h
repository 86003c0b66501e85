/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * write: the bytes of headers, at XDP and TC alike. Each is false where the linear part of the frame ends before. At TC
 * the kernel makes sure, in front of a program that writes, that a clone has headers of its own; as answers are written,
 * too (reject.h), that is so anyway.
 */
#ifndef XDPFW_BPF_WRITE_H
#define XDPFW_BPF_WRITE_H

#include "checksum.h"
#include "common.h"
#include "rewritten.h"

/* Offsets into the headers of TCP and UDP. */
#define SOURCE_PORT      offsetof(struct udphdr, source)
#define DESTINATION_PORT offsetof(struct udphdr, dest)

/* What a sum over both grows by. */
static __always_inline __u16 port_change(__u16 from, __u16 to)
{
	return sum_difference(bpf_htons(to), bpf_htons(from));
}

static __always_inline bool write_port(const struct frame *f, __u32 place, __u16 to)
{
	__be16 *port = at(f, place, sizeof(*port));

	if (port)
		*port = bpf_htons(to);
	return port;
}

/* Of the IP header at @l3, which may be a quoted one; @change is what the sum of its addresses grows by. */
static __always_inline bool write_addresses(const struct frame *f, const struct pkt *p, __u32 l3,
					    const struct xdpfw_addr *source, const struct xdpfw_addr *destination,
					    __u16 change)
{
	if (p->family == 4) {
		struct iphdr *ip = at(f, l3, sizeof(*ip));

		if (!ip)
			return false;
		ip->saddr = source->words[3];
		ip->daddr = destination->words[3];
		ip->check = mend(ip->check, change);
	} else {
		struct ipv6hdr *ip = at(f, l3, sizeof(*ip));

		if (!ip)
			return false;
		__builtin_memcpy(&ip->saddr, source, sizeof(ip->saddr));
		__builtin_memcpy(&ip->daddr, destination, sizeof(ip->daddr));
	}
	return true;
}

static __always_inline __u32 change_of_ports(const struct rewritten *r)
{
	return port_change(r->old_source_port, r->source_port) +
	       port_change(r->old_destination_port, r->destination_port);
}

static __always_inline bool write_ports(const struct frame *f, const struct pkt *p, const struct rewritten *r)
{
	return write_port(f, p->l4 + SOURCE_PORT, r->source_port) &&
	       write_port(f, p->l4 + DESTINATION_PORT, r->destination_port);
}

/* The hop limit. */
static __always_inline bool count_down(const struct frame *f, const struct pkt *p)
{
	if (p->family == 4) {
		struct iphdr *ip = at(f, p->l3, sizeof(*ip));

		if (!ip)
			return false;
		ip->ttl--;
		ip->check = mend(ip->check, (__u16)~bpf_htons(0x0100));
	} else {
		struct ipv6hdr *ip = at(f, p->l3, sizeof(*ip));

		if (!ip)
			return false;
		ip->hop_limit--;
	}
	return true;
}

#endif
