// SPDX-License-Identifier: GPL-2.0-only
/*
 * An SCTP association that says whether it works: BYTES each way, in messages that are larger than a packet.
 *
 *	association serve PORT             for ever, one association after the other
 *	association ask ADDR PORT          exit 0 if all came as it was sent
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BYTES   400000
#define MESSAGE 50000

/* Seconds: an association comes about at once, but on a busy machine what is lost comes again after one, two, four, ... */
#define TO_CONNECT  8
#define TO_TRANSFER 40

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static void wait_at_most(int fd, int seconds)
{
	const struct timeval patience = {.tv_sec = seconds};

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

static int open_socket(const char *address, const char *port, struct addrinfo **where)
{
	const struct addrinfo hints = {
		.ai_family = address ? AF_UNSPEC : AF_INET6, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	int fd;

	if (getaddrinfo(address, port, &hints, where))
		die("getaddrinfo");
	fd = socket((*where)->ai_family, SOCK_STREAM, IPPROTO_SCTP);
	if (fd < 0)
		die("socket");
	return fd;
}

static void fill(unsigned char *bytes, unsigned char key)
{
	for (int i = 0; i < BYTES; i++)
		bytes[i] = (i * 7 + i / 251) ^ key;
}

static bool give(int fd, unsigned char key)
{
	static unsigned char bytes[BYTES];

	fill(bytes, key);
	for (int sent = 0; sent < BYTES; sent += MESSAGE)
		if (send(fd, bytes + sent, MESSAGE, MSG_NOSIGNAL) != MESSAGE)
			return false;
	return true;
}

static bool get(int fd, unsigned char key)
{
	static unsigned char bytes[BYTES], expected[BYTES];

	fill(expected, key);
	for (int got = 0; got < BYTES;) {
		ssize_t size = recv(fd, bytes + got, BYTES - got, 0);

		if (size <= 0)
			return false;
		got += size;
	}
	return memcmp(bytes, expected, BYTES) == 0;
}

static void serve(const char *port)
{
	struct addrinfo *where;
	int listener = open_socket(NULL, port, &where);

	if (bind(listener, where->ai_addr, where->ai_addrlen) || listen(listener, 8))
		die("listen");
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		wait_at_most(fd, TO_TRANSFER);
		if (fd >= 0 && get(fd, 1))
			give(fd, 2);
		close(fd);
	}
}

static void ask(const char *address, const char *port)
{
	struct addrinfo *where;
	int fd = open_socket(address, port, &where);

	wait_at_most(fd, TO_CONNECT);
	if (connect(fd, where->ai_addr, where->ai_addrlen))
		die("connect");
	wait_at_most(fd, TO_TRANSFER);
	if (!give(fd, 1))
		die("send");
	if (!get(fd, 2))
		die("not what was sent");
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		serve(argv[2]);
	if (argc == 4 && strcmp(argv[1], "ask") == 0) {
		ask(argv[2], argv[3]);
		return 0;
	}
	fprintf(stderr, "usage: association serve PORT | association ask ADDR PORT\n");
	return 2;
}
