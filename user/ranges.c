// SPDX-License-Identifier: GPL-2.0-only
#include "ranges.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "parse_addr.h"
#include "util.h"

/* An address in host byte order. Of IPv4 only `upper` says something. */
struct position {
	__u64 upper, lower;
};

/* From here on (up to the next one) holds @value. */
struct boundary {
	struct position from;
	__u32 value;
};

struct boundaries {
	struct boundary *at;
	size_t count;
	bool v4;
};

int words_take(struct address_words *words, __u32 count, __u32 *place)
{
	__u32 wanted = words->count + count;

	if (wanted > WORDS_MAX || wanted < count)
		return -E2BIG;
	if (wanted > words->room) {
		__u32 room = wanted > 2 * words->room ? wanted : 2 * words->room;
		union xdpfw_word *at = reallocarray(words->at, room, sizeof(*at));

		if (!at)
			return -ENOMEM;
		words->at = at;
		words->room = room;
	}
	memset(&words->at[words->count], 0, count * sizeof(*words->at));
	*place = words->count;
	words->count = wanted;
	return 0;
}

void words_free(struct address_words *words)
{
	free(words->at);
	*words = (struct address_words){0};
}

static bool entry_is_v4(const struct range_entry *entry)
{
	return addr_is_ipv4(&entry->prefix.addr) && entry->prefix.length >= 96;
}

/* IPv4 first, then by address, the larger prefix before those in it. */
static int compare_entries(const void *a, const void *b)
{
	const struct range_entry *x = a, *y = b;
	int order = entry_is_v4(y) - entry_is_v4(x);

	if (!order)
		order = memcmp(&x->prefix.addr, &y->prefix.addr, sizeof(x->prefix.addr));
	return order ? order : x->prefix.length - y->prefix.length;
}

static struct position first_of(const struct range_entry *entry)
{
	const struct xdpfw_addr *addr = &entry->prefix.addr;

	if (entry_is_v4(entry))
		return (struct position){be32toh(addr->words[3]), 0};
	return (struct position){be64toh(addr->halves[0]), be64toh(addr->halves[1])};
}

/* The ones of the host part of a 64-bit half of which @bits belong to the prefix. */
static __u64 host_bits(int bits)
{
	return bits <= 0 ? ~0ULL : bits >= 64 ? 0 : ~0ULL >> bits;
}

static struct position last_of(const struct range_entry *entry)
{
	struct position last = first_of(entry);
	int length = entry->prefix.length;

	last.upper |= entry_is_v4(entry) ? host_bits(length - 96 + 32) : host_bits(length);
	last.lower |= entry_is_v4(entry) ? ~0ULL : host_bits(length - 64);
	return last;
}

static bool before(struct position a, struct position b)
{
	return a.upper < b.upper || (a.upper == b.upper && a.lower < b.lower);
}

/* A boundary at the place of the last one takes its place; one that changes nothing is none. */
static void add_boundary(struct boundaries *b, struct position from, __u32 value)
{
	struct boundary *last = b->count ? &b->at[b->count - 1] : NULL;

	if (last && last->from.upper == from.upper && last->from.lower == from.lower)
		last->value = value;
	else if (last ? last->value != value : value != 0 || (!from.upper && !from.lower))
		b->at[b->count++] = (struct boundary){from, value};
}

struct open_prefix {
	struct position last;
	__u32 value;
};

struct sweep {
	struct open_prefix stack[PREFIXES_DEEP];
	size_t depth;
	struct boundaries *out;
};

static __u32 value_here(const struct sweep *sweep)
{
	return sweep->depth ? sweep->stack[sweep->depth - 1].value : 0;
}

/* End what ends before @next, or everything. */
static void close_prefixes(struct sweep *sweep, const struct position *next)
{
	while (sweep->depth && (!next || before(sweep->stack[sweep->depth - 1].last, *next))) {
		struct position behind = sweep->stack[--sweep->depth].last;
		bool end;

		behind.upper += ++behind.lower == 0;
		end = sweep->out->v4 ? behind.upper > 0xffffffff : !behind.upper && !behind.lower;
		if (!end)
			add_boundary(sweep->out, behind, value_here(sweep));
	}
}

/* @entries are of one family and sorted. @out has room for two boundaries an entry and one more. */
static int sweep_entries(const struct range_entry *entries, size_t count, fold_fn fold, void *data,
			 struct boundaries *out)
{
	struct sweep sweep = {.out = out};

