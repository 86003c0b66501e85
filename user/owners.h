/* SPDX-License-Identifier: GPL-2.0-only */
/* Who has a socket open: the processes whose descriptors /proc shows. */
#ifndef XDPFW_USER_OWNERS_H
#define XDPFW_USER_OWNERS_H

#include <linux/types.h>
#include <stddef.h>
#include <sys/types.h>

struct owner {
	__u64 inode; /* of the socket, as sock_diag names it */
	pid_t pid;
	char name[16]; /* of the process, /proc/PID/comm */
};

struct owners {
	struct owner *rows; /* by inode, then pid: several processes may share a socket */
	size_t count;
	size_t room;
};

/* All sockets of all processes that may be seen. 0 or a negative errno; free with owners_free(). */
int owners_read(struct owners *owners);
void owners_free(struct owners *owners);

/* The first row of this socket; NULL if nobody has it. */
const struct owner *owners_find(const struct owners *owners, __u64 inode);

#endif
