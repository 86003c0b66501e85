/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel says of an interface (rtnetlink, ethtool). */
#ifndef XDPFW_USER_IFACE_H
#define XDPFW_USER_IFACE_H

#include <linux/types.h>
#include <net/if.h>
#include <stdbool.h>

#include "error.h"

struct iface_info {
	char name[IFNAMSIZ];
	int ifindex;
	unsigned short type; /* ARPHRD_* */
	unsigned int mtu;
	int master;      /* ifindex of the bridge or bond it is a port of, 0 = none */
	int lower;       /* ifindex of the parent of a VLAN or macvlan, 0 = none */
	char kind[16];   /* "veth", "bridge", "vlan"..., empty for hardware */
	char driver[32]; /* as ethtool names it, else @kind, else "unknown" */
	__u32 xdp_prog;  /* id of the attached XDP program, 0 = none */
	bool loopback;
};

/* -ENODEV if there is no such interface. */
int iface_get(const char *name, struct iface_info *info, struct error *e);
int iface_get_index(int ifindex, struct iface_info *info, struct error *e);

#endif
