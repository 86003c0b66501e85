// SPDX-License-Identifier: GPL-2.0-only
/* Rules that depend on more than a port. That compiled trees mean what rules say is for tests/policies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datapath.h"
#include "rows.h"
#include "util.h"

TestSuite(condition, .init = fixture_open, .fini = fixture_close);

#define SETS                                                                                                           \
	"set add peer 8.0.0.2\nset add peer 2001:db8:86dd::2\n"                                                        \
	"set add other 8.0.9.0/24\nset add other 2001:db8:86dd:9::/64\n"                                               \
	"set add host 8.0.0.1\nset add host 2001:db8:86dd::1\n"

/* So many that they are looked up, not asked about one by one. */
#define MANY                                                                                                           \
	"set add peer 9.0.0.1\nset add peer 9.0.0.3\nset add peer 9.0.0.5\nset add peer 9.0.0.7\n"                     \
	"set add peer 2001:db8::1\nset add peer 2001:db8::3\nset add peer 2001:db8::5\nset add peer 2001:db8::7\n"     \
	"set add host 9.1.0.1\nset add host 9.1.0.3\nset add host 9.1.0.5\nset add host 9.1.0.7\n"                     \
	"set add host 2001:db9::1\nset add host 2001:db9::3\nset add host 2001:db9::5\nset add host 2001:db9::7\n"

static void senders_and_receivers(void)
{
	static const char policy[] = SETS "allow in 22 from @peer\n"
					  "deny in 80 from @other\n"
					  "allow in 80\n"
					  "allow in 443 to @host\n"
					  "deny out 25 to @peer\n"
					  "allow in proto gre from @peer\n"
					  "allow in icmp/timestamp-request from @peer\n";
	static const struct row rows[] = {
		{"the sender", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)},
		{"another", TCP(22, SYN, .from = OTHER), DROPS(DEFAULT), IN(22)},
		{"a segment of another", TCP(22, ACK, .from = OTHER), DROPS(DEFAULT), IN(22)},
		{"the sender, UDP", UDP(22), PASSES(RULE), .rule = 1, IN(22)},
		{"denied", TCP(80, SYN, .from = OTHER), DROPS(RULE), .rule = 2, IN(80)},
		{"beneath the denial", TCP(80, SYN), PASSES(RULE), .rule = 3, IN(80)},
		{"where it arrives", TCP(443, SYN), PASSES(RULE), .rule = 4, IN(443)},
		{"elsewhere", TCP(443, SYN, .to = OTHER), DROPS(DEFAULT), IN(443)},
		{"out to the peer", TCP(25, SYN), .leaves = true, DROPS(RULE), .rule = 5, OUT(25)},
		{"out to another", TCP(25, SYN, .to = OTHER), .leaves = true, PASSES(DEFAULT), OUT(25)},
		{"GRE", RAW(IPPROTO_GRE), PASSES(RULE), .rule = 6},
		{"GRE of another", RAW(IPPROTO_GRE, .from = OTHER), DROPS(DEFAULT)},
		{"the answer", TCP(40000, ACK, .sport = 22), .leaves = true, PASSES(DEFAULT), IN(22)},
	};

	PLAY(policy, rows);
}

static void large_sets(void)
{
	static const char policy[] = SETS MANY "allow in 22 from @peer\n"
					       "allow in 443 to @host\n"
					       "reject in 23 from @peer to @host\n";
	static const struct row rows[] = {
		{"a member", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)},
		{"none", TCP(22, SYN, .from = OTHER), DROPS(DEFAULT), IN(22)},
		{"where it arrives", TCP(443, SYN, .from = OTHER), PASSES(RULE), .rule = 2, IN(443)},
		{"elsewhere", TCP(443, SYN, .to = OTHER), DROPS(DEFAULT), IN(443)},
		{"both ends", TCP(23, RST), REJECTS(RULE), .rule = 3, IN(23)},
		{"one end", TCP(23, SYN, .from = OTHER), DROPS(DEFAULT), IN(23)},
		{"the other end", TCP(23, SYN, .to = OTHER), DROPS(DEFAULT), IN(23)},
	};

	PLAY(policy, rows);
}

#define CROWD 400

/* Every second address around the peer's, from @first on, and networks elsewhere: all that an index of an index is for. */
static char *write_crowd(char *at, const char *word, int first)
{
	for (int i = first; i < CROWD; i += 2)
		at += sprintf(at, "%s 8.0.%d.%d\n%s 2001:db8:86dd::%x\n%s 2001:db8:0:%x::/64\n%s 9.%d.%d.0/24\n", word,
			      i / 256, i % 256, word, i, word, i, word, i % 256, i / 2 % 256);
	return at;
}

