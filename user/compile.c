// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each port table is painted in the order in which its deciders are asked: rules from
 * the first to the last, forwards, port 0, the default. A cell keeps its first
 * colour, and painted cells are skipped in one step, so the work is bounded by
 * ranges + ports however much the ranges overlap.
 */
#include "compile.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define PROTOCOLS  256
#define ICMP_TYPES 256

struct painter {
	__u32 *cells;
	__u32 next[XDPFW_PORTS + 1]; /* union-find: the way to the first unpainted cell at or above this one */
};

static void painter_begin(struct painter *painter, __u32 *cells)
{
	painter->cells = cells;
	for (__u32 port = 0; port <= XDPFW_PORTS; port++)
		painter->next[port] = port;
}

/* The first unpainted cell at or above @port; XDPFW_PORTS if there is none. */
static __u32 next_unpainted(struct painter *painter, __u32 port)
{
	__u32 *next = painter->next;

	while (next[port] != port) {
		next[port] = next[next[port]]; /* halve the path for those who come later */
		port = next[port];
	}
	return port;
}

static void paint(struct painter *painter, __u32 first, __u32 last, __u32 decision)
{
	for (__u32 port = next_unpainted(painter, first); port <= last; port = next_unpainted(painter, port)) {
		painter->cells[port] = decision;
		painter->next[port] = port + 1;
	}
}

static const unsigned int table_protocols[XDPFW_TABLES] = {
	[XDPFW_TCP] = PROTO_TCP,
	[XDPFW_UDP] = PROTO_UDP,
	[XDPFW_SCTP] = PROTO_SCTP,
};

static __u32 default_decision(const struct ruleset *set, enum xdpfw_dir dir)
{
	return xdpfw_decision(ruleset_default(set, dir), XDPFW_R_DEFAULT, 0);
}

static __u32 rule_decision(const struct statement *s)
{
	return xdpfw_decision(s->rule.verdict, XDPFW_R_RULE, s->counter);
}

static void paint_rule(struct painter *painter, const struct statement *s, unsigned int protocol)
{
	const struct rule *rule = &s->rule;

	if (rule->match == MATCH_ANY)
		paint(painter, 0, XDPFW_PORTS - 1, rule_decision(s));
	else if (rule->match == MATCH_PORTS && rule->protocols & protocol)
		for (size_t i = 0; i < rule->ports.count; i++)
			paint(painter, rule->ports.ranges[i].first, rule->ports.ranges[i].last, rule_decision(s));
}

/* A forward lets in what it listens for, and a link listens on both its ports. */
static void paint_forward(struct painter *painter, const struct statement *s, unsigned int protocol)
{
	__u32 decision = xdpfw_decision(XDPFW_PASS, XDPFW_R_FORWARD, s->counter);

	if (!(s->forward.protocols & protocol))
		return;
	paint(painter, s->forward.listen, s->forward.listen, decision);
	paint(painter, s->forward.target, s->forward.target, decision);
}

static void compile_ports(const struct ruleset *set, enum xdpfw_dir dir, enum xdpfw_table table,
			  struct painter *painter)
{
	const struct statement *end = set->statements + set->count;

	for (const struct statement *s = set->statements; s < end; s++)
		if (s->kind == STATEMENT_RULE && s->rule.dir == dir && !s->rule.disabled)
			paint_rule(painter, s, table_protocols[table]);
	for (const struct statement *s = set->statements; dir == XDPFW_IN && s < end; s++)
		if (s->kind == STATEMENT_FORWARD)
			paint_forward(painter, s, table_protocols[table]);
	paint(painter, 0, 0, xdpfw_decision(XDPFW_DROP, XDPFW_R_PORT_ZERO, 0));
	paint(painter, 1, XDPFW_PORTS - 1, default_decision(set, dir));
}

static void compile_links(const struct ruleset *set, enum xdpfw_table table, struct xdpfw_link_table *links)
{
	memset(links, 0, sizeof(*links));
	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];

		if (s->kind != STATEMENT_FORWARD || !(s->forward.protocols & table_protocols[table]))
			continue;
		links->delta[s->forward.listen] = s->forward.listen ^ s->forward.target;
		links->delta[s->forward.target] = s->forward.listen ^ s->forward.target;
	}
}

/* Cells without a decision get this one. */
static void settle(__u32 *cells, size_t count, __u32 decision)
{
	for (size_t i = 0; i < count; i++)
		if (!cells[i])
			cells[i] = decision;
}

static void settle_all(struct xdpfw_policy_head *head, enum xdpfw_dir dir, __u32 decision)
{
	settle(head->protocols[dir], PROTOCOLS, decision);
	for (int family = 0; family < 2; family++)
		settle(head->icmp_types[dir][family], ICMP_TYPES, decision);
}

static void settle_icmp(struct xdpfw_policy_head *head, const struct rule *rule, __u32 decision)
{
	for (int family = 0; family < 2; family++) {
		__u32 *types = head->icmp_types[rule->dir][family];

		if (!(rule->icmp_families & 1U << family))
			continue;
		if (rule->has_icmp_type)
			settle(&types[rule->icmp_type[family]], 1, decision);
		else
			settle(types, ICMP_TYPES, decision);
	}
}

