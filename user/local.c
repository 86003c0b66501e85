// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "local.h"

#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "parse_addr.h"
#include "util.h"

int local_addresses_read(struct local_addresses *all)
{
	struct ifaddrs *first, *each;
	size_t count = 0;

	if (getifaddrs(&first))
		return -errno;
	for (each = first; each; each = each->ifa_next)
		count++;
	*all = (struct local_addresses){.list = calloc(count + 1, sizeof(*all->list))};
	for (each = first; all->list && each; each = each->ifa_next) {
		struct local_address *address = &all->list[all->count];

		if (!addr_from_sockaddr(each->ifa_addr, &address->addr))
			continue;
		snprintf(address->interface, sizeof(address->interface), "%s", each->ifa_name);
		all->count++;
	}
	freeifaddrs(first);
	return all->list ? 0 : -ENOMEM;
}

void local_addresses_free(struct local_addresses *all)
{
	free(all->list);
	*all = (struct local_addresses){};
}

const struct local_address *find_local(const struct local_addresses *all, const struct xdpfw_addr *addr)
{
	for (size_t i = 0; i < all->count; i++)
		if (memcmp(&all->list[i].addr, addr, sizeof(*addr)) == 0)
			return &all->list[i];
	return NULL;
}

static bool is_link_local(const struct xdpfw_addr *addr)
{
	return addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
}

const struct local_address *local_of(const struct local_addresses *all, const char *interface, int family)
{
	const struct local_address *second = NULL;

	for (size_t i = 0; i < all->count; i++) {
		const struct local_address *address = &all->list[i];

		if (strcmp(address->interface, interface) != 0 || addr_is_ipv4(&address->addr) != (family == 4))
			continue;
		if (!is_link_local(&address->addr))
			return address;
		second = address;
	}
	return second;
}

bool host_routes(int family)
{
	_fclose_ FILE *file =
		fopen(family == 4 ? "/proc/sys/net/ipv4/ip_forward" : "/proc/sys/net/ipv6/conf/all/forwarding", "re");

	return file && fgetc(file) == '1';
}

bool iface_routes(int family, const char *iface)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv%d/conf/%s/forwarding", family, iface);
	_fclose_ FILE *file = fopen(path, "re");

	return !file || fgetc(file) != '0';
}
