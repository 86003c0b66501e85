// SPDX-License-Identifier: GPL-2.0-only
/*
 * reject: the sender is told, by XDP_TX or by TC's redirect, in a frame that is compared whole. A row without
 * an answer (.becomes) says that the packet is dropped and nothing is sent. The kernel's way of delivering
 * the answer is tested end to end.
 */
#include "rows.h"

TestSuite(reject, .init = fixture_open, .fini = fixture_close);

#define TAGS .tags = {{QINQ, 7}, {VLAN, 5}}

static const struct packet syn = TCP(23, SYN, .seq = 1000, .data = NO_DATA);
static const struct packet reset_of_syn = TCP(40000, RST | ACK, .sport = 23, .ack = 1001, .data = NO_DATA);

/* RFC 9293 3.5.2: the answer's sequence number is the acknowledgment, or 0, and then all is acknowledged. */
static void tcp_is_reset(void)
{
	static const struct packet with_data = TCP(40000, RST | ACK, .sport = 23, .ack = 1017, .data = NO_DATA);
	static const struct packet wrapped = TCP(40000, RST | ACK, .sport = 23, .ack = 16, .data = NO_DATA);
	static const struct packet of_ack = TCP(40000, RST, .sport = 23, .seq = 0x87654321, .data = NO_DATA);
	static const struct packet tagged = TCP(40000, RST | ACK, .sport = 23, .ack = 1001, .data = NO_DATA, TAGS);
	static const struct row rows[] = {
		{"SYN", TCP(23, SYN, .seq = 1000, .data = NO_DATA), REJECTS(RULE), .rule = 1, IN(23),
		 .becomes = &reset_of_syn},
		{"SYN with data", TCP(23, SYN, .seq = 1000), REJECTS(RULE), .rule = 1, IN(23), .becomes = &with_data},
		{"TCP options are no data", TCP(23, SYN, .seq = 1000, .lies = {{AT_L4, 12, 1, 0x90}}), REJECTS(RULE),
		 .rule = 1, IN(23), .becomes = &reset_of_syn},
		{"sequence numbers wrap", TCP(23, SYN, .seq = 0xffffffff), REJECTS(RULE), .rule = 1, IN(23),
		 .becomes = &wrapped},
		{"ACK", TCP(23, ACK, .seq = 5, .ack = 0x87654321), REJECTS(RULE), .rule = 1, IN(23),
		 .becomes = &of_ack},
		{"SYN+ACK", TCP(23, SYN | ACK, .seq = 5, .ack = 0x87654321), REJECTS(RULE), .rule = 1, IN(23),
		 .becomes = &of_ack},
		{"FIN", TCP(23, FIN | ACK, .seq = 5, .ack = 0x87654321), REJECTS(RULE), .rule = 1, IN(23),
		 .becomes = &of_ack},
		{"padding is no data", TCP(23, SYN, .seq = 1000, .data = NO_DATA, .trailer = 6), REJECTS(RULE),
		 .rule = 1, IN(23), .becomes = &reset_of_syn},
		{"much data", TCP(23, ACK, .ack = 0x87654321, .data = 1400), REJECTS(RULE), .rule = 1, IN(23),
		 .becomes = &of_ack},
		{"options, extension headers",
		 TCP(23, SYN, .seq = 1000, .data = NO_DATA, .options = BYTES("\x94\x04\x00\x00"),
		     .chain = {DESTINATION}),
		 REJECTS(RULE), .rule = 1, IN(23), .becomes = &reset_of_syn},
		{"tags", TCP(23, SYN, .seq = 1000, .data = NO_DATA, TAGS), REJECTS(RULE), .rule = 1, IN(23),
		 .becomes = &tagged, .hooks = ON_ETHERNET},
		{"out", TCP(23, SYN, .seq = 1000, .data = NO_DATA), .leaves = true, REJECTS(RULE), .rule = 2, OUT(23),
		 .becomes = &reset_of_syn},
		{"out, with data", TCP(23, SYN, .seq = 1000), .leaves = true, REJECTS(RULE), .rule = 2, OUT(23),
		 .becomes = &with_data},
		{"out, tags", TCP(23, SYN, .seq = 1000, .data = NO_DATA, TAGS), .leaves = true, REJECTS(RULE),
		 .rule = 2, OUT(23), .becomes = &tagged, .hooks = ON_ETHERNET},
	};

	PLAY("reject in 23\nreject out 23", rows);
}

#define UNREACHABLE_FOR(packet) ICMP(UNREACHABLE, .code = PORT_UNREACHABLE, .quoted = &(packet))

