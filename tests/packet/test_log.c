// SPDX-License-Identifier: GPL-2.0-only
/* Events: which packets make one, what it says, how many, and what a reader that died costs. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "datapath.h"
#include "rig.h"
#include "rows.h"

#define EVENTS_MAX 64

#define DROPPED_BY_DEFAULT (XDPFW_DROP << 6 | XDPFW_R_DEFAULT)

/* A reader as `xdpfw log` is one, for each place. */
static struct {
	struct ring_buffer *buffer[XDPFW_LOG_READERS];
	int ring[XDPFW_LOG_READERS];
	struct xdpfw_event events[EVENTS_MAX];
	size_t count;
} reading;

static __u64 boot_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static int take_event(void *data, void *sample, size_t size)
{
	(void)data;
	cr_assert_eq(size, sizeof(struct xdpfw_event));
	if (reading.count < EVENTS_MAX)
		memcpy(&reading.events[reading.count], sample, size);
	reading.count++;
	return 0;
}

static void begin_reading(__u32 place, __u32 bytes)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "test", 0, 0, bytes, NULL);

	cr_assert_geq(fd, 0, "ring buffer: %s", strerror(errno));
	cr_assert_eq(bpf_map_update_elem(bpf_map__fd(rig.skel->maps.log_rings), &place, &fd, BPF_ANY), 0);
	reading.ring[place] = fd;
	reading.buffer[place] = ring_buffer__new(fd, take_event, NULL, NULL);
	cr_assert(reading.buffer[place]);
	rig.log_state->readers[place] = (struct xdpfw_log_reader){.until = boot_ns() + 60000000000ULL};
	rig.control->listening = XDPFW_LISTENING;
}

static void end_reading(__u32 place)
{
	rig.log_state->readers[place].until = 0;
	bpf_map_delete_elem(bpf_map__fd(rig.skel->maps.log_rings), &place);
	ring_buffer__free(reading.buffer[place]);
	close(reading.ring[place]);
	rig.control->listening = 0;
}

/* How many events there are since the last call; reading.events holds them. */
static size_t take_events(__u32 place)
{
	reading.count = 0;
	ring_buffer__consume(reading.buffer[place]);
	return reading.count;
}

static __u64 suppressed(void)
{
	__u64 sum = 0;

	for (__u32 i = 0; i < XDPFW_LOG_DIRS * XDPFW_LOG_MET; i++)
		sum += (&rig.log_cpus[rig.cpu].gates[0][0])[i].suppressed;
	return sum;
}

/* As if the second of every window were over. */
static void forget_rates(void)
{
	memset(rig.log_state->windows, 0, sizeof(rig.log_state->windows));
	memset(rig.log_cpus[rig.cpu].gates, 0, sizeof(rig.log_cpus[rig.cpu].gates));
}

static void send_one(const struct packet *packet, enum hooks hooks, enum family family, enum way way, struct frame *f)
{
	static struct outcome outcome;

	build_for(f, packet, hooks, family, way);
	send_uncounted(hooks, way, f, &outcome);
}

static void open_log(void)
{
	fixture_open();
	begin_reading(0, XDPFW_LOG_RING);
}

TestSuite(log, .init = open_log, .fini = fixture_close);

static size_t events_of(const struct packet *packet, enum way way)
{
	struct frame f;

	forget_rates();
	take_events(0);
	send_one(packet, ON_TC, V4, way, &f);
	return take_events(0);
}

static void which_packets(void)
{
	static const struct packet syn[] = {TCP(22, SYN), TCP(23, SYN), TCP(24, SYN), TCP(25, SYN), TCP(26, SYN)};
	static const struct packet ack[] = {TCP(22, ACK), TCP(23, ACK), TCP(24, ACK)};
	static const struct packet udp = UDP(22), closed = TCP(9, SYN);

	set_policy(
		"option log-drops off\nallow in 22 log\nallow in 23 log-all\ndeny in 24 log\ndeny in 25\nallow in 26\n"
		"deny out 24 log");
	cr_expect_eq(events_of(&syn[0], ARRIVES), 1, "log: a request");
	cr_expect_eq(events_of(&ack[0], ARRIVES), 0, "log: not what follows");
	cr_expect_eq(events_of(&udp, ARRIVES), 1, "log: without a handshake each packet is one");
	cr_expect_eq(events_of(&syn[1], ARRIVES), 1, "log-all: a request");
	cr_expect_eq(events_of(&ack[1], ARRIVES), 1, "log-all: what follows");
	cr_expect_eq(events_of(&syn[2], ARRIVES), 1, "log on a rule that denies");
	cr_expect_eq(events_of(&ack[2], ARRIVES), 0);
	cr_expect_eq(events_of(&syn[2], LEAVES), 1, "out");
	cr_expect_eq(events_of(&syn[3], ARRIVES), 0, "a rule without log");
	cr_expect_eq(events_of(&syn[4], ARRIVES), 0, "a rule without log that allows");
	cr_expect_eq(events_of(&closed, ARRIVES), 0, "no rule");

	set_policy("allow in 22\nallow in 23 log\ndeny in 25\ndeny out 25");
	cr_expect_eq(events_of(&syn[0], ARRIVES), 0, "drops: what passes is none");
	cr_expect_eq(events_of(&syn[1], ARRIVES), 1, "drops: beside rules with log");
	cr_expect_eq(events_of(&syn[3], ARRIVES), 1, "drops: by a rule");
	cr_expect_eq(events_of(&closed, ARRIVES), 1, "drops: by default");
	cr_expect_eq(events_of(&syn[3], LEAVES), 1, "drops: out");

	set_policy("option log-drops off\nallow in 22");
	cr_expect_eq(events_of(&syn[0], ARRIVES) + events_of(&closed, ARRIVES), 0, "nothing is worth an event");
}

