/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flow tables for what has no socket to ask: UDP, ICMP echo, SCTP and other protocols here,
 * TCP without a local socket in tcp_flow.h. (A UDP socket lookup also finds unconnected
 * sockets, so it could never tell an answer from a request.)
 *
 * Only requests write: `flows` those of this host and of what it routes for, `guests` those from
 * outside whose answers the outbound policy would drop.
 */
#ifndef XDPFW_BPF_FLOW_H
#define XDPFW_BPF_FLOW_H

#include "common.h"
#include "config.h"
#include "fingerprint.h"
#include "maps.h"
#include "policy.h"
#include "socket.h"

/* @state is one of enum xdpfw_flow_state. */
static __always_inline enum xdpfw_timeout timeout_for(__u8 protocol, __u8 state, __u8 replied)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return state == XDPFW_FLOW_ESTABLISHED ? XDPFW_T_TCP_ESTABLISHED
		       : state == XDPFW_FLOW_CLOSING   ? XDPFW_T_TCP_CLOSING
		       : state == XDPFW_FLOW_CLOSED    ? XDPFW_T_TCP_CLOSED
						       : XDPFW_T_TCP_SYN;
	case IPPROTO_UDP:
		return replied ? XDPFW_T_UDP_REPLIED : XDPFW_T_UDP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return XDPFW_T_ICMP;
	case PROTO_SCTP:
		return XDPFW_T_SCTP;
	}
	return XDPFW_T_OTHER;
}

/* The live flow of this key in @map; NULL if there is none or its time is over. */
static __always_inline struct xdpfw_flow *find_flow_here(void *map, const struct pkt *p,
							 const struct xdpfw_flow_key *key)
{
	const struct xdpfw_policy_head *head = policy_head(p->slot);
	struct xdpfw_flow *flow = bpf_map_lookup_elem(map, key);

	if (!flow || !head)
		return NULL;
	if (bpf_jiffies64() - flow->seen > head->timeouts[timeout_for(key->protocol, flow->state, flow->replied)])
		return NULL;
	return flow;
}

static __noinline struct xdpfw_flow *find_flow(void *map, const struct pkt *p, const struct xdpfw_flow_key *key)
{
	return find_flow_here(map, p, key);
}

/* Its time-out begins anew. Writes only once a jiffy, so that a busy flow does not bounce its cache line. */
static __always_inline void touch_flow(struct xdpfw_flow *flow, bool answer)
{
	__u64 now = bpf_jiffies64();

	if (cfg_observe)
		return;
	if (flow->seen != now)
		flow->seen = now;
	if (answer && !flow->replied)
		flow->replied = 1;
}

static __always_inline bool is_echo(const struct pkt *p, __u8 v4, __u8 v6)
{
	return (p->protocol == IPPROTO_ICMP && p->icmp_type == v4) ||
	       (p->protocol == IPPROTO_ICMPV6 && p->icmp_type == v6);
}

static __always_inline bool is_echo_request(const struct pkt *p)
{
	return is_echo(p, ICMP_ECHO, ICMPV6_ECHO_REQUEST);
}

static __always_inline bool is_echo_reply(const struct pkt *p)
{
	return is_echo(p, ICMP_ECHOREPLY, ICMPV6_ECHO_REPLY);
}

static __always_inline bool is_icmp(const struct pkt *p)
{
	return p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6;
}

/* Echo is a flow by its identifier, which parse has put into destination_port; what has neither is one by
 * protocol and addresses. */
static __always_inline struct xdpfw_flow_key plain_key(const struct pkt *p)
{
	struct xdpfw_flow_key key = flow_key(p);

	if (is_icmp(p)) {
		key.local_port = p->destination_port;
		key.remote_port = 0;
	}
	return key;
}

static __always_inline __u32 fingerprint_table(__u8 protocol)
{
	return protocol == IPPROTO_TCP ? XDPFW_FP_TCP : protocol == IPPROTO_UDP ? XDPFW_FP_UDP : XDPFW_FP_OTHER;
}

