// SPDX-License-Identifier: GPL-2.0-only
#include "dead_targets.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "forward.h"
#include "statement_forward.h"
#include "text.h"
#include "translations.h"
#include "util.h"

static unsigned int all_targets(const struct forward *f)
{
	return (1U << f->nr_targets) - 1;
}

unsigned int dead_targets_of(const struct session *s, const struct statement *st)
{
	unsigned int dead = s->live ? s->store.dead_targets->of[st->counter] : 0;

	return dead == all_targets(&st->forward) ? 0 : dead;
}

/* Of which forward, and which of its targets. */
struct lost {
	const struct statement *statement;
	unsigned int dead;
};

static bool is_target(const struct forward *f, const struct forward_target *target, const struct connection *c)
{
	const struct xdpfw_addr *addr = &c->ends.at[XDPFW_TARGET];

	if (target->remote && memcmp(&target->addr, addr, sizeof(*addr)))
		return false;
	for (size_t i = 0; i < f->nr_ranges; i++)
		if (c->translation.target_port >= target->ports[i].first &&
		    c->translation.target_port <= target->ports[i].last)
			return true;
	return false;
}

static bool is_lost(const struct connection *c, const void *data)
{
	const struct lost *lost = data;
	const struct forward *f = &lost->statement->forward;

	if (c->translation.counter != lost->statement->counter)
		return false;
	if (c->translation.protocol == IPPROTO_TCP && c->translation.state != XDPFW_FLOW_SYN)
		return false;
	for (size_t i = 0; i < f->nr_targets; i++)
		if (lost->dead >> i & 1 && is_target(f, &f->targets[i], c))
			return true;
	return false;
}

void dead_targets_set(struct session *s, const struct statement *st, unsigned int dead)
{
	struct lost lost = {.statement = st};

	__atomic_store_n(&s->store.dead_targets->of[st->counter], dead, __ATOMIC_RELAXED);
	lost.dead = dead_targets_of(s, st);
	if (lost.dead)
		translations_cut(&s->store, is_lost, &lost);
}

json_t *dead_targets_json(const struct session *s, const struct statement *st)
{
	unsigned int dead = dead_targets_of(s, st);
	json_t *list = json_array();

	for (size_t i = 0; i < st->forward.nr_targets; i++) {
		_text_ struct text target = {};

		if (!(dead >> i & 1))
			continue;
		forward_target_write(&target, &st->forward, &st->forward.targets[i]);
		json_array_append_new(list, json_string(target.data));
	}
	return list;
}

void dead_targets_print(const struct session *s, const struct statement *st, int indent)
{
	json_t *list = dead_targets_json(s, st);
	const json_t *target;
	size_t i;

	json_array_foreach (list, i, target)
		printf("%*spassed over: %s\n", indent, "", json_string_value(target));
	json_decref(list);
}
