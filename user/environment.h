/* SPDX-License-Identifier: GPL-2.0-only */
/* What a policy means here and now: names of this host as numbers, wall time as the data path's time. */
#ifndef XDPFW_USER_ENVIRONMENT_H
#define XDPFW_USER_ENVIRONMENT_H

#include <linux/types.h>

#include "xdpfw/addr.h"

struct environment {
	unsigned int hz; /* jiffies in a second */
	__u64 jiffies;   /* jiffies64 at `now` */
	__u64 now;       /* unix seconds */

	/* Interfaces come and go: 0 if there is none of this name. */
	__u32 (*find_iface)(const char *name);
	/* -ENOENT if there is none. */
	int (*find_user)(const char *name, __u32 *uid);
	int (*find_cgroup)(const char *path, __u64 *id, __u32 *level);
	/* The address of this host that the kernel would use toward another; -ENETUNREACH if there is no way there. */
	int (*find_source)(const struct xdpfw_addr *to, struct xdpfw_addr *source);
};

/* This host's, in this network namespace. */
struct environment environment_here(void);

/* A point in wall time as conditions have it; XDPFW_NEVER for 0. */
__u32 environment_expiry(const struct environment *env, __u64 unix_seconds);

#endif
