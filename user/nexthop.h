/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the kernel would send a packet (rtnetlink), in this network namespace. */
#ifndef XDPFW_USER_NEXTHOP_H
#define XDPFW_USER_NEXTHOP_H

#include <stdbool.h>

#include "xdpfw/addr.h"

struct nexthop {
	unsigned char type; /* RTN_* of <linux/rtnetlink.h> */
	int ifindex;
	bool has_gateway;
	struct xdpfw_addr gateway;
	struct xdpfw_addr source; /* the address of this host that it would use; unspecified: none told */
};

/* 0, or a negative errno: -ENETUNREACH if there is no way there. */
int nexthop_get(const struct xdpfw_addr *to, struct nexthop *route);

/* The address of this host toward @to. */
int nexthop_source(const struct xdpfw_addr *to, struct xdpfw_addr *source);

#endif
