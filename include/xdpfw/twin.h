/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Twins: the same programs on the same maps, loaded with cfg_observe and never attached. They write
 * nothing, so whoever asks them (`explain`, `bench`, by BPF_PROG_TEST_RUN) changes neither counters nor state.
 *
 *	run a live program on a frame	an action: XDP_DROP, TC_ACT_UNSPEC...
 *	run its twin on the frame	the *decision*: verdict, reason and rule (decision.h); 0 = does not filter
 *
 * A twin at TC rewrites the frame of the test run as its sibling would the packet. It answers no reject.
 */
#ifndef XDPFW_TWIN_H
#define XDPFW_TWIN_H

/* A test run lends every skb a socket of root's, as if this host had sent it. What is true is said in skb->cb. */
enum xdpfw_twin_word {
	XDPFW_TWIN_FORWARDED = 0, /* 1: no socket of this host sends it, it is routed */
	XDPFW_TWIN_USER = 1,      /* the user id that owns the socket */
};

#endif
