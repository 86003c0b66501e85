// SPDX-License-Identifier: GPL-2.0-only
/*
 * A services database of our own in place of libc's, so that the tests do not
 * depend on the machine, and to have entries that no sane file has.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stddef.h>

#include "util.h"

static const struct {
	const char *name;
	int port;
	const char *protocol;
	const char *aliases[2];
} database[] = {
	{"ssh", 22, "tcp", {NULL}},       {"http", 80, "tcp", {"www"}},
	{"domain", 53, "tcp", {NULL}},    {"domain", 53, "udp", {NULL}},
	{"ntp", 123, "udp", {NULL}},      {"https", 443, "tcp", {NULL}},
	{"https", 443, "udp", {NULL}},    {"3com-tsmux", 106, "tcp", {"with.dot"}},
	{"differs", 1000, "tcp", {NULL}}, {"differs", 2000, "udp", {NULL}},
	{"twice", 7, "tcp", {NULL}},      {"twice", 8, "tcp", {NULL}},
	{"s1", 36412, "sctp", {NULL}},
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
