// SPDX-License-Identifier: GPL-2.0-only
/* Generic XDP is told less of a packet than native XDP and TC: neither its segments nor its mark. */
#include "namespace.h"
#include "rows.h"

/* Test runs arrive on loopback, whose MTU matters here. */
static void open_generic(void)
{
	enter_namespace();
	run_command("ip link set lo mtu 1500");
	fixture_open_as(&(struct config){.epoch_window = XDPFW_WINDOW_OPEN, .xdp_tx = true, .xdp_generic = true});
}

TestSuite(generic, .init = open_generic, .fini = fixture_close);

/* They are reckoned from the MTU. .gso_segs is what is expected here; XDP does not see it. */
static void segments_are_reckoned(void)
{
	static const struct row rows[] = {
		{"7 segments", TCP(22, ACK, .data = 8700), PASSES(RULE), .rule = 1, IN(22), .hooks = ON_XDP,
		 .skb = {.gso_segs = 7}, .families = V6},
		{"6 segments", TCP(22, ACK, .data = 8700), PASSES(RULE), .rule = 1, IN(22), .hooks = ON_XDP,
		 .skb = {.gso_segs = 6}, .families = V4},
		{"one that fills the MTU", TCP(22, ACK, .data = 1440), PASSES(RULE), .rule = 1, IN(22),
		 .hooks = ON_XDP},
		{"dropped", TCP(23, ACK, .data = 2800), DROPS(DEFAULT), IN(23), .hooks = ON_XDP,
		 .skb = {.gso_segs = 2}},
		{"UDP is not cut", UDP(22, .data = 8700), PASSES(RULE), .rule = 1, IN(22), .hooks = ON_XDP},
	};

	PLAY("allow in 22", rows);
}

/* Generic XDP sees what TC egress has turned back into the stack, and cannot see its mark. */
static void turn_back_generic(enum family family, const struct packet *packet)
{
	static struct outcome answered, back;
	struct frame f;

	build(&f, packet, family, LEAVES);
	send_frame(ON_XDP, LEAVES, &f, NULL, &answered);
	cr_assert_eq(answered.action, ANSWERED);
	send_frame(ON_XDP, ARRIVES, &answered.frame, NULL, &back);
	cr_expect_eq(back.action, PASSED, "the answer to protocol %u is dropped at generic XDP for reason %u [%s]",
		     packet->protocol, back.reason, family_name(family));
}

static void the_answer_to_a_reject_passes(void)
{
	static const struct packet query = UDP(23);
	static const struct row no_answer = {"the peer's answer", UDP(40000, .sport = 23), DROPS(DEFAULT), IN(40000)};

	SCENE();
	set_policy("default deny in\nreject out 23");
	for (enum family family = V4; family <= V6; family++) {
		turn_back_generic(family, &query);
		play_row(&no_answer, ON_XDP, family);
	}
}

Test(generic, segments_and_answers)
{
	segments_are_reckoned();
	the_answer_to_a_reject_passes();
}
