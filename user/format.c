// SPDX-License-Identifier: GPL-2.0-only
/* Leaf formatters: the inverse of the leaf parsers. */
#define _GNU_SOURCE 1 /* asprintf() */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "parse.h"
#include "parse_addr.h"
#include "util.h"

#define RANGE_TEXT_MAX sizeof("65535-65535,")

char *format_ports(const struct ports *ports)
{
	char *text = malloc(ports->count * RANGE_TEXT_MAX + 1), *end = text;

	if (!text)
		return NULL;
	*text = '\0';
	for (size_t i = 0; i < ports->count; i++) {
		const struct port_range *range = &ports->ranges[i];

		if (i)
			*end++ = ',';
		end += sprintf(end, "%u", range->first);
		if (range->last != range->first)
			end += sprintf(end, "-%u", range->last);
	}
	return text;
}

const char *format_protocols(unsigned int protocols)
{
	static const char *const names[] = {
		[0] = "any",
		[PROTO_TCP] = "tcp",
		[PROTO_UDP] = "udp",
		[PROTO_TCP | PROTO_UDP] = "tcp+udp",
		[PROTO_SCTP] = "sctp",
		[PROTO_TCP | PROTO_SCTP] = "tcp+sctp",
		[PROTO_UDP | PROTO_SCTP] = "udp+sctp",
		[PROTO_TCP | PROTO_UDP | PROTO_SCTP] = "tcp+udp+sctp",
	};

	return names[protocols];
}

char *format_target(const struct ports *ports, unsigned int protocols)
{
	_free_ char *list = NULL;
	char *text;

	if (!protocols)
		return strdup("any");
	list = format_ports(ports);
	if (!list || protocols == (PROTO_TCP | PROTO_UDP))
		return steal_pointer(&list);
	return asprintf(&text, "%s/%s", list, format_protocols(protocols)) < 0 ? NULL : text;
}

char *format_duration(unsigned int seconds, char *text)
{
	static const struct {
		unsigned int seconds;
		char name;
	} units[] = {{24 * 60 * 60, 'd'}, {60 * 60, 'h'}, {60, 'm'}, {1, 's'}};
	size_t unit = 0;

	/* The biggest unit that divides it; but people say 60s and 90s, so 1m is not written. */
	while (seconds % units[unit].seconds || (seconds < 120 && units[unit].seconds > 1))
		unit++;
	snprintf(text, DURATION_TEXT_MAX, "%u%c", seconds / units[unit].seconds, units[unit].name);
	return text;
}

char *format_timestamp(__u64 seconds, char *text)
{
	time_t time = seconds;
	struct tm tm;

	gmtime_r(&time, &tm);
	strftime(text, TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return text;
}

char *format_addr(const struct xdpfw_addr *addr, char *text)
{
	bool ipv4 = addr_is_ipv4(addr);

	/* Cannot fail: the family is known and the text is long enough. */
	inet_ntop(ipv4 ? AF_INET : AF_INET6, addr->bytes + (ipv4 ? 12 : 0), text, ADDR_TEXT_MAX);
	return text;
}

char *format_prefix(const struct prefix *prefix, char *text)
{
	unsigned int above = addr_is_ipv4(&prefix->addr) ? 96 : 0;
	size_t length = strlen(format_addr(&prefix->addr, text));

	if (prefix->length < 128)
		snprintf(text + length, ADDR_TEXT_MAX - length, "/%u", prefix->length - above);
	return text;
}