/* Rules are known by slot: what another generation logs does not matter. */
static void of_the_slot_that_judges(void)
{
	static const struct packet syn = TCP(22, SYN);

	set_policy_in(0, "allow in 22 log");
	set_policy_in(1, "allow in 22");
	set_control(xdpfw_control_word(0, 0, 0, 0));
	cr_expect_eq(events_of(&syn, ARRIVES), 1);
	set_control(xdpfw_control_word(1, 0, 0, 0));
	cr_expect_eq(events_of(&syn, ARRIVES), 0);
}

static void expect_event(const struct xdpfw_event *event, const struct frame *f, enum hooks hooks, enum family family,
			 enum way way)
{
	size_t size = family == V4 ? 4 : 16, addresses = f->l3 + (family == V4 ? 12 : 8);

	cr_expect_arr_eq(event->source.bytes + 16 - size, f->bytes + addresses, size);
	cr_expect_arr_eq(event->destination.bytes + 16 - size, f->bytes + addresses + size, size);
	cr_expect_eq(event->source_port, 40001);
	cr_expect_eq(event->destination_port, 23);
	cr_expect_eq(event->protocol, IPPROTO_TCP);
	cr_expect_eq(event->family, family == V4 ? 4 : 6);
	cr_expect_eq(event->tcp_flags, SYN);
	cr_expect_eq(event->dir, way == ARRIVES ? XDPFW_IN : XDPFW_OUT);
	cr_expect_eq(event->decision, xdpfw_decision(XDPFW_DROP, XDPFW_R_RULE, way == ARRIVES ? 1 : 2));
	cr_expect_eq(event->length, f->size);
	cr_expect_eq(event->segments, 1);
	cr_expect_eq(event->xdp, hooks == ON_XDP && way == ARRIVES);
	cr_expect_eq(event->has_l2, hooks != ON_L3);
	cr_expect_lt(boot_ns() - event->time, 1000000000ULL);
	cr_expect_eq(event->captured, f->size < XDPFW_LOG_FRAME ? f->size : XDPFW_LOG_FRAME);
	cr_expect_arr_eq(event->frame, f->bytes, event->captured);
}

static void what_an_event_says(void)
{
	const struct packet packets[] = {TCP(23, SYN, .sport = 40001), TCP(23, SYN, .sport = 40001, .data = 1000)};
	struct frame f;

	set_policy("deny in 23\ndeny out 23");
	for (size_t i = 0; i < NR_HOOKS * 2 * 2 * 2; i++) {
		enum hooks hooks = all_hooks[i % NR_HOOKS];
		enum family family = i / NR_HOOKS % 2 ? V4 : V6;
		enum way way = i / NR_HOOKS / 2 % 2 ? ARRIVES : LEAVES;

		forget_rates();
		send_one(&packets[i / NR_HOOKS / 4], hooks, family, way, &f);
		cr_assert_eq(take_events(0), 1, "[%s %s]", hooks_name(hooks), family_name(family));
		expect_event(&reading.events[0], &f, hooks, family, way);
	}
}

static void too_short_to_tell(void)
{
	struct frame f = {.size = 20, .bytes = {[12] = 0x08, [19] = 7}};
	static struct outcome outcome;

	forget_rates();
	send_uncounted(ON_XDP, ARRIVES, &f, &outcome);
	cr_assert_eq(take_events(0), 1);
	cr_expect_eq(reading.events[0].family, 0);
	cr_expect_eq(reading.events[0].has_l2, 1);
	cr_expect_eq(reading.events[0].captured, 20);
	cr_expect_arr_eq(reading.events[0].frame, f.bytes, 20);
}

