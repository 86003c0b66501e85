/* SPDX-License-Identifier: GPL-2.0-only */
/* Looking addresses up as bpf/ranges.h does, step by step, with every place checked. */
#ifndef XDPFW_TESTS_POLICIES_LOOK_UP_H
#define XDPFW_TESTS_POLICIES_LOOK_UP_H

#include <arpa/inet.h>
#include <assert.h>
#include <stdbool.h>

#include "range_lines.h"
#include "xdpfw/addr.h"

static inline bool is_v4(const struct xdpfw_addr *addr)
{
	return !addr->halves[0] && addr->words[2] == htonl(0xffff);
}

static inline const union xdpfw_line *line_at(const struct address_lines *lines, __u32 number)
{
	assert(number < lines->count);
	return &lines->at[number];
}

/* @steps, unless NULL: how many lines were touched. */
static inline __u32 look_up(const struct address_lines *lines, const struct xdpfw_branch *roots,
			    const struct xdpfw_addr *addr, unsigned int *steps)
{
	struct xdpfw_branch branch = roots[!is_v4(addr)];
	unsigned int word = is_v4(addr) ? 3 : 0, in_word = 0;
	unsigned int ignored;

	for (*(steps ?: &ignored) = 0; branch.kind != XDPFW_VALUE; ++*(steps ?: &ignored)) {
		__u32 key = ntohl(addr->words[word]), next = xdpfw_next_branch(branch, key), range;
		const union xdpfw_line *line = line_at(lines, next / XDPFW_LINE_BRANCHES);

		in_word++;
		assert(in_word <= XDPFW_DEEPEST_WORD);
		if (branch.kind == XDPFW_INDEX) {
			branch = line->branches[next % XDPFW_LINE_BRANCHES];
			continue;
		}
		if (branch.kind == XDPFW_NARROW) {
			__u32 first = next % XDPFW_LINE_BRANCHES * 4;

			assert(first + 2 * branch.shift <= XDPFW_LINE_NARROW);
			branch.value = xdpfw_narrow_value(line, first, branch.shift, key);
			branch.kind = XDPFW_VALUE;
			continue;
		}
		assert(branch.kind == XDPFW_RANGES);
		range = xdpfw_range_of(&line->ranges, key);
		assert(range < XDPFW_LINE_RANGES);
		branch.value = line->ranges.values[range];
		if (line->ranges.on >> range & 1) {
			branch = xdpfw_branch_to(branch.value);
			word++;
			assert(word < 4);
			in_word = 0;
		} else {
			branch.kind = XDPFW_VALUE;
		}
	}
	return branch.value;
}

#endif
