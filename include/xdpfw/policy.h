/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The compiled policy, as user space writes it and the data path reads it.
 *
 * There are three *slots*. One is active, one may be the fallback of a trial,
 * the third is free to build in. A change compiles into the free slot and then
 * writes one aligned u64, the control word: each packet loads that word once
 * and so is judged by exactly one generation.
 */
#ifndef XDPFW_POLICY_H
#define XDPFW_POLICY_H

#include <linux/types.h>

#include "addr.h"
#include "decision.h"
#include "ranges.h"

#define XDPFW_SLOTS 3
#define XDPFW_PORTS 65536

/* Layout of everything in include/xdpfw/: bump when a pinned map changes its meaning. */
#define XDPFW_ABI 8

/*
 * The control word.
 *
 *	bits  1..0   active slot
 *	bits  3..2   fallback slot, used once the deadline has passed
 *	bits 19..4   epoch
 *	bits 63..20  deadline in jiffies64 (low 44 bits), 0 = none
 *
 * A deadline means that a *trial* is running: a change that undoes itself unless it is
 * confirmed in time. Past the deadline the data path judges by the fallback slot, whatever
 * has become of user space. A word whose two slots are the same is a trial that was
 * rolled back: past its deadline from that store on (see xdpfw_trial_is_over()).
 *
 * The epoch makes attaching and detaching atomic over any number of hooks. Each
 * program is loaded with a window of epochs in which it filters (see
 * xdpfw_armed()); outside it passes everything. `load` attaches and pins all
 * programs with a window that begins at the next epoch, then writes that epoch:
 * all hooks begin to filter at once, and a `load` killed before that store has
 * changed nothing. `unload` does the reverse.
 */
#define XDPFW_ACTIVE_MASK    3ULL
#define XDPFW_FALLBACK_SHIFT 2
#define XDPFW_EPOCH_SHIFT    4
#define XDPFW_EPOCH_MASK     0xffffULL
#define XDPFW_DEADLINE_SHIFT 20

/* A window that never closes in practice: half the epoch circle. */
#define XDPFW_WINDOW_OPEN 0x8000

static inline __u64 xdpfw_control_word(__u32 active, __u32 fallback, __u32 epoch, __u64 deadline)
{
	return (active & XDPFW_ACTIVE_MASK) | (__u64)(fallback & 3) << XDPFW_FALLBACK_SHIFT |
	       (epoch & XDPFW_EPOCH_MASK) << XDPFW_EPOCH_SHIFT | deadline << XDPFW_DEADLINE_SHIFT;
}

static inline __u32 xdpfw_control_active(__u64 word)
{
	return word & XDPFW_ACTIVE_MASK;
}

static inline __u32 xdpfw_control_fallback(__u64 word)
{
	return word >> XDPFW_FALLBACK_SHIFT & 3;
}

static inline __u32 xdpfw_control_epoch(__u64 word)
{
	return word >> XDPFW_EPOCH_SHIFT & XDPFW_EPOCH_MASK;
}

static inline __u64 xdpfw_control_deadline(__u64 word)
{
	return word >> XDPFW_DEADLINE_SHIFT;
}

/* Of a word with a deadline: is its trial over, at @jiffies? */
static inline int xdpfw_trial_is_over(__u64 word, __u64 jiffies)
{
	return (jiffies << XDPFW_DEADLINE_SHIFT >> XDPFW_DEADLINE_SHIFT) >= xdpfw_control_deadline(word) ||
	       xdpfw_control_active(word) == xdpfw_control_fallback(word);
}

/* Does a program loaded for epochs [from, from + window) filter now? Epochs wrap. */
static inline int xdpfw_armed(__u64 word, __u16 from, __u16 window)
{
	return (__u16)(xdpfw_control_epoch(word) - from) < window;
}

/* The one element of the map `control`: all that each packet reads of a policy but its cell. */
struct xdpfw_control {
	__u64 word;
	__u32 abi;        /* XDPFW_ABI of the program that made the maps */
	__u32 settled;    /* generation after whose flip a grace period has passed */
	__u64 since_ns;   /* CLOCK_REALTIME when the counters began */
	__u32 generation; /* the last one built, for numbering the next */
	__u32 flags[4];   /* by slot, copied from its head; 4, so that two bits of the word are a safe index */
	__u32 file_mark;  /* during a trial: a hash of the rules file as it was when the trial began; user space only */
	__u32 listening;  /* somebody follows the events: XDPFW_LISTENING (log.h) or 0 */
	__u32 seed;       /* of hashes that strangers must not foresee */
	__u64 build;      /* datapath_build() of the programs that are attached; user space only */
};
_Static_assert(sizeof(struct xdpfw_control) == 64, "control is a cache line");

/* Protocols with a port table of their own. */
enum xdpfw_table {
	XDPFW_TCP = 0,
	XDPFW_UDP = 1,
	XDPFW_SCTP = 2,
	XDPFW_TABLES = 3,
};

/*
 * A port table: one decision for each destination port, host byte order.
 * One element of the map `ports`, so that user space fills it through mmap.
 *
 * Most ports have the same cell, mostly the default's. Which do is known by a bit each, so that a flood over all ports
 * reads 8 KiB, not 256. Without any bit the table says the same.
 */
