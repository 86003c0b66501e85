// SPDX-License-Identifier: GPL-2.0-only
/*
 * TCP replies: the kernel's sockets are asked. Each scene has a network namespace of its own, whose loopback interface
 * has the addresses of both HOST and PEER, so real connections between them stand while
 * crafted segments come "from outside".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "namespace.h"
#include "rows.h"

#define CLIENT_PORT 40000
#define SERVER_PORT 80

/* A scene in a namespace of its own. What is sent to OTHER is lost, so that a connection to it stays half open. */
static void begin_with_peer(const char *name)
{
	begin_scene(name);
	enter_namespace();
	run_command("ip addr add 8.0.0.1/32 dev lo && ip addr add 8.0.0.2/32 dev lo");
	run_command("ip addr add 2001:db8:86dd::1/128 dev lo nodad && ip addr add 2001:db8:86dd::2/128 dev lo nodad");
	run_command("ip route add 8.0.9.9/32 dev lo src 8.0.0.1");
	run_command("ip route add 2001:db8:86dd:9::9/128 dev lo src 2001:db8:86dd::1");
}

TestSuite(sockets, .init = fixture_open, .fini = fixture_close);

static void everywhere(const struct row *rows, size_t count, enum family family)
{
	for (size_t i = 0; i < NR_HOOKS; i++) {
		forget_state();
		for (size_t j = 0; j < count; j++)
			play_row(&rows[j], all_hooks[i], family);
	}
}
#define EVERYWHERE(rows, family) everywhere(rows, ARRAY_SIZE(rows), family)

