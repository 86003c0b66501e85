// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks another XDP program about segments of many connections in turns: test-run by segments.c, never attached.
 * Each run writes the next connection's port into the frame and goes on in the program under test.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 first_port = 0;
const volatile __u32 connections = 1;

__u32 runs;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} judge SEC(".maps");

/* As if at random, yet each as often as the others: Fibonacci hashing of the number of the run. */
static __always_inline __u32 next_connection(void)
{
	__u32 mix = runs++ * 2654435769U;

	return (__u64)mix * connections >> 32;
}

SEC("xdp.frags")
int segments(struct xdp_md *xdp)
{
	void *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	struct tcphdr *tcp = data + sizeof(struct ethhdr) + sizeof(struct iphdr);

	if ((void *)(tcp + 1) > end)
		return XDP_ABORTED;
	tcp->dest = bpf_htons(first_port + next_connection());
	bpf_tail_call(xdp, &judge, 0);
	return XDP_ABORTED;
}

char LICENSE[] SEC("license") = "GPL";
