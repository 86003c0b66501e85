// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "compiled.h"
#include "forward.h"
#include "util.h"

/* A random one of the statements of a kind; NULL if there is none. */
static const struct statement *random_statement(struct chance *chance, const struct ruleset *set,
						enum statement_kind kind)
{
	size_t count = ruleset_count(set, kind);
	size_t n = count ? below(chance, count) : 0;

	for (size_t i = 0; count && i < set->count; i++)
		if (set->statements[i].kind == kind && n-- == 0)
			return &set->statements[i];
	return NULL;
}

static __u16 near_ports(struct chance *chance, const struct ports *ports)
{
	const struct port_range *range;

	if (!ports->count || once_in(chance, 12))
		return below(chance, 65536);
	range = &ports->ranges[below(chance, ports->count)];
	switch (below(chance, 8)) {
	case 0:
		return range->first - 1;
	case 1:
		return range->last + 1;
	case 2:
	case 3:
		return range->first;
	case 4:
	case 5:
		return range->last;
	default:
		return range->first + below(chance, range->last - range->first + 1);
	}
}

/* The first and the last of a prefix, those beside it, and some in between. */
static struct xdpfw_addr near_prefix(struct chance *chance, const struct prefix *prefix, bool v6)
{
	struct xdpfw_addr addr = prefix->addr;
	enum {
		BEFORE,
		FIRST,
		WITHIN,
		LAST,
		BEHIND
	} where = once_in(chance, 4) ? BEHIND * below(chance, 2) : FIRST + below(chance, 3);
	int step = where == BEFORE ? -1 : 1;

	for (int bit = prefix->length; bit < 128; bit++)
		if (where >= LAST || (where == WITHIN && below(chance, 2)))
			addr.bytes[bit / 8] |= 0x80 >> bit % 8;
	for (int byte = 15, end = v6 ? 0 : 12; (where == BEFORE || where == BEHIND) && byte >= end; byte--) {
		addr.bytes[byte] += step;
		if (addr.bytes[byte] != (step == 1 ? 0 : 0xff))
			break;
	}
	return addr;
}

static bool is_v6(const struct prefix *prefix)
{
	return prefix->length < 96 || prefix->addr.halves[0] || prefix->addr.words[2] != htonl(0xffff);
}

/* A member of the set and of the family; NULL if chance finds none. */
static const struct prefix *random_member(struct chance *chance, const struct ruleset *set, const char *name, bool v6)
{
	for (int tries = 0; tries < 20; tries++) {
		const struct statement *s = random_statement(chance, set, STATEMENT_SET);

		if (s && !strcmp(s->member.name, name) && is_v6(&s->member.prefix) == v6)
			return &s->member.prefix;
	}
	return NULL;
}

/* Of whatever the policy mentions. */
static const struct prefix *random_prefix(struct chance *chance, const struct ruleset *set, bool v6)
{
	for (int tries = 0; tries < 20; tries++) {
		static const enum statement_kind kinds[] = {STATEMENT_RULE, STATEMENT_RULE, STATEMENT_SET,
							    STATEMENT_BLOCK};
		const struct statement *s = random_statement(chance, set, kinds[below(chance, ARRAY_SIZE(kinds))]);
		const struct prefix *prefix = !s                                    ? NULL
					      : s->kind == STATEMENT_SET            ? &s->member.prefix
					      : s->kind == STATEMENT_BLOCK          ? &s->block.prefix
					      : s->rule.from.kind == ADDRESS_PREFIX ? &s->rule.from.prefix
					      : s->rule.to.kind == ADDRESS_PREFIX   ? &s->rule.to.prefix
										    : NULL;

		if (prefix && is_v6(prefix) == v6)
			return prefix;
	}
	return NULL;
}

static struct xdpfw_addr near_match(struct chance *chance, const struct ruleset *set, const struct address_match *match,
				    bool v6)
{
	static const struct prefix anything[] = {{.addr.bytes = {[10] = 0xff, [11] = 0xff}, .length = 96},
						 {.addr.bytes = {0x20}, .length = 3}};
	const struct prefix *prefix = NULL;

	if (match->kind == ADDRESS_PREFIX && !once_in(chance, 12))
		prefix = &match->prefix;
	else if (match->kind == ADDRESS_SET && !once_in(chance, 12))
		prefix = random_member(chance, set, match->set, v6);
	if (!prefix)
		prefix = random_prefix(chance, set, v6);
	if (!prefix || is_v6(prefix) != v6)
		prefix = &anything[v6];
	return near_prefix(chance, prefix, v6);
}

/* The family that the rule's addresses want, else any. */
static bool choose_family(struct chance *chance, const struct rule *rule)
{
	if (rule->from.kind == ADDRESS_PREFIX)
		return is_v6(&rule->from.prefix);
	if (rule->to.kind == ADDRESS_PREFIX)
		return is_v6(&rule->to.prefix);
	return below(chance, 2);
}

