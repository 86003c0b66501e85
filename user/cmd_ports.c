// SPDX-License-Identifier: GPL-2.0-only
/* ports: what listens, who it is, and what the policy says of it from outside. */
#define _GNU_SOURCE
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <pwd.h>
#include <string.h>
#include <time.h>

#include "baseline.h"
#include "command.h"
#include "counts.h"
#include "docker.h"
#include "exposure.h"
#include "listeners.h"
#include "owners.h"
#include "util.h"

/* What all rows are made from. */
struct view {
	const struct session *session;
	struct listener_list listeners;
	struct owners owners;
	struct published_list published;
	struct counts counts;
	__u64 now;
};

/* Sockets on one port and address: several with SO_REUSEPORT. */
struct row {
	const struct view *view;
	const struct listener *first;
	size_t count;
	const struct published *published; /* NULL: not by Docker */
	struct exposure exposure;
};

static int read_counts(const struct session *s, struct counts *counts)
{
	struct counts base = {};
	__u64 since;
	int err = s->live ? counts_read(&s->store, counts) : 0;

	if (!err && s->live)
		err = baseline_read(&s->store, &base, &since);
	if (!err && s->live)
		counts_subtract(counts, &base);
	counts_free(&base);
	return err;
}

/* Does docker-proxy hold the published port, or have we got it already? */
static bool is_same(const struct listener *l, const struct listener *published)
{
	return l->protocol == published->protocol && l->port == published->port &&
	       (l->inode || memcmp(&l->addr, &published->addr, sizeof(l->addr)) == 0);
}

/* Published ports without docker-proxy have no socket; they are rows like the others. */
static int add_published(struct view *v)
{
	for (size_t i = 0; i < v->published.count; i++) {
		const struct published *p = &v->published.rows[i];
		struct listener row = {.protocol = p->protocol, .addr = p->addr, .port = p->port};
		bool known = false;

		row.v4 = p->addr.words[2] == htonl(0xffff) && p->addr.halves[0] == 0;
		row.v6 = !row.v4;
		for (size_t j = 0; j < v->listeners.count; j++)
			known |= is_same(&v->listeners.rows[j], &row);
		if (!known && listeners_add(&v->listeners, &row))
			return -ENOMEM;
	}
	return 0;
}

static int view_read(const struct session *s, struct view *v)
{
	int err;

	memset(v, 0, sizeof(*v));
	v->session = s;
	v->now = time(NULL);
	err = listeners_read(&v->listeners);
	if (!err)
		err = owners_read(&v->owners);
	if (!err)
		err = read_counts(s, &v->counts);
	if (err)
		return err;
	docker_read(&v->published);
	return add_published(v);
}

static void view_free(struct view *v)
{
	listeners_free(&v->listeners);
	owners_free(&v->owners);
	docker_free(&v->published);
	counts_free(&v->counts);
}

static const struct published *find_published(const struct view *v, const struct listener *l)
{
	for (size_t i = 0; i < v->published.count; i++)
		if (v->published.rows[i].protocol == l->protocol && v->published.rows[i].port == l->port)
			return &v->published.rows[i];
	return NULL;
}

static const struct statement *find_forward(const struct view *v, const struct listener *l, __u16 *wire)
{
	const struct ruleset *set = &v->session->now;

	for (size_t i = 0; i < set->count; i++)
		if (forward_leads_to(&set->statements[i], l, wire))
			return &set->statements[i];
	return NULL;
}

/* The port that outsiders ask to reach it. */
static __u16 wire_port(const struct view *v, const struct listener *l)
{
	__u16 wire;

	return find_forward(v, l, &wire) ? wire : l->port;
}

typedef int (*row_fn)(const struct row *row, void *data);

static int each_row(const struct view *v, row_fn fn, void *data)
{
	int err = 0;

	for (size_t i = 0; !err && i < v->listeners.count;) {
		struct row row = {.view = v, .first = &v->listeners.rows[i]};

		while (i < v->listeners.count && listener_compare(row.first, &v->listeners.rows[i]) == 0)
			i++, row.count++;
		row.published = find_published(v, row.first);
		err = exposure_find(&v->session->now, row.first, wire_port(v, row.first), v->now, &row.exposure);
		if (!err)
			err = fn(&row, data);
		exposure_free(&row.exposure);
	}
	return err;
}

