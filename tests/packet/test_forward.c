// SPDX-License-Identifier: GPL-2.0-only
/*
 * `forward A:B one-way`: requests to A arrive at B, and only their answers leave as A. To other hosts a test run cannot
 * forward (it has no routes): that is tested end to end.
 */
#include "rig.h"
#include "rows.h"

TestSuite(forwards, .init = fixture_open, .fini = fixture_close);

#define ONE_WAY "forward 8080:2988 one-way"

/* Passes as a request of the first statement's forward; as an answer. */
#define REQUEST   PASSES(FORWARD), .rule = 1, IN(8080)
#define ANSWER    .leaves = true, PASSES(REPLY), .rule = 1 + ANSWERS, IN(8080)
#define UNTOUCHED .leaves = true, PASSES(DEFAULT)

static const struct packet syn_in = TCP(2988, SYN), ack_in = TCP(2988, ACK);
static const struct packet syn_ack_out = TCP(40000, SYN | ACK, .sport = 8080, .ack = 1);
static const struct packet stray_out = TCP(40000, ACK, .sport = 8080, .ack = 0x80000000, .data = NO_DATA);
static const struct packet udp_in = UDP(2988), udp_out = UDP(40000, .sport = 8080);

static void requests_one_way_answers_the_other(void)
{
	static const struct row rows[] = {
		{"SYN", TCP(8080, SYN), REQUEST, .becomes = &syn_in},
		{"SYN-ACK", TCP(40000, SYN | ACK, .sport = 2988, .ack = 1), ANSWER, .becomes = &syn_ack_out},
		{"ACK", TCP(8080, ACK), REQUEST, .becomes = &ack_in},
		{"datagram", UDP(8080), REQUEST, .becomes = &udp_in},
		{"and back", UDP(40000, .sport = 2988), ANSWER, .becomes = &udp_out},
		{"the target is not opened", TCP(2988, SYN, .sport = 41000), DROPS(DEFAULT), IN(2988)},
		{"nor does it answer for others", UDP(41000, .sport = 2988), UNTOUCHED, OUT(41000)},
		{"who asks from the listening port is not rewritten", UDP(53, .sport = 8080), UNTOUCHED, OUT(53)},
		{"and gets the answer", UDP(8080, .sport = 53), PASSES(REPLY), OUT(53)},
		{"what is for a group is not let in", UDP(8080, .to = GROUP), DROPS(DEFAULT), IN(8080)},
		{"another protocol", SCTP(8080), DROPS(DEFAULT)},
	};

	PLAY(ONE_WAY, rows);
}

/* Without its SYN there is no connection to belong to; an answer that does not acknowledge it is not its answer. */
static void only_what_belongs(void)
{
	static const struct row rows[] = {
		{"ACK out of the blue", TCP(8080, ACK), DROPS(NO_STATE), IN(8080)},
		{"SYN", TCP(8080, SYN), REQUEST, .becomes = &syn_in},
		{"SYN-ACK for another SYN", TCP(40000, SYN | ACK, .sport = 2988, .ack = 0x80000000), .leaves = true,
		 DROPS(INVALID), OUT(40000)},
		{"an ACK for another SYN, which the client will reset",
		 TCP(40000, ACK, .sport = 2988, .ack = 0x80000000, .data = NO_DATA), ANSWER, .becomes = &stray_out},
		{"time passes", TCP(8080, ACK), DROPS(NO_STATE), IN(8080), .later = 121},
	};

	PLAY(ONE_WAY, rows);
}

