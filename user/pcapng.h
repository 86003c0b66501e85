/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writing pcapng (draft-ietf-opsawg-pcapng), the few blocks that are needed: one section, its interfaces, packets with
 * a comment. libpcap can read the format but not write it.
 */
#ifndef XDPFW_USER_PCAPNG_H
#define XDPFW_USER_PCAPNG_H

#include <linux/types.h>
#include <stddef.h>
#include <stdio.h>

/* LINKTYPE_ values of the pcap file formats. */
enum pcapng_link {
	PCAPNG_ETHERNET = 1,
	PCAPNG_RAW = 101, /* begins with the IP header */
};

/* Who judged, and what it returned: XDP_DROP, TC_ACT_SHOT and so on. */
enum pcapng_hook {
	PCAPNG_TC = 1,
	PCAPNG_XDP = 2,
};

struct pcapng_packet {
	__u32 interface; /* as pcapng_interface() was called: 0, 1, ... */
	__u64 time_ns;   /* CLOCK_REALTIME */
	const void *bytes;
	__u32 captured; /* of them */
	__u32 length;   /* of the packet */
	int outbound;
	enum pcapng_hook hook;
	__u64 verdict;
	const char *comment;
};

/* All return 0 or a negative errno; each writes whole blocks and flushes. */
int pcapng_begin(FILE *file, const char *application);
int pcapng_interface(FILE *file, const char *name, enum pcapng_link link, __u32 snap);
int pcapng_packet(FILE *file, const struct pcapng_packet *packet);

#endif
