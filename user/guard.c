// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "guard.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "evaluate.h"
#include "forward.h"
#include "logins.h"
#include "nexthop.h"
#include "route.h"
#include "translations.h"
#include "util.h"
#include "wireguard.h"

/* The policy before or after the change, as one login meets it. */
struct side {
	const struct ruleset *set;
	bool filters; /* the interface is loaded */
};

struct guard {
	const struct session *session;
	const struct ruleset *after;
	const struct plan *plans; /* what is being loaded */
	size_t nr_plans;
	struct login_list logins;
};

/* One login and how it comes in. */
struct visitor {
	const struct login *login;
	__u8 protocol; /* TCP, or UDP of a tunnel by which he comes */
	char iface[IFNAMSIZ];
	bool forwarded; /* by a one-way forward, which listens on `port` */
	__u16 port;
	struct side before, after;
	__u64 now; /* unix seconds */
};

/* What would happen to him, and what does it. */
struct harm {
	const char *what;
	__u16 port; /* on the wire */
	const struct statement *cause;
	bool deleted; /* the cause is that this is gone */
};

static bool is_loaded(const struct session *s, int ifindex)
{
	for (size_t i = 0; s->live && i < XDPFW_MAX_IFACES; i++)
		if ((int)s->store.ifaces[i].ifindex == ifindex && iface_is_live(&s->store, &s->store.ifaces[i]))
			return true;
	return false;
}

static bool will_be_loaded(const struct guard *g, int ifindex)
{
	for (size_t i = 0; i < g->nr_plans; i++)
		if (g->plans[i].info.ifindex == ifindex)
			return true;
	return is_loaded(g->session, ifindex);
}

/* By which port did he come, if a one-way forward rewrote it? The data path knows the connection. */
static void find_port(const struct connection *c, void *data)
{
	const struct xdpfw_translation *t = &c->translation;
	const struct xdpfw_addr *client = &c->ends.at[XDPFW_CLIENT];
	struct visitor *v = data;

	if (t->protocol != v->protocol || !(t->flags & XDPFW_FORWARD_LOCAL) || t->target_port != v->login->local_port ||
	    t->source_port != v->login->remote_port || memcmp(client, &v->login->remote, sizeof(*client)) != 0)
		return;
	v->forwarded = true;
	v->port = t->host_port;
}

static void find_way(const struct session *s, struct visitor *v)
{
	if (v->before.filters)
		translations_each(&s->store, find_port, v);
}

/*
 * Where does he come in? By the interface by which the answers leave, or by the one that has the address he talks to:
 * where those differ the one that is filtered counts.
 */
static bool begin_visit(const struct guard *g, const struct login *login, __u8 protocol, struct visitor *v)
{
	int ifindex = route_interface(&login->local, &login->remote);
	struct iface_info info;

	if (!will_be_loaded(g, ifindex))
		ifindex = address_interface(&login->local);
	if (!ifindex || !will_be_loaded(g, ifindex) || iface_get_index(ifindex, &info, NULL))
		return false;
	*v = (struct visitor){
		.login = login,
		.protocol = protocol,
		.before = {&g->session->now, is_loaded(g->session, ifindex)},
		.after = {g->after, true},
		.now = time(NULL),
	};
	memcpy(v->iface, info.name, sizeof(v->iface));
	find_way(g->session, v);
	return true;
}

static __u16 behind(const struct visitor *v, const struct side *side, __u16 port)
{
	return side->filters ? linked_port(side->set, protocol_bit(v->protocol), port) : port;
}

/* May he ask for a connection to this port on the wire? */
static struct judgement judge(const struct visitor *v, const struct side *side, __u16 port, __u64 now)
{
	const struct request request = {
		.dir = XDPFW_IN,
		.protocol = v->protocol,
		.from = v->login->remote,
		.to = v->login->local,
		.from_port = v->login->remote_port,
		.to_port = port,
		.on = v->iface,
		.now = now,
	};

	if (!side->filters)
		return (struct judgement){.verdict = XDPFW_PASS};
	return evaluate(side->set, &request);
}

