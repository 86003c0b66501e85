// SPDX-License-Identifier: GPL-2.0-only
#include "samples.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "flows.h"
#include "parse_addr.h"

#define STRANGER_PORT 50000

struct choice {
	const struct explainer *ex;
	struct sample *list;
	size_t count;
	int family;
	struct xdpfw_addr own, stranger;
};

static void add(struct choice *c, const char *name, enum xdpfw_dir dir, struct packet p)
{
	if (c->count == SAMPLES_MAX)
		return;
	p.family = c->family;
	p.has_ports = p.protocol == IPPROTO_TCP || p.protocol == IPPROTO_UDP;
	c->list[c->count++] = (struct sample){name, dir, p};
}

static void add_in(struct choice *c, const char *name, __u8 protocol, __u16 port, __u8 flags)
{
	add(c, name, XDPFW_IN,
	    (struct packet){
		    .protocol = protocol,
		    .from = c->stranger,
		    .to = c->own,
		    .from_port = STRANGER_PORT,
		    .to_port = port,
		    .tcp_flags = flags,
	    });
}

static void add_out(struct choice *c, const char *name, __u8 protocol, __u16 from, __u16 to, __u8 flags)
{
	add(c, name, XDPFW_OUT,
	    (struct packet){
		    .protocol = protocol,
		    .from = c->own,
		    .to = c->stranger,
		    .from_port = from,
		    .to_port = to,
		    .tcp_flags = flags,
	    });
}

/* The kinds of a cell of the policy. */
static bool is_allowed(__u32 cell)
{
	return xdpfw_verdict_of(cell) == XDPFW_PASS && xdpfw_reason_of(cell) == XDPFW_R_RULE;
}

static bool is_forwarded(__u32 cell)
{
	return xdpfw_verdict_of(cell) == XDPFW_PASS && xdpfw_reason_of(cell) == XDPFW_R_FORWARD;
}

static bool is_denied(__u32 cell)
{
	return xdpfw_verdict_of(cell) == XDPFW_DROP || xdpfw_verdict_of(cell) == XDPFW_REJECT;
}

/* Addresses, users, rates: a question is asked before the decision. */
static bool is_conditional(__u32 cell)
{
	return xdpfw_verdict_of(cell) == XDPFW_GO_ON;
}

/* The cell of a port, as a request would meet it: forwards with state stand behind the cells. */
static __u32 cell_at(const struct choice *c, __u32 slot, enum xdpfw_dir dir, enum xdpfw_table table, __u16 port)
{
	const struct store *st = &c->ex->session->store;
	__u32 cell = st->ports[xdpfw_port_table_index(slot, dir, table)].cells[port];
	__u16 listener = st->listeners[xdpfw_listener_index(slot, table, c->family == 6)].ports[port];

	if (dir != XDPFW_IN || xdpfw_reason_of(cell) != XDPFW_R_DEFAULT || listener & XDPFW_TARGETED ||
	    !xdpfw_listening(listener) || xdpfw_listening(listener) == XDPFW_DRAINING)
		return cell;
	return xdpfw_decision(XDPFW_PASS, XDPFW_R_FORWARD, 0);
}

/* The lowest port but 0 of that kind; 0 if there is none. */
static __u16 find_port(const struct choice *c, enum xdpfw_dir dir, enum xdpfw_table table, bool (*kind)(__u32 cell))
{
	__u32 slot = xdpfw_control_active(c->ex->session->store.control->word);

	for (__u32 port = 1; port < XDPFW_PORTS; port++)
		if (kind(cell_at(c, slot, dir, table, port)))
			return port;
	return 0;
}

static const struct {
	const char *name;
	enum xdpfw_dir dir;
	enum xdpfw_table table;
	bool (*kind)(__u32 cell);
	__u8 flags;
} by_port[] = {
	{"request to an allowed port", XDPFW_IN, XDPFW_TCP, is_allowed, TCP_FLAG_SYN},
	{"data to an allowed port", XDPFW_IN, XDPFW_TCP, is_allowed, TCP_FLAG_ACK},
	{"request to a forwarded port", XDPFW_IN, XDPFW_TCP, is_forwarded, TCP_FLAG_SYN},
	{"request to a port with conditions", XDPFW_IN, XDPFW_TCP, is_conditional, TCP_FLAG_SYN},
	{"request to a closed port", XDPFW_IN, XDPFW_TCP, is_denied, TCP_FLAG_SYN},
	{"stray segment to a closed port", XDPFW_IN, XDPFW_TCP, is_denied, TCP_FLAG_ACK},
	{"datagram to an allowed port", XDPFW_IN, XDPFW_UDP, is_allowed, 0},
	{"datagram to a closed port", XDPFW_IN, XDPFW_UDP, is_denied, 0},
	{"request to an allowed port", XDPFW_OUT, XDPFW_TCP, is_allowed, TCP_FLAG_SYN},
	{"request to a port with conditions", XDPFW_OUT, XDPFW_TCP, is_conditional, TCP_FLAG_SYN},
	{"request to a denied port", XDPFW_OUT, XDPFW_TCP, is_denied, TCP_FLAG_SYN},
};

