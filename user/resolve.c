// SPDX-License-Identifier: GPL-2.0-only
#include "resolve.h"

#include <errno.h>

static bool resolve_iface(const struct environment *env, const char *name, __u32 *index)
{
	if (name)
		*index = env->find_iface(name);
	return !name || *index;
}

/* The cgroup of a service that does not run is not there; neither is what the rule speaks of. */
static bool resolve_cgroup(const struct environment *env, const char *path, struct resolved *r)
{
	return !path || env->find_cgroup(path, &r->cgroup, &r->cgroup_level) == 0;
}

static int resolve_rule(const struct rule *rule, const struct environment *env, struct resolved *r, struct error *e)
{
	r->never = rule->disabled || (rule->expires && rule->expires <= env->now) ||
		   !resolve_iface(env, rule->on, &r->iface) || !resolve_iface(env, rule->on_out, &r->iface_out) ||
		   !resolve_cgroup(env, rule->cgroup, r);
	r->conditional = rule->from.kind != ADDRESS_ANY || rule->to.kind != ADDRESS_ANY || rule->source_ports.count ||
			 rule->on || rule->on_out || rule->user || rule->cgroup || rule->limited || rule->expires;
	if (!r->never && rule->user && env->find_user(rule->user, &r->user))
		return fail(e, -ENOENT, "'user %s': there is no such user", excerpt(rule->user).text);
	return 0;
}

int resolve_rules(const struct ruleset *set, const struct environment *env, struct resolved *resolved, struct error *e)
{
	int err = 0;

	for (size_t i = 0; !err && i < set->count; i++)
		if (set->statements[i].kind == STATEMENT_RULE)
			err = resolve_rule(&set->statements[i].rule, env, &resolved[i], e);
	return err;
}
