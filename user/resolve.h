/* SPDX-License-Identifier: GPL-2.0-only */
/* The names in rules as what they are on this host when the policy is compiled. */
#ifndef XDPFW_USER_RESOLVE_H
#define XDPFW_USER_RESOLVE_H

#include <stdbool.h>

#include "environment.h"
#include "error.h"
#include "ruleset.h"

/* What a rule's conditions are on this host. One for each statement of the ruleset, by its place. */
struct resolved {
	bool never;       /* disabled, expired, or about what is not here: an interface, an empty set */
	bool conditional; /* depends on more than port and protocol */
	__u32 iface, iface_out, user;
	__u64 cgroup;
	__u32 cgroup_level;
};

/* 0 or a negative errno: -ENOENT for a user that there is none of. */
int resolve_rules(const struct ruleset *set, const struct environment *env, struct resolved *resolved, struct error *e);

#endif
