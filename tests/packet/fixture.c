// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "fixture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#include "addresses.h"
#include "compile.h"
#include "compile_log.h"
#include "crc32c.h"
#include "datapath.h"
#include "rig.h"
#include "ruleset.h"

#define SKB_MAX 3600 /* a test run's skb lies in one page, with its headroom */

struct rig rig;

/* Loading */

static struct config config;

static void configure(struct xdpfw *skel)
{
	skel->rodata->cfg_epoch_from = config.epoch_from;
	skel->rodata->cfg_epoch_window = config.epoch_window;
	skel->rodata->cfg_trial = config.trial;
	skel->rodata->cfg_xdp_tx = config.xdp_tx;
	skel->rodata->cfg_xdp_generic = config.xdp_generic;
	skel->rodata->cfg_xdp_frags = true;
	skel->rodata->cfg_hz = datapath_hz();
	crc32c_fill(skel->rodata->cfg_crc32c);
	bpf_program__set_flags(skel->progs.xdp_in, BPF_F_XDP_HAS_FRAGS);
}

static void size_maps(void)
{
	struct bpf_map *per_cpu[] = {
		rig.skel->maps.port_counts, rig.skel->maps.tallies,  rig.skel->maps.rule_counts,
		rig.skel->maps.sockets,     rig.skel->maps.routes,   rig.skel->maps.budgets,
		rig.skel->maps.history,     rig.skel->maps.log_cpus, rig.skel->maps.hops,
	};

	for (size_t i = 0; i < ARRAY_SIZE(per_cpu); i++)
		cr_assert_eq(bpf_map__set_max_entries(per_cpu[i], bpf_map__max_entries(per_cpu[i]) * rig.cpus), 0);
}

static void *map_memory(const struct bpf_map *map)
{
	size_t page = sysconf(_SC_PAGESIZE), element = (bpf_map__value_size(map) + 7) & ~7UL;
	size_t size = (element * bpf_map__max_entries(map) + page - 1) & ~(page - 1);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	cr_assert_neq(memory, MAP_FAILED, "%s: %s", bpf_map__name(map), strerror(errno));
	return memory;
}

static void map_all(void)
{
	rig.control = map_memory(rig.skel->maps.data_control);
	rig.heads = map_memory(rig.skel->maps.heads);
	rig.ports = map_memory(rig.skel->maps.ports);
	rig.links = map_memory(rig.skel->maps.links);
	rig.listeners = map_memory(rig.skel->maps.listeners);
	rig.forwards = map_memory(rig.skel->maps.forwards);
	rig.translations = map_memory(rig.skel->maps.translations);
	rig.translation_tags = map_memory(rig.skel->maps.translation_tags);
	rig.conditions = map_memory(rig.skel->maps.conditions);
	rig.port_counts = map_memory(rig.skel->maps.port_counts);
	rig.tallies = map_memory(rig.skel->maps.tallies);
	rig.rule_counts = map_memory(rig.skel->maps.rule_counts);
	rig.fingerprints = map_memory(rig.skel->maps.fingerprints);
	rig.sockets = map_memory(rig.skel->maps.sockets);
	rig.history = map_memory(rig.skel->maps.history);
	rig.rule_logs = map_memory(rig.skel->maps.rule_logs);
	rig.log_state = map_memory(rig.skel->maps.log_state);
	rig.log_cpus = map_memory(rig.skel->maps.log_cpus);
}

/* See sum_up(). */
static bool summed_up;

void fixture_open_as(const struct config *wanted)
{
	int err;

	config = *wanted;

	rig.cpus = libbpf_num_possible_cpus();
	rig.skel = xdpfw__open();
	cr_assert(rig.skel, "cannot open the programs: %s", strerror(errno));
	configure(rig.skel);
	size_maps();
	err = xdpfw__load(rig.skel);
	cr_assert_eq(err, 0, "cannot load the programs (root?): %s", strerror(-err));
	map_all();
	open_twin(configure);
	move_to_cpu(sched_getcpu());
}

void fixture_open(void)
{
	fixture_open_as(&(struct config){.epoch_window = XDPFW_WINDOW_OPEN, .xdp_tx = true});
}

void fixture_close(void)
{
	summed_up = false;
	close_twin();
	xdpfw__destroy(rig.skel); /* the mappings go with the process */
}

unsigned int nr_cpus(void)
{
	return rig.cpus;
}

void move_to_cpu(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	cr_assert_eq(sched_setaffinity(0, sizeof(set), &set), 0, "CPU %u: %s", cpu, strerror(errno));
	rig.cpu = cpu;
}

/* Policies */

static void number_rules(struct ruleset *set)
{
	__u32 counter = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct statement *s = &set->statements[i];

		if (s->kind == STATEMENT_RULE || s->kind == STATEMENT_FORWARD)
			s->counter = ++counter;
		if (s->kind == STATEMENT_FORWARD)
			s->answers = s->counter + ANSWERS;
	}
}

static unsigned int policy_age;

void set_policy_age(unsigned int seconds)
{
	policy_age = seconds;
}

