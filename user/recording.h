/* SPDX-License-Identifier: GPL-2.0-only */
/* A recorded run of `stats --watch S --json`: one object a line, as series over time. */
#ifndef XDPFW_USER_RECORDING_H
#define XDPFW_USER_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "error.h"

/* One line of a plot: a port or a reason. */
struct series {
	char *name;
	double *values; /* by record; a second */
	double total;   /* over the whole recording: the area below the line */
	double peak;
};

struct series_list {
	struct series *rows;
	size_t count, room;
	void *index; /* by name, private */
};

struct recording {
	size_t count, room;
	double began;      /* CLOCK_MONOTONIC in seconds when the first interval began */
	double *seconds;   /* of each record, since the beginning of the first interval */
	double *interval;  /* of each, in seconds */
	char (*times)[32]; /* RFC 3339 */
	/* Bits a second by port, then packets a second by port and by reason. */
	struct series_list received, sent, dropped, reasons;
};

/* Records without an interval are passed over. -EINVAL with @name and line if one is none of ours, or there is no interval. */
int recording_read(FILE *in, const char *name, struct recording *r, struct error *e);
void recording_free(struct recording *r);

/* Order by total, the biggest first; call it once, after reading. */
void series_sort(struct series_list *list);

#endif