/* TRAPS 17: from one endpoint, direct and by the forward. The second connection gets another source port. */
static void the_same_endpoint_twice(void)
{
	static struct outcome direct, forwarded, answer;
	static struct frame f;
	const struct packet to_target = UDP(2988), to_forward = UDP(8080);

	SCENE();
	set_policy("allow in 2988\n" ONE_WAY);
	build_for(&f, &to_target, ON_TC, V4, ARRIVES);
	send_frame(ON_TC, ARRIVES, &f, NULL, &direct);
	build_for(&f, &to_forward, ON_TC, V4, ARRIVES);
	send_frame(ON_TC, ARRIVES, &f, NULL, &forwarded);
	cr_expect(direct.action == PASSED && forwarded.action == PASSED && checksums_hold(&forwarded.frame, V4));
	cr_expect_eq(memcmp(direct.frame.bytes + f.l4, "\x9c\x40\x0b\xac", 4), 0, "40000 -> 2988, as it came");
	cr_expect_eq(memcmp(forwarded.frame.bytes + f.l4 + 2, "\x0b\xac", 2), 0, "-> 2988");
	cr_expect_neq(memcmp(forwarded.frame.bytes + f.l4, "\x9c\x40", 2), 0, "from another port");

	/* Each is answered as what it asked for. */
	const struct packet plain = UDP(40000, .sport = 2988);
	const struct packet other =
		UDP(forwarded.frame.bytes[f.l4] << 8 | forwarded.frame.bytes[f.l4 + 1], .sport = 2988);

	build_for(&f, &plain, ON_TC, V4, LEAVES);
	send_frame(ON_TC, LEAVES, &f, NULL, &answer);
	cr_expect_eq(memcmp(answer.frame.bytes + f.l4, "\x0b\xac\x9c\x40", 4), 0, "2988 -> 40000");
	build_for(&f, &other, ON_TC, V4, LEAVES);
	send_frame(ON_TC, LEAVES, &f, NULL, &answer);
	cr_expect_eq(memcmp(answer.frame.bytes + f.l4, "\x1f\x90\x9c\x40", 4), 0, "8080 -> 40000");
	cr_expect(checksums_hold(&answer.frame, V4));
}

/* The other way round: the forwarded connection was first and keeps the port. */
static void the_forward_first(void)
{
	static struct outcome outcome;
	static struct frame f;
	const struct packet to_target = UDP(2988), to_forward = UDP(8080);

	SCENE();
	set_policy("allow in 2988\n" ONE_WAY);
	build_for(&f, &to_forward, ON_TC, V6, ARRIVES);
	send_frame(ON_TC, ARRIVES, &f, NULL, &outcome);
	cr_expect_eq(memcmp(outcome.frame.bytes + f.l4, "\x9c\x40\x0b\xac", 4), 0);
	build_for(&f, &to_target, ON_TC, V6, ARRIVES);
	send_frame(ON_TC, ARRIVES, &f, NULL, &outcome);
	cr_expect(outcome.action == PASSED && checksums_hold(&outcome.frame, V6));
	cr_expect_neq(memcmp(outcome.frame.bytes + f.l4, "\x9c\x40", 2), 0, "the direct one gets another port");
	cr_expect_eq(count_translations(), 2);
}

static void rules_come_first(void)
{
	static const struct row rows[] = {
		{"a rule denies", TCP(8080, SYN), DROPS(RULE), .rule = 1, IN(8080)},
		{"the other protocol is forwarded", UDP(8080), PASSES(FORWARD), .rule = 2, IN(8080),
		 .becomes = &udp_in},
		{"rejected, not rewritten", TCP(8080, RST), REJECTS(RULE), .rule = 1, IN(8080),
		 .policy = "reject in 8080\n" ONE_WAY},
	};

	PLAY("deny in 8080/tcp\n" ONE_WAY, rows);
}

/* What is for some requests only. The peer is 8.0.0.2 or 2001:db8:..., the host the destination. */
static void conditions(void)
{
	static const struct packet from_other_in = UDP(2988, .from = OTHER);
	static const struct row rows[] = {
		{"another sender", UDP(8080), DROPS(DEFAULT), IN(8080)},
		{"the other one", UDP(8080, .from = OTHER), PASSES(FORWARD), .rule = 1, IN(8080),
		 .becomes = &from_other_in, .policy = ONE_WAY},
		{"expired", UDP(8080, .sport = 42000), DROPS(DEFAULT), IN(8080),
		 .policy = ONE_WAY " until 2020-01-01T00:00:00Z"},
		{"another interface", UDP(8080, .sport = 42000), DROPS(DEFAULT), IN(8080),
		 .policy = ONE_WAY " on nosuch0"},
		{"another address", UDP(8080, .sport = 42000), DROPS(DEFAULT), IN(8080),
		 .policy = ONE_WAY " to 192.0.2.77"},
	};

	PLAY(ONE_WAY " from 192.0.2.0/24", rows);
}

