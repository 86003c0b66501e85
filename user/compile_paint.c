// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which rules may decide where. For each direction a painter goes over the stretches of ports between which no
 * rule makes a difference, and one over what has no ports.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>

#include "compiler.h"
#include "forward.h"
#include "util.h"

static const unsigned int table_protocols[XDPFW_TABLES] = {
	[XDPFW_TCP] = PROTO_TCP,
	[XDPFW_UDP] = PROTO_UDP,
	[XDPFW_SCTP] = PROTO_SCTP,
};
static __u32 default_decision(const struct ruleset *set, enum xdpfw_dir dir)
{
	return xdpfw_decision(ruleset_default(set, dir), XDPFW_R_DEFAULT, 0);
}

static bool is_link(const struct statement *s)
{
	return s->kind == STATEMENT_FORWARD && forward_is_link(&s->forward);
}

/* Stretches */

static void cut(bool *begins, __u32 first, __u32 last)
{
	begins[first] = true;
	begins[last + 1] = true;
}

static void cut_link(bool *begins, const struct forward *f)
{
	for (size_t i = 0; i < f->nr_ranges; i++) {
		cut(begins, f->listen[i].first, f->listen[i].last);
		cut(begins, f->targets[0].ports[i].first, f->targets[0].ports[i].last);
	}
}

static void cut_statement(bool *begins, const struct statement *s, enum xdpfw_dir dir)
{
	if (s->kind == STATEMENT_RULE && s->rule.dir == dir && s->rule.match == MATCH_PORTS) {
		for (size_t i = 0; i < s->rule.ports.count; i++)
			cut(begins, s->rule.ports.ranges[i].first, s->rule.ports.ranges[i].last);
	} else if (is_link(s) && dir == XDPFW_IN) {
		cut_link(begins, &s->forward);
	}
}

static struct stretches *find_stretches(const struct ruleset *set, enum xdpfw_dir dir)
{
	_free_ bool *begins = calloc(XDPFW_PORTS + 1, sizeof(*begins));
	struct stretches *stretches = malloc(sizeof(*stretches));

	if (!begins || !stretches) {
		free(stretches);
		return NULL;
	}
	cut(begins, 0, 0);
	for (size_t i = 0; i < set->count; i++)
		cut_statement(begins, &set->statements[i], dir);
	stretches->count = 0;
	for (__u32 port = 0; port < XDPFW_PORTS; port++) {
		stretches->count += begins[port];
		stretches->of[port] = stretches->count - 1;
	}
	return stretches;
}

/* Painting */

/* Rule number @i over the places [first, last] of a painter. */
static int paint(struct compiler *c, struct painter *painter, __u32 i, size_t first, size_t last)
{
	if (c->resolved[i].conditional)
		return painter_note(painter, &c->lists, first, last, i);
	painter_close(painter, first, last, rule_decision(&c->set->statements[i]));
	return 0;
}

static int paint_ports(struct compiler *c, __u32 i, enum xdpfw_table table)
{
	const struct rule *rule = &c->set->statements[i].rule;
	const struct stretches *stretches = c->stretches[rule->dir];
	struct painter *painter = &c->ports[rule->dir][table];
	int err = 0;

	if (rule->match == MATCH_ANY)
		return paint(c, painter, i, 0, stretches->count - 1);
	if (rule->match != MATCH_PORTS || !(rule->protocols & table_protocols[table]))
		return 0;
	for (size_t r = 0; !err && r < rule->ports.count; r++)
		err = paint(c, painter, i, stretches->of[rule->ports.ranges[r].first],
			    stretches->of[rule->ports.ranges[r].last]);
	return err;
}

static int paint_icmp(struct compiler *c, __u32 i)
{
	const struct rule *rule = &c->set->statements[i].rule;
	struct painter *painter = &c->portless[rule->dir];
	int err = 0;

	for (int family = 0; !err && family < 2; family++) {
		size_t first = ICMP_PLACE(family), last = first + ICMP_TYPES - 1;

		if (!(rule->icmp_families & 1U << family))
			continue;
		if (rule->has_icmp_type)
			first = last = ICMP_PLACE(family) + rule->icmp_type[family];
		err = paint(c, painter, i, first, last);
	}
	return err;
}