static void play_crowd(const char *word, int first, const char *rules, const struct row *rows, size_t count)
{
	_free_ char *policy = malloc(CROWD * 200);

	strcpy(write_crowd(policy, word, first), rules);
	play(word, policy, rows, count);
}

/* Many prefixes near each other: members, and those that are just between two of them. */
static void crowds(void)
{
	static const char rules[] = "deny in 22 from @crowd\nallow in 22\ndeny out 25 to @crowd\n";
	static const struct row members[] = {
		{"a member", TCP(22, SYN), DROPS(RULE), .rule = 1, IN(22)},
		{"another network", TCP(22, SYN, .from = OTHER), PASSES(RULE), .rule = 2, IN(22)},
		{"to a member", TCP(25, SYN), .leaves = true, DROPS(RULE), .rule = 3, OUT(25)},
	};
	static const struct row others[] = {
		{"between two members", TCP(22, SYN), PASSES(RULE), .rule = 2, IN(22)},
		{"to one between", TCP(25, SYN), .leaves = true, PASSES(DEFAULT), OUT(25)},
	};
	static const struct row blocked[] = {
		{"a blocked one", TCP(22, SYN), DROPS(BLOCKED), IN(22)},
		{"an answer of it", TCP(40000, ACK, .sport = 22), DROPS(BLOCKED), IN(40000)},
		{"to it", TCP(25, SYN), .leaves = true, DROPS(BLOCKED), OUT(25)},
		{"another network", TCP(22, SYN, .from = OTHER), PASSES(RULE), .rule = 1, IN(22)},
	};
	static const struct row free[] = {
		{"between two blocked ones", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)},
	};

	play_crowd("set add crowd", 0, rules, members, ARRAY_SIZE(members));
	play_crowd("set add crowd", 1, rules, others, ARRAY_SIZE(others));
	play_crowd("block", 0, "allow in 22\n", blocked, ARRAY_SIZE(blocked));
	play_crowd("block", 1, "allow in 22\n", free, ARRAY_SIZE(free));
}

static void source_ports_and_interfaces(void)
{
	/* A test run has no interface but lo, which is number 1. */
	static const char policy[] = "allow in proto udp from any port 67,1000-2000 to any port 68\n"
				     "allow in 22/tcp on lo\n"
				     "allow in 23/tcp on nosuch0\n";
	static const struct row rows[] = {
		{"the port", UDP(68, .sport = 1500), PASSES(RULE), .rule = 1, IN(68)},
		{"its first", UDP(68, .sport = 1000), PASSES(RULE), .rule = 1, IN(68)},
		{"its last", UDP(68, .sport = 2000), PASSES(RULE), .rule = 1, IN(68)},
		{"none of them", UDP(68, .sport = 2001), DROPS(DEFAULT), IN(68)},
		{"the interface", TCP(22, SYN), PASSES(RULE), .rule = 2, IN(22)},
		{"one that is not there", TCP(23, SYN), DROPS(DEFAULT), IN(23)},
	};

	PLAY(policy, rows);
}

/* What the policy lets in needs no note, and must have none; what it would not let in from that peer has one. */
static void answers_of_conditional_servers(void)
{
	static const struct row rows[] = {
		{"asked", UDP(53), PASSES(RULE), .rule = 1, IN(53)},
		{"answers", UDP(40000, .sport = 53), .leaves = true, PASSES(DEFAULT), IN(53)},
	};
	static const struct row others[] = {
		{"from that port to another", UDP(40000, .sport = 53, .to = OTHER), .leaves = true, PASSES(DEFAULT),
		 OUT(40000)},
		{"which may answer", UDP(53, .sport = 40000, .from = OTHER), PASSES(REPLY), OUT(40000)},
	};

	PLAY(SETS "allow in 53 from @peer", rows);
	cr_expect_eq(count_flows(), 0, "an answer to a stranger is no flow");
	PLAY(SETS "allow in 53 from @peer", others);
}

