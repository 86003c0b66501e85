// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "effects.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "evaluate.h"
#include "exposure.h"
#include "route.h"
#include "util.h"

/* Listeners */

static __u16 wire_port(const struct ruleset *set, const struct listener *l)
{
	__u16 wire;

	for (size_t i = 0; i < set->count; i++)
		if (forward_leads_to(&set->statements[i], l, &wire))
			return wire;
	return l->port;
}

static int judge_listener(const struct session *s, const struct ruleset *after, const struct listener *l,
			  struct effects *fx)
{
	struct exposure now = {}, then = {};
	__u64 time_now = time(NULL);
	__u16 port = wire_port(&s->now, l);
	int err = exposure_find(&s->now, l, port, time_now, &now);

	if (!err)
		err = exposure_find(after, l, wire_port(after, l), time_now, &then);
	if (!err && (now.verdict == XDPFW_PASS) != (then.verdict == XDPFW_PASS))
		fx->listeners[fx->nr_listeners++] = (struct listener_effect){
			.listener = *l,
			.port = port,
			.before = now.verdict,
			.after = then.verdict,
			.cause = then.by,
		};
	exposure_free(&now);
	exposure_free(&then);
	return err;
}

/* Several sockets may share a port; one of them is enough. */
static int judge_listeners(const struct session *s, const struct ruleset *after, const struct listener_list *list,
			   struct effects *fx)
{
	int err = 0;

	fx->listeners = calloc(list->count + 1, sizeof(*fx->listeners));
	if (!fx->listeners)
		return -ENOMEM;
	for (size_t i = 0; !err && i < list->count; i++) {
		const struct listener *l = &list->rows[i];

		if (!listens_on_loopback(l) && (i == 0 || listener_compare(l, &list->rows[i - 1]) != 0))
			err = judge_listener(s, after, l, fx);
	}
	return err;
}

/* Connections */

static struct judgement judge(const struct ruleset *set, const struct flow_row *row, enum xdpfw_dir dir,
			      __u16 local_port, const char *interface, __u64 now)
{
	bool in = dir == XDPFW_IN;
	const struct request r = {
		.dir = dir,
		.protocol = row->protocol,
		.from = in ? row->remote : row->local,
		.to = in ? row->local : row->remote,
		.from_port = in ? row->remote_port : local_port,
		.to_port = in ? local_port : row->remote_port,
		.icmp_type = row->protocol == IPPROTO_ICMP ? 8 : 128, /* flows of ICMP are of echo requests */
		.on = interface,
		.now = now,
	};

	return evaluate(set, &r);
}

enum connection_fate connection_fate(const struct ruleset *before, const struct ruleset *after,
				     const struct flow_row *row, enum xdpfw_dir dir, const char *interface, __u64 now,
				     const struct statement **cause)
{
	unsigned int protocol = protocol_bit(row->protocol);
	bool socket = row->origin == ORIGIN_SOCKET;
	/* Sockets know the port behind a link, flows the one on the wire. */
	__u16 wire = socket ? linked_port(before, protocol, row->local_port) : row->local_port;
	struct judgement was = judge(before, row, dir, wire, interface, now);
	struct judgement will = judge(after, row, dir, wire, interface, now);

	*cause = will.statement;
	if (will.reason == XDPFW_R_BLOCKED)
		return was.reason == XDPFW_R_BLOCKED ? FATE_NONE : FATE_CUT;
	if (linked_port(before, protocol, wire) != linked_port(after, protocol, wire)) {
		*cause = NULL;
		return FATE_CUT;
	}
	return was.verdict == XDPFW_PASS && will.verdict != XDPFW_PASS ? FATE_NOT_AGAIN : FATE_NONE;
}

/* A socket does not say who began: one whose port somebody listens on was asked. */
static enum xdpfw_dir direction(const struct flow_row *row, const struct listener_list *list)
{
	if (row->origin != ORIGIN_SOCKET)
		return row->origin == ORIGIN_GUEST ? XDPFW_IN : XDPFW_OUT;
	for (size_t i = 0; i < list->count; i++)
		if (list->rows[i].protocol == IPPROTO_TCP && list->rows[i].port == row->local_port)
			return XDPFW_IN;
	return XDPFW_OUT;
}

/* The loaded interface by which they talk; false if it is none. */
static bool find_interface(const struct session *s, const struct flow_row *row, char name[IFNAMSIZ])
{
	int ifindex = route_interface(&row->local, &row->remote);

	for (size_t i = 0; i < XDPFW_MAX_IFACES; i++) {
		const struct xdpfw_iface *r = &s->store.ifaces[i];

		if (ifindex && (int)r->ifindex == ifindex && iface_is_live(&s->store, r))
			return if_indextoname(ifindex, name) != NULL;
	}
	return false;
}

static int judge_connections(const struct session *s, const struct ruleset *after,
			     const struct listener_list *listeners, const struct flow_list *list, struct effects *fx)
{
	__u64 now = time(NULL);

	fx->connections = calloc(list->count + 1, sizeof(*fx->connections));
	if (!fx->connections)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++) {
		struct connection_effect *c = &fx->connections[fx->nr_connections];
		char interface[IFNAMSIZ];

		if (!find_interface(s, &list->rows[i], interface))
			continue;
		c->row = list->rows[i];
		c->dir = direction(&c->row, listeners);
		c->fate = connection_fate(&s->now, after, &c->row, c->dir, interface, now, &c->cause);
		if (c->fate != FATE_NONE)
			fx->nr_connections++;
	}
	return 0;
}

int effects_find(const struct session *s, const struct ruleset *after, struct effects *fx, struct error *e)
{
	const struct flow_filter all = {};
	struct listener_list listeners = {};
	struct flow_list open = {};
	int err = listeners_read(&listeners);

	*fx = (struct effects){};
	if (!err)
		err = flows_read(&s->store, &all, &open, e);
	if (!err)
		err = judge_listeners(s, after, &listeners, fx);
	if (!err)
		err = judge_connections(s, after, &listeners, &open, fx);
	flows_free(&open);
	listeners_free(&listeners);
	if (err)
		effects_free(fx);
	return err ? fail(e, err, "cannot see who listens and what is open: %s", strerror(-err)) : 0;
}

void effects_free(struct effects *fx)
{
	free(fx->listeners);
	free(fx->connections);
	*fx = (struct effects){};
}
