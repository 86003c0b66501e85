/* SPDX-License-Identifier: GPL-2.0-only */
/* A recording as one HTML page: plots as inline SVG, tables, no script, nothing from elsewhere. */
#ifndef XDPFW_USER_REPORT_H
#define XDPFW_USER_REPORT_H

#include "recording.h"

/* Sorts the series of @r. 0 or a negative errno. */
int report_write(struct recording *r, FILE *out);

/* A line chart of the first few series, the others summed as "other". @unit is that of the values. */
void plot_write(const struct recording *r, const struct series_list *list, const char *title, const char *unit,
		FILE *out);

/* The smallest of 1, 2, 5, 10, 20, ... that is not below @value. */
double nice_ceiling(double value);

void html_escape(const char *text, FILE *out);

#endif
