// SPDX-License-Identifier: GPL-2.0-only
/*
 * The compiler against an interpreter that knows nothing of it: for each port,
 * walk the statements from the top and take the first that matches. The
 * interpreter has its own model of a policy; the compiler gets it as text.
 */
#include "compile.h"

#include <netinet/in.h>

#include "evaluate.h"
#include "unit.h"

/* Hundreds of millions of steps: fast enough whatever the build is. */
#ifndef __clang__
#pragma GCC optimize("O2")
#endif

enum { IN, OUT, ROUTED };
enum { TCP, UDP, SCTP };
enum { PORTS, ANY, PROTOCOL, ICMP };

#define HZ 250

struct model_rule {
	int verdict; /* 1 pass, 2 drop, 3 reject, as a decision has them */
	int dir;
	int match;
	bool table[3];
	bool ports[65536];
	int protocol;
	bool family[2];
	int type[2]; /* by family, -1 = every type */
};

struct model_forward {
	int a, b;
	bool table[3];
};

#define MAX_RULES    64
#define MAX_FORWARDS 16

static struct model {
	struct model_rule rules[MAX_RULES];
	struct model_forward forwards[MAX_FORWARDS];
	int nr_rules, nr_forwards;
	int defaults[3];
	int timeouts[XDPFW_NR_TIMEOUTS];
	bool ping, non_ip, blocks;
	char text[65536];
} model;

/* The rule's counter is its place + 1, the forward's its place + 1001. */
static __u32 decision(int verdict, int reason, int counter)
{
	return (__u32)verdict << 30 | (__u32)reason << 24 | counter;
}

/* A packet as a policy sees one: its direction, and a port, an ICMP type or a protocol. */
struct packet {
	int dir;
	int kind;   /* PORTS, ICMP or PROTOCOL */
	int table;  /* PORTS */
	int family; /* ICMP */
	int number;
};

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

static __u32 interpret_plain(const struct packet *p)
{
	__u32 match = first_match(p);

	return match ? match : implicit(p);
}

