/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model behind `top`: rows of counters, how fast each grows, and the last minute of each. It knows nothing of
 * screens. A row is a service port or a rule; both have the sides received, sent and dropped.
 */
#ifndef XDPFW_USER_LIVE_H
#define XDPFW_USER_LIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "parse.h"
#include "xdpfw/counters.h"
#include "xdpfw/decision.h"

#define LIVE_SECONDS 60

struct live_row {
	__u32 key; /* names the row; below the table's number of keys */
	__u8 dir;  /* enum xdpfw_dir */
	__u16 port;
	const char *label; /* of a rule its text, which the caller keeps; NULL: not shown (rules), or a port */
	struct xdpfw_count now[XDPFW_SIDES];    /* as counted */
	struct xdpfw_count base[XDPFW_SIDES];   /* at the last reset */
	struct xdpfw_count change[XDPFW_SIDES]; /* over the last interval */
};

struct live {
	bool labelled; /* rows are rules */
	struct live_row *rows;
	size_t count, room;
	__u32 *row_of; /* by key: index + 1, 0 = none */
	size_t keys;
	/* Packets in each of the last seconds, by row. Second s is in column s % LIVE_SECONDS; one column is one
	 * array, so that a tick with 65,536 busy rows writes to memory in order. */
	__u32 *seconds[LIVE_SECONDS];
	__u64 begun_ns, now_ns;
	__u64 interval_ns;    /* between the last two ticks; 0 at first */
	__u64 second;         /* the latest */
	unsigned int filling; /* seconds that the present tick stands for */
	bool moving;          /* some row has changed in the last interval */
};

/* 0 or -ENOMEM. Keys are below @keys. */
int live_init(struct live *t, size_t keys, bool labelled);
void live_free(struct live *t);

/* A tick begins: then live_count() for each row that is not zero, or none at all if nothing can have changed. */
void live_begin(struct live *t, __u64 mono_ns);

/* What row @key has counted up to now. Its place, until the next new row; NULL without memory. */
struct live_row *live_count(struct live *t, __u32 key, const struct xdpfw_count now[XDPFW_SIDES]);

/* The place of a row that is there already, else NULL. */
struct live_row *live_find(const struct live *t, __u32 key);

/* Packets in each of the last LIVE_SECONDS seconds, the oldest first. */
void live_history(const struct live *t, const struct live_row *row, __u32 history[LIVE_SECONDS]);

/* What a column shows, and what rows are sorted by. */
enum live_column {
	LIVE_NAME,
	LIVE_RX_PACKETS,
	LIVE_RX_BITS,
	LIVE_TX_PACKETS,
	LIVE_TX_BITS,
	LIVE_DROP_PACKETS,
	LIVE_DROP_BITS,
	LIVE_ACTIVITY, /* packets of all sides in the last interval, then in all */
	LIVE_COLUMNS,
};

/* Packets or bits in the last interval or, with @totals, since the last reset: packets or bytes. */
__u64 live_value(const struct live_row *row, enum live_column column, bool totals);

struct live_order {
	enum live_column column;
	bool reverse; /* smallest first; of names the last */
	bool totals;
};

struct live_filter {
	int dir;              /* enum xdpfw_dir, -1: all */
	bool passed, dropped; /* only rows with packets that passed (were dropped) since the last reset */
	struct ports ports;   /* of ports; count 0: all */
	const char *text;     /* of rules: what the label contains; NULL: all */
};

/* The first @most rows in order, as indices into rows; their number. *@matching is how many the filter lets through.
 * @chosen has room for @most; 0 without memory. */
size_t live_select(const struct live *t, const struct live_filter *filter, const struct live_order *order, size_t most,
		   __u32 *chosen, size_t *matching);

#endif
