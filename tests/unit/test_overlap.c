// SPDX-License-Identifier: GPL-2.0-only
/* Which rules hide which: named pairs, random ones against counting, and many rules against all pairs. */
#include "overlap.h"
#include "unit.h"

Test(overlap, pairs)
{
	static const struct {
		const char *first, *second;
		enum overlap overlap;
	} cases[] = {
		{"deny 22", "allow 22", OVERLAP_ALL},
		{"deny 22", "allow 22/tcp", OVERLAP_ALL},
		{"deny 22/tcp", "allow 22", OVERLAP_SOME},
		{"deny 22", "allow 23", OVERLAP_NONE},
		{"deny in 22", "allow out 22", OVERLAP_NONE},
		{"deny in 22", "route allow 22", OVERLAP_NONE},
		{"deny any", "allow icmp", OVERLAP_ALL},
		{"deny icmp", "allow any", OVERLAP_SOME},
		{"deny icmp", "allow proto gre", OVERLAP_NONE},
		{"deny proto gre", "allow proto 47", OVERLAP_ALL},
		{"deny icmp/ping", "allow icmp4", OVERLAP_SOME},
		{"deny icmp4", "allow icmp/ping", OVERLAP_SOME},
		{"deny icmp", "allow icmp4/8", OVERLAP_ALL},
		{"deny icmp4/8", "allow icmp4/0", OVERLAP_NONE},
		{"deny icmp4/8", "allow icmp6/128", OVERLAP_NONE},
		{"deny icmp/ping", "allow icmp6/128", OVERLAP_ALL},
		{"deny from 10.0.0.0/8", "allow 22", OVERLAP_SOME},
		{"deny from 10.0.0.0/8", "allow 22 from 10.1.0.0/16", OVERLAP_ALL},
		{"deny 22 from 10.1.0.0/16", "allow from 10.0.0.0/8", OVERLAP_SOME},
		{"deny from 10.0.0.0/8", "allow from 11.0.0.0/8", OVERLAP_NONE},
		{"deny from ::/0", "allow from 10.0.0.0/8", OVERLAP_NONE},
		{"deny from 0.0.0.0/0", "allow from ::1", OVERLAP_NONE},
		{"deny from 10.0.0.1", "allow to 10.0.0.1", OVERLAP_SOME},
		{"deny from @a", "allow 22", OVERLAP_MAYBE},
		{"deny from @a", "allow from @a", OVERLAP_ALL},
		{"deny from @a", "allow from @b", OVERLAP_MAYBE},
		{"deny any", "allow from @b", OVERLAP_ALL},
		{"deny on eth0", "allow 22 on eth0", OVERLAP_ALL},
		{"deny on eth0", "allow 22", OVERLAP_SOME},
		{"deny on eth0", "allow 22 on eth1", OVERLAP_NONE},
		{"deny 22/tcp from any port 22", "allow 22/tcp", OVERLAP_SOME},
		{"deny 22/tcp", "allow 22/tcp from any port 22", OVERLAP_ALL},
		{"deny out any user root", "allow out 22 user root", OVERLAP_ALL},
		{"deny out any user root", "allow out 22 user 0", OVERLAP_MAYBE},
		{"deny out any cgroup a", "allow out 22 cgroup a/b", OVERLAP_MAYBE},
		{"deny out any cgroup a", "allow out 22", OVERLAP_SOME},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct statement first = parse_line(cases[i].first), second = parse_line(cases[i].second);

		cr_expect_eq(rules_overlap(&first.rule, &second.rule), cases[i].overlap, "%s | %s: %d", cases[i].first,
			     cases[i].second, rules_overlap(&first.rule, &second.rule));
		statement_free(&first);
		statement_free(&second);
	}
}

