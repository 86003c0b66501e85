/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* blocked: addresses that nothing comes from and nothing goes to, open connections included. */
#ifndef XDPFW_BPF_BLOCK_H
#define XDPFW_BPF_BLOCK_H

#include "common.h"
#include "condition.h"
#include "ranges.h"

static __always_inline __u32 blocked(const struct pkt *p)
{
	__u32 expiry;

	if (!(p->flags & XDPFW_HAS_BLOCKS))
		return 0;
	expiry = address_value(p->slot, XDPFW_BLOCKED, remote_addr(p));
	return expiry && before_expiry(expiry) ? drop(XDPFW_R_BLOCKED) : 0;
}

#endif
