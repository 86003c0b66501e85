// SPDX-License-Identifier: GPL-2.0-only
/*
 * TCP that no socket of this host owns (containers, VMs, routed networks). What leaves writes the flows, which
 * test runs cannot show (fixture.h); here they are put into the table, and segments arrive for OTHER, the local side.
 */
#include <arpa/inet.h>
#include <string.h>

#include "rows.h"

TestSuite(tcp_flow, .init = fixture_open, .fini = fixture_close);

#define LOCAL_PORT  40000
#define REMOTE_PORT 80

#define FROM_REMOTE(flags, ...) TCP(LOCAL_PORT, flags, .sport = REMOTE_PORT, .to = OTHER, ##__VA_ARGS__)

/* One segment that meets a flow in a given state, and the state it leaves behind. */
struct meeting {
	struct row row;
	struct xdpfw_flow flow;
	__u8 state_after, fins_after;
};

#define REPLY_PASSES  PASSES(REPLY), OUT(REMOTE_PORT)
#define IS_INVALID    DROPS(INVALID), IN(LOCAL_PORT)
#define IS_A_STRANGER DROPS(DEFAULT), IN(LOCAL_PORT)

#define SYN_SENT    BRACED(.state = XDPFW_FLOW_SYN, .sent = 1001, .window = 1000)
#define ESTABLISHED BRACED(.state = XDPFW_FLOW_ESTABLISHED, .next = 500000, .sent = 2000, .window = 1000)
#define WRAPPING    BRACED(.state = XDPFW_FLOW_ESTABLISHED, .next = 0xfffffff0, .sent = 2000, .window = 1000)
#define HALF_CLOSED BRACED(.state = XDPFW_FLOW_ESTABLISHED, .next = 500000, .window = 1000, .fins = XDPFW_FIN_LOCAL)
#define CLOSED      BRACED(.state = XDPFW_FLOW_CLOSED, .next = 500000, .window = 1000)

static void put_address(struct xdpfw_addr *to, enum place place, enum family family)
{
	memset(to, 0, sizeof(*to));
	if (family == V4)
		to->words[2] = htonl(0xffff);
	inet_pton(family == V4 ? AF_INET : AF_INET6, address(place, family), &to->words[family == V4 ? 3 : 0]);
}

static struct xdpfw_flow_key flow_key(enum family family)
{
	struct xdpfw_flow_key key = {.local_port = LOCAL_PORT, .remote_port = REMOTE_PORT, .protocol = IPPROTO_TCP};

	put_address(&key.local, OTHER, family);
	put_address(&key.remote, PEER, family);
	return key;
}

static void meet(const struct meeting *m, enum hooks hooks, enum family family)
{
	struct xdpfw_flow_key key = flow_key(family);
	struct xdpfw_flow flow = m->flow;

	forget_state();
	flow.seen = flow.created = jiffies_now();
	put_flow(&key, &flow);
	play_row(&m->row, hooks, family);
	get_flow(&key, &flow);
	cr_expect_eq(flow.state, m->state_after, "'%s' [%s %s]: state %u instead of %u", m->row.name, hooks_name(hooks),
		     family_name(family), flow.state, m->state_after);
	cr_expect_eq(flow.fins, m->fins_after, "'%s' [%s %s]: FINs %u instead of %u", m->row.name, hooks_name(hooks),
		     family_name(family), flow.fins, m->fins_after);
}

static void meet_all(const struct meeting *meetings, size_t count)
{
	set_policy("");
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < NR_HOOKS; j++)
			for (enum family family = V4; family <= V6; family++)
				meet(&meetings[i], all_hooks[j], family);
}
#define MEET(meetings) meet_all(meetings, ARRAY_SIZE(meetings))