	add_boundary(out, (struct position){0, 0}, 0);
	for (size_t i = 0; i < count; i++) {
		struct position first = first_of(&entries[i]);
		struct open_prefix open = {.last = last_of(&entries[i])};
		int err;

		close_prefixes(&sweep, &first);
		err = fold(data, value_here(&sweep), &entries[i], &open.value);
		if (err)
			return err;
		add_boundary(out, first, open.value);
		if (sweep.depth && !memcmp(&sweep.stack[sweep.depth - 1].last, &open.last, sizeof(open.last)))
			sweep.depth--; /* the same end: the inner one says all */
		sweep.stack[sweep.depth++] = open;
	}
	close_prefixes(&sweep, NULL);
	return 0;
}

/* Boundaries that share the upper half become a span of ranges of the lower half. */
static int write_lower(struct address_words *words, const struct boundary *first, size_t count, __u32 before,
		       union xdpfw_word *upper)
{
	bool begins_at_zero = first->from.lower == 0;
	__u32 place, next;
	int err = words_take(words, count + !begins_at_zero, &place);

	if (err)
		return err;
	next = place;
	if (!begins_at_zero)
		words->at[next++].value = before;
	for (size_t i = 0; i < count; i++) {
		words->at[next].start = first[i].from.lower;
		words->at[next++].value = first[i].value;
	}
	upper->value = place;
	upper->count = next - place;
	return 0;
}

/* The ranges of the upper halves (of IPv4: all there is), into @ranges, which has room for two a boundary. */
static int make_upper(struct address_words *words, const struct boundaries *b, union xdpfw_word *ranges, size_t *count)
{
	size_t n = 0;

	for (size_t i = 0, next; i < b->count; i = next) {
		__u64 here = b->at[i].from.upper;
		int err;

		for (next = i + 1; next < b->count && b->at[next].from.upper == here; next++)
			;
		ranges[n] = (union xdpfw_word){.start = here, .value = b->at[i].value};
		if (next == i + 1 && !b->at[i].from.lower) {
			n++;
			continue;
		}
		err = write_lower(words, &b->at[i], next - i, i ? b->at[i - 1].value : 0, &ranges[n++]);
		if (err)
			return err;
		if (here != ~0ULL && (next == b->count || b->at[next].from.upper != here + 1))
			ranges[n++] = (union xdpfw_word){.start = here + 1, .value = b->at[next - 1].value};
	}
	*count = n;
	return 0;
}

/* About four ranges a span. IPv6 addresses share their upper bits, so their index is less even. */
static unsigned int index_bits(size_t ranges)
{
	unsigned int bits = 1;

	while (bits < 16 && ranges >> (bits + 2))
		bits++;
	return bits;
}

/* The span of each stretch of addresses begins with the range that holds the first of them. */
static void write_index(union xdpfw_word *index, unsigned int bits, unsigned int shift, const union xdpfw_word *ranges,
			size_t count, __u32 place)
{
	size_t first = 0, end = 0;

	for (__u64 i = 0; i < 1ULL << bits; i++) {
		while (first + 1 < count && ranges[first + 1].start <= i << shift)
			first++;
		while (end < count && ranges[end].start >> shift <= i)
			end++;
		index[i].value = place + first;
		index[i].count = end - first;
	}
}

static int write_family(struct address_words *words, __u32 root, const struct boundaries *b)
{
	_free_ union xdpfw_word *ranges = calloc(2 * b->count, sizeof(*ranges));
	unsigned int bits, shift;
	__u32 index, place;
	size_t count;
	int err = ranges ? make_upper(words, b, ranges, &count) : -ENOMEM;

	if (err)
		return err;
	bits = index_bits(count);
	shift = (b->v4 ? 32 : 64) - bits;
	err = words_take(words, 1U << bits, &index);
	if (!err)
		err = words_take(words, count, &place);
	if (err)
		return err;
	memcpy(&words->at[place], ranges, count * sizeof(*ranges));
	write_index(&words->at[index], bits, shift, ranges, count, place);
	words->at[root] = (union xdpfw_word){.start = shift, .value = index, .count = 1U << bits};
	return 0;
}

int ranges_write(struct address_words *words, enum xdpfw_address_table table, struct range_entry *entries, size_t count,
		 fold_fn fold, void *data)
{
	_free_ struct boundary *room = calloc(2 * count + 1, sizeof(*room));
	size_t v4 = 0;

	if (!room)
		return -ENOMEM;
	if (count)
		qsort(entries, count, sizeof(*entries), compare_entries);
	while (v4 < count && entry_is_v4(&entries[v4]))
		v4++;
	for (int is_v6 = 0; is_v6 < 2; is_v6++) {
		struct boundaries b = {.at = room, .v4 = !is_v6};
		size_t of_family = is_v6 ? count - v4 : v4;
		int err;

		if (!of_family)
			continue;
		err = sweep_entries(is_v6 ? entries + v4 : entries, of_family, fold, data, &b);
		if (!err)
			err = write_family(words, xdpfw_root(table, is_v6), &b);
		if (err)
			return err;
	}
	return 0;
}
