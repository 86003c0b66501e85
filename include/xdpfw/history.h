/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The history: what was dropped last, kept by the data path itself, so that "why was 1.2.3.4 dropped?" has an
 * answer although nobody was watching.
 *
 * One table a CPU, plain memory. An entry stands for all drops of one kind: same other end, direction, protocol,
 * destination port, verdict and reason. A set has room for XDPFW_PAST_WAYS kinds whose hash is the same; a new kind
 * takes the place of the one not seen for the longest time.
 *
 * Writing is budgeted: XDPFW_PAST_RATE entries a second and CPU, with as many saved up in quiet times. A quiet host
 * misses nothing, a flood costs one comparison a packet. While less than half of the budget is left, new kinds may
 * only take the first half of a set: a flood does not drive out what quiet times have left in the other.
 */
#ifndef XDPFW_HISTORY_H
#define XDPFW_HISTORY_H

#include <linux/types.h>

#include "addr.h"

struct xdpfw_past_key {
	struct xdpfw_addr remote; /* the other end: the source of what came in, the destination of what went out */
	__u16 port;               /* destination port; of ICMP the type; else 0. Host byte order */
	__u8 protocol;            /* IPPROTO_* */
	__u8 dir;                 /* enum xdpfw_dir: in or out */
	__u8 met;                 /* verdict and reason: bits 31..24 of the decision */
	__u8 family;              /* 4, 6, or 0 where no addresses could be read */
	__u8 pad[2];
};
_Static_assert(sizeof(struct xdpfw_past_key) == 24, "three words to compare");

struct xdpfw_past {
	struct xdpfw_past_key key;
	/* Of the last drop of this kind: */
	struct xdpfw_addr local;
	__u64 last; /* CLOCK_BOOTTIME, ns; 0: the entry is free */
	__u32 decision;
	__u32 ifindex;
	__u32 length;
	__u16 source_port;
	__u8 tcp_flags;
	__u8 pad;
	/* Of all of them: */
	__u64 first;
	__u64 packets; /* that were noted; what exceeded the budget is in the counters only */
	/* Odd while the data path writes: a reader tries again. */
	__u64 version;
};
_Static_assert(sizeof(struct xdpfw_past) == 88, "88 bytes an entry");

#define XDPFW_PAST_SET_BITS 9
#define XDPFW_PAST_SETS     (1 << XDPFW_PAST_SET_BITS)
#define XDPFW_PAST_WAYS     8
#define XDPFW_PAST_RATE     1000

struct xdpfw_history {
	__u64 refilled; /* jiffy up to which it has been refilled */
	__u64 budget;   /* in parts of an entry, of which there are as many as jiffies in a second */
	__u64 overrun;  /* CLOCK_BOOTTIME, ns, when it last ran out; 0: never */
	struct xdpfw_past sets[XDPFW_PAST_SETS][XDPFW_PAST_WAYS];
};

#endif
