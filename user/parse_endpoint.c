// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "parse_endpoint.h"

#include <errno.h>
#include <string.h>

#include "parse_addr.h"
#include "parse_ports.h"
#include "util.h"

static int refuse(const char *word, struct error *e)
{
	return fail(e, -EINVAL, "'%s': not an endpoint; write 192.0.2.1:22, [2001:db8::1]:22, :22 or an address",
		    excerpt(word).text);
}

/* Where the address ends; *@port is what follows its colon, NULL if there is none. More colons are an IPv6 address. */
static const char *split(const char *word, const char **port)
{
	const char *colon = strchr(word, ':'), *bracket = strchr(word, ']');

	*port = NULL;
	if (*word == '[') {
		if (bracket && bracket[1] == ':')
			*port = bracket + 2;
		return bracket && (*port || !bracket[1]) ? bracket : NULL;
	}
	if (!colon || strchr(colon + 1, ':'))
		return word + strlen(word);
	*port = colon + 1;
	return colon;
}

int parse_endpoint(const char *word, struct endpoint *endpoint, struct error *e)
{
	const char *begin = *word == '[' ? word + 1 : word, *port, *end = split(word, &port);
	_free_ char *text = end ? strndup(begin, end - begin) : NULL;
	struct endpoint parsed = {};
	int err = 0;

	if (!end || !*word || (begin > word && !memchr(begin, ':', end - begin)))
		return refuse(word, e);
	if (!text)
		return fail(e, -ENOMEM, "out of memory");
	if (*text) {
		parsed.has_addr = true;
		err = parse_addr(word, text, &parsed.addr, e);
	}
	if (!err && port) {
		parsed.has_port = true;
		err = parse_port_part(port, strlen(port), &parsed.port, e);
	}
	if (!err)
		*endpoint = parsed;
	return err;
}
