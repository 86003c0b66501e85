// SPDX-License-Identifier: GPL-2.0-only
#include "netlink.h"

#include <errno.h>
#include <string.h>

/* One link with all its attributes, or a part of a dump. */
#define REPLY_MAX 32768

static int receive(struct mnl_socket *nl, const struct nlmsghdr *message, mnl_cb_t read, void *data)
{
	char reply[REPLY_MAX];
	int n;

	do {
		n = mnl_socket_recvfrom(nl, reply, sizeof(reply));
		if (n > 0)
			n = mnl_cb_run(reply, n, message->nlmsg_seq, mnl_socket_get_portid(nl), read, data);
	} while (n > MNL_CB_STOP && (message->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP);
	return n < 0 ? -errno : 0;
}

int netlink_ask(int bus, struct nlmsghdr *message, mnl_cb_t read, void *data)
{
	struct mnl_socket *nl = mnl_socket_open(bus);
	int err;

	if (!nl)
		return -errno;
	message->nlmsg_seq = 1;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 || mnl_socket_sendto(nl, message, message->nlmsg_len) < 0)
		err = -errno;
	else
		err = receive(nl, message, read, data);
	mnl_socket_close(nl);
	return err;
}

struct nlmsghdr *netlink_generic(void *buffer, __u16 family, __u8 command)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *genl;

	message->nlmsg_type = family;
	message->nlmsg_flags = NLM_F_REQUEST;
	genl = mnl_nlmsg_put_extra_header(message, sizeof(*genl));
	genl->cmd = command;
	genl->version = 1;
	return message;
}

struct attributes {
	mnl_attr_cb_t read;
	void *data;
};

static int read_generic(const struct nlmsghdr *message, void *data)
{
	const struct attributes *attributes = data;

	return mnl_attr_parse(message, sizeof(struct genlmsghdr), attributes->read, attributes->data);
}

int netlink_ask_generic(struct nlmsghdr *message, mnl_attr_cb_t read, void *data)
{
	struct attributes attributes = {read, data};

	return netlink_ask(NETLINK_GENERIC, message, read_generic, &attributes);
}

static int read_family(const struct nlattr *attr, void *data)
{
	__u16 *family = data;

	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
		*family = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

int netlink_family(const char *name, __u16 *family)
{
	char buffer[256];
	struct nlmsghdr *message = netlink_generic(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);

	mnl_attr_put_strz(message, CTRL_ATTR_FAMILY_NAME, name);
	return netlink_ask_generic(message, read_family, family);
}

void netlink_read_addr(const struct nlattr *attr, struct xdpfw_addr *addr)
{
	if (mnl_attr_get_payload_len(attr) == 4) {
		*addr = (struct xdpfw_addr){.bytes = {[10] = 0xff, [11] = 0xff}};
		memcpy(&addr->words[3], mnl_attr_get_payload(attr), 4);
	} else if (mnl_attr_get_payload_len(attr) == 16) {
		memcpy(addr, mnl_attr_get_payload(attr), 16);
	}
}
