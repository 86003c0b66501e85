/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session: what one command works on. The policy that is in force (live, or the file's when
 * nothing is loaded), a copy to change, and the way back to kernel and file.
 */
#ifndef XDPFW_USER_SESSION_H
#define XDPFW_USER_SESSION_H

#include <stdbool.h>

#include "error.h"
#include "instance.h"
#include "ruleset.h"
#include "store.h"

/* What the global flags said. */
struct settings {
	const char *netns;
	const char *pin_dir;
	const char *rules_file;
	bool json;
	bool dry_run;
	bool force;
	unsigned int confirm; /* a change is a trial of so many seconds; 0 = no trial */
	bool quiet;
};

struct session {
	struct settings settings;
	struct instance instance;
	struct store store;
	bool open;          /* the store is open: there are pinned maps */
	bool live;          /* and something filters */
	struct ruleset now; /* what is in force */
};

/* Open for reading or (@writer) for changing, which takes the lock. Not being loaded is no error. */
int session_open(const struct settings *settings, bool writer, struct session *s, struct error *e);
void session_close(struct session *s); /* also one that is closed */

/* Closes it when the function ends: _session_ struct session s = SESSION_CLOSED; */
#define _session_ __attribute__((cleanup(session_close)))
#define SESSION_CLOSED                                                                                                 \
	{                                                                                                              \
		.instance.lock = -1                                                                                    \
	}

/* 0, or -ENOTCONN with the line that says what to do. */
int session_require_live(const struct session *s, struct error *e);

/* Read what is in force anew, for those who watch while others change it. On failure s->now is as it was. */
int session_refresh(struct session *s, struct error *e);

/* Does the rules file say what is in force (leaving runtime statements aside)? In a trial: what it said at the beginning? */
bool session_in_sync(const struct session *s);

/* The deadline for a change that is committed now: see trial_deadline(). Notes what the file says at the beginning. */
__u64 session_trial_deadline(struct session *s);

/* Is a trial running? Then the file is not written: `confirm` does that. */
bool session_on_trial(const struct session *s);

/* The policy that a trial would fall back to. */
int session_fallback(const struct session *s, struct ruleset *set, struct error *e);

/* Go back to it now. What was loaded in the trial is let go, after which nothing may be live. */
int session_roll_back(struct session *s, struct error *e);

/* Has a command died after the kernel took its change and before the file did? The next change finishes its work. */
bool session_is_unfinished(const struct session *s);

/* -ESTALE if somebody has edited the rules file since. */
int session_check_sync(struct session *s, struct error *e);

/*
 * Put @set in force and write it down: kernel first, then file. A failure leaves both as they were.
 * *@generation is the new one, 0 if nothing is loaded. @runtime leaves the file alone, and so does a trial.
 */
int session_commit(struct session *s, struct ruleset *set, bool runtime, unsigned int *generation, struct error *e);

#endif
