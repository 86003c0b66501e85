// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "exits.h"
#include "netlink.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <libmnl/libmnl.h>

#include "util.h"

/* Of Linux 6.3's <linux/netdev.h>, which Debian 12 does not have. */
#define NETDEV_FAMILY             "netdev"
#define NETDEV_CMD_DEV_GET        1
#define NETDEV_A_DEV_IFINDEX      1
#define NETDEV_A_DEV_XDP_FEATURES 3
#define NETDEV_XDP_ACT_NDO_XMIT   (1ULL << 2)

static int read_features(const struct nlattr *attr, void *data)
{
	__u64 *features = data;

	if (mnl_attr_get_type(attr) == NETDEV_A_DEV_XDP_FEATURES)
		*features = mnl_attr_get_u64(attr);
	return MNL_CB_OK;
}

static int ask_features(int ifindex, __u64 *features)
{
	struct nlmsghdr *message;
	char buffer[256];
	__u16 family;
	int err = netlink_family(NETDEV_FAMILY, &family);

	if (err)
		return err;
	message = netlink_generic(buffer, family, NETDEV_CMD_DEV_GET);
	mnl_attr_put_u32(message, NETDEV_A_DEV_IFINDEX, ifindex);
	return netlink_ask_generic(message, read_features, features);
}

bool iface_takes_xdp(int ifindex)
{
	__u64 features = 0;

	return ask_features(ifindex, &features) == 0 && features & NETDEV_XDP_ACT_NDO_XMIT;
}

/* Entries of interfaces that are not loaded any more. */
static void forget_others(const struct store *st, int map)
{
	__u32 key, next;
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;

	while (more) {
		bool loaded = false;

		key = next;
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		for (size_t i = 0; i < XDPFW_MAX_IFACES; i++)
			loaded |= st->ifaces[i].ifindex == key && iface_is_live(st, &st->ifaces[i]);
		if (!loaded)
			bpf_map_delete_elem(map, &key);
	}
}

bool exits_hold(const struct store *st, int ifindex)
{
	char path[PATH_MAX];
	_close_ int map = bpf_obj_get(instance_pin(st->instance, "exits", path));
	__u32 key = ifindex, value;

	return map >= 0 && bpf_map_lookup_elem(map, &key, &value) == 0;
}

void exits_refresh(const struct store *st)
{
	char path[PATH_MAX];
	_close_ int map = bpf_obj_get(instance_pin(st->instance, "exits", path));

	if (map < 0)
		return;
	forget_others(st, map);
	for (size_t i = 0; i < XDPFW_MAX_IFACES; i++) {
		const struct xdpfw_iface *r = &st->ifaces[i];
		__u32 ifindex = r->ifindex, yes = 1;

		if (!iface_is_live(st, r))
			continue;
		if (r->in_hook == XDPFW_IN_NATIVE && iface_takes_xdp(ifindex))
			bpf_map_update_elem(map, &ifindex, &yes, BPF_ANY);
		else
			bpf_map_delete_elem(map, &ifindex);
	}
}
