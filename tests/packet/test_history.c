// SPDX-License-Identifier: GPL-2.0-only
/* The history of drops: what is noted, where it is kept, what a flood may do. */
#include <bpf/bpf.h>
#include <string.h>
#include <time.h>

#include "datapath.h"
#include "rig.h"
#include "rows.h"
#include "xdpfw/history.h"

TestSuite(history, .init = fixture_open, .fini = fixture_close);

static struct xdpfw_history *history(void)
{
	return &rig.history[rig.cpu];
}

static void forget_history(void)
{
	memset(rig.history, 0, rig.cpus * sizeof(*rig.history));
	rig.tallies[rig.cpu].history_spent = 0;
}

static size_t list_pasts(const struct xdpfw_past **pasts, size_t room)
{
	const struct xdpfw_past *all = history()->sets[0];
	size_t count = 0;

	for (size_t i = 0; i < XDPFW_PAST_SETS * XDPFW_PAST_WAYS; i++) {
		if (!all[i].last)
			continue;
		cr_assert_lt(count, room);
		pasts[count++] = &all[i];
	}
	return count;
}

/* As many as there are now; each was written whole. */
static size_t count_pasts(void)
{
	static const struct xdpfw_past *pasts[XDPFW_PAST_SETS * XDPFW_PAST_WAYS + 1];
	size_t count = list_pasts(pasts, ARRAY_SIZE(pasts));

	for (size_t i = 0; i < count; i++)
		cr_expect_eq(pasts[i]->version % 2, 0);
	return count;
}

static void send_one(const struct packet *packet, enum hooks hooks, enum family family, enum way way)
{
	static struct outcome outcome;
	struct frame f;

	build_for(&f, packet, hooks, family, way);
	send_uncounted(hooks, way, &f, &outcome);
}

/* The one entry after one packet. */
static const struct xdpfw_past *past_of(const struct packet *packet, enum hooks hooks, enum family family, enum way way)
{
	const struct xdpfw_past *past[2];

	forget_history();
	send_one(packet, hooks, family, way);
	cr_assert_eq(list_pasts(past, 2), 1, "[%s %s]", hooks_name(hooks), family_name(family));
	return past[0];
}

static void expect_addresses(const struct xdpfw_past *past, const struct packet *packet, enum family family,
			     enum way way)
{
	size_t size = family == V4 ? 4 : 16;
	struct frame f;
	const unsigned char *source, *destination;

	build(&f, packet, family, way);
	source = f.bytes + f.l3 + (family == V4 ? 12 : 8);
	destination = source + size;
	cr_expect_arr_eq(past->key.remote.bytes + 16 - size, way == ARRIVES ? source : destination, size);
	cr_expect_arr_eq(past->local.bytes + 16 - size, way == ARRIVES ? destination : source, size);
}

static void what_an_entry_says(enum hooks hooks, enum family family, enum way way)
{
	const struct packet syn = TCP(23, SYN, .sport = 40001);
	const struct xdpfw_past *past = past_of(&syn, hooks, family, way);
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	expect_addresses(past, &syn, family, way);
	cr_expect_eq(past->key.port, 23);
	cr_expect_eq(past->source_port, 40001);
	cr_expect_eq(past->key.protocol, IPPROTO_TCP);
	cr_expect_eq(past->key.dir, way == ARRIVES ? XDPFW_IN : XDPFW_OUT);
	cr_expect_eq(past->key.family, family == V4 ? 4 : 6);
	cr_expect_eq(past->decision, xdpfw_decision(XDPFW_DROP, XDPFW_R_RULE, way == ARRIVES ? 1 : 2));
	cr_expect_eq(past->key.met, past->decision >> XDPFW_REASON_SHIFT);
	cr_expect_eq(past->tcp_flags, SYN);
	cr_expect_eq(past->packets, 1);
	cr_expect_eq(past->first, past->last);
	cr_expect_lt(now.tv_sec * 1000000000ULL + now.tv_nsec - past->last, 1000000000ULL);
}

static void what_is_noted(void)
{
	const struct packet open = TCP(22, SYN), reply = TCP(23, ACK), ping = ICMP(ECHO_REQUEST);

	set_policy("deny in 23\ndeny out 23\nallow in 22\ndefault deny in\noption allow-ping off");
	for (size_t i = 0; i < NR_HOOKS; i++) {
		for (enum family family = V4; family <= V6; family++) {
			what_an_entry_says(all_hooks[i], family, ARRIVES);
			what_an_entry_says(all_hooks[i], family, LEAVES);
			cr_expect_eq(past_of(&ping, all_hooks[i], family, ARRIVES)->key.port, family == V4 ? 8 : 128);
			forget_history();
			send_one(&open, all_hooks[i], family, ARRIVES);
			send_one(&reply, all_hooks[i], family, LEAVES);
			cr_expect_eq(count_pasts(), 0, "what passes is not noted");
		}
	}
}

/* A frame too short for addresses has none. */
static void without_addresses(void)
{
	struct frame f = {.size = 20, .bytes = {[12] = 0x08}};
	const struct xdpfw_past *past[2];
	static struct outcome outcome;

	forget_history();
	send_uncounted(ON_XDP, ARRIVES, &f, &outcome);
	cr_assert_eq(list_pasts(past, 2), 1);
	cr_expect_eq(past[0]->key.family, 0);
	cr_expect_eq(past[0]->decision, xdpfw_decision(XDPFW_DROP, XDPFW_R_SHORT, 0));
}

