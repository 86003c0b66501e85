// SPDX-License-Identifier: GPL-2.0-only
/* forward --check: can the targets of forwards be reached, are they alive, and are dead ones to be passed over? */
#define _GNU_SOURCE
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "command.h"
#include "dead_targets.h"
#include "forward_check.h"
#include "parse.h"
#include "probe.h"
#include "statement_forward.h"
#include "text.h"
#include "util.h"

/* What the flags said. */
struct wish {
	const char *command; /* NULL: no probe */
	unsigned int seconds;
	bool mark, dry_run;
};

/* One target of a forward to other hosts, and what is found out about it. */
struct target_report {
	const struct statement *statement;
	size_t index;
	struct fault faults[FAULTS_MAX];
	size_t nr_faults;
	bool passed_over; /* by new connections, when the command ends */
	bool was_passed_over;
};

struct reports {
	struct target_report *list;
	struct probe *probes; /* of the same targets */
	size_t count;
};

static void free_reports(struct reports *r)
{
	free(r->list);
	free(r->probes);
}

#define _reports_ __attribute__((cleanup(free_reports)))

static int read_wish(struct words *words, struct wish *wish, struct error *e)
{
	const char *within = NULL;
	int err = take_option(words, "--probe COMMAND", &wish->command, e);

	if (!err)
		err = take_option(words, "--within DURATION", &within, e);
	if (!err && within)
		err = parse_duration(within, &wish->seconds, e);
	wish->mark = take_flag(words, "--mark");
	if (err)
		return err;
	if (words->count > 1)
		return fail(e, -EINVAL,
			    "forward --check: '%s': not known; write --probe COMMAND, --within 5s or --mark",
			    excerpt(words->list[1]).text);
	if (!wish->command && (within || wish->mark))
		return fail(e, -EINVAL, "%s: goes with --probe COMMAND", within ? "--within" : "--mark");
	if (wish->command && !*wish->command)
		return fail(e, -EINVAL, "--probe: the command is empty; write --probe 'nc -z $ADDR $PORT'");
	return 0;
}

static void prepare_probe(const struct forward *f, const struct forward_target *target, struct probe *p)
{
	format_addr(&target->addr, p->addr);
	p->port = target->ports[0].first;
	p->protocol = f->protocols & PROTO_TCP ? "tcp" : "udp";
}

static int collect(const struct session *s, struct reports *r)
{
	size_t most = 0;

	for (size_t i = 0; i < s->now.count; i++)
		if (s->now.statements[i].kind == STATEMENT_FORWARD)
			most += s->now.statements[i].forward.nr_targets;
	r->list = calloc(most + 1, sizeof(*r->list));
	r->probes = calloc(most + 1, sizeof(*r->probes));
	if (!r->list || !r->probes)
		return -ENOMEM;
	for (size_t i = 0; i < s->now.count; i++) {
		const struct statement *st = &s->now.statements[i];

		for (size_t j = 0; st->kind == STATEMENT_FORWARD && j < st->forward.nr_targets; j++) {
			if (!st->forward.targets[j].remote)
				continue;
			r->list[r->count] = (struct target_report){.statement = st, .index = j};
			prepare_probe(&st->forward, &st->forward.targets[j], &r->probes[r->count++]);
		}
	}
	return 0;
}

static void examine(const struct session *s, struct reports *r)
{
	for (size_t i = 0; i < r->count; i++) {
		struct target_report *t = &r->list[i];

		t->nr_faults =
			forward_check(&s->now, s->live ? &s->store : NULL, &t->statement->forward, t->index, t->faults);
		t->was_passed_over = t->passed_over = dead_targets_of(s, t->statement) >> t->index & 1;
	}
}

/* The targets of the forward that the probes have found dead; 0 if that is all of them. */
static unsigned int found_dead(const struct reports *r, const struct statement *st)
{
	unsigned int dead = 0;

	for (size_t i = 0; i < r->count; i++)
		if (r->list[i].statement->id == st->id && !r->probes[i].alive)
			dead |= 1U << r->list[i].index;
	return dead == (1U << st->forward.nr_targets) - 1 ? 0 : dead;
}

/* The probes took their time, so the forwards may be others by now: those that are still there are marked. */
static int mark(const struct settings *settings, struct reports *r, struct error *e)
{
	_session_ struct session s = SESSION_CLOSED;
	int err = session_open(settings, true, &s, e);

	if (err)
		return err;
	err = session_require_live(&s, e);
	for (size_t i = 0; !err && !settings->dry_run && i < s.now.count; i++) {
		const struct statement *st = &s.now.statements[i];

		if (st->kind == STATEMENT_FORWARD && st->forward.targets[0].remote &&
		    found_dead(r, st) != dead_targets_of(&s, st))
			dead_targets_set(&s, st, found_dead(r, st));
	}
	for (size_t i = 0; !err && i < r->count; i++)
		r->list[i].passed_over = found_dead(r, r->list[i].statement) >> r->list[i].index & 1;
	return err;
}

