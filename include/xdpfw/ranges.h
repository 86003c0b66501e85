/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What holds for an address: of 100,000 prefixes, in two or three steps.
 *
 * An address is one *word* of 32 bits (IPv4) or four (IPv6, the upper first), and is looked up word by word. Prefixes
 * cut the values of a word into sorted ranges. A *branch* says how to go on with a stretch of them:
 *
 *	VALUE    `value` holds in all of it
 *	RANGES   line `value / 8` has the ranges of the stretch, eight at most
 *	NARROW   the same for a stretch of 65,536 values or less: 4, 8 or 16 ranges in a quarter, a half or all of a line
 *	INDEX    the next bits of the word choose one of the branches from number `value` on, for a smaller stretch
 *
 * A stretch of more ranges than a line holds always has an index of its own, however near they lie to each other. 100,000
 * prefixes all over IPv4, and 65,536 senders in 10.1.0.0/16 among them:
 *
 *	root    INDEX by bits 31..16
 *	 198.51    VALUE 0
 *	 203.0     NARROW  0: 0, 113.0: 1, 114.0: 0
 *	 10.1      INDEX by bits 15..0
 *	  10.1.0.0    VALUE 1
 *	  10.1.0.1    VALUE 0
 *
 * A step is one cache line of 64 bytes, for the kernel's lookup in the map behind it costs as much as the miss.
 */
#ifndef XDPFW_RANGES_H
#define XDPFW_RANGES_H

#include <linux/types.h>

enum xdpfw_branch_kind {
	XDPFW_VALUE = 0, /* a branch of zeros: nothing is said of any address */
	XDPFW_INDEX = 1,
	XDPFW_RANGES = 2,
	XDPFW_NARROW = 3,
};

struct xdpfw_branch {
	__u32 value;
	__u8 kind;  /* enum xdpfw_branch_kind */
	__u8 shift; /* INDEX: (word >> shift) & mask is the place among its branches; NARROW: how many ranges */
	__u16 mask;
};
_Static_assert(sizeof(struct xdpfw_branch) == 8, "eight branches a line");

#define XDPFW_INDEX_BITS_MAX 16 /* mask */
/* At least so many (if the word still has them), so that a word never takes more than eight steps by index. */
#define XDPFW_INDEX_BITS_MIN 4

#define XDPFW_LINE_BRANCHES 8
#define XDPFW_LINE_RANGES   8
#define XDPFW_LINE_CELLS    16
#define XDPFW_LINE_NARROW   32

/*
 * The first range begins with the stretch. Ranges that a line has no need of begin at the end of the word, and are like the
 * last one. A range of one word for which the rest of the address matters goes *on*: its value is the number of a branch
 * for the next word.
 */
struct xdpfw_range_line {
	__u32 starts[XDPFW_LINE_RANGES - 1]; /* host byte order */
	__u32 on;                            /* bit n: range n goes on */
	__u32 values[XDPFW_LINE_RANGES];
};

/*
 * NARROW: the starts (their lower 16 bits; that of the first is not looked at), then as many values, which are the
 * 32-bit ones with the sign carried on: -1 is XDPFW_NEVER. They begin at branch `value`, that is at [value % 8 * 4].
 * What is used the most is as small as can be: what a flood from 100,000 senders costs is its cache misses.
 */
#define XDPFW_NARROW_RANGES_MAX 16
#define XDPFW_NARROW_BITS_MAX   16

/* Everything about addresses of one slot is one array of lines, made to measure: an element of the map of maps `addresses`.
 * The roots stand in the head of the policy. */
union xdpfw_line {
	struct xdpfw_branch branches[XDPFW_LINE_BRANCHES];
	struct xdpfw_range_line ranges;
	__u16 narrow[XDPFW_LINE_NARROW];
	__u32 cells[XDPFW_LINE_CELLS]; /* rows, see condition.h */
};
_Static_assert(sizeof(union xdpfw_line) == 64, "a cache line");

enum xdpfw_address_table {
	XDPFW_CLASSES = 0, /* value: the class, 0 for addresses that no rule names */
	XDPFW_BLOCKED = 1, /* value: expiry of the block, 0 for addresses that are not blocked */
	XDPFW_ADDRESS_TABLES = 2,
};

static inline __u32 xdpfw_root(__u32 table, __u32 is_v6)
{
	return table * 2 + is_v6;
}

#define XDPFW_ROOTS (XDPFW_ADDRESS_TABLES * 2)

/* Steps that a word takes at most: its branch, eight by index, its ranges. */
#define XDPFW_DEEPEST_WORD (1 + 32 / XDPFW_INDEX_BITS_MIN + 1)

/* Where to go *on*: an index of one branch. */
static inline struct xdpfw_branch xdpfw_branch_to(__u32 number)
{
	struct xdpfw_branch branch = {.value = number, .kind = XDPFW_INDEX};

	return branch;
}

/* The next step from @branch: the number of a branch. Of ranges, that of where they begin. */
static inline __u32 xdpfw_next_branch(struct xdpfw_branch branch, __u32 word)
{
	return branch.value + (word >> (branch.shift & 31) & branch.mask);
}

/* Which range holds @word: by arithmetic, not by comparing, since which way it goes is anybody's guess in a flood, and the
 * CPU's wrong guesses would cost more than all eight. */
static inline __u32 xdpfw_range_of(const struct xdpfw_range_line *line, __u32 word)
{
	__u32 range = 0;

#pragma GCC unroll 7
	for (int i = 0; i < XDPFW_LINE_RANGES - 1; i++)
		range += ((__u64)line->starts[i] - word - 1) >> 63;
	return range;
}

/* The value for @word of the @count ranges that begin at @first of @line: steps of 8, 4, 2 and 1, or as @count needs. */
static inline __u32 xdpfw_narrow_value(const union xdpfw_line *line, __u32 first, __u32 count, __u32 word)
{
	__u32 key = word & 0xffff, range = 0;

#pragma GCC unroll 4
	for (int i = 1; i <= 4; i++) {
		__u32 step = count >> i;
		__u64 start = line->narrow[(first + range + step) % XDPFW_LINE_NARROW];

		range += step & -(__u32)((start - key - 1) >> 63);
	}
	return (__s16)line->narrow[(first + count + range) % XDPFW_LINE_NARROW];
}

#endif
