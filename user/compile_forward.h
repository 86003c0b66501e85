/* SPDX-License-Identifier: GPL-2.0-only */
/* From forwards to what the data path reads: links, listeners, targets. */
#ifndef XDPFW_USER_COMPILE_FORWARD_H
#define XDPFW_USER_COMPILE_FORWARD_H

#include "compile.h"

/* Fill links, listeners and forwards of @image. -E2BIG if there are more ranges than the data path holds. */
int compile_forwards(const struct ruleset *set, const struct environment *env, struct policy_image *image,
		     struct error *e);

/* Clients of @port at @address, on another host, must not get a connection that looks like one of theirs there. */
void mark_targeted_elsewhere(struct xdpfw_listener_table *table, const struct xdpfw_addr *address, __u16 port);

#endif
