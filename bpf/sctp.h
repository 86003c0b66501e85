/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Other ports in a packet of SCTP, whose checksum is a CRC over the whole packet (but not over the addresses); how it can
 * be mended without reading all of that is told in xdpfw/crc32c.h.
 *
 * A local sender leaves the checksum to the device (CHECKSUM_PARTIAL with csum_not_inet, always so where one buffer
 * is many packets). The field is 0 until then, and stays it. A complete checksum is 0 once in 2^32 packets; such a one gets lost.
 */
#ifndef XDPFW_BPF_SCTP_H
#define XDPFW_BPF_SCTP_H

#include "common.h"
#include "config.h"
#include "parse.h"

/* What is rewritten of the header (RFC 9260 3.1). */
struct sctp_header {
	union {
		struct ports_header ports;
		__u32 both_ports; /* as they stand */
	};
	__be32 tag;
	__u32 checksum; /* little-endian */
};
_Static_assert(sizeof(struct sctp_header) == SCTP_HEADER, "the common header");

/* A number that stands in the packet with its lowest byte first, and back. */
static __always_inline __u32 from_little_endian(__u32 number)
{
	return __builtin_bswap32(bpf_ntohl(number));
}

/* A global function, for the reason given in parse_ip.h. */
__noinline __u32 crc_change(__u32 difference, __u32 length)
{
	return xdpfw_crc32c_change(cfg_crc32c, difference, length);
}

/* Give the packet, whose header this is, other ports. */
static __always_inline void change_sctp_ports(const struct pkt *p, struct sctp_header *header, __u16 source,
					      __u16 destination)
{
	struct sctp_header old = *header;
	__u32 difference;

	header->ports.source = bpf_htons(source);
	header->ports.destination = bpf_htons(destination);
	difference = from_little_endian(old.both_ports ^ header->both_ports);
	if (difference && header->checksum)
		header->checksum ^= from_little_endian(crc_change(difference, p->whole));
}

static __always_inline bool write_sctp_ports(struct __sk_buff *skb, const struct pkt *p, __u16 source,
					     __u16 destination)
{
	struct sctp_header header;

	if (bpf_skb_load_bytes(skb, p->l4, &header, sizeof(header)))
		return false;
	change_sctp_ports(p, &header, source, destination);
	return !bpf_skb_store_bytes(skb, p->l4, &header, sizeof(header), BPF_F_RECOMPUTE_CSUM);
}

#endif
