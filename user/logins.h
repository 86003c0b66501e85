/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is logged in from elsewhere: TCP connections of login daemons (sshd and its like) in this network namespace.
 * Asked of the kernel's sockets, not of the process tree, so it does not matter whether a command was typed in
 * the session itself, under sudo, in tmux, or runs from cron.
 */
#ifndef XDPFW_USER_LOGINS_H
#define XDPFW_USER_LOGINS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "xdpfw/addr.h"

struct login {
	struct xdpfw_addr local, remote; /* IPv4 as v4-mapped */
	__u16 local_port, remote_port;   /* of the socket: behind a link it has another port on the wire */
	bool listening;                  /* somebody listens on the local port: it can be repeated */
	const char *daemon;              /* "sshd" */
};

/* A port on which a login daemon listens. */
struct login_port {
	__u16 port;
	const char *daemon;
};

struct login_list {
	struct login *logins;
	size_t count;
	struct login_port *ports;
	size_t nr_ports;
};

int logins_find(struct login_list *list, struct error *e);
void logins_free(struct login_list *list);

#endif
