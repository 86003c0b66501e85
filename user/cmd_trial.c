// SPDX-License-Identifier: GPL-2.0-only
/* confirm, rollback: the two ends of a trial (see trial.h) that somebody decides on. */
#define _GNU_SOURCE
#include <errno.h>

#include "attach.h"
#include "changes.h"
#include "command.h"
#include "rulesfile.h"
#include "trial.h"
#include "util.h"

/* A session in which a trial runs. One that is over has been settled by opening. */
static int open_trial(const struct settings *settings, const struct words *words, struct session *s, struct error *e)
{
	const char *name = words->list[0];
	int err;

	if (words->count > 1)
		return fail(e, -EINVAL, "%s: '%s': takes no words", name, words->list[1]);
	err = begin_session(settings, true, s, e);
	if (err)
		return err;
	if (!s->live)
		return fail(e, -ENOTCONN, "%s: not loaded: no trial is running", name);
	if (!session_on_trial(s))
		return fail(e, -ENOENT, "%s: no trial is running; begin one with --confirm SECONDS on a change", name);
	return 0;
}

/* The kernel keeps it from the store in trial_confirm() on; what dies behind that is finished by the next command. */
static int confirm(struct session *s, struct error *e)
{
	_free_ char *text = ruleset_format(&s->now, false);
	int err = text ? rulesfile_stage(s->instance.rules_file, text, e) : fail(e, -ENOMEM, "out of memory");

	if (err)
		return err;
	trial_confirm(&s->store);
	if (!attach_rewrites(s))
		attach_swap(s, false, NULL);
	return rulesfile_publish(s->instance.rules_file, e);
}

static void print_end(const struct settings *settings, struct changes *c, const char *what)
{
	if (settings->json)
		changes_print(c, settings, true);
	else if (!settings->quiet)
		printf("%s%s\n", settings->dry_run ? "would be " : "", what);
	if (!settings->json && settings->dry_run)
		changes_print(c, settings, true);
}

int cmd_confirm(const struct settings *settings, struct words words, struct error *e)
{
	struct ruleset before = {};
	struct changes c;
	_session_ struct session s = SESSION_CLOSED;
	int err = open_trial(settings, &words, &s, e);

	if (err)
		return err;
	changes_init(&c);
	err = session_check_sync(&s, e);
	if (!err)
		err = session_fallback(&s, &before, e);
	if (!err)
		changes_compare(&c, &before, &s.now);
	if (!err && !settings->dry_run)
		err = confirm(&s, e);
	if (!err) {
		c.generation = store_generation(&s.store);
		print_end(settings, &c, "confirmed: the change stays, and the rules file has it");
	}
	ruleset_free(&before);
	changes_free(&c);
	return err;
}

int cmd_rollback(const struct settings *settings, struct words words, struct error *e)
{
	struct ruleset before = {};
	struct changes c;
	_session_ struct session s = SESSION_CLOSED;
	int err = open_trial(settings, &words, &s, e);

	if (err)
		return err;
	changes_init(&c);
	err = session_fallback(&s, &before, e);
	if (!err)
		changes_compare(&c, &s.now, &before);
	if (!err && !settings->dry_run)
		err = session_roll_back(&s, e);
	if (!err) {
		c.generation = s.live ? store_generation(&s.store) : 0;
		print_end(settings, &c, "rolled back: the rules from before the trial are in force");
	}
	ruleset_free(&before);
	changes_free(&c);
	return err;
}
