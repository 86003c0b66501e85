// SPDX-License-Identifier: GPL-2.0-only
#include "exposure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate.h"
#include "forward.h"
#include "parse_addr.h"

static bool targets(const struct rule *rule, __u8 protocol, __u16 port)
{
	switch (rule->match) {
	case MATCH_ANY:
		return true;
	case MATCH_PORTS:
		return rule->protocols & protocol_bit(protocol) && ports_contain(&rule->ports, port);
	case MATCH_PROTOCOL:
		return rule->protocol == protocol;
	case MATCH_ICMP:
		return false;
	}
	return false;
}

static bool has_family(const struct listener *l, const struct address_match *match)
{
	if (match->kind != ADDRESS_PREFIX)
		return true;
	return addr_is_ipv4(&match->prefix.addr) ? l->v4 : l->v6;
}

/* Can a request that the rule matches reach the listener at all? */
static bool concerns(const struct rule *rule, const struct listener *l)
{
	if (!has_family(l, &rule->from) || !has_family(l, &rule->to))
		return false;
	return rule->to.kind != ADDRESS_PREFIX || listens_everywhere(l) || prefix_contains(&rule->to.prefix, &l->addr);
}

/* Does it match only some of the requests that reach the listener? */
static bool is_partial(const struct rule *rule, const struct listener *l)
{
	if (rule->from.kind != ADDRESS_ANY || rule->source_ports.count || rule->on)
		return true;
	return rule->to.kind == ADDRESS_SET || (rule->to.kind == ADDRESS_PREFIX && listens_everywhere(l));
}

static bool holds(const struct statement *s, __u64 now)
{
	return s->kind == STATEMENT_RULE && s->rule.dir == XDPFW_IN && !s->rule.disabled &&
	       (!s->rule.expires || s->rule.expires > now);
}

static int add_exception(struct exposure *x, const struct statement *s)
{
	const struct statement **more = realloc(x->exceptions, (x->count + 1) * sizeof(const struct statement *));

	if (!more)
		return -ENOMEM;
	x->exceptions = more;
	x->exceptions[x->count++] = s;
	return 0;
}

/* For just anyone: not if it is for some senders or interfaces only. */
static bool listens_for(const struct statement *s, const struct listener *l, __u16 port, __u64 now)
{
	struct request r = {.dir = XDPFW_IN, .protocol = l->protocol, .to = l->addr, .to_port = port, .now = now};
	struct ruleset alone = {.statements = (struct statement *)s, .count = 1};

	if (l->v4) /* some forwards are for one family only */
		r.from.words[2] = r.to.words[2] = htonl(0xffff);
	return s->kind == STATEMENT_FORWARD && evaluate(&alone, &r).reason == XDPFW_R_FORWARD;
}

/* Where no rule speaks to everyone: a forward that listens on the port, else the default. */
static void judge_unclaimed(const struct ruleset *set, const struct listener *l, __u16 port, __u64 now,
			    struct exposure *x)
{
	for (size_t i = 0; i < set->count; i++) {
		if (listens_for(&set->statements[i], l, port, now)) {
			x->verdict = XDPFW_PASS;
			x->by = &set->statements[i];
			return;
		}
	}
	x->verdict = port ? ruleset_default(set, XDPFW_IN) : XDPFW_DROP;
}

int exposure_find(const struct ruleset *set, const struct listener *l, __u16 port, __u64 now, struct exposure *x)
{
	memset(x, 0, sizeof(*x));
	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];

		if (!holds(s, now) || !targets(&s->rule, l->protocol, port) || !concerns(&s->rule, l))
			continue;
		if (!is_partial(&s->rule, l)) {
			x->verdict = s->rule.verdict;
			x->limited = s->rule.limited;
			x->by = s;
			return 0;
		}
		if (add_exception(x, s)) {
			exposure_free(x);
			return -ENOMEM;
		}
	}
	judge_unclaimed(set, l, port, now, x);
	return 0;
}

void exposure_free(struct exposure *x)
{
	free(x->exceptions);
	x->exceptions = NULL;
	x->count = 0;
}

static bool is_in(const struct port_range *range, __u16 port)
{
	return port >= range->first && port <= range->last;
}

/* A link leads both ways; to other hosts a forward leads to no port of this one. */
bool forward_leads_to(const struct statement *s, const struct listener *l, __u16 *wire)
{
	const struct forward *f = &s->forward;

	if (s->kind != STATEMENT_FORWARD || !(f->protocols & protocol_bit(l->protocol)))
		return false;
	for (size_t i = 0; !forward_is_remote(f) && i < f->nr_ranges * f->nr_targets; i++) {
		const struct port_range *listen = &f->listen[i % f->nr_ranges];
		const struct port_range *target = &f->targets[i / f->nr_ranges].ports[i % f->nr_ranges];

		if (is_in(target, l->port))
			*wire = l->port - target->first + listen->first;
		else if (forward_is_link(f) && is_in(listen, l->port))
			*wire = l->port - listen->first + target->first;
		else
			continue;
		return true;
	}
	return false;
}

bool forwarded_away(const struct ruleset *set, const struct listener *l, __u16 port, __u64 now)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];
		__u16 wire;

		if (listens_for(s, l, port, now) && !(forward_leads_to(s, l, &wire) && wire == port))
			return true;
	}
	return false;
}