/* Forwards come before the default, also where that would pass the request. */
static void default_allow(void)
{
	static const struct row rows[] = {
		{"SYN", TCP(8080, SYN), REQUEST, .becomes = &syn_in},
		{"ACK", TCP(8080, ACK), REQUEST, .becomes = &ack_in},
		{"datagram", UDP(8080), REQUEST, .becomes = &udp_in},
		{"the next one", UDP(8080), REQUEST, .becomes = &udp_in},
		{"the target itself", UDP(2988, .sport = 41000), PASSES(DEFAULT), IN(2988)},
		{"once more", UDP(2988, .sport = 41000), PASSES(DEFAULT), IN(2988)},
		{"a rule comes first", UDP(8080), PASSES(RULE), .rule = 1, IN(8080), .becomes = &udp_in,
		 .policy = "allow in 8080\ndefault allow in\n" ONE_WAY},
	};

	PLAY("default allow in\n" ONE_WAY, rows);
	PLAY("default allow in\n" ONE_WAY " until 2100-01-01T00:00:00Z", rows);
}

/* A target of this host has no address that could be blocked. */
static void blocked_families(void)
{
	static const struct row rows[] = {
		{"SYN", TCP(8080, SYN), REQUEST, .becomes = &syn_in, .families = V4},
		{"ACK", TCP(8080, ACK), REQUEST, .becomes = &ack_in, .families = V4},
		{"datagram", UDP(8080), REQUEST, .becomes = &udp_in, .families = V4},
		{"and back", UDP(40000, .sport = 2988), ANSWER, .becomes = &udp_out, .families = V4},
		{"what is blocked", UDP(8080), DROPS(BLOCKED), IN(8080), .families = V6},
	};

	PLAY("block ::/0\n" ONE_WAY, rows);
}

static void udp_without_a_checksum(void)
{
	static const struct packet in = UDP(2988, .no_checksum = true);
	static const struct packet out = UDP(40000, .sport = 8080, .no_checksum = true);
	static const struct row rows[] = {
		{"in", UDP(8080, .no_checksum = true), REQUEST, .becomes = &in, .families = V4},
		{"out", UDP(40000, .sport = 2988, .no_checksum = true), ANSWER, .becomes = &out, .families = V4},
	};

	PLAY(ONE_WAY, rows);
}

static void fragments(void)
{
	static const struct packet first = UDP(2988, .fragment = {.given = true, .more = true, .id = 1});
	static const struct row rows[] = {
		{"first", UDP(8080, .fragment = {.given = true, .more = true, .id = 1}), REQUEST, .becomes = &first},
		{"later", RAW(IPPROTO_UDP, .fragment = {.given = true, .offset = 24, .id = 1}, .word = 8080),
		 PASSES(FRAGMENT), .rule = 1},
	};

	PLAY(ONE_WAY, rows);
}

