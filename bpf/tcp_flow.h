/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TCP that no socket of this host owns: what it routes for containers, VMs and networks.
 *
 * Followed as far as it takes to tell a segment of the connection from a blind one: states,
 * time-outs, and where the local side stands, which is what a blind attacker does not know
 * (RFC 5961). The end hosts do the rest.
 */
#ifndef XDPFW_BPF_TCP_FLOW_H
#define XDPFW_BPF_TCP_FLOW_H

#include "budget.h"
#include "common.h"
#include "flow.h"
#include "parse.h"
#include "service.h"

/* The largest scale there is (RFC 7323 2.3): for connections whose SYN was not seen. */
#define SCALE_UNKNOWN       14
#define TCP_OPTIONS_MAX     40
#define OPTION_WINDOW_SCALE 3

/* Reordered and retransmitted segments reach back; so far they may without being taken for blind ones. */
#define REACH_BACK 65536

/* The window scale that a SYN offers; 0 if it offers none. */
static __always_inline __u8 window_scale(const struct frame *f, const struct pkt *p)
{
	__u32 next = 0;

	for (__u32 i = 0; i < TCP_OPTIONS_MAX - 2; i++) {
		__u8 *option = at(f, p->l4 + sizeof(struct tcphdr) + i, 3);

		if (!option || sizeof(struct tcphdr) + i >= p->l4_header || (i == next && option[0] == 0))
			break;
		if (i < next)
			continue;
		if (option[0] == OPTION_WINDOW_SCALE)
			return option[2] < SCALE_UNKNOWN ? option[2] : SCALE_UNKNOWN;
		next = i + (option[0] == 1 || option[1] < 2 ? 1 : option[1]);
	}
	return 0;
}

static __always_inline void note_local(struct xdpfw_flow *flow, const struct pkt *p)
{
	__u32 end = p->sequence + sequence_length(p);

	if (cfg_observe)
		return;
	if (before(flow->sent, end))
		flow->sent = end;
	if (p->tcp_flags & TCP_ACK) {
		flow->next = p->acknowledged;
		flow->window = (__u32)p->window << (p->tcp_flags & TCP_SYN ? 0 : flow->scale & 15);
		if (flow->state == XDPFW_FLOW_SYN && !(p->tcp_flags & TCP_SYN))
			flow->state = XDPFW_FLOW_ESTABLISHED;
	}
	if (p->tcp_flags & TCP_FIN)
		flow->fins |= XDPFW_FIN_LOCAL;
	if (p->tcp_flags & TCP_RST)
		flow->state = XDPFW_FLOW_CLOSED;
	else if (flow->fins == (XDPFW_FIN_LOCAL | XDPFW_FIN_REMOTE))
		flow->state = XDPFW_FLOW_CLOSING;
	touch_flow(flow, false);
}

/* A new connection, or (@open) one that was open before it could be followed. */
static __always_inline void begin_tcp_flow(const struct frame *f, const struct pkt *p, const struct xdpfw_flow_key *key,
					   bool open)
{
	struct xdpfw_flow flow = {
		.sent = p->sequence + sequence_length(p),
		.next = p->acknowledged,
		.state = open ? XDPFW_FLOW_ESTABLISHED : XDPFW_FLOW_SYN,
		.scale = open ? SCALE_UNKNOWN : window_scale(f, p),
	};

	if (cfg_observe)
		return;
	flow.window = (__u32)p->window << (open ? SCALE_UNKNOWN : 0);
	flow.seen = flow.created = bpf_jiffies64();
	bpf_map_update_elem(&flows, key, &flow, BPF_ANY);
}

/*
 * An outbound segment that no socket of this host sends: follow it. @request: the policy passes it, so it may begin
 * a flow. Answers to strangers (SYN-ACK, RST, what leaves from a port that the inbound policy
 * passes) begin none. Returns whether it belongs to a flow. A global function, for the
 * reason given in parse_ip.h.
 */
__noinline bool follow_tcp_out(struct __sk_buff *skb, const struct pkt *p, bool request)
{
	struct frame f = {.data = (void *)(long)skb->data, .end = (void *)(long)skb->data_end};
	struct xdpfw_flow_key key;
	struct xdpfw_flow *flow;

	if (!p)
		return false;
	key = flow_key(p);
	flow = find_flow(&flows, p, &key);
	if (is_tcp_request(p)) {
		if (request && !lets_in(skb, p))
			begin_tcp_flow(&f, p, &key, false);
	} else if (flow) {
		note_local(flow, p);
	} else if (request && p->tcp_flags & TCP_ACK && !(p->tcp_flags & (TCP_SYN | TCP_RST)) && !lets_in(skb, p)) {
		begin_tcp_flow(&f, p, &key, true);
	} else {
		return false;
	}
	mark_flow(XDPFW_FP_TCP, p, key.local_port, key.remote_port);
	return true;
}

