// SPDX-License-Identifier: GPL-2.0-only
/* What the grammar knows and the data path does not know yet: refused before anything is changed. */
#include <errno.h>

#include "ruleset.h"
#include "util.h"

static const char *rule_beyond(const struct rule *rule)
{
	if (rule->from.kind == ADDRESS_SET || rule->to.kind == ADDRESS_SET)
		return "rules with address sets";
	if (rule->from.kind != ADDRESS_ANY || rule->to.kind != ADDRESS_ANY)
		return "rules with addresses";
	if (rule->source_ports.count)
		return "rules with source ports";
	if (rule->on || rule->on_out)
		return "rules for one interface";
	if (rule->user)
		return "rules for users";
	if (rule->cgroup)
		return "rules for cgroups";
	if (rule->limited)
		return "rate limits";
	if (rule->log || rule->log_all)
		return "rules that log";
	return rule->expires ? "rules that expire" : NULL;
}

/* What of the statement is beyond the data path, NULL if nothing is. */
static const char *beyond(const struct statement *s)
{
	switch (s->kind) {
	case STATEMENT_RULE:
		return s->rule.disabled ? NULL : rule_beyond(&s->rule);
	case STATEMENT_BLOCK:
		return s->block.expires ? "blocks that expire" : NULL;
	default:
		return NULL;
	}
}

int ruleset_enforceable(const struct ruleset *set, struct error *e)
{
	for (size_t i = 0; i < set->count; i++) {
		const char *what = beyond(&set->statements[i]);
		_free_ char *line = what ? statement_format(&set->statements[i]) : NULL;

		if (what)
			return fail(e, -EOPNOTSUPP, "'%s': %s are not part of this version",
				    line ? excerpt(line).text : "", what);
	}
	return 0;
}
