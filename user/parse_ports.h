/* SPDX-License-Identifier: GPL-2.0-only */
/* Ports and protocols as part of a longer word. */
#ifndef XDPFW_USER_PARSE_PORTS_H
#define XDPFW_USER_PARSE_PORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "parse.h"

int parse_port_part(const char *text, size_t length, __u16 *port, struct error *e);

/* "22" or "6000-6010". */
int parse_port_range(const char *text, size_t length, struct port_range *range, struct error *e);

/* @colon: "6000:6010" is a range too, as ufw writes it. */
int parse_port_list(const char *text, size_t length, bool colon, struct ports *ports, struct error *e);

/* One range; 0 or -ENOMEM. */
int ports_of_range(__u16 first, __u16 last, struct ports *ports, struct error *e);

/* "/tcp" at the end of @word; without it, @protocols stays as it is. */
int parse_protocol_suffix(const char *word, unsigned int *protocols, struct error *e);

#endif
