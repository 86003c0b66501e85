/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Leaf parsers: one word in, one value out, with a message that names the bad
 * word and the right form. Arguments and rules files share them.
 *
 * All return 0 or -EINVAL (with @e filled) and touch their result only on
 * success. Ports are in host byte order.
 */
#ifndef XDPFW_USER_PARSE_H
#define XDPFW_USER_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "xdpfw/addr.h"

/* Protocols with ports, as a set. 0 means every protocol, with and without ports. */
enum protocols {
	PROTO_TCP = 1 << 0,
	PROTO_UDP = 1 << 1,
	PROTO_SCTP = 1 << 2,
};

struct port_range {
	__u16 first;
	__u16 last; /* inclusive */
};

/* Ports in canonical form: ascending, neither overlapping nor adjacent. */
struct ports {
	struct port_range *ranges;
	size_t count;
};

/* An address prefix; length counts the bits of the 16-byte form: 203.0.113.0/24 has length 120. */
struct prefix {
	struct xdpfw_addr addr;
	__u8 length;
};

int parse_port(const char *word, __u16 *port, struct error *e);

/* "22", "6000-6010", "80,443,8000-8010". The caller frees with ports_free(). */
int parse_ports(const char *word, struct ports *ports, struct error *e);
void ports_free(struct ports *ports);
bool ports_equal(const struct ports *a, const struct ports *b);

/* "tcp", "udp" or "sctp". */
int parse_protocol(const char *word, unsigned int *protocols, struct error *e);

/*
 * The target of a rule: PORTS[/PROTO], SERVICE[/PROTO], "any".
 * Ports without a protocol mean tcp and udp. So does a service, as far as
 * /etc/services has it for them; sctp is meant where it is named, or the only one.
 * "any" means every protocol and leaves @ports empty.
 */
int parse_target(const char *word, struct ports *ports, unsigned int *protocols, struct error *e);

/*
 * "203.0.113.9", "203.0.113.0/24", "2001:db8::/32". Host bits beyond the length are
 * cleared and *@normalised (may be NULL) set. v4-mapped addresses, zones and host names are refused.
 */
int parse_prefix(const char *word, struct prefix *prefix, bool *normalised, struct error *e);
bool prefix_equal(const struct prefix *a, const struct prefix *b);

/* N[smhdw] into seconds. */
int parse_duration(const char *word, unsigned int *seconds, struct error *e);

/* Formatters, the inverse of the parsers. Each returns a new string, NULL without memory. */
char *format_ports(const struct ports *ports);
char *format_target(const struct ports *ports, unsigned int protocols); /* "any", "22", "25/tcp" */
const char *format_protocols(unsigned int protocols);                   /* "tcp+udp", "sctp", "any" */

#define DURATION_TEXT_MAX 16
/* Into @text, which holds DURATION_TEXT_MAX bytes; returns @text. */
char *format_duration(unsigned int seconds, char *text);

#define TIME_TEXT_MAX sizeof("2026-11-25T18:00:00Z")
/* Unix seconds as RFC 3339 in UTC, into @text, which holds TIME_TEXT_MAX bytes; returns @text. */
char *format_timestamp(__u64 seconds, char *text);

#define ADDR_TEXT_MAX 64
/* Into @text, which holds ADDR_TEXT_MAX bytes; returns @text. */
char *format_addr(const struct xdpfw_addr *addr, char *text);
char *format_prefix(const struct prefix *prefix, char *text); /* no "/32" or "/128" */

#endif
