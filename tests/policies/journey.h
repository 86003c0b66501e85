/* SPDX-License-Identifier: GPL-2.0-only */
/* What becomes of a request under rules and forwards, as one can read it from either. */
#ifndef XDPFW_TESTS_POLICIES_JOURNEY_H
#define XDPFW_TESTS_POLICIES_JOURNEY_H

#include "compiled.h"

/* Where a forward may lead it. */
struct arrival {
	struct xdpfw_addr addr;   /* unspecified: this host */
	struct xdpfw_addr source; /* whom the target sees; unspecified: the client */
	__u16 port;
	__u8 blocked;
};

/* Bytes that are not used are zero, so that two can be compared as memory. */
struct journey {
	__u32 decision;
	__u32 forward, answers; /* counters of the forward with state that takes it, 0 = none */
	__u32 nr_arrivals;
	struct arrival arrivals[XDPFW_FORWARD_TARGETS];
	__u16 linked;             /* the port behind a link: of the destination going in, of the source going out */
	__u8 is_direct;           /* to a target of a one-way forward of this host: it has to be noted */
	__u8 is_direct_elsewhere; /* the same, to another host that this one routes to */
};

/*
 * Straight from the statements: small, and without a line of the compiler. (Rules: user/evaluate.c.)
 */
struct journey read_journey(const struct ruleset *set, const struct request *r, bool over_limit);

/* Does a forward have a port in common with one that is in the set? Then they do not fit. */
bool read_clash(const struct ruleset *set, const struct forward *f);

/* From what was compiled, by the steps of bpf/forward.h for a packet that begins a connection. */
struct journey compiled_journey(const struct compiled *c, const struct request *r, bool over_limit);

#endif
