// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "wireguard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/wireguard.h>
#include <stdbool.h>
#include <string.h>

#include "evaluate.h"
#include "netlink.h"
#include "parse_addr.h"

/* A peer as far as it has been read. One with many addresses comes in several messages, of which all but the first only
 * tell its key and addresses. */
struct peer {
	__u8 key[WG_KEY_LEN];
	struct wireguard_outside outside;
	bool heard; /* the outside's remote end is known */
};

struct search {
	const struct xdpfw_addr *inner;
	__u16 local_port;
	struct peer peer; /* being read */
	int longest;      /* bits of the prefix by which the one below was found, -1: none */
	struct peer found;
};

static void read_endpoint(const struct nlattr *attr, struct peer *peer)
{
	const struct sockaddr *where = mnl_attr_get_payload(attr);

	/* The port stands at the same place in both families. */
	peer->heard = addr_from_sockaddr(where, &peer->outside.remote);
	peer->outside.remote_port = ntohs(((const struct sockaddr_in *)where)->sin_port);
}

static int read_allowed(const struct nlattr *attr, void *data)
{
	struct prefix *prefix = data;

	switch (mnl_attr_get_type(attr)) {
	case WGALLOWEDIP_A_IPADDR:
		netlink_read_addr(attr, &prefix->addr);
		break;
	case WGALLOWEDIP_A_CIDR_MASK:
		prefix->length = mnl_attr_get_u8(attr);
		break;
	}
	return MNL_CB_OK;
}

/* The longest prefix decides, as in WireGuard itself. */
static int judge_allowed(const struct nlattr *attr, void *data)
{
	struct search *s = data;
	struct prefix prefix = {};

	mnl_attr_parse_nested(attr, read_allowed, &prefix);
	if (addr_is_ipv4(&prefix.addr))
		prefix.length += 96;
	if (prefix.length <= s->longest || !prefix_contains(&prefix, s->inner))
		return MNL_CB_OK;
	s->longest = prefix.length;
	s->found = s->peer;
	return MNL_CB_OK;
}

/* All but the addresses, which are of whom the rest tells. */
static int read_peer(const struct nlattr *attr, void *data)
{
	struct peer *peer = data;

	switch (mnl_attr_get_type(attr)) {
	case WGPEER_A_PUBLIC_KEY:
		if (memcmp(peer->key, mnl_attr_get_payload(attr), WG_KEY_LEN) == 0)
			break;
		*peer = (struct peer){};
		memcpy(peer->key, mnl_attr_get_payload(attr), WG_KEY_LEN);
		break;
	case WGPEER_A_ENDPOINT:
		read_endpoint(attr, peer);
		break;
	case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL:
		peer->outside.keepalive = mnl_attr_get_u16(attr);
		break;
	}
	return MNL_CB_OK;
}

static int read_addresses(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == WGPEER_A_ALLOWEDIPS)
		mnl_attr_parse_nested(attr, judge_allowed, data);
	return MNL_CB_OK;
}

static int judge_peer(const struct nlattr *attr, void *data)
{
	struct search *s = data;

	mnl_attr_parse_nested(attr, read_peer, &s->peer);
	mnl_attr_parse_nested(attr, read_addresses, s);
	return MNL_CB_OK;
}

static int read_device(const struct nlattr *attr, void *data)
{
	struct search *s = data;

	if (mnl_attr_get_type(attr) == WGDEVICE_A_LISTEN_PORT)
		s->local_port = mnl_attr_get_u16(attr);
	else if (mnl_attr_get_type(attr) == WGDEVICE_A_PEERS)
		mnl_attr_parse_nested(attr, judge_peer, s);
	return MNL_CB_OK;
}

/* (Only of what is there is the family asked for: the kernel loads a module to answer.) */
int wireguard_outside_of(const struct iface_info *iface, const struct xdpfw_addr *inner,
			 struct wireguard_outside *outside)
{
	struct search s = {.inner = inner, .longest = -1};
	struct nlmsghdr *message;
	char buffer[256];
	__u16 family;
	int err;

	if (strcmp(iface->kind, WG_GENL_NAME) != 0)
		return -ENOENT;
	err = netlink_family(WG_GENL_NAME, &family);
	if (err)
		return err;
	message = netlink_generic(buffer, family, WG_CMD_GET_DEVICE);
	message->nlmsg_flags |= NLM_F_DUMP;
	mnl_attr_put_u32(message, WGDEVICE_A_IFINDEX, iface->ifindex);
	err = netlink_ask_generic(message, read_device, &s);
	if (err)
		return err;
	if (s.longest < 0 || !s.found.heard)
		return -ENOENT;
	*outside = s.found.outside;
	outside->local_port = s.local_port;
	return 0;
}