/* What has no ports, in the same order as the ports. */
static int paint_portless(struct compiler *c, __u32 i)
{
	const struct rule *rule = &c->set->statements[i].rule;
	struct painter *painter = &c->portless[rule->dir];

	switch (rule->match) {
	case MATCH_ANY:
		return paint(c, painter, i, 0, PORTLESS - 1);
	case MATCH_PROTOCOL:
		return paint(c, painter, i, rule->protocol, rule->protocol);
	case MATCH_ICMP:
		return paint_icmp(c, i);
	default:
		return 0;
	}
}

static int paint_rules(struct compiler *c)
{
	int err = 0;

	for (size_t i = 0; !err && i < c->set->count; i++) {
		if (c->set->statements[i].kind != STATEMENT_RULE || c->resolved[i].never)
			continue;
		for (int table = 0; !err && table < XDPFW_TABLES; table++)
			err = paint_ports(c, i, table);
		if (!err)
			err = paint_portless(c, i);
	}
	return err;
}

static void paint_range(struct compiler *c, enum xdpfw_table table, const struct port_range *range, __u32 decision)
{
	const __u32 *of = c->stretches[XDPFW_IN]->of;

	painter_close(&c->ports[XDPFW_IN][table], of[range->first], of[range->last], decision);
}

/*
 * A link lets in what is for either of its ends. Other forwards let in themselves what they take, in the data path
 * (bpf/begin.h): not what is for a group, nor what answers this host's own requests from such a port.
 */
static void paint_link(struct compiler *c, const struct statement *s, enum xdpfw_table table)
{
	__u32 decision = xdpfw_decision(XDPFW_PASS, XDPFW_R_FORWARD, s->counter);
	const struct forward *f = &s->forward;

	for (size_t i = 0; f->protocols & table_protocols[table] && i < f->nr_ranges; i++) {
		paint_range(c, table, &f->listen[i], decision);
		paint_range(c, table, &f->targets[0].ports[i], decision);
	}
}

static void paint_rest(struct compiler *c, enum xdpfw_dir dir)
{
	size_t last = c->stretches[dir]->count - 1;

	for (int table = 0; table < XDPFW_TABLES; table++) {
		struct painter *painter = &c->ports[dir][table];

		for (size_t i = 0; dir == XDPFW_IN && i < c->set->count; i++)
			if (is_link(&c->set->statements[i]))
				paint_link(c, &c->set->statements[i], table);
		painter_close(painter, 0, 0, xdpfw_decision(XDPFW_DROP, XDPFW_R_PORT_ZERO, 0));
		painter_close(painter, 1, last, default_decision(c->set, dir));
	}
}

/* Ping is polite unless a rule has spoken; one with conditions may not apply, and ping is what then holds. */
static void paint_ping(struct compiler *c)
{
	static const __u8 requests[] = {ICMP_ECHO, ICMP6_ECHO_REQUEST};

	for (int family = 0; ruleset_option(c->set, OPTION_ALLOW_PING) && family < 2; family++) {
		size_t place = ICMP_PLACE(family) + requests[family];

		painter_close(&c->portless[XDPFW_IN], place, place, xdpfw_decision(XDPFW_PASS, XDPFW_R_COURTESY, 0));
	}
}

int compiler_paint(struct compiler *c)
{
	int err = paint_rules(c);

	if (err)
		return err;
	paint_ping(c);
	for (int dir = 0; dir < XDPFW_DIRS; dir++) {
		paint_rest(c, dir);
		painter_close(&c->portless[dir], 0, PORTLESS - 1, default_decision(c->set, dir));
	}
	return 0;
}

int compiler_make_painters(struct compiler *c)
{
	int err = 0;

	for (int dir = 0; !err && dir < XDPFW_DIRS; dir++) {
		c->stretches[dir] = find_stretches(c->set, dir);
		err = c->stretches[dir] ? painter_init(&c->portless[dir], PORTLESS) : -ENOMEM;
		for (int table = 0; !err && table < XDPFW_TABLES; table++)
			err = painter_init(&c->ports[dir][table], c->stretches[dir]->count);
	}
	return err;
}

void compiler_free_painters(struct compiler *c)
{
	for (int dir = 0; dir < XDPFW_DIRS; dir++) {
		free(c->stretches[dir]);
		painter_free(&c->portless[dir]);
		for (int table = 0; table < XDPFW_TABLES; table++)
			painter_free(&c->ports[dir][table]);
	}
}
