// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "session.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "forward_modes.h"
#include "rulesfile.h"
#include "trial.h"
#include "util.h"

static int read_slot(const struct session *s, unsigned int slot, struct ruleset *set, struct error *e)
{
	_free_ char *text = store_read_text(&s->store, slot);

	if (!text)
		return fail(e, -EIO, "%s: the rules of the live policy cannot be read", s->instance.pin_dir);
	return ruleset_parse(text, s->instance.pin_dir, set, e);
}

static int read_rules(struct session *s, struct error *e)
{
	int err;

	s->live = s->open && store_is_live(&s->store);
	if (!s->live)
		return rulesfile_load(s->instance.rules_file, &s->now, e);
	err = read_slot(s, trial_slot(&s->store), &s->now, e);
	if (!err)
		store_number(&s->store, &s->now);
	return err;
}

/* After a trial that is over; port rewriting that only the trial needed goes with it. */
static int settle(struct session *s, struct error *e)
{
	int err = attach_settle(s, e);

	if (!err)
		err = read_rules(s, e);
	if (!err && s->live && !attach_rewrites(s))
		attach_swap(s, false, NULL);
	return err;
}

int session_open(const struct settings *settings, bool writer, struct session *s, struct error *e)
{
	int err;

	memset(s, 0, sizeof(*s));
	s->settings = *settings;
	err = instance_open(settings->netns, settings->pin_dir, settings->rules_file, &s->instance, e);
	if (!err && writer)
		err = instance_lock(&s->instance, e);
	if (err) {
		instance_close(&s->instance);
		return err;
	}
	err = store_open(&s->instance, &s->store, e);
	s->open = err == 0;
	if (s->open && writer && !settings->dry_run && trial_is_over(&s->store))
		err = settle(s, e);
	else if (!err || err == -ENOTCONN)
		err = read_rules(s, e);
	if (!err && e)
		e->text[0] = '\0'; /* not being loaded is no failure */
	if (err)
		session_close(s);
	return err;
}

void session_close(struct session *s)
{
	if (s->open)
		store_close(&s->store);
	s->open = false;
	ruleset_free(&s->now);
	instance_close(&s->instance);
}

int session_require_live(const struct session *s, struct error *e)
{
	if (s->live)
		return 0;
	return fail(e, -ENOTCONN, "not loaded: no interface is filtered; `xdpfw load IFACE` does that");
}

bool session_on_trial(const struct session *s)
{
	return s->live && trial_is_running(&s->store);
}

int session_fallback(const struct session *s, struct ruleset *set, struct error *e)
{
	return read_slot(s, xdpfw_control_fallback(s->store.control->word), set, e);
}

int session_roll_back(struct session *s, struct error *e)
{
	trial_roll_back(&s->store);
	ruleset_free(&s->now);
	return settle(s, e);
}

static bool says(const struct ruleset *set, const char *text)
{
	struct ruleset file = {};
	_free_ char *theirs = NULL, *ours = ruleset_format(set, false);

	if (ours && strcmp(ours, text) == 0) /* to the letter, as we write it: no need to read 100,000 lines */
		return true;
	if (ruleset_parse(text, "", &file, NULL))
		return false;
	theirs = ruleset_format(&file, false);
	ruleset_free(&file);
	return ours && theirs && strcmp(ours, theirs) == 0;
}

int session_refresh(struct session *s, struct error *e)
{
	struct ruleset before = s->now;
	int err;

	memset(&s->now, 0, sizeof(s->now));
	err = read_rules(s, e);
	if (err)
		s->now = before;
	else
		ruleset_free(&before);
	return err;
}

bool session_in_sync(const struct session *s)
{
	_free_ char *text = NULL;

	if (!s->live)
		return true; /* the file is what we have read */
	if (session_on_trial(s))
		return rulesfile_mark(s->instance.rules_file) == s->store.control->file_mark;
	return rulesfile_read(s->instance.rules_file, &text, NULL) == 0 && says(&s->now, text);
}

/* It has left the text that it wanted to write. */
bool session_is_unfinished(const struct session *s)
{
	_free_ char *staged = rulesfile_staged(s->instance.rules_file);

	return s->live && !session_on_trial(s) && staged && says(&s->now, staged);
}

static bool finish(struct session *s)
{
	return session_is_unfinished(s) &&
	       (s->settings.dry_run || rulesfile_publish(s->instance.rules_file, NULL) == 0);
}

int session_check_sync(struct session *s, struct error *e)
{
	if (session_in_sync(s) || finish(s))
		return 0;
	return fail(e, -ESTALE, "%s: edited since it was loaded; `xdpfw apply %s` puts it in force",
		    s->instance.rules_file, s->instance.rules_file);
}

static int stage(struct session *s, struct ruleset *set, struct error *e)
{
	_free_ char *text = ruleset_format(set, false);

	return text ? rulesfile_stage(s->instance.rules_file, text, e) : fail(e, -ENOMEM, "out of memory");
}

__u64 session_trial_deadline(struct session *s)
{
	if (s->settings.confirm && !trial_is_running(&s->store))
		s->store.control->file_mark = rulesfile_mark(s->instance.rules_file);
	return trial_deadline(&s->store, s->settings.confirm);
}

int session_commit(struct session *s, struct ruleset *set, bool runtime, unsigned int *generation, struct error *e)
{
	unsigned int epoch = s->live ? xdpfw_control_epoch(s->store.control->word) : 0;
	__u64 deadline = s->live ? session_trial_deadline(s) : 0;
	int err = 0;

	if (s->live)
		err = refuse_loaded_modes(&s->store, set, e);
	if (err)
		return err;
	runtime |= deadline != 0;
	err = runtime ? 0 : stage(s, set, e);
	if (!err && s->live)
		err = store_commit(&s->store, set, epoch, deadline, e);
	if (err) {
		if (!runtime)
			rulesfile_discard(s->instance.rules_file);
		return err;
	}
	*generation = s->live ? store_generation(&s->store) : 0;
	if (runtime)
		return 0;
	err = rulesfile_publish(s->instance.rules_file, e);
	if (err && s->live) /* the file could not follow, so the kernel goes back */
		store_commit(&s->store, &s->now, epoch, 0, NULL);
	return err;
}
