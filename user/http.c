// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>

#include "parse.h"
#include "ticker.h"
#include "util.h"

#define CONNECTIONS        16
#define CONNECTION_SECONDS 10

struct server {
	const char *path;
	page_fn fn;
	void *data;
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool read_host(char *host, union address *address)
{
	size_t length = strlen(host);

	if (host[0] == '[' && host[length - 1] == ']') {
		host[length - 1] = '\0';
		address->v6.sin6_family = AF_INET6;
		return inet_pton(AF_INET6, host + 1, &address->v6.sin6_addr) == 1;
	}
	address->v4.sin_family = AF_INET;
	return inet_pton(AF_INET, host, &address->v4.sin_addr) == 1;
}

static int parse_where(const char *word, union address *address, struct error *e)
{
	const char *colon = strrchr(word, ':');
	char host[64] = "127.0.0.1";
	__u16 port;
	int err = parse_port(colon ? colon + 1 : word, &port, e);

	if (err)
		return err;
	if (colon)
		snprintf(host, sizeof(host), "%.*s", (int)(colon - word), word);
	memset(address, 0, sizeof(*address));
	if (!host[0] || !read_host(host, address))
		return fail(e, -EINVAL, "'%s': not an address to listen at; write 127.0.0.1:9470, [::1]:9470 or 9470",
			    excerpt(word).text);
	address->v4.sin_port = htons(port); /* at the same place in both */
	return 0;
}

int http_check_address(const char *word, struct error *e)
{
	union address address;

	return parse_where(word, &address, e);
}

static void format_where(const union address *address, char where[WHERE_TEXT_MAX])
{
	bool v4 = address->any.sa_family == AF_INET;
	char host[INET6_ADDRSTRLEN];

	inet_ntop(address->any.sa_family, v4 ? (const void *)&address->v4.sin_addr : &address->v6.sin6_addr, host,
		  sizeof(host));
	snprintf(where, WHERE_TEXT_MAX, v4 ? "%s:%u" : "[%s]:%u", host, ntohs(address->v4.sin_port));
}

int http_listen(const char *word, char where[WHERE_TEXT_MAX], struct error *e)
{
	union address address;
	socklen_t size = sizeof(address);
	_close_ int fd = -1;
	int err = parse_where(word, &address, e), on = 1;

	if (err)
		return err;
	fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, &address.any, address.any.sa_family == AF_INET ? sizeof(address.v4) : sizeof(address.v6)) ||
	    listen(fd, CONNECTIONS) || getsockname(fd, &address.any, &size))
		return fail(e, -errno, "%s: cannot listen: %s", excerpt(word).text, strerror(errno));
	format_where(&address, where);
	return steal_fd(&fd);
}

static enum MHD_Result answer(struct MHD_Connection *connection, const struct page *page)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(page->length, page->text, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	if (!response) {
		free(page->text);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, page->type);
	if (page->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, page->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, int status, const char *why)
{
	struct page page = {strdup(why), strlen(why), "text/plain; charset=utf-8", status};

	return page.text ? answer(connection, &page) : MHD_NO;
}

static enum MHD_Result handle(void *data, struct MHD_Connection *connection, const char *url, const char *method,
			      const char *version, const char *upload, size_t *upload_size, void **state)
{
	const struct server *server = data;
	const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	struct page page = {.status = MHD_HTTP_OK};

	(void)version;
	(void)upload;
	(void)upload_size;
	(void)state;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	if (strcmp(url, server->path) != 0)
		return refuse(connection, MHD_HTTP_NOT_FOUND, "the metrics are at /metrics\n");
	server->fn(accept ? accept : "", &page, server->data);
	return page.text ? answer(connection, &page) : MHD_NO;
}

int http_serve(int listener, const char *path, page_fn fn, void *data, struct error *e)
{
	struct server server = {path, fn, data};
	struct ticker ticker = {-1, -1};
	struct MHD_Daemon *daemon = NULL;
	const union MHD_DaemonInfo *info;
	/* The tick only closes connections whose client has gone silent. */
	int err = ticker_open(&ticker, CONNECTION_SECONDS * NS_PER_SECOND);

	if (!err)
		daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, handle, &server, MHD_OPTION_LISTEN_SOCKET,
					  listener, MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS,
					  MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)CONNECTION_SECONDS,
					  MHD_OPTION_END);
	info = daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info)
		err = fail(e, err ? err : -EIO, "cannot start the HTTP server");
	while (!err && ticker_wait(&ticker, info->epoll_fd) != TICK_END)
		MHD_run(daemon);
	if (daemon)
		MHD_stop_daemon(daemon);
	else
		close(listener);
	ticker_close(&ticker);
	return err;
}
