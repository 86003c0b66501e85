/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ranges: what holds for an address, in the tables of the slot; see include/xdpfw/ranges.h. */
#ifndef XDPFW_BPF_RANGES_H
#define XDPFW_BPF_RANGES_H

#include "common.h"
#include "maps.h"
#include "policy.h"

static __always_inline bool is_v4(const struct xdpfw_addr *addr)
{
	return addr->halves[0] == 0 && addr->words[2] == bpf_htonl(0xffff);
}

static __always_inline union xdpfw_line *line_at(void *lines, __u32 number)
{
	return bpf_map_lookup_elem(lines, &number);
}

/* Where a lookup in @table of the slot begins. */
static __always_inline struct xdpfw_branch root_of(__u32 slot, __u32 table, bool v4)
{
	const struct xdpfw_policy_head *head = policy_head(slot);
	struct xdpfw_branch nothing = {};

	return head ? head->roots[xdpfw_root(table, !v4) & (XDPFW_ROOTS - 1)] : nothing;
}

/*
 * What @table of the slot says of an address; 0 if it says nothing. A global function, for the reason given in parse_ip.h.
 * A loop for each word in one over the words: the verifier then meets one state a word and step.
 */
__noinline __u32 address_value(__u32 slot, __u32 table, const struct xdpfw_addr *addr)
{
	void *lines = bpf_map_lookup_elem(&addresses, &slot);
	struct xdpfw_branch branch;
	bool v4;

	if (!addr)
		return 0;
	v4 = is_v4(addr);
	branch = root_of(slot, table, v4);
	if (branch.kind == XDPFW_VALUE || !lines)
		return branch.value;
	for (__u32 word = v4 ? 3 : 0; word < 4; word++) {
		__u32 key = bpf_ntohl(addr->words[word]);

		for (int i = 0; i < XDPFW_DEEPEST_WORD; i++) {
			__u32 next = xdpfw_next_branch(branch, key), range;
			union xdpfw_line *line = line_at(lines, next / XDPFW_LINE_BRANCHES);

			if (!line)
				return 0;
			if (branch.kind == XDPFW_NARROW)
				return xdpfw_narrow_value(line, next % XDPFW_LINE_BRANCHES * 4, branch.shift, key);
			if (branch.kind == XDPFW_RANGES) {
				range = xdpfw_range_of(&line->ranges, key) % XDPFW_LINE_RANGES;
				branch.value = line->ranges.values[range];
				if (!(line->ranges.on >> range & 1))
					return branch.value;
				branch = xdpfw_branch_to(branch.value);
				break;
			}
			branch = line->branches[next % XDPFW_LINE_BRANCHES];
			if (branch.kind == XDPFW_VALUE)
				return branch.value;
		}
	}
	return 0;
}

/* Cell @index of the rows of the slot. */
static __always_inline __u32 row_cell(__u32 slot, __u32 index)
{
	void *lines = bpf_map_lookup_elem(&addresses, &slot);
	union xdpfw_line *line = lines ? line_at(lines, index / XDPFW_LINE_CELLS) : NULL;

	return line ? line->cells[index % XDPFW_LINE_CELLS] : drop(XDPFW_R_INTERNAL);
}

#endif
