/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guard: nobody shall lock himself out. Before a change, for everyone who is logged in from elsewhere (logins.h):
 * would it cut that connection, or keep its owner from logging in again?
 */
#ifndef XDPFW_USER_GUARD_H
#define XDPFW_USER_GUARD_H

#include <stddef.h>

#include "attach.h"
#include "error.h"
#include "ruleset.h"
#include "session.h"

/*
 * From s->now to @after; -EKEYREJECTED if somebody would be locked out who is not now. --force and --confirm are
 * ways to say that one knows, and in a trial a lock-out undoes itself.
 */
int guard_change(const struct session *s, const struct ruleset *after, struct error *e);

/* The same, with these interfaces loaded besides those that are. */
int guard_load(const struct session *s, const struct ruleset *after, const struct plan *plans, size_t count,
	       struct error *e);

#endif
