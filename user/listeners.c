// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "netlink.h"
#include "parse_addr.h"
#include "util.h"

/* As the kernel numbers the states of sockets. A UDP socket without a peer is in state "close". */
enum {
	STATE_CLOSE = 7,
	STATE_LISTEN = 10,
};

static int append(struct listener_list *list, const struct listener *row)
{
	if (list->count == list->room) {
		size_t room = list->room * 2 + 32;
		struct listener *more = realloc(list->rows, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		list->rows = more;
		list->room = room;
	}
	list->rows[list->count++] = *row;
	return 0;
}

static int read_v6only(const struct nlattr *attr, void *data)
{
	struct listener *row = data;

	if (mnl_attr_get_type(attr) == INET_DIAG_SKV6ONLY && mnl_attr_get_u8(attr))
		row->v4 = false;
	return MNL_CB_OK;
}

struct dump {
	struct listener_list *list;
	__u8 protocol;
};

static int read_socket(const struct nlmsghdr *message, void *data)
{
	const struct inet_diag_msg *diag = mnl_nlmsg_get_payload(message);
	struct dump *dump = data;
	struct listener row = {
		.protocol = dump->protocol,
		.v4 = true,
		.v6 = diag->idiag_family == AF_INET6,
		.port = ntohs(diag->id.idiag_sport),
		.uid = diag->idiag_uid,
		.inode = diag->idiag_inode,
	};

	if (row.v6) {
		memcpy(&row.addr, diag->id.idiag_src, sizeof(row.addr));
		mnl_attr_parse(message, sizeof(*diag), read_v6only, &row);
		if (addr_is_ipv4(&row.addr))
			row.v6 = false;
		else if (!listens_everywhere(&row))
			row.v4 = false;
	} else {
		row.addr.words[2] = htonl(0xffff);
		row.addr.words[3] = diag->id.idiag_src[0];
	}
	return append(dump->list, &row) ? MNL_CB_ERROR : MNL_CB_OK;
}

static int dump_sockets(int family, __u8 protocol, __u32 states, struct listener_list *list)
{
	struct dump dump = {list, protocol};
	char buffer[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *request;

	message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
	request->sdiag_family = family;
	request->sdiag_protocol = protocol;
	request->idiag_states = states;
	return netlink_ask(NETLINK_SOCK_DIAG, message, read_socket, &dump);
}

int listener_compare(const struct listener *a, const struct listener *b)
{
	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	if (a->v6 != b->v6)
		return a->v6 ? 1 : -1;
	return memcmp(&a->addr, &b->addr, sizeof(a->addr));
}

static void sort(struct listener_list *list)
{
	if (list->count)
		qsort(list->rows, list->count, sizeof(*list->rows),
		      (int (*)(const void *, const void *))listener_compare);
}

int listeners_read(struct listener_list *list)
{
	static const int families[] = {AF_INET, AF_INET6};
	int err = 0;

	memset(list, 0, sizeof(*list));
	for (size_t i = 0; !err && i < ARRAY_SIZE(families); i++) {
		err = dump_sockets(families[i], IPPROTO_TCP, 1U << STATE_LISTEN, list);
		if (!err)
			err = dump_sockets(families[i], IPPROTO_UDP, 1U << STATE_CLOSE, list);
	}
	if (err)
		listeners_free(list);
	else
		sort(list);
	return err;
}

int listeners_add(struct listener_list *list, const struct listener *row)
{
	int err = append(list, row);

	if (!err)
		sort(list);
	return err;
}

void listeners_free(struct listener_list *list)
{
	free(list->rows);
	memset(list, 0, sizeof(*list));
}

bool listens_everywhere(const struct listener *l)
{
	return l->addr.words[3] == 0 && (addr_is_ipv4(&l->addr) || l->addr.halves[0] == 0);
}

bool listens_on_loopback(const struct listener *l)
{
	static const struct xdpfw_addr v6 = {.bytes = {[15] = 1}};

	return addr_is_ipv4(&l->addr) ? l->addr.bytes[12] == 127 : memcmp(&l->addr, &v6, sizeof(v6)) == 0;
}