/* While the local side's SYN is unanswered only its answer comes: SYN-ACK or RST that acknowledge it, or
 * a SYN of its own (simultaneous open). */
static __always_inline bool answers_syn(const struct xdpfw_flow *flow, const struct pkt *p)
{
	if (is_tcp_request(p))
		return true;
	return p->tcp_flags & TCP_ACK && p->acknowledged == flow->sent;
}

static __always_inline bool in_window(const struct xdpfw_flow *flow, const struct pkt *p)
{
	__u32 first = flow->next - REACH_BACK, last = flow->next + flow->window;

	return !before(p->sequence, first) && !before(last, p->sequence);
}

/* A RST counts only where the next byte is expected; one elsewhere in the window is the end host's to challenge. */
static __always_inline void note_remote(struct xdpfw_flow *flow, const struct pkt *p)
{
	if (cfg_observe)
		return;
	if (flow->state == XDPFW_FLOW_SYN) {
		if (p->tcp_flags & TCP_RST)
			flow->state = XDPFW_FLOW_CLOSED;
	} else if (p->tcp_flags & TCP_RST) {
		if (p->sequence == flow->next)
			flow->state = XDPFW_FLOW_CLOSED;
	} else if (p->tcp_flags & TCP_FIN) {
		flow->fins |= XDPFW_FIN_REMOTE;
		if (flow->fins & XDPFW_FIN_LOCAL && flow->state == XDPFW_FLOW_ESTABLISHED)
			flow->state = XDPFW_FLOW_CLOSING;
	}
	touch_flow(flow, true);
}

/* An inbound segment without a socket: a decision if it has a flow, 0 if not. */
static __noinline __u32 judge_tcp_flow(const struct pkt *p)
{
	struct xdpfw_flow_key key = flow_key(p);
	struct xdpfw_flow *flow = find_flow(&flows, p, &key);

	if (!flow)
		return 0;
	if (flow->state == XDPFW_FLOW_SYN ? !answers_syn(flow, p) : is_tcp_request(p))
		return 0; /* a request, or an answer to another one: the policy decides */
	if (flow->state != XDPFW_FLOW_SYN && !in_window(flow, p))
		return drop(XDPFW_R_INVALID);
	note_remote(flow, p);
	mark_flow(XDPFW_FP_TCP, p, key.local_port, key.remote_port);
	return pass(XDPFW_R_REPLY);
}

/* An ICMP error about a segment: only whether the flow lives. */
static __noinline bool has_tcp_flow(const struct pkt *p)
{
	struct xdpfw_flow_key key = flow_key(p);

	return find_flow(&flows, p, &key) != NULL;
}

/* Ask the sockets, then the flows, and mark what they know. */
static __noinline __u32 look_up_tcp_reply(void *ctx, const struct pkt *p)
{
	if (!has_socket(ctx, p, behind_link(p, p->destination_port)))
		return judge_tcp_flow(p);
	mark_flow(XDPFW_FP_TCP, p, p->destination_port, p->source_port);
	return pass(XDPFW_R_REPLY);
}

/*
 * Inbound TCP that the policy would drop: the answer to something that began here? A SYN
 * (simultaneous open) is looked up only where the fingerprint knows of a flow; other
 * segments also within the budget, so that an idle old connection lives and a flood of ACKs
 * costs nothing. Returns a decision, 0 if nothing is known.
 */
static __always_inline __u32 reply_tcp(void *ctx, const struct pkt *p)
{
	struct xdpfw_flow_key key;
	struct xdpfw_socket_set *set;

	if (!may_have_flow(XDPFW_FP_TCP, p, p->destination_port, p->source_port))
		return is_tcp_request(p) || !may_look_up() ? 0 : look_up_tcp_reply(ctx, p);
	key = flow_key(p);
	set = socket_set(&key);
	if (is_cached(set, &key) && !is_tcp_request(p))
		return pass(XDPFW_R_REPLY);
	if (!has_socket(ctx, p, behind_link(p, p->destination_port)))
		return judge_tcp_flow(p);
	cache(set, &key);
	mark_flow(XDPFW_FP_TCP, p, p->destination_port, p->source_port);
	return pass(XDPFW_R_REPLY);
}

#endif
