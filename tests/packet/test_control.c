// SPDX-License-Identifier: GPL-2.0-only
/* Blocks, slots and the control word: which policy judges, and whether any does. */
#include <string.h>

#include "datapath.h"
#include "rows.h"

TestSuite(control, .init = fixture_open, .fini = fixture_close);

/* Before all rules, both ways, open flows and what the network needs included. */
static void nothing_from_it_and_nothing_to_it(void)
{
	static const char policy[] = "block 8.0.0.2\nblock 2001:db8:86dd::2\nallow in any\nallow out any";
	static const struct row rows[] = {
		{"TCP in", TCP(22, SYN), DROPS(BLOCKED), IN(22)},
		{"UDP in", UDP(53), DROPS(BLOCKED), IN(53)},
		{"ping", ICMP(ECHO_REQUEST), DROPS(BLOCKED)},
		{"SCTP", SCTP(22), DROPS(BLOCKED)},
		{"later fragment", RAW(17, .fragment = {.given = true, .offset = 24, .id = 1}), DROPS(BLOCKED)},
		{"TCP out", TCP(80, SYN), .leaves = true, DROPS(BLOCKED), OUT(80)},
		{"an answer out", TCP(40000, ACK, .sport = 22), .leaves = true, DROPS(BLOCKED), OUT(40000)},
		{"UDP out", UDP(53), .leaves = true, DROPS(BLOCKED), OUT(53)},
		{"from another", TCP(22, SYN, .from = OTHER), PASSES(RULE), .rule = 1, IN(22)},
		{"to another", TCP(80, SYN, .to = OTHER), .leaves = true, PASSES(RULE), .rule = 2, OUT(80)},
		{"its address as the local one", TCP(22, SYN, .from = OTHER, .to = PEER), PASSES(RULE), .rule = 1,
		 IN(22)},
		{"asked before it was blocked", UDP(53), .leaves = true, PASSES(DEFAULT), OUT(53), .policy = ""},
		{"answer", UDP(40000, .sport = 53), PASSES(REPLY), OUT(53)},
		{"answer since", UDP(40000, .sport = 53), DROPS(BLOCKED), IN(40000),
		 .policy = "block 8.0.0.2\nblock 2001:db8:86dd::2"},
		{"DHCP", UDP(68, .sport = 67), DROPS(BLOCKED), IN(68), .families = V4},
		{"neighbour discovery",
		 {.protocol = IPPROTO_ICMPV6, .type = {0, 135}, .hop_limit = 255},
		 DROPS(BLOCKED),
		 .families = V6},
		{"ARP knows no addresses", RAW(0, .ethertype = ARP), PASSES(ESSENTIAL), .hooks = ON_ETHERNET},
	};

	PLAY(policy, rows);
}

static void prefixes(void)
{
	static const struct row rows[] = {
		{"within", TCP(22, SYN), DROPS(BLOCKED), IN(22)},
		{"without", TCP(22, SYN, .from = OTHER), PASSES(DEFAULT), IN(22)},
		{"one address of it", TCP(22, SYN, .from = OTHER), DROPS(BLOCKED), IN(22),
		 .policy = "default allow in\nblock 8.0.9.9\nblock 2001:db8:86dd:9::9"},
		{"its neighbour", TCP(22, SYN), PASSES(DEFAULT), IN(22)},
	};

	PLAY("default allow in\nblock 8.0.0.0/24\nblock 2001:db8:86dd::/64", rows);
}

/* "0.0.0.0/0 is all IPv4, ::/0 all IPv6": neither is the other. */
static void all_of_a_family(void)
{
	static const struct row rows[] = {
		{"IPv4 under 0.0.0.0/0", TCP(22, SYN), DROPS(BLOCKED), IN(22), .families = V4},
		{"IPv6 under 0.0.0.0/0", TCP(22, SYN), PASSES(DEFAULT), IN(22), .families = V6},
		{"IPv6 under ::/0", TCP(22, SYN), DROPS(BLOCKED), IN(22), .families = V6,
		 .policy = "default allow in\nblock ::/0"},
		{"IPv4 under ::/0", TCP(22, SYN), PASSES(DEFAULT), IN(22), .families = V4,
		 .policy = "default allow in\nblock ::/0"},
		{"IPv4 out under ::/0", TCP(22, SYN), .leaves = true, PASSES(DEFAULT), OUT(22), .families = V4},
		{"IPv6 under ::/1", TCP(22, SYN), DROPS(BLOCKED), IN(22), .families = V6,
		 .policy = "default allow in\nblock ::/1"},
		{"IPv4 under ::/1", TCP(22, SYN), PASSES(DEFAULT), IN(22), .families = V4,
		 .policy = "default allow in\nblock ::/1"},
	};

	PLAY("default allow in\nblock 0.0.0.0/0", rows);
}

