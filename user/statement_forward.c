// SPDX-License-Identifier: GPL-2.0-only
#include "statement_forward.h"

#include <errno.h>
#include <string.h>

#include "parse_addr.h"
#include "parse_ports.h"
#include "util.h"

/* More than two ports: first what is wrong with an address in it, then that it is too early for it. */
static int refuse_link_address(const char *word, struct error *e)
{
	_free_ char *copy = strndup(word, strcspn(word, "/"));
	char *rest = NULL;

	if (!copy)
		return fail(e, -ENOMEM, "out of memory");
	for (char *part = strtok_r(copy, ":", &rest); part; part = strtok_r(NULL, ":", &rest)) {
		struct xdpfw_addr ignored;
		int err = strchr(part, '.') ? parse_addr(word, part, &ignored, e) : 0;

		if (err)
			return err;
	}
	return fail(e, -EINVAL, "'%s': forwards with addresses are not part of this version", excerpt(word).text);
}

static int parse_link(const char *word, struct forward *forward, struct error *e)
{
	size_t length = strcspn(word, "/"), listen = strcspn(word, ":");
	const char *target = word + listen + 1;
	int err;

	if (listen >= length)
		return fail(e, -EINVAL, "'%s': a forward has two ports; write forward 8080:2988", excerpt(word).text);
	length -= listen + 1;
	if (strpbrk(word, ".[") || memchr(target, ':', length))
		return refuse_link_address(word, e);
	if (strpbrk(word, "-,"))
		return fail(e, -EINVAL, "'%s': forwards of more than one port are not part of this version",
			    excerpt(word).text);
	err = parse_port_part(word, listen, &forward->listen, e);
	if (!err)
		err = parse_port_part(target, length, &forward->target, e);
	if (!err && forward->listen == forward->target)
		err = fail(e, -EINVAL, "'%s': a port cannot be forwarded to itself", excerpt(word).text);
	return err;
}

/* Ports of sctp are not rewritten: its checksum is over the whole packet. */
static int parse_forward_protocol(const char *link, unsigned int *protocols, struct error *e)
{
	const char *protocol = strchr(link, '/');
	unsigned int wanted = PROTO_TCP | PROTO_UDP;

	if (protocol && (parse_protocol(protocol + 1, &wanted, NULL) || wanted == PROTO_SCTP))
		return fail(e, -EINVAL, "'%s': not a protocol of forwards; write tcp or udp",
			    excerpt(protocol + 1).text);
	*protocols = wanted;
	return 0;
}

int parse_forward(struct cursor *cursor, struct statement *s, struct error *e)
{
	const char *link = cursor_next(cursor);
	int err;

	if (!link)
		return fail(e, -EINVAL, "'forward': the ports are missing; write forward 8080:2988");
	err = parse_link(link, &s->forward, e);
	if (!err)
		err = parse_forward_protocol(link, &s->forward.protocols, e);
	return err ? err : cursor_end(cursor, NULL, e);
}