static void expiry(void)
{
	static const struct row before[] = {
		{"a rule", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)},
		{"a member", TCP(23, SYN), PASSES(RULE), .rule = 2, IN(23)},
		{"a block", TCP(22, SYN, .from = OTHER), DROPS(BLOCKED), IN(22)},
	};
	static const struct row after[] = {
		{"what lies beneath", TCP(22, RST), REJECTS(RULE), .rule = 3, IN(22)},
		{"a member", TCP(23, SYN), DROPS(DEFAULT), IN(23)},
		{"a block", TCP(24, SYN, .from = OTHER), PASSES(RULE), .rule = 4, IN(24)},
	};
	static const char policy[] = "set add peer 8.0.0.2 for 1h\nset add peer 2001:db8:86dd::2 for 1h\n"
				     "block 8.0.9.0/24 for 1h\nblock 2001:db8:86dd:9::/64 for 1h\n"
				     "allow in 22/tcp for 1h\n"
				     "allow in 23 from @peer\n"
				     "reject in 22\n"
				     "allow in 24\n";

	PLAY(policy, before);
	set_policy_age(3590);
	PLAY(policy, before);
	set_policy_age(3610);
	PLAY(policy, after);
	set_policy_age(0);
}

/* More than 6 in 30 s; segments of what passed do not count. */
static void limits(void)
{
	static const struct row rows[] = {
		{"1", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)},
		{"2", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)},
		{"3", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)},
		{"a segment", TCP(22, ACK), PASSES(RULE), .rule = 1, IN(22)},
		{"4", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)},
		{"5", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22), .later = 10},
		{"6", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)},
		{"7", TCP(22, SYN), DROPS(LIMIT), .rule = 1, IN(22)},
		{"a segment still", TCP(22, ACK), PASSES(RULE), .rule = 1, IN(22)},
		{"another source", TCP(22, SYN, .from = OTHER), PASSES(RULE), .rule = 1, IN(22)},
		{"19 s later", TCP(22, SYN), DROPS(LIMIT), .rule = 1, IN(22), .later = 19},
		{"30 s after the first", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22), .later = 2},
		{"and the second", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)},
		{"and the third", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)},
		{"and the fourth", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)},
		{"not the fifth", TCP(22, SYN), DROPS(LIMIT), .rule = 1, IN(22)},
	};

	PLAY("limit in 22/tcp", rows);
}

/* More than the ring has places: two share each. */
static void high_limits(void)
{
	struct row rows[104];

	for (size_t i = 0; i < 100; i++)
		rows[i] = (struct row){"one of a hundred", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)};
	rows[0].later = 1;
	rows[60].later = 10;
	rows[100] = (struct row){"one too many", TCP(22, SYN), DROPS(LIMIT), .rule = 1, IN(22)};
	rows[101] = (struct row){"49 s later", TCP(22, SYN), DROPS(LIMIT), .rule = 1, IN(22), .later = 49};
	rows[102] = (struct row){
		"when the first are a minute old", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22), .later = 2};
	rows[103] = (struct row){"and beside it", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)};
	PLAY("limit in 22/tcp rate 100/1m", rows);
}

/* Without a handshake a connection is a flow, which begins with the first datagram. */
static void limits_without_connections(void)
{
	static const struct row rows[] = {
		{"the first of a flow", UDP(53, .sport = 1001), PASSES(RULE), .rule = 1, IN(53)},
		{"its second", UDP(53, .sport = 1001), PASSES(RULE), .rule = 1, IN(53)},
		{"its third", UDP(53, .sport = 1001), PASSES(RULE), .rule = 1, IN(53)},
		{"another flow", UDP(53, .sport = 1002), PASSES(RULE), .rule = 1, IN(53)},
		{"one too many", UDP(53, .sport = 1003), DROPS(LIMIT), .rule = 1, IN(53)},
		{"the first one lives", UDP(53, .sport = 1001), PASSES(RULE), .rule = 1, IN(53)},
	};

	PLAY("allow in 53/udp rate 2/10s", rows);
}

/* Test runs give every skb a socket of the kernel's, which is root's. */
static void users(void)
{
	static const struct row rows[] = {
		{"root's", TCP(25, SYN), .leaves = true, PASSES(DEFAULT), OUT(25), .hooks = ON_TC},
		{"allowed to nobody", TCP(443, SYN), .leaves = true, DROPS(RULE), .rule = 3, OUT(443), .hooks = ON_TC},
	};

	PLAY("deny out 25/tcp user nobody\nallow out 443/tcp user nobody\ndeny out 443/tcp\n", rows);
}

Test(condition, rules)
{
	senders_and_receivers();
	large_sets();
	crowds();
	source_ports_and_interfaces();
	answers_of_conditional_servers();
	expiry();
	limits();
	high_limits();
	watch_twin(true); /* it counts nobody's requests */
	limits_without_connections();
	watch_twin(false);
	users();
}
