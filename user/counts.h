/* SPDX-License-Identifier: GPL-2.0-only */
/* A snapshot of the counters, summed over CPUs: only rows that are not all zero. */
#ifndef XDPFW_USER_COUNTS_H
#define XDPFW_USER_COUNTS_H

#include <stdbool.h>
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
	struct reason_row reasons[XDPFW_DIRS * 4 * XDPFW_NR_REASONS]; /* by direction, verdict, reason */
	size_t nr_reasons;
};

/* All that was ever counted; 0 or -ENOMEM. See baseline.h for where a reset has begun anew. */
int counts_read(const struct store *st, struct counts *counts);
void counts_free(struct counts *counts);
int counts_copy(const struct counts *from, struct counts *to);

/* The reasons alone: a few pages of memory, so cheap. No packet is judged without one of them growing. */
void counts_read_reasons(const struct store *st, struct counts *counts);

/* Take from @counts what @earlier, a snapshot of the same counters, had counted already; rows that come to zero go. */
void counts_subtract(struct counts *counts, const struct counts *earlier);

/* The row of this port, NULL if it is not there. */
const struct port_row *counts_find(const struct counts *counts, enum xdpfw_dir dir, enum xdpfw_table table, __u16 port);

/* Order of rows: by direction, protocol, port. */
int port_row_compare(const struct port_row *a, const struct port_row *b);
bool port_row_is_zero(const struct port_row *row);

const char *table_name(enum xdpfw_table table);       /* tcp, udp */
const char *verdict_name(enum xdpfw_verdict verdict); /* pass, drop, reject */

const char *reason_name(enum xdpfw_reason reason); /* stable word */
const char *reason_text(enum xdpfw_reason reason); /* what it means */

#endif
