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
	bool swap_only;   /* load just tc_swap */
	bool xdp_tx;      /* answers by XDP_TX arrive */
	bool l3;          /* interfaces without an Ethernet header */
	__u16 epoch_from; /* see xdpfw_armed() */
	__u16 epoch_window;
};

/*
 * Load the programs of one flavour. @e says in one line what the kernel objected to; the verifier's
 * log goes to stderr only with XDPFW_VERBOSE in the environment. -EPROTO if the pinned maps have another layout.
 */
int datapath_load(const struct instance *in, const struct flavour *flavour, struct datapath **result, struct error *e);
void datapath_free(struct datapath *dp);

/* The present age of the fingerprints, as the programs reckon it; see flow.h. */
__u64 datapath_age(void);

/* File descriptors of the programs, owned by @dp; -1 for what the flavour does not need. */
int datapath_in(const struct datapath *dp);
int datapath_out(const struct datapath *dp);
int datapath_swap(const struct datapath *dp);

#endif
