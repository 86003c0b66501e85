// SPDX-License-Identifier: GPL-2.0-only
/* TRAPS 19 to 21: errors of what this host sent, neighbour and multicast discovery, DHCP, mDNS. */
#include "rows.h"

TestSuite(icmp, .init = fixture_open, .fini = fixture_close);

/* What this host has sent, or is said to have sent. */
static const struct packet query = UDP(53);
static const struct packet query_of_another_port = UDP(53, .sport = 40001);
static const struct packet query_to_another_port = UDP(54);
static const struct packet query_to_22 = UDP(22);
static const struct packet query_to_another_host = UDP(53, .to = OTHER);
static const struct packet query_by_another_host = UDP(53, .from = OTHER);
/* Its payload looks like the ports of the query. */
static const struct packet query_fragment = RAW(IPPROTO_UDP, .fragment = {.given = true, .offset = 24, .id = 1},
						.lies = {{AT_L4, 0, 2, 40000}, {AT_L4, 2, 2, 53}});
static const struct packet query_first_fragment = UDP(53, .fragment = {.given = true, .more = true, .id = 1});
static const struct packet query_extended = UDP(53, .options = BYTES("\x94\x04\x00\x00"), .chain = {DESTINATION});
static const struct packet tcp_answer = TCP(40000, ACK, .sport = 22);
static const struct packet tcp_to_nobody = TCP(80, SYN);
static const struct packet ping = ICMP(ECHO_REQUEST, .id = 7);
static const struct packet ping_of_another = ICMP(ECHO_REQUEST, .id = 8);
static const struct packet pong = ICMP(ECHO_REPLY, .id = 7);
static const struct packet unknown = RAW(47);

#define ABOUT(packet) .quoted = &(packet)

/* TRAPS 19 */
static void errors_about_what_was_sent(void)
{
	static const struct row rows[] = {
		{"nothing was sent", ICMP(UNREACHABLE, ABOUT(query)), DROPS(ICMP_UNKNOWN)},
		{"a query is sent", UDP(53), .leaves = true, PASSES(DEFAULT), OUT(53)},
		{"unreachable", ICMP(UNREACHABLE, .code = PORT_UNREACHABLE, ABOUT(query)), PASSES(ESSENTIAL)},
		{"time exceeded", ICMP(TIME_EXCEEDED, ABOUT(query)), PASSES(ESSENTIAL)},
		{"parameter problem", ICMP(PARAMETER_PROBLEM, ABOUT(query)), PASSES(ESSENTIAL)},
		{"too big", ICMP(UNREACHABLE, .code = {4, 0}, ABOUT(query)), PASSES(ESSENTIAL), .families = V4},
		{"too big", ICMP({2}, .lies = {{AT_L4, 0, 1, 2}}, ABOUT(query)), PASSES(ESSENTIAL), .families = V6},
		{"from a router", ICMP(TIME_EXCEEDED, .from = OTHER, ABOUT(query)), PASSES(ESSENTIAL)},
		{"all of it quoted", ICMP(UNREACHABLE, .quoted_l4 = 24, ABOUT(query)), PASSES(ESSENTIAL)},
		{"the first fragment", ICMP(TIME_EXCEEDED, ABOUT(query_first_fragment)), PASSES(ESSENTIAL)},
		{"options, extension headers", ICMP(UNREACHABLE, ABOUT(query_extended)), PASSES(ESSENTIAL)},
		{"of another port", ICMP(UNREACHABLE, ABOUT(query_of_another_port)), DROPS(ICMP_UNKNOWN)},
		{"to another port", ICMP(UNREACHABLE, ABOUT(query_to_another_port)), DROPS(ICMP_UNKNOWN)},
		{"to another host", ICMP(UNREACHABLE, ABOUT(query_to_another_host)), DROPS(ICMP_UNKNOWN)},
		{"a later fragment", ICMP(UNREACHABLE, ABOUT(query_fragment)), DROPS(ICMP_UNKNOWN)},
		{"another protocol", ICMP(UNREACHABLE, ABOUT(unknown)), DROPS(ICMP_UNKNOWN)},
		{"TCP that no socket knows", ICMP(UNREACHABLE, ABOUT(tcp_to_nobody)), DROPS(ICMP_UNKNOWN)},
		{"redirect", ICMP({5}, ABOUT(query)), DROPS(DEFAULT), .families = V4},
		{"source quench", ICMP({4}, ABOUT(query)), DROPS(DEFAULT), .families = V4},
	};

	PLAY("", rows);
}

