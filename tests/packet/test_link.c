// SPDX-License-Identifier: GPL-2.0-only
/*
 * `forward A:B`: two ports swap, going in and coming out. Expected frames are built from scratch, so each row
 * also compares every checksum. (Checksums that are only the pseudo-header's, TRAPS 22, need real skbs: end to end.)
 */
#include "crossing.h"
#include "rows.h"

TestSuite(links, .init = fixture_open, .fini = fixture_close);

#define DEEP  .options = BYTES("\x94\x04\x00\x00"), .chain = {HOP_BY_HOP, DESTINATION}
#define TAGS  .tags = {{QINQ, 7}, {VLAN, 5}}
#define FIRST .fragment = {.given = true, .more = true, .id = 1}

static const struct packet tcp_in_2988 = TCP(2988, SYN), tcp_in_8080 = TCP(8080, SYN);
static const struct packet tcp_out_8080 = TCP(40000, SYN | ACK, .sport = 8080);
static const struct packet tcp_out_2988 = TCP(40000, SYN | ACK, .sport = 2988);
static const struct packet udp_in_2988 = UDP(2988), udp_in_8080 = UDP(8080);
static const struct packet udp_out_8080 = UDP(40000, .sport = 8080), udp_out_2988 = UDP(40000, .sport = 2988);

/* What comes in for the one arrives at the other, both ways, and is answered from the port that was asked. */
static void both_ports_swap(void)
{
	static const struct row rows[] = {
		{"TCP in, listening port", TCP(8080, SYN), PASSES(FORWARD), .rule = 1, IN(8080),
		 .becomes = &tcp_in_2988},
		{"TCP in, target", TCP(2988, SYN), PASSES(FORWARD), .rule = 1, IN(2988), .becomes = &tcp_in_8080},
		{"TCP out, from the target", TCP(40000, SYN | ACK, .sport = 2988), .leaves = true, PASSES(DEFAULT),
		 IN(8080), .becomes = &tcp_out_8080},
		{"TCP out, from the listening port", TCP(40000, SYN | ACK, .sport = 8080), .leaves = true,
		 PASSES(DEFAULT), IN(2988), .becomes = &tcp_out_2988},
		{"UDP in, listening port", UDP(8080), PASSES(FORWARD), .rule = 1, IN(8080), .becomes = &udp_in_2988},
		{"UDP in, target", UDP(2988), PASSES(FORWARD), .rule = 1, IN(2988), .becomes = &udp_in_8080},
		{"UDP out, from the target", UDP(40000, .sport = 2988), .leaves = true, PASSES(DEFAULT), IN(8080),
		 .becomes = &udp_out_8080},
		{"UDP out, from the listening port", UDP(40000, .sport = 8080), .leaves = true, PASSES(DEFAULT),
		 IN(2988), .becomes = &udp_out_2988},
		{"another port", TCP(8081, SYN), DROPS(DEFAULT), IN(8081)},
		{"another port out", TCP(8080, SYN, .sport = 8081), .leaves = true, PASSES(DEFAULT), OUT(8080)},
		{"another protocol", SCTP(8080), DROPS(DEFAULT)},
		{"ping", ICMP(ECHO_REQUEST, .id = 8080), PASSES(COURTESY)},
	};

	PLAY("forward 8080:2988", rows);
}

/* Rules speak of the port on the wire, and come first. */
static void rules_come_first(void)
{
	static const struct packet becomes_allowed = TCP(2988, SYN);
	static const struct row rows[] = {
		{"the target is denied", TCP(2988, SYN), DROPS(RULE), .rule = 1, IN(2988)},
		{"what leads to it is not", TCP(8080, SYN), PASSES(FORWARD), .rule = 3, IN(8080),
		 .becomes = &becomes_allowed},
		{"the other protocol is not linked", UDP(8080), DROPS(DEFAULT), IN(8080)},
		{"nor out", UDP(9, .sport = 2988), .leaves = true, PASSES(DEFAULT), OUT(9)},
		{"a rule allows", TCP(8080, SYN), PASSES(RULE), .rule = 1, IN(8080), .becomes = &becomes_allowed,
		 .policy = "allow in 8080\nforward 8080:2988/tcp"},
		{"rejected, not rewritten", TCP(8080, RST), REJECTS(RULE), .rule = 1, IN(8080),
		 .policy = "reject in 8080\nforward 8080:2988/tcp"},
		{"no link any more", TCP(8080, SYN), PASSES(RULE), .rule = 1, IN(8080), .policy = "allow in 8080"},
	};

	PLAY("deny in 2988\nallow in 22\nforward 8080:2988/tcp", rows);
}

