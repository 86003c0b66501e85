/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From prefixes to the sorted ranges that the data path searches: the words of include/xdpfw/condition.h.
 *
 * Prefixes nest or are disjoint, so one sweep over them in order, with a stack of those that are open, yields
 * disjoint ranges, each with one value: what the open prefixes mean together.
 */
#ifndef XDPFW_USER_RANGES_H
#define XDPFW_USER_RANGES_H

#include <stddef.h>

#include "parse.h"
#include "xdpfw/condition.h"

struct address_words {
	union xdpfw_word *at;
	__u32 count, room;
};

/* @count words more, zero; *@place is the first. 0, -ENOMEM or -E2BIG. */
int words_take(struct address_words *words, __u32 count, __u32 *place);
void words_free(struct address_words *words);

/* 64 MiB a slot. */
#define WORDS_MAX (4U << 20)

/* A prefix of each length can lie in the one before. */
#define PREFIXES_DEEP 130

struct range_entry {
	struct prefix prefix;
	__u32 what;  /* for the one who folds */
	__u32 until; /* expiry as the data path counts it, XDPFW_NEVER */
};

/* What holds for addresses in @entry, given the value of the next larger prefix around it (0: none). 0 or a negative errno. */
typedef int (*fold_fn)(void *data, __u32 outer, const struct range_entry *entry, __u32 *value);

/* Write one table of both families; sorts @entries. The roots are there already. 0 or a negative errno. */
int ranges_write(struct address_words *words, enum xdpfw_address_table table, struct range_entry *entries, size_t count,
		 fold_fn fold, void *data);

#endif
