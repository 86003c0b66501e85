/* SPDX-License-Identifier: GPL-2.0-only */
/* The addresses of this host, in its network namespace. */
#ifndef XDPFW_USER_LOCAL_H
#define XDPFW_USER_LOCAL_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "xdpfw/addr.h"

struct local_address {
	char interface[IFNAMSIZ];
	struct xdpfw_addr addr; /* IPv4 as v4-mapped */
};

struct local_addresses {
	struct local_address *list;
	size_t count;
};

/* 0 or a negative errno. */
int local_addresses_read(struct local_addresses *all);
void local_addresses_free(struct local_addresses *all);

/* Of whichever interface; NULL if it is none of this host's. */
const struct local_address *find_local(const struct local_addresses *all, const struct xdpfw_addr *addr);

/* The one that an interface would send from: of a family (4, 6), link-local only if there is no other. NULL: none. */
const struct local_address *local_of(const struct local_addresses *all, const char *interface, int family);

/* Does this host forward packets of the family to other hosts? */
bool host_routes(int family);

/* Does it what arrives by this interface? (The data path asks the FIB, which heeds that in IPv6, too.) True of one that is not there. */
bool iface_routes(int family, const char *iface);

#endif
