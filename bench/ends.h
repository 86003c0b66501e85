/* SPDX-License-Identifier: GPL-2.0-only */
/* Two ends of a veth in one program: what dial, ask and probe share. */
#ifndef XDPFW_BENCH_ENDS_H
#define XDPFW_BENCH_ENDS_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "util.h"

/* Sockets made from now on belong to this namespace; those made before keep theirs. */
static inline int enter_netns(const char *path)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 || setns(fd, CLONE_NEWNET) ? -errno : 0;
}

/* What their words begin with: CLIENT-NETNS SERVER-NETNS ADDRESS PORT. */
static inline int read_address(char **words, struct sockaddr_in *address)
{
	*address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(words[4]))};
	return inet_aton(words[3], &address->sin_addr) ? 0 : -EINVAL;
}

/* A client of a datagram service, and the service. */
struct ends {
	int client, server;
};

#define ENDS_CLOSED                                                                                                    \
	{                                                                                                              \
		.client = -1, .server = -1                                                                             \
	}

static inline void close_ends(struct ends *ends)
{
	cleanup_close(&ends->client);
	cleanup_close(&ends->server);
}

#define _ends_ __attribute__((cleanup(close_ends)))

/* Each in the namespace and at the address that the words name; from then on this process is in the client's. */
static inline int open_ends(char **words, struct ends *ends)
{
	struct sockaddr_in address;
	int error = read_address(words, &address);

	if (!error)
		error = enter_netns(words[2]);
	if (error)
		return error;
	ends->server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ends->server < 0 || bind(ends->server, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	error = enter_netns(words[1]);
	if (error)
		return error;
	ends->client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return ends->client < 0 || connect(ends->client, (struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
}

#endif
