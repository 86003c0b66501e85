/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Events: what `xdpfw log` shows, from the data path by ring buffers.
 *
 * Up to XDPFW_LOG_READERS readers follow at once, each with a ring buffer of its own in the map `log_rings`, so no
 * reader takes events from another. A reader's place holds a time that it keeps pushing ahead. The data path asks
 * for nothing but XDPFW_LISTENING in control.listening, and takes that back itself when it finds no place
 * whose time lies ahead: a reader that was killed costs nothing within seconds.
 *
 * What is worth an event: each packet that a rule with `log-all` decides, or a rule with `log` if it is a request,
 * and, with `option log-drops on`, each one that is dropped or rejected. Of these, option log-rate a second pass
 * for each direction, verdict and reason; the others are counted, exactly, in `log_cpus`.
 */
#ifndef XDPFW_LOG_H
#define XDPFW_LOG_H

#include <linux/types.h>

#include "addr.h"
#include "decision.h"

#define XDPFW_LOG_READERS 4
#define XDPFW_LOG_RING    (1 << 20) /* bytes of each ring buffer */
#define XDPFW_LOG_FRAME   256       /* bytes of the frame that an event carries */

/* What is limited apart: directions (in and out), and verdict (bits 7..6) with reason (bits 5..0). */
#define XDPFW_LOG_DIRS 2
#define XDPFW_LOG_MET  256

/* In control.listening, and from there among the flags of a packet: no policy's head has it. */
#define XDPFW_LISTENING (1U << 31)

struct xdpfw_log_reader {
	__u64 until; /* CLOCK_BOOTTIME, ns: it reads until then, at least; 0: free */
	__u64 lost;  /* events that found its ring full */
};

/* The one element of the map `log_state`. */
struct xdpfw_log_state {
	struct xdpfw_log_reader readers[XDPFW_LOG_READERS];
	/* Events of this second: jiffy in which it began (low 32 bits) in bits 63..32, how many in bits 31..0. */
	__u64 windows[XDPFW_LOG_DIRS][XDPFW_LOG_MET];
};

struct xdpfw_event {
	__u64 time;   /* CLOCK_BOOTTIME, ns */
	__u64 cookie; /* out: of the socket that sends, 0 if there is none */
	struct xdpfw_addr source;
	struct xdpfw_addr destination;
	__u32 decision;
	__u32 ifindex;
	__u32 length;   /* of the frame at the hook */
	__u32 segments; /* packets on the wire that it stands for: more than 1 for GSO */
	__u32 uid;      /* out: of the owner of that socket, if there is one */
	__u16 source_port;
	__u16 destination_port;
	__u16 captured; /* bytes of the frame that follow */
	__u8 family;    /* 4, 6, or 0 where no addresses could be read */
	__u8 protocol;
	__u8 dir; /* enum xdpfw_dir: in or out */
	__u8 tcp_flags;
	__u8 icmp_type;
	__u8 xdp;    /* seen at XDP, else at TC */
	__u8 has_l2; /* the frame begins with an Ethernet header */
	__u8 pad[7];
	__u8 frame[XDPFW_LOG_FRAME];
};
_Static_assert(sizeof(struct xdpfw_event) == 88 + XDPFW_LOG_FRAME, "no hidden padding in an event");

/*
 * In front of a window, for each CPU: once the window is used up, the gate is shut until the window ends, so
 * that in a flood each packet costs one comparison and one addition.
 */
struct xdpfw_log_gate {
	__u64 shut;       /* jiffies64 until which it is, times 4, plus the slot whose rate that was; 0: open */
	__u64 suppressed; /* packets that were worth an event and did not get one */
};

/* One element a CPU of the map `log_cpus`. */
struct xdpfw_log_cpu {
	struct xdpfw_log_gate gates[XDPFW_LOG_DIRS][XDPFW_LOG_MET];
	struct xdpfw_event event; /* room to build one */
};

/* Which rules log: one element a slot of the map `rule_logs`, by counter number. */
enum xdpfw_rule_log {
	XDPFW_LOG_NONE = 0,
	XDPFW_LOG_REQUESTS = 1,
	XDPFW_LOG_ALL = 2,
};

struct xdpfw_rule_logs {
	__u8 rules[65536]; /* XDPFW_MAX_RULES */
};

#endif
