// SPDX-License-Identifier: GPL-2.0-only
/* plan FILE|-: what `apply FILE` would change, and whom it would concern. Touches nothing. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "candidate.h"
#include "changes.h"
#include "command.h"
#include "counts.h"
#include "effects.h"
#include "guard.h"
#include "parse_addr.h"
#include "parse_ip_protocol.h"
#include "util.h"

struct planned {
	const struct session *session;
	struct ruleset after;
	struct changes changes;
	struct effects effects;
	struct error lockout; /* what `apply` would refuse, if it would */
};

static char *cause_text(const struct statement *cause, const char *otherwise)
{
	return cause ? statement_format(cause) : strdup(otherwise);
}

static void endpoint(const struct xdpfw_addr *addr, __u16 port, char *text, size_t size)
{
	char plain[ADDR_TEXT_MAX];

	format_addr(addr, plain);
	snprintf(text, size, addr_is_ipv4(addr) ? "%s:%u" : "[%s]:%u", plain, port);
}

static void print_listeners(const struct effects *fx)
{
	for (size_t i = 0; i < fx->nr_listeners; i++) {
		const struct listener_effect *l = &fx->listeners[i];
		_free_ char *cause = cause_text(l->cause, "the default");
		char place[ADDR_TEXT_MAX + 8];

		endpoint(&l->listener.addr, l->listener.port, place, sizeof(place));
		printf("%s: %s %s, which listens, by: %s\n", l->after == XDPFW_PASS ? "would open" : "would close",
		       l->listener.protocol == IPPROTO_TCP ? "tcp" : "udp", place, cause);
	}
}

static const char *fate_name(enum connection_fate fate)
{
	return fate == FATE_CUT ? "cut" : "not-again";
}

static void print_connections(const struct effects *fx)
{
	for (size_t i = 0; i < fx->nr_connections; i++) {
		const struct connection_effect *c = &fx->connections[i];
		_free_ char *cause =
			cause_text(c->cause, c->fate == FATE_CUT ? "a forward of its port" : "the default");
		char local[ADDR_TEXT_MAX + 8], remote[ADDR_TEXT_MAX + 8], protocol[IP_PROTOCOL_TEXT_MAX];

		endpoint(&c->row.local, c->row.local_port, local, sizeof(local));
		endpoint(&c->row.remote, c->row.remote_port, remote, sizeof(remote));
		printf("%s: %s %s %s %s, which is open, by: %s\n",
		       c->fate == FATE_CUT ? "would cut" : "would live on, but not begin again",
		       format_ip_protocol(c->row.protocol, protocol), local, c->dir == XDPFW_IN ? "from" : "to", remote,
		       cause);
	}
}

static void print_text(const struct planned *p)
{
	struct settings settings = p->session->settings;

	settings.dry_run = true;
	changes_print(&p->changes, &settings, p->session->live);
	if (!p->session->live)
		puts("nothing is loaded: nobody is concerned until `xdpfw load`");
	print_listeners(&p->effects);
	print_connections(&p->effects);
	if (p->lockout.text[0])
		printf("apply would refuse: %s\n", p->lockout.text);
}

static json_t *listener_json(const struct listener_effect *l)
{
	_free_ char *cause = cause_text(l->cause, "");
	char addr[ADDR_TEXT_MAX];

	return json_pack("{s:s,s:s,s:i,s:i,s:s,s:s,s:o}", "proto", l->listener.protocol == IPPROTO_TCP ? "tcp" : "udp",
			 "addr", format_addr(&l->listener.addr, addr), "port", l->listener.port, "wire_port", l->port,
			 "before", verdict_name(l->before), "after", verdict_name(l->after), "rule_text",
			 l->cause ? json_string(cause) : json_null());
}

static json_t *connection_json(const struct connection_effect *c)
{
	_free_ char *cause = cause_text(c->cause, "");
	char local[ADDR_TEXT_MAX + 8], remote[ADDR_TEXT_MAX + 8], protocol[IP_PROTOCOL_TEXT_MAX];

	endpoint(&c->row.local, c->row.local_port, local, sizeof(local));
	endpoint(&c->row.remote, c->row.remote_port, remote, sizeof(remote));
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o}", "proto", format_ip_protocol(c->row.protocol, protocol), "dir",
			 dir_name(c->dir), "local", local, "remote", remote, "fate", fate_name(c->fate), "rule_text",
			 c->cause ? json_string(cause) : json_null());
}

static void print_json(const struct planned *p)
{
	json_t *listeners = json_array(), *connections = json_array(), *root;
	const struct changes *c = &p->changes;

	for (size_t i = 0; i < p->effects.nr_listeners; i++)
		json_array_append_new(listeners, listener_json(&p->effects.listeners[i]));
	for (size_t i = 0; i < p->effects.nr_connections; i++)
		json_array_append_new(connections, connection_json(&p->effects.connections[i]));
	root = json_pack("{s:b,s:b,s:O,s:O,s:O,s:O,s:o,s:o,s:o}", "changed", changes_any(c), "loaded", p->session->live,
			 "added", c->added, "removed", c->removed, "replaced", c->replaced, "moved", c->moved,
			 "listeners", listeners, "connections", connections, "refused",
			 p->lockout.text[0] ? json_string(p->lockout.text) : json_null());
	json_dumpf(root, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(root);
}

static int plan(const struct session *s, const char *path, struct error *e)
{
	struct planned p = {.session = s};
	int err = candidate_read(path, &p.after, e);

	changes_init(&p.changes);
	if (!err)
		err = candidate_keep_interfaces(s, &p.after, e);
	if (!err)
		changes_compare(&p.changes, &s->now, &p.after);
	if (!err && s->live)
		err = effects_find(s, &p.after, &p.effects, e);
	if (!err && s->live)
		guard_change(s, &p.after, &p.lockout);
	if (!err && s->settings.json)
		print_json(&p);
	else if (!err)
		print_text(&p);
	effects_free(&p.effects);
	changes_free(&p.changes);
	ruleset_free(&p.after);
	return err;
}

int cmd_plan(const struct settings *settings, struct words words, struct error *e)
{
	_session_ struct session s = SESSION_CLOSED;
	int err;

	if (words.count != 2 || (words.list[1][0] == '-' && words.list[1][1]))
		return fail(e, -EINVAL, "plan: one file, or - for standard input: `plan FILE`");
	err = begin_session(settings, false, &s, e);
	return err ? err : plan(&s, words.list[1], e);
}
