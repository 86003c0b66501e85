// SPDX-License-Identifier: GPL-2.0-only
/*
 * State: what this host has asked for comes in, for as long as nf_conntrack would let it. Time passes by making
 * what is in the maps older. (TCP has the kernel's sockets: test_socket.c.)
 */
#include "rows.h"

TestSuite(flow, .init = fixture_open, .fini = fixture_close);

static void udp_answers(void)
{
	static const struct row rows[] = {
		{"nobody has asked", UDP(40000, .sport = 53), DROPS(DEFAULT), IN(40000)},
		{"question", UDP(53), .leaves = true, PASSES(DEFAULT), OUT(53)},
		{"answer", UDP(40000, .sport = 53), PASSES(REPLY), OUT(53)},
		{"another one", UDP(40000, .sport = 53), PASSES(REPLY), OUT(53)},
		{"from another port", UDP(40000, .sport = 54), DROPS(DEFAULT), IN(40000)},
		{"from another host", UDP(40000, .sport = 53, .from = OTHER), DROPS(DEFAULT), IN(40000)},
		{"to another port", UDP(40001, .sport = 53), DROPS(DEFAULT), IN(40001)},
		{"to another address", UDP(40000, .sport = 53, .to = OTHER), DROPS(DEFAULT), IN(40000)},
		{"by another protocol", TCP(40000, ACK, .sport = 53), DROPS(DEFAULT), IN(40000)},
		{"an answer is no question", UDP(53, .sport = 40000), DROPS(DEFAULT), IN(53)},
	};

	PLAY("", rows);
}

/* 30 seconds for who is not answered, 120 for who is. */
static void udp_time_outs(void)
{
	static const struct row rows[] = {
		{"question", UDP(53), .leaves = true, PASSES(DEFAULT), OUT(53)},
		{"answer too late", UDP(40000, .sport = 53), DROPS(DEFAULT), IN(40000), .later = 32},
		{"question", UDP(53), .leaves = true, PASSES(DEFAULT), OUT(53)},
		{"answer in time", UDP(40000, .sport = 53), PASSES(REPLY), OUT(53), .later = 28},
		{"longer, since it was answered", UDP(40000, .sport = 53), PASSES(REPLY), OUT(53), .later = 118},
		{"too late", UDP(40000, .sport = 53), DROPS(DEFAULT), IN(40000), .later = 122},
		{"question", UDP(53), .leaves = true, PASSES(DEFAULT), OUT(53)},
		{"asked again", UDP(53), .leaves = true, PASSES(DEFAULT), OUT(53), .later = 28},
		{"answer to the second", UDP(40000, .sport = 53), PASSES(REPLY), OUT(53), .later = 28},
		{"silence", UDP(53), .leaves = true, PASSES(DEFAULT), OUT(53), .later = 122},
		{"unanswered anew", UDP(40000, .sport = 53), DROPS(DEFAULT), IN(40000), .later = 32},
	};

	PLAY("", rows);
}

static void echo_answers(void)
{
	static const struct row rows[] = {
		{"nobody has asked", ICMP(ECHO_REPLY, .id = 7), DROPS(DEFAULT)},
		{"question", ICMP(ECHO_REQUEST, .id = 7), .leaves = true, PASSES(DEFAULT)},
		{"answer", ICMP(ECHO_REPLY, .id = 7), PASSES(REPLY)},
		{"of another id", ICMP(ECHO_REPLY, .id = 8), DROPS(DEFAULT)},
		{"of another type", ICMP(BRACED(14, 140), .id = 7), DROPS(DEFAULT)},
		{"of another host", ICMP(ECHO_REPLY, .id = 7, .from = OTHER), DROPS(DEFAULT)},
		{"to another address", ICMP(ECHO_REPLY, .id = 7, .to = OTHER), DROPS(DEFAULT)},
		{"not UDP from that port", UDP(7, .sport = 7), DROPS(DEFAULT), IN(7)},
		{"too late", ICMP(ECHO_REPLY, .id = 9), DROPS(DEFAULT), .later = 122},
		{"question", ICMP(ECHO_REQUEST, .id = 10), .leaves = true, PASSES(DEFAULT)},
		{"too late", ICMP(ECHO_REPLY, .id = 10), DROPS(DEFAULT), .later = 32},
		{"what this host answers is no question", ICMP(ECHO_REPLY, .id = 11), .leaves = true, PASSES(DEFAULT)},
		{"nor is it answered", ICMP(ECHO_REPLY, .id = 11), DROPS(DEFAULT)},
	};

	PLAY("", rows);
}

