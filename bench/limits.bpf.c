// SPDX-License-Identifier: GPL-2.0-only
/* The least a program can do: no filter of the same kind is faster than these. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
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

/* What drops one UDP port and does nothing else: the least that protects a service from a flood of another port. */
SEC("xdp.frags")
int limit_drop_port(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);

	if ((void *)(udp + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5 || ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	return udp->dest == bpf_htons(9) ? XDP_DROP : XDP_PASS;
}

/* The interface to redirect to is made with this index: see forwards.py. */
#define NEAR_INDEX 4242

SEC("xdp.frags")
int limit_redirect(struct xdp_md *ctx)
{
	return bpf_redirect(NEAR_INDEX, 0);
}

char LICENSE[] SEC("license") = "GPL";
