// SPDX-License-Identifier: GPL-2.0-only
#include "compile_log.h"

#include <string.h>

static enum xdpfw_rule_log rule_log(const struct statement *s)
{
	if (s->kind != STATEMENT_RULE)
		return XDPFW_LOG_NONE;
	return s->rule.log_all ? XDPFW_LOG_ALL : s->rule.log ? XDPFW_LOG_REQUESTS : XDPFW_LOG_NONE;
}

void compile_log(const struct ruleset *set, struct xdpfw_policy_head *head, struct xdpfw_rule_logs *logs)
{
	memset(logs, 0, sizeof(*logs));
	head->log_rate = ruleset_option(set, OPTION_LOG_RATE);
	if (ruleset_option(set, OPTION_LOG_DROPS))
		head->flags |= XDPFW_LOG_DROPS;
	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];

		logs->rules[s->counter] |= rule_log(s);
		if (rule_log(s) != XDPFW_LOG_NONE)
			head->flags |= XDPFW_LOG_RULES;
	}
}
