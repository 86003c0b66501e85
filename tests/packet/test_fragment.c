// SPDX-License-Identifier: GPL-2.0-only
/*
 * TRAPS 8: fragments follow their first one. Each table is a sequence; ids keep its
 * datagrams apart. IPv4 carries what a fragment is in its own header, IPv6 in one more.
 */
#include "rows.h"

TestSuite(fragment, .init = fixture_open, .fini = fixture_close);

/* Of a datagram of 48 bytes from the L4 header on: the first 24, and what follows. UDP announces all of it. */
#define FIRST(number)         .fragment = {.given = true, .more = true, .id = (number)}
#define LATER(number, offset) .fragment = {true, false, (offset), (number)}
#define WHOLE_LENGTH          .lies = {{AT_L4, 4, 2, 48}}

#define FIRST_UDP(port, number) UDP(port, FIRST(number), WHOLE_LENGTH)
#define LATER_UDP(number, at)   RAW(IPPROTO_UDP, LATER(number, at), .data = 24)

static void later_ones_follow_the_first(void)
{
	static const struct row rows[] = {
		{"first", FIRST_UDP(22, 1), PASSES(RULE), .rule = 1, IN(22)},
		{"second", LATER_UDP(1, 24), PASSES(FRAGMENT)},
		{"third", LATER_UDP(1, 48), PASSES(FRAGMENT)},
		{"of another datagram", LATER_UDP(2, 24), DROPS(FRAGMENT)},
		{"of another sender", RAW(IPPROTO_UDP, LATER(1, 24), .from = OTHER), DROPS(FRAGMENT)},
		{"to somebody else", RAW(IPPROTO_UDP, LATER(1, 24), .to = OTHER), DROPS(FRAGMENT)},
		{"of another protocol", RAW(IPPROTO_TCP, LATER(1, 24)), DROPS(FRAGMENT), .families = V4},
		{"of a closed port", FIRST_UDP(23, 3), DROPS(DEFAULT), IN(23)},
		{"what follows it", LATER_UDP(3, 24), DROPS(FRAGMENT)},
		{"the other way", LATER_UDP(1, 24), .leaves = true, DROPS(FRAGMENT)},
		{"routed on", RAW(IPPROTO_UDP, LATER(1, 24), .from = PEER, .to = HOST), .leaves = true,
		 DROPS(FRAGMENT)},
		{"a TCP header fits", TCP(22, SYN, FIRST(5)), PASSES(RULE), .rule = 1, IN(22)},
		{"and what follows", RAW(IPPROTO_TCP, LATER(5, 40)), PASSES(FRAGMENT)},
	};

	PLAY("allow in 22", rows);
}

/* `ping -s 1474` both ways. */
static void ping(void)
{
	static const struct row rows[] = {
		{"request", ICMP(ECHO_REQUEST, FIRST(1), .data = 1472), PASSES(COURTESY)},
		{"rest", RAW(IPPROTO_ICMP, LATER(1, 1480)), PASSES(FRAGMENT)},
		{"answer", ICMP(ECHO_REPLY, FIRST(2), .data = 1472), .leaves = true, PASSES(DEFAULT)},
		{"rest", RAW(IPPROTO_ICMP, LATER(2, 1480)), .leaves = true, PASSES(FRAGMENT)},
		{"question", ICMP(ECHO_REQUEST, FIRST(3), .id = 7, .data = 1472), .leaves = true, PASSES(DEFAULT)},
		{"rest", RAW(IPPROTO_ICMP, LATER(3, 1480)), .leaves = true, PASSES(FRAGMENT)},
		{"its answer", ICMP(ECHO_REPLY, FIRST(4), .id = 7, .data = 1472), PASSES(REPLY)},
		{"rest", RAW(IPPROTO_ICMP, LATER(4, 1480)), PASSES(FRAGMENT)},
		{"no answer of ours", ICMP(ECHO_REPLY, FIRST(5), .id = 8, .data = 1472), DROPS(DEFAULT)},
		{"rest", RAW(IPPROTO_ICMP, LATER(5, 1480)), DROPS(FRAGMENT)},
	};

	PLAY("", rows);
}

/* Linux gives up reassembling after 30 seconds. */
static void a_first_one_is_forgotten(void)
{
	static const struct row rows[] = {
		{"first", FIRST_UDP(22, 1), PASSES(RULE), .rule = 1, IN(22)},
		{"in time", LATER_UDP(1, 24), PASSES(FRAGMENT), .later = 28},
		{"too late", LATER_UDP(1, 24), DROPS(FRAGMENT), .later = 4},
	};

	PLAY("allow in 22", rows);
}

