// SPDX-License-Identifier: GPL-2.0-only
#include "rule_table.h"

#include <errno.h>
#include <stdlib.h>

#include "xdpfw/counters.h"

int rule_table_build(const struct ruleset *set, struct rule_table *table)
{
	struct rule_entry *entries = calloc(XDPFW_MAX_RULES, sizeof(*entries));
	unsigned int n = 0;

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];
		bool rule = s->kind == STATEMENT_RULE;

		n += rule;
		if (s->counter)
			entries[s->counter] = (struct rule_entry){s, rule ? n : 0};
	}
	table->entries = entries;
	return 0;
}

void rule_table_free(struct rule_table *table)
{
	free(table->entries);
	table->entries = NULL;
}

struct rule_entry rule_table_find(const struct rule_table *table, __u32 counter)
{
	return counter && counter < XDPFW_MAX_RULES ? table->entries[counter] : (struct rule_entry){};
}
