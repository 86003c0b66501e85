// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "neighbour.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "netlink.h"
#include "parse_addr.h"

static int read_state(const struct nlmsghdr *message, void *data)
{
	const struct ndmsg *neighbour = mnl_nlmsg_get_payload(message);

	*(unsigned int *)data = neighbour->ndm_state;
	return MNL_CB_OK;
}

int neighbour_state(int ifindex, const struct xdpfw_addr *addr, unsigned int *state)
{
	char buffer[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	bool v4 = addr_is_ipv4(addr);
	struct ndmsg *neighbour;

	message->nlmsg_type = RTM_GETNEIGH;
	message->nlmsg_flags = NLM_F_REQUEST;
	neighbour = mnl_nlmsg_put_extra_header(message, sizeof(*neighbour));
	neighbour->ndm_family = v4 ? AF_INET : AF_INET6;
	neighbour->ndm_ifindex = ifindex;
	mnl_attr_put(message, NDA_DST, v4 ? 4 : 16, v4 ? (const void *)&addr->words[3] : addr);
	return netlink_ask(NETLINK_ROUTE, message, read_state, state);
}
