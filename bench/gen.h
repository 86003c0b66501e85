/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What gen.c tells gen.bpf.c: a frame whose varying fields are zero, where those
 * fields are, and the checksums of all that does not vary.
 *
 * Sums are unfolded one's-complement sums of 16-bit words as they lie in memory, so
 * adding a field means adding the two bytes as stored (RFC 1071, section 2(B)).
 */
#ifndef XDPFW_BENCH_GEN_H
#define XDPFW_BENCH_GEN_H

#include <linux/types.h>

/* Source addresses of a list, at most. */
#define GEN_LISTED_MAX 131072

/* Ethernet 14 + IPv6 40 + TCP 20 = 74 bytes, in words of 8. */
#define GEN_WORDS 10

struct gen_config {
	__u64 header[GEN_WORDS];
	__u32 words; /* how many of them this frame has */
	__u32 ifindex;
	__u32 source_at; /* offset of the last 32 bits of the source address */
	__u32 ports_at;
	__u32 ip_sum_at; /* IPv4 only */
	__u32 l4_sum_at;
	__u32 ip_sum;
	__u32 l4_sum;
	__u32 listed;   /* 0, or how many IPv4 sources the map `listed` has: they are taken in turns */
	__u64 sources;  /* so many values of each, 1..2^32 and 1..65536, picked at random from its base on */
	__u64 interval; /* nanoseconds from packet to packet; 0: as fast as it goes */
	__u32 source_ports;
	__u32 target_ports;
	__u32 source_base; /* host order */
	__u16 source_port_base;
	__u16 target_port_base;
	__u8 ipv4;
	__u8 udp;
};

#endif
