/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's own table of TCP sockets (NETLINK_SOCK_DIAG), in this network namespace. */
#ifndef XDPFW_USER_SOCKETS_H
#define XDPFW_USER_SOCKETS_H

#include <linux/types.h>

#include "xdpfw/addr.h"

/* One connection; v4 addresses are v4-mapped, ports in host byte order. */
struct socket_row {
	struct xdpfw_addr local;
	struct xdpfw_addr remote;
	__u16 local_port;
	__u16 remote_port;
	__u8 state; /* TCP_ESTABLISHED... of <netinet/tcp.h> */
	__u32 uid;
	__u32 inode;
	long idle_ms;                  /* since data came or went; -1: not known */
	long long bytes_in, bytes_out; /* -1: not known */
};

typedef void (*socket_fn)(const struct socket_row *row, void *data);

/* Call @fn for every TCP socket but listeners; 0 or a negative errno. */
int sockets_each(socket_fn fn, void *data);

/* The same for listeners. */
int sockets_each_listener(socket_fn fn, void *data);

/*
 * The socket from which a packet came, by its ends and the cookie that the kernel gave it. Its inode is what
 * /proc/PID/fd shows. 0, -ENOENT if it is gone (or is neither TCP nor UDP), or another negative errno.
 */
int socket_inode(__u8 protocol, const struct xdpfw_addr *local, __u16 local_port, const struct xdpfw_addr *remote,
		 __u16 remote_port, __u64 cookie, __u32 *inode);

/* Abort a connection: its owner gets ECONNABORTED, its peer a RST. 0 or a negative errno. */
int socket_destroy(const struct xdpfw_addr *local, __u16 local_port, const struct xdpfw_addr *remote,
		   __u16 remote_port);

#endif
