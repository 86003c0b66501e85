/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From prefixes to the sorted ranges that the data path searches: the lines of include/xdpfw/ranges.h.
 *
 * Prefixes nest or are disjoint, so one sweep over them in order, with a stack of those that are open, yields
 * disjoint ranges, each with one value: what the open prefixes mean together.
 */
#ifndef XDPFW_USER_RANGES_H
#define XDPFW_USER_RANGES_H

#include <stddef.h>

#include "parse.h"
#include "range_lines.h"
#include "xdpfw/condition.h"

/* A prefix of each length can lie in the one before. */
#define PREFIXES_DEEP 130

struct range_entry {
	struct prefix prefix;
	__u32 what;  /* for the one who folds */
	__u32 until; /* expiry as the data path counts it, XDPFW_NEVER */
};

/* What holds for addresses in @entry, given the value of the next larger prefix around it (0: none). 0 or a negative errno. */
typedef int (*fold_fn)(void *data, __u32 outer, const struct range_entry *entry, __u32 *value);

/* Write one table of both families; sorts @entries. 0 or a negative errno. */
int ranges_write(struct address_lines *lines, struct xdpfw_branch roots[2], struct range_entry *entries, size_t count,
		 fold_fn fold, void *data);

#endif
