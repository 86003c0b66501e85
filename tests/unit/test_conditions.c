// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules with conditions: random policies, compiled, against a reader that takes the rules from the first to the last.
 * The compiled form is walked as bpf/condition.h and bpf/ranges.h walk it.
 */
#include <arpa/inet.h>
#include <endian.h>

#include "compile.h"
#include "unit.h"

#define NOW     2000000000
#define JIFFIES 1000000
#define HZ      250

static __u32 find_iface(const char *name)
{
	return !strncmp(name, "eth", 3) ? 2 + atoi(name + 3) : 0;
}

static int find_user(const char *name, __u32 *uid)
{
	*uid = atoi(name);
	return *uid ? 0 : -ENOENT;
}

static int find_cgroup(const char *path, __u64 *id, __u32 *level)
{
	*id = 70 + strlen(path);
	*level = 1;
	return strcmp(path, "gone.slice") ? 0 : -ENOENT;
}

static const struct environment here = {.hz = HZ,
					.jiffies = JIFFIES,
					.now = NOW,
					.find_iface = find_iface,
					.find_user = find_user,
					.find_cgroup = find_cgroup};

/* The policy, compiled. */
static struct {
	struct xdpfw_policy_head head;
	struct xdpfw_port_table ports[3][3];
	struct xdpfw_link_table links[3];
	struct xdpfw_listener_table listeners[2][2];
	struct xdpfw_forward forwards[XDPFW_FORWARDS];
	struct xdpfw_condition conditions[XDPFW_CONDITIONS];
	struct address_words words;
} memory;

static int compile_set(const struct ruleset *set, struct error *e)
{
	struct policy_image image = {
		.head = &memory.head,
		.forwards = memory.forwards,
		.conditions = memory.conditions,
	};
	int err;

	for (int i = 0; i < 4; i++)
		image.listeners[i / 2][i % 2] = &memory.listeners[i / 2][i % 2];
	for (int table = 0; table < 3; table++) {
		image.links[table] = &memory.links[table];
		for (int dir = 0; dir < 3; dir++)
			image.ports[dir][table] = &memory.ports[dir][table];
	}
	words_free(&memory.words);
	err = compile(set, &here, &image, e);
	memory.words = image.words;
	return err;
}

static void number_rules(struct ruleset *set)
{
	__u32 counter = 0;

	for (size_t i = 0; i < set->count; i++)
		if (set->statements[i].kind == STATEMENT_RULE)
			set->statements[i].counter = ++counter;
}

/* A request, and when and where it comes. */
struct ask {
	int dir;
	struct xdpfw_addr from, to;
	__u16 from_port, to_port;
	__u32 iface, iface_out, uid;
	__u64 cgroup;
	unsigned int later; /* seconds after the policy was compiled */
	bool over_limit;
};

static bool is_v4(const struct xdpfw_addr *addr)
{
	return !addr->halves[0] && addr->words[2] == htonl(0xffff);
}

/* The walker */

static const union xdpfw_word *find_range(__u32 first, __u32 count, __u64 key)
{
	int steps = 0;

	while (count > 1) {
		__u32 half = count / 2;

		cr_assert_lt(steps++, XDPFW_SEARCH_STEPS);
		if (memory.words.at[first + half].start <= key) {
			first += half;
			count -= half;
		} else {
			count = half;
		}
	}
	return &memory.words.at[first];
}

static __u32 address_value(__u32 table, const struct xdpfw_addr *addr)
{
	bool v4 = is_v4(addr);
	const union xdpfw_word *root, *span, *range;
	__u64 key = v4 ? ntohl(addr->words[3]) : be64toh(addr->halves[0]);

	if (!memory.words.count)
		return 0;
	root = &memory.words.at[xdpfw_root(table, !v4)];
	if (!root->count)
		return 0;
	cr_assert_lt(key >> root->start, root->count);
	span = &memory.words.at[root->value + (key >> root->start)];
	range = find_range(span->value, span->count, key);
	if (!v4 && range->count)
		range = find_range(range->value, range->count, be64toh(addr->halves[1]));
	return range->value;
}

static bool in_prefix(const struct xdpfw_addr *addr, const struct xdpfw_addr *prefix, int length)
{
	for (int bit = 0; bit < length; bit++)
		if ((addr->bytes[bit / 8] ^ prefix->bytes[bit / 8]) & (0x80 >> bit % 8))
			return false;
	return !is_v4(addr) || length >= 96;
}

