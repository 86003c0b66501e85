// SPDX-License-Identifier: GPL-2.0-only
/* What the data path remembers, and the clock by which it forgets. */
#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#include "datapath.h"
#include "rig.h"
#include "xdpfw/condition.h"

#define ENTRIES_MAX 4096
#define KEY_MAX     64

void clear_map(const struct bpf_map *map)
{
	unsigned char key[KEY_MAX];
	int fd = bpf_map__fd(map);

	while (bpf_map_get_next_key(fd, NULL, key) == 0)
		cr_assert_eq(bpf_map_delete_elem(fd, key), 0);
}

static void forget_routes(void)
{
	static const struct xdpfw_route nothing;
	int fd = bpf_map__fd(rig.skel->maps.routes);

	for (__u32 i = 0; i < bpf_map__max_entries(rig.skel->maps.routes); i++)
		cr_assert_eq(bpf_map_update_elem(fd, &i, &nothing, BPF_ANY), 0);
}

void forget_fragments(void)
{
	clear_map(rig.skel->maps.fragments);
}

static bool has_translation(int place)
{
	return rig.translation_tags[place / XDPFW_WAYS].tags[place % XDPFW_WAYS];
}

/* Few of the places are ever taken. */
static void forget_translations(void)
{
	for (int place = 0; place < XDPFW_TRANSLATIONS; place++)
		if (has_translation(place))
			memset(&rig.translations[place], 0, sizeof(rig.translations[place]));
	for (int i = 0; i < XDPFW_BUCKETS; i++)
		rig.translation_tags[i] = (struct xdpfw_bucket){};
}

size_t count_translations(void)
{
	size_t count = 0;

	for (int place = 0; place < XDPFW_TRANSLATIONS; place++)
		count += has_translation(place);
	return count;
}

static void make_translations_older(__u64 jiffies)
{
	for (int place = 0; place < XDPFW_TRANSLATIONS; place++)
		if (has_translation(place))
			rig.translations[place].seen -= xdpfw_seen_at(jiffies);
}

void forget_state(void)
{
	forget_translations();
	forget_fragments();
	clear_map(rig.skel->maps.flows);
	clear_map(rig.skel->maps.guests);
	clear_map(rig.skel->maps.limits);
	memset(rig.fingerprints, 0, XDPFW_FP_TABLES * sizeof(*rig.fingerprints));
	memset(rig.sockets, 0, bpf_map__max_entries(rig.skel->maps.sockets) * sizeof(*rig.sockets));
	forget_routes();
}

/* Keys first: an update moves its entry to another place in the order of the walk. */
static size_t list_keys(const struct bpf_map *map, unsigned char (*keys)[KEY_MAX])
{
	int fd = bpf_map__fd(map);
	unsigned char *last = NULL;
	size_t count = 0;

	while (bpf_map_get_next_key(fd, last, keys[count]) == 0) {
		last = keys[count++];
		cr_assert_lt(count, ENTRIES_MAX);
	}
	return count;
}

/* Both kinds of entry begin with the time when they were seen. */
_Static_assert(offsetof(struct xdpfw_flow, seen) == 0 && offsetof(struct xdpfw_fragment, seen) == 0, "seen is first");

static void make_older(const struct bpf_map *map, __u64 jiffies)
{
	_free_ unsigned char(*keys)[KEY_MAX] = malloc(ENTRIES_MAX * KEY_MAX);
	size_t count = list_keys(map, keys);
	__u64 value[8];

	for (size_t i = 0; i < count; i++) {
		cr_assert_eq(bpf_map_lookup_elem(bpf_map__fd(map), keys[i], value), 0);
		value[0] -= jiffies;
		cr_assert_eq(bpf_map_update_elem(bpf_map__fd(map), keys[i], value, BPF_EXIST), 0);
	}
}

