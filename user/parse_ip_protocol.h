/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IP protocols by name and number. Rules files must mean the same on every host, so
 * only the names of a list of our own are written; those of /etc/protocols are read.
 */
#ifndef XDPFW_USER_PARSE_IP_PROTOCOL_H
#define XDPFW_USER_PARSE_IP_PROTOCOL_H

#include "error.h"
#include "xdpfw/addr.h"

/* "gre", "47". What is no protocol but a header that IPv6 has in front of one is refused. */
int parse_ip_protocol(const char *word, __u8 *protocol, struct error *e);

#define IP_PROTOCOL_TEXT_MAX 16
/* "gre", or "251" where we have no name. Into @text, of IP_PROTOCOL_TEXT_MAX bytes; returns @text. */
char *format_ip_protocol(__u8 protocol, char *text);

#endif