static void sctp_answers(void)
{
	static const struct row rows[] = {
		{"nobody has asked", SCTP(40000, .sport = 9), DROPS(DEFAULT)},
		{"question", SCTP(9), .leaves = true, PASSES(DEFAULT)},
		{"answer", SCTP(40000, .sport = 9), PASSES(REPLY)},
		{"from another port", SCTP(40000, .sport = 10), DROPS(DEFAULT)},
		{"to another port", SCTP(40001, .sport = 9), DROPS(DEFAULT)},
		{"from another host", SCTP(40000, .sport = 9, .from = OTHER), DROPS(DEFAULT)},
		{"by another protocol", UDP(40000, .sport = 9), DROPS(DEFAULT), IN(40000)},
		{"in time", SCTP(40000, .sport = 9), PASSES(REPLY), .later = 208},
		{"too late", SCTP(40000, .sport = 9), DROPS(DEFAULT), .later = 212},
	};

	PLAY("", rows);
}

static void answers_without_ports(void)
{
	static const struct row rows[] = {
		{"nobody has asked", RAW(IPPROTO_GRE), DROPS(DEFAULT)},
		{"question", RAW(IPPROTO_GRE), .leaves = true, PASSES(DEFAULT)},
		{"answer", RAW(IPPROTO_GRE), PASSES(REPLY)},
		{"of another protocol", RAW(99), DROPS(DEFAULT)},
		{"from another host", RAW(IPPROTO_GRE, .from = OTHER), DROPS(DEFAULT)},
		{"in time", RAW(IPPROTO_GRE), PASSES(REPLY), .later = 598},
		{"too late", RAW(IPPROTO_GRE), DROPS(DEFAULT), .later = 602},
	};

	PLAY("", rows);
}

static void time_outs_by_option(void)
{
	static const char longer[] = "option udp-timeout 2m\noption udp-replied-timeout 10m\noption icmp-timeout 5s";
	static const struct row rows[] = {
		{"question", UDP(53), .leaves = true, PASSES(DEFAULT), OUT(53)},
		{"in the longer time", UDP(40000, .sport = 53), PASSES(REPLY), OUT(53), .later = 118},
		{"answered: longer still", UDP(40000, .sport = 53), PASSES(REPLY), OUT(53), .later = 598},
		{"ping", ICMP(ECHO_REQUEST, .id = 7), .leaves = true, PASSES(DEFAULT)},
		{"in time", ICMP(ECHO_REPLY, .id = 7), PASSES(REPLY), .later = 3},
		{"too late", ICMP(ECHO_REPLY, .id = 7), DROPS(DEFAULT), .later = 7},
		{"the next policy's time", UDP(40000, .sport = 53), DROPS(DEFAULT), IN(40000), .policy = "",
		 .later = 122},
	};

	PLAY(longer, rows);
}

#define QUERY BRACED(13, 139)

/* Echo requests are a courtesy, which the option and rules overrule; the answers go out in any case. */
static void being_pinged(void)
{
	static const struct row rows[] = {
		{"by courtesy", ICMP(ECHO_REQUEST), PASSES(COURTESY)},
		{"answer", ICMP(ECHO_REPLY), .leaves = true, PASSES(REPLY)},
		{"question", ICMP(ECHO_REQUEST), .leaves = true, DROPS(DEFAULT)},
		{"whose answer is not awaited", ICMP(ECHO_REPLY), DROPS(DEFAULT)},
		{"timestamp, node information", ICMP(QUERY), DROPS(DEFAULT)},
		{"option", ICMP(ECHO_REQUEST), DROPS(DEFAULT), .policy = "option allow-ping off"},
		{"rule", ICMP(ECHO_REQUEST), DROPS(RULE), .rule = 1, .policy = "deny in any"},
	};

	PLAY("default deny out", rows);
}

/* A server's own answers keep no state, whoever asks: strangers cannot fill the table. */
static void only_requests_write(void)
{
	static const struct row rows[] = {
		{"question in", UDP(53), PASSES(RULE), .rule = 1, IN(53)},
		{"answer", UDP(40000, .sport = 53), .leaves = true, PASSES(DEFAULT), IN(53)},
		{"dropped in", UDP(54), DROPS(DEFAULT), IN(54)},
		{"ping", ICMP(ECHO_REQUEST), PASSES(COURTESY)},
		{"its answer", ICMP(ECHO_REPLY), .leaves = true, PASSES(DEFAULT)},
		{"TCP out", TCP(80, SYN), .leaves = true, PASSES(DEFAULT), OUT(80)},
		{"dropped out", UDP(99), .leaves = true, DROPS(RULE), .rule = 2, OUT(99)},
	};

	PLAY("allow in 53\ndeny out 99", rows);
	cr_expect_eq(count_flows(), 0, "%zu flows", count_flows());
}

