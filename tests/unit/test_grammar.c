// SPDX-License-Identifier: GPL-2.0-only
/* What of the grammar no line of tests/golden can show: durations, and which lines are the same rule. */
#include "statement.h"
#include "unit.h"

/* `for` becomes a time, so that the file and the kernel agree when it is over, whenever the file is read. */
Test(grammar, durations_are_stored_as_times)
{
	static const char *const lines[] = {"allow 22 for 20m", "block 1.2.3.4 for 20m", "set add x 1.2.3.4 for 20m"};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		time_t before = time(NULL), after;
		struct statement s = parse_line(lines[i]), again;
		_free_ char *text = statement_format(&s);
		__u64 expires = s.kind == STATEMENT_RULE    ? s.rule.expires
				: s.kind == STATEMENT_BLOCK ? s.block.expires
							    : s.member.expires;

		after = time(NULL);
		cr_expect(expires >= (__u64)before + 1200 && expires <= (__u64)after + 1200);
		cr_expect(strstr(text, " until 20"), "%s", text);
		again = parse_line(text);
		cr_expect_eq(again.id, s.id);
		statement_free(&s);
		statement_free(&again);
	}
}

/* What is the same rule, and what is not. */
Test(grammar, ids)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{"allow http", "deny 80/tcp", true},
		{"allow 80/tcp from any", "allow proto tcp to any port 80", true},
		{"allow 22", "limit 22 rate 3/1h log comment x for 1h", true},
		{"allow 22", "disabled deny 22", true},
		{"allow in 10.0.0.5:80", "allow to 10.0.0.5 port 80", true},
		{"deny out 10.0.0.5", "deny out to 10.0.0.5", true},
		{"allow on eth0", "allow in on eth0", true},
		{"allow 22", "allow 22 from 0.0.0.0/0", false},
		{"allow 22 from 10.0.0.1", "allow 22 to 10.0.0.1", false},
		{"allow 22 from 10.0.0.1", "allow 22 from 10.0.0.0/31", false},
		{"allow 22 from @a", "allow 22 to @a", false},
		{"allow 22", "allow 22 on eth0", false},
		{"route allow on eth0", "route allow out on eth0", false},
		{"allow out 22 user a", "allow out 22 cgroup a", false},
		{"allow out 22 user root", "deny out 22 user 0", true},
		{"allow out 22 user 33", "allow out 22 user www-data", true},
		{"allow out 22 user 0033", "allow out 22 user www-data", true},
		{"allow out 22 user 34", "allow out 22 user 034", true},
		{"allow out 22 user 34", "allow out 22 user 33", false},
		{"allow out 22 cgroup /a//b/", "allow out 22 cgroup a/b", true},
		{"allow 22/tcp", "allow 22/tcp from any port 22", false},
		{"block 1.2.3.4", "block 1.2.3.4 for 1h", true},
		{"set add a 1.2.3.4", "set add b 1.2.3.4", false},
		{"set add a 1.2.3.4", "set add a 1.2.3.4 for 1h", true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct statement a = parse_line(cases[i].a), b = parse_line(cases[i].b);

		cr_expect_eq(a.id == b.id, cases[i].same, "%s | %s", cases[i].a, cases[i].b);
		statement_free(&a);
		statement_free(&b);
	}
}
