/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A painter goes over a row of places (stretches of ports, protocols, ICMP types) in the order in which deciders are
 * asked. A rule without conditions closes a place; one with conditions is noted there, and what comes behind it
 * still counts. Closed places are skipped in one step, so the work is bounded by rules + places
 * however much the rules overlap.
 */
#ifndef XDPFW_USER_PAINTER_H
#define XDPFW_USER_PAINTER_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "pool.h"

/* Lists of rules as chains of (list before, rule): places with the same rules share one. 0 is the empty list. */
struct rule_lists {
	struct pool links;
};

void lists_init(struct rule_lists *lists);
void lists_free(struct rule_lists *lists);

/* The rules of a list in order, as a new array (never NULL but without memory). */
__u32 *lists_rules(const struct rule_lists *lists, __u32 list, size_t *count);

struct painter {
	size_t places;
	__u32 *closing; /* the decision that ends a place; 0: it is open */
	__u32 *lists;   /* what may decide before that */
	__u32 *next;    /* union-find: the way to the first open place at or above this one */
};

int painter_init(struct painter *painter, size_t places);
void painter_free(struct painter *painter);

/* End the open places among [first, last] with a decision. */
void painter_close(struct painter *painter, size_t first, size_t last, __u32 decision);

/* Note a rule in the open places among [first, last]. 0 or -ENOMEM. */
int painter_note(struct painter *painter, struct rule_lists *lists, size_t first, size_t last, __u32 rule);

#endif
