/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading what the data path remembers of dropped packets; see xdpfw/history.h. */
#ifndef XDPFW_USER_HISTORY_H
#define XDPFW_USER_HISTORY_H

#include "store.h"
#include "xdpfw/history.h"

struct past_list {
	struct xdpfw_past *rows; /* one a kind, summed over CPUs, the last drop first */
	size_t count;
	__u64 overrun; /* CLOCK_BOOTTIME, ns, when a CPU's budget last ran out; 0: never, so nothing is missing */
};

struct past_filter {
	bool has_address;
	struct prefix address; /* of either end */
	bool has_port;
	__u16 port; /* destination port */
};

/* Free @list with past_list_free(). */
int history_read(struct store *st, const struct past_filter *filter, struct past_list *list, struct error *e);
void past_list_free(struct past_list *list);

#endif