static bool admits(const struct visitor *v, const struct side *side, __u16 port, __u64 now)
{
	return judge(v, side, port, now).verdict == XDPFW_PASS;
}

static const struct statement *find_forward(const struct visitor *v, const struct ruleset *set, __u16 port)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];

		if (s->kind == STATEMENT_FORWARD && s->forward.protocols & protocol_bit(v->protocol) &&
		    forward_listens_on(&s->forward, port))
			return s;
	}
	return NULL;
}

/* The port that he knows would lead elsewhere: a link is made, or goes. */
static bool is_led_astray(const struct visitor *v, struct harm *harm)
{
	if (behind(v, &v->after, harm->port) == v->login->local_port)
		return false;
	harm->what = "cut the login";
	harm->cause = find_forward(v, v->after.set, harm->port);
	harm->deleted = !harm->cause;
	if (!harm->cause)
		harm->cause = find_forward(v, v->before.set, harm->port);
	return true;
}

/* The forward that he came by goes, or leads elsewhere: he stays, but nobody comes that way again. */
static bool loses_forward(const struct visitor *v, struct harm *harm)
{
	const struct statement *before = find_forward(v, v->before.set, harm->port);
	const struct statement *after = find_forward(v, v->after.set, harm->port);

	if (!before || (after && after->id == before->id))
		return false;
	harm->what = "keep out new logins";
	harm->cause = after ? after : before;
	harm->deleted = !after;
	return true;
}

/* New logins would arrive elsewhere: a forward takes the port, one way or to another host. */
static bool is_handed_away(const struct visitor *v, struct harm *harm)
{
	const struct statement *s = find_forward(v, v->after.set, harm->port);

	if (!s || forward_is_link(&s->forward) || find_forward(v, v->before.set, harm->port))
		return false;
	harm->what = "keep out new logins";
	harm->cause = s;
	return true;
}

static bool is_blocked(const struct visitor *v, struct harm *harm)
{
	struct judgement j = judge(v, &v->after, harm->port, v->now);

	if (j.reason != XDPFW_R_BLOCKED)
		return false;
	harm->what = "cut the login";
	harm->cause = j.statement;
	return true;
}

/* By panic, which keeps open what it is told to keep. */
static bool is_panicked(const struct visitor *v, struct harm *harm)
{
	const struct statement *s = ruleset_panic(v->after.set);

	for (size_t i = 0; s && i < s->panic.count; i++)
		if (s->panic.kept[i] == harm->port)
			return false;
	harm->what = "cut the login";
	harm->cause = s;
	return s && !(v->before.filters && ruleset_panic(v->before.set));
}

/* The way he came, now and when all that expires has expired. */
static bool is_kept_out(const struct visitor *v, struct harm *harm)
{
	const __u64 times[] = {v->now, LLONG_MAX};

	for (size_t i = 0; v->login->listening && i < ARRAY_SIZE(times); i++) {
		if (!admits(v, &v->before, harm->port, times[i]) || admits(v, &v->after, harm->port, times[i]))
			continue;
		harm->what = i == 0 ? "keep out new logins" : "keep out new logins, once what allows them has expired,";
		harm->cause = judge(v, &v->after, harm->port, times[i]).statement;
		return true;
	}
	return false;
}

static bool has_way_in(const struct guard *g, const struct visitor *v, const struct side *side, __u16 *port)
{
	for (size_t i = 0; i < g->logins.nr_ports; i++) {
		__u16 wire = behind(v, side, g->logins.ports[i].port);

		if (strcmp(g->logins.ports[i].daemon, v->login->daemon) || !admits(v, side, wire, v->now))
			continue;
		*port = wire;
		return true;
	}
	return false;
}

/* The daemon may listen on other ports than the one that he came by: one of them must stay. */
static bool is_shut_out(const struct guard *g, const struct visitor *v, struct harm *harm)
{
	__u16 before, after;

	if (!has_way_in(g, v, &v->before, &before) || has_way_in(g, v, &v->after, &after))
		return false;
	harm->what = "keep out new logins";
	harm->port = before;
	harm->cause = judge(v, &v->after, before, v->now).statement;
	return true;
}