/* The same kind again is one entry; another port, other end, reason or direction is another. */
static void kinds(void)
{
	const struct packet first = TCP(23, SYN), again = TCP(23, ACK, .sport = 41000), other = TCP(24, SYN);
	const struct packet from = TCP(23, SYN, .from = OTHER), udp = UDP(23), wrong = TCP(23, SYN | FIN);
	const struct xdpfw_past *past[8];

	forget_history();
	set_policy("default deny in\ndefault deny out");
	send_one(&first, ON_XDP, V4, ARRIVES);
	send_one(&again, ON_XDP, V4, ARRIVES);
	cr_assert_eq(list_pasts(past, 8), 1);
	cr_expect_eq(past[0]->packets, 2);
	cr_expect_eq(past[0]->source_port, 41000, "the last one's details");
	cr_expect_lt(past[0]->first, past[0]->last);
	send_one(&other, ON_XDP, V4, ARRIVES);
	send_one(&from, ON_XDP, V4, ARRIVES);
	send_one(&udp, ON_XDP, V4, ARRIVES);
	send_one(&wrong, ON_XDP, V4, ARRIVES);
	send_one(&first, ON_XDP, V6, ARRIVES);
	send_one(&first, ON_XDP, V4, LEAVES);
	cr_expect_eq(count_pasts(), 7);
}

/* Frames that differ in their sender: number @n. */
static void send_from(__u32 n)
{
	const struct packet packet = UDP(9);
	static struct outcome outcome;
	struct frame f;

	build_for(&f, &packet, ON_XDP, V4, ARRIVES);
	/* Two bytes that cancel out leave the header's checksum as it was. */
	f.bytes[f.l3 + 14] = n;
	f.bytes[f.l3 + 15] = n >> 8;
	send_uncounted(ON_XDP, ARRIVES, &f, &outcome);
}

/* Full: quiet for long enough. */
static void fill_budget(void)
{
	history()->budget = (__u64)XDPFW_PAST_RATE * datapath_hz();
	history()->refilled = jiffies_now();
	rig.tallies[rig.cpu].history_spent = 0;
}

/* At once, and half of what is saved up: below that, see a_flood_drives_out_half(). */
static void a_quiet_host_misses_nothing(void)
{
	forget_history();
	set_policy("default deny in");
	for (__u32 n = 0; n < 499; n++)
		send_from(n);
	cr_expect_eq(count_pasts(), 499);
	cr_expect_eq(history()->overrun, 0);
}

/* How many are noted of so many, from a full budget: those saved up, and what is added meanwhile. */
static void a_flood_is_cut_to_the_budget(void)
{
	const struct packet packet = UDP(9);
	const struct xdpfw_past *past[2];
	__u64 begin, jiffies;

	forget_history();
	fill_budget();
	begin = jiffies_now();
	for (int i = 0; i < 20000; i++)
		send_one(&packet, ON_XDP, V4, ARRIVES);
	jiffies = jiffies_now() - begin + 1;
	cr_assert_eq(list_pasts(past, 2), 1);
	cr_expect_geq(past[0]->packets, XDPFW_PAST_RATE);
	cr_expect_leq(past[0]->packets, XDPFW_PAST_RATE + jiffies * XDPFW_PAST_RATE / datapath_hz() + 1);
	cr_expect_lt(past[0]->packets, 20000);
	cr_expect_neq(history()->overrun, 0);
}

/* In a flood new kinds take the first half of each set only; what was there before stays in the other. */
static void a_flood_drives_out_half(void)
{
	const __u64 low = 10 * datapath_hz();
	size_t survivors = 0;

	forget_history();
	fill_budget();
	for (size_t set = 0; set < XDPFW_PAST_SETS; set++)
		for (size_t way = 0; way < XDPFW_PAST_WAYS; way++)
			history()->sets[set][way] =
				(struct xdpfw_past){.key.dir = XDPFW_OUT, .key.port = way, .last = 1, .packets = 77};
	for (__u32 n = 0; n < 30000; n++) {
		history()->budget = low;
		rig.tallies[rig.cpu].history_spent = 0;
		send_from(n);
	}
	for (size_t set = 0; set < XDPFW_PAST_SETS; set++)
		for (size_t way = 0; way < XDPFW_PAST_WAYS; way++)
			survivors += history()->sets[set][way].packets == 77;
	cr_expect_eq(survivors, XDPFW_PAST_SETS * XDPFW_PAST_WAYS / 2);
}

/* A new kind in a full set takes the place of the one not seen for longest. */
static void the_oldest_goes(void)
{
	const struct packet packet = UDP(9);

	forget_history();
	for (size_t set = 0; set < XDPFW_PAST_SETS; set++)
		for (size_t way = 0; way < XDPFW_PAST_WAYS; way++)
			history()->sets[set][way] = (struct xdpfw_past){
				.key.dir = XDPFW_OUT, .last = way == 5 ? 10 : 20 + way, .packets = 77};
	fill_budget();
	send_one(&packet, ON_XDP, V4, ARRIVES);
	for (size_t set = 0; set < XDPFW_PAST_SETS; set++)
		for (size_t way = 0; way < XDPFW_PAST_WAYS; way++)
			if (way != 5)
				cr_expect_eq(history()->sets[set][way].packets, 77);
	cr_expect_eq(count_pasts(), XDPFW_PAST_SETS * XDPFW_PAST_WAYS);
	send_one(&packet, ON_XDP, V4, ARRIVES);
	for (size_t set = 0, found = 0; set <= XDPFW_PAST_SETS; set++) {
		if (set == XDPFW_PAST_SETS)
			cr_expect_eq(found, 1, "noted in one place");
		else
			found += history()->sets[set][5].packets == 2;
	}
}

Test(history, what_was_dropped)
{
	what_is_noted();
	without_addresses();
	kinds();
	a_quiet_host_misses_nothing();
	a_flood_is_cut_to_the_budget();
	a_flood_drives_out_half();
	the_oldest_goes();
}
