/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the counters began: what `stats --reset` leaves behind.
 *
 * The data path adds to its counters without atomics, so nobody else may write to them: a zero stored between its
 * load and its store would be lost, or lose packets. A reset therefore writes down what the counters say
 * (the baseline), and readers subtract that. What was read by one reset and by the next adds up to what was counted.
 */
#ifndef XDPFW_USER_BASELINE_H
#define XDPFW_USER_BASELINE_H

#include "counts.h"

/* The baseline in force and the time (CLOCK_REALTIME, ns) it was taken; no rows, and the time when the counters began, if
 * there was no reset. Free @base with counts_free(). 0 or a negative errno. */
int baseline_read(const struct store *st, struct counts *base, __u64 *since_ns);

/* The time alone; to see whether there was a reset. */
__u64 baseline_since(const struct store *st);

/* Count from @now, as counts_read() has it, on. All or nothing, also for readers; needs the writers' lock. */
int baseline_write(const struct store *st, const struct counts *now, __u64 since_ns, struct error *e);

#endif
