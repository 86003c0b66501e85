/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a ruleset to what the data path reads. First match is resolved here, once
 * a change, so that a packet costs the same under one rule and under 60,000.
 */
#ifndef XDPFW_USER_COMPILE_H
#define XDPFW_USER_COMPILE_H

#include "error.h"
#include "ruleset.h"
#include "xdpfw/policy.h"

/* One compiled policy. The pointers may lead into mapped kernel memory. */
struct policy_image {
	struct xdpfw_policy_head *head;
	struct xdpfw_port_table *ports[XDPFW_DIRS][XDPFW_TABLES];
	struct xdpfw_link_table *links[XDPFW_TABLES];
};

/*
 * Fill every byte of @image from @set. Rules and forwards use their statement's
 * `counter`. head->generation is left to the caller.
 * Blocks are not part of the image, but for the flag that says there are some.
 * @hz: jiffies in a second, for the time-outs.
 */
int compile(const struct ruleset *set, unsigned int hz, struct policy_image *image, struct error *e);

#endif
