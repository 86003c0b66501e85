/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One address type for both families.
 *
 * An address is 16 bytes in network byte order; an IPv4 address stands in its
 * v4-mapped form ::ffff:a.b.c.d (RFC 4291, 2.5.5.2). So everything behind the
 * parser compares, hashes and looks up addresses without asking for the family.
 */
#ifndef XDPFW_ADDR_H
#define XDPFW_ADDR_H

#include <linux/types.h>

struct xdpfw_addr {
	union {
		__u8 bytes[16];
		__be32 words[4];
		__u64 halves[2]; /* for comparing and hashing only */
	};
};
_Static_assert(sizeof(struct xdpfw_addr) == 16, "an address is 16 bytes");

/* A group or the broadcast address: nobody's in particular. @v4: it is one of IPv4, as the caller knows. */
static inline int xdpfw_addr_is_group(const struct xdpfw_addr *addr, int v4)
{
	return v4 ? addr->bytes[12] >= 224 : addr->bytes[0] == 0xff;
}

#endif
