/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the rules that may decide about a port to its cell: a decision where the first rule has no
 * conditions, else a tree of conditions (include/xdpfw/condition.h). Equal trees are built once.
 */
#ifndef XDPFW_USER_CONDITIONS_H
#define XDPFW_USER_CONDITIONS_H

#include <stdbool.h>

#include "address_classes.h"
#include "environment.h"
#include "error.h"
#include "pool.h"
#include "ranges.h"
#include "resolve.h"
#include "ruleset.h"

struct tree {
	const struct ruleset *set;
	const struct environment *env;
	const struct resolved *resolved;
	const struct address_classes *classes;
	struct pool conditions;      /* of struct xdpfw_condition */
	__u8 *depths;                /* questions that a packet may be asked from each condition on */
	struct address_lines *lines; /* where rows go */
	struct error *e;
};

void tree_init(struct tree *tree, const struct ruleset *set, const struct environment *env,
	       const struct resolved *resolved, const struct address_classes *classes, struct address_lines *lines,
	       struct error *e);
void tree_free(struct tree *tree);

/*
 * The cell of what the rules @rules (places in the ruleset, in order) say, and @otherwise, a decision, where none of
 * them does. 0, -E2BIG (with a line that names a rule) or -ENOMEM.
 */
int tree_cell(struct tree *tree, const __u32 *rules, size_t count, __u32 otherwise, __u32 *cell);

/* The decision of a rule that has no conditions but perhaps a limit. */
__u32 rule_decision(const struct statement *s);

#endif
