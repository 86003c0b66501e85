/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* blocked: addresses that nothing comes from and nothing goes to, open connections included. */
#ifndef XDPFW_BPF_BLOCK_H
#define XDPFW_BPF_BLOCK_H

#include "common.h"
#include "condition.h"
#include "ranges.h"

static __always_inline bool is_blocked(const struct pkt *p, const struct xdpfw_addr *address)
{
	__u32 expiry;

	if (!(p->flags & XDPFW_HAS_BLOCKS))
		return false;
	expiry = address_value(p->slot, XDPFW_BLOCKED, address);
	return expiry && before_expiry(expiry);
}

static __always_inline __u32 blocked(const struct pkt *p)
{
	return is_blocked(p, remote_addr(p)) ? drop(XDPFW_R_BLOCKED) : 0;
}

#endif