static __u32 expiry_now(const struct ask *a)
{
	return (JIFFIES + (__u64)a->later * HZ) >> XDPFW_EXPIRY_SHIFT;
}

static bool holds(const struct xdpfw_condition *c, const struct ask *a)
{
	switch (c->question) {
	case XDPFW_ASK_SOURCE:
		return in_prefix(&a->from, &c->addr, c->length);
	case XDPFW_ASK_DESTINATION:
		return in_prefix(&a->to, &c->addr, c->length);
	case XDPFW_ASK_SOURCE_PORT:
		return a->from_port >= c->ports.first && a->from_port <= c->ports.last;
	case XDPFW_ASK_IFACE:
		return a->iface == c->value;
	case XDPFW_ASK_ROUTED_TO:
		return a->iface_out == c->value;
	case XDPFW_ASK_USER:
		return a->uid == c->value;
	case XDPFW_ASK_CGROUP:
		return a->cgroup == c->cgroup.id;
	case XDPFW_ASK_TIME:
		return expiry_now(a) < c->expiry;
	case XDPFW_ASK_LIMIT:
		return !a->over_limit;
	}
	cr_assert_fail("question %u", c->question);
	return false;
}

static __u32 walk(__u32 cell, const struct ask *a)
{
	for (int i = 0; i < XDPFW_DEEPEST_CONDITION && !xdpfw_verdict_of(cell); i++) {
		const struct xdpfw_condition *c = &memory.conditions[cell];
		__u32 row = 0;

		cr_assert_lt(cell, XDPFW_CONDITIONS);
		if (c->question == XDPFW_ASK_SOURCE_CLASS || c->question == XDPFW_ASK_DESTINATION_CLASS) {
			row = c->value +
			      address_value(XDPFW_CLASSES, c->question == XDPFW_ASK_SOURCE_CLASS ? &a->from : &a->to);
			cr_assert_lt(row / 4, memory.words.count);
			cell = memory.words.at[row / 4].cells[row % 4];
		} else {
			cell = holds(c, a) ? c->yes : c->no;
		}
	}
	cr_assert(xdpfw_verdict_of(cell), "too many questions");
	return cell;
}

static __u32 decide(const struct ask *a)
{
	return walk(memory.ports[a->dir][XDPFW_TCP].cells[a->to_port] & ~XDPFW_ASK_ROUTED, a);
}

/* The reader */

static bool in_match(const struct ruleset *set, const struct address_match *match, const struct xdpfw_addr *addr,
		     const struct ask *a)
{
	if (match->kind == ADDRESS_ANY)
		return true;
	if (match->kind == ADDRESS_PREFIX)
		return in_prefix(addr, &match->prefix.addr, match->prefix.length);
	for (size_t i = 0; i < set->count; i++) {
		const struct set_member *m = &set->statements[i].member;

		if (set->statements[i].kind == STATEMENT_SET && !strcmp(m->name, match->set) &&
		    in_prefix(addr, &m->prefix.addr, m->prefix.length) && (!m->expires || m->expires > NOW + a->later))
			return true;
	}
	return false;
}

static bool in_ports(const struct ports *ports, __u16 port)
{
	for (size_t i = 0; i < ports->count; i++)
		if (port >= ports->ranges[i].first && port <= ports->ranges[i].last)
			return true;
	return false;
}

static bool rule_matches(const struct ruleset *set, const struct rule *rule, const struct ask *a)
{
	__u32 uid;

	return !rule->disabled && rule->dir == (enum xdpfw_dir)a->dir &&
	       (rule->match == MATCH_ANY ||
		(rule->match == MATCH_PORTS && rule->protocols & PROTO_TCP && in_ports(&rule->ports, a->to_port))) &&
	       in_match(set, &rule->from, &a->from, a) && in_match(set, &rule->to, &a->to, a) &&
	       (!rule->source_ports.count || in_ports(&rule->source_ports, a->from_port)) &&
	       (!rule->on || find_iface(rule->on) == a->iface) &&
	       (!rule->on_out || find_iface(rule->on_out) == a->iface_out) &&
	       (!rule->user || (!find_user(rule->user, &uid) && uid == a->uid)) &&
	       (!rule->cgroup || 70 + strlen(rule->cgroup) == a->cgroup) &&
	       (!rule->expires || rule->expires > NOW + a->later);
}

