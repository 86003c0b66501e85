// SPDX-License-Identifier: GPL-2.0-only
/*
 * Short connections, as of a busy web server: connect, ask, answer, close. Both ends are in this one thread, in two network
 * namespaces joined by a veth, whose packets arrive before the system call that sent them returns. So nobody
 * waits for anybody, and the thread's CPU time is all that a connection costs.
 *
 * The client closes first and so keeps the TIME_WAIT; let its namespace reuse them (net.ipv4.tcp_tw_reuse=1).
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "ends.h"
#include "util.h"

#define BACKLOG 128
#define TIMEOUT 5 /* seconds for any one step */

static const char usage[] = "Usage: dial CLIENT-NETNS SERVER-NETNS ADDRESS PORT CPU SECONDS\n"
			    "Prints: connections=N cpu=S\n";

static const char request[] = "GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";

static void bound_waiting(int fd)
{
	struct timeval limit = {.tv_sec = TIMEOUT};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

static int listen_on(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		return -errno;
	bound_waiting(fd);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) || listen(fd, BACKLOG)) {
		close(fd);
		return -errno;
	}
	return fd;
}

/* One end says @text and the other hears all of it. */
static int say(int from, int to, const char *text)
{
	size_t length = strlen(text);
	char heard[256];

	if (send(from, text, length, MSG_NOSIGNAL) < 0)
		return -errno;
	return recv(to, heard, length, MSG_WAITALL) == (ssize_t)length ? 0 : -EPROTO;
}

static int hang_up(int *client, int server)
{
	char nothing;

	close(*client);
	*client = -1;
	return recv(server, &nothing, 1, 0) == 0 ? 0 : -EPROTO;
}

static int dial(const struct sockaddr_in *address, int listener)
{
	_close_ int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_close_ int server = -1;
	int error;

	if (client < 0)
		return -errno;
	bound_waiting(client);
	if (connect(client, (const struct sockaddr *)address, sizeof(*address)))
		return -errno;
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (server < 0)
		return -errno;
	bound_waiting(server);
	error = say(client, server, request);
	if (!error)
		error = say(server, client, answer);
	return error ? error : hang_up(&client, server);
}

static int dial_for(double seconds, const struct sockaddr_in *address, int listener)
{
	double end = read_clock(CLOCK_MONOTONIC) + seconds, cpu = read_clock(CLOCK_THREAD_CPUTIME_ID);
	unsigned long made = 0;
	int error = 0;

	while (!error && read_clock(CLOCK_MONOTONIC) < end) {
		error = dial(address, listener);
		made += !error;
	}
	if (!error)
		printf("connections=%lu cpu=%.6f\n", made, read_clock(CLOCK_THREAD_CPUTIME_ID) - cpu);
	return error;
}

static int run(char **words)
{
	struct sockaddr_in address;
	_close_ int listener = -1;
	int error = read_address(words, &address);

	if (!error)
		error = pin_to_cpu(atoi(words[5]));
	if (!error)
		error = enter_netns(words[2]);
	if (error)
		return error;
	listener = listen_on(&address);
	if (listener < 0)
		return listener;
	error = enter_netns(words[1]);
	return error ? error : dial_for(atof(words[6]), &address, listener);
}

int main(int argc, char **argv)
{
	int error;

	if (argc != 7) {
		fputs(usage, stderr);
		return 2;
	}
	error = run(argv);
	if (error)
		fprintf(stderr, "dial: %s\n", strerror(-error));
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