static socklen_t fill_address(struct sockaddr_storage *to, enum place place, enum family family, int port)
{
	struct sockaddr_in *v4 = (void *)to;
	struct sockaddr_in6 *v6 = (void *)to;

	memset(to, 0, sizeof(*to));
	if (family == V4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		inet_pton(AF_INET, address(place, family), &v4->sin_addr);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	inet_pton(AF_INET6, address(place, family), &v6->sin6_addr);
	return sizeof(*v6);
}

static int open_socket(enum place place, enum family family, int type, int port)
{
	int fd = socket(family == V4 ? AF_INET : AF_INET6, type, 0), one = 1;
	struct sockaddr_storage at;
	socklen_t size = fill_address(&at, place, family, port);

	cr_assert_geq(fd, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	cr_assert_eq(bind(fd, (struct sockaddr *)&at, size), 0, "bind %d: %s", port, strerror(errno));
	return fd;
}

static int listen_at(enum place place, enum family family, int port)
{
	int fd = open_socket(place, family, SOCK_STREAM, port);

	cr_assert_eq(listen(fd, 1), 0);
	return fd;
}

static int connect_to(int fd, enum place place, enum family family, int port)
{
	struct sockaddr_storage to;
	socklen_t size = fill_address(&to, place, family, port);

	return connect(fd, (struct sockaddr *)&to, size);
}

/* A connection of this host's with a server that plays the peer. */
struct connection {
	int listener, client, server;
};

static struct connection converse(enum family family, int client_port)
{
	struct connection c = {.listener = listen_at(PEER, family, SERVER_PORT)};

	c.client = open_socket(HOST, family, SOCK_STREAM, client_port);
	cr_assert_eq(connect_to(c.client, PEER, family, SERVER_PORT), 0, "connect: %s", strerror(errno));
	c.server = accept(c.listener, NULL, NULL);
	cr_assert_geq(c.server, 0);
	return c;
}

#define FROM_SERVER(flags, ...) TCP(CLIENT_PORT, flags, .sport = SERVER_PORT, ##__VA_ARGS__)

static void segments_of_an_open_connection_come_in(void)
{
	static const struct row before[] = {
		{"no connection yet", FROM_SERVER(ACK), DROPS(DEFAULT), IN(CLIENT_PORT)},
	};
	static const struct row rows[] = {
		{"a request, no flow known", FROM_SERVER(SYN), DROPS(DEFAULT), IN(CLIENT_PORT)},
		{"data", FROM_SERVER(ACK | PSH), PASSES(REPLY), OUT(SERVER_PORT)},
		{"again, known by now", FROM_SERVER(ACK), PASSES(REPLY), OUT(SERVER_PORT)},
		{"and from the cache", FROM_SERVER(ACK), PASSES(REPLY), OUT(SERVER_PORT)},
		{"SYN+ACK", FROM_SERVER(SYN | ACK), PASSES(REPLY), OUT(SERVER_PORT)},
		{"RST", FROM_SERVER(RST), PASSES(REPLY), OUT(SERVER_PORT)},
		{"FIN", FROM_SERVER(FIN | ACK), PASSES(REPLY), OUT(SERVER_PORT)},
		{"no flags", FROM_SERVER(0), DROPS(TCP_FLAGS), IN(CLIENT_PORT)},
		{"from another port", TCP(CLIENT_PORT, ACK, .sport = 81), DROPS(DEFAULT), IN(CLIENT_PORT)},
		{"to another port", TCP(CLIENT_PORT + 1, ACK, .sport = SERVER_PORT), DROPS(DEFAULT),
		 IN(CLIENT_PORT + 1)},
		{"from another host", FROM_SERVER(ACK, .from = OTHER), DROPS(DEFAULT), IN(CLIENT_PORT)},
		{"to another address", FROM_SERVER(ACK, .to = OTHER), DROPS(DEFAULT), IN(CLIENT_PORT)},
		{"UDP of the same ports", UDP(CLIENT_PORT, .sport = SERVER_PORT), DROPS(DEFAULT), IN(CLIENT_PORT)},
	};
	static const struct row since[] = {
		{"data, in spite of the rule", FROM_SERVER(ACK), PASSES(REPLY), OUT(SERVER_PORT)},
		{"a request", FROM_SERVER(SYN, .from = OTHER), DROPS(RULE), .rule = 1, IN(CLIENT_PORT)},
	};

	begin_with_peer(__func__);
	for (enum family family = V4; family <= V6; family++) {
		set_policy("");
		EVERYWHERE(before, family);
		converse(family, CLIENT_PORT);
		EVERYWHERE(rows, family);
		set_policy("deny in 40000");
		EVERYWHERE(since, family);
	}
}

/* A server's connections outlive the rule that let them in. */
static void a_server_keeps_its_connections(void)
{
	static const struct row rows[] = {
		{"data", TCP(SERVER_PORT, ACK, .sport = CLIENT_PORT, .from = HOST, .to = PEER), PASSES(REPLY),
		 OUT(CLIENT_PORT)},
		{"a new request", TCP(SERVER_PORT, SYN, .sport = CLIENT_PORT + 1, .from = HOST, .to = PEER),
		 DROPS(RULE), .rule = 1, IN(SERVER_PORT)},
		{"a stray segment", TCP(SERVER_PORT, ACK, .sport = CLIENT_PORT + 1, .from = HOST, .to = PEER),
		 DROPS(RULE), .rule = 1, IN(SERVER_PORT)},
	};

	begin_with_peer(__func__);
	set_policy("deny in 80");
	for (enum family family = V4; family <= V6; family++) {
		converse(family, CLIENT_PORT);
		EVERYWHERE(rows, family);
	}
}

/* What is open goes on where panic keeps the port, both ways, and nowhere else. */
static void panic_keeps_connections_to_a_port(void)
{
#define SERVED(flags, ...) TCP(SERVER_PORT, flags, .sport = CLIENT_PORT, .from = HOST, .to = PEER, ##__VA_ARGS__)
#define ANSWER(flags)      TCP(CLIENT_PORT, flags, .sport = SERVER_PORT, .from = PEER, .to = HOST)
	static const struct row kept[] = {
		{"data", SERVED(ACK), PASSES(REPLY), OUT(CLIENT_PORT)},
		{"answer", ANSWER(ACK), .leaves = true, PASSES(REPLY), OUT(CLIENT_PORT)},
		{"a stray segment", TCP(SERVER_PORT, ACK, .sport = CLIENT_PORT + 1, .from = HOST, .to = PEER),
		 DROPS(PANIC), IN(SERVER_PORT)},
		{"a new request", TCP(SERVER_PORT, SYN, .sport = CLIENT_PORT + 1, .from = HOST, .to = PEER),
		 DROPS(PANIC), IN(SERVER_PORT)},
		{"the client's end, another port", FROM_SERVER(ACK), DROPS(PANIC), IN(CLIENT_PORT)},
	};
	static const struct row cut[] = {
		{"data", SERVED(ACK), DROPS(PANIC), IN(SERVER_PORT)},
		{"answer", ANSWER(ACK), .leaves = true, DROPS(PANIC), OUT(CLIENT_PORT)},
	};

	begin_with_peer(__func__);
	for (enum family family = V4; family <= V6; family++) {
		converse(family, CLIENT_PORT);
		set_policy("panic on 79,80,81\nallow in any\nallow out any");
		EVERYWHERE(kept, family);
		set_policy("panic on 81\nallow in any\nallow out any");
		EVERYWHERE(cut, family);
	}
#undef SERVED
#undef ANSWER
}

/* TRAPS 11: a denied port looks the same whether or not something listens. */
static void a_listener_owns_nothing(void)
{
	static const struct row rows[] = {
		{"SYN", TCP(23, SYN), DROPS(DEFAULT), IN(23)},
		{"ACK", TCP(23, ACK), DROPS(DEFAULT), IN(23)},
		{"SYN+ACK", TCP(23, SYN | ACK), DROPS(DEFAULT), IN(23)},
		{"RST", TCP(23, RST), DROPS(DEFAULT), IN(23)},
	};

	begin_with_peer(__func__);
	set_policy("");
	for (enum family family = V4; family <= V6; family++) {
		listen_at(HOST, family, 23);
		EVERYWHERE(rows, family);
	}
}

/* IPv4 over an IPv6 socket: the same tuple. */
static void a_dual_stack_client(void)
{
	static const struct row rows[] = {
		{"data", FROM_SERVER(ACK), PASSES(REPLY), OUT(SERVER_PORT)},
		{"from another port", TCP(CLIENT_PORT, ACK, .sport = 81), DROPS(DEFAULT), IN(CLIENT_PORT)},
	};
	int client;
	struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(CLIENT_PORT)};

	begin_with_peer(__func__);
	client = socket(AF_INET6, SOCK_STREAM, 0);
	set_policy("");
	listen_at(PEER, V4, SERVER_PORT);
	inet_pton(AF_INET6, "::ffff:8.0.0.1", &at.sin6_addr);
	cr_assert_eq(bind(client, (struct sockaddr *)&at, sizeof(at)), 0);
	cr_assert_eq(connect_to(client, MAPPED, V6, SERVER_PORT), 0);
	EVERYWHERE(rows, V4);
}

/* TRAPS 16: a UDP socket does not tell an answer from a request, so none is asked. */
static void a_udp_socket_allows_nothing(void)
{
	static const struct row rows[] = {
		{"to its port", UDP(CLIENT_PORT, .sport = 53), DROPS(DEFAULT), IN(CLIENT_PORT)},
		{"TCP of the same ports", TCP(CLIENT_PORT, ACK, .sport = 53), DROPS(DEFAULT), IN(CLIENT_PORT)},
	};

	begin_with_peer(__func__);
	set_policy("");
	for (enum family family = V4; family <= V6; family++) {
		int client = open_socket(HOST, family, SOCK_DGRAM, CLIENT_PORT);

		cr_assert_eq(connect_to(client, PEER, family, 53), 0, "%s", strerror(errno));
		EVERYWHERE(rows, family);
	}
}

/* TRAPS 13: what is late belongs to a connection in TIME_WAIT; a SYN is a new request, and judged as one. */
static void time_wait(void)
{
	static const struct row rows[] = {
		{"a late FIN", FROM_SERVER(FIN | ACK), PASSES(REPLY), OUT(SERVER_PORT)},
		{"once more, and cached", FROM_SERVER(FIN | ACK), PASSES(REPLY), OUT(SERVER_PORT)},
		{"a new request", FROM_SERVER(SYN), DROPS(DEFAULT), IN(CLIENT_PORT)},
	};

	begin_with_peer(__func__);
	set_policy("");
	for (enum family family = V4; family <= V6; family++) {
		struct connection c = converse(family, CLIENT_PORT);
		char end;

		close(c.client);
		cr_assert_eq(read(c.server, &end, 1), 0);
		close(c.server);
		EVERYWHERE(rows, family);
	}
}

/* TRAPS 13: a SYN that meets a SYN of this host's passes; it has been sent, so its fingerprint is known. */
static void simultaneous_open(void)
{
	static const struct row rows[] = {
		{"before this host's SYN was seen", TCP(CLIENT_PORT, SYN, .sport = SERVER_PORT, .from = OTHER),
		 DROPS(DEFAULT), IN(CLIENT_PORT)},
		{"this host's SYN", TCP(SERVER_PORT, SYN, .sport = CLIENT_PORT, .to = OTHER), .leaves = true,
		 PASSES(DEFAULT), OUT(SERVER_PORT)},
		{"the other's", TCP(CLIENT_PORT, SYN, .sport = SERVER_PORT, .from = OTHER), PASSES(REPLY),
		 OUT(SERVER_PORT)},
		{"SYN+ACK", TCP(CLIENT_PORT, SYN | ACK, .sport = SERVER_PORT, .from = OTHER), PASSES(REPLY),
		 OUT(SERVER_PORT)},
		{"to another port", TCP(CLIENT_PORT + 1, SYN, .sport = SERVER_PORT, .from = OTHER), DROPS(DEFAULT),
		 IN(CLIENT_PORT + 1)},
	};

	begin_with_peer(__func__);
	set_policy("");
	for (enum family family = V4; family <= V6; family++) {
		int client = open_socket(HOST, family, SOCK_STREAM, CLIENT_PORT);

		fcntl(client, F_SETFL, O_NONBLOCK);
		cr_assert_eq(connect_to(client, OTHER, family, SERVER_PORT), -1);
		cr_assert_eq(errno, EINPROGRESS, "%s", strerror(errno));
		EVERYWHERE(rows, family);
	}
}

/* TRAPS 19 */
static void icmp_errors(void)
{
	static const struct packet sent = TCP(SERVER_PORT, ACK, .sport = CLIENT_PORT);
	static const struct packet other = TCP(SERVER_PORT, ACK, .sport = CLIENT_PORT + 1);
	static const struct row rows[] = {
		{"about the connection", ICMP(UNREACHABLE, .code = {4, 0}, .from = OTHER, .quoted = &sent),
		 PASSES(ESSENTIAL)},
		{"about another", ICMP(UNREACHABLE, .from = OTHER, .quoted = &other), DROPS(ICMP_UNKNOWN)},
		{"sent to another address", ICMP(UNREACHABLE, .to = OTHER, .quoted = &sent), DROPS(ICMP_UNKNOWN)},
	};

	begin_with_peer(__func__);
	set_policy("");
	for (enum family family = V4; family <= V6; family++) {
		converse(family, CLIENT_PORT);
		EVERYWHERE(rows, family);
	}
}

/* A client behind a link: the wire knows it by the other port, and so do the rules. */
static void a_client_behind_a_link(void)
{
	static const struct packet behind = TCP(2988, ACK, .sport = SERVER_PORT);
	static const struct packet sent = TCP(SERVER_PORT, ACK, .sport = 8080);
	static const struct packet sent_behind = TCP(SERVER_PORT, ACK, .sport = 2988);
	static const struct packet error_behind = ICMP(UNREACHABLE, .quoted = &sent_behind);
	static const struct row rows[] = {
		{"data", TCP(8080, ACK, .sport = SERVER_PORT), PASSES(REPLY), OUT(SERVER_PORT), .becomes = &behind},
		{"again", TCP(8080, ACK, .sport = SERVER_PORT), PASSES(REPLY), OUT(SERVER_PORT), .becomes = &behind},
		{"to the port behind", TCP(2988, ACK, .sport = SERVER_PORT), DROPS(RULE), .rule = 1, IN(2988)},
		{"an error", ICMP(UNREACHABLE, .quoted = &sent), PASSES(ESSENTIAL), .becomes = &error_behind},
	};

	begin_with_peer(__func__);
	set_policy("deny in 8080,2988\nforward 8080:2988");
	for (enum family family = V4; family <= V6; family++) {
		converse(family, 2988);
		EVERYWHERE(rows, family);
	}
}

/* A packet about an open connection, when so many lookups have been done; the connection known or not. */
static void expect_on_budget(const struct packet *packet, enum action action, bool known, __u32 lookups,
			     enum family family)
{
	static struct outcome outcome;
	struct frame f;

	for (size_t i = 0; i < NR_HOOKS; i++) {
		build_for(&f, packet, all_hooks[i], family, ARRIVES);
		do {
			forget_state();
			if (known)
				send_frame(all_hooks[i], ARRIVES, &f, NULL, &outcome);
		} while (!send_on_budget(all_hooks[i], ARRIVES, &f, lookups, 0, &outcome));
		cr_expect_eq(outcome.action, action, "protocol %u, %s, behind %u lookups [%s %s]", packet->protocol,
			     known ? "known" : "unknown", lookups, hooks_name(all_hooks[i]), family_name(family));
	}
}

/* A flood of segments that no fingerprint knows spends the lookups of a jiffy; a connection that is known
 * needs none of them. Nor may a flood of ICMP errors ask without end. */
static void a_budget_of_lookups(void)
{
	static const struct packet data = FROM_SERVER(ACK);
	static const struct packet sent = TCP(SERVER_PORT, ACK, .sport = CLIENT_PORT);
	static const struct packet error = ICMP(UNREACHABLE, .quoted = &sent);

	begin_with_peer(__func__);
	set_policy("");
	for (enum family family = V4; family <= V6; family++) {
		converse(family, CLIENT_PORT);
		expect_on_budget(&data, DROPPED, false, XDPFW_LOOKUPS_PER_JIFFY, family);
		expect_on_budget(&data, PASSED, false, XDPFW_LOOKUPS_PER_JIFFY - 1, family);
		expect_on_budget(&data, PASSED, true, XDPFW_LOOKUPS_PER_JIFFY, family);
		expect_on_budget(&error, DROPPED, false, XDPFW_LOOKUPS_PER_JIFFY, family);
		expect_on_budget(&error, PASSED, false, XDPFW_LOOKUPS_PER_JIFFY - 1, family);
	}
}

static void the_twin_writes_nothing(void)
{
	watch_twin(true);
	segments_of_an_open_connection_come_in();
	watch_twin(false);
}

Test(sockets, connections)
{
	the_twin_writes_nothing();
	segments_of_an_open_connection_come_in();
	a_server_keeps_its_connections();
	panic_keeps_connections_to_a_port();
	a_listener_owns_nothing();
	a_dual_stack_client();
	a_udp_socket_allows_nothing();
	time_wait();
	simultaneous_open();
	icmp_errors();
	a_client_behind_a_link();
	a_budget_of_lookups();
}