static void others_are_told_by_icmp(void)
{
	static const struct packet query = UDP(53), small = UDP(53, .data = NO_DATA), big = UDP(53, .data = 1400);
	static const struct packet no_sum = UDP(53, .no_checksum = true), sctp = SCTP(9), other = RAW(99);
	static const struct packet tagged_query = UDP(53, TAGS);
	static const struct packet for_query = UNREACHABLE_FOR(query), for_small = UNREACHABLE_FOR(small);
	static const struct packet for_big = UNREACHABLE_FOR(big), for_no_sum = UNREACHABLE_FOR(no_sum);
	static const struct packet for_sctp = UNREACHABLE_FOR(sctp), for_other = UNREACHABLE_FOR(other);
	static const struct packet for_tagged =
		ICMP(UNREACHABLE, .code = PORT_UNREACHABLE, TAGS, .quoted = &tagged_query);
	static const struct row rows[] = {
		{"UDP", UDP(53), REJECTS(RULE), .rule = 1, IN(53), .becomes = &for_query},
		{"UDP without data", UDP(53, .data = NO_DATA), REJECTS(RULE), .rule = 1, IN(53), .becomes = &for_small,
		 .hooks = ON_ETHERNET},
		{"much data", UDP(53, .data = 1400), REJECTS(RULE), .rule = 1, IN(53), .becomes = &for_big},
		{"no checksum", UDP(53, .no_checksum = true), REJECTS(RULE), .rule = 1, IN(53), .becomes = &for_no_sum},
		{"padding", UDP(53, .trailer = 8), REJECTS(RULE), .rule = 1, IN(53), .becomes = &for_query},
		{"tags", UDP(53, TAGS), REJECTS(RULE), .rule = 1, IN(53), .becomes = &for_tagged, .hooks = ON_ETHERNET},
		{"SCTP", SCTP(9), REJECTS(RULE), .rule = 1, .becomes = &for_sctp},
		{"unknown protocol", RAW(99), REJECTS(RULE), .rule = 1, .becomes = &for_other},
		{"out", UDP(53), .leaves = true, REJECTS(RULE), .rule = 2, OUT(53), .becomes = &for_query},
		{"out, unknown protocol", RAW(99), .leaves = true, REJECTS(RULE), .rule = 2, .becomes = &for_other},
	};

	PLAY("reject in any\nreject out any", rows);
}

/* RFC 1122 3.2.2, RFC 4443 2.4: no answer to a reset, an ICMP message, a fragment, or what was sent to many. */
static void what_is_not_answered(void)
{
	static const struct row rows[] = {
		{"RST", TCP(23, RST), REJECTS(RULE), .rule = 1, IN(23)},
		{"RST+ACK", TCP(23, RST | ACK), REJECTS(RULE), .rule = 1, IN(23)},
		{"ping", ICMP(ECHO_REQUEST), REJECTS(RULE), .rule = 1},
		{"unasked echo reply", ICMP(ECHO_REPLY), REJECTS(RULE), .rule = 1},
		{"first fragment", UDP(53, .fragment = {.given = true, .more = true, .id = 1}), REJECTS(RULE),
		 .rule = 1, IN(53)},
		{"first fragment of TCP", TCP(53, SYN, .fragment = {.given = true, .more = true, .id = 2}),
		 REJECTS(RULE), .rule = 1, IN(53)},
		{"multicast frame", UDP(53, .to_group = true, .to = GROUP), REJECTS(RULE), .rule = 1, IN(53),
		 .hooks = ON_ETHERNET},
		{"multicast frame, unicast address", UDP(53, .to_group = true), REJECTS(RULE), .rule = 1, IN(53),
		 .hooks = ON_ETHERNET},
		{"what cannot be parsed", TCP(22, SYN, .longer = 1), DROPS(BAD_LENGTH)},
		{"flags out", TCP(22, SYN, .lies = {{AT_L4, 13, 1, 0}}), .leaves = true, DROPS(TCP_FLAGS), OUT(22)},
		{"RST out", TCP(23, RST), .leaves = true, PASSES(REPLY), OUT(23)},
		{"ping out", ICMP(ECHO_REQUEST), .leaves = true, REJECTS(RULE), .rule = 2},
		{"multicast out", UDP(53, .to_group = true, .to = GROUP), .leaves = true, REJECTS(RULE), .rule = 2,
		 OUT(53), .hooks = ON_ETHERNET},
	};

	PLAY("reject in any\nreject out any", rows);
}

/* The same by the IP address: on an interface without Ethernet nothing else tells, and elsewhere a sender
 * may address a multicast packet to one station. */
static void no_answer_to_a_multicast_address(void)
{
	static const struct row rows[] = {
		{"UDP to a group", UDP(53, .to = GROUP), REJECTS(RULE), .rule = 1, IN(53)},
		{"UDP to all", UDP(53, .to = BROADCAST), REJECTS(RULE), .rule = 1, IN(53)},
		{"TCP to a group", TCP(53, SYN, .to = GROUP), REJECTS(RULE), .rule = 1, IN(53)},
		{"UDP to a group out", UDP(53, .to = GROUP), .leaves = true, REJECTS(RULE), .rule = 2, OUT(53)},
	};

	PLAY("reject in any\nreject out any", rows);
}