/* CVE-2019-5598: the quoted source must be whom the error was sent to. */
static void errors_quote_the_one_they_are_sent_to(void)
{
	static const struct row rows[] = {
		{"a query is sent", UDP(53), .leaves = true, PASSES(DEFAULT), OUT(53)},
		{"by another host", ICMP(UNREACHABLE, ABOUT(query_by_another_host)), DROPS(ICMP_UNKNOWN)},
		{"to another host", ICMP(UNREACHABLE, .to = OTHER, ABOUT(query)), DROPS(ICMP_UNKNOWN)},
		{"another host's answer from an open port", ICMP(UNREACHABLE, .to = OTHER, ABOUT(tcp_answer)),
		 DROPS(ICMP_UNKNOWN)},
		{"this host's", ICMP(UNREACHABLE, ABOUT(tcp_answer)), PASSES(ESSENTIAL)},
	};

	PLAY("allow in 22", rows);
}

static void errors_about_a_ping(void)
{
	static const struct row rows[] = {
		{"not sent", ICMP(TIME_EXCEEDED, ABOUT(ping)), DROPS(ICMP_UNKNOWN)},
		{"ping", ICMP(ECHO_REQUEST, .id = 7), .leaves = true, PASSES(DEFAULT)},
		{"time exceeded", ICMP(TIME_EXCEEDED, .from = OTHER, ABOUT(ping)), PASSES(ESSENTIAL)},
		{"another's", ICMP(TIME_EXCEEDED, .from = OTHER, ABOUT(ping_of_another)), DROPS(ICMP_UNKNOWN)},
		{"about an answer", ICMP(UNREACHABLE, ABOUT(pong)), DROPS(ICMP_UNKNOWN)},
	};

	PLAY("", rows);
}

/* Quoted headers that end early, or lie. */
static void errors_that_quote_nonsense(void)
{
	static const struct row rows[] = {
		{"a query is sent", UDP(53), .leaves = true, PASSES(DEFAULT), OUT(53)},
		{"nothing quoted", ICMP(UNREACHABLE, .data = NO_DATA), DROPS(ICMP_UNKNOWN), .hooks = ON_ETHERNET},
		{"16 bytes of noise", ICMP(UNREACHABLE), DROPS(ICMP_UNKNOWN)},
		{"no ports", ICMP(UNREACHABLE, .quoted_l4 = 1, ABOUT(query)), DROPS(ICMP_UNKNOWN)},
		{"half the ports", ICMP(UNREACHABLE, .quoted_l4 = 2, ABOUT(query)), DROPS(ICMP_UNKNOWN)},
		{"a query to port 22 is sent", UDP(22), .leaves = true, PASSES(DEFAULT), OUT(22)},
		{"port 22 in the padding", ICMP(UNREACHABLE, .quoted_l4 = 2, .trailer = 40, ABOUT(query_to_22)),
		 DROPS(ICMP_UNKNOWN)},
		{"the ports", ICMP(UNREACHABLE, .quoted_l4 = 4, ABOUT(query)), PASSES(ESSENTIAL)},
		{"another version", ICMP(UNREACHABLE, .lies = {{AT_L4, 8, 1, 0x50}}, ABOUT(query)),
		 DROPS(ICMP_UNKNOWN)},
		{"another version, else right", ICMP(UNREACHABLE, .lies = {{AT_L4, 8, 1, 0x55}}, ABOUT(query)),
		 DROPS(ICMP_UNKNOWN), .families = V4},
		{"a query between ports that look like an address", UDP(2, .sport = 0x0800), .leaves = true,
		 PASSES(DEFAULT), OUT(2), .families = V4},
		{"header length 4, so that an address looks like ports",
		 ICMP(UNREACHABLE, .lies = {{AT_L4, 8, 1, 0x44}}, ABOUT(query)), DROPS(ICMP_UNKNOWN), .families = V4},
		{"header length 4", ICMP(UNREACHABLE, .lies = {{AT_L4, 8, 1, 0x44}}, ABOUT(query)), DROPS(ICMP_UNKNOWN),
		 .families = V4},
		{"header length 15", ICMP(UNREACHABLE, .lies = {{AT_L4, 8, 1, 0x4f}}, ABOUT(query)),
		 DROPS(ICMP_UNKNOWN), .families = V4},
		{"behind the datagram", ICMP(UNREACHABLE, .data = NO_DATA, .trailer = 60), DROPS(ICMP_UNKNOWN)},
	};

	PLAY("", rows);
}

