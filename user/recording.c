// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "recording.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "util.h"

static int grow(struct recording *r)
{
	size_t room = r->room * 2 + 64;
	double *seconds = realloc(r->seconds, room * sizeof(*seconds)), *interval;
	char(*times)[32];

	if (!seconds)
		return -ENOMEM;
	r->seconds = seconds;
	interval = realloc(r->interval, room * sizeof(*interval));
	if (!interval)
		return -ENOMEM;
	r->interval = interval;
	times = realloc(r->times, room * sizeof(*times));
	if (!times)
		return -ENOMEM;
	r->times = times;
	r->room = room;
	return 0;
}

/* Each series has room for as many values as there are records; where it is silent they are zero. */
static struct series *find_series(struct series_list *list, const char *name)
{
	json_t *known;

	if (!list->index)
		list->index = json_object();
	known = json_object_get(list->index, name);
	if (known)
		return &list->rows[json_integer_value(known)];
	if (list->count == list->room) {
		struct series *more = realloc(list->rows, (list->room * 2 + 16) * sizeof(*more));

		if (!more)
			return NULL;
		list->rows = more;
		list->room = list->room * 2 + 16;
	}
	list->rows[list->count] = (struct series){.name = strdup(name)};
	if (!list->rows[list->count].name || json_object_set_new(list->index, name, json_integer(list->count)))
		return NULL;
	return &list->rows[list->count++];
}

static int add_value(const struct recording *r, struct series_list *list, const char *name, double value)
{
	struct series *s;

	if (value <= 0)
		return 0;
	s = find_series(list, name);
	if (s && !s->values)
		s->values = calloc(r->room, sizeof(*s->values));
	if (!s || !s->values)
		return -ENOMEM;
	s->values[r->count] = value;
	s->total += value * r->interval[r->count];
	s->peak = value > s->peak ? value : s->peak;
	return 0;
}

static int widen(struct series_list *list, size_t from, size_t to)
{
	for (size_t i = 0; i < list->count; i++) {
		double *more = realloc(list->rows[i].values, to * sizeof(*more));

		if (!more)
			return -ENOMEM;
		memset(more + from, 0, (to - from) * sizeof(*more));
		list->rows[i].values = more;
	}
	return 0;
}

static int make_room(struct recording *r)
{
	size_t before = r->room;
	int err;

	if (r->count < r->room)
		return 0;
	err = grow(r);
	if (!err)
		err = widen(&r->received, before, r->room);
	if (!err)
		err = widen(&r->sent, before, r->room);
	if (!err)
		err = widen(&r->dropped, before, r->room);
	return err ?: widen(&r->reasons, before, r->room);
}

static int read_port(struct recording *r, json_t *port)
{
	const char *dir, *proto;
	double rx, tx, drop;
	char name[64];
	int number, err;

	if (json_unpack(port, "{s:s,s:s,s:i,s:F,s:F,s:F}", "dir", &dir, "proto", &proto, "port", &number, "rx_bps", &rx,
			"tx_bps", &tx, "drop_pps", &drop))
		return -EINVAL;
	snprintf(name, sizeof(name), "%s %s %d", dir, proto, number);
	err = add_value(r, &r->received, name, rx);
	if (!err)
		err = add_value(r, &r->sent, name, tx);
	return err ?: add_value(r, &r->dropped, name, drop);
}

static int read_reason(struct recording *r, json_t *reason)
{
	const char *dir, *why, *verdict;
	char name[128];
	double pps;

	if (json_unpack(reason, "{s:s,s:s,s:s,s:F}", "dir", &dir, "reason", &why, "verdict", &verdict, "pps", &pps))
		return -EINVAL;
	if (strcmp(verdict, "pass") == 0)
		return 0;
	snprintf(name, sizeof(name), "%s %s (%s)", dir, why, verdict);
	return add_value(r, &r->reasons, name, pps);
}

static int read_rows(struct recording *r, json_t *ports, json_t *reasons)
{
	json_t *row;
	size_t i;
	int err = 0;

	json_array_foreach (ports, i, row)
		if (!err)
			err = read_port(r, row);
	json_array_foreach (reasons, i, row)
		if (!err)
			err = read_reason(r, row);
	return err;
}

static int read_record(struct recording *r, json_t *record)
{
	json_t *interval, *ports, *reasons;
	const char *time;
	json_int_t mono;
	int err;

	if (json_unpack(record, "{s:s,s:I,s:o,s:o,s:o}", "time", &time, "mono_ns", &mono, "interval_s", &interval,
			"ports", &ports, "reasons", &reasons) ||
	    !json_is_array(ports) || !json_is_array(reasons))
		return -EINVAL;
	if (json_is_null(interval))
		return 0;
	if (json_number_value(interval) <= 0)
		return -EINVAL;
	err = make_room(r);
	if (err)
		return err;
	if (!r->count)
		r->began = mono / 1e9 - json_number_value(interval);
	r->seconds[r->count] = mono / 1e9 - r->began;
	r->interval[r->count] = json_number_value(interval);
	snprintf(r->times[r->count], sizeof(*r->times), "%s", time);
	if (r->count && r->seconds[r->count] <= r->seconds[r->count - 1])
		return -EINVAL;
	err = read_rows(r, ports, reasons);
	if (!err)
		r->count++;
	return err;
}

static int read_lines(struct recording *r, FILE *in, const char *name, struct error *e)
{
	_free_ char *line = NULL;
	size_t size = 0, number = 0;

	while (getline(&line, &size, in) > 0) {
		json_t *record;
		int err;

		number++;
		if (line[strspn(line, " \t\r\n")] == '\0')
			continue;
		record = json_loads(line, 0, NULL);
		err = record ? read_record(r, record) : -EINVAL;
		json_decref(record);
		if (err)
			return fail(e, err,
				    err == -ENOMEM ? "out of memory"
						   : "%s:%zu: not a record of `xdpfw stats --watch S --json`",
				    name, number);
	}
	if (ferror(in))
		return fail(e, -errno, "%s: %s", name, strerror(errno));
	if (!r->count)
		return fail(e, -EINVAL,
			    "%s: no interval recorded; write `xdpfw stats --watch 1 --count 60 --json` first", name);
	return 0;
}

int recording_read(FILE *in, const char *name, struct recording *r, struct error *e)
{
	int err;

	memset(r, 0, sizeof(*r));
	err = read_lines(r, in, name, e);
	if (err)
		recording_free(r);
	return err;
}

static void free_series(struct series_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->rows[i].name);
		free(list->rows[i].values);
	}
	free(list->rows);
	json_decref(list->index);
}

void recording_free(struct recording *r)
{
	free_series(&r->received);
	free_series(&r->sent);
	free_series(&r->dropped);
	free_series(&r->reasons);
	free(r->seconds);
	free(r->interval);
	free(r->times);
	memset(r, 0, sizeof(*r));
}

static int by_total(const void *a, const void *b)
{
	const struct series *one = a, *two = b;

	if (one->total != two->total)
		return one->total > two->total ? -1 : 1;
	return strcmp(one->name, two->name);
}

void series_sort(struct series_list *list)
{
	if (list->count)
		qsort(list->rows, list->count, sizeof(*list->rows), by_total);
}
