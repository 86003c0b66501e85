/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Classes of addresses: all addresses that the same prefixes and sets of the policy contain are one class. Only
 * what a row of cells is chosen by takes part; a port with few prefixes asks for each.
 */
#ifndef XDPFW_USER_ADDRESS_CLASSES_H
#define XDPFW_USER_ADDRESS_CLASSES_H

#include "environment.h"
#include "pool.h"
#include "ranges.h"
#include "ruleset.h"

/* More prefixes than these among the rules of a port are looked up, not asked for one by one. */
#define PREFIXES_ASKED 8

/* The members of a set, in a row of its own. */
struct set_members {
	const char *name;
	const struct range_entry *entries;
	size_t count;
};

struct address_classes {
	struct range_entry *members; /* of all sets, set by set */
	struct set_members *sets;
	size_t nr_sets;
	struct pool owners;  /* what prefixes belong to: see address_classes.c */
	struct pool classes; /* class 0 is the addresses that no owner has */
	struct range_entry *entries;
	size_t nr_entries, room;
};

/* One thing that the addresses of a class are in: until when, XDPFW_NEVER. */
struct membership {
	__u32 owner;
	__u32 until;
};

int classes_init(struct address_classes *c, const struct ruleset *set, const struct environment *env);
void classes_free(struct address_classes *c);

/* The set of this name; NULL if it has no members. */
const struct set_members *classes_find_set(const struct address_classes *c, const char *name);

/* How many prefixes a match stands for; 0 for any address. */
size_t classes_weight(const struct address_classes *c, const struct address_match *match);

/* Let a match take part. 0 or -ENOMEM. */
int classes_add(struct address_classes *c, const struct address_match *match);

/* The owner number of a match that takes part. */
__u32 classes_owner(const struct address_classes *c, const struct address_match *match);

/* Write the table of classes, when all have been added. 0 or a negative errno. */
int classes_write(struct address_classes *c, struct address_lines *lines, struct xdpfw_branch roots[2]);

static inline size_t classes_count(const struct address_classes *c)
{
	return c->classes.count;
}

/* What the addresses of a class are in; returns how many, at most @room. */
size_t classes_memberships(const struct address_classes *c, __u32 number, struct membership *out, size_t room);

#endif
