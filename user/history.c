// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "history.h"

#include <errno.h>
#include <string.h>

#include "evaluate.h"
#include "event.h"
#include "util.h"

/* A CPU rewrites an entry in less than a microsecond; one that stays odd belongs to a CPU that is asleep. */
#define READ_TRIES 1000

static bool read_past(const struct xdpfw_past *from, struct xdpfw_past *to)
{
	for (int i = 0; i < READ_TRIES; i++) {
		__u64 version = __atomic_load_n(&from->version, __ATOMIC_ACQUIRE);

		*to = *from;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(version & 1) && __atomic_load_n(&from->version, __ATOMIC_RELAXED) == version)
			return to->last != 0;
	}
	return false;
}

static bool matches(const struct past_filter *f, const struct xdpfw_past *past)
{
	const struct xdpfw_past_key *key = &past->key;

	if (f->has_address && !(key->family && (prefix_contains(&f->address, &key->remote) ||
						prefix_contains(&f->address, &past->local))))
		return false;
	return !f->has_port || (key->family && event_has_ports(key->protocol) && key->port == f->port);
}

static int append(struct past_list *list, size_t *room, const struct xdpfw_past *past)
{
	if (list->count == *room) {
		struct xdpfw_past *more = realloc(list->rows, (*room = *room * 2 + 64) * sizeof(*more));

		if (!more)
			return -ENOMEM;
		list->rows = more;
	}
	list->rows[list->count++] = *past;
	return 0;
}

static int read_cpu(const struct xdpfw_history *h, const struct past_filter *filter, struct past_list *list,
		    size_t *room)
{
	if (h->overrun > list->overrun)
		list->overrun = h->overrun;
	for (int set = 0; set < XDPFW_PAST_SETS; set++) {
		for (int way = 0; way < XDPFW_PAST_WAYS; way++) {
			struct xdpfw_past past;

			if (read_past(&h->sets[set][way], &past) && matches(filter, &past) && append(list, room, &past))
				return -ENOMEM;
		}
	}
	return 0;
}

static int compare_keys(const void *a, const void *b)
{
	const struct xdpfw_past *x = a, *y = b;
	int order = memcmp(&x->key, &y->key, sizeof(x->key));

	return order ? order : (x->last < y->last) - (x->last > y->last);
}

static int compare_times(const void *a, const void *b)
{
	const struct xdpfw_past *x = a, *y = b;

	return (x->last < y->last) - (x->last > y->last);
}

/* Packets of one kind reach several CPUs: keep the last drop's details, add up the rest. */
static void merge(struct past_list *list)
{
	size_t kept = 0;

	qsort(list->rows, list->count, sizeof(*list->rows), compare_keys);
	for (size_t i = 0; i < list->count; i++) {
		struct xdpfw_past *row = &list->rows[i], *last = kept ? &list->rows[kept - 1] : NULL;

		if (!last || memcmp(&last->key, &row->key, sizeof(row->key)) != 0) {
			list->rows[kept++] = *row;
			continue;
		}
		last->packets += row->packets;
		if (row->first < last->first)
			last->first = row->first;
	}
	list->count = kept;
	qsort(list->rows, list->count, sizeof(*list->rows), compare_times);
}

int history_read(struct store *st, const struct past_filter *filter, struct past_list *list, struct error *e)
{
	const struct xdpfw_history *history;
	size_t room = 0;
	int err = store_map(st, "history", sizeof(*history), false, &history, e);

	if (err)
		return err;
	memset(list, 0, sizeof(*list));
	for (unsigned int cpu = 0; !err && cpu < st->cpus; cpu++)
		err = read_cpu(&history[cpu], filter, list, &room);
	if (err) {
		past_list_free(list);
		return fail(e, err, "out of memory");
	}
	if (list->count)
		merge(list);
	return 0;
}

void past_list_free(struct past_list *list)
{
	free(list->rows);
	memset(list, 0, sizeof(*list));
}
