/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* log: events for those who follow; see xdpfw/log.h. Nobody follows: one branch. */
#ifndef XDPFW_BPF_LOG_H
#define XDPFW_BPF_LOG_H

#include "common.h"
#include "config.h"
#include "maps.h"
#include "parse.h"

static __always_inline bool rule_logs_packet(const struct pkt *p, __u32 decision)
{
	struct xdpfw_rule_logs *logs = bpf_map_lookup_elem(&rule_logs, &p->slot);
	__u32 rule = xdpfw_rule_of(decision);
	__u8 log = logs ? logs->rules[rule & (XDPFW_MAX_RULES - 1)] : XDPFW_LOG_NONE;

	return log == XDPFW_LOG_ALL || (log == XDPFW_LOG_REQUESTS && (p->protocol != IPPROTO_TCP || is_tcp_request(p)));
}

static __always_inline bool is_worth_an_event(const struct pkt *p, __u32 decision)
{
	if (p->flags & XDPFW_LOG_DROPS && !passes(decision))
		return true;
	return p->flags & XDPFW_LOG_RULES && xdpfw_rule_of(decision) && rule_logs_packet(p, decision);
}

/* One event more in this second? Each packet that asks is told yes or no once, so what was refused can be counted. */
static __always_inline bool take_from_window(__u64 *window, __u32 rate)
{
	__u64 word = *(volatile __u64 *)window;
	__u32 now = bpf_jiffies64();

	if (now - (__u32)(word >> 32) >= cfg_hz) {
		if (__sync_val_compare_and_swap(window, word, (__u64)now << 32 | 1) == word)
			return rate > 0;
		word = *(volatile __u64 *)window; /* another CPU has begun the second */
	}
	return (__u32)word < rate && (__u32)__sync_fetch_and_add(window, 1) < rate;
}

static __always_inline void fill_event(struct xdpfw_event *event, const struct pkt *p, __u32 decision)
{
	event->time = bpf_ktime_get_boot_ns();
	event->source = p->source;
	event->destination = p->destination;
	event->decision = decision;
	event->ifindex = p->ifindex;
	event->length = p->length;
	event->segments = p->segments;
	event->source_port = p->source_port;
	event->destination_port = p->ported ? p->destination_port : 0;
	event->family = p->family;
	event->protocol = p->protocol;
	event->dir = p->dir;
	event->tcp_flags = p->tcp_flags;
	event->icmp_type = p->icmp_type;
	event->xdp = p->hook == HOOK_XDP;
}

/* Byte by byte: the helper that copies from XDP is younger than 5.15. */
static __always_inline void copy_frame(const struct frame *f, struct xdpfw_event *event)
{
	__u16 i;

	for (i = 0; i < XDPFW_LOG_FRAME; i++) {
		const __u8 *byte = at(f, i, 1);

		if (!byte)
			break;
		event->frame[i] = *byte;
	}
	event->captured = i;
}

/* Returns whether reader number @i still reads. */
static __always_inline bool deliver_to(struct xdpfw_log_reader *reader, __u32 i, struct xdpfw_event *event)
{
	void *ring;

	if (reader->until <= event->time)
		return false;
	ring = bpf_map_lookup_elem(&log_rings, &i);
	if (ring && bpf_ringbuf_output(ring, event, sizeof(*event), 0))
		__sync_fetch_and_add(&reader->lost, 1);
	return true;
}

/*
 * To everyone who reads. If nobody does any more, say so to all who come by. Unrolled: the verifier of Linux 6.1 loses
 * track of a counter whose address a helper takes, and refuses loops that begin behind a call.
 */
static __always_inline void deliver(struct xdpfw_log_state *state, struct xdpfw_event *event)
{
	bool delivered = false;

#pragma unroll
	for (__u32 i = 0; i < XDPFW_LOG_READERS; i++)
		delivered |= deliver_to(&state->readers[i], i, event);
	if (!delivered)
		control.listening = 0;
}

static __always_inline struct xdpfw_event *room_for_event(void)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct xdpfw_log_cpu *mine = bpf_map_lookup_elem(&log_cpus, &cpu);

	return part_of(mine, event);
}