/* Where a flow's fingerprint stands: by its local port, or whatever names it instead. */
static __always_inline __u16 fingerprint_port(const struct xdpfw_flow_key *key)
{
	return key->local_port ? key->local_port : key->protocol;
}

static __noinline bool has_plain_flow(const struct pkt *p, bool answer)
{
	struct xdpfw_flow_key key = plain_key(p);
	struct xdpfw_flow *flow = find_flow(&flows, p, &key);

	if (!flow || flow->state == XDPFW_FLOW_REJECTED)
		return false;
	touch_flow(flow, answer);
	mark_flow(fingerprint_table(key.protocol), p, fingerprint_port(&key), key.remote_port);
	return true;
}

/* Is this the flow of a datagram that has just been rejected? */
static __noinline bool was_rejected(const struct pkt *p)
{
	struct xdpfw_flow_key key = plain_key(p);
	struct xdpfw_flow *flow = find_flow(&flows, p, &key);

	return flow && flow->state == XDPFW_FLOW_REJECTED;
}

static __noinline struct xdpfw_flow *find_guest(const struct pkt *p)
{
	struct xdpfw_flow_key key = flow_key(p);

	return find_flow(&guests, p, &key);
}

static __always_inline bool has_guest(const struct pkt *p)
{
	struct xdpfw_flow *flow = find_guest(p);

	if (flow)
		touch_flow(flow, true);
	return flow != NULL;
}

/* Is this UDP packet part of a flow that this host began? */
static __always_inline bool is_udp_reply(const struct pkt *p)
{
	return may_have_flow(XDPFW_FP_UDP, p, local_port(p), remote_port(p)) && has_plain_flow(p, p->dir == XDPFW_IN);
}

/* The same for ICMP echo, SCTP and protocols without ports. */
static __always_inline bool is_other_reply(const struct pkt *p)
{
	struct xdpfw_flow_key key = plain_key(p);

	return may_have_flow(XDPFW_FP_OTHER, p, fingerprint_port(&key), key.remote_port) &&
	       has_plain_flow(p, p->dir == XDPFW_IN);
}

/* @state is XDPFW_FLOW_PLAIN or XDPFW_FLOW_REJECTED. */
static __noinline void begin_plain_flow(const struct pkt *p, __u8 state)
{
	struct xdpfw_flow_key key = plain_key(p);
	struct xdpfw_flow *flow = find_flow(&flows, p, &key);

	if (cfg_observe)
		return;
	if (flow && flow->state == state) {
		touch_flow(flow, false);
	} else {
		struct xdpfw_flow fresh = {.state = state};

		fresh.seen = fresh.created = bpf_jiffies64();
		bpf_map_update_elem(&flows, &key, &fresh, BPF_ANY);
	}
	mark_flow(fingerprint_table(key.protocol), p, fingerprint_port(&key), key.remote_port);
}

static __noinline void add_guest(const struct pkt *p)
{
	struct xdpfw_flow_key key = flow_key(p);
	struct xdpfw_flow fresh = {};

	fresh.seen = fresh.created = bpf_jiffies64();
	bpf_map_update_elem(&guests, &key, &fresh, BPF_ANY);
}

static __always_inline void begin_guest(const struct pkt *p)
{
	struct xdpfw_flow *flow;

	if (cfg_observe)
		return;
	flow = find_guest(p);
	if (flow)
		touch_flow(flow, false);
	else
		add_guest(p);
}

/* An inbound packet that the policy passes: note it if its answer would not pass by itself. */
static __always_inline void record_guest(const struct pkt *p)
{
	__u32 answer;

	if (likely(!(p->flags & XDPFW_OUT_DENIES)) || p->protocol == IPPROTO_TCP || is_icmp(p))
		return;
	answer = has_ports(p) ? port_cell(p->slot, XDPFW_OUT, p->table, p->source_port)
			      : protocol_cell(p->slot, XDPFW_OUT, p->protocol);
	if (!passes(answer))
		begin_guest(p);
}

#endif
