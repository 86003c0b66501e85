// SPDX-License-Identifier: GPL-2.0-only
/* The twins of the programs under test: on the same maps, and asked before each of their runs. */
#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>

#include "rig.h"
#include "xdpfw/twin.h"

#define ELEMENT_MAX 512 /* of the maps that are no arrays */
#define MAPS_MAX    64

static struct xdpfw *twin;
static bool watched;

/* All but the read-only data. */
static bool is_shared(const struct bpf_map *map)
{
	return map != twin->maps.rodata && map != rig.skel->maps.rodata;
}

void open_twin(void (*configure)(struct xdpfw *skel))
{
	struct bpf_map *map, *shared;
	int err;

	twin = xdpfw__open();
	cr_assert(twin);
	configure(twin);
	twin->rodata->cfg_observe = 1;
	bpf_object__for_each_map(map, twin->obj)
	{
		shared = bpf_object__find_map_by_name(rig.skel->obj, bpf_map__name(map));
		if (is_shared(map))
			cr_assert_eq(bpf_map__reuse_fd(map, bpf_map__fd(shared)), 0);
	}
	err = xdpfw__load(twin);
	cr_assert_eq(err, 0, "cannot load the twins: %s", strerror(-err));
}

void close_twin(void)
{
	xdpfw__destroy(twin);
}

static const struct bpf_program *program_of(enum hooks hooks, enum way way)
{
	if (hooks == ON_L3)
		return way == ARRIVES ? twin->progs.tc_in_l3 : twin->progs.tc_out_l3;
	if (way == LEAVES)
		return twin->progs.tc_out;
	return hooks == ON_XDP ? twin->progs.xdp_in : twin->progs.tc_in;
}

/* FNV-1a, by words: enough to see that a map has changed. */
static __u64 digest(__u64 sum, const void *memory, size_t size)
{
	const __u64 *words = memory;

	for (size_t i = 0; i < size / sizeof(*words); i++)
		sum = (sum ^ words[i]) * 0x100000001b3ULL;
	return sum;
}

static __u64 digest_array(const struct bpf_map *map)
{
	size_t size = ((bpf_map__value_size(map) + 7) & ~7UL) * bpf_map__max_entries(map);
	void *memory = mmap(NULL, size, PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);
	__u64 sum;

	cr_assert_neq(memory, MAP_FAILED, "%s: %s", bpf_map__name(map), strerror(errno));
	sum = digest(0, memory, size);
	munmap(memory, size);
	return sum;
}

/* By key, in whatever order: sums of entries. */
static __u64 digest_entries(const struct bpf_map *map)
{
	unsigned char entry[2 * ELEMENT_MAX] = {};
	void *key = NULL;
	__u64 sum = 0;

	cr_assert(bpf_map__key_size(map) <= ELEMENT_MAX && bpf_map__value_size(map) <= ELEMENT_MAX);
	while (bpf_map_get_next_key(bpf_map__fd(map), key, entry) == 0) {
		key = entry;
		if (bpf_map_lookup_elem(bpf_map__fd(map), key,
					entry + ELEMENT_MAX)) /* an empty place of a map of maps */
			memset(entry + ELEMENT_MAX, 0, ELEMENT_MAX);
		sum += digest(1, entry, sizeof(entry));
	}
	return sum;
}

static void digest_maps(__u64 digests[MAPS_MAX])
{
	struct bpf_map *map;
	size_t n = 0;

	memset(digests, 0, MAPS_MAX * sizeof(*digests));
	bpf_object__for_each_map(map, rig.skel->obj)
	{
		cr_assert_lt(n, MAPS_MAX);
		if (is_shared(map))
			digests[n] = bpf_map__map_flags(map) & BPF_F_MMAPABLE ? digest_array(map) : digest_entries(map);
		n++;
	}
}

static const char *map_name(size_t n)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, rig.skel->obj)
	{
		if (n-- == 0)
			return bpf_map__name(map);
	}
	return "?";
}

static __u32 run_twin(enum hooks hooks, enum way way, struct __sk_buff *skb, struct frame *f)
{
	bool xdp = hooks == ON_XDP && way == ARRIVES;
	__u32 decision = run_program(program_of(hooks, way), xdp ? NULL : skb, f);

	if (xdp && xdpfw_verdict_of(decision) == XDPFW_PASS && can_send(ON_TC, ARRIVES, f))
		run_program(twin->progs.tc_swap, skb, f);
	return decision;
}

static __u32 run_watched(enum hooks hooks, enum way way, struct __sk_buff *skb, struct frame *f, const char **wrote)
{
	__u64 before[MAPS_MAX], after[MAPS_MAX];
	__u32 decision;

	*wrote = NULL;
	if (!watched)
		return run_twin(hooks, way, skb, f);
	digest_maps(before);
	decision = run_twin(hooks, way, skb, f);
	digest_maps(after);
	for (size_t i = 0; i < MAPS_MAX; i++)
		if (before[i] != after[i])
			*wrote = map_name(i);
	return decision;
}

__u32 ask_twin(enum hooks hooks, enum way way, const struct skb_fields *fields, struct frame *f, const char **wrote)
{
	struct __sk_buff skb = {.gso_segs = fields->gso_segs, .mark = fields->mark};

	return run_watched(hooks, way, &skb, f, wrote);
}

__u32 ask_about_forwarded(enum hooks hooks, const struct frame *f, struct outcome *result)
{
	struct __sk_buff skb = {.cb = {[XDPFW_TWIN_FORWARDED] = 1}};

	result->frame = *f;
	return run_watched(hooks, LEAVES, &skb, &result->frame, &result->twin_wrote);
}

void watch_twin(bool on)
{
	watched = on;
}
