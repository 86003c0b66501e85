// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules with conditions, by example, and what they cost. That they mean what they say is the business of
 * tests/policies, which compares random ones with a reader.
 */
#include <netinet/in.h>

#include "compiled.h"
#include "unit.h"

static struct compiled policy;

/* A request to a TCP port from an IPv4 address, when the policy was compiled. */
static struct request tcp_in(__u16 port, __u8 a, __u8 b, __u8 c, __u8 d)
{
	return (struct request){
		.dir = XDPFW_IN,
		.protocol = IPPROTO_TCP,
		.to_port = port,
		.from.bytes = {[10] = 0xff, 0xff, a, b, c, d},
		.now = COMPILED_NOW,
	};
}

static __u32 decide(const struct request *r)
{
	return compiled_decision(&policy, r, false);
}

static size_t count_conditions(void)
{
	static const struct xdpfw_condition none;
	size_t count = 0;

	while (count < XDPFW_CONDITIONS && memcmp(&policy.conditions[count], &none, sizeof(none)) != 0)
		count++;
	return count;
}

/* A port that its rules decide alone has a decision in its cell, whatever other ports have. */
Test(conditions, ports_without_conditions_pay_nothing)
{
	struct ruleset set = parse_set("allow in 22/tcp from 10.0.0.0/8\nallow in 80/tcp\n");

	cr_assert_eq(compile_into(&policy, &set, NULL), 0);
	cr_expect_eq(policy.ports[XDPFW_IN][XDPFW_TCP].cells[22] >> 30, 0);
	cr_expect_eq(policy.ports[XDPFW_IN][XDPFW_TCP].cells[80] >> 30, XDPFW_PASS);
	cr_expect_eq(policy.ports[XDPFW_IN][XDPFW_TCP].cells[23] >> 30, XDPFW_DROP);
	cr_expect_eq(policy.ports[XDPFW_IN][XDPFW_UDP].cells[22] >> 30, XDPFW_DROP);
	cr_expect_eq(count_conditions(), 1);
	cr_expect_eq(policy.lines.count, 0, "few prefixes need no table");
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
	clock_gettime(CLOCK_MONOTONIC, &start);
	cr_assert_eq(compile_into(&policy, &set, &e), 0, "%s", e.text);
	cr_log_info("10,000 rules: compiled in %.0f ms", 1000 * seconds_since(&start));
	for (int i = 0; i < 10000; i += 7) {
		struct request r = tcp_in(1000 + i, 10, i / 256, i % 256, 9);

		cr_assert_eq(decide(&r), xdpfw_decision(XDPFW_PASS, XDPFW_R_RULE, i + 1));
		r.from.bytes[14]++;
		cr_assert_eq(xdpfw_verdict_of(decide(&r)), XDPFW_DROP);
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
	cr_assert_eq(compile_into(&policy, &set, NULL), 0);
	for (int i = 0; i < 10000; i += 7) {
		struct request r = tcp_in(22, 10, i / 256, i % 256, 9);

		cr_assert_eq(decide(&r), xdpfw_decision(i % 2 ? XDPFW_PASS : XDPFW_REJECT, XDPFW_R_RULE, i + 1));
	}
	cr_expect_leq(count_conditions(), 1);
	ruleset_free(&set);
}

static void expect_refusal(const char *text, const char *why)
{
	struct ruleset set = parse_set(text);
	struct error e = {};

	cr_expect_eq(compile_into(&policy, &set, &e), -E2BIG);
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

	cr_expect_eq(compile_into(&policy, &set, &e), -ENOENT);
	cr_expect_str_eq(e.text, "'user nobody-has-this-name': there is no such user");
	ruleset_free(&set);
}