static __u8 port_protocol(struct chance *chance, unsigned int protocols)
{
	static const __u8 all[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
	__u8 protocol;

	do {
		protocol = all[below(chance, ARRAY_SIZE(all))];
	} while (!(protocols & protocol_bit(protocol)));
	return protocol;
}

static void aim_at_target(struct chance *chance, const struct rule *rule, bool v6, struct request *r)
{
	static const __u8 others[] = {IPPROTO_GRE, IPPROTO_ESP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, 0, 255};
	enum match_kind match = once_in(chance, 12) ? below(chance, 4) : rule->match;
	__u8 echo = v6 ? 128 : 8;

	r->protocol = others[below(chance, ARRAY_SIZE(others))];
	r->to_port = near_ports(chance, &rule->ports);
	r->from_port = near_ports(chance, &rule->source_ports);
	r->icmp_type = once_in(chance, 2) ? echo : rule->has_icmp_type ? rule->icmp_type[v6] : below(chance, 256);
	if (match == MATCH_PORTS)
		r->protocol = port_protocol(chance, rule->protocols ? rule->protocols : PROTO_TCP | PROTO_UDP);
	else if (match == MATCH_PROTOCOL)
		r->protocol = rule->protocol + below(chance, 2);
	else if (match == MATCH_ICMP || once_in(chance, 4))
		r->protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
}

/* @wanted, if there is such an interface, or another. */
static const char *choose_iface(struct chance *chance, const char *wanted)
{
	static const char *const names[] = {"eth0", "eth1", "eth2"};

	for (size_t i = 0; wanted && !once_in(chance, 6) && i < ARRAY_SIZE(names); i++)
		if (!strcmp(wanted, names[i]))
			return names[i];
	return names[below(chance, ARRAY_SIZE(names))];
}

/* Some are nobody's: what is routed. */
static void aim_at_owner(struct chance *chance, const struct rule *rule, struct request *r)
{
	static const char *const cgroups[] = {
		"a.slice", "a.slice/b.service", "a.slice/b.service/c", "a.slice/b.service/c/d", "a.slice/b.servic", "a",
		"b.slice"};

	if (r->dir != XDPFW_OUT || once_in(chance, 10))
		return;
	r->has_uid = true;
	r->uid = rule->user && !once_in(chance, 6) ? strtoul(rule->user, NULL, 10) : 999 + below(chance, 5);
	r->cgroup = cgroups[below(chance, ARRAY_SIZE(cgroups))];
}

/* A second before and at the moment when something expires. */
static __u64 random_time(struct chance *chance, const struct ruleset *set, __u64 expires)
{
	static const enum statement_kind kinds[] = {STATEMENT_RULE, STATEMENT_SET, STATEMENT_BLOCK, STATEMENT_FORWARD};
	const struct statement *s;

	if (once_in(chance, 3)) {
		s = random_statement(chance, set, kinds[below(chance, ARRAY_SIZE(kinds))]);
		expires = s ? statement_expires(s) : 0;
	}
	if (once_in(chance, 4) || expires <= COMPILED_NOW)
		return COMPILED_NOW;
	return expires - below(chance, 2);
}

static struct request aim_at_rule(struct chance *chance, const struct ruleset *set, const struct rule *rule)
{
	struct request r = {.dir = once_in(chance, 12) ? below(chance, XDPFW_DIRS) : rule->dir};
	bool v6 = choose_family(chance, rule);

	aim_at_target(chance, rule, v6, &r);
	r.from = near_match(chance, set, &rule->from, v6);
	r.to = near_match(chance, set, &rule->to, v6);
	r.on = choose_iface(chance, rule->on);
	r.on_out = r.dir == XDPFW_ROUTED ? choose_iface(chance, rule->on_out) : NULL;
	aim_at_owner(chance, rule, &r);
	r.now = random_time(chance, set, rule->expires);
	return r;
}

/* Near what it listens on, or, as what goes around it does, near a port that it leads to. */
static __u16 near_ends(struct chance *chance, const struct forward *f)
{
	struct ports ports = {.count = f->nr_ranges, .ranges = f->listen};

	if (once_in(chance, 3))
		ports.ranges = f->targets[below(chance, f->nr_targets)].ports;
	return near_ports(chance, &ports);
}

/* This host's, that of a target, or a group. */
static struct xdpfw_addr address_asked(struct chance *chance, const struct ruleset *set, const struct forward *f,
				       bool v6)
{
	static const struct address_match anything = {.kind = ADDRESS_ANY};
	static const struct xdpfw_addr groups[] = {{.bytes = {[10] = 0xff, [11] = 0xff, 239, 1, 2, 3}},
						   {.bytes = {0xff, 5, [15] = 1}}};
	const struct forward_target *target = &f->targets[below(chance, f->nr_targets)];

	if (once_in(chance, 10))
		return groups[v6];
	if (f->has_to && !once_in(chance, 4))
		return f->to;
	if (target->remote && once_in(chance, 2))
		return target->addr;
	return near_match(chance, set, &anything, v6);
}

static struct request aim_at_forward(struct chance *chance, const struct ruleset *set, const struct forward *f)
{
	struct request r = {.dir = once_in(chance, 4) ? below(chance, XDPFW_DIRS) : XDPFW_IN};
	bool families[2], v6;

	forward_families(f, families);
	v6 = families[0] && families[1] ? below(chance, 2) : families[1];
	r.protocol = port_protocol(chance, once_in(chance, 12) ? PROTO_TCP | PROTO_UDP | PROTO_SCTP : f->protocols);
	r.to_port = r.dir == XDPFW_OUT ? below(chance, 65536) : near_ends(chance, f);
	r.from_port = r.dir == XDPFW_OUT ? near_ends(chance, f) : below(chance, 65536);
	r.from = near_match(chance, set, &f->from, v6);
	r.to = address_asked(chance, set, f, v6);
	r.on = choose_iface(chance, f->on);
	r.on_out = r.dir == XDPFW_ROUTED ? choose_iface(chance, NULL) : NULL;
	r.now = random_time(chance, set, f->expires);
	return r;
}

struct request random_request(struct chance *chance, const struct ruleset *set)
{
	static const struct rule nothing = {.match = MATCH_ANY};
	const struct statement *s = once_in(chance, 2) ? random_statement(chance, set, STATEMENT_FORWARD) : NULL;

	if (s)
		return aim_at_forward(chance, set, &s->forward);
	s = random_statement(chance, set, STATEMENT_RULE);
	return aim_at_rule(chance, set, s && !once_in(chance, 20) ? &s->rule : &nothing);
}
