// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "open_connections.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "evaluate.h"
#include "flows.h"
#include "translations.h"
#include "util.h"
#include "xdpfw/flow.h"

static bool set_contains(const struct ruleset *set, const char *name, const struct xdpfw_addr *addr)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];

		if (s->kind == STATEMENT_SET && !strcmp(s->member.name, name) &&
		    prefix_contains(&s->member.prefix, addr))
			return true;
	}
	return false;
}

static bool is_end(const struct ruleset *set, const struct address_match *match, const struct xdpfw_addr *addr)
{
	switch (match->kind) {
	case ADDRESS_PREFIX:
		return prefix_contains(&match->prefix, addr);
	case ADDRESS_SET:
		return set_contains(set, match->set, addr);
	default:
		return true;
	}
}

/* Were these the two ends? A routed connection may have begun at either; its remote end counts as the sender. */
static bool has_ends(const struct ruleset *set, const struct rule *rule, const struct flow_row *row)
{
	bool out = rule->dir == XDPFW_OUT;
	__u16 from_port = out ? row->local_port : row->remote_port;

	return is_end(set, &rule->from, out ? &row->local : &row->remote) &&
	       is_end(set, &rule->to, out ? &row->remote : &row->local) &&
	       (!rule->source_ports.count || ports_contain(&rule->source_ports, from_port));
}

/* Would the rule have denied the connection's request? A socket does not say who began, so `in` is taken to
 * mean its local port and `out` its remote one. Of interfaces and owners nothing is known: such rules cut nothing. */
static bool denies(const struct ruleset *set, const struct rule *rule, const struct flow_row *row)
{
	__u16 port = rule->dir == XDPFW_OUT ? row->remote_port : row->local_port;

	if (rule->dir == XDPFW_OUT ? row->origin == ORIGIN_GUEST : row->origin == ORIGIN_FLOW && rule->dir == XDPFW_IN)
		return false;
	if (rule->on || rule->on_out || rule->user || rule->cgroup || !has_ends(set, rule, row))
		return false;
	switch (rule->match) {
	case MATCH_ANY:
		return true;
	case MATCH_PORTS:
		return rule->protocols & protocol_bit(row->protocol) && ports_contain(&rule->ports, port);
	case MATCH_PROTOCOL:
		return rule->protocol == row->protocol;
	case MATCH_ICMP:
		return (rule->icmp_families & ICMP_V4 && row->protocol == IPPROTO_ICMP) ||
		       (rule->icmp_families & ICMP_V6 && row->protocol == IPPROTO_ICMPV6);
	}
	return false;
}

static void keep_denied(struct flow_list *list, const struct ruleset *set, const struct rule *rule)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (denies(set, rule, &list->rows[i]))
			list->rows[kept++] = list->rows[i];
	list->count = kept;
}

/* The forwarded connections that a rule would have denied. */
struct denial {
	const struct ruleset *set;
	const struct rule *rule;
	size_t open;
};

static bool denies_forwarded(const struct connection *c, const void *data)
{
	const struct xdpfw_translation *t = &c->translation;
	const struct denial *denial = data;
	const struct flow_row row = {
		.protocol = t->protocol,
		.origin = ORIGIN_GUEST,
		.local = c->ends.at[XDPFW_HOST],
		.remote = c->ends.at[XDPFW_CLIENT],
		.local_port = t->host_port,
		.remote_port = t->client_port,
	};

	return !(t->flags & XDPFW_FORWARD_DIRECT) && denies(denial->set, denial->rule, &row);
}

/* Only TCP lives on: each datagram is a request. */
static void count_forwarded(const struct connection *c, void *data)
{
	struct denial *denial = data;

	if (c->translation.protocol == IPPROTO_TCP && c->translation.state == XDPFW_FLOW_ESTABLISHED)
		denial->open += denies_forwarded(c, denial);
}

static size_t settle_forwarded(struct session *s, const struct rule *rule, bool kill)
{
	struct denial denial = {&s->now, rule, 0};

	if (kill)
		return translations_cut(&s->store, denies_forwarded, &denial);
	translations_each(&s->store, count_forwarded, &denial);
	return denial.open;
}

static int settle(struct session *s, const struct rule *rule, bool kill, struct error *e)
{
	const struct flow_filter all = {};
	struct flow_list list;
	int err = flows_read(&s->store, &all, &list, e), killed = 0;
	size_t open;

	if (err)
		return err;
	keep_denied(&list, &s->now, rule);
	open = list.count + settle_forwarded(s, rule, kill);
	if (kill)
		killed = flows_kill(&s->store, &list, e);
	if (kill && killed >= 0 && !s->settings.quiet && !s->settings.json)
		printf("cut: %zu open connection%s\n", open - list.count + killed,
		       open - list.count + killed == 1 ? "" : "s");
	if (!kill && open > 0 && !s->settings.quiet && !s->settings.json)
		printf("%zu open connection%s; --kill cuts %s\n", open, open == 1 ? " lives on" : "s live on",
		       open == 1 ? "it" : "them");
	flows_free(&list);
	return killed < 0 ? killed : 0;
}

int settle_open_connections(const struct settings *settings, const struct rule *rule, bool kill, struct error *e)
{
	_session_ struct session s = SESSION_CLOSED;
	int err = session_open(settings, kill, &s, e);

	if (err)
		return err;
	if (s.live)
		err = settle(&s, rule, kill, e);
	return err;
}
