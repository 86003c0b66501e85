/* SPDX-License-Identifier: GPL-2.0-only */
/* From the counter number that a decision carries to the rule or forward that decided. */
#ifndef XDPFW_USER_RULE_TABLE_H
#define XDPFW_USER_RULE_TABLE_H

#include "ruleset.h"

struct rule_entry {
	const struct statement *statement; /* NULL: nobody in this ruleset has the number */
	unsigned int n;                    /* as `status` counts rules, from 1; 0: a forward */
};

struct rule_table {
	struct rule_entry *entries; /* by counter number, XDPFW_MAX_RULES of them */
};

/* The statements of @set have their counter numbers (store_number()) and outlive the table. 0 or -ENOMEM. */
int rule_table_build(const struct ruleset *set, struct rule_table *table);
void rule_table_free(struct rule_table *table);

struct rule_entry rule_table_find(const struct rule_table *table, __u32 counter);

#endif
