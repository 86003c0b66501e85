/* SPDX-License-Identifier: GPL-2.0-only */
/* When a statement expires. */
#ifndef XDPFW_USER_PARSE_TIME_H
#define XDPFW_USER_PARSE_TIME_H

#include "error.h"
#include "xdpfw/addr.h"

/* "2026-11-25T18:00:00Z" into unix seconds. */
int parse_timestamp(const char *word, __u64 *seconds, struct error *e);

/* The words behind `for` and `until`, NULL if not given: not both. 0 = never. */
int parse_expiry(const char *duration, const char *until, __u64 *expires, struct error *e);

#endif