static void wherever_the_ports_stand(void)
{
	static const struct packet deep_tcp = TCP(2988, ACK, DEEP, .data = 1000);
	static const struct packet deep_udp = UDP(40000, .sport = 8080, DEEP, .data = 1001);
	static const struct packet tagged = UDP(2988, TAGS), tagged_out = TCP(9, SYN, TAGS, .sport = 8080);
	static const struct packet first = UDP(2988, FIRST), padded = UDP(2988, .trailer = 20);
	static const struct packet odd = UDP(2988, .data = 1);
	static const struct row rows[] = {
		{"options, extension headers", TCP(8080, ACK, DEEP, .data = 1000), PASSES(FORWARD), .rule = 1, IN(8080),
		 .becomes = &deep_tcp},
		{"out", UDP(40000, .sport = 2988, DEEP, .data = 1001), .leaves = true, PASSES(DEFAULT), IN(8080),
		 .becomes = &deep_udp},
		{"tags", UDP(8080, TAGS), PASSES(FORWARD), .rule = 1, IN(8080), .becomes = &tagged,
		 .hooks = ON_ETHERNET},
		{"tags out", TCP(9, SYN, TAGS, .sport = 2988), .leaves = true, PASSES(DEFAULT), OUT(9),
		 .becomes = &tagged_out, .hooks = ON_ETHERNET},
		{"first fragment", UDP(8080, FIRST), PASSES(FORWARD), .rule = 1, IN(8080), .becomes = &first},
		{"later fragment", RAW(IPPROTO_UDP, .fragment = {.given = true, .offset = 24, .id = 1}, .word = 8080),
		 PASSES(FRAGMENT)},
		{"padding", UDP(8080, .trailer = 20), PASSES(FORWARD), .rule = 1, IN(8080), .becomes = &padded},
		{"an odd length", UDP(8080, .data = 1), PASSES(FORWARD), .rule = 1, IN(8080), .becomes = &odd,
		 .hooks = ON_ETHERNET},
	};

	PLAY("forward 8080:2988", rows);
}

/* A client's port may be one of the two: swapped as well, and back. */
static void an_ephemeral_port_that_is_linked(void)
{
	static const struct packet out = TCP(80, SYN, .sport = 8080);
	static const struct packet in = TCP(2988, SYN | ACK, .sport = 80);
	static const struct row rows[] = {
		{"this host asks", TCP(80, SYN, .sport = 2988), .leaves = true, PASSES(DEFAULT), OUT(80),
		 .becomes = &out},
		{"and is answered", TCP(8080, SYN | ACK, .sport = 80), PASSES(FORWARD), .rule = 1, OUT(80),
		 .becomes = &in},
		{"while others ask", TCP(8080, SYN), PASSES(FORWARD), .rule = 1, IN(8080), .becomes = &tcp_in_2988},
	};

	PLAY("forward 8080:2988", rows);
}

/* Under deny out, the answers of a linked port pass, and know which one was asked. */
static void guests(void)
{
	static const struct row rows[] = {
		{"question", UDP(8080), PASSES(FORWARD), .rule = 1, IN(8080), .becomes = &udp_in_2988},
		{"answer", UDP(40000, .sport = 2988), .leaves = true, PASSES(REPLY), IN(8080),
		 .becomes = &udp_out_8080},
		{"from the port that was not asked", UDP(40000, .sport = 8080), .leaves = true, DROPS(DEFAULT),
		 OUT(40000)},
	};

	PLAY("forward 8080:2988\ndefault deny out", rows);
}

/* TRAPS 23 */
static void udp_without_a_checksum(void)
{
	static const struct packet in = UDP(2988, .no_checksum = true);
	static const struct packet out = UDP(40000, .sport = 8080, .no_checksum = true);
	static const struct row rows[] = {
		{"in", UDP(8080, .no_checksum = true), PASSES(FORWARD), .rule = 1, IN(8080), .becomes = &in},
		{"out", UDP(40000, .sport = 2988, .no_checksum = true), .leaves = true, PASSES(DEFAULT), IN(8080),
		 .becomes = &out},
	};

	PLAY("forward 8080:2988", rows);
}

