// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "sockets.h"
#include "netlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "util.h"

struct dump {
	socket_fn fn;
	void *data;
};

static void copy_addr(struct xdpfw_addr *to, const __be32 *from, int family)
{
	memset(to, 0, sizeof(*to));
	if (family == AF_INET6) {
		memcpy(to, from, sizeof(*to));
	} else {
		to->words[2] = htonl(0xffff);
		to->words[3] = from[0];
	}
}

/* TCP_ESTABLISHED and so on, which the kernel shares with <netinet/tcp.h> alone. */
enum {
	STATE_LISTEN = 10,
	STATE_CLOSE = 7,
};

static int read_info(const struct nlattr *attr, void *data)
{
	struct socket_row *row = data;
	struct tcp_info info = {};
	size_t length = mnl_attr_get_payload_len(attr);

	if (mnl_attr_get_type(attr) != INET_DIAG_INFO)
		return MNL_CB_OK;
	memcpy(&info, mnl_attr_get_payload(attr), length < sizeof(info) ? length : sizeof(info));
	if (length < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(info.tcpi_bytes_received))
		return MNL_CB_OK;
	row->bytes_in = info.tcpi_bytes_received;
	row->bytes_out = info.tcpi_bytes_acked;
	row->idle_ms = info.tcpi_last_data_recv < info.tcpi_last_data_sent ? info.tcpi_last_data_recv
									   : info.tcpi_last_data_sent;
	return MNL_CB_OK;
}

static int read_socket(const struct nlmsghdr *message, void *data)
{
	const struct inet_diag_msg *diag = mnl_nlmsg_get_payload(message);
	struct dump *dump = data;
	struct socket_row row = {
		.local_port = ntohs(diag->id.idiag_sport),
		.remote_port = ntohs(diag->id.idiag_dport),
		.state = diag->idiag_state,
		.uid = diag->idiag_uid,
		.inode = diag->idiag_inode,
		.idle_ms = -1,
		.bytes_in = -1,
		.bytes_out = -1,
	};

	copy_addr(&row.local, diag->id.idiag_src, diag->idiag_family);
	copy_addr(&row.remote, diag->id.idiag_dst, diag->idiag_family);
	mnl_attr_parse(message, sizeof(*diag), read_info, &row);
	dump->fn(&row, dump->data);
	return MNL_CB_OK;
}

static int dump_family(int family, __u32 states, struct dump *dump)
{
	char buffer[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *request;

	message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
	request->sdiag_family = family;
	request->sdiag_protocol = IPPROTO_TCP;
	request->idiag_states = states;
	request->idiag_ext = 1 << (INET_DIAG_INFO - 1);
	return netlink_ask(NETLINK_SOCK_DIAG, message, read_socket, dump);
}

static int dump_states(__u32 states, socket_fn fn, void *data)
{
	struct dump dump = {fn, data};
	int err = dump_family(AF_INET, states, &dump);

	return err ? err : dump_family(AF_INET6, states, &dump);
}

int sockets_each(socket_fn fn, void *data)
{
	return dump_states(~(1U << STATE_LISTEN | 1U << STATE_CLOSE), fn, data);
}

int sockets_each_listener(socket_fn fn, void *data)
{
	return dump_states(1U << STATE_LISTEN, fn, data);
}

static void put_addr(__be32 *to, const struct xdpfw_addr *from, int family)
{
	memcpy(to, family == AF_INET6 ? from->words : &from->words[3], family == AF_INET6 ? 16 : 4);
}

/* A request about one TCP socket, or the UDP socket that a packet from @remote would reach: there the kernel takes
 * the source to be the packet's. */
static void put_ends(struct inet_diag_req_v2 *request, const struct xdpfw_addr *local, __u16 local_port,
		     const struct xdpfw_addr *remote, __u16 remote_port)
{
	bool v4 = local->halves[0] == 0 && local->words[2] == htonl(0xffff);
	bool swapped = request->sdiag_protocol == IPPROTO_UDP;

	request->sdiag_family = v4 ? AF_INET : AF_INET6;
	request->idiag_states = ~0U;
	request->id.idiag_sport = htons(swapped ? remote_port : local_port);
	request->id.idiag_dport = htons(swapped ? local_port : remote_port);
	put_addr(request->id.idiag_src, swapped ? remote : local, request->sdiag_family);
	put_addr(request->id.idiag_dst, swapped ? local : remote, request->sdiag_family);
}

static int take_inode(const struct nlmsghdr *message, void *data)
{
	const struct inet_diag_msg *diag = mnl_nlmsg_get_payload(message);

	*(__u32 *)data = diag->idiag_inode;
	return MNL_CB_STOP;
}

int socket_inode(__u8 protocol, const struct xdpfw_addr *local, __u16 local_port, const struct xdpfw_addr *remote,
		 __u16 remote_port, __u64 cookie, __u32 *inode)
{
	char buffer[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *request;
	__u32 found = 0;
	int err;

	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return -ENOENT;
	message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	message->nlmsg_flags = NLM_F_REQUEST;
	request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
	request->sdiag_protocol = protocol;
	request->id.idiag_cookie[0] = cookie;
	request->id.idiag_cookie[1] = cookie >> 32;
	put_ends(request, local, local_port, remote, remote_port);
	err = netlink_ask(NETLINK_SOCK_DIAG, message, take_inode, &found);
	if (!err && found)
		*inode = found;
	return err ? err : found ? 0 : -ENOENT;
}

int socket_destroy(const struct xdpfw_addr *local, __u16 local_port, const struct xdpfw_addr *remote, __u16 remote_port)
{
	char buffer[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *request;

	message->nlmsg_type = SOCK_DESTROY;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
	request->sdiag_protocol = IPPROTO_TCP;
	request->id.idiag_cookie[0] = request->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	put_ends(request, local, local_port, remote, remote_port);
	return netlink_ask(NETLINK_SOCK_DIAG, message, NULL, NULL);
}
