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
void session_close(struct session *s);

/* Does the rules file say what is in force (leaving runtime statements aside)? */
bool session_in_sync(const struct session *s);

/* Has a command died after the kernel took its change and before the file did? The next change finishes its work. */
bool session_is_unfinished(const struct session *s);

/* -ESTALE if somebody has edited the rules file since. */
int session_check_sync(struct session *s, struct error *e);

/*
 * Put @set in force and write it down: kernel first, then file. A failure leaves both as they were.
 * *@generation is the new one, 0 if nothing is loaded. @runtime leaves the file alone.
 */
int session_commit(struct session *s, struct ruleset *set, bool runtime, unsigned int *generation, struct error *e);

#endif
