// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "sockets.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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
	};

	copy_addr(&row.local, diag->id.idiag_src, diag->idiag_family);
	copy_addr(&row.remote, diag->id.idiag_dst, diag->idiag_family);
	dump->fn(&row, dump->data);
	return MNL_CB_OK;
}

static int receive(struct mnl_socket *nl, struct dump *dump)
{
	_free_ char *buffer = malloc(MNL_SOCKET_BUFFER_SIZE);
	int n;

	if (!buffer)
		return -ENOMEM;
	do {
		n = mnl_socket_recvfrom(nl, buffer, MNL_SOCKET_BUFFER_SIZE);
		if (n > 0)
			n = mnl_cb_run(buffer, n, 1, mnl_socket_get_portid(nl), read_socket, dump);
	} while (n > MNL_CB_STOP);
	return n < 0 ? -errno : 0;
}

static int dump_family(int family, struct dump *dump)
{
	char buffer[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct mnl_socket *nl = mnl_socket_open(NETLINK_SOCK_DIAG);
	struct inet_diag_req_v2 *request;
	int err;

	if (!nl)
		return -errno;
	message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = 1;
	request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
	request->sdiag_family = family;
	request->sdiag_protocol = IPPROTO_TCP;
	request->idiag_states = ~(1U << TCP_LISTEN | 1U << TCP_CLOSE);
	err = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 || mnl_socket_sendto(nl, message, message->nlmsg_len) < 0
		      ? -errno
		      : receive(nl, dump);
	mnl_socket_close(nl);
	return err;
}

int sockets_each(socket_fn fn, void *data)
{
	struct dump dump = {fn, data};
	int err = dump_family(AF_INET, &dump);

	return err ? err : dump_family(AF_INET6, &dump);
}
