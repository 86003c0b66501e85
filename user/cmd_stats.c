// SPDX-License-Identifier: GPL-2.0-only
/* stats: exact counters of every service port and of every reason; once, at intervals, or read and cleared. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio_ext.h>
#include <string.h>
#include <time.h>

#include "baseline.h"
#include "command.h"
#include "parse_number.h"
#include "record.h"
#include "ticker.h"
#include "util.h"

struct request {
	struct port_filter filter;
	bool csv;
	bool json;
	bool reset;
	__u64 interval_ns;   /* --watch, 0 if not given */
	unsigned long count; /* --count, 0: until a signal or the reader's end */
};

static int parse_watch(const char *watch, const char *count, struct request *rq, struct error *e)
{
	int err = watch ? parse_interval(watch, "--watch", 100, 3600000, &rq->interval_ns, e) : 0;

	if (err || !count)
		return err;
	if (!watch)
		return fail(e, -EINVAL, "--count: counts the records of --watch; write `stats --watch 1 --count %s`",
			    excerpt(count).text);
	if (parse_number(count, strlen(count), 1000000000, &rq->count) != NUMBER_OK || !rq->count)
		return fail(e, -EINVAL, "--count '%s': not a number of records; write 1 or more", excerpt(count).text);
	return 0;
}

static int parse_request(const struct settings *settings, struct words *words, struct request *rq, struct error *e)
{
	const char *watch = NULL, *count = NULL, *port = NULL;
	int err = take_option(words, "--watch S", &watch, e);

	if (!err)
		err = take_option(words, "--count N", &count, e);
	if (!err)
		err = take_option(words, "--port PORTS", &port, e);
	rq->json = settings->json;
	rq->csv = take_flag(words, "--csv");
	rq->reset = take_flag(words, "--reset");
	if (!err && words->count > 1)
		err = fail(e, -EINVAL, "stats: '%s': write --watch S, --count N, --port PORTS, --csv or --reset",
			   excerpt(words->list[1]).text);
	if (!err && rq->csv && rq->json)
		err = fail(e, -EINVAL, "stats: --csv and --json: one form at a time");
	if (!err && rq->reset && (watch || port))
		err = fail(e, -EINVAL,
			   "stats: --reset: clears all counters, once; write it without --watch and --port");
	if (!err)
		err = parse_watch(watch, count, rq, e);
	if (!err && port)
		err = parse_port_filter(port, "--port", &rq->filter, e);
	return err;
}

/* All that was counted since the counters began, and when that was read. */
static int read_raw(const struct store *st, struct record *r)
{
	r->time_ns = clock_ns(CLOCK_REALTIME);
	r->mono_ns = clock_ns(CLOCK_MONOTONIC);
	return counts_read(st, &r->total);
}

/* What was counted since the last reset. */
static int subtract_baseline(const struct store *st, struct record *r)
{
	struct counts base;
	int err = baseline_read(st, &base, &r->since_ns);

	if (!err)
		counts_subtract(&r->total, &base);
	counts_free(&base);
	return err;
}

static int print(const struct record *r, const struct request *rq)
{
	return rq->json  ? record_print_json(r, &rq->filter, stdout)
	       : rq->csv ? record_print_csv(r, &rq->filter, stdout)
			 : record_print_text(r, &rq->filter, stdout);
}

static void free_record(struct record *r)
{
	counts_free(&r->total);
	counts_free(&r->change);
}

static int show_once(const struct session *s, const struct request *rq, struct error *e)
{
	struct record r = {};
	int err = read_raw(&s->store, &r);

	if (!err)
		err = subtract_baseline(&s->store, &r);
	if (!err && rq->csv)
		record_print_csv_head(stdout);
	if (!err)
		err = print(&r, rq);
	free_record(&r);
	return err ? fail(e, err, "stats: %s", strerror(-err)) : 0;
}

/* Read and clear: what is printed and what will be counted from now on add up to all that ever was. */
static int reset(const struct session *s, const struct request *rq, struct error *e)
{
	struct record r = {};
	struct counts base = {};
	int err = read_raw(&s->store, &r);

	if (!err)
		err = baseline_read(&s->store, &base, &r.since_ns);
	if (err)
		fail(e, err, "stats: %s", strerror(-err));
	else if (!s->settings.dry_run)
		err = baseline_write(&s->store, &r.total, r.time_ns, e);
	if (!err) {
		counts_subtract(&r.total, &base);
		if (rq->csv)
			record_print_csv_head(stdout);
		if (!s->settings.quiet)
			err = print(&r, rq);
	}
	counts_free(&base);
	free_record(&r);
	return err;
}

/* One record: rates over the time since @before, which becomes the present counters. */
static int show_interval(const struct store *st, const struct request *rq, struct record *before)
{
	struct record now = {};
	int err = read_raw(st, &now);

	if (!err)
		err = counts_copy(&now.total, &now.change);
	if (!err) {
		now.interval_ns = now.mono_ns - before->mono_ns;
		counts_subtract(&now.change, &before->total);
		counts_free(&before->total);
		before->mono_ns = now.mono_ns;
		err = counts_copy(&now.total, &before->total);
	}
	if (!err)
		err = subtract_baseline(st, &now);
	if (!err)
		err = print(&now, rq);
	free_record(&now);
	return err;
}

static int watch(const struct session *s, const struct request *rq, struct error *e)
{
	struct ticker ticker = {-1, -1};
	struct record before = {};
	int err = ticker_open(&ticker, rq->interval_ns);

	if (!err)
		err = read_raw(&s->store, &before);
	if (rq->csv)
		record_print_csv_head(stdout);
	for (unsigned long n = 0; !err && (!rq->count || n < rq->count);) {
		enum tick tick = ticker_wait(&ticker, -1);

		if (tick == TICK_END)
			break;
		if (tick != TICK_TIME)
			continue;
		if (!store_is_live(&s->store)) {
			err = fail(e, -ENOTCONN, "stats: unloaded meanwhile; nothing is counted any more");
			break;
		}
		n++;
		err = show_interval(&s->store, rq, &before);
		if (!err && fflush(stdout)) {
			__fpurge(stdout); /* nobody reads any more: the end, not a failure */
			break;
		}
	}
	free_record(&before);
	ticker_close(&ticker);
	return err && err != -ENOTCONN ? fail(e, err, "stats: %s", strerror(-err)) : err;
}

int cmd_stats(const struct settings *settings, struct words words, struct error *e)
{
	struct request rq = {};
	_session_ struct session s = SESSION_CLOSED;
	int err = parse_request(settings, &words, &rq, e);

	if (!err)
		err = begin_session(settings, rq.reset, &s, e);
	if (!err)
		err = session_require_live(&s, e);
	if (!err && rq.reset)
		err = reset(&s, &rq, e);
	else if (!err)
		err = rq.interval_ns ? watch(&s, &rq, e) : show_once(&s, &rq, e);
	ports_free(&rq.filter.ports);
	return err;
}