/* Until the SYN is answered nothing else comes: what does not acknowledge it is no answer to it. */
static void answers_to_a_syn(void)
{
	static const struct meeting meetings[] = {
		{{"SYN+ACK", FROM_REMOTE(SYN | ACK, .ack = 1001), REPLY_PASSES}, SYN_SENT, XDPFW_FLOW_SYN, 0},
		{{"refused", FROM_REMOTE(RST | ACK, .ack = 1001), REPLY_PASSES}, SYN_SENT, XDPFW_FLOW_CLOSED, 0},
		{{"SYN+ACK of something else", FROM_REMOTE(SYN | ACK, .ack = 1000), IS_A_STRANGER},
		 SYN_SENT,
		 XDPFW_FLOW_SYN,
		 0},
		{{"blind RST", FROM_REMOTE(RST), IS_A_STRANGER}, SYN_SENT, XDPFW_FLOW_SYN, 0},
		{{"a number, but no ACK", FROM_REMOTE(RST, .ack = 1001), IS_A_STRANGER}, SYN_SENT, XDPFW_FLOW_SYN, 0},
		{{"blind RST+ACK", FROM_REMOTE(RST | ACK, .ack = 7), IS_A_STRANGER}, SYN_SENT, XDPFW_FLOW_SYN, 0},
		{{"another port", TCP(LOCAL_PORT + 1, SYN | ACK, .sport = REMOTE_PORT, .to = OTHER, .ack = 1001),
		  DROPS(DEFAULT), IN(LOCAL_PORT + 1)},
		 SYN_SENT,
		 XDPFW_FLOW_SYN,
		 0},
	};

	SCENE();
	MEET(meetings);
}

/* A SYN that meets a SYN: looked up only if the one that left has marked its fingerprint. */
static void simultaneous_open(void)
{
	static const struct row unmarked = {"SYN, unmarked", FROM_REMOTE(SYN), IS_A_STRANGER};
	static const struct row leaves = {"SYN that leaves", TCP(REMOTE_PORT, SYN, .sport = LOCAL_PORT, .from = OTHER),
					  .leaves = true, PASSES(DEFAULT), OUT(REMOTE_PORT)};
	static const struct row marked = {"SYN, marked", FROM_REMOTE(SYN), REPLY_PASSES};
	static const struct row late = {"SYN, when it is open", FROM_REMOTE(SYN, .seq = 500000), IS_A_STRANGER};
	struct xdpfw_flow flow = SYN_SENT, open = ESTABLISHED;

	SCENE();
	set_policy("");
	flow.seen = open.seen = jiffies_now();
	for (enum family family = V4; family <= V6; family++) {
		struct xdpfw_flow_key key = flow_key(family);

		put_flow(&key, &flow);
		play_row(&unmarked, ON_XDP, family);
		play_row(&leaves, ON_TC, family);
		play_row(&marked, ON_XDP, family);
		play_row(&marked, ON_TC, family);
		put_flow(&key, &open);
		play_row(&late, ON_XDP, family);
	}
}