void set_policy_in(unsigned int slot, const char *text)
{
	struct policy_image image = {
		.head = &rig.heads[slot],
		.conditions = &rig.conditions[slot * XDPFW_CONDITIONS],
		.forwards = &rig.forwards[xdpfw_forward_index(slot, 0)],
	};
	struct environment env = environment_here();
	struct ruleset set = {};
	struct error e = {};

	for (int table = 0; table < XDPFW_TABLES; table++) {
		image.links[table] = &rig.links[xdpfw_link_table_index(slot, table)];
		for (int dir = 0; dir < XDPFW_DIRS; dir++)
			image.ports[dir][table] = &rig.ports[xdpfw_port_table_index(slot, dir, table)];
	}
	for (int table = 0; table < XDPFW_LISTENER_TABLES; table++)
		for (int family = 0; family < XDPFW_LISTENER_FAMILIES; family++)
			image.listeners[table][family] = &rig.listeners[xdpfw_listener_index(slot, table, family)];
	cr_assert_eq(ruleset_parse(text, "policy", &set, &e), 0, "%s", e.text);
	number_rules(&set);
	env.jiffies -= (__u64)policy_age * env.hz;
	cr_assert_eq(compile(&set, &env, &image, &e), 0, "%s", e.text);
	cr_assert_eq(addresses_install(bpf_map__fd(rig.skel->maps.addresses), slot, &image.lines, &e), 0, "%s", e.text);
	lines_free(&image.lines);
	compile_log(&set, &rig.heads[slot], &rig.rule_logs[slot]);
	rig.control->flags[slot] = rig.heads[slot].flags;
	ruleset_free(&set);
}

void set_control(__u64 word)
{
	__atomic_store_n(&rig.control->word, word, __ATOMIC_RELEASE);
}

void set_policy(const char *text)
{
	set_policy_in(0, text);
	set_control(xdpfw_control_word(0, 0, 0, 0));
}

/* Running */

static void set_budget(const struct xdpfw_budget *budget)
{
	int fd = bpf_map__fd(rig.skel->maps.budgets);

	cr_assert_eq(bpf_map_update_elem(fd, &rig.cpu, budget, BPF_ANY), 0);
}

/* Linux 6.16; not in Debian's <linux/bpf.h>. */
#define TEST_SKB_CHECKSUM_COMPLETE (1U << 2)

bool sum_up(void)
{
	struct packet any = UDP(9);
	struct frame f;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f.bytes, .flags = TEST_SKB_CHECKSUM_COMPLETE);

	build(&f, &any, V4, ARRIVES);
	opts.data_size_in = f.size;
	summed_up = bpf_prog_test_run_opts(bpf_program__fd(rig.skel->progs.tc_swap), &opts) == 0;
	return summed_up;
}

int run_program(const struct bpf_program *program, struct __sk_buff *skb, struct frame *f)
{
	unsigned char out[FRAME_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->bytes, .data_size_in = f->size, .data_out = out,
		    .data_size_out = sizeof(out), .ctx_in = skb, .ctx_out = skb);
	int err;

	opts.ctx_size_in = opts.ctx_size_out = skb ? sizeof(*skb) : 0;
	opts.flags = skb && summed_up ? TEST_SKB_CHECKSUM_COMPLETE : 0;
	err = bpf_prog_test_run_opts(bpf_program__fd(program), &opts);
	cr_assert_eq(err, 0, "%s does not run on %zu bytes: %s", bpf_program__name(program), f->size, strerror(-err));
	memcpy(f->bytes, out, opts.data_size_out);
	f->size = opts.data_size_out;
	return opts.retval;
}

static enum action run_xdp(struct outcome *result)
{
	int code = run_program(rig.skel->progs.xdp_in, NULL, &result->frame);

	cr_assert(code == XDP_PASS || code == XDP_DROP || code == XDP_TX, "XDP action %d", code);
	return code == XDP_PASS ? PASSED : code == XDP_TX ? ANSWERED : DROPPED;
}

static enum action run_tc(const struct bpf_program *program, const struct skb_fields *fields, struct outcome *result)
{
	struct __sk_buff skb = {.gso_segs = fields->gso_segs, .mark = fields->mark};
	int code = run_program(program, &skb, &result->frame);

	result->mark = skb.mark;
	cr_assert(code == TC_ACT_UNSPEC || code == TC_ACT_SHOT || code == TC_ACT_REDIRECT, "TC action %d", code);
	return code == TC_ACT_UNSPEC ? PASSED : code == TC_ACT_REDIRECT ? ANSWERED : DROPPED;
}

/* The interface has both programs, so what passes the first meets the second. */
static enum action receive_xdp(const struct skb_fields *fields, struct outcome *result)
{
	enum action action = run_xdp(result);

	if (action != PASSED || !can_send(ON_TC, ARRIVES, &result->frame))
		return action;
	return run_tc(rig.skel->progs.tc_swap, fields, result);
}

