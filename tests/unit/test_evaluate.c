// SPDX-License-Identifier: GPL-2.0-only
/* What a ruleset says of one request, and which statement said it. */
#include "evaluate.h"

#include <netinet/in.h>

#include "unit.h"

static struct xdpfw_addr address(const char *text)
{
	struct prefix prefix = {0};
	struct error e = {0};

	cr_assert_eq(parse_prefix(text, &prefix, NULL, &e), 0, "%s", e.text);
	return prefix.addr;
}

struct row {
	enum xdpfw_dir dir;
	__u8 protocol;
	const char *from, *to;
	int port; /* or ICMP type */
	enum xdpfw_verdict verdict;
	enum xdpfw_reason reason;
	const char *decider; /* NULL: no statement */
};

static struct request request_of(const struct row *row)
{
	struct request r = {
		.dir = row->dir,
		.protocol = row->protocol,
		.from = address(row->from),
		.to = address(row->to),
		.from_port = 40000,
	};

	if (protocol_bit(r.protocol))
		r.to_port = row->port;
	else
		r.icmp_type = row->port;
	return r;
}

static void check_rows(const char *policy, const struct row *rows, size_t count)
{
	struct ruleset set = parse_set(policy);

	for (size_t i = 0; i < count; i++) {
		struct request r = request_of(&rows[i]);
		struct judgement j = evaluate(&set, &r);
		_free_ char *line = j.statement ? statement_format(j.statement) : NULL;

		cr_expect_eq(j.verdict, rows[i].verdict, "row %zu: verdict %d", i, j.verdict);
		cr_expect_eq(j.reason, rows[i].reason, "row %zu: reason %d", i, j.reason);
		if (rows[i].decider)
			cr_expect_str_eq(line ? line : "none", rows[i].decider, "row %zu", i);
		else
			cr_expect_null(line, "row %zu: %s", i, line);
	}
	ruleset_free(&set);
}

#define CHECK(policy, rows) check_rows(policy, rows, ARRAY_SIZE(rows))
#define A                   "198.51.100.7"
#define H                   "192.0.2.1"
#define A6                  "2001:db8::7"
#define H6                  "2001:db8::1"

enum { TCP = IPPROTO_TCP, UDP = IPPROTO_UDP, SCTP = IPPROTO_SCTP, GRE = IPPROTO_GRE };
enum { ICMP = IPPROTO_ICMP, ICMP6 = IPPROTO_ICMPV6 };

Test(evaluate, without_statements)
{
	static const struct row rows[] = {
		{XDPFW_IN, TCP, A, H, 22, XDPFW_DROP, XDPFW_R_DEFAULT, NULL},
		{XDPFW_OUT, TCP, H, A, 22, XDPFW_PASS, XDPFW_R_DEFAULT, NULL},
		{XDPFW_ROUTED, UDP, A, H, 53, XDPFW_DROP, XDPFW_R_DEFAULT, NULL},
		{XDPFW_OUT, UDP, H, A, 0, XDPFW_DROP, XDPFW_R_PORT_ZERO, NULL},
		{XDPFW_IN, ICMP, A, H, 8, XDPFW_PASS, XDPFW_R_COURTESY, NULL},
		{XDPFW_IN, ICMP6, A6, H6, 128, XDPFW_PASS, XDPFW_R_COURTESY, NULL},
		{XDPFW_ROUTED, ICMP, A, H, 8, XDPFW_DROP, XDPFW_R_DEFAULT, NULL},
		{XDPFW_IN, ICMP, A, H, 128, XDPFW_DROP, XDPFW_R_DEFAULT, NULL},
		{XDPFW_IN, UDP, A, "224.0.0.251", 5353, XDPFW_PASS, XDPFW_R_COURTESY, NULL},
		{XDPFW_IN, UDP, A6, "ff02::fb", 5353, XDPFW_PASS, XDPFW_R_COURTESY, NULL},
		{XDPFW_IN, UDP, A, H, 5353, XDPFW_DROP, XDPFW_R_DEFAULT, NULL},
	};

	CHECK("", rows);
}

