/* SPDX-License-Identifier: GPL-2.0-only */
/* ICMP and ICMPv6 as the target of a rule. */
#ifndef XDPFW_USER_PARSE_ICMP_H
#define XDPFW_USER_PARSE_ICMP_H

#include "ruleset.h"

/* Does this word speak of ICMP, rightly or wrongly? */
bool is_icmp_word(const char *word);

/*
 * "icmp", "icmp4/8", "icmp6/packet-too-big". A name without a family means every
 * family that has it; a number needs one. Fills what of @rule speaks of ICMP, and `match`.
 */
int parse_icmp(const char *word, struct rule *rule, struct error *e);

/* The inverse, with names where there are some; a new string, NULL without memory. */
char *format_icmp(const struct rule *rule);
const char *format_icmp_families(unsigned int families); /* "icmp", "icmp4", "icmp6" */

#endif
