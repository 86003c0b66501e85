// SPDX-License-Identifier: GPL-2.0-only
/* What the policy says of a listening port from outside; which ports Docker says it publishes. */
#include "docker.h"
#include "exposure.h"
#include "parse_addr.h"
#include "unit.h"

#include <netinet/in.h>

static struct listener tcp_on(const char *addr, int port)
{
	struct listener l = {.protocol = IPPROTO_TCP, .port = port, .v4 = true, .v6 = true};

	cr_assert_eq(parse_addr(addr, addr, &l.addr, NULL), 0);
	if (addr_is_ipv4(&l.addr))
		l.v6 = false;
	else if (!listens_everywhere(&l))
		l.v4 = false;
	return l;
}

/* "VERDICT by TEXT; first TEXT; first TEXT" */
static void expect(const char *rules, const char *addr, int port, const char *expected)
{
	struct ruleset set = parse_set(rules);
	struct listener l = tcp_on(addr, port);
	struct exposure x;
	char text[512];
	_free_ char *by = NULL;

	cr_assert_eq(exposure_find(&set, &l, port, 1000, &x), 0);
	by = x.by ? statement_format(x.by) : strdup("default");
	snprintf(text, sizeof(text), "%s%s by %s", action_name(x.verdict), x.limited ? ", limited," : "", by);
	for (size_t i = 0; i < x.count; i++) {
		_free_ char *first = statement_format(x.exceptions[i]);

		snprintf(text + strlen(text), sizeof(text) - strlen(text), "; first %s", first);
	}
	cr_expect_str_eq(text, expected);
	exposure_free(&x);
	ruleset_free(&set);
}

Test(exposure, the_first_rule_for_everyone_decides)
{
	expect("", "0.0.0.0", 22, "deny by default");
	expect("default allow in\n", "0.0.0.0", 22, "allow by default");
	expect("allow in 22\ndeny in any\n", "0.0.0.0", 22, "allow by allow in 22");
	expect("allow in 22/udp\n", "0.0.0.0", 22, "deny by default");
	expect("allow out 22\nroute allow 22\n", "0.0.0.0", 22, "deny by default");
	expect("reject in any\n", "0.0.0.0", 22, "reject by reject in any");
	expect("allow in icmp\ndeny in proto gre\n", "0.0.0.0", 22, "deny by default");
}

Test(exposure, rules_for_some_are_exceptions)
{
	expect("deny in 22 from 203.0.113.0/24\nallow in 22\n", "0.0.0.0", 22,
	       "allow by allow in 22; first deny in 22 from 203.0.113.0/24");
	expect("allow in 22 on eth1\n", "0.0.0.0", 22, "deny by default; first allow in 22 on eth1");
	expect("allow in 22\ndeny in 22 from 203.0.113.0/24\n", "0.0.0.0", 22, "allow by allow in 22");
}

Test(exposure, rules_that_cannot_concern_it_are_left_out)
{
	expect("allow in 22 from 2001:db8::/32\n", "0.0.0.0", 22, "deny by default");
	expect("allow in 22 from 2001:db8::/32\n", "::", 22, "deny by default; first allow in 22 from 2001:db8::/32");
	expect("allow in 22 to 192.0.2.1\n", "192.0.2.9", 22, "deny by default");
	expect("allow in 22 to 192.0.2.1\n", "192.0.2.1", 22, "allow by allow in 22 to 192.0.2.1");
	expect("allow in 22 to 192.0.2.1\n", "0.0.0.0", 22, "deny by default; first allow in 22 to 192.0.2.1");
}

Test(exposure, forwards)
{
	struct ruleset set = parse_set("forward 8080:2988\n");
	struct listener l = tcp_on("0.0.0.0", 2988), other = tcp_on("0.0.0.0", 2989);
	__u16 wire = 7;

	expect("forward 8080:2988\n", "0.0.0.0", 8080, "allow by forward 8080:2988");
	expect("deny in 8080\nforward 8080:2988\n", "0.0.0.0", 8080, "deny by deny in 8080");
	expect("forward 8080:2988 one-way on eth0\n", "0.0.0.0", 8080, "deny by default");
	expect("forward 8080:2988 one-way until 1970-01-01T00:16:40Z\n", "0.0.0.0", 8080, "deny by default");
	cr_expect(forward_leads_to(&set.statements[0], &l, &wire));
	cr_expect_eq(wire, 8080);
	cr_expect_not(forward_leads_to(&set.statements[0], &other, &wire));
	ruleset_free(&set);
}

Test(exposure, forwarded_away)
{
	struct ruleset set = parse_set("forward 8080:2988\nforward 90:91 one-way\nforward 443:192.0.2.7:8443/tcp\n"
				       "forward 92:93 one-way on eth0\n"
				       "forward 94:95 one-way until 2026-11-25T18:00:00Z\n");
	const __u64 at = 1795629600; /* 2026-11-25T18:00:00Z */
	static const struct {
		int port, wire;
		bool away;
	} cases[] = {{2988, 8080, false}, {8080, 2988, false}, {91, 90, false}, {90, 90, true},
		     {443, 443, true},    {22, 22, false},     {92, 92, false}, {94, 94, true}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct listener l = tcp_on("0.0.0.0", cases[i].port);

		cr_expect_eq(forwarded_away(&set, &l, cases[i].wire, at - 1), cases[i].away, "%d", cases[i].port);
		cr_expect_eq(forwarded_away(&set, &l, cases[i].wire, at), cases[i].away && cases[i].port != 94);
	}
	ruleset_free(&set);
}

Test(docker, published_ports)
{
	struct published_list list = {0};
	static const char answer[] = "[{\"Id\":\"c0ffee\",\"Names\":[\"/web\"],\"Ports\":["
				     "{\"IP\":\"0.0.0.0\",\"PrivatePort\":80,\"PublicPort\":8080,\"Type\":\"tcp\"},"
				     "{\"IP\":\"::\",\"PrivatePort\":80,\"PublicPort\":8080,\"Type\":\"tcp\"},"
				     "{\"PrivatePort\":443,\"Type\":\"tcp\"},"
				     "{\"IP\":\"0.0.0.0\",\"PrivatePort\":9,\"PublicPort\":9,\"Type\":\"sctp\"}]},"
				     "{\"Id\":\"decaf\",\"Ports\":[{\"IP\":\"127.0.0.1\",\"PrivatePort\":53,"
				     "\"PublicPort\":5353,\"Type\":\"udp\"}]},"
				     "{\"Names\":[\"/silent\"]}]";

	cr_assert_eq(docker_parse(answer, &list), 0);
	cr_assert_eq(list.count, 3);
	cr_expect_str_eq(list.rows[0].container, "web");
	cr_expect_eq(list.rows[0].protocol, IPPROTO_TCP);
	cr_expect_eq(list.rows[0].port, 8080);
	cr_expect_eq(list.rows[0].inner, 80);
	cr_expect_str_eq(list.rows[2].container, "decaf");
	cr_expect_eq(list.rows[2].protocol, IPPROTO_UDP);
	docker_free(&list);
	cr_expect_eq(docker_parse("{\"message\":\"no\"}", &list), -EINVAL);
	cr_expect_eq(docker_parse("", &list), -EINVAL);
	docker_free(&list);
}
