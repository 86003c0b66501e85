/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ranges: what holds for an address, by binary search in the sorted ranges of the slot; see include/xdpfw/condition.h. */
#ifndef XDPFW_BPF_RANGES_H
#define XDPFW_BPF_RANGES_H

#include "common.h"
#include "maps.h"
#include "xdpfw/condition.h"

static __always_inline bool is_v4(const struct xdpfw_addr *addr)
{
	return addr->halves[0] == 0 && addr->words[2] == bpf_htonl(0xffff);
}

/* The range of @count ones from @first on that holds @key: the last that begins at or before it. */
static __noinline union xdpfw_word *find_range(void *words, __u32 first, __u32 count, __u64 key)
{
	for (int i = 0; i < XDPFW_SEARCH_STEPS && count > 1; i++) {
		__u32 half = count / 2, middle = first + half;
		union xdpfw_word *range = bpf_map_lookup_elem(words, &middle);

		if (!range)
			return NULL;
		if (range->start <= key) {
			first = middle;
			count -= half;
		} else {
			count = half;
		}
	}
	return bpf_map_lookup_elem(words, &first);
}

/* What @table of the slot says of an address; 0 if it says nothing. A global function, for the reason given in parse.h. */
__noinline __u32 address_value(__u32 slot, __u32 table, const struct xdpfw_addr *addr)
{
	void *words = bpf_map_lookup_elem(&addresses, &slot);
	union xdpfw_word *root, *span, *range;
	__u32 place;
	__u64 key;
	bool v4;

	if (!words || !addr)
		return 0;
	v4 = is_v4(addr);
	place = xdpfw_root(table, !v4);
	root = bpf_map_lookup_elem(words, &place);
	if (!root || !root->count)
		return 0;
	key = v4 ? bpf_ntohl(addr->words[3]) : bpf_be64_to_cpu(addr->halves[0]);
	place = root->value + (__u32)(key >> (root->start & 63));
	span = bpf_map_lookup_elem(words, &place);
	if (!span)
		return 0;
	range = find_range(words, span->value, span->count, key);
	if (range && !v4 && range->count)
		range = find_range(words, range->value, range->count, bpf_be64_to_cpu(addr->halves[1]));
	return range ? range->value : 0;
}

/* Cell @index of the rows of the slot. */
static __always_inline __u32 row_cell(__u32 slot, __u32 index)
{
	void *words = bpf_map_lookup_elem(&addresses, &slot);
	__u32 place = index / 4;
	union xdpfw_word *word = words ? bpf_map_lookup_elem(words, &place) : NULL;

	return word ? word->cells[index & 3] : drop(XDPFW_R_INTERNAL);
}

#endif