struct xdpfw_port_table {
	__u32 cells[XDPFW_PORTS];
	__u64 have_usual[XDPFW_PORTS / 64]; /* bit port % 64 of word port / 64: the port's cell is the usual one */
	__u32 usual;
	__u32 pad;
};

static inline __u32 xdpfw_port_table_index(__u32 slot, __u32 dir, __u32 table)
{
	return (slot * XDPFW_DIRS + dir) * XDPFW_TABLES + table;
}

/*
 * The links of `forward A:B`: port ^ link.delta[port] is the port behind it, so
 * delta[A] = delta[B] = A ^ B, and 0 means "not linked". Swapping twice is the
 * identity, which is why a link needs no state.
 */
struct xdpfw_link_table {
	__u16 delta[XDPFW_PORTS];
};

static inline __u32 xdpfw_link_table_index(__u32 slot, __u32 table)
{
	return slot * XDPFW_TABLES + table;
}

/* What of a policy is not a port: one element a slot of the map `heads`. */
enum xdpfw_head_flags {
	XDPFW_HAS_BLOCKS = 1 << 0,   /* the slot has blocked prefixes */
	XDPFW_HAS_LINKS = 1 << 1,    /* the slot has local port links */
	XDPFW_OUT_DENIES = 1 << 2,   /* some outbound request other than TCP or ICMP would be dropped */
	XDPFW_PASS_NOT_IP = 1 << 3,  /* other ethertypes than IP and ARP pass */
	XDPFW_PANIC = 1 << 4,        /* every cell drops; of what is open, only connections to `kept` go on */
	XDPFW_LOG_DROPS = 1 << 5,    /* drops are worth an event, see log.h */
	XDPFW_LOG_RULES = 1 << 6,    /* the slot has rules with `log` */
	XDPFW_HAS_FORWARDS = 1 << 7, /* the slot has forwards with state, or their connections live on */
};

/* Time-outs of flows, in seconds here and in rules, in jiffies in the head. Defaults are nf_conntrack's. */
#define XDPFW_TIMEOUTS(X)                                                                                              \
	X(UDP, "udp-timeout", 30)                                                                                      \
	X(UDP_REPLIED, "udp-replied-timeout", 120)                                                                     \
	X(ICMP, "icmp-timeout", 30)                                                                                    \
	X(SCTP, "sctp-timeout", 210)                                                                                   \
	X(OTHER, "other-timeout", 600)                                                                                 \
	X(TCP_SYN, "tcp-syn-timeout", 120)                                                                             \
	X(TCP_ESTABLISHED, "tcp-established-timeout", 432000)                                                          \
	X(TCP_CLOSING, "tcp-closing-timeout", 120)                                                                     \
	X(TCP_CLOSED, "tcp-closed-timeout", 10)

enum xdpfw_timeout {
#define X(code, name, seconds) XDPFW_T_##code,
	XDPFW_TIMEOUTS(X)
#undef X
		XDPFW_NR_TIMEOUTS,
};

#define XDPFW_MAX_KEPT 8

struct xdpfw_policy_head {
	__u32 generation;
	__u32 flags;    /* enum xdpfw_head_flags; packets read the copy in `control` */
	__u32 log_rate; /* events a second, for each direction, verdict and reason */
	__u32 pad;
	struct xdpfw_branch roots[XDPFW_ROOTS]; /* of the tables of addresses, by xdpfw_root() */
	__u64 timeouts[XDPFW_NR_TIMEOUTS];      /* jiffies, by enum xdpfw_timeout */
	__u32 protocols[XDPFW_DIRS][256];       /* decision by IP protocol, for those without ports */
	__u32 icmp_types[XDPFW_DIRS][2][256];   /* decision by type; [0] ICMP, [1] ICMPv6 */
	__u32 nr_kept;                          /* under XDPFW_PANIC: */
	__u16 kept[XDPFW_MAX_KEPT];             /* local TCP ports, on the wire, whose open connections go on */
};

/*
 * A loaded interface, as `load` left it: one element of the map `ifaces`, free if
 * ifindex is 0. The pinned links are the truth about what is attached; this says
 * what they were for, also when the interface is gone.
 */
#define XDPFW_MAX_IFACES 64

enum xdpfw_in_hook {
	XDPFW_IN_NATIVE = 1,
	XDPFW_IN_GENERIC = 2,
	XDPFW_IN_TC = 3,
};

enum xdpfw_out_hook {
	XDPFW_OUT_TCX = 1,
	XDPFW_OUT_CLSACT = 2,
};

struct xdpfw_iface {
	__u32 ifindex;
	__u8 in_hook;  /* enum xdpfw_in_hook */
	__u8 out_hook; /* enum xdpfw_out_hook, for TC ingress too */
	__u8 l3;       /* frames begin with the IP header (tun, wg) */
	__u8 mode;     /* as asked for: enum load_mode */
	__u8 no_tx;    /* answers by XDP_TX would be lost */
	__u8 pad;
	__u16 epoch; /* its programs filter in epochs [epoch, epoch + window): see xdpfw_armed() */
	__u16 window;
	char name[16];
	char why[90]; /* the reason for the choice of hooks, for `status` */
	__u64 trial;  /* deadline of the trial that it was loaded in: not filtered once that is over; 0 = none */
};
_Static_assert(sizeof(struct xdpfw_iface) == 128, "128 bytes an interface");

#endif