/* In one word: what becomes of a request from just anyone. */
static const char *outside(const struct row *row)
{
	const struct exposure *x = &row->exposure;
	const struct view *v = row->view;

	if (listens_on_loopback(row->first))
		return "unreachable";
	if (!v->session->live)
		return "unfiltered";
	if (x->verdict == XDPFW_PASS && forwarded_away(&v->session->now, row->first, wire_port(v, row->first), v->now))
		return "forwarded";
	if (x->limited)
		return "limited";
	return x->verdict == XDPFW_PASS ? "allowed" : x->verdict == XDPFW_DROP ? "denied" : "rejected";
}

static const char *protocol_name(const struct listener *l)
{
	return l->protocol == IPPROTO_TCP ? "tcp" : "udp";
}

/* As whom it acts; /proc/PID itself belongs to root where the process must not be looked into. */
static unsigned int effective_uid(pid_t pid)
{
	char path[64], line[256];
	unsigned int uid = 0;
	_fclose_ FILE *status = NULL;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "Uid: %*u %u", &uid) == 1)
			break;
	return uid;
}

static void user_name(const struct owner *owner, char name[64])
{
	unsigned int uid = effective_uid(owner->pid);
	const struct passwd *user = getpwuid(uid);

	if (user)
		snprintf(name, 64, "%s", user->pw_name);
	else
		snprintf(name, 64, "%u", uid);
}

typedef void (*owner_fn)(const struct owner *owner, void *data);

/* The processes behind a row, each once: several may share a socket, and one may have several on a port. */
static void each_owner(const struct row *row, owner_fn fn, void *data)
{
	const struct owners *all = &row->view->owners;
	pid_t seen[64];
	size_t count = 0;

	for (size_t i = 0; i < row->count; i++) {
		const struct owner *o = row->first[i].inode ? owners_find(all, row->first[i].inode) : NULL;

		for (; o && o < all->rows + all->count && o->inode == row->first[i].inode; o++) {
			bool known = false;

			for (size_t j = 0; j < count; j++)
				known |= seen[j] == o->pid;
			if (known || count == ARRAY_SIZE(seen))
				continue;
			seen[count++] = o->pid;
			fn(o, data);
		}
	}
}

static void add_owner_json(const struct owner *owner, void *data)
{
	char user[64];

	user_name(owner, user);
	json_array_append_new(data, json_pack("{s:i,s:s,s:s}", "pid", owner->pid, "name", owner->name, "user", user));
}

static json_t *statement_json(const struct statement *s)
{
	_free_ char *text = s ? statement_format(s) : NULL;
	char id[17];

	if (!text)
		return json_null();
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)s->id);
	return json_pack("{s:s,s:s}", "id", id, "text", text);
}

static json_t *container_json(const struct published *p)
{
	return p ? json_pack("{s:s,s:i}", "name", p->container, "port", p->inner) : json_null();
}

static int add_row_json(const struct row *row, void *data)
{
	const struct listener *l = row->first;
	__u16 wire = wire_port(row->view, l);
	const struct port_row *counted =
		counts_find(&row->view->counts, XDPFW_IN, l->protocol == IPPROTO_TCP ? XDPFW_TCP : XDPFW_UDP, wire);
	const struct port_row none = {};
	json_t *owners = json_array(), *exceptions = json_array(), *forward;
	char addr[ADDR_TEXT_MAX];

	if (!counted)
		counted = &none;
	each_owner(row, add_owner_json, owners);
	for (size_t i = 0; i < row->exposure.count; i++)
		json_array_append_new(exceptions, statement_json(row->exposure.exceptions[i]));
	forward = statement_json(find_forward(row->view, l, &wire));
	json_array_append_new(data,
			      json_pack("{s:s,s:s,s:i,s:i,s:b,s:b,s:o,s:o,s:s,s:o,s:o,s:o,s:I,s:I,s:I}", "proto",
					protocol_name(l), "address", format_addr(&l->addr, addr), "port", l->port,
					"asked_port", wire, "ipv4", l->v4, "ipv6", l->v6, "processes", owners,
					"container", container_json(row->published), "outside", outside(row), "by",
					statement_json(row->exposure.by), "exceptions", exceptions, "forward", forward,
					"rx_packets", (json_int_t)counted->sides[XDPFW_RX].packets, "tx_packets",
					(json_int_t)counted->sides[XDPFW_TX].packets, "drop_packets",
					(json_int_t)counted->sides[XDPFW_DROPPED].packets));
	return 0;
}

