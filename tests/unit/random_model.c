// SPDX-License-Identifier: GPL-2.0-only
#include "random_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_model.h"
#include "util.h"

unsigned int seed;

int below(int bound)
{
	return rand_r(&seed) % bound;
}

int random_port(void)
{
	switch (below(4)) {
	case 0:
		return below(6);
	case 1:
		return 65530 + below(6);
	case 2:
		return 1000 + below(40);
	default:
		return below(65536);
	}
}

static char *random_ports(char *end, struct model_rule *rule)
{
	int items = 1 + below(4);

	for (int i = 0; i < items; i++) {
		int first = random_port(), last = below(2) ? first : random_port();

		if (last < first) {
			int swap = first;

			first = last;
			last = swap;
		}
		end += sprintf(end, i ? ",%d" : "%d", first);
		if (last != first)
			end += sprintf(end, "-%d", last);
		memset(&rule->ports[first], true, last - first + 1);
	}
	return end;
}

static const char *random_tables(bool table[3])
{
	static const char *const suffixes[] = {"/tcp", "/udp", "", "/sctp"};
	int which = below(ARRAY_SIZE(suffixes));

	table[TCP] = which == 0 || which == 2;
	table[UDP] = which == 1 || which == 2;
	table[SCTP] = which == 3;
	return suffixes[which];
}

/* Numbers that a few rules share, so that order matters. */
static char *random_protocol(char *end, struct model_rule *rule)
{
	static const struct {
		const char *word;
		int number;
	} protocols[] = {{"gre", 47}, {"47", 47}, {"esp", 50}, {"251", 251}, {"ipip", 94}, {"59", 59}, {"255", 255}};
	int which = below(ARRAY_SIZE(protocols) + 3);

	if (which < (int)ARRAY_SIZE(protocols)) {
		rule->protocol = protocols[which].number;
		return end + sprintf(end, "proto %s", protocols[which].word);
	}
	/* All ports of a protocol that has some. */
	rule->match = PORTS;
	rule->table[which - ARRAY_SIZE(protocols)] = true;
	memset(rule->ports, true, sizeof(rule->ports));
	return end + sprintf(end, "proto %s", (const char *[]){"tcp", "17", "sctp"}[which - ARRAY_SIZE(protocols)]);
}

static char *random_icmp(char *end, struct model_rule *rule)
{
	static const struct {
		const char *word;
		int type[2]; /* -1 = every type, -2 = not this family */
	} cases[] = {
		{"icmp", {-1, -1}},
		{"icmp4", {-1, -2}},
		{"icmp6", {-2, -1}},
		{"proto icmp", {-1, -2}},
		{"proto ipv6-icmp", {-2, -1}},
		{"icmp/echo-request", {8, 128}},
		{"icmp4/8", {8, -2}},
		{"icmp6/128", {-2, 128}},
		{"icmp6/8", {-2, 8}},
		{"icmp/redirect", {5, 137}},
		{"icmp/packet-too-big", {-2, 2}},
		{"icmp/timestamp-request", {13, -2}},
		{"icmp4/0", {0, -2}},
		{"icmp6/255", {-2, 255}},
	};
	int which = below(ARRAY_SIZE(cases));

	for (int family = 0; family < 2; family++) {
		rule->type[family] = cases[which].type[family];
		rule->family[family] = rule->type[family] != -2;
	}
	return end + sprintf(end, "%s", cases[which].word);
}

static char *random_match(char *end, struct model_rule *rule)
{
	int kind = below(24);

	rule->match = kind == 0 ? ANY : kind < 4 ? PROTOCOL : kind < 10 ? ICMP : PORTS;
	switch (rule->match) {
	case ANY:
		return end + sprintf(end, "any");
	case PROTOCOL:
		return random_protocol(end, rule);
	case ICMP:
		return random_icmp(end, rule);
	default:
		end = random_ports(end, rule);
		return end + sprintf(end, "%s", random_tables(rule->table));
	}
}