static const struct row passes_22 = {"SYN to 22, allowed", TCP(22, SYN), PASSES(RULE), .rule = 1, IN(22)};
static const struct row drops_22 = {"SYN to 22, not allowed", TCP(22, SYN), DROPS(DEFAULT), IN(22)};
static const struct row rejects_22 = {"RST to 22, rejected", TCP(22, RST), REJECTS(RULE), .rule = 1, IN(22)};

static void the_active_one_judges(void)
{
	SCENE();
	set_policy_in(0, "allow in 22");
	set_policy_in(1, "deny in 23");
	set_policy_in(2, "reject in 22");
	set_control(xdpfw_control_word(0, 1, 0, 0));
	play_row_everywhere(&passes_22);
	set_control(xdpfw_control_word(1, 2, 0, 0));
	play_row_everywhere(&drops_22);
	set_control(xdpfw_control_word(2, 0, 0, 0));
	play_row_everywhere(&rejects_22);
}

/* Links, options and blocks belong to a slot as ports do. */
static void all_of_a_policy_changes_at_once(void)
{
	static const struct packet linked = TCP(2988, SYN);
	static const struct row rows[][4] = {
		{
			{"linked", TCP(8080, SYN), PASSES(FORWARD), .rule = 1, IN(8080), .becomes = &linked},
			{"not blocked", TCP(22, SYN), DROPS(DEFAULT), IN(22)},
			{"not IP", RAW(0, .ethertype = LLDP), PASSES(NOT_IP), .hooks = ON_ETHERNET},
			{"ping", ICMP(ECHO_REQUEST), PASSES(COURTESY)},
		},
		{
			{"not linked", TCP(8080, SYN), DROPS(BLOCKED), IN(8080)},
			{"blocked", TCP(22, SYN), DROPS(BLOCKED), IN(22)},
			{"not IP", RAW(0, .ethertype = LLDP), DROPS(NOT_IP), .hooks = ON_ETHERNET},
			{"ping", ICMP(ECHO_REQUEST, .from = OTHER), DROPS(DEFAULT)},
		},
	};

	SCENE();
	set_policy_in(0, "forward 8080:2988");
	set_policy_in(2, "block 8.0.0.2\nblock 2001:db8:86dd::2\noption non-ip off\noption allow-ping off");
	for (int round = 0; round < 4; round++) {
		set_control(xdpfw_control_word(round % 2 ? 2 : 0, 1, 0, 0));
		for (size_t i = 0; i < ARRAY_SIZE(rows[0]); i++)
			play_row_everywhere(&rows[round % 2][i]);
	}
}

/* A trial: past its deadline the fallback judges, though nobody has changed anything. */
static void the_fallback_judges_after_the_deadline(void)
{
	__u64 now = jiffies_now(), hour = (__u64)datapath_hz() * 3600;

	SCENE();
	set_policy_in(1, "allow in 22");
	set_policy_in(2, "");
	set_control(xdpfw_control_word(1, 2, 0, now + hour));
	play_row_everywhere(&passes_22);
	set_control(xdpfw_control_word(1, 2, 0, now));
	play_row_everywhere(&drops_22);
	set_control(xdpfw_control_word(1, 2, 0, now - hour));
	play_row_everywhere(&drops_22);
	set_control(xdpfw_control_word(1, 2, 0, 1));
	play_row_everywhere(&drops_22);
	set_control(xdpfw_control_word(1, 2, 0, 0)); /* confirmed */
	play_row_everywhere(&passes_22);
}

/* Rolled back: both slots are the same, and the trial is over before its deadline. */
static void a_trial_rolled_back_is_over(void)
{
	__u64 hour = (__u64)datapath_hz() * 3600;

	SCENE();
	set_policy_in(1, "allow in 22");
	set_policy_in(2, "");
	set_control(xdpfw_control_word(1, 2, 0, jiffies_now() + hour));
	play_row_everywhere(&passes_22);
	set_control(xdpfw_control_word(2, 2, 0, jiffies_now() + hour));
	play_row_everywhere(&drops_22);
}

Test(control, blocks_and_slots)
{
	nothing_from_it_and_nothing_to_it();
	prefixes();
	all_of_a_family();
	the_active_one_judges();
	all_of_a_policy_changes_at_once();
	the_fallback_judges_after_the_deadline();
	a_trial_rolled_back_is_over();
}

/* Programs that filter in the epochs 65534, 65535, 0, 1 only. */
static void open_window(void)
{
	fixture_open_as(&(struct config){.epoch_from = 0xfffe, .epoch_window = 4, .xdp_tx = true});
}

TestSuite(epochs, .init = open_window, .fini = fixture_close);