Test(evaluate, the_first_rule_that_matches_decides)
{
	static const struct row rows[] = {
		{XDPFW_IN, TCP, A, H, 22, XDPFW_PASS, XDPFW_R_RULE, "allow in 22/tcp"},
		{XDPFW_IN, UDP, A, H, 22, XDPFW_DROP, XDPFW_R_RULE, "deny in 20-30"},
		{XDPFW_IN, TCP, A, H, 30, XDPFW_DROP, XDPFW_R_RULE, "deny in 20-30"},
		{XDPFW_IN, TCP, A, H, 31, XDPFW_REJECT, XDPFW_R_DEFAULT, "default reject in"},
		{XDPFW_ROUTED, TCP, A, H, 22, XDPFW_DROP, XDPFW_R_DEFAULT, NULL},
		{XDPFW_IN, SCTP, A, H, 22, XDPFW_REJECT, XDPFW_R_DEFAULT, "default reject in"},
		{XDPFW_IN, GRE, A, H, 0, XDPFW_PASS, XDPFW_R_RULE, "allow in proto gre"},
		{XDPFW_IN, ICMP, A, H, 8, XDPFW_DROP, XDPFW_R_RULE, "deny in icmp4/echo-request"},
		{XDPFW_IN, ICMP6, A6, H6, 128, XDPFW_PASS, XDPFW_R_COURTESY, NULL},
		{XDPFW_IN, UDP, A, H, 0, XDPFW_DROP, XDPFW_R_PORT_ZERO, NULL},
		{XDPFW_IN, TCP, A, H, 0, XDPFW_PASS, XDPFW_R_RULE, "allow in 0/tcp"},
		{XDPFW_OUT, TCP, H, A, 25, XDPFW_DROP, XDPFW_R_RULE, "deny out any"},
		{XDPFW_OUT, GRE, H, A, 0, XDPFW_DROP, XDPFW_R_RULE, "deny out any"},
	};

	CHECK("default reject in\nallow in 22/tcp\ndeny in 20-30\nallow in 22\nallow in proto gre\n"
	      "deny in icmp4/echo-request\nallow in 0/tcp\ndeny out any\n",
	      rows);
}

Test(evaluate, blocks_come_first_and_know_their_family)
{
	static const struct row rows[] = {
		{XDPFW_IN, TCP, A, H, 22, XDPFW_DROP, XDPFW_R_BLOCKED, "block 198.51.100.0/29"},
		{XDPFW_OUT, TCP, H, A, 22, XDPFW_DROP, XDPFW_R_BLOCKED, "block 198.51.100.0/29"},
		{XDPFW_IN, TCP, "198.51.100.8", H, 22, XDPFW_PASS, XDPFW_R_RULE, "allow in any"},
		{XDPFW_OUT, TCP, A, H, 22, XDPFW_PASS, XDPFW_R_DEFAULT, NULL},
		{XDPFW_IN, TCP, A6, H6, 22, XDPFW_DROP, XDPFW_R_BLOCKED, "block ::/0"},
	};

	CHECK("allow in any\nblock 198.51.100.0/29\nblock ::/0\n", rows);
}

Test(evaluate, forwards_let_in_behind_all_rules)
{
	static const struct row rows[] = {
		{XDPFW_IN, TCP, A, H, 8080, XDPFW_PASS, XDPFW_R_FORWARD, "forward 8080:2988/tcp"},
		{XDPFW_IN, TCP, A, H, 2988, XDPFW_DROP, XDPFW_R_RULE, "deny in 2988"},
		{XDPFW_IN, UDP, A, H, 8080, XDPFW_DROP, XDPFW_R_DEFAULT, NULL},
		{XDPFW_ROUTED, TCP, A, H, 8080, XDPFW_DROP, XDPFW_R_DEFAULT, NULL},
	};

	CHECK("forward 8080:2988/tcp\ndeny in 2988\n", rows);
}