static void add_by_port(struct choice *c)
{
	for (size_t i = 0; i < sizeof(by_port) / sizeof(*by_port); i++) {
		__u8 protocol = by_port[i].table == XDPFW_TCP ? IPPROTO_TCP : IPPROTO_UDP;
		__u16 port = find_port(c, by_port[i].dir, by_port[i].table, by_port[i].kind);

		if (port && by_port[i].dir == XDPFW_IN)
			add_in(c, by_port[i].name, protocol, port, by_port[i].flags);
		else if (port)
			add_out(c, by_port[i].name, protocol, STRANGER_PORT, port, by_port[i].flags);
	}
}

/* What every host sends. */
static void add_everyday(struct choice *c)
{
	__u16 served = find_port(c, XDPFW_IN, XDPFW_TCP, is_allowed);
	struct packet echo = {
		.protocol = c->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
		.icmp_type = c->family == 4 ? 8 : 128,
		.from = c->stranger,
		.to = c->own,
		.echo_id = 1,
	};

	add(c, "echo request", XDPFW_IN, echo);
	add_out(c, "request to a web server", IPPROTO_TCP, STRANGER_PORT, 443, TCP_FLAG_SYN);
	add_out(c, "data to a web server", IPPROTO_TCP, STRANGER_PORT, 443, TCP_FLAG_ACK);
	add_out(c, "question to a name server", IPPROTO_UDP, STRANGER_PORT, 53, 0);
	if (served)
		add_out(c, "answer of an allowed port", IPPROTO_TCP, served, STRANGER_PORT, TCP_FLAG_ACK);
	echo.from = c->own;
	echo.to = c->stranger;
	add(c, "echo request", XDPFW_OUT, echo);
}

static bool is_answered(const struct flow_row *row)
{
	if (row->origin == ORIGIN_SOCKET)
		return strcmp(row->state, "established") == 0;
	return row->origin == ORIGIN_FLOW && row->protocol == IPPROTO_UDP;
}

/* What comes in for one connection of each kind that is open. */
static void add_answers(struct choice *c)
{
	const struct flow_filter all = {};
	struct flow_list open;
	bool done[2] = {};

	if (flows_read(&c->ex->session->store, &all, &open, NULL))
		return;
	for (size_t i = 0; i < open.count; i++) {
		const struct flow_row *row = &open.rows[i];
		bool tcp = row->protocol == IPPROTO_TCP;

		if (!is_answered(row) || done[tcp] || addr_is_ipv4(&row->remote) != (c->family == 4) ||
		    !find_local(&c->ex->locals, &row->local) || find_local(&c->ex->locals, &row->remote))
			continue;
		done[tcp] = true;
		add(c, tcp ? "data of an open connection" : "answer to a datagram", XDPFW_IN,
		    (struct packet){
			    .protocol = row->protocol,
			    .from = row->remote,
			    .to = row->local,
			    .from_port = row->remote_port,
			    .to_port = row->local_port,
			    .tcp_flags = tcp ? TCP_FLAG_ACK : 0,
		    });
	}
	flows_free(&open);
}

static void add_blocked(struct choice *c)
{
	const struct ruleset *set = &c->ex->session->now;

	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];

		if (s->kind != STATEMENT_BLOCK || addr_is_ipv4(&s->block.prefix.addr) != (c->family == 4))
			continue;
		c->stranger = s->block.prefix.addr;
		add_in(c, "from a blocked address", IPPROTO_UDP, 53, 0);
		return;
	}
}

static void set_v4(struct xdpfw_addr *addr, __u32 v4)
{
	*addr = (struct xdpfw_addr){.words = {0, 0, htonl(0xffff), htonl(v4)}};
}

static void choose_family(struct choice *c, int family)
{
	const struct local_address *own = local_of(&c->ex->locals, c->ex->iface->name, family);

	if (!own)
		return;
	c->family = family;
	c->own = own->addr;
	if (family == 4)
		set_v4(&c->stranger, 0xc6336407); /* 198.51.100.7, for documentation */
	else
		c->stranger = (struct xdpfw_addr){.words = {htonl(0x20010db8), 0, 0, htonl(7)}};
	add_by_port(c);
	add_answers(c);
	add_everyday(c);
	add_blocked(c);
}

size_t samples_choose(const struct explainer *ex, struct sample list[SAMPLES_MAX])
{
	struct choice c = {.ex = ex, .list = list};

	choose_family(&c, 4);
	choose_family(&c, 6);
	return c.count;
}