/* RFC 5961: within the window the end host decides; outside it a segment is not even shown to it. */
static void segments_and_the_window(void)
{
	static const struct meeting meetings[] = {
		{{"next byte", FROM_REMOTE(ACK, .seq = 500000), REPLY_PASSES}, ESTABLISHED, XDPFW_FLOW_ESTABLISHED, 0},
		{{"last of the window", FROM_REMOTE(ACK, .seq = 501000), REPLY_PASSES},
		 ESTABLISHED,
		 XDPFW_FLOW_ESTABLISHED,
		 0},
		{{"beyond it", FROM_REMOTE(ACK, .seq = 501001), IS_INVALID}, ESTABLISHED, XDPFW_FLOW_ESTABLISHED, 0},
		{{"sent again", FROM_REMOTE(ACK, .seq = 500000 - 65536), REPLY_PASSES},
		 ESTABLISHED,
		 XDPFW_FLOW_ESTABLISHED,
		 0},
		{{"too old", FROM_REMOTE(ACK, .seq = 500000 - 65537), IS_INVALID},
		 ESTABLISHED,
		 XDPFW_FLOW_ESTABLISHED,
		 0},
		{{"far off", FROM_REMOTE(ACK, .seq = 500000 + 0x80000000U), IS_INVALID},
		 ESTABLISHED,
		 XDPFW_FLOW_ESTABLISHED,
		 0},
		{{"behind the wrap", FROM_REMOTE(ACK, .seq = 10), REPLY_PASSES}, WRAPPING, XDPFW_FLOW_ESTABLISHED, 0},
		{{"before the wrap", FROM_REMOTE(ACK, .seq = 0xffffff00), REPLY_PASSES},
		 WRAPPING,
		 XDPFW_FLOW_ESTABLISHED,
		 0},
		{{"beyond the wrapped window", FROM_REMOTE(ACK, .seq = 1000), IS_INVALID},
		 WRAPPING,
		 XDPFW_FLOW_ESTABLISHED,
		 0},
		{{"SYN: a new request", FROM_REMOTE(SYN, .seq = 500000), IS_A_STRANGER},
		 ESTABLISHED,
		 XDPFW_FLOW_ESTABLISHED,
		 0},
	};

	SCENE();
	MEET(meetings);
}

/* TRAPS 12: a RST where the next byte is expected shortens the flow's life; elsewhere it changes nothing. */
static void resets(void)
{
	static const struct meeting meetings[] = {
		{{"exact", FROM_REMOTE(RST, .seq = 500000), REPLY_PASSES}, ESTABLISHED, XDPFW_FLOW_CLOSED, 0},
		{{"in the window", FROM_REMOTE(RST, .seq = 500001), REPLY_PASSES},
		 ESTABLISHED,
		 XDPFW_FLOW_ESTABLISHED,
		 0},
		{{"beyond it", FROM_REMOTE(RST, .seq = 501001), IS_INVALID}, ESTABLISHED, XDPFW_FLOW_ESTABLISHED, 0},
		{{"sequence 0", FROM_REMOTE(RST), IS_INVALID}, ESTABLISHED, XDPFW_FLOW_ESTABLISHED, 0},
		{{"data behind a reset", FROM_REMOTE(ACK, .seq = 500000), REPLY_PASSES}, CLOSED, XDPFW_FLOW_CLOSED, 0},
	};

	SCENE();
	MEET(meetings);
}

/* TRAPS 13: half-close lives; only both FINs begin the closing time-out. */
static void ends(void)
{
	static const struct meeting meetings[] = {
		{{"the remote's FIN first", FROM_REMOTE(FIN | ACK, .seq = 500000), REPLY_PASSES},
		 ESTABLISHED,
		 XDPFW_FLOW_ESTABLISHED,
		 XDPFW_FIN_REMOTE},
		{{"data of a half-closed one", FROM_REMOTE(ACK, .seq = 500000), REPLY_PASSES},
		 HALF_CLOSED,
		 XDPFW_FLOW_ESTABLISHED,
		 XDPFW_FIN_LOCAL},
		{{"the second FIN", FROM_REMOTE(FIN | ACK, .seq = 500000), REPLY_PASSES},
		 HALF_CLOSED,
		 XDPFW_FLOW_CLOSING,
		 XDPFW_FIN_LOCAL | XDPFW_FIN_REMOTE},
	};

	SCENE();
	MEET(meetings);
}

static void expect_after(__u8 state, unsigned int seconds, bool lives)
{
	const struct xdpfw_flow_key key = flow_key(V4);
	struct xdpfw_flow flow = {.state = state, .next = 500000, .sent = 1001, .window = 1000};
	struct row row = {"segment", FROM_REMOTE(ACK, .seq = 500000, .ack = 1001), IS_A_STRANGER};
	char name[64];

	snprintf(name, sizeof(name), "state %u after %u s", state, seconds);
	row.name = name;
	if (lives) {
		row.verdict = XDPFW_PASS;
		row.reason = XDPFW_R_REPLY;
		row.port = (struct counted){true, XDPFW_OUT, REMOTE_PORT};
	}
	forget_state();
	flow.seen = jiffies_now();
	put_flow(&key, &flow);
	pass_time(seconds);
	play_row(&row, ON_XDP, V4);
}