/* With the mark that a request for another host would fare otherwise. */
static __u32 interpret(const struct packet *p)
{
	struct packet routed = *p;
	__u32 plain = interpret_plain(p);

	routed.dir = ROUTED;
	if (p->dir == IN && (interpret_plain(&routed) >> 30 != plain >> 30 ||
			     (plain >> 30 == XDPFW_PASS && interpret_plain(&routed) != plain)))
		plain |= 1 << 23;
	return plain;
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

static void random_model(int statements)
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

/* Comparing */

static struct {
	struct xdpfw_policy_head head;
	struct xdpfw_port_table ports[3][3];
	struct xdpfw_link_table links[3];
	struct xdpfw_listener_table listeners[XDPFW_LISTENER_TABLES][XDPFW_LISTENER_FAMILIES];
	struct xdpfw_forward forwards[XDPFW_FORWARDS];
	struct xdpfw_condition conditions[XDPFW_CONDITIONS];
} memory;

static __u32 find_iface(const char *name)
{
	return !strncmp(name, "eth", 3) ? 2 + atoi(name + 3) : 0;
}

static int find_user(const char *name, __u32 *uid)
{
	*uid = 1000;
	return strcmp(name, "nobody-has-this-name") ? 0 : -ENOENT;
}

static int find_cgroup(const char *path, __u64 *id, __u32 *level)
{
	(void)path;
	*id = 77;
	*level = 1;
	return 0;
}

static int find_source(const struct xdpfw_addr *to, struct xdpfw_addr *source)
{
	*source = *to;
	source->bytes[15] = 1;
	return 0;
}

/* A host that is always the same. */
static const struct environment here = {
	.hz = HZ,
	.jiffies = 1000000,
	.now = 2000000000,
	.find_iface = find_iface,
	.find_user = find_user,
	.find_cgroup = find_cgroup,
	.find_source = find_source,
};

static void give_counters(struct ruleset *set)
{
	int rules = 0, forwards = 0;

	for (size_t i = 0; i < set->count; i++) {
		if (set->statements[i].kind == STATEMENT_RULE)
			set->statements[i].counter = ++rules;
		else if (set->statements[i].kind == STATEMENT_FORWARD)
			set->statements[i].counter = 1000 + ++forwards;
		set->statements[i].answers = 5000 + forwards;
	}
}

static void compile_text(const char *text)
{
	struct policy_image image = {
		.head = &memory.head,
		.links = {&memory.links[0], &memory.links[1], &memory.links[2]},
		.forwards = memory.forwards,
		.conditions = memory.conditions,
	};
	struct ruleset set = parse_set(text);

	for (int dir = 0; dir < 3; dir++)
		for (int table = 0; table < 3; table++)
			image.ports[dir][table] = &memory.ports[dir][table];
	for (int table = 0; table < XDPFW_LISTENER_TABLES; table++)
		for (int family = 0; family < 2; family++)
			image.listeners[table][family] = &memory.listeners[table][family];
	give_counters(&set);
	memset(&memory, 0xa5, sizeof(memory)); /* what was there must not shine through */
	cr_assert_eq(compile(&set, &here, &image, NULL), 0);
	lines_free(&image.lines);
	ruleset_free(&set);
}

/* As the data path reads it. */
static __u32 cell_of(const struct xdpfw_port_table *t, __u16 port)
{
	return t->have_usual[port / 64] >> port % 64 & 1 ? t->usual : t->cells[port];
}

static void compare_ports(int dir, int table)
{
	for (int port = 0; port < 65536; port++) {
		struct packet p = {.dir = dir, .kind = PORTS, .table = table, .number = port};
		__u32 expected = interpret(&p), cell = memory.ports[dir][table].cells[port];

		cr_assert_eq(cell_of(&memory.ports[dir][table], port), cell, "seed %u, port %d", seed, port);
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

	for (int dir = 0; dir < 3; dir++) {
		for (int i = 0; i < 256; i++) {
			struct packet p = {.dir = dir, .kind = PROTOCOL, .number = i};

			cr_assert_eq(head->protocols[dir][i], interpret(&p), "seed %u, dir %d, protocol %d in\n%s",
				     seed, dir, i, model.text);
			p.kind = ICMP;
			for (p.family = 0; p.family < 2; p.family++)
				cr_assert_eq(head->icmp_types[dir][p.family][i], interpret(&p),
					     "seed %u, dir %d, family %d, ICMP type %d in\n%s", seed, dir, p.family, i,
					     model.text);
		}
	}
	for (int i = 0; i < XDPFW_NR_TIMEOUTS; i++)
		cr_assert_eq(head->timeouts[i], 250ULL * model.timeouts[i], "seed %u, time-out %d in\n%s", seed, i,
			     model.text);
	cr_assert_eq(head->flags, interpret_flags(), "seed %u, flags %x in\n%s", seed, head->flags, model.text);
	cr_assert_eq(head->generation, 0xa5a5a5a5, "the generation is the caller's");
}

static struct packet random_packet(void)
{
	struct packet p = {.dir = below(3), .kind = below(2) ? PORTS : below(2) ? ICMP : PROTOCOL};

	p.table = below(3);
	p.family = below(2);
	p.number = p.kind == PORTS ? random_port() : p.kind == ICMP ? below(2) ? 8 : 128 : 40 + below(12);
	return p;
}

/* evaluate() is the interpreter that users have: it, too, must say what the compiler says. */
static void compare_evaluation(void)
{
	static const __u8 protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
	struct ruleset set = parse_set(model.text);

	give_counters(&set);
	for (int i = 0; i < 100; i++) {
		struct packet p = random_packet();
		struct request r = {.dir = p.dir, .to_port = p.number, .icmp_type = p.number};
		struct judgement j;
		bool counted;

		r.protocol = p.kind == PORTS  ? protocols[p.table]
			     : p.kind == ICMP ? p.family ? IPPROTO_ICMPV6 : IPPROTO_ICMP
					      : p.number;
		j = evaluate(&set, &r);
		counted = j.reason == XDPFW_R_RULE || j.reason == XDPFW_R_FORWARD;
		cr_assert_eq(decision(j.verdict, j.reason, counted ? j.statement->counter : 0), interpret_plain(&p),
			     "seed %u, dir %d, kind %d, table %d, number %d in\n%s", seed, p.dir, p.kind, p.table,
			     p.number, model.text);
	}
	ruleset_free(&set);
}

static void compare_random_models(unsigned int first_seed, int models, int statements)
{
	for (int i = 0; i < models; i++) {
		unsigned int start = seed = first_seed + i;

		random_model(below(statements + 1));
		seed = start;
		compile_text(model.text);
		for (int dir = 0; dir < 3; dir++)
			for (int table = 0; table < 3; table++)
				compare_ports(dir, table);
		for (int table = 0; table < 3; table++)
			compare_links(table);
		compare_head();
		compare_evaluation();
	}
}

Test(compile, random_small_policies, .timeout = 120)
{
	compare_random_models(1000000, 700, 8);
}

Test(compile, random_middling_policies, .timeout = 120)
{
	compare_random_models(2000000, 300, 24);
}

Test(compile, random_large_policies, .timeout = 120)
{
	compare_random_models(3000000, 50, 120);
}

/* Examples to read. compile_text() gives rules the counters 1, 2, ..., forwards 1001, 1002, ... */

/* The mark of cells for `in` has a test of its own. */
static __u32 unmarked(__u32 cell)
{
	return cell & ~XDPFW_ASK_ROUTED;
}

static __u32 in_tcp(int port)
{
	return unmarked(memory.ports[XDPFW_IN][XDPFW_TCP].cells[port]);
}

static __u32 in_udp(int port)
{
	return unmarked(memory.ports[XDPFW_IN][XDPFW_UDP].cells[port]);
}

static __u32 in_icmp(int family, int type)
{
	return unmarked(memory.head.icmp_types[XDPFW_IN][family][type]);
}

static __u32 in_protocol(int protocol)
{
	return unmarked(memory.head.protocols[XDPFW_IN][protocol]);
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
	cr_expect_eq(in_protocol(47), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(memory.head.flags, XDPFW_PASS_NOT_IP, "port 0 alone does not make OUT_DENIES");
}

Test(compile, the_first_rule_that_matches_decides)
{
	compile_text("deny in 20-30/tcp\nallow in 22\nreject in any\nallow in 80\n");
	cr_expect_eq(in_tcp(22), xdpfw_decision(XDPFW_DROP, XDPFW_R_RULE, 1));
	cr_expect_eq(in_udp(22), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 2));
	cr_expect_eq(in_tcp(80), xdpfw_decision(XDPFW_REJECT, XDPFW_R_RULE, 3));
	cr_expect_eq(in_tcp(0), xdpfw_decision(XDPFW_REJECT, XDPFW_R_RULE, 3), "a rule overrules port 0");
	cr_expect_eq(in_protocol(132), xdpfw_decision(XDPFW_REJECT, XDPFW_R_RULE, 3));
	cr_expect_eq(in_icmp(0, 8), xdpfw_decision(XDPFW_REJECT, XDPFW_R_RULE, 3));
	cr_expect_eq(memory.head.protocols[XDPFW_OUT][132], xdpfw_decision(XDPFW_PASS, XDPFW_R_DEFAULT, 0));
}

Test(compile, a_forward_lets_in_and_links)
{
	compile_text("deny in 2988\nforward 8080:2988/tcp\nallow in 8081\n");
	cr_expect_eq(in_tcp(8080), xdpfw_decision(XDPFW_PASS, XDPFW_R_FORWARD, 1001));
	cr_expect_eq(in_tcp(2988), xdpfw_decision(XDPFW_DROP, XDPFW_R_RULE, 1), "a rule comes before a forward");
	cr_expect_eq(in_udp(8080), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(memory.ports[XDPFW_OUT][XDPFW_TCP].cells[8080], xdpfw_decision(XDPFW_PASS, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(memory.links[XDPFW_TCP].delta[8080], 8080 ^ 2988);
	cr_expect_eq(memory.links[XDPFW_TCP].delta[2988], 8080 ^ 2988);
	cr_expect_eq(memory.links[XDPFW_UDP].delta[8080], 0);
	cr_expect_eq(memory.head.flags, XDPFW_PASS_NOT_IP | XDPFW_HAS_LINKS);
}

static __u16 listener(int table, int family, int port)
{
	return memory.listeners[table][family].ports[port];
}

Test(compile, ranges_are_linked_port_by_port)
{
	compile_text("forward 8000-8002:9000-9002/tcp\nforward 80,443:1080,1443/udp\n");
	for (int i = 0; i < 3; i++) {
		cr_expect_eq(memory.links[XDPFW_TCP].delta[8000 + i], (8000 + i) ^ (9000 + i));
		cr_expect_eq(memory.links[XDPFW_TCP].delta[9000 + i], (8000 + i) ^ (9000 + i));
		cr_expect_eq(in_tcp(9000 + i), xdpfw_decision(XDPFW_PASS, XDPFW_R_FORWARD, 1001));
	}
	cr_expect_eq(memory.links[XDPFW_TCP].delta[8003], 0);
	cr_expect_eq(memory.links[XDPFW_UDP].delta[443], 443 ^ 1443);
	cr_expect_eq(in_udp(1080), xdpfw_decision(XDPFW_PASS, XDPFW_R_FORWARD, 1002));
}

static bool is_elsewhere(int family, const struct xdpfw_addr *address)
{
	__u32 bit = xdpfw_address_bit(address);

	return memory.listeners[XDPFW_UDP][family].elsewhere[bit / 64] >> bit % 64 & 1;
}

/* One port may be both: listened on here, and what it leads to. */
Test(compile, a_forward_to_the_same_port_elsewhere)
{
	compile_text("forward 53:10.0.0.5:53/udp keep-source\n");
	cr_expect_eq(listener(XDPFW_UDP, 0, 53), 1 | XDPFW_TARGETED_ELSEWHERE);
	cr_expect_eq(xdpfw_listening(listener(XDPFW_UDP, 0, 53)), 1);
	compile_text("forward 53:10.0.0.5:53/udp\n");
	cr_expect_eq(listener(XDPFW_UDP, 0, 53), 1);
	cr_expect_not(is_elsewhere(0, &memory.forwards[1].targets[0].addr));
}

Test(compile, a_one_way_forward_listens_on_one_end)
{
	compile_text("forward 8000-8001:9000-9001/tcp one-way\n");
	cr_expect_eq(in_tcp(8001), xdpfw_decision(XDPFW_PASS, XDPFW_R_FORWARD, 1001));
	cr_expect_eq(in_tcp(9001), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0), "its target is not opened");
	for (int family = 0; family < 2; family++) {
		cr_expect_eq(listener(XDPFW_TCP, family, 8000), 1);
		cr_expect_eq(listener(XDPFW_TCP, family, 9001), 1 | XDPFW_TARGETED);
		cr_expect_eq(listener(XDPFW_TCP, family, 8002), 0);
		cr_expect_eq(listener(XDPFW_UDP, family, 8000), 0);
	}
	cr_expect_eq(memory.forwards[1].flags, XDPFW_FORWARD_LOCAL | XDPFW_FORWARD_KEEP_SOURCE);
	cr_expect(memory.forwards[1].listen == 8000 && memory.forwards[1].targets[0].port == 9000);
	cr_expect(memory.forwards[1].counter == 1001 && memory.forwards[1].answers == 5001);
	cr_expect_eq(memory.forwards[1].expiry, XDPFW_NEVER);
	cr_expect_eq(memory.links[XDPFW_TCP].delta[8000], 0);
}

/* Another host listens for its own family only; what is for some requests only opens no cell. */
Test(compile, forwards_to_other_hosts)
{
	const struct xdpfw_forward *f = &memory.forwards[1];

	compile_text("forward 443:10.0.0.5:8443,10.0.0.6:8444/tcp from 192.0.2.0/24 to 203.0.113.1 on eth1 "
		     "until 2033-05-18T03:34:00Z\nforward 53:[fd00::53]:5300/udp keep-source\n");
	cr_expect_eq(in_tcp(443), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0), "the data path decides");
	cr_expect(listener(XDPFW_TCP, 0, 443) == 1 && listener(XDPFW_TCP, 1, 443) == 0);
	cr_expect(listener(XDPFW_UDP, 0, 53) == 0 && listener(XDPFW_UDP, 1, 53) == 2);
	cr_expect(listener(XDPFW_TCP, 0, 8443) == 0 && listener(XDPFW_UDP, 0, 5300) == 0);
	cr_expect_eq(listener(XDPFW_UDP, 1, 5300), XDPFW_TARGETED_ELSEWHERE, "the target sees the client");
	cr_expect(is_elsewhere(1, &memory.forwards[2].targets[0].addr) && !is_elsewhere(1, &f->targets[0].addr));
	cr_expect(f->flags == XDPFW_FORWARD_TO && f->nr_targets == 2 && f->ifindex == 3 && f->from_length == 120);
	cr_expect(f->targets[0].addr.bytes[15] == 5 && f->targets[0].port == 8443 && f->targets[1].port == 8444);
	cr_expect_eq(f->targets[0].source.bytes[15], 1, "as the host's routes say");
	cr_expect_eq(f->expiry, (1000000 + 40 * HZ) >> XDPFW_EXPIRY_SHIFT);
	cr_expect_neq(f->targets[0].hash, f->targets[1].hash);
	cr_expect_eq(memory.forwards[2].flags, XDPFW_FORWARD_KEEP_SOURCE);
	cr_expect_eq(memory.forwards[2].targets[0].source.halves[1], 0);
	compile_text("forward 443:10.0.0.5:8443 on tun7\n");
	cr_expect_eq(f->ifindex, ~0U, "an interface that is not there is nobody's");
}

Test(compile, ping_is_a_courtesy_that_rules_and_the_option_overrule)
{
	__u32 courtesy = xdpfw_decision(XDPFW_PASS, XDPFW_R_COURTESY, 0);
	__u32 dropped = xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0);

	compile_text("deny in 1-65535\n");
	cr_expect_eq(in_icmp(0, 8), courtesy);
	cr_expect_eq(in_icmp(1, 128), courtesy);
	cr_expect_eq(in_icmp(1, 8), dropped);
	cr_expect_eq(in_icmp(0, 128), dropped);
	compile_text("option allow-ping off\n");
	cr_expect_eq(in_icmp(0, 8), dropped);
	compile_text("deny in any\n");
	cr_expect_eq(in_icmp(1, 128), xdpfw_decision(XDPFW_DROP, XDPFW_R_RULE, 1));
}

Test(compile, courtesy_is_judged_by_family)
{
	compile_text("deny in icmp4/echo-request\n");
	cr_expect_eq(in_icmp(0, 8), xdpfw_decision(XDPFW_DROP, XDPFW_R_RULE, 1));
	cr_expect_eq(in_icmp(1, 128), xdpfw_decision(XDPFW_PASS, XDPFW_R_COURTESY, 0));
	compile_text("option allow-ping off\nallow in icmp6\n");
	cr_expect_eq(in_icmp(0, 8), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(in_icmp(1, 128), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 1));
}

Test(compile, protocols_without_ports)
{
	compile_text("deny in proto gre\nallow in proto 50\nallow in icmp/redirect\nreject in icmp\nallow in any\n"
		     "deny in proto 51\n");
	cr_expect_eq(in_protocol(47), xdpfw_decision(XDPFW_DROP, XDPFW_R_RULE, 1));
	cr_expect_eq(in_protocol(50), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 2));
	cr_expect_eq(in_protocol(51), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 5), "any comes first");
	cr_expect_eq(in_icmp(0, 5), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 3));
	cr_expect_eq(in_icmp(1, 137), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 3));
	cr_expect_eq(in_icmp(1, 5), xdpfw_decision(XDPFW_REJECT, XDPFW_R_RULE, 4));
	cr_expect_eq(in_tcp(47), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 5));
	cr_expect_eq(memory.head.protocols[XDPFW_OUT][47], xdpfw_decision(XDPFW_PASS, XDPFW_R_DEFAULT, 0));
}

