/* SPDX-License-Identifier: GPL-2.0-only */
/* One question to the kernel over netlink, and its answer. */
#ifndef XDPFW_USER_NETLINK_H
#define XDPFW_USER_NETLINK_H

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/types.h>

#include "xdpfw/addr.h"

/*
 * Send @message on a socket of its own (@bus: NETLINK_ROUTE and so on) and hand what comes back to @read: one message, or
 * with NLM_F_DUMP all there are. @read may be NULL where only the acknowledgement counts. In this network namespace.
 * 0 or a negative errno, also the kernel's own.
 */
int netlink_ask(int bus, struct nlmsghdr *message, mnl_cb_t read, void *data);

/* The number of a generic netlink family. */
int netlink_family(const char *name, __u16 *family);

/* A request to it in @buffer, without attributes yet. */
struct nlmsghdr *netlink_generic(void *buffer, __u16 family, __u8 command);

/* As netlink_ask(), of a generic family: @read gets each attribute of what comes back. */
int netlink_ask_generic(struct nlmsghdr *message, mnl_attr_cb_t read, void *data);

/* An address of either family. What is of another length leaves @addr alone. */
void netlink_read_addr(const struct nlattr *attr, struct xdpfw_addr *addr);

#endif