static __u32 read_rules(const struct ruleset *set, const struct ask *a)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];

		if (s->kind != STATEMENT_RULE || !rule_matches(set, &s->rule, a))
			continue;
		if (s->rule.limited && a->over_limit)
			return xdpfw_decision(XDPFW_DROP, XDPFW_R_LIMIT, s->counter);
		return xdpfw_decision(s->rule.verdict, XDPFW_R_RULE, s->counter);
	}
	return xdpfw_decision(ruleset_default(set, a->dir), XDPFW_R_DEFAULT, 0);
}

/* Chance */

static const char *const prefixes[] = {
	"0.0.0.0/0",
	"10.0.0.0/8",
	"10.1.0.0/16",
	"10.1.2.0/24",
	"10.1.2.3",
	"10.1.2.4/31",
	"10.255.255.255",
	"0.0.0.0/1",
	"255.255.255.255",
	"203.0.113.0/24",
	"203.0.113.128/25",
	"::/0",
	"2001:db8::/32",
	"2001:db8:1::/48",
	"2001:db8:1:2::/64",
	"2001:db8:1:2::3",
	"2001:db8:1:2:8000::/65",
	"2001:db8:1:2:ffff:ffff:ffff:ffff",
	"fe80::/10",
	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	"2001:db8:1:3::/64",
	"::1:0:0:0:0/64",
	"128.0.0.0/1",
	"10.1.2.0/26",
};

static const char *one_of(const char *const words[], size_t count)
{
	return words[rand() % count];
}

static char *write_condition(char *at, const char *word)
{
	if (rand() % 3 == 0)
		return at + sprintf(at, " %s @s%d", word, rand() % 4);
	return at + sprintf(at, " %s %s", word, one_of(prefixes, ARRAY_SIZE(prefixes)));
}

static char *write_rule(char *at)
{
	static const char *const heads[] = {"allow in", "deny in", "reject in", "allow out", "deny out", "limit in"};
	static const char *const targets[] = {"22/tcp", "22", "20-25/tcp", "80,443/tcp", "1-65535/tcp", "proto tcp"};
	const char *head = one_of(heads, ARRAY_SIZE(heads));

	at += sprintf(at, "%s %s", head, one_of(targets, ARRAY_SIZE(targets)));
	if (rand() % 2)
		at = write_condition(at, "from");
	if (rand() % 4 == 0)
		at = write_condition(at, "to");
	if (rand() % 6 == 0)
		at += sprintf(at, " on eth%d", rand() % 2);
	if (strstr(head, "out") && rand() % 4 == 0)
		at += sprintf(at, " user %d", 1000 + rand() % 2);
	if (strstr(head, "out") && rand() % 6 == 0)
		at += sprintf(at, " cgroup a%s", rand() % 2 ? "" : "b");
	return at + sprintf(at, "\n");
}

/* Not all that chance writes is a rule: the two ends may be of different families. */
static char *write_valid_rule(char *at)
{
	struct statement s;

	do {
		char *newline = write_rule(at) - 1;

		*newline = '\0';
	} while (statement_parse_line(at, &s, NULL));
	statement_free(&s);
	strcat(at, "\n");
	return at + strlen(at);
}

static void write_policy(char *at, int rules)
{
	for (int i = 0; i < 40; i++)
		at += sprintf(at, "set add s%d %s\n", rand() % 4, one_of(prefixes, ARRAY_SIZE(prefixes)));
	for (int i = 0; i < 30; i++)
		at += sprintf(at, "set add s3 198.18.%d.%d/%d\n", rand() % 256, rand() % 256, 24 + rand() % 9);
	if (rand() % 2)
		at += sprintf(at, "default allow in\n");
	for (int i = 0; i < rules; i++)
		at = write_valid_rule(at);
}

/* Times are not in the text, which has them to the second of the wall clock. */
static void set_times(struct ruleset *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct statement *s = &set->statements[i];

		if (s->kind == STATEMENT_RULE && rand() % 6 == 0)
			s->rule.expires = NOW + (rand() % 3) * 100 - 50;
		if (s->kind == STATEMENT_SET && rand() % 4 == 0)
			s->member.expires = NOW + (rand() % 3) * 100 - 50;
		if (s->kind == STATEMENT_RULE && rand() % 10 == 0)
			s->rule.disabled = true;
	}
}

/* An address at the edge of a prefix that the policy may name, or one beyond it. */
static struct xdpfw_addr random_addr(void)
{
	struct prefix prefix;
	int edge = rand() % 4;