/* Under deny out, whoever was let in is answered, and nobody else. */
static void guests(void)
{
	static const struct row rows[] = {
		{"nobody has asked", UDP(40000, .sport = 53), .leaves = true, DROPS(DEFAULT), OUT(40000)},
		{"question in", UDP(53), PASSES(RULE), .rule = 1, IN(53)},
		{"answer", UDP(40000, .sport = 53), .leaves = true, PASSES(REPLY), IN(53)},
		{"to another port", UDP(40001, .sport = 53), .leaves = true, DROPS(DEFAULT), OUT(40001)},
		{"to another host", UDP(40000, .sport = 53, .to = OTHER), .leaves = true, DROPS(DEFAULT), OUT(40000)},
		{"from another port", UDP(40000, .sport = 54), .leaves = true, DROPS(DEFAULT), OUT(40000)},
		{"within the longer time", UDP(40000, .sport = 53), .leaves = true, PASSES(REPLY), IN(53),
		 .later = 118},
		{"too late", UDP(40000, .sport = 53), .leaves = true, DROPS(DEFAULT), OUT(40000), .later = 122},
		{"question", UDP(53), PASSES(RULE), .rule = 1, IN(53)},
		{"never answered in time", UDP(40000, .sport = 53), .leaves = true, DROPS(DEFAULT), OUT(40000),
		 .later = 32},
		{"what was dropped is no guest", UDP(54), DROPS(DEFAULT), IN(54)},
		{"and gets no answer", UDP(40000, .sport = 54), .leaves = true, DROPS(DEFAULT), OUT(40000)},
	};

	PLAY("default deny out\nallow in 53", rows);
	cr_expect_eq(count_flows(), 0, "outsiders write no flows");
}

/* The same for SCTP, whatever of it is denied out, and for what has no ports. */
static void other_guests(void)
{
	static const struct row rows[] = {
		{"SCTP: nobody has asked", SCTP(40000, .sport = 22), .leaves = true, DROPS(DEFAULT)},
		{"SCTP: question", SCTP(22), PASSES(RULE), .rule = 1},
		{"SCTP: answer", SCTP(40000, .sport = 22), .leaves = true, PASSES(REPLY)},
		{"SCTP: to another port", SCTP(40001, .sport = 22), .leaves = true, DROPS(DEFAULT)},
		{"GRE: nobody has asked", RAW(IPPROTO_GRE), .leaves = true, DROPS(DEFAULT)},
		{"GRE: question", RAW(IPPROTO_GRE), PASSES(RULE), .rule = 2},
		{"GRE: answer", RAW(IPPROTO_GRE), .leaves = true, PASSES(REPLY)},
		{"GRE: to another host", RAW(IPPROTO_GRE, .to = OTHER), .leaves = true, DROPS(DEFAULT)},
		{"only SCTP denied: question", SCTP(22, .sport = 40002), PASSES(RULE), .rule = 2,
		 .policy = "deny out 1-65535/sctp\nallow in 22/sctp"},
		{"only SCTP denied: answer", SCTP(40002, .sport = 22), .leaves = true, PASSES(REPLY)},
	};

	PLAY("allow in 22/sctp\nallow in proto gre\ndefault deny out", rows);
}

/* Where the answer passes anyway, nothing is noted. */
static void no_guests_without_need(void)
{
	static const struct row rows[] = {
		{"question", UDP(53), PASSES(RULE), .rule = 1, IN(53)},
		{"answer", UDP(40000, .sport = 53), .leaves = true, PASSES(DEFAULT), IN(53)},
		{"GRE", RAW(IPPROTO_GRE), PASSES(RULE), .rule = 2},
	};

	PLAY("allow in 53\nallow in proto gre\ndeny out 99", rows);
	cr_expect_eq(count_guests(), 0, "%zu guests", count_guests());
}

/* Outbound, only a SYN without ACK is a request. */
static void tcp_out(void)
{
	static const struct row rows[] = {
		{"SYN", TCP(80, SYN), .leaves = true, DROPS(DEFAULT), OUT(80)},
		{"SYN with ECN", TCP(80, SYN | ECE | CWR), .leaves = true, DROPS(DEFAULT), OUT(80)},
		{"SYN+ACK from a service", TCP(40000, SYN | ACK, .sport = 22), .leaves = true, PASSES(REPLY), IN(22)},
		{"ACK", TCP(80, ACK), .leaves = true, PASSES(REPLY), OUT(80)},
		{"RST", TCP(80, RST), .leaves = true, PASSES(REPLY), OUT(80)},
		{"FIN", TCP(80, FIN | ACK), .leaves = true, PASSES(REPLY), OUT(80)},
		{"SYN again, allowed now", TCP(80, SYN), .leaves = true, PASSES(RULE), .rule = 1, OUT(80),
		 .policy = "default deny out\nallow out 80"},
	};

	PLAY("default deny out\nallow in 22", rows);
}

