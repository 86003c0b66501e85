// SPDX-License-Identifier: GPL-2.0-only
#include "translations.h"

#include <netinet/in.h>

#include "compile_forward.h"
#include "datapath.h"
#include "xdpfw/flow.h"

/* As timeout_for() in bpf/flow.h. */
static enum xdpfw_timeout timeout_for(const struct xdpfw_translation *t)
{
	if (t->protocol == IPPROTO_UDP)
		return t->replied ? XDPFW_T_UDP_REPLIED : XDPFW_T_UDP;
	if (t->protocol == IPPROTO_SCTP)
		return XDPFW_T_SCTP;
	return t->state == XDPFW_FLOW_ESTABLISHED ? XDPFW_T_TCP_ESTABLISHED
	       : t->state == XDPFW_FLOW_CLOSING   ? XDPFW_T_TCP_CLOSING
	       : t->state == XDPFW_FLOW_CLOSED    ? XDPFW_T_TCP_CLOSED
						  : XDPFW_T_TCP_SYN;
}

/* A copy of the connection at @place; false if there is none. */
static bool read_connection(const struct store *st, unsigned int place, const __u64 *timeouts, __u32 now,
			    struct connection *c)
{
	const struct xdpfw_translation *t = &c->translation;

	if (!st->translations[place].seen)
		return false;
	c->translation = st->translations[place];
	c->ends = st->translation_ends[place];
	return t->seen && !(t->version & 1) && xdpfw_seen_within(t->seen, now, timeouts[timeout_for(t)]);
}

static void each(const struct store *st, const __u64 *timeouts, connection_fn fn, void *data)
{
	__u32 now = xdpfw_seen_at(datapath_jiffies());
	struct connection c;

	for (unsigned int place = 0; place < XDPFW_TRANSLATIONS; place++)
		if (read_connection(st, place, timeouts, now, &c))
			fn(&c, data);
}

static const __u64 *active_timeouts(const struct store *st)
{
	return st->heads[xdpfw_control_active(st->control->word)].timeouts;
}

void translations_each(const struct store *st, connection_fn fn, void *data)
{
	each(st, active_timeouts(st), fn, data);
}

static int cut_once(struct store *st, connection_test wanted, const void *data)
{
	const __u64 *timeouts = active_timeouts(st);
	__u32 now = xdpfw_seen_at(datapath_jiffies());
	struct connection c;
	int count = 0;

	for (unsigned int place = 0; place < XDPFW_TRANSLATIONS; place++) {
		if (!read_connection(st, place, timeouts, now, &c) || !wanted(&c, data))
			continue;
		__atomic_store_n(&st->translations[place].seen, 0, __ATOMIC_RELAXED);
		count++;
	}
	return count;
}

/* Twice, because a packet that was under way may have noted itself once more. */
int translations_cut(struct store *st, connection_test wanted, const void *data)
{
	int count = cut_once(st, wanted, data);

	if (count) {
		store_wait_for_readers();
		cut_once(st, wanted, data);
	}
	return count;
}

/* @kind: 0 or XDPFW_TARGETED. */
static void drain_port(struct xdpfw_listener_table *listeners, __u16 port, __u16 kind)
{
	if (!xdpfw_listening(listeners->ports[port]))
		listeners->ports[port] |= kind | XDPFW_DRAINING;
}

/* (A direct connection that is not rewritten was noted for what new forwarded ones may get.) */
static void drain(const struct connection *c, void *data)
{
	const struct xdpfw_translation *t = &c->translation;
	struct policy_image *image = data;
	int table = t->protocol == IPPROTO_TCP ? XDPFW_TCP : t->protocol == IPPROTO_UDP ? XDPFW_UDP : XDPFW_SCTP;
	struct xdpfw_listener_table *listeners = image->listeners[table][t->family == 6];

	if (t->flags & XDPFW_FORWARD_DIRECT && t->source_port == t->client_port)
		return;
	if (!(t->flags & XDPFW_FORWARD_DIRECT))
		drain_port(listeners, t->host_port, 0);
	if (t->flags & XDPFW_FORWARD_LOCAL)
		drain_port(listeners, t->target_port, XDPFW_TARGETED);
	else if (t->flags & XDPFW_FORWARD_KEEP_SOURCE)
		mark_targeted_elsewhere(listeners, &c->ends.at[XDPFW_TARGET], t->target_port);
	image->head->flags |= XDPFW_HAS_FORWARDS;
}

/* Panic ends them. */
void translations_drain(const struct store *st, struct policy_image *image)
{
	if (!(image->head->flags & XDPFW_PANIC))
		each(st, image->head->timeouts, drain, image);
}