	cr_assert_eq(parse_prefix(one_of(prefixes, ARRAY_SIZE(prefixes)), &prefix, NULL, NULL), 0);
	if (rand() % 4 == 0) {
		prefix.addr = (struct xdpfw_addr){.bytes = {[10] = 0xff, 0xff, 198, 18, rand(), rand()}};
		return prefix.addr;
	}
	for (int bit = prefix.length; edge && bit < 128; bit++)
		prefix.addr.bytes[bit / 8] |= 0x80 >> bit % 8;
	for (int byte = 15; edge == 2 && byte >= (is_v4(&prefix.addr) ? 12 : 0) && !++prefix.addr.bytes[byte];)
		byte--;
	if (edge == 3 && prefix.length < 128)
		prefix.addr.bytes[15] = rand();
	return prefix.addr;
}

static struct ask random_ask(void)
{
	static const __u16 ports[] = {22, 20, 25, 26, 80, 443, 1, 65535};
	struct ask a = {
		.dir = rand() % 2,
		.from = random_addr(),
		.to = random_addr(),
		.from_port = rand(),
		.to_port = ports[rand() % ARRAY_SIZE(ports)],
		.iface = 2 + rand() % 2,
		.uid = 1000 + rand() % 2,
		.cgroup = 71 + rand() % 2,
		.later = rand() % 3 * 100,
		.over_limit = rand() % 2,
	};

	return a;
}

static void expect_same(const struct ruleset *set, const struct ask *a, const char *text)
{
	__u32 expected = read_rules(set, a), got = decide(a);
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];

	cr_assert_eq(got, expected, "%s from %s to %s port %u on %u, %u s later: %08x, not %08x\n%s",
		     a->dir ? "out" : "in", format_addr(&a->from, from), format_addr(&a->to, to), a->to_port, a->iface,
		     a->later, got, expected, text);
}

Test(conditions, compiled_policies_say_what_their_rules_say)
{
	static char text[65536];

	srand(4);
	for (int round = 0; round < 400; round++) {
		struct ruleset set;
		struct error e = {};

		write_policy(text, 1 + rand() % 30);
		set = parse_set(text);
		set_times(&set);
		number_rules(&set);
		cr_assert_eq(compile_set(&set, &e), 0, "%s\n%s", e.text, text);
		for (int i = 0; i < 500; i++) {
			struct ask a = random_ask();

			expect_same(&set, &a, text);
		}
		ruleset_free(&set);
	}
}

/* Blocks are ranges, too: the longest of those around an address counts. */
Test(conditions, blocks_hold_until_the_last_of_them_expires)
{
	srand(5);
	for (int round = 0; round < 200; round++) {
		char text[4096], *at = text;
		struct ruleset set;

		for (int i = 0; i < 12; i++)
			at += sprintf(at, "block %s\n", one_of(prefixes, ARRAY_SIZE(prefixes)));
		set = parse_set(text);
		for (size_t i = 0; i < set.count; i++)
			set.statements[i].block.expires = rand() % 2 ? 0 : NOW + (rand() % 3) * 100 - 50;
		cr_assert_eq(compile_set(&set, NULL), 0);
		for (int i = 0; i < 200; i++) {
			struct ask a = random_ask();
			bool blocked = false;

			for (size_t s = 0; s < set.count; s++) {
				const struct block *b = &set.statements[s].block;

				blocked |= in_prefix(&a.from, &b->prefix.addr, b->prefix.length) &&
					   (!b->expires || b->expires > NOW + a.later);
			}
			cr_assert_eq(expiry_now(&a) < address_value(XDPFW_BLOCKED, &a.from), blocked, "%s", text);
		}
		ruleset_free(&set);
	}
}

static size_t count_conditions(void)
{
	static const struct xdpfw_condition none;
	size_t count = 0;

	while (count < XDPFW_CONDITIONS && memcmp(&memory.conditions[count], &none, sizeof(none)) != 0)
		count++;
	return count;
}

