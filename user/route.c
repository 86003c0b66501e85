// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "route.h"
#include "netlink.h"
#include "parse_addr.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>

static int read_attr(const struct nlattr *attr, void *data)
{
	int *ifindex = data;

	if (mnl_attr_get_type(attr) == RTA_OIF)
		*ifindex = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int read_route(const struct nlmsghdr *message, void *data)
{
	return mnl_attr_parse(message, sizeof(struct rtmsg), read_attr, data);
}

static void put_addr(struct nlmsghdr *message, int type, const struct xdpfw_addr *addr, bool v4)
{
	mnl_attr_put(message, type, v4 ? 4 : 16, v4 ? &addr->words[3] : addr->words);
}

int route_interface(const struct xdpfw_addr *local, const struct xdpfw_addr *remote)
{
	char buffer[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	bool v4 = addr_is_ipv4(remote);
	struct rtmsg *route;
	int ifindex = 0;

	message->nlmsg_type = RTM_GETROUTE;
	message->nlmsg_flags = NLM_F_REQUEST;
	route = mnl_nlmsg_put_extra_header(message, sizeof(*route));
	route->rtm_family = v4 ? AF_INET : AF_INET6;
	route->rtm_dst_len = v4 ? 32 : 128;
	route->rtm_src_len = v4 ? 32 : 128;
	put_addr(message, RTA_DST, remote, v4);
	put_addr(message, RTA_SRC, local, v4);
	return netlink_ask(NETLINK_ROUTE, message, read_route, &ifindex) ? 0 : ifindex;
}

static bool has_address(const struct ifaddrs *entry, const struct xdpfw_addr *addr)
{
	struct xdpfw_addr own;

	return addr_from_sockaddr(entry->ifa_addr, &own) && !memcmp(&own, addr, sizeof(own));
}

int address_interface(const struct xdpfw_addr *local)
{
	struct ifaddrs *list = NULL;
	int ifindex = 0;

	if (getifaddrs(&list))
		return 0;
	for (const struct ifaddrs *entry = list; entry && !ifindex; entry = entry->ifa_next)
		if (has_address(entry, local))
			ifindex = if_nametoindex(entry->ifa_name);
	freeifaddrs(list);
	return ifindex;
}
