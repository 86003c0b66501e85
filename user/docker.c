// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "docker.h"

#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "parse_addr.h"
#include "util.h"

#define SOCKET_PATH "/var/run/docker.sock"
#define ANSWER_MAX  (16 << 20)

static const char *socket_path(void)
{
	const char *host = getenv("DOCKER_HOST");

	if (!host || !*host)
		return SOCKET_PATH;
	return strncmp(host, "unix://", 7) == 0 ? host + 7 : NULL; /* else it is another host's */
}

/* The process at the other end is in our network namespace: what it publishes, it publishes here. */
static bool is_here(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	struct stat ours, theirs;
	char path[64];

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) || peer.pid == 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", peer.pid);
	return stat("/proc/self/ns/net", &ours) == 0 && stat(path, &theirs) == 0 && ours.st_ino == theirs.st_ino &&
	       ours.st_dev == theirs.st_dev;
}

static int open_daemon(void)
{
	const struct timeval patience = {.tv_sec = 2};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = socket_path();
	_close_ int fd = -1;

	if (!path || strlen(path) >= sizeof(address.sun_path))
		return -ENOENT;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	return is_here(fd) ? steal_fd(&fd) : -EXDEV;
}

/* HTTP 1.0: the answer ends where the connection does, and comes in one piece. */
static char *ask(const char *request)
{
	_close_ int fd = open_daemon();
	_free_ char *answer = NULL;
	size_t length = 0;
	ssize_t n = 1;

	if (fd < 0 || send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
		return NULL;
	while (n > 0 && length < ANSWER_MAX) {
		char *more = realloc(answer, length + 65536);

		if (!more)
			return NULL;
		answer = more;
		n = recv(fd, answer + length, 65535, 0);
		length += n > 0 ? n : 0;
		answer[length] = '\0';
	}
	return n == 0 ? steal_pointer(&answer) : NULL;
}

static int append(struct published_list *list, const struct published *row)
{
	struct published *more = realloc(list->rows, (list->count + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	list->rows = more;
	list->rows[list->count++] = *row;
	return 0;
}

static int read_port(const char *container, json_t *port, struct published_list *list)
{
	const char *ip = NULL, *type = NULL;
	int public = 0, private = 0;
	struct published row = {};

	if (json_unpack(port, "{s?s,s:i,s?i,s:s}", "IP", &ip, "PrivatePort", &private, "PublicPort", &public, "Type",
			&type) ||
	    public <= 0 || public > 65535)
		return 0; /* exposed, not published */
	if (strcmp(type, "tcp") != 0 && strcmp(type, "udp") != 0)
		return 0;
	if (parse_addr(ip ? ip : "0.0.0.0", ip ? ip : "0.0.0.0", &row.addr, NULL))
		return 0;
	row.protocol = strcmp(type, "tcp") == 0 ? IPPROTO_TCP : IPPROTO_UDP;
	row.port = public;
	row.inner = private;
	snprintf(row.container, sizeof(row.container), "%s", container);
	return append(list, &row);
}

int docker_parse(const char *text, struct published_list *list)
{
	json_t *containers = json_loads(text, 0, NULL), *container, *port;
	size_t i, j;
	int err = json_is_array(containers) ? 0 : -EINVAL;

	json_array_foreach (containers, i, container) {
		const char *name = json_string_value(json_array_get(json_object_get(container, "Names"), 0));

		if (!name)
			name = json_string_value(json_object_get(container, "Id"));
		json_array_foreach (json_object_get(container, "Ports"), j, port)
			if (!err && name)
				err = read_port(name + (*name == '/'), port, list);
	}
	json_decref(containers);
	return err;
}

void docker_read(struct published_list *list)
{
	_free_ char *answer = NULL;
	const char *body;

	memset(list, 0, sizeof(*list));
	answer = ask("GET /containers/json HTTP/1.0\r\nHost: docker\r\n\r\n");
	body = answer ? strstr(answer, "\r\n\r\n") : NULL;
	if (body && docker_parse(body + 4, list))
		docker_free(list);
}

void docker_free(struct published_list *list)
{
	free(list->rows);
	memset(list, 0, sizeof(*list));
}