static void expect_asleep(enum hooks hooks, enum family family, enum way way, const struct packet *packet)
{
	static struct outcome outcome;
	struct frame f;

	build_for(&f, packet, hooks, family, way);
	send_frame(hooks, way, &f, NULL, &outcome);
	cr_expect_eq(outcome.action, PASSED, "[%s %s]", hooks_name(hooks), family_name(family));
	cr_expect_eq(outcome.nr_reasons + outcome.nr_rules + outcome.nr_ports, 0, "counted [%s %s]", hooks_name(hooks),
		     family_name(family));
	cr_expect(outcome.frame.size == f.size && !memcmp(outcome.frame.bytes, f.bytes, f.size), "changed [%s %s]",
		  hooks_name(hooks), family_name(family));
}

static void all_asleep(enum family family)
{
	static const struct packet denied = TCP(23, SYN), linked = UDP(8080), broken = TCP(22, SYN, .longer = 9);

	for (size_t i = 0; i < NR_HOOKS; i++) {
		for (enum way way = ARRIVES; way <= LEAVES; way++) {
			expect_asleep(all_hooks[i], family, way, &denied);
			expect_asleep(all_hooks[i], family, way, &linked);
			expect_asleep(all_hooks[i], family, way, &broken);
		}
	}
}

/* Outside its window a program passes everything, counts nothing and remembers nothing. */
static void a_program_sleeps_outside_its_window(void)
{
	static const __u16 asleep[] = {0xfffd, 0x8000, 2, 3, 100};

	SCENE();
	set_policy_in(0, "deny out 23\nforward 8080:2988\nallow in 22");
	for (size_t i = 0; i < ARRAY_SIZE(asleep); i++) {
		set_control(xdpfw_control_word(0, 1, asleep[i], 0));
		all_asleep(V4);
		all_asleep(V6);
	}
	cr_expect_eq(count_flows(), 0);
}

static void a_program_filters_within_its_window(void)
{
	static const __u16 awake[] = {0xfffe, 0xffff, 0, 1};

	SCENE();
	set_policy_in(0, "allow in 22");
	set_policy_in(1, "");
	for (size_t i = 0; i < ARRAY_SIZE(awake); i++) {
		set_control(xdpfw_control_word(0, 1, awake[i], 0));
		play_row_everywhere(&passes_22);
		set_control(xdpfw_control_word(1, 0, awake[i], 0));
		play_row_everywhere(&drops_22);
	}
}

Test(epochs, window)
{
	a_program_sleeps_outside_its_window();
	a_program_filters_within_its_window();
}

/* Programs of an interface that was loaded in a trial which ends at this time. */
static __u64 end_of_trial;

static void open_in_trial(void)
{
	end_of_trial = datapath_jiffies() + (__u64)datapath_hz() * 3600;
	fixture_open_as(&(struct config){.epoch_window = XDPFW_WINDOW_OPEN, .trial = end_of_trial, .xdp_tx = true});
}

TestSuite(trials, .init = open_in_trial, .fini = fixture_close);

static void over(void)
{
	all_asleep(V4);
	all_asleep(V6);
}

/* Once it is over the interface is as if it had not been loaded; other trials and none at all are nothing to it. */
Test(trials, what_was_loaded_in_a_trial_ends_with_it)
{
	SCENE();
	set_policy_in(1, "allow in 22");
	set_policy_in(2, "deny out 23\nforward 8080:2988");
	set_control(xdpfw_control_word(1, 2, 0, end_of_trial));
	play_row_everywhere(&passes_22);
	set_control(xdpfw_control_word(2, 2, 0, end_of_trial)); /* rolled back */
	over();
	cr_expect_eq(count_flows(), 0);
	set_control(xdpfw_control_word(1, 2, 0, end_of_trial - 1)); /* another one that runs */
	play_row_everywhere(&passes_22);
	set_control(xdpfw_control_word(1, 2, 0, 1)); /* another one that is over */
	play_row_everywhere(&drops_22);
	set_control(xdpfw_control_word(1, 2, 0, 0)); /* confirmed */
	play_row_everywhere(&passes_22);
}

static void open_in_past_trial(void)
{
	fixture_open_as(&(struct config){.epoch_window = XDPFW_WINDOW_OPEN, .trial = 1000, .xdp_tx = true});
}

TestSuite(past_trials, .init = open_in_past_trial, .fini = fixture_close);

Test(past_trials, the_deadline_alone_ends_it)
{
	SCENE();
	set_policy_in(1, "deny out 23\nforward 8080:2988");
	set_policy_in(2, "deny out 23\nforward 8080:2988");
	set_control(xdpfw_control_word(1, 2, 0, 1000));
	over();
}
