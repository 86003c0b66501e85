// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory is bounded by the number of boundaries, wherever they lie: each line of ranges has one that begins in it, and
 * stretches with an index have more than eight ranges, for which an index has at most four times as many branches (or 16).
 */
#include "range_lines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

int lines_take(struct address_lines *lines, size_t count, size_t each, __u32 *place)
{
	size_t more = (count + each - 1) / each, wanted = lines->count + more;

	if (wanted > LINES_MAX)
		return -E2BIG;
	if (wanted > lines->room) {
		size_t room = wanted > 2 * (size_t)lines->room ? wanted : 2 * (size_t)lines->room;
		union xdpfw_line *at = reallocarray(lines->at, room, sizeof(*at));

		if (!at)
			return -ENOMEM;
		lines->at = at;
		lines->room = room;
	}
	memset(&lines->at[lines->count], 0, more * sizeof(*lines->at));
	*place = lines->count;
	lines->count = wanted;
	return 0;
}

void lines_free(struct address_lines *lines)
{
	free(lines->at);
	*lines = (struct address_lines){0};
}

/* A range of one word of the addresses. */
struct range {
	__u32 start;
	__u32 value;
	const struct boundary *on; /* boundaries within the one value `start` of this word; `value` holds before them */
	size_t nr_on;
};

/* Some ranges behind each other, and the stretch of the word that they are looked at for: 2^bits from @begin on. The
 * first may begin before it. */
struct stretch {
	const struct range *ranges;
	size_t count;
	__u32 begin;
	unsigned int bits;
	unsigned int word; /* of the address: 0 is the upper one */
};

static int write_word(struct address_lines *lines, const struct boundary *b, size_t count, unsigned int word,
		      __u32 before, struct xdpfw_branch *branch);

static __u32 word_of(const struct position *p, unsigned int word)
{
	return (word < 2 ? p->upper : p->lower) >> (word % 2 ? 0 : 32);
}

static bool ends_with(const struct position *p, unsigned int word)
{
	while (++word < 4)
		if (word_of(p, word))
			return false;
	return true;
}

/* The ranges of @word; @ranges has room for two a boundary and one more. Returns how many. */
static size_t make_ranges(const struct boundary *b, size_t count, unsigned int word, __u32 before, struct range *ranges)
{
	size_t n = 0;

	if (!count || word_of(&b[0].from, word))
		ranges[n++].value = before;
	for (size_t i = 0, next; i < count; i = next) {
		__u32 here = word_of(&b[i].from, word);

		for (next = i + 1; next < count && word_of(&b[next].from, word) == here; next++)
			;
		if (next == i + 1 && ends_with(&b[i].from, word)) {
			ranges[n++] = (struct range){.start = here, .value = b[i].value};
			continue;
		}
		ranges[n++] = (struct range){here, i ? b[i - 1].value : before, &b[i], next - i};
		if (here != ~0U && (next == count || word_of(&b[next].from, word) != here + 1))
			ranges[n++] = (struct range){.start = here + 1, .value = b[next - 1].value};
	}
	return n;
}

/* The branches for the next word, a line of them, in the places of their ranges. */
static int write_next_words(struct address_lines *lines, const struct stretch *s, __u32 line)
{
	__u32 place;
	int err = lines_take(lines, XDPFW_LINE_BRANCHES, XDPFW_LINE_BRANCHES, &place);

	for (size_t i = 0; !err && i < s->count; i++) {
		const struct range *r = &s->ranges[i];
		struct xdpfw_branch branch;

		if (!r->nr_on)
			continue;
		err = write_word(lines, r->on, r->nr_on, s->word + 1, r->value, &branch);
		if (err)
			break;
		lines->at[place].branches[i] = branch;
		lines->at[line].ranges.values[i] = place * XDPFW_LINE_BRANCHES + i;
	}
	for (size_t i = s->count; i < XDPFW_LINE_RANGES; i++)
		lines->at[line].ranges.values[i] = lines->at[line].ranges.values[s->count - 1];
	return err;
}

static int write_range_line(struct address_lines *lines, const struct stretch *s, struct xdpfw_branch *branch)
{
	struct xdpfw_range_line *line;
	__u32 place, on = 0;
	int err = lines_take(lines, 1, 1, &place);

	if (err)
		return err;
	line = &lines->at[place].ranges;
	for (size_t i = 0; i < XDPFW_LINE_RANGES; i++) {
		const struct range *r = &s->ranges[i < s->count ? i : s->count - 1];

		if (i)
			line->starts[i - 1] = i < s->count ? r->start : ~0U;
		line->values[i] = r->value;
		on |= (r->nr_on > 0) << i;
	}
	line->on = on;
	*branch = (struct xdpfw_branch){.kind = XDPFW_RANGES, .value = place * XDPFW_LINE_BRANCHES};
	return on ? write_next_words(lines, s, place) : 0;
}