Test(overlap, only_what_decides_otherwise_hides)
{
	static const struct {
		const char *earlier, *later;
		bool hides;
	} cases[] = {
		{"deny 22", "allow 22", true},           {"allow 22", "allow 22/tcp", false},
		{"allow 22", "limit 22/tcp", true},      {"reject 22", "deny 22/tcp", true},
		{"disabled deny 22", "allow 22", false}, {"deny 22", "disabled allow 22", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct statement earlier = parse_line(cases[i].earlier), later = parse_line(cases[i].later);

		cr_expect_eq(rule_hides(&earlier.rule, &later.rule) != OVERLAP_NONE, cases[i].hides, "%s | %s",
			     cases[i].earlier, cases[i].later);
		statement_free(&earlier);
		statement_free(&later);
	}
}

/* A world small enough to count: 8 ports at each end, two protocols, 8 addresses. */
static bool in_ports(const struct ports *ports, unsigned int port)
{
	for (size_t i = 0; i < ports->count; i++)
		if (ports->ranges[i].first <= port && port <= ports->ranges[i].last)
			return true;
	return !ports->count;
}

static bool in_address(const struct address_match *match, unsigned int host)
{
	unsigned int bits = 128 - match->prefix.length;

	return match->kind == ADDRESS_ANY || (unsigned int)match->prefix.addr.bytes[15] >> bits == host >> bits;
}

static bool matches(const struct rule *rule, const unsigned int at[5])
{
	return (rule->match == MATCH_ANY || (rule->protocols & (at[0] ? PROTO_UDP : PROTO_TCP))) &&
	       (rule->match == MATCH_ANY || in_ports(&rule->ports, at[1])) && in_ports(&rule->source_ports, at[2]) &&
	       in_address(&rule->from, at[3]) && in_address(&rule->to, at[4]);
}

static enum overlap count_overlap(const struct rule *first, const struct rule *second)
{
	unsigned int at[5], both = 0, seconds = 0;

	for (unsigned int i = 0; i < 2 * 8 * 8 * 8 * 8; i++) {
		at[0] = i & 1;
		for (int k = 1; k < 5; k++)
			at[k] = i >> (3 * k - 2) & 7;
		if (!matches(second, at))
			continue;
		seconds++;
		both += matches(first, at);
	}
	return !both ? OVERLAP_NONE : both == seconds ? OVERLAP_ALL : OVERLAP_SOME;
}

static struct statement random_rule(unsigned int *seed)
{
	static const char *const targets[] = {"any", "3", "2-5/tcp", "0-7/udp", "1,6", "4/udp"};
	static const char *const from[] = {"", "from 10.0.0.0/29", "from 10.0.0.4/30", "from 10.0.0.6/31",
					   "from 10.0.0.7"};
	static const char *const ports[] = {"", "", "port 3", "port 0-7"};
	static const char *const to[] = {"", "", "to 10.0.0.0/30", "to 10.0.0.2"};
	unsigned int sender = rand_r(seed) % ARRAY_SIZE(from);
	char line[128];

	snprintf(line, sizeof(line), "%s in %s %s %s %s", rand_r(seed) % 2 ? "allow" : "deny",
		 targets[rand_r(seed) % ARRAY_SIZE(targets)], from[sender],
		 sender ? ports[rand_r(seed) % ARRAY_SIZE(ports)] : "", to[rand_r(seed) % ARRAY_SIZE(to)]);
	return parse_line(line);
}

/* In this world a list of all 8 addresses is everything; the parser does not know that, so it may say "some". */
Test(overlap, agrees_with_counting)
{
	unsigned int seed = 3, seen[OVERLAP_ALL + 1] = {0};

	for (int i = 0; i < 3000; i++) {
		struct statement first = random_rule(&seed), second = random_rule(&seed);
		enum overlap said = rules_overlap(&first.rule, &second.rule);
		enum overlap counted = count_overlap(&first.rule, &second.rule);
		_free_ char *a = statement_format(&first), *b = statement_format(&second);

		cr_expect(said == counted || (said == OVERLAP_SOME && counted == OVERLAP_ALL),
			  "%s | %s: %d, counted %d", a, b, said, counted);
		seen[counted]++;
		statement_free(&first);
		statement_free(&second);
	}
	cr_expect(seen[OVERLAP_NONE] > 100 && seen[OVERLAP_SOME] > 100 && seen[OVERLAP_ALL] > 100);
}

static void count_pair(void *context, const struct statement *earlier, const struct statement *later)
{
	cr_expect(earlier < later);
	++*(size_t *)context;
}

/* The shortcut by ports finds the same pairs as comparing each with each, and none twice. */
Test(overlap, find_hidden_finds_all_pairs)
{
	static const char *const targets[] = {"22",  "80,443/tcp", "0-65535/udp", "255-256",      "1,300,600,900,1200",
					      "any", "icmp",       "65535",       "512-1023/tcp", "20000-20001,30000"};
	static const char *const froms[] = {"", " from 10.0.0.0/8", " from 10.1.0.0/16", " from 192.0.2.1"};
	struct ruleset set = {0};
	size_t found = 0, expected = 0;
	unsigned int seed = 5;

	for (int i = 0; i < 400; i++) {
		char line[128];
		struct statement s;
		enum change change;

		snprintf(line, sizeof(line), "%s in %s%s on eth%u", rand_r(&seed) % 2 ? "allow" : "deny",
			 targets[rand_r(&seed) % ARRAY_SIZE(targets)], froms[rand_r(&seed) % ARRAY_SIZE(froms)],
			 rand_r(&seed) % 8);
		s = parse_line(line);
		cr_assert_eq(ruleset_add(&set, &s, &change, NULL), 0);
	}
	for (size_t i = 0; i < set.count; i++)
		for (size_t j = 0; j < i; j++)
			expected += rule_hides(&set.statements[j].rule, &set.statements[i].rule) != OVERLAP_NONE;
	cr_assert_eq(find_hidden(&set, count_pair, &found), 0);
	cr_expect_eq(found, expected);
	cr_expect_gt(expected, 100);
	ruleset_free(&set);
}
