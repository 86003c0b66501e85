// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ticker.h"
#include "util.h"

int live_init(struct live *t, size_t keys, bool labelled)
{
	*t = (struct live){.keys = keys, .labelled = labelled, .row_of = calloc(keys, sizeof(*t->row_of))};
	return t->row_of ? 0 : -ENOMEM;
}

void live_free(struct live *t)
{
	for (int i = 0; i < LIVE_SECONDS; i++)
		free(t->seconds[i]);
	free(t->rows);
	free(t->row_of);
	memset(t, 0, sizeof(*t));
}

static __u32 *column(const struct live *t, __u64 second)
{
	return t->seconds[second % LIVE_SECONDS];
}

/* Ticks stand in the middle of their seconds, so that one that comes a little early or late still falls into its own. */
static __u64 second_of(const struct live *t, __u64 mono_ns)
{
	return (mono_ns - t->begun_ns + NS_PER_SECOND / 2) / NS_PER_SECOND;
}

void live_begin(struct live *t, __u64 mono_ns)
{
	__u64 second;

	if (!t->begun_ns)
		t->begun_ns = t->now_ns = mono_ns;
	second = second_of(t, mono_ns);
	t->filling = second - t->second < LIVE_SECONDS ? second - t->second : LIVE_SECONDS;
	for (unsigned int i = 0; t->count && i < t->filling; i++)
		memset(column(t, second - i), 0, t->count * sizeof(__u32));
	for (size_t i = 0; t->moving && i < t->count; i++)
		memset(t->rows[i].change, 0, sizeof(t->rows[i].change));
	t->moving = false;
	t->interval_ns = mono_ns - t->now_ns;
	t->now_ns = mono_ns;
	t->second = second;
}