Test(evaluate, panic_comes_before_everything)
{
	static const struct row rows[] = {
		{XDPFW_IN, TCP, A, H, 22, XDPFW_DROP, XDPFW_R_PANIC, "panic on 22"},
		{XDPFW_OUT, GRE, H, A, 0, XDPFW_DROP, XDPFW_R_PANIC, "panic on 22"},
		{XDPFW_IN, ICMP, A, H, 8, XDPFW_DROP, XDPFW_R_PANIC, "panic on 22"},
	};

	CHECK("allow in any\nblock 198.51.100.0/29\npanic on 22\n", rows);
}

Test(evaluate, ends_and_sets)
{
	static const struct row rows[] = {
		{XDPFW_IN, TCP, A, H, 22, XDPFW_PASS, XDPFW_R_RULE, "allow in 22/tcp from @office"},
		{XDPFW_IN, TCP, A6, H6, 22, XDPFW_PASS, XDPFW_R_RULE, "allow in 22/tcp from @office"},
		{XDPFW_IN, TCP, "203.0.113.9", H, 22, XDPFW_DROP, XDPFW_R_DEFAULT, NULL},
		{XDPFW_IN, TCP, "203.0.113.9", H, 80, XDPFW_PASS, XDPFW_R_RULE, "allow in 80/tcp to 192.0.2.1"},
		{XDPFW_IN, TCP, "203.0.113.9", "192.0.2.2", 80, XDPFW_DROP, XDPFW_R_DEFAULT, NULL},
		{XDPFW_IN, TCP, A, H, 443, XDPFW_PASS, XDPFW_R_RULE, "allow in 443/tcp from 0.0.0.0/0"},
		{XDPFW_IN, TCP, A6, H6, 443, XDPFW_DROP, XDPFW_R_DEFAULT, NULL},
		{XDPFW_IN, TCP, A, H, 444, XDPFW_DROP, XDPFW_R_DEFAULT, NULL}, /* a set without members */
	};

	CHECK("set add office 198.51.100.0/24\nset add office 2001:db8::/64\nset add other 203.0.113.0/24\n"
	      "allow in 22/tcp from @office\nallow in 80/tcp to 192.0.2.1\nallow in 443/tcp from 0.0.0.0/0\n"
	      "allow in 444/tcp from @empty\n",
	      rows);
}

static enum xdpfw_verdict verdict_of(const char *policy, const struct request *r)
{
	struct ruleset set = parse_set(policy);
	struct judgement j = evaluate(&set, r);

	ruleset_free(&set);
	return j.verdict;
}

Test(evaluate, conditions_of_a_request)
{
	struct request r = {.dir = XDPFW_OUT,
			    .protocol = TCP,
			    .from = address(H),
			    .to = address(A),
			    .from_port = 68,
			    .to_port = 25};

	cr_expect_eq(verdict_of("deny out 25/tcp on eth0\n", &r), XDPFW_PASS, "not known by which interface");
	r.on = "eth1";
	cr_expect_eq(verdict_of("deny out 25/tcp on eth0\n", &r), XDPFW_PASS);
	r.on = "eth0";
	cr_expect_eq(verdict_of("deny out 25/tcp on eth0\n", &r), XDPFW_DROP);
	cr_expect_eq(verdict_of("disabled deny out 25/tcp on eth0\n", &r), XDPFW_PASS);
	cr_expect_eq(verdict_of("deny out 25/tcp user 65534\n", &r), XDPFW_PASS, "not known who asks");
	r.has_uid = true;
	r.uid = 65534;
	cr_expect_eq(verdict_of("deny out 25/tcp user 65534\n", &r), XDPFW_DROP);
	cr_expect_eq(verdict_of("deny out 25/tcp user nobody\n", &r), XDPFW_DROP);
	cr_expect_eq(verdict_of("deny out 25/tcp user root\n", &r), XDPFW_PASS);
	r.cgroup = "system.slice/a.service/sub";
	cr_expect_eq(verdict_of("deny out 25/tcp cgroup system.slice/a.service\n", &r), XDPFW_DROP, "one below it");
	cr_expect_eq(verdict_of("deny out 25/tcp cgroup system.slice/a\n", &r), XDPFW_PASS, "no prefix of a name");
	cr_expect_eq(verdict_of("deny out from any port 68 to any port 25\n", &r), XDPFW_DROP);
	cr_expect_eq(verdict_of("deny out from any port 67 to any port 25\n", &r), XDPFW_PASS);
}

