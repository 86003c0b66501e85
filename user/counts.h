/* SPDX-License-Identifier: GPL-2.0-only */
/* A snapshot of the counters, summed over CPUs: only rows that are not all zero. */
#ifndef XDPFW_USER_COUNTS_H
#define XDPFW_USER_COUNTS_H

#include <stddef.h>

#include "store.h"

struct port_row {
	enum xdpfw_dir dir;
	enum xdpfw_table table;
	__u16 port;
	struct xdpfw_count sides[XDPFW_SIDES];
};

struct reason_row {
	enum xdpfw_dir dir;
	enum xdpfw_verdict verdict;
	enum xdpfw_reason reason;
	struct xdpfw_count count;
};

struct counts {
	struct port_row *ports; /* by direction, protocol, port */
	size_t nr_ports;
	struct reason_row reasons[XDPFW_DIRS * 4 * XDPFW_NR_REASONS];
	size_t nr_reasons;
};

/* 0 or -ENOMEM. */
int counts_read(const struct store *st, struct counts *counts);
void counts_free(struct counts *counts);

const char *reason_name(enum xdpfw_reason reason); /* stable word */
const char *reason_text(enum xdpfw_reason reason); /* what it means */

#endif
