// SPDX-License-Identifier: GPL-2.0-only
#include "enforce.h"

#include <errno.h>

#include "attach.h"
#include "guard.h"
#include "trial.h"

/*
 * Rewriting behind XDP is attached before the first forward and detached after the last one, once no connections of one
 * are left: without them it does nothing. A trial may fall back to a policy with forwards, so it stays.
 */
static int put_in_force(struct session *s, struct ruleset *after, bool runtime, struct changes *c, struct error *e)
{
	bool had = s->live && attach_rewrites(s);
	bool has = ruleset_count(after, STATEMENT_FORWARD) > 0;
	int err = 0;

	if (s->live && has && !had)
		err = attach_swap(s, true, e);
	if (!err)
		err = session_commit(s, after, runtime, &c->generation, e);
	if (s->live && !session_on_trial(s) && (err ? has && !had : had && !attach_rewrites(s)))
		attach_swap(s, false, NULL);
	return err;
}

int enforce(struct session *s, struct ruleset *after, bool runtime, struct changes *c, struct error *e)
{
	int err = 0;

	if (s->settings.confirm && !s->live)
		return fail(e, -ENOTCONN, "--confirm: not loaded: nothing is in force that could be tried");
	if (s->settings.confirm && session_on_trial(s))
		changes_warn(c, "a trial is running: this becomes part of it and keeps its deadline");
	if (s->live)
		err = guard_change(s, after, e);
	if (err || s->settings.dry_run)
		return err;
	err = put_in_force(s, after, runtime, c, e);
	if (!err && session_on_trial(s))
		c->trial_seconds = trial_seconds_left(&s->store);
	return err;
}
