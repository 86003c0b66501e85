// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "flows.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "datapath.h"
#include "sockets.h"
#include "util.h"

struct reading {
	const struct store *store;
	const struct flow_filter *filter;
	struct flow_list *list;
	int err;
};

static const char *socket_state(__u8 state)
{
	static const char *const names[] = {
		[TCP_ESTABLISHED] = "established", [TCP_SYN_SENT] = "syn-sent",    [TCP_SYN_RECV] = "syn-recv",
		[TCP_FIN_WAIT1] = "fin-wait-1",    [TCP_FIN_WAIT2] = "fin-wait-2", [TCP_TIME_WAIT] = "time-wait",
		[TCP_CLOSE_WAIT] = "close-wait",   [TCP_LAST_ACK] = "last-ack",    [TCP_CLOSING] = "closing",
	};

	return state < ARRAY_SIZE(names) && names[state] ? names[state] : "new";
}

static const char *flow_state(const struct xdpfw_flow *flow)
{
	static const char *const names[] = {
		[XDPFW_FLOW_SYN] = "syn-sent",      [XDPFW_FLOW_ESTABLISHED] = "established",
		[XDPFW_FLOW_REJECTED] = "rejected", [XDPFW_FLOW_CLOSING] = "closing",
		[XDPFW_FLOW_CLOSED] = "closed",
	};

	if (flow->state != XDPFW_FLOW_PLAIN && flow->state < ARRAY_SIZE(names))
		return names[flow->state];
	return flow->replied ? "replied" : "unreplied";
}

static bool covers(const struct prefix *prefix, const struct xdpfw_addr *addr)
{
	for (int bit = 0; bit < prefix->length; bit += 8) {
		int left = prefix->length - bit;
		__u8 mask = left >= 8 ? 0xff : (__u8)(0xff00 >> left);

		if ((prefix->addr.bytes[bit / 8] ^ addr->bytes[bit / 8]) & mask)
			return false;
	}
	return true;
}

static bool matches(const struct flow_filter *f, const struct flow_row *row)
{
	return (!f->protocol || row->protocol == f->protocol) &&
	       (!f->has_port || row->local_port == f->port || row->remote_port == f->port) &&
	       (!f->has_peer || covers(&f->peer, &row->local) || covers(&f->peer, &row->remote)) &&
	       (!f->state || strcmp(f->state, row->state) == 0);
}

static void append(struct reading *r, const struct flow_row *row)
{
	struct flow_list *list = r->list;

	if (!matches(r->filter, row))
		return;
	if (list->count == list->room) {
		size_t room = list->room * 2 + 64;
		struct flow_row *rows = realloc(list->rows, room * sizeof(*rows));

		if (!rows) {
			r->err = -ENOMEM;
			return;
		}
		list->rows = rows;
		list->room = room;
	}
	list->rows[list->count++] = *row;
}

static void append_socket(const struct socket_row *s, void *data)
{
	struct flow_row row = {
		.origin = ORIGIN_SOCKET,
		.protocol = IPPROTO_TCP,
		.state = socket_state(s->state),
		.local = s->local,
		.remote = s->remote,
		.local_port = s->local_port,
		.remote_port = s->remote_port,
		.age_s = -1,
		.idle_s = s->idle_ms < 0 ? -1 : s->idle_ms / 1000,
		.bytes_in = s->bytes_in,
		.bytes_out = s->bytes_out,
	};

	append(data, &row);
}

/* Loopback is never filtered, so it is not the firewall's business. */
static void append_outside_socket(const struct socket_row *s, void *data)
{
	const struct prefix loopback = {.addr.bytes = {[10] = 0xff, [11] = 0xff, [12] = 127}, .length = 104};
	const struct prefix loopback6 = {.addr.bytes = {[15] = 1}, .length = 128};

	if (!covers(&loopback, &s->local) && !covers(&loopback6, &s->local))
		append_socket(s, data);
}

/* Only the low half of jiffies64 can be read; ages are differences, which it suffices for. */
static long seconds_since(__u64 then, __u32 now, unsigned int hz)
{
	return (__u32)(now - (__u32)then) / hz;
}

static int read_table(struct reading *r, const char *name, enum flow_origin origin, struct error *e)
{
	char path[PATH_MAX];
	_close_ int fd = bpf_obj_get(instance_pin(r->store->instance, name, path));
	struct xdpfw_flow_key key, next;
	__u32 now = datapath_jiffies();
	unsigned int hz = datapath_hz();
	bool more;

	if (fd < 0)
		return fail(e, -errno, "%s: %s", path, strerror(errno));
	for (more = bpf_map_get_next_key(fd, NULL, &next) == 0; more && !r->err;) {
		struct xdpfw_flow flow;
		struct flow_row row;

		key = next;
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &flow))
			continue;
		row = (struct flow_row){
			.origin = origin,
			.protocol = key.protocol,
			.state = flow_state(&flow),
			.local = key.local,
			.remote = key.remote,
			.local_port = key.local_port,
			.remote_port = key.remote_port,
			.age_s = seconds_since(flow.created, now, hz),
			.idle_s = seconds_since(flow.seen, now, hz),
			.bytes_in = -1,
			.bytes_out = -1,
		};
		append(r, &row);
	}
	return 0;
}

int flows_read(const struct store *st, const struct flow_filter *filter, struct flow_list *list, struct error *e)
{
	struct reading r = {.store = st, .filter = filter, .list = list};
	int err;

	memset(list, 0, sizeof(*list));
	err = sockets_each(append_outside_socket, &r);
	if (err)
		err = fail(e, err, "sockets: %s", strerror(-err));
	if (!err)
		err = read_table(&r, "flows", ORIGIN_FLOW, e);
	if (!err)
		err = read_table(&r, "guests", ORIGIN_GUEST, e);
	if (!err && r.err)
		err = fail(e, r.err, "out of memory");
	if (err)
		flows_free(list);
	return err;
}

void flows_free(struct flow_list *list)
{
	free(list->rows);
	memset(list, 0, sizeof(*list));
}

static int kill_entry(const struct store *st, const struct flow_row *row)
{
	struct xdpfw_flow_key key = {
		.local = row->local,
		.remote = row->remote,
		.local_port = row->local_port,
		.remote_port = row->remote_port,
		.protocol = row->protocol,
	};
	char path[PATH_MAX];
	_close_ int fd = bpf_obj_get(instance_pin(st->instance, row->origin == ORIGIN_FLOW ? "flows" : "guests", path));

	return fd >= 0 && bpf_map_delete_elem(fd, &key) == 0 ? 1 : 0;
}

int flows_kill(const struct store *st, const struct flow_list *list, struct error *e)
{
	int killed = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct flow_row *row = &list->rows[i];
		int err;

		if (row->origin != ORIGIN_SOCKET) {
			killed += kill_entry(st, row);
			continue;
		}
		err = socket_destroy(&row->local, row->local_port, &row->remote, row->remote_port);
		if (err == -EOPNOTSUPP)
			return fail(e, err, "--kill: this kernel cannot destroy sockets (CONFIG_INET_DIAG_DESTROY)");
		killed += err == 0;
	}
	memset(st->sockets, 0, (size_t)st->cpus * XDPFW_SOCKET_SETS_PER_CPU * sizeof(*st->sockets));
	return killed;
}
