// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "nexthop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink.h"
#include "parse_addr.h"

static int read_attr(const struct nlattr *attr, void *data)
{
	struct nexthop *route = data;

	switch (mnl_attr_get_type(attr)) {
	case RTA_OIF:
		route->ifindex = mnl_attr_get_u32(attr);
		break;
	case RTA_GATEWAY:
		route->has_gateway = true;
		netlink_read_addr(attr, &route->gateway);
		break;
	case RTA_PREFSRC:
		netlink_read_addr(attr, &route->source);
		break;
	}
	return MNL_CB_OK;
}

static int read_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);
	struct nexthop *route = data;

	route->type = rtm->rtm_type;
	return mnl_attr_parse(message, sizeof(*rtm), read_attr, route);
}

int nexthop_get(const struct xdpfw_addr *to, struct nexthop *route)
{
	char buffer[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	bool v4 = addr_is_ipv4(to);
	struct nexthop found = {0};
	struct rtmsg *rtm;
	int err;

	message->nlmsg_type = RTM_GETROUTE;
	message->nlmsg_flags = NLM_F_REQUEST;
	rtm = mnl_nlmsg_put_extra_header(message, sizeof(*rtm));
	rtm->rtm_family = v4 ? AF_INET : AF_INET6;
	rtm->rtm_dst_len = v4 ? 32 : 128;
	mnl_attr_put(message, RTA_DST, v4 ? 4 : 16, v4 ? (const void *)&to->words[3] : to);
	err = netlink_ask(NETLINK_ROUTE, message, read_route, &found);
	if (!err && !found.ifindex)
		err = -ENETUNREACH;
	if (!err)
		*route = found;
	return err;
}

int nexthop_source(const struct xdpfw_addr *to, struct xdpfw_addr *source)
{
	struct nexthop route;
	int err = nexthop_get(to, &route);

	if (!err)
		*source = route.source;
	return err;
}
