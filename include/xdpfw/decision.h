/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What becomes of a packet, and why.
 *
 * A *decision* is one u32, so that it travels in a register and a compiled
 * policy can store it as it is: the cell of port 22 in a port table *is* the
 * decision for a request to port 22.
 *
 *	bits 31..30  verdict  (enum xdpfw_verdict)
 *	bits 29..24  reason   (enum xdpfw_reason)
 *	bit  23      in cells for `in` only: a routed request would meet another decision
 *	bits 22..0   rule     (counter number of the deciding rule, 0 = none)
 *
 * Example: "allow in 22" with counter number 5 compiles to
 * xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 5) in in/tcp[22] and in/udp[22].
 *
 * Zero is no decision: a stage of the data path that returns 0 says "go on".
 */
#ifndef XDPFW_DECISION_H
#define XDPFW_DECISION_H

#include <linux/types.h>

enum xdpfw_verdict {
	XDPFW_GO_ON = 0, /* no verdict yet */
	XDPFW_PASS = 1,
	XDPFW_DROP = 2,
	XDPFW_REJECT = 3, /* drop and tell the sender: TCP RST or ICMP unreachable */
};

enum xdpfw_dir {
	XDPFW_IN = 0,     /* connection requests from outside */
	XDPFW_OUT = 1,    /* connection requests that leave by a loaded interface */
	XDPFW_ROUTED = 2, /* requests that arrive on a loaded interface for another host's unicast address */
	XDPFW_DIRS = 3,
};

/*
 * Every reason, its name (stable: scripts and `stats` print it) and what it
 * means to a person. Append only; the numbers live in pinned maps.
 */
#define XDPFW_REASONS(X)                                                                                               \
	X(NONE, "none", "no reason recorded")                                                                          \
	X(RULE, "rule", "a rule matched")                                                                              \
	X(DEFAULT, "default", "no rule matched")                                                                       \
	X(FORWARD, "forward", "a forward listens on the port")                                                         \
	X(REPLY, "reply", "answer to something that was allowed")                                                      \
	X(BLOCKED, "blocked", "the address is blocked")                                                                \
	X(ESSENTIAL, "essential", "the network itself needs it (ARP, ND, MLD, DHCP, ICMP errors of known flows)")      \
	X(COURTESY, "courtesy", "polite by default (echo-request, mDNS)")                                              \
	X(NOT_IP, "not-ip", "neither IP nor ARP")                                                                      \
	X(SHORT, "short", "the frame ends inside a header")                                                            \
	X(BAD_LENGTH, "bad-length", "a length field contradicts the frame")                                            \
	X(BAD_HEADER, "bad-header", "a header field has an impossible value")                                          \
	X(TOO_DEEP, "too-deep", "more VLAN tags or extension headers than the parser walks")                           \
	X(ROUTING_HEADER, "routing-header", "source routing: IPv6 routing header 0, IPv4 LSRR/SSRR")                   \
	X(TCP_FLAGS, "tcp-flags", "a set of TCP flags that no stack sends")                                            \
	X(BAD_ADDRESS, "bad-address",                                                                                  \
	  "an address that cannot come by wire: loopback, v4-mapped, source equal to destination")                     \
	X(PORT_ZERO, "port-zero", "destination port 0 and no rule for it")                                             \
	X(FRAGMENT, "fragment", "a later fragment, judged by its first; SCTP: a forward cannot change its ports")      \
	X(BAD_FRAGMENT, "bad-fragment", "fragments that overlap, or too small to hold the ports")                      \
	X(ICMP_UNKNOWN, "icmp-unknown", "an ICMP error about nothing this host sent")                                  \
	X(NO_STATE, "no-state", "its connection is not known, or not any more")                                        \
	X(INVALID, "invalid", "a TCP segment outside its connection's window")                                         \
	X(REJECT_SENT, "reject", "an answer that xdpfw itself sent for a reject")                                      \
	X(INTERNAL, "internal", "a map or the packet could not be accessed")                                           \
	X(PANIC, "panic", "panic is on: nothing passes but what is kept open")                                         \
	X(LIMIT, "limit", "more requests from this source than the rule lets pass")                                    \
	X(NO_PORT, "no-port", "every source port that a forward could give a new connection is taken")                 \
	X(NO_ROUTE, "no-route", "the target of a forward cannot be reached; see `xdpfw forward --check`")              \
	X(PORT_CLASH, "port-clash", "a forwarded connection has this source port at the same target")

enum xdpfw_reason {
#define X(code, name, text) XDPFW_R_##code,
	XDPFW_REASONS(X)
#undef X
		XDPFW_NR_REASONS,
};
_Static_assert(XDPFW_NR_REASONS <= 64, "a reason has 6 bits in a decision");

#define XDPFW_REASON_SHIFT 24
#define XDPFW_ASK_ROUTED   (1U << 23)
#define XDPFW_RULE_MASK    (XDPFW_ASK_ROUTED - 1)

static inline __u32 xdpfw_decision(__u32 verdict, __u32 reason, __u32 rule)
{
	return verdict << 30 | reason << XDPFW_REASON_SHIFT | rule;
}

static inline __u32 xdpfw_verdict_of(__u32 decision)
{
	return decision >> 30;
}

static inline __u32 xdpfw_reason_of(__u32 decision)
{
	return decision >> XDPFW_REASON_SHIFT & 63;
}

static inline __u32 xdpfw_rule_of(__u32 decision)
{
	return decision & XDPFW_RULE_MASK;
}

#endif