/* RFC 1122 3.2.2, RFC 4443 2.4 (e.6): nor to a source that is no single host. */
static void no_answer_to_nobody(void)
{
	static const struct row rows[] = {
		{"UDP from the unspecified address", UDP(53, .from = UNSPECIFIED), REJECTS(RULE), .rule = 1, IN(53),
		 .hooks = ON_ETHERNET},
		{"TCP from it", TCP(53, SYN, .from = UNSPECIFIED), REJECTS(RULE), .rule = 1, IN(53),
		 .hooks = ON_ETHERNET},
	};

	PLAY("reject in any", rows);
}

static void by_default(void)
{
	static const struct row rows[] = {
		{"in", TCP(23, SYN, .seq = 1000, .data = NO_DATA), REJECTS(DEFAULT), IN(23), .becomes = &reset_of_syn},
		{"out", TCP(23, SYN, .seq = 1000, .data = NO_DATA), .leaves = true, REJECTS(DEFAULT), OUT(23),
		 .becomes = &reset_of_syn},
		{"port 0 is dropped", TCP(0, SYN), DROPS(PORT_ZERO), IN(0)},
		{"essentials pass", UDP(68, .sport = 67), PASSES(ESSENTIAL), IN(68), .families = V4},
		{"errors of unknown flows are dropped", ICMP(UNREACHABLE, .quoted = &syn), DROPS(ICMP_UNKNOWN)},
	};

	PLAY("default reject in\ndefault reject out", rows);
}

/* Strangers cannot make this host send floods. */
static void spend(enum hooks hooks, enum family family)
{
	static struct outcome outcome;
	struct frame f;

	build_for(&f, &syn, hooks, family, ARRIVES);
	for (__u32 before = 0; before < 2 * XDPFW_REJECTS_PER_JIFFY; before++) {
		while (!send_on_budget(hooks, ARRIVES, &f, 0, before, &outcome))
			continue;
		cr_expect_eq(outcome.action, before < XDPFW_REJECTS_PER_JIFFY ? ANSWERED : DROPPED,
			     "behind %u answers [%s %s]", before, hooks_name(hooks), family_name(family));
		cr_expect_eq(outcome.verdict, XDPFW_REJECT);
	}
}

static void a_budget_of_answers(void)
{
	SCENE();
	set_policy("default reject in");
	for (enum family family = V4; family <= V6; family++) {
		spend(ON_XDP, family);
		spend(ON_TC, family);
		spend(ON_L3, family);
	}
}

/* The answer comes by the other TC hook of the same interface: unseen there, since it has been judged. */
static void turn_back(enum hooks hooks, enum family family, enum way way)
{
	static struct outcome answered, back;
	struct skb_fields fields = {};
	struct frame f;

	build_for(&f, &syn, hooks, family, way);
	send_frame(hooks, way, &f, NULL, &answered);
	cr_assert_eq(answered.action, ANSWERED);
	fields.mark = answered.mark;
	send_frame(hooks, way == LEAVES ? ARRIVES : LEAVES, &answered.frame, &fields, &back);
	cr_expect_eq(back.action, PASSED, "[%s %s]", hooks_name(hooks), family_name(family));
	cr_expect_eq(back.nr_reasons + back.nr_rules + back.nr_ports, 0, "counted [%s %s]", hooks_name(hooks),
		     family_name(family));
	cr_expect_eq(back.mark, 0, "the mark stays [%s %s]", hooks_name(hooks), family_name(family));
}

static void the_answer_is_not_judged_again(void)
{
	SCENE();
	set_policy("reject in 23\nreject out 23\ndefault deny in");
	for (enum family family = V4; family <= V6; family++) {
		for (enum way way = ARRIVES; way <= LEAVES; way++) {
			turn_back(ON_TC, family, way);
			turn_back(ON_L3, family, way);
		}
	}
}

Test(reject, answers_and_silence)
{
	tcp_is_reset();
	others_are_told_by_icmp();
	by_default();
	a_budget_of_answers();
	the_answer_is_not_judged_again();
	what_is_not_answered();
	no_answer_to_a_multicast_address();
	no_answer_to_nobody();
}

static void open_without_tx(void)
{
	fixture_open_as(&(struct config){.epoch_window = XDPFW_WINDOW_OPEN, .xdp_tx = false});
}

TestSuite(reject_unheard, .init = open_without_tx, .fini = fixture_close);

/* Where answers by XDP_TX would not arrive, a reject is a drop, and the packet stays as it was. */
Test(reject_unheard, is_a_drop)
{
	static const struct row rows[] = {
		{"TCP", TCP(23, SYN), REJECTS(RULE), .rule = 1, IN(23), .hooks = ON_XDP},
		{"UDP", UDP(23), REJECTS(RULE), .rule = 1, IN(23), .hooks = ON_XDP},
		{"out, by TC", TCP(23, SYN, .seq = 1000, .data = NO_DATA), .leaves = true, REJECTS(DEFAULT), OUT(23),
		 .becomes = &reset_of_syn},
	};

	PLAY("reject in 23\ndefault reject out", rows);
}