/* So many in a second, and each of the others is counted. */
static void a_rate(void)
{
	const struct packet closed = UDP(9), denied = UDP(23);
	struct frame f;

	set_policy("option log-rate 7\ndeny in 23");
	forget_rates();
	for (int i = 0; i < 1000; i++)
		send_one(&closed, ON_XDP, V4, ARRIVES, &f);
	/* The thousand may take more than a second on a busy machine: then the rate has begun anew. */
	cr_expect_eq(take_events(0) + suppressed(), 1000);
	cr_expect_geq(reading.count, 7);
	cr_expect_leq(reading.count, 7 * 10);
	send_one(&denied, ON_XDP, V4, ARRIVES, &f);
	cr_expect_eq(take_events(0), 1, "another reason has a rate of its own");

	forget_rates();
	rig.log_state->windows[XDPFW_IN][DROPPED_BY_DEFAULT] = (__u64)((__u32)jiffies_now() - datapath_hz()) << 32 | 7;
	send_one(&closed, ON_XDP, V4, ARRIVES, &f);
	cr_expect_eq(take_events(0), 1, "the second is over");

	set_policy("option log-rate 0");
	forget_rates();
	send_one(&closed, ON_XDP, V4, ARRIVES, &f);
	cr_expect_eq(take_events(0), 0);
	cr_expect_eq(suppressed(), 1);
}

/* When the rate is used up, its gate is shut for this CPU: until the second ends, and for this slot only. */
static void a_gate(void)
{
	struct xdpfw_log_gate *gate = &rig.log_cpus[rig.cpu].gates[XDPFW_IN][DROPPED_BY_DEFAULT];
	const struct packet closed = UDP(9);
	__u64 jiffies = jiffies_now();
	struct frame f;

	set_policy_in(1, "option log-rate 1000");
	set_policy("option log-rate 3");
	forget_rates();
	for (int i = 0; i < 5; i++)
		send_one(&closed, ON_XDP, V4, ARRIVES, &f);
	cr_expect_eq(take_events(0), 3);
	cr_expect_eq(gate->suppressed, 2);
	cr_expect_eq(gate->shut & 3, 0, "slot 0");
	cr_expect_geq(gate->shut >> 2, jiffies + datapath_hz());
	cr_expect_leq(gate->shut >> 2, jiffies_now() + datapath_hz());

	set_control(xdpfw_control_word(1, 0, 0, 0));
	send_one(&closed, ON_XDP, V4, ARRIVES, &f);
	cr_expect_eq(take_events(0), 1, "another policy has another rate");
	set_control(xdpfw_control_word(0, 0, 0, 0));
	send_one(&closed, ON_XDP, V4, ARRIVES, &f);
	cr_expect_eq(take_events(0), 0);

	rig.log_state->windows[XDPFW_IN][DROPPED_BY_DEFAULT] = 0;
	send_one(&closed, ON_XDP, V4, ARRIVES, &f);
	cr_expect_eq(take_events(0), 0, "shut, whatever the window says");
	gate->shut = (jiffies_now() - 1) << 2;
	send_one(&closed, ON_XDP, V4, ARRIVES, &f);
	cr_expect_eq(take_events(0), 1, "its time is over");
	cr_expect_eq(gate->suppressed, 4);
}

static void readers_do_not_take_from_each_other(void)
{
	const struct packet closed = UDP(9);
	struct frame f;

	set_policy("");
	begin_reading(3, XDPFW_LOG_RING);
	forget_rates();
	send_one(&closed, ON_XDP, V4, ARRIVES, &f);
	cr_expect_eq(take_events(3), 1);
	cr_expect_eq(take_events(0), 1);
	end_reading(3);
	rig.control->listening = XDPFW_LISTENING;
}

static void what_does_not_fit_is_counted(void)
{
	const struct packet closed = UDP(9);
	struct frame f;

	set_policy("option log-rate 1000");
	begin_reading(1, 4096);
	forget_rates();
	for (int i = 0; i < 100; i++)
		send_one(&closed, ON_XDP, V4, ARRIVES, &f);
	take_events(1);
	cr_expect_gt(reading.count, 5);
	cr_expect_lt(reading.count, 20);
	cr_expect_eq(reading.count + rig.log_state->readers[1].lost, 100);
	cr_expect_eq(rig.log_state->readers[0].lost, 0, "the other one has room");
	end_reading(1);
	rig.control->listening = XDPFW_LISTENING;
	take_events(0);
}

/* A reader that was killed leaves the flag behind; the first event that finds nobody takes it back. */
static void a_dead_reader_costs_nothing(void)
{
	const struct packet closed = UDP(9);
	struct frame f;

	set_policy("");
	rig.log_state->readers[0].until = boot_ns() - 1;
	rig.control->listening = XDPFW_LISTENING;
	forget_rates();
	send_one(&closed, ON_XDP, V4, ARRIVES, &f);
	cr_expect_eq(take_events(0), 0);
	cr_expect_eq(rig.control->listening, 0);
	forget_rates();
	for (int i = 0; i < 20; i++)
		send_one(&closed, ON_XDP, V4, ARRIVES, &f);
	cr_expect_eq(suppressed(), 0, "nobody listens, nothing is counted");
	cr_expect_eq(rig.log_state->windows[XDPFW_IN][DROPPED_BY_DEFAULT], 0);
}

Test(log, events)
{
	which_packets();
	of_the_slot_that_judges();
	what_an_event_says();
	too_short_to_tell();
	a_rate();
	a_gate();
	readers_do_not_take_from_each_other();
	what_does_not_fit_is_counted();
	a_dead_reader_costs_nothing();
}
