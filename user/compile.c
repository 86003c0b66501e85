// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each table is painted in the order in which its deciders are asked: rules from
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

static unsigned int table_protocol(enum xdpfw_table table)
{
	return table == XDPFW_TCP ? PROTO_TCP : PROTO_UDP;
}

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

	if (!rule->protocols)
		paint(painter, 0, XDPFW_PORTS - 1, rule_decision(s));
	else if (rule->protocols & protocol)
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
		if (s->kind == STATEMENT_RULE && s->rule.dir == dir)
			paint_rule(painter, s, table_protocol(table));
	for (const struct statement *s = set->statements; dir == XDPFW_IN && s < end; s++)
		if (s->kind == STATEMENT_FORWARD)
			paint_forward(painter, s, table_protocol(table));
	paint(painter, 0, 0, xdpfw_decision(XDPFW_DROP, XDPFW_R_PORT_ZERO, 0));
	paint(painter, 1, XDPFW_PORTS - 1, default_decision(set, dir));
}

static void compile_links(const struct ruleset *set, enum xdpfw_table table, struct xdpfw_link_table *links)
{
	memset(links, 0, sizeof(*links));
	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];

		if (s->kind != STATEMENT_FORWARD || !(s->forward.protocols & table_protocol(table)))
			continue;
		links->delta[s->forward.listen] = s->forward.listen ^ s->forward.target;
		links->delta[s->forward.target] = s->forward.listen ^ s->forward.target;
	}
}

/* What has no ports is decided by rules for "any" alone. */
static __u32 portless_decision(const struct ruleset *set, enum xdpfw_dir dir)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];

		if (s->kind == STATEMENT_RULE && s->rule.dir == dir && !s->rule.protocols)
			return rule_decision(s);
	}
	return default_decision(set, dir);
}

static void compile_portless(const struct ruleset *set, enum xdpfw_dir dir, struct xdpfw_policy_head *head)
{
	__u32 decision = portless_decision(set, dir);

	for (int i = 0; i < 256; i++) {
		head->protocols[dir][i] = decision;
		head->icmp_types[dir][0][i] = decision;
		head->icmp_types[dir][1][i] = decision;
	}
}

static void allow_ping(const struct ruleset *set, struct xdpfw_policy_head *head)
{
	__u32 courtesy = xdpfw_decision(XDPFW_PASS, XDPFW_R_COURTESY, 0);

	if (!ruleset_option(set, OPTION_ALLOW_PING) ||
	    xdpfw_reason_of(head->icmp_types[XDPFW_IN][0][ICMP_ECHO]) == XDPFW_R_RULE)
		return;
	head->icmp_types[XDPFW_IN][0][ICMP_ECHO] = courtesy;
	head->icmp_types[XDPFW_IN][1][ICMP6_ECHO_REQUEST] = courtesy;
}

/* Port 0 is left out where no rule speaks of it: nobody can be waiting there for an answer, and
 * with it the flag would always be set. */
static bool out_denies(const struct xdpfw_port_table *udp)
{
	for (size_t port = 0; port < XDPFW_PORTS; port++)
		if (xdpfw_verdict_of(udp->cells[port]) != XDPFW_PASS &&
		    xdpfw_reason_of(udp->cells[port]) != XDPFW_R_PORT_ZERO)
			return true;
	return false;
}

static __u32 compile_flags(const struct ruleset *set, const struct policy_image *image)
{
	__u32 flags = 0;

	if (ruleset_count(set, STATEMENT_BLOCK))
		flags |= XDPFW_HAS_BLOCKS;
	if (ruleset_count(set, STATEMENT_FORWARD))
		flags |= XDPFW_HAS_LINKS;
	if (out_denies(image->ports[XDPFW_OUT][XDPFW_UDP]))
		flags |= XDPFW_OUT_DENIES;
	if (ruleset_option(set, OPTION_NON_IP))
		flags |= XDPFW_PASS_NOT_IP;
	return flags;
}

int compile(const struct ruleset *set, struct policy_image *image, struct error *e)
{
	_free_ struct painter *painter = malloc(sizeof(*painter));

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
	image->head->flags = compile_flags(set, image);
	return 0;
}
