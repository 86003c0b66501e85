// SPDX-License-Identifier: GPL-2.0-only
/*
 * Twins write nothing. Every row of every table asks the twin before its sibling, and they must agree; here, and in
 * scenes of test_socket.c, test_tcp_flow.c and test_routed.c, all maps are compared before and after, in states in
 * which the sibling does write.
 */
#include "rows.h"

static void open_watched(void)
{
	fixture_open();
	watch_twin(true);
}

TestSuite(twin, .init = open_watched, .fini = fixture_close);

#define FIRST(number)         .fragment = {.given = true, .more = true, .id = (number)}
#define LATER(number, offset) .fragment = {true, false, (offset), (number)}

static void counters_and_links(void)
{
	static const struct packet swapped = TCP(2988, SYN), swapped_back = TCP(40000, SYN | ACK, .sport = 8080);
	static const struct row rows[] = {
		{"a rule", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)},
		{"a default", TCP(23, SYN), DROPS(DEFAULT), IN(23)},
		{"not TCP", RAW(IPPROTO_GRE), DROPS(DEFAULT)},
		{"a forward", TCP(8080, SYN), PASSES(FORWARD), .rule = 3, IN(8080), .becomes = &swapped},
		{"back", TCP(40000, SYN | ACK, .sport = 2988), .leaves = true, PASSES(DEFAULT), IN(8080),
		 .becomes = &swapped_back},
		{"a reject that is not answered", ICMP(ECHO_REPLY, .id = 9), REJECTS(RULE), .rule = 2},
		{"too short", TCP(22, SYN, .longer = 4), DROPS(BAD_LENGTH)},
	};

	PLAY("allow in 22\nreject in icmp\nforward 8080:2988", rows);
}

static void flows_and_guests(void)
{
	static const struct row rows[] = {
		{"a request", UDP(53, .sport = 5000), .leaves = true, PASSES(RULE), .rule = 1, OUT(53)},
		{"its answer", UDP(5000, .sport = 53), PASSES(REPLY), OUT(53)},
		{"later", UDP(5000, .sport = 53), PASSES(REPLY), OUT(53), .later = 20},
		{"from within", UDP(53, .sport = 5000), .leaves = true, PASSES(RULE), .rule = 1, OUT(53)},
		{"a TCP request", TCP(53, SYN, .sport = 5000), .leaves = true, PASSES(RULE), .rule = 1, OUT(53)},
		{"no answer", TCP(5000, RST, .sport = 53), DROPS(DEFAULT), IN(5000)},
		{"a guest", UDP(123), PASSES(RULE), .rule = 2, IN(123)},
		{"answered", UDP(40000, .sport = 123), .leaves = true, PASSES(REPLY), IN(123)},
		{"again", UDP(123), PASSES(RULE), .rule = 2, IN(123)},
	};

	PLAY("allow out 53\nallow in 123/udp\ndefault deny out", rows);
}

static void echoes_and_queries(void)
{
	static const struct row rows[] = {
		{"ping", ICMP(ECHO_REQUEST, .id = 7), .leaves = true, PASSES(DEFAULT)},
		{"pong", ICMP(ECHO_REPLY, .id = 7), PASSES(REPLY)},
		{"query", UDP(5353, .to = MDNS_GROUP), .leaves = true, PASSES(DEFAULT), OUT(5353)},
		{"answer to the group", UDP(5353, .sport = 5353, .to = MDNS_GROUP), PASSES(COURTESY), IN(5353)},
	};

	PLAY("", rows);
}

static void fragments(void)
{
	static const struct row rows[] = {
		{"first", UDP(22, FIRST(1), .lies = {{AT_L4, 4, 2, 48}}), PASSES(RULE), .rule = 1, IN(22)},
		{"later", RAW(IPPROTO_UDP, LATER(1, 24), .data = 24), PASSES(FRAGMENT)},
		{"one that reaches back", RAW(IPPROTO_UDP, LATER(1, 8), .data = 24), DROPS(BAD_FRAGMENT)},
		{"later", RAW(IPPROTO_UDP, LATER(1, 24), .data = 24), DROPS(BAD_FRAGMENT)},
		{"first", UDP(22, FIRST(2), .lies = {{AT_L4, 4, 2, 48}}), PASSES(RULE), .rule = 1, IN(22)},
		{"of another size", UDP(22, FIRST(2), .data = 32, .lies = {{AT_L4, 4, 2, 64}}), DROPS(BAD_FRAGMENT),
		 IN(22)},
	};

	PLAY("allow in 22", rows);
}

Test(twin, writes_nothing)
{
	counters_and_links();
	flows_and_guests();
	echoes_and_queries();
	fragments();
}
