// SPDX-License-Identifier: GPL-2.0-only
/* The target of a rule: ports or a service, with or without a protocol, or "any". */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "parse_address.h"
#include "parse_ip_protocol.h"
#include "parse_ports.h"
#include "parse_services.h"
#include "util.h"

/* A word taken apart at its first slash. */
struct target_word {
	const char *whole;
	const char *name;     /* before the slash */
	const char *protocol; /* behind it, NULL if there is none */
};

static bool has_letters(const char *text)
{
	for (; *text; text++)
		if (isalpha((unsigned char)*text))
			return true;
	return false;
}

static int parse_service(const struct target_word *word, const struct service *service, struct ports *ports,
			 unsigned int *protocols, struct error *e)
{
	unsigned int usual = service->protocols & (PROTO_TCP | PROTO_UDP);
	unsigned int wanted = usual ? usual : service->protocols;
	int err = parse_protocol_suffix(word->whole, &wanted, e);
	__u16 port;

	if (err)
		return err;
	if (wanted & ~service->protocols)
		return fail(e, -EINVAL, "'%s': /etc/services has %s for %s only; write %u/%s",
			    excerpt(word->whole).text, excerpt(word->name).text, format_protocols(service->protocols),
			    service_port(service, service->protocols), word->protocol);
	if (wanted == (PROTO_TCP | PROTO_UDP) && service->tcp_port != service->udp_port)
		return fail(e, -EINVAL, "'%s': its ports for tcp and udp differ; write %s/tcp or %s/udp",
			    excerpt(word->whole).text, excerpt(word->name).text, excerpt(word->name).text);
	port = service_port(service, wanted);
	err = ports_of_range(port, port, ports, e);
	if (!err)
		*protocols = wanted;
	return err;
}

/* "8080:2988" is a range to ufw and a forward to xdpfw: only a protocol tells, and the order. */
static int refuse_colon(const struct target_word *word, __u16 first, __u16 last, struct error *e)
{
	const char *slash = word->protocol ? "/" : "", *protocol = word->protocol ? word->protocol : "";
	struct excerpt whole = excerpt(word->whole);

	if (first == last)
		return fail(e, -EINVAL, "'%s': the same port twice; write %u%s%s", whole.text, first, slash, protocol);
	return fail(e, -EINVAL, "'%s': not a target; did you mean 'forward %s', or the range %u-%u%s%s?", whole.text,
		    whole.text, first < last ? first : last, first < last ? last : first, slash, protocol);
}

/* A:B, alone or in a list. It is a range only with a protocol and ascending. */
static int check_colon(const struct target_word *word, struct error *e)
{
	const char *colon = strchr(word->name, ':');
	__u16 first, last;
	int err;

	if (!colon)
		return 0;
	if (strchr(word->name, ','))
		return word->protocol ? 0
				      : fail(e, -EINVAL, "'%s': ranges of a list are written 8000-8010",
					     excerpt(word->whole).text);
	err = parse_port_part(word->name, colon - word->name, &first, e);
	if (!err)
		err = parse_port(colon + 1, &last, e);
	if (!err && (!word->protocol || first >= last))
		err = refuse_colon(word, first, last, e);
	return err;
}

static int parse_numbers(const struct target_word *word, struct ports *ports, unsigned int *protocols, struct error *e)
{
	unsigned int wanted = PROTO_TCP | PROTO_UDP;
	int err = parse_protocol_suffix(word->whole, &wanted, e);

	if (!err)
		err = check_colon(word, e);
	if (!err)
		err = parse_port_list(word->name, strlen(word->name), true, ports, e);
	if (!err)
		*protocols = wanted;
	return err;
}

static int refuse_name(const struct target_word *word, struct error *e)
{
	struct excerpt shown = excerpt(word->whole);
	__u8 ignored;

	if (!word->protocol && !parse_ip_protocol(word->name, &ignored, NULL))
		return fail(e, -EINVAL, "'%s': a protocol, neither ports nor a service; write proto %s", shown.text,
			    shown.text);
	return fail(e, -EINVAL, "'%s': neither ports nor a service of /etc/services nor 'any'", shown.text);
}

static int parse_name_or_number(const struct target_word *word, struct ports *ports, unsigned int *protocols,
				struct error *e)
{
	struct service service = {0};
	int err = has_letters(word->name) ? service_find(word->name, &service) : 0;

	if (err)
		return fail(e, err, "out of memory");
	if (service.protocols)
		return parse_service(word, &service, ports, protocols, e);
	if (is_address_word(word->whole))
		return fail(e, -EINVAL, "'%s': an address; ports or a service are wanted here",
			    excerpt(word->whole).text);
	if (isalpha((unsigned char)*word->name) && !strchr(word->name, ','))
		return refuse_name(word, e);
	return parse_numbers(word, ports, protocols, e);
}

int parse_target(const char *word, struct ports *ports, unsigned int *protocols, struct error *e)
{
	_free_ char *name = strdup(word);
	struct target_word target = {word, name, NULL};
	char *slash;

	if (!name)
		return fail(e, -ENOMEM, "out of memory");
	slash = strchr(name, '/');
	if (slash) {
		*slash = '\0';
		target.protocol = slash + 1;
	}
	if (strcmp(name, "any"))
		return parse_name_or_number(&target, ports, protocols, e);
	if (slash)
		return fail(e, -EINVAL, "'%s': 'any' takes no protocol; write proto tcp, proto udp or proto sctp",
			    excerpt(word).text);
	*ports = (struct ports){0};
	*protocols = 0;
	return 0;
}
