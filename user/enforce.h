/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last step of every command that changes the policy: see that nobody locks himself out, put the new
 * ruleset in force, write it down.
 */
#ifndef XDPFW_USER_ENFORCE_H
#define XDPFW_USER_ENFORCE_H

#include <stdbool.h>

#include "changes.h"
#include "error.h"
#include "ruleset.h"
#include "session.h"

/*
 * From s->now to @after: the guard (-EKEYREJECTED), then the kernel, then the file, or neither. With --dry-run
 * only the guard. With --confirm it is a trial. @runtime leaves the file alone.
 */
int enforce(struct session *s, struct ruleset *after, bool runtime, struct changes *c, struct error *e);

#endif
