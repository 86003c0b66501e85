// SPDX-License-Identifier: GPL-2.0-only
#include "ranges.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "parse_addr.h"
#include "util.h"

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
		return (struct position){(__u64)be32toh(addr->words[3]) << 32, 0};
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
	int length = entry_is_v4(entry) ? entry->prefix.length - 96 : entry->prefix.length;

	last.upper |= host_bits(length);
	last.lower |= host_bits(length - 64);
	return last;
}

static bool before(struct position a, struct position b)
{
	return a.upper < b.upper || (a.upper == b.upper && a.lower < b.lower);
}

struct boundaries {
	struct boundary *at;
	size_t count;
};

static bool is_at(const struct boundary *b, struct position place)
{
	return b->from.upper == place.upper && b->from.lower == place.lower;
}

/* A boundary at the place of the last one takes its place; one that changes nothing is none: so neighbours with one
 * value are one range. */
static void add_boundary(struct boundaries *b, struct position from, __u32 value)
{
	if (b->count && is_at(&b->at[b->count - 1], from))
		b->count--;
	if (value != (b->count ? b->at[b->count - 1].value : 0))
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

		behind.upper += ++behind.lower == 0;
		if (behind.upper || behind.lower) /* not the end of all addresses */
			add_boundary(sweep->out, behind, value_here(sweep));
	}
}

/* @entries are of one family and sorted. @out has room for two boundaries an entry. */
static int sweep_entries(const struct range_entry *entries, size_t count, fold_fn fold, void *data,
			 struct boundaries *out)
{
	struct sweep sweep = {.out = out};

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

int ranges_write(struct address_lines *lines, struct xdpfw_branch roots[2], struct range_entry *entries, size_t count,
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
		struct boundaries b = {.at = room};
		int err = sweep_entries(is_v6 ? entries + v4 : entries, is_v6 ? count - v4 : v4, fold, data, &b);

		if (!err)
			err = lines_write(lines, b.at, b.count, &roots[is_v6]);
		if (err)
			return err;
	}
	return 0;
}
