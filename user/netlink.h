/* SPDX-License-Identifier: GPL-2.0-only */
/* One question to the kernel over netlink, and its answer. */
#ifndef XDPFW_USER_NETLINK_H
#define XDPFW_USER_NETLINK_H

#include <libmnl/libmnl.h>

/*
 * Send @message on a socket of its own (@bus: NETLINK_ROUTE and so on) and hand what comes back to @read: one message, or
 * with NLM_F_DUMP all there are. @read may be NULL where only the acknowledgement counts. In this network namespace.
 * 0 or a negative errno, also the kernel's own.
 */
int netlink_ask(int bus, struct nlmsghdr *message, mnl_cb_t read, void *data);

#endif
