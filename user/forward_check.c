// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "forward_check.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <string.h>

#include "iface.h"
#include "local.h"
#include "neighbour.h"
#include "nexthop.h"
#include "parse_addr.h"
#include "util.h"

static const char *const names[] = {
	[FAULT_ROUTE] = "route",           [FAULT_OURSELVES] = "ourselves", [FAULT_INTERFACE] = "interface",
	[FAULT_FORWARDING] = "forwarding", [FAULT_NEIGHBOUR] = "neighbour",
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

static bool is_loaded(const struct session *s, int ifindex)
{
	for (size_t i = 0; s->live && i < XDPFW_MAX_IFACES; i++)
		if ((int)s->store.ifaces[i].ifindex == ifindex && iface_is_live(&s->store, &s->store.ifaces[i]))
			return true;
	return false;
}

static void check_interface(const struct session *s, int ifindex, struct findings *f)
{
	struct iface_info info;

	if (!s->live || is_loaded(s, ifindex) || iface_get_index(ifindex, &info, NULL))
		return;
	note(f, FAULT_INTERFACE,
	     "%s, by which it is reached, is not loaded, so its answers would be lost; xdpfw load %s", info.name,
	     info.name);
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

size_t forward_check(const struct session *s, const struct forward_target *target, struct fault faults[FAULTS_MAX])
{
	struct findings f = {.faults = faults};
	bool v4 = addr_is_ipv4(&target->addr);
	struct nexthop hop;

	if (!target->remote)
		return 0;
	if (nexthop_get(&target->addr, &hop)) {
		note(&f, FAULT_ROUTE, "no route to it; see ip route get");
	} else if (hop.type == RTN_LOCAL) {
		note(&f, FAULT_OURSELVES, "it is this host; write the port alone, one-way");
	} else {
		check_interface(s, hop.ifindex, &f);
		check_neighbour(&hop, &target->addr, &f);
	}
	if (!host_routes(v4 ? 4 : 6))
		note(&f, FAULT_FORWARDING, "the kernel does not forward; %s", forwarding_command(v4));
	return f.count;
}
