// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "explain.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "evaluate.h"
#include "interfaces.h"
#include "parse_addr.h"
#include "util.h"

static const struct xdpfw_iface *first_live(const struct session *s)
{
	for (size_t i = 0; i < XDPFW_MAX_IFACES; i++)
		if (iface_is_live(&s->store, &s->store.ifaces[i]))
			return &s->store.ifaces[i];
	return NULL;
}

/* The loaded interface that has one of the packet's addresses; else the first one. */
static const struct xdpfw_iface *choose(const struct explainer *ex, const struct packet *p)
{
	const struct local_address *own = p ? find_local(&ex->locals, &p->to) : NULL;
	const struct xdpfw_iface *iface = NULL;

	if (p && !own)
		own = find_local(&ex->locals, &p->from);
	if (own)
		iface = find_record(ex->session, own->interface);
	return iface ? iface : first_live(ex->session);
}

int explainer_open(const struct session *s, const char *name, const struct packet *p, struct explainer *ex,
		   struct error *e)
{
	int err = session_require_live(s, e);

	*ex = (struct explainer){.session = s, .twins = {-1, -1, -1, false, 0}};
	if (err)
		return err;
	if (local_addresses_read(&ex->locals) || rule_table_build(&s->now, &ex->rules))
		err = fail(e, -ENOMEM, "out of memory");
	if (!err) {
		ex->iface = name ? find_record(s, name) : choose(ex, p);
		if (!ex->iface)
			err = fail(e, -ENOTCONN, "'%s': not loaded, so it is not filtered; see `xdpfw status`", name);
	}
	if (!err)
		err = twins_open(&s->instance, s->store.control, ex->iface, &ex->twins, e);
	if (err)
		explainer_close(ex);
	return err;
}

void explainer_close(struct explainer *ex)
{
	twins_close(&ex->twins);
	rule_table_free(&ex->rules);
	local_addresses_free(&ex->locals);
}

static bool is_group(const struct packet *p)
{
	return p->family == 4 ? p->to.bytes[12] >= 224 : p->to.bytes[0] == 0xff;
}

enum xdpfw_dir guess_direction(const struct explainer *ex, const struct packet *p)
{
	return find_local(&ex->locals, &p->from) && !find_local(&ex->locals, &p->to) ? XDPFW_OUT : XDPFW_IN;
}

/* The packet for another host is judged as `routed`, if this one routes. */
static enum xdpfw_dir find_direction(const struct explainer *ex, enum xdpfw_dir dir, const struct packet *p)
{
	if (dir == XDPFW_IN && p->family && !is_group(p) && !find_local(&ex->locals, &p->to) && host_routes(p->family))
		return XDPFW_ROUTED;
	return dir;
}

static struct request request_of(const struct explainer *ex, const struct explanation *x)
{
	return (struct request){
		.dir = x->dir,
		.protocol = x->packet.protocol,
		.from = x->packet.from,
		.to = x->packet.to,
		.from_port = x->packet.from_port,
		.to_port = x->packet.to_port,
		.icmp_type = x->packet.icmp_type,
		.on = ex->iface->name,
		.now = time(NULL),
	};
}

/* Blocks carry no number: the ruleset is asked which one it was. */
static const struct statement *find_block(const struct explainer *ex, const struct explanation *x)
{
	struct request r = request_of(ex, x);
	struct judgement j = evaluate(&ex->session->now, &r);

	return j.reason == XDPFW_R_BLOCKED ? j.statement : NULL;
}

static void find_statement(const struct explainer *ex, __u32 decision, struct explanation *x)
{
	struct rule_entry entry = rule_table_find(&ex->rules, xdpfw_rule_of(decision));

	x->statement = entry.statement;
	x->n = entry.n;
	if (x->reason == XDPFW_R_BLOCKED)
		x->statement = find_block(ex, x);
}

/* TCP that leaves and is no request passes without anybody being asked. */
static bool has_voucher(const struct explanation *x)
{
	return x->reason == XDPFW_R_REPLY && (x->dir != XDPFW_OUT || x->packet.protocol != IPPROTO_TCP);
}

static bool same_endpoints(const struct packet *a, const struct packet *b)
{
	return memcmp(&a->from, &b->from, sizeof(a->from)) == 0 && memcmp(&a->to, &b->to, sizeof(a->to)) == 0 &&
	       a->from_port == b->from_port && a->to_port == b->to_port;
}

/* Where in the ranges that the forward listens on; -1 if the port is in none. */
static long find_range(const struct forward *f, __u16 port)
{
	for (size_t i = 0; i < f->nr_ranges; i++)
		if (port >= f->listen[i].first && port <= f->listen[i].last)
			return i;
	return -1;
}

/* Of a request that passes: by a rule or by the forward itself. */
static const struct forward *find_forward(const struct explainer *ex, const struct explanation *x)
{
	struct request r = request_of(ex, x);
	const struct statement *s = NULL;

	if (x->verdict == XDPFW_PASS && (x->reason == XDPFW_R_RULE || x->reason == XDPFW_R_FORWARD))
		s = evaluate_forwards(&ex->session->now, &r);
	return s ? &s->forward : NULL;
}

/* The twin makes no connection, so it has none to rewrite a request by: the forward says where it would go. (Its source
 * would be chosen then, too.) */
static void follow_forward(const struct explainer *ex, struct explanation *x)
{
	const struct forward *f = find_forward(ex, x);
	long range = f ? find_range(f, x->packet.to_port) : -1;

	if (range < 0)
		return;
	x->is_one_of_several = f->nr_targets > 1;
	if (x->is_one_of_several)
		return;
	x->is_rewritten = true;
	if (f->targets[0].remote)
		x->rewritten.to = f->targets[0].addr;
	x->rewritten.to_port = f->targets[0].ports[range].first + x->packet.to_port - f->listen[range].first;
}

int explain(const struct explainer *ex, enum xdpfw_dir dir, __u32 user, struct twin_frame *f,
	    struct explanation *result, struct error *e)
{
	struct sender sender = {.user = user};
	struct explanation x = {};
	__u32 decision;
	int err;

	packet_read(f, &x.packet);
	x.dir = find_direction(ex, dir, &x.packet);
	sender.forwarded = dir == XDPFW_OUT && !find_local(&ex->locals, &x.packet.from);
	err = twins_ask(&ex->twins, dir, &sender, f, &decision, e);
	if (err)
		return err;
	packet_read(f, &x.rewritten);
	x.is_rewritten = !same_endpoints(&x.packet, &x.rewritten);
	x.verdict = xdpfw_verdict_of(decision);
	x.reason = xdpfw_reason_of(decision);
	x.flow = has_voucher(&x);
	find_statement(ex, decision, &x);
	if (!x.is_rewritten)
		follow_forward(ex, &x);
	*result = x;
	return 0;
}

char *explanation_text(const struct explanation *x)
{
	char *text = NULL;

	if (x->statement)
		return statement_format(x->statement);
	if (x->reason == XDPFW_R_DEFAULT &&
	    asprintf(&text, "default %s %s", action_name(x->verdict), dir_name(x->dir)) < 0)
		return NULL;
	return text;
}