static __always_inline struct xdpfw_log_state *log_state_of_all(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&log_state, &zero);
}

/* Global functions, for the reason given in parse_ip.h; one for each hook, since only an skb has a socket. */
__noinline bool send_event_xdp(struct xdp_md *xdp, const struct pkt *p, __u32 decision)
{
	struct frame f = {.data = (void *)(long)xdp->data, .end = (void *)(long)xdp->data_end};
	struct xdpfw_log_state *state = log_state_of_all();
	struct xdpfw_event *event = room_for_event();

	if (!p || !state || !event)
		return false;
	fill_event(event, p, decision);
	event->has_l2 = 1;
	event->cookie = 0;
	copy_frame(&f, event);
	deliver(state, event);
	return true;
}

__noinline bool send_event_skb(struct __sk_buff *skb, const struct pkt *p, __u32 decision, bool l3)
{
	struct xdpfw_log_state *state = log_state_of_all();
	struct xdpfw_event *event = room_for_event();
	struct bpf_sock *sk = skb->sk;
	struct frame f;

	if (!p || !state || !event)
		return false;
	fill_event(event, p, decision);
	event->has_l2 = !l3 && (p->l3 || !p->family);
	sk = sk && p->dir == XDPFW_OUT ? bpf_sk_fullsock(sk) : NULL;
	event->cookie = sk ? bpf_get_socket_cookie(skb) : 0;
	event->uid = sk ? bpf_get_socket_uid(skb) : 0;
	if (has_more(skb))
		pull_more(skb);
	f = frame_skb(skb);
	copy_frame(&f, event);
	deliver(state, event);
	return true;
}

static __always_inline struct xdpfw_log_gate *log_gate(enum xdpfw_dir dir, __u32 decision)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct xdpfw_log_cpu *mine = bpf_map_lookup_elem(&log_cpus, &cpu);

	return part_of(mine, gates[dir][decision >> XDPFW_REASON_SHIFT]);
}

/* The window of this packet is used up: keep its like out until it ends, or another policy judges. */
static __always_inline void shut(struct xdpfw_log_gate *gate, const struct pkt *p, const __u64 *window)
{
	__u64 now = bpf_jiffies64();
	__u32 age = (__u32)now - (__u32)(*window >> 32);

	if (age < cfg_hz)
		gate->shut = (now + cfg_hz - age) << 2 | p->slot;
	gate->suppressed++;
}

/* A flood ends here: one more that is not told. */
static __always_inline bool is_shut_out(const struct pkt *p, enum xdpfw_dir dir, __u32 decision)
{
	struct xdpfw_log_gate *gate = log_gate(dir, decision);

	if (!gate || gate->shut >> 2 <= bpf_jiffies64() || (gate->shut & 3) != p->slot)
		return false;
	gate->suppressed++;
	return true;
}

/* Does the rate let an event of this packet through? If not, the packet is counted instead. */
static __noinline bool passes_rate(const struct pkt *p, __u32 decision)
{
	enum xdpfw_dir dir = p->dir == XDPFW_OUT ? XDPFW_OUT : XDPFW_IN;
	const struct xdpfw_policy_head *head = bpf_map_lookup_elem(&heads, &p->slot);
	struct xdpfw_log_gate *gate = log_gate(dir, decision);
	struct xdpfw_log_state *state = log_state_of_all();
	__u64 *window;

	if (!head || !gate || !state)
		return false;
	window = &state->windows[dir][decision >> XDPFW_REASON_SHIFT];
	if (take_from_window(window, head->log_rate))
		return true;
	shut(gate, p, window);
	return false;
}

/* Does somebody get an event of this packet? @dir is p->dir, as a constant that the compiler can see. */
static __always_inline bool is_logged(const struct pkt *p, enum xdpfw_dir dir, __u32 decision)
{
	if (likely(!(p->flags & XDPFW_LISTENING)) || !is_worth_an_event(p, decision) || is_shut_out(p, dir, decision))
		return false;
	return passes_rate(p, decision);
}

#endif
