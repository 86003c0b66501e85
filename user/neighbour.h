/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel knows of its neighbours (rtnetlink), in this network namespace. */
#ifndef XDPFW_USER_NEIGHBOUR_H
#define XDPFW_USER_NEIGHBOUR_H

#include "xdpfw/addr.h"

/* *@state: NUD_* of <linux/neighbour.h>. -ENOENT if it was never asked for. */
int neighbour_state(int ifindex, const struct xdpfw_addr *addr, unsigned int *state);

#endif
