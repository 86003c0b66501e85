/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel's WireGuard says of its tunnels. */
#ifndef XDPFW_USER_WIREGUARD_H
#define XDPFW_USER_WIREGUARD_H

#include "iface.h"
#include "xdpfw/addr.h"

/* The outside of a tunnel: what its encrypted packets come to and from, by UDP. */
struct wireguard_outside {
	__u16 local_port;
	struct xdpfw_addr remote; /* where the other end was last seen; IPv4 as v4-mapped */
	__u16 remote_port;
	unsigned int keepalive; /* seconds after which this host says something, 0 = never by itself */
};

/* By which outside come packets of @inner, an address at the other end of the tunnel @iface? -ENOENT if that is none of
 * WireGuard's, has nobody with that address, or has not heard from him. */
int wireguard_outside_of(const struct iface_info *iface, const struct xdpfw_addr *inner,
			 struct wireguard_outside *outside);

#endif