static bool is_well(const struct target_report *t, const struct probe *p, const struct wish *wish)
{
	return !t->nr_faults && (!wish->command || p->alive);
}

static json_t *report_json(const struct target_report *t, const struct probe *p, const struct wish *wish)
{
	const struct forward *f = &t->statement->forward;
	_free_ char *text = statement_format(t->statement);
	_text_ struct text target = {};
	json_t *faults = json_array();

	forward_target_write(&target, f, &f->targets[t->index]);
	for (size_t i = 0; i < t->nr_faults; i++)
		json_array_append_new(faults, json_pack("{s:s,s:s}", "kind", fault_name(t->faults[i].kind), "text",
							t->faults[i].text));
	return json_pack("{s:s,s:s,s:b,s:o,s:s,s:o,s:o,s:b}", "forward", text, "target", target.data, "well",
			 is_well(t, p, wish), "faults", faults, "returns", forward_returns(t->faults, t->nr_faults, f),
			 "alive", wish->command ? json_boolean(p->alive) : json_null(), "why",
			 *p->why ? json_string(p->why) : json_null(), "passed_over", t->passed_over);
}

static void print_json(const struct reports *r, const struct wish *wish)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->count; i++)
		json_array_append_new(list, report_json(&r->list[i], &r->probes[i], wish));
	json_dumpf(list, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(list);
}

/* What becomes of new connections to it. */
static const char *consequence(const struct target_report *t, const struct wish *wish, bool dead)
{
	if (t->passed_over && t->was_passed_over)
		return "; passed over";
	if (t->passed_over)
		return wish->dry_run ? "; would be passed over" : "; passed over from now on";
	if (t->was_passed_over)
		return wish->dry_run ? "; would no longer be passed over" : "; no longer passed over";
	return dead && wish->mark ? "; not passed over, since no target is alive" : "";
}

static void print_report(const struct target_report *t, const struct probe *p, const struct wish *wish)
{
	const struct forward *f = &t->statement->forward;
	bool dead = wish->command && !p->alive;
	_text_ struct text target = {};

	forward_target_write(&target, f, &f->targets[t->index]);
	for (size_t i = 0; i < t->nr_faults; i++)
		printf("%s: %s\n", target.data, t->faults[i].text);
	if (dead)
		printf("%s: dead: %s%s\n", target.data, p->why, consequence(t, wish, true));
	else if (wish->command || !t->nr_faults)
		printf("%s: %s%s%s\n", target.data, wish->command ? "alive" : "well",
		       f->keep_source && !t->nr_faults ? ", if it answers clients by way of this host (keep-source)"
						       : "",
		       consequence(t, wish, false));
}

/* Marking has done what it was asked for, whatever it has found. */
static int verdict(const struct reports *r, const struct wish *wish, struct error *e)
{
	size_t ill = 0;

	for (size_t i = 0; i < r->count; i++)
		ill += !is_well(&r->list[i], &r->probes[i], wish);
	if (!ill || wish->mark)
		return 0;
	return fail(e, -EHOSTUNREACH, "forward --check: %zu target%s cannot be reached", ill, ill == 1 ? "" : "s");
}

static int check(const struct session *s, const struct wish *wish, struct error *e)
{
	_reports_ struct reports r = {};
	int err = collect(s, &r);

	if (err)
		return fail(e, err, "out of memory");
	examine(s, &r);
	if (wish->command)
		err = probes_run(wish->command, wish->seconds, r.probes, r.count, e);
	if (!err && wish->mark)
		err = mark(&s->settings, &r, e);
	if (err)
		return err;
	if (s->settings.json)
		print_json(&r, wish);
	else
		for (size_t i = 0; i < r.count; i++)
			print_report(&r.list[i], &r.probes[i], wish);
	return verdict(&r, wish, e);
}

int cmd_forward_check(const struct settings *settings, struct words words, struct error *e)
{
	struct wish wish = {.seconds = PROBE_SECONDS, .dry_run = settings->dry_run};
	_session_ struct session s = SESSION_CLOSED;
	int err = read_wish(&words, &wish, e);

	if (!err)
		err = begin_session(settings, false, &s, e);
	return err ? err : check(&s, &wish, e);
}