static enum action run_hooks(enum hooks hooks, enum way way, const struct skb_fields *fields, struct outcome *result)
{
	if (hooks == ON_L3)
		return run_tc(way == ARRIVES ? rig.skel->progs.tc_in_l3 : rig.skel->progs.tc_out_l3, fields, result);
	if (way == LEAVES)
		return run_tc(rig.skel->progs.tc_out, fields, result);
	return hooks == ON_XDP ? receive_xdp(fields, result) : run_tc(rig.skel->progs.tc_in, fields, result);
}

/*
 * A test run always takes the first 14 bytes for an Ethernet header and sets skb->protocol from bytes 12 and 13.
 * Without such a header those are the first two of the source address (IPv4), or the fifth and sixth (IPv6): the
 * addresses in frames.c are chosen so that they spell the ethertype.
 */
static void check_l3(const struct frame *f)
{
	int type = f->bytes[12] << 8 | f->bytes[13];

	cr_assert(type == (f->bytes[0] >> 4 == 4 ? IPV4_TYPE : IPV6_TYPE),
		  "a test run takes %04x for the protocol: name the modes of this row", type);
}

bool can_send(enum hooks hooks, enum way way, const struct frame *f)
{
	int type = f->bytes[12] << 8 | f->bytes[13];

	if (hooks == ON_XDP && way == ARRIVES)
		return f->size >= ETHERNET_SIZE;
	return f->size <= SKB_MAX && f->size >= ETHERNET_SIZE + (type == IPV4_TYPE ? 20U : type == IPV6_TYPE ? 40U : 0);
}

static const struct skb_fields ordinary;

static void run_frame(enum hooks hooks, enum way way, const struct frame *f, const struct skb_fields *fields,
		      struct outcome *result)
{
	memset(result, 0, offsetof(struct outcome, frame));
	memset(&result->mark, 0, sizeof(*result) - offsetof(struct outcome, mark));
	result->frame = *f;
	if (hooks == ON_L3)
		check_l3(f);
	result->action = run_hooks(hooks, way, fields ? fields : &ordinary, result);
}

/* Did the twin, asked before, tell what then became of the frame? Programs that are not armed decide nothing. */
static bool agrees(__u32 told, const struct frame *f, const struct outcome *o)
{
	if (o->nr_reasons == 0)
		return true;
	if (told != xdpfw_decision(o->verdict, o->reason, o->rule))
		return false;
	return o->action != PASSED || (f->size == o->frame.size && !memcmp(f->bytes, o->frame.bytes, f->size));
}

/* How many connections of forwards there are, where there may be any. */
static size_t connections_now(void)
{
	return rig.control->flags[0] & XDPFW_HAS_FORWARDS ? count_translations() : 0;
}

void send_frame(enum hooks hooks, enum way way, const struct frame *f, const struct skb_fields *fields,
		struct outcome *result)
{
	static struct frame twin_frame;
	size_t before = connections_now();
	const char *wrote;
	__u32 told;

	set_budget(&(struct xdpfw_budget){});
	twin_frame = *f;
	told = ask_twin(hooks, way, fields ? fields : &ordinary, &twin_frame, &wrote);
	run_frame(hooks, way, f, fields, result);
	take_counters(f, result);
	result->twin_wrote = wrote;
	if (connections_now() != before) /* where a new connection will stand is not known before */
		twin_frame = result->frame;
	result->twin_agrees = agrees(told, &twin_frame, result);
}

void send_uncounted(enum hooks hooks, enum way way, const struct frame *f, struct outcome *result)
{
	run_frame(hooks, way, f, NULL, result);
}

void send_behind_xdp(const struct frame *f, struct outcome *result)
{
	memset(result, 0, sizeof(*result));
	result->frame = *f;
	result->action = run_tc(rig.skel->progs.tc_swap, &ordinary, result);
	take_counters(f, result);
}

void send_often(enum hooks hooks, enum way way, const struct frame *f, int times, struct outcome *result)
{
	for (int i = 0; i < times; i++)
		run_frame(hooks, way, f, NULL, result);
	take_counters(f, result);
}

bool send_on_budget(enum hooks hooks, enum way way, const struct frame *f, __u32 lookups, __u32 rejects,
		    struct outcome *result)
{
	struct xdpfw_budget budget = {.jiffy = jiffies_now(), .lookups = lookups, .rejects = rejects};
	__u64 jiffy = budget.jiffy;

	set_budget(&budget);
	run_frame(hooks, way, f, NULL, result);
	take_counters(f, result);
	cr_assert_eq(bpf_map_lookup_elem(bpf_map__fd(rig.skel->maps.budgets), &rig.cpu, &budget), 0);
	return budget.jiffy == jiffy;
}

void build_for(struct frame *f, const struct packet *p, enum hooks hooks, enum family family, enum way way)
{
	build(f, p, family, way);
	if (hooks == ON_L3)
		strip_ethernet(f);
}

const enum hooks all_hooks[NR_HOOKS] = {ON_XDP, ON_TC, ON_L3};

const char *hooks_name(enum hooks hooks)
{
	return hooks == ON_XDP ? "xdp" : hooks == ON_TC ? "tc" : "l3";
}
