// SPDX-License-Identifier: GPL-2.0-only
/*
 * Databases of services, protocols and users of our own in place of libc's, so that the tests
 * do not depend on the machine, and to have entries that no sane file has.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <pwd.h>
#include <stddef.h>
#include <string.h>

#include "util.h"

static const struct {
	const char *name;
	int port;
	const char *protocol;
	const char *aliases[2];
} database[] = {
	{"ssh", 22, "tcp", {NULL}},        {"http", 80, "tcp", {"www"}},
	{"domain", 53, "tcp", {NULL}},     {"domain", 53, "udp", {NULL}},
	{"ntp", 123, "udp", {NULL}},       {"https", 443, "tcp", {NULL}},
	{"https", 443, "udp", {NULL}},     {"3com-tsmux", 106, "tcp", {"with.dot"}},
	{"differs", 1000, "tcp", {NULL}},  {"differs", 2000, "udp", {NULL}},
	{"twice", 7, "tcp", {NULL}},       {"twice", 8, "tcp", {NULL}},
	{"s1", 36412, "sctp", {NULL}},     {"amqp", 5672, "tcp", {NULL}},
	{"amqp", 5672, "sctp", {NULL}},    {"diameter", 3868, "sctp", {NULL}},
	{"diameter", 3869, "tcp", {NULL}}, {"old", 9, "dccp", {NULL}},
};

static size_t at;

void setservent(int stay_open)
{
	(void)stay_open;
	at = 0;
}

void endservent(void)
{
}

struct servent *getservent(void)
{
	static struct servent service;

	if (at == ARRAY_SIZE(database))
		return NULL;
	service.s_name = (char *)database[at].name;
	service.s_port = htons(database[at].port);
	service.s_proto = (char *)database[at].protocol;
	service.s_aliases = (char **)database[at].aliases;
	at++;
	return &service;
}

static const struct {
	const char *name;
	int number;
} protocol_database[] = {
	{"ip", 0},         {"hopopt", 0},  {"gre", 99}, /* our own list comes first */
	{"ipip", 94},      {"GRE", 47},    {"ICMP", 1},      {"TCP", 6},
	{"ipv6-frag", 44}, {"mptcp", 262}, {"negative", -1}, {"wesp", 141},
};

struct protoent *getprotobyname(const char *name)
{
	static struct protoent protocol;

	for (size_t i = 0; i < ARRAY_SIZE(protocol_database); i++) {
		if (strcmp(protocol_database[i].name, name) != 0)
			continue;
		protocol.p_name = (char *)protocol_database[i].name;
		protocol.p_proto = protocol_database[i].number;
		return &protocol;
	}
	return NULL;
}

static const struct {
	const char *name;
	uid_t number;
} user_database[] = {{"root", 0}, {"www-data", 33}};

struct passwd *getpwuid(uid_t number)
{
	static struct passwd user;

	for (size_t i = 0; i < ARRAY_SIZE(user_database); i++) {
		if (user_database[i].number != number)
			continue;
		user.pw_name = (char *)user_database[i].name;
		return &user;
	}
	return NULL;
}