/* As nf_conntrack's. */
static void time_outs(void)
{
	static const struct {
		__u8 state;
		unsigned int seconds;
	} cases[] = {
		{XDPFW_FLOW_SYN, 120},
		{XDPFW_FLOW_ESTABLISHED, 5 * 24 * 3600},
		{XDPFW_FLOW_CLOSING, 120},
		{XDPFW_FLOW_CLOSED, 10},
	};

	SCENE();
	set_policy("");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		expect_after(cases[i].state, cases[i].seconds - 2, true);
		expect_after(cases[i].state, cases[i].seconds + 2, false);
	}
}

static const struct packet sent = TCP(REMOTE_PORT, ACK, .sport = LOCAL_PORT, .from = OTHER);
static const struct packet sent_elsewhere = TCP(REMOTE_PORT + 1, ACK, .sport = LOCAL_PORT, .from = OTHER);

static void icmp_errors(void)
{
	static const struct meeting meetings[] = {
		{{"about it", ICMP(UNREACHABLE, .to = OTHER, .quoted = &sent), PASSES(ESSENTIAL)},
		 ESTABLISHED,
		 XDPFW_FLOW_ESTABLISHED,
		 0},
		{{"about another", ICMP(UNREACHABLE, .to = OTHER, .quoted = &sent_elsewhere), DROPS(ICMP_UNKNOWN)},
		 ESTABLISHED,
		 XDPFW_FLOW_ESTABLISHED,
		 0},
		{{"to another", ICMP(UNREACHABLE, .quoted = &sent), DROPS(ICMP_UNKNOWN)},
		 ESTABLISHED,
		 XDPFW_FLOW_ESTABLISHED,
		 0},
	};

	SCENE();
	MEET(meetings);
}

/* A segment of another host that leaves: only a twin can be told that no socket sends it. */
static void expect_no_trace(const struct packet *packet, enum family family)
{
	static struct outcome outcome;
	struct frame f;

	build_for(&f, packet, ON_TC, family, LEAVES);
	cr_expect_eq(xdpfw_verdict_of(ask_about_forwarded(ON_TC, &f, &outcome)), XDPFW_PASS);
	cr_expect_null(outcome.twin_wrote, "flags %x of another host: %s", packet->flags, outcome.twin_wrote);
}

static void the_twin_writes_nothing(void)
{
	static const struct packet leaving[] = {
		TCP(REMOTE_PORT, SYN, .sport = LOCAL_PORT, .from = OTHER),
		TCP(REMOTE_PORT, ACK, .sport = LOCAL_PORT, .from = OTHER, .seq = 3000, .ack = 500100),
		TCP(REMOTE_PORT, FIN | ACK, .sport = LOCAL_PORT, .from = OTHER, .seq = 3000),
		TCP(REMOTE_PORT, RST, .sport = LOCAL_PORT, .from = OTHER),
	};
	struct xdpfw_flow flow = ESTABLISHED;

	SCENE();
	set_policy("");
	watch_twin(true);
	answers_to_a_syn();
	resets();
	flow.seen = jiffies_now();
	for (enum family family = V4; family <= V6; family++) {
		struct xdpfw_flow_key key = flow_key(family);

		for (int known = 0; known <= 1; known++) {
			forget_state();
			if (known)
				put_flow(&key, &flow);
			for (size_t i = 0; i < ARRAY_SIZE(leaving); i++)
				expect_no_trace(&leaving[i], family);
		}
	}
	watch_twin(false);
}

Test(tcp_flow, without_a_socket)
{
	the_twin_writes_nothing();
	answers_to_a_syn();
	simultaneous_open();
	segments_and_the_window();
	resets();
	ends();
	time_outs();
	icmp_errors();
}
