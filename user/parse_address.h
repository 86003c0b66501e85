/* SPDX-License-Identifier: GPL-2.0-only */
/* The ends of a request, as rules name them. */
#ifndef XDPFW_USER_PARSE_ADDRESS_H
#define XDPFW_USER_PARSE_ADDRESS_H

#include <stdbool.h>

#include "ruleset.h"

/* "any", a prefix, or "@office". The caller frees match->set. */
int parse_address_match(const char *word, struct address_match *match, struct error *e);

/* The name of a set, without the @: letters, digits, '-', '_' and '.', at most 32. */
int check_set_name(const char *name, struct error *e);

/* Does a target begin with an address? It has dots or brackets or, IPv6, more than one colon; "http:80" is a host to
 * most people. */
bool is_address_word(const char *word);

/*
 * "203.0.113.9:22,80/tcp", "[2001:db8::1]:22", or an address or prefix alone: then @protocols is 0, for every protocol,
 * and @ports stays empty.
 */
int parse_address_target(const char *word, struct prefix *addr, struct ports *ports, unsigned int *protocols,
			 struct error *e);

#endif