/* TRAPS 19: what an error quotes is what the other side knows, its checksum as well, if it is among the bytes quoted. */
static void icmp_errors(void)
{
	static const struct packet sent_8080 = TCP(40000, SYN | ACK, .sport = 8080);
	static const struct packet sent_2988 = TCP(40000, SYN | ACK, .sport = 2988);
	static const struct packet got_8080 = UDP(8080), got_2988 = UDP(2988);
	static const struct packet sent_deep = UDP(9, .sport = 8080, DEEP);
	static const struct packet sent_deep_behind = UDP(9, .sport = 2988, DEEP);
	static const struct packet about_2988 = ICMP(UNREACHABLE, .from = OTHER, .quoted = &sent_2988);
	static const struct packet about_8080 = ICMP(UNREACHABLE, .from = OTHER, .quoted = &sent_8080);
	static const struct packet about_all = ICMP(UNREACHABLE, .from = OTHER, .quoted = &sent_2988, .quoted_l4 = 20);
	static const struct packet about_got = ICMP(UNREACHABLE, .code = PORT_UNREACHABLE, .quoted = &got_8080);
	static const struct packet about_deep = ICMP(TIME_EXCEEDED, DEEP, .quoted = &sent_deep_behind);
	static const struct packet peers_port = TCP(8080, ACK, .sport = 22);
	static const struct row rows[] = {
		{"about what left by the link", ICMP(UNREACHABLE, .from = OTHER, .quoted = &sent_8080),
		 PASSES(ESSENTIAL), .becomes = &about_2988},
		{"of which more is quoted", ICMP(UNREACHABLE, .from = OTHER, .quoted = &sent_8080, .quoted_l4 = 20),
		 PASSES(ESSENTIAL), .becomes = &about_all},
		{"about what left by its target", ICMP(UNREACHABLE, .from = OTHER, .quoted = &sent_2988),
		 PASSES(ESSENTIAL), .becomes = &about_8080},
		{"headers within headers", ICMP(TIME_EXCEEDED, DEEP, .quoted = &sent_deep), PASSES(ESSENTIAL),
		 .becomes = &about_deep},
		{"about the peer's port of that number", ICMP(UNREACHABLE, .quoted = &peers_port), PASSES(ESSENTIAL)},
		{"this host complains", ICMP(UNREACHABLE, .code = PORT_UNREACHABLE, .quoted = &got_2988),
		 .leaves = true, PASSES(DEFAULT), .becomes = &about_got},
	};

	PLAY("forward 8080:2988\nallow in 22", rows);
}

static void every_checksum(void)
{
	static const struct crossing crossings[] = {
		{ON_TC, V4, ARRIVES, PASSED, UDP(8080), UDP(2988)},
		{ON_XDP, V6, ARRIVES, PASSED, UDP(8080), UDP(2988)},
		{ON_TC, V6, LEAVES, PASSED, UDP(9, .sport = 2988), UDP(9, .sport = 8080)},
		{ON_TC, V4, ARRIVES, PASSED, TCP(2988, ACK), TCP(8080, ACK)},
		{ON_TC, V6, LEAVES, PASSED, TCP(9, ACK, .sport = 8080), TCP(9, ACK, .sport = 2988)},
	};

	SCENE();
	set_policy("forward 8080:2988");
	for (size_t i = 0; i < ARRAY_SIZE(crossings); i++)
		cross_all(&crossings[i]);
	forget_counts();
}

Test(links, tables_and_checksums)
{
	both_ports_swap();
	rules_come_first();
	wherever_the_ports_stand();
	an_ephemeral_port_that_is_linked();
	guests();
	udp_without_a_checksum();
	icmp_errors();
	every_checksum();
}

/* The rows once more, but for rejects, each packet summed up by the driver. */
Test(links, summed_up_by_the_driver)
{
	if (!sum_up())
		cr_skip_test("this kernel's test runs do not compare CHECKSUM_COMPLETE (Linux 6.16)");
	both_ports_swap();
	wherever_the_ports_stand();
	udp_without_a_checksum();
	icmp_errors();
	every_checksum();
}
