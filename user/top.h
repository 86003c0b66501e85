/* SPDX-License-Identifier: GPL-2.0-only */
/* What `top` shows, read from a loaded firewall tick by tick. How it is shown is top_screen.h's. */
#ifndef XDPFW_USER_TOP_H
#define XDPFW_USER_TOP_H

#include "counts.h"
#include "live.h"
#include "session.h"

struct top {
	struct session session;
	unsigned int generation; /* whose rules we have */
	char **labels;           /* of rules, by counter number; some are NULL */
	struct live ports, rules;
	/* Of the reasons only, for the header. */
	struct counts raw;    /* as counted */
	struct counts base;   /* at the last reset */
	struct counts change; /* over the last interval */
	__u64 since_ns;
	bool moved; /* packets were judged in the last interval */
};

/* 0 or a negative errno; -ENOTCONN if nothing is loaded. */
int top_open(const struct settings *settings, struct top *top, struct error *e);
void top_close(struct top *top);

/* Read the counters as they are now. -ENOTCONN once nothing is loaded any more. */
int top_tick(struct top *top, struct error *e);

/* Packets and bytes of a direction that passed (or were dropped or rejected) in the last interval. Routed ones came in. */
struct xdpfw_count top_flow(const struct top *top, enum xdpfw_dir dir, bool dropped);

/* The reasons of drops in the last interval, the most frequent first; how many of @most there are. */
size_t top_drops(const struct top *top, struct reason_row *rows, size_t most);

#endif
