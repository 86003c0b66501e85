/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The firewall as metrics, for Prometheus: in its own text format (0.0.4) and as OpenMetrics 1.0.
 *
 * Counters are those of the data path from the first load on: `stats --reset` does not disturb a monitoring system. How
 * many series there are is bounded: at most `most` ports have series of their own, the others are summed as
 * port="other", so that sums over ports stay true. (A scan of all ports would else be 393,216 series.)
 */
#ifndef XDPFW_USER_METRICS_H
#define XDPFW_USER_METRICS_H

#include <stdio.h>

#include "counts.h"
#include "record.h"
#include "session.h"

#define METRICS_MOST_PORTS 1000
#define METRICS_MOST_RULES 1000

struct metrics {
	struct port_filter filter; /* ports to show, even at zero; count 0: the active ones */
	size_t most;               /* ports with series of their own */
	/* What was chosen stays, for a series must not come and go between two scrapes. */
	__u8 *places; /* by port key: enum place */
	size_t named;
	/* What ports had when they left "other" for series of their own: it stays there, for counters do not fall. */
	struct xdpfw_count left[XDPFW_COUNTED_DIRS][XDPFW_COUNTED_TABLES][XDPFW_SIDES];
};

/* 0 or -ENOMEM. @filter is only borrowed. */
int metrics_init(struct metrics *m, const struct port_filter *filter, size_t most);
void metrics_free(struct metrics *m);

/* Decide which ports have series of their own from now on; metrics_write() does it. */
void metrics_choose(struct metrics *m, const struct counts *counts);

enum metrics_format {
	METRICS_OPENMETRICS,
	METRICS_PROMETHEUS,
};

/* 0 or -ENOMEM. An instance that is not loaded has few metrics; one of them says so. */
int metrics_write(struct metrics *m, const struct session *s, enum metrics_format format, FILE *out);

/* The same of given counts, for tests. */
int metrics_write_ports(struct metrics *m, const struct counts *counts, enum metrics_format format, FILE *out);

#endif
