// SPDX-License-Identifier: GPL-2.0-only
/*
 * The compiler against an interpreter that knows nothing of it: for each port,
 * walk the statements from the top and take the first that matches. The
 * interpreter has its own model of a policy; the compiler gets it as text.
 */
#include "compile.h"
#include "unit.h"

/* Hundreds of millions of steps: fast enough whatever the build is. */
#ifndef __clang__
#pragma GCC optimize("O2")
#endif

enum { TCP, UDP, NO_PORTS };

struct model_rule {
	int verdict; /* 1 pass, 2 drop, 3 reject, as a decision has them */
	bool out;
	bool any;
	bool table[2];
	bool ports[65536];
};

struct model_forward {
	int a, b;
	bool table[2];
};

#define MAX_RULES    64
#define MAX_FORWARDS 16

static struct model {
	struct model_rule rules[MAX_RULES];
	struct model_forward forwards[MAX_FORWARDS];
	int nr_rules, nr_forwards;
	int defaults[2];
	bool ping, non_ip, blocks;
	char text[65536];
} model;

/* The rule's counter is its place + 1, the forward's its place + 1001. */
static __u32 decision(int verdict, int reason, int counter)
{
	return (__u32)verdict << 30 | (__u32)reason << 24 | counter;
}

static __u32 first_match(int dir, int table, int port)
{
	for (int i = 0; i < model.nr_rules; i++) {
		const struct model_rule *rule = &model.rules[i];

		if (rule->out != dir)
			continue;
		if (rule->any || (table != NO_PORTS && rule->table[table] && rule->ports[port]))
			return decision(rule->verdict, 1, i + 1);
	}
	return 0;
}

static __u32 interpret_port(int dir, int table, int port)
{
	__u32 match = first_match(dir, table, port);

	if (match)
		return match;
	for (int i = 0; dir == 0 && i < model.nr_forwards; i++) {
		const struct model_forward *forward = &model.forwards[i];

		if (forward->table[table] && (forward->a == port || forward->b == port))
			return decision(1, 3, i + 1001);
	}
	return port ? decision(model.defaults[dir], 2, 0) : decision(2, 16, 0);
}

static __u32 interpret_protocol(int dir)
{
	__u32 match = first_match(dir, NO_PORTS, 0);

	return match ? match : decision(model.defaults[dir], 2, 0);
}

static __u32 interpret_icmp(int dir, int family, int type)
{
	__u32 match = first_match(dir, NO_PORTS, 0);

	if (!match && dir == 0 && model.ping && type == (family ? 128 : 8))
		return decision(1, 7, 0);
	return match ? match : decision(model.defaults[dir], 2, 0);
}

static int interpret_link(int table, int port)
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

static __u32 interpret_flags(void)
{
	__u32 flags = (model.blocks ? 1 : 0) | (model.nr_forwards ? 2 : 0) | (model.non_ip ? 8 : 0);

	for (int port = 0; port < 65536; port++)
		if (interpret_port(1, UDP, port) >> 30 != 1 && (port || first_match(1, UDP, 0)))
			flags |= 4;
	return flags;
}

/* Random policies */

static unsigned int seed;

static int below(int bound)
{
	return rand_r(&seed) % bound;
}

/* Often near one another and near the ends, so that ranges touch and overlap. */
static int random_port(void)
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

static const char *random_tables(bool table[2])
{
	static const char *const suffixes[] = {"/tcp", "/udp", ""};
	int which = below(3);

	table[TCP] = which != 1;
	table[UDP] = which != 0;
	return suffixes[which];
}

static bool same_match(const struct model_rule *a, const struct model_rule *b)
{
	return a->out == b->out && a->any == b->any && a->table[0] == b->table[0] && a->table[1] == b->table[1] &&
	       !memcmp(a->ports, b->ports, sizeof(a->ports));
}

static char *random_rule(char *end)
{
	static const char *const actions[] = {[1] = "allow", [2] = "deny", [3] = "reject"};
	struct model_rule *rule = &model.rules[model.nr_rules];

	memset(rule, 0, sizeof(*rule));
	rule->verdict = 1 + below(3);
	rule->out = below(2);
	rule->any = below(12) == 0;
	end += sprintf(end, "%s %s ", actions[rule->verdict], rule->out ? "out" : "in");
	if (rule->any) {
		end += sprintf(end, "any\n");
	} else {
		end = random_ports(end, rule);
		end += sprintf(end, "%s\n", random_tables(rule->table));
	}
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
	for (int table = 0; table < 2; table++)
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
	int dir = below(2);

	model.defaults[dir] = 1 + below(3);
	return end + sprintf(end, "default %s %s\n", actions[model.defaults[dir]], dir ? "out" : "in");
}

