/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* blocked: addresses that nothing comes from and nothing goes to, open connections included. */
#ifndef XDPFW_BPF_BLOCK_H
#define XDPFW_BPF_BLOCK_H

#include "common.h"
#include "maps.h"

static __noinline __u32 look_up_block(const struct pkt *p)
{
	struct xdpfw_block_key key = {
		.prefixlen = 8 + 128,
		.slot = p->slot,
	};
	__u32 *decision;

	__builtin_memcpy(key.addr, remote_addr(p), sizeof(key.addr));
	decision = bpf_map_lookup_elem(&blocks, &key);
	return decision ? *decision : 0;
}

static __always_inline __u32 blocked(const struct pkt *p)
{
	return unlikely(p->flags & XDPFW_HAS_BLOCKS) ? look_up_block(p) : 0;
}

#endif
