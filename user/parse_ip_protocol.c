// SPDX-License-Identifier: GPL-2.0-only
#include "parse_ip_protocol.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "parse_number.h"
#include "util.h"

/* IANA's numbers, under the names that /etc/protocols has for them; of two for a number the first is written. */
static const struct {
	const char *name;
	__u8 number;
} protocols[] = {
	{"icmp", IPPROTO_ICMP},
	{"igmp", IPPROTO_IGMP},
	{"ipencap", IPPROTO_IPIP},
	{"tcp", IPPROTO_TCP},
	{"udp", IPPROTO_UDP},
	{"dccp", IPPROTO_DCCP},
	{"ipv6", IPPROTO_IPV6},
	{"rsvp", IPPROTO_RSVP},
	{"gre", IPPROTO_GRE},
	{"esp", IPPROTO_ESP},
	{"ah", IPPROTO_AH},
	{"ipv6-icmp", IPPROTO_ICMPV6},
	{"icmpv6", IPPROTO_ICMPV6}, /* as nft and ip6tables say */
	{"ipv6-nonxt", IPPROTO_NONE},
	{"eigrp", 88},
	{"ospf", 89},
	{"etherip", 97},
	{"pim", IPPROTO_PIM},
	{"ipcomp", IPPROTO_COMP},
	{"vrrp", 112},
	{"l2tp", 115},
	{"isis", 124},
	{"sctp", IPPROTO_SCTP},
	{"udplite", IPPROTO_UDPLITE},
	{"mpls-in-ip", IPPROTO_MPLS},
	{"hip", 139},
};

static bool find_protocol(const char *name, __u8 *protocol)
{
	const struct protoent *found;

	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (!strcmp(protocols[i].name, name)) {
			*protocol = protocols[i].number;
			return true;
		}
	}
	found = getprotobyname(name);
	/* Not every line is of a protocol: mptcp has 262. */
	if (!found || found->p_proto < 0 || found->p_proto > UINT8_MAX)
		return false;
	*protocol = found->p_proto;
	return true;
}

static int parse_protocol_number(const char *word, __u8 *protocol, struct error *e)
{
	unsigned long value = 0;
	size_t length = strlen(word);
	const char *digits;

	switch (parse_number(word, length, UINT8_MAX, &value)) {
	case NUMBER_TOO_BIG:
		return fail(e, -EINVAL, "'%s': protocols are 0..255", excerpt(word).text);
	case NUMBER_LEADING_ZERO:
		digits = skip_zeros(word, &length);
		return fail(e, -EINVAL, "'%s': a protocol has no leading zeros; write %s", excerpt(word).text, digits);
	default:
		*protocol = value;
		return 0;
	}
}

/* The data path looks behind these, so a rule for one would be a rule for nothing. */
static bool is_extension_header(__u8 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_FRAGMENT ||
	       protocol == IPPROTO_DSTOPTS;
}

int parse_ip_protocol(const char *word, __u8 *protocol, struct error *e)
{
	__u8 parsed = 0;
	int err = 0;

	if (!strcmp(word, "ip") || !strcmp(word, "all") || !strcmp(word, "any"))
		return fail(e, -EINVAL, "'%s': not one protocol; for every protocol write any, without proto", word);
	if (all_digits(word, strlen(word)))
		err = parse_protocol_number(word, &parsed, e);
	else if (!find_protocol(word, &parsed))
		err = fail(e, -EINVAL,
			   "'%s': not a protocol; write a name of /etc/protocols, as gre, or a number, 0..255",
			   excerpt(word).text);
	if (err)
		return err;
	if (is_extension_header(parsed))
		return fail(e, -EINVAL, "'%s': an IPv6 extension header; rules are for the protocol behind it",
			    excerpt(word).text);
	*protocol = parsed;
	return 0;
}

char *format_ip_protocol(__u8 protocol, char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		if (protocols[i].number == protocol)
			return strcpy(text, protocols[i].name);
	sprintf(text, "%u", protocol);
	return text;
}
