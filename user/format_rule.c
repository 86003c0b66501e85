// SPDX-License-Identifier: GPL-2.0-only
/* What a rule is about, as text: canonical, for the id, for JSON. */
#define _GNU_SOURCE 1 /* asprintf() */
#include <stdio.h>
#include <string.h>

#include "parse_icmp.h"
#include "parse_ip_protocol.h"
#include "statement.h"
#include "util.h"

char *rule_target_text(const struct rule *rule)
{
	char protocol[IP_PROTOCOL_TEXT_MAX], *text;

	switch (rule->match) {
	case MATCH_PORTS:
		return format_target(&rule->ports, rule->protocols);
	case MATCH_PROTOCOL:
		return asprintf(&text, "proto %s", format_ip_protocol(rule->protocol, protocol)) < 0 ? NULL : text;
	case MATCH_ICMP:
		return format_icmp(rule);
	default:
		return strdup("any");
	}
}

/* Numbers where the canonical text has names, because lists of names grow. */
static char *icmp_match_text(const struct rule *rule)
{
	const __u8 *type = rule->icmp_type;
	char *text;
	int size;

	if (!rule->has_icmp_type)
		return strdup(format_icmp_families(rule->icmp_families));
	if (rule->icmp_families == (ICMP_V4 | ICMP_V6))
		size = asprintf(&text, "icmp4/%u+icmp6/%u", type[0], type[1]);
	else
		size = asprintf(&text, "%s/%u", format_icmp_families(rule->icmp_families),
				type[rule->icmp_families == ICMP_V6]);
	return size < 0 ? NULL : text;
}

static char *target_match_text(const struct rule *rule)
{
	char *text;

	switch (rule->match) {
	case MATCH_PROTOCOL:
		return asprintf(&text, "proto %u", rule->protocol) < 0 ? NULL : text;
	case MATCH_ICMP:
		return icmp_match_text(rule);
	default:
		return rule_target_text(rule);
	}
}

char *rule_match_text(const struct rule *rule)
{
	_free_ char *target = target_match_text(rule);
	char *text;

	if (!target || asprintf(&text, "%s %s", dir_name(rule->dir), target) < 0)
		return NULL;
	return text;
}

char *rule_protocol_text(const struct rule *rule)
{
	char text[IP_PROTOCOL_TEXT_MAX];

	switch (rule->match) {
	case MATCH_PORTS:
		return strdup(format_protocols(rule->protocols));
	case MATCH_PROTOCOL:
		return strdup(format_ip_protocol(rule->protocol, text));
	case MATCH_ICMP:
		return strdup(format_icmp_families(rule->icmp_families));
	default:
		return strdup("any");
	}
}

char *rule_ports_text(const struct rule *rule)
{
	return rule->match == MATCH_PORTS ? format_ports(&rule->ports) : strdup("any");
}