static int grow(struct live *t)
{
	size_t room = t->room ? t->room * 2 : 256;
	struct live_row *rows = realloc(t->rows, room * sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	t->rows = rows;
	for (int i = 0; i < LIVE_SECONDS; i++) {
		__u32 *more = realloc(t->seconds[i], room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		memset(more + t->room, 0, (room - t->room) * sizeof(*more));
		t->seconds[i] = more;
	}
	t->room = room;
	return 0;
}

struct live_row *live_find(const struct live *t, __u32 key)
{
	return t->row_of[key] ? &t->rows[t->row_of[key] - 1] : NULL;
}

/* What was counted before anybody looked is no change of the first interval. */
static struct live_row *add_row(struct live *t, __u32 key, const struct xdpfw_count now[XDPFW_SIDES])
{
	struct live_row *row;

	if (t->count == t->room && grow(t))
		return NULL;
	row = &t->rows[t->count++];
	t->row_of[key] = t->count;
	*row = (struct live_row){.key = key};
	if (!t->interval_ns)
		memcpy(row->now, now, sizeof(row->now));
	return row;
}

static __u64 all_packets(const struct xdpfw_count sides[XDPFW_SIDES])
{
	return sides[XDPFW_RX].packets + sides[XDPFW_TX].packets + sides[XDPFW_DROPPED].packets;
}

static void add_history(struct live *t, const struct live_row *row, __u64 packets)
{
	unsigned int seconds = t->filling ? t->filling : 1;

	for (unsigned int i = 0; i < seconds; i++) {
		__u32 *cell = &column(t, t->second - i)[row - t->rows];
		__u64 sum = *cell + packets / seconds + (i < packets % seconds);

		*cell = sum < ~0U ? sum : ~0U;
	}
}

struct live_row *live_count(struct live *t, __u32 key, const struct xdpfw_count now[XDPFW_SIDES])
{
	struct live_row *row = live_find(t, key);

	if (!row)
		row = add_row(t, key, now);
	if (!row || memcmp(row->now, now, sizeof(row->now)) == 0)
		return row;
	for (int side = 0; side < XDPFW_SIDES; side++) {
		if (now[side].packets < row->now[side].packets) /* the counter of another rule now */
			row->now[side] = row->base[side] = (struct xdpfw_count){};
		row->change[side].packets = now[side].packets - row->now[side].packets;
		row->change[side].bytes = now[side].bytes - row->now[side].bytes;
		row->now[side] = now[side];
	}
	t->moving = true;
	add_history(t, row, all_packets(row->change));
	return row;
}

void live_history(const struct live *t, const struct live_row *row, __u32 history[LIVE_SECONDS])
{
	for (unsigned int i = 0; i < LIVE_SECONDS; i++)
		history[i] = column(t, t->second + 1 + i)[row - t->rows];
}

__u64 live_value(const struct live_row *row, enum live_column column, bool totals)
{
	unsigned int side = (column - LIVE_RX_PACKETS) / 2;
	bool bits = (column - LIVE_RX_PACKETS) % 2;

	if (column == LIVE_NAME)
		return ~row->key;
	if (column == LIVE_ACTIVITY)
		return totals ? all_packets(row->now) - all_packets(row->base) : all_packets(row->change);
	if (totals)
		return bits ? row->now[side].bytes - row->base[side].bytes
			    : row->now[side].packets - row->base[side].packets;
	return bits ? row->change[side].bytes * 8 : row->change[side].packets;
}

static bool has_dropped(const struct live_row *row)
{
	return live_value(row, LIVE_DROP_PACKETS, true);
}

static bool has_passed(const struct live_row *row)
{
	return live_value(row, LIVE_RX_PACKETS, true) || live_value(row, LIVE_TX_PACKETS, true);
}

static bool contains(const struct ports *ports, __u16 port)
{
	for (size_t i = 0; i < ports->count; i++)
		if (port >= ports->ranges[i].first && port <= ports->ranges[i].last)
			return true;
	return false;
}

static bool matches(const struct live *t, const struct live_filter *f, const struct live_row *row)
{
	if (f->dir >= 0 && row->dir != f->dir)
		return false;
	if ((f->passed && !has_passed(row)) || (f->dropped && !has_dropped(row)))
		return false;
	if (t->labelled)
		return row->label && (!f->text || strstr(row->label, f->text));
	return (!f->ports.count || contains(&f->ports, row->port)) && (has_passed(row) || has_dropped(row));
}

/* A row's place in the order: the bigger comes first, and among equals the smaller key. */
struct place {
	__u64 value, second;
	__u32 key, row;
};

static int compare(const void *a, const void *b)
{
	const struct place *one = a, *two = b;

	if (one->value != two->value)
		return one->value > two->value ? -1 : 1;
	if (one->second != two->second)
		return one->second > two->second ? -1 : 1;
	return one->key < two->key ? -1 : one->key > two->key;
}

static void swap(struct place *a, struct place *b)
{
	struct place kept = *a;

	*a = *b;
	*b = kept;
}

/* Bring the first @most of @places to the front, in any order (quickselect): to sort 65,536 rows for the 20 on the
 * screen would be most of what a tick costs. */
static void bring_to_front(struct place *places, size_t count, size_t most)
{
	while (count > most && count > 1) {
		struct place pivot = places[(count - 1) / 2];
		size_t left = 0, right = count - 1;

		for (;; left++, right--) {
			while (compare(&places[left], &pivot) < 0)
				left++;
			while (compare(&places[right], &pivot) > 0)
				right--;
			if (left >= right)
				break;
			swap(&places[left], &places[right]);
		}
		/* [0, right] come no later than what is behind them */
		if (right + 1 > most) {
			count = right + 1;
		} else {
			places += right + 1;
			count -= right + 1;
			most -= right + 1;
		}
	}
}

static struct place place_of(const struct live *t, size_t i, const struct live_order *order)
{
	const struct live_row *row = &t->rows[i];
	struct place place = {live_value(row, order->column, order->totals), 0, row->key, i};

	if (order->column != LIVE_NAME)
		place.second = live_value(row, LIVE_ACTIVITY, true);
	if (order->reverse)
		place.value = ~place.value;
	return place;
}

size_t live_select(const struct live *t, const struct live_filter *filter, const struct live_order *order, size_t most,
		   __u32 *chosen, size_t *matching)
{
	_free_ struct place *places = malloc((t->count + 1) * sizeof(*places));
	size_t count = 0;

	*matching = 0;
	if (!places)
		return 0;
	for (size_t i = 0; i < t->count; i++)
		if (matches(t, filter, &t->rows[i]))
			places[count++] = place_of(t, i, order);
	*matching = count;
	if (most > count)
		most = count;
	if (most)
		bring_to_front(places, count, most);
	qsort(places, most, sizeof(*places), compare);
	for (size_t i = 0; i < most; i++)
		chosen[i] = places[i].row;
	return most;
}