Test(compile, sctp_has_ports_of_its_own)
{
	const __u32 *sctp = memory.ports[XDPFW_IN][XDPFW_SCTP].cells;

	compile_text("allow in 80\nallow in 3868/sctp\nforward 81:82\n");
	cr_expect_eq(unmarked(sctp[80]), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0), "tcp and udp only");
	cr_expect_eq(unmarked(sctp[3868]), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 2));
	cr_expect_eq(in_tcp(3868), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(unmarked(sctp[0]), xdpfw_decision(XDPFW_DROP, XDPFW_R_PORT_ZERO, 0));
	cr_expect_eq(unmarked(sctp[81]), xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(memory.links[XDPFW_SCTP].delta[81], 0);
	compile_text("forward 81:82/sctp\nforward 83:84/sctp one-way\n");
	cr_expect_eq(unmarked(sctp[81]), xdpfw_decision(XDPFW_PASS, XDPFW_R_FORWARD, 1001));
	cr_expect_eq(memory.links[XDPFW_SCTP].delta[81], 81 ^ 82);
	cr_expect_eq(memory.links[XDPFW_TCP].delta[81], 0);
	cr_expect_eq(listener(XDPFW_SCTP, 0, 83), 1);
	cr_expect_eq(listener(XDPFW_SCTP, 1, 84), XDPFW_TARGETED | 1);
	cr_expect_eq(listener(XDPFW_UDP, 0, 83), 0);
}

/* Where both meet the same verdict nobody need ask whose packet it is, whatever the reasons are. */
Test(compile, the_usual_cell_has_a_bit_for_each_port)
{
	const struct xdpfw_port_table *tcp = &memory.ports[XDPFW_IN][XDPFW_TCP];
	int usual = 0;

	compile_text("allow in 22\nallow in 80\n");
	for (int port = 0; port < XDPFW_PORTS; port++)
		usual += tcp->have_usual[port / 64] >> port % 64 & 1;
	cr_expect_eq(usual, XDPFW_PORTS - 3); /* port 0 is another */
	cr_expect_eq(tcp->usual, tcp->cells[23]);
	cr_expect_eq(cell_of(tcp, 22), tcp->cells[22]);
	cr_expect_neq(tcp->cells[22], tcp->usual);
}

Test(compile, cells_are_marked_where_routed_requests_fare_otherwise)
{
	const __u32 *in = memory.ports[XDPFW_IN][XDPFW_TCP].cells,
		    *routed = memory.ports[XDPFW_ROUTED][XDPFW_TCP].cells;

	compile_text("allow in 22\nroute allow 22-23/tcp\ndeny in 25\nforward 81:82/tcp\nallow in proto gre\n");
	cr_expect_eq(in[22], xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 1) | XDPFW_ASK_ROUTED, "another rule counts it");
	cr_expect_eq(routed[22], xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 2));
	cr_expect_eq(in[23], xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0) | XDPFW_ASK_ROUTED);
	cr_expect_eq(in[25], xdpfw_decision(XDPFW_DROP, XDPFW_R_RULE, 3), "the default denies it too");
	cr_expect_eq(in[81], xdpfw_decision(XDPFW_PASS, XDPFW_R_FORWARD, 1001) | XDPFW_ASK_ROUTED);
	cr_expect_eq(routed[81], xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0), "a forward is for this host");
	cr_expect_eq(in[0], xdpfw_decision(XDPFW_DROP, XDPFW_R_PORT_ZERO, 0));
	cr_expect_eq(memory.head.protocols[XDPFW_IN][47],
		     xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, 4) | XDPFW_ASK_ROUTED);
	cr_expect_eq(memory.head.protocols[XDPFW_IN][50], xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
	cr_expect_eq(memory.head.icmp_types[XDPFW_IN][0][8],
		     xdpfw_decision(XDPFW_PASS, XDPFW_R_COURTESY, 0) | XDPFW_ASK_ROUTED, "courtesy is for this host");
	cr_expect_eq(memory.head.icmp_types[XDPFW_ROUTED][0][8], xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0));
	compile_text("default reject routed\ndefault deny in\n");
	cr_expect_eq(in[80], xdpfw_decision(XDPFW_DROP, XDPFW_R_DEFAULT, 0) | XDPFW_ASK_ROUTED);
}

