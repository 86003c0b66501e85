// SPDX-License-Identifier: GPL-2.0-only
/* What was counted. */
#include <string.h>

#include "rig.h"
#include "store.h"

#define RULES_WATCHED 64 /* more than any test has */

static void take_reasons(struct outcome *result)
{
	struct xdpfw_reason_counts *counts = &rig.tallies[rig.cpu].reasons;

	for (int place = 0; place < XDPFW_DIRS * 4 * 64; place++) {
		struct xdpfw_count *count = &counts->at[0][0][0] + place;

		if (!count->packets)
			continue;
		result->nr_reasons++;
		result->dir = place / (4 * 64);
		result->verdict = place / 64 % 4;
		result->reason = place % 64;
		result->reason_count = *count;
	}
	memset(counts, 0, sizeof(*counts));
}

static void take_rules(struct outcome *result)
{
	struct xdpfw_count *rules = rig.rule_counts[rig.cpu].rules;
	__u16 *deltas = rig.tallies[rig.cpu].rules.rules;

	for (__u32 rule = 0; rule < RULES_WATCHED; rule++) {
		struct xdpfw_count count = store_total(&rules[rule], &deltas[rule]);

		if (!count.packets)
			continue;
		result->nr_rules++;
		result->rule = rule;
		result->rule_count = count;
	}
	memset(rules, 0, RULES_WATCHED * sizeof(*rules));
	memset(deltas, 0, RULES_WATCHED * sizeof(*deltas));
}

/* Drops are counted in two places; what passes has no delta. */
static __u16 *find_delta(const struct port_tally *tally)
{
	static __u16 none;

	if (tally->side != XDPFW_DROPPED)
		return &none;
	return &rig.tallies[rig.cpu].drops[tally->dir][tally->table].ports[tally->port];
}

static void take_port(struct port_tally tally, struct outcome *result)
{
	__u32 index = xdpfw_port_counts_index(rig.cpu, tally.dir, tally.table, tally.side);
	struct xdpfw_count *count = &rig.port_counts[index].ports[tally.port];
	__u16 *delta = find_delta(&tally);

	if (!count->packets && !*delta)
		return;
	tally.count = store_total(count, delta);
	result->nr_ports++;
	result->port = tally;
	memset(count, 0, sizeof(*count));
	*delta = 0;
}

static void take_sides(__u16 port, struct outcome *result)
{
	for (int dir = 0; dir < XDPFW_COUNTED_DIRS; dir++)
		for (int table = 0; table < XDPFW_COUNTED_TABLES; table++)
			for (int side = 0; side < XDPFW_SIDES; side++)
				take_port((struct port_tally){dir, table, side, port, {}}, result);
}

/* A port that was counted was read from the frame, as it came in or as it went out: look at each pair of bytes in
 * the headers. no_port_counted() would find the rest. */
static void take_ports(const struct frame *f, struct outcome *result)
{
	for (size_t i = 0; i + 1 < f->size; i++)
		if (i < 256 || (i >= f->l4 && i < f->l4 + 64))
			take_sides(f->bytes[i] << 8 | f->bytes[i + 1], result);
}

void take_counters(const struct frame *f, struct outcome *result)
{
	take_reasons(result);
	take_rules(result);
	take_ports(f, result);
	take_ports(&result->frame, result);
}

/* Table by table, as they lie in memory. */
bool no_port_counted(struct port_tally *stray)
{
	struct outcome all = {};

	for (int i = 0; i < XDPFW_PORT_COUNTS_PER_CPU; i++) {
		struct port_tally tally = {.side = i % XDPFW_SIDES};

		tally.table = i / XDPFW_SIDES % XDPFW_COUNTED_TABLES;
		tally.dir = i / XDPFW_SIDES / XDPFW_COUNTED_TABLES;
		for (int port = 0; port < XDPFW_PORTS; port++) {
			tally.port = port;
			take_port(tally, &all);
		}
	}
	*stray = all.port;
	return all.nr_ports == 0;
}

void forget_counts(void)
{
	memset(&rig.port_counts[xdpfw_port_counts_index(rig.cpu, 0, 0, 0)], 0,
	       XDPFW_PORT_COUNTS_PER_CPU * sizeof(*rig.port_counts));
	memset(&rig.tallies[rig.cpu], 0, sizeof(*rig.tallies));
	memset(&rig.rule_counts[rig.cpu], 0, sizeof(*rig.rule_counts));
}