/* A default that nobody wrote has no statement. */
static char *cause_text(const struct visitor *v, const struct harm *harm)
{
	_free_ char *line = harm->cause ? statement_format(harm->cause) : NULL;
	const char *action = action_name(ruleset_default(v->after.set, XDPFW_IN));
	char *text = NULL;
	int n = line ? asprintf(&text, harm->deleted ? "deleting '%s'" : "'%s'", line)
		     : asprintf(&text, "the default, %s in,", action);

	return n < 0 ? NULL : text;
}

static int refuse(const struct visitor *v, const struct harm *harm, struct error *e)
{
	_free_ char *cause = cause_text(v, harm);
	char address[ADDR_TEXT_MAX];

	return fail(e, -EKEYREJECTED,
		    "refused: %s would %s from %s to port %u (%s); --confirm 60 tries it, --force does it",
		    cause ? cause : "it", harm->what, format_addr(&v->login->remote, address), harm->port,
		    v->login->daemon);
}

static int check(const struct guard *g, const struct visitor *v, struct error *e)
{
	struct harm harm = {.port = v->forwarded ? v->port : behind(v, &v->before, v->login->local_port)};
	bool led_away = v->forwarded ? loses_forward(v, &harm) : is_led_astray(v, &harm) || is_handed_away(v, &harm);

	if (led_away || is_blocked(v, &harm) || is_panicked(v, &harm) || is_kept_out(v, &harm) ||
	    is_shut_out(g, v, &harm))
		return refuse(v, &harm, e);
	return 0;
}

/*
 * The tunnel by which he comes, as a login of its own: where WireGuard's packets come from, and to. They must get in by themselves,
 * unless this host speaks often enough to be answered.
 */
static bool find_tunnel(const struct login *login, const struct ruleset *after, struct login *tunnel)
{
	unsigned int silence = ruleset_option(after, OPTION_TIMEOUTS + XDPFW_T_UDP_REPLIED);
	struct wireguard_outside outside;
	struct iface_info info;
	struct nexthop way;

	if (iface_get_index(route_interface(&login->local, &login->remote), &info, NULL) ||
	    wireguard_outside_of(&info, &login->remote, &outside) || nexthop_get(&outside.remote, &way) ||
	    way.ifindex == info.ifindex) /* wg-quick tells its own packets apart by a mark */
		return false;
	*tunnel = (struct login){
		.local = way.source,
		.remote = outside.remote,
		.local_port = outside.local_port,
		.remote_port = outside.remote_port,
		.listening = !outside.keepalive || outside.keepalive >= silence,
		.daemon = "the WireGuard tunnel of a login",
	};
	return true;
}

/* The tunnel first: what happens to that happens to all in it. (Panic keeps the login, and cuts the tunnel.) */
static int check_login(const struct guard *g, const struct login *login, struct error *e)
{
	struct login tunnel;
	struct visitor v;
	int err = 0;

	if (find_tunnel(login, g->after, &tunnel) && begin_visit(g, &tunnel, IPPROTO_UDP, &v))
		err = check(g, &v, e);
	if (!err && begin_visit(g, login, IPPROTO_TCP, &v))
		err = check(g, &v, e);
	return err;
}

int guard_load(const struct session *s, const struct ruleset *after, const struct plan *plans, size_t count,
	       struct error *e)
{
	struct guard g = {.session = s, .after = after, .plans = plans, .nr_plans = count};
	int err;

	if (s->settings.force || s->settings.confirm || session_on_trial(s))
		return 0;
	err = logins_find(&g.logins, e);
	for (size_t i = 0; !err && i < g.logins.count; i++)
		err = check_login(&g, &g.logins.logins[i], e);
	logins_free(&g.logins);
	return err;
}

int guard_change(const struct session *s, const struct ruleset *after, struct error *e)
{
	return guard_load(s, after, NULL, 0, e);
}
