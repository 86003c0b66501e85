/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ports that Docker publishes, and the container behind each: asked of the daemon's own socket (DOCKER_HOST, else
 * /var/run/docker.sock), and only if that daemon lives in the network namespace that we are in.
 */
#ifndef XDPFW_USER_DOCKER_H
#define XDPFW_USER_DOCKER_H

#include <linux/types.h>
#include <stddef.h>

#include "xdpfw/addr.h"

struct published {
	__u8 protocol;          /* IPPROTO_* */
	struct xdpfw_addr addr; /* of this host */
	__u16 port;             /* of this host */
	__u16 inner;            /* of the container */
	char container[64];     /* name */
};

struct published_list {
	struct published *rows;
	size_t count;
};

/* No daemon, or one that does not answer, publishes nothing. */
void docker_read(struct published_list *list);
void docker_free(struct published_list *list);

/* The same from the daemon's answer to /containers/json; for tests. 0, -EINVAL or -ENOMEM. */
int docker_parse(const char *json, struct published_list *list);

#endif
