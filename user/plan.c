// SPDX-License-Identifier: GPL-2.0-only
/* plan_interface(): which hooks an interface gets, and why. */
#define _GNU_SOURCE
#include <errno.h>
#include <net/if_arp.h>
#include <string.h>

#include "attach.h"
#include "hooks.h"
#include "util.h"

/* The C library's list ends before these two of <linux/if_arp.h>, which clashes with <net/if.h>. */
#define ARPHRD_RAWIP  519
#define ARPHRD_IP6GRE 823

/* Link layers whose frames begin with the IP header. */
static bool has_no_ethernet(unsigned short type)
{
	switch (type) {
	case ARPHRD_NONE: /* tun, wg */
	case ARPHRD_PPP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
	case ARPHRD_IP6GRE:
	case ARPHRD_RAWIP:
		return true;
	}
	return false;
}

static int refuse_foreign_xdp(const struct session *s, const struct iface_info *info, struct error *e)
{
	char name[64];

	if (!info->xdp_prog || hook_state(&s->instance, ROLE_XDP, info->ifindex) == HOOK_ATTACHED)
		return 0;
	program_name(info->xdp_prog, name);
	return fail(e, -EBUSY, "%s: another XDP program is attached: %s (id %u); detach it, or load with --mode tc",
		    info->name, name, info->xdp_prog);
}

/* Two loaded interfaces of which one carries the other would judge each packet twice. */
static int refuse_stacked(const struct session *s, const struct iface_info *info, struct error *e)
{
	for (size_t i = 0; s->open && i < XDPFW_MAX_IFACES; i++) {
		const struct xdpfw_iface *r = &s->store.ifaces[i];
		struct iface_info other;

		if (!iface_is_live(&s->store, r) || (int)r->ifindex == info->ifindex ||
		    iface_get_index(r->ifindex, &other, NULL))
			continue;
		if (info->master == other.ifindex || info->lower == other.ifindex || other.master == info->ifindex ||
		    other.lower == info->ifindex)
			return fail(e, -EBUSY, "%s: %s, which is loaded, lies on the same wire; load only one of them",
				    info->name, other.name);
	}
	return 0;
}

static int choose_l3(struct plan *p, struct error *e)
{
	if (p->mode == MODE_NATIVE || p->mode == MODE_GENERIC)
		return fail(e, -EOPNOTSUPP, "%s: has no Ethernet header, so XDP cannot parse it; load with --mode tc",
			    p->info.name);
	p->l3 = true;
	p->in_hook = XDPFW_IN_TC;
	snprintf(p->why, sizeof(p->why), "%s: no Ethernet header", p->info.driver);
	return 0;
}

/* Native XDP where a driver can drop before an skb exists; where everything is an skb already, or
 * becomes one all the same (veth, bridges, bonds...), XDP costs more than it saves. */
static void choose_auto(struct plan *p)
{
	if (p->info.kind[0]) {
		p->in_hook = XDPFW_IN_TC;
		snprintf(p->why, sizeof(p->why), "%s: XDP costs more than it saves there", p->info.driver);
	} else {
		p->in_hook = XDPFW_IN_NATIVE;
		snprintf(p->why, sizeof(p->why), "%s", p->info.driver);
	}
}

static void choose_as_asked(struct plan *p)
{
	static const enum xdpfw_in_hook hooks[] = {
		[MODE_NATIVE] = XDPFW_IN_NATIVE,
		[MODE_GENERIC] = XDPFW_IN_GENERIC,
		[MODE_TC] = XDPFW_IN_TC,
	};

	p->in_hook = hooks[p->mode];
	snprintf(p->why, sizeof(p->why), "%s, as asked%s", p->info.driver,
		 p->in_hook == XDPFW_IN_NATIVE && strcmp(p->info.kind, "veth") == 0 ? "; on veth a reject is a drop"
										    : "");
}

int plan_interface(const struct session *s, const char *name, enum load_mode mode, struct plan *plan, struct error *e)
{
	struct plan p = {.mode = mode};
	int err = iface_get(name, &p.info, e);

	if (err)
		return err;
	if (p.info.loopback)
		return fail(e, -EOPNOTSUPP, "%s: loopback is never filtered", name);
	err = refuse_stacked(s, &p.info, e);
	if (err)
		return err;
	if (has_no_ethernet(p.info.type)) {
		err = choose_l3(&p, e);
	} else if (p.info.type != ARPHRD_ETHER) {
		err = fail(e, -EOPNOTSUPP, "%s: unknown link layer (ARP type %u)", name, p.info.type);
	} else if (mode == MODE_AUTO) {
		choose_auto(&p);
	} else {
		choose_as_asked(&p);
	}
	if (!err && p.in_hook != XDPFW_IN_TC)
		err = refuse_foreign_xdp(s, &p.info, e);
	if (!err)
		*plan = p;
	return err;
}