/* TRAPS 19: each side reads about the ports that it knows, and the checksum. */
static void icmp_errors(void)
{
	static const struct packet got_2988 = UDP(2988), got_8080 = UDP(8080);
	static const struct packet sent_8080 = UDP(40000, .sport = 8080);
	static const struct packet sent_2988 = UDP(40000, .sport = 2988);
	static const struct packet about_2988 = ICMP(UNREACHABLE, .from = OTHER, .quoted = &sent_2988);
	static const struct packet about_8080 = ICMP(UNREACHABLE, .code = PORT_UNREACHABLE, .quoted = &got_8080);
	static const struct packet stray = UDP(41000, .sport = 8080);
	static const struct row rows[] = {
		{"a request", UDP(8080), REQUEST, .becomes = &udp_in},
		{"this host complains", ICMP(UNREACHABLE, .code = PORT_UNREACHABLE, .quoted = &got_2988),
		 .leaves = true, PASSES(ESSENTIAL), .rule = 1 + ANSWERS, .becomes = &about_8080},
		{"a router complains about the answer", ICMP(UNREACHABLE, .from = OTHER, .quoted = &sent_8080),
		 PASSES(ESSENTIAL), .rule = 1, .becomes = &about_2988},
		{"for another host than the one that it would concern",
		 ICMP(UNREACHABLE, .from = PEER, .to = OTHER, .quoted = &sent_8080), DROPS(ICMP_UNKNOWN)},
		{"about nothing", ICMP(UNREACHABLE, .from = OTHER, .quoted = &stray), DROPS(ICMP_UNKNOWN),
		 .policy = "forward 8080:2988/tcp one-way"},
	};

	PLAY(ONE_WAY, rows);
}

/* Half-open connections give way to new ones, so that a flood of SYNs cannot keep others out; established ones do not. */
static void floods_give_way(void)
{
	const struct packet syn = TCP(8080, SYN), answer = TCP(40000, SYN | ACK, .sport = 2988, .ack = 1),
			    ack = TCP(8080, ACK);
	static struct outcome outcome;
	static struct frame f;
	int refused = 0;

	SCENE();
	set_policy("forward 8080:2988/tcp one-way");
	build_for(&f, &syn, ON_TC, V4, ARRIVES);
	send_frame(ON_TC, ARRIVES, &f, NULL, &outcome);
	build_for(&f, &answer, ON_TC, V4, LEAVES);
	send_frame(ON_TC, LEAVES, &f, NULL, &outcome);
	build_for(&f, &ack, ON_TC, V4, ARRIVES);
	send_frame(ON_TC, ARRIVES, &f, NULL, &outcome);
	cr_expect_eq(outcome.action, PASSED);

	for (int i = 0; i < 200000; i++) {
		struct packet flood = syn;
		static struct frame from;

		flood.sport = 1 + i % 65535;
		build_for(&from, &flood, ON_TC, V4, ARRIVES);
		from.bytes[from.l3 + 15] = 200 + i / 65535; /* another sender; the checksums are not looked at */
		send_uncounted(ON_TC, ARRIVES, &from, &outcome);
		refused += outcome.action != PASSED;
	}
	cr_expect_lt(refused, 20, "%d SYNs were refused, though all of 16 places give way, each by heads or tails",
		     refused);
	forget_counts();
	build_for(&f, &ack, ON_TC, V4, ARRIVES);
	send_frame(ON_TC, ARRIVES, &f, NULL, &outcome);
	cr_expect_eq(outcome.action, PASSED, "the established connection is there");
	cr_expect_eq(outcome.reason, XDPFW_R_FORWARD);
}

/* XDP lets packets through before TC sees the first of them: one whose connection has given way meanwhile must not reach what
 * this host has at the port, and is said to have been dropped. */
static void a_place_lost_on_the_way(void)
{
	const struct packet syn = TCP(8080, SYN), direct = TCP(2988, SYN);
	static struct outcome outcome;
	static struct frame f;

	SCENE();
	set_policy("allow in 2988\nforward 8080:2988/tcp one-way");
	build_for(&f, &syn, ON_XDP, V4, ARRIVES);
	send_behind_xdp(&f, &outcome);
	cr_expect(outcome.action == DROPPED && outcome.reason == XDPFW_R_NO_PORT);
	cr_expect(outcome.nr_ports == 1 && outcome.port.port == 8080 && outcome.port.side == XDPFW_DROPPED);
	build_for(&f, &direct, ON_XDP, V4, ARRIVES);
	send_behind_xdp(&f, &outcome);
	cr_expect(outcome.action == PASSED && outcome.nr_reasons == 0, "nobody forwards this one");
}

static void answer_all(void)
{
	for (int place = 0; place < XDPFW_TRANSLATIONS; place++)
		rig.translations[place].replied = 1;
}

