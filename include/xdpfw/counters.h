/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counters: per CPU, without locks or atomics, outside the policy slots.
 *
 * They are plain arrays indexed by CPU (not PERCPU maps), because an array can be
 * mapped into memory: reading 262,144 ports is then a memory scan, no system call.
 * A reader sums over all *possible* CPUs.
 */
#ifndef XDPFW_COUNTERS_H
#define XDPFW_COUNTERS_H

#include <linux/types.h>

#include "decision.h"
#include "policy.h"

/* Packets are segments (a GSO packet of 45 segments counts 45); bytes are those of
 * the frame at the hook, link header included. */
struct xdpfw_count {
	__u64 packets;
	__u64 bytes;
};

/*
 * Per service port. A service port is the port that the connection's *request*
 * went to, so the answers of a web server count under in/443.
 */
enum xdpfw_flow_side {
	XDPFW_RX = 0,      /* passed, toward the host */
	XDPFW_TX = 1,      /* passed, from the host */
	XDPFW_DROPPED = 2, /* dropped or rejected, either way */
	XDPFW_SIDES = 3,
};

/* One element of the map `port_counts`; sides apart, so that a flood of drops
 * over all ports touches 1 MiB, not 3. */
struct xdpfw_port_counts {
	struct xdpfw_count ports[XDPFW_PORTS];
};

/* Of tcp and udp, in and out; a routed request counts as in. */
#define XDPFW_COUNTED_DIRS        2
#define XDPFW_COUNTED_TABLES      2
#define XDPFW_PORT_COUNTS_PER_CPU (XDPFW_COUNTED_DIRS * XDPFW_COUNTED_TABLES * XDPFW_SIDES)

static inline __u32 xdpfw_port_counts_index(__u32 cpu, __u32 dir, __u32 table, __u32 side)
{
	return ((cpu * XDPFW_COUNTED_DIRS + dir) * XDPFW_COUNTED_TABLES + table) * XDPFW_SIDES + side;
}

/* A reason is met with more than one verdict (a rule passes or drops), so the verdict is part of the place. */
struct xdpfw_reason_counts {
	struct xdpfw_count at[XDPFW_DIRS][4][64]; /* [dir][verdict][reason] */
};

/* One element a CPU of the map `rule_counts`, indexed by the counter number that
 * a decision carries. Number 0 is "no rule". */
#define XDPFW_MAX_RULES 65536

struct xdpfw_rule_counts {
	struct xdpfw_count rules[XDPFW_MAX_RULES];
};

/*
 * Deltas: what has been counted since the last time it was added to the count proper. A flood over all ports then writes
 * into 128 KiB instead of 1 MiB, and to the count itself once in up to 63 packets.
 *
 *	bits 15..10  packets
 *	bits  9..0   bytes, less XDPFW_DELTA_LEAST for each packet
 *
 * Example: three packets of 60 bytes are 3 << 10 | 3 * (60 - 42). What does not fit (here the 57th packet, or one of
 * 1500 bytes at once) goes to the count, together with what the delta holds. The total is the sum of both; the data
 * path adds to the count first and clears the delta after, so a reader who sees the same delta before and after the
 * count has a true total.
 */
#define XDPFW_DELTA_BYTES       10
#define XDPFW_DELTA_BYTES_MAX   ((1U << XDPFW_DELTA_BYTES) - 1)
#define XDPFW_DELTA_PACKETS_MAX 63
#define XDPFW_DELTA_LEAST       42 /* Ethernet, IPv4 and UDP headers: few packets are shorter */

static inline struct xdpfw_count xdpfw_delta_count(__u16 delta)
{
	__u32 packets = delta >> XDPFW_DELTA_BYTES;
	struct xdpfw_count count = {packets, (delta & XDPFW_DELTA_BYTES_MAX) + packets * XDPFW_DELTA_LEAST};

	return count;
}

/* For what is dropped, of each port. */
struct xdpfw_drop_deltas {
	__u16 ports[XDPFW_PORTS];
};

/* For what each rule decides. */
struct xdpfw_rule_deltas {
	__u16 rules[XDPFW_MAX_RULES];
};

/* One element a CPU of the map `tallies`: all that a packet writes to when it is dropped, found by one lookup. */
struct xdpfw_tallies {
	__u64 history_spent; /* jiffy in which the budget of the history (history.h) ran out */
	struct xdpfw_reason_counts reasons;
	struct xdpfw_drop_deltas drops[XDPFW_COUNTED_DIRS][XDPFW_COUNTED_TABLES];
	struct xdpfw_rule_deltas rules;
};

_Static_assert(sizeof(struct xdpfw_tallies) + sizeof(struct xdpfw_rule_counts) +
			       XDPFW_PORT_COUNTS_PER_CPU * sizeof(struct xdpfw_port_counts) <=
		       16 << 20,
	       "at most 16 MiB of counters a CPU");

#endif