/* Rules of equal match are one rule. What a match does not use is zero. */
static bool same_match(const struct model_rule *a, const struct model_rule *b)
{
	return a->dir == b->dir && a->match == b->match && !memcmp(a->table, b->table, sizeof(a->table)) &&
	       !memcmp(a->ports, b->ports, sizeof(a->ports)) && a->protocol == b->protocol &&
	       !memcmp(a->family, b->family, sizeof(a->family)) && !memcmp(a->type, b->type, sizeof(a->type));
}

static char *random_rule(char *end)
{
	static const char *const actions[] = {[1] = "allow", [2] = "deny", [3] = "reject"};
	struct model_rule *rule = &model.rules[model.nr_rules];

	memset(rule, 0, sizeof(*rule));
	rule->verdict = 1 + below(3);
	rule->dir = below(3);
	end += sprintf(end,
		       rule->dir == ROUTED ? "route %s "
		       : rule->dir == OUT  ? "%s out "
					   : "%s in ",
		       actions[rule->verdict]);
	end = random_match(end, rule);
	end += sprintf(end, "\n");
	for (int i = 0; i < model.nr_rules; i++) {
		if (same_match(&model.rules[i], rule)) {
			model.rules[i].verdict = rule->verdict;
			return end;
		}
	}
	model.nr_rules++;
	return end;
}

static char *random_forward(char *end)
{
	struct model_forward *forward = &model.forwards[model.nr_forwards];
	const char *suffix = random_tables(forward->table);

	forward->a = random_port();
	forward->b = random_port();
	for (int table = 0; table < 3; table++)
		if (forward->a == forward->b ||
		    (forward->table[table] && (interpret_link(table, forward->a) != forward->a ||
					       interpret_link(table, forward->b) != forward->b)))
			return end;
	model.nr_forwards++;
	return end + sprintf(end, "forward %d:%d%s\n", forward->a, forward->b, suffix);
}

static char *random_default(char *end)
{
	static const char *const actions[] = {[1] = "allow", [2] = "deny", [3] = "reject"};
	static const char *const dirs[] = {"in", "out", "routed"};
	int dir = below(3);

	model.defaults[dir] = 1 + below(3);
	return end + sprintf(end, "default %s %s\n", actions[model.defaults[dir]], dirs[dir]);
}

static char *random_option(char *end)
{
	static const char *const names[] = {
#define X(code, name, seconds) name,
		XDPFW_TIMEOUTS(X)
#undef X
	};
	int timeout = below(ARRAY_SIZE(names));
	bool on = below(2);

	if (below(2)) {
		model.timeouts[timeout] = 1 + below(600);
		return end + sprintf(end, "option %s %d\n", names[timeout], model.timeouts[timeout]);
	}
	if (below(2)) {
		model.ping = on;
		return end + sprintf(end, "option allow-ping %s\n", on ? "on" : "off");
	}
	model.non_ip = on;
	return end + sprintf(end, "option non-ip %s\n", on ? "on" : "off");
}

static char *random_statement(char *end)
{
	int kind = below(20);

	if (kind < 12)
		return model.nr_rules < MAX_RULES ? random_rule(end) : end;
	if (kind < 15)
		return model.nr_forwards < MAX_FORWARDS ? random_forward(end) : end;
	if (kind < 17)
		return random_default(end);
	if (kind < 18)
		return random_option(end);
	if (kind < 19)
		return end + sprintf(end, "# a comment\n");
	model.blocks = true;
	return end + sprintf(end, "block 203.0.113.%d\n", below(256));
}

static const int default_timeouts[] = {
#define X(code, name, seconds) seconds,
	XDPFW_TIMEOUTS(X)
#undef X
};

void random_model(int statements)
{
	char *end = model.text;

	model.nr_rules = model.nr_forwards = 0;
	model.defaults[IN] = model.defaults[ROUTED] = 2;
	model.defaults[OUT] = 1;
	memcpy(model.timeouts, default_timeouts, sizeof(model.timeouts));
	model.ping = model.non_ip = true;
	model.blocks = false;
	*end = '\0';
	for (int i = 0; i < statements; i++)
		end = random_statement(end);
}
