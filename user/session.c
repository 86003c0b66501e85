// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "session.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "rulesfile.h"
#include "util.h"

static int read_live_rules(struct session *s, struct error *e)
{
	unsigned int slot = xdpfw_control_active(s->store.control->word);
	_free_ char *text = store_read_text(&s->store, slot);
	int err;

	if (!text)
		return fail(e, -EIO, "%s: the rules of the live policy cannot be read", s->instance.pin_dir);
	err = ruleset_parse(text, s->instance.pin_dir, &s->now, e);
	if (!err)
		store_number(&s->store, &s->now);
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
	s->live = s->open && store_is_live(&s->store);
	if (s->live)
		err = read_live_rules(s, e);
	else if (!err || err == -ENOTCONN)
		err = rulesfile_load(s->instance.rules_file, &s->now, e);
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

static bool says(const struct session *s, const char *text)
{
	struct ruleset file = {};
	_free_ char *theirs = NULL, *ours = ruleset_format(&s->now, false);

	if (ruleset_parse(text, "", &file, NULL))
		return false;
	theirs = ruleset_format(&file, false);
	ruleset_free(&file);
	return ours && theirs && strcmp(ours, theirs) == 0;
}

bool session_in_sync(const struct session *s)
{
	_free_ char *text = NULL;

	if (!s->live)
		return true; /* the file is what we have read */
	return rulesfile_read(s->instance.rules_file, &text, NULL) == 0 && says(s, text);
}

/* It has left the text that it wanted to write. */
bool session_is_unfinished(const struct session *s)
{
	_free_ char *staged = rulesfile_staged(s->instance.rules_file);

	return s->live && staged && says(s, staged);
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

int session_commit(struct session *s, struct ruleset *set, bool runtime, unsigned int *generation, struct error *e)
{
	int err = ruleset_enforceable(set, e); /* also for a file that is not loaded yet */

	if (err)
		return err;
	err = runtime ? 0 : stage(s, set, e);
	if (!err && s->live)
		err = store_commit(&s->store, set, xdpfw_control_epoch(s->store.control->word), e);
	if (err) {
		if (!runtime)
			rulesfile_discard(s->instance.rules_file);
		return err;
	}
	*generation = s->live ? s->store.control->generation : 0;
	if (runtime)
		return 0;
	err = rulesfile_publish(s->instance.rules_file, e);
	if (err && s->live) /* the file could not follow, so the kernel goes back */
		store_commit(&s->store, &s->now, xdpfw_control_epoch(s->store.control->word), NULL);
	return err;
}
