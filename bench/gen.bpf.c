// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frame source: run by gen.c in live-frame mode, never attached.
 *
 * The kernel hands out the same few pages again and again, with what the last pass and
 * the receiver left in them (Documentation/bpf/bpf_prog_run.rst). So each pass writes
 * all headers anew; only the payload, zeros from the start, is relied on.
 *
 * Redirect, not XDP_TX: live mode turns XDP_TX into a redirect to the ingress interface
 * anyway, and an ingress interface can only be named if it runs NAPI itself, which a
 * veth does only while XDP or GRO is on. A redirect needs neither here; the *receiving*
 * end must have XDP or GRO on, or the driver refuses the frame.
 */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "gen.h"

const volatile struct gen_config config;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GEN_LISTED_MAX);
	__type(key, __u32);
	__type(value, __be32);
} listed SEC(".maps");

__u64 sent;
__u64 random_state = 88172645463325252ULL;

/* Knuth's MMIX generator. The low bits are poor and stay unused. */
static __always_inline __u64 next_random(void)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return random_state;
}

/* Which of the @spread values from @base on the 16 random bits @random mean. In network order. */
static __always_inline __be16 pick(__u16 base, __u32 spread, __u16 random)
{
	return bpf_htons((__u16)(base + (random * spread >> 16)));
}

/* The same of 32 bits. */
static __always_inline __be32 pick_address(__u32 base, __u64 spread, __u32 random)
{
	return bpf_htonl((__u32)(base + (random * spread >> 32)));
}

/* In turns, not by chance: the generator reads its list in order, so that it has no cache misses to share. */
static __always_inline __be32 next_listed(void)
{
	__u32 at = sent % config.listed;
	__be32 *address = bpf_map_lookup_elem(&listed, &at);

	return address ? *address : 0;
}

static __always_inline __be32 next_source(void)
{
	return config.listed ? next_listed() : pick_address(config.source_base, config.sources, next_random() >> 32);
}

/* RFC 1071: the sum of a long word is that of its halves, wherever they lie. */
static __always_inline __u32 halves(__be32 word)
{
	return (word & 0xffff) + (word >> 16);
}

static __always_inline __sum16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline void put16(void *frame, __u32 at, __u16 value)
{
	*(__u16 *)(frame + at) = value;
}

static __always_inline void put32(void *frame, __u32 at, __u32 value)
{
	*(__u32 *)(frame + at) = value;
}

static __always_inline void write_header(void *frame)
{
	__u64 *words = frame;

#pragma unroll
	for (__u32 i = 0; i < GEN_WORDS; i++)
		if (i < config.words)
			words[i] = config.header[i];
}

static __always_inline void write_varying(void *frame)
{
	__be32 source = next_source();
	__u64 random = next_random();
	__be16 source_port = pick(config.source_port_base, config.source_ports, random >> 32);
	__be16 target_port = pick(config.target_port_base, config.target_ports, random >> 48);
	__sum16 l4_sum = fold(config.l4_sum + halves(source) + source_port + target_port);

	/* RFC 768: a UDP sum of 0 means "none"; the sum 0 is sent as its twin. */
	if (config.udp && !l4_sum)
		l4_sum = 0xffff;
	put32(frame, config.source_at, source);
	put16(frame, config.ports_at, source_port);
	put16(frame, config.ports_at + 2, target_port);
	put16(frame, config.l4_sum_at, l4_sum);
	if (config.ipv4)
		put16(frame, config.ip_sum_at, fold(config.ip_sum + halves(source)));
}

__u64 due;

/* Not due yet: look again. Returns 1 to end the loop. */
static long look_at_clock(__u32 round, void *nothing)
{
	return bpf_ktime_get_ns() >= due;
}

/* Wait busily, up to a few tenths of a second. What comes late is made up for. */
static __always_inline void keep_pace(void)
{
	if (!due)
		due = bpf_ktime_get_ns();
	bpf_loop(1 << 23, look_at_clock, (void *)0, 0);
	due += config.interval;
}

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	void *frame = (void *)(long)ctx->data;

	if (config.interval)
		keep_pace();
	if (frame + config.words * 8 > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	write_header(frame);
	write_varying(frame);
	sent++;
	return bpf_redirect(config.ifindex, 0);
}

char LICENSE[] SEC("license") = "GPL";
