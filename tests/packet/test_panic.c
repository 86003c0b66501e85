// SPDX-License-Identifier: GPL-2.0-only
/* Panic: nothing passes, whatever the rules say. What is kept open needs a socket: see test_socket.c. */
#include "rows.h"

TestSuite(panic, .init = fixture_open, .fini = fixture_close);

/* Neither rules nor defaults nor courtesy; answers to what was asked before neither. */
static void nothing_passes(void)
{
	static const char policy[] = "panic on\nallow in any\nallow out any\nforward 8080:2988";
	static const struct row rows[] = {
		{"asked before", UDP(53), .leaves = true, PASSES(DEFAULT), OUT(53), .policy = ""},
		{"answered before", UDP(40000, .sport = 53), PASSES(REPLY), OUT(53)},
		{"answered now", UDP(40000, .sport = 53), DROPS(PANIC), IN(40000), .policy = policy},
		{"TCP in", TCP(22, SYN), DROPS(PANIC), IN(22)},
		{"TCP in, no request", TCP(22, ACK), DROPS(PANIC), IN(22)},
		{"linked port", TCP(8080, SYN), DROPS(PANIC), IN(8080)},
		{"UDP in", UDP(53), DROPS(PANIC), IN(53)},
		{"SCTP in", SCTP(22), DROPS(PANIC)},
		{"ping", ICMP(ECHO_REQUEST), DROPS(PANIC)},
		{"protocol", RAW(47), DROPS(PANIC)},
		{"TCP out", TCP(80, SYN), .leaves = true, DROPS(PANIC), OUT(80)},
		{"TCP out, no request", TCP(40000, ACK, .sport = 22), .leaves = true, DROPS(PANIC), OUT(40000)},
		{"UDP out", UDP(53), .leaves = true, DROPS(PANIC), OUT(53)},
		{"ping out", ICMP(ECHO_REQUEST), .leaves = true, DROPS(PANIC)},
		{"impossible packets keep their reason", TCP(22, 0), DROPS(TCP_FLAGS), IN(22)},
	};

	PLAY(policy, rows);
}

static void what_the_network_needs_passes(void)
{
	static const struct row rows[] = {
		{"ARP", RAW(0, .ethertype = ARP), PASSES(ESSENTIAL), .hooks = ON_ETHERNET},
		{"DHCP", UDP(68, .sport = 67), PASSES(ESSENTIAL), IN(68), .families = V4},
		{"neighbour discovery",
		 {.protocol = IPPROTO_ICMPV6, .type = {0, 135}, .hop_limit = 255},
		 PASSES(ESSENTIAL),
		 .families = V6},
	};

	PLAY("panic on", rows);
}

/* A request to a port that is kept is new; so is a segment of which no socket knows. */
static void nothing_new_passes_to_a_kept_port(void)
{
	static const struct row rows[] = {
		{"request", TCP(22, SYN), DROPS(PANIC), IN(22)},
		{"segment without a connection", TCP(22, ACK), DROPS(PANIC), IN(22)},
		{"UDP", UDP(22), DROPS(PANIC), IN(22)},
		{"request out", TCP(22, SYN), .leaves = true, DROPS(PANIC), OUT(22)},
		{"segment out to such a port", TCP(22, ACK), .leaves = true, DROPS(PANIC), OUT(22)},
	};

	PLAY("panic on 22,2222\nallow in 22", rows);
}

static void blocked_addresses_are_blocked_all_the_same(void)
{
	static const struct row rows[] = {
		{"panic comes first", TCP(80, SYN), DROPS(PANIC), IN(80)},
		{"blocked, though kept", TCP(22, ACK), DROPS(BLOCKED), IN(22)},
		{"essential, but blocked", UDP(68, .sport = 67), DROPS(BLOCKED), IN(68), .families = V4},
		{"over", TCP(22, SYN), DROPS(BLOCKED), IN(22),
		 .policy = "allow in 22\nblock 8.0.0.2\nblock 2001:db8:86dd::2"},
		{"and over", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22), .policy = "allow in 22"},
	};

	PLAY("panic on 22\nblock 8.0.0.2\nblock 2001:db8:86dd::2", rows);
}

Test(panic, panic)
{
	nothing_passes();
	what_the_network_needs_passes();
	nothing_new_passes_to_a_kept_port();
	blocked_addresses_are_blocked_all_the_same();
}
