/* SPDX-License-Identifier: GPL-2.0-only */
/* Which rules decide what others are about. */
#ifndef XDPFW_USER_OVERLAP_H
#define XDPFW_USER_OVERLAP_H

#include "ruleset.h"

enum overlap {
	OVERLAP_NONE,
	OVERLAP_MAYBE, /* it depends on the members of a set, or on who is meant by a name */
	OVERLAP_SOME,
	OVERLAP_ALL, /* every request of the second rule matches the first */
};

enum overlap rules_overlap(const struct rule *first, const struct rule *second);

/* Does @earlier decide some of what @later is about, and otherwise than that would? Disabled rules decide nothing. */
enum overlap rule_hides(const struct rule *earlier, const struct rule *later);

/* For every rule that is hidden by earlier ones, in order: those are named one by one. 0 or -ENOMEM. */
typedef void (*hidden_fn)(void *context, const struct statement *earlier, const struct statement *later);
int find_hidden(const struct ruleset *set, hidden_fn found, void *context);

#endif
