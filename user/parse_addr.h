/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses as part of a longer word. */
#ifndef XDPFW_USER_PARSE_ADDR_H
#define XDPFW_USER_PARSE_ADDR_H

#include <stdbool.h>

#include "parse.h"

/* One address without length or brackets. Messages name @word, of which @text is a part. */
int parse_addr(const char *word, const char *text, struct xdpfw_addr *addr, struct error *e);

bool addr_is_ipv4(const struct xdpfw_addr *addr);

/* As the kernel writes it. False, and @to is zero, if there is none (NULL) or of another family. */
struct sockaddr;
bool addr_from_sockaddr(const struct sockaddr *from, struct xdpfw_addr *to);

#endif
