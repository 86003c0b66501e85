/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rules that depend on more than a port: on addresses, interfaces, users, time, rates.
 *
 * A cell of the policy is a decision, or (verdict 0) the number of a *condition*: a question about the packet
 * with a cell for yes and a cell for no. So the rules of a port that are not decided by the port alone are a tree
 * of questions whose leaves are decisions. `allow in 22 from 10.0.0.0/8 on eth0` under default deny:
 *
 *	in/tcp[22] -> 0: source in 10.0.0.0/8?  yes -> 1: interface is 2?  yes -> PASS rule 1
 *	                                        no  -> DROP default          no -> DROP default
 *
 * Equal questions with equal answers are one condition, so thousands of ports share them.
 *
 * What would take many questions about addresses (a set of 100,000 prefixes, a port with 1,000 rules that differ in
 * their sender) is one: the address is looked up in sorted ranges (ranges.h), which yields its *class* (all addresses that
 * the policy cannot tell apart), and the class chooses the cell in a row: cells behind each other in the slot's lines.
 */
#ifndef XDPFW_CONDITION_H
#define XDPFW_CONDITION_H

#include <linux/types.h>

#include "addr.h"
#include "policy.h"
#include "ranges.h"

/* Of a slot. A number fits into what a decision leaves beside its verdict and XDPFW_ASK_ROUTED. */
#define XDPFW_CONDITIONS 65536

/* The compiler refuses a policy in which a packet could be asked more. */
#define XDPFW_DEEPEST_CONDITION 64

enum xdpfw_question {
	XDPFW_ASK_SOURCE = 1,  /* the sender's address in `addr`/`length`? */
	XDPFW_ASK_DESTINATION, /* the address that the request goes to? */
	XDPFW_ASK_SOURCE_PORT, /* its source port in `ports`? */
	XDPFW_ASK_IFACE,       /* arrived on (or leaves by) the interface `value`? */
	XDPFW_ASK_ROUTED_TO,   /* a routed request: will it leave by the interface `value`? */
	XDPFW_ASK_USER,        /* outbound: does the user `value` own the socket? */
	XDPFW_ASK_CGROUP,      /* outbound: is the socket's cgroup `cgroup` or below it? */
	XDPFW_ASK_TIME,        /* is it before `expiry`? */
	XDPFW_ASK_LIMIT, /* fewer than `limit.count` x `each` requests from this source in the last `limit.window`? */
	XDPFW_ASK_SOURCE_CLASS,      /* no yes and no: the cell is first[class of the sender] or rows[value + class] */
	XDPFW_ASK_DESTINATION_CLASS, /* the same for the destination */
};

/* Time in the data path: jiffies64 >> XDPFW_EXPIRY_SHIFT (a quarter of a second at 250 Hz), so that 32 bits last. */
#define XDPFW_EXPIRY_SHIFT 6
#define XDPFW_NEVER        0xffffffffU

/* Of a row, a copy of so many cells is in the condition itself. */
#define XDPFW_FIRST_CELLS 4

struct xdpfw_condition {
	__u8 question; /* enum xdpfw_question */
	__u8 length;   /* of the prefix, bits of the 16-byte form */
	__u16 pad;
	__u32 yes; /* cells */
	__u32 no;
	__u32 value;
	union {
		struct xdpfw_addr addr;
		struct {
			__u16 first, last; /* host byte order, inclusive */
		} ports;
		struct {
			__u64 id;
			__u32 level; /* depth below the root of the hierarchy, which is 0 */
		} cgroup;
		__u32 expiry;
		__u32 first[XDPFW_FIRST_CELLS]; /* of the row: a policy with one set has two classes */
		struct {
			__u32 count;  /* places of the ring that are used, XDPFW_LIMIT_MAX at most */
			__u32 window; /* jiffies */
			__u32 rule;   /* whose requests are counted */
			__u32 each;   /* requests that share a place */
		} limit;
	};
};
_Static_assert(sizeof(struct xdpfw_condition) == 32, "two conditions a cache line");

/* Requests of one source that a rule with a limit has let pass; key of the LRU map `limits`. */
struct xdpfw_limit_key {
	struct xdpfw_addr source; /* IPv6: its /64 */
	__u32 rule;
	__u32 pad;
};
_Static_assert(sizeof(struct xdpfw_limit_key) == 24, "no hidden padding in a hash key");

#define XDPFW_LIMIT_MAX 62

/*
 * The times of the last requests that passed, as a ring: the oldest decides, so the limit is exact over any window. Where a limit
 * is higher than the ring has places, some requests share one, which has the time of the last of them: 100 are 50 places of 2.
 */
struct xdpfw_limit {
	__u32 next;                    /* place of the oldest */
	__u32 shared;                  /* requests in the newest, the one before it */
	__u32 passed[XDPFW_LIMIT_MAX]; /* jiffies, 0 = none yet */
};
_Static_assert(sizeof(struct xdpfw_limit) == 256, "256 bytes a limited source");

#endif
