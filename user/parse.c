// SPDX-License-Identifier: GPL-2.0-only
/* The leaf parsers that are too small for a file of their own. */
#include "parse.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "parse_number.h"
#include "parse_ports.h"

int parse_protocol(const char *word, unsigned int *protocols, struct error *e)
{
	if (!strcmp(word, "tcp"))
		*protocols = PROTO_TCP;
	else if (!strcmp(word, "udp"))
		*protocols = PROTO_UDP;
	else if (!strcmp(word, "sctp"))
		*protocols = PROTO_SCTP;
	else
		return fail(e, -EINVAL, "'%s': not a protocol with ports; write tcp, udp or sctp", excerpt(word).text);
	return 0;
}

int parse_protocol_suffix(const char *word, unsigned int *protocols, struct error *e)
{
	const char *slash = strchr(word, '/');

	if (!slash)
		return 0;
	if (!slash[1])
		return fail(e, -EINVAL, "'%s': the protocol is missing; write tcp, udp or sctp", excerpt(word).text);
	return parse_protocol(slash + 1, protocols, e);
}

/* Seconds of a unit; a number alone is in seconds. 0: no such unit. */
static unsigned long unit_seconds(const char *unit)
{
	if (!*unit)
		return 1;
	if (unit[1])
		return 0;
	switch (*unit) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 60 * 60;
	case 'd':
		return 24 * 60 * 60;
	case 'w':
		return 7 * 24 * 60 * 60;
	default:
		return 0;
	}
}

int parse_duration(const char *word, unsigned int *seconds, struct error *e)
{
	size_t digits = strspn(word, "0123456789");
	unsigned long unit = unit_seconds(word + digits), value = 0;

	if (!digits || !unit)
		return fail(e, -EINVAL, "'%s': not a duration; write a number and s, m, h, d or w, as 90s or 1h",
			    excerpt(word).text);
	switch (parse_number(word, digits, UINT_MAX / unit, &value)) {
	case NUMBER_TOO_BIG:
		return fail(e, -EINVAL, "'%s': too long; a duration is at most 7101w", excerpt(word).text);
	case NUMBER_LEADING_ZERO:
		return fail(e, -EINVAL, "'%s': a duration has no leading zeros", excerpt(word).text);
	default:
		break;
	}
	if (!value)
		return fail(e, -EINVAL, "'%s': a duration is at least 1 second", excerpt(word).text);
	*seconds = value * unit;
	return 0;
}