/* A port that its rules decide alone has a decision in its cell, whatever other ports have. */
Test(conditions, ports_without_conditions_pay_nothing)
{
	struct ruleset set = parse_set("allow in 22/tcp from 10.0.0.0/8\nallow in 80/tcp\n");

	number_rules(&set);
	cr_assert_eq(compile_set(&set, NULL), 0);
	cr_expect_eq(memory.ports[XDPFW_IN][XDPFW_TCP].cells[22] >> 30, 0);
	cr_expect_eq(memory.ports[XDPFW_IN][XDPFW_TCP].cells[80] >> 30, XDPFW_PASS);
	cr_expect_eq(memory.ports[XDPFW_IN][XDPFW_TCP].cells[23] >> 30, XDPFW_DROP);
	cr_expect_eq(memory.ports[XDPFW_IN][XDPFW_UDP].cells[22] >> 30, XDPFW_DROP);
	cr_expect_eq(count_conditions(), 1);
	cr_expect_eq(memory.words.count, 0, "few prefixes need no table");
	ruleset_free(&set);
}

/* 10,000 rules for a port and a network each are 10,000 questions, not 10,000 tables. */
Test(conditions, many_rules_with_a_network_each)
{
	_free_ char *text = malloc(1 << 20);
	struct timespec start;
	struct ruleset set;
	struct error e = {};
	char *at = text;

	for (int i = 0; i < 10000; i++)
		at += sprintf(at, "allow in %d/tcp from 10.%d.%d.0/24\n", 1000 + i, i / 256, i % 256);
	set = parse_set(text);
	number_rules(&set);
	clock_gettime(CLOCK_MONOTONIC, &start);
	cr_assert_eq(compile_set(&set, &e), 0, "%s", e.text);
	cr_log_info("10,000 rules: compiled in %.0f ms", 1000 * seconds_since(&start));
	for (int i = 0; i < 10000; i += 7) {
		struct ask a = {.to_port = 1000 + i, .from.bytes = {[10] = 0xff, 0xff, 10, i / 256, i % 256, 9}};

		cr_assert_eq(decide(&a), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, i + 1));
		a.from.bytes[14]++;
		cr_assert_eq(xdpfw_verdict_of(decide(&a)), XDPFW_DROP);
	}
	ruleset_free(&set);
}

/* The same on one port are a table and a question. */
Test(conditions, many_networks_on_one_port)
{
	_free_ char *text = malloc(1 << 20);
	struct ruleset set;
	char *at = text;

	for (int i = 0; i < 10000; i++)
		at += sprintf(at, "%s in 22/tcp from 10.%d.%d.0/24\n", i % 2 ? "allow" : "reject", i / 256, i % 256);
	set = parse_set(text);
	number_rules(&set);
	cr_assert_eq(compile_set(&set, NULL), 0);
	for (int i = 0; i < 10000; i += 7) {
		struct ask a = {.to_port = 22, .from.bytes = {[10] = 0xff, 0xff, 10, i / 256, i % 256, 9}};

		cr_assert_eq(decide(&a), xdpfw_decision(i % 2 ? XDPFW_PASS : XDPFW_REJECT, XDPFW_R_RULE, i + 1));
	}
	cr_expect_leq(count_conditions(), 1);
	ruleset_free(&set);
}

static void expect_refusal(const char *text, const char *why)
{
	struct ruleset set = parse_set(text);
	struct error e = {};

	number_rules(&set);
	cr_expect_eq(compile_set(&set, &e), -E2BIG);
	cr_expect(strstr(e.text, why), "'%s' does not say '%s'", e.text, why);
	ruleset_free(&set);
}

Test(conditions, what_exceeds_the_limits_names_a_rule)
{
	_free_ char *text = malloc(8 << 20);
	char *at = text;

	for (int i = 0; i < 70; i++)
		at += sprintf(at, "allow out 22/tcp user %d\n", 1000 + i);
	expect_refusal(text, "allow out 22/tcp user 10");
	at = text;
	for (int i = 0; i < 60000; i++)
		at += sprintf(at, "allow in %d/tcp from 10.%d.%d.0/24\n", 1 + i, i / 256, i % 256);
	for (int i = 0; i < 6000; i++)
		at += sprintf(at, "allow in %d/udp from 11.%d.%d.0/24\n", 1 + i, i / 256, i % 256);
	expect_refusal(text, "/udp from 11.");
}

Test(conditions, a_user_that_there_is_none_of)
{
	struct ruleset set = parse_set("allow out 22/tcp user nobody-has-this-name\n");
	struct error e = {};

	cr_expect_eq(compile_set(&set, &e), -ENOENT);
	cr_expect_str_eq(e.text, "'user nobody-has-this-name': there is no such user");
	ruleset_free(&set);
}
