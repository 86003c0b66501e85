// SPDX-License-Identifier: GPL-2.0-only
/* Forwards as the data path meets them: links (bpf/link.h), listeners and targets (bpf/forward.h, bpf/begin.h). */
#include <assert.h>
#include <string.h>

#include "journey.h"
#include "look_up.h"

static int table_of(const struct request *r)
{
	return r->protocol == IPPROTO_TCP ? XDPFW_TCP : r->protocol == IPPROTO_UDP ? XDPFW_UDP : XDPFW_SCTP;
}

static bool is_for(const struct xdpfw_forward *f, const struct request *r)
{
	return (!f->ifindex || f->ifindex == compiled_host.find_iface(r->on)) && compiled_time(r) < f->expiry &&
	       (!(f->flags & XDPFW_FORWARD_TO) || !memcmp(&f->to, &r->to, sizeof(f->to))) &&
	       (!f->from_length || in_prefix(&r->from, &f->from, f->from_length));
}

static bool is_multicast(const struct xdpfw_addr *addr)
{
	return is_v4(addr) ? addr->bytes[12] >= 224 : addr->bytes[0] == 0xff;
}

static void fill_arrival(const struct compiled *c, const struct xdpfw_forward *f, size_t i, const struct request *r,
			 struct arrival *a)
{
	const struct xdpfw_forward_target *t = &f->targets[i];

	a->port = t->port + r->to_port - f->listen;
	if (f->flags & XDPFW_FORWARD_LOCAL)
		return;
	a->addr = t->addr;
	a->blocked = compiled_blocks(c, r, &t->addr);
	if (!(f->flags & XDPFW_FORWARD_KEEP_SOURCE))
		a->source = t->source;
}

/* begin_forward() */
static void take(const struct compiled *c, __u32 number, const struct request *r, struct journey *j)
{
	const struct xdpfw_forward *f = &c->forwards[number];

	assert(number < XDPFW_FORWARDS);
	if (!number || !is_for(f, r) || is_multicast(&r->to) || r->dir == XDPFW_ROUTED)
		return;
	j->forward = f->counter;
	j->answers = f->answers;
	j->nr_arrivals = f->nr_targets;
	for (size_t i = 0; i < f->nr_targets; i++)
		fill_arrival(c, f, i, r, &j->arrivals[i]);
	if (xdpfw_reason_of(j->decision) != XDPFW_R_RULE)
		j->decision = xdpfw_decision(XDPFW_PASS, XDPFW_R_FORWARD, f->counter);
}

static bool is_refused(__u32 decision)
{
	__u32 reason = xdpfw_reason_of(decision);

	return xdpfw_verdict_of(decision) != XDPFW_PASS && reason != XDPFW_R_DEFAULT && reason != XDPFW_R_PORT_ZERO;
}

/* forward_request() and begin() */
static void meet_forwards(const struct compiled *c, const struct request *r, struct journey *j)
{
	const struct xdpfw_listener_table *table = &c->listeners[table_of(r)][!is_v4(&r->to)];
	__u16 listener = table->ports[r->to_port];
	__u32 bit = xdpfw_address_bit(&r->to);
	bool passes = xdpfw_verdict_of(j->decision) == XDPFW_PASS, routed = r->dir == XDPFW_ROUTED;

	if (is_refused(j->decision))
		return;
	j->is_direct_elsewhere =
		passes && routed && listener & XDPFW_TARGETED_ELSEWHERE && table->elsewhere[bit / 64] >> bit % 64 & 1;
	if (listener & XDPFW_TARGETED)
		j->is_direct = passes && !routed;
	else
		take(c, xdpfw_listening(listener), r, j);
}

struct journey compiled_journey(const struct compiled *c, const struct request *r, bool over_limit)
{
	__u16 local = r->dir == XDPFW_OUT ? r->from_port : r->to_port;
	struct journey j;

	memset(&j, 0, sizeof(j));
	j.decision = compiled_decision(c, r, over_limit);
	j.linked = local;
	if (!protocol_bit(r->protocol))
		return j;
	if (c->head.flags & XDPFW_HAS_LINKS)
		j.linked ^= c->links[table_of(r)].delta[local];
	if (c->head.flags & XDPFW_HAS_FORWARDS && r->dir != XDPFW_OUT)
		meet_forwards(c, r, &j);
	return j;
}
