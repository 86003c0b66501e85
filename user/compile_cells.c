// SPDX-License-Identifier: GPL-2.0-only
/* From painted places to the cells of a policy. Where rules with conditions are noted, the cell becomes a tree. */
#include <errno.h>
#include <string.h>

#include "compiler.h"
#include "util.h"

/* Addresses that rows are chosen by: those of lists with more prefixes than a packet is asked about one by one. */

static bool is_heavy(const struct compiler *c, const __u32 *rules, size_t count, bool source)
{
	size_t weight = 0;

	for (size_t i = 0; i < count; i++) {
		const struct rule *rule = &c->set->statements[rules[i]].rule;

		weight += classes_weight(&c->classes, source ? &rule->from : &rule->to);
	}
	return weight > PREFIXES_ASKED;
}

static int classify_list(struct compiler *c, __u32 list)
{
	size_t count = 0;
	_free_ __u32 *rules = lists_rules(&c->lists, list, &count);
	int err = rules ? 0 : -ENOMEM;

	for (int source = 0; !err && source < 2; source++) {
		if (!is_heavy(c, rules, count, source))
			continue;
		for (size_t i = 0; !err && i < count; i++) {
			const struct rule *rule = &c->set->statements[rules[i]].rule;

			err = classes_add(&c->classes, source ? &rule->from : &rule->to);
		}
	}
	return err;
}

static int classify_painter(struct compiler *c, const struct painter *painter)
{
	__u32 last = 0;
	int err = 0;

	for (size_t place = 0; !err && place < painter->places; place++) {
		if (painter->lists[place] == last)
			continue;
		last = painter->lists[place];
		err = classify_list(c, last);
	}
	return err;
}

int compiler_classify(struct compiler *c)
{
	int err = 0;

	for (int dir = 0; !err && dir < XDPFW_DIRS; dir++) {
		for (int table = 0; !err && table < XDPFW_TABLES; table++)
			err = classify_painter(c, &c->ports[dir][table]);
		if (!err)
			err = classify_painter(c, &c->portless[dir]);
	}
	return err ? err : classes_write(&c->classes, &c->lines, compiler_roots(c, XDPFW_CLASSES));
}

/* Cells */

/* From the places of a painter to their cells, in place: `closing` becomes the cell. */
static int grow_trees(struct compiler *c, struct painter *painter)
{
	__u32 list = 0, closing = 0, cell = 0;

	for (size_t place = 0; place < painter->places; place++) {
		if (!painter->lists[place])
			continue;
		if (painter->lists[place] != list || painter->closing[place] != closing) {
			size_t count = 0;
			_free_ __u32 *rules = lists_rules(&c->lists, painter->lists[place], &count);
			int err;

			list = painter->lists[place];
			closing = painter->closing[place];
			err = rules ? tree_cell(&c->tree, rules, count, closing, &cell) : -ENOMEM;
			if (err)
				return err;
		}
		painter->closing[place] = cell;
	}
	return 0;
}

static int fill_ports(struct compiler *c, enum xdpfw_dir dir, enum xdpfw_table table)
{
	__u32 *cells = c->image->ports[dir][table]->cells;
	struct painter *painter = &c->ports[dir][table];
	int err = grow_trees(c, painter);

	for (__u32 port = 0; !err && port < XDPFW_PORTS; port++)
		cells[port] = painter->closing[c->stretches[dir]->of[port]];
	return err;
}

static int fill_portless(struct compiler *c, enum xdpfw_dir dir)
{
	struct xdpfw_policy_head *head = c->image->head;
	const __u32 *cells = c->portless[dir].closing;
	int err = grow_trees(c, &c->portless[dir]);

	if (err)
		return err;
	memcpy(head->protocols[dir], cells, sizeof(head->protocols[dir]));
	for (int family = 0; family < 2; family++)
		memcpy(head->icmp_types[dir][family], cells + ICMP_PLACE(family),
		       sizeof(head->icmp_types[dir][family]));
	return 0;
}

int compiler_fill_cells(struct compiler *c)
{
	int err = 0;

	tree_init(&c->tree, c->set, c->env, c->resolved, &c->classes, &c->lines, c->e);
	for (int dir = 0; !err && dir < XDPFW_DIRS; dir++) {
		for (int table = 0; !err && table < XDPFW_TABLES; table++)
			err = fill_ports(c, dir, table);
		if (!err)
			err = fill_portless(c, dir);
	}
	if (!err && c->tree.conditions.count)
		memcpy(c->image->conditions, c->tree.conditions.memory,
		       c->tree.conditions.count * sizeof(struct xdpfw_condition));
	return err;
}
