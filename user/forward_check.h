/* SPDX-License-Identifier: GPL-2.0-only */
/* Can a forward's target be reached, and answer? What is wrong, and what mends it. */
#ifndef XDPFW_USER_FORWARD_CHECK_H
#define XDPFW_USER_FORWARD_CHECK_H

#include <stddef.h>

#include "ruleset.h"
#include "store.h"

enum fault_kind {
	FAULT_ROUTE,     /* no route to the target */
	FAULT_OURSELVES, /* the target is an address of this host */
	FAULT_INTERFACE, /* the interface toward it is not loaded: its answers would not be taken back; or one takes no frames */
	FAULT_FORWARDING, /* the kernel does not forward in that family */
	FAULT_NEIGHBOUR,  /* its neighbour (the target itself, or the router) does not answer */
	FAULT_RETURN,     /* it would answer clients without asking us, who must rewrite the answers */
};

struct fault {
	enum fault_kind kind;
	char text[200]; /* what is wrong, and what mends it */
};

/* Of one target there are at most as many as kinds. */
#define FAULTS_MAX 6

/* What stands in the way of a target of @f, one of @set's, from the first to check to the last; returns how many. Nothing for
 * local ones. Which interfaces are loaded is what @set says, and of @live (NULL: of a set that is only wanted) if they are still those. */
size_t forward_check(const struct ruleset *set, const struct store *live, const struct forward *f, size_t target,
		     struct fault faults[FAULTS_MAX]);

/* Where its answers go, for JSON: "here", "elsewhere", or "unknown", for only the target's own routes could tell. */
const char *forward_returns(const struct fault *faults, size_t count, const struct forward *f);

/* What lets the kernel forward in a family. */
const char *forwarding_command(bool v4);

/* For JSON. */
const char *fault_name(enum fault_kind kind);

#endif