static int print_json(const struct view *v)
{
	json_t *rows = json_array(), *root;
	int err = each_row(v, add_row_json, rows);

	root = json_pack("{s:b,s:o}", "loaded", v->session->live, "ports", rows);
	json_dumpf(root, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(root);
	return err;
}

static void add_owner_text(const struct owner *owner, void *data)
{
	char *text = data, user[64];
	size_t length = strlen(text);

	user_name(owner, user);
	snprintf(text + length, 256 - length, "%s%s/%d (%s)", length ? ", " : "", owner->name, owner->pid, user);
}

static void print_statement(const char *what, const struct statement *s)
{
	_free_ char *text = s ? statement_format(s) : NULL;

	if (text)
		printf("%7s%s: %s\n", "", what, text);
}

static int print_row(const struct row *row, void *data)
{
	const struct listener *l = row->first;
	__u16 wire = wire_port(row->view, l);
	const struct port_row *counted =
		counts_find(&row->view->counts, XDPFW_IN, l->protocol == IPPROTO_TCP ? XDPFW_TCP : XDPFW_UDP, wire);
	const struct port_row none = {};
	const struct statement *forward = find_forward(row->view, l, &wire);
	char addr[ADDR_TEXT_MAX], place[ADDR_TEXT_MAX + 8], owners[256] = "";

	(void)data;
	if (!counted)
		counted = &none;
	format_addr(&l->addr, addr);
	snprintf(place, sizeof(place), strchr(addr, ':') ? "[%s]:%u" : "%s:%u", addr, l->port);
	each_owner(row, add_owner_text, owners);
	printf("%-6s %-28s %-12s %10llu %10llu %10llu  %s\n", protocol_name(l), place, outside(row),
	       (unsigned long long)counted->sides[XDPFW_RX].packets,
	       (unsigned long long)counted->sides[XDPFW_TX].packets,
	       (unsigned long long)counted->sides[XDPFW_DROPPED].packets, owners);
	if (row->published)
		printf("%7scontainer %s, port %u\n", "", row->published->container, row->published->inner);
	if (listens_on_loopback(l))
		return 0;
	print_statement("forward", forward);
	for (size_t i = 0; i < row->exposure.count; i++)
		print_statement("first", row->exposure.exceptions[i]);
	if (row->exposure.by != forward)
		print_statement("by", row->exposure.by);
	return 0;
}

static int print_text(const struct view *v)
{
	if (!v->session->live)
		puts("nothing is loaded: no interface is filtered, all of this is open; `xdpfw load IFACE` changes "
		     "that");
	printf("%-6s %-28s %-12s %10s %10s %10s  %s\n", "PROTO", "LISTENS AT", "OUTSIDE", "RX", "TX", "DROPPED",
	       "PROCESS (USER)");
	return each_row(v, print_row, NULL);
}

int cmd_ports(const struct settings *settings, struct words words, struct error *e)
{
	_session_ struct session s = SESSION_CLOSED;
	struct view view;
	int err;

	if (words.count > 1)
		return fail(e, -EINVAL, "ports: '%s': takes no words", excerpt(words.list[1]).text);
	err = begin_session(settings, false, &s, e);
	if (err)
		return err;
	err = view_read(&s, &view);
	if (!err)
		err = settings->json ? print_json(&view) : print_text(&view);
	if (err)
		fail(e, err, "ports: %s", strerror(-err));
	else if (!s.live)
		err = -ENOTCONN;
	view_free(&view);
	return err;
}
