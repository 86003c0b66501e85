// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "top.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "baseline.h"
#include "ticker.h"
#include "util.h"

#define PORT_KEYS (XDPFW_COUNTED_DIRS * XDPFW_COUNTED_TABLES * XDPFW_PORTS)

static __u32 port_key(const struct port_row *row)
{
	return (row->dir * XDPFW_COUNTED_TABLES + row->table) * XDPFW_PORTS + row->port;
}

static bool has_counter(const struct statement *s)
{
	return (s->kind == STATEMENT_RULE || s->kind == STATEMENT_FORWARD) && s->counter;
}

static void forget_labels(struct top *top)
{
	for (size_t i = 0; i < top->rules.count; i++)
		top->rules.rows[i].label = NULL;
	for (size_t i = 0; top->labels && i < XDPFW_MAX_RULES; i++)
		free(top->labels[i]);
	free(top->labels);
	top->labels = NULL;
}

static int read_labels(struct top *top)
{
	const struct ruleset *set = &top->session.now;

	top->generation = top->session.store.control->generation;
	top->labels = calloc(XDPFW_MAX_RULES, sizeof(*top->labels));
	for (size_t i = 0; top->labels && i < set->count; i++)
		if (has_counter(&set->statements[i]))
			top->labels[set->statements[i].counter] = statement_format(&set->statements[i]);
	return top->labels ? 0 : -ENOMEM;
}

int top_open(const struct settings *settings, struct top *top, struct error *e)
{
	int err;

	memset(top, 0, sizeof(*top));
	err = session_open(settings, false, &top->session, e);
	if (err)
		return err;
	err = session_require_live(&top->session, e);
	if (!err && (live_init(&top->ports, PORT_KEYS, false) || live_init(&top->rules, XDPFW_MAX_RULES, true) ||
		     read_labels(top)))
		err = fail(e, -ENOMEM, "out of memory");
	if (err)
		top_close(top);
	return err;
}

void top_close(struct top *top)
{
	forget_labels(top);
	live_free(&top->ports);
	live_free(&top->rules);
	session_close(&top->session);
}

/* The rules have changed: their texts are those of the new ones, and what was seen of each stays. */
static int follow_rules(struct top *top, struct error *e)
{
	struct settings settings = top->session.settings;
	int err;

	forget_labels(top);
	session_close(&top->session);
	err = session_open(&settings, false, &top->session, e);
	if (!err)
		err = session_require_live(&top->session, e);
	if (!err && read_labels(top))
		err = fail(e, -ENOMEM, "out of memory");
	return err;
}

/* After a reset totals begin at what was counted then. */
static int follow_reset(struct top *top)
{
	__u64 since = baseline_since(&top->session.store);
	int err;

	if (since == top->since_ns)
		return 0;
	err = baseline_read(&top->session.store, &top->base, &top->since_ns);
	for (size_t i = 0; i < top->ports.count; i++)
		memset(top->ports.rows[i].base, 0, sizeof(top->ports.rows[i].base));
	for (size_t i = 0; !err && i < top->base.nr_ports; i++) {
		struct live_row *row = live_find(&top->ports, port_key(&top->base.ports[i]));

		if (row)
			memcpy(row->base, top->base.ports[i].sides, sizeof(row->base));
	}
	counts_free(&top->base);
	top->base.nr_ports = 0;
	return err;
}

static int read_ports(struct top *top)
{
	struct counts counts;
	int err = counts_read(&top->session.store, &counts);

	for (size_t i = 0; !err && i < counts.nr_ports; i++) {
		const struct port_row *port = &counts.ports[i];
		struct live_row *row = live_count(&top->ports, port_key(port), port->sides);

		if (!row) {
			err = -ENOMEM;
			break;
		}
		row->dir = port->dir;
		row->port = port->port;
	}
	counts_free(&counts);
	return err;
}

/* What a rule decided is received, sent or dropped, by its direction and action. */
static enum xdpfw_flow_side side_of(const struct statement *s)
{
	if (s->kind == STATEMENT_RULE && s->rule.verdict != XDPFW_PASS)
		return XDPFW_DROPPED;
	return s->kind == STATEMENT_RULE && s->rule.dir == XDPFW_OUT ? XDPFW_TX : XDPFW_RX;
}

static int read_rules(struct top *top)
{
	const struct ruleset *set = &top->session.now;

	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];
		struct xdpfw_count sides[XDPFW_SIDES] = {};
		struct live_row *row;

		if (!has_counter(s))
			continue;
		sides[side_of(s)] = store_rule_count(&top->session.store, s->counter);
		row = live_count(&top->rules, s->counter, sides);
		if (!row)
			return -ENOMEM;
		row->dir = s->kind == STATEMENT_RULE ? s->rule.dir : XDPFW_IN;
		row->label = top->labels[s->counter];
	}
	return 0;
}

/* Has any moved? */
static bool read_reasons(struct top *top)
{
	struct counts before = top->raw;

	counts_read_reasons(&top->session.store, &top->raw);
	top->change = top->raw;
	if (top->ports.interval_ns)
		counts_subtract(&top->change, &before);
	else
		top->change.nr_reasons = 0;
	return top->change.nr_reasons;
}

int top_tick(struct top *top, struct error *e)
{
	struct session *s = &top->session;
	bool moved_before = top->moved, fresh, first;
	__u64 now;
	int err;

	if (!store_is_live(&s->store))
		return fail(e, -ENOTCONN, "top: unloaded meanwhile; nothing is counted any more");
	fresh = s->store.control->generation != top->generation;
	err = fresh ? follow_rules(top, e) : 0;
	if (err)
		return err;
	now = clock_ns(CLOCK_MONOTONIC);
	first = !top->ports.begun_ns;
	live_begin(&top->ports, now);
	live_begin(&top->rules, now);
	top->moved = read_reasons(top);
	/* Every packet is counted under its reason before it is under its port: where no reason has moved, over two
	 * intervals lest we came between the two, nothing has, and the megabytes of port counters need not be read. */
	if (first || fresh || top->moved || moved_before)
		err = read_ports(top) ?: read_rules(top);
	if (!err)
		err = follow_reset(top);
	return err ? fail(e, err, "top: %s", strerror(-err)) : 0;
}

static bool is_drop(const struct reason_row *row)
{
	return row->verdict == XDPFW_DROP || row->verdict == XDPFW_REJECT;
}

struct xdpfw_count top_flow(const struct top *top, enum xdpfw_dir dir, bool dropped)
{
	struct xdpfw_count sum = {};

	for (size_t i = 0; i < top->change.nr_reasons; i++) {
		const struct reason_row *row = &top->change.reasons[i];

		if ((row->dir == XDPFW_OUT) != (dir == XDPFW_OUT) || is_drop(row) != dropped)
			continue;
		sum.packets += row->count.packets;
		sum.bytes += row->count.bytes;
	}
	return sum;
}

static int by_packets(const void *a, const void *b)
{
	const struct reason_row *one = a, *two = b;

	return one->count.packets < two->count.packets ? 1 : -(one->count.packets > two->count.packets);
}

size_t top_drops(const struct top *top, struct reason_row *rows, size_t most)
{
	struct counts drops = {};

	for (size_t i = 0; i < top->change.nr_reasons; i++)
		if (is_drop(&top->change.reasons[i]))
			drops.reasons[drops.nr_reasons++] = top->change.reasons[i];
	qsort(drops.reasons, drops.nr_reasons, sizeof(*drops.reasons), by_packets);
	if (most > drops.nr_reasons)
		most = drops.nr_reasons;
	memcpy(rows, drops.reasons, most * sizeof(*rows));
	return most;
}
