/* SPDX-License-Identifier: GPL-2.0-only */
/* What a new deny or reject rule means for connections that are open: they live on, unless they are cut. */
#ifndef XDPFW_USER_OPEN_CONNECTIONS_H
#define XDPFW_USER_OPEN_CONNECTIONS_H

#include "error.h"
#include "ruleset.h"
#include "session.h"

/*
 * The rule is in force now. With @kill, cut the open connections that it denies; without, say on stderr that they
 * live on, if there are any.
 */
int settle_open_connections(const struct settings *settings, const struct rule *rule, bool kill, struct error *e);

#endif
