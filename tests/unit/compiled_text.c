// SPDX-License-Identifier: GPL-2.0-only
#include "compiled_text.h"

#include "unit.h"

struct compiled compiled;

static __u32 find_iface(const char *name)
{
	return !strncmp(name, "eth", 3) ? 2 + atoi(name + 3) : 0;
}

static int find_user(const char *name, __u32 *uid)
{
	*uid = 1000;
	return strcmp(name, "nobody-has-this-name") ? 0 : -ENOENT;
}

static int find_cgroup(const char *path, __u64 *id, __u32 *level)
{
	(void)path;
	*id = 77;
	*level = 1;
	return 0;
}

static int find_source(const struct xdpfw_addr *to, struct xdpfw_addr *source)
{
	*source = *to;
	source->bytes[15] = 1;
	return 0;
}

/* A host that is always the same. */
static const struct environment here = {
	.hz = HZ,
	.jiffies = 1000000,
	.now = 2000000000,
	.find_iface = find_iface,
	.find_user = find_user,
	.find_cgroup = find_cgroup,
	.find_source = find_source,
};

void give_counters(struct ruleset *set)
{
	int rules = 0, forwards = 0;

	for (size_t i = 0; i < set->count; i++) {
		if (set->statements[i].kind == STATEMENT_RULE)
			set->statements[i].counter = ++rules;
		else if (set->statements[i].kind == STATEMENT_FORWARD)
			set->statements[i].counter = 1000 + ++forwards;
		set->statements[i].answers = 5000 + forwards;
	}
}

void compile_text(const char *text)
{
	struct policy_image image = {
		.head = &compiled.head,
		.links = {&compiled.links[0], &compiled.links[1], &compiled.links[2]},
		.forwards = compiled.forwards,
		.conditions = compiled.conditions,
	};
	struct ruleset set = parse_set(text);

	for (int dir = 0; dir < 3; dir++)
		for (int table = 0; table < 3; table++)
			image.ports[dir][table] = &compiled.ports[dir][table];
	for (int table = 0; table < XDPFW_LISTENER_TABLES; table++)
		for (int family = 0; family < 2; family++)
			image.listeners[table][family] = &compiled.listeners[table][family];
	give_counters(&set);
	memset(&compiled, 0xa5, sizeof(compiled)); /* what was there must not shine through */
	cr_assert_eq(compile(&set, &here, &image, NULL), 0);
	lines_free(&image.lines);
	ruleset_free(&set);
}
