// SPDX-License-Identifier: GPL-2.0-only
/* The least a program can do: no filter of the same kind is faster than these. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp.frags")
int limit_drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp.frags")
int limit_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* The interface to redirect to is made with this index: see forwards.py. */
#define NEAR_INDEX 4242

SEC("xdp.frags")
int limit_redirect(struct xdp_md *ctx)
{
	return bpf_redirect(NEAR_INDEX, 0);
}

char LICENSE[] SEC("license") = "GPL";
