/* SPDX-License-Identifier: GPL-2.0-only */
/* Who waits for requests in this network namespace: TCP sockets that listen, UDP sockets without a peer. */
#ifndef XDPFW_USER_LISTENERS_H
#define XDPFW_USER_LISTENERS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "xdpfw/addr.h"

struct listener {
	__u8 protocol;          /* IPPROTO_TCP, IPPROTO_UDP */
	struct xdpfw_addr addr; /* bound to; v4-mapped for IPv4 */
	bool v4, v6;            /* whose requests it gets: a socket on [::] may get both */
	__u16 port;
	__u32 uid; /* of who made it */
	__u32 inode;
};

struct listener_list {
	struct listener *rows; /* by protocol, port, address */
	size_t count, room;
};

/* 0 or a negative errno. */
int listeners_read(struct listener_list *list);
/* One more, in its place; 0 or -ENOMEM. */
int listeners_add(struct listener_list *list, const struct listener *row);
void listeners_free(struct listener_list *list);

/* Does it take requests to every address of this host? Only to loopback, where nothing comes from outside? */
bool listens_everywhere(const struct listener *l);
bool listens_on_loopback(const struct listener *l);

int listener_compare(const struct listener *a, const struct listener *b);

#endif