/* RFC 1858, RFC 7112: the header that is judged must be whole in the first fragment. */
static void tiny_first_ones(void)
{
	static const struct row rows[] = {
		{"8 bytes of TCP", RAW(IPPROTO_TCP, FIRST(1), .data = 8), DROPS(BAD_FRAGMENT), .hooks = ON_ETHERNET},
		{"16 bytes of TCP", RAW(IPPROTO_TCP, FIRST(2), .data = 16), DROPS(BAD_FRAGMENT)},
		{"the rest of it", RAW(IPPROTO_TCP, LATER(2, 16)), DROPS(FRAGMENT)},
		{"options cut off", TCP(22, SYN, FIRST(3), .data = 4, .lies = {{AT_L4, 12, 1, 0xf0}}),
		 DROPS(BAD_FRAGMENT)},
		{"no UDP header", RAW(IPPROTO_UDP, FIRST(4), .data = NO_DATA), DROPS(BAD_FRAGMENT), .hooks = ON_XDP},
		{"half a UDP header", RAW(IPPROTO_UDP, FIRST(4), .data = 4), DROPS(BAD_FRAGMENT), .hooks = ON_XDP},
		{"half an ICMP header", RAW(IPPROTO_ICMP, FIRST(5), .data = 4), DROPS(BAD_FRAGMENT), .hooks = ON_XDP,
		 .families = V4},
		{"UDP header only", UDP(22, FIRST(6), .data = NO_DATA), PASSES(RULE), .rule = 1, IN(22),
		 .hooks = ON_ETHERNET},
		{"out", RAW(IPPROTO_TCP, FIRST(7), .data = 16), .leaves = true, DROPS(BAD_FRAGMENT)},
	};

	PLAY("allow in 22", rows);
}

/* RFC 3128, RFC 5722: whoever reaches back into the judged header kills the datagram. */
static void overlaps(void)
{
	static const struct row rows[] = {
		{"first", TCP(22, SYN, FIRST(1)), PASSES(RULE), .rule = 1, IN(22)},
		{"over its ports", RAW(IPPROTO_TCP, LATER(1, 8)), DROPS(BAD_FRAGMENT)},
		{"and no more of it", RAW(IPPROTO_TCP, LATER(1, 40)), DROPS(BAD_FRAGMENT)},
		{"first", TCP(22, SYN, FIRST(2)), PASSES(RULE), .rule = 1, IN(22)},
		{"over its last bytes", RAW(IPPROTO_TCP, LATER(2, 32)), DROPS(BAD_FRAGMENT)},
		{"first", FIRST_UDP(22, 3), PASSES(RULE), .rule = 1, IN(22)},
		{"a second first, for a closed port", FIRST_UDP(23, 3), DROPS(DEFAULT), IN(23)},
		{"and no more of it", LATER_UDP(3, 24), DROPS(FRAGMENT)},
		{"first", FIRST_UDP(22, 4), PASSES(RULE), .rule = 1, IN(22)},
		{"a second first, too small", RAW(IPPROTO_UDP, FIRST(4), .data = 4), DROPS(BAD_FRAGMENT),
		 .hooks = ON_XDP},
		{"and no more of it", LATER_UDP(4, 24), DROPS(BAD_FRAGMENT), .hooks = ON_XDP},
	};

	PLAY("allow in 22", rows);
}

/* TRAPS 8: a second fragment with offset 0 kills the datagram, whatever port it is for, unless it may be a duplicate:
 * a receiver could put together one half of either. */
static void a_second_first_one_kills_the_datagram(void)
{
	static const struct row rows[] = {
		{"first", TCP(22, SYN, FIRST(1), .data = 32), PASSES(RULE), .rule = 1, IN(22)},
		{"a shorter one", TCP(22, SYN, FIRST(1), .data = 8), DROPS(BAD_FRAGMENT), IN(22)},
		{"behind both", RAW(IPPROTO_TCP, LATER(1, 56)), DROPS(BAD_FRAGMENT)},
		{"behind the shorter", RAW(IPPROTO_TCP, LATER(1, 32)), DROPS(BAD_FRAGMENT)},
		{"first", TCP(22, SYN, FIRST(2)), PASSES(RULE), .rule = 1, IN(22)},
		{"a duplicate", TCP(22, SYN, FIRST(2)), PASSES(RULE), .rule = 1, IN(22)},
		{"behind both", RAW(IPPROTO_TCP, LATER(2, 40)), PASSES(FRAGMENT)},
	};

	PLAY("allow in 22", rows);
}

/* RFC 6946: a fragment header on a whole packet says nothing. */
static void atomic(void)
{
	static const struct row rows[] = {
		{"allowed", UDP(22, .fragment = {.given = true, .id = 1}), PASSES(RULE), .rule = 1, IN(22)},
		{"closed", UDP(23, .fragment = {.given = true, .id = 1}), DROPS(DEFAULT), IN(23)},
		{"leaves no trace", LATER_UDP(1, 24), DROPS(FRAGMENT)},
		{"amid fragments of the same id", FIRST_UDP(22, 2), PASSES(RULE), .rule = 1, IN(22)},
		{"an atomic one", UDP(23, .fragment = {.given = true, .id = 2}), DROPS(DEFAULT), IN(23)},
		{"their second", LATER_UDP(2, 24), PASSES(FRAGMENT)},
		{"ping", ICMP(ECHO_REQUEST, .fragment = {.given = true, .id = 3}), PASSES(COURTESY)},
	};

	PLAY("allow in 22", rows);
}

