/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs: loading them into the kernel. The only file that knows the generated
 * skeleton. Maps are those pinned in the instance's directory, made on first use.
 */
#ifndef XDPFW_USER_DATAPATH_H
#define XDPFW_USER_DATAPATH_H

#include <linux/types.h>
#include <stdbool.h>

#include "error.h"
#include "instance.h"
#include "xdpfw/policy.h"

struct datapath;

/* How a set of programs is loaded: what is fixed for their life. */
struct flavour {
	enum xdpfw_in_hook in_hook;
	bool filter;      /* what judges, in and out */
	bool swap;        /* what rewrites behind XDP; nothing at TC, where the filter does it */
	bool observe;     /* twins: see xdpfw/twin.h */
	bool xdp_tx;      /* answers by XDP_TX arrive */
	bool l3;          /* interfaces without an Ethernet header */
	__u16 epoch_from; /* see xdpfw_armed() */
	__u16 epoch_window;
	__u64 trial;        /* they filter until this trial is over; 0: for good */
	unsigned int flows; /* room of the flow tables if they are made now; 0: by memory */
};

/* Fewest entries that a flow table may have: a small LRU misbehaves with many CPUs. */
unsigned int datapath_least_flows(void);

/* Entries of a pinned flow table, and the bytes that both tables together take; 0 or a negative errno. */
int datapath_flow_tables(const struct instance *in, unsigned long long *entries, unsigned long long *bytes);

/*
 * Load the programs of one flavour. @e says in one line what the kernel objected to; the verifier's
 * log goes to stderr only with XDPFW_VERBOSE in the environment. -EPROTO if the pinned maps have another layout.
 */
int datapath_load(const struct instance *in, const struct flavour *flavour, struct datapath **result, struct error *e);
void datapath_free(struct datapath *dp);

/* Which programs this binary brings: a hash of their object file. Never 0. */
__u64 datapath_build(void);

/* Does this kernel know XDP programs for frames of more than a page (5.18)? */
bool kernel_has_xdp_frags(void);

/* The present age of the fingerprints, as the programs reckon it; see flow.h. */
__u64 datapath_age(void);

/* The kernel's ticks in a second, and its tick counter, jiffies64. */
unsigned int datapath_hz(void);
__u64 datapath_jiffies(void);

/* File descriptors of the programs, owned by @dp; -1 for what the flavour does not need. */
int datapath_in(const struct datapath *dp);
int datapath_out(const struct datapath *dp);
int datapath_swap(const struct datapath *dp);

#endif
