// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "forward_check.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <string.h>

#include "exits.h"
#include "iface.h"
#include "local.h"
#include "neighbour.h"
#include "nexthop.h"
#include "parse_addr.h"
#include "util.h"

static const char *const names[] = {
	[FAULT_ROUTE] = "route",           [FAULT_OURSELVES] = "ourselves", [FAULT_INTERFACE] = "interface",
	[FAULT_FORWARDING] = "forwarding", [FAULT_NEIGHBOUR] = "neighbour", [FAULT_RETURN] = "return",
};

const char *fault_name(enum fault_kind kind)
{
	return names[kind];
}

const char *forwarding_command(bool v4)
{
	return v4 ? "sysctl -w net.ipv4.ip_forward=1" : "sysctl -w net.ipv6.conf.all.forwarding=1";
}

struct findings {
	struct fault *faults;
	size_t count;
};

static void __attribute__((format(printf, 3, 4)))
note(struct findings *f, enum fault_kind kind, const char *format, ...)
{
	struct fault *fault = &f->faults[f->count++];
	va_list args;

	fault->kind = kind;
	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
}

static bool is_named(const struct ruleset *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->statements[i].kind == STATEMENT_LOAD && !strcmp(set->statements[i].load.name, name))
			return true;
	return false;
}

/* One that was made again under the same name is another interface. */
static bool is_filtered(const struct store *live, int ifindex)
{
	for (size_t i = 0; i < XDPFW_MAX_IFACES; i++)
		if (iface_is_live(live, &live->ifaces[i]) && (int)live->ifaces[i].ifindex == ifindex)
			return true;
	return false;
}

static void check_interface(const struct ruleset *set, const struct store *live, int ifindex, struct findings *f)
{
	struct iface_info info;

	if (!ruleset_count(set, STATEMENT_LOAD) || iface_get_index(ifindex, &info, NULL))
		return;
	if (is_named(set, info.name) && (!live || is_filtered(live, ifindex)))
		return;
	note(f, FAULT_INTERFACE,
	     "%s, by which it is reached, is not loaded, so its answers would be lost; xdpfw load %s", info.name,
	     info.name);
}

/* XDP is not told that an interface takes no frames from it any more. */
static void check_exits(const struct store *live, struct findings *f)
{
	for (size_t i = 0; live && i < XDPFW_MAX_IFACES; i++) {
		const struct xdpfw_iface *r = &live->ifaces[i];

		if (!iface_is_live(live, r) || !exits_hold(live, r->ifindex) || iface_takes_xdp(r->ifindex))
			continue;
		note(f, FAULT_INTERFACE,
		     "%s takes no frames from XDP any more (a veth does if its peer has GRO), so what leaves there "
		     "gets lost; xdpfw reload",
		     r->name);
		return;
	}
}

/* One that was never asked is not at fault: the first packet asks. */
static void check_neighbour(const struct nexthop *hop, const struct xdpfw_addr *target, struct findings *f)
{
	const struct xdpfw_addr *next = hop->has_gateway ? &hop->gateway : target;
	char addr[ADDR_TEXT_MAX];
	unsigned int state = 0;

	if (neighbour_state(hop->ifindex, next, &state) || !(state & (NUD_FAILED | NUD_INCOMPLETE)))
		return;
	note(f, FAULT_NEIGHBOUR, "%s%s does not answer on its wire; is it up?", hop->has_gateway ? "the router " : "",
	     format_addr(next, addr));
}

/*
 * With keep-source the target answers the client's own address, by its own routes, which nobody here knows. But where
 * clients come by the very interface that leads to the target, it need not ask us: they are neighbours of it, or its
 * router knows them.
 */
static bool shares_wire(const struct forward *f, const struct nexthop *hop)
{
	struct iface_info info;
	struct nexthop back;

	if (f->on && !iface_get(f->on, &info, NULL))
		return info.ifindex == hop->ifindex;
	return f->from.kind == ADDRESS_PREFIX && !nexthop_get(&f->from.prefix.addr, &back) &&
	       back.ifindex == hop->ifindex;
}

static void check_return(const struct forward *f, const struct nexthop *hop, struct findings *found)
{
	if (f->keep_source && shares_wire(f, hop))
		note(found, FAULT_RETURN,
		     "clients come by the interface that leads to it, so it would answer them without asking this "
		     "host; leave "
		     "out keep-source");
}

static bool leads_to(const struct nexthop *hop, const char *name)
{
	struct iface_info info;

	return !iface_get(name, &info, NULL) && info.ifindex == hop->ifindex;
}

/* The kernel forwards by family, and what arrives by each interface: of this forward, requests and answers. */
static void check_forwarding(const struct ruleset *set, const struct forward *f, int family, const struct nexthop *hop,
			     struct findings *found)
{
	if (!host_routes(family)) {
		note(found, FAULT_FORWARDING, "the kernel does not forward to other hosts now; %s",
		     forwarding_command(family == 4));
		return;
	}
	for (size_t i = 0; i < set->count; i++) {
		const struct statement *s = &set->statements[i];
		const char *name = s->kind == STATEMENT_LOAD ? s->load.name : NULL;

		if (!name || iface_routes(family, name) || (f->on && strcmp(f->on, name) && !leads_to(hop, name)))
			continue;
		note(found, FAULT_FORWARDING,
		     "the kernel does not forward what comes by %s now; sysctl -w net/ipv%d/conf/%s/forwarding=1", name,
		     family, name);
		return;
	}
}

const char *forward_returns(const struct fault *faults, size_t count, const struct forward *f)
{
	for (size_t i = 0; i < count; i++)
		if (faults[i].kind == FAULT_RETURN)
			return "elsewhere";
	return f->keep_source ? "unknown" : "here";
}

size_t forward_check(const struct ruleset *set, const struct store *live, const struct forward *forward, size_t index,
		     struct fault faults[FAULTS_MAX])
{
	const struct forward_target *target = &forward->targets[index];
	struct findings f = {.faults = faults};
	struct nexthop hop = {};

	if (!target->remote)
		return 0;
	if (nexthop_get(&target->addr, &hop)) {
		note(&f, FAULT_ROUTE, "there is no route to it now; see ip route get");
	} else if (hop.type == RTN_LOCAL) {
		note(&f, FAULT_OURSELVES, "it is this host; write the port alone, one-way");
	} else {
		check_interface(set, live, hop.ifindex, &f);
		check_exits(live, &f);
		check_neighbour(&hop, &target->addr, &f);
		check_return(forward, &hop, &f);
	}
	check_forwarding(set, forward, addr_is_ipv4(&target->addr) ? 4 : 6, &hop, &f);
	return f.count;
}
