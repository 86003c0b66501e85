/* SPDX-License-Identifier: GPL-2.0-only */
/* What a rule owns, and what of it is the same as of another. */
#ifndef XDPFW_USER_RULE_H
#define XDPFW_USER_RULE_H

#include "ruleset.h"

void rule_free(struct rule *rule);

/* Deep copy; 0 or -ENOMEM. */
int rule_copy(const struct rule *from, struct rule *to);

/* Of two rules with the same match part: do they do the same? */
bool rule_same_action(const struct rule *a, const struct rule *b);

#endif
