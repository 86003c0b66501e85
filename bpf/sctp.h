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

/* RFC 9260 3.3.2: behind the fixed part of an INIT or INIT ACK; the next one begins at a multiple of four bytes. */
union sctp_parameter {
	struct {
		__be16 type;
		__be16 length;
	};
	__u32 bytes;
};

#define SCTP_INIT_FIXED     20
#define SCTP_PARAMETERS_MAX 32 /* that are looked at; Linux itself sends six, and its addresses */
#define SCTP_IPV4_ADDRESS   5
#define SCTP_IPV6_ADDRESS   6
#define SCTP_PADDING        0x8005 /* RFC 4820: skipped without a word, also by who does not know it */

static __always_inline bool tells_addresses(const struct pkt *p)
{
	return p->protocol == PROTO_SCTP && (p->chunk == SCTP_INIT || p->chunk == SCTP_INIT_ACK);
}

static __always_inline bool is_address(const union sctp_parameter *parameter)
{
	return parameter->type == bpf_htons(SCTP_IPV4_ADDRESS) || parameter->type == bpf_htons(SCTP_IPV6_ADDRESS);
}

/* (A checksum of 0 is left to the device.) */
static __always_inline bool mend_crc(struct __sk_buff *skb, const struct pkt *p, __u32 change)
{
	__u32 place = p->l4 + offsetof(struct sctp_header, checksum), checksum;

	if (bpf_skb_load_bytes(skb, place, &checksum, sizeof(checksum)))
		return false;
	checksum = checksum ? checksum ^ from_little_endian(change) : 0;
	return !bpf_skb_store_bytes(skb, place, &checksum, sizeof(checksum), BPF_F_RECOMPUTE_CSUM);
}

/*
 * Each end of an association tells the other all its addresses, so that there are ways left when one breaks. Who is talked to through
 * a forward has one way only: what comes from or goes to another address belongs to no connection, and would end the
 * association (of what it does not know, an end says ABORT; RFC 9260 8.4). So these addresses become padding.
 * A global function, for the reason given in parse_ip.h.
 */
__noinline bool hide_addresses(struct __sk_buff *skb, const struct pkt *p)
{
	union sctp_parameter parameter, hidden;
	__u32 at = SCTP_HEADER + SCTP_INIT_FIXED, change = 0;

	if (!p)
		return false;
	for (__u32 i = 0; i < SCTP_PARAMETERS_MAX; i++) {
		if (at + sizeof(parameter) > p->l4_length)
			break;
		if (bpf_skb_load_bytes(skb, p->l4 + at, &parameter, sizeof(parameter)))
			return false;
		if (is_address(&parameter)) {
			hidden = parameter;
			hidden.type = bpf_htons(SCTP_PADDING);
			if (bpf_skb_store_bytes(skb, p->l4 + at, &hidden, sizeof(hidden), BPF_F_RECOMPUTE_CSUM))
				return false;
			change ^= crc_change(from_little_endian(parameter.bytes ^ hidden.bytes), p->whole - at);
		}
		at += (bpf_ntohs(parameter.length) + 3) & ~3;
	}
	return !change || mend_crc(skb, p, change);
}

#endif
