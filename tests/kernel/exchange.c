// SPDX-License-Identifier: GPL-2.0-only
/*
 * A connection that says whether it works: BYTES each way by TCP or SCTP (there in messages that are larger than a packet),
 * by UDP datagrams that come back, the largest as large as the path takes in one piece.
 *
 *	exchange serve PROTO PORT            for ever, one connection after the other
 *	exchange ask PROTO ADDR PORT [S]     exit 0 if all came as it was sent; S: seconds in which nothing is sent first
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_BYTES 400000
#define MESSAGE   50000

/* Seconds: a connection comes about at once, but on a busy machine what is lost comes again after one, two, four, ... */
#define TO_CONNECT  8
#define TO_TRANSFER 40

struct protocol {
	const char *name;
	int type, number;
	int bytes;
};

static const struct protocol protocols[] = {
	{"sctp", SOCK_STREAM, IPPROTO_SCTP, MAX_BYTES},
	{"tcp", SOCK_STREAM, IPPROTO_TCP, 65536},
	{"udp", SOCK_DGRAM, IPPROTO_UDP, 0},
};

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

static int open_socket(const struct protocol *p, const char *address, const char *port, struct addrinfo **where)
{
	const struct addrinfo hints = {
		.ai_family = address ? AF_UNSPEC : AF_INET6, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	int fd;

	if (getaddrinfo(address, port, &hints, where))
		die("getaddrinfo");
	fd = socket((*where)->ai_family, p->type, p->number);
	if (fd < 0)
		die("socket");
	return fd;
}

static void fill(unsigned char *bytes, int count, unsigned char key)
{
	for (int i = 0; i < count; i++)
		bytes[i] = (i * 7 + i / 251) ^ key;
}

static bool give(int fd, int count, unsigned char key)
{
	static unsigned char bytes[MAX_BYTES];

	fill(bytes, count, key);
	for (int sent = 0; sent < count; sent += MESSAGE) {
		int size = count - sent < MESSAGE ? count - sent : MESSAGE;

		if (send(fd, bytes + sent, size, MSG_NOSIGNAL) != size)
			return false;
	}
	return true;
}

static bool get(int fd, int count, unsigned char key)
{
	static unsigned char bytes[MAX_BYTES], expected[MAX_BYTES];

	fill(expected, count, key);
	for (int got = 0; got < count;) {
		ssize_t size = recv(fd, bytes + got, count - got, 0);

		if (size <= 0)
			return false;
		got += size;
	}
	return memcmp(bytes, expected, count) == 0;
}

static void serve_streams(int listener, int bytes)
{
	if (listen(listener, 8))
		die("listen");
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		wait_at_most(fd, TO_TRANSFER);
		if (fd >= 0 && get(fd, bytes, 1))
			give(fd, bytes, 2);
		close(fd);
	}
}

static void serve_datagrams(int fd)
{
	static unsigned char bytes[65536];

	for (;;) {
		struct sockaddr_in6 sender;
		socklen_t length = sizeof(sender);
		ssize_t size = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&sender, &length);

		if (size >= 0)
			sendto(fd, bytes, size, 0, (struct sockaddr *)&sender, length);
	}
}

static void serve(const struct protocol *p, const char *port)
{
	struct addrinfo *where;
	int fd = open_socket(p, NULL, port, &where);

	if (bind(fd, where->ai_addr, where->ai_addrlen))
		die("bind");
	if (p->type == SOCK_DGRAM)
		serve_datagrams(fd);
	else
		serve_streams(fd, p->bytes);
}

static void ask_stream(int fd, int bytes, int silence)
{
	sleep(silence);
	wait_at_most(fd, TO_TRANSFER);
	if (!give(fd, bytes, 1))
		die("send");
	if (!get(fd, bytes, 2))
		die("not what was sent");
}

/* What fits in one packet of this path, as far as is known. */
static int largest_datagram(int fd, int family)
{
	int mtu = 0;
	socklen_t length = sizeof(mtu);

	if (family == AF_INET6 ? getsockopt(fd, IPPROTO_IPV6, IPV6_MTU, &mtu, &length)
			       : getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &length))
		die("MTU");
	return mtu - (family == AF_INET6 ? 40 : 20) - 8;
}

/* Never in fragments: what is too large is told by ICMP, and sent again as large as that says. */
static void stay_whole(int fd, int family)
{
	const int always = IP_PMTUDISC_DO;

	if (family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &always, sizeof(always))
			       : setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &always, sizeof(always)))
		die("MTU discovery");
}

static void ask_datagrams(int fd, int family)
{
	if (!give(fd, 16, 3) || !get(fd, 16, 3))
		die("a small datagram");
	stay_whole(fd, family);
	for (int tries = 0; tries < 4; tries++) {
		int size = largest_datagram(fd, family);

		errno = 0;
		if (give(fd, size, 4) && get(fd, size, 4))
			return;
		if (errno != EMSGSIZE)
			break;
	}
	die("a large datagram");
}

static void ask(const struct protocol *p, const char *address, const char *port, int silence)
{
	struct addrinfo *where;
	int fd = open_socket(p, address, port, &where);

	wait_at_most(fd, TO_CONNECT);
	if (connect(fd, where->ai_addr, where->ai_addrlen))
		die("connect");
	if (p->type == SOCK_DGRAM)
		ask_datagrams(fd, where->ai_family);
	else
		ask_stream(fd, p->bytes, silence);
}

static const struct protocol *find_protocol(const char *name)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (strcmp(protocols[i].name, name) == 0)
			return &protocols[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct protocol *p = argc > 2 ? find_protocol(argv[2]) : NULL;

	if (p && argc == 4 && strcmp(argv[1], "serve") == 0)
		serve(p, argv[3]);
	if (p && (argc == 5 || argc == 6) && strcmp(argv[1], "ask") == 0) {
		ask(p, argv[3], argv[4], argc == 6 ? atoi(argv[5]) : 0);
		return 0;
	}
	fprintf(stderr, "usage: exchange serve sctp|tcp|udp PORT | exchange ask sctp|tcp|udp ADDR PORT [SECONDS]\n");
	return 2;
}