/* Out, errors are the kernel's own; a rule that allows ICMP needs no flow. */
static void errors_out_and_by_rule(void)
{
	static const struct row rows[] = {
		{"out", ICMP(UNREACHABLE, ABOUT(query)), .leaves = true, PASSES(ESSENTIAL)},
		{"by rule", ICMP(UNREACHABLE, ABOUT(query)), PASSES(RULE), .rule = 1, .policy = "allow in any"},
	};

	PLAY("default deny out", rows);
}

#define ND(number)  .protocol = IPPROTO_ICMPV6, .type = {0, number}, .from = LINK_LOCAL, .hop_limit = 255
#define MLD(number) .protocol = IPPROTO_ICMPV6, .type = {0, number}, .from = LINK_LOCAL, .hop_limit = 1
#define ALERT       .chain = {HOP_BY_HOP}
#define V6_ONLY     .families = V6, .hooks = ON_ETHERNET

/* TRAPS 20: whatever the rules say, but not from behind a router. */
static void neighbour_discovery(void)
{
	static const struct row rows[] = {
		{"router solicitation", {ND(133)}, PASSES(ESSENTIAL), V6_ONLY},
		{"router advertisement", {ND(134)}, PASSES(ESSENTIAL), V6_ONLY},
		{"neighbour solicitation", {ND(135)}, PASSES(ESSENTIAL), V6_ONLY},
		{"neighbour advertisement", {ND(136)}, PASSES(ESSENTIAL), V6_ONLY},
		{"solicitation from ::",
		 {.protocol = IPPROTO_ICMPV6, .type = {0, 135}, .from = UNSPECIFIED, .to = BROADCAST, .hop_limit = 255},
		 PASSES(ESSENTIAL),
		 V6_ONLY},
		{"solicitation out", {ND(135)}, .leaves = true, PASSES(ESSENTIAL), V6_ONLY},
		{"advertisement out", {ND(136)}, .leaves = true, PASSES(ESSENTIAL), V6_ONLY},
		{"with a tag", {ND(135), .tags = {{VLAN, 9}}}, PASSES(ESSENTIAL), V6_ONLY},
		{"redirect", {ND(137)}, DROPS(RULE), .rule = 1, V6_ONLY},
		{"node information", {ND(139)}, DROPS(RULE), .rule = 1, V6_ONLY},
	};
	static struct row far[8];

	PLAY("deny in any\ndeny out any", rows);
	for (int i = 0; i < 8; i++) {
		far[i] = rows[i % 4];
		far[i].packet.hop_limit = i < 4 ? 254 : 1;
		far[i].verdict = XDPFW_DROP;
		far[i].reason = XDPFW_R_RULE;
		far[i].rule = 1;
	}
	PLAY("deny in any", far);
}

static void multicast_listener_discovery(void)
{
	static const struct row rows[] = {
		{"query", {MLD(130), ALERT}, PASSES(ESSENTIAL), V6_ONLY},
		{"report", {MLD(131), ALERT}, PASSES(ESSENTIAL), V6_ONLY},
		{"done", {MLD(132), ALERT}, PASSES(ESSENTIAL), V6_ONLY},
		{"version 2 report", {MLD(143), ALERT}, PASSES(ESSENTIAL), V6_ONLY},
		{"without the alert", {MLD(130)}, PASSES(ESSENTIAL), V6_ONLY},
		{"from ::",
		 {.protocol = IPPROTO_ICMPV6,
		  .type = {0, 143},
		  .from = UNSPECIFIED,
		  .to = BROADCAST,
		  .hop_limit = 1,
		  ALERT},
		 PASSES(ESSENTIAL),
		 V6_ONLY},
		{"report out", {MLD(143), ALERT}, .leaves = true, PASSES(ESSENTIAL), V6_ONLY},
		{"from afar",
		 {.protocol = IPPROTO_ICMPV6, .type = {0, 130}, .hop_limit = 2, ALERT},
		 DROPS(RULE),
		 .rule = 1,
		 V6_ONLY},
		{"from afar, 255",
		 {.protocol = IPPROTO_ICMPV6, .type = {0, 130}, .hop_limit = 255, ALERT},
		 DROPS(RULE),
		 .rule = 1,
		 V6_ONLY},
	};

	PLAY("deny in any\ndeny out any", rows);
}

