/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flow tables for what has no socket to ask: UDP and ICMP echo. A UDP socket lookup
 * also finds unconnected sockets, so it could never tell an answer from a request.
 *
 * Only requests write: `flows` those of this host, `guests` those from outside whose
 * answers the outbound policy would drop. Time-outs are nf_conntrack's defaults.
 */
#ifndef XDPFW_BPF_FLOW_H
#define XDPFW_BPF_FLOW_H

#include "common.h"
#include "config.h"
#include "fingerprint.h"
#include "maps.h"
#include "policy.h"
#include "socket.h"

#define SECONDS_UNREPLIED 30
#define SECONDS_REPLIED   120

static __always_inline bool is_fresh(const struct xdpfw_flow *flow, __u64 now)
{
	return now - flow->seen <= (flow->replied ? SECONDS_REPLIED : SECONDS_UNREPLIED) * (__u64)cfg_hz;
}

/* The live flow of this key in @map, its time-out begun anew; NULL if there is none. Writes only
 * once a jiffy, so that a busy flow does not bounce its cache line. */
static __always_inline struct xdpfw_flow *touch_flow(void *map, const struct xdpfw_flow_key *key, bool answer)
{
	struct xdpfw_flow *flow = bpf_map_lookup_elem(map, key);
	__u64 now = bpf_jiffies64();

	if (!flow || !is_fresh(flow, now))
		return NULL;
	if (flow->seen != now)
		flow->seen = now;
	if (answer && !flow->replied)
		flow->replied = 1;
	return flow;
}

static __always_inline void begin_flow(void *map, const struct xdpfw_flow_key *key)
{
	struct xdpfw_flow flow = {};

	flow.seen = flow.created = bpf_jiffies64();
	bpf_map_update_elem(map, key, &flow, BPF_ANY);
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

/* An echo flow is named by its identifier, which parse has put into destination_port. */
static __always_inline struct xdpfw_flow_key echo_key(const struct pkt *p)
{
	struct xdpfw_flow_key key = flow_key(p);

	key.local_port = p->destination_port;
	key.remote_port = 0;
	return key;
}

static __noinline bool has_udp_flow(const struct pkt *p, bool answer)
{
	struct xdpfw_flow_key key = flow_key(p);

	if (!touch_flow(&flows, &key, answer))
		return false;
	mark_flow(XDPFW_FP_UDP, p, key.local_port, key.remote_port);
	return true;
}

static __noinline bool has_guest(const struct pkt *p)
{
	struct xdpfw_flow_key key = flow_key(p);

	return touch_flow(&guests, &key, true) != NULL;
}

static __noinline bool has_echo_flow(const struct pkt *p)
{
	struct xdpfw_flow_key key = echo_key(p);

	return touch_flow(&flows, &key, true) != NULL;
}

static __always_inline bool is_udp_reply(const struct pkt *p)
{
	return may_have_flow(XDPFW_FP_UDP, p, local_port(p), remote_port(p)) && has_udp_flow(p, p->dir == XDPFW_IN);
}

static __always_inline bool is_echo_answer(const struct pkt *p)
{
	return may_have_flow(XDPFW_FP_ICMP, p, p->destination_port, 0) && has_echo_flow(p);
}

static __noinline void record_udp(const struct pkt *p)
{
	struct xdpfw_flow_key key = flow_key(p);

	if (!touch_flow(&flows, &key, false))
		begin_flow(&flows, &key);
	mark_flow(XDPFW_FP_UDP, p, key.local_port, key.remote_port);
}

static __noinline void record_echo(const struct pkt *p)
{
	struct xdpfw_flow_key key = echo_key(p);

	if (!touch_flow(&flows, &key, false))
		begin_flow(&flows, &key);
	mark_flow(XDPFW_FP_ICMP, p, key.local_port, 0);
}

static __noinline void record_guest(const struct pkt *p)
{
	struct xdpfw_flow_key key = flow_key(p);

	if (!touch_flow(&guests, &key, false))
		begin_flow(&guests, &key);
}

/*
 * An outbound packet that the policy passes: note the request, so that its answer is
 * known. What leaves from a port that the inbound policy passes needs no note (its
 * answers pass anyway), and must have none: strangers cause it by asking.
 */
static __always_inline void record_request(const struct pkt *p)
{
	if (p->protocol == IPPROTO_TCP) {
		if (is_tcp_request(p))
			mark_flow(XDPFW_FP_TCP, p, p->source_port, p->destination_port);
	} else if (p->protocol == IPPROTO_UDP) {
		if (!passes(port_cell(p->slot, XDPFW_IN, XDPFW_UDP, p->source_port)))
			record_udp(p);
	} else if (is_echo_request(p)) {
		record_echo(p);
	}
}

/* An inbound packet that the policy passes: note it if its answer would not pass by itself. */
static __always_inline void record_guest_request(const struct pkt *p)
{
	if (p->protocol == IPPROTO_UDP && unlikely(p->flags & XDPFW_OUT_DENIES) &&
	    !passes(port_cell(p->slot, XDPFW_OUT, XDPFW_UDP, p->source_port)))
		record_guest(p);
}

#endif
