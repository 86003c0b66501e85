/* SPDX-License-Identifier: GPL-2.0-only */
/* A policy from a file that may take the place of the one in force: for `apply`, and for `plan`, which only looks. */
#ifndef XDPFW_USER_CANDIDATE_H
#define XDPFW_USER_CANDIDATE_H

#include "error.h"
#include "ruleset.h"
#include "session.h"

/* Read and parse; "-" is standard input. */
int candidate_read(const char *path, struct ruleset *set, struct error *e);

/* A file changes the policy, not which interfaces are loaded: the live `load` lines stay, and so does panic. */
int candidate_keep_interfaces(const struct session *s, struct ruleset *set, struct error *e);

#endif
