// SPDX-License-Identifier: GPL-2.0-only
/* log: follow what is dropped and what rules with `log` decide, as it happens. */
#define _GNU_SOURCE
#include <errno.h>
#include <jansson.h>
#include <stdio_ext.h>
#include <string.h>
#include <time.h>

#include "capture.h"
#include "command.h"
#include "counts.h"
#include "log_event.h"
#include "log_reader.h"
#include "parse_number.h"
#include "record.h"
#include "ticker.h"
#include "util.h"

struct request {
	const char *pcap;    /* NULL: no capture */
	unsigned long count; /* events to show, 0: until a signal or the reader's end */
};

struct follower {
	struct session *session;
	const struct request *request;
	struct rule_table rules;
	__u64 word; /* the control word that `rules` are of: it changes with every policy */
	struct capture capture;
	struct log_reader reader;
	unsigned long shown;
	bool silent; /* standard output belongs to the capture, or nobody wants it */
	int err;
};

static bool has_enough(const struct follower *f)
{
	return f->request->count && f->shown >= f->request->count;
}

static void print_json(json_t *root)
{
	json_dumpf(root, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(root);
}

static void print_event(const struct follower *f, const struct log_event *le)
{
	_free_ char *text = NULL;

	if (f->silent)
		return;
	if (f->session->settings.json) {
		print_json(log_event_json(le));
		return;
	}
	text = log_event_text(le);
	puts(text ? text : "out of memory");
}

/* Rules come and go while we watch. */
static int follow_rules(struct follower *f)
{
	__u64 word = __atomic_load_n(&f->session->store.control->word, __ATOMIC_ACQUIRE);
	struct rule_table fresh;
	int err;

	if (f->rules.entries && word == f->word)
		return 0;
	err = f->rules.entries ? session_refresh(f->session, NULL) : 0;
	if (!err)
		err = rule_table_build(&f->session->now, &fresh);
	if (err)
		return err;
	rule_table_free(&f->rules);
	f->rules = fresh;
	f->word = word;
	return 0;
}

static void on_event(const struct xdpfw_event *raw, void *data)
{
	struct follower *f = data;
	struct log_event le;

	if (f->err || has_enough(f))
		return;
	f->err = follow_rules(f);
	if (f->err)
		return;
	le = log_event_of(&f->session->store, &f->rules, raw);
	print_event(f, &le);
	if (f->capture.file)
		f->err = capture_write(&f->capture, raw, &le);
	f->shown++;
}

static void print_suppressed(const struct follower *f, enum xdpfw_dir side, __u32 met, __u64 count)
{
	const char *dir = dir_name(side), *verdict = verdict_name(met >> 6), *reason = reason_name(met & 63);
	char time[STAMP_TEXT_MAX];

	format_stamp(clock_ns(CLOCK_REALTIME), time);
	if (f->session->settings.json)
		print_json(json_pack("{s:s,s:s,s:s,s:s,s:s,s:I}", "time", time, "dir", dir, "verdict", verdict,
				     "reason", reason, "event", "suppressed", "count", (json_int_t)count));
	else
		printf("%s %-3s %-6s %-14s %llu more than option log-rate lets through\n", time, dir, verdict, reason,
		       (unsigned long long)count);
}

static void print_lost(const struct follower *f, __u64 count)
{
	char time[STAMP_TEXT_MAX];

	format_stamp(clock_ns(CLOCK_REALTIME), time);
	if (f->session->settings.json)
		print_json(json_pack("{s:s,s:s,s:I}", "time", time, "event", "lost", "count", (json_int_t)count));
	else
		printf("%s %llu lost: events came faster than they could be read\n", time, (unsigned long long)count);
}

static void report_suppressed(struct follower *f, enum xdpfw_dir dir, __u32 met)
{
	__u64 count = log_reader_take_suppressed(&f->reader, dir, met);

	if (count && !f->silent && (met & 63) < XDPFW_NR_REASONS)
		print_suppressed(f, dir, met, count);
}

/* What was not shown, and how much of it. */
static void report_gaps(struct follower *f)
{
	__u64 count = log_reader_take_lost(&f->reader);

	if (count && !f->silent)
		print_lost(f, count);
	for (int dir = 0; dir < XDPFW_LOG_DIRS; dir++)
		for (__u32 met = 0; met < XDPFW_LOG_MET; met++)
			report_suppressed(f, dir, met);
}

/* Tell those who wait for something to happen, and those who start us and wait until we listen. */
static void announce(const struct follower *f)
{
	static const char *const what[] = {
		"nothing: no rule has `log`, and `log drops` is off",
		"drops",
		"rules with `log`",
		"drops and rules with `log`",
	};
	const struct store *st = &f->session->store;
	__u32 flags = st->heads[xdpfw_control_active(st->control->word)].flags;

	if (!f->session->settings.quiet)
		fprintf(stderr, "xdpfw: log: following %s\n",
			what[(flags & XDPFW_LOG_DROPS ? 1 : 0) + (flags & XDPFW_LOG_RULES ? 2 : 0)]);
}

/* One turn: what there is to read, or what is to be done now and then. False at the end. */
static bool turn(struct follower *f, struct ticker *ticker)
{
	enum tick tick = ticker_wait(ticker, log_reader_fd(&f->reader));

	if (tick == TICK_END)
		return false;
	if (tick == TICK_TIME) {
		f->err = log_reader_keep(&f->reader);
		if (!f->err)
			report_gaps(f);
		if (!f->err && !store_is_live(&f->session->store))
			f->err = -ENOTCONN;
	}
	if (!f->err && tick == TICK_INPUT) {
		int err = log_reader_read(&f->reader);

		f->err = f->err ? f->err : err;
	}
	if (fflush(stdout)) {
		__fpurge(stdout); /* nobody reads any more: the end, not a failure */
		return false;
	}
	return !f->err && !has_enough(f);
}

static int explain_end(int err, struct error *e)
{
	switch (err) {
	case 0:
		return 0;
	case -ENOTCONN:
		return fail(e, err, "log: unloaded meanwhile; nothing is filtered any more");
	case -ESTALE:
		return fail(e, err, "log: stopped for so long that another reader has its place; begin again");
	default:
		return fail(e, err, "log: %s", strerror(-err));
	}
}

/* What was under way when we stopped is still shown. */
static void finish(struct follower *f)
{
	log_reader_stop(&f->reader);
	if (!f->err && !has_enough(f))
		log_reader_read(&f->reader);
	report_gaps(f);
	if (fflush(stdout))
		__fpurge(stdout);
}

static int follow(struct follower *f, struct error *e)
{
	struct ticker ticker = {-1, -1};
	int err = ticker_open(&ticker, LOG_READER_INTERVAL_NS);

	if (!err)
		err = follow_rules(f);
	if (err) {
		ticker_close(&ticker);
		return explain_end(err, e);
	}
	err = log_reader_open(&f->session->store, on_event, f, &f->reader, e);
	if (!err) {
		announce(f);
		while (turn(f, &ticker))
			;
		finish(f);
		log_reader_close(&f->reader);
		err = explain_end(f->err, e);
	}
	ticker_close(&ticker);
	return err;
}

static int run(struct session *s, const struct request *rq, struct error *e)
{
	struct follower f = {.session = s, .request = rq};
	int err = rq->pcap ? capture_open(&f.capture, rq->pcap, e) : 0;

	f.silent = s->settings.quiet || (rq->pcap && strcmp(rq->pcap, "-") == 0);
	if (!err)
		err = follow(&f, e);
	rule_table_free(&f.rules);
	capture_close(&f.capture);
	return err;
}

/* `log drops on` is `option log-drops on`. */
static int switch_drops(const struct settings *settings, struct words words, struct error *e)
{
	words.list[0] = "option";
	words.list[1] = "log-drops";
	return cmd_change(settings, words, e);
}

static int parse_request(struct words *words, struct request *rq, struct error *e)
{
	const char *count = NULL;
	int err = take_option(words, "--pcap FILE", &rq->pcap, e);

	if (!err)
		err = take_option(words, "--count N", &count, e);
	if (!err && count && (parse_number(count, strlen(count), 1000000000, &rq->count) != NUMBER_OK || !rq->count))
		err = fail(e, -EINVAL, "--count '%s': not a number of events; write 1 or more", excerpt(count).text);
	if (!err && words->count > 1)
		err = fail(e, -EINVAL, "log: '%s': write --pcap FILE, --count N, or `log drops on|off`",
			   excerpt(words->list[1]).text);
	return err;
}

int cmd_log(const struct settings *settings, struct words words, struct error *e)
{
	struct request rq = {};
	_session_ struct session s = SESSION_CLOSED;
	int err;

	if (words.count > 1 && strcmp(words.list[1], "drops") == 0)
		return switch_drops(settings, words, e);
	err = parse_request(&words, &rq, e);
	if (!err)
		err = begin_session(settings, false, &s, e);
	if (!err)
		err = session_require_live(&s, e);
	return err ? err : run(&s, &rq, e);
}
