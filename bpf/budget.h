/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Budgets: how many costly things strangers may make a CPU do within a jiffy. */
#ifndef XDPFW_BPF_BUDGET_H
#define XDPFW_BPF_BUDGET_H

#include "common.h"
#include "config.h"
#include "maps.h"

static __always_inline struct xdpfw_budget *budget(void)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct xdpfw_budget *b = bpf_map_lookup_elem(&budgets, &cpu);
	__u64 now = bpf_jiffies64();

	if (b && b->jiffy != now) {
		b->jiffy = now;
		b->lookups = 0;
		b->rejects = 0;
	}
	return b;
}

static __always_inline bool may_look_up(void)
{
	struct xdpfw_budget *b;

	if (cfg_observe)
		return true;
	b = budget();
	return b && b->lookups < XDPFW_LOOKUPS_PER_JIFFY && ++b->lookups;
}

static __always_inline bool may_reject(void)
{
	struct xdpfw_budget *b = budget();

	return b && b->rejects < XDPFW_REJECTS_PER_JIFFY && ++b->rejects;
}

#endif
