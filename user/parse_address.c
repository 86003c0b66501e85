// SPDX-License-Identifier: GPL-2.0-only
#include "parse_address.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "parse_addr.h"
#include "parse_ports.h"
#include "util.h"

#define LONGEST_SET_NAME 32

int check_set_name(const char *name, struct error *e)
{
	size_t length = strlen(name);

	if (!length)
		return fail(e, -EINVAL, "'@': the name of the set is missing; write @office");
	if (length > LONGEST_SET_NAME)
		return fail(e, -EINVAL, "'%s': names of sets have at most %d characters", excerpt(name).text,
			    LONGEST_SET_NAME);
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && (!i || !strchr("-_.", name[i])))
			return fail(
				e, -EINVAL,
				"'%s': not a name of a set; it has letters and digits and, behind the first, '-', '_' "
				"and '.'",
				excerpt(name).text);
	return 0;
}

static int parse_set(const char *name, struct address_match *match, struct error *e)
{
	int err = check_set_name(name, e);
	char *copy = err ? NULL : strdup(name);

	if (err)
		return err;
	if (!copy)
		return fail(e, -ENOMEM, "out of memory");
	*match = (struct address_match){.kind = ADDRESS_SET, .set = copy};
	return 0;
}

int parse_address_match(const char *word, struct address_match *match, struct error *e)
{
	struct address_match parsed = {.kind = ADDRESS_PREFIX};
	int err;

	if (*word == '@')
		return parse_set(word + 1, match, e);
	if (!strcmp(word, "any")) {
		*match = (struct address_match){.kind = ADDRESS_ANY};
		return 0;
	}
	err = parse_prefix(word, &parsed.prefix, NULL, e);
	if (!err)
		*match = parsed;
	return err;
}

bool is_address_word(const char *word)
{
	size_t length = strcspn(word, "/");
	const char *colon = memchr(word, ':', length);

	if (memchr(word, '.', length) || *word == '[')
		return true;
	return colon && !memchr(word, ',', length) &&
	       (memchr(colon + 1, ':', length - (colon + 1 - word)) || isalpha((unsigned char)*word));
}

/* @ports is what follows the colon behind the address, with a protocol or without. */
static int parse_ports_of(const char *word, const char *ports_text, struct ports *ports, unsigned int *protocols,
			  struct error *e)
{
	unsigned int wanted = PROTO_TCP | PROTO_UDP;
	int err = parse_protocol_suffix(word, &wanted, e);

	if (!err)
		err = parse_port_list(ports_text, strcspn(ports_text, "/"), false, ports, e);
	if (!err)
		*protocols = wanted;
	return err;
}

static int parse_endpoint(const char *word, const char *addr, const char *ports_text, struct prefix *prefix,
			  struct ports *ports, unsigned int *protocols, struct error *e)
{
	struct prefix parsed = {.length = 128};
	int err = parse_addr(word, addr, &parsed.addr, e);

	if (!err)
		err = parse_ports_of(word, ports_text, ports, protocols, e);
	if (!err)
		*prefix = parsed;
	return err;
}

int parse_address_target(const char *word, struct prefix *addr, struct ports *ports, unsigned int *protocols,
			 struct error *e)
{
	bool brackets = *word == '[';
	_free_ char *copy = strdup(word + brackets);
	char *end;
	int err;

	if (!copy)
		return fail(e, -ENOMEM, "out of memory");
	end = strpbrk(copy, brackets ? "]" : ":");
	if (!end && brackets)
		return fail(e, -EINVAL, "'%s': ']' is missing; write it as [2001:db8::1]:22", excerpt(word).text);
	if (brackets && end[1] != ':')
		return fail(e, -EINVAL, "'%s': brackets are for an address with a port, as [2001:db8::1]:22",
			    excerpt(word).text);
	if (brackets || (end && !strchr(end + 1, ':'))) {
		*end = '\0';
		return parse_endpoint(word, copy, end + 1 + brackets, addr, ports, protocols, e);
	}
	err = parse_prefix(word, addr, NULL, e);
	if (!err)
		*protocols = 0;
	return err;
}
