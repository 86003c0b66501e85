/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Targets that new connections pass over, because a probe has found them dead: one bit a target, by the counter number of the
 * forward (struct xdpfw_dead_targets). State of the data path, not of the policy: changes of rules leave it alone, and
 * a forward that is deleted takes it along.
 */
#ifndef XDPFW_USER_DEAD_TARGETS_H
#define XDPFW_USER_DEAD_TARGETS_H

#include <jansson.h>

#include "session.h"

/* The targets of the forward @st that are passed over now, as bits; none if all are dead, or nothing is loaded. */
unsigned int dead_targets_of(const struct session *s, const struct statement *st);

/* Let those of @dead be passed over, and no others of this forward. Connections to them that nothing answers any more begin
 * anew at another: UDP, and TCP that is not established. */
void dead_targets_set(struct session *s, const struct statement *st, unsigned int dead);

/* What is passed over as target names, for JSON. */
json_t *dead_targets_json(const struct session *s, const struct statement *st);

/* The same for people: a line each, below the one of the forward. */
void dead_targets_print(const struct session *s, const struct statement *st, int indent);

#endif