Test(evaluate, what_has_expired_uncovers_what_is_beneath)
{
	static const char policy[] = "deny in 22/tcp until 2026-11-25T18:00:00Z\nallow in 22/tcp from 0.0.0.0/0\n"
				     "block 198.51.100.7 until 2026-11-25T17:00:00Z\n";
	struct request r = {.dir = XDPFW_IN, .protocol = TCP, .from = address(A), .to = address(H), .to_port = 22};
	struct ruleset set = parse_set(policy);
	const __u64 at = 1795629600; /* 2026-11-25T18:00:00Z */

	r.now = at - 3601;
	cr_expect_eq(evaluate(&set, &r).reason, XDPFW_R_BLOCKED);
	r.now = at - 3600;
	cr_expect_eq(evaluate(&set, &r).verdict, XDPFW_DROP);
	cr_expect_eq(evaluate(&set, &r).reason, XDPFW_R_RULE);
	r.now = at;
	cr_expect_eq(evaluate(&set, &r).verdict, XDPFW_PASS);
	ruleset_free(&set);
}

Test(evaluate, conditions_of_a_forward)
{
	static const char policy[] =
		"forward 443:8443 one-way from 198.51.100.0/24 on eth0 until 2026-11-25T18:00:00Z\n"
		"forward 8080:2988\nforward 90:91 one-way\n";
	const __u64 at = 1795629600; /* 2026-11-25T18:00:00Z */
	struct request r = {.dir = XDPFW_IN, .protocol = UDP, .from = address(A), .to = address(H), .to_port = 443};

	r.now = at - 1;
	cr_expect_eq(verdict_of(policy, &r), XDPFW_DROP, "not known by which interface");
	r.on = "eth1";
	cr_expect_eq(verdict_of(policy, &r), XDPFW_DROP);
	r.on = "eth0";
	cr_expect_eq(verdict_of(policy, &r), XDPFW_PASS);
	r.now = at;
	cr_expect_eq(verdict_of(policy, &r), XDPFW_DROP, "it has expired");
	r.to = address("224.0.0.1");
	r.to_port = 8080;
	cr_expect_eq(verdict_of(policy, &r), XDPFW_PASS, "linked ports are swapped whoever is asked");
	r.to_port = 90;
	cr_expect_eq(verdict_of(policy, &r), XDPFW_DROP, "what is for a group is not forwarded");
	r.to = address(H);
	cr_expect_eq(verdict_of(policy, &r), XDPFW_PASS);
}

Test(evaluate, links_lead_both_ways)
{
	struct ruleset set = parse_set("forward 8080:2988/tcp\nforward 53:5300/udp\n");

	cr_expect_eq(linked_port(&set, PROTO_TCP, 8080), 2988);
	cr_expect_eq(linked_port(&set, PROTO_TCP, 2988), 8080);
	cr_expect_eq(linked_port(&set, PROTO_UDP, 8080), 8080);
	cr_expect_eq(linked_port(&set, PROTO_UDP, 5300), 53);
	cr_expect_eq(linked_port(&set, PROTO_TCP, 22), 22);
	ruleset_free(&set);
}