/* Of requests that a limit has counted; the time is the low half of jiffies, and never 0. */
static void make_limits_older(__u32 jiffies)
{
	const struct bpf_map *map = rig.skel->maps.limits;
	_free_ unsigned char(*keys)[KEY_MAX] = malloc(ENTRIES_MAX * KEY_MAX);
	size_t count = list_keys(map, keys);

	for (size_t i = 0; i < count; i++) {
		struct xdpfw_limit limit;

		cr_assert_eq(bpf_map_lookup_elem(bpf_map__fd(map), keys[i], &limit), 0);
		for (int place = 0; place < XDPFW_LIMIT_MAX; place++)
			if (limit.passed[place])
				limit.passed[place] = (limit.passed[place] - jiffies) | 1;
		cr_assert_eq(bpf_map_update_elem(bpf_map__fd(map), keys[i], &limit, BPF_EXIST), 0);
	}
}

static size_t count_entries(const struct bpf_map *map)
{
	_free_ unsigned char(*keys)[KEY_MAX] = malloc(ENTRIES_MAX * KEY_MAX);

	return list_keys(map, keys);
}

void pass_time(unsigned int seconds)
{
	__u64 jiffies = (__u64)seconds * datapath_hz();

	make_translations_older(jiffies);
	make_older(rig.skel->maps.flows, jiffies);
	make_older(rig.skel->maps.guests, jiffies);
	make_older(rig.skel->maps.fragments, jiffies);
	make_limits_older(jiffies);
}

void put_flow(const struct xdpfw_flow_key *key, const struct xdpfw_flow *flow)
{
	cr_assert_eq(bpf_map_update_elem(bpf_map__fd(rig.skel->maps.flows), key, flow, BPF_ANY), 0);
}

void get_flow(const struct xdpfw_flow_key *key, struct xdpfw_flow *flow)
{
	cr_assert_eq(bpf_map_lookup_elem(bpf_map__fd(rig.skel->maps.flows), key, flow), 0);
}

size_t count_flows(void)
{
	return count_entries(rig.skel->maps.flows);
}

/* Two seconds are enough for any test here. */
void begin_age(void)
{
	__u64 length = 1ULL << rig.skel->rodata->cfg_age_shift;

	while (jiffies_now() % length > length - 2 * datapath_hz())
		usleep(100000);
}

size_t count_guests(void)
{
	return count_entries(rig.skel->maps.guests);
}

size_t count_fragments(void)
{
	return count_entries(rig.skel->maps.fragments);
}

static __u64 one_age_older(__u64 word)
{
	__u64 age = word >> XDPFW_FINGERPRINT_BITS, bits = word << 8 >> 8;

	return bits ? (age - 1) << XDPFW_FINGERPRINT_BITS | bits : 0;
}

/* A word stands at the place of its age, even or odd. */
static void make_print_older(struct xdpfw_fingerprint *print)
{
	__u64 even = print->words[0];

	print->words[0] = one_age_older(print->words[1]);
	print->words[1] = one_age_older(even);
}

void pass_fingerprint_ages(unsigned int ages)
{
	for (unsigned int i = 0; i < ages; i++)
		for (int table = 0; table < XDPFW_FP_TABLES; table++)
			for (int port = 0; port < 65536; port++)
				make_print_older(&rig.fingerprints[table].ports[port]);
}

/* A program that asks for jiffies64 and returns 32 bits of it: all that a test run hands back. */
static __u32 jiffies_shifted(int bits)
{
	const struct bpf_insn code[] = {
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_jiffies64},
		{.code = BPF_ALU64 | BPF_RSH | BPF_K, .dst_reg = BPF_REG_0, .imm = bits},
		{.code = BPF_JMP | BPF_EXIT},
	};
	_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "jiffies", "GPL", code, ARRAY_SIZE(code), NULL);
	unsigned char in[ETHERNET_SIZE] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = sizeof(in));

	cr_assert_eq(bpf_prog_test_run_opts(fd, &opts), 0);
	return opts.retval;
}

__u64 jiffies_now(void)
{
	return (__u64)jiffies_shifted(32) << 32 | jiffies_shifted(0);
}