/* RFC 7112: the first fragment holds the whole chain; in a later one what follows the fragment header is payload. */
static void extension_headers(void)
{
	static const struct row rows[] = {
		{"in front", UDP(22, .chain = {HOP_BY_HOP, FRAGMENT_HEADER}, FIRST(1), WHOLE_LENGTH), PASSES(RULE),
		 .rule = 1, IN(22), .families = V6},
		{"its second", RAW(IPPROTO_UDP, .chain = {HOP_BY_HOP, FRAGMENT_HEADER}, LATER(1, 24)), PASSES(FRAGMENT),
		 .families = V6},
		{"behind", UDP(22, .chain = {FRAGMENT_HEADER, DESTINATION}, FIRST(2), WHOLE_LENGTH), PASSES(RULE),
		 .rule = 1, IN(22), .families = V6},
		{"over its end", RAW(IPPROTO_DSTOPTS, LATER(2, 24)), DROPS(BAD_FRAGMENT), .families = V6},
		{"behind", UDP(22, .chain = {FRAGMENT_HEADER, DESTINATION}, FIRST(3), WHOLE_LENGTH), PASSES(RULE),
		 .rule = 1, IN(22), .families = V6},
		{"its second", RAW(IPPROTO_DSTOPTS, LATER(3, 32)), PASSES(FRAGMENT), .families = V6},
		{"the chain goes on in the second",
		 RAW(IPPROTO_UDP, .chain = {FRAGMENT_HEADER, DESTINATION}, FIRST(4), .data = NO_DATA),
		 DROPS(BAD_FRAGMENT), .families = V6},
		{"a payload that looks like a routing header", RAW(IPPROTO_ROUTING, LATER(7, 24)), DROPS(FRAGMENT),
		 .families = V6},
	};

	PLAY("allow in 22", rows);
}

/* RFC 7112: a chain that is cut off is the same trick as ports that are, and has the same reason. */
static void a_chain_that_is_cut_off(void)
{
	static const struct row rows[] = {
		{"nothing but the fragment header", RAW(IPPROTO_DSTOPTS, FIRST(5), .data = NO_DATA),
		 DROPS(BAD_FRAGMENT), .families = V6, .hooks = ON_ETHERNET},
		{"an options header that goes on in the second",
		 UDP(22, .chain = {FRAGMENT_HEADER, DESTINATION}, FIRST(6), .lies = {{AT_IP, 49, 1, 20}}),
		 DROPS(BAD_FRAGMENT), .families = V6},
		{"the rest of it", RAW(IPPROTO_DSTOPTS, LATER(6, 32)), DROPS(FRAGMENT), .families = V6},
	};

	PLAY("allow in 22", rows);
}

/* The rest of a fragmented ND message is of no use to anybody honest (RFC 6980), and none passes without its first. */
static void no_first_one(void)
{
	static const struct row rows[] = {
		{"TCP", RAW(IPPROTO_TCP, LATER(1, 8)), DROPS(FRAGMENT)},
		{"UDP", LATER_UDP(1, 24), DROPS(FRAGMENT)},
		{"ICMP", RAW(IPPROTO_ICMP, LATER(1, 24)), DROPS(FRAGMENT)},
		{"unknown protocol", RAW(99, LATER(1, 24)), DROPS(FRAGMENT)},
		{"last possible offset", LATER_UDP(1, 65528), DROPS(FRAGMENT)},
		{"out", LATER_UDP(1, 24), .leaves = true, DROPS(FRAGMENT)},
	};

	PLAY("allow in any\nallow out any", rows);
}

/* First fragments that are dropped fill no table. */
static void strangers_are_not_remembered(void)
{
	static const struct row rows[] = {
		{"closed port", FIRST_UDP(23, 1), DROPS(DEFAULT), IN(23)},
		{"closed port", FIRST_UDP(23, 2), DROPS(DEFAULT), IN(23)},
		{"no first one", LATER_UDP(3, 24), DROPS(FRAGMENT)},
		{"too small", RAW(IPPROTO_TCP, FIRST(4), .data = 16), DROPS(BAD_FRAGMENT)},
		{"whole packet", UDP(22), PASSES(RULE), .rule = 1, IN(22)},
	};

	PLAY("allow in 22", rows);
	cr_expect_eq(count_fragments(), 0, "%zu fragments", count_fragments());
}

Test(fragment, honest_and_forged)
{
	later_ones_follow_the_first();
	ping();
	a_first_one_is_forgotten();
	atomic();
	extension_headers();
	tiny_first_ones();
	overlaps();
	a_second_first_one_kills_the_datagram();
	a_chain_that_is_cut_off();
	no_first_one();
	strangers_are_not_remembered();
}
