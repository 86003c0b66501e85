/* SPDX-License-Identifier: GPL-2.0-only */
/* A record: what `stats` prints, once or each interval; as JSON, CSV and text. */
#ifndef XDPFW_USER_RECORD_H
#define XDPFW_USER_RECORD_H

#include <stdio.h>

#include "counts.h"
#include "parse.h"

/* The ports that somebody named. They are shown even at zero, and others are not. */
struct port_filter {
	struct ports ports;     /* count 0: all that are not zero */
	unsigned int protocols; /* enum protocols */
};

/* "22,80", "53/udp", "ssh". */
int parse_port_filter(const char *word, const char *what, struct port_filter *filter, struct error *e);

struct record {
	__u64 time_ns;     /* CLOCK_REALTIME */
	__u64 mono_ns;     /* CLOCK_MONOTONIC */
	__u64 since_ns;    /* when the totals began */
	__u64 interval_ns; /* 0: a single record, without rates */
	struct counts total;
	struct counts change; /* over the interval */
};

struct record_row {
	struct port_row total;
	struct port_row change;
};

/* The rows of ports to show, a new list of *@count; NULL without memory. */
struct record_row *record_rows(const struct record *r, const struct port_filter *filter, size_t *count);

/* All return 0, or -ENOMEM. */
int record_print_json(const struct record *r, const struct port_filter *filter, FILE *out);
int record_print_csv(const struct record *r, const struct port_filter *filter, FILE *out);
int record_print_text(const struct record *r, const struct port_filter *filter, FILE *out);
void record_print_csv_head(FILE *out);

#define STAMP_TEXT_MAX 32
/* RFC 3339 in UTC with milliseconds. */
char *format_stamp(__u64 ns, char text[STAMP_TEXT_MAX]);

/* What so many make in a second. */
double per_second(__u64 count, __u64 interval_ns);

#endif