/* What has no ports, in the same order as the ports. */
static void compile_portless(const struct ruleset *set, enum xdpfw_dir dir, struct xdpfw_policy_head *head)
{
	memset(head->protocols[dir], 0, sizeof(head->protocols[dir]));
	memset(head->icmp_types[dir], 0, sizeof(head->icmp_types[dir]));
	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];

		if (s->kind != STATEMENT_RULE || s->rule.dir != dir || s->rule.disabled)
			continue;
		if (s->rule.match == MATCH_ANY)
			settle_all(head, dir, rule_decision(s));
		else if (s->rule.match == MATCH_PROTOCOL)
			settle(&head->protocols[dir][s->rule.protocol], 1, rule_decision(s));
		else if (s->rule.match == MATCH_ICMP)
			settle_icmp(head, &s->rule, rule_decision(s));
	}
	settle_all(head, dir, default_decision(set, dir));
}

static void allow_ping(const struct ruleset *set, struct xdpfw_policy_head *head)
{
	__u32 *cells[] = {
		&head->icmp_types[XDPFW_IN][0][ICMP_ECHO],
		&head->icmp_types[XDPFW_IN][1][ICMP6_ECHO_REQUEST],
	};

	for (size_t i = 0; ruleset_option(set, OPTION_ALLOW_PING) && i < ARRAY_SIZE(cells); i++)
		if (xdpfw_reason_of(*cells[i]) != XDPFW_R_RULE)
			*cells[i] = xdpfw_decision(XDPFW_PASS, XDPFW_R_COURTESY, 0);
}

/* Where both drop, it does not matter which: a flood is not worth the question. */
static bool makes_a_difference(__u32 in, __u32 routed)
{
	if (xdpfw_verdict_of(in) != xdpfw_verdict_of(routed))
		return true;
	return xdpfw_verdict_of(in) == XDPFW_PASS && in != routed;
}

static void mark_cells(__u32 *in, const __u32 *routed, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (makes_a_difference(in[i], routed[i]))
			in[i] |= XDPFW_ASK_ROUTED;
}

/* Only where it changes the verdict (or what passing counts for) does the data path ask whether a request is for
 * this host. */
static void mark_routed(struct policy_image *image)
{
	struct xdpfw_policy_head *head = image->head;

	for (int table = 0; table < XDPFW_TABLES; table++)
		mark_cells(image->ports[XDPFW_IN][table]->cells, image->ports[XDPFW_ROUTED][table]->cells, XDPFW_PORTS);
	mark_cells(head->protocols[XDPFW_IN], head->protocols[XDPFW_ROUTED], PROTOCOLS);
	for (int family = 0; family < 2; family++)
		mark_cells(head->icmp_types[XDPFW_IN][family], head->icmp_types[XDPFW_ROUTED][family], ICMP_TYPES);
}

static void compile_timeouts(const struct ruleset *set, unsigned int hz, struct xdpfw_policy_head *head)
{
	for (int i = 0; i < XDPFW_NR_TIMEOUTS; i++)
		head->timeouts[i] = (__u64)ruleset_option(set, OPTION_TIMEOUTS + i) * hz;
}

/* Port 0 is left out where no rule speaks of it: nobody can be waiting there for an answer, and
 * with it the flag would always be set. */
static bool some_denied(const __u32 *cells, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (xdpfw_verdict_of(cells[i]) != XDPFW_PASS && xdpfw_reason_of(cells[i]) != XDPFW_R_PORT_ZERO)
			return true;
	return false;
}

/* TCP, ICMP and ICMPv6 answer without a request of their own, so they do not matter here. */
static bool out_denies(const struct policy_image *image)
{
	return some_denied(image->ports[XDPFW_OUT][XDPFW_UDP]->cells, XDPFW_PORTS) ||
	       some_denied(image->ports[XDPFW_OUT][XDPFW_SCTP]->cells, XDPFW_PORTS) ||
	       some_denied(image->head->protocols[XDPFW_OUT], PROTOCOLS);
}

static __u32 compile_flags(const struct ruleset *set, const struct policy_image *image)
{
	__u32 flags = 0;

	if (ruleset_count(set, STATEMENT_BLOCK))
		flags |= XDPFW_HAS_BLOCKS;
	if (ruleset_count(set, STATEMENT_FORWARD))
		flags |= XDPFW_HAS_LINKS;
	if (out_denies(image))
		flags |= XDPFW_OUT_DENIES;
	if (ruleset_option(set, OPTION_NON_IP))
		flags |= XDPFW_PASS_NOT_IP;
	return flags;
}

int compile(const struct ruleset *set, unsigned int hz, struct policy_image *image, struct error *e)
{
	_free_ struct painter *painter = malloc(sizeof(*painter));
	int err = ruleset_enforceable(set, e);

	if (err)
		return err;
	if (!painter)
		return fail(e, -ENOMEM, "out of memory");
	for (int dir = 0; dir < XDPFW_DIRS; dir++) {
		for (int table = 0; table < XDPFW_TABLES; table++) {
			painter_begin(painter, image->ports[dir][table]->cells);
			compile_ports(set, dir, table, painter);
		}
		compile_portless(set, dir, image->head);
	}
	for (int table = 0; table < XDPFW_TABLES; table++)
		compile_links(set, table, image->links[table]);
	allow_ping(set, image->head);
	mark_routed(image);
	compile_timeouts(set, hz, image->head);
	image->head->flags = compile_flags(set, image);
	return 0;
}
