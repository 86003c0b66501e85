/* SPDX-License-Identifier: GPL-2.0-only */
/* By which interface this host talks to somebody (rtnetlink). */
#ifndef XDPFW_USER_ROUTE_H
#define XDPFW_USER_ROUTE_H

#include "xdpfw/addr.h"

/* The interface by which packets from @local to @remote leave; 0 if there is no route. */
int route_interface(const struct xdpfw_addr *local, const struct xdpfw_addr *remote);

/* The interface that has this address; 0 if none has. */
int address_interface(const struct xdpfw_addr *local);

#endif