/* Where every port that a connection could have is another's, it is refused by name; those that are open stay. */
static void all_ports_taken(void)
{
	const struct packet udp = UDP(8080), first = UDP(8080, .sport = 1);
	static struct outcome outcome;
	static struct frame f;
	int sent = 0;

	SCENE();
	set_policy("forward 8080:2988/udp one-way");
	do {
		struct packet next = udp;

		next.sport = 1 + sent % 65535;
		build_for(&f, &next, ON_TC, V4, ARRIVES);
		f.bytes[f.l3 + 15] = 200 + sent / 65535;
		f.bytes[f.l4 + 6] = f.bytes[f.l4 + 7] = 0; /* no checksum */
		if (sent % 1000 == 0)
			answer_all();
		send_uncounted(ON_TC, ARRIVES, &f, &outcome);
	} while (outcome.action == PASSED && ++sent < 200000);
	cr_assert_lt(sent, 200000, "never refused");
	cr_expect_gt(sent, 60000, "refused after %d connections", sent);
	answer_all();
	forget_counts();
	send_frame(ON_TC, ARRIVES, &f, NULL, &outcome);
	cr_expect(outcome.action == DROPPED && outcome.reason == XDPFW_R_NO_PORT);
	build_for(&f, &first, ON_TC, V4, ARRIVES);
	f.bytes[f.l3 + 15] = 200;
	f.bytes[f.l4 + 6] = f.bytes[f.l4 + 7] = 0;
	send_frame(ON_TC, ARRIVES, &f, NULL, &outcome);
	cr_expect(outcome.action == PASSED && outcome.reason == XDPFW_R_FORWARD, "the first one is still there");
}

/* Clients that talk to the target directly keep nobody else out. */
static void direct_ones_give_way(void)
{
	const struct packet udp = UDP(8080, .sport = 1);
	static struct outcome outcome;
	static struct frame f;

	SCENE();
	set_policy("allow in 2988\nforward 8080:2988/udp one-way");
	for (int port = 1; port <= 65535; port++) {
		const struct packet direct = UDP(2988, .sport = port);

		build_for(&f, &direct, ON_TC, V4, ARRIVES);
		send_uncounted(ON_TC, ARRIVES, &f, &outcome);
		cr_assert(outcome.action == PASSED && !memcmp(outcome.frame.bytes, f.bytes, f.size));
	}
	cr_expect_eq(count_translations(), 65535);
	answer_all();
	forget_counts();
	build_for(&f, &udp, ON_TC, V4, ARRIVES);
	send_frame(ON_TC, ARRIVES, &f, NULL, &outcome);
	cr_expect(outcome.action == DROPPED && outcome.reason == XDPFW_R_NO_PORT,
		  "the target would take it for one of its client's direct ones");
	f.bytes[f.l3 + 15] = 200; /* another client */
	f.bytes[f.l4 + 6] = f.bytes[f.l4 + 7] = 0;
	send_frame(ON_TC, ARRIVES, &f, NULL, &outcome);
	cr_expect(outcome.action == PASSED && outcome.reason == XDPFW_R_FORWARD);
}

Test(forwards, tables)
{
	watch_twin(true);
	requests_one_way_answers_the_other();
	watch_twin(false);
	only_what_belongs();
	rules_come_first();
	conditions();
	default_allow();
	blocked_families();
	udp_without_a_checksum();
	fragments();
	icmp_errors();
}

Test(forwards, summed_up_by_the_driver)
{
	if (!sum_up())
		cr_skip_test("this kernel's test runs do not compare CHECKSUM_COMPLETE (Linux 6.16)");
	requests_one_way_answers_the_other();
	udp_without_a_checksum();
	fragments();
	icmp_errors();
}

Test(forwards, endpoints)
{
	the_same_endpoint_twice();
	the_forward_first();
}

Test(forwards, floods, .timeout = 60)
{
	floods_give_way();
	a_place_lost_on_the_way();
}

Test(forwards, exhaustion, .timeout = 60)
{
	all_ports_taken();
	direct_ones_give_way();
}
