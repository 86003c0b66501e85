/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a ruleset to what the data path reads. First match is resolved here, once
 * a change, so that a packet costs the same under one rule and under 60,000.
 */
#ifndef XDPFW_USER_COMPILE_H
#define XDPFW_USER_COMPILE_H

#include "environment.h"
#include "error.h"
#include "ranges.h"
#include "ruleset.h"
#include "xdpfw/condition.h"
#include "xdpfw/forward.h"
#include "xdpfw/policy.h"

/* One compiled policy. The pointers may lead into mapped kernel memory. */
struct policy_image {
	struct xdpfw_policy_head *head;
	struct xdpfw_port_table *ports[XDPFW_DIRS][XDPFW_TABLES];
	struct xdpfw_link_table *links[XDPFW_TABLES];
	struct xdpfw_listener_table *listeners[XDPFW_LISTENER_TABLES][XDPFW_LISTENER_FAMILIES];
	struct xdpfw_forward *forwards;     /* XDPFW_FORWARDS of them */
	struct xdpfw_condition *conditions; /* room for XDPFW_CONDITIONS */
	struct address_lines lines;         /* what the slot's map of addresses holds; made by compile() */
};

/*
 * Fill @image from @set: every byte of head, ports, links and listeners, as many forwards and conditions as those refer
 * to, and lines, which the caller frees. Rules and forwards use their statement's `counter` (and `answers`).
 * head->generation is left to the caller. -E2BIG, with a line that names the rule, for what exceeds the limits.
 */
int compile(const struct ruleset *set, const struct environment *env, struct policy_image *image, struct error *e);

#endif