/* TRAPS 21: no flow knows them. */
static void dhcp(void)
{
	static const struct row rows[] = {
		{"offer to all", UDP(68, .sport = 67, .to = BROADCAST), PASSES(ESSENTIAL), IN(68), .families = V4},
		{"offer to the new address", UDP(68, .sport = 67, .to = OTHER), PASSES(ESSENTIAL), IN(68),
		 .families = V4},
		{"reply", UDP(546, .sport = 547), PASSES(ESSENTIAL), IN(546), .families = V6},
		{"reply, link-local", UDP(546, .sport = 547, .from = LINK_LOCAL), PASSES(ESSENTIAL), IN(546), V6_ONLY},
		{"discover", UDP(67, .sport = 68, .to = BROADCAST), .leaves = true, PASSES(ESSENTIAL), OUT(67),
		 .families = V4},
		{"discover from 0.0.0.0", UDP(67, .sport = 68, .from = UNSPECIFIED, .to = BROADCAST), .leaves = true,
		 PASSES(ESSENTIAL), OUT(67), .families = V4, .hooks = ON_ETHERNET},
		{"solicit", UDP(547, .sport = 546), .leaves = true, PASSES(ESSENTIAL), OUT(547), .families = V6},
		{"another client's question", UDP(67, .sport = 68), DROPS(RULE), .rule = 1, IN(67), .families = V4},
		{"a server's offer from here", UDP(68, .sport = 67), .leaves = true, DROPS(RULE), .rule = 2, OUT(68),
		 .families = V4},
		{"from another port", UDP(68, .sport = 66), DROPS(RULE), .rule = 1, IN(68), .families = V4},
		{"to another port", UDP(69, .sport = 67), DROPS(RULE), .rule = 1, IN(69), .families = V4},
		{"the other family's ports", UDP(68, .sport = 67), DROPS(RULE), .rule = 1, IN(68), .families = V6},
		{"the other family's ports", UDP(546, .sport = 547), DROPS(RULE), .rule = 1, IN(546), .families = V4},
		{"TCP", TCP(68, SYN, .sport = 67), DROPS(RULE), .rule = 1, IN(68)},
	};

	PLAY("deny in any\ndeny out any", rows);
}

/* mDNS is a courtesy: where no rule speaks, to the group, or from anywhere to who has asked the group. */
static void mdns(void)
{
	static const struct row rows[] = {
		{"to the group", UDP(5353, .sport = 5353, .to = MDNS_GROUP), PASSES(COURTESY), IN(5353)},
		{"to the group from another port", UDP(5353, .to = MDNS_GROUP), PASSES(COURTESY), IN(5353)},
		{"to another group", UDP(5353, .sport = 5353, .to = GROUP), DROPS(DEFAULT), IN(5353)},
		{"to this host", UDP(5353, .sport = 5353), DROPS(DEFAULT), IN(5353)},
		{"another port of the group", UDP(5354, .to = MDNS_GROUP), DROPS(DEFAULT), IN(5354)},
		{"an answer to nobody", UDP(40000, .sport = 5353), DROPS(DEFAULT), IN(40000)},
		{"question", UDP(5353, .to = MDNS_GROUP), .leaves = true, PASSES(DEFAULT), OUT(5353)},
		{"answer from a host", UDP(40000, .sport = 5353), PASSES(COURTESY), IN(40000)},
		{"answer from another", UDP(40000, .sport = 5353, .from = OTHER), PASSES(COURTESY), IN(40000)},
		{"from another port", UDP(40000, .sport = 5354), DROPS(DEFAULT), IN(40000)},
		{"to another port", UDP(40001, .sport = 5353), DROPS(DEFAULT), IN(40001)},
		{"TCP", TCP(5353, SYN, .to = MDNS_GROUP), DROPS(DEFAULT), IN(5353)},
		{"too late", UDP(40000, .sport = 5353), DROPS(DEFAULT), IN(40000), .later = 122},
		{"a rule overrules", UDP(5353, .sport = 5353, .to = MDNS_GROUP), DROPS(RULE), .rule = 1, IN(5353),
		 .policy = "deny in 5353"},
	};

	PLAY("", rows);
}

Test(icmp, errors_and_essentials)
{
	errors_about_what_was_sent();
	errors_quote_the_one_they_are_sent_to();
	errors_about_a_ping();
	errors_that_quote_nonsense();
	errors_out_and_by_rule();
	neighbour_discovery();
	multicast_listener_discovery();
	dhcp();
	mdns();
}