/* TRAPS 14: each request is judged by the rules of its own time. */
static void a_rule_change_judges_the_next_request(void)
{
	static const struct row rows[] = {
		{"denied", TCP(22, SYN), DROPS(DEFAULT), IN(22)},
		{"retry", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22), .policy = "allow in 22"},
		{"and back", TCP(22, SYN), DROPS(DEFAULT), IN(22), .policy = ""},
		{"question", UDP(53), .leaves = true, PASSES(DEFAULT), OUT(53)},
		{"denied since, but asked before", UDP(40000, .sport = 53), PASSES(REPLY), OUT(53),
		 .policy = "deny in 40000\ndeny out 53"},
		{"the flow lives on", UDP(53), .leaves = true, PASSES(REPLY), OUT(53)},
		{"a new one does not", UDP(53, .sport = 40001), .leaves = true, DROPS(RULE), .rule = 2, OUT(53)},
	};

	PLAY("", rows);
}

/* What a changed policy lets go on is not answered by going on. */
static void asking_again_is_no_answer(void)
{
	static const struct row rows[] = {
		{"question", UDP(53), .leaves = true, PASSES(DEFAULT), OUT(53)},
		{"again", UDP(53), .leaves = true, PASSES(REPLY), OUT(53), .policy = "deny out 53", .later = 28},
		{"answer too late", UDP(40000, .sport = 53), DROPS(DEFAULT), IN(40000), .later = 32},
	};

	PLAY("", rows);
}

static const struct row question = {"question", UDP(53), .leaves = true, PASSES(DEFAULT), OUT(53)};
static const struct row other_question = {"of the same port", UDP(54), .leaves = true, PASSES(DEFAULT), OUT(54)};
static const struct row answer = {"answer", UDP(40000, .sport = 53), PASSES(REPLY), OUT(53)};
static const struct row answer_lost = {"answer after the fingerprint", UDP(40000, .sport = 53), DROPS(DEFAULT),
				       IN(40000)};

/* Fingerprints fade after two ages, those of an age apart from those of the next; each packet of a flow that
 * lives sets its own anew. */
static void play_ages(enum hooks hooks, enum family family)
{
	begin_age();
	forget_state();
	play_row(&question, hooks, family);
	pass_fingerprint_ages(1);
	play_row(&other_question, hooks, family);
	play_row(&answer, hooks, family);
	pass_fingerprint_ages(1);
	play_row(&answer, hooks, family);
	pass_fingerprint_ages(2);
	play_row(&answer_lost, hooks, family);
	play_row(&question, hooks, family);
	play_row(&answer, hooks, family);
}

static void fingerprints_fade(void)
{
	SCENE();
	set_policy("");
	for (enum family family = V4; family <= V6; family++) {
		play_ages(ON_XDP, family);
		play_ages(ON_TC, family);
	}
}

/* One packet of a flood, from port @port of @from. */
static void flood_from(enum place from, int first, int last)
{
	const struct packet packet = UDP(80, .from = from);
	static struct outcome outcome;
	struct frame f;

	build(&f, &packet, V4, ARRIVES);
	for (int port = first; port <= last; port++) {
		f.bytes[f.l4] = port >> 8;
		f.bytes[f.l4 + 1] = port & 0xff;
		send_uncounted(ON_XDP, ARRIVES, &f, &outcome);
		if (outcome.action != PASSED)
			cr_assert_fail("the flood does not pass");
	}
}

/* TRAPS 15: what strangers fill has a table of its own, so the flows of this host outlive a flood that is larger
 * than the table. */
static void a_flood_of_guests(void)
{
	static struct row question = {"question", UDP(53), .leaves = true, PASSES(RULE), .rule = 1, OUT(53)};
	static struct row answer = {"answer after the flood", UDP(0, .sport = 53), PASSES(REPLY), OUT(53)};

	SCENE();
	set_policy("default deny out\nallow out 53\nallow in 80/udp");
	for (int port = 40000; port < 40500; port++) {
		question.packet.sport = port;
		play_row(&question, ON_TC, V4);
	}
	flood_from(PEER, 1, 65535);
	flood_from(OTHER, 1, 20000);
	forget_counts();
	cr_expect_eq(count_flows(), 500, "%zu flows", count_flows());
	for (int port = 40000; port < 40500; port++) {
		answer.packet.dport = port;
		play_row(&answer, ON_TC, V4);
	}
}

Test(flow, answers_and_floods)
{
	udp_answers();
	udp_time_outs();
	echo_answers();
	sctp_answers();
	answers_without_ports();
	time_outs_by_option();
	being_pinged();
	fingerprints_fade();
	only_requests_write();
	guests();
	other_guests();
	no_guests_without_need();
	tcp_out();
	a_rule_change_judges_the_next_request();
	asking_again_is_no_answer();
	a_flood_of_guests();
}
