// SPDX-License-Identifier: GPL-2.0-only
#include "warnings.h"

#include "forward_check.h"
#include "overlap.h"
#include "parse_addr.h"
#include "util.h"

void warn_of_hidden(const struct ruleset *set, __u64 id, struct changes *c)
{
	static const char *const how[] = {
		[OVERLAP_MAYBE] = "may decide some",
		[OVERLAP_SOME] = "decides some",
		[OVERLAP_ALL] = "decides all",
	};
	const struct statement *s = ruleset_find(set, STATEMENT_RULE, id);

	for (const struct statement *earlier = set->statements; s && earlier < s; earlier++) {
		enum overlap overlap =
			earlier->kind == STATEMENT_RULE ? rule_hides(&earlier->rule, &s->rule) : OVERLAP_NONE;
		_free_ char *line = overlap ? statement_format(earlier) : NULL;

		if (line)
			changes_warn(c, "'%s' comes first and %s of these requests", line, how[overlap]);
	}
}

/* A set is what its members are; one without any matches nothing. */
static void warn_of_empty_set(const struct ruleset *set, const struct address_match *match, struct changes *c)
{
	if (match->kind == ADDRESS_SET && !ruleset_has_set(set, match->set))
		changes_warn(c, "@%s: has no members yet, so the rule matches nothing; write set add %s ADDRESS",
			     match->set, match->set);
}

static void warn_of_absent_iface(const struct environment *env, const char *name, const char *what, struct changes *c)
{
	if (name && !env->find_iface(name))
		changes_warn(
			c,
			"%s: there is no such interface now, so the %s matches nothing; `xdpfw reload` when there is",
			name, what);
}

/* Names are looked up when the policy is compiled: what is not there then is not meant. */
static void warn_of_absent(const struct environment *env, const struct rule *rule, struct changes *c)
{
	__u64 id;
	__u32 level;

	warn_of_absent_iface(env, rule->on, "rule", c);
	warn_of_absent_iface(env, rule->on_out, "rule", c);
	if (rule->cgroup && env->find_cgroup(rule->cgroup, &id, &level))
		changes_warn(
			c, "%s: there is no such cgroup now, so the rule matches nothing; `xdpfw reload` when there is",
			rule->cgroup);
}

/* As `forward --check`, but for neighbours, which may not have been asked for long. */
static void warn_of_targets(const struct ruleset *set, const struct forward *f, struct changes *c)
{
	for (size_t i = 0; i < f->nr_targets; i++) {
		struct fault faults[FAULTS_MAX];
		size_t count = forward_check(set, NULL, f, i, faults);
		char addr[ADDR_TEXT_MAX];

		format_addr(&f->targets[i].addr, addr);
		for (size_t j = 0; j < count; j++)
			if (faults[j].kind == FAULT_FORWARDING)
				changes_warn(c, "%s", faults[j].text);
			else if (faults[j].kind != FAULT_NEIGHBOUR)
				changes_warn(c, "%s: %s", addr, faults[j].text);
	}
}

void warn_of_statement(const struct ruleset *set, const struct statement *s, const struct environment *env,
		       struct changes *c)
{
	if (s->kind == STATEMENT_FORWARD) {
		warn_of_absent_iface(env, s->forward.on, "forward", c);
		warn_of_targets(set, &s->forward, c);
	}
	if (s->kind != STATEMENT_RULE)
		return;
	warn_of_empty_set(set, &s->rule.from, c);
	warn_of_empty_set(set, &s->rule.to, c);
	warn_of_absent(env, &s->rule, c);
}

void warn_of_ruleset(const struct ruleset *set, struct changes *c)
{
	const struct environment env = environment_here();

	for (size_t i = 0; i < set->count; i++)
		warn_of_statement(set, &set->statements[i], &env, c);
}
