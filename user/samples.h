/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets that stand for the traffic that a live policy meets: one of each kind there is, in both families. */
#ifndef XDPFW_USER_SAMPLES_H
#define XDPFW_USER_SAMPLES_H

#include "explain.h"

struct sample {
	const char *name;
	enum xdpfw_dir dir;
	struct packet packet;
};

#define SAMPLES_MAX 64

/* Returns how many there are. A kind that the policy or the host does not have (no port is allowed, no connection is
 * open) has none. */
size_t samples_choose(const struct explainer *ex, struct sample list[SAMPLES_MAX]);

#endif