static bool is_narrow(const struct stretch *s)
{
	bool narrow = s->bits <= XDPFW_NARROW_BITS_MAX && s->count <= XDPFW_NARROW_RANGES_MAX;

	for (size_t i = 0; narrow && i < s->count; i++)
		narrow = !s->ranges[i].nr_on && s->ranges[i].value == (__u32)(__s16)s->ranges[i].value;
	return narrow;
}

/* Room for @count narrow ranges: 4, 8 or 16. What is left of a larger piece is for the next who asks. */
static int take_piece(struct address_lines *lines, unsigned int count, __u32 *number)
{
	__u32 *spare = &lines->spare[count / 8], line;
	int err;

	if (count == XDPFW_NARROW_RANGES_MAX) {
		err = lines_take(lines, 1, 1, &line);
		*number = line * XDPFW_LINE_BRANCHES;
		return err;
	}
	if (*spare) {
		*number = *spare;
		*spare = 0;
		return 0;
	}
	err = take_piece(lines, 2 * count, number);
	if (!err)
		*spare = *number + count / 2; /* a range takes four bytes, a branch eight */
	return err;
}

static int write_narrow(struct address_lines *lines, const struct stretch *s, struct xdpfw_branch *branch)
{
	unsigned int count = s->count <= 4 ? 4 : s->count <= 8 ? 8 : 16;
	__u32 number;
	__u16 *to;
	int err = take_piece(lines, count, &number);

	if (err)
		return err;
	to = &lines->at[number / XDPFW_LINE_BRANCHES].narrow[number % XDPFW_LINE_BRANCHES * 4];
	for (size_t i = 0; i < count; i++) {
		to[i] = i < s->count ? s->ranges[i].start : 0xffff;
		to[count + i] = s->ranges[i < s->count ? i : s->count - 1].value;
	}
	*branch = (struct xdpfw_branch){.kind = XDPFW_NARROW, .value = number, .shift = count};
	return 0;
}

static int write_stretch(struct address_lines *lines, const struct stretch *s, struct xdpfw_branch *branch);

/* About one branch a range; all bits that the word has left where those are few enough, for then each branch is a value. */
static unsigned int index_bits(const struct stretch *s)
{
	unsigned int bits = XDPFW_INDEX_BITS_MIN;

	if (s->bits <= XDPFW_INDEX_BITS_MAX && 1U << s->bits <= 4 * s->count)
		return s->bits;
	while (bits < XDPFW_INDEX_BITS_MAX && s->count >> (bits + 1))
		bits++;
	return bits < s->bits ? bits : s->bits;
}

static int write_index(struct address_lines *lines, const struct stretch *s, struct xdpfw_branch *branch)
{
	unsigned int bits = index_bits(s);
	struct stretch part = {.bits = s->bits - bits, .word = s->word};
	size_t first = 0, end = 0;
	__u32 place = 0;
	int err = lines_take(lines, 1U << bits, XDPFW_LINE_BRANCHES, &place);

	for (__u32 i = 0; !err && i < 1U << bits; i++) {
		struct xdpfw_branch below;

		part.begin = s->begin + (i << part.bits);
		while (first + 1 < s->count && s->ranges[first + 1].start <= part.begin)
			first++;
		while (end < s->count && s->ranges[end].start <= part.begin + (__u32)((1ULL << part.bits) - 1))
			end++;
		part.ranges = s->ranges + first;
		part.count = end - first;
		err = write_stretch(lines, &part, &below);
		if (!err)
			lines->at[place + i / XDPFW_LINE_BRANCHES].branches[i % XDPFW_LINE_BRANCHES] = below;
	}
	*branch = (struct xdpfw_branch){.kind = XDPFW_INDEX,
					.value = place * XDPFW_LINE_BRANCHES,
					.shift = part.bits,
					.mask = (1U << bits) - 1};
	return err;
}

static int write_stretch(struct address_lines *lines, const struct stretch *s, struct xdpfw_branch *branch)
{
	if (s->count == 1 && !s->ranges->nr_on) {
		*branch = (struct xdpfw_branch){.kind = XDPFW_VALUE, .value = s->ranges->value};
		return 0;
	}
	if (is_narrow(s))
		return write_narrow(lines, s, branch);
	return s->count <= XDPFW_LINE_RANGES ? write_range_line(lines, s, branch) : write_index(lines, s, branch);
}

static int write_word(struct address_lines *lines, const struct boundary *b, size_t count, unsigned int word,
		      __u32 before, struct xdpfw_branch *branch)
{
	_free_ struct range *ranges = calloc(2 * count + 1, sizeof(*ranges));
	struct stretch all = {.ranges = ranges, .bits = 32, .word = word};

	if (!ranges)
		return -ENOMEM;
	all.count = make_ranges(b, count, word, before, ranges);
	return write_stretch(lines, &all, branch);
}

int lines_write(struct address_lines *lines, const struct boundary *boundaries, size_t count, struct xdpfw_branch *root)
{
	return write_word(lines, boundaries, count, 0, 0, root);
}
