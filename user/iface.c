// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "iface.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "netlink.h"
#include "util.h"

static int read_linkinfo(const struct nlattr *attr, void *data)
{
	struct iface_info *info = data;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		snprintf(info->kind, sizeof(info->kind), "%s", mnl_attr_get_str(attr));
	return MNL_CB_OK;
}

static int read_xdp(const struct nlattr *attr, void *data)
{
	struct iface_info *info = data;

	if (mnl_attr_get_type(attr) == IFLA_XDP_PROG_ID)
		info->xdp_prog = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int read_attr(const struct nlattr *attr, void *data)
{
	struct iface_info *info = data;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		snprintf(info->name, sizeof(info->name), "%s", mnl_attr_get_str(attr));
		break;
	case IFLA_MTU:
		info->mtu = mnl_attr_get_u32(attr);
		break;
	case IFLA_MASTER:
		info->master = mnl_attr_get_u32(attr);
		break;
	case IFLA_LINK:
		info->lower = mnl_attr_get_u32(attr);
		break;
	case IFLA_LINKINFO:
		mnl_attr_parse_nested(attr, read_linkinfo, info);
		break;
	case IFLA_XDP:
		mnl_attr_parse_nested(attr, read_xdp, info);
		break;
	}
	return MNL_CB_OK;
}

static int read_link(const struct nlmsghdr *message, void *data)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
	struct iface_info *info = data;

	info->ifindex = link->ifi_index;
	info->type = link->ifi_type;
	info->loopback = link->ifi_flags & IFF_LOOPBACK;
	return mnl_attr_parse(message, sizeof(*link), read_attr, info);
}

/* Hardware has no kind, so its driver is asked of ethtool. */
static void read_driver(struct iface_info *info)
{
	struct ethtool_drvinfo drvinfo = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq request = {.ifr_data = (void *)&drvinfo};
	_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(request.ifr_name, info->name, IFNAMSIZ);
	if (fd >= 0 && ioctl(fd, SIOCETHTOOL, &request) == 0)
		snprintf(info->driver, sizeof(info->driver), "%.31s", drvinfo.driver);
	else
		snprintf(info->driver, sizeof(info->driver), "%s", info->kind[0] ? info->kind : "unknown");
}

static int get_link(const char *name, int ifindex, struct iface_info *result)
{
	char buffer[512];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct iface_info info = {};
	struct ifinfomsg *link;
	int err;

	message->nlmsg_type = RTM_GETLINK;
	message->nlmsg_flags = NLM_F_REQUEST;
	link = mnl_nlmsg_put_extra_header(message, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	link->ifi_index = ifindex;
	if (name)
		mnl_attr_put_strz(message, IFLA_IFNAME, name);
	err = netlink_ask(NETLINK_ROUTE, message, read_link, &info);
	if (err)
		return err;
	/* A veth reports its peer as IFLA_LINK; that is no stacking. */
	if (strcmp(info.kind, "veth") == 0)
		info.lower = 0;
	read_driver(&info);
	*result = info;
	return 0;
}

int iface_get(const char *name, struct iface_info *info, struct error *e)
{
	int err;

	if (strlen(name) >= IFNAMSIZ || !*name || strchr(name, '/'))
		return fail(e, -EINVAL, "'%s': no name of an interface", name);
	err = get_link(name, 0, info);
	if (err == -ENODEV)
		return fail(e, err, "'%s': no such interface; see `ip link`", name);
	return err ? fail(e, err, "'%s': %s", name, strerror(-err)) : 0;
}

int iface_get_index(int ifindex, struct iface_info *info, struct error *e)
{
	int err = get_link(NULL, ifindex, info);

	return err ? fail(e, err, "interface %d: %s", ifindex, strerror(-err)) : 0;
}
