// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests for another host. The kernel's FIB tells, so these tests have a network namespace of their own,
 * in which HOST is an address of this host and OTHER lies behind a router's interface. Test runs arrive on loopback.
 */
#include "namespace.h"
#include "rows.h"

static void forward(bool on)
{
	run_command(on ? "echo 1 > /proc/sys/net/ipv4/ip_forward" : "echo 0 > /proc/sys/net/ipv4/ip_forward");
	run_command(on ? "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"
		       : "echo 0 > /proc/sys/net/ipv6/conf/all/forwarding");
}

static void enter_router(void)
{
	enter_namespace();
	run_command("ip addr add 8.0.0.1/32 dev lo && ip addr add 2001:db8:86dd::1/128 dev lo nodad");
	run_command("ip link add r0 type veth peer name r1 && ip link set r0 up && ip link set r1 up");
	run_command("ip addr add 8.0.9.1/24 dev r0 && ip addr add 2001:db8:86dd:9::1/64 dev r0 nodad");
	forward(true);
	fixture_open();
}

TestSuite(routed, .init = enter_router, .fini = fixture_close);

static void rules_of_their_own(void)
{
	static const char policy[] = "allow in 22\n"
				     "route allow 80/tcp\n"
				     "allow in 443\n"
				     "route reject 443\n"
				     "route allow 9/sctp\n"
				     "route allow proto gre\n";
	static const struct row rows[] = {
		{"in, for this host", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)},
		{"in, for another", TCP(22, SYN, .to = OTHER), DROPS(DEFAULT), IN(22)},
		{"routed, for another", TCP(80, SYN, .to = OTHER), PASSES(RULE), .rule = 2, IN(80)},
		{"routed, for this host", TCP(80, SYN), DROPS(DEFAULT), IN(80)},
		{"routed, the other protocol", UDP(80, .to = OTHER), DROPS(DEFAULT), IN(80)},
		{"both, for this host", UDP(443), PASSES(RULE), .rule = 3, IN(443)},
		{"both, for another", TCP(443, RST, .to = OTHER), REJECTS(RULE), .rule = 4, IN(443)},
		{"SCTP for another", SCTP(9, .to = OTHER), PASSES(RULE), .rule = 5},
		{"SCTP for this host", SCTP(9), DROPS(DEFAULT)},
		{"GRE for another", RAW(IPPROTO_GRE, .to = OTHER), PASSES(RULE), .rule = 6},
		{"GRE for this host", RAW(IPPROTO_GRE), DROPS(DEFAULT)},
		{"ping for this host", ICMP(ECHO_REQUEST), PASSES(COURTESY)},
		{"ping for another", ICMP(ECHO_REQUEST, .to = OTHER), DROPS(DEFAULT)},
		{"neither", TCP(23, SYN, .to = OTHER), DROPS(DEFAULT), IN(23)},
	};

	PLAY(policy, rows);
}

/* What goes to many is for this host as well. */
static void multicast_is_in(void)
{
	static const struct row rows[] = {
		{"group", UDP(22, .to = GROUP), PASSES(RULE), .rule = 1, IN(22)},
		{"all", UDP(22, .to = BROADCAST), PASSES(RULE), .rule = 1, IN(22)},
		{"group, routed only", UDP(80, .to = GROUP), DROPS(DEFAULT), IN(80)},
	};

	PLAY("allow in 22\nroute allow 80", rows);
}

static void defaults_of_their_own(void)
{
	static const struct row rows[] = {
		{"for another", TCP(22, SYN, .to = OTHER), PASSES(DEFAULT), IN(22)},
		{"for this host", TCP(22, SYN), DROPS(DEFAULT), IN(22)},
		{"port 0 for another", TCP(0, SYN, .to = OTHER), DROPS(PORT_ZERO), IN(0)},
		{"in allowed: for this host", TCP(22, SYN), PASSES(DEFAULT), IN(22), .policy = "default allow in"},
		{"in allowed: for another", TCP(22, SYN, .to = OTHER), DROPS(DEFAULT), IN(22)},
	};

	PLAY("default allow routed", rows);
}

/* `forward A:B` links two ports of this host: another host's port of that number is not meant. */
static void forwards_are_for_this_host(void)
{
	static const struct packet linked = TCP(2988, SYN);
	static const struct row rows[] = {
		{"for this host", TCP(8080, SYN), PASSES(FORWARD), .rule = 1, IN(8080), .becomes = &linked},
		{"for another", TCP(8080, SYN, .to = OTHER), PASSES(RULE), .rule = 2, IN(8080)},
		{"for another, the target's port", UDP(2988, .to = OTHER), DROPS(DEFAULT), IN(2988)},
	};

	PLAY("forward 8080:2988\nroute allow 8080", rows);
}

/* Nothing is routed where forwarding is off: what arrives for another host's address is `in`. */
static void without_forwarding(void)
{
	static const struct row rows[] = {
		{"for another", TCP(80, SYN, .to = OTHER), DROPS(DEFAULT), IN(80)},
		{"for another, allowed in", TCP(22, SYN, .to = OTHER), PASSES(RULE), .rule = 1, IN(22)},
	};

	forward(false);
	PLAY("allow in 22\nroute allow 80", rows);
}

/* An answer to what a container asked is no request. */
static void answers(void)
{
	static const struct row rows[] = {
		{"nobody has asked", UDP(40000, .sport = 53, .to = OTHER), DROPS(DEFAULT), IN(40000)},
		{"question", UDP(53, .from = OTHER), .leaves = true, PASSES(DEFAULT), OUT(53)},
		{"answer", UDP(40000, .sport = 53, .to = OTHER), PASSES(REPLY), OUT(53)},
		{"another host's", UDP(40000, .sport = 53), DROPS(DEFAULT), IN(40000)},
	};

	PLAY("route allow 80", rows);
}

Test(routed, requests)
{
	watch_twin(true);
	rules_of_their_own();
	watch_twin(false);
	multicast_is_in();
	defaults_of_their_own();
	answers();
	forwards_are_for_this_host();
	without_forwarding();
}