static char *random_option(char *end)
{
	bool on = below(2);

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

static void random_model(int statements)
{
	char *end = model.text;

	model.nr_rules = model.nr_forwards = 0;
	model.defaults[0] = 2;
	model.defaults[1] = 1;
	model.ping = model.non_ip = true;
	model.blocks = false;
	*end = '\0';
	for (int i = 0; i < statements; i++)
		end = random_statement(end);
}

/* Comparing */

static struct {
	struct xdpfw_policy_head head;
	struct xdpfw_port_table ports[2][2];
	struct xdpfw_link_table links[2];
} memory;

static void compile_text(const char *text)
{
	struct policy_image image = {
		.head = &memory.head,
		.ports = {{&memory.ports[0][0], &memory.ports[0][1]}, {&memory.ports[1][0], &memory.ports[1][1]}},
		.links = {&memory.links[0], &memory.links[1]},
	};
	struct ruleset set = parse_set(text);
	int rules = 0, forwards = 0;

	for (size_t i = 0; i < set.count; i++) {
		if (set.statements[i].kind == STATEMENT_RULE)
			set.statements[i].counter = ++rules;
		else if (set.statements[i].kind == STATEMENT_FORWARD)
			set.statements[i].counter = 1000 + ++forwards;
	}
	memset(&memory, 0xa5, sizeof(memory)); /* what was there must not shine through */
	cr_assert_eq(compile(&set, &image, NULL), 0);
	ruleset_free(&set);
}

static void compare_ports(int dir, int table)
{
	for (int port = 0; port < 65536; port++) {
		__u32 expected = interpret_port(dir, table, port), cell = memory.ports[dir][table].cells[port];

		if (cell != expected)
			cr_assert_fail("seed %u, dir %d, table %d, port %d: %08x instead of %08x in\n%s", seed, dir,
				       table, port, cell, expected, model.text);
	}
}

static void compare_links(int table)
{
	for (int port = 0; port < 65536; port++) {
		int expected = interpret_link(table, port), linked = port ^ memory.links[table].delta[port];

		if (linked != expected)
			cr_assert_fail("seed %u, link %d, port %d: %d instead of %d in\n%s", seed, table, port, linked,
				       expected, model.text);
	}
}

static void compare_head(void)
{
	const struct xdpfw_policy_head *head = &memory.head;

	for (int dir = 0; dir < 2; dir++) {
		for (int i = 0; i < 256; i++) {
			cr_assert_eq(head->protocols[dir][i], interpret_protocol(dir), "seed %u, protocol %d in\n%s",
				     seed, i, model.text);
			for (int family = 0; family < 2; family++)
				cr_assert_eq(head->icmp_types[dir][family][i], interpret_icmp(dir, family, i),
					     "seed %u, ICMP type %d in\n%s", seed, i, model.text);
		}
	}
	cr_assert_eq(head->flags, interpret_flags(), "seed %u, flags %x in\n%s", seed, head->flags, model.text);
	cr_assert_eq(head->generation, 0xa5a5a5a5, "the generation is the caller's");
}

static void compare_random_models(unsigned int first_seed, int models, int statements)
{
	for (int i = 0; i < models; i++) {
		unsigned int start = seed = first_seed + i;

		random_model(below(statements + 1));
		seed = start;
		compile_text(model.text);
		for (int dir = 0; dir < 2; dir++)
			for (int table = 0; table < 2; table++)
				compare_ports(dir, table);
		compare_links(TCP);
		compare_links(UDP);
		compare_head();
	}
}

Test(compile, random_small_policies, .timeout = 120)
{
	compare_random_models(1000000, 1500, 8);
}

Test(compile, random_middling_policies, .timeout = 120)
{
	compare_random_models(2000000, 700, 24);
}

Test(compile, random_large_policies, .timeout = 120)
{
	compare_random_models(3000000, 100, 120);
}

/* Examples to read. compile_text() gives rules the counters 1, 2, ..., forwards 1001, 1002, ... */

static __u32 in_tcp(int port)
{
	return memory.ports[XDPFW_IN][XDPFW_TCP].cells[port];
}

static __u32 out_udp(int port)
{
	return memory.ports[XDPFW_OUT][XDPFW_UDP].cells[port];
}

Test(compile, no_statements)
{
	compile_text("");
	cr_expect_eq(in_tcp(0), xdpfw_decision(XDPFW_DROP, XDPFW_R_PORT_ZERO, 0));
	cr_expect_eq(in_tcp(22), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(out_udp(0), xdpfw_decision(XDPFW_DROP, XDPFW_R_PORT_ZERO, 0));
	cr_expect_eq(out_udp(53), xdpfw_decision(XDPFW_PASS, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(memory.head.protocols[XDPFW_IN][47], xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(memory.head.flags, XDPFW_PASS_NOT_IP, "port 0 alone does not make OUT_DENIES");
}

Test(compile, the_first_rule_that_matches_decides)
{
	compile_text("deny in 20-30/tcp\nallow in 22\nreject in any\nallow in 80\n");
	cr_expect_eq(in_tcp(22), xdpfw_decision(XDPFW_DROP, XDPFW_R_RULE, 1));
	cr_expect_eq(memory.ports[XDPFW_IN][XDPFW_UDP].cells[22], xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 2));
	cr_expect_eq(in_tcp(80), xdpfw_decision(XDPFW_REJECT, XDPFW_R_RULE, 3));
	cr_expect_eq(in_tcp(0), xdpfw_decision(XDPFW_REJECT, XDPFW_R_RULE, 3), "a rule overrules port 0");
	cr_expect_eq(memory.head.protocols[XDPFW_IN][132], xdpfw_decision(XDPFW_REJECT, XDPFW_R_RULE, 3));
	cr_expect_eq(memory.head.icmp_types[XDPFW_IN][0][8], xdpfw_decision(XDPFW_REJECT, XDPFW_R_RULE, 3));
	cr_expect_eq(memory.head.protocols[XDPFW_OUT][132], xdpfw_decision(XDPFW_PASS, XDPFW_R_DEFAULT, 0));
}

Test(compile, a_forward_lets_in_and_links)
{
	compile_text("deny in 2988\nforward 8080:2988/tcp\nallow in 8081\n");
	cr_expect_eq(in_tcp(8080), xdpfw_decision(XDPFW_PASS, XDPFW_R_FORWARD, 1001));
	cr_expect_eq(in_tcp(2988), xdpfw_decision(XDPFW_DROP, XDPFW_R_RULE, 1), "a rule comes before a forward");
	cr_expect_eq(memory.ports[XDPFW_IN][XDPFW_UDP].cells[8080], xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(memory.ports[XDPFW_OUT][XDPFW_TCP].cells[8080], xdpfw_decision(XDPFW_PASS, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(memory.links[XDPFW_TCP].delta[8080], 8080 ^ 2988);
	cr_expect_eq(memory.links[XDPFW_TCP].delta[2988], 8080 ^ 2988);
	cr_expect_eq(memory.links[XDPFW_UDP].delta[8080], 0);
	cr_expect_eq(memory.head.flags, XDPFW_PASS_NOT_IP | XDPFW_HAS_LINKS);
}

Test(compile, ping_is_a_courtesy_that_rules_and_the_option_overrule)
{
	__u32 courtesy = xdpfw_decision(XDPFW_PASS, XDPFW_R_COURTESY, 0);
	__u32 dropped = xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0);

	compile_text("deny in 1-65535\n");
	cr_expect_eq(memory.head.icmp_types[XDPFW_IN][0][8], courtesy);
	cr_expect_eq(memory.head.icmp_types[XDPFW_IN][1][128], courtesy);
	cr_expect_eq(memory.head.icmp_types[XDPFW_IN][1][8], dropped);
	cr_expect_eq(memory.head.icmp_types[XDPFW_IN][0][128], dropped);
	compile_text("option allow-ping off\n");
	cr_expect_eq(memory.head.icmp_types[XDPFW_IN][0][8], dropped);
	compile_text("deny in any\n");
	cr_expect_eq(memory.head.icmp_types[XDPFW_IN][1][128], xdpfw_decision(XDPFW_DROP, XDPFW_R_RULE, 1));
}

Test(compile, flags)
{
	static const struct {
		const char *text;
		__u32 flags;
	} cases[] = {
		{"option non-ip off\n", 0},
		{"option non-ip off\nblock ::1\n", XDPFW_HAS_BLOCKS},
		{"option non-ip off\nforward 1:2\n", XDPFW_HAS_LINKS},
		{"option non-ip off\ndeny out 25/tcp\n", 0},
		{"option non-ip off\ndeny out 25/udp\n", XDPFW_OUT_DENIES},
		{"option non-ip off\nreject out 0\n", XDPFW_OUT_DENIES},
		{"option non-ip off\ndefault reject out\n", XDPFW_OUT_DENIES},
		{"option non-ip off\ndefault deny out\nallow out 1-65535/udp\n", 0},
		{"", XDPFW_PASS_NOT_IP},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		compile_text(cases[i].text);
		cr_expect_eq(memory.head.flags, cases[i].flags, "%s", cases[i].text);
	}
}

/* 60,000 rules that each cover almost every port: painting cell by cell would be 4 billion steps a table. */
Test(growth, compiling_wide_ranges, .timeout = 60)
{
	_free_ char *text = malloc(60000 * 32);
	struct timespec start;
	char *end = text;

	for (int i = 0; i < 60000; i++)
		end += sprintf(end, "%s in %d-65535\n", i % 2 ? "allow" : "deny", 65535 - i);
	clock_gettime(CLOCK_MONOTONIC, &start);
	compile_text(text);
	cr_expect_lt(seconds_since(&start), 5);
	cr_expect_eq(in_tcp(65535), xdpfw_decision(XDPFW_DROP, XDPFW_R_RULE, 1));
	cr_expect_eq(in_tcp(5536), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 60000));
	cr_expect_eq(in_tcp(5535), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
}
