/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules, sets and blocks as `status --json` shows them. */
#ifndef XDPFW_USER_RULE_JSON_H
#define XDPFW_USER_RULE_JSON_H

#include <jansson.h>

#include "ruleset.h"
#include "xdpfw/counters.h"

/* Which rules are hidden by which: an array of ids for each statement, by position; NULL for those that are not. */
struct hidden_list {
	const struct ruleset *set;
	json_t **by;
};

/* 0 or -ENOMEM. */
int hidden_list_build(const struct ruleset *set, struct hidden_list *hidden);
void hidden_list_free(struct hidden_list *hidden);

json_t *rule_json(const struct statement *s, int n, const struct hidden_list *hidden, struct xdpfw_count count);

/* {"office":3,"blocklist":100000} */
json_t *sets_json(const struct ruleset *set);

#endif
