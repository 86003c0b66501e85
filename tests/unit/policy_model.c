// SPDX-License-Identifier: GPL-2.0-only
#include "policy_model.h"

/* Hundreds of millions of steps: fast enough whatever the build is. */
#ifndef __clang__
#pragma GCC optimize("O2")
#endif

struct model model;

static bool matches(const struct model_rule *rule, const struct packet *p)
{
	if (rule->dir != p->dir)
		return false;
	if (rule->match == ANY)
		return true;
	if (rule->match != p->kind)
		return false;
	if (p->kind == PORTS)
		return rule->table[p->table] && rule->ports[p->number];
	if (p->kind == ICMP)
		return rule->family[p->family] && (rule->type[p->family] == -1 || rule->type[p->family] == p->number);
	return rule->protocol == p->number;
}

static __u32 first_match(const struct packet *p)
{
	for (int i = 0; i < model.nr_rules; i++)
		if (matches(&model.rules[i], p))
			return decision(model.rules[i].verdict, 1, i + 1);
	return 0;
}

static __u32 implicit(const struct packet *p)
{
	for (int i = 0; p->dir == IN && p->kind == PORTS && i < model.nr_forwards; i++) {
		const struct model_forward *forward = &model.forwards[i];

		if (forward->table[p->table] && (forward->a == p->number || forward->b == p->number))
			return decision(1, 3, i + 1001);
	}
	if (p->dir == IN && p->kind == ICMP && model.ping && p->number == (p->family ? 128 : 8))
		return decision(1, 7, 0);
	if (p->kind == PORTS && !p->number)
		return decision(2, 16, 0);
	return decision(model.defaults[p->dir], 2, 0);
}

__u32 interpret_plain(const struct packet *p)
{
	__u32 match = first_match(p);

	return match ? match : implicit(p);
}

__u32 interpret(const struct packet *p)
{
	struct packet routed = *p;
	__u32 plain = interpret_plain(p);

	routed.dir = ROUTED;
	if (p->dir == IN && (interpret_plain(&routed) >> 30 != plain >> 30 ||
			     (plain >> 30 == XDPFW_PASS && interpret_plain(&routed) != plain)))
		plain |= 1 << 23;
	return plain;
}

int interpret_link(int table, int port)
{
	for (int i = 0; i < model.nr_forwards; i++) {
		const struct model_forward *forward = &model.forwards[i];

		if (forward->table[table] && forward->a == port)
			return forward->b;
		if (forward->table[table] && forward->b == port)
			return forward->a;
	}
	return port;
}

__u32 interpret_flags(void)
{
	__u32 flags = (model.blocks ? 1 : 0) | (model.nr_forwards ? 2 : 0) | (model.non_ip ? 8 : 0);

	for (int port = 0; port < 65536; port++) {
		struct packet udp = {.dir = OUT, .kind = PORTS, .table = UDP, .number = port};
		struct packet sctp = {.dir = OUT, .kind = PORTS, .table = SCTP, .number = port};

		if ((interpret_plain(&udp) >> 30 != 1 && (port || first_match(&udp))) ||
		    (interpret_plain(&sctp) >> 30 != 1 && (port || first_match(&sctp))))
			flags |= 4;
	}
	for (int protocol = 0; protocol < 256; protocol++) {
		struct packet p = {.dir = OUT, .kind = PROTOCOL, .number = protocol};

		if (interpret_plain(&p) >> 30 != 1)
			flags |= 4;
	}
	return flags;
}
