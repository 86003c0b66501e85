// SPDX-License-Identifier: GPL-2.0-only
/*
 * The services are read once and sorted: getservbyname() walks the whole file for
 * each name, which a rules file of 60,000 lines would pay 60,000 times.
 */
#include "parse_services.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	char *name;
	size_t line; /* of two entries for the same, the first counts */
	unsigned int protocol;
	__u16 port;
};

/* Lives as long as the process. */
static struct {
	struct entry *entries;
	size_t count;
	size_t room;
	bool read;
} services;

static int add_entry(const char *name, unsigned int protocol, __u16 port)
{
	struct entry *entry;

	if (services.count == services.room) {
		size_t room = services.room ? 2 * services.room : 512;
		struct entry *entries = reallocarray(services.entries, room, sizeof(*entries));

		if (!entries)
			return -ENOMEM;
		services.entries = entries;
		services.room = room;
	}
	entry = &services.entries[services.count];
	*entry = (struct entry){strdup(name), services.count, protocol, port};
	if (!entry->name)
		return -ENOMEM;
	services.count++;
	return 0;
}

static int add_service(const struct servent *from)
{
	unsigned int protocol;
	int err;

	if (parse_protocol(from->s_proto, &protocol, NULL))
		return 0;
	err = add_entry(from->s_name, protocol, ntohs(from->s_port));
	for (char **alias = from->s_aliases; !err && *alias; alias++)
		err = add_entry(*alias, protocol, ntohs(from->s_port));
	return err;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order : (left->line > right->line) - (left->line < right->line);
}

static int read_services(void)
{
	const struct servent *service;
	int err = 0;

	if (services.read)
		return 0;
	setservent(1);
	while (!err && (service = getservent()))
		err = add_service(service);
	endservent();
	if (err)
		return err;
	qsort(services.entries, services.count, sizeof(*services.entries), compare_entries);
	services.read = true;
	return 0;
}

/* The first entry whose name is not less than @name. */
static size_t lower_bound(const char *name)
{
	size_t low = 0, high = services.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(services.entries[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int service_find(const char *name, struct service *service)
{
	struct service found = {0};
	int err = read_services();

	if (err)
		return err;
	for (size_t i = lower_bound(name); i < services.count && !strcmp(services.entries[i].name, name); i++) {
		const struct entry *entry = &services.entries[i];

		if (found.protocols & entry->protocol)
			continue;
		found.protocols |= entry->protocol;
		if (entry->protocol == PROTO_TCP)
			found.tcp_port = entry->port;
		else if (entry->protocol == PROTO_UDP)
			found.udp_port = entry->port;
		else
			found.sctp_port = entry->port;
	}
	*service = found;
	return 0;
}

__u16 service_port(const struct service *service, unsigned int protocols)
{
	if (protocols & PROTO_TCP)
		return service->tcp_port;
	return protocols & PROTO_UDP ? service->udp_port : service->sctp_port;
}
