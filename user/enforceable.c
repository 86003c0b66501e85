// SPDX-License-Identifier: GPL-2.0-only
/* What the grammar knows and the data path does not know yet: refused before anything is changed. */
#include <errno.h>

#include "ruleset.h"
#include "util.h"

static const char *rule_beyond(const struct rule *rule)
{
	return rule->log || rule->log_all ? "rules that log" : NULL;
}

/* What of the statement is beyond the data path, NULL if nothing is. */
static const char *beyond(const struct statement *s)
{
	return s->kind == STATEMENT_RULE && !s->rule.disabled ? rule_beyond(&s->rule) : NULL;
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