Test(compile, timeouts_in_jiffies)
{
	compile_text("option udp-timeout 60s\n");
	cr_expect_eq(memory.head.timeouts[XDPFW_T_UDP], 60 * HZ);
	cr_expect_eq(memory.head.timeouts[XDPFW_T_UDP_REPLIED], 120 * HZ);
	cr_expect_eq(memory.head.timeouts[XDPFW_T_TCP_ESTABLISHED], 432000 * HZ);
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
		{"option non-ip off\nforward 1:2 one-way\n", XDPFW_HAS_FORWARDS},
		{"option non-ip off\nforward 1:2\nforward 3:10.0.0.5:3\n", XDPFW_HAS_LINKS | XDPFW_HAS_FORWARDS},
		{"option non-ip off\ndeny out 25/tcp\n", 0},
		{"option non-ip off\ndeny out 25/udp\n", XDPFW_OUT_DENIES},
		{"option non-ip off\nreject out 0\n", XDPFW_OUT_DENIES},
		{"option non-ip off\ndefault reject out\n", XDPFW_OUT_DENIES},
		{"option non-ip off\ndefault deny out\nallow out 1-65535/udp\n", XDPFW_OUT_DENIES},
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

/* 60,000 rules of every kind, as many as there can be. */
Test(growth, compiling_all_kinds, .timeout = 60)
{
	static const char *const rules[] = {"allow in %d/tcp", "deny out %d/udp", "route allow %d", "allow in %d/sctp",
					    "route deny %d/sctp"};
	_free_ char *text = malloc(62000 * 40);
	struct timespec start;
	char *end = text;

	for (int type = 0; type < 256; type++)
		end += sprintf(end, "allow in icmp4/%d\nroute deny icmp6/%d\ndeny out icmp4/%d\n", type, type, type);
	for (int protocol = 61; protocol < 132; protocol++)
		end += sprintf(end, "deny in proto %d\nroute allow proto %d\n", protocol, protocol);
	for (int i = 0; i < 60000; i++) {
		end += sprintf(end, rules[i % ARRAY_SIZE(rules)], i);
		*end++ = '\n';
	}
	*end = '\0';
	clock_gettime(CLOCK_MONOTONIC, &start);
	compile_text(text);
	cr_expect_lt(seconds_since(&start), 5);
	cr_expect_eq(memory.ports[XDPFW_IN][XDPFW_TCP].cells[59995] >> 30, XDPFW_PASS);
}
