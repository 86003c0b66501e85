// SPDX-License-Identifier: GPL-2.0-only
/* What the forwards of a ruleset say of a request: a loop over statements, ranges and targets. */
#include <arpa/inet.h>
#include <string.h>

#include "journey.h"
#include "look_up.h"
#include "parse_addr.h"

static bool is_in(const struct port_range *range, __u16 port)
{
	return range->first <= port && port <= range->last;
}

static bool is_of_family(const struct forward *f, bool v4)
{
	return (!f->targets[0].remote || addr_is_ipv4(&f->targets[0].addr) == v4) &&
	       (f->from.kind == ADDRESS_ANY || addr_is_ipv4(&f->from.prefix.addr) == v4) &&
	       (!f->has_to || addr_is_ipv4(&f->to) == v4);
}

/* Is it for this request, but for the port? */
static bool is_for(const struct forward *f, const struct request *r)
{
	return f->protocols & protocol_bit(r->protocol) && is_of_family(f, is_v4(&r->to)) &&
	       (f->from.kind == ADDRESS_ANY || prefix_contains(&f->from.prefix, &r->from)) &&
	       (!f->has_to || !memcmp(&f->to, &r->to, sizeof(r->to))) && (!f->on || !strcmp(f->on, r->on)) &&
	       (!f->expires || r->now < f->expires);
}

static bool is_group(const struct xdpfw_addr *addr)
{
	return is_v4(addr) ? addr->bytes[12] >= 224 : addr->bytes[0] == 0xff;
}

/* Blocks know no ports; is one for this address? */
static bool is_blocked(const struct ruleset *set, const struct request *r, const struct xdpfw_addr *addr)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct block *block = &set->statements[i].block;

		if (set->statements[i].kind == STATEMENT_BLOCK && (!block->expires || r->now < block->expires) &&
		    prefix_contains(&block->prefix, addr))
			return true;
	}
	return false;
}

static void take(const struct ruleset *set, const struct statement *s, size_t range, const struct request *r,
		 struct journey *j)
{
	const struct forward *f = &s->forward;

	j->forward = s->counter;
	j->answers = s->answers;
	j->nr_arrivals = f->nr_targets;
	for (size_t i = 0; i < f->nr_targets; i++) {
		j->arrivals[i].port = f->targets[i].ports[range].first + (r->to_port - f->listen[range].first);
		if (!f->targets[i].remote)
			continue;
		j->arrivals[i].addr = f->targets[i].addr;
		j->arrivals[i].blocked = is_blocked(set, r, &f->targets[i].addr);
		if (!f->keep_source)
			compiled_host.find_source(&f->targets[i].addr, &j->arrivals[i].source);
	}
}

static void read_link(const struct forward *f, const struct request *r, __u16 local, struct journey *j)
{
	for (size_t i = 0; f->protocols & protocol_bit(r->protocol) && i < f->nr_ranges; i++) {
		const struct port_range *a = &f->listen[i], *b = &f->targets[0].ports[i];

		if (is_in(a, local))
			j->linked = b->first + (local - a->first);
		if (is_in(b, local))
			j->linked = a->first + (local - b->first);
	}
}

/* A forward with state, and a request that the policy lets in. */
static void read_stateful(const struct ruleset *set, const struct statement *s, const struct request *r,
			  struct journey *j)
{
	const struct forward *f = &s->forward;

	for (size_t i = 0; i < f->nr_ranges; i++) {
		if (r->dir == XDPFW_IN && is_for(f, r) && !is_group(&r->to) && is_in(&f->listen[i], r->to_port))
			take(set, s, i, r, j);
		for (size_t n = 0; n < f->nr_targets; n++) {
			const struct forward_target *target = &f->targets[n];

			if (!(f->protocols & protocol_bit(r->protocol)) || !is_in(&target->ports[i], r->to_port))
				continue;
			if (r->dir == XDPFW_IN && !target->remote && is_of_family(f, is_v4(&r->to)))
				j->is_direct = true;
			if (r->dir == XDPFW_ROUTED && f->keep_source && !memcmp(&target->addr, &r->to, sizeof(r->to)))
				j->is_direct_elsewhere = true;
		}
	}
}

static __u32 read_decision(const struct ruleset *set, const struct request *r, bool over_limit)
{
	struct judgement j = evaluate(set, r);

	if (j.reason == XDPFW_R_FORWARD)
		return xdpfw_decision(j.verdict, j.reason, j.statement->counter);
	if (j.reason != XDPFW_R_RULE)
		return xdpfw_decision(j.verdict, j.reason, 0);
	if (j.statement->rule.limited && over_limit)
		return xdpfw_decision(XDPFW_DROP, XDPFW_R_LIMIT, j.statement->counter);
	return xdpfw_decision(j.verdict, j.reason, j.statement->counter);
}

struct journey read_journey(const struct ruleset *set, const struct request *r, bool over_limit)
{
	__u16 local = r->dir == XDPFW_OUT ? r->from_port : r->to_port;
	struct journey j;

	memset(&j, 0, sizeof(j));
	j.decision = read_decision(set, r, over_limit);
	j.linked = local;
	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];

		if (s->kind != STATEMENT_FORWARD)
			continue;
		if (!s->forward.one_way)
			read_link(&s->forward, r, local, &j);
		else if (xdpfw_verdict_of(j.decision) == XDPFW_PASS)
			read_stateful(set, s, r, &j);
	}
	return j;
}

/* Which may stand beside which: each port listens once; and what is led to by one may be led to by others, but not listen. */

static bool have_common(const struct port_range *a, size_t count, const struct port_range *b, size_t others)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < others; j++)
			if (a[i].first <= b[j].last && b[j].first <= a[i].last)
				return true;
	return false;
}

static bool leads_to_a_listener(const struct forward *from, const struct forward *to)
{
	for (size_t i = 0; !from->targets[0].remote && i < from->nr_targets; i++)
		if (have_common(from->targets[i].ports, from->nr_ranges, to->listen, to->nr_ranges))
			return true;
	return false;
}

static bool share_a_target(const struct forward *a, const struct forward *b)
{
	for (size_t i = 0; i < a->nr_targets && !a->targets[0].remote; i++)
		for (size_t j = 0; j < b->nr_targets && !b->targets[0].remote; j++)
			if (have_common(a->targets[i].ports, a->nr_ranges, b->targets[j].ports, b->nr_ranges))
				return true;
	return false;
}

static bool clash(const struct forward *a, const struct forward *b)
{
	bool both_v4 = is_of_family(a, true) && is_of_family(b, true);
	bool both_v6 = is_of_family(a, false) && is_of_family(b, false);

	return a->protocols & b->protocols && (both_v4 || both_v6) &&
	       (have_common(a->listen, a->nr_ranges, b->listen, b->nr_ranges) || leads_to_a_listener(a, b) ||
		leads_to_a_listener(b, a) || ((!a->one_way || !b->one_way) && share_a_target(a, b)));
}

bool read_clash(const struct ruleset *set, const struct forward *f)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->statements[i].kind == STATEMENT_FORWARD && clash(&set->statements[i].forward, f))
			return true;
	return false;
}
