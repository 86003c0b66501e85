/* SPDX-License-Identifier: GPL-2.0-only */
/* Where forwards to other hosts cannot be right. */
#ifndef XDPFW_USER_FORWARD_MODES_H
#define XDPFW_USER_FORWARD_MODES_H

#include "ruleset.h"
#include "store.h"

bool ruleset_has_remote_forward(const struct ruleset *set);

/* -EOPNOTSUPP if @set forwards to other hosts and a loaded interface is in a mode that cannot do that. */
int refuse_loaded_modes(const struct store *st, const struct ruleset *set, struct error *e);

/* The same for an interface that is to be loaded. */
int refuse_mode(const char *iface, enum xdpfw_in_hook in_hook, const struct ruleset *set, struct error *e);

#endif
